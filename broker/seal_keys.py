"""Keys that parts of records are sealed to: HPKE (RFC 9180), base mode. Pure.

Two kinds: X25519, and the hybrid of ML-KEM-768 and X25519 for what must stay secret
when quantum computers come. Who sealed is proven by the digests that the issuer has
signed, so no mode that authenticates the sender is needed.
"""

import hashlib
from typing import Annotated, Final, Literal, Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import (
    MLKEM768PrivateKey,
    MLKEM768PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from msgspec import UNSET, Meta, UnsetType

from broker import base64url
from broker.errors import TrustError

SealingKind = Literal["X25519", "MLKEM768-X25519"]
PrivatePair = tuple[MLKEM768PrivateKey, X25519PrivateKey]
CONTENT_KEY_BYTES: Final = 32
_ML_KEM_BYTES: Final = 1184  # FIPS 203, table 3: an encapsulation key of ML-KEM-768
_TAG_BYTES: Final = 16
SUITES: Final = {
    "X25519": Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305),
    "MLKEM768-X25519": Suite(
        KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305
    ),
}
SEALED_KEY_BYTES: Final = {
    "X25519": 32 + CONTENT_KEY_BYTES + _TAG_BYTES,
    "MLKEM768-X25519": 1120 + CONTENT_KEY_BYTES + _TAG_BYTES,
}
"""Length of a sealed content key: what HPKE encapsulates, the key, the tag."""
# Whoever has such a point instead of a key, no secret is shared with (RFC 7748, 6.1).
_PROBE: Final = X25519PrivateKey.from_private_bytes(bytes(range(32)))


class SealingJwk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A public key to seal to; `SealingKey` says whether it is one.

    OKP/X25519 (RFC 8037, 2) with `crv` and `x`, or AKP (RFC 9964) with `alg`
    `MLKEM768-X25519` and `pub`, the two keys one behind the other.

    Attributes:
        x: base64url of 32 bytes.
        pub: base64url of 1,216 bytes: ML-KEM-768, then X25519.
        kid: Not part of the thumbprint.
    """

    kty: str
    crv: str | UnsetType = UNSET
    x: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    alg: str | UnsetType = UNSET
    pub: Annotated[str, Meta(max_length=2048)] | UnsetType = UNSET
    kid: str | UnsetType = UNSET


class SealingKey:
    """A public key that content keys are sealed to.

    Attributes:
        kind: Its one algorithm.
        thumbprint: RFC 7638.

    Raises:
        TrustError: `bad-sealing-key`.
    """

    __slots__ = ("_key", "kind", "thumbprint")

    def __init__(self, jwk: SealingJwk) -> None:
        try:
            self.kind, self._key = _public(jwk)
        except ValueError:
            raise TrustError("bad-sealing-key") from None
        self.thumbprint = thumbprint(jwk)

    def seal(self, content_key: bytes, info: bytes) -> bytes:
        """Seal a key so that it opens for this key and under the same *info* alone."""
        return SUITES[self.kind].encrypt(content_key, self._key, info)


class SealingOpener(Protocol):
    """A private key that opens; a file, or what stands for it in tests."""

    org: str
    kid: str

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """Open a content key.

        Raises:
            TrustError: `sealed-broken`.
        """


class PrivateSealingKey:
    """A private key of an organisation.

    Attributes:
        jwk: The public key, with its `kid`.
    """

    __slots__ = ("_key", "jwk", "kid", "kind", "org")

    def __init__(self, org: str, key: X25519PrivateKey | PrivatePair) -> None:
        if isinstance(key, X25519PrivateKey):
            self.kind: SealingKind = "X25519"
            self._key: X25519PrivateKey | MLKEM768X25519PrivateKey = key
            jwk = SealingJwk(kty="OKP", crv="X25519", x=_text(_raw(key)))
        else:
            self.kind = "MLKEM768-X25519"
            self._key = MLKEM768X25519PrivateKey(*key)
            pub = key[0].public_key().public_bytes_raw() + _raw(key[1])
            jwk = SealingJwk(kty="AKP", alg=self.kind, pub=_text(pub))
        self.org = org
        self.kid = sealing_key_id(org, jwk)
        self.jwk = msgspec.structs.replace(jwk, kid=self.kid)

    def __repr__(self) -> str:
        return f"PrivateSealingKey({self.kid})"

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """Open a content key.

        Raises:
            TrustError: `sealed-broken`: changed, under other *info*, or not to this key.
        """
        try:
            return SUITES[self.kind].decrypt(sealed, self._key, info)
        except (InvalidTag, ValueError):
            raise TrustError("sealed-broken") from None


def thumbprint(jwk: SealingJwk) -> str:
    """RFC 7638 thumbprint: SHA-256 over the required members in lexical order."""
    names = (
        ("crv", "kty", "x") if jwk.kty == "OKP" else ("alg", "kty", "pub")
    )  # RFC 9964
    stated = ((name, getattr(jwk, name)) for name in names)
    members = {name: value for name, value in stated if value is not UNSET}
    return _text(hashlib.sha256(msgspec.json.encode(members)).digest())


def sealing_key_id(org: str, jwk: SealingJwk) -> str:
    """Name a key: `<org>/<first 16 characters of the thumbprint>`."""
    return f"{org}/{thumbprint(jwk)[:16]}"


def _public(
    jwk: SealingJwk,
) -> tuple[SealingKind, X25519PublicKey | MLKEM768X25519PublicKey]:
    x, pub = jwk.x, jwk.pub
    if (jwk.kty, jwk.crv, jwk.alg) == ("OKP", "X25519", UNSET):
        if x is UNSET or pub is not UNSET:
            raise ValueError
        return "X25519", _x25519(base64url.decode(x.encode()))
    if (jwk.kty, jwk.crv, jwk.alg) == ("AKP", UNSET, "MLKEM768-X25519"):
        if pub is UNSET or x is not UNSET:
            raise ValueError
        raw = base64url.decode(pub.encode())
        post_quantum = MLKEM768PublicKey.from_public_bytes(raw[:_ML_KEM_BYTES])
        classic = _x25519(raw[_ML_KEM_BYTES:])
        return "MLKEM768-X25519", MLKEM768X25519PublicKey(post_quantum, classic)
    raise ValueError


def _x25519(raw: bytes) -> X25519PublicKey:
    key = X25519PublicKey.from_public_bytes(raw)
    _PROBE.exchange(key)  # fails for a point of small order
    return key


def _raw(key: X25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _text(raw: bytes) -> str:
    return base64url.encode(raw).decode()
