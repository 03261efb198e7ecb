"""The two halves of storing: look up what is known, write what was decided.

Both run in one transaction of `Outbox.store`, around `numbering.assign`. What was
stored to wait is numbered later, by `release_waiting`.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Final

from sqlalchemy import (
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.delivery import NewDelivery, StoreOutcome
from adapters.numbering import (
    Case,
    Known,
    Lane,
    Numbered,
    case_of,
    continued,
    delivery_id,
    lane_of,
    version_key,
)
from adapters.outbox_keys import Body, write_bodies
from adapters.outbox_schema import (
    among,
    chunks,
    deliveries,
    ignoring,
    lanes,
    superseded,
)

_KEPT: Final = (StoreOutcome.STORED, StoreOutcome.WAITING)


async def look_up(
    connection: AsyncConnection, rows: Sequence[NewDelivery]
) -> tuple[dict[Lane, int], Known]:
    """Give the ids of the lanes of *rows*, and what is stored of their cases.

    Creates the lanes that are missing.
    """
    lane_ids, numbers = await _open_lanes(connection, set(map(lane_of, rows)))
    return lane_ids, await _known(connection, rows, lane_ids, numbers)


async def write(
    connection: AsyncConnection,
    numbered: Sequence[Numbered],
    lane_ids: Mapping[Lane, int],
    waiting: Set[Case],
    *,
    now: float,
) -> None:
    """Write the stored rows, their bodies and counters, and note the superseded.

    Args:
        waiting: Cases of which a version waits.
    """
    kept = [n for n in numbered if n.outcome in _KEPT]
    late = [n for n in numbered if n.outcome is StoreOutcome.SUPERSEDED]
    again = [n for n in numbered if n.outcome is StoreOutcome.AGAIN]
    for item in numbered if waiting else ():
        if case_of(item.row) in waiting:
            await _supersede_waiting(connection, item, lane_ids, now)
    if kept:
        hashes = await write_bodies(connection, _bodies_of(kept))
        values = [_values(n, lane_ids, hashes, now) for n in kept]
        await connection.execute(insert(deliveries), values)
        # later numbers of a lane overwrite earlier ones
        last = {lane_ids[lane_of(n.row)]: n.number for n in kept if n.number}
        await _write_last_numbers(connection, last)
    if again:
        await _send_again(connection, again)
    if late:
        await connection.execute(
            ignoring(connection, superseded),
            [
                {
                    "lane_id": lane_ids[lane_of(n.row)],
                    "issuer": n.row.issuer,
                    "sub": n.row.sub,
                    "ver_key": n.ver_key,
                    "token_id": n.row.token_id,
                    "seen_at": now,
                }
                for n in late
            ],
        )


async def _send_again(connection: AsyncConnection, found: Sequence[Numbered]) -> None:
    """Make settled deliveries pending once more, as they are decided now."""
    hashes = await write_bodies(connection, _bodies_of(found))
    values: list[dict[str, object]] = []
    names: set[str] = set()
    for n in found:
        fresh = decided(n.row, hashes)
        names |= fresh.keys()
        key = delivery_id(case_of(n.row), n.ver_key)
        values.append({"key": key} | {f"new_{name}": fresh[name] for name in fresh})
    await connection.execute(
        update(deliveries)
        .where(deliveries.c.id == bindparam("key"))
        .where(deliveries.c.settled_at.is_not(None))
        .values(
            **{name: bindparam(f"new_{name}") for name in names},
            state="pending",
            reason="",
            due_at=0.0,
            settled_at=None,
            first_failed_at=None,
        ),
        values,
    )


async def release_waiting(connection: AsyncConnection, now: float) -> set[Lane]:
    """Make pending, with a number, what has waited long enough; give its lanes."""
    columns = deliveries.c
    ripe = (columns.state == "waiting") & (columns.due_at <= now)
    # First the lanes, as storing does: see `_open_lanes`.
    concerned = select(columns.lane_id).where(ripe)
    mine = select(lanes).where(lanes.c.id.in_(concerned)).order_by(lanes.c.id)
    found = {row.id: row for row in await connection.execute(mine.with_for_update())}
    query = (
        select(columns.id, columns.lane_id)
        .where(ripe, columns.lane_id.in_(found))  # others may have come meanwhile
        .order_by(columns.due_at, columns.stored_at, columns.id)
        .with_for_update()
    )
    rows = (await connection.execute(query)).all()
    if not rows:
        return set()
    of_lanes = [row.lane_id for row in rows]
    last = {lane: row.last_number for lane, row in found.items()}
    numbers = continued(of_lanes, last)
    await connection.execute(
        update(deliveries)
        .where(deliveries.c.id == bindparam("key"))
        .values(number=bindparam("next"), state="pending"),
        [{"key": row.id, "next": n} for row, n in zip(rows, numbers, strict=True)],
    )
    await _write_last_numbers(connection, dict(zip(of_lanes, numbers, strict=True)))
    return {(found[lane].member, found[lane].sink) for lane in of_lanes}


async def _write_last_numbers(
    connection: AsyncConnection, last: Mapping[int, int]
) -> None:
    if last:
        await connection.execute(
            update(lanes)
            .where(lanes.c.id == bindparam("lane"))
            .values(last_number=bindparam("number")),
            [{"lane": lane, "number": number} for lane, number in last.items()],
        )


async def _supersede_waiting(
    connection: AsyncConnection,
    newer: Numbered,
    lane_ids: Mapping[Lane, int],
    now: float,
) -> None:
    """Let no version be sent that waits and is older than *newer*."""
    row, columns = newer.row, deliveries.c
    older = (
        (columns.lane_id == lane_ids[lane_of(row)])
        & (columns.issuer == row.issuer)
        & (columns.sub == row.sub)
        & (columns.ver_key < newer.ver_key)
        & (columns.state == "waiting")
    )
    names = ("lane_id", "issuer", "sub", "ver_key", "token_id")
    found = select(*(columns[name] for name in names), literal(now)).where(older)
    into = ignoring(connection, superseded)
    await connection.execute(into.from_select([*names, "seen_at"], found))
    await connection.execute(delete(deliveries).where(older))


async def _open_lanes(
    connection: AsyncConnection, asked: Iterable[Lane]
) -> tuple[dict[Lane, int], dict[Lane, int]]:
    """Give the ids and the last numbers of *asked*, creating what is missing."""
    keys = sorted(asked)
    ids: dict[Lane, int] = {}
    numbers: dict[Lane, int] = {}
    for some in chunks(keys):
        await connection.execute(
            ignoring(connection, lanes),
            [{"member": member, "sink": sink} for member, sink in some],
        )
        found = select(lanes).where(tuple_(lanes.c.member, lanes.c.sink).in_(some))
        # Whoever numbers in a lane has it until the end of the transaction. In one
        # order, or two processes wait for each other.
        mine = found.order_by(lanes.c.id).with_for_update()
        for row in await connection.execute(mine):
            ids[row.member, row.sink] = row.id
            numbers[row.member, row.sink] = row.last_number
    return ids, numbers


async def _known(
    connection: AsyncConnection,
    rows: Sequence[NewDelivery],
    lane_ids: Mapping[Lane, int],
    numbers: Mapping[Lane, int],
) -> Known:
    """Look up what is stored of the cases and versions of *rows*."""
    by_id = {lane_id: lane for lane, lane_id in lane_ids.items()}
    newest: dict[Case, str] = {}
    waiting: set[Case] = set()
    begun: set[Case] = set()
    versions: set[tuple[Case, str]] = set()
    settled: dict[tuple[Case, str], str] = {}
    columns = (deliveries.c.lane_id, deliveries.c.issuer, deliveries.c.sub)
    cases = {(lane_ids[lane_of(row)], row.issuer, row.sub) for row in rows}
    for some in chunks(sorted(cases)):
        waits = func.count().filter(deliveries.c.state == "waiting")
        latest = select(
            *columns,
            func.max(deliveries.c.ver_key).label("newest"),
            waits.label("waiting"),
            func.count().label("versions"),
        )
        latest = among(connection, latest, columns, some).group_by(*columns)
        for row in await connection.execute(latest):
            case = (*by_id[row.lane_id], row.issuer, row.sub)
            newest[case] = row.newest
            if row.waiting:
                waiting.add(case)
            if row.waiting < row.versions:
                begun.add(case)
        # A retraction of what was never sent stands only here.
        others = (superseded.c.lane_id, superseded.c.issuer, superseded.c.sub)
        moot = select(*others, func.max(superseded.c.ver_key))
        moot = among(connection, moot, others, some).group_by(*others)
        for lane_id, issuer, sub, ver_key in await connection.execute(moot):
            case = (*by_id[lane_id], issuer, sub)
            newest[case] = max(ver_key, newest.get(case, ""))
    of_ids = {}
    for each in rows:
        version = case_of(each), version_key(each)
        of_ids[delivery_id(*version)] = version
    for ids in chunks(sorted(of_ids)):
        exact = select(deliveries.c.id, deliveries.c.state)
        exact = exact.where(deliveries.c.id.in_(ids))
        for name, state in await connection.execute(exact):
            versions.add(of_ids[name])
            if state in ("done", "failed"):
                settled[of_ids[name]] = state
    return Known(
        last_numbers=numbers,
        newest=newest,
        versions=versions,
        waiting=waiting,
        begun=begun,
        settled=settled,
    )


def _bodies_of(stored: Sequence[Numbered]) -> Iterator[Body]:
    for n in stored:
        yield from bodies_of(n.row)


def bodies_of(row: NewDelivery) -> Iterator[Body]:
    """Give what `write_bodies` has to store of *row*."""
    for body in (row.evidence, row.projection, row.receipt, row.message):
        yield (row.issuer, row.sub), body


def _values(
    item: Numbered,
    lane_ids: Mapping[Lane, int],
    hashes: Mapping[Body, bytes],
    now: float,
) -> dict[str, object]:
    row = item.row
    return {
        "id": delivery_id(case_of(row), item.ver_key),
        "lane_id": lane_ids[lane_of(row)],
        "number": item.number or None,
        "issuer": row.issuer,
        "sub": row.sub,
        "ver": row.ver,
        "ver_key": item.ver_key,
        "kind": row.kind,
        "tlp": row.tlp,
        "token_id": row.token_id,
        "scope": row.scope,
        **decided(row, hashes),
        "state": "pending" if item.number else "waiting",
        "stored_at": now,
        "due_at": 0.0 if item.number else row.not_before,  # 0: at once
    }


def decided(row: NewDelivery, hashes: Mapping[Body, bytes]) -> dict[str, object]:
    """Give the columns that change when a delivery is decided on again.

    Args:
        hashes: As `write_bodies` gives them.
    """
    record = row.issuer, row.sub
    return {
        "policy": row.policy,
        "evidence": hashes[record, row.evidence],
        "projection": hashes[record, row.projection],
        "receipt": hashes[record, row.receipt],
        "size": len(row.evidence) + len(row.projection) + len(row.receipt),
        "message": hashes.get((record, row.message)),
        "basis": row.basis,
        "decided_until": None if row.until == math.inf else row.until,
        "missed": row.missed,
    }
