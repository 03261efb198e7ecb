"""Says in the log, at start and daily, which keys will soon sign no more. Edge."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog

from broker.directory import Directory
from broker.key_dates import KeyStatus, status_of, statuses
from broker.waiting import first_of

_log: Any = structlog.get_logger(__name__)
_EVERY_S: Final = 86_400.0
_EVENTS: Final = {
    "ends-soon": "key.ends_soon",
    "ended": "key.ended",
    "revoked": "key.revoked",
    "not-yet": "key.not_yet",
    "suspended": "key.suspended",
}


def tell(directory: Directory, own: str, now: float) -> None:
    """Warn of the own key, and of those whose owners have no next one.

    Args:
        own: Name of the key that this process signs with.
        now: Epoch seconds.
    """
    mine = status_of(directory, own, now)
    if mine is None:
        _log.warning("key.unlisted", key=own)
    elif mine.state != "valid":
        _warn(mine, own=True)
    for each in statuses(directory, now):
        if each.kid != own and each.state == "ends-soon" and each.is_urgent:
            _warn(each, own=False)


async def watch(
    directory: Callable[[], Directory],
    own: str,
    *,
    clock: Callable[[], float],
    stop: asyncio.Event,
) -> None:
    """Tell at once and then daily, until *stop* is set.

    Args:
        directory: Gives the newest snapshot.
    """
    while True:
        tell(directory(), own, clock())
        await first_of(stop, timeout_s=_EVERY_S)
        if stop.is_set():
            return


def _warn(status: KeyStatus, *, own: bool) -> None:
    _log.warning(
        _EVENTS[status.state],
        key=status.kid,
        own=own,
        uses=list(status.uses),
        days_left=status.days_left,
        not_after=status.not_after,
        **({} if status.reason is None else {"reason": status.reason}),
    )
