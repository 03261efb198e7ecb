"""What STIX requires of each type; the structs cannot say, as redaction cuts."""

from collections.abc import Set
from typing import Final

from msgspec import UNSET

from schemas.errors import SchemaError
from schemas.stix.core import StixObject
from schemas.stix.incident_suite import is_suite_event
from schemas.stix.takedown import LEGAL_BASIS

_VERSIONED: Final = frozenset({"spec_version", "created", "modified"})

# STIX 2.1, besides type and id; not `extensions` of the incident suite.
_OWN: Final[dict[str, str]] = {
    "attack-action": "name",
    "attack-asset": "name",
    "attack-condition": "description",
    "attack-flow": "name scope start_refs",
    "attack-operator": "operator",
    "attack-pattern": "name",
    "campaign": "name",
    "channel": "name",
    "course-of-action": "name",
    "event": "status",
    "extension-definition": "created_by_ref name schema version extension_types",
    "grouping": "context object_refs",
    "identity": "name",
    "impact": "impact_category",
    "incident": "name",
    "indicator": "pattern pattern_type valid_from",
    "infrastructure": "name",
    "intrusion-set": "name",
    "language-content": "object_ref contents",
    "location": "",
    "malware": "is_family",
    "malware-analysis": "product",
    "narrative": "name",
    "note": "content object_refs",
    "observed-data": "first_observed last_observed number_observed",
    "opinion": "opinion object_refs",
    "relationship": "relationship_type source_ref target_ref",
    "report": "name published object_refs",
    "sighting": "sighting_of_ref",
    "takedown-request": f"{' '.join(LEGAL_BASIS)} object_refs",
    "task": "outcome",
    "threat-actor": "name",
    "tool": "name",
    "vulnerability": "name",
}
_UNVERSIONED: Final[dict[str, str]] = {
    "autonomous-system": "number",
    "directory": "path",
    "domain-name": "value",
    "email-addr": "value",
    "email-message": "is_multipart",
    "ipv4-addr": "value",
    "ipv6-addr": "value",
    "mac-addr": "value",
    "marking-definition": "spec_version created",
    "media-content": "url",
    "mutex": "name",
    "network-traffic": "protocols",
    "software": "name",
    "text": "value",
    "url": "value",
}

REQUIRED: Final[dict[str, frozenset[str]]] = {
    **{kind: _VERSIONED | set(names.split()) for kind, names in _OWN.items()},
    **{kind: frozenset(names.split()) for kind, names in _UNVERSIONED.items()},
}
"""STIX type -> properties without which it is no valid object, besides type and id.

A type that is missing here requires none. `required_of` knows two more rules.
"""

ALTERNATIVES: Final[dict[str, tuple[frozenset[str], ...]]] = {
    kind: tuple(frozenset(names.split("+")) for names in choices.split())
    for kind, choices in {
        "artifact": "payload_bin url",
        "file": "hashes name",
        # The last two are not STIX's: OpenCTI's towns have no country (RRN).
        "location": "region country latitude+longitude administrative_area city",
        "malware-analysis": "result analysis_sco_refs",
        "marking-definition": "definition_type+definition extensions",
        "network-traffic": "src_ref dst_ref",
        "observed-data": "object_refs objects",
        "process": "extensions is_hidden pid created_time cwd command_line "
        "environment_variables opened_connection_refs creator_user_ref image_ref "
        "parent_ref child_refs",
        "user-account": "extensions user_id credential account_login account_type "
        "display_name is_service_account is_privileged can_escalate_privs is_disabled "
        "account_created account_expires credential_last_changed account_first_login "
        "account_last_login",
        "windows-registry-key": "key values modified_time creator_user_ref "
        "number_of_subkeys",
        "x509-certificate": "is_self_signed hashes version serial_number "
        "signature_algorithm issuer validity_not_before validity_not_after subject "
        "subject_public_key_algorithm subject_public_key_modulus "
        "subject_public_key_exponent x509_v3_extensions",
    }.items()
}
"""STIX type -> sets of properties of which one must be there as a whole."""


_ORDERED: Final = {kind: tuple(sorted(names)) for kind, names in REQUIRED.items()}
_OF_THEIR_OWN: Final = ("event", "malware")  # of which `required_of` knows more

NOT_LISTED: Final = frozenset({*ALTERNATIVES, *_OF_THEIR_OWN}) - {"location"}
"""Types of which `REQUIRED` does not say all that they require."""


def required_of(candidate: StixObject) -> frozenset[str]:
    """Name the properties that this very object must have, besides type and id."""
    required = REQUIRED.get(candidate.type, frozenset())
    if candidate.type == "event" and not is_suite_event(candidate):
        return (required - {"status"}) | {"name"}  # OpenCTI's
    if getattr(candidate, "is_family", False) is True:
        return required | {"name"}  # STIX 2.1, Malware: a family has a name
    return required


def missing_property(candidate: StixObject, present: Set[str]) -> str | None:
    """Name a property that STIX requires of *candidate* and *present* lacks.

    The redaction cascade asks with the names it kept: an object that lacks one
    goes altogether. Of alternatives the first is named.
    """
    missing = required_of(candidate) - present
    if missing:
        return min(missing)
    choices = ALTERNATIVES.get(candidate.type, ())
    if choices and not any(choice <= present for choice in choices):
        return min(choices[0])
    return None


def missing_properties(candidate: StixObject) -> list[str]:
    """Name all that STIX requires of *candidate* and it lacks."""
    kind = candidate.type
    names = _ORDERED.get(kind, ())
    if kind in _OF_THEIR_OWN:
        names = tuple(sorted(required_of(candidate)))
    missing = [name for name in names if getattr(candidate, name, UNSET) is UNSET]
    choices = ALTERNATIVES.get(kind)
    if choices is not None and kind != "location":
        # Real senders give regions by name alone; they are withheld later.
        present = _present(candidate)
        if not any(choice <= present for choice in choices):
            missing.append(min(choices[0]))
    return missing


def check_required(candidate: StixObject, where: str = "$") -> None:
    """Refuse an object that lacks what STIX requires.

    Raises:
        SchemaError: `missing-property`, `no-legal-basis`, at the place where it
            should be.
    """
    name = missing_property(candidate, _present(candidate))
    if name is not None:
        raise SchemaError(refusal_of_missing(candidate.type, name), f"{where}.{name}")


def refusal_of_missing(kind: str, name: str) -> str:
    """Give the reason for which a property that is missing refuses an object."""
    is_basis = kind == "takedown-request" and name in LEGAL_BASIS
    return "no-legal-basis" if is_basis else "missing-property"


def _present(candidate: StixObject) -> set[str]:
    return {
        name
        for name in candidate.__struct_fields__
        if getattr(candidate, name) is not UNSET
    }
