"""What contradicts itself in the marks of an input, or will surprise who sends it.

Nothing of it refuses a record; what does is `composing.attempt`'s to tell.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final, NamedTuple

from msgspec import UNSET

from schemas import iep, pap, protection
from schemas.composing import UNMARKED_TLP
from schemas.errors import SchemaError
from schemas.findings import Finding
from schemas.markings import (
    TLP_1_AMBER,
    Tlp,
    is_known_marking,
    tlp_of,
)
from schemas.pap import Pap
from schemas.record import ALL_COMMUNITY, find_primary
from schemas.stix import StixObject
from schemas.stix.columns import filled, together
from schemas.stix.meta import MarkingDefinition
from schemas.terms import (
    AS_WRITTEN,
    TLP_EXTENSION,
    Marks,
    is_known_by_id,
    marks_of,
    refs_of,
)

_TLP_PREFIX: Final = "tlp:"
_TELLING: Final = (_TLP_PREFIX, "pap:", "protect:", "ex:chr")
_NO_TARGETS: Final = frozenset({"object_marking_refs"})

Said = tuple[str, str]
"""A rule, and where in the object."""


class _Level(NamedTuple):
    """What the marks of an object come to, whatever object it is.

    Attributes:
        own: Strictest TLP of its ids, None if it has none.
        tlp: What it will be signed with.
        said: What is odd about the marks.
        is_odd: Whether the marks need a closer look at the object.
    """

    own: Tlp | None
    tlp: Tlp
    said: tuple[Said, ...]
    is_odd: bool


class _Case(NamedTuple):
    """What is the same for all objects of an input.

    Attributes:
        defined: Ids of its marking definitions.
        marks_rest: Whether its sender says how to mark what is unmarked.
        is_wide: Whether it goes to everybody.
    """

    marks: Marks
    defined: frozenset[str]
    now: str
    default: Tlp
    marks_rest: bool
    is_wide: bool


def contradictions(
    objects: Sequence[StixObject],
    places: Mapping[str, str],
    *,
    now: str,
    tlp: Tlp | None = None,
    primary: str | None = None,
    communities: Collection[str] = (),
) -> Iterator[Finding]:
    """Yield what is odd about the marks of an input, before it is composed.

    Args:
        places: Where in the input each object comes from, by its id.
        now: RFC 3339; policies begin and end.
        tlp: Marks what is unmarked; None: nobody said.
        primary: Id of the primary object, where several qualify.
        communities: To whom the record goes; URNs.
    """
    objects = together(objects)
    columns = objects.columns
    definitions = [objects[i] for i in objects.by_type.get(MarkingDefinition, ())]
    case = _Case(
        marks=marks_of(objects),
        defined=frozenset(each.id for each in definitions),
        now=now,
        default=tlp or UNMARKED_TLP,
        marks_rest=tlp is not None,
        is_wide=ALL_COMMUNITY in communities,
    )
    # Few combinations of marks stand on many objects.
    combined = {*columns.object_marking_refs}
    found = {refs: _level(refs or (), case) for refs in combined}
    looked_at: Sequence[StixObject] = objects
    if not definitions and not any(level.is_odd for level in found.values()):
        loud = {*filled(columns.granular_markings)}  # nothing else can be odd
        for index in filled(columns.labels):
            if any(map(_is_telling, objects[index].labels or ())):
                loud.add(index)
        looked_at = [objects[index] for index in sorted(loud)]
    for each in looked_at:
        level, where = found[each.object_marking_refs], places.get(each.id, "$")
        if level.is_odd or each.labels or each.granular_markings:
            for rule, place in _of_object(each, level, case):
                yield Finding(rule, where + place)
        if type(each) is MarkingDefinition:
            yield from _definition(each, where)
    # Not of all objects: hashing a member of an enum calls Python.
    if len({level.tlp for level in found.values()}) > 1:
        yield from _compared(objects, places, found, primary)


def _is_telling(label: str) -> bool:
    """Tell whether a label may be about TLP, PAP or protection."""
    return label.strip().lower().startswith(_TELLING)


def _level(refs: Sequence[str], case: _Case) -> _Level:
    only = AS_WRITTEN.get(refs)
    if only is not None:  # as most objects are marked; it asks for nothing else
        return _Level(only, only, (), False)
    own = tlp_of(refs)
    tlp = own or case.default
    said = [(rule, f".object_marking_refs{at}") for rule, at in _of_refs(refs, case)]
    terms = [case.marks.terms[ref] for ref in refs if ref in case.marks.terms]
    joined = iep.strictest(terms)
    if joined is not None and joined.tlp > tlp:
        tlp = joined.tlp
        said.append(("iep-tlp", ".object_marking_refs"))
    if own is None and not case.marks_rest:
        said.append(("tlp-unmarked", ""))
    asks = bool(terms) or pap.pap_of_refs(refs, case.marks.paps) is not None
    return _Level(own, tlp, tuple(said), bool(said) or asks)


def _of_refs(refs: Sequence[str], case: _Case) -> Iterator[Said]:
    if len({tlp_of((ref,)) for ref in refs if is_known_marking(ref)}) > 1:
        yield "tlp-several", ""
    for i, ref in enumerate(refs):
        for rule in _of_ref(ref, case):
            yield rule, f"[{i}]"


def _of_ref(ref: str, case: _Case) -> Iterator[str]:
    if ref == TLP_1_AMBER:
        yield "tlp-1-amber"
    if not case.marks.knows(ref) and ref in case.defined:
        yield "marking-unknown"  # `linting` tells of those without a definition
    terms = case.marks.terms.get(ref)
    if terms is not None and not terms.has_begun(case.now):
        yield "iep-not-begun"


def _of_object(each: StixObject, level: _Level, case: _Case) -> Iterator[Said]:
    # What an unmarked definition is signed with follows from what it marks.
    unread = isinstance(each, MarkingDefinition) and (
        is_known_by_id(each.id)
        or each.id in case.marks.terms
        or each.id in case.marks.paps
    )
    for rule, place in level.said:
        if rule != "tlp-unmarked" or not unread:
            yield rule, place
    if each.labels:
        yield from _of_labels(each.labels, level)
    yield from _of_parts(each, level, case)
    yield from _of_pap(each, case)


def _of_labels(labels: Sequence[str], level: _Level) -> Iterator[Said]:
    for i, label in enumerate(labels):
        word = label.strip().lower()
        if pap.is_label(label) and Pap.parse(label) is None:
            yield "pap-unknown", f".labels[{i}]"
        elif protection.is_label(label) and not protection.names_group(label):
            yield "protect-unknown", f".labels[{i}]"
        elif word.removeprefix(_TLP_PREFIX) == "ex:chr":
            yield "chatham-house", f".labels[{i}]"
        elif word == "tlp:unclear":
            yield "tlp-unclear", f".labels[{i}]"
        elif word.startswith(_TLP_PREFIX) and _tlp(label) != level.own:
            yield "tlp-label", f".labels[{i}]"


def _of_parts(each: StixObject, level: _Level, case: _Case) -> Iterator[Said]:
    for i, part in enumerate(each.granular_markings or ()):
        if part.marking_ref is UNSET:
            continue
        place, ref = f".granular_markings[{i}]", part.marking_ref
        tlp = tlp_of((ref,))
        if tlp is not None and tlp < level.tlp:
            yield "tlp-weaker-part", place
        if not case.marks.knows(ref) and ref not in case.defined:
            yield "dangling-marking", f"{place}.marking_ref"
        for rule in _of_ref(ref, case):
            yield rule, f"{place}.marking_ref"


def _of_pap(each: StixObject, case: _Case) -> Iterator[Said]:
    paps = case.marks.paps
    said = {Pap.parse(label) for label in each.labels or () if pap.is_label(label)}
    refs = each.object_marking_refs or ()
    said |= {pap.pap_of_refs((ref,), paps) for ref in refs}
    said.discard(None)
    if len(said) > 1:
        yield "pap-several", ""
    everywhere = pap.pap_of_refs((ref for _, ref in refs_of(each)), paps)
    strictest = {pap.pap_of(each, paps), everywhere}
    if Pap.RED in strictest and case.is_wide:
        yield "pap-red-wide", ""


def _definition(each: MarkingDefinition, where: str) -> Iterator[Finding]:
    """Compare what a marking definition says with what its id means."""
    meant, said = tlp_of((each.id,)), list(_tlp_words(each))
    if meant is None and said:
        yield Finding("tlp-foreign-id", where)
    if meant is not None and any(_tlp(word) != meant for word in said):
        yield Finding("tlp-body", where)
    own = pap.words_of(each)
    if any(pap.parsed(word) is None for word in own):
        yield Finding("pap-unknown", where)
    elif each.id in pap.PAP_IDS and {*map(pap.parsed, own)} - {pap.PAP_IDS[each.id]}:
        yield Finding("pap-body", where)


def _tlp_words(definition: MarkingDefinition) -> Iterator[Any]:
    name = definition.name or ""
    if name.strip().lower().startswith(_TLP_PREFIX):
        yield name
    if (definition.definition_type or "").lower() == "tlp":
        yield from (definition.definition or {}).values()
    extensions = definition.extensions or {}
    if TLP_EXTENSION in extensions:
        body = extensions[TLP_EXTENSION]
        yield body.get("tlp_2_0") if isinstance(body, dict) else None


def _tlp(word: Any) -> Tlp | None:
    try:
        return Tlp.parse(word) if isinstance(word, str) else None
    except SchemaError:
        return None


def _compared(
    objects: Sequence[StixObject],
    places: Mapping[str, str],
    found: Mapping[Any, _Level],
    primary: str | None,
) -> Iterator[Finding]:
    """Compare objects with the primary one, and with those that they refer to."""
    levels = {each.id: found[each.object_marking_refs].tlp for each in objects}
    highest = max(levels.values())
    main: Tlp | None = None
    with suppress(SchemaError):
        main = levels[objects[find_primary(objects, primary)].id]
    for each in objects:
        level = found[each.object_marking_refs]
        tlp = level.tlp
        if main is not None and tlp > main and level.own is not None:
            yield Finding("tlp-above-primary", places.get(each.id, "$"))
        if tlp < highest:
            for place, target in _references(each):
                if levels.get(target, tlp) > tlp:
                    yield Finding(
                        "tlp-reference", f"{places.get(each.id, '$')}.{place}"
                    )


@lru_cache(256)
def _reference_names(kind: type[StixObject]) -> tuple[str, ...]:
    names = (n for n in kind.__struct_fields__ if n.endswith(("_ref", "_refs")))
    return tuple(n for n in names if n not in _NO_TARGETS)


def _references(each: StixObject) -> Iterator[tuple[str, str]]:
    for name in _reference_names(type(each)):
        value = getattr(each, name)
        if type(value) is str:
            yield name, value
        elif value:
            for i, target in enumerate(value):
                yield f"{name}[{i}]", target
    if each.extensions:
        for target in _inner(each.extensions):
            yield "extensions", target


def _inner(value: Any) -> Iterator[str]:
    """List the references in extensions, at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name.endswith("_ref") and isinstance(inner, str):
                yield inner
            elif name.endswith("_refs") and isinstance(inner, list):
                yield from (each for each in inner if isinstance(each, str))
            else:
                yield from _inner(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _inner(inner)
