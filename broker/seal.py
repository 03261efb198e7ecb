"""Sealed compartments: disclosures that travel encrypted to members by name. Pure.

What is sealed are ordinary disclosures. They are taken out of the token before it
leaves the issuer; their digests stay where they stand, like those of anything
withheld. The claim `sealed` names each compartment by the hash over the digests of
what is in it, so nobody can put anything else there, the hub included. Members whose
views differ get different compartments.

A part is one compartment on its way: its content, encrypted once under a random key,
and this key sealed to each member that it is for (a slot). Bound to the token, the
compartment, the member and its key, it opens nowhere else.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Annotated, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from msgspec import Meta

from broker import base64url, disclosures
from broker.errors import TrustError
from broker.sdjwt import MAX_DISCLOSURES
from broker.seal_keys import (
    CONTENT_KEY_BYTES,
    SEALED_KEY_BYTES,
    SealingKey,
    SealingOpener,
)
from broker.signing import fullness
from schemas import codec
from schemas.errors import RefusedError
from schemas.record import ORG_PATTERN, Digest, org_urn

LABEL: Final = "tocsin-seal-v1"
MAX_COMPARTMENTS: Final = 64  # distinct views of one record
MAX_SLOTS: Final = 256  # members of one compartment, all CERTs of the world's regions
_MAX_HEAD_BYTES: Final = 512 * 1024  # 256 slots of the larger kind, in base64url
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
MAX_PART_CHARS: Final = 4 << 20  # as much as a record carries of one part
_FILL: Final = b"~"  # never part of base64url
_STEP_BYTES: Final = 1024
_KID: Final = re.compile(rf"({ORG_PATTERN[1:-2]})/[A-Za-z0-9_-]{{16}}")
_KEY_LENGTHS: Final = frozenset(SEALED_KEY_BYTES.values())


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content key, sealed to one key of one member.

    Attributes:
        kid: `<org>/<thumbprint prefix>` of the key that opens it.
        key: base64url, HPKE.
    """

    kid: Annotated[str, Meta(max_length=64)]
    key: Annotated[str, Meta(max_length=2048)]

    @property
    def org(self) -> str:
        """Whom it is for."""
        return self.kid.partition("/")[0]


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seal: Annotated[int, Meta(ge=1, le=1)]
    compartment: Digest
    to: Annotated[tuple[Slot, ...], Meta(min_length=1, max_length=MAX_SLOTS)]


class Part(msgspec.Struct, frozen=True):
    """A sealed part, taken apart; nothing of it is proven.

    Attributes:
        compartment: As the claim `sealed` names it.
        slots: At least one.
        content: Nonce and ciphertext.
    """

    compartment: str
    slots: tuple[Slot, ...]
    content: bytes


class Recipient(msgspec.Struct, frozen=True):
    """A key of a member to seal to."""

    kid: str
    key: SealingKey


def compartment_of(texts: Sequence[bytes]) -> str:
    """Name the compartment of these disclosures: 43 characters, whatever their order.

    Each of them holds 128 random bits, so the name tells nothing of them.
    """
    return fullness(disclosures.digests(texts))


def make(
    texts: Sequence[bytes],
    token_id: str,
    recipients: Iterable[Recipient],
    *,
    entropy: Callable[[int], bytes],
) -> bytes:
    """Seal disclosures as one part.

    Args:
        texts: Of one compartment, as they would be transmitted; at least one.
        token_id: Of the token that they belong to.
        entropy: Gives n random bytes; the key and the nonce of the content.

    Returns:
        The part as it travels, base64url.

    Raises:
        TrustError: `too-many-sealed`, `too-large`.
    """
    compartment = compartment_of(texts)
    content_key, nonce = entropy(CONTENT_KEY_BYTES), entropy(_NONCE_BYTES)
    slots = tuple(
        Slot(
            to.kid, _text(to.key.seal(content_key, info(token_id, compartment, to.kid)))
        )
        for to in recipients
    )
    if not 0 < len(slots) <= MAX_SLOTS:
        raise TrustError("too-many-sealed")
    sealed = ChaCha20Poly1305(content_key).encrypt(
        nonce, _filled(_FILL.join(texts)), bound_to(token_id, compartment)
    )
    return spell(Part(compartment, slots, nonce + sealed))


def open_part(part: Part, token_id: str, opener: SealingOpener) -> tuple[bytes, ...]:
    """Open a part: the disclosures in it.

    They are what its compartment is named by; that the issuer has signed this name is
    for `trust.verify` to check, with all else.

    Args:
        token_id: Of the token that it came with.

    Raises:
        TrustError: `sealed-for-others`, `sealed-broken`, `sealed-shape`,
            `sealed-mismatch`.
    """
    found = [slot for slot in part.slots if slot.kid == opener.kid]
    if not found:
        raise TrustError("sealed-for-others")
    bound = info(token_id, part.compartment, opener.kid)
    content_key = opener.open(base64url.decode(found[0].key.encode()), bound)
    nonce, sealed = part.content[:_NONCE_BYTES], part.content[_NONCE_BYTES:]
    try:
        plain = ChaCha20Poly1305(content_key).decrypt(
            nonce, sealed, bound_to(token_id, part.compartment)
        )
    except (InvalidTag, ValueError):  # a key of another length, too
        raise TrustError("sealed-broken") from None
    texts = _unfilled(plain)
    if compartment_of(texts) != part.compartment:
        raise TrustError("sealed-mismatch")
    return texts


