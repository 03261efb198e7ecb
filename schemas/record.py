"""A record: what its issuer states (claims) about a bundle, and what must hold.

Claims: DESIGN.md 4.2. `compose` turns the objects a source found into a `Draft`
that `broker.signing` can sign: marked throughout, one primary object, routing
facts computed.
"""

import re
import uuid
from collections.abc import Mapping, Sequence, Set
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas import stix, timestamps
from schemas.coarse import Coarse
from schemas.coarse import added as coarse_values
from schemas.coarse import check as check_values
from schemas.errors import SchemaError
from schemas.facts import Facts, facts_of
from schemas.markings import (
    RED_IDS,
    TLP_IDS,
    Tlp,
    check_selectors,
    granular_marks,
    granular_tlp,
    is_known_marking,
    normalise_refs,
    tlp_of,
)
from schemas.profile import is_text, may_be_visible, misformed
from schemas.profile import places as profile_places
from schemas.stix.values import ID_PATTERN

Kind = Literal[
    "incident",
    "campaign",
    "advisory",
    "feedback",
    "correction",
    "retraction",
    "heartbeat",
]
TlpLabel = Literal["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"]
Severity = Literal["unknown", "none", "low", "moderate", "high", "extreme"]

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
_PRIMARY_KINDS: Final[dict[str, Kind]] = {
    "incident": "incident",
    "campaign": "campaign",
    "report": "advisory",
    "grouping": "advisory",
    "opinion": "feedback",
    "note": "feedback",
}
_FEEDBACK_TYPES: Final = ("opinion", "note")
_DISINFORMATION: Final = frozenset(
    stix.TYPES[name] for name in ("narrative", "channel", "media-content")
)
_BEHAVIOUR: Final = stix.TYPES["attack-pattern"]
UNMARKED_TLP: Final = Tlp.AMBER_STRICT
_REPORT_NAMESPACE: Final = uuid.UUID("0f6b64d1-5f6e-4f0e-8b7a-5d1f3c9b2a47")
MAX_OBJECTS: Final = 20_000  # keeps a record below 65,536 disclosures in practice


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
        full: Digest over all disclosures, see `broker.signing.fullness`.
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
    severity: Severity
    countries: Annotated[Countries, Meta(max_length=300)]
    sectors: Annotated[Sectors, Meta(max_length=300)]
    languages: Annotated[Languages, Meta(max_length=300)]
    exercise: bool
    full: Digest
    sup: Digest | UnsetType = UNSET
    to: tuple[OrgUrn, ...] | UnsetType = UNSET
    concerns: tuple[OrgUrn, ...] | UnsetType = UNSET
    feed: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    seq: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    prev: DigestOrNone | UnsetType = UNSET


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A record ready to be signed.

    Attributes:
        objects: Every one marked with exactly one TLP 2.0 id; no RED.
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


def compose(
    objects: Sequence[stix.StixObject],
    *,
    now: str,
    tlp: Tlp | None = None,
    primary: str | None = None,
    report: str | None = None,
    kind: Kind | None = None,
    coarse: Set[Coarse] = frozenset(),
) -> Draft:
    """Make a record of the objects a source found.

    Args:
        objects: Complete STIX objects with distinct ids.
        now: RFC 3339, for a wrapping report whose objects have no times.
        tlp: Marks what is unmarked.
        primary: Id of the primary object, where several qualify.
        report: Name of a report to wrap loose objects with.
        kind: Overrides the kind that follows from the primary object's type.
        coarse: Puts coarse values next to exact ones, see `schemas.coarse`.

    Raises:
        SchemaError: `no-primary`, `several-primaries`, `primary-not-found`,
            `unmarked`, `needs-sealing`, `no-behaviour`, `not-revoked`, `kind-mismatch`,
            `too-many-objects`, `bad-selector`, `bad-property` (a text that is a
            list, no word where nothing can be withheld), `coarse`.
    """
    if len(objects) > MAX_OBJECTS:
        raise SchemaError("too-many-objects", "$.objects")
    # Places are those of the input, whatever is left out or added here.
    places = {o.id: f"$.objects[{i}]" for i, o in enumerate(objects)}
    objects = [o for o in objects if not _redefines_marking(o)]
    if report is not None:
        wrapped = _wrap(objects, report, tlp, now)
        objects = [wrapped, *objects]
        places[wrapped.id] = "$.report"
    place = find_primary(objects, primary, places)
    if tlp is None and tlp_of(_refs(objects[place])) is None:
        raise SchemaError("unmarked", places[objects[place].id])
    marked = tuple(_mark(o, tlp if tlp is not None else UNMARKED_TLP) for o in objects)
    for marked_object in marked:
        where = places[marked_object.id]
        refuse_red(marked_object, where)
        check_selectors(marked_object, where)
        _check_places(marked_object, where)
        check_coarse(marked_object, where)
    marked = tuple(_with_coarse(o, coarse) for o in marked)
    need_behaviour(marked)
    main = marked[place]
    own = tlp_of(_refs(main))
    assert own is not None  # noqa: S101  just marked
    return Draft(
        objects=marked,
        primary=place,
        kind=_kind(main, kind, places[main.id]),
        tlp=own,
        facts=facts_of(marked, main, own),
    )


def check_coarse(candidate: stix.StixObject, where: str) -> None:
    """Refuse coarse values that do not fit the exact ones.

    Raises:
        SchemaError: `coarse`.
    """
    check_values(candidate.type, dict(stix.properties(candidate)), where)


