"""Public keys: JWK in, verification out (RFC 7517, RFC 8037). Pure."""

import hashlib
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from broker import base64url
from broker.errors import TrustError

ED25519_SIGNATURE_BYTES = 64


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
            self._key = Ed25519PublicKey.from_public_bytes(
                base64url.decode(jwk.x.encode(), "jwk.x")
            )
        except ValueError:
            raise TrustError("bad-key") from None
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
