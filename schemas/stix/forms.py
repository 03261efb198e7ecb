"""Ids and times in the properties of an object have the form STIX gives them."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import msgspec

from schemas.stix.values import FORM

Check = Callable[[str], bool]
Forms = tuple[tuple[str, Check], ...]
"""Names of properties, and what checks each."""
# Of each form; they are short (`values`), so that is some megabytes at most.
_REMEMBERED: Final = 8192


def forms_of(kind: type[msgspec.Struct]) -> Forms:
    """Find the properties of a struct that have a form, with what checks it."""
    found: dict[str, Check] = {}
    for field in msgspec.inspect.type_info(kind).fields:  # type: ignore[attr-defined]
        pattern = _form_in(field.type)
        if pattern is not None:
            found[field.encode_name] = _check_of(pattern)
    return tuple(found.items())


def misfit(value: dict[str, Any], forms: Forms) -> str | None:
    """Give the place, from the property on, of the first that lacks its form.

    Args:
        value: Strings and lists of strings where *forms* has a name.
    """
    for name, fits in forms:
        if name in value:
            found = value[name]
            if type(found) is str:
                if not fits(found):
                    return name
            else:
                for index, each in enumerate(found):
                    if not fits(each):
                        return f"{name}[{index}]"
    return None


def _form_in(kind: Any) -> str | None:
    if isinstance(kind, msgspec.inspect.Metadata):
        form = (kind.extra or {}).get(FORM)
        return _form_in(kind.type) if form is None else str(form)
    if isinstance(kind, msgspec.inspect.VarTupleType):
        return _form_in(kind.item_type)
    return None


@lru_cache
def _check_of(pattern: str) -> Check:
    search = re.compile(pattern).search

    @lru_cache(_REMEMBERED)
    def matches(text: str) -> bool:
        return search(text) is not None

    return matches
