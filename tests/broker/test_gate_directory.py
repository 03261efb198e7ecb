"""The gate over a directory that changes, suspends and expires while it runs."""

from contextlib import asynccontextmanager

import msgspec
import pytest
from structlog.testing import capture_logs

from broker.directory import Directory, build, under
from broker.directory_held import Held
from broker.embedded import open_embedded
from tests.support.issuing import (
    ADAPTER_QUEUES,
    NOW,
    PLACE,
    Feed,
    directory,
    draft,
    member,
    rest,
    running_gate,
    service,
    signer,
    take,
)
from tests.support.suspended import suspended

NORMAL = ADAPTER_QUEUES[0]
DAY = 86_400.0


class Clock:
    """Stands until it is set."""

    now = NOW

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def hub(folder, known: Directory):
    """A broker in memory with a gate on it, its directory and its clock."""
    held, clock = Held(known), Clock()
    async with (
        open_embedded(None, PLACE) as broker,
        running_gate(broker.login("gate"), folder, known=held, now=clock) as gate,
    ):
        yield broker, held, clock, gate


def lasting(known: Directory, days: float = 7) -> Directory:
    return under(known, [], expires=NOW + days * DAY)


async def send(broker, message, org="cert-aq"):
    await broker.login(org).publish("tocsin.ingress", message)


async def arrived(broker, count: int = 1) -> list[str]:
    return [
        m.message_id for m in await take(broker.login("adapter-main"), NORMAL, count)
    ]


async def refusals(broker, org="cert-aq", count: int = 1) -> list[str]:
    told = await take(broker.login(org), f"tocsin.feedback.{org}", count)
    return [msgspec.json.decode(each.body)["reason"] for each in told]


async def test_an_issuer_that_is_admitted_is_served_without_a_restart(tmp_path):
    only = directory(member("cert-bv", kinds=()))
    feed = Feed("cert-bv")
    first = feed.message(draft())
    async with hub(tmp_path, only) as (broker, held, clock, _):
        await send(broker, first, "cert-bv")
        assert await rest(broker.login("adapter-main"), NORMAL) == []
        held.put(directory(), clock())
        assert await arrived(broker) == [first.message_id]


async def test_of_an_issuer_that_is_taken_out_nothing_is_taken_in_any_more(tmp_path):
    feed, other = Feed("cert-bv"), Feed("cert-aq")
    before, after, theirs = (
        feed.message(draft(1)),
        feed.message(draft(2)),
        other.message(draft(3)),
    )
    gone = build([member("cert-aq")], [service()])
    async with hub(tmp_path, directory()) as (broker, held, clock, _):
        await send(broker, before, "cert-bv")
        assert await arrived(broker) == [before.message_id]
        held.put(gone, clock())
        await send(broker, after, "cert-bv")
        await send(broker, theirs)
        # It waits in the queue, or is refused if the lane had it in hand already.
        assert await arrived(broker) == [theirs.message_id]
        assert await rest(broker.login("adapter-main"), NORMAL) == []


async def test_an_issuer_that_comes_back_goes_on_in_order(tmp_path):
    feed = Feed("cert-bv")
    messages = [feed.message(draft(number)) for number in range(1, 9)]
    without = directory(member("cert-bv", kinds=()))
    async with hub(tmp_path, directory()) as (broker, held, clock, _):
        for number, message in enumerate(messages):
            await send(broker, message, "cert-bv")
            held.put(without if number % 2 else directory(), clock())
        held.put(directory(), clock())
        found = await arrived(broker, len(messages))
    assert found == [each.message_id for each in messages]


async def test_once_it_has_expired_messages_wait_and_nothing_is_refused(tmp_path):
    feed = Feed()
    messages = [feed.message(draft(number)) for number in range(1, 21)]
    with capture_logs() as logs:
        async with hub(tmp_path, lasting(directory())) as (broker, held, clock, _):
            await send(broker, messages[0])
            await arrived(broker)
            clock.now += 7 * DAY
            held.look(clock())
            for each in messages[1:]:
                await send(broker, each)
            assert await rest(broker.login("adapter-main"), NORMAL) == []
            assert await rest(broker.login("operator"), "tocsin.dead") == []
            # It goes on by itself, and in order.
            held.put(lasting(directory(), days=14), clock())
            found = await arrived(broker, 19)
            assert await rest(broker.login("operator"), "tocsin.dead") == []
    assert found == [each.message_id for each in messages[1:]]
    assert "gate.waits" in {each["event"] for each in logs}


async def test_what_comes_before_anybody_has_looked_waits_as_well(tmp_path):
    message = Feed().message(draft())
    async with hub(tmp_path, lasting(directory())) as (broker, held, clock, gate):
        clock.now += 7 * DAY
        await send(broker, message)
        assert await rest(broker.login("adapter-main"), NORMAL) == []
        assert list(gate.archive.since()) == []
        held.put(lasting(directory(), days=14), clock())
        held.put(lasting(directory(member("cert-bv", kinds=())), days=14), clock())
        assert await arrived(broker) == [message.message_id]


@pytest.mark.parametrize(
    ("subject", "reason"),
    [("cert-aq", "member-suspended"), (signer("cert-aq").kid, "key-suspended")],
)
async def test_a_suspension_is_told_to_the_issuer_and_ends_with_its_time(
    tmp_path, subject, reason
):
    feed = Feed()
    known = suspended(directory(), subject, NOW, NOW + 7 * DAY)
    async with hub(tmp_path, directory()) as (broker, held, clock, _):
        before = feed.message(draft(1))
        await send(broker, before)
        assert await arrived(broker) == [before.message_id]
        held.put(known, clock())
        # A backdated one, too: it counts when the gate sees it.
        await send(broker, feed.message(draft(2)))
        assert await refusals(broker) == [reason]
        clock.now += 7 * DAY
        late = Feed(epoch="epoch2").message(draft(3))
        await send(broker, late)
        assert await arrived(broker) == [late.message_id]


async def test_the_suspension_of_one_issuer_stops_no_other(tmp_path):
    known = suspended(directory(), "cert-aq", NOW)
    message = Feed("cert-bv").message(draft())
    async with hub(tmp_path, known) as (broker, _, _, _):
        await send(broker, message, "cert-bv")
        assert await arrived(broker) == [message.message_id]


@pytest.mark.parametrize("subject", ["hub", signer("hub").kid])
async def test_while_the_gate_itself_is_suspended_all_waits(tmp_path, subject):
    feed = Feed()
    first, message = feed.message(draft(1)), feed.message(draft(2))
    with capture_logs() as logs:
        async with hub(tmp_path, directory()) as (broker, held, clock, _):
            await send(broker, first)
            assert await arrived(broker) == [first.message_id]
            held.put(suspended(directory(), subject, NOW, NOW + 7 * DAY), clock())
            await send(broker, message)
            assert await rest(broker.login("adapter-main"), NORMAL) == []
            clock.now += 7 * DAY
            held.look(clock())
            assert await arrived(broker) == [message.message_id]
            assert await rest(broker.login("operator"), "tocsin.dead") == []
    waits = [each["reason"] for each in logs if each["event"] == "gate.waits"]
    assert waits == ["member-suspended"]
