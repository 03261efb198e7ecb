"""TLS of a client: whom it trusts, and the certificate that it logs in with. Edge."""

import ssl
from datetime import datetime
from pathlib import Path

from broker.certificates import facts
from broker.errors import ConfigError
from broker.signers import read_secret


def client_context(
    *, ca: Path | None = None, certificate: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """Return a context that checks the peer's certificate and its name, from TLS 1.2 on.

    Args:
        ca: Trust the authorities of this file alone, not the system's.
        certificate: With *key*: what to show the peer (PEM).
        key: Mode 0600.

    Raises:
        ConfigError: A file is missing or unusable, or others may read the key.
    """
    try:
        context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    except OSError:
        raise ConfigError(f"cannot read certificates from {ca}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate is not None and key is not None:
        read_secret(key)  # for its mode
        try:
            # A passphrase is an error, never a question at the terminal.
            context.load_cert_chain(certificate, key, password=lambda: b"")
        except (OSError, ValueError):
            raise ConfigError(
                f"{certificate} and {key} are no certificate with its unencrypted key"
            ) from None
    return context


def need_login(certificate: Path, user: str, *, now: datetime) -> int:
    """Check that *certificate* logs in as *user* now; return the whole days it has left.

    Raises:
        ConfigError: It cannot be read, has another name, or is not valid now.
    """
    try:
        found = facts(certificate.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read {certificate}: {error.strerror}") from None
    if found.name != user:
        raise ConfigError(f"{certificate} is not the certificate of {user}")
    if now >= found.not_after:
        raise ConfigError(
            f"{certificate} ended on {found.not_after:%Y-%m-%d}; send the hub a new "
            f"request: tocsin broker request --org {user} --out FOLDER"
        )
    if now < found.not_before:
        raise ConfigError(f"{certificate} is not valid yet; is the clock right?")
    return (found.not_after - now).days
