"""Erasing a record from the outbox: what is gone, what stays, and who is in the middle."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager, closing

import msgspec
import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from adapters.errors import OutboxUnavailableError
from adapters.outbox import OVERDUE_S, open_outbox
from adapters.outbox_erasure import Erasing
from adapters.outbox_removal import Removal
from adapters.patience import PatientStore
from tests.adapters.test_outbox import LANE, NOW, case, query, version
from tests.support.sinks import new_delivery

RECORD = new_delivery()
IDS = [letter * 43 for letter in "AEIM"]


def order(*token_ids, at=NOW, sub=RECORD.sub):
    return Erasing(issuer="cert-aq", sub=sub, token_ids=token_ids, at=at, reason="law")


@pytest.fixture
async def outbox(place):
    async with open_outbox(place, clock=lambda: NOW) as opened:
        yield opened


async def states(place):
    found = await query(place, "select number, state from deliveries order by number")
    return [(number, state) for number, state in found]


async def test_what_is_erased_is_not_sent_and_its_key_and_bodies_are_gone(
    outbox, place
):
    await outbox.store([version(1, token_id=IDS[0]), case(9)])
    found = await Removal(outbox).erase(order(IDS[0]))
    assert (found.bodies, len(found.ended)) == (3, 1)
    assert [item.number for item in await outbox.due(NOW, 10)] == [2]
    assert await states(place) == [(1, "erased"), (2, "pending")]
    assert await query(place, "select sub from record_keys") == [("incident--9",)]
    assert await query(place, "select count(*) from contents") == [(3,)]


async def test_the_ledger_keeps_who_received_it_and_no_hash_of_the_plain_text(
    outbox, place
):
    await outbox.store([version(1, token_id=IDS[0])])
    [item] = await outbox.due(NOW, 1)
    await outbox.done(item.delivery_id, NOW)
    await Removal(outbox).erase(order(IDS[0]))
    assert await states(place) == [(1, "done")]
    hashed = "select count(sha256) from bodies join deliveries on hash = "
    assert await query(place, hashed + "projection") == [(0,)]
    assert await query(place, hashed + "evidence") == [(1,)]


async def test_all_versions_go_with_the_one_key_of_their_record(outbox, place):
    await outbox.store([version(n, token_id=IDS[n]) for n in (1, 2, 3)])
    assert await query(place, "select count(*) from record_keys") == [(1,)]
    await Removal(outbox).erase(order())
    assert {state for _, state in await states(place)} == {"erased"}
    assert await query(place, "select count(*) from contents") == [(0,)]
    erased = await query(place, "select token_id from erased order by token_id")
    assert erased == [(each,) for each in IDS[1:]]


async def test_it_tells_of_each_lane_what_was_sent_and_what_never_comes(outbox):
    await outbox.store([version(1, token_id=IDS[1]), case(9), case(1, sink="mail")])
    [first, _] = await outbox.due(NOW, 10, lane=LANE)
    await outbox.done(first.delivery_id, NOW)
    await outbox.store([version(2, token_id=IDS[2]), version(3, token_id=IDS[3])])
    outbox.release([_])
    again = await outbox.due(NOW, 10, lane=LANE)
    tried = next(item for item in again if item.token_id == IDS[2])
    await outbox.postponed(tried.delivery_id, NOW + 60, "sink-timeout", now=NOW)
    [reached] = (await Removal(outbox).erase(order())).reached
    assert (reached.member, reached.sink) == LANE
    # The second may have arrived: its sink did not answer in time.
    assert (reached.numbers, reached.not_sent) == ((1, 3), (4,))
    assert reached.token_ids == (IDS[1], IDS[2])


async def test_erasing_again_tells_the_same(outbox):
    await outbox.store([version(1, token_id=IDS[0])])
    [item] = await outbox.due(NOW, 1)
    await outbox.done(item.delivery_id, NOW)
    await outbox.store([version(2, token_id=IDS[1])])
    first = await Removal(outbox).erase(order(IDS[0]))
    assert len(first.reached) == 1
    again = await Removal(outbox).erase(order(IDS[0], at=NOW + 5))
    assert again.reached == first.reached
    assert (again.bodies, again.ended) == (0, ())
    assert await Removal(outbox).erased_since(NOW) == IDS[:2]
    # Who has to forget them elsewhere hears of them once more.
    assert await Removal(outbox).erased_since(NOW + 1) == IDS[:2]
    assert await Removal(outbox).erased_since(NOW + 6) == []


async def test_what_was_erased_is_not_stored_again_whatever_brings_it(outbox, place):
    await Removal(outbox).erase(order(IDS[0], IDS[1]))  # it lies in a queue yet
    rows = [version(1, token_id=IDS[0]), case(9), version(2, token_id=IDS[1])]
    assert await outbox.store(rows) == ("erased", "stored", "erased")
    assert await query(place, "select sub from record_keys") == [("incident--9",)]


@pytest.mark.parametrize("come", [None, "new", "waiting"])
async def test_at_the_end_of_retention_it_is_looked_once_more_what_has_come(
    place, come
):
    moment = [NOW - 100]
    async with open_outbox(place, clock=lambda: moment[0]) as outbox:
        await outbox.store([version(1, token_id=IDS[0])])
        [item] = await outbox.due(NOW, 1)
        await outbox.done(item.delivery_id, moment[0])
        assert len(await Removal(outbox).aged(NOW - 50)) == 1
        if come == "new":
            moment[0] = NOW
            await outbox.store([version(2, token_id=IDS[1])])
            [item] = await outbox.due(NOW, 1)
            await outbox.done(item.delivery_id, NOW)
        elif come == "waiting":
            row = version(2, token_id=IDS[1], not_before=NOW + 60)
            await outbox.store([row])
        found = await Removal(outbox).erase(
            msgspec.structs.replace(order(), reason="retention", before=NOW - 50)
        )
        was_over = come is None
        assert (found.bodies > 0) == was_over
        assert (await Removal(outbox).erased_since(0) == [IDS[0]]) == was_over


async def test_what_is_over_is_found_without_going_through_the_whole_ledger(tmp_path):
    asked, path = [], tmp_path / "outbox.sqlite"
    async with open_outbox(path, clock=lambda: NOW) as outbox:
        await outbox.store([case(n, token_id=IDS[n]) for n in range(4)])
        for item in await outbox.due(NOW, 3):
            await outbox.done(item.delivery_id, NOW)

        @event.listens_for(outbox._database.engine.sync_engine, "before_cursor_execute")
        def note(_connection, _cursor, statement, parameters, *_):
            if statement.startswith("SELECT"):
                asked.append((statement, parameters))

        assert len(await Removal(outbox).aged(NOW)) == 3
    assert len(asked) == 2
    with closing(sqlite3.connect(path)) as connection:
        plan = [
            row[3]
            for statement, parameters in asked
            for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    of_ledger = [each for each in plan if "deliveries" in each]
    assert of_ledger
    assert all("USING INDEX deliveries_by_record" in each for each in of_ledger)


async def test_who_was_sent_nothing_of_it_is_not_among_those_that_had_it(outbox):
    await outbox.store([version(1, token_id=IDS[0])])
    assert (await Removal(outbox).erase(order())).reached == ()


async def test_who_is_just_getting_it_is_told(outbox):
    await outbox.store([version(1, token_id=IDS[0])])
    await outbox.due(NOW, 1)  # in hand: it may arrive
    [reached] = (await Removal(outbox).erase(order())).reached
    assert (reached.numbers, reached.not_sent) == ((), (1,))


async def test_who_was_just_getting_it_is_told_when_it_is_repeated(outbox, place):
    await outbox.store([version(1, token_id=IDS[0])])
    [item] = await outbox.due(NOW, 1)
    first = await Removal(outbox).erase(order())
    assert len(first.reached) == 1
    again = await Removal(outbox).erase(order())
    # What it came to meanwhile says no more than before: it may have taken effect.
    await outbox.postponed(item.delivery_id, NOW + 60, "sink-timeout", now=NOW)
    third = await Removal(outbox).erase(order())
    assert first.reached == again.reached == third.reached


async def test_what_is_in_hand_is_not_sent_though_the_commit_was_not_heard_of(
    outbox, monkeypatch
):
    await outbox.store([version(1, token_id=IDS[0])])
    [item] = await outbox.due(NOW, 1)
    writing = outbox.writing

    @asynccontextmanager
    async def unheard():
        async with writing() as connection:
            yield connection
        raise OutboxUnavailableError("the outbox cannot be used now")

    monkeypatch.setattr(outbox, "writing", unheard)
    with pytest.raises(OutboxUnavailableError):
        await Removal(outbox).erase(order())
    monkeypatch.undo()
    assert not outbox.holds(item)
    outbox.release([item])  # as who has it does then
    [reached] = (await Removal(outbox).erase(order())).reached
    assert reached.not_sent == (1,)


class Interrupted:
    """An outbox whose log cannot be emptied the first times."""

    def __init__(self, outbox, times):
        self._outbox, self._left = outbox, times

    def __getattr__(self, name):
        return getattr(self._outbox, name)

    async def empty_log(self):
        self._left -= 1
        if self._left >= 0:
            raise OutboxUnavailableError("the outbox cannot be used now")
        await self._outbox.empty_log()


async def test_a_log_that_is_not_emptied_at_once_does_not_erase_the_record_again(
    outbox, monkeypatch
):
    monkeypatch.setattr("adapters.patience.delays", lambda _: iter([0.0] * 3))
    await outbox.store([version(1, token_id=IDS[0])])
    await outbox.due(NOW, 1)
    store = PatientStore(Interrupted(outbox, 2), asyncio.Event())
    found = await store.erase(order())
    assert (found.bodies, len(found.ended), len(found.reached)) == (3, 1, 1)


TROUBLE = [
    OperationalError("s", {}, Exception()),  # of SQLite: the disk is full
    ConnectionRefusedError(),
    TimeoutError(),
    PoolTimeoutError(),
]


@pytest.mark.parametrize("trouble", TROUBLE, ids=lambda each: type(each).__name__)
async def test_trouble_that_may_pass_is_told_as_that_whatever_was_asked(
    tmp_path, monkeypatch, trouble
):
    async with open_outbox(tmp_path / "outbox.sqlite") as outbox:
        for each in asked(outbox, monkeypatch, trouble):
            with pytest.raises(OutboxUnavailableError):
                await each()


async def test_a_mistake_of_ours_is_not_waited_for(tmp_path, monkeypatch):
    async with open_outbox(tmp_path / "outbox.sqlite") as outbox:
        for each in asked(outbox, monkeypatch, ProgrammingError("s", {}, Exception())):
            with pytest.raises(ProgrammingError):
                await each()


def asked(outbox, monkeypatch, trouble):
    """Give what meets *trouble* in the database."""

    async def refuse(*_):
        raise trouble

    for name in ("purged", "changed_elsewhere", "storing"):
        monkeypatch.setattr(outbox._database, name, refuse)
    return [outbox.empty_log, outbox.notice, lambda: outbox.store([case(1)])]


async def test_a_version_that_is_published_later_is_a_delivery_as_any(outbox):
    await outbox.store([version(1, token_id=IDS[0])])
    await Removal(outbox).erase(order(IDS[0]))
    assert await outbox.store([version(2, token_id=IDS[1])]) == ("stored",)
    [item] = await outbox.due(NOW, 10)
    assert (item.number, item.evidence) == (2, RECORD.evidence)


async def test_what_waits_is_erased_too_and_has_no_number_to_miss(outbox, place):
    await outbox.store([version(1, token_id=IDS[0], not_before=NOW + 60)])
    found = await Removal(outbox).erase(order())
    assert found.reached == ()
    assert await outbox.due(NOW + 60, 10) == []
    assert await states(place) == [(None, "erased")]


async def test_a_retraction_that_failed_is_no_alarm_once_its_record_is_erased(
    place,
):
    moment = [NOW - OVERDUE_S]
    async with open_outbox(place, clock=lambda: moment[0]) as outbox:
        await outbox.store([version(1, token_id=IDS[0], kind="retraction")])
        [item] = await outbox.due(NOW, 1)
        await outbox.failed(item.delivery_id, "sink-gone", now=NOW - 5)
        moment[0] = NOW
        [lane] = await outbox.backlog()
        assert (lane.failed, lane.overdue) == (1, 1)
        [reached] = (await Removal(outbox).erase(order())).reached
        assert reached.numbers == (1,)  # the attempt may have taken effect
        assert await outbox.backlog() == ()
    kept = "select state, reason, attempts, settled_at from deliveries"
    assert await query(place, kept) == [("erased", "sink-gone", 1, NOW - 5)]


async def test_a_delivery_in_hand_is_no_more_to_be_sent(outbox):
    await outbox.store([version(1), case(9)])
    [mine, other] = await outbox.due(NOW, 10)
    await Removal(outbox).erase(order())
    assert (outbox.holds(mine), outbox.holds(other)) == (False, True)


async def test_what_arrived_while_it_was_erased_stands_in_the_ledger_as_done(
    outbox, place
):
    await outbox.store([version(1), case(9), case(10)])
    mine, other, third = await outbox.due(NOW, 10)
    await Removal(outbox).erase(order())
    await Removal(outbox).erase(order(sub="incident--10"))
    await asyncio.gather(
        outbox.done(mine.delivery_id, NOW),
        outbox.done(other.delivery_id, NOW),
        outbox.postponed(third.delivery_id, NOW + 60, "sink-timeout", now=NOW),
    )
    assert await states(place) == [(1, "done"), (2, "done"), (3, "erased")]
