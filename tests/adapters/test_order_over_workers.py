"""Versions of one record that several workers take at once: never older after newer.

Two outboxes on one database and two forwarders, as two workers have them; which of
them takes which version, and when, is chance.
"""

import asyncio
import random
import time
from collections import defaultdict

import pytest

from adapters.errors import SinkUnavailableError
from adapters.forwarder import forward
from adapters.outbox import open_outbox
from adapters.retries import RetryPolicy
from tests.support.sinks import MemorySink, new_delivery

pytestmark = pytest.mark.postgresql
LANES = [("platform-b", "siem"), ("ngo-a", "files")]
CASES, VERSIONS = 12, 5


def version(case, number, lane):
    return new_delivery(
        sub=f"incident--{case}",
        ver=f"2026-01-02T03:04:{number:02}.000Z",
        token_id=f"{case}-{number}",
        member=lane[0],
        sink=lane[1],
    )


class Shared:
    """One member's system, which both workers send to; some attempts fail."""

    def __init__(self, chance):
        self.taken = defaultdict(list)
        self.chance = chance
        self.sink = MemorySink(self.fault)

    def fault(self, item):
        if self.chance.random() < 0.1:
            moment = self.chance.choice(["before", "after"])
            return SinkUnavailableError("sink-timeout"), moment
        return None

    async def send(self, item):
        await asyncio.sleep(self.chance.random() / 500)
        await self.sink.send(item)

    def by_case(self, lane):
        found = defaultdict(list)
        for item in self.sink.taken.values():
            if (item.member, item.sink) == lane:
                found[item.sub].append(item.ver)
        return found


async def store(outbox, rows, chance):
    while rows:
        some = [rows.pop(0) for _ in range(min(len(rows), chance.randint(1, 6)))]
        await outbox.store(some)
        await asyncio.sleep(chance.random() / 200)


@pytest.mark.parametrize("seed", range(3))
async def test_an_older_version_never_arrives_after_a_newer_one(postgresql, seed):
    chance = random.Random(seed)  # noqa: S311  no secret
    every = [
        version(case, number, lane)
        for case in range(CASES)
        for number in range(VERSIONS)
        for lane in LANES
    ]
    # About in order, as they come: several versions of a case wait at once.
    every.sort(key=lambda row: int(row.token_id.split("-")[1]) + 2 * chance.random())
    # Some come to both, as after a worker that was killed before it acknowledged.
    halves = every[::2] + every[:10], every[1::2]
    system = Shared(chance)
    url = await postgresql.fresh()
    try:
        async with open_outbox(url) as one, open_outbox(url) as two:
            stop = asyncio.Event()
            async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
                for outbox, rows in zip((one, two), halves, strict=True):
                    tasks.create_task(
                        forward(
                            outbox,
                            dict.fromkeys(LANES, system),
                            clock=time.time,
                            random=chance.random,
                            stop=stop,
                            policy=RetryPolicy(first_s=0.001, failures_to_open=1000),
                        )
                    )
                    tasks.create_task(store(outbox, list(rows), chance))
                while True:
                    counts = await one.counts()
                    if (
                        counts["done"] + counts["superseded"] == len(every)
                        and not counts["pending"]
                    ):
                        break
                    await asyncio.sleep(0.02)
                stop.set()
    finally:
        await postgresql.drop(url)
    for lane in LANES:
        found = system.by_case(lane)
        assert len(found) == CASES
        newest = f"2026-01-02T03:04:{VERSIONS - 1:02}.000Z"
        for versions in found.values():
            assert versions == sorted(versions)
            assert versions[-1] == newest
        numbers = [
            item.number
            for item in system.sink.taken.values()
            if (item.member, item.sink) == lane
        ]
        assert sorted(numbers) == list(range(1, len(numbers) + 1))
