"""Which sinks take nothing, since when, and why: read from the outbox's rows. Edge."""

from sqlalchemy import func, select

from adapters.doctor_flow import Flow
from adapters.ledger import Ledger
from adapters.outbox_schema import deliveries, lanes


async def flows(ledger: Ledger) -> tuple[Flow, ...]:
    """Count what is not done, sink by sink; those where nothing is are left out."""
    pending = deliveries.c.state == "pending"
    query = (
        select(
            lanes.c.member,
            lanes.c.sink,
            func.count().filter(pending).label("pending"),
            func.count().filter(deliveries.c.state == "failed").label("failed"),
            func.min(deliveries.c.stored_at).filter(pending).label("oldest_at"),
            func.min(deliveries.c.first_failed_at)
            .filter(pending)
            .label("failing_since"),
            func.max(deliveries.c.reason).filter(pending).label("reason"),
        )
        .join(lanes)
        .where(deliveries.c.state.in_(("pending", "failed")))
        .group_by(lanes.c.member, lanes.c.sink)
        .order_by(lanes.c.member, lanes.c.sink)
    )
    async with ledger.reading() as connection:
        rows = (await connection.execute(query)).all()
    return tuple(
        Flow(
            member=row.member,
            sink=row.sink,
            pending=row.pending,
            failed=row.failed,
            oldest_at=row.oldest_at,
            failing_since=row.failing_since,
            reason=row.reason or "",
        )
        for row in rows
    )