def info(token_id: str, compartment: str, kid: str) -> bytes:
    """Give the `info` of HPKE (RFC 9180, 5.1): where and for whom alone it opens."""
    member = org_urn(kid.partition("/")[0])
    return f"{LABEL}|{token_id}|{compartment}|{member}|{kid}".encode()


def bound_to(token_id: str, compartment: str) -> bytes:
    """Give the associated data of the content."""
    return f"{LABEL}|{token_id}|{compartment}".encode()


# ------------------------------------------------------------------ on the way


def spell(part: Part) -> bytes:
    """Give a part as it travels: base64url of its head, a line feed, its content.

    Raises:
        TrustError: `too-large`.
    """
    head = codec.encode_json(_Head(1, part.compartment, part.slots))
    text = base64url.encode(head + b"\n" + part.content)
    if len(text) > MAX_PART_CHARS:
        raise TrustError("too-large")
    return text


def read(text: bytes) -> Part:
    """Read a part strictly, without opening it.

    Raises:
        TrustError: `sealed-shape`, `too-large`.
    """
    if len(text) > MAX_PART_CHARS:
        raise TrustError("too-large")
    try:
        raw = base64url.decode(text)
        head_text, found, content = raw.partition(b"\n")
        value = codec.decode_json(head_text, max_bytes=_MAX_HEAD_BYTES)
        head = msgspec.convert(value, _Head)
        # One spelling only, so that nothing can be hidden in another.
        is_ours = bool(found) and codec.encode_json(head) == head_text
        is_ours = is_ours and all(map(_is_slot, head.to))
    except (RefusedError, msgspec.ValidationError):
        raise TrustError("sealed-shape") from None
    plain_bytes = len(content) - _NONCE_BYTES - _TAG_BYTES
    if (
        not is_ours
        or len({slot.kid for slot in head.to}) < len(head.to)
        or plain_bytes <= 0
        or plain_bytes != _filled_to(plain_bytes)
    ):
        raise TrustError("sealed-shape")
    return Part(head.compartment, head.to, content)


def _is_slot(slot: Slot) -> bool:
    raw = base64url.decode(slot.key.encode())
    return _KID.fullmatch(slot.kid) is not None and len(raw) in _KEY_LENGTHS


def check(texts: Collection[bytes], claimed: Collection[str]) -> tuple[Part, ...]:
    """Check the parts that come with a whole record: each compartment once, no other.

    Nothing is opened; it is what the hub can tell.

    Args:
        claimed: The claim `sealed`.

    Raises:
        TrustError: `too-many-sealed`, `sealed-unknown`, `sealed-missing`, or as
            `read`.
    """
    if len(texts) > MAX_COMPARTMENTS:
        raise TrustError("too-many-sealed")
    parts = tuple(map(read, texts))
    found = [part.compartment for part in parts]
    if len({*found}) < len(found) or not {*found} <= {*claimed}:
        raise TrustError("sealed-unknown")
    if len(found) < len(claimed):
        raise TrustError("sealed-missing")
    return parts


def only_for(parts: Iterable[Part], org: str) -> tuple[bytes, ...]:
    """Give what a member may get of the parts: those for it, without others' slots."""
    own = (
        Part(part.compartment, slots, part.content)
        for part in parts
        if (slots := tuple(slot for slot in part.slots if slot.org == org))
    )
    return tuple(map(spell, own))


# --------------------------------------------------------------------- padding


def _filled(plain: bytes) -> bytes:
    """Fill up, so that the length tells little."""
    return plain + _FILL * (_filled_to(len(plain)) - len(plain))


def _filled_to(size: int) -> int:
    """Round up to 1 KiB, above 8 KiB to a step of at most a quarter of the size."""
    step = max(_STEP_BYTES, 1 << max(0, (size - 1).bit_length() - 3))
    return -(-size // step) * step


def _unfilled(plain: bytes) -> tuple[bytes, ...]:
    core = plain.rstrip(_FILL)
    texts = tuple(core.split(_FILL))
    if len(plain) != _filled_to(len(core)) or b"" in texts:
        raise TrustError("sealed-shape")
    if len(texts) > MAX_DISCLOSURES:
        raise TrustError("too-many-disclosures")
    return texts


def _text(raw: bytes) -> str:
    return base64url.encode(raw).decode()
