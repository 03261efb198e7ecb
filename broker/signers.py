"""Private keys on disk (PKCS#8 PEM, mode 0600). Edge."""

import os
import stat
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker import base64url
from broker.errors import ConfigError
from broker.keys import Jwk, key_id


class Signer:
    """Signs for one organisation with one Ed25519 key.

    Attributes:
        org: The organisation's name.
        kid: `<org>/<thumbprint prefix>`.
        alg: JWS algorithm to state.
    """

    __slots__ = ("_key", "alg", "jwk", "kid", "org")

    def __init__(self, org: str, key: Ed25519PrivateKey) -> None:
        raw = key.public_key().public_bytes_raw()
        jwk = Jwk(kty="OKP", crv="Ed25519", x=base64url.encode(raw).decode())
        self._key = key
        self.org = org
        self.kid = key_id(org, jwk)
        self.jwk = msgspec.structs.replace(jwk, kid=self.kid)
        self.alg = "EdDSA"

    def sign(self, data: bytes) -> bytes:
        """Sign *data*: 64 bytes."""
        return self._key.sign(data)


def load_signer(org: str, path: Path) -> Signer:
    """Read a private key.

    Raises:
        ConfigError: Missing, readable by others, or no Ed25519 PKCS#8 PEM.
    """
    secret = read_secret(path)
    try:
        key = serialization.load_pem_private_key(secret, password=None)
    except (ValueError, TypeError):
        raise ConfigError(f"{path} is no unencrypted PKCS#8 PEM private key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path} holds no Ed25519 key")
    return Signer(org, key)


def read_secret(path: Path) -> bytes:
    """Read a secret file that nobody else may read.

    Raises:
        ConfigError: Missing or unreadable, or its mode lets others in.
    """
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise ConfigError(
                    f"{path} is readable by others (mode {mode:04o}); "
                    f"type: chmod 600 {path}"
                )
            return file.read()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None


def generate(org: str, folder: Path) -> Signer:
    """Make a key pair: `<org>.key` (0600) and `<org>.jwk` in *folder*.

    Raises:
        ConfigError: A key of that name exists already, or the folder cannot be
            written.
    """
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    signer = Signer(org, key)
    private, public = folder / f"{org}.key", folder / f"{org}.jwk"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # O_EXCL: never overwrite a key; the mode holds from the first byte on.
        descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        public.write_bytes(msgspec.json.encode(signer.jwk) + b"\n")
    except FileExistsError:
        raise ConfigError(
            f"{private} exists already; keys are not overwritten"
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot write {folder}: {error.strerror}") from None
    return signer
