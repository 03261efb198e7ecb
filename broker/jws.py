"""Compact JWS of our own (RFC 7515, 7.1): stamps, receipts, answers, reviews. Pure.

Records are SD-JWTs and have their own strict reader (`broker.sdjwt`).
"""

from typing import Final

import msgspec

from broker import base64url
from broker.errors import TrustError
from broker.signing import RecordSigner
from broker.trust import Header
from schemas import codec
from schemas.errors import RefusedError

_PARTS: Final = 3


class Opened(msgspec.Struct, frozen=True):
    """A JWS taken apart; nothing of it is verified.

    Attributes:
        header: Exactly `alg`, `kid` and `typ`.
        payload: Bytes, not parsed: verify first.
        signed: What the signature is over.
    """

    header: Header
    payload: bytes
    signature: bytes
    signed: bytes


def compact(typ: str, payload: bytes, signer: RecordSigner) -> bytes:
    """Sign *payload*: `header.payload.signature`."""
    header = codec.encode_json({"alg": signer.alg, "kid": signer.kid, "typ": typ})
    signed = base64url.encode(header) + b"." + base64url.encode(payload)
    return signed + b"." + base64url.encode(signer.sign(signed))


def opened(text: bytes, typ: str, *, max_bytes: int, reason: str) -> Opened:
    """Take a JWS apart and read its header, nothing else.

    Args:
        typ: The only one accepted (RFC 8725, 3.11).
        reason: For everything that is wrong with its form.

    Raises:
        TrustError: *reason*.
    """
    parts = text.split(b".")
    if len(text) > max_bytes or len(parts) != _PARTS:
        raise TrustError(reason)
    try:
        header, payload, signature = map(base64url.decode, parts)
        head = msgspec.convert(codec.decode_json(header, max_bytes=max_bytes), Header)
    except (RefusedError, msgspec.ValidationError):
        raise TrustError(reason) from None
    if head.typ != typ:
        raise TrustError(reason)
    return Opened(head, payload, signature, parts[0] + b"." + parts[1])
