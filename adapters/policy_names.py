"""The names a policy may use: types, their properties, their roles, marks. Pure."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

import msgspec

from adapters.policy_file import Role
from schemas import coarse, iep, pap, stix
from schemas.protection import Group
from schemas.stix.core import EXTRA, StixObject
from schemas.stix.disinformation import Disinformation
from schemas.stix.identity_contact import IdentityContact
from schemas.stix.incident_suite import IncidentCore

# Whose they are decides what becomes of them (adapters.roles).
ACCOUNTS: Final = frozenset({"channel", "media-content", "user-account"})
OBSERVED: Final = stix.OBSERVABLE_TYPES - ACCOUNTS
_IDENTITY_ROLES: Final[tuple[Role, ...]] = (
    "issuer", "protected", "individual", "public-role", "organisation",
)  # fmt: skip

MARKS: Final[tuple[str, ...]] = (
    "TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED",
    "PAP:AMBER", "PAP:RED", "IEP:unseen",
    *(f"protect:{group.value}" for group in Group),
    "kind:takedown-request",
)  # fmt: skip
"""Every gate that a policy must state, from the laxest TLP to the strictest."""

_IMPACTS: Final[dict[str, frozenset[str]]] = {
    "availability-ext": frozenset({"availability_impact"}),
    "confidentiality-ext": frozenset(
        {"information_type", "loss_type", "record_count", "record_size"}
    ),
    "external-ext": frozenset({"impact_type"}),
    "integrity-ext": frozenset(
        {"alteration", "information_type", "record_count", "record_size"}
    ),
    "monetary-ext": frozenset(
        {
            "variety", "currency", "min_amount", "max_amount", "conversion_rate",
            "conversion_time", "currency_actual",
        }
    ),
    "physical-ext": frozenset({"impact_type", "asset_type"}),
    "traceability-ext": frozenset({"traceability_impact"}),
}  # fmt: skip


def _fields(view: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(view.__struct_encode_fields__)


_ALWAYS: Final = frozenset({"extension_type"})
_IN_EXTENSION: Final[dict[str, frozenset[str]]] = {
    **_IMPACTS,
    "incident-core": _fields(IncidentCore)
    | {"events", "tasks", "activities", "extension_type"},
    "event": _ALWAYS,
    "task": _ALWAYS,
    "impact": _ALWAYS,
    "disinformation": _fields(Disinformation) | _ALWAYS,
    "takedown-request": _ALWAYS,
    "identity-contact": _fields(IdentityContact) | _ALWAYS,
}
# One property each, though they have members.
_WHOLE_EXTENSIONS: Final = frozenset({iep.EXTENSION, pap.EXTENSION})


def roles_of(kind: str) -> tuple[Role, ...]:
    """List the roles that objects of a type can have, "" for none."""
    if kind == "identity":
        return _IDENTITY_ROLES
    if kind in ACCOUNTS:
        return ("operated", "ordinary", "protected")
    if kind in OBSERVED:
        return ("attacker", "unknown", "protected")
    return ("", "protected")


def properties_of(kind: str) -> frozenset[str]:
    """Name the properties of a type, those of extensions aside."""
    struct: type[StixObject] = stix.TYPES[kind]
    return frozenset(struct.__struct_encode_fields__) - {EXTRA} | {"type"}


EVERY_PROPERTY: Final = frozenset().union(*(properties_of(kind) for kind in stix.TYPES))


def is_property(kind: str, name: str) -> bool:
    """Tell whether a type, or with "*" any type, has a property of this name."""
    first, *rest = name.split(".")
    if first.startswith(coarse.PREFIX):
        return False  # it goes the way of the exact value
    if first == "extensions":
        if len(rest) == 1:
            return rest[0] in _WHOLE_EXTENSIONS
        return len(rest) == 2 and rest[1] in _IN_EXTENSION.get(rest[0], ())
    return not rest and first in (
        EVERY_PROPERTY if kind == "*" else properties_of(kind)
    )


def near(word: str, known: Iterable[str]) -> str:
    """Give `; did you mean …?`, or "" where nothing is near."""
    found = get_close_matches(word, list(known), 1)
    return f"; did you mean {found[0]}?" if found else ""


def is_listable(name: str) -> bool:
    """Tell whether a list can bound what passes of a property."""
    return name in ("labels", "external_references", "pattern")
