"""The forwarder: everything due is sent, in order, and a dead sink delays nobody."""

import asyncio
import itertools
import random
import sqlite3
import time
from contextlib import asynccontextmanager, closing
from unittest.mock import patch

import pytest
import structlog

from adapters import forwarder
from adapters.errors import OutboxUnavailableError, SinkError, SinkUnavailableError
from adapters.forwarder import forward
from adapters.outbox import open_outbox
from adapters.outbox_removal import Removal
from adapters.retries import RetryPolicy
from tests.support.sinks import MemorySink, new_delivery

LANE = ("platform-b", "siem")
OTHER = ("ngo-a", "mail")
# As patient as a test can be: what takes seconds to hours takes milliseconds.
QUICK = RetryPolicy(
    first_s=0.01, longest_s=0.05, failures_to_open=3, probe_s=0.02, probe_longest_s=0.05
)


def version(second, **changes):
    return new_delivery(ver=f"2026-01-02T03:04:{second:02d}Z", **changes)


def case(number, lane=LANE, **changes):
    member, sink = lane
    return new_delivery(member=member, sink=sink, sub=f"incident--{number}", **changes)


def first_attempts(count, error, moment="before"):
    """Fail the first *count* attempts at each delivery."""
    return lambda item: (error, moment) if item.attempt <= count else None


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outbox.sqlite"


@pytest.fixture
async def outbox(path):
    async with open_outbox(path) as opened:
        yield opened


@asynccontextmanager
async def forwarding(outbox, sinks, *, policy=QUICK, clock=time.time, **options):
    """Forward inside the block, then stop and wait for the end.

    It may take half of the minute after which the forwarder looks again by itself.
    """
    stop = asyncio.Event()
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(
            forward(
                outbox,
                sinks,
                clock=clock,
                random=random.random,
                stop=stop,
                policy=policy,
                **options,
            )
        )
        try:
            yield stop
        finally:
            stop.set()


async def until(condition):
    while not condition():  # noqa: ASYNC110  sinks and files set no event
        await asyncio.sleep(0.002)


async def settled(outbox):
    while (await outbox.counts())["pending"]:  # noqa: ASYNC110  as above
        await asyncio.sleep(0.005)


async def test_what_is_stored_reaches_its_sink_and_no_other(outbox):
    mine, other = MemorySink(), MemorySink()
    await outbox.store([case(1), case(2), case(3, OTHER)])
    async with forwarding(outbox, {LANE: mine, OTHER: other}):
        await settled(outbox)
    assert {d.sub for d in mine.attempts} == {"incident--1", "incident--2"}
    assert [d.sub for d in other.attempts] == ["incident--3"]
    assert (await outbox.counts())["done"] == 3


async def test_what_is_stored_while_it_waits_is_sent_at_once(outbox):
    sink, looked = MemorySink(), asyncio.Event()

    class Watching:
        def __getattr__(self, name):
            return getattr(outbox, name)

        async def next_due(self, **options):
            found = await outbox.next_due(**options)
            looked.set()
            return found

    async with forwarding(Watching(), {LANE: sink}):
        await looked.wait()
        await outbox.store([case(1)])
        await until(lambda: sink.taken)


async def test_deliveries_go_out_in_the_order_of_their_numbers(outbox):
    sink = MemorySink()
    await outbox.store([case(n) for n in range(50)])
    async with forwarding(outbox, {LANE: sink}):
        await settled(outbox)
    assert sink.numbers == list(range(1, 51))


async def test_versions_of_a_case_keep_their_order_over_failures(outbox):
    sink = MemorySink(first_attempts(2, SinkUnavailableError("sink-busy")))
    await outbox.store([version(n) for n in range(6)])
    async with forwarding(outbox, {LANE: sink}):
        await settled(outbox)
    assert [d.ver for d in sink.taken.values()] == sorted(d.ver for d in sink.attempts)[
        ::3
    ]


