"""HPKE base mode by RFC 9180 alone: X25519, HKDF-SHA256, ChaCha20-Poly1305.

An independent second reading of the format, and unlike the library's deterministic:
the ephemeral key is an argument, so that vectors can be made again byte for byte.
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

KEM_ID = b"KEM" + (0x0020).to_bytes(2, "big")  # RFC 9180, 7.1: DHKEM(X25519)
SUITE_ID = b"HPKE" + bytes.fromhex("002000010003")  # 5.1; 7.2 and 7.3
LABEL = b"HPKE-v1"


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def _extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return _hmac(salt or bytes(32), LABEL + suite + label + ikm)


def _expand(suite: bytes, prk: bytes, label: bytes, info: bytes, size: int) -> bytes:
    assert size <= 32
    told = size.to_bytes(2, "big") + LABEL + suite + label + info
    return _hmac(prk, told + b"\1")[:size]


def seal(
    plain: bytes, to: X25519PublicKey, info: bytes, ephemeral: X25519PrivateKey
) -> bytes:
    """RFC 9180, 6.1: what is encapsulated, then the ciphertext."""
    enc = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(to)
    prk = _extract(KEM_ID, b"", b"eae_prk", shared)  # 4.1
    context = enc + to.public_bytes_raw()
    secret = _expand(KEM_ID, prk, b"shared_secret", context, 32)
    key, nonce = _schedule(secret, info)
    return enc + ChaCha20Poly1305(key).encrypt(nonce, plain, b"")


def _schedule(secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """RFC 9180, 5.1, in base mode."""
    named = _extract(SUITE_ID, b"", b"psk_id_hash", b"")
    context = b"\0" + named + _extract(SUITE_ID, b"", b"info_hash", info)
    drawn = _extract(SUITE_ID, secret, b"secret", b"")
    key = _expand(SUITE_ID, drawn, b"key", context, 32)
    return key, _expand(SUITE_ID, drawn, b"base_nonce", context, 12)
