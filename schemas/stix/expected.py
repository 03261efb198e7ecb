"""What should stand in a property, in words, for whoever has to mend it."""

import re
from functools import lru_cache
from typing import Any, Final

from msgspec import inspect

from schemas.stix import relationships, takedown, values
from schemas.stix.core import StixObject
from schemas.stix.objects import TYPES, struct_of
from schemas.stix.required import ALTERNATIVES

_UUID: Final = "<UUID>, in lower case and of a version from 1 to 8"
_FORMS: Final = {
    values.ID_PATTERN: f"an id: <type>--{_UUID}",
    values.MARKING_PATTERN: f"the id of a marking: marking-definition--{_UUID}",
    values.TIMESTAMP_PATTERN: "a time in UTC such as 2026-11-02T08:15:00Z",
    values.LANGUAGE_PATTERN: "a language such as en or pt-BR",
    relationships.TYPE_PATTERN: "lower case letters, digits and hyphens",
    takedown.COUNTRY_PATTERN: "a country of ISO 3166-1 such as NL, or EU",
}
_PLAIN: Final[dict[type, str]] = {
    inspect.StrType: "a text",
    inspect.BoolType: "true or false",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.DictType: "an object",
}
# There the trouble is not what stands at the place.
_OTHERWISE: Final = {
    "too-large": f"at most {values.MAX_TEXT_CHARS:,} characters in a text",
    "too-deep": "",
    "reserved-name": "",
    "number-range": "",
}
_STEP: Final = re.compile(r"[^.\[\]]+")


def expected_at(kind: str, place: str, reason: str) -> str:
    """Say what should stand at a place of an object; "" if nothing is known.

    Args:
        kind: STIX type of the object.
        place: From the object on: `external_references[0].url`.
        reason: Code of the refusal.
    """
    if reason in _OTHERWISE:
        return _OTHERWISE[reason]
    if place == "spec_version":
        return '"2.1"'
    if place == "id":
        return f"an id: {kind if kind in TYPES else '<type>'}--{_UUID}"
    return _of_struct(struct_of(kind)).get(_STEP.sub(_item, place), "")


def _item(step: re.Match[str]) -> str:
    return "0" if step[0].isdecimal() else step[0]


def required_words(kind: str, name: str) -> str:
    """Say what a property that is missing should be, or which others would do."""
    words = expected_at(kind, name, "missing-property")
    choices = ALTERNATIVES.get(kind, ())
    if not choices or name not in choices[0]:
        return words
    others = [" with ".join(sorted(each)) for each in choices]
    return "at least one of: " + ", ".join(others)


@lru_cache(256)
def _of_struct(struct: type[StixObject]) -> dict[str, str]:
    """List the words for each place in a struct, as `name`, `name[0]`, `name[0].inner`."""
    found: dict[str, str] = {}
    _collect(inspect.type_info(struct), "", found)
    return found


def _collect(kind: Any, place: str, found: dict[str, str]) -> None:
    if isinstance(kind, inspect.Metadata):
        _collect(kind.type, place, found)
    elif isinstance(kind, inspect.UnionType):
        for each in kind.types:
            _collect(each, place, found)
    elif isinstance(kind, inspect.VarTupleType):
        _collect(kind.item_type, f"{place}[0]", found)
    elif isinstance(kind, inspect.StructType):
        for field in kind.fields:
            _collect(field.type, f"{place}.{field.encode_name}".lstrip("."), found)
    found[place] = _words(kind)


def _words(kind: Any) -> str:  # noqa: PLR0911  one return a kind of type
    if isinstance(kind, inspect.Metadata):
        form = (kind.extra or {}).get(values.FORM)
        return _FORMS[form] if form in _FORMS else _words(kind.type)
    if isinstance(kind, inspect.UnionType):
        return " or ".join(dict.fromkeys(filter(None, map(_words, kind.types))))
    if isinstance(kind, inspect.LiteralType):
        return "one of: " + ", ".join(map(str, kind.values))
    if isinstance(kind, inspect.VarTupleType):
        return f"a list, not empty, of: {_words(kind.item_type)}"
    if isinstance(kind, inspect.StructType):
        names = [field.encode_name for field in kind.fields if field.required]
        return f"an object with {' and '.join(names)}"
    if isinstance(kind, inspect.StrType) and kind.pattern is not None:
        return _FORMS[kind.pattern]
    words = _PLAIN.get(type(kind), "")
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        return words + _range(kind.ge, kind.le)
    return words


def _range(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f" from {least} to {most}"
    return "" if least is None else f", {least} or more"