async def test_a_timeout_after_success_is_sent_again_under_the_same_id(outbox):
    sink = MemorySink(first_attempts(1, SinkUnavailableError("sink-timeout"), "after"))
    await outbox.store([case(1)])
    async with forwarding(outbox, {LANE: sink}):
        await settled(outbox)
    assert [d.attempt for d in sink.attempts] == [1, 2]
    assert len({d.delivery_id for d in sink.attempts}) == len(sink.taken) == 1


async def test_a_refusal_is_final_and_the_next_delivery_follows(outbox):
    sink = MemorySink(
        lambda d: (SinkError("sink-refused"), "before") if d.number == 1 else None
    )
    await outbox.store([case(1), case(2)])
    async with forwarding(outbox, {LANE: sink}):
        await settled(outbox)
    counts = await outbox.counts()
    assert (counts["failed"], counts["done"]) == (1, 1)
    assert [d.number for d in sink.attempts] == [1, 2]


async def test_a_dead_sink_delays_nobody_else(outbox):
    lanes = [(f"member-{n}", "siem") for n in range(3)]
    given_up, hanging = asyncio.Event(), []

    class Dead(MemorySink):
        async def send(self, item):
            self.attempts.append(item)
            if len(self.attempts) > 1:  # the worst way: every attempt takes its time
                hanging.append(item)
                await given_up.wait()
            raise SinkUnavailableError("sink-timeout")

    dead, well = {lane: Dead() for lane in lanes}, MemorySink()
    await outbox.store([case(n, lane) for n in range(20) for lane in lanes])
    # More dead sinks than there are slots of either kind.
    async with forwarding(
        outbox, dead | {OTHER: well}, slots=2, suspect_slots=2, send_timeout_s=60
    ):
        await until(lambda: len(hanging) == 2)
        await outbox.store([case(n, OTHER) for n in range(20)])
        await until(lambda: len(well.taken) == 20)
        assert len(hanging) == 2  # they hang yet
        given_up.set()


async def test_a_dead_sink_costs_one_attempt_per_pause_not_one_per_record(outbox):
    tried_at = []

    def fault(_):
        tried_at.append(time.time())
        return SinkUnavailableError("sink-connection"), "before"

    await outbox.store([case(n) for n in range(500)])
    policy = RetryPolicy(first_s=0.01, failures_to_open=3, probe_s=0.2)
    async with forwarding(outbox, {LANE: MemorySink(fault)}, policy=policy):
        await until(lambda: len(tried_at) == 5)
    # 3 to open it, then pauses of at least 0.1 and 0.2 s
    pauses = [after - before for before, after in itertools.pairwise(tried_at)]
    assert pauses[2] >= 0.1
    assert pauses[3] >= 0.2


async def test_a_sink_that_asks_for_time_gets_it_for_everything(outbox):
    busy = MemorySink(
        first_attempts(1, SinkUnavailableError("sink-busy", retry_after_s=3600))
    )
    await outbox.store([case(n) for n in range(20)])
    async with forwarding(outbox, {LANE: busy}):
        await asyncio.sleep(0.2)
    assert len(busy.attempts) == 1


async def test_after_an_outage_what_waited_is_sent_at_once(outbox):
    sink = MemorySink(lambda _: (SinkUnavailableError("sink-connection"), "before"))
    await outbox.store([case(n) for n in range(5)])
    # Left to their own clocks the deliveries that failed would wait an hour.
    policy = RetryPolicy(first_s=3600, failures_to_open=2, probe_s=0.02)
    slow = {"policy": policy}
    async with forwarding(outbox, {LANE: sink}, **slow):
        await until(lambda: len(sink.attempts) == 3)
        sink.fault = lambda _: None
        await settled(outbox)
    assert set(sink.numbers) == {1, 2, 3, 4, 5}


