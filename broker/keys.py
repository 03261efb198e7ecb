"""Public keys: JWK in, verification out (RFC 7517, RFC 8037). Pure."""

import hashlib
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from broker import base64url
from broker.errors import TrustError

# Points of small order, by their y: under such a key a signature holds for any
# text, so nobody could be held to it (RFC 8032, 5.1.7 lets them pass).
_P = 2**255 - 19
_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER = frozenset({0, 1, _ORDER_8, _P - _ORDER_8, _P - 1, _P, _P + 1})
_WITHOUT_SIGN = 2**255 - 1


class Jwk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An Ed25519 public key (RFC 8037, 2). A private member `d` is refused."""

    kty: str
    crv: str
    x: str
    kid: str | msgspec.UnsetType = msgspec.UNSET


class PublicKey:
    """A key that verifies, bound to its algorithm.

    Raises:
        TrustError: `bad-key`.
    """

    __slots__ = ("_key", "algorithms", "thumbprint")

    def __init__(self, jwk: Jwk) -> None:
        if jwk.kty != "OKP" or jwk.crv != "Ed25519":
            raise TrustError("bad-key")
        try:
            raw = base64url.decode(jwk.x.encode(), "jwk.x")
            self._key = Ed25519PublicKey.from_public_bytes(raw)
        except ValueError:
            raise TrustError("bad-key") from None
        if int.from_bytes(raw, "little") & _WITHOUT_SIGN in _SMALL_ORDER:
            raise TrustError("bad-key")
        # RFC 9864 renames EdDSA to Ed25519; verifiers in use know only the first.
        self.algorithms = frozenset({"EdDSA", "Ed25519"})
        self.thumbprint = thumbprint(jwk)

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Tell whether *signature* (64 bytes) over *data* is right."""
        try:
            self._key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


def thumbprint(jwk: Jwk) -> str:
    """RFC 7638 thumbprint: SHA-256 over the required members in lexical order."""
    members: dict[str, Any] = {"crv": jwk.crv, "kty": jwk.kty, "x": jwk.x}
    return base64url.encode(
        hashlib.sha256(msgspec.json.encode(members)).digest()
    ).decode()


def key_id(org: str, jwk: Jwk) -> str:
    """Name a key: `<org>/<first 16 characters of the thumbprint>`."""
    return f"{org}/{thumbprint(jwk)[:16]}"
