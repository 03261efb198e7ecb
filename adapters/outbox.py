"""Deliveries on their way, and the ledger of those that arrived.

A delivery is stored once per (member, sink, record version), gets a number
without gaps, and leaves in the order of its versions. Storing is durable when
`store` returns; sending is at least once, under an id that never changes.

Who may send a row: `due` hands it to one caller, and to nobody else until it is
settled or released. After a crash nothing is held back. A SQLite file is of one process
at a time; several share a PostgreSQL database (`outbox_sqlite`, `outbox_postgresql`).
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.delivery import (
    Delivery,
    KnownTokens,
    LaneBacklog,
    NewDelivery,
    StoreOutcome,
)
from adapters.numbering import Lane, assign, lane_of
from adapters.outbox_database import Database, translated
from adapters.outbox_due import Wanted, load_due, load_soonest, waves
from adapters.outbox_erasure import erased_among
from adapters.outbox_postgresql import open_postgresql
from adapters.outbox_queries import (
    PENDING,
    UNCHANGED,
    load_backlog,
    load_counts,
    load_known,
    load_scopes,
)
from adapters.outbox_ripening import Ripening
from adapters.outbox_schema import deliveries, lanes
from adapters.outbox_sqlite import open_sqlite
from adapters.outbox_store import look_up, write
from adapters.scopes import Scopes
from adapters.together import Together, to_its_end

__all__ = ["Database", "Outbox", "open_outbox"]

OVERDUE_S: Final = 86_400.0  # a correction or retraction is to be taken within a day
MAX_DUE_BYTES: Final = 1 << 20  # what `due` loads at once, if one row is not larger
_NO_LANE: Final = ("", "")


@asynccontextmanager
async def open_outbox(
    url_or_path: str | Path,
    *,
    password: str | None = None,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator["Outbox"]:
    """Open the outbox, creating its tables if they are missing.

    Args:
        url_or_path: A SQLite file, made with mode 0600, or
            `postgresql://user@host:5432/database`.
        password: For PostgreSQL.
        clock: Dates the rows that are stored; all other times come with the calls.

    Raises:
        ConfigError: Open to others, in use by another process, not ours, not there, or
            made by a newer Tocsin.
    """
    arrivals: defaultdict[Lane, asyncio.Event] = defaultdict(asyncio.Event)
    sendable: set[str] = set()
    async with AsyncExitStack() as stack:
        database: Database
        if str(url_or_path).startswith(("postgresql://", "postgres://")):
            told = partial(_wake, arrivals)
            ended = partial(_forget, sendable)
            opening = open_postgresql(str(url_or_path), password, told, ended)
            database = await stack.enter_async_context(opening)
        else:
            database = await stack.enter_async_context(open_sqlite(url_or_path))
        yield Outbox(database, arrivals, sendable, clock)


def _wake(arrivals: defaultdict[Lane, asyncio.Event], lane: Lane | None) -> None:
    for each in [lane] if lane is not None else [*arrivals]:
        arrivals[each].set()


def _forget(sendable: set[str], ids: Collection[str] | None) -> None:
    if ids is None:
        sendable.clear()
    else:
        sendable.difference_update(ids)


class Outbox:
    """Deliveries in a database. Made by `open_outbox`.

    Every method may raise `OutboxUnavailableError`. Times are epoch seconds.
    """

    def __init__(
        self,
        database: Database,
        arrivals: defaultdict[Lane, asyncio.Event],
        sendable: set[str],
        clock: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._database = database
        self.look_again_s = database.look_again_s
        self._handed_out: set[str] = set()
        # Of these. The database takes out what another process has erased, so it is
        # never replaced by another set.
        self._sendable = sendable
        self._lane_ids: dict[Lane, int] = {}
        self._due = Together(self._hand_out, unwanted=self.release)
        self._next_due = Together(self._soonest)
        self._recorded = Together(self._record)
        self._arrivals = arrivals
        self._ripening = Ripening()

    @to_its_end
    async def store(self, rows: Sequence[NewDelivery]) -> tuple[StoreOutcome, ...]:
        """Return once *rows* are on disk: all of them, in one transaction.

        Order matters: of two versions of one case the older must come first,
        or it is superseded. Repeating a call is safe. What waits for its
        `not_before` has no number yet and holds up nothing.

        Returns:
            One outcome per row.

        Raises:
            SchemaError: A `ver` is no timestamp. Nothing is stored.
        """
        now = self._clock()
        async with self.writing() as connection:
            await self._database.storing(connection, {*map(lane_of, rows)})
            gone = await erased_among(connection, {row.token_id for row in rows})
            asked, rows = rows, [row for row in rows if row.token_id not in gone]
            lane_ids, known = await look_up(connection, rows)
            numbered = assign(rows, known, now=now)
            await write(connection, numbered, lane_ids, known.waiting, now=now)
            later = [n.row for n in numbered if n.outcome is StoreOutcome.WAITING]
            # Before the commit: it may take effect and fail.
            self._ripening.note(later)
        # And after it: others may have looked before.
        self._ripening.note(later)
        due = (StoreOutcome.STORED, StoreOutcome.AGAIN)
        stored = [n.row for n in numbered if n.outcome in due]
        for lane in map(lane_of, (*stored, *later)):
            self._arrivals[lane].set()
        outcomes = (n.outcome for n in numbered)
        return tuple(
            StoreOutcome.ERASED if row.token_id in gone else next(outcomes)
            for row in asked
        )

    @to_its_end
    async def scopes(self, subs: Collection[str]) -> Scopes:
        """See `adapters.pipeline.Store`. Rows stay, so it is known for ever."""
        async with self.reading() as connection:
            return await load_scopes(connection, subs)

    @to_its_end
    async def known(self, member: str, token_ids: Collection[str]) -> KnownTokens:
        """Tell which of *token_ids* a member was given, or will be, or needs no more."""
        async with self.reading() as connection:
            return await load_known(connection, member, token_ids)

    async def due(
        self,
        now: float,
        limit: int,
        *,
        lane: Lane | None = None,
        max_bytes: int = MAX_DUE_BYTES,
    ) -> list[Delivery]:
        """Hand out up to *limit* deliveries whose time has come, by number.

        Never one that somebody else holds, nor one with an earlier version of
        the same case still pending. The caller settles or releases each. With
        *lane*, only of this (member, sink). Stops before the bodies exceed
        *max_bytes*, but gives one row. *limit* is at most 10,000.
        """
        return await self._due(Wanted(lane, now, limit, max_bytes))

    async def _hand_out(self, asked: Sequence[Wanted]) -> list[list[Delivery]]:
        """Do for all that are *asked* at once what `due` says."""
        now = max(each.now for each in asked)
        if self._ripening.is_due(now):
            await self._release_waiting(now)
        found: list[list[Delivery]] = [[] for _ in asked]
        self._sendable &= self._handed_out
        held, new = frozenset(self._handed_out), set[str]()
        async with self._translated(self._database.handing_out()) as connection:
            for wave in waves(asked):
                some = await load_due(
                    connection,
                    wave.values(),
                    self._lane_ids,
                    held | new,
                    self._database.claimable,
                )
                for place, each in wave.items():
                    found[place] = some.get(each.lane, [])
                new.update(i.delivery_id for items in some.values() for i in items)
            await self._database.claim(connection, new, now)
            # Before the commit: what is erased right after it is taken out again.
            self._sendable |= new
        # Of the others, some may be settled by now.
        self._handed_out |= new
        return found

    @to_its_end
    async def _release_waiting(self, now: float) -> None:
        for lane in await self._ripening.release(self.writing(), now):
            self._arrivals[lane].set()

    def release(self, items: Iterable[Delivery]) -> None:
        """Give deliveries back unsettled: they are due again at once."""
        ids = [item.delivery_id for item in items]
        self._handed_out.difference_update(ids)
        self._database.give_back(ids)

    async def next_due(self, *, lane: Lane | None = None) -> float | None:
        """Say when the next delivery that is free will be due, if there is one."""
        return await self._next_due(lane)

    async def _soonest(self, wanted: Sequence[Lane | None]) -> list[float | None]:
        async with self.reading() as connection:
            found = await load_soonest(
                connection,
                wanted,
                self._lane_ids,
                self._handed_out,
                waiting=self._ripening.anything(),
            )
        return [found.get(lane) for lane in wanted]

    def arrivals(self, lane: Lane) -> asyncio.Event:
        """Give the event that is set when `store` adds to *lane*; clear it yourself."""
        return self._arrivals[lane]

    async def done(self, delivery_id: str, now: float) -> None:
        """Record that the member's system has taken it.

        Raises:
            LookupError: Not pending (also of `postponed` and `failed`).
        """
        await self._settle(delivery_id, state="done", settled_at=now, untold=1)

    async def postponed(
        self, delivery_id: str, due_at: float, reason: str, *, now: float
    ) -> None:
        """Record a failed attempt at *now*; it is due again at *due_at*."""
        await self._settle(
            delivery_id, state="pending", reason=reason, failed_at=now, due_at=due_at
        )

    async def failed(
        self, delivery_id: str, reason: str, *, now: float, tried: bool = True
    ) -> None:
        """Record that it will never be taken; *tried*: that it was sent at all."""
        await self._settle(
            delivery_id,
            state="failed",
            reason=reason,
            failed_at=now if tried else None,
            settled_at=now,
            tried=int(tried),
        )

    @to_its_end
    async def first_failed_at(self, delivery_id: str) -> float | None:
        """Say when the first attempt at it failed, if one has."""
        column = deliveries.c.first_failed_at
        query = select(column).where(deliveries.c.id == delivery_id)
        async with self.reading() as connection:
            return await connection.scalar(query)

    @to_its_end
    async def hasten(self, lane: Lane, now: float) -> None:
        """Make everything pending of *lane* due: its sink works again."""
        member, sink = lane
        ids = select(lanes.c.id).where(lanes.c.member == member, lanes.c.sink == sink)
        async with self.writing() as connection:
            await connection.execute(
                update(deliveries)
                .where(PENDING, deliveries.c.lane_id.in_(ids))
                .where(deliveries.c.due_at > now)
                .values(due_at=now)
            )

    @to_its_end
    async def counts(self) -> dict[str, int]:
        """Count what is `waiting`, `pending`, `done`, `failed`, `superseded`."""
        async with self.reading() as connection:
            return await load_counts(connection)

    @to_its_end
    async def backlog(self) -> tuple[LaneBacklog, ...]:
        """Tell what is not done, lane by lane; lanes that have all are left out."""
        async with self.reading() as connection:
            return await load_backlog(connection, self._clock() - OVERDUE_S)

    @to_its_end
    async def notice(self) -> None:
        """Wake all lanes if a command has changed the file from outside.

        And let others have what was given back, where nothing is handed out any more
        because all sinks are paused.

        Raises:
            OutboxUnavailableError: The database cannot be used now.
        """
        if self._database.has_given_back():
            await self.due(self._clock(), 1, lane=_NO_LANE)
        async with translated(self._database):
            changed = await self._database.changed_elsewhere()
        if changed:
            _wake(self._arrivals, None)

    def holds(self, item: Delivery) -> bool:
        """Tell whether *item*, handed out, may still be sent: it was not erased.

        Nor may it once no erasure is heard of any more; release it then.
        """
        name = item.delivery_id
        return name in self._handed_out and name in self._sendable

    async def _settle(self, delivery_id: str, **values: object) -> None:
        await self._recorded(UNCHANGED | values | {"key": delivery_id})
        self._handed_out.discard(delivery_id)

    async def _record(self, values: Sequence[dict[str, object]]) -> Sequence[None]:
        async with self.writing() as connection:
            await self._database.settle(connection, values)
        return [None] * len(values)

    async def keeping_bodies(self, connection: AsyncConnection) -> None:
        """Let no body that this transaction needs be purged until it ends."""
        await self._database.storing(connection, ())

    @asynccontextmanager
    async def removing(self) -> AsyncIterator[AsyncConnection]:
        """Begin one that writes while nobody stores: for this package alone."""
        async with self.writing() as connection:
            await self._database.purging(connection)
            yield connection

    def in_hand(self) -> frozenset[str]:
        """Name the deliveries that this process may just be sending."""
        return frozenset(self._handed_out)

    async def end(self, connection: AsyncConnection, ids: Collection[str]) -> None:
        """Let nobody send these any more, once this transaction is committed."""
        # Before that: it may take effect and fail. If it does not, who has one in hand
        # gives it back, and it is handed out again.
        self._sendable.difference_update(ids)
        await self._database.erasing(connection, ids)

    async def empty_log(self) -> None:
        """Let what was deleted leave the disk: for this package alone."""
        async with translated(self._database):
            await self._database.purged()

    def writing(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Begin a transaction that writes: for this package alone."""
        return self._translated(self._database.engine.begin())

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Begin a transaction that reads: for this package alone."""
        return self._translated(self._database.reader.begin())

    @asynccontextmanager
    async def _translated(
        self, transaction: AbstractAsyncContextManager[AsyncConnection]
    ) -> AsyncIterator[AsyncConnection]:
        """Lend the connection of *transaction*; turn its trouble into ours."""
        async with translated(self._database), transaction as connection:
            yield connection
