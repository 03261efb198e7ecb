"""What a doctor finds in files: configuration, keys, state, directory, policy. Edge."""

import os
import shutil
import sqlite3
import tomllib
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from adapters.cli.load import load_rules, need_gate
from adapters.config import AdapterConfig, GateConfig, PublisherConfig, load
from adapters.config_parts import DatabaseConfig, WebhookSinkConfig
from adapters.doctor import Finding, failed, note, ok, warning
from adapters.interests_file import interests_of
from adapters.policy_choice import Rulebook
from adapters.sinks.webhook import read_secret as read_webhook_secret
from broker.directory import Directory, Member
from broker.directory_client import Loaded
from broker.errors import ConfigError
from broker.key_dates import said, status_of
from broker.signers import read_secret
from schemas import timestamps

Settings = PublisherConfig | GateConfig | AdapterConfig
WORDS: Final = {
    PublisherConfig: "a publisher",
    GateConfig: "the gate",
    AdapterConfig: "an adapter",
}
_MIN_FREE: Final = 100 << 20  # a day of a busy publisher
_LOW_FREE: Final = 1 << 30
# The clock was right when this was written; nothing of Tocsin is older.
_EPOCH: Final = timestamps.epoch("2026-11-01T00:00:00Z")
_SLACK_S: Final = 120.0
_EXPIRES_S: Final = 30 * 86_400.0


def read_settings(path: Path) -> Settings:
    """Load a configuration of whichever kind it is.

    Raises:
        ConfigError: It is none of a publisher, gate or adapter.
    """
    try:
        names = tomllib.loads(path.read_text()).keys()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML: {error}") from None
    if "archive" in names:
        return load(path, GateConfig)
    if {"members", "outbox", "id_key"} & names:
        return load(path, AdapterConfig)
    if "org" in names:
        return load(path, PublisherConfig)
    raise ConfigError(
        f"{path} is no configuration of a publisher, gate or adapter; "
        "docs/operations.md shows each"
    )


def secret_files(settings: Settings) -> list[Finding]:
    """Check that secrets are readable to us and to nobody else.

    The signing key itself is opened elsewhere: it may be in a token.
    """
    broker = settings.broker
    paths = [broker.password_file, broker.key_file, settings.key_passphrase_file]
    if isinstance(settings, AdapterConfig):
        paths.append(settings.id_key)
        if isinstance(settings.database, DatabaseConfig):
            paths.append(settings.database.password_file)
    found = [_secret(each) for each in paths if isinstance(each, Path)]
    if isinstance(settings, AdapterConfig):
        for member in settings.members:
            for sink in member.sinks:
                if isinstance(sink, WebhookSinkConfig):
                    found.append(_webhook_secret(sink.secret_file))
    bad = [each for each in found if each.state == "failed"]
    return bad or [ok(f"{len(found)} secret files, readable to their owner alone")]


def _secret(path: Path) -> Finding:
    try:
        read_secret(path)
    except ConfigError as error:
        said, _, advice = str(error).partition("; ")
        return failed(said, advice or "put the file where the configuration says")
    return ok(str(path))


def _webhook_secret(path: Path) -> Finding:
    try:
        read_webhook_secret(path)
    except ConfigError as error:
        said, _, advice = str(error).partition("; ")
        return failed(said, advice or "ask the member for its webhook secret")
    return ok(str(path))


def loaded(found: Loaded, *, now: float) -> list[Finding]:
    """Say what the directory is, and how long it is good."""
    count = len(found.directory.members)
    if not found.version:
        said = f"the directory is a plain folder with {count} members"
        told = [note(said, "whoever may write it decides; a signed one is better")]
    else:
        until = timestamps.from_epoch(found.fresh_until)
        said = f"the directory is signed, number {found.version}, {count} members"
        told = [ok(f"{said}; good until {until} (UTC)")]
    if found.is_kept:
        told.append(
            warning(
                "it could not be fetched just now; what was kept still counts",
                "is its address right, and the network up?",
            )
        )
    told += [
        warning(f"suspensions of {role} do not count ({why})", "tell who signs them")
        for role, why in found.faults
    ]
    told += [
        warning(
            f"{role} of the directory expires {timestamps.from_epoch(at)} (UTC)",
            "the groups must sign it anew before: tell them",
        )
        for role, at in found.expiries
        if at - now < _EXPIRES_S
    ]
    if not found.directory.runs("gate"):
        told.append(
            warning(
                "it names no gate, so nothing of the hub's can be checked",
                "the operator lists the gate's key in directory/services",
            )
        )
    return told


def own_key(
    directory: Directory, kid: str, settings: Settings, *, now: float
) -> list[Finding]:
    """Say whether our key counts, for how long, and what its owner may do."""
    status = status_of(directory, kid, now)
    if status is None:
        return [
            failed(
                f"the directory does not list the key {kid}",
                "have it listed: a member by tocsin join and tocsin directory propose, "
                "the hub in directory/services",
            )
        ]
    if status.state == "suspended":
        return [failed(said(status), "tocsin directory show says by whom, since when")]
    if status.state in ("ended", "revoked", "not-yet"):
        return [failed(said(status), "tocsin keygen --next makes the next one")]
    listed = "valid" if status.state == "valid" else "ends-soon"
    until = f"key {kid} is in the directory, {status.days_left} days left"
    found = [ok(until) if listed == "valid" else warning(until, said(status))]
    match settings:
        case PublisherConfig():
            found += _membership(directory.members.get(settings.org), settings.org)
        case GateConfig():
            found += _service(status.uses, "gate")
        case AdapterConfig():
            found += _service(status.uses, "adapter")
            need_gate(directory)
    return found


