"""What became of deliveries: who got which version when, and what is stuck. Edge.

Reads the outbox's rows from outside, while the adapter runs, and never a body. The one
thing it changes is a failed delivery, which `retry` makes pending again.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    exists,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.numbering import Lane
from adapters.outbox_database import Database
from adapters.outbox_queries import NEWER, overdue
from adapters.outbox_schema import (
    bodies,
    chunks,
    contents,
    deliveries,
    lanes,
    superseded,
)

State = Literal["waiting", "pending", "done", "failed", "erased", "superseded"]
NOT_DONE: Final[tuple[State, ...]] = ("failed", "pending", "waiting")
ALL: Final[tuple[State, ...]] = ("done", *NOT_DONE, "erased", "superseded")
SHORTEST_ID: Final = 8  # characters of a delivery id that people may type
MAX_ROWS: Final = 100_000
# Put back in one transaction. With 100,000 in one, an adapter was kept out for a minute;
# so, it stored within 0.06 s beside 20,000 (measured).
_BATCH: Final = 200
# Who waits for SQLite's lock looks every 0.1 s at the latest.
_PAUSE_S: Final = 0.15
_BODIES: Final = ("evidence", "projection", "receipt")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a record for one sink of one member. Times are epoch seconds.

    Attributes:
        id: The idempotency key; "" if it was superseded, and so never sent.
        number: Of the delivery; None while it waits, or if it was superseded.
        version: As the issuer wrote it; of what was superseded, its sortable form.
        reason: Of the last failed attempt.
        due_at: When it is tried next, or may go; None: at once, or never.
        settled_at: When the member's system took it, it failed for good, or a newer
            version was known.
        bodies: Whether what was sent is still kept.
        newer: Whether a newer version of the record was sent to this sink, or is
            about to be.
    """

    id: str
    member: str
    sink: str
    number: int | None
    state: State
    issuer: str
    record: str
    version: str
    kind: str = ""
    tlp: str = ""
    token: str
    policy: str = ""
    attempts: int = 0
    reason: str = ""
    stored_at: float
    due_at: float | None = None
    first_failed_at: float | None = None
    settled_at: float | None = None
    size: int = 0
    bodies: bool = False
    newer: bool = False


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries: all that agree with what is given.

    Attributes:
        ids: Delivery ids, or beginnings of them.
        record: Id of the primary object, or token id.
        overdue_since: Corrections and retractions alone, stored before that time
            (epoch seconds), that no newer version has followed.
    """

    ids: tuple[str, ...] = ()
    record: str | None = None
    member: str | None = None
    sink: str | None = None
    reason: str | None = None
    states: tuple[State, ...] = ALL
    overdue_since: float | None = None


class Retried(msgspec.Struct, frozen=True, kw_only=True):
    """What became of failed deliveries that were to be tried again.

    Attributes:
        again: Pending now.
        stay: As they were: their bodies are gone, or a newer version of the record
            was sent, which what is older must not follow.
    """

    again: tuple[Entry, ...]
    stay: tuple[Entry, ...]


_KEPT: Final = and_(
    *(exists().where(contents.c.hash == deliveries.c[name]) for name in _BODIES)
)


class Ledger:
    """The rows of one outbox; made by `adapters.ledger_database.open_ledger`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Lend a transaction that reads."""
        async with self._database.reader.begin() as connection:
            yield connection

    async def find(self, search: Search, *, limit: int = MAX_ROWS) -> tuple[Entry, ...]:
        """Give up to *limit* entries, by member, sink and number, oldest first.

        What waits comes behind what has a number, what was superseded last.
        """
        async with self._database.reader.begin() as connection:
            return await _find(connection, search, limit)

    async def sizes(self, entry: Entry) -> dict[str, tuple[str, int]]:
        """Give the SHA-256 (hex) and the size in bytes of each body of *entry*.

        Of a projection that was erased the SHA-256 is "".

        Not of one that was superseded: it has none.
        """
        columns = [deliveries.c[name] for name in _BODIES]
        query = select(*columns).where(deliveries.c.id == entry.id)
        async with self._database.reader.begin() as connection:
            row = (await connection.execute(query)).one()
            found = select(bodies).where(bodies.c.hash.in_(set(row)))
            known = {each.hash: each for each in await connection.execute(found)}
        return {
            name: ((known[key].sha256 or b"").hex(), known[key].size)
            for name, key in zip(_BODIES, row, strict=True)
        }

    async def retry(self, search: Search, now: float) -> Retried:
        """Make failed deliveries of *search* pending, due at *now*.

        Some at a time, so that an adapter gets in between; broken off half way, it can
        be repeated. The three days until one fails again count anew. A running adapter
        notices within seconds.
        """
        found = await self.find(msgspec.structs.replace(search, states=("failed",)))
        again: set[str] = set()
        for some in chunks(found, _BATCH):
            if some[0] is not found[0]:
                await asyncio.sleep(_PAUSE_S)
            again |= await self._put_back(some, now)
        return Retried(
            again=tuple(each for each in found if each.id in again),
            stay=tuple(each for each in found if each.id not in again),
        )

    async def _put_back(self, entries: Sequence[Entry], now: float) -> set[str]:
        """Make pending what may go; its ids."""
        of_lanes = {(each.member, each.sink) for each in entries}
        async with self._database.engine.begin() as connection:
            # Who stores a newer version meanwhile, or purges, comes before or after.
            await self._database.storing(connection, of_lanes)
            await _have(connection, of_lanes)
            kept = await _may_go(connection, [each.id for each in entries])
            await connection.execute(
                update(deliveries)
                .where(deliveries.c.id.in_(kept))
                .values(
                    state="pending", due_at=now, settled_at=None, first_failed_at=None
                )
            )
        return kept


async def _have(connection: AsyncConnection, of_lanes: Collection[Lane]) -> None:
    """Let nobody store in these lanes until the transaction ends, as storing does."""
    mine = select(lanes.c.id).where(tuple_(lanes.c.member, lanes.c.sink).in_(of_lanes))
    await connection.execute(mine.order_by(lanes.c.id).with_for_update())


async def _may_go(connection: AsyncConnection, ids: Collection[str]) -> set[str]:
    """Say which still failed, have their bodies, and come in order."""
    query = select(deliveries.c.id).where(
        deliveries.c.id.in_(ids), deliveries.c.state == "failed", _KEPT, ~NEWER
    )
    return {*await connection.scalars(query.with_for_update())}


async def _find(
    connection: AsyncConnection, search: Search, limit: int
) -> tuple[Entry, ...]:
    found = [_entry(row) for row in await connection.execute(_sent(search, limit))]
    if "superseded" in search.states and not (search.ids or search.reason):
        late = await connection.execute(_late(search, limit - len(found)))
        found += [_superseded(row) for row in late]
    return tuple(found)


def _sent(search: Search, limit: int) -> Select[Any]:
    columns, states = deliveries.c, search.states
    query = (
        select(
            deliveries,
            lanes.c.member,
            lanes.c.sink,
            _KEPT.label("kept"),
            NEWER.label("newer"),
        )
        .join(lanes)
        .where(columns.state.in_(states), *_narrowed(search, columns))
        .order_by(
            lanes.c.member,
            lanes.c.sink,
            columns.number.is_(None),
            columns.number,
            columns.stored_at,
            columns.id,
        )
        .limit(limit)
    )
    if search.ids:
        begun = (columns.id.startswith(each, autoescape=True) for each in search.ids)
        query = query.where(or_(*begun))
    if search.reason is not None:
        query = query.where(columns.reason == search.reason)
    if search.overdue_since is not None:
        query = query.where(*overdue(search.overdue_since))
    return query


def _late(search: Search, limit: int) -> Select[Any]:
    return (
        select(superseded, lanes.c.member, lanes.c.sink)
        .join(lanes)
        .where(*_narrowed(search, superseded.c))
        .order_by(lanes.c.member, lanes.c.sink, superseded.c.seen_at)
        .limit(limit)
    )


def _narrowed(search: Search, columns: Any) -> Iterable[ColumnElement[bool]]:
    if search.record is not None:
        yield or_(columns.sub == search.record, columns.token_id == search.record)
    if search.member is not None:
        yield lanes.c.member == search.member
    if search.sink is not None:
        yield lanes.c.sink == search.sink


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        id=row.id,
        member=row.member,
        sink=row.sink,
        number=row.number,
        state=row.state,
        issuer=row.issuer,
        record=row.sub,
        version=row.ver,
        kind=row.kind,
        tlp=row.tlp,
        token=row.token_id,
        policy=row.policy,
        attempts=row.attempts,
        reason=row.reason,
        stored_at=row.stored_at,
        due_at=(row.due_at or None) if row.state in ("pending", "waiting") else None,
        first_failed_at=row.first_failed_at,
        settled_at=row.settled_at,
        size=row.size,
        bodies=bool(row.kept),
        newer=bool(row.newer),
    )


def _superseded(row: Row[Any]) -> Entry:
    return Entry(
        id="",
        member=row.member,
        sink=row.sink,
        number=None,
        state="superseded",
        issuer=row.issuer,
        record=row.sub,
        version=row.ver_key,
        token=row.token_id,
        stored_at=row.seen_at,
        settled_at=row.seen_at,
    )
