"""broker apply: makes RabbitMQ be as the directory says, and shows the difference."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

import msgspec
import structlog
from cyclopts import Parameter
from yarl import URL

from adapters.cli import show
from adapters.cli.connecting import log_json
from adapters.cli.load import write_new
from adapters.cli.stopping import stop_signal
from adapters.config import AdmissionConfig, load
from broker.admission import Wanted, plan, wanted, with_passwords
from broker.admission_apply import execute, read_actual
from broker.admission_state import Plan
from broker.admission_words import sentence
from broker.directory_client import open_directory
from broker.errors import (
    BusError,
    BusUnavailableError,
    ConfigError,
    DirectoryUnavailableError,
)
from broker.management import Management, open_management
from broker.signers import read_secret
from broker.tls import client_context
from broker.waiting import first_of
from schemas import timestamps
from schemas.errors import RefusedError

_DONE, _USAGE = 0, 2  # exit codes, as in adapters.cli.main
_PASSWORD_BYTES = 24
_MAX_WATCH_S = 3600

# What the next look may find mended: the broker, the directory, a file.
_PASSING = (BusError, ConfigError, DirectoryUnavailableError, RefusedError)

log = structlog.get_logger()


def apply(
    *,
    config: Path,
    directory: Path | None = None,
    dry_run: bool = False,
    drop_queues: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    watch: int | None = None,
    json: bool = False,
) -> int:
    """Declare what the directory asks for, and take away what it no longer grants.

    Exchanges, queues, bindings, logins and rights. A login that is no member's any
    more, or of a suspended member, is removed and its open connections are closed.
    Queues stay, unless they are named. Ends with 2 if something needs a person.

    Args:
        config: Configuration (TOML): directory, adapters, management API.
        directory: Instead of the configuration's.
        dry_run: Show the difference alone.
        drop_queues: Delete these queues with all that is in them; those that must
            exist are made anew.
        watch: Go on, and do it again every so many seconds (1 to 3600).
        json: Print JSON.
    """
    settings = load(config, AdmissionConfig)
    if directory is not None:
        settings = msgspec.structs.replace(settings, directory=directory)
    if watch is None:
        done = asyncio.run(
            _once(settings, drop_queues, dry_run=dry_run, warn=show.complaint)
        )
        _show(done, dry_run=dry_run, json=json)
        return _USAGE if done.blocked and not dry_run else _DONE
    if dry_run or drop_queues or not 1 <= watch <= _MAX_WATCH_S:
        raise ConfigError(
            f"--watch takes 1 to {_MAX_WATCH_S} seconds, and goes neither with "
            "--dry-run nor with --drop-queues"
        )
    log_json()
    asyncio.run(_watch(settings, watch))
    return _DONE


async def _once(
    settings: AdmissionConfig,
    drop_queues: tuple[str, ...],
    *,
    dry_run: bool,
    warn: Callable[[str], None],
) -> Plan:
    """Compare, and make it so; return what was planned."""
    want = await asyncio.to_thread(_wanted, settings, warn)
    async with _management(settings) as api:
        if dry_run and await api.get("vhosts", settings.vhost, missing_ok=True) is None:
            raise ConfigError(f"there is no virtual host {settings.vhost} yet")
        if not dry_run:
            await api.create_vhost(settings.vhost)
        passwords = _passwords(settings, want, make=not dry_run)
        found = await read_actual(api, settings.vhost, passwords)
        todo = plan(want, found, me=settings.user, drop_queues=drop_queues)
        if not dry_run:
            await execute(api, settings.vhost, todo, passwords)
    return todo


async def _watch(settings: AdmissionConfig, every_s: int) -> None:
    """Run until told to stop; what fails is logged, and tried again the next time."""
    async with stop_signal() as stop:
        while not stop.is_set():
            began = time.monotonic()
            try:
                todo = await _once(settings, (), dry_run=False, warn=_log_warning)
            except _PASSING as error:
                log.error("admission.failed", reason=str(error))
            else:
                _log(todo)
            left = max(0.0, every_s - (time.monotonic() - began))
            await first_of(stop, timeout_s=left)


def _log_warning(text: str) -> None:
    log.warning("admission.warned", what=text)


def _log(todo: Plan) -> None:
    for step in todo.steps:
        log.info("admission.done", what=sentence(step))
    for note in todo.notes:
        log.warning("admission.noted", kind=note.kind, subject=note.subject)
    log.info("admission.current", steps=len(todo.steps), notes=len(todo.notes))


def _wanted(settings: AdmissionConfig, warn: Callable[[str], None]) -> Wanted:
    loaded, _ = open_directory(settings.directory, clock=time.time)
    if loaded.is_kept:
        show.complaint(
            "the directory cannot be refreshed: what was verified last counts"
        )
    directory, now = loaded.directory, time.time()
    want = wanted(
        directory,
        adapters=settings.adapters,
        out=settings.out,
        suspended=[
            each for each in directory.members if directory.is_suspended(each, now)
        ],
    )
    named = settings.by_password
    return with_passwords(want, want.logins if named == "all" else named)


def _passwords(
    settings: AdmissionConfig, want: Wanted, *, make: bool
) -> dict[str, str]:
    """Read the password of each login that has one; make those that are missing."""
    if not want.by_password:
        return {}
    if not isinstance(settings.passwords, Path):
        raise ConfigError("by_password needs passwords, a folder to keep them in")
    found = {}
    for login in sorted(want.by_password & set(want.logins)):
        path = settings.passwords / f"{login}.password"
        if make and not path.exists():
            secret = secrets.token_urlsafe(_PASSWORD_BYTES)
            write_new(path, secret.encode(), private=True)
        if path.exists():
            found[login] = _text(path)
    return found


def _text(path: Path) -> str:
    try:
        text = read_secret(path).decode().strip()
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8") from None
    if not text:
        # RabbitMQ would take it as: no password.
        raise ConfigError(f"{path} holds no password")
    return text


@asynccontextmanager
async def _management(settings: AdmissionConfig) -> AsyncIterator[Management]:
    """Lend the management API of the first node that answers."""
    named = settings.management
    addresses = (named,) if isinstance(named, str) else named
    for each in addresses:
        _need_private(each)
    tls = None
    if isinstance(settings.ca_file, Path):
        tls = client_context(ca=settings.ca_file)
    password = _text(settings.password_file)
    async with AsyncExitStack() as stack:
        failures = []
        for each in addresses:
            lent = open_management(each, user=settings.user, password=password, tls=tls)
            api = await stack.enter_async_context(lent)
            try:
                await api.need_administrator()
            except BusUnavailableError as error:
                failures.append(str(error))
            else:
                yield api
                return
        raise BusUnavailableError("; ".join(failures))


def _need_private(management: str) -> None:
    """Check that an administrator's password does not cross a network in clear.

    Raises:
        ConfigError: It would.
    """
    try:
        url = URL(management)
    except ValueError:
        raise ConfigError("the management address cannot be read") from None
    if url.user is not None or url.password is not None:
        raise ConfigError("management must not hold a login; use user, password_file")
    if url.scheme == "http" and not _is_here(url.host or ""):
        raise ConfigError("management must be https, or on this machine")


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _show(done: Plan, *, dry_run: bool, json: bool) -> None:
    if json:
        show.json_line(_facts(done, dry_run=dry_run))
        return
    for step in done.steps:
        show.line(sentence(step))
    for note in done.notes:
        show.line(f"look at {note.subject}: it {note.text}")
    if not done.steps:
        show.line("nothing to do")
    elif dry_run:
        show.line(f"{len(done.steps)} steps to do; nothing was changed")
    else:
        show.line(f"{len(done.steps)} steps done")


def _facts(done: Plan, *, dry_run: bool) -> dict[str, Any]:
    return {
        "ok": not done.blocked,
        "at": timestamps.from_epoch(datetime.now(UTC).timestamp()),
        "dry_run": dry_run,
        "steps": [
            {"sentence": sentence(each), **msgspec.to_builtins(each)}
            for each in done.steps
        ],
        "notes": msgspec.to_builtins(done.notes),
    }
