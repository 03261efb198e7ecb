"""SD-JWT (RFC 9901), compact serialization: verify and withhold.

Pure, and about the format alone: which claims there are and who may sign them
stands in `trust`; the issuing side is `concealing`. The digests cover the transmitted strings, so nobody ever
re-serializes to verify, and withholding is the removal of strings.

Stricter than RFC 9901 asks, see DESIGN.md 4.4: well-known libraries read some of
what is refused here in different ways.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from operator import itemgetter
from typing import Any, Protocol, TypeVar

import msgspec

from broker import base64url, disclosures
from broker.errors import TrustError
from broker.unfolding import NONE, Origin, Path, Unfolding
from schemas import codec

MAX_TOKEN_BYTES = 16 << 20  # decompressed; one record is at most a few MiB
MAX_DISCLOSURES = 65_536  # hashing them stays well under a second
MAX_HEADER_BYTES = 1024
SALT_BYTES = 16  # RFC 9901, 9.3: 128 bits
_Item = TypeVar("_Item")


class VerifyKey(Protocol):
    """A public key bound to its algorithm."""

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Tell whether *signature* is right; never raises."""


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
        digests: Of each of them.
        parents: For each, the index of the one that carries its digest; -1: the
            payload.
        origin: Of `claims`, without what `elements` tells.
        within: Path of the array whose elements have an origin each.
        elements: Their origins; paths begin at the element, whose own is `()`.
    """

    jwt: bytes
    claims: dict[str, Any]
    texts: tuple[bytes, ...]
    digests: Sequence[str]
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
            if origin.own >= 0:
                found[base] = origin.own
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
    contents = disclosures.decode(texts, budget)
    digests = disclosures.digests(texts)
    unfolding = Unfolding(digests, contents, within)
    claims = unfolding.unfold(payload)
    return Opened(
        jwt=jwt,
        claims=claims,
        texts=tuple(texts),
        digests=digests,
        parents=unfolding.parents,
        origin=unfolding.origin,
        within=within,
        elements=tuple(unfolding.origins),
    )


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


def withhold(opened: Opened, kept: Collection[int]) -> bytes:
    """Cut every disclosure whose index is not in *kept*.

    A disclosure whose parent goes, goes too: alone it would be unreferenced and
    the token refused. Needs no key.

    Raises:
        ValueError: A negative index.
    """
    parents, wanted = opened.parents, set(kept)
    order = sorted(wanted)
    if order and order[0] < 0:
        raise ValueError("an index is negative")  # Python would count from the end
    wanted.add(NONE)
    if not wanted.issuperset(_at(order, parents)):
        order = [index for index in order if _reaches_root(index, parents, wanted)]
    return b"~".join([opened.jwt, *_at(order, opened.texts), b""])


def _at(places: Sequence[int], items: Sequence[_Item]) -> tuple[_Item, ...]:
    # `itemgetter` does in one call what takes twice as long one by one; of a single
    # place it would give no tuple.
    found = itemgetter(0, 0, *places)(items) if places else ()
    return found[2:]


def _reaches_root(index: int, parents: Sequence[int], wanted: Set[int]) -> bool:
    while index >= 0:
        if index not in wanted:
            return False
        index = parents[index]
    return True
