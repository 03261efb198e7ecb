"""What the outbox keeps of decisions, and what becomes of those made again. Edge."""

from typing import Final

from msgspec.structs import replace
from sqlalchemy import ColumnElement, exists, or_, select, update

from adapters.basis import Basis
from adapters.delivery import Delivery, NewDelivery
from adapters.outbox import Outbox
from adapters.outbox_keys import read_bodies, write_bodies
from adapters.outbox_queries import PENDING
from adapters.outbox_schema import deliveries
from adapters.outbox_store import bodies_of, decided
from adapters.together import to_its_end

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
        query = select(deliveries.c.message).where(_of(item))
        async with self._outbox.reading() as connection:
            name = await connection.scalar(query)
            if name is None:
                return None
            return (await read_bodies(connection, [name])).get(name)

    @to_its_end
    async def was_sent(self, item: Delivery) -> bool:
        """Tell whether an earlier version of the same record was sent, or may have been."""
        query = select(_SENT).where(_of(item))
        async with self._outbox.reading() as connection:
            return bool(await connection.scalar(query))

    @to_its_end
    async def decide(self, item: Delivery, row: NewDelivery) -> Delivery | None:
        """Replace what is to be sent by *row*, under the same id and number.

        None if it is not pending any more: its record was erased.
        """
        async with self._outbox.writing() as connection:
            await self._outbox.keeping_bodies(connection)
            mine = select(deliveries.c.id).where(_of(item)).with_for_update()
            if await connection.scalar(mine) is None:
                return None
            names = await write_bodies(connection, bodies_of(row))
            await connection.execute(
                update(deliveries).where(_of(item)).values(decided(row, names))
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
