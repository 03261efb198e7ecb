"""SD-JWT (RFC 9901), compact serialization: conceal, assemble, verify, withhold.

Pure, and about the format alone: which claims there are and who may sign them
stands in `trust`. The digests cover the transmitted strings, so nobody ever
re-serializes to verify, and withholding is the removal of strings.

Stricter than RFC 9901 asks, see DESIGN.md 4.4: well-known libraries read some of
what is refused here in different ways.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Protocol

import msgspec

from broker import base64url
from broker.errors import TrustError
from schemas import codec

MAX_TOKEN_BYTES = 16 << 20  # decompressed; one record is at most a few MiB
MAX_DISCLOSURES = 65_536  # hashing them stays well under a second
MAX_DEPTH = 32  # STIX needs about 10; deeper is an attack on recursion
MAX_HEADER_BYTES = 1024
SALT_BYTES = 16  # RFC 9901, 9.3: 128 bits
MIN_SALT_CHARS = 22  # 16 bytes in base64url
# SHA-256 in base64url; the last character has two spare bits.
_DIGEST = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
_MAX_SAFE_INT = 2**53 - 1  # RFC 8259, section 6: beyond it, parsers disagree
RESERVED_NAMES = frozenset({"_sd", "...", "_sd_alg"})

Path = tuple[str | int, ...]


class Hidden(msgspec.Struct, frozen=True):
    """Marks a property value or an array element to be concealed.

    The value may contain further `Hidden` (recursive disclosures).
    """

    value: Any


class VerifyKey(Protocol):
    """A public key bound to its algorithm."""

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Tell whether *signature* is right; never raises."""


class Disclosure(msgspec.Struct, frozen=True, gc=False):
    """One disclosure of a verified token.

    Attributes:
        text: As transmitted, base64url.
        parent: Index of the disclosure that carries its digest; -1: the payload.
        path: Where its value stands in `Opened.claims`.
    """

    text: bytes
    parent: int
    path: Path


class Opened(msgspec.Struct, frozen=True):
    """A token whose signature and digests hold.

    Attributes:
        jwt: The issuer-signed part, `header.payload.signature`.
        claims: The payload with all disclosed values in place.
        disclosures: In transmitted order.
        withheld: Digests without a disclosure (withheld or decoy) by the path
            of the container they stand in.
    """

    jwt: bytes
    claims: dict[str, Any]
    disclosures: tuple[Disclosure, ...]
    withheld: dict[Path, int]

    @property
    def token_id(self) -> str:
        """base64url SHA-256 of `header.payload`, without the signature."""
        return token_id(self.jwt)


def digest(text: bytes) -> str:
    """Give the digest of a disclosure or signing input as transmitted (RFC 9901, 4.2.3)."""
    return base64url.encode(hashlib.sha256(text).digest()).decode()


def token_id(token: bytes) -> str:
    """Name a token, the same for every redaction of it.

    The signature is left out: an ES256 signature can be re-minted by anyone.
    """
    return digest(token.partition(b"~")[0].rpartition(b".")[0])


# ------------------------------------------------------------------ issuing


