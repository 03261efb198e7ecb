"""When RabbitMQ takes nothing more: its alarms of memory and of disk. Edge.

It tells only who publishes, by Connection.Blocked, a frame of its own beside AMQP's,
and no library of ours hands that on (aio-pika issue 506); so we look.
"""

import asyncio
import time
from typing import Any, Final

import structlog
from aiormq.abc import AbstractConnection

from broker.errors import BlockedError

log: Any = structlog.get_logger(__name__)
LOOK_S: Final = 1.0


def is_blocked(connection: AbstractConnection) -> bool:
    """Tell whether the broker has said that it takes nothing on *connection*.

    It says so after the first frame of a publish, not before.
    """
    # Nothing else of aiormq's tells: what would have to be waited for is blocked.
    waiting = connection.ready()
    try:
        waiting.send(None)
    except StopIteration:
        return False
    waiting.close()
    return True


def blocked(place: str) -> BlockedError:
    """Make the error of who cannot wait for an alarm to end."""
    return BlockedError(
        f"{place} takes nothing just now: its alarm of memory or disk; make room there"
    )


async def watch(connection: AbstractConnection, place: str) -> None:
    """Log when the broker takes nothing more on *connection*, and when it does again.

    Returns when the connection has ended.

    Args:
        place: Host and port, for the log.
    """
    while not connection.is_closed:
        if is_blocked(connection):
            await _wait(connection, place)
        await asyncio.sleep(LOOK_S)


async def _wait(connection: AbstractConnection, place: str) -> None:
    began = time.monotonic()
    log.error("bus.blocked", place=place, alarm="memory or disk of the broker")
    while not connection.is_closed and is_blocked(connection):  # noqa: ASYNC110  no event
        await asyncio.sleep(LOOK_S)
    after_s = round(time.monotonic() - began, 1)
    log.warning("bus.unblocked", place=place, after_s=after_s)
