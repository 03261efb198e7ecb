"""What goes when an object goes: references to it, and who needs them. Pure.

Linear in the number of references, however long the chain: a report over 3,000
objects is looked at once per reference, not once per object.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Final

import msgspec

from adapters.projection import ObjectParts
from adapters.reading import Mentions, Use
from schemas import profile, stix

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


Loss = ObjectLoss | ReferenceLoss


def cascade(
    mentions: Mentions,
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
        mentions: Of the record.
        gone: Indexes of the objects that are gone; seen as the caller changes it.
        present: Ids outside the record that may be referred to.
        whole: An object also goes when it lacked a required property on arrival,
            as in a record that somebody cut before. Such an object may stay in the
            evidence, but is no valid STIX.
        more: Uses besides references, and the ids of what is used.
    """
    users = _Users(mentions, parts, more)
    waiting = users.dangling(gone, present)
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
            waiting.extend(users.of(parts[i].source.id))
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


class _Users:
    """Knows who mentions what, as far as it still stands there."""

    def __init__(
        self,
        mentions: Mentions,
        parts: Sequence[ObjectParts],
        more: Iterable[tuple[Use, str]],
    ) -> None:
        self._mentions, self._parts = mentions, parts
        self._more: dict[str, list[Use]] = {}
        for use, target in more:
            self._more.setdefault(target, []).append(use)

    def of(self, target: str) -> list[Use]:
        """List the uses of an object, in the order of the record."""
        uses = self._mentions.users.get(target, ())
        found = [use for _, use in uses if self._stands(use, target)]
        return found + self._more.get(target, [])

    def dangling(self, gone: Set[int], present: Set[str]) -> list[Use]:
        """List the uses of what is not there, in the order of the record."""
        parts, index = self._parts, self._mentions.index
        found: list[tuple[int, Use]] = []
        for target, uses in self._mentions.users.items():
            at = index.get(target)
            if target in present or (at is not None and at not in gone):
                continue
            found += [
                (number, use)
                for number, use in uses
                if (at is not None or parts[use.by].kind not in _ABOUT_OTHERS)
                and self._stands(use, target)
            ]
        found.sort(key=itemgetter(0))
        staying = present | {stix_id for stix_id, i in index.items() if i not in gone}
        more = (uses for each, uses in self._more.items() if each not in staying)
        return [use for _, use in found] + list(chain.from_iterable(more))

    def _stands(self, use: Use, target: str) -> bool:
        """Tell whether a text from which sentences were cut still holds an id."""
        part = self._parts[use.by]
        left = part.shown.get(use.place) if use.place in part.lost else None
        return not isinstance(left, str) or target in self._mentions.ids.mentioned(left)


def lacks(part: ObjectParts, *, whole: bool) -> bool:
    """Tell whether an object lacks what STIX requires; *whole* as in `cascade`."""
    source, shown = part.source, part.shown
    if part.kind not in stix.ALTERNATIVES and (
        shown.keys() >= _needed(stix.required_of(source))
    ):
        return False
    has = {place[0] for place in (*shown, *part.made)} | _MADE_ANYWAY
    if stix.missing_property(source, has) is None:
        return False
    if whole:
        return True
    had = has | {name for name, _ in stix.properties(source)}
    if not stix.required_of(source) & had <= has:
        return True
    choices = stix.ALTERNATIVES.get(part.kind, ())
    return any(c <= had for c in choices) and not any(c <= has for c in choices)


@lru_cache
def _needed(required: frozenset[str]) -> frozenset[profile.Place]:
    return frozenset((name,) for name in required - _MADE_ANYWAY)