def _membership(member: Member | None, org: str) -> list[Finding]:
    if member is None:
        return [failed(f"{org} is no member", "ask the operator of the hub")]
    found = [
        ok(
            f"{org} is a member: audience {member.audience}, up to "
            f"TLP:{member.highest_tlp.label}, publishes "
            f"{', '.join(member.kinds) or 'nothing'}"
        )
    ]
    if member.exercise:
        found.append(
            note(
                f"{org} is in exercise: it may publish, and gets, exercises alone",
                "when you have practised, ask for it to be taken out of exercise",
            )
        )
    return found


def _service(signs: Sequence[str], wanted: str) -> list[Finding]:
    if wanted in signs:
        return []
    return [
        failed(
            f"the directory does not list the key for the service {wanted}",
            f'put "{wanted}" among "services" of directory/services',
        )
    ]


def clock(
    settings: Settings, *, now: float, theirs: float | None = None
) -> list[Finding]:
    """Say whether the clock can be right: nothing of ours is from its future.

    Args:
        theirs: The time of the directory's web server, epoch seconds, if it has one.
    """
    if now < _EPOCH:
        return [failed(*_wrong("is years behind"))]
    newest = max((_changed(path) for path in _states(settings)), default=0.0)
    if newest > now + _SLACK_S:
        return [failed(*_wrong("is behind: it wrote our files in its own future"))]
    at = timestamps.from_epoch(now)
    if theirs is None:
        return [ok(f"the clock can be right: {at} (UTC)")]
    apart = now - theirs
    if abs(apart) <= _SLACK_S:
        return [ok(f"the clock is that of the directory's web server: {at} (UTC)")]
    way = "ahead of" if apart > 0 else "behind"
    return [failed(*_wrong(f"is {abs(apart):.0f} s {way} the directory's web server"))]


def _wrong(how: str) -> tuple[str, str]:
    return f"the clock of this machine {how}", "set it, and keep it right with NTP"


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _states(settings: Settings) -> tuple[Path, ...]:
    match settings:
        case PublisherConfig():
            return (settings.state,)
        case GateConfig():
            return (settings.state, settings.archive)
        case AdapterConfig():
            named = (settings.outbox, settings.gaps, settings.reviews)
            return tuple(path for path in named if isinstance(path, Path))


def disk(settings: Settings) -> list[Finding]:
    """Say whether state can be kept: space, rights, and that the files are whole."""
    found = [each for path in _states(settings) for each in _state(path)]
    folders = {path.parent for path in _states(settings)}
    return [*found, *(each for folder in sorted(folders) for each in _space(folder))]


def _space(folder: Path) -> Iterable[Finding]:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        yield failed(
            f"the folder {folder} is not there: {error.strerror}", f"mkdir -p {folder}"
        )
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield failed(
            f"nothing can be written into {folder}",
            "give the user that runs Tocsin the right to",
        )
    megabytes = free >> 20
    if free < _MIN_FREE:
        yield failed(f"the disk of {folder} is full: {megabytes} MiB free", _FREE)
    elif free < _LOW_FREE:
        yield warning(f"little space in {folder}: {megabytes} MiB free", _FREE)
    else:
        yield ok(f"{megabytes} MiB free in {folder}")


_FREE: Final = "make room, or move the state to a larger disk while nothing runs"


def _state(path: Path) -> Iterable[Finding]:
    if not path.exists():
        yield note(f"{path} is not there yet; it is made at the first start")
        return
    if path.stat().st_mode & 0o077:
        yield failed(f"{path} is open to others", f"chmod 600 {path}")
        return
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=0)) as db:
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname.startswith("SQLITE_BUSY"):
            yield note(f"{path} is in use: a process of yours runs on it")
        else:
            yield failed(f"{path} cannot be read ({error.sqlite_errorname})", _RESTORE)
    except sqlite3.DatabaseError as error:
        yield failed(f"{path} is damaged ({error.sqlite_errorname})", _RESTORE)
    else:
        yield ok(f"{path} can be read")


_RESTORE: Final = "put back the newest backup; docs/operations.md says what follows"


def rules(settings: AdapterConfig, directory: Directory) -> list[Finding]:
    """Load the policy, and say of each member served whether it is there."""
    found = [_policy(load_rules(settings, directory), settings, directory)]
    for served in settings.members:
        if served.org not in directory.members:
            found.append(
                failed(
                    f"{served.org} is served here, and is no member",
                    f"take its [[members]] out, or admit it: the directory has no "
                    f"members/{served.org}.json",
                )
            )
        else:
            interests_of(served)
    return found


def _policy(chosen: Rulebook, settings: AdapterConfig, directory: Directory) -> Finding:
    if chosen.follows and directory.is_signed:
        whose = "the directory's, signed by its groups"
    elif chosen.follows:
        whose = "the directory's, which nobody signed"
    elif isinstance(settings.policy, Path):
        whose = "a file here, and not the directory's"
    else:
        whose = "the one that Tocsin comes with; the directory has none"
    return ok(f"policy {chosen.policy.name} loads; it is {whose}")
