"""Tables of the outbox, and how its SQLite file is opened.

Rows of `deliveries` and `superseded` are the delivery ledger: they stay, but for what
waits and is superseded, which goes from one to the other. Bodies go when no delivery
needs them any more; their hash and size stay.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    event,
    insert,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from broker.errors import ConfigError

SCHEMA_VERSION: Final = 2
APPLICATION_ID: Final = 0x746F636F  # "toco"; tells our kinds of files apart
_DRIVER: Final = "sqlite+aiosqlite"

PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",  # readers (the command) and the adapter side by side
    # Once a delivery is stored the message is acknowledged and this file is the
    # only copy: WAL with NORMAL may lose the last commits when power fails.
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=5000",  # ms; another process of ours may be writing
    "PRAGMA secure_delete=ON",  # purged bodies are overwritten, not just unlinked
)

metadata = MetaData()

schema_version = Table(
    "schema_version", metadata, Column("version", Integer, primary_key=True)
)

# One row per (member, sink). Its counter makes the delivery numbers gapless.
lanes = Table(
    "lanes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("member", String, nullable=False),
    Column("sink", String, nullable=False),
    Column("last_number", Integer, nullable=False, default=0),
    UniqueConstraint("member", "sink"),
)

# Shared: all members of one view get the same bytes.
bodies = Table(
    "bodies",
    metadata,
    Column("hash", LargeBinary, primary_key=True),  # SHA-256 of the content
    Column("size", Integer, nullable=False),
)

# Apart, because SQLite takes back all the room of a row only when it is deleted.
contents = Table(
    "contents",
    metadata,
    Column("hash", ForeignKey("bodies.hash"), primary_key=True),
    Column("content", LargeBinary, nullable=False),  # no row once purged
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String, primary_key=True),
    Column("lane_id", ForeignKey("lanes.id"), nullable=False),
    Column("number", Integer),  # none while it waits
    Column("issuer", String, nullable=False),
    Column("sub", String, nullable=False),
    Column("ver", String, nullable=False),  # as the issuer wrote it
    Column("ver_key", String, nullable=False),  # adapters.numbering.version_key of it
    Column("kind", String, nullable=False),
    Column("tlp", String, nullable=False),
    Column("token_id", String, nullable=False),
    Column("policy", String, nullable=False),
    Column("scope", String, nullable=False),  # an audience: see adapters.scopes
    Column("evidence", ForeignKey("bodies.hash"), nullable=False),
    Column("projection", ForeignKey("bodies.hash"), nullable=False),
    Column("receipt", ForeignKey("bodies.hash"), nullable=False),
    Column("size", Integer, nullable=False),  # of the three together
    Column("state", String, nullable=False),  # waiting, pending, done, failed
    Column("attempts", Integer, nullable=False, default=0),  # finished ones
    Column("reason", String, nullable=False, default=""),  # of the last failure
    Column("stored_at", Float, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("first_failed_at", Float),
    Column("settled_at", Float),  # when it was done or failed for good
    UniqueConstraint("lane_id", "number"),
    UniqueConstraint("lane_id", "issuer", "sub", "ver_key"),
    Index("deliveries_by_number", "state", "lane_id", "number"),
    Index("deliveries_by_record", "sub"),
    Index("deliveries_by_token", "token_id"),
    Index("deliveries_by_time", "state", "lane_id", "due_at"),
)

# Versions that came after a newer one, or waited when it came, and retractions of what
# was never sent: never sent themselves, but countable.
superseded = Table(
    "superseded",
    metadata,
    Column("lane_id", ForeignKey("lanes.id"), primary_key=True),
    Column("issuer", String, primary_key=True),
    Column("sub", String, primary_key=True),
    Column("ver_key", String, primary_key=True),
    Column("token_id", String, nullable=False),
    Column("seen_at", Float, nullable=False),
    Index("superseded_by_token", "token_id"),
)


def database_path(url_or_path: str | Path) -> Path:
    """Take a plain path or `sqlite+aiosqlite:///<path>`.

    Raises:
        ConfigError: Another database, or none named.
    """
    if isinstance(url_or_path, str) and "://" in url_or_path:
        try:
            url = make_url(url_or_path)
        except ArgumentError:
            raise ConfigError("the outbox URL cannot be read") from None
        if url.drivername not in {"sqlite", _DRIVER}:
            raise ConfigError("the outbox is kept in SQLite: give a path")
        url_or_path = url.database or ""
    if str(url_or_path) in {"", ".", ":memory:"}:
        raise ConfigError("the outbox needs a file: it must survive a restart")
    return Path(url_or_path)


@contextmanager
def own(path: Path) -> Iterator[None]:
    """Keep every other process from forwarding what is in *path*.

    An advisory lock (flock, as Linux and macOS have it) on a file beside it,
    which stays: the kernel releases the lock when the process ends, however. Not
    on *path*, since closing that would release SQLite's own locks. Reading the
    outbox from outside, with SQLite's tools, needs no lock.

    Raises:
        ConfigError: Another process has it, or the lock cannot be made.
    """
    place = path.resolve()  # one file, one lock, whatever link leads to it
    place = place.with_name(f"{place.name}.lock")
    try:
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise ConfigError(f"cannot open {place}: {error.strerror}") from None
    try:
        _lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        os.fchmod(descriptor, 0o600)  # who can open it could hold the lock
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigError(
            f"{path} is in use by another adapter; each needs an outbox of its own"
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot lock {path}: {error.strerror}") from None


def check_ours(path: Path) -> None:
    """Refuse a database that is not an outbox, before anything is changed in it.

    Raises:
        ConfigError: It is none, or locked.
    """
    try:
        with closing(sqlite3.connect(path)) as connection:
            [found] = connection.execute("PRAGMA application_id").fetchone()
            [tables] = connection.execute(
                "SELECT count(*) FROM sqlite_master"
            ).fetchone()
    except sqlite3.DatabaseError:
        raise ConfigError(f"{path} is locked, or no outbox") from None
    if found != APPLICATION_ID and (found or tables):
        raise ConfigError(f"{path} is a database, but no outbox of Tocsin")


def make_engine(path: Path) -> AsyncEngine:
    """Prepare one connection to *path*: SQLite has one writer anyway.

    Transactions that do not ask for `begin="BEGIN"` take the write lock at
    once, since a lock taken half way can fail half way.
    """
    engine = create_async_engine(
        URL.create(_DRIVER, database=str(path)),
        pool_size=1,
        max_overflow=0,
        pool_timeout=60,
        pool_reset_on_return=None,  # every transaction of ours ends itself
        hide_parameters=True,  # no part of a record in the text of an error
    )

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        for pragma in PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def on_begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql(options.get("begin", "BEGIN IMMEDIATE"))

    return engine


def create_or_check(connection: Connection) -> None:
    """Create the tables, or check that they are the ones we know.

    Raises:
        ConfigError: Made by a newer or an older Tocsin.
    """
    if inspect(connection).has_table("schema_version"):
        found = connection.scalar(select(schema_version.c.version)) or 0
        if found > SCHEMA_VERSION:
            raise ConfigError(
                f"the outbox has schema version {found}, newer than {SCHEMA_VERSION}"
            )
        if found < SCHEMA_VERSION:
            raise ConfigError(
                f"the outbox has schema version {found}, older than {SCHEMA_VERSION}; "
                "let the Tocsin that made it send what is pending, then begin a new one"
            )
        for table in metadata.sorted_tables:  # an index changes nothing but speed
            for index in table.indexes:
                index.create(connection, checkfirst=True)
        return
    metadata.create_all(connection)
    connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(insert(schema_version).values(version=SCHEMA_VERSION))
