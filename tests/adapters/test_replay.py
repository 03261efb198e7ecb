"""Replay: a member gets the past by today's view, once, and nobody else gets it."""

from collections import Counter
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace as changed

from adapters import replay as replaying
from adapters.intake import Intake
from adapters.outbox import open_outbox
from adapters.pipeline import Subscriber, decide
from adapters.replay import Wanted, found_in, message_of
from broker import seen
from broker.archive import Archived, open_archive
from broker.embedded import open_embedded
from broker.errors import BusUnavailableError, UnroutableError
from broker.replaying import Replay
from broker.sdjwt import token_id
from tests.adapters.test_app import CONTEXT, MEMBER, Stage
from tests.support.issuing import HUB, NOW, PLACE, Feed, directory, draft, member

OTHER = "platform-y"


def sub_of(record):
    return record.objects[record.primary].id


def put(archive, *records, at=NOW, feed=None):
    """Archive records as the gate does; give their token ids."""
    feed = feed or Feed()
    found = []
    for record in records:
        token = feed.sign(record)
        found.append(
            Archived(
                token_id=token_id(token),
                issuer="cert-aq",
                sub=sub_of(record),
                ver=record.objects[record.primary].modified,
                kind=record.kind,
                tlp="GREEN",
                first_seen=int(at),
                token=token,
            )
        )

    def stamp(**place):
        return seen.make_stamp(HUB, **place)

    archive.append(found, stamp)
    return [each.token_id for each in found]


@pytest.fixture
def archive(tmp_path):
    with open_archive(tmp_path / "archive.sqlite") as opened:
        yield opened


def chosen(archive, now=NOW, **wanted):
    left_out = Counter()
    found = found_in(archive, Wanted(**wanted), left_out, now=now)
    return [each.token_id for each in found], dict(left_out)


def test_the_newest_version_of_each_record_is_found_and_the_rest_counted(archive):
    feed = Feed()
    put(archive, draft(1), feed=feed)
    ids = put(archive, draft(1, version=1), draft(2), feed=feed)
    assert chosen(archive) == (ids, {"superseded": 1})


def test_a_version_from_before_the_time_that_was_asked_for_still_supersedes(archive):
    feed = Feed()
    put(archive, draft(1, version=1), at=NOW - 100, feed=feed)
    put(archive, draft(1), feed=feed)
    assert chosen(archive, since=NOW) == ([], {"superseded": 1})


def test_time_issuer_record_and_token_narrow_it(archive):
    feed = Feed()
    [one] = put(archive, draft(1), at=NOW - 100, feed=feed)
    [two] = put(archive, draft(2), feed=feed)
    assert chosen(archive, since=NOW) == ([two], {})
    assert chosen(archive, until=NOW) == ([one], {})
    assert chosen(archive, issuer="cert-bv") == ([], {})
    assert chosen(archive, record=sub_of(draft(2))) == ([two], {})
    assert chosen(archive, record=one) == ([one], {})


def test_what_was_erased_or_has_expired_is_left_out_and_counted(archive):
    put(archive, draft(1), draft(2))
    archive.erase([("cert-aq", sub_of(draft(1)))], at=int(NOW), reason="requested")
    assert chosen(archive, now=NOW + 3 * 366 * 86_400) == (
        [],
        {"erased": 1, "expired": 1},
    )


class Replaying(Stage):
    """An adapter with an archive behind it, and the operator."""

    async def replay(self, archive, forced=False, to=MEMBER, **wanted):
        found = found_in(archive, Wanted(**wanted), Counter(), now=NOW)
        operator = self.broker.login("operator")

        async def empty():
            return 0

        sending = replaying.send(
            operator, found, empty, replay=Replay(to, forced), adapter="main"
        )
        return [each.token_id async for each in sending]


@asynccontextmanager
async def stage(folder):
    async with (
        open_embedded(None, PLACE) as broker,
        open_outbox(folder / "outbox.sqlite") as outbox,
    ):
        yield Replaying(broker, outbox, folder)


async def test_a_member_gets_what_it_never_got_and_nothing_twice(tmp_path, archive):
    ids = put(archive, draft(1), draft(2))
    async with stage(tmp_path) as here:
        assert await here.replay(archive) == ids
        assert await here.replay(archive) == ids
        await here.serve_until(lambda: here.sink.numbers == [1, 2])
        assert await here.left_in("tocsin.adapter.main") == []
        assert len(here.sink.attempts) == 2
        assert await here.left_in("tocsin.dead") == []


async def test_by_force_the_same_delivery_comes_again(tmp_path, archive):
    put(archive, draft(1))
    async with stage(tmp_path) as here:
        await here.replay(archive)
        await here.serve_until(lambda: len(here.sink.attempts) == 1)
        await here.replay(archive, forced=True)
        await here.serve_until(lambda: len(here.sink.attempts) == 2)
        first, second = here.sink.attempts
        assert changed(second, attempt=1, receipt=b"") == changed(first, receipt=b"")


