"""A private key under a passphrase (PKCS#8, RFC 5958; PBES2, RFC 8018). Pure.

`cryptography` writes such keys with PBKDF2 of 2,048 rounds, some milliseconds a guess
for whoever has the file. Ours are under scrypt (RFC 7914), which it and OpenSSL read.
"""

import base64
import textwrap
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7

SALT_BYTES: Final = 16
IV_BYTES: Final = 16
# 16 MiB, and five times over: what OWASP's password storage sheet asks at this size.
# OpenSSL takes up to 32 MiB.
_N, _R, _P = 2**14, 8, 5
_KEY_BYTES: Final = 32
_PBES2 = bytes.fromhex("06092a864886f70d01050d")  # 1.2.840.113549.1.5.13
_SCRYPT = bytes.fromhex("06092b06010401da47040b")  # 1.3.6.1.4.1.11591.4.11
_AES_256_CBC = bytes.fromhex("060960864801650304012a")  # 2.16.840.1.101.3.4.1.42
_SEQUENCE, _OCTETS, _INTEGER = 0x30, 0x04, 0x02


def protected(der: bytes, passphrase: bytes, *, salt: bytes, iv: bytes) -> bytes:
    """Encrypt a private key.

    Args:
        der: PKCS#8 PrivateKeyInfo.
        salt: 16 random bytes.
        iv: 16 random bytes.

    Returns:
        PEM, `ENCRYPTED PRIVATE KEY`.
    """
    key = Scrypt(salt=salt, length=_KEY_BYTES, n=_N, r=_R, p=_P).derive(passphrase)
    padder = PKCS7(algorithms.AES.block_size).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    hidden = encryptor.update(padder.update(der) + padder.finalize())
    numbers = (_tlv(_INTEGER, _unsigned(each)) for each in (_N, _R, _P))
    derived = _tlv(
        _SEQUENCE, _SCRYPT, _tlv(_SEQUENCE, _tlv(_OCTETS, salt), *numbers)
    )  # RFC 7914, 7.1
    scheme = _tlv(_SEQUENCE, _AES_256_CBC, _tlv(_OCTETS, iv))
    algorithm = _tlv(_SEQUENCE, _PBES2, _tlv(_SEQUENCE, derived, scheme))
    whole = _tlv(_SEQUENCE, algorithm, _tlv(_OCTETS, hidden + encryptor.finalize()))
    lines = textwrap.wrap(base64.b64encode(whole).decode(), 64)
    label = "ENCRYPTED PRIVATE KEY"
    return "\n".join(
        [f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]
    ).encode()


def _unsigned(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "big")  # X.690, 8.3


def _tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content  # X.690, 8.1.3.5
