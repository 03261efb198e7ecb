"""What the outbox keeps of decisions, and what becomes of those made again. Edge."""

from typing import Final

from msgspec.structs import replace
from sqlalchemy import ColumnElement, exists, or_, select, update

from adapters.basis import Basis
from adapters.delivery import Delivery, NewDelivery
from adapters.outbox import Outbox, to_its_end
from adapters.outbox_queries import PENDING
from adapters.outbox_schema import contents, deliveries
from adapters.outbox_store import decided, write_bodies

_earlier: Final = deliveries.alias("earlier")
_SENT: Final = exists().where(
    *(_earlier.c[name] == deliveries.c[name] for name in ("lane_id", "issuer", "sub")),
    _earlier.c.ver_key < deliveries.c.ver_key,
    # Of an attempt that failed nobody knows whether it took effect.
    or_(_earlier.c.state == "done", _earlier.c.attempts > 0),
)


class Decisions:
    """The rows of an outbox, as far as they may be decided on again.

    For who has them in hand (`Outbox.due`). Every method may raise
    `OutboxUnavailableError`.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    @to_its_end
    async def message(self, item: Delivery) -> bytes | None:
        """Give the record as it came (`adapters.kept_message`), if it is kept."""
        query = (
            select(contents.c.content)
            .join(deliveries, deliveries.c.message == contents.c.hash)
            .where(deliveries.c.id == item.delivery_id)
        )
        async with self._outbox.reading() as connection:
            found: bytes | None = await connection.scalar(query)
            return found

    @to_its_end
    async def was_sent(self, item: Delivery) -> bool:
        """Tell whether an earlier version of the same record was sent, or may have been."""
        query = select(_SENT).where(_of(item))
        async with self._outbox.reading() as connection:
            return bool(await connection.scalar(query))

    @to_its_end
    async def decide(self, item: Delivery, row: NewDelivery) -> Delivery:
        """Replace what is to be sent by *row*, under the same id and number."""
        async with self._outbox.writing() as connection:
            bodies = (row.evidence, row.projection, row.receipt, row.message)
            await self._outbox.keeping_bodies(connection)
            hashes = await write_bodies(connection, bodies)
            await connection.execute(
                update(deliveries).where(_of(item)).values(decided(row, hashes))
            )
        return replace(
            item,
            evidence=row.evidence,
            projection=row.projection,
            receipt=row.receipt,
            missed=row.missed,
            basis=row.basis,
            until=row.until,
        )

    @to_its_end
    async def confirm(self, item: Delivery, basis: Basis) -> Delivery:
        """Let the decision be as it is, now that it rests on *basis*."""
        async with self._outbox.writing() as connection:
            await connection.execute(
                update(deliveries).where(_of(item)).values(basis=str(basis))
            )
        return replace(item, basis=str(basis))

    @to_its_end
    async def postpone(self, item: Delivery, due_at: float) -> None:
        """Let it be due at *due_at*, without an attempt."""
        async with self._outbox.writing() as connection:
            await connection.execute(
                update(deliveries).where(_of(item)).values(due_at=due_at)
            )


def _of(item: Delivery) -> ColumnElement[bool]:
    return (deliveries.c.id == item.delivery_id) & PENDING