async def test_a_clock_that_is_set_back_by_a_day_holds_nothing_up_for_a_day(outbox):
    outbox.look_again_s = 0.02
    day_s, ahead = 86_400, [True]
    sink = MemorySink(
        lambda _: (SinkUnavailableError("siem"), "before") if ahead else None
    )
    await outbox.store([case(n) for n in range(10)])
    clock = lambda: time.time() + (day_s if ahead else 0)  # noqa: E731
    async with forwarding(outbox, {LANE: sink}, clock=clock):
        await until(lambda: len(sink.attempts) >= 4)  # a pause has begun
        ahead.clear()
        await settled(outbox)
    assert sink.numbers == list(range(1, 11))


async def test_a_sink_that_is_gone_keeps_the_rest_for_the_operator(outbox):
    gone = MemorySink(lambda _: (SinkError("sink-gone"), "before"))
    await outbox.store([case(n) for n in range(5)])
    async with forwarding(outbox, {LANE: gone}):
        await until(lambda: gone.attempts)
        await asyncio.sleep(0.1)
    counts = await outbox.counts()
    assert (counts["failed"], counts["pending"]) == (1, 4)
    assert len(gone.attempts) == 1


async def test_what_has_failed_for_too_long_is_given_up(outbox):
    sink = MemorySink(lambda _: (SinkUnavailableError("sink-connection"), "before"))
    await outbox.store([case(1)])
    policy = RetryPolicy(first_s=0.01, longest_s=0.02, give_up_s=0.1, probe_s=0.01)
    async with forwarding(outbox, {LANE: sink}, policy=policy):
        await settled(outbox)
    assert (await outbox.counts())["failed"] == 1
    assert len(sink.attempts) > 2


async def test_a_send_that_never_returns_is_bounded(outbox):
    sink = MemorySink()
    sink.hung = True
    await outbox.store([case(1)])
    async with forwarding(outbox, {LANE: sink}, send_timeout_s=0.05):
        await until(lambda: sink.attempts)
        sink.hung = False
        await settled(outbox)
    assert [d.attempt for d in sink.attempts] == [1, 2]


async def test_stopping_finishes_what_is_in_flight_and_starts_nothing(outbox):
    sink = MemorySink()
    await outbox.store([case(n) for n in range(10)])
    release = asyncio.Event()
    send = sink.send

    async def slow_send(item):
        await send(item)
        await release.wait()

    sink.send = slow_send
    async with forwarding(outbox, {LANE: sink}) as stop:
        await until(lambda: sink.attempts)
        stop.set()
        await asyncio.sleep(0.02)
        release.set()
    counts = await outbox.counts()
    assert (counts["done"], counts["pending"]) == (1, 9)


async def test_a_crash_while_sending_repeats_that_delivery_and_loses_none(path):
    sink = MemorySink()

    async def crash(item):
        await MemorySink.send(sink, item)
        if len(sink.attempts) == 3:
            raise RuntimeError("a bug after the third was taken")

    async with open_outbox(path) as outbox:
        await outbox.store([case(n) for n in range(6)])
        sink.send = crash
        with pytest.raises(ExceptionGroup) as caught:
            async with forwarding(outbox, {LANE: sink}):
                await asyncio.Event().wait()
        assert caught.group_contains(RuntimeError)
    async with open_outbox(path) as outbox:
        sink.send = lambda item: MemorySink.send(sink, item)
        async with forwarding(outbox, {LANE: sink}):
            await settled(outbox)
    assert sink.numbers == [1, 2, 3, 4, 5, 6]
    assert [d.number for d in sink.attempts] == [1, 2, 3, 3, 4, 5, 6]


