"""Publishing with confirms: which channel, what its answer means, who is to blame."""

import asyncio
from functools import partial
from typing import Literal

import structlog
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import (
    ChannelInvalidStateError,
    DeliveryError,
    PublishError,
)
from aiormq.channel import Channel as LowChannel
from pamqp.commands import Basic

from broker.bus import Message, check_limits
from broker.errors import (
    BlockedUnsureError,
    BusError,
    BusRefusedError,
    BusUnavailableError,
    NotConfirmedError,
    NotTakenError,
    UnroutableError,
)
from broker.rabbitmq_alarm import blocked, is_blocked, watch
from broker.rabbitmq_link import Link, Shared, translated

# RabbitMQ 3.10: a channel opened while a queue elects its leader nacks for
# ever, though the queue has a leader again; a new channel works (2 of 2 runs).
# After so many nacks in a row, or when they last this long: who publishes one at a
# time, ever more slowly, would wait minutes for the twentieth.
NACKS_BEFORE_NEW_CHANNEL = 20
NACKED_S = 1.0

# Of the 10 frames that aiormq queues for the socket. It drops its answer to a
# Channel.Close when they are all taken, and a new channel then never opens.
MAX_QUEUED_FRAMES = 8

SWEEPING_S = 2.0  # so long channels may take to close when all ends

log = structlog.get_logger()

Slot = Literal["shared", "alone"]


class Publisher:
    """Publishes under one login, many at once."""

    def __init__(self, link: Link, user: str) -> None:
        self._link = link
        self._user = user
        self._lanes: dict[Slot, _Lane] = {}
        self._retired: list[_Lane] = []
        slots: tuple[Slot, Slot] = ("shared", "alone")
        self._opening = {
            slot: Shared(partial(self._open, slot), name=f"open:{slot}")
            for slot in slots
        }
        self._sweeping = Shared(self._close_retired, name="close:retired")
        self._watching = Shared(self._watch, name="watch:alarm")
        self._quarantine = asyncio.Lock()
        self._turn = asyncio.Lock()

    async def publish(self, exchange: str, message: Message, timeout_s: float) -> None:
        """Return once confirmed; raises as `Bus.publish` does."""
        check_limits(message)
        until = asyncio.get_running_loop().time() + timeout_s
        if await self._attempt("shared", exchange, message, until):
            return
        # RabbitMQ answers a forged user id or a foreign key by closing the
        # channel, under all that is in flight there. Each is repeated alone,
        # so that the guilty one fails for good and takes nobody along.
        # Their first frame may have been taken before, so from here on no
        # failure can say that nothing was sent.
        try:
            async with asyncio.timeout_at(until), self._quarantine:
                if await self._attempt("alone", exchange, message, until):
                    return
        except (TimeoutError, BusUnavailableError) as exc:
            raise NotConfirmedError("its channel was closed under it") from exc
        raise NotConfirmedError("its channel was closed under it")

    async def aclose(self) -> None:
        """Open nothing any more; the channels end with their connection."""
        for each in (*self._opening.values(), self._watching):
            await each.cancel()
        # aiormq would send a second Channel.Close for one that is cancelled while it
        # closes, and RabbitMQ ends the connection for that (504).
        await self._sweeping.cancel(after_s=SWEEPING_S)

    async def _attempt(
        self, slot: Slot, exchange: str, message: Message, until: float
    ) -> bool:
        """Return True when confirmed, False when a refusal may be another's."""
        while True:
            lane = await self._reserve(slot, message.message_id, until)
            try:
                return await lane.publish(exchange, message, self._user, until)
            except _NotSentError:
                continue
            finally:
                lane.release(message.message_id)

    async def _reserve(self, slot: Slot, message_id: str, until: float) -> "_Lane":
        """Return a working channel on which *message_id* is ours alone.

        Two unroutable publishes with one message id in flight: aiormq reports
        the first as confirmed, though it was returned (aio-pika issue 689).
        """
        late = "the broker takes nothing at present"
        try:
            async with asyncio.timeout_at(until):
                while True:
                    lane = await self._lane(slot)
                    # In an alarm a publish would be written and delivered
                    # later, though it timed out: rather write nothing.
                    await lane.low.connection.ready()
                    async with self._turn:
                        await lane.room()
                    earlier = lane.in_flight.get(message_id)
                    if lane.is_usable and earlier is None:
                        lane.reserve(message_id)
                        return lane
                    if earlier is not None:
                        late = "the same message id is still in flight"
                        await asyncio.wait([earlier])
        except (TimeoutError, BusUnavailableError) as exc:
            if self._is_blocked():
                raise blocked(self._link.place) from exc
            if isinstance(exc, BusUnavailableError):
                raise
            raise BusUnavailableError(late) from exc

    def _is_blocked(self) -> bool:
        # Retired ones, too: on a blocked connection no other channel opens.
        return any(
            is_blocked(lane.low.connection)
            for lane in (*self._lanes.values(), *self._retired)
            if not lane.low.connection.is_closed
        )

    async def _lane(self, slot: Slot) -> "_Lane":
        while (lane := self._lanes.get(slot)) is None or not lane.is_usable:
            await self._opening[slot].run()
        return lane

    async def _open(self, slot: Slot) -> None:
        """Open a new channel; re-opening one races (aio-pika issue 449)."""
        if lane := self._lanes.pop(slot, None):
            self._retired.append(lane)
            await lane.closed()
        self._lanes[slot] = _Lane(*await self._link.channel(confirms=True))
        self._sweeping.start()
        self._watching.start()

    async def _watch(self) -> None:
        """See the broker's alarms, as long as the connection lasts."""
        while in_use := [
            lane.low.connection
            for lane in self._lanes.values()
            if not lane.low.connection.is_closed
        ]:
            await watch(in_use[0], self._link.place)

    async def _close_retired(self) -> None:
        # Those with messages in flight may still hear of them.
        for lane in [each for each in self._retired if not each.in_flight]:
            await lane.channel.close()
            self._retired.remove(lane)


