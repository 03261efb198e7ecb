"""The ledger from outside: who got what, what is stuck, and what is tried again."""

import asyncio
import os
import random
import sqlite3
import time
from contextlib import asynccontextmanager, closing

import asyncpg
import pytest

from adapters.errors import SinkError
from adapters.forwarder import forward
from adapters.ledger import ALL, NOT_DONE, Search
from adapters.ledger_database import open_ledger
from adapters.ledger_flow import flows
from adapters.outbox import open_outbox
from adapters.outbox_removal import Removal
from broker.errors import ConfigError
from tests.support.sinks import MemorySink, new_delivery

NOW = 1_770_000_000.0
LANE = ("platform-b", "siem")
EVERYTHING = Search(states=ALL)
STUCK = Search(states=NOT_DONE)


def version(second, **changes):
    return new_delivery(ver=f"2026-01-02T03:04:{second:02d}Z", **changes)


def case(number, **changes):
    return new_delivery(sub=f"incident--{number}", **changes)


@pytest.fixture
async def outbox(place):
    """Of the adapter, which runs in all of these tests."""
    async with open_outbox(place, clock=lambda: NOW) as opened:
        yield opened


@pytest.fixture
def ledger(place, outbox):
    """Open it anew each time, as commands do."""

    class Commands:
        async def find(self, search, **options):
            async with open_ledger(place) as opened:
                return await opened.find(search, **options)

        async def sizes(self, entry):
            async with open_ledger(place) as opened:
                return await opened.sizes(entry)

        async def retry(self, search, now=NOW):
            async with open_ledger(place, writing=True) as opened:
                return await opened.retry(search, now)

    return Commands()


async def end(outbox, *ends, now=NOW, limit=10):
    """Settle what is due, in the order of numbers, as *ends* say."""
    items = await outbox.due(now, limit)
    for item, how in zip(items, ends, strict=True):
        if how == "done":
            await outbox.done(item.delivery_id, now)
        elif how == "kept":
            outbox.release([item])
        else:
            await outbox.failed(item.delivery_id, how, now=now)
    return [item.delivery_id for item in items]


# who got what


async def test_of_a_record_it_says_who_got_which_version_when_and_by_which_policy(
    outbox, ledger
):
    await outbox.store([version(1), case(9), version(1, member="ngo-a")])
    [one] = await outbox.due(NOW, 1, lane=LANE)
    await outbox.done(one.delivery_id, NOW + 5)
    other, mine = await ledger.find(Search(record=new_delivery().sub))
    assert (other.member, other.state, other.settled_at) == ("ngo-a", "pending", None)
    assert (mine.member, mine.sink, mine.state) == (*LANE, "done")
    assert (mine.id, mine.number, mine.settled_at) == (one.delivery_id, 1, NOW + 5)
    assert (mine.version, mine.policy) == ("2026-01-02T03:04:01Z", "default sha256:00")


async def test_a_token_id_finds_the_same(outbox, ledger):
    await outbox.store([case(1, token_id="A" * 43), case(2, token_id="B" * 43)])
    [found] = await ledger.find(Search(record="B" * 43))
    assert found.record == "incident--2"


async def test_what_was_superseded_is_told_as_never_sent(outbox, ledger):
    await outbox.store([version(2), version(1)])
    sent, late = await ledger.find(Search(record=new_delivery().sub))
    assert (sent.state, late.state) == ("pending", "superseded")
    assert (late.id, late.number, late.settled_at) == ("", None, NOW)
    assert late.version.startswith("2026-01-02T03:04:01")


async def test_of_a_delivery_hashes_and_sizes_are_told_and_nothing_of_its_text(
    outbox, ledger
):
    await outbox.store([case(1, evidence=b"canary" * 100)])
    [entry] = await ledger.find(EVERYTHING)
    sizes = await ledger.sizes(entry)
    assert {name: size for name, (_, size) in sizes.items()}["evidence"] == 600
    assert all(len(digest) == 64 for digest, _ in sizes.values())
    assert "canary" not in repr(entry) + repr(sizes)


# what somebody has not got


