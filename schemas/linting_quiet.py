"""Which objects linting has to look at: found by looking at many of them together.

Most properties give no reason to say anything. What stands in them is gathered from all
objects, and asked once for all; in doubt every object is looked at by itself.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final, NamedTuple

from msgspec import UNSET

from schemas import stix
from schemas.linting_looks import (
    EXTENSIONS,
    TARGETS,
    Run,
    are_in_order,
    is_known_mark,
    is_past,
    looks_of,
    references_in,
    refers,
    refers_to_all,
)
from schemas.linting_values import (
    are_plain,
    are_usual,
    is_usual_pattern,
    look_at_list,
    look_at_name,
    look_at_pattern,
    look_at_text,
    look_at_value,
)
from schemas.stix.columns import Columns, Get, Objects, filled, getter, said
from schemas.stix.values import ID_TAIL_CHARS


class _Own(NamedTuple):
    """What stands in properties that depend on the type, of all objects together.

    Attributes:
        pairs: The earlier time of each pair, and the later.
        past: Times that lie behind us.
        targets: Ids, and lists of ids.
        texts: Texts and names.
        lists: Lists of texts.
        values: The id of each observable, and its value.
        patterns: The language of each pattern, and the pattern.
    """

    pairs: list[Any]
    past: list[Any]
    targets: list[Any]
    texts: list[Any]
    lists: list[Any]
    values: list[Any]
    patterns: list[Any]


_PAIRS, _PAST, _TARGETS, _TEXTS, _LISTS, _VALUES, _PATTERNS = range(7)
_GATHERED_IN: Final[dict[Any, int]] = {
    is_past: _PAST,
    refers: _TARGETS,
    refers_to_all: _TARGETS,
    look_at_name: _TEXTS,
    look_at_text: _TEXTS,
    look_at_list: _LISTS,
    look_at_value: _VALUES,
    look_at_pattern: _PATTERNS,
}
_WITH: Final = {_VALUES: ("id",), _PATTERNS: ("pattern_type",)}


def to_look_at(run: Run, objects: Objects) -> Iterable[int]:
    """Give the positions of the objects in which something may be found.

    Of the others, *run* knows all that it is to know when they have been looked at.
    """
    columns = objects.columns
    own = _Own(*objects.gathered(_PLANS, len(_Own._fields)))
    loud = {*filled(columns.granular_markings), *filled(columns.extra)}
    for index in objects.at(_OTHERS.keys()):
        get = _OTHERS[type(objects[index])]
        if get is None or any(get(objects.rows[index])):
            loud.add(index)
    for index in filled(columns.extensions):
        extensions = objects[index].extensions or {}
        if EXTENSIONS.issuperset(extensions):
            run.targets.update(references_in([*extensions.values()]))
        else:
            loud.add(index)
    return sorted(loud) if _are_quiet(run, columns, own) else range(len(objects))


def _are_quiet(run: Run, columns: Columns, own: _Own) -> bool:
    """Tell whether nothing is to be found in what was gathered of many objects."""
    creators = said(columns.created_by_ref)
    targets = said(own.targets)
    lists = {each for each in targets if type(each) is tuple}
    run.targets |= creators
    run.targets.update(targets - lists, *lists)
    marks = {*chain(*said(columns.object_marking_refs))}
    texts = [each for each in own.texts if each is not UNSET]
    texts += chain(*filter(None, (*columns.labels, *own.lists)))
    return (
        run.targets <= run.ids
        and (
            columns.created == columns.modified
            or are_in_order(columns.created, columns.modified)
        )
        and are_in_order(*_parted(own.pairs))
        and max(said((*columns.modified, *own.past)), default="") <= run.now
        and all(each.startswith(TARGETS["created_by_ref"]) for each in creators)
        and all(each in run.ids or is_known_mark(each) for each in marks)
        and are_plain(texts)
        and are_usual(
            [
                (stix_id[:-ID_TAIL_CHARS], value)
                for stix_id, value in zip(*_parted(own.values), strict=True)
                if value is not UNSET
            ]
        )
        and all(map(is_usual_pattern, *_parted(own.patterns)))
    )


def _parted(pairs: list[Any]) -> tuple[list[Any], list[Any]]:
    return pairs[::2], pairs[1::2]


def _plan(struct: type[stix.StixObject]) -> tuple[list[tuple[int, Get]], list[str]]:
    """List what to take out of the rows of a type, and where it belongs in `_Own`.

    Returns:
        That, and the properties that have to be looked at in each object by itself.
    """
    others: list[str] = []
    names: list[list[str]] = [[] for _ in _Own._fields]
    for name, look in looks_of(struct):
        if name in Columns._fields:
            continue
        if isinstance(look, partial):
            names[_PAIRS] += (*look.keywords.values(), name)
            continue
        place = None if name in TARGETS else _GATHERED_IN.get(look)
        if place is None:
            others.append(name)
        else:
            names[place] += (*_WITH.get(place, ()), name)
    plan = [(place, getter(struct, own)) for place, own in enumerate(names) if own]
    return plan, others


_PLANS: Final[dict[type[stix.StixObject], Sequence[tuple[int, Get]]]] = {
    stix.UnknownObject: ()
}
_OTHERS: Final[dict[type[stix.StixObject], Get | None]] = {stix.UnknownObject: None}
for _struct in stix.TYPES.values():
    _PLANS[_struct], _alone = _plan(_struct)
    if _alone:
        _OTHERS[_struct] = getter(_struct, _alone)
