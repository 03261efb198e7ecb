"""base64url without padding, one spelling only (RFC 7515, section 2; RFC 4648, 3.5)."""

import binascii

from broker.errors import TrustError

_TO_URL = bytes.maketrans(b"+/", b"-_")
# "+", "/" and "=" become invalid, so that strict decoding refuses them.
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")
# RFC 4648, 3.5: unused trailing bits must be zero, else one value has many spellings.
_LAST = {0: None, 2: frozenset(b"AQgw"), 3: frozenset(b"AEIMQUYcgkosw048")}


def encode(data: bytes) -> bytes:
    """Encode *data*; ASCII, no padding."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=")


def decode(text: bytes, where: str = "") -> bytes:
    """Decode *text*, refusing padding, foreign characters and spare bits.

    Raises:
        TrustError: `bad-base64` at *where*.
    """
    tail = len(text) % 4
    last = _LAST.get(tail, frozenset())
    if last is not None and text[-1] not in last:
        raise TrustError("bad-base64", where)
    try:
        return binascii.a2b_base64(
            text.translate(_FROM_URL) + b"==="[: -len(text) % 4], strict_mode=True
        )
    except binascii.Error:
        raise TrustError("bad-base64", where) from None
