"""Ids and times in the properties of an object have the form STIX gives them."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from schemas.stix.values import FORM

# Of each form; they are short (`values`), so that is some megabytes at most.
_REMEMBERED: Final = 8192


class Form(NamedTuple):
    """A form that texts may have.

    Attributes:
        known: Texts that have it, those met last. Looking there first takes a third
            of the time that a call takes, and most ids and times stand many times.
        fits: Tells whether a text has it, and remembers it.
    """

    known: set[str]
    fits: Callable[[str], bool]


class Forms(NamedTuple):
    """The properties of a type that have a form."""

    of_texts: tuple[tuple[str, Form], ...]
    of_lists: tuple[tuple[str, Form], ...]


def forms_of(kind: type[msgspec.Struct]) -> Forms:
    """Find the properties of a struct that have a form."""
    texts: list[tuple[str, Form]] = []
    lists: list[tuple[str, Form]] = []
    for field in msgspec.inspect.type_info(kind).fields:  # type: ignore[attr-defined]
        is_list = isinstance(_bare(field.type), msgspec.inspect.VarTupleType)
        pattern = _pattern_in(field.type)
        if pattern is not None:
            named = (field.encode_name, form(pattern))
            (lists if is_list else texts).append(named)
    return Forms(tuple(texts), tuple(lists))


def misfit(value: dict[str, Any], forms: Forms) -> str | None:
    """Give the place, from the property on, of the first that lacks its form.

    Args:
        value: Strings, and lists of strings, where *forms* says so.
    """
    find = value.get
    for name, (known, fits) in forms.of_texts:
        text = find(name)
        if text is not None and text not in known and not fits(text):
            return name
    for name, (known, fits) in forms.of_lists:
        texts = find(name)
        if texts is not None and not known.issuperset(texts):
            for index, text in enumerate(texts):
                if not fits(text):
                    return f"{name}[{index}]"
    return None


def _bare(kind: Any) -> Any:
    return _bare(kind.type) if isinstance(kind, msgspec.inspect.Metadata) else kind


def _pattern_in(kind: Any) -> str | None:
    if isinstance(kind, msgspec.inspect.Metadata):
        pattern = (kind.extra or {}).get(FORM)
        return _pattern_in(kind.type) if pattern is None else str(pattern)
    if isinstance(kind, msgspec.inspect.VarTupleType):
        return _pattern_in(kind.item_type)
    return None


@lru_cache
def form(pattern: str) -> Form:
    """Give the form that *pattern* describes; it bounds how long a text may be."""
    search = re.compile(pattern).search
    known: set[str] = set()

    def fits(text: str) -> bool:
        if search(text) is None:
            return False
        if len(known) >= _REMEMBERED:
            known.clear()
        known.add(text)
        return True

    return Form(known, fits)
