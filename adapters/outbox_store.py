"""The two halves of storing: look up what is known, write what was decided.

Both run in one transaction of `Outbox.store`, around `numbering.assign`.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from sqlalchemy import bindparam, func, insert, select, tuple_, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.delivery import NewDelivery, StoreOutcome
from adapters.numbering import (
    Case,
    Known,
    Lane,
    Numbered,
    case_of,
    delivery_id,
    lane_of,
)
from adapters.outbox_schema import bodies, contents, deliveries, lanes, superseded
from schemas import timestamps

_CHUNK: Final = 1000  # rows per query: SQLite takes 32,766 parameters
_T = TypeVar("_T")


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
    *,
    now: float,
) -> None:
    """Write the stored rows, their bodies and counters, and note the superseded."""
    stored = [n for n in numbered if n.outcome is StoreOutcome.STORED]
    late = [n for n in numbered if n.outcome is StoreOutcome.SUPERSEDED]
    if stored:
        hashes = await _write_bodies(connection, stored)
        values = [_values(n, lane_ids, hashes, now) for n in stored]
        await connection.execute(insert(deliveries), values)
        # later numbers of a lane overwrite earlier ones
        last = {lane_ids[lane_of(n.row)]: n.number for n in stored}
        await connection.execute(
            update(lanes)
            .where(lanes.c.id == bindparam("lane"))
            .values(last_number=bindparam("number")),
            [{"lane": lane, "number": number} for lane, number in last.items()],
        )
    if late:
        await connection.execute(
            sqlite.insert(superseded).on_conflict_do_nothing(),
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


async def _open_lanes(
    connection: AsyncConnection, wanted: Iterable[Lane]
) -> tuple[dict[Lane, int], dict[Lane, int]]:
    """Give the ids and the last numbers of *wanted*, creating what is missing."""
    keys = sorted(wanted)
    ids: dict[Lane, int] = {}
    numbers: dict[Lane, int] = {}
    for some in _chunks(keys):
        await connection.execute(
            sqlite.insert(lanes).on_conflict_do_nothing(),
            [{"member": member, "sink": sink} for member, sink in some],
        )
        found = select(lanes).where(tuple_(lanes.c.member, lanes.c.sink).in_(some))
        for row in await connection.execute(found):
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
    versions: set[tuple[Case, str]] = set()
    columns = (deliveries.c.lane_id, deliveries.c.issuer, deliveries.c.sub)
    key = deliveries.c.ver_key
    wanted = {
        (lane_ids[lane_of(row)], row.issuer, row.sub, timestamps.key(row.ver))
        for row in rows
    }
    for some in _chunks(sorted(wanted)):
        cases = tuple_(*columns).in_({entry[:3] for entry in some})
        latest = select(*columns, func.max(key)).where(cases).group_by(*columns)
        for lane_id, issuer, sub, ver_key in await connection.execute(latest):
            newest[*by_id[lane_id], issuer, sub] = ver_key
        exact = select(*columns, key).where(tuple_(*columns, key).in_(some))
        for lane_id, issuer, sub, ver_key in await connection.execute(exact):
            versions.add(((*by_id[lane_id], issuer, sub), ver_key))
    return Known(last_numbers=numbers, newest=newest, versions=versions)


async def _write_bodies(
    connection: AsyncConnection, stored: Sequence[Numbered]
) -> dict[bytes, bytes]:
    """Store each distinct body once; give the hash of each."""
    distinct = {
        body
        for n in stored
        for body in (n.row.evidence, n.row.projection, n.row.receipt)
    }
    hashes = {body: hashlib.sha256(body).digest() for body in distinct}
    await connection.execute(
        sqlite.insert(bodies).on_conflict_do_nothing(),
        [{"hash": digest, "size": len(body)} for body, digest in hashes.items()],
    )
    # Apart: it may have been purged, and is needed again.
    await connection.execute(
        sqlite.insert(contents).on_conflict_do_nothing(),
        [{"hash": digest, "content": body} for body, digest in hashes.items()],
    )
    return hashes


def _values(
    item: Numbered,
    lane_ids: Mapping[Lane, int],
    hashes: Mapping[bytes, bytes],
    now: float,
) -> dict[str, object]:
    row = item.row
    return {
        "id": delivery_id(case_of(row), item.ver_key),
        "lane_id": lane_ids[lane_of(row)],
        "number": item.number,
        "issuer": row.issuer,
        "sub": row.sub,
        "ver": row.ver,
        "ver_key": item.ver_key,
        "kind": row.kind,
        "tlp": row.tlp,
        "token_id": row.token_id,
        "policy": row.policy,
        "scope": row.scope,
        "evidence": hashes[row.evidence],
        "projection": hashes[row.projection],
        "receipt": hashes[row.receipt],
        "size": len(row.evidence) + len(row.projection) + len(row.receipt),
        "state": "pending",
        "stored_at": now,
        "due_at": 0.0,  # at once
    }


def _chunks(items: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
