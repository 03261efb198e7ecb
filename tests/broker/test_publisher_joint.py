"""A joint record at its lead: signed and kept at once, sent when enough have signed."""

from itertools import count

import pytest

from broker import carried
from broker.bus import CARRIED_CONTENT_TYPE
from broker.carried import Carried
from broker.cosigning import cosign
from broker.embedded import open_embedded
from broker.errors import TrustError
from broker.publisher_state import OutboxFullError
from broker.signing import HANDLING_HORIZON_S
from broker.wire import unpack
from schemas.errors import SchemaError
from schemas.record import ALL_COMMUNITY
from tests.broker.test_publisher import (
    INGRESS,
    NORMAL,
    publisher_bus,
    publishing,
    verified,
)
from tests.broker.test_publisher_next import kind
from tests.support.cosigners import LEAD, SECOND, need
from tests.support.issuing import (
    NOW,
    PLACE,
    directory,
    draft,
    rest,
    running_gate,
    signer,
    take,
)

TWO = need(2, LEAD, SECOND)


def whole(result) -> Carried:
    return cosign(carried.decode(result.waiting), signer(SECOND))


async def test_it_waits_and_leaves_with_all_signatures(tmp_path):
    async with open_embedded(None, PLACE) as broker:
        async with publishing(publisher_bus(broker), tmp_path) as publisher:
            prepared = await publisher.enqueue(draft(), need=TWO)
            assert await publisher.flush() == 0
            done = await publisher.enqueue_joint(whole(prepared), directory())
            assert await publisher.flush() == 1
        [message] = await take(broker.login("gate"), INGRESS, 1)
    assert message.content_type == CARRIED_CONTENT_TYPE
    assert message.message_id == done.token_id == prepared.token_id
    assert unpack(message) == whole(prepared)
    assert not done.already


async def test_it_is_the_first_of_a_feed_of_its_own_and_others_go_on_in_theirs(
    tmp_path,
):
    async with open_embedded(None, PLACE) as broker:
        async with publishing(publisher_bus(broker), tmp_path) as publisher:
            await publisher.publish(draft(1))
            prepared = await publisher.enqueue(draft(2), need=TWO)
            await publisher.publish(draft(3))
            await publisher.enqueue_joint(whole(prepared), directory())
            await publisher.flush()
        places = [
            (each.claims.feed, each.claims.seq, each.claims.prev)
            for each in map(verified, await rest(broker.login("gate"), INGRESS))
        ]
    [first, second, joint] = places
    assert (first[1], second[1], joint[1:]) == (1, 2, (1, ""))
    assert first[0] == second[0] != joint[0]
    assert joint[0].startswith("cert-aq/main/")


async def test_the_gate_takes_it_whenever_it_comes(tmp_path):
    async with (
        open_embedded(None, PLACE) as broker,
        running_gate(broker.login("gate"), tmp_path),
        publishing(publisher_bus(broker), tmp_path) as publisher,
    ):
        await publisher.publish(draft(1))
        prepared = await publisher.enqueue(draft(2), need=TWO)
        await publisher.publish(draft(3))
        await publisher.enqueue_joint(whole(prepared), directory())
        await publisher.flush()
        arrived = await take(broker.login("adapter-main"), NORMAL, 3)
    assert arrived[-1].message_id == prepared.token_id


async def test_it_survives_the_process_and_is_prepared_once(tmp_path):
    async with open_embedded(None, PLACE) as broker:
        found = []
        for _ in range(2):
            async with publishing(publisher_bus(broker), tmp_path) as publisher:
                found.append(await publisher.enqueue(draft(), need=TWO))
        async with publishing(publisher_bus(broker), tmp_path) as publisher:
            record = whole(found[0])
            done = [
                await publisher.enqueue_joint(record, directory()) for _ in range(2)
            ]
            await publisher.flush()
            after = await publisher.enqueue(draft(), need=TWO)
        assert len(await rest(broker.login("gate"), INGRESS)) == 1
    assert found[0].waiting == found[1].waiting
    assert [each.already for each in found] == [False, True]
    assert [each.already for each in done] == [False, True]
    assert (after.already, after.waiting) == (True, None)


