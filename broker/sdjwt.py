"""SD-JWT (RFC 9901), compact serialization: verify and withhold.

Pure, and about the format alone: which claims there are and who may sign them
stands in `trust`; the issuing side is `concealing`. The digests cover the transmitted strings, so nobody ever
re-serializes to verify, and withholding is the removal of strings.

Stricter than RFC 9901 asks, see DESIGN.md 4.4: well-known libraries read some of
what is refused here in different ways.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from typing import Any, Protocol

import msgspec

from broker import base64url, disclosures
from broker.errors import TrustError
from schemas import codec
from schemas.codec import RESERVED_NAMES

MAX_TOKEN_BYTES = 16 << 20  # decompressed; one record is at most a few MiB
MAX_DISCLOSURES = 65_536  # hashing them stays well under a second
MAX_DEPTH = 32  # STIX needs about 10; deeper is an attack on recursion
MAX_HEADER_BYTES = 1024
SALT_BYTES = 16  # RFC 9901, 9.3: 128 bits
_STRINGS = frozenset({str})
_PLAIN = frozenset({str, bool})  # nothing to look into
_UNUSED = -2  # no digest of this disclosure was found yet

Path = tuple[str | int, ...]


class VerifyKey(Protocol):
    """A public key bound to its algorithm."""

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Tell whether *signature* is right; never raises."""


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Which parts of a value come from disclosures.

    Attributes:
        names: Index of the disclosure that carries each of its members.
        slots: The same of the parts deeper inside, and of the value itself, by path.
        gaps: Digests without a disclosure (withheld, or decoys) by the path of
            the container they stand in.
    """

    names: dict[str, int]
    slots: dict[Path, int]
    gaps: dict[Path, int]

    def slot(self, path: Path) -> int | None:
        """Give the disclosure that carries the part at *path*, if one does."""
        if len(path) == 1 and isinstance(path[0], str):
            return self.names.get(path[0])
        return self.slots.get(path)


class Disclosure(msgspec.Struct, frozen=True):
    """One disclosure of a verified token.

    Attributes:
        text: As transmitted, base64url.
        parent: Index of the disclosure that carries its digest; -1: the payload.
        path: Where its value stands in `Opened.claims`.
    """

    text: bytes
    parent: int
    path: Path


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A token whose signature and digests hold.

    Attributes:
        jwt: The issuer-signed part, `header.payload.signature`.
        claims: The payload with all disclosed values in place.
        texts: The disclosures as transmitted, in transmitted order.
        parents: For each, the index of the one that carries its digest; -1: the
            payload.
        origin: Of `claims`, without what `elements` tells.
        within: Path of the array whose elements have an origin each.
        elements: Their origins; paths begin at the element, whose own is `()`.
    """

    jwt: bytes
    claims: dict[str, Any]
    texts: tuple[bytes, ...]
    parents: Sequence[int]
    origin: Origin
    within: Path
    elements: tuple[Origin, ...]

    @property
    def token_id(self) -> str:
        """base64url SHA-256 of `header.payload`, without the signature."""
        return token_id(self.jwt)

    @property
    def disclosures(self) -> tuple[Disclosure, ...]:
        """List the disclosures with their paths, in transmitted order."""
        paths = {index: path for path, index in self._slots().items()}
        return tuple(
            Disclosure(text, self.parents[index], paths[index])
            for index, text in enumerate(self.texts)
        )

    @property
    def withheld(self) -> Mapping[Path, int]:
        """Count digests without a disclosure by the path of their container."""
        found = dict(self.origin.gaps)
        for index, origin in enumerate(self.elements):
            for path, count in origin.gaps.items():
                found[(*self.within, index, *path)] = count
        return found

    def _slots(self) -> dict[Path, int]:
        found: dict[Path, int] = {}
        for place, origin in enumerate((self.origin, *self.elements), -1):
            base = (*self.within, place) if place >= 0 else ()
            for name, index in origin.names.items():
                found[(*base, name)] = index
            for path, index in origin.slots.items():
                found[(*base, *path)] = index
        return found


