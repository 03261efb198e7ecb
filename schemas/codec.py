"""Bytes <-> JSON values, strictly and with limits (DESIGN.md 4.4).

Two parsers that read one text differently are an attack, so whatever some parser
could read otherwise is refused: repeated keys, integers that a double cannot
hold, lone surrogates, trailing bytes. Refusals name a place, never a value.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence, Set
from math import isfinite
from typing import Any, Final, NoReturn

import msgspec

from schemas.errors import SchemaError

MAX_BYTES: Final = 16 * 2**20  # DESIGN.md 4.4: what a decompressed token may have
MAX_DEPTH: Final = 32  # containers inside one another; real STIX stays below 12
MAX_SAFE_INT: Final = 2**53 - 1  # RFC 7493, 2.2: what a double holds exactly

_Look = Callable[[Any, int], str | None]
"""(value, containers around it) -> reason to refuse it, or None."""

# `_sd`, `...` and `_sd_alg` have a meaning in SD-JWT (RFC 9901, 4.1.1 and 4.2.4). A
# library in JavaScript that assigns members loses `__proto__`, and `@sd-jwt/core`
# loses a member without a name: two verifiers would read one token differently.
RESERVED_NAMES: Final = frozenset({"_sd", "...", "_sd_alg", "__proto__", ""})
"""Names that no member of an object may have, at any depth."""

_decode = msgspec.json.Decoder().decode
_encoder = msgspec.json.Encoder()
_encode = _encoder.encode
_NOTHING: Final[frozenset[str]] = frozenset()
_PLACE = re.compile(r" - at `(?:key in )?\$([^`]*)`\Z")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def decode_json(
    data: bytes,
    *,
    where: str = "$",
    max_bytes: int,
    max_depth: int = MAX_DEPTH,
    names: Set[str] = _NOTHING,
) -> Any:
    """Decode one JSON text and check every value in it.

    *where* is the place of the text, in front of the places in refusals;
    *max_depth* and *names* are those of `check_values`.

    Raises:
        SchemaError: `too-large`, or as `decode_strict_text` and `check_values`.
    """
    if len(data) > max_bytes:
        raise SchemaError("too-large", where)
    value = decode_strict_text(data, where=where, names=names)
    check_values(value, where=where, max_depth=max_depth, names=names)
    return value


def decode_strict_text(
    data: bytes, *, where: str = "$", names: Set[str] = _NOTHING
) -> Any:
    """Decode one JSON text, leaving the sizes of numbers and the depth unchecked.

    For callers that walk the value anyway: every integer is exact, every float
    finite, and the depth below Python's recursion limit.

    Raises:
        SchemaError: `not-utf8`, `not-json`, `duplicate-key`, `surrogate`,
            `number-range` (beyond a double, or thousands of digits), `too-deep`
            (hundreds of levels).
    """
    try:
        value = _decode(data)
        # Equal bytes prove that no key was repeated, far cheaper than looking; so do
        # equally many keys. Some escapes take the slow way.
        compact = _encode(value)
        if compact != data and not _same_keys(data, compact):
            _refuse_repeated_keys(data.decode(), where, names)
    except RecursionError:
        raise SchemaError("too-deep", where) from None
    except msgspec.ValidationError as error:
        # Decoding to no type leaves one thing to be invalid: a number.
        raise SchemaError("number-range", place_of(error, where)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise SchemaError(*_diagnose(data, where)) from None
    return value


def check_values(
    value: Any,
    *,
    where: str = "$",
    max_depth: int = MAX_DEPTH,
    max_chars: int = MAX_BYTES,
    reserved: frozenset[str] = _NOTHING,
    names: Set[str] = _NOTHING,
) -> None:
    """Check numbers, strings, member names and depth of a decoded JSON value.

    Args:
        value: Dicts, lists, strings, numbers, booleans and None.
        where: Its place, in front of the places in refusals.
        max_depth: Containers inside one another, the outermost counted.
        max_chars: Characters of one string; member names are not counted.
        reserved: Member names that may stand in no object, at any depth.
        names: Member names of a schema, which a refusal may spell. Any other
            name is the sender's text and shows as `[...]`.

    Raises:
        SchemaError: `number-range`, `too-large` (a string), `reserved-name`,
            `too-deep`.
    """

    def fault(item: Any, depth: int) -> str | None:
        kind = type(item)
        if kind is dict or kind is list:
            if depth >= max_depth:
                return "too-deep"
            if kind is dict and not reserved.isdisjoint(item):
                return "reserved-name"
        elif kind is str:
            return "too-large" if len(item) > max_chars else None
        elif kind is int:
            return None if -MAX_SAFE_INT <= item <= MAX_SAFE_INT else "number-range"
        elif kind is float:
            return None if isfinite(item) else "number-range"
        return None

    # Level by level: depth comes for free, and there is no recursion to exhaust. What
    # `fault` asks stands here once more: a call for each value would be felt.
    depth, level = 0, [value]
    while level:
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is str:
                bad = len(item) > max_chars
            elif kind is dict:
                bad = depth >= max_depth or not reserved.isdisjoint(item)
                below.extend(item.values())
            elif kind is list:
                bad = depth >= max_depth
                below.extend(item)
            else:
                bad = kind in _NUMBERS and fault(item, depth) is not None
            if bad:
                raise SchemaError(*next(_search(value, where, 0, names, fault)))
        depth, level = depth + 1, below


_NUMBERS: Final = frozenset({int, float})


def encode_json(value: Any) -> bytes:
    """Encode *value* without spaces, members in the order given.

    A non-finite float, which no decoder here yields, would become `null`.

    Raises:
        SchemaError: `surrogate`.
    """
    try:
        return _encode(value)
    except UnicodeEncodeError:
        raise SchemaError("surrogate", "$") from None


def encode_lines(values: Sequence[Any]) -> bytes:
    """Encode each of *values* as `encode_json`, with a line feed behind it.

    Raises:
        SchemaError: `surrogate`.
    """
    try:
        return _encoder.encode_lines(values)
    except UnicodeEncodeError:
        raise SchemaError("surrogate", "$") from None


def place_of(error: msgspec.ValidationError, where: str) -> str:
    """Take the place out of msgspec's text, which quotes values, and nothing else."""
    found = _PLACE.search(str(error))
    return where + found[1] if found else where


