"""The directory that holds now, for processes that run for long. Edge.

A refresh runs in a thread and swaps one immutable snapshot; whoever decides takes
what is there at the beginning of a batch. Once the snapshot has expired nothing is
decided: messages wait in their queues until a refresh succeeds.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, TypeVar

import structlog

from broker.directory import Directory
from broker.directory_alarms import alarms
from broker.directory_client import DirectoryClient, Loaded
from broker.errors import ConfigError, DirectoryUnavailableError
from broker.waiting import first_of
from schemas.errors import RefusedError

Standing = Literal["in", "waits", "out"]

_log: Any = structlog.get_logger(__name__)
_T = TypeVar("_T")
_LEAST_S: Final = 1.0
Prepare = Callable[[Directory], object]


def _nothing(_directory: Directory) -> None:
    """Prepare nothing."""


class Held:
    """The snapshot that holds now.

    Attributes:
        current: What is decided on.
        shut: Set while nothing may be: it has expired, or the gate is suspended,
            without whose stamps every record would be refused.
        news: Set, and replaced, when either changed.
        policy: Id of the one by which is decided; "" of what the directory says
            nothing of. Without it nothing may be.
    """

    def __init__(self, directory: Directory, policy: str = "") -> None:
        self.current = directory
        self.policy = policy
        self.shut = asyncio.Event()
        self.news = asyncio.Event()

    @staticmethod
    def of(directory: "Directory | Held") -> "Held":
        """Hold a directory that never changes."""
        return directory if isinstance(directory, Held) else Held(directory)

    def put(self, directory: Directory, now: float) -> None:
        """Decide on *directory* from the next batch on."""
        if directory is self.current:
            self.look(now)
            return
        self.current = directory
        self._judge(now)
        self._tell()

    def look(self, now: float) -> None:
        """See whether time has made it expire."""
        before = self.shut.is_set()
        self._judge(now)
        if self.shut.is_set() != before:
            self._tell()

    def _judge(self, now: float) -> None:
        if self.is_open(now):
            self.shut.clear()
        else:
            self.shut.set()

    def _tell(self) -> None:
        told, self.news = self.news, asyncio.Event()
        told.set()

    def is_open(self, now: float) -> bool:
        """Tell whether it may be decided on at *now*, whether or not anybody looked."""
        return not self.why_shut(now)

    def why_shut(self, now: float) -> str:
        """Give the reason, or "" while it is open."""
        if now >= self.current.expires:
            return "directory-expired"
        if self.policy and self.policy not in self.current.policies:
            return "policy-withdrawn"
        if self.current.runs("gate") and not self.current.stands("gate", now):
            return "member-suspended"
        return ""

    def standing(self, org: str, now: float) -> Standing:
        """Say whether a member may be given something now, later perhaps, or not."""
        if not self.is_open(now):
            return "waits"
        if org not in self.current.members:
            return "out"
        return "in" if self.current.may_receive(org, now) else "waits"

    async def opened(self, stop: asyncio.Event) -> None:
        """Wait while it is shut, until *stop* is set."""
        while self.shut.is_set() and not stop.is_set():
            await first_of(self.news, stop)


@asynccontextmanager
async def followed(
    loaded: Loaded,
    client: DirectoryClient | None,
    *,
    clock: Callable[[], float],
    stop: asyncio.Event,
    policy: str = "",
    prepare: Prepare = _nothing,
) -> AsyncIterator[Held]:
    """Hold what was loaded, and refresh it until the end of the block.

    Args:
        client: None of a plain folder, which is read once.
        policy: As `Held.policy`.
        prepare: Called in the thread, before a new directory is decided on.
    """
    held = Held(loaded.directory, policy)
    if client is None:
        yield held
        return
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(
            follow(held, loaded, client, clock=clock, stop=stop, prepare=prepare),
            name="directory",
        )
        yield held
        following.cancel()


async def follow(
    held: Held,
    loaded: Loaded,
    client: DirectoryClient,
    *,
    clock: Callable[[], float],
    stop: asyncio.Event,
    prepare: Prepare = _nothing,
) -> None:
    """Refresh again and again until *stop* is set; tell what people must know."""
    every_s = client.remote.refresh_minutes * 60
    while not stop.is_set():
        held.look(clock())
        _tell(loaded, clock())
        # In time to say that it has expired, too.
        left = loaded.directory.expires - clock()
        pause = min(every_s, max(left, _LEAST_S)) if left > 0 else every_s
        await first_of(stop, timeout_s=pause)
        if not stop.is_set():
            loaded = await _refreshed(held, loaded, client, clock, prepare)


async def _refreshed(
    held: Held,
    loaded: Loaded,
    client: DirectoryClient,
    clock: Callable[[], float],
    prepare: Prepare,
) -> Loaded:
    def refresh() -> Loaded:
        found = client.refresh()
        prepare(found.directory)
        return found

    try:
        found = await _in_thread(refresh)
    except (RefusedError, DirectoryUnavailableError, ConfigError) as error:
        reason = error.reason if isinstance(error, RefusedError) else str(error)
        _log.warning("directory.not_refreshed", reason=reason)
        return loaded
    if found.version != loaded.version:
        members = len(found.directory.members)
        _log.info("directory.changed", version=found.version, members=members)
    held.put(found.directory, clock())
    return found


def _tell(loaded: Loaded, now: float) -> None:
    for alarm in alarms(loaded.freshness, now):
        log = getattr(_log, alarm.level)
        facts = {"role": alarm.role, "reason": alarm.reason}
        said = {name: value for name, value in facts.items() if value}
        log(alarm.event, days_left=alarm.days_left, **said)


async def _in_thread(call: Callable[[], _T]) -> _T:
    """Call it in a thread that the process need not wait for when it ends.

    A server that does not answer would hold up the end of one of asyncio's own.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def work() -> None:
        result, failure = None, None
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001  it is raised over there
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=work, daemon=True, name="directory").start()
    return await future
