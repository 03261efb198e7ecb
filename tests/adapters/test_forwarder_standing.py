"""The forwarder asks before each send whether the member may be given anything."""

import asyncio
import random
import time
from contextlib import asynccontextmanager

import pytest

from adapters.forwarder import forward
from adapters.outbox import open_outbox
from tests.support.sinks import MemorySink, new_delivery

LANE = ("platform-x", "files")


@pytest.fixture
async def outbox(tmp_path):
    async with open_outbox(tmp_path / "outbox.sqlite") as opened:
        rows = [
            new_delivery(member=LANE[0], sink=LANE[1], sub=f"incident--{n}")
            for n in range(3)
        ]
        await opened.store(rows)
        yield opened


@asynccontextmanager
async def forwarding(outbox, sink, standing):
    stop = asyncio.Event()
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(
            forward(
                outbox,
                {LANE: sink},
                clock=time.time,
                random=random.random,
                stop=stop,
                standing=standing,
            )
        )
        yield
        stop.set()


async def settled(outbox, pending: int) -> None:
    while (await outbox.counts())["pending"] > pending:  # noqa: ASYNC110  no event
        await asyncio.sleep(0.005)


async def test_while_a_member_waits_nothing_is_loaded_and_nothing_spins(outbox):
    asked = []
    sink = MemorySink()

    def standing(org):
        asked.append(org)
        return "waits"

    async with forwarding(outbox, sink, standing):
        while not asked:  # noqa: ASYNC110  no event
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)  # let it do wrong
    assert sink.attempts == []
    assert len(asked) < 5
    assert (await outbox.counts())["pending"] == 3


async def test_a_suspension_in_the_middle_of_a_batch_stops_the_rest(outbox):
    sink = MemorySink()

    def standing(_):
        return "waits" if sink.taken else "in"

    async with forwarding(outbox, sink, standing):
        await settled(outbox, 2)
    assert len(sink.taken) == 1
    assert (await outbox.counts())["pending"] == 2


async def test_what_is_due_to_who_is_out_fails_unsent(outbox):
    sink = MemorySink()
    async with forwarding(outbox, sink, lambda _: "out"):
        await settled(outbox, 0)
    assert sink.attempts == []
    assert (await outbox.counts())["failed"] == 3
