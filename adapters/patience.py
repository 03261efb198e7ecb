"""Waiting for what cannot be used now, until told to stop. Edge.

Ending the process instead would give the messages back, and each time is one nearer
to the delivery limit.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, TypeVar

import structlog

from adapters.delivery import KnownTokens, NewDelivery, StoreOutcome
from adapters.errors import OutboxUnavailableError
from adapters.outbox import Outbox
from adapters.outbox_erasure import ErasedHere, Erasing
from adapters.outbox_removal import Removal
from adapters.scopes import Scopes
from broker.backoff import delays
from broker.retention import Aged
from broker.waiting import first_of

_log: Any = structlog.get_logger(__name__)
_T = TypeVar("_T")


class StoppedError(Exception):
    """Told to stop before a batch was done: it comes back from the queue."""


class PatientStore:
    """The outbox, waited for while it cannot be used."""

    def __init__(self, outbox: Outbox, stop: asyncio.Event) -> None:
        self._outbox = outbox
        self._removal = Removal(outbox)
        self._stop = stop

    async def store(self, rows: Sequence[NewDelivery]) -> tuple[StoreOutcome, ...]:
        """See `adapters.pipeline.Store`; raises StoppedError as well."""
        return await self._patiently(lambda: self._outbox.store(rows))

    async def scopes(self, subs: Collection[str]) -> Scopes:
        """See `adapters.pipeline.Store`; raises StoppedError as well."""
        return await self._patiently(lambda: self._outbox.scopes(subs))

    async def known(self, member: str, token_ids: Collection[str]) -> KnownTokens:
        """See `Outbox.known`; raises StoppedError as well."""
        return await self._patiently(lambda: self._outbox.known(member, token_ids))

    async def erase(self, what: Erasing) -> ErasedHere:
        """Erase a record, also from the disk; raises StoppedError as well."""
        found = await self._patiently(lambda: self._removal.erase(what))
        await self._patiently(self._removal.finish)
        return found

    async def erased_among(self, token_ids: Collection[str]) -> set[str]:
        """See `Removal.erased_among`; raises StoppedError as well."""
        return await self._patiently(lambda: self._removal.erased_among(token_ids))

    async def erased_since(self, moment: float) -> list[str]:
        """See `Removal.erased_since`; raises StoppedError as well."""
        return await self._patiently(lambda: self._removal.erased_since(moment))

    async def aged(self, before: float) -> list[Aged]:
        """See `Removal.aged`; raises StoppedError as well."""
        return await self._patiently(lambda: self._removal.aged(before))

    async def _patiently(self, call: Callable[[], Awaitable[_T]]) -> _T:
        failed = False
        for delay_s in delays(random.random):
            try:
                done = await call()
            except OutboxUnavailableError:
                failed = True
                _log.error("outbox.unavailable", retry_s=round(delay_s, 1))
            else:
                if failed:
                    _log.info("outbox.back")
                return done
            await pause(delay_s, self._stop)
        raise AssertionError("delays end")


async def pause(delay_s: float, stop: asyncio.Event) -> None:
    """Wait so long, or raise StoppedError when told to stop."""
    await first_of(stop, timeout_s=delay_s)
    if stop.is_set():
        raise StoppedError
