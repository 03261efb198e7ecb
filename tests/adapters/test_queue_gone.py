"""An adapter whose queue goes while it runs: it says so, waits, and reads again."""

import asyncio
import re
from contextlib import asynccontextmanager
from urllib.parse import quote

import pytest
import structlog
from msgspec.structs import replace
from prometheus_client import generate_latest
from structlog.testing import LogCapture

from adapters.app import serve
from adapters.metrics import EventCounts
from adapters.outbox import open_outbox
from broker.errors import BusRefusedError
from broker.rabbitmq import open_rabbitmq
from broker.topology import RECORDS, definitions, permissions
from tests.adapters.test_app import CONTEXT, LANE, config
from tests.support.issuing import PLACE, Feed, clock, draft, stamped
from tests.support.sinks import MemorySink

QUEUE = "tocsin.adapter.main"
PASSWORD = "adapter-test"


@pytest.fixture
def counts():
    found = EventCounts()
    found.written = LogCapture()
    structlog.configure(
        processors=[structlog.processors.add_log_level, found, found.written]
    )
    return found


def set_up(vhost):
    rights = permissions(PLACE)
    passwords = {each.user: PASSWORD for each in rights.users}
    vhost.import_definitions(
        definitions(PLACE, rights, passwords=passwords, vhost=vhost.vhost)
    )


def remove(vhost):
    path = f"/api/queues/{quote(vhost.vhost, safe='')}/{QUEUE}"
    vhost.request("DELETE", path)


async def until(holds):
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110  the log has no event to wait for
            await asyncio.sleep(0.02)


@asynccontextmanager
async def serving(vhost, folder, sink):
    url, stop = vhost.url_for("adapter-main", PASSWORD), asyncio.Event()
    async with (
        open_rabbitmq(url, user="adapter-main") as bus,
        open_outbox(folder / "outbox.sqlite") as outbox,
        asyncio.TaskGroup() as tasks,
    ):
        settings = config(folder)
        tasks.create_task(
            serve(settings, bus, CONTEXT, outbox, {LANE: sink}, clock=clock, stop=stop)
        )
        try:
            yield
        finally:
            stop.set()


async def test_a_queue_that_is_deleted_is_an_alarm_and_read_again_once_it_is_back(
    vhost, tmp_path, counts
):
    def logged(event):
        return [each for each in counts.written.entries if each["event"] == event]

    await asyncio.to_thread(set_up, vhost)
    sink = MemorySink()
    async with serving(vhost, tmp_path, sink):
        await until(lambda: logged("adapter.ready"))
        await asyncio.to_thread(remove, vhost)
        await until(lambda: logged("adapter.queue_gone"))
        assert counts.away == {QUEUE: "adapter.queue_gone"}
        await asyncio.to_thread(set_up, vhost)
        await until(lambda: logged("adapter.queue_back"))
        assert counts.away == {}
        url = vhost.url_for("gate", PASSWORD)
        message = stamped(Feed().message(draft()))
        key = "cert-aq.incident.green.none.none.unknown"
        async with open_rabbitmq(url, user="gate") as gate:
            await gate.publish(
                RECORDS, replace(message, routing_key=key, user_id="gate")
            )
        await until(lambda: len(sink.taken) == 1)
    gone = logged("adapter.queue_gone")[0]
    assert (gone["queue"], gone["error"]) == (QUEUE, "BusRefusedError")
    text = generate_latest(counts.registry).decode()
    assert re.search(r'events_total\{event="adapter.queue_gone",level="error"\}', text)


async def test_a_queue_that_was_never_there_ends_it_at_the_start(vhost, tmp_path):
    await asyncio.to_thread(set_up, vhost)
    await asyncio.to_thread(remove, vhost)
    with pytest.raises(BaseExceptionGroup) as caught:
        async with asyncio.timeout(60), serving(vhost, tmp_path, MemorySink()):
            await asyncio.Event().wait()
    assert caught.group_contains(BusRefusedError, depth=2)
