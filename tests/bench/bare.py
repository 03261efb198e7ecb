"""The anchors on RabbitMQ: aio-pika alone, moving the same bytes, nothing decided."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from broker.bus import TOKEN_CONTENT_TYPE
from tests.bench.rounds import Cost, timed


@asynccontextmanager
async def channel(url: str, *, prefetch: int = 0) -> AsyncIterator[AbstractChannel]:
    """Open a connection with one confirming channel."""
    connection = await aio_pika.connect(url)
    async with connection:
        opened = await connection.channel(publisher_confirms=True)
        if prefetch:
            await opened.set_qos(prefetch_count=prefetch)
        yield opened


def _message(body: bytes) -> aio_pika.Message:
    return aio_pika.Message(
        body,
        content_type=TOKEN_CONTENT_TYPE,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


async def publish(
    url: str, exchange: str, key: str, bodies: Sequence[bytes], *, window: int
) -> Cost:
    """Publish *bodies* persistent and confirmed, *window* in flight."""
    async with channel(url) as opened:
        target = await opened.get_exchange(exchange, ensure=False)
        with timed(len(bodies)) as cost:
            for start in range(0, len(bodies), window):
                batch = bodies[start : start + window]
                await asyncio.gather(
                    *(target.publish(_message(b), key, mandatory=True) for b in batch)
                )
    return cost


async def consume(
    url: str, queue: str, count: int, *, window: int, together: int
) -> Cost:
    """Take *count* messages, *window* unacknowledged, acknowledging *together*."""
    taken = 0
    done = asyncio.Event()

    async def take(message: AbstractIncomingMessage) -> None:
        nonlocal taken
        taken += 1
        if taken % together == 0 or taken == count:
            await message.ack(multiple=True)
        if taken == count:
            done.set()

    async with channel(url, prefetch=window) as opened:
        source = await opened.get_queue(queue, ensure=False)
        with timed(count) as cost:
            tag = await source.consume(take)
            await done.wait()
        await source.cancel(tag)
    return cost


async def relay(
    url: str, queue: str, exchange: str, key: str, count: int, *, window: int
) -> Cost:
    """Take messages and publish each again, confirmed, before acknowledging.

    What is there is taken together, at most *window*, published at once and
    acknowledged with one frame.
    """
    waiting: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    async with (
        channel(url, prefetch=window) as incoming,
        channel(url) as outgoing,
    ):
        source = await incoming.get_queue(queue, ensure=False)
        target = await outgoing.get_exchange(exchange, ensure=False)
        moved = 0
        with timed(count) as cost:
            tag = await source.consume(waiting.put)
            while moved < count:
                batch = [await waiting.get()]
                while not waiting.empty():
                    batch.append(waiting.get_nowait())
                await asyncio.gather(
                    *(
                        target.publish(_message(m.body), key, mandatory=True)
                        for m in batch
                    )
                )
                await batch[-1].ack(multiple=True)
                moved += len(batch)
        await source.cancel(tag)
    return cost
