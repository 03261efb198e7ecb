"""Opens an outbox from outside, beside the adapter that runs it. Edge."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adapters.ledger import Ledger
from adapters.outbox_database import Database
from adapters.outbox_migrations import is_current
from adapters.outbox_postgresql import Postgresql, postgresql_engine
from adapters.outbox_sqlite import DRIVER, Sqlite, check_ours, sqlite_engine
from broker.errors import ConfigError
from broker.private_sqlite import make_private


@asynccontextmanager
async def open_ledger(
    url_or_path: str | Path, *, password: str | None = None, writing: bool = False
) -> AsyncIterator[Ledger]:
    """Open the outbox of an adapter that has run; nothing is created or migrated.

    The adapter's lock (`private_sqlite.owned`) is not taken: it says who sends, and
    this one does not. Two writers of one file take turns, by SQLite's own locks.

    Args:
        writing: For `Ledger.retry`; a SQLite file is opened read-only otherwise.

    Raises:
        ConfigError: Not there, not ours, open to others, of another version of
            Tocsin, or it cannot be used now.
    """
    if isinstance(url_or_path, Path):
        place, engine = str(url_or_path), _file(url_or_path, writing=writing)
        database: Database = Sqlite(engine)
    else:
        engine = postgresql_engine(url_or_path, password)
        url = engine.url
        place = f"{url.host}:{url.port or 5432}/{url.database}"
        database = Postgresql(engine, lambda _: None, lambda _: None)
    try:
        async with _translated(place):
            async with database.reader.connect() as connection:
                known = await connection.run_sync(is_current)
            if not known:
                raise ConfigError(
                    f"the outbox {place} is of another version of Tocsin, or none; run "
                    "the adapter of this version once"
                )
            yield Ledger(database)
    finally:
        await engine.dispose()


@asynccontextmanager
async def _translated(place: str) -> AsyncIterator[None]:
    try:
        yield
    except (DBAPIError, OSError, TimeoutError) as error:
        why = getattr(error, "orig", error)
        name = getattr(why, "sqlite_errorname", None)  # SQLITE_BUSY, SQLITE_FULL
        name = name or type(getattr(why, "__cause__", None) or why).__name__
        raise ConfigError(f"cannot use the outbox {place}: {name}") from None


def _file(path: Path, *, writing: bool) -> AsyncEngine:
    if not os.path.lexists(path):
        raise ConfigError(f"there is no {path}; the adapter has not run yet")
    make_private(path)  # checks that others cannot open it
    check_ours(path)
    if writing:
        return sqlite_engine(path)
    # Of a read-only connection SQLite wants an URI.
    query = {"mode": "ro", "uri": "true"}
    url = URL.create(DRIVER, database=f"file:{quote(str(path))}", query=query)
    return create_async_engine(url, hide_parameters=True)