def conceal(tree: Any, salt: Callable[[], bytes]) -> tuple[Any, list[bytes]]:
    """Replace each `Hidden` in *tree* by its digest.

    Args:
        tree: JSON value with `Hidden` as object members or array elements.
        salt: Gives 16 fresh random bytes at each call.

    Returns:
        The payload and the disclosures, parents before children.

    Raises:
        TrustError: `reserved-name` (a member is called `_sd`, `...` or `_sd_alg`),
            `too-deep`, `too-many-disclosures`: nobody would take the token.
    """
    disclosures: list[bytes] = []

    def hide(hidden: Hidden, name: str | None, depth: int) -> str:
        place = len(disclosures)
        if place >= MAX_DISCLOSURES:
            raise TrustError("too-many-disclosures")
        disclosures.append(b"")
        value = walk(hidden.value, depth)
        parts = [base64url.encode(salt()).decode(), value]
        if name is not None:
            parts.insert(1, name)
        text = base64url.encode(codec.encode_json(parts))
        disclosures[place] = text
        return digest(text)

    def walk(value: Any, depth: int) -> Any:
        if isinstance(value, dict | list | tuple):
            depth += 1
            if depth > MAX_DEPTH:
                raise TrustError("too-deep")
        if isinstance(value, dict):
            if not RESERVED_NAMES.isdisjoint(value):
                raise TrustError("reserved-name")
            shown = {
                k: walk(v, depth) for k, v in value.items() if type(v) is not Hidden
            }
            digests = [hide(v, k, depth) for k, v in value.items() if type(v) is Hidden]
            if digests:
                # RFC 9901, 4.2.4.1: hide the original order.
                shown["_sd"] = sorted(digests)
            return shown
        if isinstance(value, list | tuple):
            return [
                {"...": hide(v, None, depth)} if type(v) is Hidden else walk(v, depth)
                for v in value
            ]
        return value

    return walk(tree, 0), disclosures


