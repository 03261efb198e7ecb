"""Messages as they come, in batches. Edge."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

from broker.bus import Received
from broker.waiting import first_of

# After a message, wait this long for more before the batch is decided: far below
# what a reader notices, long enough for a burst to fill a batch.
_GATHER_S: Final = 0.01


async def batches(
    messages: AsyncIterator[Received], size: int, *ends: asyncio.Event
) -> AsyncGenerator[list[Received], None]:
    """Gather messages until *size* or a short pause; end when any of *ends* is set."""
    pending: asyncio.Task[Received] | None = None
    stopping = asyncio.create_task(first_of(*ends), name="batches:stop")
    batch: list[Received] = []
    try:
        while True:
            if pending is None:
                pending = asyncio.ensure_future(anext(messages))
            wait_s = _GATHER_S if batch else None
            await asyncio.wait(
                {pending, stopping}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED
            )
            if pending.done():
                batch.append(pending.result())
                pending = None
                if len(batch) < size and not stopping.done():
                    continue
            if batch:
                yield batch
                batch = []
            if stopping.done():
                return
    finally:
        for task in (pending, stopping):
            if task is not None:
                task.cancel()
        await asyncio.gather(
            *(t for t in (pending, stopping) if t is not None), return_exceptions=True
        )
