"""The outbox: stored once, numbered without gaps, given out in order, never lost."""

import asyncio
import os
import re
import sqlite3
from contextlib import closing

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.errors import OutboxUnavailableError
from adapters.outbox import open_outbox
from adapters.outbox_removal import Removal
from schemas.errors import SchemaError
from tests.support.sinks import new_delivery

NOW = 1_770_000_000.0
LANE = ("platform-b", "siem")


def version(second, **changes):
    return new_delivery(ver=f"2026-01-02T03:04:{second:02d}Z", **changes)


def case(number, **changes):
    return new_delivery(sub=f"incident--{number}", **changes)


@pytest.fixture
async def outbox(place):
    async with open_outbox(place, clock=lambda: NOW) as opened:
        yield opened


async def query(place, sql):
    """Look into the database from outside, as another process would."""
    if isinstance(place, str):
        connection = await asyncpg.connect(place)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()
    with closing(sqlite3.connect(place)) as connection:
        return connection.execute(sql).fetchall()


# storing


async def test_what_was_stored_is_given_out_as_it_was(outbox):
    row = new_delivery()
    assert await outbox.store([row]) == ("stored",)
    [item] = await outbox.due(NOW, 10)
    assert re.fullmatch(r"d-[a-z2-7]{32}", item.delivery_id)
    assert (item.number, item.attempt) == (1, 1)
    shared = set(row.__struct_fields__) & set(item.__struct_fields__)
    assert len(shared) == 15
    assert all(getattr(item, name) == getattr(row, name) for name in shared)


async def test_it_knows_which_tokens_a_member_was_given_or_needs_no_more(outbox):
    ids = [letter * 43 for letter in "ABCD"]
    await outbox.store([version(2, token_id=ids[1]), version(1, token_id=ids[0])])
    await outbox.store([case(1, member="platform-c", token_id=ids[2])])
    found = await outbox.known("platform-b", ids)
    assert (found.given, found.replaced) == ({ids[1]}, {ids[0]})
    found = await outbox.known("platform-c", ids)
    assert (found.given, found.replaced) == ({ids[2]}, set())
    found = await outbox.known("platform-d", ids)
    assert (found.given, found.replaced) == (set(), set())


async def test_a_repeated_version_is_a_duplicate_and_changes_nothing(outbox, place):
    await outbox.store([new_delivery()])
    before = (
        await query(place, "select * from deliveries"),
        await query(place, "select * from lanes"),
    )
    assert await outbox.store([new_delivery(token_id="B" * 43)]) == ("duplicate",)
    assert before == (
        await query(place, "select * from deliveries"),
        await query(place, "select * from lanes"),
    )


async def test_an_older_version_is_superseded_not_sent_but_counted_once(outbox):
    await outbox.store([version(2)])
    assert await outbox.store([version(1)]) == ("superseded",)
    assert await outbox.store([version(1)]) == ("superseded",)
    assert await outbox.counts() == {
        "waiting": 0,
        "pending": 1,
        "done": 0,
        "failed": 0,
        "superseded": 1,
    }
    assert [item.number for item in await outbox.due(NOW, 10)] == [1]


async def test_the_next_number_follows_the_last_stored_one_across_restarts(place):
    async with open_outbox(place) as outbox:
        await outbox.store([version(2), version(1), version(2), case(9)])
    async with open_outbox(place) as outbox:
        await outbox.store([version(3)])
        items = await outbox.due(NOW, 10)
        assert [item.number for item in items] == [1, 2]  # 3 is behind 1
        for item in items:
            await outbox.done(item.delivery_id, NOW)
        assert [item.number for item in await outbox.due(NOW, 10)] == [3]


async def test_each_member_and_each_sink_counts_for_itself(outbox):
    await outbox.store(
        [
            case(1),
            case(2),
            case(1, member="ngo-a"),
            case(1, sink="mail"),
        ]
    )
    found = {(d.member, d.sink, d.number) for d in await outbox.due(NOW, 10)}
    assert found == {
        ("platform-b", "siem", 1),
        ("platform-b", "siem", 2),
        ("ngo-a", "siem", 1),
        ("platform-b", "mail", 1),
    }


