"""A record: what its issuer states (claims) about a bundle, and what must hold.

Claims: DESIGN.md 4.2. `composing` makes the `Draft` that `broker.signing` signs.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas import stix
from schemas.coarse import check as check_values
from schemas.errors import SchemaError
from schemas.facts import Facts
from schemas.markings import (
    RED_IDS,
    Tlp,
    granular_tlp,
)
from schemas.stix.columns import together
from schemas.stix.values import ID_PATTERN
from schemas.vocabularies.words import SeverityWord, TlpLabel

Kind = Literal[
    "incident",
    "campaign",
    "advisory",
    "feedback",
    "correction",
    "retraction",
    "takedown-request",
    "heartbeat",
]
ORG_PATTERN: Final = r"^[a-z][a-z0-9-]{1,40}\Z"  # `$` would take a line feed too
ORG_URN_PREFIX: Final = "urn:tocsin:org:"
ALL_COMMUNITY: Final = "urn:tocsin:community:all"
Org = Annotated[str, Meta(pattern=ORG_PATTERN)]
OrgUrn = Annotated[str, Meta(pattern=r"^urn:tocsin:org:[a-z][a-z0-9-]{1,40}\Z")]
CommunityUrn = Annotated[
    str, Meta(pattern=r"^urn:[a-z0-9][a-z0-9-]{1,31}:[a-zA-Z0-9:._-]{1,200}\Z")
]
Digest = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}\Z")]


# Not `Digest | Literal[""]`: msgspec holds the pattern against both.
DigestOrNone = Annotated[str, Meta(pattern=r"^([A-Za-z0-9_-]{43})?\Z")]
Epoch = Annotated[int, Meta(ge=0, le=2**40)]  # seconds
StixId = Annotated[str, Meta(pattern=ID_PATTERN, max_length=150)]
Countries = tuple[Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")], ...]
Sectors = tuple[Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,60}\Z")], ...]
Languages = tuple[
    Annotated[str, Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")], ...
]


# Primary object types in order of precedence, with the kind they make.
PRIMARY_KINDS: Final[dict[str, Kind]] = {
    "takedown-request": "takedown-request",
    "incident": "incident",
    "campaign": "campaign",
    "report": "advisory",
    "grouping": "advisory",
    "opinion": "feedback",
    "note": "feedback",
}
_PRIMARIES: Final = frozenset(stix.TYPES[name] for name in PRIMARY_KINDS)
_FEEDBACK_TYPES: Final = ("opinion", "note")
_PRECEDENCE: Final = (
    *((kind,) for kind in PRIMARY_KINDS if kind not in _FEEDBACK_TYPES),
    _FEEDBACK_TYPES,
)
_DISINFORMATION: Final = frozenset(
    stix.TYPES[name] for name in ("narrative", "channel", "media-content")
)
_BEHAVIOUR: Final = stix.TYPES["attack-pattern"]
MAX_OBJECTS: Final = 20_000  # keeps a record below 65,536 disclosures in practice


MAX_SIGNERS: Final = 16  # each costs a verification


class Need(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of a joint record: how many of which organisations must sign it.

    Attributes:
        iss: All who may sign, the lead among them, none twice.
    """

    threshold: Annotated[int, Meta(ge=2, le=MAX_SIGNERS)]
    iss: Annotated[tuple[OrgUrn, ...], Meta(min_length=2, max_length=MAX_SIGNERS)]