async def test_the_urgent_queue_stays_free(tmp_path, archive):
    put(archive, draft(1))
    async with stage(tmp_path) as here:
        await here.replay(archive)
        assert await here.left_in("tocsin.adapter.main.urgent") == []
        assert len(await here.left_in("tocsin.adapter.main")) == 1


def decided(archive, forced=False, to=MEMBER, user="operator"):
    both = directory(
        changed(member(MEMBER), audience="platform", kinds=()),
        changed(member(OTHER), audience="platform", kinds=()),
    )
    subscribers = tuple(
        Subscriber(both.members[org], ("files",)) for org in (MEMBER, OTHER)
    )
    [archived] = archive.since()
    message = message_of(archived, Replay(to, forced), "main")
    context = changed(CONTEXT, directory=both, subscribers=subscribers)
    return decide(changed(message, user_id=user), context, now=NOW)


def test_it_is_decided_for_that_member_alone(archive):
    put(archive, draft(1))
    assert [row.member for row in decided(archive).rows] == [MEMBER]
    assert [row.member for row in decided(archive, to=OTHER).rows] == [OTHER]
    assert {row.member for row in decided(archive, user="gate").rows} == {MEMBER, OTHER}


def test_for_a_member_that_the_adapter_does_not_serve_nothing_is_stored(archive):
    put(archive, draft(1))
    outcome = decided(archive, to="platform-z")
    assert outcome.rows == ()
    assert outcome.not_given == {"not-served": 1}


@pytest.mark.parametrize(("forced", "resend"), [(False, "failed"), (True, "done")])
def test_what_failed_goes_again_and_by_force_what_was_taken_too(
    archive, forced, resend
):
    put(archive, draft(1))
    [row] = decided(archive, forced).rows
    assert row.resend == resend
    assert decided(archive, user="gate").rows[0].resend == ""


class Watching:
    """Stands in for the gaps of an adapter: notes what came."""

    def __init__(self):
        self.came = []

    async def received(self, messages, outcomes, *, now):
        self.came += [message.message_id for message in messages]


async def test_what_came_for_one_member_is_still_missing_for_the_others(
    tmp_path, archive
):
    put(archive, draft(1))
    [archived] = archive.since()
    intake = object.__new__(Intake)
    intake._gaps = watching = Watching()
    message = message_of(archived, Replay(MEMBER, False), "main")
    both = [changed(message, user_id="operator"), changed(message, user_id="gate")]
    outcomes = [decide(each, CONTEXT, now=NOW) for each in both]
    await intake._note_arrivals(both[:1], outcomes[:1], NOW)
    assert watching.came == []
    await intake._note_arrivals(both, outcomes, NOW)
    assert watching.came == [archived.token_id]


class Queue:
    """An adapter's queue of which somebody takes a few at each look."""

    def __init__(self, taken_at_a_look):
        self.sent = self.most = 0
        self._waiting = 0
        self._taken = taken_at_a_look

    async def publish(self, exchange, message):
        assert exchange == "tocsin.retry"
        self._waiting += 1
        self.sent += 1
        self.most = max(self.most, self._waiting)

    async def depth(self):
        self._waiting = max(0, self._waiting - self._taken)
        return self._waiting


async def sent(queue, archive, **more):
    found = found_in(archive, Wanted(), Counter(), now=NOW)
    sending = replaying.send(
        queue, found, queue.depth, replay=Replay(MEMBER, False), adapter="main", **more
    )
    return [each.number async for each in sending]


async def test_few_replayed_records_stand_before_a_fresh_one(archive, monkeypatch):
    monkeypatch.setattr(replaying, "_LOOK_S", 0.0)
    put(archive, *(draft(n) for n in range(1, 121)))
    queue = Queue(taken_at_a_look=3)
    assert await sent(queue, archive) == list(range(1, 121))
    assert queue.most <= replaying.MAX_AHEAD


async def test_an_adapter_that_takes_nothing_ends_it(archive, monkeypatch):
    monkeypatch.setattr(replaying, "_LOOK_S", 0.0)
    put(archive, *(draft(n) for n in range(1, 80)))
    queue = Queue(taken_at_a_look=0)
    with pytest.raises(BusUnavailableError, match="see whether it runs"):
        await sent(queue, archive, stuck_s=0.0)
    assert queue.sent <= replaying.MAX_AHEAD


async def test_a_wrong_name_of_the_adapter_is_an_error(archive):
    put(archive, draft(1))

    async def empty():
        return 0

    async with open_embedded(None, PLACE) as broker:
        found = found_in(archive, Wanted(), Counter(), now=NOW)
        sending = replaying.send(
            broker.login("operator"),
            found,
            empty,
            replay=Replay(MEMBER, False),
            adapter="nobody",
        )
        with pytest.raises(ExceptionGroup) as caught:
            await anext(sending)
        assert isinstance(caught.value.exceptions[0], UnroutableError)