async def test_an_outbox_that_cannot_be_written_is_waited_for(outbox):
    await outbox.store([case(1)])
    failures = [OutboxUnavailableError("disk full")] * 2

    class Full:
        def __getattr__(self, name):
            return getattr(outbox, name)

        async def done(self, *args):
            if failures:
                raise failures.pop()
            await outbox.done(*args)

    sink = MemorySink()
    with structlog.testing.capture_logs() as logs:
        async with forwarding(Full(), {LANE: sink}):
            await settled(outbox)
    assert failures == []
    assert len(sink.attempts) == 3  # sent again, under the same id
    assert len(sink.taken) == 1
    assert [e["event"] for e in logs if e["log_level"] == "error"] == [
        "outbox.unavailable"
    ] * 2


async def test_a_forwarder_whose_outbox_fails_for_good_can_be_stopped(outbox):
    class Gone:
        def __getattr__(self, name):
            return getattr(outbox, name)

        async def due(self, *_, **__):
            raise OutboxUnavailableError("locked")

    async with forwarding(Gone(), {LANE: MemorySink()}):
        await asyncio.sleep(0.3)


async def test_a_row_without_a_sink_waits(outbox):
    await outbox.store([case(1, OTHER)])
    async with forwarding(outbox, {LANE: MemorySink()}):
        await asyncio.sleep(0.05)
    assert (await outbox.counts())["pending"] == 1


async def test_memory_is_bounded_by_slots_not_by_sinks_or_backlog(outbox):
    lanes = [(f"member-{n}", "siem") for n in range(12)]
    rows = [case(n, lane, evidence=b"x" * 700_000) for n in range(3) for lane in lanes]
    await outbox.store(rows)
    held = []

    class Watching:
        def __getattr__(self, name):
            return getattr(outbox, name)

        async def due(self, *arguments, **options):
            held.append(len(batch := await outbox.due(*arguments, **options)))
            return batch

        def release(self, items):
            held.append(-len(items))
            outbox.release(items)

    async with forwarding(Watching(), {lane: MemorySink() for lane in lanes}, slots=3):
        await settled(outbox)
    loaded = [sum(held[: n + 1]) for n in range(len(held))]
    assert max(loaded) <= 3  # one of 700 kB each; two would exceed a mebibyte
    assert loaded[-1] == 0


async def test_the_log_tells_each_outcome_and_nothing_of_the_record(outbox):
    answers = {
        1: None,
        2: (SinkError("sink-refused"), "before"),
        3: (SinkUnavailableError("sink-busy"), "before"),
    }
    sink = MemorySink(lambda d: answers[d.number] if d.attempt == 1 else None)
    rows = [
        case(n, evidence=b"canary-e", projection=b"canary-p", receipt=b"canary-r")
        for n in range(3)
    ]
    with structlog.testing.capture_logs() as logs:
        await outbox.store(rows)
        async with forwarding(outbox, {LANE: sink}):
            await settled(outbox)
    told = [(e["event"], e["number"], e["outcome"], e.get("reason")) for e in logs]
    assert told == [
        ("delivery.done", 1, "forwarded", None),
        ("delivery.failed", 2, "refused", "sink-refused"),
        ("delivery.postponed", 3, "unavailable", "sink-busy"),
        ("delivery.done", 3, "forwarded", None),
    ]
    assert {(e["member"], e["sink"]) for e in logs} == {LANE}
    assert {e["token"] for e in logs} == {rows[0].token_id[:12]}
    assert "canary" not in repr(logs)
    assert rows[0].sub not in repr(logs)


async def test_an_outage_is_told_once_when_it_begins_and_once_when_it_ends(outbox):
    sink = MemorySink(lambda _: (SinkUnavailableError("sink-connection"), "before"))
    await outbox.store([case(n) for n in range(5)])
    with structlog.testing.capture_logs() as logs:
        async with forwarding(outbox, {LANE: sink}):
            await until(lambda: len(sink.attempts) == 3)
            sink.fault = lambda _: None
            await settled(outbox)
    events = [e["event"] for e in logs if e["event"].startswith("sink.")]
    assert events == ["sink.paused", "sink.resumed"]


# retention


async def settle_one(outbox, sink):
    await outbox.store([case(1)])
    async with forwarding(outbox, {LANE: sink}):
        await settled(outbox)


