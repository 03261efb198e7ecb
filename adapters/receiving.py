"""A member's reader of its queue: verify, put on disk, acknowledge. Edge.

What cannot be verified is put aside, not dropped: its key may become known here later.
What another login sent, or sent under the key of another queue, is dropped: nothing that
becomes known later makes that right, and a file tells it no more.
"""

import asyncio
import hashlib
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import structlog

from adapters import enveloping, received
from adapters.delivery import Delivery
from adapters.errors import SinkUnavailableError
from adapters.patience import StoppedError, pause
from adapters.sinks.file import FileSink, put_aside
from broker.backoff import delays
from broker.bus import Bus, Message, Received
from broker.directory import Directory
from broker.errors import ConfigError, TrustError
from broker.topology import ADAPTER_PREFIX, OUT
from broker.waiting import first_of
from schemas.errors import RefusedError

ASIDE: Final = "refused"
MAX_ASIDE: Final = 1000  # more than that is a fault, not a key that is not known yet
_PREFETCH: Final = 20

_log: Any = structlog.get_logger(__name__)


class Receiver:
    """Takes deliveries of one member into a folder.

    Attributes:
        taken, refused: How many, since it was made.
    """

    def __init__(
        self,
        org: str,
        directory: Callable[[], Directory],
        sink: FileSink,
        folder: Path,
        *,
        clock: Callable[[], float],
        stop: asyncio.Event,
    ) -> None:
        """Take what it needs.

        Args:
            directory: Gives what holds at the moment.
            folder: That of *sink*; what is put aside goes below it.
        """
        self._org, self._directory, self._sink = org, directory, sink
        self._aside = folder / ASIDE
        self._clock, self._stop = clock, stop
        self.taken = self.refused = 0

    async def run(self, bus: Bus, *, idle_s: float | None = None) -> None:
        """Take what comes until stopped, or until nothing has come for *idle_s*.

        Each is acknowledged once it is on disk, so what ends this half way makes it come
        again, which changes nothing.

        Raises:
            BusError: As `Bus.consume`.
            ConfigError: Too much was put aside; the disk takes nothing aside.
        """
        with suppress(StoppedError):
            await self.look_again()
            async with bus.consume(f"{OUT}.{self._org}", prefetch=_PREFETCH) as found:
                while (each := await self._next(anext(found), idle_s)) is not None:
                    await self._take(each.message)
                    await each.ack()

    async def look_again(self) -> None:
        """Take what was put aside earlier, and can be verified by now.

        Raises:
            StoppedError: Told to stop before it was stored.
        """
        for path in sorted(self._aside.glob("*.json")):
            body = await asyncio.to_thread(path.read_bytes)
            try:
                item = await asyncio.to_thread(self._judged, path.stem, body)
            except RefusedError:
                continue
            await self._store(item)
            path.unlink()

    async def _next(self, coming: Any, idle_s: float | None) -> Received | None:
        arrival: asyncio.Future[Received] = asyncio.ensure_future(coming)
        stopping = asyncio.create_task(first_of(self._stop), name="receive:stop")
        either: tuple[asyncio.Future[Any], ...] = (arrival, stopping)
        try:
            await asyncio.wait(
                either, timeout=idle_s, return_when=asyncio.FIRST_COMPLETED
            )
            return arrival.result() if arrival.done() else None
        finally:
            for each in either:
                each.cancel()
            await asyncio.gather(*either, return_exceptions=True)

    async def _take(self, message: Message) -> None:
        try:
            self._need_from_adapter(message)
        except TrustError as error:
            self._refuse(message, error)
            return
        try:
            judging = asyncio.to_thread(self._judged, message.message_id, message.body)
            item = await judging
        except RefusedError as error:
            self._refuse(message, error)
            await asyncio.to_thread(self._put_aside, message)
        else:
            await self._store(item)

    def _need_from_adapter(self, message: Message) -> None:
        # RabbitMQ has checked the login; the operator may write here, too.
        if not message.user_id.startswith(ADAPTER_PREFIX):
            raise TrustError("user-id")
        # Over the header CC an adapter reaches queues of others, see `permissions`.
        if message.routing_key != self._org:
            raise TrustError("routing-key")

    def _refuse(self, message: Message, error: RefusedError) -> None:
        self.refused += 1
        _log.error(
            "delivery.refused",
            delivery=message.message_id[:12],
            number=message.headers.get(enveloping.NUMBER),
            reason=error.reason,
            where=error.where,
        )

    def _judged(self, delivery_id: str, body: bytes) -> Delivery:
        item = enveloping.decode(body, delivery_id=delivery_id, member=self._org)
        received.check(item, self._directory(), now=self._clock())
        return item

    async def _store(self, item: Delivery) -> None:
        for delay_s in delays(random.random):
            try:
                await self._sink.send(item)
            except SinkUnavailableError as error:
                _log.error(
                    "receive.waits", reason=error.reason, retry_s=round(delay_s, 1)
                )
            else:
                self.taken += 1
                _log.info("delivery.received", number=item.number, kind=item.kind)
                return
            await pause(delay_s, self._stop)

    def _put_aside(self, message: Message) -> None:
        name = message.message_id
        if not name.isascii() or not name.replace("-", "").isalnum():
            name = hashlib.sha256(message.body).hexdigest()
        try:
            if len(list(self._aside.glob("*.json"))) >= MAX_ASIDE:
                raise ConfigError(
                    f"{MAX_ASIDE} deliveries are put aside in {self._aside}: see why "
                    "they are refused (the log, with the directory that you hold)"
                )
            put_aside(self._aside, f"{name[:64]}.json", message.body)
        except OSError as error:
            raise ConfigError(
                f"cannot put aside into {self._aside}: {error.strerror}"
            ) from None
