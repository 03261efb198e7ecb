"""Objects side by side: a column for each property that all of them have.

Most questions are about a property, and most objects give no reason to ask. One look
at a column tells that for all of them, far faster than asking each object.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from itertools import chain, compress, count, islice, repeat
from operator import is_not, itemgetter
from typing import Any, Final, NamedTuple, Self, TypeVar

from msgspec import UNSET, UnsetType
from msgspec.structs import astuple

from schemas.stix.core import GranularMarking, StixObject
from schemas.stix.values import Open

_T = TypeVar("_T")
_Column = tuple[_T | UnsetType, ...]


class Columns(NamedTuple):
    """The common properties of some objects, in the order of the objects.

    They are the fields of `StixObject`, and in the order of those.
    """

    id: tuple[str, ...] = ()
    spec_version: _Column[str] = ()
    created_by_ref: _Column[str] = ()
    created: _Column[str] = ()
    modified: _Column[str] = ()
    revoked: _Column[bool] = ()
    labels: _Column[tuple[str, ...]] = ()
    confidence: _Column[int] = ()
    lang: _Column[str] = ()
    external_references: _Column[Any] = ()
    object_marking_refs: _Column[tuple[str, ...]] = ()
    granular_markings: _Column[tuple[GranularMarking, ...]] = ()
    defanged: _Column[bool] = ()
    extensions: _Column[Open] = ()
    extra: tuple[Open, ...] = ()


_COMMON: Final = len(Columns._fields)

Row = tuple[Any, ...]
"""All properties of an object, in the order of the fields of its struct."""

Get = Callable[[Row], Row]
"""Takes some properties out of a row."""


Plans = Mapping[type[StixObject], Sequence[tuple[int, Get]]]
"""What to take out of the rows of each type, and the number of the list it goes to."""


class Objects(tuple[StixObject, ...]):
    """Some objects, and what many questions start from, found once for all of them.

    Attributes:
        rows: All properties of each object.
        columns: The common properties.
        by_type: The positions of the objects of each struct.
    """

    _answers: dict[Any, Any]
    rows: list[Row]
    columns: Columns
    by_type: Mapping[type[StixObject], list[int]]

    def __new__(cls, objects: Iterable[StixObject]) -> Self:
        """Look at *objects* together."""
        self = super().__new__(cls, objects)
        self._answers = {}
        self.rows = [*map(astuple, self)]
        # Every struct begins with the fields of the common one.
        self.columns = Columns(*islice(zip(*self.rows, strict=False), _COMMON))
        found: dict[type[StixObject], list[int]] = {}
        self.by_type = found
        for index, struct in enumerate(map(type, self)):
            if struct in found:
                found[struct].append(index)
            else:
                found[struct] = [index]
        return self

    def once(self, question: Callable[["Objects"], _T]) -> _T:
        """Give the answer to a question that several ask, found once."""
        if question not in self._answers:
            self._answers[question] = question(self)
        answer: _T = self._answers[question]
        return answer

    def at(self, structs: Set[Any]) -> list[int]:
        """List the positions of all objects of some structs, in order."""
        found = self.by_type
        return sorted(chain(*map(found.__getitem__, found.keys() & structs)))

    def gathered(self, plans: Plans, number: int) -> list[list[Any]]:
        """Gather what stands in properties that depend on the type, in *number* lists."""
        lists: list[list[Any]] = [[] for _ in range(number)]
        for struct, row in zip(map(type, self), self.rows, strict=True):
            for place, get in plans[struct]:
                lists[place] += get(row)
        return lists


def together(objects: Iterable[StixObject]) -> Objects:
    """Look at some objects together."""
    return objects if isinstance(objects, Objects) else Objects(objects)


def getter(struct: type[StixObject], names: Sequence[str]) -> Get:
    """Make what takes some properties, one at least, out of the rows of a type."""
    indexes = [struct.__struct_fields__.index(name) for name in names]
    if len(indexes) == 1:  # of a slice, too, a tuple comes
        return itemgetter(slice(indexes[0], indexes[0] + 1))
    return itemgetter(*indexes)


def filled(column: Iterable[Any]) -> list[int]:
    """List the positions at which something stands, and nothing empty."""
    return [*compress(count(), column)]


def present(column: Iterable[Any]) -> list[int]:
    """List the positions at which something stands, be it empty."""
    return [*compress(count(), map(is_not, column, repeat(UNSET)))]


def said(column: Iterable[_T | UnsetType]) -> set[_T]:
    """Give the different values in a column of values that can be hashed."""
    values = set(column)
    values.discard(UNSET)
    return values  # type: ignore[return-value]  # what is UNSET is no longer in it
