"""From the archive into an adapter's queue, for one member, behind what is fresh. Edge."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Final

import msgspec

from adapters.gap_watch import replayed
from broker import carried
from broker.archive import Archive, Archived
from broker.bus import Bus, Message
from broker.dead_letters import KEY
from broker.errors import BusUnavailableError
from broker.replaying import Replay, expiry_of, for_member, why_left_out
from broker.topology import RETRY, adapter_queues, ingress_key

# Fresh records stand behind at most so many replayed ones in the queue, and those that
# the adapter has in hand.
MAX_AHEAD: Final = 50
_AT_ONCE: Final = 25
_LOOK_S: Final = 0.2
STUCK_S: Final = 60.0

Depth = Callable[[], Awaitable[int]]
"""Says how many messages wait in the adapter's queue."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which records.

    Attributes:
        since, until: When the gate first saw it, epoch seconds; the second not included.
        record: Id of the primary object, or token id.
    """

    since: float = 0
    until: float = float("inf")
    issuer: str | None = None
    record: str | None = None

    def means(self, archived: Archived) -> bool:
        """Tell whether *archived* is one of them."""
        return (
            self.since <= archived.first_seen < self.until
            and self.issuer in (None, archived.issuer)
            and self.record in (None, archived.sub, archived.token_id)
        )


def found_in(
    archive: Archive, wanted: Wanted, left_out: Counter[str], *, now: float
) -> Iterator[Archived]:
    """Iterate over what is to be replayed, in the order of the chain.

    Args:
        left_out: Counts the others, by the reasons of `replaying.LEFT_OUT`.
    """
    for archived in archive.since(wanted.since):
        if not wanted.means(archived):
            continue
        versions = archive.versions_of(archived.issuer, archived.sub)
        reason = why_left_out(
            next(each for each in versions if each.number == archived.number),
            versions,
            exp=expiry_of(carried.decode(archived.token).token),
            erased=archived.erased,
            now=now,
        )
        if reason:
            left_out[reason] += 1
        else:
            yield archived


def message_of(archived: Archived, replay: Replay, adapter: str) -> Message:
    """Make the message that the operator publishes on `tocsin.retry`."""
    queue, _ = adapter_queues(adapter)
    message = for_member(replayed(archived), replay, queue=queue)
    key = ingress_key(issuer=archived.issuer, kind=archived.kind, tlp=archived.tlp)
    return msgspec.structs.replace(message, headers={**message.headers, KEY: key})


async def send(
    bus: Bus,
    found: Iterator[Archived],
    depth: Depth,
    *,
    replay: Replay,
    adapter: str,
    stuck_s: float = STUCK_S,
) -> AsyncGenerator[Archived, None]:
    """Put *found* into the adapter's queue as fast as it empties; give each once confirmed.

    Broken off, it can be repeated: what the member has been given is not given twice.

    Raises:
        BusUnavailableError: No connection; the queue does not get shorter.
        BusError: As `Bus.publish`.
    """
    while some := await asyncio.to_thread(_first, found):
        await _room(depth, stuck_s)
        async with asyncio.TaskGroup() as tasks:
            for each in some:
                message = message_of(each, replay, adapter)
                tasks.create_task(bus.publish(RETRY, message), name="replay")
        for each in some:
            yield each


def _first(found: Iterator[Archived]) -> list[Archived]:
    return [each for _, each in zip(range(_AT_ONCE), found, strict=False)]


async def _room(depth: Depth, stuck_s: float) -> None:
    """Return once few enough messages wait."""
    least, moved_at = None, time.monotonic()
    while (waiting := await depth()) > MAX_AHEAD - _AT_ONCE:
        if least is None or waiting < least:
            least, moved_at = waiting, time.monotonic()
        if time.monotonic() - moved_at >= stuck_s:
            raise BusUnavailableError(
                f"{waiting} messages wait in the adapter's queue, and none was taken in "
                f"{stuck_s:.0f} s; see whether it runs"
            )
        await asyncio.sleep(_LOOK_S)
