"""Consuming one queue: a channel of its own, opened anew whenever it is lost."""

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Self

import structlog
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelInvalidStateError
from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel as LowChannel

from broker.bus import Message
from broker.errors import BusUnavailableError
from broker.rabbitmq_link import Link, Shared, translated

log = structlog.get_logger()

RECONNECT_S = 0.5
ANSWER_S = 10
MAX_PREFETCH = 65535  # AMQP 0-9-1, basic.qos: a short; 0 would be no bound at all


class Consumer:
    """Iterates over the messages of one queue, across lost connections.

    No generator, because cancelling one ends it: a reader may give up waiting
    for the next message, and go on later.
    """

    def __init__(self, link: Link, queue: str, prefetch: int) -> None:
        if not 1 <= prefetch <= MAX_PREFETCH:
            raise ValueError("prefetch is not 1 to 65535")
        self._link = link
        self._queue = queue
        self._prefetch = prefetch
        self._subscription: _Subscription | None = None
        self._reopening = Shared(self._reopen, name=f"reopen:{queue}")

    async def __aenter__(self) -> Self:
        self._subscription = await self._subscribe()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._reopening.cancel()
        # Without its channel, what is not settled goes back.
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.channel.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> "Delivery":
        while (subscription := self._subscription) is not None:
            if subscription.is_over:
                await self._reopening.run()
                continue
            delivered = await subscription.inbox.get()
            if delivered is not None and not subscription.is_over:
                return Delivery(subscription, delivered)
        raise StopAsyncIteration

    async def _subscribe(self) -> "_Subscription":
        subscription = _Subscription(*await self._link.channel(confirms=False))
        low, lost = subscription.low, BusUnavailableError(f"lost {self._link.place}")
        try:
            with translated(lambda: low.is_closed, lost):
                await low.basic_qos(prefetch_count=self._prefetch, timeout=ANSWER_S)
                await low.basic_consume(
                    self._queue, subscription.deliver, timeout=ANSWER_S
                )
        except BaseException as exc:
            # Left open, it would hold messages that nobody reads.
            await subscription.channel.close()
            if isinstance(exc, TimeoutError):
                raise BusUnavailableError(f"no answer from {self._link.place}") from exc
            raise
        return subscription

    async def _reopen(self) -> None:
        log.warning("bus.consumer_lost", queue=self._queue)
        lost = self._subscription
        if lost is not None:
            await lost.channel.close()
        while self._subscription is lost:
            # Also before the first try: a broker that ends every subscription
            # at once must not make us spin.
            await asyncio.sleep(RECONNECT_S)
            with suppress(BusUnavailableError):
                self._subscription = await self._subscribe()
        log.info("bus.consumer_back", queue=self._queue)


class _Subscription:
    """One consuming channel.

    Attributes:
        inbox: Deliveries in order; None wakes the reader when it is over.
        settled_through: The highest delivery tag that was acked with all
            before it.
    """

    def __init__(self, channel: AbstractChannel, low: LowChannel) -> None:
        self.channel = channel
        self.low = low
        self.inbox: asyncio.Queue[DeliveredMessage | None] = asyncio.Queue()
        self.settled_through = 0
        self._ended = False
        # The broker cancels a consumer when its queue goes (aio-pika issue 334).
        low.on_consumer_cancel_callbacks.add(self.end)
        low.closing.add_done_callback(self.end)

    @property
    def is_over(self) -> bool:
        return self._ended or self.low.is_closed

    def end(self, _: object = None) -> None:
        self._ended = True
        self.inbox.put_nowait(None)

    async def deliver(self, delivered: DeliveredMessage) -> None:
        self.inbox.put_nowait(delivered)

    async def ack(self, tag: int, *, multiple: bool = False) -> None:
        await self._answer(self.low.basic_ack(tag, multiple=multiple, wait=False))

    async def reject(self, tag: int, *, requeue: bool) -> None:
        # Never basic_nack(requeue=True): RabbitMQ 4.3 does not count it against
        # the delivery limit, so a poisonous message would come back for ever.
        await self._answer(self.low.basic_reject(tag, requeue=requeue, wait=False))

    async def _answer(self, sent: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                await sent
        except ChannelInvalidStateError:
            pass  # lost: what we held is being redelivered already
        except TimeoutError:
            # The socket takes nothing. An answer that never left would block
            # its message until this channel ends, so end it.
            self.end()


class Delivery:
    """A `Received` of RabbitMQ."""

    __slots__ = ("_settled", "_subscription", "_tag", "message", "redelivered")

    def __init__(
        self, subscription: _Subscription, delivered: DeliveredMessage
    ) -> None:
        self._subscription = subscription
        self._tag = delivered.delivery_tag or 0
        self._settled = False
        self.message = _message(delivered)
        self.redelivered = bool(delivered.redelivered)

    async def ack(self) -> None:
        """See `broker.bus.Received.ack`."""
        self._settle()
        await self._subscription.ack(self._tag)

    async def ack_through(self) -> None:
        """See `broker.bus.Bus.ack_through`."""
        self._settle()
        self._subscription.settled_through = self._tag
        await self._subscription.ack(self._tag, multiple=True)

    async def reject(self, *, requeue: bool) -> None:
        """See `broker.bus.Received.reject`."""
        self._settle()
        await self._subscription.reject(self._tag, requeue=requeue)

    def _settle(self) -> None:
        # An unknown delivery tag closes the channel, under all others (406).
        if self._settled or self._tag <= self._subscription.settled_through:
            raise RuntimeError("the message is settled already")
        self._settled = True


def _message(delivered: DeliveredMessage) -> Message:
    properties = delivered.header.properties
    return Message(
        body=delivered.body,
        message_id=properties.message_id or "",
        routing_key=delivered.routing_key or "",
        content_type=properties.content_type or "",
        content_encoding=properties.content_encoding or "",
        user_id=properties.user_id or "",
        headers=_headers(
            properties.headers or {}, redelivered=bool(delivered.redelivered)
        ),
    )


def _headers(raw: Mapping[str, Any], *, redelivered: bool) -> dict[str, str | int]:
    # Of the names with `x-` only what this broker says: a sender's own client
    # can write any of them. The newest death is first, and always the broker's.
    headers = {
        name: value
        for name, value in raw.items()
        if isinstance(value, str | int) and not name.startswith("x-")
    }
    if redelivered and (returned := raw.get("x-delivery-count")):
        headers["x-delivery-count"] = returned
    return headers | _death(raw.get("x-death"))


def _death(deaths: Any) -> dict[str, str | int]:
    """Give the newest death. Of what did not die a sender may write anything there."""
    match deaths:
        case [
            {
                "reason": str(reason),
                "queue": str(queue),
                "exchange": str(exchange),
                "routing-keys": [str(key), *_],
                "time": datetime() as time,
            },
            *_,
        ]:
            return {
                "x-death-reason": reason,
                "x-death-queue": queue,
                "x-death-exchange": exchange,
                "x-death-routing-key": key,
                "x-death-time": int(time.timestamp()),
            }
    return {}
