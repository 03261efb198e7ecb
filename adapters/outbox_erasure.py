"""What leaves the outbox: bodies that nobody needs, and records that are erased. Edge.

Rows of deliveries stay: who got which version when. Each function works within a
transaction that keeps others from storing (`Database.purging`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from typing import Any, Final

import msgspec
from sqlalchemy import Row, Select, delete, exists, func, select, union, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.outbox_rows import Reached
from adapters.outbox_schema import (
    bodies,
    chunks,
    contents,
    deliveries,
    erased,
    ignoring,
    lanes,
    record_keys,
)
from broker.retention import Aged

# Bodies overwritten in one transaction; until it ends, nothing else gets in.
PURGE_BATCH: Final = 32
_THIS_PROCESS: Final = -1  # as `holder`, where processes have no numbers
_BODIES: Final = (deliveries.c.evidence, deliveries.c.projection, deliveries.c.receipt)


class Erasing(msgspec.Struct, frozen=True, kw_only=True):
    """A record to be erased.

    Attributes:
        token_ids: Of all its versions that are known: none of them is stored again.
        at: Now, epoch seconds; not when it was ordered, which may be long ago.
        reason: Of `schemas.erasing`.
        before: If given, nothing happens unless the record is among `aged` of it yet.
    """

    issuer: str
    sub: str
    token_ids: tuple[str, ...]
    at: float
    reason: str
    before: float | None = None


class ErasedHere(msgspec.Struct, frozen=True, kw_only=True):
    """What came of erasing a record.

    Attributes:
        ended: Ids of deliveries that were not sent yet.
        bodies: How many bodies went.
        reached: Lanes that had something of it, or may just be getting it.
    """

    ended: tuple[str, ...]
    bodies: int
    reached: tuple[Reached, ...]


async def purge_some(connection: AsyncConnection, before: float) -> int:
    """Delete some bodies that only deliveries settled before *before* used."""
    needed = deliveries.c.settled_at.is_(None) | (deliveries.c.settled_at >= before)
    # What has arrived is decided on no more.
    kept = select(deliveries.c.message).where(
        needed,
        deliveries.c.state.in_(("waiting", "pending", "failed")),
        deliveries.c.message.is_not(None),
    )
    kept_hashes = kept.union(*(select(c).where(needed) for c in _BODIES))
    some = (
        select(contents.c.hash)
        .where(contents.c.hash.not_in(kept_hashes))
        .limit(PURGE_BATCH)
    )
    result = await connection.execute(delete(contents).where(contents.c.hash.in_(some)))
    return result.rowcount


async def forget_unused(connection: AsyncConnection) -> None:
    """Destroy the keys that no body lies under any more."""
    used = exists().where(contents.c.key_id == record_keys.c.id)
    await connection.execute(delete(record_keys).where(~used))


async def erase(
    connection: AsyncConnection, what: Erasing, in_hand: Collection[str] = ()
) -> ErasedHere:
    """Destroy a record's key and bodies, and end what was not sent. Safe to repeat.

    Args:
        in_hand: Ids of deliveries that this process may just be sending.
    """
    if what.before is not None and not await _is_aged(connection, what, what.before):
        return ErasedHere(ended=(), bodies=0, reached=())
    await _remember(connection, what)
    of_record = (deliveries.c.issuer == what.issuer) & (deliveries.c.sub == what.sub)
    rows = (
        await connection.execute(
            select(deliveries, lanes.c.member, lanes.c.sink)
            .join(lanes)
            .where(of_record)
            .order_by(lanes.c.member, lanes.c.sink, deliveries.c.number)
            .with_for_update(of=deliveries)  # who gets one just now, has it before
        )
    ).all()
    ended = [row.id for row in rows if row.state in ("pending", "waiting")]
    # `holder` stays, so that the lane is among those reached when this is repeated.
    for some in chunks([name for name in ended if name in in_hand]):
        await connection.execute(
            update(deliveries)
            .where(deliveries.c.id.in_(some), deliveries.c.holder.is_(None))
            .values(holder=_THIS_PROCESS)
        )
    await connection.execute(
        update(deliveries)
        # What had failed for good can be tried no more: it is nobody's to see to.
        .where(of_record, deliveries.c.state.in_(("pending", "waiting", "failed")))
        .values(
            state="erased",
            settled_at=func.coalesce(deliveries.c.settled_at, what.at),
        )
    )
    keys = select(record_keys.c.id).where(
        record_keys.c.issuer == what.issuer, record_keys.c.sub == what.sub
    )
    # The hash of a text that has no salt would tell whoever guesses it. Those under the
    # key that are in no row any more were replaced by another decision.
    salted = select(deliveries.c.evidence).where(of_record)
    of_texts = union(
        select(deliveries.c.projection).where(of_record),
        select(contents.c.hash).where(
            contents.c.key_id.in_(keys), contents.c.hash.not_in(salted)
        ),
    )
    await connection.execute(
        update(bodies).where(bodies.c.hash.in_(of_texts)).values(sha256=None)
    )
    gone = await connection.execute(delete(contents).where(contents.c.key_id.in_(keys)))
    await connection.execute(
        delete(record_keys).where(
            record_keys.c.issuer == what.issuer, record_keys.c.sub == what.sub
        )
    )
    return ErasedHere(
        ended=tuple(ended),
        bodies=gone.rowcount,
        reached=tuple(_reached(rows, in_hand)),
    )


async def aged(connection: AsyncConnection, before: float) -> list[Aged]:
    """List the records whose bodies are kept, of which nothing has to be sent.

    Args:
        before: Only those of which nothing came later, epoch seconds.
    """
    found = (await connection.execute(_aged(before))).all()
    marks: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    columns = deliveries.c.issuer, deliveries.c.sub, deliveries.c.tlp
    for some in chunks([row.sub for row in found]):
        marked = select(*columns).where(deliveries.c.sub.in_(some)).distinct()
        for issuer, sub, tlp in await connection.execute(marked):
            marks[issuer, sub].add(tlp)
    return [
        Aged(issuer=issuer, sub=sub, marks=frozenset(marks[issuer, sub]), newest=at)
        for issuer, sub, at in found
    ]


def _aged(before: float) -> Select[Any]:
    """Begin from the records that have bodies: of the ledger they are the fewest."""
    of_record = (deliveries.c.issuer == record_keys.c.issuer) & (
        deliveries.c.sub == record_keys.c.sub
    )
    is_due = exists().where(of_record, deliveries.c.state.in_(("pending", "waiting")))
    newest = select(func.max(deliveries.c.stored_at)).where(of_record).scalar_subquery()
    return select(record_keys.c.issuer, record_keys.c.sub, newest).where(
        ~is_due, newest <= before
    )


async def _is_aged(connection: AsyncConnection, what: Erasing, before: float) -> bool:
    """Look again: a version may have come since `aged` was asked."""
    mine = (record_keys.c.issuer == what.issuer) & (record_keys.c.sub == what.sub)
    found = await connection.execute(_aged(before).where(mine))
    return found.first() is not None


async def erased_among(
    connection: AsyncConnection, token_ids: Collection[str]
) -> set[str]:
    """Tell which of *token_ids* are of records that were erased."""
    found: set[str] = set()
    for some in chunks(sorted(set(token_ids))):
        query = select(erased.c.token_id).where(erased.c.token_id.in_(some))
        found.update(await connection.scalars(query))
    return found


async def erased_since(connection: AsyncConnection, moment: float) -> list[str]:
    """Name the tokens that were erased from this moment on."""
    query = select(erased.c.token_id).where(erased.c.erased_at >= moment)
    return [*await connection.scalars(query)]


async def note_erased(
    connection: AsyncConnection, values: Iterable[dict[str, Any]]
) -> int:
    """Count outcomes of deliveries that were erased while they were being sent.

    What had arrived all the same stands in the ledger as done.

    Args:
        values: As `outbox_queries.SETTLE` takes them.
    """
    count = 0
    for each in values:
        mine = (deliveries.c.id == each["key"]) & (deliveries.c.state == "erased")
        if await connection.scalar(select(deliveries.c.id).where(mine)) is None:
            continue
        count += 1
        if each["state"] == "done":
            await connection.execute(
                update(deliveries)
                .where(mine)
                .values(
                    state="done",
                    settled_at=each["settled_at"],
                    attempts=deliveries.c.attempts + 1,
                    holder=None,
                    held_until=None,
                    untold=each["untold"],
                )
            )
    return count


async def _remember(connection: AsyncConnection, what: Erasing) -> None:
    known = select(deliveries.c.token_id).where(
        deliveries.c.issuer == what.issuer, deliveries.c.sub == what.sub
    )
    names = {*what.token_ids, *await connection.scalars(known)}
    for some in chunks(sorted(names)):
        await connection.execute(
            ignoring(connection, erased),
            [
                {"token_id": name, "erased_at": what.at, "reason": what.reason}
                for name in some
            ],
        )
        # Also when it is repeated: who looks for what was erased of late may not have
        # got to it the last time.
        await connection.execute(
            update(erased)
            .where(erased.c.token_id.in_(some), erased.c.erased_at < what.at)
            .values(erased_at=what.at)
        )


def _reached(rows: Sequence[Row[Any]], in_hand: Collection[str]) -> Iterable[Reached]:
    """Leave out the lanes that nothing was sent to: they may not know that it was."""
    numbered = [row for row in rows if row.number is not None]
    for (member, sink), found in groupby(numbered, lambda r: (r.member, r.sink)):
        of_lane = [*found]
        # An attempt that failed may have taken effect.
        sent = [row for row in of_lane if row.state == "done" or row.attempts]
        if not sent and not any(
            r.holder is not None or r.id in in_hand for r in of_lane
        ):
            continue
        yield Reached(
            member=member,
            sink=sink,
            token_ids=tuple(dict.fromkeys(row.token_id for row in sent)),
            numbers=tuple(row.number for row in sent),
            not_sent=tuple(row.number for row in of_lane if row not in sent),
            tlp=of_lane[-1].tlp,
            scope=of_lane[-1].scope,
        )