async def test_a_fan_out_to_two_hundred_members_stores_one_copy(outbox, place):
    body = os.urandom(50_000)
    rows = [
        new_delivery(member=f"member-{n}", evidence=bytes(body)) for n in range(200)
    ]
    assert await outbox.store(rows) == ("stored",) * 200
    assert await query(place, "select count(*) from bodies") == [(3,)]
    items = await outbox.due(NOW, 200, max_bytes=10**9)
    assert len({id(item.evidence) for item in items}) == 1  # in memory too


async def test_one_bad_version_and_nothing_of_the_call_is_stored(outbox):
    with pytest.raises(SchemaError):
        await outbox.store([case(1), new_delivery(ver="yesterday")])
    assert await outbox.due(NOW, 10) == []
    assert await outbox.store([case(1)]) == ("stored",)


async def test_storing_nothing_is_nothing(outbox):
    assert await outbox.store([]) == ()


async def test_many_calls_may_store_at_once(outbox, place):
    await asyncio.gather(*(outbox.store([case(n)]) for n in range(40)))
    numbers = await query(place, "select number from deliveries order by number")
    assert numbers == [(n,) for n in range(1, 41)]


async def test_more_rows_than_one_query_takes_are_one_transaction(outbox):
    rows = [case(n) for n in range(2500)] + [case(7)]
    assert await outbox.store(rows) == ("stored",) * 2500 + ("duplicate",)
    assert (await outbox.counts())["pending"] == 2500
    assert await outbox.store(rows) == ("duplicate",) * 2501


