"""Objects that a source found -> a record that can be signed: `compose`, `attempt`.

Marked throughout, one primary object, routing facts computed.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import Any, Final, Required, TypedDict, TypeVar, Unpack

import msgspec
from msgspec import UNSET

from schemas import stix, terms, timestamps
from schemas.behaviours import of_behaviours
from schemas.coarse import Coarse
from schemas.coarse import added as coarse_values
from schemas.common_words import uncommon
from schemas.errors import SchemaError
from schemas.facts import facts_of
from schemas.markings import (
    RED_IDS,
    TLP_IDS,
    Tlp,
    check_selectors,
    granular_marks,
    tlp_of,
)
from schemas.profile import (
    has_words,
    is_text,
    is_word,
    may_be_visible,
    misformed,
    visible_inside,
)
from schemas.profile import places as profile_places
from schemas.record import (
    MAX_OBJECTS,
    PRIMARY_KINDS,
    Draft,
    Kind,
    check_coarse,
    find_primary,
    kind_fits,
    need_behaviour,
    refuse_red,
)
from schemas.stix.columns import Objects, Row, filled, said, together
from schemas.takedown import is_request, need_legal_basis, need_own_kind, pap_faults

_T = TypeVar("_T")
UNMARKED_TLP: Final = Tlp.AMBER_STRICT
_REPORT_NAMESPACE: Final = uuid.UUID("0f6b64d1-5f6e-4f0e-8b7a-5d1f3c9b2a47")


class Options(TypedDict, total=False):
    """How to make a record of objects.

    Attributes:
        now: RFC 3339, for a wrapping report whose objects have no times, and to tell
            whether a policy has ended.
        tlp: Marks what is unmarked.
        primary: Id of the primary object, where several qualify.
        report: Name of a report to wrap loose objects with; the primary object where
            none or several others could be.
        kind: Overrides the kind that follows from the primary object's type.
        coarse: Puts coarse values next to exact ones, see `schemas.coarse`.
        places: Where in the input each object comes from, by its id.
        seals: What is marked RED will be sealed before it leaves, so it is not refused.
            The primary object cannot be.
    """

    now: Required[str]
    tlp: Tlp | None
    primary: str | None
    report: str | None
    kind: Kind | None
    coarse: Set[Coarse]
    places: Mapping[str, str]
    seals: bool


def compose(objects: Sequence[stix.StixObject], **options: Unpack[Options]) -> Draft:
    """Make a record of the objects a source found, and of the behaviours they name.

    Args:
        objects: Complete STIX objects with distinct ids.
        options: See `Options`.

    Raises:
        SchemaError: `no-primary`, `several-primaries`, `primary-not-found`,
            `unmarked`, `needs-sealing`, `no-behaviour`, `no-legal-basis`,
            `pap-forbids`, `not-revoked`, `kind-mismatch`, `too-many-objects`,
            `bad-selector`, `bad-property` (a text that is a list, no word where
            nothing can be withheld, a granular marking of nothing), `coarse`,
            `bad-iep`, `iep-expired`, `attribution-visible`.
    """
    draft, faults = attempt(objects, **options)
    for first in faults:
        raise first
    assert draft is not None  # noqa: S101  there is one where nothing is at fault
    return draft


def attempt(
    objects: Sequence[stix.StixObject], **options: Unpack[Options]
) -> tuple[Draft | None, tuple[SchemaError, ...]]:
    """Make a record as `compose` does, and find all that is at fault.

    Returns:
        The record, or None, and the faults: all of each object, but nothing
        that depends on a primary object where there is none.
    """
    faults: list[SchemaError] = []
    draft = _attempt(objects, _Refusals(faults), **options)
    # Two checks may refuse one thing.
    distinct = {(each.reason, each.where): each for each in reversed(faults)}
    return (None if faults else draft), tuple(reversed(distinct.values()))


class _Refusals:
    """Runs checks and collects what they refuse."""

    def __init__(self, faults: list[SchemaError]) -> None:
        self._faults = faults

    @property
    def refused(self) -> bool:
        """Tell whether any check refused."""
        return bool(self._faults)

    def note(self, faults: Iterable[SchemaError]) -> None:
        """Take what a check that does not stop has found."""
        self._faults.extend(faults)

    def all_of(
        self,
        checks: Sequence[Callable[[stix.StixObject, str], None]],
        each: stix.StixObject,
        where: str,
    ) -> None:
        """Run all *checks* of one object."""
        try:
            for check in checks:
                check(each, where)
        except SchemaError:
            for check in checks:
                self(check, each, where)

    def __call__(self, check: Callable[..., _T], *arguments: Any) -> _T | None:
        """Run a check: what it returns, None if it refuses."""
        try:
            return check(*arguments)
        except SchemaError as error:
            self._faults.append(error)
            return None


def _attempt(
    objects: Sequence[stix.StixObject],
    run: "_Refusals",
    *,
    now: str,
    tlp: Tlp | None = None,
    primary: str | None = None,
    report: str | None = None,
    kind: Kind | None = None,
    coarse: Set[Coarse] = frozenset(),
    places: Mapping[str, str] = MappingProxyType({}),
    seals: bool = False,
) -> Draft | None:
    run(_check_count, objects)
    if run.refused:
        return None
    # Places are those of the input, whatever is left out or added here.
    if not places:
        places = {o.id: f"$.objects[{i}]" for i, o in enumerate(objects)}
    # Marks are read from tables of ids; a body sent along is never trusted.
    objects = _without_known(together(objects))
    marks = terms.marks_of(objects)
    if report is not None:
        wrapped = run(_wrap, objects, report, tlp, now, marks)
        if wrapped is None:
            return None
        objects = Objects((wrapped, *objects))
        places = {**places, wrapped.id: "$.report"}
        if primary is None and _has_several_primaries(objects):
            primary = wrapped.id
    place = run(find_primary, objects, primary, places)
    if place is not None:
        run(_check_marked, objects[place], tlp, places)
    derived = run(of_behaviours, objects, places)
    if derived:
        objects = Objects((*objects, *(made for made, _ in derived)))
        places = {**places, **{made.id: its_place for made, its_place in derived}}
        run(_check_count, objects)
    marked = terms.mark_all(objects, marks, tlp if tlp is not None else UNMARKED_TLP)
    run.note(terms.faults(objects, marks, places, now=now, primary=place))
    checks = _CHECKS[1:] if seals else _CHECKS
    for each in _to_check(marked):
        run.all_of(checks, each, places.get(each.id, "$"))
    if place is not None and seals:
        run(refuse_red, marked[place], places.get(marked[place].id, "$"))
    run(need_behaviour, marked)
    run(partial(need_legal_basis, blank=None), marked, places)
    if place is None:
        return None
    main = marked[place]
    run(need_own_kind, marked, main.id, places)
    if is_request(main.id):
        run.note(pap_faults(marked, marks, places))
    named = run(_kind, main, kind, places.get(main.id, "$"))
    own = tlp_of(main.object_marking_refs or ())
    assert own is not None  # noqa: S101  just marked
    if named is None or run.refused:
        return None
    signed = _with_coarse(marked, coarse)
    return Draft(
        objects=signed,
        primary=place,
        kind=named,
        tlp=own,
        facts=facts_of(signed, signed[place], own),
    )


def _check_count(objects: Sequence[stix.StixObject]) -> None:
    if len(objects) > MAX_OBJECTS:
        raise SchemaError("too-many-objects", "$.objects")


def _without_known(objects: Objects) -> Objects:
    if terms.KNOWN_BY_ID.isdisjoint(objects.columns.id):
        return objects
    return Objects(each for each in objects if each.id not in terms.KNOWN_BY_ID)


def _check_marked(
    main: stix.StixObject, tlp: Tlp | None, places: Mapping[str, str]
) -> None:
    if tlp is None and tlp_of(main.object_marking_refs or ()) is None:
        raise SchemaError("unmarked", places.get(main.id, "$"))


def _with_coarse(objects: Objects, what: Set[Coarse]) -> Objects:
    return Objects(_coarsened(each, what) for each in objects) if what else objects


def _coarsened(candidate: stix.StixObject, what: Set[Coarse]) -> stix.StixObject:
    plain = dict(stix.properties(candidate))
    more = dict(coarse_values(plain, what, marked=granular_marks(candidate).keys()))
    if not more:
        return candidate
    return msgspec.structs.replace(candidate, extra={**candidate.extra, **more})


def _has_several_primaries(objects: Sequence[stix.StixObject]) -> bool:
    try:
        find_primary(objects)
    except SchemaError as error:
        return error.reason == "several-primaries"
    return False


def _wrap(
    objects: Sequence[stix.StixObject],
    name: str,
    tlp: Tlp | None,
    now: str,
    marks: terms.Marks,
) -> stix.StixObject:
    known = [t for t in (terms.tlp_found(o, marks) for o in objects) if t is not None]
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
    # can be withheld, nothing but a word may stand. Properties of the struct are what
    # its types say, so only what it does not know is looked at.
    if candidate.extra or candidate.extensions is not UNSET:
        for place, value in profile_places(_untyped(candidate)):
            is_list = is_text(place) and isinstance(value, list)
            if is_list or not may_be_visible(place, value):
                raise SchemaError("bad-property", f"{where}.{place[0]}")

    def get(name: str, default: object) -> Any:
        value = getattr(candidate, name, UNSET)
        return candidate.extra.get(name, default) if value is UNSET else value

    odd = misformed(candidate.type, get)
    if odd is not None:
        raise SchemaError("bad-property", f"{where}.{odd}")


def _untyped(candidate: stix.StixObject) -> Iterator[tuple[str, Any]]:
    if candidate.extensions is not UNSET:
        yield "extensions", candidate.extensions
    yield from candidate.extra.items()


def _to_check(objects: Objects) -> Iterable[stix.StixObject]:
    """Leave out the objects that no check can refuse: most, and they are soon found."""
    columns = objects.columns
    if not RED_IDS.isdisjoint(chain(*said(columns.object_marking_refs))):
        return objects
    loud = {*filled(columns.extra), *objects.once(uncommon)}
    return [
        objects[index]
        for index in sorted(loud)
        if _may_be_odd(objects[index], objects.rows[index])
    ]


def _may_be_odd(each: stix.StixObject, row: Row) -> bool:
    if each.extra or each.granular_markings or not has_words(type(each), row):
        return True
    return not all(map(is_word, visible_inside(each.extensions or {})))


# What each object must hold, marked as it will be signed.
_CHECKS: Final[tuple[Callable[[stix.StixObject, str], None], ...]] = (
    refuse_red,
    check_selectors,
    _check_places,
    check_coarse,
)


def _kind(main: stix.StixObject, wanted: Kind | None, where: str) -> Kind:
    revoked = main.revoked is True
    if wanted is None:
        return "retraction" if revoked else PRIMARY_KINDS[main.type]
    if wanted == "retraction" and not revoked:
        raise SchemaError("not-revoked", where)
    if not kind_fits(wanted, main.id):
        raise SchemaError("kind-mismatch", where)
    return wanted
