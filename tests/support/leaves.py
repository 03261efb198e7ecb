"""Tells whether all of an input came along: each of its texts and numbers.

It came along if an object holds it, or if its place is listed among the losses. Losses
of one kind are one finding with a count, and the count must be enough.
"""

import copy
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from adapters.sources.found import Found
from schemas import stix

_INDEX = re.compile(r"\[[0-9]+\]")


def leaves(value: Any, place: str = "$") -> Iterator[tuple[str, str]]:
    """List the texts and numbers of a JSON value, each with its place."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{place}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{place}[{index}]")
    elif value not in ("", None) and not isinstance(value, bool):
        yield place, str(value)


_ODD: tuple[Any, ...] = (
    None, True, 0, -70_001, 1.75, "", "odd text", "\u202eodd", [], {}, [[]], [None],
    ["odd"], {"_sd": "odd"}, {"": "odd"}, {"a": {"b": ["odd", {"c": 2**53 - 1}]}},
    "2026-01-01T00:00:00Z", "odd " * 100, {"type": "bundle"}, "--",
)  # fmt: skip


def one_changed(value: Any, *, seed: int, times: int) -> Iterator[Any]:
    """Copy a JSON value, with one value inside taken for an odd one, or taken away."""
    chance = random.Random(seed)  # noqa: S311  no secret
    paths = [path for path in _paths(value) if path]
    for _ in range(times):
        changed = json.loads(json.dumps(value))  # what stands twice in it is two
        *outer, last = chance.choice(paths)
        inner = changed
        for step in outer:
            inner = inner[step]
        if chance.random() < 0.1:
            del inner[last]
        else:
            inner[last] = copy.deepcopy(chance.choice(_ODD))
        yield changed


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        steps = value if isinstance(value, dict) else range(len(value))
        for step in steps:
            yield from _paths(value[step], (*path, step))


def held(found: Found) -> str:
    """All that the objects hold, names of members too."""
    return "\n".join(
        text
        for each in found.objects
        for text in _strings(json.loads(json.dumps(stix.encode_object(each))))
    )


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    else:
        yield str(value)


def dropped_unlisted(
    value: Any,
    found: Found,
    *,
    beside: str = r"(?!)",
    spell: Callable[[str], str] = str,
) -> list[str]:
    """List the places of what is neither held nor listed.

    Args:
        beside: Pattern of places that need not come along.
        spell: How objects may write a text.
    """
    known = held(found)
    missing = [
        place
        for place, text in leaves(value)
        if text not in known
        and spell(text) not in known
        and re.fullmatch(beside, place) is None
    ]
    counts: dict[str, int] = defaultdict(int)
    for loss in found.losses:
        counts[_INDEX.sub("[]", loss.where)] += loss.count
    # The one that says most, first.
    kinds = sorted(counts, key=lambda k: (-len(re.findall(r"[.\[]+", k)), "[...]" in k))
    covered: dict[str, set[str]] = defaultdict(set)
    left = []
    for place in missing:
        for kind in kinds:
            start = _pattern(kind).match(place)
            if start is not None:
                covered[kind].add(start[0])
                break
        else:
            left.append(place)
    for kind, places in covered.items():
        if len(places) > counts[kind]:
            left += sorted(places)
    return left


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    """Match the places that a kind of them stands for, and what is inside of them."""
    parts = re.split(r"(\[\]|\[\.\.\.\])", kind)
    spelled = {"[]": r"\[[0-9]+\]", "[...]": r"\.[^.\[]*"}
    text = "".join(spelled.get(part) or re.escape(part) for part in parts)
    return re.compile(rf"{text}(?=[.\[]|\Z)")