async def test_a_cancelled_store_leaves_all_or_nothing_and_a_working_outbox(outbox):
    total = 0
    for turns in range(24):  # cancelled at many different moments
        rows = [case(100 * turns + n) for n in range(100)]
        task = asyncio.create_task(outbox.store(rows))
        for _ in range(turns):
            await asyncio.sleep(0.0005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert {t.get_name() for t in asyncio.all_tasks()}.isdisjoint({"outbox"})
        found = (await outbox.counts())["pending"]
        assert found - total in {0, 100}
        async with asyncio.timeout(3):  # less than a locked file makes us wait
            await outbox.store(rows)
        total += 100


# scopes


async def test_the_outbox_says_under_which_audience_a_member_has_a_record(place):
    rows = [
        case(1, scope="platform"),
        case(1, scope="platform", sink="mail"),
        case(1, scope="platform", issuer="cert-b"),
        case(1, scope="civil-society", member="ngo-a"),
        case(2, scope="peer-cert"),
    ]
    async with open_outbox(place) as outbox:
        await outbox.store(rows)
        for item in await outbox.due(NOW, 10):
            await outbox.done(item.delivery_id, NOW)
        await Removal(outbox).purge(NOW + 1)
    async with open_outbox(place) as outbox:
        found = await outbox.scopes({"incident--1", "incident--3"})
    assert found.received == {
        ("platform-b", "incident--1"): {"cert-aq": "platform", "cert-b": "platform"},
        ("ngo-a", "incident--1"): {"cert-aq": "civil-society"},
    }


async def test_more_scopes_may_be_asked_for_than_one_query_takes(outbox):
    await outbox.store([case(n) for n in range(3)])
    found = await outbox.scopes({f"incident--{n}" for n in range(40_000)})
    assert len(found.received) == 3
    assert (await outbox.scopes(())).received == {}


# giving out


async def test_nothing_is_due_before_its_time(outbox):
    await outbox.store([case(1)])
    [item] = await outbox.due(NOW, 10)
    await outbox.postponed(item.delivery_id, NOW + 5, "sink-timeout", now=NOW)
    assert await outbox.due(NOW + 4.9, 10) == []
    assert await outbox.next_due() == NOW + 5
    [again] = await outbox.due(NOW + 5, 10)
    assert (again.delivery_id, again.attempt) == (item.delivery_id, 2)


async def test_a_version_waits_for_the_earlier_one_and_for_no_other_case(outbox):
    await outbox.store([version(1), version(2), case(9), version(1, member="ngo-a")])
    items = {(d.member, d.number): d for d in await outbox.due(NOW, 10)}
    assert set(items) == {("platform-b", 1), ("platform-b", 3), ("ngo-a", 1)}
    first = items.pop(("platform-b", 1))
    outbox.release(items.values())
    await outbox.postponed(first.delivery_id, NOW + 60, "sink-busy", now=NOW)
    assert set(await outbox.due(NOW + 59, 10)) == set(items.values())
    [again] = await outbox.due(NOW + 60, 10)
    assert again.delivery_id == first.delivery_id


async def test_what_waits_for_an_earlier_version_does_not_count_as_due(outbox):
    await outbox.store([version(1), version(2)])
    [item] = await outbox.due(NOW, 10)
    await outbox.postponed(item.delivery_id, NOW + 60, "sink-busy", now=NOW)
    assert await outbox.next_due() == NOW + 60  # else the forwarder would spin


@pytest.mark.parametrize("end", ["done", "failed"])
async def test_the_next_version_is_free_when_the_earlier_one_is_settled(outbox, end):
    await outbox.store([version(1), version(2)])
    [item] = await outbox.due(NOW, 10)
    if end == "done":
        await outbox.done(item.delivery_id, NOW)
    else:
        await outbox.failed(item.delivery_id, "sink-refused", now=NOW)
    assert [d.number for d in await outbox.due(NOW, 10)] == [2]
    assert (await outbox.counts())[end] == 1


async def test_two_tasks_never_get_the_same_row(outbox):
    await outbox.store([case(n) for n in range(40)])
    batches = await asyncio.gather(*(outbox.due(NOW, 7) for _ in range(8)))
    ids = [item.delivery_id for batch in batches for item in batch]
    assert len(ids) == len(set(ids)) == 40


async def test_a_released_row_is_due_again_and_its_attempt_does_not_count(outbox):
    await outbox.store([case(1)])
    held = await outbox.due(NOW, 10)
    assert await outbox.due(NOW, 10) == []
    assert await outbox.next_due() is None
    outbox.release(held)
    assert await outbox.due(NOW, 10) == held


async def test_due_can_ask_for_one_lane(outbox):
    await outbox.store([case(1), case(1, member="ngo-a"), case(1, sink="mail")])
    [item] = await outbox.due(NOW, 10, lane=("ngo-a", "siem"))
    assert item.member == "ngo-a"
    assert await outbox.next_due(lane=("ngo-a", "siem")) is None
    assert await outbox.next_due(lane=LANE) is not None


async def test_what_is_loaded_at_once_is_bounded_but_never_nothing(outbox):
    await outbox.store([case(n, evidence=bytes([n]) * 1000) for n in range(10)])
    small = await outbox.due(NOW, 10, max_bytes=3500)
    assert len(small) == 3
    assert len(await outbox.due(NOW, 10, max_bytes=1)) == 1


async def test_many_outcomes_at_once_are_each_recorded(outbox):
    await outbox.store([case(n) for n in range(30)])
    items = await outbox.due(NOW, 30)
    await asyncio.gather(
        *(outbox.done(d.delivery_id, NOW) for d in items[:10]),
        *(outbox.failed(d.delivery_id, "sink-gone", now=NOW) for d in items[10:20]),
        *(
            outbox.postponed(d.delivery_id, NOW + d.number, "x", now=NOW)
            for d in items[20:]
        ),
    )
    counts = await outbox.counts()
    assert (counts["done"], counts["failed"], counts["pending"]) == (10, 10, 10)
    assert [d.number for d in await outbox.due(NOW + 25, 30)] == [21, 22, 23, 24, 25]


async def test_the_first_failure_is_remembered_over_later_ones(outbox):
    await outbox.store([case(1)])
    [item] = await outbox.due(NOW, 1)
    assert await outbox.first_failed_at(item.delivery_id) is None
    await outbox.postponed(item.delivery_id, NOW + 5, "sink-busy", now=NOW)
    await outbox.postponed(item.delivery_id, NOW + 15, "sink-busy", now=NOW + 5)
    assert await outbox.first_failed_at(item.delivery_id) == NOW


async def test_hastening_makes_one_lane_due_and_no_other(outbox):
    await outbox.store([case(1), case(1, member="ngo-a")])
    for item in await outbox.due(NOW, 10):
        await outbox.postponed(item.delivery_id, NOW + 9000, "sink-busy", now=NOW)
    await outbox.hasten(LANE, NOW)
    assert [d.member for d in await outbox.due(NOW, 10)] == ["platform-b"]


async def test_storing_wakes_who_waits_for_that_lane(outbox):
    mine, other = outbox.arrivals(LANE), outbox.arrivals(("ngo-a", "siem"))
    await outbox.store([case(1)])
    assert mine.is_set()
    assert not other.is_set()
    mine.clear()
    await outbox.store([case(1)])  # a duplicate is no arrival
    assert not mine.is_set()


# waiting

SOON = NOW + 100


async def sent(outbox, now):
    """Send all that is due; (number, version's second) of each."""
    found = []
    while items := await outbox.due(now, 10):
        for item in items:
            await outbox.done(item.delivery_id, now)
            found.append((item.number, int(item.ver[17:19])))
    return found


async def test_what_waits_is_not_handed_out_early_and_leaves_no_gap(outbox):
    early = version(1, not_before=SOON)
    assert await outbox.store([early, case(2), case(3)]) == (
        "waiting", "stored", "stored",
    )  # fmt: skip
    assert (await outbox.counts())["waiting"] == 1
    assert [n for n, _ in await sent(outbox, SOON - 0.1)] == [1, 2]
    assert await outbox.next_due() == SOON
    assert await outbox.next_due(lane=LANE) == SOON
    assert await outbox.next_due(lane=("ngo-a", "siem")) is None
    assert await sent(outbox, SOON) == [(3, 1)]
    assert (await outbox.counts())["waiting"] == 0
    await outbox.store([case(4)])
    assert [n for n, _ in await sent(outbox, SOON)] == [4]


async def test_what_waits_gets_its_number_in_the_order_of_its_time(outbox):
    rows = [case(n, not_before=SOON - n, ver=f"2026-01-02T03:04:0{n}Z") for n in (1, 2)]
    other = case(1, not_before=SOON - 5, member="ngo-a")
    await outbox.store([*rows, other])
    items = await outbox.due(SOON, 10)
    assert [(d.member, d.number, d.sub) for d in items] == [
        ("ngo-a", 1, "incident--1"),
        ("platform-b", 1, "incident--2"),
        ("platform-b", 2, "incident--1"),
    ]


async def test_what_waits_is_there_after_a_restart(place):
    async with open_outbox(place, clock=lambda: NOW) as outbox:
        await outbox.store([version(1, not_before=SOON)])
    async with open_outbox(place, clock=lambda: NOW) as outbox:
        assert await outbox.next_due() == SOON
        assert await sent(outbox, NOW) == []
        assert await outbox.store([version(1, not_before=SOON)]) == ("duplicate",)
        assert await sent(outbox, SOON) == [(1, 1)]


@pytest.mark.parametrize("together", [True, False])
async def test_a_newer_version_supersedes_one_that_waits(outbox, place, together):
    rows = [version(1, not_before=SOON), version(2, not_before=SOON + 50)]
    for some in [rows] if together else [[row] for row in rows]:
        await outbox.store(some)
    assert await query(place, "select ver_key like '%:01.%' from superseded") == [(1,)]
    assert await outbox.store(rows[:1]) == ("superseded",)
    assert await sent(outbox, SOON) == []
    assert await sent(outbox, SOON + 50) == [(1, 2)]
    assert (await outbox.counts())["superseded"] == 1


async def test_a_version_that_need_not_wait_supersedes_one_that_does(outbox):
    await outbox.store([version(1, not_before=SOON), version(1, member="ngo-a")])
    assert await outbox.store([version(2)]) == ("stored",)
    assert sorted(await sent(outbox, SOON)) == [(1, 1), (1, 2)]


@pytest.mark.parametrize("together", [True, False])
async def test_what_is_taken_back_while_it_waits_is_never_told_to_exist(
    place, together
):
    over = version(2, kind="retraction", not_before=SOON + 50)
    rows = [version(1, not_before=SOON), over]
    async with open_outbox(place, clock=lambda: NOW) as outbox:
        for some in [rows] if together else [[row] for row in rows]:
            await outbox.store(some)
        assert await outbox.store([over]) == ("superseded",)
    async with open_outbox(place, clock=lambda: NOW) as outbox:
        # Nor is what comes late.
        assert await outbox.store(rows[:1]) == ("superseded",)
        assert await outbox.store([version(0, not_before=0)]) == ("superseded",)
        assert await sent(outbox, SOON + 100) == []
        assert (await outbox.counts())["superseded"] == 3
        await outbox.store([case(9)])
        assert await sent(outbox, SOON + 100) == [(1, 5)]


async def test_what_was_sent_is_taken_back_at_once_and_what_waits_behind_it_goes(
    outbox,
):
    await outbox.store([version(1, not_before=NOW - 1)])
    assert await sent(outbox, NOW) == [(1, 1)]
    await outbox.store([version(2, not_before=SOON)])
    over = version(3, kind="retraction", not_before=SOON + 50)
    assert await outbox.store([over]) == ("stored",)
    assert await sent(outbox, NOW) == [(2, 3)]
    assert await sent(outbox, SOON + 100) == []


async def test_what_waits_is_not_hastened_nor_is_its_body_purged(outbox, place):
    await outbox.store([version(1, not_before=SOON)])
    await outbox.hasten(LANE, NOW)
    assert await Removal(outbox).purge(NOW + 10**9) == 0
    assert await sent(outbox, NOW) == []
    await outbox.store([version(2, not_before=SOON, evidence=b"other")])
    # Of the first one, needed by nobody.
    assert await Removal(outbox).purge(NOW + 10**9) == 1


async def test_when_numbering_what_waited_fails_it_is_done_later(outbox, monkeypatch):
    await outbox.store([version(1, not_before=SOON)])
    assert await sent(outbox, NOW) == []

    async def broken(*_):
        raise OSError("disk")

    with monkeypatch.context() as patch:
        patch.setattr("adapters.outbox_ripening.release_waiting", broken)
        with pytest.raises(OutboxUnavailableError):
            await outbox.due(SOON, 10)
    assert await sent(outbox, SOON) == [(1, 1)]


async def test_storing_what_waits_wakes_who_waits_and_so_does_its_time(outbox):
    arrivals = outbox.arrivals(LANE)
    await outbox.store([version(1, not_before=SOON)])
    assert arrivals.is_set()  # it may have to look earlier than it meant to
    arrivals.clear()
    # Whoever looks first numbers what waited for all.
    await outbox.due(SOON, 10, lane=("ngo-a", "siem"))
    assert arrivals.is_set()


operations = st.lists(
    st.one_of(
        st.tuples(st.just("store"), st.integers(0, 2), st.integers(0, 9)),
        st.tuples(
            st.just("store"),
            st.integers(0, 2),
            st.integers(0, 9),
            st.sampled_from([3, 9, 1000]),
            st.sampled_from(["incident", "retraction"]),
        ),
        st.tuples(st.sampled_from(["done", "failed", "postponed"]), st.integers(0, 9)),
        st.just(("restart",)),
    ),
    max_size=25,
)


@settings(max_examples=25)
@given(operations)
async def test_whatever_happens_numbers_have_no_gaps_and_versions_keep_their_order(
    tmp_path_factory, operations
):
    path = tmp_path_factory.mktemp("property") / "outbox.sqlite"
    await live_through(operations, path)


@pytest.mark.postgresql
@settings(max_examples=5)
@given(operations)
async def test_the_same_holds_in_postgresql(postgresql, operations):
    url = await postgresql.with_tables()
    await live_through(operations, url)
    await postgresql.drop(url)


async def live_through(operations, place):
    now, left, sent, due_from = NOW, list(operations), {}, {}
    while left:
        async with open_outbox(place, clock=lambda: now) as outbox:  # noqa: B023  the latest
            while left and (step := left.pop(0))[0] != "restart":
                now += 1
                if step[0] == "store":
                    wait_s, kind = (*step, 0, "incident")[3:5]
                    row = version(
                        step[2],
                        sub=f"incident--{step[1]}",
                        kind=kind,
                        not_before=now + wait_s if wait_s else 0,
                    )
                    if await outbox.store([row]) != ("duplicate",):
                        due_from[row.sub, row.ver] = row.not_before
                    continue
                ready = await outbox.due(now, 10)
                outbox.release(ready)
                assert len({d.sub for d in ready}) == len(ready)
                if not ready:
                    continue
                item = ready[step[1] % len(ready)]
                assert item.kind == "retraction" or due_from[item.sub, item.ver] <= now
                if step[0] == "done":
                    assert item.ver > sent.get(item.sub, "")
                    sent[item.sub] = item.ver
                    await outbox.done(item.delivery_id, now)
                elif step[0] == "failed":
                    await outbox.failed(item.delivery_id, "sink-refused", now=now)
                else:
                    await outbox.postponed(
                        item.delivery_id, now + 3, "sink-busy", now=now
                    )
    if operations:
        asked = "select number from deliveries where state <> 'waiting' order by 1"
        numbers = [n for (n,) in await query(place, asked)]
        assert numbers == list(range(1, len(numbers) + 1))


# several lanes at once


async def test_what_is_given_back_while_others_ask_is_in_nobodys_hands(outbox):
    other = ("ngo-a", "mail")
    await outbox.store([case(1), case(2, member="ngo-a", sink="mail")])
    [mine] = await outbox.due(NOW, 16, lane=LANE)

    async def give_back():
        await outbox.postponed(mine.delivery_id, NOW + 5, "sink-timeout", now=NOW)
        outbox.release([mine])

    async def take():
        outbox.release(await outbox.due(NOW, 16, lane=other))

    await asyncio.gather(give_back(), take(), outbox.due(NOW, 1, lane=("no", "one")))
    assert await outbox.next_due(lane=LANE) == NOW + 5
    assert len(await outbox.due(NOW + 5, 16, lane=LANE)) == 1


async def test_lanes_that_ask_together_get_what_each_asked_for(outbox):
    lanes = [(f"member-{n}", "siem") for n in range(5)]
    # A long backlog of the first would take the room of all.
    await outbox.store(
        [
            case(f"{n}-{i}", member=member, sink=sink)
            for n, (member, sink) in enumerate(lanes)
            for i in range(40 if n == 0 else 3)
        ]
    )
    found = await asyncio.gather(
        *(outbox.due(NOW, 2, lane=lane) for lane in (*lanes, ("no", "one")))
    )
    assert [len(items) for items in found] == [2, 2, 2, 2, 2, 0]
    for lane, items in zip(lanes, found, strict=False):
        assert {(item.member, item.sink) for item in items} == {lane}
        assert [item.number for item in items] == [1, 2]


async def test_the_same_lane_asked_for_twice_at_once_gives_each_once(outbox):
    await outbox.store([case(n) for n in range(5)])
    found = await asyncio.gather(
        outbox.due(NOW, 1), *(outbox.due(NOW, 2, lane=LANE) for _ in range(3))
    )
    ids = [item.delivery_id for items in found for item in items]
    assert len(ids) == len(set(ids)) == 5