async def purged(outbox, **options):
    """Forward until bodies were purged: how many went, by the log."""
    looked = asyncio.Event()

    class Watching(Removal):
        async def purge(self, before):
            count = await super().purge(before)
            looked.set()
            return count

    with (
        patch("adapters.forwarder.Removal", Watching),
        structlog.testing.capture_logs() as logs,
    ):
        async with forwarding(outbox, {}, **options):
            await looked.wait()
    return [e["bodies"] for e in logs if e["event"] == "outbox.purged"]


async def test_bodies_go_when_their_delivery_was_settled_long_ago(outbox):
    await settle_one(outbox, MemorySink())
    assert await purged(outbox) == []  # seven days, if nothing else is said
    assert await purged(outbox, keep_s=0) == [3]
    assert (await outbox.counts())["done"] == 1


async def test_it_looks_again_from_time_to_time(outbox, monkeypatch):
    monkeypatch.setattr("adapters.forwarder._PURGE_S", 0.02)
    sink = MemorySink()
    await outbox.store([case(1)])
    with structlog.testing.capture_logs() as logs:
        async with forwarding(outbox, {LANE: sink}, keep_s=0):
            await until(lambda: any(e["event"] == "outbox.purged" for e in logs))
    assert len(sink.taken) == 1


async def test_a_purge_that_fails_is_told_and_stops_no_delivery(outbox, monkeypatch):
    async def locked(_removal, _before):
        raise OutboxUnavailableError("locked")

    monkeypatch.setattr(Removal, "purge", locked)
    sink = MemorySink()
    await outbox.store([case(1)])
    with structlog.testing.capture_logs() as logs:
        async with forwarding(outbox, {LANE: sink}):
            await settled(outbox)
    assert [e["event"] for e in logs] == ["outbox.not_purged", "delivery.done"]


async def test_what_waits_is_sent_when_its_time_has_come(outbox):
    sink = MemorySink()
    async with forwarding(outbox, {LANE: sink}):
        await asyncio.sleep(0.02)
        start = time.time()
        await outbox.store([case(1, not_before=start + 0.3), case(2)])
        await until(lambda: len(sink.taken) == 2)
        assert time.time() - start >= 0.3
    assert [(d.sub, d.number) for d in sink.attempts] == [
        ("incident--2", 1),
        ("incident--1", 2),
    ]


async def test_what_was_put_back_without_its_keys_fails_and_the_rest_goes_on(
    outbox, path
):
    sink = MemorySink()
    await outbox.store([case(1)])
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM record_keys")
    await outbox.store([case(2)])
    async with forwarding(outbox, {LANE: sink}):
        await settled(outbox)
    assert [d.sub for d in sink.attempts] == ["incident--2"]
    counts = await outbox.counts()
    assert (counts["failed"], counts["done"]) == (1, 1)


async def test_a_sink_that_answers_slowly_gives_up_its_place_to_others(
    outbox, monkeypatch
):
    monkeypatch.setattr(forwarder, "_TURN_S", 0.0)  # every answer is slow
    sent = []

    class Telling(MemorySink):
        async def send(self, item):
            sent.append(item.member)
            await super().send(item)

    await outbox.store([case(n) for n in range(3)] + [case(9, OTHER)])
    sinks = {LANE: Telling(), OTHER: Telling()}
    async with forwarding(outbox, sinks, slots=1):
        await settled(outbox)
    assert sorted(sent) == ["ngo-a", *["platform-b"] * 3]
    assert sent.index("ngo-a") < 3


async def test_nothing_stays_in_hand_once_all_is_sent(outbox):
    lanes = [(f"member-{n}", "siem") for n in range(20)]
    await outbox.store([case(n, lane) for lane in lanes for n in range(20)])
    async with forwarding(outbox, {lane: MemorySink() for lane in lanes}):
        await settled(outbox)
    assert outbox._handed_out == set()
