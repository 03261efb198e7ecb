"""Private keys on disk (PKCS#8 PEM, mode 0600). Edge."""

import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from broker import base64url
from broker.errors import ConfigError
from broker.keys import Jwk, key_id

Alg = Literal["EdDSA", "ES256"]
PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey


class Signer:
    """Signs for one organisation with one Ed25519 or P-256 key.

    Attributes:
        org: The organisation's name.
        kid: `<org>/<thumbprint prefix>`.
        alg: JWS algorithm to state.
        jwk: The public key, with its `kid`.

    Raises:
        ValueError: A key of another curve.
    """

    __slots__ = ("_sign", "alg", "jwk", "kid", "org")

    def __init__(self, org: str, key: PrivateKey) -> None:
        self.alg, jwk, self._sign = _facts(key)
        self.org = org
        self.kid = key_id(org, jwk)
        self.jwk = msgspec.structs.replace(jwk, kid=self.kid)

    def sign(self, data: bytes) -> bytes:
        """Sign *data*: 64 bytes, the same for the same data."""
        return self._sign(data)


def _facts(key: PrivateKey) -> tuple[str, Jwk, Callable[[bytes], bytes]]:
    if isinstance(key, Ed25519PrivateKey):
        x = _text(key.public_key().public_bytes_raw())
        return "EdDSA", Jwk(kty="OKP", crv="Ed25519", x=x), key.sign
    if not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("neither an Ed25519 nor a P-256 key")
    point = key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    x, y = _text(point[1:33]), _text(point[33:])  # RFC 7518, 6.2.1: with all zeros
    return "ES256", Jwk(kty="EC", crv="P-256", x=x, y=y), partial(_es256, key)


def _es256(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    # RFC 6979: one nonce used twice would give the key away, so none is drawn.
    der = key.sign(data, ec.ECDSA(SHA256(), deterministic_signing=True))
    # RFC 7518, 3.4
    return b"".join(part.to_bytes(32, "big") for part in decode_dss_signature(der))


def _text(raw: bytes) -> str:
    return base64url.encode(raw).decode()


def load_signer(org: str, path: Path) -> Signer:
    """Read a private key.

    Raises:
        ConfigError: Missing, readable by others, or no PEM of an Ed25519 or P-256
            private key without a password.
    """
    secret = read_secret(path)
    try:
        key = serialization.load_pem_private_key(secret, password=None)
    except (ValueError, TypeError):
        raise ConfigError(f"{path} is no unencrypted PKCS#8 PEM private key") from None
    try:
        if isinstance(key, PrivateKey):
            return Signer(org, key)
    except ValueError:
        pass
    raise ConfigError(f"{path} holds neither an Ed25519 nor a P-256 key")


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


def generate(org: str, folder: Path, alg: Alg = "EdDSA") -> Signer:
    """Make a key pair: `<org>.key` (0600) and `<org>.jwk` in *folder*.

    Raises:
        ConfigError: A key of that name exists already, or the folder cannot be
            written.
    """
    key: PrivateKey = (
        Ed25519PrivateKey.generate()
        if alg == "EdDSA"
        else ec.generate_private_key(ec.SECP256R1())
    )
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
