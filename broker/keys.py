"""Public keys: JWK in, verification out (RFC 7517, RFC 7518, RFC 8037). Pure.

A key fixes its algorithm: Ed25519 verifies EdDSA, P-256 verifies ES256, and no
header changes that (RFC 8725, 3.1).
"""

import hashlib
from collections.abc import Callable
from types import MappingProxyType
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import UNSET, UnsetType

from broker import base64url
from broker.errors import TrustError

# Points of small order, by their y: under such a key a signature holds for any
# text, so nobody could be held to it (RFC 8032, 5.1.7 lets them pass).
_P = 2**255 - 19
_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER = frozenset({0, 1, _ORDER_8, _P - _ORDER_8, _P - 1, _P, _P + 1})
_WITHOUT_SIGN = 2**255 - 1
_P256_BYTES = 32  # of a coordinate, of r and of s (RFC 7518, 3.4 and 6.2.1.2)

# Takes signature and data; raises InvalidSignature.
_Check = Callable[[bytes, bytes], None]


class Jwk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A public key (RFC 7517); `PublicKey` says whether it is one.

    OKP/Ed25519 (RFC 8037, 2) or EC/P-256 (RFC 7518, 6.2.1). A private member `d`,
    as any further one, is refused.

    Attributes:
        x: base64url of 32 bytes.
        y: The same, and given with EC alone.
        kid: Not part of the thumbprint.
    """

    kty: str
    crv: str
    x: str
    y: str | UnsetType = UNSET
    kid: str | UnsetType = UNSET


class PublicKey:
    """A key that verifies, bound to its algorithm.

    Attributes:
        algorithms: The values of `alg` (RFC 7515, 4.1.1) that mean this key's one
            algorithm.
        thumbprint: RFC 7638.

    Raises:
        TrustError: `bad-key`.
    """

    __slots__ = ("_check", "algorithms", "thumbprint")

    def __init__(self, jwk: Jwk) -> None:
        try:
            make, self.algorithms = _KINDS[jwk.kty, jwk.crv]
            self._check = make(jwk)
        except (KeyError, ValueError):
            raise TrustError("bad-key") from None
        self.thumbprint = thumbprint(jwk)

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Tell whether *signature* (64 bytes) over *data* is right."""
        try:
            self._check(signature, data)
        except InvalidSignature:
            return False
        return True


def thumbprint(jwk: Jwk) -> str:
    """RFC 7638 thumbprint: SHA-256 over the required members in lexical order."""
    members = {"crv": jwk.crv, "kty": jwk.kty, "x": jwk.x}
    if jwk.y is not UNSET:
        members["y"] = jwk.y
    return base64url.encode(
        hashlib.sha256(msgspec.json.encode(members)).digest()
    ).decode()


def key_id(org: str, jwk: Jwk) -> str:
    """Name a key: `<org>/<first 16 characters of the thumbprint>`."""
    return f"{org}/{thumbprint(jwk)[:16]}"


def jwk_of(point: bytes) -> Jwk:
    """Spell a public point: 32 bytes of Ed25519, or 65 of P-256 (SEC 1, 2.3.3)."""
    if len(point) == 32:
        return Jwk(kty="OKP", crv="Ed25519", x=_text(point))
    x, y = _text(point[1:33]), _text(point[33:])  # RFC 7518, 6.2.1: with all zeros
    return Jwk(kty="EC", crv="P-256", x=x, y=y)


def _text(raw: bytes) -> str:
    return base64url.encode(raw).decode()


def _ed25519(jwk: Jwk) -> _Check:
    if jwk.y is not UNSET:
        raise ValueError
    raw = base64url.decode(jwk.x.encode())
    key = Ed25519PublicKey.from_public_bytes(raw)
    if _is_small(raw):
        raise ValueError

    def check(signature: bytes, data: bytes) -> None:
        # Only who has the key can make such a signature, and gives it away by it;
        # OpenSSL takes it and Node.js does not, so two verifiers would differ.
        if _is_small(signature[:32]):
            raise InvalidSignature
        key.verify(signature, data)

    return check


def _is_small(point: bytes) -> bool:
    return int.from_bytes(point, "little") & _WITHOUT_SIGN in _SMALL_ORDER


def _p256(jwk: Jwk) -> _Check:
    if jwk.y is UNSET:
        raise ValueError
    x, y = (base64url.decode(text.encode()) for text in (jwk.x, jwk.y))
    if len(x) != _P256_BYTES or len(y) != _P256_BYTES:
        raise ValueError
    # Refuses what is not on the curve, whose only small subgroup is the point at
    # infinity, which x and y cannot spell.
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)

    def check(signature: bytes, data: bytes) -> None:
        if len(signature) != 2 * _P256_BYTES:
            raise InvalidSignature
        r = int.from_bytes(signature[:_P256_BYTES], "big")
        s = int.from_bytes(signature[_P256_BYTES:], "big")
        # Both s and n-s hold: a token is named without its signature (`sdjwt`).
        key.verify(encode_dss_signature(r, s), data, ec.ECDSA(SHA256()))

    return check


_KINDS: Final = MappingProxyType(
    {
        # RFC 9864 renames EdDSA to Ed25519; verifiers in use know only the first.
        ("OKP", "Ed25519"): (_ed25519, frozenset({"EdDSA", "Ed25519"})),
        ("EC", "P-256"): (_p256, frozenset({"ES256"})),
    }
)
