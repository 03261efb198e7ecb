"""The words of a record in comparable form, folded at once and searched as one. Pure."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Set
from functools import cached_property
from itertools import accumulate
from typing import Any, Final

from adapters import text
from schemas import profile
from schemas.stix.values import ID_PATTERN, TIMESTAMP_PATTERN

Spot = tuple[int, profile.Place]
"""(index of an object, place in it)"""

# In these a handle would be found by chance: they hold digits, and nobody's name.
_NO_TEXT: Final = re.compile(f"{ID_PATTERN}|{TIMESTAMP_PATTERN}")
# Folding takes nothing away that has this beside it, and adds nothing across it.
_APART: Final = "\0"
# Longer than what may stand between the digits of one number.
_PARTED: Final = "\n;;;\n"
# Where these stand, folding a text may take apart a word that begins with a capital.
_UNSTABLE: Final = re.compile(r"[%&\[({<\\]|dot|hxxp", re.IGNORECASE)


def is_text(string: str) -> bool:
    """Tell whether a string says something: no id, no time."""
    return _NO_TEXT.match(string) is None


def strings(value: Any) -> Iterator[str]:
    """List every string in *value*, names of members included, numbers as text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


class Forms:
    """A text in the spellings that are compared.

    Attributes:
        written: As it stands.
        folded: See `text.normalise`.
    """

    def __init__(self, written: str, folded: str | None = None) -> None:
        self.written = written
        self.folded = text.normalise(written) if folded is None else folded

    @classmethod
    def of(cls, *values: Any) -> "Forms":
        """Spell values of any JSON type. Ids and times are left out."""
        return cls("\n".join(s for v in values for s in strings(v) if is_text(s)))

    @classmethod
    def apart(cls, values: Iterable[Any]) -> "Forms":
        """Spell values as one text in which no number goes over the end of a value."""
        return cls(_PARTED.join(s for v in values for s in strings(v) if is_text(s)))

    @cached_property
    def loose(self) -> str:
        """Give the words alone, see `text.loosen`."""
        return text.loosen(self.folded)

    @cached_property
    def capitals(self) -> frozenset[str]:
        """List the words that begin with a capital."""
        return text.capitalised(self.written)

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """List the digits of long numbers."""
        return tuple(text.numbers(self.folded))


Personal = tuple[Set[str], Set[str]]
"""Addresses, and the digits of long numbers."""

_NOTHING: Final[Personal] = (frozenset[str](), frozenset[str]())


class Spelled:
    """The texts of a record.

    Attributes:
        slots: Number of the text at each place that has one.
        spots: Where each text stands, by number.
        values: What the texts were made of.
    """

    def __init__(self, values: Iterable[tuple[Spot, Any]]) -> None:
        self.slots: dict[Spot, int] = {}
        self.spots: list[Spot] = []
        self.values: list[Any] = []
        written: list[str] = []
        known: dict[str, str] = {}  # the same words and times come again and again
        for spot, value in values:
            said: str | None
            if type(value) is str:
                said = known.get(value)
                if said is None:
                    said = known[value] = value if is_text(value) else ""
            elif value is True or value is False:
                continue
            else:
                said = "\n".join([s for s in strings(value) if is_text(s)])
            if said:
                self.slots[spot] = len(written)
                self.spots.append(spot)
                self.values.append(value)
                written.append(said)
        self._written, self._folded = written, _folded(written)
        self._forms: dict[int, Forms] = {}
        self._joined = _APART.join(self._folded)
        lengths = (len(each) + 1 for each in self._folded)
        self._starts = list(accumulate(lengths, initial=0))

    def form(self, slot: int) -> Forms:
        """Give the text with this number."""
        found = self._forms.get(slot)
        if found is None:
            found = Forms(self._written[slot], self._folded[slot])
            self._forms[slot] = found
        return found

    @property
    def chars(self) -> int:
        """Count the characters of all texts."""
        return len(self._joined)

    def holding(self, word: str) -> Iterator[int]:
        """Give the numbers of the texts in which a folded word stands."""
        at = self._joined.find(word)
        while at >= 0:
            slot = self._slot(at)
            yield slot
            at = self._joined.find(word, self._starts[slot + 1])

    @cached_property
    def with_numbers(self) -> frozenset[int]:
        """Give the numbers of the texts that may hold a long number."""
        return frozenset(map(self._slot, text.long_numbers(self._joined)))

    @cached_property
    def unstable(self) -> frozenset[int]:
        """Give the numbers of the texts whose capitals may be spelled otherwise when folded."""
        return frozenset(
            slot
            for slot, written in enumerate(self._written)
            if _UNSTABLE.search(written)
        )

    @cached_property
    def personal(self) -> dict[int, Personal]:
        """Give the addresses and the long numbers of the texts that hold any."""
        found = {}
        for slot in self.with_numbers.union(self.holding("@")):
            found[slot] = personal(self.values[slot])
        return found

    def personal_in(self, spot: Spot, value: Any) -> Personal:
        """Give the addresses and the long numbers of a value that stood at *spot*."""
        slot = self.slots.get(spot)
        if type(value) is str and slot is not None and self.values[slot] is value:
            return self.personal.get(slot, _NOTHING)
        return personal(value)

    def _slot(self, at: int) -> int:
        return bisect_right(self._starts, at) - 1


def personal(value: Any) -> Personal:
    """Find the addresses and long numbers in a value of any JSON type."""
    addresses: set[str] = set()
    numbers: set[str] = set()
    for found in strings(value):
        if text.may_hold_personal_data(found):
            folded = text.normalise(found)
            addresses.update(text.addresses(folded))
            numbers.update(text.numbers(folded))
    return addresses, numbers


def _folded(written: list[str]) -> list[str]:
    """Normalise texts; those of ASCII, the most, at once."""
    plain = [each for each in written if each.isascii()]
    together = text.normalise(_APART.join(plain)).split(_APART)
    if len(together) != len(plain):  # an escape may spell what parts them
        return [text.normalise(each) for each in written]
    folded = iter(together)
    return [
        next(folded) if each.isascii() else text.normalise(each) for each in written
    ]
