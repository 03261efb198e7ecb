"""Private keys: files (PKCS#8 PEM, mode 0600) or objects in tokens (PKCS#11). Edge."""

import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from broker import hsm, key_uri, pkcs8
from broker.errors import ConfigError
from broker.hsm import TokenKey
from broker.key_uri import KeyUri
from broker.keys import jwk_of, key_id

Alg = hsm.Alg
MIN_PASSPHRASE_BYTES: Final = 12
_MAX_LINE_BYTES: Final = 1024
_PROTECTED: Final = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"  # RFC 7468, 11
# Shows a person these words and gives what was typed.
Ask = Callable[[str], bytes]
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

    def __init__(self, org: str, key: PrivateKey | TokenKey) -> None:
        self.alg: str
        self.alg, jwk, self._sign = _facts(key)
        self.org = org
        self.kid = key_id(org, jwk)
        self.jwk = msgspec.structs.replace(jwk, kid=self.kid)

    def sign(self, data: bytes) -> bytes:
        """Sign *data*: 64 bytes, the same for the same data."""
        return self._sign(data)


def _facts(key: PrivateKey | TokenKey) -> TokenKey:
    if isinstance(key, TokenKey):
        return key
    public = key.public_key()
    if isinstance(key, Ed25519PrivateKey):
        raw = key.public_key().public_bytes_raw()
        return TokenKey("EdDSA", jwk_of(raw), key.sign)
    if not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("neither an Ed25519 nor a P-256 key")
    point = public.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return TokenKey("ES256", jwk_of(point), partial(_es256, key))


