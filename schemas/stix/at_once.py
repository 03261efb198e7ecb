"""Bytes -> the objects of a sound bundle, decoded at once.

Most bundles that come in are sound, and to decode one into structs, without the plain
values in between, takes a third of the time. Where anything may be at fault nothing is
given: `codec` and `examining`, which go through it value by value, then say what it is,
or find that all is in order.
"""

import re
from collections.abc import Iterable
from functools import reduce
from itertools import chain
from operator import attrgetter, itemgetter, or_
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, inspect

from schemas.codec import RESERVED_NAMES, check_values
from schemas.errors import SchemaError
from schemas.stix.columns import Columns, Get, Objects, getter, said
from schemas.stix.core import StixObject
from schemas.stix.forms import Form, form, forms_of
from schemas.stix.objects import TYPES
from schemas.stix.required import NOT_LISTED, REQUIRED, missing_properties
from schemas.stix.values import (
    ID_PATTERN,
    ID_TAIL_CHARS,
    MARKING_PATTERN,
    MAX_TEXT_CHARS,
    TIMESTAMP_PATTERN,
    InnerId,
)

_MAX_DEPTH: Final = 20  # of what no struct describes; `codec` allows some more
_OBJECT: Final[Any] = reduce(or_, TYPES.values())


class _Bundle(Struct):
    type: Literal["bundle"]
    objects: Annotated[tuple[_OBJECT, ...], Meta(min_length=1)]
    id: InnerId | UnsetType = UNSET
    spec_version: Literal["2.1"] | UnsetType = UNSET


_decode = msgspec.json.Decoder(_Bundle).decode
_encode = msgspec.json.Encoder().encode

Sound = tuple[Objects, dict[str, str]]
"""Complete objects, and the place of each by its id."""


def decode_sound(data: bytes) -> Sound | None:
    """Decode a bundle that says it is of STIX 2.1; None if anything may be wrong.

    What it gives is what decoding to plain values and `examine_bundle` would give.
    """
    if b'"bundle"' not in data or _spells_by_number(data):
        return None
    if _may_be_too_long(data):
        return None
    try:
        bundle = _decode(data)
        compact = _encode(bundle)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    # A colon stands behind every name, see `codec`: one that is repeated is lacking, and
    # one that the structs do not know.
    if compact.count(b":") != data.count(b":"):
        return None
    objects = Objects(bundle.objects)
    ids, versions = objects.columns.id, objects.columns.spec_version
    is_named = bundle.spec_version is not UNSET or any(versions)
    if not is_named or not _are_sound(objects):
        return None
    return objects, {each: f"$.objects[{i}]" for i, each in enumerate(ids)}


def _spells_by_number(data: bytes) -> bool:
    """Tell whether ASCII may be spelled by numbers, a colon for example."""
    at = -2
    for _ in range(_FEW):  # each a fast step; most texts have none
        at = data.find(b"\\", at + 2)
        if at < 0:
            return False
        if data.startswith(b"u00", at + 1):
            break
    return _BY_NUMBER.search(data, at) is not None


_TYPE_IN_ID: Final = itemgetter(slice(-ID_TAIL_CHARS))
_TYPE: Final = attrgetter("type")
_FEW: Final = 50
_BY_NUMBER: Final = re.compile(rb"\\u00[0-7]")


def _may_be_too_long(data: bytes) -> bool:
    """Tell whether *data* may hold a string of more than `MAX_TEXT_CHARS`."""
    known = 0  # a quote at which a string begins or ends
    while len(data) - known > MAX_TEXT_CHARS:
        found = data.rfind(b'"', known + 1, known + MAX_TEXT_CHARS)
        while found > 0 and data[found - 1 : found] == b"\\":
            found = data.rfind(b'"', known + 1, found)
        if found < 0:
            return True
        known = found
    return False


def _are_sound(objects: Objects) -> bool:
    columns = objects.columns
    if any(columns.extra) or len({*columns.id}) < len(objects):
        return False
    if [*map(_TYPE_IN_ID, columns.id)] != [*map(_TYPE, objects)]:
        return False
    own = _Own(*objects.gathered(_GATHERED, len(_Own._fields)))
    references = [*chain(*filter(None, columns.external_references))]
    phases = chain(*filter(None, own.phases))
    ids = said((*columns.id, *columns.created_by_ref, *own.ids))
    return (
        _have(_ID, ids.union(*said(own.id_lists)))
        and _have(_TIME, said((*columns.created, *columns.modified, *own.times)))
        and _have(_MARKING, {*chain(*said(columns.object_marking_refs))})
        and not any(each.extra for each in chain(references, phases))
        and _are_plain(
            [*columns.extensions, *own.plain, *(each.hashes for each in references)]
        )
        and UnsetType not in {*map(type, own.required)}
        and not any(missing_properties(objects[i]) for i in objects.at(_NOT_LISTED))
    )


class _Own(NamedTuple):
    """What stands in properties that depend on the type, of all objects together.

    Attributes:
        plain: What no struct describes, and numbers without a bound.
    """

    ids: list[Any]
    times: list[Any]
    id_lists: list[Any]
    phases: list[Any]
    plain: list[Any]
    required: list[Any]


def _have(wanted: Form, texts: set[str]) -> bool:
    return texts <= wanted.known or all(map(wanted.fits, texts - wanted.known))


def _are_plain(values: Iterable[Any]) -> bool:
    """Tell whether numbers, names and depth of values of any kind are in order."""
    present = [each for each in values if each is not UNSET]
    if not present:
        return True
    lists = [each for each in present if type(each) is tuple]
    try:
        check_values(
            [*present, *chain(*lists)], max_depth=_MAX_DEPTH, reserved=RESERVED_NAMES
        )
    except SchemaError:
        return False
    return True


_ID, _TIME, _MARKING = map(form, (ID_PATTERN, TIMESTAMP_PATTERN, MARKING_PATTERN))


def _gathered(struct: type[StixObject]) -> list[tuple[int, Get]]:
    """List what to take out of the rows of a type, and where it belongs in `_Own`."""
    forms = forms_of(struct)
    texts, lists = dict(forms.of_texts), dict(forms.of_lists)
    own = _Own([], [], [], [], [], [])
    for each in inspect.type_info(struct).fields[len(Columns._fields) :]:  # type: ignore[attr-defined]
        name = each.name
        if name in texts:
            (own.ids if texts[name] is _ID else own.times).append(name)
        elif name in lists:
            own.id_lists.append(name)
        elif name == "kill_chain_phases":
            own.phases.append(name)
        elif not _is_bounded(each.type):
            own.plain.append(name)
    kind = str(struct.__struct_config__.tag)
    if kind not in NOT_LISTED:
        own.required.extend(REQUIRED.get(kind, ()))
    return [(place, getter(struct, names)) for place, names in enumerate(own) if names]


def _is_bounded(kind: Any) -> bool:
    """Tell whether a type itself keeps what `check_values` asks for."""
    if isinstance(kind, inspect.UnionType):
        return all(map(_is_bounded, kind.types))
    if isinstance(kind, inspect.VarTupleType):
        return _is_bounded(kind.item_type)
    if isinstance(kind, inspect.IntType):
        return kind.le is not None
    return isinstance(kind, _BOUNDED)


_BOUNDED: Final = (inspect.StrType, inspect.BoolType, inspect.LiteralType)
_NOT_LISTED: Final = frozenset(TYPES[kind] for kind in NOT_LISTED)
_GATHERED: Final = {struct: _gathered(struct) for struct in TYPES.values()}
