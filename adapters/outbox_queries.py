"""What the outbox asks of its file: what is free, its bodies, and how it ends."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Float,
    Row,
    Select,
    bindparam,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.delivery import Delivery, KnownTokens, LaneBacklog
from adapters.numbering import Lane, supplement_in
from adapters.outbox_keys import read_bodies
from adapters.outbox_schema import deliveries, lanes, superseded
from adapters.scopes import Scopes, received

_CHUNK: Final = 1000  # names in a query: SQLite takes 32,766 parameters
PENDING: Final[ColumnElement[bool]] = deliveries.c.state == "pending"
WAITING: Final[ColumnElement[bool]] = deliveries.c.state == "waiting"

_later = deliveries.alias("later")
NEWER: Final = exists().where(
    *(_later.c[name] == deliveries.c[name] for name in ("lane_id", "issuer", "sub")),
    _later.c.ver_key > deliveries.c.ver_key,
    _later.c.state != "waiting",  # that one comes behind, whatever is done before
)

_NOT_DONE: Final = ("pending", "waiting", "failed")

# What became of one attempt. `UNCHANGED` is the default: None leaves a column as it is.
SETTLE: Final = (
    update(deliveries)
    .where(deliveries.c.id == bindparam("key"), PENDING)
    .values(
        attempts=deliveries.c.attempts + bindparam("tried"),
        state=bindparam("state"),
        reason=bindparam("reason"),
        due_at=func.coalesce(bindparam("due_at", type_=Float), deliveries.c.due_at),
        first_failed_at=func.coalesce(
            deliveries.c.first_failed_at, bindparam("failed_at", type_=Float)
        ),
        settled_at=bindparam("settled_at"),
        untold=bindparam("untold"),
        holder=None,
        held_until=None,
    )
)
UNCHANGED: Final[dict[str, object]] = {
    "reason": "",
    "due_at": None,
    "failed_at": None,
    "settled_at": None,
    "tried": 1,
    "untold": 0,
}


_earlier = deliveries.alias("earlier")
_IS_BEHIND: Final = exists().where(
    *(_earlier.c[name] == deliveries.c[name] for name in ("lane_id", "issuer", "sub")),
    _earlier.c.ver_key < deliveries.c.ver_key,
    _earlier.c.state == "pending",
)
_FREE: Final = (
    select(deliveries, lanes.c.member, lanes.c.sink)
    .join(lanes)
    .where(PENDING, ~_IS_BEHIND)
)


def free(lane: Lane | None, held: Collection[str]) -> Select[Any]:
    """Select what is pending, not *held*, and not behind an earlier version."""
    query = _FREE
    if held:
        query = query.where(deliveries.c.id.not_in(held))
    if lane is not None:
        member, sink = lane
        query = query.where(lanes.c.member == member, lanes.c.sink == sink)
    return query


def first_waiting(lane: Lane | None) -> Select[Any]:
    """Select what waits and will be due first."""
    query = select(deliveries.c.due_at).join(lanes).where(WAITING)
    if lane is not None:
        member, sink = lane
        query = query.where(lanes.c.member == member, lanes.c.sink == sink)
    return query.order_by(deliveries.c.due_at).limit(1)


async def load(
    connection: AsyncConnection, query: Select[Any], max_bytes: int
) -> list[Delivery]:
    """Load what *query* (made by `free`) finds; bodies that are shared, once.

    Stops before the bodies exceed *max_bytes*, but gives one delivery.
    """
    rows = list(_within(await connection.execute(query), max_bytes))
    if not rows:
        return []
    hashes = {h for row in rows for h in (row.evidence, row.projection, row.receipt)}
    found = await read_bodies(connection, hashes)
    return [_delivery(row, found) for row in rows]


async def load_scopes(connection: AsyncConnection, subs: Collection[str]) -> Scopes:
    """Load the scopes of all that members have of the records of *subs*.

    Of one record each member has one scope, whatever its sinks.
    """
    columns = (lanes.c.member, deliveries.c.issuer, deliveries.c.sub)
    found = select(*columns, deliveries.c.scope).join(lanes).distinct()
    rows: list[Row[Any]] = []
    wanted = sorted(subs)
    for start in range(0, len(wanted), _CHUNK):
        some = deliveries.c.sub.in_(wanted[start : start + _CHUNK])
        rows += await connection.execute(found.where(some))
    return received(tuple(row) for row in rows)


def _within(rows: Iterable[Row[Any]], max_bytes: int) -> Iterator[Row[Any]]:
    """Take rows until their bodies exceed *max_bytes*; always the first."""
    total = 0
    for row in rows:
        total += row.size
        if total > max_bytes and total > row.size:
            return
        yield row


def _delivery(row: Row[Any], found: Mapping[bytes, bytes]) -> Delivery:
    return Delivery(
        delivery_id=row.id,
        member=row.member,
        sink=row.sink,
        number=row.number,
        attempt=row.attempts + 1,
        token_id=row.token_id,
        issuer=row.issuer,
        sub=row.sub,
        ver=row.ver,
        kind=row.kind,
        tlp=row.tlp,
        evidence=found.get(row.evidence, b""),
        projection=found.get(row.projection, b""),
        receipt=found.get(row.receipt, b""),
        missed=row.missed,
        supplement=supplement_in(row.ver_key),
        basis=row.basis,
        until=math.inf if row.decided_until is None else row.decided_until,
    )


async def load_known(
    connection: AsyncConnection, member: str, token_ids: Collection[str]
) -> KnownTokens:
    """See `Outbox.known`."""
    found: tuple[set[str], set[str]] = set(), set()
    own = select(lanes.c.id).where(lanes.c.member == member)
    names = sorted(token_ids)
    for start in range(0, len(names), _CHUNK):
        some = names[start : start + _CHUNK]
        for table, tokens in zip((deliveries, superseded), found, strict=True):
            column = table.c.token_id
            query = select(column).where(column.in_(some), table.c.lane_id.in_(own))
            tokens.update(await connection.scalars(query))
    given, replaced = map(frozenset, found)
    return KnownTokens(given, replaced - given)


def overdue(since: float) -> tuple[ColumnElement[bool], ...]:
    """Choose corrections and retractions that were due, and not taken, at *since*."""
    return (
        deliveries.c.state.in_(("pending", "failed")),
        deliveries.c.kind.in_(("correction", "retraction")),
        deliveries.c.stored_at <= since,
        ~NEWER,
    )


async def load_backlog(
    connection: AsyncConnection, overdue_since: float
) -> tuple[LaneBacklog, ...]:
    """Count what is not done, lane by lane."""
    chosen = [(deliveries.c.state == state,) for state in _NOT_DONE]
    counts = [func.count().filter(*each) for each in (*chosen, overdue(overdue_since))]
    oldest = func.min(deliveries.c.stored_at).filter(PENDING)
    query = (
        select(lanes.c.member, lanes.c.sink, *counts, oldest)
        .join(lanes)
        .where(deliveries.c.state.in_(_NOT_DONE))
        .group_by(lanes.c.member, lanes.c.sink)
        .order_by(lanes.c.member, lanes.c.sink)
    )
    return tuple(
        LaneBacklog(
            member=member,
            sink=sink,
            pending=pending,
            waiting=waiting,
            failed=failed,
            overdue=late,
            oldest_at=oldest_at,
        )
        for (
            member,
            sink,
            pending,
            waiting,
            failed,
            late,
            oldest_at,
        ) in await connection.execute(query)
    )
