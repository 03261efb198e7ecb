"""SD-JWT (RFC 9901), the issuing side: conceal, and put the token together. Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from broker import base64url, disclosures
from broker.errors import TrustError
from broker.sdjwt import (
    MAX_DEPTH,
    MAX_DISCLOSURES,
    MAX_TOKEN_BYTES,
    SALT_BYTES,
    digest,
)
from schemas import codec
from schemas.codec import RESERVED_NAMES


class Hidden(msgspec.Struct, frozen=True, gc=False):
    """Marks a property value or an array element to be concealed.

    The value may contain further `Hidden` (recursive disclosures).
    """

    value: Any


class Decoy(msgspec.Struct, frozen=True, gc=False):
    """Marks where an array gets a digest that belongs to nothing (RFC 9901, 4.2.5)."""


def conceal(tree: Any, entropy: Callable[[int], bytes]) -> tuple[Any, list[bytes]]:
    """Replace each `Hidden` in *tree* by its digest, each `Decoy` by a random one.

    Args:
        tree: JSON value with `Hidden` as object members, `Hidden` and `Decoy` as
            array elements.
        entropy: Gives n fresh random bytes at each call.

    Returns:
        The payload and the disclosures, parents before children.

    Raises:
        TrustError: `reserved-name` (see `codec.RESERVED_NAMES`), `too-deep`, `too-many-disclosures`: nobody would take the token.
    """
    texts: list[bytes] = []

    def hide(hidden: Hidden, name: str | None, depth: int) -> bytes:
        place = len(texts)
        if place >= MAX_DISCLOSURES:
            raise TrustError("too-many-disclosures")
        texts.append(b"")
        value = hidden.value
        if type(value) is not str:
            value = walk(value, depth)
        text = texts[place] = _disclosure(name, value, entropy)
        return text

    def walk(value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is dict:
            return members(value, depth + 1)
        if kind is list or kind is tuple:
            return elements(value, depth + 1)
        return value

    def members(value: dict[str, Any], depth: int) -> dict[str, Any]:
        if depth > MAX_DEPTH:
            raise TrustError("too-deep")
        if not RESERVED_NAMES.isdisjoint(value):
            raise TrustError("reserved-name")
        shown: dict[str, Any] = {}
        hidden: list[bytes] = []
        for name, inner in value.items():
            if type(inner) is Hidden:
                hidden.append(hide(inner, name, depth))
            else:
                shown[name] = inner if type(inner) is str else walk(inner, depth)
        if hidden:
            # RFC 9901, 4.2.4.1: hide the original order.
            shown["_sd"] = sorted(disclosures.digests(hidden))
        return shown

    def elements(value: Iterable[Any], depth: int) -> list[Any]:
        if depth > MAX_DEPTH:
            raise TrustError("too-deep")
        out: list[Any] = []
        hidden: list[bytes] = []
        places: list[dict[str, str]] = []
        for inner in value:
            if type(inner) is Hidden:
                hidden.append(hide(inner, None, depth))
                places.append({})
                out.append(places[-1])
            elif type(inner) is Decoy:
                out.append({"...": _decoy(entropy)})
            else:
                out.append(inner if type(inner) is str else walk(inner, depth))
        for place, found in zip(places, disclosures.digests(hidden), strict=True):
            place["..."] = found
        return out

    return walk(tree, 0), texts


def _disclosure(name: str | None, value: Any, entropy: Callable[[int], bytes]) -> bytes:
    """Spell a disclosure, salt first, so that many are decoded in one piece.

    The salt has 22, 23 or 24 characters, whichever makes the length of the whole 2
    modulo 3: see `disclosures.ALIGNMENT`.
    """
    rest = codec.encode_json((value,) if name is None else (name, value))[1:]
    more = -len(rest) % 3
    salt = base64url.encode(entropy(SALT_BYTES + more))
    return base64url.encode(b'["' + salt + b'",' + rest)


def filled(
    digests: Sequence[str], fill: int, entropy: Callable[[int], bytes]
) -> list[str]:
    """Add decoys up to a multiple of *fill*, at least one digest, and sort."""
    missing = -len(digests) % fill if digests else fill
    return sorted([*digests, *(_decoy(entropy) for _ in range(missing))])


def _decoy(entropy: Callable[[int], bytes]) -> str:
    # RFC 9901, 4.2.5: a digest over random bytes cannot be told from another.
    return digest(entropy(SALT_BYTES))


def assemble(
    header: dict[str, str],
    payload: dict[str, Any],
    texts: Iterable[bytes],
    sign: Callable[[bytes], bytes],
) -> bytes:
    """Sign *payload* and put the token together (RFC 9901, 4).

    Raises:
        TrustError: `too-large`.
    """
    signing_input = b".".join(
        base64url.encode(codec.encode_json(part)) for part in (header, payload)
    )
    jwt = signing_input + b"." + base64url.encode(sign(signing_input))
    token = b"~".join([jwt, *texts, b""])
    if len(token) > MAX_TOKEN_BYTES:
        raise TrustError("too-large")
    return token
