"""What the marking definitions of a record mean, and what is done about it in signing.

TLP is all that verifiers and redaction need of a mark that says who may see what, so
the TLP of an IEP becomes one here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain
from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec import UNSET

from schemas import iep, pap, protection
from schemas.errors import SchemaError
from schemas.iep import IepTerms
from schemas.markings import (
    KNOWN_IDS,
    TLP_IDS,
    Tlp,
    is_known_marking,
    normalise_refs,
    tlp_of,
)
from schemas.pap import Pap
from schemas.protection import PROTECTION_IDS, Group, groups_of
from schemas.stix import GranularMarking, StixObject
from schemas.stix.columns import Objects, said, together
from schemas.stix.meta import MarkingDefinition

TLP_EXTENSION: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
_NO_TERMS: Final[Mapping[str, IepTerms]] = MappingProxyType({})
_NO_PAPS: Final[Mapping[str, Pap]] = MappingProxyType({})


KNOWN_BY_ID: Final = KNOWN_IDS | PROTECTION_IDS.keys()
"""Ids of TLP and of protection."""


def is_known_by_id(ref: str) -> bool:
    """Tell whether a mark is known by its id alone; a body sent along is never trusted."""
    return ref in KNOWN_BY_ID


class Marks(msgspec.Struct, frozen=True):
    """What the marking definitions of a record mean, TLP aside.

    Attributes:
        terms: Those of each IEP, by id.
        paps: The PAP of each definition that says one, by id.
        statements: Ids of those that are words for people: licences, notices.
    """

    terms: Mapping[str, IepTerms] = _NO_TERMS
    paps: Mapping[str, Pap] = _NO_PAPS
    statements: frozenset[str] = frozenset()

    def knows(self, ref: str) -> bool:
        """Tell whether all that the mark *ref* asks is understood."""
        return (
            is_known_by_id(ref)
            or ref in pap.PAP_IDS
            or ref in self.terms
            or ref in self.paps
            or ref in self.statements
        )


def marks_of(objects: Iterable[StixObject]) -> Marks:
    """Read the marking definitions of a record; those not understood are left out."""
    terms: dict[str, IepTerms] = {}
    paps: dict[str, Pap] = {}
    statements: set[str] = set()
    for each in objects:
        if type(each) is not MarkingDefinition or not _is_plain(each):
            continue
        try:
            own = iep.read(each)
        except SchemaError:
            continue
        said = pap.read(each)
        if own is not None:
            terms[each.id] = own
        if said is not None:
            paps[each.id] = said
        if each.definition_type == "statement":
            statements.add(each.id)
    return Marks(terms, paps, frozenset(statements))


def _is_plain(definition: MarkingDefinition) -> bool:
    """Tell whether nothing in a definition can ask what is not known here."""
    kind = definition.definition_type or ""
    foreign = (definition.extensions or {}).keys() - {iep.EXTENSION, pap.EXTENSION}
    if is_known_by_id(definition.id) or TLP_EXTENSION in foreign:
        return False  # read off the tables of ids alone
    # OpenCTI adds an extension for colour and order to definitions that have a type.
    return kind.lower() in ("statement", "pap") or not (kind or foreign)


def tlp_found(candidate: StixObject, marks: Marks) -> Tlp | None:
    """Give the strictest TLP that an object is marked with, by an id or an IEP."""
    refs = candidate.object_marking_refs or ()
    own = tlp_of(refs)
    terms = iep.terms_of(candidate, marks.terms) if marks.terms else None
    if terms is None:
        return own
    return terms.tlp if own is None else max(own, terms.tlp)


def mark_all(objects: Sequence[StixObject], marks: Marks, default: Tlp) -> Objects:
    """Mark every object as it is signed: with one TLP 2.0 id, the strictest.

    What a label asks to protect, and what an observed-data so marked lists, is marked
    so itself: nobody can cut a mark.

    A definition of an IEP or a PAP that is not marked itself is as open as the most
    open object that it marks: who gets that must be able to read what it asks.

    Args:
        default: Marks what is unmarked. An IEP makes that stricter, never laxer.
    """
    objects = together(objects)
    columns = objects.columns
    if (
        {*columns.object_marking_refs} <= AS_WRITTEN.keys()
        and not marks.terms
        and not any(map(protection.is_label, chain(*said(columns.labels))))
    ):
        return objects  # as most are
    held = protection.observed(objects)
    marked = [_mark(each, marks, default, held.get(each.id)) for each in objects]
    if marks.terms or marks.paps:
        asked = marks.terms.keys() | marks.paps.keys()
        open_to = _most_open(marked, asked)
        for i, each in enumerate(objects):
            if each.id in open_to and tlp_of(each.object_marking_refs or ()) is None:
                marked[i] = _mark(each, marks, open_to[each.id])
    return Objects(marked)


AS_WRITTEN: Final[Mapping[Any, Tlp]] = {(each,): tlp for tlp, each in TLP_IDS.items()}
"""The marks of an object that is marked with one TLP 2.0 id and nothing else."""


def _mark(
    candidate: StixObject,
    marks: Marks,
    default: Tlp,
    groups: Set[Group] | None = None,
) -> StixObject:
    refs = candidate.object_marking_refs or ()
    if groups or candidate.labels:
        groups = (groups or set()) | groups_of(candidate)
        refs = (*refs, *(ref for ref, each in PROTECTION_IDS.items() if each in groups))
    if refs in AS_WRITTEN and not marks.terms:
        return candidate  # as most objects are
    tlp = tlp_of(refs) or default
    terms = iep.terms_of(candidate, marks.terms) if marks.terms else None
    if terms is not None:
        tlp = max(tlp, terms.tlp)
    # Most restrictive wins; one TLP id stays, so that no reader can differ.
    others = [r for r in normalise_refs(refs) if not is_known_marking(r)]
    own = (TLP_IDS[tlp], *dict.fromkeys(others))
    if not candidate.granular_markings:
        if own == candidate.object_marking_refs:
            return candidate
        return msgspec.structs.replace(candidate, object_marking_refs=own)
    return msgspec.structs.replace(
        candidate,
        object_marking_refs=own,
        granular_markings=tuple(_parts(candidate.granular_markings, marks, tlp)),
    )


def _parts(
    markings: Iterable[GranularMarking], marks: Marks, tlp: Tlp
) -> Iterator[GranularMarking]:
    """Write TLP of parts under its 2.0 ids, that of an IEP as one more marking."""
    more: list[GranularMarking] = []
    for each in markings:
        ref = each.marking_ref
        if ref is UNSET:
            yield each
            continue
        [written] = normalise_refs([ref])
        yield msgspec.structs.replace(each, marking_ref=written)
        terms = marks.terms.get(ref)
        if terms is not None and terms.tlp > tlp:
            more.append(
                GranularMarking(
                    selectors=each.selectors, marking_ref=TLP_IDS[terms.tlp]
                )
            )
    yield from more


def _most_open(
    marked: Iterable[StixObject], definitions: frozenset[str] | set[str]
) -> dict[str, Tlp]:
    """Give the laxest TLP of the objects that each definition marks."""
    found: dict[str, Tlp] = {}
    for each in marked:
        tlp = tlp_of(each.object_marking_refs or ())
        assert tlp is not None  # noqa: S101  just marked
        for _, ref in refs_of(each):
            if ref in definitions:
                found[ref] = min(tlp, found.get(ref, tlp))
    return found


def refs_of(candidate: StixObject) -> Iterator[tuple[str, str]]:
    """Yield (place, id) of every mark of an object and its parts."""
    for i, ref in enumerate(candidate.object_marking_refs or ()):
        yield f".object_marking_refs[{i}]", ref
    for i, part in enumerate(candidate.granular_markings or ()):
        if part.marking_ref is not UNSET:
            yield f".granular_markings[{i}].marking_ref", part.marking_ref


def faults(
    objects: Iterable[StixObject],
    marks: Marks,
    places: Mapping[str, str],
    *,
    now: str,
    primary: int | None,
) -> Iterator[SchemaError]:
    """Yield what refuses a record: each IEP that cannot be read, or cannot be kept.

    Args:
        places: Of each object, by its id.
        primary: Index of the primary object, if there is one.
    """
    objects = together(objects)
    definitions = objects.by_type.get(MarkingDefinition, ())
    for i in range(len(objects)) if marks.terms else definitions:
        each = objects[i]
        where = places.get(each.id, "$")
        if isinstance(each, MarkingDefinition):
            try:
                iep.read(each, where)
            except SchemaError as error:
                yield error
        for reason, place in broken_terms(each, marks, now=now, primary=i == primary):
            yield SchemaError(reason, where + place)


def broken_terms(
    candidate: StixObject, marks: Marks, *, now: str, primary: bool
) -> Iterator[tuple[str, str]]:
    """Yield (reason, place) of each term that sharing an object would break.

    `attribution-visible`: the issuer of a record is always visible. `iep-expired`:
    not where a primary object is taken back, since everybody must learn that.
    """
    if not marks.terms:
        return
    lasting = primary and candidate.revoked is True
    for place, ref in refs_of(candidate):
        terms = marks.terms.get(ref)
        reason = None if terms is None else broken(terms, now=now, lasting=lasting)
        if reason is not None:
            yield reason, place


def broken(terms: IepTerms, *, now: str, lasting: bool) -> str | None:
    """Name the term that sharing under *terms* would break.

    Args:
        lasting: Whether it may be shared when they have ended.
    """
    if terms.provider_attribution == "must-not":
        return "attribution-visible"
    return "iep-expired" if terms.has_ended(now) and not lasting else None