def assemble(
    header: dict[str, str],
    payload: dict[str, Any],
    disclosures: Iterable[bytes],
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
    token = b"~".join([jwt, *disclosures, b""])
    if len(token) > MAX_TOKEN_BYTES:
        raise TrustError("too-large")
    return token


# ---------------------------------------------------------------- verifying


def verify(token: bytes, choose_key: Callable[[bytes], VerifyKey]) -> Opened:
    """Verify *token* and put its disclosed values in place.

    In this order: sizes and framing, header, signature, payload, digests. Nothing
    but the header is parsed before the signature holds.

    Args:
        token: Compact serialization, with its final `~`.
        choose_key: Gets the header's JSON bytes, gives the key that must have
            signed, or raises TrustError.

    Raises:
        TrustError: with a reason code of DESIGN.md 4.4.
        SchemaError: a JSON text in it is not strict JSON.
    """
    jwt, texts = split(token)
    try:
        header64, payload64, signature64 = jwt.split(b".")
    except ValueError:
        raise TrustError("framing") from None
    if len(header64) > MAX_HEADER_BYTES:
        raise TrustError("header")
    key = choose_key(base64url.decode(header64, "header"))
    signature = base64url.decode(signature64, "signature")
    if not key.verify(signature, header64 + b"." + payload64):
        raise TrustError("signature")
    payload = codec.decode_strict_text(base64url.decode(payload64, "payload"))
    if type(payload) is not dict:
        raise TrustError("payload")
    if payload.pop("_sd_alg", "sha-256") != "sha-256":
        raise TrustError("sd-alg")
    return _Unfolding(texts).open(jwt, payload)


def split(token: bytes) -> tuple[bytes, list[bytes]]:
    """Part a token into its JWT and its disclosures, within the limits.

    Raises:
        TrustError: `too-large`, `framing`, `too-many-disclosures`.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise TrustError("too-large")
    jwt, *texts = token.split(b"~")
    if not texts or texts.pop():
        # RFC 9901, 4: always a final tilde; what follows it would be a key
        # binding JWT, or a disclosure whose tilde was cut.
        raise TrustError("framing")
    if len(texts) > MAX_DISCLOSURES:
        raise TrustError("too-many-disclosures")
    return jwt, texts


class _Unfolding:
    """RFC 9901, 7.1, step 3: every digest found where it may stand, once."""

    def __init__(self, texts: Sequence[bytes]) -> None:
        self.texts = texts
        self.pool = {digest(text): i for i, text in enumerate(texts)}
        if len(self.pool) != len(texts):
            raise TrustError("duplicate-disclosure")
        self.found: list[Disclosure | None] = [None] * len(texts)
        self.seen: set[str] = set()
        self.withheld: dict[Path, int] = {}

    def open(self, jwt: bytes, payload: dict[str, Any]) -> Opened:
        claims = self.members(payload, -1, (), 1)
        if None in self.found:
            raise TrustError("unreferenced-disclosure")
        found = tuple(d for d in self.found if d is not None)
        return Opened(jwt, claims, found, self.withheld)

    def take(self, claimed: Any, path: Path) -> int | None:
        if type(claimed) is not str or not _DIGEST.fullmatch(claimed):
            raise TrustError("digest-shape")
        if claimed in self.seen:
            raise TrustError("duplicate-digest")
        self.seen.add(claimed)
        index = self.pool.get(claimed)
        if index is None:
            self.withheld[path] = self.withheld.get(path, 0) + 1
        return index

    def parts(self, index: int, count: int) -> list[Any]:
        where = f"disclosure {index}"
        text = base64url.decode(self.texts[index], where)
        value = codec.decode_strict_text(text, where=where)
        if type(value) is not list or len(value) != count:
            raise TrustError("disclosure-shape", where)
        if type(value[0]) is not str or len(value[0]) < MIN_SALT_CHARS:
            raise TrustError("short-salt", where)
        return value

    def value(self, value: Any, parent: int, path: Path, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            return value
        if kind is dict:
            return self.members(value, parent, path, depth + 1)
        if kind is list:
            return self.elements(value, parent, path, depth + 1)
        # A float is finite already: `decode_strict_text` sees to it.
        if kind is int and not -_MAX_SAFE_INT <= value <= _MAX_SAFE_INT:
            raise TrustError("number-range")
        return value

    def members(
        self, members: dict[str, Any], parent: int, path: Path, depth: int
    ) -> dict[str, Any]:
        if depth > MAX_DEPTH:
            raise TrustError("too-deep")
        digests = members.pop("_sd", ())
        if type(digests) not in (list, tuple):
            raise TrustError("sd-shape")
        if not RESERVED_NAMES.isdisjoint(members):
            raise TrustError("reserved-name")
        for name, value in members.items():
            if type(value) is not str:
                members[name] = self.value(value, parent, (*path, name), depth)
        for claimed in digests:
            index = self.take(claimed, path)
            if index is None:
                continue
            _, name, value = self.parts(index, 3)
            if type(name) is not str:
                raise TrustError("disclosure-shape", f"disclosure {index}")
            if name in RESERVED_NAMES:
                raise TrustError("reserved-name", f"disclosure {index}")
            if name in members:
                raise TrustError("shadowed-name", f"disclosure {index}")
            here = (*path, name)
            self.found[index] = Disclosure(self.texts[index], parent, here)
            members[name] = self.value(value, index, here, depth)
        return members

    def elements(
        self, elements: list[Any], parent: int, path: Path, depth: int
    ) -> list[Any]:
        if depth > MAX_DEPTH:
            raise TrustError("too-deep")
        out: list[Any] = []
        for element in elements:
            here = (*path, len(out))
            if type(element) is dict and "..." in element:
                if len(element) != 1:
                    raise TrustError("sd-shape")
                index = self.take(element["..."], path)
                if index is None:
                    continue
                _, value = self.parts(index, 2)
                self.found[index] = Disclosure(self.texts[index], parent, here)
                out.append(self.value(value, index, here, depth))
            else:
                out.append(self.value(element, parent, here, depth))
        return out


# -------------------------------------------------------------- withholding


def withhold(opened: Opened, kept: Collection[int]) -> bytes:
    """Cut every disclosure whose index is not in *kept*.

    A disclosure whose parent goes, goes too: alone it would be unreferenced and
    the token refused. Needs no key.
    """
    stays = [False] * len(opened.disclosures)

    def stay(index: int) -> bool:
        while index >= 0:
            if index not in kept:
                return False
            index = opened.disclosures[index].parent
        return True

    for index in kept:
        stays[index] = stay(index)
    texts = (d.text for d, keep in zip(opened.disclosures, stays, strict=True) if keep)
    return b"~".join([opened.jwt, *texts, b""])
