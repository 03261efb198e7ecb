"""Objects side by side: a column for each property that all of them have.

Most questions are about a property, and most objects give no reason to ask. One look
at a column tells that for all of them, far faster than asking each object.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeVar

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


def rows_of(objects: Sequence[StixObject]) -> list[Row]:
    """List all properties of each object."""
    return [*map(astuple, objects)]


def columns_of(rows: Sequence[Row]) -> Columns:
    """Give the common properties of the objects that *rows* are of."""
    # Every struct begins with the fields of the common one.
    return Columns(*islice(zip(*rows, strict=False), _COMMON))


def getter(struct: type[StixObject], names: Sequence[str]) -> Get:
    """Make what takes some properties, one at least, out of the rows of a type."""
    indexes = [struct.__struct_fields__.index(name) for name in names]
    if len(indexes) == 1:  # of a slice, too, a tuple comes
        return itemgetter(slice(indexes[0], indexes[0] + 1))
    return itemgetter(*indexes)


def said(column: Iterable[_T | UnsetType]) -> set[_T]:
    """Give the different values in a column of values that can be hashed."""
    values = set(column)
    values.discard(UNSET)
    return values  # type: ignore[return-value]  # what is UNSET is no longer in it
