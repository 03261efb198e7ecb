"""Several processes of one adapter: starts them, starts them again, ends them. Edge.

The parent decides nothing and touches neither broker nor database. It has a pipe to
each worker that says nothing: when the parent dies, however, the pipe ends, and the
workers finish what they have in hand and end, too.
"""

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import structlog

from adapters.worker_status import answers
from broker.backoff import delays
from broker.waiting import first_of

_log: Any = structlog.get_logger(__name__)
USAGE: Final = 2  # as in adapters.cli.main: starting it again will not mend it
# A worker cuts itself off before (`adapters.app.DRAIN_S`); the unit in deploy waits 60.
KILL_S: Final = 50.0
LOOK_S: Final = 5.0  # between looks whether workers answer, and for each of them
MISSED: Final = 4  # looks in a row; then it hangs
START_S: Final = 300.0  # until it first answers: a model of names takes time to load
_GONE_S: Final = 10.0  # a process that was killed takes no time, unless its disk hangs
_STEADY_S: Final = 60.0  # who has lived so long, begins anew with short pauses
_MAX_SOCKET: Final = 90  # of the 107 bytes of a Unix socket's path

Command = Callable[[int, Path], Sequence[str]]


class Worker:
    """One of the workers, whichever process it is just now.

    Attributes:
        number: From 1.
        socket: Where it answers.
        has_begun: Whether it has ever answered, in any of its lives.
    """

    def __init__(self, number: int, socket: Path) -> None:
        self.number = number
        self.socket = socket
        self.has_begun = False
        self._process: asyncio.subprocess.Process | None = None
        self._answered = False
        self._missed = 0
        self._since = 0.0

    async def live(self, command: Command, stop: asyncio.Event, kill_s: float) -> int:
        """Start it, and return how it ended; once *stop* is set, end it.

        Returns:
            The exit code, or a signal's number below 0.
        """
        self.socket.unlink(missing_ok=True)
        self._answered, self._missed, self._since = False, 0, time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *command(self.number, self.socket), stdin=asyncio.subprocess.PIPE
        )
        self._process = process
        ended = asyncio.create_task(process.wait(), name=f"ended:{self.number}")
        stopping = asyncio.create_task(stop.wait(), name=f"stopping:{self.number}")
        try:
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                await self._end(ended, kill_s)
            await asyncio.wait({ended})
            return ended.result()
        finally:
            stopping.cancel()
            self.kill()  # only if something broke here, or a sibling failed
            # Its socket's folder goes next: not under a process that still runs.
            await asyncio.wait({ended, stopping}, timeout=_GONE_S)
            ended.cancel()
            self._process = None

    async def _end(self, ended: "asyncio.Task[int]", kill_s: float) -> None:
        """Let it drain, for a while."""
        self._send(signal.SIGTERM)
        await asyncio.wait({ended}, timeout=kill_s)
        if not ended.done():
            _log.error("worker.killed", worker=self.number, after_s=kill_s)
            self.kill()

    async def look(self) -> None:
        """Kill it if it has not answered for long; its process is started again."""
        if self._process is None:
            return
        if await answers(self.socket, timeout_s=LOOK_S):
            self._answered = self.has_begun = True
            self._missed = 0
            return
        self._missed += 1
        # Looks are counted, not seconds: those of a machine that slept are none.
        hangs = (
            self._missed >= MISSED
            if self._answered
            else time.monotonic() - self._since > START_S
        )
        if hangs:
            _log.error("worker.hangs", worker=self.number)
            self.kill()

    def kill(self) -> None:
        """End it at once; what it had in hand is another's then."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


async def supervise(
    workers: Sequence[Worker],
    command: Command,
    *,
    stop: asyncio.Event,
    kill_s: float = KILL_S,
    look_s: float = LOOK_S,
) -> int:
    """Keep *workers* running until *stop* is set, then let them finish.

    A worker that ends is started again, after 0.1 to 30 seconds.

    Args:
        command: What to run for a worker's number, so that it answers at a socket.
        stop: Set, too, when this returns by itself.
        kill_s: So long a worker may take to end.

    Returns:
        The exit code: 0, or 2 if a worker ended with it before any had begun:
        its configuration is wrong, and it has said so.
    """
    supervisor = _Supervisor(workers, command, stop, kill_s)
    async with asyncio.TaskGroup() as tasks:
        for each in workers:
            tasks.create_task(supervisor.keep(each), name=f"worker:{each.number}")
        tasks.create_task(_look(workers, stop, look_s), name="worker:looks")
    return supervisor.code


class _Supervisor:
    def __init__(
        self,
        workers: Sequence[Worker],
        command: Command,
        stop: asyncio.Event,
        kill_s: float,
    ) -> None:
        self.code = 0
        self._workers = workers
        self._command = command
        self._stop = stop
        self._kill_s = kill_s

    async def keep(self, worker: Worker) -> None:
        """Keep one worker running."""
        stop, pauses = self._stop, delays(random.random)
        while not stop.is_set():
            begun = time.monotonic()
            code = await worker.live(self._command, stop, self._kill_s)
            if stop.is_set():
                return
            if code == USAGE and not any(each.has_begun for each in self._workers):
                self.code = code
                stop.set()
                return
            if time.monotonic() - begun > _STEADY_S:
                pauses = delays(random.random)
            pause_s = next(pauses)
            _log.error(
                "worker.ended",
                worker=worker.number,
                code=code,
                retry_s=round(pause_s, 1),
            )
            await first_of(stop, timeout_s=pause_s)
            if not stop.is_set():
                _log.warning("worker.restarted", worker=worker.number)


async def _look(workers: Sequence[Worker], stop: asyncio.Event, look_s: float) -> None:
    while not stop.is_set():
        await asyncio.gather(*(each.look() for each in workers))
        await first_of(stop, timeout_s=look_s)


@contextmanager
def open_workers(count: int) -> Iterator[tuple[Worker, ...]]:
    """Make *count* workers, which do not run yet, with a folder for their sockets."""
    with tempfile.TemporaryDirectory(prefix="tocsin-") as name:
        if len(os.fsencode(name)) <= _MAX_SOCKET:
            yield _in(Path(name), count)
            return
    with tempfile.TemporaryDirectory(prefix="tocsin-", dir="/tmp") as name:
        yield _in(Path(name), count)


def _in(folder: Path, count: int) -> tuple[Worker, ...]:
    return tuple(Worker(n, folder / f"{n}.sock") for n in range(1, count + 1))


@asynccontextmanager
async def lifeline(stop: asyncio.Event) -> AsyncIterator[None]:
    """Set *stop* when standard input, the pipe to the parent, ends."""
    loop, pipe = asyncio.get_running_loop(), sys.stdin.fileno()

    def read() -> None:
        if not os.read(pipe, 1024):
            loop.remove_reader(pipe)
            stop.set()

    loop.add_reader(pipe, read)
    try:
        yield
    finally:
        loop.remove_reader(pipe)