async def test_what_a_member_has_not_got_is_failed_pending_or_waiting(outbox, ledger):
    rows = [case(n) for n in range(3)] + [case(9, not_before=NOW + 500)]
    await outbox.store([*rows, case(1, member="ngo-a")])
    for item in await outbox.due(NOW, 10, lane=LANE):
        await {
            1: lambda i: outbox.done(i, NOW),
            2: lambda i: outbox.failed(i, "sink-refused", now=NOW),
            3: lambda i: outbox.postponed(i, NOW + 60, "sink-busy", now=NOW),
        }[item.number](item.delivery_id)
    found = await ledger.find(Search(member="platform-b", states=NOT_DONE))
    assert [(e.state, e.number, e.reason, e.due_at) for e in found[1:]] == [
        ("pending", 3, "sink-busy", NOW + 60),
        ("waiting", None, "", NOW + 500),
    ]
    assert (found[0].state, found[0].reason) == ("failed", "sink-refused")
    assert (found[0].attempts, found[0].bodies, found[0].newer) == (1, True, False)


@pytest.mark.parametrize(
    ("search", "numbers"),
    [
        (Search(reason="sink-refused"), [1]),
        (Search(sink="mail"), [1]),
        (Search(sink="siem", states=("failed",)), [1, 2]),
        (Search(member="nobody"), []),
        (Search(record="incident--2", reason="sink-refused"), []),
        (Search(record="incident--2", reason="sink-gone"), [2]),
    ],
)
async def test_all_that_is_asked_must_hold(outbox, ledger, search, numbers):
    await outbox.store([case(1), case(2), case(3, sink="mail")])
    lane = await outbox.due(NOW, 10, lane=LANE)
    for item, reason in zip(lane, ("sink-refused", "sink-gone"), strict=True):
        await outbox.failed(item.delivery_id, reason, now=NOW)
    assert [e.number for e in await ledger.find(search)] == numbers


async def test_no_more_is_given_than_asked_for(outbox, ledger):
    await outbox.store([case(n) for n in range(9)] + [version(2), version(1)])
    assert len(await ledger.find(EVERYTHING, limit=4)) == 4
    assert len(await ledger.find(EVERYTHING, limit=100)) == 11


async def test_an_id_may_be_its_beginning_but_no_pattern(outbox, ledger):
    await outbox.store([case(1), case(2)])
    one, _ = await ledger.find(EVERYTHING)
    assert await ledger.find(Search(ids=(one.id[:12],))) == (one,)
    assert await ledger.find(Search(ids=("d_", "%"))) == ()


# trying again


async def test_what_failed_is_due_again_under_its_id_and_number(outbox, ledger):
    await outbox.store([case(1), case(2)])
    ids = await end(outbox, "sink-refused", "done")
    done = await ledger.retry(Search(), now=NOW + 9)
    assert [e.id for e in done.again] == ids[:1]
    assert done.stay == ()
    assert await outbox.due(NOW + 8, 10) == []
    [item] = await outbox.due(NOW + 9, 10)
    assert (item.delivery_id, item.number, item.attempt) == (ids[0], 1, 2)
    # Three days from its next failure on, not from its first.
    assert await outbox.first_failed_at(item.delivery_id) is None
    await outbox.done(item.delivery_id, NOW + 9)
    assert (await ledger.retry(Search())).again == ()


async def test_only_what_is_meant_is_tried_again(outbox, ledger):
    await outbox.store([case(1), case(2), case(1, member="ngo-a")])
    items = await outbox.due(NOW, 10)
    for item in items:
        await outbox.failed(item.delivery_id, "sink-busy", now=NOW)
    chosen = next(i for i in items if i.member == "ngo-a")
    done = await ledger.retry(Search(ids=(chosen.delivery_id,)))
    assert [e.member for e in done.again] == ["ngo-a"]
    assert [e.number for e in await ledger.find(Search(states=("failed",)))] == [1, 2]


@pytest.mark.parametrize("newer", ["done", "kept", "sink-refused"])
async def test_an_older_version_never_follows_a_newer_one(outbox, ledger, newer):
    await outbox.store([version(1), version(2)])
    await end(outbox, "sink-refused")
    await end(outbox, newer)
    done = await ledger.retry(Search(record=new_delivery().sub))
    assert [e.number for e in done.again] == ([2] if newer == "sink-refused" else [])
    assert [e.number for e in done.stay] == [1]
    assert done.stay[0].newer


