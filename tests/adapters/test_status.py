"""/healthz, /readyz and /metrics: what is counted, and when a process is not ready."""

import re

import aiohttp
import pytest
import structlog
from msgspec.structs import replace
from prometheus_client import generate_latest

from adapters.errors import OutboxUnavailableError
from adapters.metrics import EventCounts
from adapters.outbox import open_outbox
from adapters.status import directory_of, open_status
from broker.directory import Directory
from broker.directory_held import Held
from broker.errors import ConfigError
from tests.support.sinks import new_delivery

NOW = 1_770_000_000.0


@pytest.fixture
def counts():
    found = EventCounts()
    found.written = structlog.testing.LogCapture()
    structlog.configure(
        processors=[structlog.processors.add_log_level, found, found.written]
    )
    return found


@pytest.fixture
def log(counts):
    return structlog.get_logger()


def number(counts, line):
    """Read one number as Prometheus would; 0 if it is not there."""
    text = generate_latest(counts.registry).decode()
    found = re.search(rf"^tocsin_{re.escape(line)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def got(address, page):
    async with (
        aiohttp.ClientSession() as session,
        session.get(address + page) as answer,
    ):
        return answer.status, await answer.text()


def test_what_is_logged_is_counted_and_goes_on_to_the_log(log, counts):
    log.info("record.decided", not_given={"tlp-clearance": 3}, token="x")
    log.warning("record.refused", reason="signature")
    log.warning("gate.refused", reason="no-feed", issuer="cert-aq")
    log.info("gate.accepted", issuer="cert-aq")
    log.info("gate.accepted", issuer="cert-aq")
    assert len(counts.written.entries) == 5
    assert number(counts, 'records_total{outcome="decided",reason=""}') == 1
    assert number(counts, 'records_total{outcome="refused",reason="signature"}') == 1
    assert number(counts, 'not_given_total{reason="tlp-clearance"}') == 3
    assert number(counts, 'gate_records_total{outcome="accepted",reason=""}') == 2
    assert number(counts, 'gate_records_total{outcome="refused",reason="no-feed"}') == 1
    assert number(counts, 'events_total{event="gate.accepted",level="info"}') == 2


def test_deliveries_are_counted_by_sink_and_outcome_and_a_pause_is_seen(log, counts):
    of_lane = log.bind(member="ngo-a", sink="siem")
    of_lane.info("delivery.done", outcome="forwarded")
    of_lane.warning("delivery.postponed", outcome="unavailable", reason="sink-busy")
    of_lane.warning("sink.paused", reason="sink-busy")
    lane = 'member="ngo-a",{}sink="siem"'
    done = 'deliveries_total{member="ngo-a",outcome="forwarded",reason="",sink="siem"}'
    busy = done.replace("forwarded", "unavailable").replace(
        'reason=""', 'reason="sink-busy"'
    )
    assert (number(counts, done), number(counts, busy)) == (1, 1)
    paused = f"sink_paused{{{lane.format('')}}}"
    assert number(counts, paused) == 1
    of_lane.info("sink.resumed")
    assert number(counts, paused) == 0


def test_no_word_of_a_record_is_a_label(log, counts):
    log.info("record.decided", issuer="x", token="canary", where="canary", not_given={})
    log.error("odd.event", error="canary")
    assert b"canary" not in generate_latest(counts.registry)


async def test_what_waits_is_told_lane_by_lane_and_forgotten_when_it_is_done(
    tmp_path, counts
):
    async with (
        open_outbox(tmp_path / "o.sqlite", clock=lambda: NOW) as outbox,
        open_status(
            "127.0.0.1:0", counts, outbox=outbox, clock=lambda: NOW + 60
        ) as url,
    ):
        await outbox.store([new_delivery(sub=f"incident--{n}") for n in range(4)])
        await outbox.store([new_delivery(member="ngo-a", not_before=NOW + 900)])
        items = await outbox.due(NOW, 2)
        await outbox.failed(items[0].delivery_id, "sink-gone", now=NOW)
        status, text = await got(url, "/metrics")
        assert status == 200
        of_lane = '{member="platform-b",sink="siem"}'
        for line in (
            f"backlog{of_lane} 3.0",
            f"failed{of_lane} 1.0",
            f"overdue{of_lane} 0.0",
            f"oldest_seconds{of_lane} 60.0",
            'waiting{member="ngo-a",sink="siem"} 1.0',
        ):
            assert f"tocsin_{line}\n" in text
        outbox.release(items)
        for item in await outbox.due(NOW, 10):
            await outbox.done(item.delivery_id, NOW)
        _, text = await got(url, "/metrics")
        assert f"tocsin_backlog{of_lane} 0.0\n" in text
        assert f"oldest_seconds{of_lane} 0.0" in text


async def test_it_is_ready_when_it_reads_and_says_which_queue_it_has_lost(log, counts):
    async with open_status("127.0.0.1:0", counts) as url:
        assert await got(url, "/readyz") == (503, "broker: not-ready\n")
        assert await got(url, "/healthz") == (200, "ok\n")
        log.info("adapter.ready", members=1)
        assert await got(url, "/readyz") == (200, "ready\n")
        log.warning("bus.consumer_lost", queue="q.one")
        assert await got(url, "/readyz") == (503, "q.one: bus.consumer_lost\n")
        log.info("bus.consumer_back", queue="q.one")
        assert await got(url, "/readyz") == (200, "ready\n")


async def test_a_lane_that_began_while_the_broker_was_away_ends_that_when_it_reads(
    log, counts
):
    lane = log.bind(issuer="cert-aq", queue="tocsin.ingress.cert-aq")
    async with open_status("127.0.0.1:0", counts) as url:
        log.info("gate.ready")
        lane.warning("gate.bus_away")
        said = (503, "tocsin.ingress.cert-aq: gate.bus_away\n")
        assert await got(url, "/readyz") == said
        lane.info("gate.bus_back")
        assert await got(url, "/readyz") == (200, "ready\n")


async def test_what_waits_somewhere_is_told_until_the_last_who_waits_there_goes_on(
    log, counts
):
    log.info("gate.ready")
    place = 'held_up{place="tocsin.records"}'
    one, other = log.bind(issuer="cert-aq"), log.bind(issuer="cert-bv")
    async with open_status("127.0.0.1:0", counts) as url:
        for each in (one, other):
            each.warning(
                "gate.not_confirmed", exchange="tocsin.records", error="NotTakenError"
            )
        full = "tocsin.records: takes nothing: a queue behind it is full\n"
        assert await got(url, "/readyz") == (503, full)
        one.info("gate.confirmed", exchange="tocsin.records")
        assert await got(url, "/readyz") == (503, full)
        assert number(counts, place) == 1
        other.info("gate.confirmed", exchange="tocsin.records")
        assert await got(url, "/readyz") == (200, "ready\n")
        assert number(counts, place) == 0


@pytest.mark.parametrize(
    ("begins", "ends", "says"),
    [
        ("bus.blocked", "bus.unblocked", "broker: takes nothing: its alarm"),
        ("gate.storage_unavailable", "gate.storage_back", "disk: takes nothing: full"),
        ("outbox.unavailable", "outbox.back", "outbox: takes nothing: its disk"),
        ("record.not_buried", "record.buried", "tocsin.dead: cannot be reached"),
    ],
)
async def test_what_holds_records_up_makes_a_process_unready_until_it_is_over(
    log, counts, begins, ends, says
):
    log.info("adapter.ready")
    async with open_status("127.0.0.1:0", counts) as url:
        log.error(begins, error="BusUnavailableError")
        status, text = await got(url, "/readyz")
        assert (status, text.startswith(says), text.count("\n")) == (503, True, 1)
        log.info(ends)
        assert await got(url, "/readyz") == (200, "ready\n")


async def test_with_a_directory_that_has_expired_it_is_not_ready(log, counts):
    held = Held(replace(Directory({}, {}), expires=NOW))
    log.info("gate.ready")
    async with open_status("127.0.0.1:0", counts, checks=(directory_of(held),)) as url:
        held.look(NOW - 1)
        assert await got(url, "/readyz") == (200, "ready\n")
        held.look(NOW)
        assert await got(url, "/readyz") == (503, "directory: expired\n")


async def test_an_outbox_that_is_away_is_told_and_hides_no_other_number(log, counts):
    class Away:
        async def backlog(self):
            raise OutboxUnavailableError("no")

    log.info("adapter.ready", members=1)
    async with open_status("127.0.0.1:0", counts, outbox=Away()) as url:
        assert await got(url, "/readyz") == (503, "outbox: not available\n")
        status, text = await got(url, "/metrics")
        assert (status, "tocsin_events_total" in text) == (200, True)


async def test_a_port_that_there_cannot_be_is_a_configuration_error(counts):
    with pytest.raises(ConfigError, match="up to 65535"):
        async with open_status("127.0.0.1:99999", counts):
            pass


async def test_nobody_can_listen_where_somebody_does(counts):
    async with open_status("127.0.0.1:0", counts) as url:
        with pytest.raises(ConfigError, match=r"cannot listen at .*`status`"):
            async with open_status(url.removeprefix("http://"), counts):
                pass
