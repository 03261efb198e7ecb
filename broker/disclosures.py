"""Disclosures as transmitted -> what they hold, many at once. Pure.

A record has hundreds, and most of what each would cost by itself is calls. So all of
them are hashed, decoded and parsed in one piece. What that way does not prove to be
strict is looked at one by one, which also finds the reason for a refusal.
"""

import hashlib
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

import msgspec
import pybase64

from broker import base64url
from broker.errors import TrustError
from schemas import codec

MAX_VALUES: Final = 500_000  # the largest real record holds 107,000
MIN_SALT_CHARS: Final = 22  # 16 bytes in base64url (RFC 9901, 9.3)
_DIGEST_BYTES: Final = 32
_DIGEST_CHARS: Final = 43
# Texts of 3 characters modulo 4, which is how we issue them, need one `K` to become
# whole bytes, and its bits are a line feed, if the bits to spare before it are zero.
ALIGNMENT: Final = 3
_LINE_FEED: Final = b"K"
# An array ends with `]`: the last character holds its four last bits and two to spare.
_LAST_CHARACTER: Final = ord("0")
CHUNK: Final = 512  # so that the pieces stay in the processor's cache (measured)

# What a disclosure holds, salt first. Not a list: the collector of garbage looks at
# every list again and again, and there may be 65,536.
Disclosed = tuple[Any, ...]

_decode_lines = msgspec.json.Decoder(tuple[Any, ...]).decode_lines
_encode_lines = msgspec.json.Encoder().encode_lines
_salt_of = itemgetter(0)
_last_of = itemgetter(-1)


def digests(texts: Sequence[bytes]) -> list[str]:
    """Give the digest of each text: base64url SHA-256 (RFC 9901, 4.2.3)."""
    sha256 = hashlib.sha256
    # 33 bytes are 44 characters, so each digest begins at a whole character.
    hashed = b"\0".join([sha256(text).digest() for text in texts]) + b"\0"
    spelled = pybase64.urlsafe_b64encode(hashed).decode()
    step = _DIGEST_CHARS + 1
    ends = range(_DIGEST_CHARS, len(texts) * step, step)
    return [spelled[end - _DIGEST_CHARS : end] for end in ends]


def check_digests(claimed: Sequence[Any]) -> None:
    """Refuse what is no digest, or stands twice.

    Raises:
        TrustError: `digest-shape`, `duplicate-digest`.
    """
    if not claimed:
        return
    if {type(each) for each in claimed} != {str} or {*map(len, claimed)} != {
        _DIGEST_CHARS
    }:
        raise TrustError("digest-shape")
    try:
        hashed = base64url.decode("A".join([*claimed, ""]).encode("ascii"))
    except ValueError:
        raise TrustError("digest-shape") from None
    # 43 characters hold two bits to spare, which must be zero like the `A` behind.
    spare = hashed[_DIGEST_BYTES :: _DIGEST_BYTES + 1]
    if any(spare):
        raise TrustError("digest-shape")
    if len(set(claimed)) != len(claimed):
        raise TrustError("duplicate-digest")


class Budget:
    """How many values a token may hold; counted before they are parsed.

    Counted are commas and opening brackets, inside strings too: at least as many as
    there are values, and far cheaper. A message of 2 KiB can unpack to millions.
    """

    def __init__(self, left: int = MAX_VALUES) -> None:
        self._left = left

    def spend(self, json: bytes) -> None:
        """Take off what *json* may hold.

        Raises:
            TrustError: `too-many-values`.
        """
        self._left -= json.count(b",") + json.count(b"[") + json.count(b"{")
        if self._left < 0:
            raise TrustError("too-many-values")


def decode(
    texts: Sequence[bytes], budget: Budget | None = None
) -> list[Disclosed | None]:
    """Give the array that each text holds, its salt first.

    None is never among them: it is what the caller may put in their places.

    Args:
        budget: None where the texts are too short to hold many values.

    Raises:
        TrustError: `bad-base64`, `disclosure-shape`, `short-salt`,
            `too-many-values`.
        SchemaError: it is not strict JSON, see `codec.decode_strict_text`.
    """
    values: list[Disclosed | None] = []
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        found = _at_once(chunk, budget)
        if found is None:
            places = enumerate(chunk, start)
            found = [_one(text, f"disclosure {i}", budget) for i, text in places]
        values += found
    return values


def _at_once(
    texts: Sequence[bytes], budget: Budget | None = None
) -> list[Disclosed] | None:
    """Decode *texts* in one piece; None where that does not prove each strict.

    Each becomes a line. The values encoded again must give the same lines: then no
    name is repeated and nothing is spelled unusually. The encoder writes one line
    feed a value, as many as there are texts, and behind each text there is one
    already. So the texts have none of their own and none holds a part of its neighbour.
    """
    if {len(text) & 3 for text in texts} != {ALIGNMENT}:
        return None
    if {*map(_last_of, texts)} != {_LAST_CHARACTER}:
        return None  # behind another one there might be no line feed
    try:
        lines = base64url.decode(_LINE_FEED.join([*texts, b""]))
        if budget is not None:
            budget.spend(lines)
        values = _decode_lines(lines)
        is_same = len(values) == len(texts) and _encode_lines(values) == lines
    except (ValueError, RecursionError):
        return None
    return values if is_same and _are_salted(values) else None


def _are_salted(values: list[Disclosed]) -> bool:
    try:
        salts = list(map(_salt_of, values))
        "".join(salts)  # fails if one is no string, faster than types are compared
    except (IndexError, TypeError):
        return False
    return min(map(len, salts)) >= MIN_SALT_CHARS


def _one(text: bytes, where: str, budget: Budget | None = None) -> Disclosed:
    json = base64url.decode(text, where)
    if budget is not None:
        budget.spend(json)
    value = codec.decode_strict_text(json, where=where)
    if type(value) is not list or not value:
        raise TrustError("disclosure-shape", where)
    if type(value[0]) is not str or len(value[0]) < MIN_SALT_CHARS:
        raise TrustError("short-salt", where)
    return tuple(value)