def _with_coarse(candidate: stix.StixObject, what: Set[Coarse]) -> stix.StixObject:
    if not what:
        return candidate
    plain = dict(stix.properties(candidate))
    more = dict(coarse_values(plain, what, marked=granular_marks(candidate).keys()))
    if not more:
        return candidate
    return msgspec.structs.replace(candidate, extra={**candidate.extra, **more})


def find_primary(
    objects: Sequence[stix.StixObject],
    wanted: str | None = None,
    places: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """Find the primary object: its index.

    The only incident, else campaign, else report, else grouping, else (feedback)
    the only opinion or note.

    Args:
        wanted: Id of the primary object, where several qualify.
        places: Place of each object in the input, by id.

    Raises:
        SchemaError: `no-primary`, `several-primaries`, `primary-not-found` (the
            one wanted is not there, or cannot be primary).
    """
    if wanted is not None:
        for index, candidate in enumerate(objects):
            if candidate.id == wanted and candidate.type in _PRIMARY_KINDS:
                return index
        raise SchemaError("primary-not-found", "$.objects")
    for kinds in (
        *((k,) for k in _PRIMARY_KINDS if k not in _FEEDBACK_TYPES),
        _FEEDBACK_TYPES,
    ):
        found = [i for i, o in enumerate(objects) if o.type in kinds]
        if len(found) > 1:
            second = places.get(objects[found[1]].id, f"$.objects[{found[1]}]")
            raise SchemaError("several-primaries", second)
        if found:
            return found[0]
    raise SchemaError("no-primary", "$.objects")


def _refs(candidate: stix.StixObject) -> tuple[str, ...]:
    refs = candidate.object_marking_refs
    return () if refs is UNSET else tuple(refs)


def _redefines_marking(candidate: stix.StixObject) -> bool:
    # TLP is read from the table of ids; a body sent along is never trusted.
    return candidate.type == "marking-definition" and is_known_marking(candidate.id)


def _mark(candidate: stix.StixObject, default: Tlp) -> stix.StixObject:
    refs = _refs(candidate)
    known = tlp_of(refs)
    tlp = default if known is None else known
    # Most restrictive wins; one TLP id stays, so that no reader can differ.
    others = [r for r in normalise_refs(refs) if not is_known_marking(r)]
    return msgspec.structs.replace(
        candidate, object_marking_refs=(TLP_IDS[tlp], *dict.fromkeys(others))
    )


def _wrap(
    objects: Sequence[stix.StixObject], name: str, tlp: Tlp | None, now: str
) -> stix.StixObject:
    known = [t for t in (tlp_of(_refs(o)) for o in objects) if t is not None]
    if tlp is None and known:
        tlp = max(known)
    ids = [o.id for o in objects if o.type != "marking-definition"]
    if not ids:
        raise SchemaError("no-primary", "$.objects")
    times = [o.modified for o in objects if o.modified is not UNSET]
    newest = max(times, key=timestamps.key, default=now)
    # Derived, so that the same file published twice is the same version. The
    # publisher replaces the id before it signs, like every derived one.
    own = uuid.uuid5(_REPORT_NAMESPACE, "\n".join([name, *sorted(ids)]))
    report: dict[str, Any] = {
        "type": "report",
        "spec_version": "2.1",
        "id": f"report--{own}",
        "created": newest,
        "modified": newest,
        "published": newest,
        "name": name,
        "object_refs": ids,
    }
    if tlp is not None:
        report["object_marking_refs"] = [TLP_IDS[tlp]]
    return stix.decode_object(report, "$.report")


def _check_places(candidate: stix.StixObject, where: str) -> None:
    # A list in the place of a text would be read as its segments; and where nothing
    # can be withheld, nothing but a word may stand.
    for place, value in profile_places(stix.properties(candidate)):
        is_list = is_text(place) and isinstance(value, list)
        if is_list or not may_be_visible(place, value):
            raise SchemaError("bad-property", f"{where}.{place[0]}")
    odd = misformed(candidate.type, dict(stix.properties(candidate)))
    if odd is not None:
        raise SchemaError("bad-property", f"{where}.{odd}")


def refuse_red(candidate: stix.StixObject, where: str) -> None:
    """Refuse an object that is marked RED, as a whole or in part.

    Raises:
        SchemaError: `needs-sealing`, `bad-selector`.
    """
    refs, granular = candidate.object_marking_refs, candidate.granular_markings
    if (refs and not RED_IDS.isdisjoint(refs)) or (
        granular and Tlp.RED in granular_tlp(candidate, where).values()
    ):
        raise SchemaError("needs-sealing", where)


def natural_kind(primary_id: str) -> Kind | None:
    """Give the kind of a first record about this primary object."""
    return _PRIMARY_KINDS.get(primary_id.rpartition("--")[0])


def kind_fits(kind: Kind, primary_id: str) -> bool:
    """Tell whether a record of *kind* may be about this primary object."""
    natural = natural_kind(primary_id)
    return natural is not None and kind in (natural, "correction", "retraction")


def _kind(main: stix.StixObject, wanted: Kind | None, where: str) -> Kind:
    revoked = main.revoked is True
    if wanted is None:
        return "retraction" if revoked else _PRIMARY_KINDS[main.type]
    if wanted == "retraction" and not revoked:
        raise SchemaError("not-revoked", where)
    if not kind_fits(wanted, main.id):
        raise SchemaError("kind-mismatch", where)
    return wanted


def need_behaviour(objects: Sequence[stix.StixObject]) -> None:
    """Judge conduct, not speech (DESIGN.md 7).

    Raises:
        SchemaError: `no-behaviour`.
    """
    kinds = {type(each) for each in objects}
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
