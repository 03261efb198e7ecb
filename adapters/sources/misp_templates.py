"""Templates of MISP objects: what each becomes, and which relation which property.

After MISP's own converter; an object of a template that is not here is taken apart.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from adapters.sources.misp_values import (
    Reader,
    address,
    domain,
    host,
    mail_address,
    plain,
)


class Template(NamedTuple):
    """What an object of one template becomes.

    Attributes:
        members: Relation -> property, with a mark of `misp_objects.CONVERT` behind it, and `*` in
            front of it if the property is a list.
        refs: Relation -> property that refers to an observable (a `*` in front if to
            several), and how to read that.
        constant: What is always there.
        hashes: Relations named like a hash are one.
    """

    kind: str
    members: dict[str, str]
    refs: Mapping[str, tuple[str, Reader]] = MappingProxyType({})
    constant: Mapping[str, Any] = MappingProxyType({})
    hashes: bool = False


_TRAFFIC: Final = {
    "dst-port": "dst_port:",
    "src-port": "src_port:",
    "protocol": "*protocols~",
    "layer3-protocol": "*protocols~",
    "layer4-protocol": "*protocols~",
    "layer7-protocol": "*protocols~",
    "first-seen": "start@",
    "last-seen": "end@",
    "first-packet-seen": "start@",
    "last-packet-seen": "end@",
    "byte-count": "src_byte_count#",
    "packet-count": "src_packets#",
    "src-bytes-count": "src_byte_count#",
    "dst-bytes-count": "dst_byte_count#",
    "src-packets-count": "src_packets#",
    "dst-packets-count": "dst_packets#",
}
_ENDS: Final[dict[str, tuple[str, Reader]]] = {
    "ip": ("dst_ref", address),
    "ip-dst": ("dst_ref", address),
    "hostname-dst": ("dst_ref", domain),
    "domain": ("dst_ref", host),
    "hostname": ("dst_ref", host),
    "ip-src": ("src_ref", address),
    "hostname-src": ("src_ref", domain),
}
_CONNECTION: Final = Template("network-traffic", _TRAFFIC, _ENDS)


def _account(kind: str, **members: str) -> Template:
    # Relations have hyphens, keywords of Python underscores.
    known = {name.replace("_", "-"): prop for name, prop in members.items()}
    constant = {"account_type": kind} if kind else {}
    return Template("user-account", known, constant=constant)


OBSERVABLES: Final[dict[str, Template]] = {
    "asn": Template("autonomous-system", {"asn": "number#", "description": "name"}),
    "credential": _account("", username="account_login"),
    "directory": Template("directory", {"path": "path", "path-encoding": "path_enc"}),
    "domain-ip": Template("domain-name", {}, {"ip": ("*resolves_to_refs", address)}),
    "email": Template(
        "email-message",
        {
            "email-body": "body",
            "header": "*received_lines",
            "message-id": "message_id",
            "send-date": "date@",
            "subject": "subject",
        },
        {
            "from": ("from_ref", mail_address),
            "to": ("*to_refs", mail_address),
            "cc": ("*cc_refs", mail_address),
            "bcc": ("*bcc_refs", mail_address),
        },
        {"is_multipart": False},
    ),
    "facebook-account": _account(
        "facebook", account_id="user_id", account_name="account_login"
    ),
    "file": Template(
        "file",
        {
            "filename": "name",
            "file-encoding": "name_enc",
            "mimetype": "mime_type",
            "mime-type": "mime_type",
            "size-in-bytes": "size#",
            "access-time": "atime@",
            "creation-time": "ctime@",
            "modification-time": "mtime@",
        },
        {"path": ("parent_directory_ref", plain("directory", "path"))},
        hashes=True,
    ),
    "github-user": _account(
        "github", id="user_id", user_fullname="display_name", username="account_login"
    ),
    "gitlab-user": _account(
        "gitlab", id="user_id", name="display_name", username="account_login"
    ),
    "instagram-account": _account(
        "instagram", account_id="user_id", account_name="account_login"
    ),
    "ip-port": _CONNECTION,
    "mutex": Template("mutex", {"name": "name"}),
    "netflow": _CONNECTION,
    "network-connection": _CONNECTION,
    "network-socket": _CONNECTION,
    "parler-account": _account(
        "parler", account_id="user_id", account_name="account_login"
    ),
    "pe": Template("file", {}, hashes=True),
    "process": Template(
        "process",
        {
            "command-line": "command_line",
            "creation-time": "created_time@",
            "current-directory": "cwd",
            "hidden": "is_hidden?",
            "pid": "pid#",
        },
        {"image": ("image_ref", plain("file", "name"))},
    ),
    "reddit-account": _account(
        "reddit", account_id="user_id", account_name="account_login"
    ),
    "registry-key": Template(
        "windows-registry-key",
        {"key": "key", "last-modified": "modified_time@"},
    ),
    "telegram-account": _account("telegram", id="user_id", username="account_login"),
    "twitter-account": _account(
        "twitter", displayed_name="display_name", id="user_id", name="account_login"
    ),
    "url": Template("url", {"url": "value"}),
    "user-account": Template(
        "user-account",
        {
            "account-type": "account_type",
            "can_escalate_privs": "can_escalate_privs?",
            "created": "account_created@",
            "disabled": "is_disabled?",
            "display-name": "display_name",
            "expires": "account_expires@",
            "first_login": "account_first_login@",
            "is_service_account": "is_service_account?",
            "last_login": "account_last_login@",
            "password_last_changed": "credential_last_changed@",
            "privileged": "is_privileged?",
            "user-id": "user_id",
            "username": "account_login",
        },
    ),
    "x509": Template(
        "x509-certificate",
        {
            "issuer": "issuer",
            "pubkey-info-algorithm": "subject_public_key_algorithm",
            "pubkey-info-exponent": "subject_public_key_exponent#",
            "pubkey-info-modulus": "subject_public_key_modulus",
            "self_signed": "is_self_signed?",
            "serial-number": "serial_number",
            "signature_algorithm": "signature_algorithm",
            "subject": "subject",
            "validity-not-after": "validity_not_after@",
            "validity-not-before": "validity_not_before@",
            "version": "version",
        },
        hashes=True,
    ),
}
OBSERVABLES["domain|ip"] = OBSERVABLES["domain-ip"]
OBSERVABLES["ip|port"] = OBSERVABLES["ip-port"]

DOMAIN_OBJECTS: Final[dict[str, Template]] = {
    "attack-pattern": Template(
        "attack-pattern", {"name": "name", "summary": "description"}
    ),
    "course-of-action": Template(
        "course-of-action", {"name": "name", "description": "description"}
    ),
    "geolocation": Template(
        "location",
        {
            "address": "street_address",
            "city": "city",
            "countrycode": "country",
            "region": "region",
            "text": "description",
            "zipcode": "postal_code",
        },
    ),
    "identity": Template(
        "identity",
        {
            "description": "description",
            "identity_class": "identity_class~",
            "name": "name",
            "roles": "*roles",
            "sectors": "*sectors~",
        },
    ),
    "intrusion-set": Template(
        "intrusion-set",
        {
            "aliases": "*aliases",
            "description": "description",
            "first_seen": "first_seen@",
            "goals": "*goals",
            "last_seen": "last_seen@",
            "name": "name",
            "primary-motivation": "primary_motivation",
            "resource_level": "resource_level",
            "secondary-motivation": "*secondary_motivations",
        },
    ),
    "legal-entity": Template(
        "identity",
        {"business": "*sectors", "name": "name", "text": "description"},
        constant={"identity_class": "organization"},
    ),
    "malware": Template(
        "malware",
        {
            "alias": "*aliases",
            "architecture_execution_env": "*architecture_execution_envs",
            "capability": "*capabilities",
            "description": "description",
            "first_seen": "first_seen@",
            "implementation_language": "*implementation_languages",
            "is_family": "is_family?",
            "last_seen": "last_seen@",
            "malware_type": "*malware_types",
            "name": "name",
        },
    ),
    "news-agency": Template(
        "identity", {"name": "name"}, constant={"identity_class": "organization"}
    ),
    "organization": Template(
        "identity",
        {"description": "description", "name": "name", "role": "*roles"},
        constant={"identity_class": "organization"},
    ),
    "victim": Template(
        "identity",
        {
            "classification": "identity_class~",
            "description": "description",
            "name": "name",
            "roles": "*roles",
            "sectors": "*sectors~",
        },
    ),
    "vulnerability": Template(
        "vulnerability",
        {"id": "name", "description": "description", "summary": "description"},
    ),
}
"""Templates of what is no observable."""

PERSONS: Final = frozenset(
    {
        "bank-account", "credit-card", "employee", "passport", "person", "phone",
        "travel-document",
    }
)  # fmt: skip
"""Templates of data of persons: left out whole."""
ORGANISATION_CLASSES: Final = frozenset({"class", "group", "organization", "system"})
"""An identity of another class may be a person's."""
NOTED: Final = frozenset({"elf-section", "macho-section", "pe-section"})
"""Templates whose attributes are not what their types say: hashes of parts of files."""
SECRETS: Final = frozenset(
    {"api-key", "basicauth-password", "cookie", "password", "proxy-password"}
)
"""Relations of what opens something to whoever reads it: left out."""
