"""The outbox in one SQLite file: private, of one process at a time, synced at each commit.

Who may send a row is this process's own memory: after a crash nothing is held back.
"""

import sqlite3
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Select, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from adapters.numbering import Lane
from adapters.outbox_erasure import note_erased
from adapters.outbox_migrations import migrate
from adapters.outbox_queries import SETTLE
from broker.errors import ConfigError
from broker.private_sqlite import make_private, owned

APPLICATION_ID: Final = 0x746F636F  # "toco"; tells our kinds of files apart
DRIVER: Final = "sqlite+aiosqlite"

# Prepared statements that a connection keeps. Those that name many rows are a text of
# their own for each number of rows, of some 100 KiB: of the usual 128, most would be.
STATEMENTS: Final = 32
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",  # readers (the command) and the adapter side by side
    # Once a delivery is stored the message is acknowledged and this file is the
    # only copy: WAL with NORMAL may lose the last commits when power fails.
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=5000",  # ms; another process of ours may be writing
    "PRAGMA secure_delete=ON",  # purged bodies are overwritten, not just unlinked
)


_IN_USE: Final = "is in use by another adapter; each needs an outbox of its own"


@asynccontextmanager
async def open_sqlite(url_or_path: str | Path) -> AsyncIterator["Sqlite"]:
    """Open the file, creating it (mode 0600) and its tables if missing.

    Raises:
        ConfigError: Open to others, in use by another process, not ours, or made
            by a newer or a much older Tocsin.
    """
    path = _database_path(url_or_path)
    make_private(path)
    with owned(path, _IN_USE):
        check_ours(path)
        engine = sqlite_engine(path)
        try:
            try:
                async with engine.begin() as connection:
                    await connection.run_sync(_make_ours)
            except DatabaseError:
                raise ConfigError(f"{path} is locked, or no outbox") from None
            yield Sqlite(engine)
        finally:
            await engine.dispose()


class Sqlite:
    """See `adapters.outbox_database.Database`."""

    look_again_s = 60.0  # the clock may be set; nobody else stores anything

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.reader = engine.execution_options(begin="BEGIN")
        self._version: int | None = None

    def is_unavailable(self, error: DBAPIError) -> bool:
        """Tell whether the disk is full, or the file locked for seconds."""
        return isinstance(error, OperationalError)

    @asynccontextmanager
    async def handing_out(self) -> AsyncIterator[AsyncConnection]:
        """Read: what is held stands in memory."""
        async with self.reader.begin() as connection:
            yield connection

    def claimable(self, query: Select[Any], now: float) -> Select[Any]:
        """Leave *query* as it is: nobody else sends from this file."""
        return query

    async def claim(
        self, connection: AsyncConnection, ids: Collection[str], now: float
    ) -> None:
        """Do nothing."""

    def give_back(self, ids: Collection[str]) -> None:
        """Do nothing."""

    def has_given_back(self) -> bool:
        """Say no: there are no others."""
        return False

    async def storing(
        self, connection: AsyncConnection, lanes: Collection[Lane]
    ) -> None:
        """Do nothing: there is one writer."""

    async def purging(self, connection: AsyncConnection) -> None:
        """Do nothing: there is one writer."""

    async def erasing(self, connection: AsyncConnection, ids: Collection[str]) -> None:
        """Do nothing: nobody else sends from this file."""

    async def settle(
        self, connection: AsyncConnection, values: Sequence[dict[str, object]]
    ) -> None:
        """Record outcomes.

        Raises:
            LookupError: One of them is of a delivery that is not pending.
        """
        result = await connection.execute(SETTLE, values)
        left = len(values) - result.rowcount
        if left and await note_erased(connection, values) != left:
            raise LookupError("a delivery to be settled is not pending")

    async def changed_elsewhere(self) -> bool:
        """Tell whether another process, such as a command, has written since."""
        async with self.reader.begin() as connection:
            # sqlite.org/pragma.html: it changes only by what others commit.
            found = await connection.exec_driver_sql("PRAGMA data_version")
            version: int = found.scalar_one()
        before, self._version = self._version, version
        return before not in (None, version)

    async def purged(self) -> None:
        """Empty the write-ahead log, unless another process is reading just then."""
        async with self.engine.connect() as connection:
            pooled = await connection.get_raw_connection()
            driver: Any = pooled.driver_connection
            # Outside of any transaction, or it would refuse.
            try:
                await driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.OperationalError as error:
                raise OperationalError(None, None, error) from error


def _make_ours(connection: Connection) -> None:
    migrate(connection)
    connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")


def _database_path(url_or_path: str | Path) -> Path:
    """Take a plain path or `sqlite+aiosqlite:///<path>`.

    Raises:
        ConfigError: Another database, or none named.
    """
    if isinstance(url_or_path, str) and "://" in url_or_path:
        try:
            url = make_url(url_or_path)
        except ArgumentError:
            raise ConfigError("the outbox URL cannot be read") from None
        if url.drivername not in {"sqlite", DRIVER}:
            raise ConfigError("the outbox is kept in SQLite: give a path")
        url_or_path = url.database or ""
    if str(url_or_path) in {"", ".", ":memory:"}:
        raise ConfigError("the outbox needs a file: it must survive a restart")
    return Path(url_or_path)


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


def sqlite_engine(path: Path) -> AsyncEngine:
    """Prepare one connection to *path*: SQLite has one writer anyway.

    Transactions that do not ask for `begin="BEGIN"` take the write lock at
    once, since a lock taken half way can fail half way.
    """
    engine = create_async_engine(
        URL.create(DRIVER, database=str(path)),
        pool_size=1,
        max_overflow=0,
        pool_timeout=60,
        pool_reset_on_return=None,  # every transaction of ours ends itself
        hide_parameters=True,  # no part of a record in the text of an error
        connect_args={"cached_statements": STATEMENTS},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def on_begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        connection.exec_driver_sql(options.get("begin", "BEGIN IMMEDIATE"))

    return engine
