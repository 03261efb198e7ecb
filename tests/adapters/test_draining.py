"""Told to stop, an adapter finishes what it has in hand, but not for ever."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters import app
from adapters.app import serve
from tests.adapters.test_app import CONTEXT, LANE, config, stage
from tests.support.issuing import Feed, clock, draft
from tests.support.sinks import MemorySink


class SlowSink(MemorySink):
    """Takes a delivery only when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()

    async def send(self, item) -> None:
        self.begun.set()
        await self.may_end.wait()
        await super().send(item)


async def stopped_while_sending(here, folder: Path, sink: SlowSink, end) -> list:
    stop = asyncio.Event()
    with capture_logs() as logs:
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(
                serve(
                    config(folder),
                    here.broker.login("adapter-main"),
                    CONTEXT,
                    here.outbox,
                    {LANE: sink},
                    clock=clock,
                    stop=stop,
                )
            )
            await sink.begun.wait()
            stop.set()
            end()
            await running
    return [each["event"] for each in logs]


async def test_what_is_being_sent_is_sent_and_what_was_taken_is_acknowledged(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as here:
        await here.put(Feed().message(draft()))
        sink = SlowSink()
        events = await stopped_while_sending(here, tmp_path, sink, sink.may_end.set)
        assert len(sink.taken) == 1
        assert (await here.outbox.counts())["done"] == 1
        assert await here.left_in("tocsin.adapter.main", "adapter-main") == []
    assert "adapter.drain_cut" not in events


async def test_what_does_not_end_is_cut_off_and_sent_again_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "DRAIN_S", 0.1)
    async with stage(tmp_path) as here:
        await here.put(Feed().message(draft()))
        sink = SlowSink()
        events = await stopped_while_sending(here, tmp_path, sink, lambda: None)
        assert events[-1] == "adapter.drain_cut"
        assert (await here.outbox.counts())["pending"] == 1
        await here.serve_until(lambda: len(here.sink.taken) == 1)
        assert await here.left_in("tocsin.adapter.main", "adapter-main") == []
