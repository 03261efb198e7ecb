"""Raises an alarm about corrections and retractions that a member has not taken. Edge.

Whoever has acted on a record must hear that it was wrong: after a day it is time for
the operator to call (`tocsin deliveries list --overdue 24`).
"""

import asyncio
from contextlib import suppress
from typing import Any, Final

import structlog

from adapters.errors import OutboxUnavailableError
from adapters.outbox import OVERDUE_S, Outbox
from adapters.patience import StoppedError, pause

LOOK_S: Final = 3600.0

_log: Any = structlog.get_logger(__name__)


async def chase(outbox: Outbox, stop: asyncio.Event, *, look_s: float = LOOK_S) -> None:
    """Look every hour until *stop* is set; one alarm for each member's system."""
    with suppress(StoppedError):
        while True:
            with suppress(OutboxUnavailableError):  # who sends and stores tells of it
                for each in await outbox.backlog():
                    if each.overdue:
                        _log.error(
                            "retraction.overdue",
                            member=each.member,
                            sink=each.sink,
                            count=each.overdue,
                            hours=round(OVERDUE_S / 3600),
                        )
            await pause(look_s, stop)
