"""SD-JWT (RFC 9901), the issuing side: conceal, and put the token together. Pure."""

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Any, Final, NamedTuple

import msgspec
import pybase64

from broker import base64url, disclosures
from broker.disclosures import CHUNK, MIN_SALT_CHARS
from broker.errors import TrustError
from broker.sdjwt import (
    MAX_DISCLOSURES,
    MAX_TOKEN_BYTES,
    SALT_BYTES,
    digest,
)
from broker.unfolding import MAX_DEPTH
from schemas import codec
from schemas.codec import RESERVED_NAMES

_SALT_BYTES: Final = 18
_SALT_CHARS: Final = 24
_WITHOUT_SPARE_BITS: Final = bytes(byte & 0xF0 for byte in range(256))


class Hidden(msgspec.Struct, frozen=True, gc=False):
    """Marks a property value or an array element to be concealed.

    The value may contain further `Hidden` (recursive disclosures).
    """

    value: Any


class Decoy(msgspec.Struct, frozen=True, gc=False):
    """Marks where an array gets a digest that belongs to nothing (RFC 9901, 4.2.5)."""


class Concealed(NamedTuple):
    """What `conceal` made.

    Attributes:
        payload: The tree, with digests where something was to be concealed.
        texts: The disclosures, parents before children.
        digests: Of each of them.
    """

    payload: Any
    texts: list[bytes]
    digests: list[str]


def conceal(tree: Any, entropy: Callable[[int], bytes]) -> Concealed:
    """Replace each `Hidden` in *tree* by its digest, each `Decoy` by a random one.

    Args:
        tree: JSON value with `Hidden` as object members, `Hidden` and `Decoy` as
            array elements.
        entropy: Gives n fresh random bytes at each call.

    Raises:
        TrustError: `reserved-name` (see `codec.RESERVED_NAMES`), `too-deep`, `too-many-disclosures`: nobody would take the token.
        SchemaError: `surrogate`.
    """
    work = _Concealing(entropy)
    payload = work.walk(tree, 0)
    return Concealed(payload, *work.spelled())


class _Concealing:
    """First finds what is to be concealed, then spells it, many at once, in rounds.

    A disclosure is spelled when the digests in it are there: what holds nothing
    concealed in the first round, what holds only such in the second, and so on.
    """

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self.entropy = entropy
        self.contents: list[tuple[Any, ...]] = []  # (name, value), or (value,)
        self.rounds: list[_Round] = []
        self.next_round = 0  # the first in which what was walked last is complete

    def walk(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is dict:
            return self.members(value, depth + 1)
        if kind is list or kind is tuple:
            return self.elements(value, depth + 1)
        return value

    def members(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        if depth > MAX_DEPTH:
            raise TrustError("too-deep")
        if not RESERVED_NAMES.isdisjoint(value):
            raise TrustError("reserved-name")
        shown: dict[str, Any] = {}
        places: list[int] = []
        last = 0
        for name, inner in value.items():
            if type(inner) is Hidden:
                places.append(len(self.contents))
                last = max(last, self.hide(inner.value, name, depth))
            else:
                shown[name] = inner if type(inner) is str else self.walk(inner, depth)
        if places:
            self.rounds[last].objects.append((shown, places))
        return shown

    def elements(self, value: Iterable[Any], depth: int) -> list[Any]:
        if depth > MAX_DEPTH:
            raise TrustError("too-deep")
        out: list[Any] = []
        for inner in value:
            if type(inner) is Hidden:
                element: dict[str, str] = {}
                place = len(self.contents)
                number = self.hide(inner.value, None, depth)
                self.rounds[number].elements.append((element, place))
                out.append(element)
            elif type(inner) is Decoy:
                out.append({"...": _decoy(self.entropy)})
            else:
                out.append(inner if type(inner) is str else self.walk(inner, depth))
        return out

    def hide(self, value: Any, name: str | None, depth: int) -> int:
        """Give the number of the round that will spell it."""
        place, contents = len(self.contents), self.contents
        if place >= MAX_DISCLOSURES:
            raise TrustError("too-many-disclosures")
        contents.append(())
        number = 0
        if type(value) is not str:
            before, self.next_round = self.next_round, 0
            value = self.walk(value, depth)
            number, self.next_round = self.next_round, before
        contents[place] = (value,) if name is None else (name, value)
        if number == len(self.rounds):
            self.rounds.append(_Round([], [], []))
        self.rounds[number].places.append(place)
        self.next_round = max(self.next_round, number + 1)
        return number

    def spelled(self) -> tuple[list[bytes], list[str]]:
        """Spell all disclosures; put their digests where they belong."""
        texts = [b""] * len(self.contents)
        digests = [""] * len(self.contents)
        for places, objects, elements in self.rounds:
            for start in range(0, len(places), CHUNK):
                chunk = places[start : start + CHUNK]
                made = _disclosures([self.contents[i] for i in chunk], self.entropy)
                hashed = disclosures.digests(made)
                for place, text, its_digest in zip(chunk, made, hashed, strict=True):
                    texts[place] = text
                    digests[place] = its_digest
            for members, inside in objects:
                # RFC 9901, 4.2.4.1: hide the original order.
                members["_sd"] = sorted([digests[place] for place in inside])
            for element, place in elements:
                element["..."] = digests[place]
        return texts, digests


class _Round(NamedTuple):
    """What is spelled together.

    Attributes:
        places: In `_Concealing.contents`.
        objects: Those of whose concealed members the last are spelled now, with the
            places of all of them.
        elements: Where elements of arrays stood, with the place of each.
    """

    places: list[int]
    objects: list[tuple[dict[str, Any], list[int]]]
    elements: list[tuple[dict[str, str], int]]


def _disclosures(
    contents: Sequence[tuple[Any, ...]], entropy: Callable[[int], bytes]
) -> list[bytes]:
    """Spell disclosures, salt first, so that many are decoded in one piece.

    Salts have 22, 23 or 24 characters (16 to 18 bytes), whichever makes the length of
    the whole 2 modulo 3: see `disclosures.ALIGNMENT`.
    """
    lines = codec.encode_lines(contents).split(b"\n")[:-1]
    salts = _salts(len(lines), entropy)
    whole = range(_SALT_CHARS, len(salts) + 1, _SALT_CHARS)
    for place, (end, line) in enumerate(zip(whole, lines, strict=True)):
        start = end - MIN_SALT_CHARS - (1 - len(line)) % 3
        lines[place] = b'["' + salts[start:end] + b'",' + line[1:]
    # Behind each comes a line feed, so that it ends with a whole character.
    spelled = pybase64.urlsafe_b64encode(b"\n".join([*lines, b""]))
    ends = accumulate((len(line) + 1) // 3 * 4 for line in lines)
    return [spelled[start : end - 1] for start, end in pairwise([0, *ends])]


def _salts(count: int, entropy: Callable[[int], bytes]) -> bytes:
    """Give salts of 24 characters, in a row; the last 22 or 23 alone will do, too.

    Those alone hold bits to spare at their end. These are zero, so that what is left
    is strict base64url.
    """
    random = bytearray(entropy(_SALT_BYTES * count))
    lasts = slice(_SALT_BYTES - 1, None, _SALT_BYTES)
    random[lasts] = random[lasts].translate(_WITHOUT_SPARE_BITS)
    return base64url.encode(bytes(random))


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
