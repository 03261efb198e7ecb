"""What should stand in a property, in words, for whoever has to mend it."""

from functools import lru_cache
from typing import Any, Final

from msgspec import inspect

from schemas.stix import values
from schemas.stix.objects import struct_of

_FORMS: Final = {
    values.ID_PATTERN: "an id: <type>--<UUID>, in lower case",
    values.MARKING_PATTERN: "the id of a marking: marking-definition--<UUID>",
    values.TIMESTAMP_PATTERN: "a time in UTC such as 2026-11-02T08:15:00Z",
}
_PLAIN: Final[dict[type, str]] = {
    inspect.StrType: "a text",
    inspect.BoolType: "true or false",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.DictType: "an object",
    inspect.StructType: "an object",
}


def expected_at(item: Any, name: str) -> str:
    """Say what the property *name* of an object should be; "" if nothing is known.

    Args:
        item: A plain JSON object, or anything else.
    """
    kind = item.get("type") if type(item) is dict else None
    if name == "spec_version":
        return '"2.1"'
    return _of_type(kind if isinstance(kind, str) else "").get(name, "")


@lru_cache(256)
def _of_type(kind: str) -> dict[str, str]:
    fields: Any = inspect.type_info(struct_of(kind))
    return {field.encode_name: _words(field.type) for field in fields.fields}


def _words(kind: Any) -> str:  # noqa: PLR0911  one return a kind of type
    if isinstance(kind, inspect.Metadata):
        form = (kind.extra or {}).get(values.FORM)
        return _FORMS[form] if form in _FORMS else _words(kind.type)
    if isinstance(kind, inspect.UnionType):
        return " or ".join(dict.fromkeys(map(_words, kind.types)))
    if isinstance(kind, inspect.LiteralType):
        return "one of: " + ", ".join(map(str, kind.values))
    if isinstance(kind, inspect.VarTupleType):
        return f"a list, not empty, of: {_words(kind.item_type)}"
    words = _PLAIN.get(type(kind), "")
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        least, most = kind.ge, kind.le
        if least is not None and most is not None:
            return f"{words} from {least} to {most}"
        return words if least is None else f"{words}, {least} or more"
    if isinstance(kind, inspect.StrType) and kind.pattern is not None:
        return _FORMS.get(kind.pattern, words)
    return words
