"""Copies of an installation's SQLite files, made while it runs. Edge.

A copy is one moment of its file: it reads in one transaction, which holds up nobody who
writes. Keys of records never stand in a copy of what lies under them, not even for a
moment; they go into a file of their own, if they are wanted at all.
"""

import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from adapters.config import AdapterConfig, GateConfig
from adapters.config_use import gaps_of
from broker.archive_keys import keys_path
from broker.errors import ConfigError

_KEYS: Final = "record_keys"
_BUSY_S: Final = 5.0


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """A file to be made.

    Attributes:
        without: Tables that stay empty in it.
        only: Tables that alone are in it; none: all.
    """

    source: Path
    name: str
    without: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


def copies_of_gate(config: GateConfig, *, with_keys: bool) -> Iterator[Copy]:
    """List what to copy, in an order that goes back together.

    The archive after the state: it may be further, never behind (`gate.run_gate`). Keys
    after what lies under them.
    """
    yield Copy(source=config.state, name=config.state.name)
    yield Copy(source=config.archive, name=config.archive.name)
    if with_keys:
        keys = keys_path(config.archive)
        yield Copy(source=keys, name=keys.name)


def copies_of_adapter(config: AdapterConfig, *, with_keys: bool) -> Iterator[Copy]:
    """List what to copy. What waits for persons lies there in clear, so as the keys."""
    outbox = config.outbox
    named = (config.gaps, config.heads)
    if isinstance(outbox, Path):
        yield Copy(source=outbox, name=outbox.name, without=(_KEYS,))
        if with_keys:
            yield Copy(source=outbox, name=f"{outbox.name}.keys", only=(_KEYS,))
        named = (gaps_of(config), config.heads)
    yield from (Copy(source=p, name=p.name) for p in named if isinstance(p, Path))
    if with_keys and isinstance(config.reviews, Path):
        yield Copy(source=config.reviews, name=config.reviews.name)


def make(copy: Copy, folder: Path) -> int:
    """Make one copy in *folder*, mode 0600; its size in bytes.

    Raises:
        ConfigError: It is there already, the source cannot be read, the disk is full.
    """
    target = folder / copy.name
    try:
        os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise ConfigError(f"cannot make {target}: {error.strerror}") from None
    try:
        with closing(
            sqlite3.connect(target, isolation_level=None, timeout=_BUSY_S, uri=True)
        ) as db:
            db.execute("PRAGMA synchronous=FULL")
            source = f"{copy.source.absolute().as_uri()}?mode=ro"
            db.execute("ATTACH ? AS source", (source,))
            _fill(db, copy)
    except sqlite3.DatabaseError as error:
        target.unlink()
        raise ConfigError(
            f"cannot copy {copy.source}: {error.sqlite_errorname}"
        ) from None
    return target.stat().st_size


def _fill(db: sqlite3.Connection, copy: Copy) -> None:
    db.execute("BEGIN")  # what is read from here on is one moment
    tables = _made_by(db, copy, ("table",))
    for name, statement in tables:
        db.execute(statement)
        if name not in copy.without:
            quoted = _quoted(name)
            db.execute(f"INSERT INTO main.{quoted} SELECT * FROM source.{quoted}")  # noqa: S608
    for _, statement in _made_by(db, copy, ("index", "trigger", "view")):
        db.execute(statement)
    marks = [
        (name, db.execute(f"PRAGMA source.{name}").fetchone()[0])
        for name in ("application_id", "user_version")
    ]
    db.execute("COMMIT")
    for name, value in marks:
        db.execute(f"PRAGMA main.{name}={value:d}")


def _made_by(
    db: sqlite3.Connection, copy: Copy, kinds: Collection[str]
) -> list[tuple[str, str]]:
    """Give names and statements of all that *copy* is to have of these kinds."""
    marks = ", ".join("?" * len(kinds))
    rows = db.execute(
        "SELECT tbl_name, name, sql FROM source.sqlite_master "  # noqa: S608  marks
        f"WHERE type IN ({marks}) AND sql IS NOT NULL ORDER BY rowid",
        (*kinds,),
    )
    return [
        (name, sql)
        for table, name, sql in rows
        if not name.startswith("sqlite_") and (not copy.only or table in copy.only)
    ]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
