"""The outbox gives out once more what is replayed: under its id, as decided now."""

import pytest
from msgspec.structs import replace as changed

from adapters.outbox import open_outbox
from adapters.outbox_removal import Removal
from tests.adapters.test_outbox import NOW, outbox, query, version
from tests.support.sinks import new_delivery

__all__ = ["outbox"]
LATER = NOW + 60


def replayed(second=1, resend="failed", **changes):
    return version(second, projection=b'{"today":1}', resend=resend, **changes)


async def settled(outbox, how):
    """Store a version and settle it; its delivery."""
    await outbox.store([version(1)])
    [item] = await outbox.due(NOW, 10)
    if how == "done":
        await outbox.done(item.delivery_id, NOW)
    elif how == "failed":
        await outbox.failed(item.delivery_id, "sink-refused", now=NOW)
    return item


@pytest.mark.parametrize(
    ("how", "resend"), [("failed", "failed"), ("failed", "done"), ("done", "done")]
)
async def test_it_keeps_its_id_and_number_and_gets_the_bodies_of_today(
    outbox, how, resend
):
    before = await settled(outbox, how)
    again = replayed(resend=resend, policy="other sha256:11")
    assert await outbox.store([again]) == ("again",)
    [item] = await outbox.due(LATER, 10)
    assert (item.delivery_id, item.number) == (before.delivery_id, before.number)
    assert item.projection == b'{"today":1}'
    await outbox.done(item.delivery_id, LATER)
    assert (await outbox.counts())["done"] == 1


@pytest.mark.parametrize(
    ("how", "resend"), [("done", "failed"), ("done", ""), ("failed", "")]
)
async def test_what_was_taken_goes_again_by_force_alone(outbox, how, resend):
    await settled(outbox, how)
    assert await outbox.store([replayed(resend=resend)]) == ("duplicate",)
    assert await outbox.due(LATER, 10) == []


async def test_what_is_about_to_be_sent_is_not_touched(outbox, place):
    item = await settled(outbox, "not")
    before = await query(place, "select * from deliveries")
    assert await outbox.store([replayed(resend="done")]) == ("duplicate",)
    assert await query(place, "select * from deliveries") == before
    await outbox.done(item.delivery_id, NOW)


async def test_an_older_version_never_follows_a_newer_one(outbox):
    await settled(outbox, "done")
    await outbox.store([version(2)])
    assert await outbox.store([replayed(1, "done")]) == ("duplicate",)
    assert [item.number for item in await outbox.due(LATER, 10)] == [2]


async def test_bodies_that_were_purged_come_back(outbox):
    await settled(outbox, "done")
    assert await Removal(outbox).purge(LATER)
    await outbox.store([replayed(resend="done")])
    [item] = await outbox.due(LATER, 10)
    assert item.evidence == version(1).evidence


async def test_the_ledger_says_what_it_was_sent_under(outbox, place):
    await settled(outbox, "failed")
    await outbox.store([replayed(policy="other sha256:11")])
    found = await query(place, "select policy, state, reason, number from deliveries")
    assert found == [("other sha256:11", "pending", "", 1)]


async def test_many_go_again_in_one_transaction(outbox):
    rows = [new_delivery(sub=f"incident--{n}") for n in range(3)]
    await outbox.store(rows)
    for item in await outbox.due(NOW, 10):
        await outbox.done(item.delivery_id, NOW)
    forced = [changed(row, resend="done") for row in rows]
    assert await outbox.store(forced) == ("again",) * 3
    assert [item.number for item in await outbox.due(LATER, 10)] == [1, 2, 3]


async def test_the_number_after_it_is_the_next_one(place):
    async with open_outbox(place, clock=lambda: NOW) as outbox:
        await settled(outbox, "done")
        await outbox.store([replayed(resend="done"), version(2)])
        items = await outbox.due(LATER, 10)
        assert [item.number for item in items] == [1]
        await outbox.done(items[0].delivery_id, LATER)
        assert [item.number for item in await outbox.due(LATER, 10)] == [2]
