"""What is due, of many lanes in one query. Edge."""

import math
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from itertools import groupby, islice
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, exists, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.delivery import Delivery
from adapters.numbering import Lane, supplement_in
from adapters.outbox_keys import read_bodies
from adapters.outbox_queries import PENDING, WAITING
from adapters.outbox_schema import deliveries, lanes

LaneIds = MutableMapping[Lane, int]
"""Of those that have deliveries; what is known stays so, the rest is looked up."""
Claimable = Callable[[Select[Any], float], Select[Any]]

_earlier = deliveries.alias("earlier")
_IS_BEHIND: Final = exists().where(
    *(_earlier.c[name] == deliveries.c[name] for name in ("lane_id", "issuer", "sub")),
    _earlier.c.ver_key < deliveries.c.ver_key,
    _earlier.c.state == "pending",
)
_FREE: Final[ColumnElement[bool]] = PENDING & ~_IS_BEHIND


class Wanted(NamedTuple):
    """What somebody asks for: the arguments of `Outbox.due`."""

    lane: Lane | None
    now: float
    limit: int
    max_bytes: int


def waves(asked: Sequence[Wanted]) -> Iterator[dict[int, Wanted]]:
    """Divide *asked* so that each lane is in a wave once; by place in *asked*.

    Who asks for any lane is a wave alone.
    """
    left = dict(enumerate(asked))
    while left:
        wave: dict[Lane | None, int] = {}
        for place, each in left.items():
            wave.setdefault(each.lane, place)
        if None in wave and len(wave) > 1:
            del wave[None]
        yield {place: left.pop(place) for place in wave.values()}


async def load_due(
    connection: AsyncConnection,
    wave: Collection[Wanted],
    ids: LaneIds,
    held: Collection[str],
    claimable: Claimable,
) -> dict[Lane | None, list[Delivery]]:
    """Load what *wave* asks for, bodies that are shared once.

    Args:
        ids: Completed.
        held: Left out.
        claimable: Leaves out what others hold (`outbox_database.Database.claimable`).
    """
    await look_up_lanes(connection, (each.lane for each in wave), ids)
    rows: dict[Lane | None, list[Row[Any]]] = {}
    left = [each for each in wave if each.lane is None or each.lane in ids]
    while left:
        limit = sum(each.limit for each in left)
        query = claimable(_ready(left, ids, held).limit(limit), left[0].now)
        found = (await connection.execute(query)).all()
        rows |= _shared_out(found, left)
        if len(found) < limit:
            break
        # A long backlog of one lane has taken the room of those behind it.
        left = [each for each in left if each.lane not in rows]
    names = {
        name
        for some in rows.values()
        for row in some
        for name in (row.evidence, row.projection, row.receipt)
    }
    bodies = await read_bodies(connection, names) if names else {}
    return {
        lane: [_delivery(row, bodies) for row in some] for lane, some in rows.items()
    }


async def load_soonest(
    connection: AsyncConnection,
    wanted: Collection[Lane | None],
    ids: LaneIds,
    held: Collection[str],
    *,
    waiting: bool,
) -> dict[Lane | None, float]:
    """Tell when the next delivery that is free will be due, of each lane that has one.

    Args:
        waiting: Also of what waits and has no number yet.
    """
    await look_up_lanes(connection, wanted, ids)
    states = [_FREE & deliveries.c.id.not_in(held) if held else _FREE]
    states += [WAITING] if waiting else []
    soonest: dict[Lane | None, float] = {}
    of_id = {ids[each]: each for each in wanted if each is not None and each in ids}
    for state in states:
        query = select(deliveries.c.lane_id, func.min(deliveries.c.due_at))
        query = query.where(state).group_by(deliveries.c.lane_id)
        if None not in wanted:
            query = query.where(deliveries.c.lane_id.in_(of_id))
        for lane_id, due_at in await connection.execute(query):
            for lane in (of_id.get(lane_id), None):
                soonest[lane] = min(due_at, soonest.get(lane, math.inf))
    return soonest


async def look_up_lanes(
    connection: AsyncConnection, wanted: Iterable[Lane | None], ids: LaneIds
) -> None:
    """Complete *ids* by those of *wanted* that there are."""
    missing = [lane for lane in wanted if lane is not None and lane not in ids]
    if missing:
        query = select(lanes).where(tuple_(lanes.c.member, lanes.c.sink).in_(missing))
        for row in await connection.execute(query):
            ids[row.member, row.sink] = row.id


def _ready(
    wanted: Sequence[Wanted], ids: LaneIds, held: Collection[str]
) -> Select[Any]:
    """Select what is pending, not *held*, not behind an earlier version, and due."""
    columns = deliveries.c
    # "+ 0" keeps SQLite from walking by time and then sorting the whole
    # backlog by number; postponed rows are few, the breaker sees to that.
    query = (
        select(deliveries, lanes.c.member, lanes.c.sink)
        .join(lanes)
        .where(_FREE, columns.due_at + 0 <= max(each.now for each in wanted))
        .order_by(columns.lane_id, columns.number)
    )
    if held:
        query = query.where(columns.id.not_in(held))
    of_lanes = [ids[each.lane] for each in wanted if each.lane is not None]
    return query.where(columns.lane_id.in_(of_lanes)) if of_lanes else query


def _shared_out(
    rows: Iterable[Row[Any]], wanted: Sequence[Wanted]
) -> dict[Lane | None, list[Row[Any]]]:
    """Give each lane what it asked for, by number."""
    asked = {each.lane: each for each in wanted}
    if None in asked:
        anything = asked[None]
        return {None: [*islice(_within(rows, anything.max_bytes), anything.limit)]}
    return {
        lane: [*islice(_within(some, asked[lane].max_bytes), asked[lane].limit)]
        for lane, some in groupby(rows, key=lambda row: (row.member, row.sink))
    }


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
