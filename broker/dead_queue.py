"""Read the dead letters without taking them; take those that are chosen. Edge.

RabbitMQ has no way to look: messages are received, and come back when the reader leaves
without settling them. That counts as one delivery of each; the two queues allow a million
(`broker.topology`). What comes back stands behind what came back before (measured, 3.10):
the order stays as long as the same messages are read each time, so always as many.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Final

from broker.bus import Bus, Message, Received
from broker.dead_letters import Letter, letter_of, put_back, skipped
from broker.errors import UnroutableError

MAX_LETTERS: Final = 10_000  # looked at by one command, the oldest
MAX_BYTES: Final = 256 << 20  # of bodies in memory; above it, rather another order
IDLE_S: Final = 2.0  # a queue that gives nothing for so long is empty
_AHEAD: Final = 20  # bodies in memory beyond those that are passed over


async def listed(bus: Bus, source: str, *, idle_s: float = IDLE_S) -> list[Letter]:
    """Look at the oldest `MAX_LETTERS` of *source*.

    All are back in the queue on return, in their order.

    Raises:
        BusError: As `Bus.consume`.
    """
    async with _walk(bus, source, MAX_LETTERS, MAX_LETTERS, idle_s) as found:
        return [letter_of(each.message, source) async for each in found]


async def drop(
    bus: Bus,
    source: str,
    letters: Sequence[Letter],
    chosen: Sequence[Letter],
    *,
    idle_s: float = IDLE_S,
) -> int:
    """Take *chosen* out of *source* for good; say how many were still there.

    Args:
        letters: What `listed` gave; *chosen* are some of them.
    """

    async def let_go(_: Message) -> bool:
        return True

    return await _settled(bus, source, letters, chosen, act=let_go, idle_s=idle_s)


async def retry(
    bus: Bus,
    source: str,
    letters: Sequence[Letter],
    chosen: Sequence[Letter],
    *,
    idle_s: float = IDLE_S,
) -> int:
    """Put *chosen* back to where they were refused; say how many went.

    Each leaves *source* only once the broker has confirmed the other: what ends this
    half way can double a letter, and lose none. One that cannot go back stays. What is
    refused again meanwhile is not taken a second time.

    Raises:
        BusError: As `Bus.consume` and `Bus.publish`; those before it went.
    """

    async def send(message: Message) -> bool:
        back = put_back(message, source)
        if back is None:
            return False
        try:
            await bus.publish(*back)
        except UnroutableError:  # its queue is gone
            return False
        return True

    return await _settled(bus, source, letters, chosen, act=send, idle_s=idle_s)


async def _settled(
    bus: Bus,
    source: str,
    letters: Sequence[Letter],
    chosen: Sequence[Letter],
    *,
    act: Callable[[Message], Awaitable[bool]],
    idle_s: float,
) -> int:
    """Do *act* on each of *chosen*, and acknowledge those for which it says so."""
    left, done = Counter(chosen), 0
    if not left:
        return 0
    ahead = MAX_LETTERS
    if sum(each.size for each in letters) > MAX_BYTES:
        ahead = min(skipped(letters, chosen) + _AHEAD, MAX_LETTERS)
    async with _walk(bus, source, len(letters), ahead, idle_s) as found:
        async for received in found:
            letter = letter_of(received.message, source)
            if left[letter] <= 0:
                continue
            left[letter] -= 1
            if await act(received.message):
                await received.ack()
                done += 1
    return done


@asynccontextmanager
async def _walk(
    bus: Bus, source: str, limit: int, ahead: int, idle_s: float
) -> AsyncIterator[AsyncIterator[Received]]:
    """Give the oldest *limit* letters, with *ahead* of them unsettled at most."""

    async def until_idle(
        messages: AsyncIterator[Received],
    ) -> AsyncGenerator[Received, None]:
        for _ in range(limit):
            try:
                async with asyncio.timeout(idle_s):
                    received = await anext(messages)
            except (TimeoutError, StopAsyncIteration):
                return
            yield received

    async with (
        bus.consume(source, prefetch=ahead) as messages,
        aclosing(until_idle(messages)) as found,
    ):
        yield found
