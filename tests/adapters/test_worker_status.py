"""What the parent of several workers answers: theirs, put together."""

import aiohttp
import pytest
import structlog
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from adapters.delivery import LaneBacklog
from adapters.metrics import EventCounts
from adapters.status import open_status
from adapters.worker_status import answering_for, merged
from adapters.workers import open_workers

NOW = 1_770_000_000.0


def counted(*events, backlog=0):
    """Give the numbers of a worker that has logged *events*."""
    counts = EventCounts()
    for name, facts in events:
        counts(None, "", {"event": name, "level": "info", **facts})
    if backlog:
        lane = LaneBacklog(
            member="ngo-a",
            sink="siem",
            pending=backlog,
            waiting=0,
            failed=0,
            oldest_at=NOW,
        )
        counts.note_backlog((lane,), now=NOW)
    return generate_latest(counts.registry).decode()


def samples(text):
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value
        for family in text_string_to_metric_families(text.decode())
        for each in family.samples
        if not each.name.endswith("_created")
    }


def test_each_number_has_its_worker_and_the_shared_outbox_is_told_once():
    decided = ("record.decided", {})
    found = samples(
        merged(
            {
                "1": counted(decided, decided, backlog=7),
                "2": counted(decided, backlog=8),
                "3": None,
            },
            counted(("worker.restarted", {"worker": 3})),
        )
    )

    def records(worker):
        labels = (("outcome", "decided"), ("reason", ""), ("worker", worker))
        return found["tocsin_records_total", labels]

    assert (records("1"), records("2")) == (2, 1)
    lane = (("member", "ngo-a"), ("sink", "siem"))
    assert found["tocsin_backlog", lane] == 7
    assert sum(name == "tocsin_backlog" for name, _ in found) == 1
    ups = [found["tocsin_worker_up", (("worker", n),)] for n in "123"]
    assert ups == [1, 1, 0]
    restarted = (("event", "worker.restarted"), ("level", "info"), ("worker", "parent"))
    assert found["tocsin_events_total", restarted] == 1


def test_each_family_is_told_of_once_as_prometheus_wants_it():
    one = counted(("record.decided", {}))
    text = merged({"1": one, "2": one}, counted()).decode()
    types = [line for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(types) == len(set(types)) > 5


@pytest.fixture
async def asked():
    """Two workers, of which the first answers, and their parent; how to ask it."""
    written = structlog.testing.LogCapture()
    structlog.configure(processors=[written])
    counts = EventCounts()
    with open_workers(2) as workers:
        async with (
            open_status(workers[0].socket, counts),
            answering_for("127.0.0.1:0", EventCounts(), workers),
            aiohttp.ClientSession() as session,
        ):
            address = written.entries[0]["address"]

            async def ask(page):
                async with session.get(address + page) as answer:
                    return answer.status, await answer.text()

            yield ask, counts


async def test_it_is_ready_while_one_worker_is_and_says_what_ails_the_others(asked):
    ask, counts = asked
    assert await ask("/readyz") == (
        503,
        "worker 1: broker: not-ready\nworker 2: no answer\n",
    )
    counts.away.clear()
    assert await ask("/readyz") == (200, "worker 2: no answer\n")
    assert await ask("/healthz") == (200, "worker 2: no answer\n")
    status, text = await ask("/metrics")
    assert status == 200
    assert 'tocsin_worker_up{worker="1"} 1.0' in text
    assert 'tocsin_worker_up{worker="2"} 0.0' in text