def digest(text: bytes) -> str:
    """Give the digest of a disclosure or signing input as transmitted (RFC 9901, 4.2.3)."""
    return base64url.encode(hashlib.sha256(text).digest()).decode()


def token_id(token: bytes) -> str:
    """Name a token, the same for every redaction of it.

    The signature is left out: an ES256 signature can be re-minted by anyone.
    """
    return digest(token.partition(b"~")[0].rpartition(b".")[0])


def verify(
    token: bytes, choose_key: Callable[[bytes], VerifyKey], *, within: Path = ()
) -> Opened:
    """Verify *token* and put its disclosed values in place.

    In this order: sizes and framing, header, signature, payload, disclosures,
    digests. Nothing but the header is parsed before the signature holds.

    Args:
        token: Compact serialization, with its final `~`.
        choose_key: Gets the header's JSON bytes, gives the key that must have
            signed, or raises TrustError.
        within: Path of an array; where in its elements disclosed parts stand is
            told for each one apart.

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
    text = base64url.decode(payload64, "payload")
    # As each value takes a byte at least, a short token needs no counting.
    budget = disclosures.Budget() if len(token) > disclosures.MAX_VALUES else None
    if budget is not None:
        budget.spend(text)
    payload = codec.decode_strict_text(text)
    if type(payload) is not dict:
        raise TrustError("payload")
    if payload.pop("_sd_alg", "sha-256") != "sha-256":
        raise TrustError("sd-alg")
    values = disclosures.decode(texts, budget)
    return _Unfolding(texts, values, within).open(jwt, payload)


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

    def __init__(
        self,
        texts: list[bytes],
        values: list[disclosures.Disclosed],
        within: Path,
    ) -> None:
        found = disclosures.digests(texts)
        self.pool = dict(zip(found, range(len(found)), strict=True))
        if len(self.pool) != len(texts):
            raise TrustError("duplicate-disclosure")
        self.texts = texts
        self.values = values
        self.parents = [_UNUSED] * len(texts)
        self.within = within
        self.never_plain = within[-1] if within else None
        self.origin = Origin({}, {}, {})
        self.origins: list[Origin] = []
        self.missed: list[Any] = []  # digests without a disclosure

    def open(self, jwt: bytes, payload: dict[str, Any]) -> Opened:
        claims = self.members(payload, -1, (), 1, self.origin)
        disclosures.check_digests(self.missed)
        if _UNUSED in self.parents:
            raise TrustError("unreferenced-disclosure")
        return Opened(
            jwt=jwt,
            claims=claims,
            texts=tuple(self.texts),
            parents=self.parents,
            origin=self.origin,
            within=self.within,
            elements=tuple(self.origins),
        )

    def value(
        self, value: Any, parent: int, path: Path, depth: int, origin: Origin
    ) -> Any:
        kind = type(value)
        if kind is dict:
            return self.members(value, parent, path, depth + 1, origin)
        if kind is list:
            return self.elements(value, parent, path, depth + 1, origin)
        # A float is finite already: `disclosures.decode` sees to it.
        if kind is int and not -codec.MAX_SAFE_INT <= value <= codec.MAX_SAFE_INT:
            raise TrustError("number-range")
        return value

    def members(  # noqa: PLR0912  a call for each disclosure would be felt
        self,
        members: dict[str, Any],
        parent: int,
        path: Path,
        depth: int,
        origin: Origin,
    ) -> dict[str, Any]:
        if depth > MAX_DEPTH:
            raise TrustError("too-deep")
        has_digests = "_sd" in members
        digests = members.pop("_sd", None)
        if not RESERVED_NAMES.isdisjoint(members):
            raise TrustError("reserved-name")
        for name, value in members.items():
            if type(value) not in _PLAIN and not self.is_plain_list(name, value, depth):
                members[name] = self.value(value, parent, (*path, name), depth, origin)
        if not has_digests:
            return members
        values, names, slots = self.values, origin.names, origin.slots
        is_root = path == ()
        for index in self.found(digests, parent, path, origin):
            if index is None:
                continue
            try:
                _, name, value = values[index]
            except ValueError:
                raise TrustError("disclosure-shape", f"disclosure {index}") from None
            if type(name) is not str:
                raise TrustError("disclosure-shape", f"disclosure {index}")
            if name in members:
                raise TrustError("shadowed-name", f"disclosure {index}")
            if name in RESERVED_NAMES:
                raise TrustError("reserved-name", f"disclosure {index}")
            if is_root:
                names[name] = index
            else:
                slots[(*path, name)] = index
            if type(value) not in _PLAIN and not self.is_plain_list(name, value, depth):
                value = self.value(value, index, (*path, name), depth, origin)
            members[name] = value
        return members

    def is_plain_list(self, name: str, value: Any, depth: int) -> bool:
        """Tell whether there is nothing to look into in a member at *depth*."""
        return (
            type(value) is list
            and depth < MAX_DEPTH
            and name != self.never_plain  # an origin is owed for each element
            and _STRINGS.issuperset(map(type, value))
        )

    def elements(
        self, elements: list[Any], parent: int, path: Path, depth: int, origin: Origin
    ) -> list[Any]:
        if depth > MAX_DEPTH:
            raise TrustError("too-deep")
        # A path inside an element may look the same: it begins anew there.
        apart = origin is self.origin and path == self.within
        here: Path
        digests = [e["..."] for e in elements if type(e) is dict and "..." in e]
        carriers = iter(self.found(digests, parent, path, origin))
        out: list[Any] = []
        for element in elements:
            value, carrier = element, None
            if type(element) is dict and "..." in element:
                if len(element) != 1:
                    raise TrustError("sd-shape")
                carrier = next(carriers)
                if carrier is None:
                    continue
                if len(self.values[carrier]) != 2:
                    raise TrustError("disclosure-shape", f"disclosure {carrier}")
                value = self.values[carrier][1]
            if apart:
                own, here = Origin({}, {}, {}), ()
                self.origins.append(own)
            else:
                own, here = origin, (*path, len(out))
            if carrier is None:
                carrier = parent
            else:
                own.slots[here] = carrier
            out.append(self.value(value, carrier, here, depth, own))
        return out

    def found(
        self, digests: Any, parent: int, path: Path, origin: Origin
    ) -> list[int | None]:
        """Find the disclosure of each digest; those without one leave a gap at *path*."""
        if type(digests) is not list:
            raise TrustError("sd-shape")
        parents = self.parents
        try:
            found = list(map(self.pool.get, digests))
        except TypeError:  # not to be looked up, so no string either
            raise TrustError("digest-shape") from None
        for index in found:
            if index is not None:
                if parents[index] != _UNUSED:
                    raise TrustError("duplicate-digest")
                parents[index] = parent
        if None in found:
            pairs = zip(digests, found, strict=True)
            self.missed += [claimed for claimed, index in pairs if index is None]
            origin.gaps[path] = origin.gaps.get(path, 0) + found.count(None)
        return found


def withhold(opened: Opened, kept: Collection[int]) -> bytes:
    """Cut every disclosure whose index is not in *kept*.

    A disclosure whose parent goes, goes too: alone it would be unreferenced and
    the token refused. Needs no key.

    Raises:
        ValueError: A negative index.
    """
    parents, order = opened.parents, sorted(set(kept))
    if order and order[0] < 0:
        raise ValueError("an index is negative")  # Python would count from the end
    wanted = {-1, *order}
    if not wanted.issuperset(map(parents.__getitem__, order)):
        order = [index for index in order if _reaches_root(index, parents, wanted)]
    texts = map(opened.texts.__getitem__, order)
    return b"~".join([opened.jwt, *texts, b""])


def _reaches_root(index: int, parents: Sequence[int], wanted: Set[int]) -> bool:
    while index >= 0:
        if index not in wanted:
            return False
        index = parents[index]
    return True