def _es256(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    # RFC 6979: one nonce used twice would give the key away, so none is drawn.
    der = key.sign(data, ec.ECDSA(SHA256(), deterministic_signing=True))
    # RFC 7518, 3.4
    return b"".join(part.to_bytes(32, "big") for part in decode_dss_signature(der))


def load_signer(
    org: str,
    key: Path | str,
    *,
    passphrase_file: Path | None = None,
    ask: Ask | None = None,
) -> Signer:
    """Open a private key.

    Args:
        key: A file, or a `pkcs11:` URI (`broker.key_uri`).
        passphrase_file: Of mode 0600, with the passphrase of a key file.
        ask: Asks a person for what no file holds: passphrase or PIN.

    Raises:
        ConfigError: Missing, readable by others, no Ed25519 or P-256 private key, a
            wrong passphrase, or one for a key that needs none.
    """
    if key_uri.is_uri(str(key)):
        return _in_token(org, key_uri.parse(str(key)), passphrase_file, ask)
    path = Path(key)
    secret = read_secret(path)
    passphrase = _passphrase(path, secret, passphrase_file, ask)
    try:
        found = serialization.load_pem_private_key(secret, password=passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigError(
            f"{path} is no unencrypted PKCS#8 PEM private key"
            if passphrase is None
            else f"{path} does not open with that passphrase"
        ) from None
    try:
        if isinstance(found, PrivateKey):
            return Signer(org, found)
    except ValueError:
        pass
    raise ConfigError(f"{path} holds neither an Ed25519 nor a P-256 key")


def _in_token(
    org: str, uri: KeyUri, passphrase_file: Path | None, ask: Ask | None
) -> Signer:
    if passphrase_file is not None:
        raise ConfigError("a key in a token has a PIN (pin-source=), no passphrase")
    return Signer(org, hsm.open_key(uri, _pin(uri, ask)))


def _pin(uri: KeyUri, ask: Ask | None) -> hsm.AskPin:
    def pin(token: str) -> str:
        if uri.pin_file is not None:
            return read_line(uri.pin_file).decode()
        if ask is None:
            raise ConfigError(
                "a token asks for its PIN; put it into a file of mode 0600 and name "
                "that by pin-source= in the URI of the key"
            )
        return ask(f"PIN of token {token}: ").decode()

    return pin


def _passphrase(
    path: Path, secret: bytes, file: Path | None, ask: Ask | None
) -> bytes | None:
    """Give the passphrase that the key in *secret* is under, None if under none."""
    is_protected = _PROTECTED in secret
    if file is not None:
        if not is_protected:
            raise ConfigError(
                f"{path} is under no passphrase, though one is given; "
                "either is a mistake"
            )
        return read_line(file)
    if not is_protected:
        return None
    if ask is None:
        raise ConfigError(
            f"{path} is under a passphrase; name a file that holds it: "
            "key_passphrase_file in a configuration, --passphrase-file else"
        )
    return ask(f"passphrase of {path}: ")


def read_line(path: Path) -> bytes:
    """Read a secret that people type: one line, without its end.

    Raises:
        ConfigError: As `read_secret`, or it is empty or more than one line.
    """
    line = read_secret(path).removesuffix(b"\n").removesuffix(b"\r")
    if not line or b"\n" in line or len(line) > _MAX_LINE_BYTES:
        raise ConfigError(f"{path} must hold one line, the secret, and nothing else")
    return line


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


def generate(
    org: str,
    folder: Path,
    alg: Alg = "EdDSA",
    *,
    passphrase: bytes | None = None,
    name: str | None = None,
) -> Signer:
    """Make a key pair: `<org>.key` (0600) and `<org>.jwk` in *folder*.

    Args:
        passphrase: Puts the private key under it.
        name: Of the files, where it is not *org*; see `free_name`.

    Raises:
        ConfigError: A key of that name exists already, the folder cannot be written,
            or the passphrase is shorter than 12 bytes.
    """
    key: PrivateKey = (
        Ed25519PrivateKey.generate()
        if alg == "EdDSA"
        else ec.generate_private_key(ec.SECP256R1())
    )
    content = _spelled(key, passphrase)
    signer = Signer(org, key)
    private = folder / f"{name or org}.key"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # O_EXCL: never overwrite a key; the mode holds from the first byte on.
        descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        (folder / f"{name or org}.jwk").write_bytes(_spelled_public(signer))
    except FileExistsError:
        raise ConfigError(
            f"{private} exists already; keys are not overwritten; "
            "to make the next one beside it, type --next"
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot write {folder}: {error.strerror}") from None
    return signer


def generate_in_token(
    org: str, uri: str, public: Path, alg: Alg = "EdDSA", *, ask: Ask | None = None
) -> Signer:
    """Make a key pair in a token, and write its public key to *public*.

    Args:
        uri: Where, and by which name (`broker.key_uri`).
        ask: As in `load_signer`.

    Raises:
        ConfigError: *public* exists or cannot be written, or see `hsm.make_key`.
    """
    place = key_uri.parse(uri)
    try:
        public.parent.mkdir(parents=True, exist_ok=True)
        # First: a key in a token whose public part was not written is hard to find.
        with public.open("xb") as file:
            try:
                signer = Signer(org, hsm.make_key(place, alg, _pin(place, ask)))
            except ConfigError:
                public.unlink()
                raise
            file.write(_spelled_public(signer))
    except FileExistsError:
        raise ConfigError(
            f"{public} exists already; to make the next one beside it, type --next"
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot write {public}: {error.strerror}") from None
    return signer


def _spelled_public(signer: Signer) -> bytes:
    return msgspec.json.encode(signer.jwk) + b"\n"


def _spelled(key: PrivateKey, passphrase: bytes | None) -> bytes:
    def spell(encoding: serialization.Encoding) -> bytes:
        return key.private_bytes(
            encoding,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    if passphrase is None:
        return spell(serialization.Encoding.PEM)
    if len(passphrase) < MIN_PASSPHRASE_BYTES:
        raise ConfigError(
            f"a passphrase needs {MIN_PASSPHRASE_BYTES} characters or more"
        )
    return pkcs8.protected(
        spell(serialization.Encoding.DER),
        passphrase,
        salt=os.urandom(pkcs8.SALT_BYTES),
        iv=os.urandom(pkcs8.IV_BYTES),
    )


def free_name(org: str, folder: Path) -> str:
    """Give the first of `<org>`, `<org>.2`, `<org>.3` ... that no key there has."""
    names = (org, *(f"{org}.{number}" for number in range(2, 1000)))
    return next(
        name
        for name in names
        if not any((folder / f"{name}.{end}").exists() for end in ("key", "jwk"))
    )
