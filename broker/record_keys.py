"""Keys of records: what lies under one is gone with it, in every copy. Pure.

One key for all versions of a record, (issuer, sub). What is encrypted under it is bound
to its place by *about*, so nothing can be put where something else was.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ID_BYTES: Final = 16  # random: never that of a key that was destroyed
SECRET_BYTES: Final = 32
# NIST SP 800-38D, 8.3: safe for 2^32 messages of one key; a record has some hundred.
_NONCE_BYTES: Final = 12

Entropy = Callable[[int], bytes]
"""Gives so many random bytes; `os.urandom`."""


class BrokenContentError(Exception):
    """What is encrypted was changed, or is not under this key, or not from this place."""


class RecordKey(msgspec.Struct, frozen=True):
    """A key of AES-256-GCM; never in a log, nor in its own `repr`."""

    id: bytes
    secret: bytes

    def __repr__(self) -> str:
        return f"RecordKey({self.id.hex()})"

    def encrypt(self, content: bytes, about: bytes, entropy: Entropy) -> bytes:
        """Give nonce and ciphertext of *content*, 28 bytes longer than it."""
        nonce = entropy(_NONCE_BYTES)
        return nonce + AESGCM(self.secret).encrypt(nonce, content, about)

    def decrypt(self, encrypted: bytes, about: bytes) -> bytes:
        """Give what `encrypt` took.

        Raises:
            BrokenContentError: As it says.
        """
        nonce, text = encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:]
        try:
            return AESGCM(self.secret).decrypt(nonce, text, about)
        except (InvalidTag, ValueError):  # the second: too short for a nonce
            raise BrokenContentError from None


def new_key(entropy: Entropy) -> RecordKey:
    """Make a key from 48 random bytes."""
    return RecordKey(entropy(ID_BYTES), entropy(SECRET_BYTES))