async def test_what_was_taken_back_is_not_sent_again(outbox, ledger):
    await outbox.store([version(1)])
    await end(outbox, "sink-refused")
    await outbox.store([version(2, kind="retraction")])
    await end(outbox, "done")
    assert (await ledger.retry(Search())).again == ()
    assert await outbox.due(NOW, 10) == []


async def test_a_version_that_waits_is_no_hindrance_it_comes_behind(outbox, ledger):
    await outbox.store([version(1)])
    await end(outbox, "sink-refused")
    await outbox.store([version(2, not_before=NOW + 100)])
    assert len((await ledger.retry(Search())).again) == 1
    assert [d.number for d in await outbox.due(NOW + 100, 10)] == [1]


async def test_what_was_purged_cannot_be_sent_and_says_so(outbox, ledger):
    await outbox.store([case(1)])
    await end(outbox, "sink-refused")
    await Removal(outbox).purge(NOW + 1)
    done = await ledger.retry(Search())
    assert done.again == ()
    assert [e.bodies for e in done.stay] == [False]
    assert (await outbox.counts())["failed"] == 1


async def test_what_is_tried_again_is_not_purged(outbox, ledger):
    await outbox.store([case(1)])
    await end(outbox, "sink-refused")
    await ledger.retry(Search())
    assert await Removal(outbox).purge(NOW + 10**9) == 0
    assert len(await outbox.due(NOW, 10)) == 1


async def test_many_are_tried_again_some_at_a_time(outbox, ledger, monkeypatch):
    monkeypatch.setattr("adapters.ledger._PAUSE_S", 0)
    await outbox.store([case(n) for n in range(1500)])
    async with asyncio.TaskGroup() as tasks:
        for item in await outbox.due(NOW, 1500, max_bytes=10**9):
            tasks.create_task(outbox.failed(item.delivery_id, "x", now=NOW))
    assert len((await ledger.retry(Search())).again) == 1500
    assert (await outbox.counts())["pending"] == 1500


# beside the adapter


@asynccontextmanager
async def forwarding(outbox, sink):
    stop = asyncio.Event()
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(
            forward(
                outbox, {LANE: sink}, clock=time.time, random=random.random, stop=stop
            )
        )
        try:
            yield
        finally:
            stop.set()


async def failed(ledger):
    while not (found := await ledger.find(Search(states=("failed",)))):  # noqa: ASYNC110  another process sets no event
        await asyncio.sleep(0.01)
    return found


async def test_an_adapter_that_runs_notices_what_is_to_be_tried_again(
    outbox, ledger, monkeypatch
):
    monkeypatch.setattr("adapters.forwarder._LOOK_S", 0.02)
    outbox.look_again_s = 60.0  # longer than this test may take
    refused = SinkError("sink-refused")
    sink = MemorySink(lambda item: (refused, "before") if item.attempt == 1 else None)
    await outbox.store([case(1), case(2)])
    async with forwarding(outbox, sink):
        while (await outbox.counts())["failed"] < 2:  # noqa: ASYNC110  as above
            await asyncio.sleep(0.01)
        [one, _] = await failed(ledger)
        await ledger.retry(Search(ids=(one.id,)), time.time())
        while not sink.taken:  # noqa: ASYNC110  as above
            await asyncio.sleep(0.01)
    assert [(d.number, d.attempt) for d in sink.taken.values()] == [(1, 2)]
    assert len(sink.attempts) == 3


async def test_commands_and_the_adapter_may_write_at_the_same_time(outbox, ledger):
    await outbox.store([case(n) for n in range(100)])
    items = await outbox.due(NOW, 100)
    for item in items[:50]:
        await outbox.failed(item.delivery_id, "sink-refused", now=NOW)

    async def settle():
        for item in items[50:]:
            await outbox.done(item.delivery_id, NOW)

    async def retry():
        return [
            len((await ledger.retry(Search(ids=(i.delivery_id,)))).again)
            for i in items[:50]
        ]

    _, found = await asyncio.gather(settle(), retry())
    assert found == [1] * 50
    counts = await outbox.counts()
    assert (counts["done"], counts["pending"], counts["failed"]) == (50, 50, 0)


