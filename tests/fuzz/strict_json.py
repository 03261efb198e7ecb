"""Strict JSON by the standard library alone: the second opinion on `schemas.codec`."""

import json
import math
import re
from typing import Any, Final

REFUSED: Final = object()
_MAX_SAFE_INT: Final = 2**53 - 1
_TOO_LONG: Final = re.compile(r"[0-9]{4000}")  # Python converts no longer numbers


def read(data: bytes, *, max_depth: int) -> Any:
    """Give the value, or `REFUSED`.

    Refuses what `json` does not read, and repeated keys, numbers beyond 2^53 or no
    doubles, lone surrogates, and more than *max_depth* containers in one another.
    """
    try:
        value = json.loads(
            data.decode(),
            object_pairs_hook=_members,
            parse_constant=_refuse,
            parse_int=_integer,
        )
        is_taken = _is_strict(value, max_depth)
    except (ValueError, RecursionError):
        return REFUSED
    return value if is_taken else REFUSED


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("repeated")
    return dict(pairs)


def _refuse(_name: str) -> None:
    raise ValueError("no number")


def _integer(digits: str) -> int:
    if _TOO_LONG.search(digits) or abs(int(digits)) > _MAX_SAFE_INT:
        raise ValueError("out of range")
    return int(digits)


def _is_strict(value: Any, depth_left: int) -> bool:
    match value:
        case dict() | list() if depth_left == 0:
            return False
        case dict():
            return all(
                _is_strict(inner, depth_left - 1) and _is_strict(name, depth_left)
                for name, inner in value.items()
            )
        case list():
            return all(_is_strict(inner, depth_left - 1) for inner in value)
        case str():
            return not any("\ud800" <= char <= "\udfff" for char in value)
        case float():
            return math.isfinite(value)
    return True