async def test_what_is_not_enough_changed_or_of_others_does_not_leave(tmp_path):
    async with (
        open_embedded(None, PLACE) as broker,
        publishing(publisher_bus(broker), tmp_path) as publisher,
    ):
        prepared = await publisher.enqueue(draft(), need=TWO)
        record = whole(prepared)
        strange = cosign(
            carried.decode((await _elsewhere(tmp_path / "other", broker)).waiting),
            signer(SECOND),
        )
        cut = Carried(record.token.partition(b"~")[0] + b"~", record.also)
        for bad, reason in (
            (Carried(record.token), "partial"),
            (strange, "not-prepared"),
            (cut, "other-record"),
        ):
            with pytest.raises(TrustError, match=reason):
                await publisher.enqueue_joint(bad, directory())
        assert await publisher.flush() == 0
        await publisher.enqueue_joint(record, directory())


async def _elsewhere(folder, broker):
    folder.mkdir()
    async with publishing(publisher_bus(broker), folder) as publisher:
        return await publisher.enqueue(draft(7), need=TWO)


async def test_a_full_outbox_keeps_it_waiting(tmp_path):
    async with open_embedded(None, PLACE) as broker:
        bus = publisher_bus(broker)
        async with publishing(bus, tmp_path, max_pending=1) as publisher:
            prepared = await publisher.enqueue(draft(1), need=TWO)
            await publisher.enqueue(draft(2))
            with pytest.raises(OutboxFullError):
                await publisher.enqueue_joint(whole(prepared), directory())
            await publisher.flush()
            await publisher.enqueue_joint(whole(prepared), directory())
            assert await publisher.flush() == 1


async def test_the_same_words_with_and_without_others_are_two_records(tmp_path):
    async with (
        open_embedded(None, PLACE) as broker,
        publishing(publisher_bus(broker), tmp_path) as publisher,
    ):
        await publisher.enqueue(draft(), need=TWO)
        with pytest.raises(SchemaError, match="version-known"):
            await publisher.enqueue(draft())


async def test_who_signed_together_corrects_together_and_the_lead_takes_back(tmp_path):
    corrected = kind(draft(name="Said better"), "correction")
    taken_back = kind(draft(revoked=True, name="x"), "retraction")
    async with open_embedded(None, PLACE) as broker:
        bus, ticks = publisher_bus(broker), count(int(NOW))
        async with publishing(bus, tmp_path, clock=ticks.__next__) as publisher:
            first = await publisher.enqueue(draft(), need=TWO)
            await publisher.enqueue_joint(whole(first), directory())
            second = await publisher.enqueue_next(corrected)
            again = await publisher.enqueue_next(corrected)
            assert second.waiting == again.waiting is not None
            await publisher.enqueue_joint(whole(second), directory())
            last = await publisher.enqueue_next(taken_back)
            assert last.waiting is None
            await publisher.flush()
        sent = [
            verified(each, NOW + 100)
            for each in await rest(broker.login("gate"), INGRESS)
        ]
    assert [len(each.signers) for each in sent] == [2, 2, 1]
    assert [each.claims.sup for each in sent[1:]] == [first.token_id, second.token_id]


async def test_heartbeats_count_it_once_it_has_left(tmp_path):
    async with (
        open_embedded(None, PLACE) as broker,
        publishing(publisher_bus(broker), tmp_path) as publisher,
    ):
        prepared = await publisher.enqueue(draft(), need=TWO)
        await publisher.heartbeat([ALL_COMMUNITY])
        before = publisher._state.beats([], int(NOW))
        await publisher.enqueue_joint(whole(prepared), directory())
        await publisher.heartbeat([ALL_COMMUNITY])
        after = publisher._state.beats([], int(NOW))
    assert [each.ids for each in before if each.ids] == []
    [beat] = [each for each in after if each.ids]
    assert [name for name, _ in beat.ids] == [prepared.token_id]


async def test_what_nobody_cosigned_is_forgotten_in_the_end(tmp_path):
    moment = [NOW]
    async with open_embedded(None, PLACE) as broker:
        bus = publisher_bus(broker)
        for _ in range(2):
            async with publishing(bus, tmp_path, clock=lambda: moment[0]) as publisher:
                await publisher.enqueue(draft(1 if moment[0] == NOW else 2), need=TWO)
                rows = publisher._state._file.rows("SELECT count(*) FROM joint")
            moment[0] += HANDLING_HORIZON_S + 2 * 86_400
    assert rows == [(1,)]
