"""Bundles: what a file or a request holds. They are containers, not objects."""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.errors import SchemaError
from schemas.stix.core import StixObject
from schemas.stix.objects import (
    OBSERVABLE_TYPES,
    RESERVED_NAMES,
    decode_object,
    encode_object,
    refusal,
)
from schemas.stix.values import Id

# Where one says it and the other does not, two descriptions do not mean the same.
_NEVER_JOINED: Final = frozenset(
    {"object_marking_refs", "granular_markings", "defanged", "revoked", "confidence"}
)


class _Bundle(Struct, tag="bundle"):
    objects: Annotated[list[Any], Meta(min_length=1)]
    id: Id | UnsetType = UNSET
    spec_version: Literal["2.1"] | UnsetType = UNSET


def decode_bundle(value: Any, where: str = "$") -> tuple[StixObject, ...]:
    """Decode a bundle, a bare list of objects, or a single object.

    An object that is repeated word for word counts once. Two descriptions of one
    observable that do not contradict each other become one: observables have no
    versions, and lists of them do repeat (OASIS's own example file).

    Raises:
        SchemaError: `duplicate-id`, or as `decode_object`.
    """
    objects, place = _open(value, where)
    by_id: dict[str, StixObject] = {}
    for index, item in enumerate(objects):
        here = f"{place}[{index}]" if objects is not value else f"{where}[{index}]"
        decoded = decode_object(item, here)
        first = by_id.setdefault(decoded.id, decoded)
        if first is not decoded:
            by_id[decoded.id] = _join(first, decoded, here)
    return tuple(by_id.values())
