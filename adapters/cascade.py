"""What goes when an object goes: references to it, and who needs them. Pure.

Linear in the number of references, however long the chain: a report over 3,000
objects is looked at once per reference, not once per object.
"""

import re
from collections.abc import Iterator, Sequence, Set
from typing import Any, Final

import msgspec

from adapters.projection import ObjectParts
from schemas import profile, stix

_ID = re.compile(
    r"[a-z][a-z0-9-]*--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)
# Marks, not targets: they stay by their ids.
_MARKS: Final = ("marking-definition--", "extension-definition--")
_NO_TARGETS: Final = frozenset(
    {("id",), ("object_marking_refs",), ("granular_markings",)}
)
# The projection writes these for every object.
_MADE_ANYWAY: Final = frozenset({"spec_version", "created", "modified"})
# Feedback is about objects of somebody else's record.
_ABOUT_OTHERS: Final = frozenset({"opinion", "note"})


class ObjectLoss(msgspec.Struct, frozen=True):
    """An object lacks a property that STIX requires; it goes."""

    index: int


class ReferenceLoss(msgspec.Struct, frozen=True):
    """A property refers to an object that is gone; it goes, or one element does.

    Attributes:
        element: Index of the element; None: the whole property.
    """

    index: int
    place: profile.Place
    element: int | None


Loss = ObjectLoss | ReferenceLoss
Use = tuple[int, profile.Place, int | None]


def cascade(
    objects: Sequence[stix.StixObject],
    parts: Sequence[ObjectParts],
    gone: Set[int],
    present: Set[str],
) -> Iterator[Loss]:
    """Yield every loss that follows from what is gone, until nothing follows.

    The caller carries each loss out before it asks for the next; only
    `ObjectParts.lost` is written here.

    Args:
        gone: Indexes of the objects that are gone; seen as the caller changes it.
        present: Ids outside the record that may be referred to.
    """
    known = {o.id for o in objects}
    staying = {o.id for i, o in enumerate(objects) if i not in gone} | present
    users: dict[str, list[Use]] = {}
    waiting: list[Use] = []
    for i, part in enumerate(parts):
        if i in gone:
            continue
        others = part.source.type in _ABOUT_OTHERS
        for use, target in _uses(i, part):
            users.setdefault(target, []).append(use)
            if target not in staying and not (others and target not in known):
                waiting.append(use)
    incomplete = [i for i in range(len(parts)) if i not in gone and _lacks(parts[i])]
    while waiting or incomplete:
        if incomplete:
            i = incomplete.pop()
            if i not in gone:
                yield ObjectLoss(i)
                waiting.extend(users.get(objects[i].id, ()))
            continue
        i, place, element = waiting.pop()
        part = parts[i]
        if i in gone or place not in part.shown:
            continue
        if element is not None:
            lost = part.lost.setdefault(place, set())
            if element in lost:
                continue
            lost.add(element)
            yield ReferenceLoss(i, place, element)
            if len(lost) < len(part.shown[place]):
                continue
        yield ReferenceLoss(i, place, None)
        if _lacks(part):
            incomplete.append(i)


def _lacks(part: ObjectParts) -> bool:
    names = {place[0] for place in (*part.shown, *part.made)}
    return stix.missing_property(part.source, names | _MADE_ANYWAY) is not None


def _uses(i: int, part: ObjectParts) -> Iterator[tuple[Use, str]]:
    for place, value in part.shown.items():
        if place in _NO_TARGETS:
            continue
        if profile.is_split(place) and isinstance(value, list):
            for j, element in enumerate(value):
                for target in _targets(element):
                    yield (i, place, j), target
        else:
            for target in _targets(value):
                yield (i, place, None), target


def _targets(value: Any) -> Iterator[str]:
    """List the ids in a value, at any depth, inside strings too."""
    if isinstance(value, str):
        if "--" in value:
            for found in _ID.findall(value):
                if not found.startswith(_MARKS):
                    yield found
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _targets(key)
            yield from _targets(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _targets(inner)
