"""Figures side by side: each side once a round, A B A B; ratios within a round.

The machine's load changes while we measure, and hits both sides of a round alike. So
only the ratio within a round means anything; of several rounds the median is given,
with the least and the largest.
"""

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

Unit = Literal["time", "rate", "bytes"]
CALL_S = 0.05  # of processor time for one figure of a function
SIDE_S = 90  # no side of a round may take longer


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        ours: What one item costs (seconds, bytes), by round.
        anchors: The same of the anchor.
    """

    what: str
    anchor: str
    ours: tuple[float, ...]
    anchors: tuple[float, ...]
    unit: Unit = "time"
    note: str = ""

    @property
    def ratios(self) -> tuple[float, ...]:
        """How many times the anchor's cost is ours, by round."""
        return tuple(a / b for a, b in zip(self.ours, self.anchors, strict=True))


@dataclass(frozen=True)
class Report:
    """What a section found.

    Attributes:
        method: Sentences on what is measured against what.
        text: Lines to print below the table.
    """

    title: str
    method: str
    rows: tuple[Row, ...] = ()
    text: tuple[str, ...] = ()


@dataclass
class Cost:
    """What one item costs: seconds by the clock, and of our processor time."""

    wall_s: float = 0
    cpu_s: float = 0


@contextmanager
def timed(items: int) -> Iterator[Cost]:
    """Give a `Cost` that is filled in at the end of the block."""
    gc.collect()
    cost = Cost()
    wall, cpu = time.perf_counter(), time.process_time()
    yield cost
    cost.wall_s = (time.perf_counter() - wall) / items
    cost.cpu_s = (time.process_time() - cpu) / items


def per_call(function: Callable[[], object]) -> Callable[[], float]:
    """Make a side of *function*: processor time of one call, in seconds.

    Processor time, because what others do on the machine is in it only as far as
    they share its caches.
    """
    function()  # what is made once is made now
    start = time.process_time()
    function()
    number = max(1, round(CALL_S / max(time.process_time() - start, 1e-6)))

    def measure() -> float:
        gc.collect()
        begun = time.process_time()
        for _ in range(number):
            function()
        return (time.process_time() - begun) / number

    return measure


def side_by_side(
    functions: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, tuple[float, ...]]:
    """Measure *functions* in turn, *rounds* times."""
    sides = {name: per_call(function) for name, function in functions.items()}
    found: dict[str, list[float]] = {name: [] for name in sides}
    # What we hold for all sides is none of theirs: the collector leaves it out.
    gc.collect()
    gc.freeze()
    try:
        for _ in range(rounds):
            for name, side in sides.items():
                found[name].append(side())
    finally:
        gc.unfreeze()
    return {name: tuple(values) for name, values in found.items()}


async def side_by_side_async(
    sides: Mapping[str, Callable[[], Awaitable[Cost]]], rounds: int
) -> dict[str, tuple[Cost, ...]]:
    """The same for sides that measure themselves; a first round does not count."""
    found: dict[str, list[Cost]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, side in sides.items():
            async with asyncio.timeout(SIDE_S):
                cost = await side()
            if number:
                found[name].append(cost)
    return {name: tuple(values) for name, values in found.items()}


def clock_and_processor(
    what: str,
    anchor: str,
    ours: tuple[Cost, ...],
    anchors: tuple[Cost, ...],
    *,
    note: str = "",
) -> tuple[Row, Row]:
    """Make two rows: the rate by the clock, and our process's processor time."""
    by_clock = Row(
        what,
        anchor,
        tuple(c.wall_s for c in ours),
        tuple(c.wall_s for c in anchors),
        "rate",
        note,
    )
    by_processor = Row(
        f"{what}: processor time",
        anchor,
        tuple(c.cpu_s for c in ours),
        tuple(c.cpu_s for c in anchors),
    )
    return by_clock, by_processor


def middle(values: tuple[float, ...]) -> float:
    return statistics.median(values)
