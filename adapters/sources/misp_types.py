"""The attribute types of MISP: what each one becomes.

Every type of MISP's `describeTypes.json` stands in exactly one of the tables. A type
that stands in none is left out: it may be one for data of persons.
"""

from typing import Final

from adapters.sources.misp_values import (
    ALGORITHMS,
    Reader,
    address,
    autonomous_system,
    domain,
    domain_and_address,
    endpoint,
    hashed,
    mail_address,
    named_and_hashed,
    network_card,
    plain,
    registry_key,
    registry_value,
    service,
    software,
    url,
)


def _account(kind: str, name: str = "account_login") -> Reader:
    return plain("user-account", name, account_type=kind)


def _mail(name: str) -> Reader:
    return plain("email-message", name, is_multipart=False)


OBSERVABLES: Final[dict[str, Reader]] = {
    "AS": autonomous_system,
    "cpe": software,
    "dns-soa-email": mail_address,
    "domain": domain,
    "domain|ip": domain_and_address,
    "email": mail_address,
    "email-attachment": plain("file", "name"),
    "email-body": _mail("body"),
    "email-dst": mail_address,
    "email-message-id": _mail("message_id"),
    "email-reply-to": mail_address,
    "email-src": mail_address,
    "email-subject": _mail("subject"),
    "eppn": plain("user-account", "user_id"),
    "filename": plain("file", "name"),
    "github-organisation": _account("github"),
    "github-username": _account("github"),
    "hostname": domain,
    "hostname|port": endpoint("dst"),
    "ip-dst": address,
    "ip-dst|port": endpoint("dst"),
    "ip-src": address,
    "ip-src|port": endpoint("src"),
    "jabber-id": _account("jabber", "user_id"),
    "mac-address": network_card,
    "mutex": plain("mutex", "name"),
    "onion-address": domain,
    "regkey": registry_key,
    "regkey|value": registry_value,
    "target-email": mail_address,
    "target-user": plain("user-account", "account_login"),
    "twitter-id": _account("twitter", "user_id"),
    "uri": url,
    "url": url,
    "windows-service-name": service,
    **{name: hashed(name) for name in ALGORITHMS},
    **{
        f"filename|{name}": named_and_hashed(name)
        for name in ALGORITHMS
        if name not in ("cdhash", "telfhash")
    },
    **{
        f"x509-fingerprint-{name}": hashed(name, "x509-certificate")
        for name in ("md5", "sha1", "sha256")
    },
}
"""Type -> how to read its value as an observable."""

WITH_PAYLOAD: Final[dict[str, Reader]] = {
    "attachment": plain("file", "name"),
    "malware-sample": named_and_hashed("md5"),
}
"""Types with bytes of a file, which are never carried; its name and hash are."""

PATHS: Final[dict[str, str]] = {
    "cpe": "software:cpe",
    "email-attachment": "email-message:body_multipart[*].body_raw_ref.name",
    "email-dst": "email-message:to_refs[*].value",
    "email-reply-to": "email-message:additional_header_fields.'Reply-To'",
    "email-src": "email-message:from_ref.value",
}
"""Type -> what to compare its value with, where the type says more than the observable."""

_HTTP: Final = "network-traffic:extensions.'http-request-ext'"
PATTERNS: Final[dict[str, tuple[str, bool]]] = {
    "http-method": (f"{_HTTP}.request_method", False),
    "mime-type": ("file:mime_type", False),
    "port": ("network-traffic:dst_port", True),
    "size-in-bytes": ("file:size", True),
    "user-agent": (f"{_HTTP}.request_header.'User-Agent'", False),
}
"""Types that can be detected but are no observable alone: path, and whether a number.

Without `to_ids` they are notes.
"""

LANGUAGES: Final[dict[str, str]] = {
    "bro": "zeek",
    "kusto-query": "kql",
    "sigma": "sigma",
    "snort": "snort",
    "stix2-pattern": "stix",
    "suricata": "suricata",
    "yara": "yara",
    "zeek": "zeek",
}
"""Type of a rule -> `pattern_type` (pattern-type-ov, which is open)."""

OBJECTS: Final[dict[str, tuple[str, dict[str, str | bool]]]] = {
    "campaign-name": ("campaign", {}),
    "malware-type": ("malware", {"is_family": False}),
    "target-external": ("identity", {"identity_class": "organization"}),
    "target-machine": ("identity", {"identity_class": "system"}),
    "target-org": ("identity", {"identity_class": "organization"}),
    "threat-actor": ("threat-actor", {}),
    "vulnerability": ("vulnerability", {}),
}
"""Type -> the object that its value names, and what else is known of that."""

LINK: Final = "link"
WEAKNESS: Final = "weakness"
REFERENCES: Final = frozenset({LINK, WEAKNESS})
"""Types that become external references of the report."""

NOTES: Final = frozenset(
    {
        "aba-rtn", "anonymised", "azure-application-id", "bic", "bin", "boolean", "btc",
        "campaign-id", "chrome-extension-id", "comment", "community-id", "cortex",
        "counter", "dash", "datetime", "dkim", "dkim-signature", "dom-hash",
        "edge-extension-id", "email-header", "email-mime-boundary",
        "email-thread-index", "email-x-mailer", "favicon-mmh3", "filename-pattern",
        "float", "gene", "git-commit-id", "github-repository", "hassh-md5",
        "hasshserver-md5", "hex", "integer", "ja3-fingerprint-md5",
        "jarm-fingerprint", "mac-eui-64", "mobile-application-id", "named pipe",
        "other", "pattern-in-file", "pattern-in-memory", "pattern-in-traffic", "pdb",
        "process-state", "prtn", "ssh-fingerprint", "target-location", "text", "uuid",
        "whois-creation-date", "whois-registrant-org", "whois-registrar",
        "windows-scheduled-task", "windows-service-displayname", "xmr",
    }
)  # fmt: skip
"""Types for which STIX has neither an observable nor a pattern: a note says them."""

PERSONS: Final = frozenset(
    {
        "bank-account-nr", "cc-number", "country-of-residence", "date-of-birth",
        "email-dst-display-name", "email-src-display-name", "first-name",
        "frequent-flyer-number", "full-name", "gender", "iban",
        "identity-card-number", "issue-date-of-the-visa", "last-name", "middle-name",
        "nationality", "passenger-name-record-locator-number", "passport-country",
        "passport-expiration", "passport-number", "payment-details", "pgp-public-key",
        "phone-number", "place-of-birth", "place-port-of-clearance",
        "place-port-of-onward-foreign-destination",
        "place-port-of-original-embarkation", "primary-residence", "redress-number",
        "special-service-request", "travel-details", "visa-number",
        "whois-registrant-email", "whois-registrant-name", "whois-registrant-phone",
    }
)  # fmt: skip
"""Types for data of natural persons, or of whom nobody can tell: left out."""

SECRETS: Final = frozenset({"cookie", "pgp-private-key"})
"""Types for what opens something to whoever reads it: left out."""

PERSON_CATEGORIES: Final = frozenset({"Person"})
LOCAL_CATEGORIES: Final = frozenset({"Internal reference"})
"""Categories of which nothing leaves: persons; tickets of the sender's own system."""
