"""When what waits in an outbox may go: looked for no sooner than it can be. Edge."""

import math
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.delivery import NewDelivery
from adapters.numbering import Lane
from adapters.outbox_queries import WAITING
from adapters.outbox_schema import deliveries
from adapters.outbox_store import release_waiting


class Ripening:
    """What is known of the times until which rows wait. Epoch seconds."""

    def __init__(self) -> None:
        # Nothing that waits is due before; 0: not known.
        self._ripe_at = 0.0
        # The same of what was stored since somebody looked last.
        self._later_at = math.inf

    def note(self, rows: Iterable[NewDelivery]) -> None:
        """Note rows that are stored to wait."""
        soonest = min((row.not_before for row in rows), default=math.inf)
        self._later_at = min(self._later_at, soonest)
        self._ripe_at = min(self._ripe_at, soonest)

    def is_due(self, now: float) -> bool:
        """Tell whether something may have waited long enough."""
        return self._ripe_at <= now

    def anything(self) -> bool:
        """Tell whether anything may be waiting."""
        return self._ripe_at < math.inf

    async def release(
        self, transaction: AbstractAsyncContextManager[AsyncConnection], now: float
    ) -> set[Lane]:
        """Give a number, in *transaction*, to what has waited; its lanes."""
        soonest = select(func.min(deliveries.c.due_at)).where(WAITING)
        self._later_at = math.inf
        try:
            async with transaction as connection:
                woken = await release_waiting(connection, now)
                found = await connection.scalar(soonest) or math.inf
                # What is stored meanwhile this transaction may not see.
                self._ripe_at = min(found, self._later_at)
        except BaseException:
            self._ripe_at = 0.0
            raise
        return woken
