"""What the outbox asks of its database, and how an attempt ends. `outbox_due`: what is due."""

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Float,
    Row,
    bindparam,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.delivery import KnownTokens, LaneBacklog
from adapters.outbox_schema import chunks, deliveries, lanes, superseded
from adapters.scopes import Scopes, received

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


async def load_scopes(connection: AsyncConnection, subs: Collection[str]) -> Scopes:
    """Load the scopes of all that members have of the records of *subs*.

    Of one record each member has one scope, whatever its sinks.
    """
    columns = (lanes.c.member, deliveries.c.issuer, deliveries.c.sub)
    found = select(*columns, deliveries.c.scope).join(lanes).distinct()
    rows: list[Row[Any]] = []
    for some in chunks(sorted(subs)):
        rows += await connection.execute(found.where(deliveries.c.sub.in_(some)))
    return received(tuple(row) for row in rows)


async def load_known(
    connection: AsyncConnection, member: str, token_ids: Collection[str]
) -> KnownTokens:
    """See `Outbox.known`."""
    found: tuple[set[str], set[str]] = set(), set()
    own = select(lanes.c.id).where(lanes.c.member == member)
    for some in chunks(sorted(token_ids)):
        for table, tokens in zip((deliveries, superseded), found, strict=True):
            column = table.c.token_id
            query = select(column).where(column.in_(some), table.c.lane_id.in_(own))
            tokens.update(await connection.scalars(query))
    given, replaced = map(frozenset, found)
    return KnownTokens(given, replaced - given)


async def load_counts(connection: AsyncConnection) -> dict[str, int]:
    """See `Outbox.counts`."""
    by_state = select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
    counts = {"waiting": 0, "pending": 0, "done": 0, "failed": 0}
    for state, count in await connection.execute(by_state):
        counts[state] = count
    total = await connection.scalar(select(func.count()).select_from(superseded))
    return {**counts, "superseded": total or 0}


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