def _search(
    item: Any, where: str, depth: int, names: Set[str], look: _Look
) -> Iterator[tuple[str, str]]:
    """Yield (reason, place) of what *look* objects to."""
    reason = look(item, depth)
    if reason is not None:
        yield reason, where
    elif type(item) is dict:
        for name, inner in item.items():
            place = f"{where}.{name}" if name in names else f"{where}[...]"
            yield from _search(inner, place, depth + 1, names, look)
    elif type(item) is list:
        for index, inner in enumerate(item):
            yield from _search(inner, f"{where}[{index}]", depth + 1, names, look)


def _same_keys(data: bytes, compact: bytes) -> bool:
    """Tell whether *data* surely repeats no key that *compact* has once.

    A colon stands behind every key. A string may hold colons, too, as many in both
    spellings unless one is spelled by its number. A key that is repeated is one more
    in *data*, and so is what its value holds.
    """
    return data.count(b":") == compact.count(b":") and b"\\u00" not in data


def _refuse_repeated_keys(text: str, where: str, names: Set[str]) -> None:
    repeated = object()  # stands for an object that repeats a key
    found = False

    def members(pairs: list[tuple[str, Any]]) -> Any:
        nonlocal found
        decoded = dict(pairs)
        if len(decoded) == len(pairs):
            return decoded
        found = True
        return repeated

    def look(item: Any, _depth: int) -> str | None:
        return "duplicate-key" if item is repeated else None

    # Its numbers are known by now; converting them again would only cost.
    value = json.loads(text, object_pairs_hook=members, parse_int=len, parse_float=len)
    if found:
        raise SchemaError(*next(_search(value, where, 0, names, look)))


def _diagnose(data: bytes, where: str) -> tuple[str, str]:
    """Say what keeps msgspec from decoding *data*, and at which character."""
    start = "" if where == "$" else f"{where} "
    try:
        json.loads(data.decode(), parse_int=len, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        return "not-utf8", f"{start}byte {error.start}"
    except json.JSONDecodeError as error:
        return "not-json", f"{start}line {error.lineno} column {error.colno}"
    except RecursionError:
        return "too-deep", where
    except ValueError:
        return "not-json", where
    # All that the standard library takes and msgspec does not.
    return "surrogate" if _SURROGATE.search(data) else "not-json", where


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")
