"""welcome: the hub's answer to who asked to join and was admitted."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from adapters.cli import show
from adapters.cli.broker_ca import load_authority
from adapters.cli.joining import show_fingerprint
from adapters.cli.load import load_directory, read_file, write_new
from broker import certificates, join_request
from broker import welcome as answers
from broker.directory import Directory
from broker.errors import ConfigError, TrustError

_DONE = 0  # the exit code, as in adapters.cli.main
_MAX_ROOT_BYTES = 256 * 1024


def welcome(
    request: Path,
    /,
    *,
    directory: Path,
    ca: Path,
    broker: Annotated[tuple[str, ...], Parameter(negative=())],
    out: Path,
    hub: str = "the hub",
    directory_url: str | None = None,
    root: Path | None = None,
    days: int = certificates.DAYS,
    json: bool = False,
) -> int:
    """Answer a request to join with one file that holds everything to start.

    Only after the directory lists the member with this very key. Issues the
    certificate; nothing in the file is secret.

    Args:
        request: ORG.join.json, as the member sent it.
        directory: The directory that admits it.
        ca: Folder of ca.key and ca.pem (tocsin broker ca).
        broker: Where members reach RabbitMQ: amqps://HOST:5671/, once for each node.
        out: File for the answer: ORG.welcome.json
        hub: Name of the hub, for people.
        directory_url: Where members get the directory from.
        root: Its root.json, to be pinned by the member.
        days: How long the certificate lives.
        json: Print JSON.
    """
    if (directory_url is None) != (root is None):
        raise ConfigError("--directory-url and --root go together")
    asked = join_request.read(read_file(request, join_request.MAX_BYTES))
    _need_admitted(asked, load_directory(directory, None))
    authority = load_authority(ca)
    org = asked.member.org
    certificate = certificates.issue(
        asked.csr, login=org, ca=authority, now=datetime.now(UTC), days=days
    )
    place = None
    if directory_url is not None and root is not None:
        text = _text(root)
        place = answers.DirectoryPlace(directory_url, text)
    made = answers.make(
        asked,
        hub=hub,
        broker=answers.Broker(
            broker[0], read_file(ca / "ca.pem").decode("ascii"), broker[1:]
        ),
        certificate=certificate,
        directory=place,
    )
    write_new(out, made)
    told = answers.fingerprint(made)
    if json:
        show.json_line({"ok": True, "org": org, "file": str(out), "fingerprint": told})
        return _DONE
    show.line(f"send {out} to {org}; nothing in it is secret")
    show.line("and read this to them over another channel, so that nobody changes it:")
    show_fingerprint(told)
    show.line(
        "they may connect once `tocsin broker apply` has run; to deliver to them, add "
        f'to adapter.toml [[members]] with org = "{org}" and a sink of theirs'
    )
    return _DONE


def _text(root: Path) -> str:
    try:
        return read_file(root, _MAX_ROOT_BYTES).decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{root} is no root of a directory") from None


def _need_admitted(asked: join_request.Request, known: Directory) -> None:
    """Check that the directory lists this member with this key.

    Raises:
        TrustError: `not-admitted`, `member-suspended`, `key-suspended`.
    """
    found = known.keys.get(asked.kid)
    listed = found is not None and found.key.thumbprint == asked.thumbprint
    if not listed or found is None or found.revoked_at is not None:
        raise TrustError("not-admitted")
    known.need_standing(found, time.time())