@pytest.mark.postgresql
async def test_who_stores_a_newer_version_just_then_is_waited_for(postgresql):
    url = await postgresql.fresh()
    async with open_outbox(url, clock=lambda: NOW) as outbox:
        await outbox.store([version(1)])
        await end(outbox, "sink-refused")
    other = await asyncpg.connect(url)
    storing = other.transaction()
    await storing.start()
    await other.execute("select * from lanes for update")
    columns = [r[0] for r in await other.fetch(
        "select column_name from information_schema.columns "
        "where table_name = 'deliveries'"
    )]  # fmt: skip
    changed = {"id": "'d-newer'", "ver_key": "ver_key || '9'", "number": "2"}
    values = ", ".join(changed.get(name, name) for name in columns)
    await other.execute(
        f"insert into deliveries ({', '.join(columns)}) "  # noqa: S608  our own names
        f"select {values} from deliveries"
    )
    async with open_ledger(url, writing=True) as ledger, asyncio.timeout(20):
        retrying = asyncio.create_task(ledger.retry(Search(), NOW))
        while not await other.fetch("select 1 from pg_locks where not granted"):
            assert not retrying.done()
            await asyncio.sleep(0.01)
        await storing.commit()
        done = await retrying
    assert (len(done.again), len(done.stay)) == (0, 1)
    await other.close()
    await postgresql.drop(url)


# opening


async def test_without_an_adapter_that_runs_it_reads_the_same(place):
    async with open_outbox(place, clock=lambda: NOW) as outbox:
        await outbox.store([case(1)])
    async with open_ledger(place) as ledger:
        assert [e.number for e in await ledger.find(EVERYTHING)] == [1]


async def test_a_read_only_ledger_writes_nothing(tmp_path):
    path = tmp_path / "outbox.sqlite"
    async with open_outbox(path, clock=lambda: NOW) as outbox:
        await outbox.store([case(1)])
        await end(outbox, "sink-refused")
        with pytest.raises(ConfigError, match="SQLITE_READONLY"):
            async with open_ledger(path) as ledger:
                await ledger.retry(Search(), NOW)
        assert (await outbox.counts())["failed"] == 1


async def test_what_is_no_outbox_or_of_another_version_is_refused_and_not_changed(
    tmp_path,
):
    path = tmp_path / "outbox.sqlite"
    with pytest.raises(ConfigError, match="has not run yet"):
        async with open_ledger(path):
            pass
    assert not path.exists()
    path.touch(0o600)
    with pytest.raises(ConfigError, match="another version"):
        async with open_ledger(path):
            pass
    assert not os.listdir(tmp_path)[1:]
    path.unlink()
    async with open_outbox(path):
        pass
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("update alembic_version set version_num = '9999'")
    for writing in (False, True):
        with pytest.raises(ConfigError, match="another version"):
            async with open_ledger(path, writing=writing):
                pass
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="open to others"):
        async with open_ledger(path):
            pass


@pytest.mark.postgresql
async def test_a_database_without_an_outbox_is_none(postgresql):
    url = await postgresql.fresh()
    with pytest.raises(ConfigError, match="another version"):
        async with open_ledger(url):
            pass
    await postgresql.drop(url)
    with pytest.raises(ConfigError, match="InvalidCatalogName"):
        async with open_ledger(url):
            pass


async def test_of_each_sink_it_says_what_waits_since_when_it_takes_nothing_and_why(
    outbox, place
):
    await outbox.store([case(1), case(2), case(3, member="ngo-a"), case(4, sink="x")])
    [item] = await outbox.due(NOW, 1, lane=LANE)
    await outbox.postponed(item.delivery_id, NOW + 9, "sink-timeout", now=NOW + 5)
    [item] = await outbox.due(NOW, 1, lane=("ngo-a", LANE[1]))
    await outbox.failed(item.delivery_id, "sink-refused", now=NOW)
    [item] = await outbox.due(NOW, 1, lane=(LANE[0], "x"))
    await outbox.done(item.delivery_id, NOW)
    async with open_ledger(place) as opened:
        given_up, waiting = await flows(opened)
    assert (given_up.member, given_up.pending, given_up.failed) == ("ngo-a", 0, 1)
    assert (waiting.member, waiting.sink, waiting.pending) == (*LANE, 2)
    assert (waiting.oldest_at, waiting.failing_since) == (NOW, NOW + 5)
    assert (waiting.reason, waiting.failed) == ("sink-timeout", 0)
