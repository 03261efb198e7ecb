"""A disk that is full or broken is waited for, as a broker is that is away. Edge."""

import asyncio
import random
from collections.abc import Callable
from typing import Any, TypeVar

import structlog

from broker.backoff import delays
from broker.errors import ConfigError
from broker.waiting import first_of

log: Any = structlog.get_logger()

_T = TypeVar("_T")


class StoppedError(Exception):
    """Told to stop while the disk takes nothing: what was to be written is given up."""


async def on_disk(step: Callable[[], _T], *, stop: asyncio.Event, issuer: str) -> _T:
    """Do *step* in a thread until the disk takes it; repeating it must be harmless.

    Raises:
        StoppedError: It failed, and *stop* is set.
    """
    pauses, failed = delays(random.random), False
    while True:
        try:
            done = await asyncio.to_thread(step)
        except ConfigError as error:
            pause, failed = next(pauses), True
            log.error(
                "gate.storage_unavailable",
                issuer=issuer,
                error=str(error),  # the path and SQLite's name of the fault
                retry_s=round(pause, 1),
            )
        else:
            if failed:
                log.info("gate.storage_back", issuer=issuer)
            return done
        await first_of(stop, timeout_s=pause)
        if stop.is_set():
            raise StoppedError
