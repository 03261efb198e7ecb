"""Hypothesis strategies for JSON values and for STIX objects of every type."""

from typing import Any

from hypothesis import strategies as st
from msgspec import Struct, convert, inspect

from schemas.codec import MAX_SAFE_INT
from schemas.stix import RESERVED_NAMES, TYPES
from schemas.stix.core import EXTRA, StixObject

names = st.text(max_size=8).filter(lambda name: name not in RESERVED_NAMES)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_SAFE_INT, MAX_SAFE_INT)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4)
    ),
    max_leaves=10,
)
json_objects = st.dictionaries(names, json_values, max_size=3)


def ids(kind: str) -> st.SearchStrategy[str]:
    return st.uuids(version=4).map(lambda uuid: f"{kind}--{uuid}")


@st.composite
def stix_objects(
    draw: st.DrawFn,
    kinds: dict[str, type[StixObject]] = TYPES,
    *,
    whole: bool = False,
) -> dict[str, Any]:
    """An object as JSON: any type, any choice of its properties, unknown ones too.

    *whole*: all of its properties, whatever the type.
    """
    name = draw(st.sampled_from(sorted(kinds)))
    body = draw(_whole(kinds[name]) if whole else _struct(kinds[name]))
    unknown = {f"x_{key}": value for key, value in draw(json_objects).items()}
    return {**unknown, **body, "type": name, "id": draw(ids(name))}


def views(kind: type[Struct]) -> st.SearchStrategy[Any]:
    """A struct of this type, built from any choice of its fields."""
    return _struct(kind).map(lambda body: convert(body, kind))


def _struct(kind: type) -> st.SearchStrategy[dict[str, Any]]:
    if kind not in _STRUCTS:
        fields = [f for f in inspect.type_info(kind).fields if f.encode_name != EXTRA]
        _STRUCTS[kind] = st.fixed_dictionaries(
            {f.encode_name: _value(f.type) for f in fields if f.required},
            optional={f.encode_name: _value(f.type) for f in fields if not f.required},
        )
    return _STRUCTS[kind]


def _whole(kind: type) -> st.SearchStrategy[dict[str, Any]]:
    fields = [f for f in inspect.type_info(kind).fields if f.encode_name != EXTRA]
    return st.fixed_dictionaries({f.encode_name: _value(f.type) for f in fields})


_STRUCTS: dict[type, st.SearchStrategy[dict[str, Any]]] = {}


def _value(kind: inspect.Type) -> st.SearchStrategy[Any]:
    match kind:
        case inspect.UnionType(types):
            return st.one_of(*map(_value, types))
        case inspect.Metadata(extra={"form": pattern}):
            return st.from_regex(pattern)
        case inspect.StrType(pattern=None):
            return st.text(max_size=20)
        case inspect.StrType(pattern=pattern):
            return st.from_regex(pattern)
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType(ge=least, le=most):
            return st.integers(least or 0, MAX_SAFE_INT if most is None else most)
        case inspect.FloatType(ge=least, le=most):
            return st.floats(least, most, allow_nan=False, allow_infinity=False)
        case inspect.LiteralType(values):
            return st.sampled_from(values)
        case inspect.VarTupleType(item, min_length=least):
            return st.lists(_value(item), min_size=least or 0, max_size=3)
        case inspect.DictType(_, inspect.AnyType()):
            return json_objects
        case inspect.DictType(_, inner):
            return st.dictionaries(names, _value(inner), max_size=3)
        case inspect.StructType(cls):
            return _struct(cls)
    raise NotImplementedError(kind)
