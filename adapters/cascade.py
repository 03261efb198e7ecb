"""What goes when an object goes: references to it, and who needs them. Pure.

Linear in the number of references, however long the chain: a report over 3,000
objects is looked at once per reference, not once per object.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Final, NamedTuple

import msgspec

from adapters.ids import Ids
from adapters.projection import ObjectParts
from schemas import profile, stix

_NO_TARGETS: Final = frozenset(
    {("id",), ("object_marking_refs",), ("granular_markings",)}
)
# The projection writes these for every object.
_MADE_ANYWAY: Final = frozenset(
    {"spec_version", "created", "modified", "created_by_ref"}
)
# Feedback is about objects of somebody else's record.
_ABOUT_OTHERS: Final = frozenset({"opinion", "note"})


class ObjectLoss(msgspec.Struct, frozen=True):
    """An object lacks a property that it needs, or may not be there without a mark."""

    index: int
    reason: str = "required-withheld"


class ReferenceLoss(msgspec.Struct, frozen=True):
    """A property refers to an object that is gone; it goes, or one element does.

    Attributes:
        element: Index of the element; None: the whole property.
    """

    index: int
    place: profile.Place
    element: int | None
    reason: str = "reference-withheld"


class Use(NamedTuple):
    """Where an object is mentioned.

    Attributes:
        by: Index of the object that mentions it.
        element: Index of the element; None: the whole property.
        reason: Why the place goes, if the object that is mentioned does.
    """

    by: int
    place: profile.Place
    element: int | None
    reason: str = "reference-withheld"


Loss = ObjectLoss | ReferenceLoss


def cascade(
    ids: Ids,
    parts: Sequence[ObjectParts],
    gone: Set[int],
    present: Set[str],
    *,
    whole: bool = False,
    more: Iterable[tuple[Use, str]] = (),
) -> Iterator[Loss]:
    """Yield every loss that follows from what is gone, until nothing follows.

    The caller carries each loss out before it asks for the next; only
    `ObjectParts.lost` is written here.

    Args:
        ids: Of all objects of the record.
        gone: Indexes of the objects that are gone; seen as the caller changes it.
        present: Ids outside the record that may be referred to.
        whole: An object also goes when it lacked a required property on arrival,
            as in a record that somebody cut before. Such an object may stay in the
            evidence, but is no valid STIX.
        more: Uses besides references, and the ids of what is used.
    """
    users, waiting = _users(ids, parts, gone, present, more)
    incomplete = [
        ObjectLoss(i)
        for i, p in enumerate(parts)
        if i not in gone and lacks(p, whole=whole)
    ]
    while waiting or incomplete:
        if incomplete:
            lost_object = incomplete.pop()
            yield lost_object
            i = lost_object.index
            waiting.extend(users.get(parts[i].source.id, ()))
            continue
        i, place, element, reason = waiting.pop()
        part = parts[i]
        if i in gone or place not in part.shown:
            continue
        if profile.is_visible(place, part.kind, primary=False):
            # It mentions what is gone where nothing can be cut.
            is_reference = reason == "reference-withheld"
            incomplete.append(ObjectLoss(i) if is_reference else ObjectLoss(i, reason))
            continue
        if element is not None:
            lost = part.lost.setdefault(place, set())
            if element in lost:
                continue
            lost.add(element)
            yield ReferenceLoss(i, place, element, reason)
            if len(lost) < len(part.shown[place]):
                continue
        yield ReferenceLoss(i, place, None, reason)
        if lacks(part, whole=whole):
            incomplete.append(ObjectLoss(i))


def _users(
    ids: Ids,
    parts: Sequence[ObjectParts],
    gone: Set[int],
    present: Set[str],
    more: Iterable[tuple[Use, str]],
) -> tuple[dict[str, list[Use]], list[Use]]:
    """List who mentions each object, and which mentions lead nowhere."""
    known = {part.source.id for part in parts}
    staying = {p.source.id for i, p in enumerate(parts) if i not in gone} | present
    users: dict[str, list[Use]] = {}
    dangling: list[Use] = []
    for i, part in enumerate(parts):
        if i in gone:
            continue
        others = part.kind in _ABOUT_OTHERS
        for use, target in _uses(i, part, ids):
            users.setdefault(target, []).append(use)
            if target not in staying and not (others and target not in known):
                dangling.append(use)
    for use, target in more:
        users.setdefault(target, []).append(use)
        if target not in staying:
            dangling.append(use)
    return users, dangling


def lacks(part: ObjectParts, *, whole: bool) -> bool:
    """Tell whether an object lacks what STIX requires; *whole* as in `cascade`."""
    source = part.source
    has = {place[0] for place in (*part.shown, *part.made)} | _MADE_ANYWAY
    if stix.missing_property(source, has) is None:
        return False
    if whole:
        return True
    had = has | {name for name, _ in stix.properties(source)}
    if not stix.required_of(source) & had <= has:
        return True
    choices = stix.ALTERNATIVES.get(part.kind, ())
    return any(c <= had for c in choices) and not any(c <= has for c in choices)


def _uses(i: int, part: ObjectParts, ids: Ids) -> Iterator[tuple[Use, str]]:
    for place, value in part.shown.items():
        if place in _NO_TARGETS:
            continue
        if profile.is_split(place) and isinstance(value, list):
            for j, element in enumerate(value):
                for target in ids.mentioned(element):
                    yield Use(i, place, j), target
        else:
            for target in ids.mentioned(value):
                yield Use(i, place, None), target
