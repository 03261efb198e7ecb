"""Consuming one queue: a channel of its own, opened anew whenever it is lost.

Whether it is lost, the broker says, or the connection; or nobody: a reader that has
nothing in hand and gets nothing, though messages wait, is opened anew as well.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import takewhile
from typing import Any, Self

import structlog
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelInvalidStateError
from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel as LowChannel

from broker.bus import Message
from broker.errors import BusError, BusRefusedError, BusUnavailableError
from broker.prefetching import Window
from broker.rabbitmq_link import Link, Shared, translated
from broker.rabbitmq_probing import waiting_in

log = structlog.get_logger()

RECONNECT_S = 0.5
ANSWER_S = 10
LOOK_S = 60.0  # between looks whether messages wait that do not come
SURELY_S = 5.0  # so long they have to go on not coming
MAX_PREFETCH = 65535  # AMQP 0-9-1, basic.qos: a short; 0 would be no bound at all


class Consumer:
    """Iterates over the messages of one queue, across lost connections.

    No generator, because cancelling one ends it: a reader may give up waiting
    for the next message, and go on later.
    """

    def __init__(
        self, link: Link, queue: str, prefetch: int, most_bytes: int | None = None
    ) -> None:
        if not 1 <= prefetch <= MAX_PREFETCH:
            raise ValueError("prefetch is not 1 to 65535")
        self._link = link
        self._queue = queue
        self._prefetch = prefetch, most_bytes
        self._subscription: _Subscription | None = None
        self._reopening = Shared(self._reopen, name=f"reopen:{queue}")
        self._fitting = Shared(self._fit, name=f"prefetch:{queue}")
        # Apart: aiormq may swallow a cancellation, and the watch has no end of its own.
        self._asking = Shared(self._ask, name=f"ask:{queue}")
        self._watching = Shared(self._watch, name=f"watch:{queue}")
        self._waiting = 0

    async def __aenter__(self) -> Self:
        self._subscription = await self._subscribe()
        self._watching.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for each in (self._watching, self._asking, self._fitting, self._reopening):
            await each.cancel()
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
                if not subscription.fits:
                    self._fitting.start()
                return Delivery(subscription, delivered)
        raise StopAsyncIteration

    async def _subscribe(self) -> "_Subscription":
        window = Window(*self._prefetch)
        subscription = _Subscription(
            *await self._link.channel(confirms=False), self._queue, window
        )
        low, lost = subscription.low, BusUnavailableError(f"lost {self._link.place}")
        try:
            with translated(lambda: low.is_closed, lost):
                await subscription.consume()
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

    async def _fit(self) -> None:
        """Let the broker send as many at once as fit."""
        subscription = self._subscription
        if subscription is None or subscription.is_over:
            return
        lost = BusUnavailableError(f"lost {self._link.place}")
        try:
            with translated(lambda: subscription.low.is_closed, lost):
                await subscription.fit()
        except (BusError, TimeoutError):
            subscription.end()  # its reader opens another

    async def _watch(self) -> None:
        """End a subscription that gets nothing though messages wait."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                waiting = await self._left_waiting()
            except BusRefusedError:
                log.info("bus.queue_not_told", queue=self._queue)
                return  # RabbitMQ 4.3 tells it only those who may configure
            except BusUnavailableError:
                continue  # the reader notices by itself
            subscription = self._subscription
            if waiting and subscription is not None:
                log.error("bus.consumer_stalled", queue=self._queue, waiting=waiting)
                subscription.end()

    async def _left_waiting(self) -> int:
        """Count what waits in the queue of a reader that gets nothing; else 0."""
        before = self._subscription
        if before is None or before.is_over or before.unsettled:
            return 0
        received = before.received
        await self._asking.run()
        if not self._waiting:
            return 0
        await asyncio.sleep(SURELY_S)
        is_same = self._subscription is before and before.received == received
        return self._waiting if is_same and not before.is_over else 0

    async def _ask(self) -> None:
        found = await waiting_in(self._link, self._queue)
        self._waiting = 0 if found is None else found.messages


class _Subscription:
    """One consuming channel.

    Attributes:
        inbox: Deliveries in order; None wakes the reader when it is over.
        settled_through: The highest delivery tag that was acked with all
            before it.
        received: How many have come.
        unsettled: Delivery tags of what is in hand, in order.
    """

    def __init__(
        self, channel: AbstractChannel, low: LowChannel, queue: str, window: Window
    ) -> None:
        self.channel = channel
        self.low = low
        self._queue = queue
        self._window = window
        self._more: str | None = None
        self.received = 0
        self.unsettled: dict[int, None] = {}
        self.inbox: asyncio.Queue[DeliveredMessage | None] = asyncio.Queue()
        self.settled_through = 0
        self._ended = False
        # The broker cancels a consumer when its queue goes (aio-pika issue 334).
        low.on_consumer_cancel_callbacks.add(self.end)
        low.closing.add_done_callback(self.end)

    @property
    def is_over(self) -> bool:
        return self._ended or self.low.is_closed

    @property
    def fits(self) -> bool:
        """Whether the broker sends as many at once as fit just now."""
        return self._window.is_wide == (self._more is not None)

    def end(self, _: object = None) -> None:
        self._ended = True
        self.inbox.put_nowait(None)

    async def consume(self) -> None:
        """Begin to get messages."""
        await self._consume(self._window.least)

    async def _consume(self, count: int) -> str:
        await self.low.basic_qos(prefetch_count=count, timeout=ANSWER_S)
        done = await self.low.basic_consume(self._queue, self.deliver, timeout=ANSWER_S)
        return done.consumer_tag or ""

    async def fit(self) -> None:
        """Begin or end to get more at once, by a second consumer on this channel.

        A quorum queue takes the number when it gets a consumer, not later. To cancel
        one gives back what it was to get and has not, as redelivered, so that is
        done for large ones only. What it has got stays in hand, and what comes before
        its CancelOk reaches us: aiormq forgets a consumer when it reads that frame.
        """
        while not self.fits:
            if self._more is None:
                self._more = await self._consume(self._window.more)
            else:
                await self.low.basic_cancel(self._more, timeout=ANSWER_S)
                self._more = None

    async def deliver(self, delivered: DeliveredMessage) -> None:
        self.received += 1
        self.unsettled[delivered.delivery_tag or 0] = None
        self._window.note(len(delivered.body))
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
        unsettled = self._subscription.unsettled
        for tag in [*takewhile(lambda tag: tag <= self._tag, unsettled)]:
            del unsettled[tag]
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
        self._subscription.unsettled.pop(self._tag, None)


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
