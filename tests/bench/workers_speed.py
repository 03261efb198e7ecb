"""Whole processes of an adapter on a queue that is full: one and two, short and long.

Each worker is a process of its own (`one_worker`), started and warm before the clock
runs; RabbitMQ and PostgreSQL run on the same cores.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import msgspec

from broker import topology
from broker.bus import Message
from broker.signers import load_signer
from tests.bench.adapter_speed import stamped
from tests.bench.installation import (
    ADAPTER,
    RECORDS_KEY,
    bus_of,
    fill,
    messages,
    purge,
    signer_of,
    tokens,
)
from tests.bench.material import sample, small
from tests.bench.rounds import Cost, Report, Row, clock_and_processor
from tests.support.hub import Hub
from tests.support.postgresql_node import PostgreSQLServer, open_postgresql_server

ROOT = Path(__file__).parents[2]
DEFAULT_RECORDS = 10_000
_BOUND_BYTES = 200 << 20


@dataclass
class Found:
    """What draining a queue took.

    Attributes:
        peak_bytes: Of the largest process.
        course: Of the first worker: deliveries stored so far, seconds by the clock, and
            of its processor time.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: float
    course: list[tuple[int, float, float]]

    def between(self, first: float, last: float) -> Cost:
        """Give what a delivery cost while these parts of all were stored."""
        whole = self.course[-1][0]
        begin, end = (
            next(each for each in self.course if each[0] >= part * whole)
            for part in (first, last)
        )
        count, wall_s, cpu_s = (b - a for a, b in zip(begin, end, strict=True))
        return Cost(wall_s / count, cpu_s / count)


async def workers(hub: Hub, *, quick: bool) -> Report:
    """Two workers against one, on PostgreSQL."""
    count, rounds = (40, 1) if quick else (1500, 3)
    batch = _batch(hub, sample(), count)
    found: dict[int, list[Cost]] = {1: [], 2: []}
    with open_postgresql_server(os.environ) as server:
        for _ in range(rounds):
            for number, costs in found.items():
                drained = await _on_postgresql(hub, server, batch, number)
                cost = Cost(drained.wall_s / count, drained.cpu_s / count)
                costs.append(cost)
    rows = clock_and_processor(
        "two workers", "one worker", tuple(found[2]), tuple(found[1]), note="records"
    )
    return Report(
        "workers: several processes of one adapter",
        f"{count} records of 29 objects wait for three members, outbox in PostgreSQL, "
        "one file of gaps, sinks that take everything at once; until every delivery is "
        "taken. The goal: at least 1.3 times the rate (0.77 times the time), and "
        "processor time of the workers within 10 %.",
        rows,
    )


async def backlog(hub: Hub, *, quick: bool, records: int = DEFAULT_RECORDS) -> Report:
    """A long queue against a short one, on SQLite: rate and memory."""
    count = 200 if quick else records
    part = max(count // 20, 20)
    batch = _batch(hub, small(sample()), count)
    short = await _on_sqlite(hub, batch[:part])
    long = await _on_sqlite(hub, batch)
    name = f"{count:,} records wait"
    taking = clock_and_processor(
        f"{name}: taking in the last tenth",
        "the second tenth",
        (long.between(0.9, 1),),
        (long.between(0.1, 0.2),),
        note="deliveries",
    )
    whole = clock_and_processor(
        f"{name}: until the last is sent",
        f"{part:,} records",
        (Cost(long.wall_s / count, long.cpu_s / count),),
        (Cost(short.wall_s / part, short.cpu_s / part),),
        note="records",
    )
    memory = Row(
        f"{name}: memory at its peak",
        f"{part:,} records",
        (long.peak_bytes,),
        (short.peak_bytes,),
        "bytes",
        f"goal: under {_BOUND_BYTES >> 20} MiB",
    )
    return Report(
        "backlog: one process of an adapter and a long queue",
        "Records of 6 objects for three members, outbox in SQLite, sinks that take "
        "everything at once; until every delivery is taken.",
        (*taking, *whole, memory),
    )


def _batch(hub: Hub, bundle: bytes, count: int) -> list[Message]:
    made = messages(tokens(bundle, signer_of(hub), count), RECORDS_KEY, topology.GATE)
    return stamped(made, load_signer("hub", hub.folder / "hub.key"))


async def _on_postgresql(
    hub: Hub, server: PostgreSQLServer, batch: Sequence[Message], number: int
) -> Found:
    url = await server.fresh()
    try:
        return await _drain(hub, batch, number, url)
    finally:
        await server.drop(url)


async def _on_sqlite(hub: Hub, batch: Sequence[Message]) -> Found:
    with tempfile.TemporaryDirectory() as folder:
        return await _drain(hub, batch, 1, f"{folder}/outbox.sqlite")


async def _drain(hub: Hub, batch: Sequence[Message], number: int, outbox: str) -> Found:
    """Fill the queue, and let *number* workers empty it."""
    with tempfile.TemporaryDirectory() as folder:
        words = (
            *(str(hub.folder / "adapter.toml"), hub.password("adapter-main")),
            *(outbox, f"{folder}/gaps.sqlite"),
        )
        running = [_Worker(words) for _ in range(number)]
        try:
            for each in running:
                await each.start()
            async with bus_of(hub, "gate") as gate:
                await fill(gate, topology.RECORDS, batch)
            begun = perf_counter()
            wanted = len(batch) * len(hub.parties)
            wall = await _until_taken(running, wanted) - begun
            said = [await each.end() for each in running]
        finally:
            for each in running:
                await each.kill()
            purge(hub, ADAPTER)
    return Found(
        wall,
        sum(each["cpu_s"] for each in said),
        max(each["peak_bytes"] for each in said),
        running[0].course,
    )


async def _until_taken(running: Sequence["_Worker"], wanted: int) -> float:
    """Let all begin; return when they have taken *wanted* deliveries, and the time."""
    enough = asyncio.Event()

    def look() -> None:
        if sum(each.taken for each in running) >= wanted:
            enough.set()

    async with asyncio.TaskGroup() as tasks:
        for each in running:
            tasks.create_task(each.work(look, enough))
        await enough.wait()
        return perf_counter()


class _Worker:
    """A process of `one_worker`."""

    def __init__(self, words: Sequence[str]) -> None:
        self.taken = 0
        self.course: list[tuple[int, float, float]] = []
        self._words = words
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Return when it is ready to begin."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "tests.bench.one_worker"),
            *self._words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert await self._line() == b"ready\n"

    async def work(self, look: Callable[[], None], enough: asyncio.Event) -> None:
        """Let it begin, and read what it says until there is enough."""
        self._tell()
        ending = asyncio.ensure_future(enough.wait())
        while not enough.is_set():
            line = asyncio.ensure_future(self._line())
            await asyncio.wait({line, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not line.done():
                line.cancel()
                await asyncio.wait({line})
                return
            taken, stored, cpu_s = line.result().split()
            self.taken = int(taken)
            self.course.append((int(stored), perf_counter(), float(cpu_s)))
            look()

    async def end(self) -> dict[str, float]:
        """Let it end; what that took."""
        self._tell()
        while not (line := await self._line()).startswith(b"{"):
            pass
        return dict(msgspec.json.decode(line))

    async def kill(self) -> None:
        """Leave nothing behind."""
        if self._process is not None:
            if self._process.returncode is None:
                self._process.kill()
            await self._process.wait()

    def _tell(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")

    async def _line(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        return await self._process.stdout.readline()
