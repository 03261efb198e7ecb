"""Sealing keys on disk: PKCS#8 PEM, mode 0600; of a hybrid key both halves. Edge."""

import os
import re
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from broker.errors import ConfigError
from broker.seal_keys import PrivateSealingKey, SealingKind
from broker.signers import read_secret

_BLOCK: Final = re.compile(
    rb"-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----\s*", re.DOTALL
)
_Half = X25519PrivateKey | MLKEM768PrivateKey


def load_sealing_key(org: str, path: Path) -> PrivateSealingKey:
    """Read a private key to open sealed parts with.

    Raises:
        ConfigError: Missing, readable by others, or no PEM of an X25519 key or of an
            ML-KEM-768 and an X25519 key, without a password.
    """
    blocks = _BLOCK.findall(read_secret(path))
    try:
        match [_half(block) for block in blocks]:
            case [X25519PrivateKey() as classic]:
                return PrivateSealingKey(org, classic)
            case [MLKEM768PrivateKey() as post_quantum, X25519PrivateKey() as classic]:
                return PrivateSealingKey(org, (post_quantum, classic))
            case _:
                pass
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass
    raise ConfigError(f"{path} holds no sealing key; tocsin keygen --sealing makes one")


def _half(block: bytes) -> object:
    return serialization.load_pem_private_key(block, password=None)


def generate_sealing_key(
    org: str, folder: Path, kind: SealingKind = "X25519"
) -> PrivateSealingKey:
    """Make a key pair: `<org>.sealing.key` (0600) and `<org>.sealing.jwk` in *folder*.

    Raises:
        ConfigError: A key of that name exists already, or the folder cannot be
            written.
    """
    classic = X25519PrivateKey.generate()
    if kind == "X25519":
        halves: tuple[_Half, ...] = (classic,)
        made = PrivateSealingKey(org, classic)
    else:
        post_quantum = MLKEM768PrivateKey.generate()
        halves = (post_quantum, classic)
        made = PrivateSealingKey(org, (post_quantum, classic))
    private, public = folder / f"{org}.sealing.key", folder / f"{org}.sealing.jwk"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # O_EXCL: never overwrite a key; the mode holds from the first byte on.
        descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(b"".join(map(_pem, halves)))
        public.write_bytes(msgspec.json.encode(made.jwk) + b"\n")
    except FileExistsError:
        raise ConfigError(
            f"{private} exists already; keys are not overwritten"
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot write {folder}: {error.strerror}") from None
    return made


def _pem(half: _Half) -> bytes:
    return half.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
