"""Objects side by side: a column for each property that all of them have.

Most questions are about a property, and most objects give no reason to ask. One look
at a column tells that for all of them, far faster than asking each object.
"""

from collections.abc import Sequence
from itertools import islice
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


COMMON: Final = len(Columns._fields)

Row = tuple[Any, ...]
"""All properties of an object, in the order of the fields of its struct."""


def rows_of(objects: Sequence[StixObject]) -> list[Row]:
    """List all properties of each object."""
    return [*map(astuple, objects)]


def columns_of(rows: Sequence[Row]) -> Columns:
    """Give the common properties of the objects that *rows* are of."""
    # Every struct begins with the fields of the common one.
    return Columns(*islice(zip(*rows, strict=False), COMMON))


def said(column: _Column[_T]) -> set[_T]:
    """Give the different values in a column of values that can be hashed."""
    values = set(column)
    values.discard(UNSET)
    return values  # type: ignore[return-value]  # what is UNSET is no longer in it