class _NotSentError(BusError):
    """The channel closed before the frame was written: take another one."""


class _Lane:
    """One publishing channel and what is in flight on it.

    Attributes:
        in_flight: Message id to a future that ends with the attempt.
    """

    def __init__(self, channel: AbstractChannel, low: LowChannel) -> None:
        self.channel = channel
        self.low = low
        self.in_flight: dict[str, asyncio.Future[None]] = {}
        self._retired = False
        self._nacks = 0
        self._nacked_at = 0.0
        self._blamed: int | None = None

    @property
    def is_usable(self) -> bool:
        return not self._retired and self._is_open

    @property
    def _is_open(self) -> bool:
        # The connection forgets a channel as soon as its Close is read. Frames
        # that aiormq writes from then until the channel notices would follow
        # its CloseOk, and RabbitMQ ends the whole connection for that (504).
        low = self.low
        return not low.is_closed and low.connection.channels.get(low.number) is low

    async def room(self) -> None:
        """Return when a publish would be written at once, without waiting."""
        queued = self.low.write_queue.qsize
        while self._is_open and queued() >= MAX_QUEUED_FRAMES:  # noqa: ASYNC110 no event
            # Its writer never waits for the socket here: one round empties it.
            await asyncio.sleep(0)

    async def closed(self) -> None:
        """Return when the broker's Close is answered; at once without one."""
        if not self._is_open:
            # Until then a new channel could be given the same number.
            await asyncio.wait([self.low.closing])

    def reserve(self, message_id: str) -> None:
        self.in_flight[message_id] = asyncio.get_running_loop().create_future()

    def release(self, message_id: str) -> None:
        self.in_flight.pop(message_id).set_result(None)

    async def publish(
        self, exchange: str, message: Message, user: str, until: float
    ) -> bool:
        """Return True when confirmed, False when a refusal may be another's."""
        lost = NotConfirmedError("the connection was lost before the confirm")
        try:
            with translated(lambda: self.low.is_closed, lost):
                await self._send(exchange, message, user, until)
        except BusRefusedError:
            if self._is_ours_to_blame():
                raise
            return False
        except (TimeoutError, asyncio.CancelledError) as exc:
            # The frame may be written: its confirm can still come, and its id
            # counts as in flight here. A repetition needs another channel.
            self._retired = True
            if not isinstance(exc, TimeoutError):
                raise
            if is_blocked(self.low.connection):
                raise BlockedUnsureError("no confirm: the broker has an alarm") from exc
            raise NotConfirmedError("no confirm in time") from exc
        self._nacks = 0
        return True

    async def _send(
        self, exchange: str, message: Message, user: str, until: float
    ) -> None:
        loop = asyncio.get_running_loop()
        try:
            await self.low.basic_publish(
                message.body,
                exchange=exchange,
                routing_key=message.routing_key,
                properties=_properties(message, user),
                mandatory=True,
                timeout=max(until - loop.time(), 0),
                wait=False,  # not for the socket: the confirm says more
            )
        except PublishError as exc:
            raise UnroutableError(f"no queue takes it from {exchange}") from exc
        except ChannelInvalidStateError as exc:  # closed before anything was written
            raise _NotSentError from exc
        except DeliveryError as exc:
            self._count_nack(exchange, loop.time())
            raise NotTakenError("the broker did not take it (nack)") from exc

    def _count_nack(self, exchange: str, now: float) -> None:
        if not self._nacks:
            self._nacked_at = now
        self._nacks += 1
        are_many = self._nacks >= NACKS_BEFORE_NEW_CHANNEL
        if (are_many or now - self._nacked_at >= NACKED_S) and not self._retired:
            log.warning("bus.channel_replaced", exchange=exchange, reason="nacks")
            self._retired = True

    def _is_ours_to_blame(self) -> bool:
        # The first of those whose publish failed sees how many there were. A
        # retired channel has lost sight of some: then it is nobody's fault.
        if self._blamed is None:
            self._blamed = 0 if self._retired else len(self.in_flight)
        return self._blamed == 1


def _properties(message: Message, user: str) -> Basic.Properties:
    return Basic.Properties(
        content_type=message.content_type,
        content_encoding=message.content_encoding or None,
        delivery_mode=2,  # AMQP 0-9-1: persistent
        message_id=message.message_id,
        # The broker checks it only where it is present; readers rely on it.
        user_id=message.user_id or user,
        headers={
            name: value
            for name, value in message.headers.items()
            if not name.startswith("x-")
        },
    )
