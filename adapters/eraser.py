"""What an adapter does when a record is erased: outbox, reviews, and who had it. Edge."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog

from adapters.erasing import delivery
from adapters.outbox_erasure import ErasedHere, Erasing
from adapters.patience import PatientStore, StoppedError, pause
from adapters.pipeline import Context, Refused
from adapters.review import Reviews
from broker import erasing
from broker.bus import Message
from broker.directory import Directory
from broker.errors import ConfigError
from broker.retention import DAY_S, Retention, ended
from schemas.errors import RefusedError

_RETAIN_S: Final = 3600.0  # between looks at what is too old, as the gate does
_AGAIN_S: Final = 300.0  # between looks at what other processes have erased
_LATE_S: Final = 86_400.0  # so long what was in hand then may come into a file again

_log: Any = structlog.get_logger(__name__)


class Eraser:
    """Erases what the operator orders; one per adapter."""

    def __init__(
        self,
        store: PatientStore,
        reviews: Reviews | None,
        *,
        clock: Callable[[], float],
        stop: asyncio.Event,
    ) -> None:
        self._store, self._reviews = store, reviews
        self._clock, self._stop = clock, stop

    async def obey(self, message: Message, context: Context) -> Refused | None:
        """Erase a record and tell its recipients; the reason, if it is no order.

        Repeated, it changes nothing: the notice is the same delivery.

        Raises:
            StoppedError: Told to stop while the disk takes nothing.
        """
        try:
            order = erasing.read(message)
        except RefusedError as error:
            return Refused(error.reason, error.where)
        what = Erasing(
            issuer=order.issuer,
            sub=order.sub,
            token_ids=order.tokens,
            at=self._clock(),
            reason=order.reason,
        )
        found = await self._store.erase(what)
        await self._forget_reviews(order.tokens)
        told = await self._tell(order, found, context) if order.notify else 0
        _log.info(
            "record.erased",
            issuer=order.issuer,
            reason=order.reason,
            bodies=found.bodies,
            ended=len(found.ended),
            told=told,
        )
        return None

    async def _tell(
        self, order: erasing.Order, found: ErasedHere, context: Context
    ) -> int:
        """Store a notice for each lane that is still served; say how many."""
        served = {(s.member.org, sink) for s in context.subscribers for sink in s.sinks}
        rows = [
            delivery(order, each, context.author, context.signer)
            for each in found.reached
            if (each.member, each.sink) in served
        ]
        if rows:
            await self._store.store(rows)
        return len(rows)

    async def _forget_reviews(self, token_ids: Sequence[str]) -> None:
        if self._reviews is None or not token_ids:
            return
        try:
            await asyncio.to_thread(self._reviews.erase, token_ids)
        except ConfigError as error:  # `watch_reviews` tries again
            _log.error("reviews.unavailable", error=str(error))

    async def retain(self, retention: Retention, directory: Directory) -> None:
        """Erase what has been kept for long enough; nobody is told.

        Raises:
            StoppedError: Told to stop while the disk takes nothing.
        """
        now = self._clock()
        before = now - retention.least * DAY_S
        found = await self._store.aged(before)
        count = 0
        for issuer, sub in ended(found, retention, directory, now=now):
            what = Erasing(
                issuer=issuer,
                sub=sub,
                token_ids=(),
                at=now,
                reason="retention",
                before=before,  # a version may come just now
            )
            count += (await self._store.erase(what)).bodies > 0
        if count:
            _log.info("outbox.retention_ended", records=count)

    async def watch_retention(
        self, retention: Retention, directory: Callable[[], Directory]
    ) -> None:
        """Keep the outbox without what is too old, until told to stop."""
        with suppress(StoppedError):
            while True:
                await self.retain(retention, directory())
                await pause(_RETAIN_S, self._stop)

    async def watch_reviews(self) -> None:
        """Keep the reviews without what was erased, until told to stop.

        By this process or another; what was in hand then is put into them afterwards.
        """
        with suppress(StoppedError):
            while self._reviews is not None:
                since = self._clock() - _LATE_S
                await self._forget_reviews(await self._store.erased_since(since))
                await pause(_AGAIN_S, self._stop)
