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
from schemas.stix.columns import Columns, Get, columns_of, getter, rows_of, said
from schemas.stix.values import ID_TAIL_CHARS


class _Own(NamedTuple):
    """What stands in properties that depend on the type, of all objects together.

    Attributes:
        pairs: The earlier time of each pair, and the later.
        past: Times that lie behind us.
        targets: Ids, and lists of ids.
        lists: Lists of texts.
        values: The id of each observable, and its value.
        patterns: The language of each pattern, and the pattern.
        others: What is looked at in each object by itself.
    """

    pairs: list[Any]
    past: list[Any]
    targets: list[Any]
    texts: list[Any]
    lists: list[Any]
    values: list[Any]
    patterns: list[Any]
    others: list[Any]


_PAIRS, _PAST, _TARGETS, _TEXTS, _LISTS, _VALUES, _PATTERNS, _OTHERS = range(8)
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


def to_look_at(run: Run, objects: Sequence[stix.StixObject]) -> Iterable[int]:
    """Give the positions of the objects in which something may be found.

    Of the others, *run* knows all that it is to know when they have been looked at.
    """
    rows = rows_of(objects)
    columns = columns_of(rows)
    own = _Own([], [], [], [], [], [], [], [])
    loud = {
        index
        for column in (columns.granular_markings, columns.extra)
        if any(column)
        for index, each in enumerate(column)
        if each
    }
    for index, (each, row) in enumerate(zip(objects, rows, strict=True)):
        plan = _PLANS.get(type(each))
        if plan is None:
            loud.add(index)
            continue
        for place, get in plan:
            found = get(row)
            if any(found) or place == _TEXTS:  # an empty text is found
                own[place].extend(found)
                if place == _TARGETS:
                    run.linking.add(each.id)
                elif place == _OTHERS:
                    loud.add(index)
    for index, extensions in enumerate(columns.extensions):
        if not extensions:
            continue
        if not EXTENSIONS.issuperset(extensions):
            loud.add(index)
            continue
        targets = references_in([*extensions.values()])
        if targets:
            run.targets.update(targets)
            run.linking.add(columns.id[index])
    return sorted(loud) if _are_quiet(run, columns, own) else range(len(objects))


def _are_quiet(run: Run, columns: Columns, own: _Own) -> bool:
    """Tell whether nothing is to be found in what was gathered of many objects."""
    creators = said(columns.created_by_ref)
    targets = said(own.targets)
    lists = {each for each in targets if type(each) is tuple}
    run.targets |= creators
    run.targets.update(targets - lists, *lists)
    marks = {*chain(*said(columns.object_marking_refs))}
    texts = said((*own.texts, *chain(*filter(None, (*columns.labels, *own.lists)))))
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


def _plan(struct: type[stix.StixObject]) -> list[tuple[int, Get]]:
    """List what to take out of the rows of a type, and where it belongs in `_Own`."""
    names: list[list[str]] = [[] for _ in _Own._fields]
    for name, look in looks_of(struct):
        if name in Columns._fields:
            continue
        if isinstance(look, partial):
            names[_PAIRS] += (*look.keywords.values(), name)
            continue
        place = _OTHERS if name in TARGETS else _GATHERED_IN.get(look, _OTHERS)
        names[place] += (*_WITH.get(place, ()), name)
    return [(place, getter(struct, own)) for place, own in enumerate(names) if own]


_PLANS: Final = {struct: _plan(struct) for struct in stix.TYPES.values()}
