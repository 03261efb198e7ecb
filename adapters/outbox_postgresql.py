"""The outbox in PostgreSQL: several processes store and send from one database.

Who may send a row: a process writes its number into the row that it hands out
(`FOR UPDATE SKIP LOCKED`), and holds an advisory lock of that number for as long as it
is connected. When it dies, the server drops the lock, and what it had in hand is free
at once; when it only hangs, after `CLAIM_S`. Over that connection it also hears what
another process has erased; once it is lost, nothing that was in hand may be sent.
"""

import secrets
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import structlog
from sqlalchemy import (
    BigInteger,
    Select,
    bindparam,
    event,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from adapters.numbering import Lane
from adapters.outbox_erasure import note_erased
from adapters.outbox_migrations import migrate
from adapters.outbox_queries import SETTLE
from adapters.outbox_schema import chunks, deliveries
from broker.errors import ConfigError

_LOCK_MS: Final = 2000  # who needs the table of keys waits behind us for so long
CLAIM_S: Final = 900.0  # far longer than a batch takes whose every send times out
_POOL: Final = 4
_CONNECT_S: Final = 10
_COMMAND_S: Final = 30  # a server that says nothing for so long is none now
_CHANNEL: Final = "tocsin_outbox"
_MOST_TOLD: Final = 50  # lanes in one transaction; of more, all are told
_ERASED: Final = "erased"  # before ids of deliveries; a lane is never called so
_MOST_IDS: Final = 200  # of 34 letters: what is told at once is below 8,000 bytes
# Keys of advisory locks: the first number says for what, see PostgreSQL 13.3.5.
_HOLDERS, _MIGRATING, _BODIES = 0x746F6300, 0x746F6301, 0x746F6302
# Classes of SQLSTATE that are nobody's mistake: lost connection, rolled back, out of
# room, not in a state to do it, shut down by its operator, trouble of the system.
_UNAVAILABLE: Final = ("08", "40", "53", "55", "57", "58")
_LOCKED: Final = "55P03"  # lock_not_available: PostgreSQL, appendix A

_log: Any = structlog.get_logger(__name__)
_ALIVE: Final = text(
    "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted "
    "AND classid::bigint = :of AND database = "
    "(SELECT oid FROM pg_database WHERE datname = current_database())"
).bindparams(of=_HOLDERS)


def postgresql_engine(url: str, password: str | None) -> AsyncEngine:
    """Prepare connections to the database; nothing is opened yet.

    Raises:
        ConfigError: *url* is no address of a database, or holds a password.
    """
    engine = create_async_engine(
        _address(url, password),
        pool_size=_POOL,
        pool_pre_ping=True,
        hide_parameters=True,  # no part of a record in the text of an error
        connect_args={
            "timeout": _CONNECT_S,
            "command_timeout": _COMMAND_S,
            # What a dead machine held is free after a minute.
            "server_settings": {
                "application_name": "tocsin",
                "tcp_keepalives_idle": "30",
                "tcp_keepalives_interval": "10",
                "tcp_keepalives_count": "3",
            },
        },
    )

    @event.listens_for(engine.sync_engine, "handle_error")
    def on_error(context: ExceptionContext) -> None:
        # All others lead to the same server, and each would cost as long again.
        if isinstance(context.original_exception, TimeoutError):
            context.is_disconnect = True

    dialect: Any = engine.sync_engine.dialect
    ping = dialect.do_ping

    def is_alive(connection: Any) -> bool:
        try:
            return bool(ping(connection))
        except TimeoutError:
            return False  # likewise; SQLAlchemy then connects anew

    dialect.do_ping = is_alive
    return engine


@asynccontextmanager
async def open_postgresql(
    url: str,
    password: str | None,
    told: Callable[[Lane | None], None],
    ended: Callable[[Collection[str] | None], None],
) -> AsyncIterator["Postgresql"]:
    """Open the database, creating tables if they are missing.

    Args:
        url: `postgresql://user@host:5432/database`, without a password.
        told: Called when somebody has stored something for a lane; None: for any.
        ended: Called when deliveries may not be sent any more that were in hand; None:
            none of them.

    Raises:
        ConfigError: No such database, wrong login, tables of a newer Tocsin.
    """
    engine = postgresql_engine(url, password)
    place = f"{engine.url.host}:{engine.url.port or 5432}/{engine.url.database}"
    try:
        try:
            async with engine.begin() as connection:
                await _lock(connection, "pg_advisory_xact_lock", _MIGRATING, 0)
                await connection.run_sync(migrate)
        except (DBAPIError, OSError, TimeoutError) as error:
            why = getattr(error, "orig", error)
            name = type(getattr(why, "__cause__", None) or why).__name__
            raise ConfigError(f"cannot use the outbox at {place}: {name}") from None
        database = Postgresql(engine, told, ended)
        try:
            yield database
        finally:
            await database.close()
    finally:
        await engine.dispose()


class Postgresql:
    """See `adapters.outbox_database.Database`."""

    look_again_s = (
        5.0  # what another gives back, or held when it died, nobody announces
    )

    def __init__(
        self,
        engine: AsyncEngine,
        told: Callable[[Lane | None], None],
        ended: Callable[[Collection[str] | None], None],
    ) -> None:
        self.engine = self.reader = engine
        self._told, self._ended = told, ended
        self._holder = secrets.randbits(31)  # a key has 32 bits, signed
        self._own: AsyncConnection | None = None
        self._given_back: set[str] = set()

    async def close(self) -> None:
        """Give back all that is held."""
        if self._own is not None:
            with suppress(DBAPIError, OSError):
                await self._own.invalidate()  # closes it: the lock is gone with it
                await self._own.close()

    def is_unavailable(self, error: DBAPIError) -> bool:
        """Tell whether it is the server's trouble, not a mistake of ours."""
        state = getattr(error.orig, "sqlstate", None) or ""
        return (
            error.connection_invalidated
            or isinstance(error, InterfaceError)
            or state.startswith(_UNAVAILABLE)
        )

    @asynccontextmanager
    async def handing_out(self) -> AsyncIterator[AsyncConnection]:
        """Lend the connection that holds the lock: without it nothing is claimed."""
        connection = await self._connected()
        freed = frozenset(self._given_back)
        try:
            async with connection.begin():
                if freed:
                    await self._free(connection, freed)
                yield connection
        except BaseException:
            # It may be lost, and the lock with it: the next one begins anew.
            if connection.invalidated or connection.closed:
                self._own = None
            raise
        self._given_back -= freed

    def claimable(self, query: Select[Any], now: float) -> Select[Any]:
        """Leave out what others hold, and lock the rest."""
        holder = deliveries.c.holder
        alive = _ALIVE.columns(objid=BigInteger).subquery()
        is_free = or_(
            holder.is_(None),
            holder == self._holder,
            deliveries.c.held_until <= now,
            holder.not_in(select(alive.c.objid)),
        )
        return query.where(is_free).with_for_update(of=deliveries, skip_locked=True)

    async def claim(
        self, connection: AsyncConnection, ids: Collection[str], now: float
    ) -> None:
        """Write down that this process has *ids*."""
        if ids:
            await connection.execute(
                update(deliveries)
                .where(deliveries.c.id.in_(ids))
                .values(holder=self._holder, held_until=now + CLAIM_S)
            )

    def give_back(self, ids: Collection[str]) -> None:
        """Let others have *ids*, from the next time on that something is claimed."""
        self._given_back.update(ids)

    def has_given_back(self) -> bool:
        """Tell whether others have yet to be let have something."""
        return bool(self._given_back)

    async def _free(self, connection: AsyncConnection, ids: Collection[str]) -> None:
        await connection.execute(
            update(deliveries)
            .where(deliveries.c.id.in_(ids))
            .where(deliveries.c.holder == self._holder)
            .values(holder=None, held_until=None)
        )

    async def storing(
        self, connection: AsyncConnection, lanes: Collection[Lane]
    ) -> None:
        """Tell all processes, once it is committed; keep bodies from being purged."""
        await _lock(connection, "pg_advisory_xact_lock_shared", _BODIES, 0)
        names = sorted("/".join(lane) for lane in lanes)
        for name in names if len(names) <= _MOST_TOLD else ["*"]:
            await connection.execute(select(func.pg_notify(_CHANNEL, name)))

    async def purging(self, connection: AsyncConnection) -> None:
        """Wait until nobody stores what may need a body that is about to go."""
        await _lock(connection, "pg_advisory_xact_lock", _BODIES, 0)

    async def erasing(self, connection: AsyncConnection, ids: Collection[str]) -> None:
        """Tell all processes, once it is committed, that *ids* are not to be sent."""
        for some in chunks(sorted(ids), _MOST_IDS):
            said = " ".join([_ERASED, *some])
            await connection.execute(select(func.pg_notify(_CHANNEL, said)))

    async def changed_elsewhere(self) -> bool:
        """Say no: who changes something tells it."""
        return False

    async def purged(self) -> None:
        """Write the table of keys anew: else what was deleted stays where it stood.

        It is small. The bodies under keys that are gone are noise; the server takes
        back their room in its own time. Who holds the table for long, as a backup, is
        not waited for: whoever else needs it would wait behind us.
        """
        alone = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        async with alone.connect() as connection:
            await connection.execute(text(f"SET lock_timeout = {_LOCK_MS}"))
            try:
                await connection.execute(text("VACUUM FULL record_keys"))
            except DBAPIError as error:
                await connection.invalidate()  # it waits for no lock any more
                if getattr(error.orig, "sqlstate", None) != _LOCKED:
                    raise
                _log.warning("outbox.keys_not_rewritten")
            else:
                await connection.execute(text("RESET lock_timeout"))

    async def settle(
        self, connection: AsyncConnection, values: Sequence[dict[str, object]]
    ) -> None:
        """Record outcomes; what another process has settled meanwhile stays so.

        That happens to a process that hung for longer than `CLAIM_S`.
        """
        for each in values:
            result = await connection.execute(SETTLE, each)
            if not (result.rowcount or await note_erased(connection, [each])):
                _log.warning("delivery.settled_elsewhere", delivery=each["key"])

    async def _connected(self) -> AsyncConnection:
        """Give the connection that holds the lock of this process's number."""
        if self._own is not None:
            return self._own
        connection = await self.engine.connect()
        try:
            await _lock(connection, "pg_advisory_lock", _HOLDERS, self._holder)
            await connection.commit()
            pooled = await connection.get_raw_connection()
            driver: Any = pooled.driver_connection
            await driver.add_listener(_CHANNEL, self._hear)
            driver.add_termination_listener(lambda _: self._ended(None))
        except BaseException:
            await connection.close()
            raise
        self._own = connection
        return connection

    def _hear(self, *said: Any) -> None:
        word, *ids = str(said[-1]).split(" ")
        if word == _ERASED:
            self._ended(ids)
            return
        member, slash, sink = word.partition("/")
        self._told((member, sink) if slash else None)


async def _lock(connection: AsyncConnection, how: str, what: int, number: int) -> None:
    query = text(f"SELECT {how}(:what, :number)").bindparams(
        bindparam("what", what), bindparam("number", number)
    )
    await connection.execute(query)


def _address(url: str, password: str | None) -> Any:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # of a port that is none
        raise ConfigError("the outbox URL cannot be read") from None
    if parsed.password is not None:
        raise ConfigError("no password in the outbox URL: give password_file")
    if not parsed.host or not parsed.database:
        raise ConfigError("the outbox URL is postgresql://user@host:5432/database")
    return parsed.set(drivername="postgresql+asyncpg", password=password)
