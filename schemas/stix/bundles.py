"""Bundles: what a file or a request holds. They are containers, not objects."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.codec import RESERVED_NAMES, encode_json
from schemas.errors import SchemaError
from schemas.stix.core import StixObject
from schemas.stix.objects import (
    OBSERVABLE_TYPES,
    decode_object,
    encode_object,
    refusal,
)
from schemas.stix.values import InnerId

# Where one has it and the other has not, two descriptions do not mean the same.
_NEVER_JOINED: Final = frozenset(
    {"object_marking_refs", "granular_markings", "defanged", "revoked", "confidence"}
)


class _Bundle(Struct, tag="bundle"):
    objects: Annotated[list[Any], Meta(min_length=1)]
    id: InnerId | UnsetType = UNSET
    spec_version: Literal["2.1"] | UnsetType = UNSET


def decode_bundle(value: Any, where: str = "$") -> tuple[StixObject, ...]:
    """Decode a bundle, a bare list of objects, or a single object.

    An object that is repeated word for word counts once. Two descriptions of one
    observable that do not contradict each other become one: observables have no
    versions, and lists of them do repeat (OASIS's own example file).

    Raises:
        SchemaError: `duplicate-id`, or as `decode_object`.
    """
    by_id: dict[str, StixObject] = {}
    for here, item in objects_in(value, where):
        decoded = decode_object(item, here)
        by_id[decoded.id] = joined(by_id.get(decoded.id), decoded, here)
    return tuple(by_id.values())


def objects_in(value: Any, where: str = "$") -> Iterator[tuple[str, Any]]:
    """List what a bundle, a bare list or a single object holds, each with its place.

    Raises:
        SchemaError: It is no bundle.
    """
    if type(value) is list:
        items, place = value, where
    elif type(value) is not dict or value.get("type") != "bundle":
        yield where, value
        return
    else:
        items, place = _items(value, where), f"{where}.objects"
    for index, item in enumerate(items):
        yield f"{place}[{index}]", item


def _items(value: dict[str, Any], where: str) -> list[Any]:
    if not RESERVED_NAMES.isdisjoint(value):
        raise SchemaError("reserved-name", where)
    if "objects" not in value:
        raise SchemaError("missing-property", f"{where}.objects")
    try:
        return msgspec.convert(value, _Bundle).objects
    except msgspec.ValidationError as error:
        raise refusal(error, where) from None


def joined(first: StixObject | None, second: StixObject, where: str) -> StixObject:
    """Make one of two descriptions under one id.

    Raises:
        SchemaError: `duplicate-id`.
    """
    return second if first is None else _join(first, second, where)


def _join(first: StixObject, second: StixObject, where: str) -> StixObject:
    one, other = encode_object(first), encode_object(second)
    if not _agree(one, other, one.keys() & other.keys()):
        raise SchemaError("duplicate-id", where)
    differing = one.keys() ^ other.keys()
    if not differing:
        return first
    if first.type not in OBSERVABLE_TYPES or differing & _NEVER_JOINED:
        raise SchemaError("duplicate-id", where)
    return decode_object(one | other, where)


def _agree(one: dict[str, Any], other: dict[str, Any], names: set[str]) -> bool:
    # As JSON text: in Python 1, 1.0 and True are equal.
    return all(encode_json(one[name]) == encode_json(other[name]) for name in names)