class Claims(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """The claims of a token, as disclosed. Withholdable ones may be UNSET.

    Attributes:
        iat: Issue time, epoch seconds.
        exp: Handling horizon, epoch seconds.
        ver: `modified` of the primary object.
        sup: Token id of the version this one replaces.
        need: Of a joint record; `iss` is its lead.
        full: Digest over all disclosures that are not sealed, see
            `broker.signing.fullness`.
        sealed: Names of the sealed compartments, sorted (`broker.seal`).
    """

    iss: OrgUrn
    iat: Epoch
    exp: Epoch
    sub: StixId
    ver: Annotated[str, Meta(max_length=40)]
    aud: Annotated[tuple[CommunityUrn, ...], Meta(min_length=1, max_length=50)]
    vct: str
    kind: Kind
    tlp: TlpLabel
    severity: SeverityWord
    countries: Annotated[Countries, Meta(max_length=300)]
    sectors: Annotated[Sectors, Meta(max_length=300)]
    languages: Annotated[Languages, Meta(max_length=300)]
    exercise: bool
    full: Digest
    sup: Digest | UnsetType = UNSET
    need: Need | UnsetType = UNSET
    sealed: (
        Annotated[tuple[Digest, ...], Meta(min_length=1, max_length=64)] | UnsetType
    ) = UNSET
    to: tuple[OrgUrn, ...] | UnsetType = UNSET
    concerns: tuple[OrgUrn, ...] | UnsetType = UNSET
    feed: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    seq: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    prev: DigestOrNone | UnsetType = UNSET


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A record ready to be signed.

    Attributes:
        objects: Every one marked with exactly one TLP 2.0 id; RED only what will be
            sealed, the primary object never.
        primary: Index of the primary object.
    """

    objects: tuple[stix.StixObject, ...]
    primary: int
    kind: Kind
    tlp: Tlp
    facts: Facts


def org_urn(org: str) -> str:
    """Name an organisation: `urn:tocsin:org:<org>`."""
    return ORG_URN_PREFIX + org


def org_of(urn: str) -> str:
    """Give the organisation's name back."""
    return urn.removeprefix(ORG_URN_PREFIX)


def check_coarse(candidate: stix.StixObject, where: str) -> None:
    """Refuse coarse values that do not fit the exact ones.

    Raises:
        SchemaError: `coarse`.
    """
    if candidate.extra:  # where coarse values stand
        check_values(candidate.type, dict(stix.properties(candidate)), where)


def find_primary(
    objects: Sequence[stix.StixObject],
    wanted: str | None = None,
    places: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """Find the primary object: its index.

    The only takedown request, else incident, else campaign, else report, else
    grouping, else (feedback) the only opinion or note.

    Args:
        wanted: Id of the primary object, where several qualify.
        places: Place of each object in the input, by id.

    Raises:
        SchemaError: `no-primary`, `several-primaries`, `primary-not-found` (the
            one wanted is not there, or cannot be primary).
    """
    if wanted is not None:
        for index, candidate in enumerate(objects):
            if candidate.id == wanted and candidate.type in PRIMARY_KINDS:
                return index
        raise SchemaError("primary-not-found", "$.objects")
    able = [(i, objects[i].type) for i in together(objects).at(_PRIMARIES)]
    if len(able) == 1:
        return able[0][0]
    for kinds in _PRECEDENCE:
        found = [i for i, kind in able if kind in kinds]
        if len(found) > 1:
            second = places.get(objects[found[1]].id, f"$.objects[{found[1]}]")
            raise SchemaError("several-primaries", second)
        if found:
            return found[0]
    raise SchemaError("no-primary", "$.objects")


def is_red(candidate: stix.StixObject, where: str = "$") -> bool:
    """Tell whether an object is marked RED, as a whole or in part.

    Raises:
        SchemaError: `bad-selector`.
    """
    refs, granular = candidate.object_marking_refs, candidate.granular_markings
    return bool(refs and not RED_IDS.isdisjoint(refs)) or bool(
        granular and Tlp.RED in granular_tlp(candidate, where).values()
    )


def refuse_red(candidate: stix.StixObject, where: str) -> None:
    """Refuse an object that is marked RED, as a whole or in part.

    Raises:
        SchemaError: `needs-sealing`, `bad-selector`.
    """
    if is_red(candidate, where):
        raise SchemaError("needs-sealing", where)


def natural_kind(primary_id: str) -> Kind | None:
    """Give the kind of a first record about this primary object."""
    return PRIMARY_KINDS.get(primary_id.rpartition("--")[0])


def kind_fits(kind: Kind, primary_id: str) -> bool:
    """Tell whether a record of *kind* may be about this primary object."""
    natural = natural_kind(primary_id)
    return natural is not None and kind in (natural, "correction", "retraction")


def need_behaviour(objects: Sequence[stix.StixObject]) -> None:
    """Judge conduct, not speech (DESIGN.md 7).

    Raises:
        SchemaError: `no-behaviour`.
    """
    kinds = {*map(type, objects)}
    if kinds & _DISINFORMATION and _BEHAVIOUR not in kinds:
        raise SchemaError("no-behaviour", "$.objects")


def is_org(name: str) -> bool:
    """Tell whether *name* is a valid organisation name."""
    return re.fullmatch(ORG_PATTERN, name) is not None


def parse_kind(text: str | None) -> Kind | None:
    """Read a kind.

    Raises:
        SchemaError: `kind-mismatch`.
    """
    if text is None:
        return None
    try:
        kind: Kind = msgspec.convert(text, Kind)
    except msgspec.ValidationError:
        raise SchemaError("kind-mismatch") from None
    return kind
