"""The gate's archive forgets, by itself, what has been kept for long enough. Edge."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import structlog

from broker.archive import Archive
from broker.directory_held import Held
from broker.gate_disk import StoppedError, on_disk
from broker.retention import DAY_S, Retention, ended
from broker.waiting import first_of

EVERY_S: Final = 3600.0
_AT_ONCE: Final = 50  # records: so long nobody else writes into the archive

log: Any = structlog.get_logger()


async def retain(
    archive: Archive,
    held: Held,
    retention: Retention,
    *,
    clock: Callable[[], float],
    stop: asyncio.Event,
) -> None:
    """Destroy, every hour until *stop* is set, the keys whose time is over."""
    while not stop.is_set():
        with suppress(StoppedError):
            await retain_once(archive, held, retention, now=clock(), stop=stop)
        await first_of(stop, timeout_s=EVERY_S)


async def retain_once(
    archive: Archive,
    held: Held,
    retention: Retention,
    *,
    now: float,
    stop: asyncio.Event,
) -> None:
    """Destroy the keys whose time is over.

    Raises:
        StoppedError: Told to stop while the disk takes nothing.
    """
    before = now - retention.least * DAY_S
    found = await on_disk(partial(archive.aged, before), stop=stop, issuer="")
    count, over = 0, [*ended(found, retention, held.current, now=now)]
    for start in range(0, len(over), _AT_ONCE):
        some = over[start : start + _AT_ONCE]
        erase = partial(
            archive.erase,
            some,
            at=int(now),
            reason="retention",
            before=before,  # a version may come just now
        )
        count += len(await on_disk(erase, stop=stop, issuer=""))
    if count:
        log.info("archive.retention_ended", records=count)
