"""broker ca, node, request, certify: who may connect to RabbitMQ by certificate."""

from datetime import UTC, datetime
from pathlib import Path

from adapters.cli import show
from adapters.cli.load import read_file, write_file, write_new
from broker import certificates
from broker.errors import ConfigError
from broker.signers import read_secret
from schemas import timestamps

_DONE = 0  # the exit code, as in adapters.cli.main


def ca(*, out: Path, name: str = "Tocsin hub", days: int = certificates.CA_DAYS) -> int:
    """Make the hub's certificate authority: OUT/ca.key (keep it offline) and OUT/ca.pem.

    Args:
        out: Folder for both files.
        name: What certificates call it.
        days: How long it lives.
    """
    if not 1 <= len(name) <= 64 or not 1 <= days <= certificates.CA_DAYS:
        raise ConfigError(
            f"a name has 1 to 64 characters, a life 1 to {certificates.CA_DAYS} days"
        )
    made = certificates.make_ca(name, now=_now(), days=days)
    _keep(out, "ca", made)
    show.line(f"keep {out / 'ca.key'} offline; share {out / 'ca.pem'}")
    _describe(made.public)
    return _DONE


def node(*names: str, ca: Path, out: Path, days: int = certificates.MAX_DAYS) -> int:
    """Make key and certificate of a RabbitMQ node: OUT/node.key and OUT/node.pem.

    Args:
        names: Every host name and address that members reach it by.
        ca: Folder of ca.key and ca.pem.
        out: Folder for both files.
        days: How long the certificate lives.
    """
    made = certificates.issue_server(
        names, ca=load_authority(ca), now=_now(), days=days
    )
    _keep(out, "node", made)
    _describe(made.public)
    return _DONE


def request(*, org: str, out: Path) -> int:
    """Make a login's key and the request for its certificate: OUT/ORG.tls.key and .csr.

    Args:
        org: The organisation, or one of the hub's: gate, operator, adapter-NAME.
        out: Folder for both files.
    """
    made = certificates.make_request(org)
    write_new(out / f"{org}.tls.key", made.key, private=True)
    write_new(out / f"{org}.csr", made.public)
    show.line(
        f"keep {out / f'{org}.tls.key'} secret, send {out / f'{org}.csr'} to the hub"
    )
    return _DONE


def certify(
    request: Path,
    /,
    *,
    org: str,
    ca: Path,
    out: Path,
    days: int = certificates.DAYS,
) -> int:
    """Issue the certificate of a login, after you made sure whose request it is.

    Args:
        request: What the member sent (PKCS#10, PEM).
        org: Whose it must be: the organisation, or gate, operator, adapter-NAME.
        ca: Folder of ca.key and ca.pem.
        out: File for the certificate.
        days: How long it lives.
    """
    data = read_file(request)
    made = certificates.issue(
        data, login=org, ca=load_authority(ca), now=_now(), days=days
    )
    write_file(out, made)
    _describe(made)
    return _DONE


def load_authority(folder: Path) -> certificates.Authority:
    """Read ca.key and ca.pem of *folder*.

    Raises:
        ConfigError: Missing, readable by others, or no authority.
    """
    return certificates.load_ca(
        read_secret(folder / "ca.key"), read_file(folder / "ca.pem")
    )


def _keep(out: Path, name: str, made: certificates.Pair) -> None:
    write_new(out / f"{name}.key", made.key, private=True)
    write_new(out / f"{name}.pem", made.public)


def _describe(certificate: bytes) -> None:
    found = certificates.facts(certificate)
    until = timestamps.from_epoch(found.not_after.timestamp())
    show.line(f"valid until {until}, SHA-256 {found.fingerprint}")


def _now() -> datetime:
    return datetime.now(UTC)
