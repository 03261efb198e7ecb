"""What is to be sealed must not stand in the open part as well. Pure.

The hub's guard cannot look into sealed parts, so the issuer's looks before: for the
same values, in the same spellings.
"""

from collections.abc import Iterator, Set
from typing import NamedTuple

from adapters import guard, masking
from adapters.reading import Reading
from adapters.spelled import Forms
from schemas import profile, stix
from schemas.errors import SchemaError


class Repeat(NamedTuple):
    """A place in the open that holds what is to be sealed.

    Attributes:
        at: Index of its object.
        elements: Positions of the sentences that hold it; none: it is the whole.
    """

    at: int
    place: profile.Place
    elements: tuple[int, ...]


def repeats(reading: Reading, sealed: Set[int]) -> Iterator[Repeat]:
    """Find where objects in the open hold identifying values of those sealed.

    Args:
        sealed: Indexes of the objects that are to be sealed.

    Raises:
        SchemaError: `seal-repeated`: it stands where nothing can be sealed, or there
            is too much to look for.
    """
    watch = guard.Watch(reading, _values(reading, sealed))
    if watch.is_empty():
        return
    if watch.hits_claims() or watch.is_too_much():
        raise SchemaError("seal-repeated", "$")
    for i, places in sorted(watch.suspects().items()):
        read = reading.objects[i]
        for place, forms in places.items() if i not in sealed else ():
            visible = read.shows(place)
            context = guard.context_of(read.source.type, place, visible=visible)
            if not watch.hits(forms, context):
                continue
            if visible:
                raise SchemaError("seal-repeated", spot(read.source.type, place))
            parts = masking.parts_of(reading.verified, i, place)
            hits = (j for j, part in enumerate(parts) if watch.hits(Forms.of(part[2])))
            yield Repeat(i, place, tuple(hits))


def _values(reading: Reading, sealed: Set[int]) -> Iterator[guard.Withheld]:
    for i in sealed:
        for place, _, value, _, _ in reading.objects[i].properties:
            # Of strings, ids and times have no slot; they tell nothing.
            is_text = type(value) is not str or (i, place) in reading.spelled.slots
            if is_text and guard.says_something(place, value):
                yield guard.Withheld(i, place, value, "", above=True)


def spot(kind: str, place: profile.Place) -> str:
    """Name a place for the issuer; an unknown property is nobody's word but its own."""
    name = place[0] if place[0] in stix.PROPERTY_NAMES else "[...]"
    return f"{kind if kind in stix.TYPES else '[...]'}.{name}"
