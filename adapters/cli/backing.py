"""backup: copies of what gate and adapters keep, made while they run."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from adapters import backup as copies
from adapters.cli import show
from adapters.config import AdapterConfig, GateConfig, signing_config
from adapters.config_parts import DatabaseConfig
from broker.errors import ConfigError


def backup(
    *,
    config: Annotated[Path, Parameter(help="Of a gate or an adapter (TOML).")],
    out: Annotated[Path, Parameter(help="A folder, made if it is missing.")],
    with_keys: Annotated[
        bool, Parameter(help="Also what opens it: keys of records, what is in review.")
    ] = False,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
) -> int:
    """Copy the SQLite files of a gate or an adapter, running or not.

    Without the keys of records, a copy shows nothing that records say, and nothing of
    one that is erased later. docs/operations.md says what follows a restore.
    """
    settings = signing_config(config)
    match settings:
        case GateConfig():
            wanted = [*copies.copies_of_gate(settings, with_keys=with_keys)]
        case AdapterConfig():
            wanted = [*copies.copies_of_adapter(settings, with_keys=with_keys)]
        case _:
            raise ConfigError(
                f"{config} is a publisher's: copy its state while nothing runs on it"
            )
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make {out}: {error.strerror}") from None
    for each in wanted:
        if not each.source.exists():
            _tell(each.name, None, as_json=json)
            continue
        _tell(each.name, copies.make(each, out), as_json=json)
    if isinstance(settings, AdapterConfig) and isinstance(
        settings.database, DatabaseConfig
    ):
        _tell_postgresql(settings.database.url, out, with_keys=with_keys, as_json=json)
    return 0


def _tell(name: str, size: int | None, *, as_json: bool) -> None:
    if as_json:
        show.json_line({"ok": size is not None, "file": name, "bytes": size})
    elif size is None:
        show.line(f"{name}: not there yet")
    else:
        show.line(f"{name}: {size} bytes")


def _tell_postgresql(url: str, out: Path, *, with_keys: bool, as_json: bool) -> None:
    """Say what to type: the server's own tool does it, as a login that may."""
    lines = [
        f"pg_dump --format=custom --exclude-table-data=record_keys "
        f"--file={out}/outbox.dump {url}"
    ]
    if with_keys:
        lines.append(
            f"umask 077; pg_dump --format=custom --data-only --table=record_keys "
            f"--file={out}/outbox.keys.dump {url}"
        )
    for each in lines:
        show.json_line({"type": each}) if as_json else show.line(f"type: {each}")
