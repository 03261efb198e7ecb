"""Publishing: signed once, sent until confirmed, the same bytes every time."""

import asyncio
from contextlib import asynccontextmanager
from itertools import count

import msgspec
import pytest

from broker import trust
from broker.embedded import open_embedded
from broker.errors import (
    BlockedError,
    BlockedUnsureError,
    BusRefusedError,
    BusUnavailableError,
    ConfigError,
    NotConfirmedError,
    NotTakenError,
    TrustError,
    UnroutableError,
)
from broker.publisher import fingerprint, open_publisher
from broker.publisher_state import OutboxFullError, open_state
from broker.signing import Address
from broker.topology import topology
from broker.wire import unpack
from schemas.errors import SchemaError
from tests.support.issuing import (
    ADAPTER_QUEUES,
    NOW,
    PLACE,
    clock,
    counting_entropy,
    directory,
    draft,
    member,
    rest,
    running_gate,
    signer,
    take,
)

NORMAL = ADAPTER_QUEUES[0]
INGRESS = "tocsin.ingress.cert-aq"


class KilledError(Exception):
    pass


@asynccontextmanager
async def publishing(bus, folder, **more):
    values = {"clock": clock, "entropy": counting_entropy(), "patience_s": 0.5, **more}
    path = folder / "state.sqlite"
    async with open_publisher(bus, path, signer("cert-aq"), **values) as publisher:
        yield publisher


def publisher_bus(broker):
    return broker.login("cert-aq")


async def queued(broker, many):
    return await take(broker.login("gate"), INGRESS, many)


def verified(message, now=NOW):
    return trust.verify(unpack(message), directory(), now=now)


async def test_a_published_record_stands_in_its_issuers_queue_and_verifies(tmp_path):
    async with open_embedded(None, PLACE) as broker:
        async with publishing(publisher_bus(broker), tmp_path) as publisher:
            result = await publisher.publish(draft())
            assert await publisher.flush() == 0
        [message] = await queued(broker, 1)
    record = verified(message)
    assert message.routing_key == "cert-aq.incident.green"
    assert message.user_id == "cert-aq"
    assert message.message_id == record.token_id == result.token_id
    assert record.complete
    assert (record.claims.seq, record.claims.prev) == (1, "")
    assert (result.sub, result.seq) == (record.claims.sub, 1)
    assert not result.already


async def test_publishing_the_same_again_sends_nothing_new(tmp_path):
    async with open_embedded(None, PLACE) as broker:
        async with publishing(publisher_bus(broker), tmp_path) as publisher:
            first = await publisher.publish(draft())
            again = await publisher.publish(draft())
        messages = await rest(broker.login("gate"), INGRESS)
    assert len(messages) == 1
    assert again == msgspec.structs.replace(first, already=True)


async def test_a_new_version_replaces_the_old_one_and_keeps_its_ids(tmp_path):
    async with open_embedded(None, PLACE) as broker:
        async with publishing(publisher_bus(broker), tmp_path) as publisher:
            first = await publisher.publish(draft(version=0))
            await publisher.publish(draft(version=1))
            await publisher.publish(draft(2))
        old, new, other = map(verified, await queued(broker, 3))
    assert new.claims.sup == first.token_id
    assert new.claims.prev == first.token_id

    def addresses(record):
        return [o.id for o in record.objects if o.type == "ipv4-addr"]

    assert addresses(old) == addresses(new) != addresses(other)
    assert addresses(old) != [draft().objects[1].id]


async def test_address_and_exercise_are_signed(tmp_path):
    address = Address(to=("cert-bv",), concerns=("platform-x",))
    async with open_embedded(None, PLACE) as broker:
        async with publishing(publisher_bus(broker), tmp_path) as publisher:
            await publisher.publish(draft(), address=address, exercise=True)
            with pytest.raises(SchemaError, match="version-known"):
                await publisher.publish(draft(), exercise=True)
        [message] = await queued(broker, 1)
    claims = verified(message).claims
    assert claims.exercise
    assert claims.to == ("urn:tocsin:org:cert-bv",)
    assert claims.concerns == ("urn:tocsin:org:platform-x",)


@pytest.mark.parametrize(
    "change", [{"exercise": True}, {"address": Address(to=("cert-bv",))}]
)
def test_all_that_the_issuer_says_is_part_of_the_fingerprint(change):
    plain = {"address": Address(), "exercise": False}
    assert fingerprint(draft(), **plain) == fingerprint(draft(), **plain)
    assert fingerprint(draft(), **plain) != fingerprint(draft(), **{**plain, **change})
    assert fingerprint(draft(name="x"), **plain) != fingerprint(draft(), **plain)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_publisher_killed_after_signing_sends_the_same_bytes_later(
    tmp_path, when
):
    deaths = iter([(KilledError(), when)])

    def fault(operation, message):
        return next(deaths, None) if operation == "publish" else None

    async with open_embedded(None, PLACE, fault=fault) as broker:
        with pytest.RaisesGroup(KilledError):
            async with publishing(publisher_bus(broker), tmp_path) as publisher:
                await publisher.publish(draft())
        with open_state(
            tmp_path / "state.sqlite",
            org="cert-aq",
            publisher="main",
            clock=clock,
            entropy=counting_entropy(),
        ) as state:
            [signed] = state.pending(limit=10, max_bytes=1 << 20)
        async with publishing(
            publisher_bus(broker), tmp_path, clock=lambda: NOW + 3600
        ) as publisher:
            result = await publisher.publish(draft())
        messages = await rest(broker.login("gate"), INGRESS)
    assert result.already
    assert set(map(repr, messages)) == {repr(signed)}
    assert len(messages) == (1 if when == "before" else 2)


async def test_a_confirm_that_is_lost_makes_a_duplicate_and_one_record(tmp_path):
    lost = iter([(NotConfirmedError("no confirm in time"), "after")])

    def fault(operation, message):
        return next(lost, None) if operation == "publish" else None

    async with open_embedded(None, PLACE, fault=fault) as broker:
        async with publishing(publisher_bus(broker), tmp_path) as publisher:
            await publisher.publish(draft())
        async with running_gate(broker.login("gate"), tmp_path):
            arrived = await rest(broker.login("adapter-main"), NORMAL)
        assert await rest(broker.login("operator"), "tocsin.dead") == []
    assert len(arrived) == 1


async def test_records_whose_confirms_fail_here_and_there_all_arrive_once(tmp_path):
    calls = count()

    def fault(operation, message):
        if operation != "publish" or message.user_id != "cert-aq":
            return None
        number = next(calls)
        if number % 5 == 2:
            return NotConfirmedError("nack"), "before" if number % 2 else "after"
        return None

    drafts = [draft(number) for number in range(1, 131)]
    async with open_embedded(None, PLACE, fault=fault) as broker:
        async with running_gate(broker.login("gate"), tmp_path) as gate:
            async with publishing(publisher_bus(broker), tmp_path) as publisher:
                signed = [await publisher.enqueue(each) for each in drafts]
                assert await publisher.flush() == len(drafts)
            arrived = await take(broker.login("adapter-main"), NORMAL, len(drafts))
            assert gate.state.gaps() == {}
        assert await rest(broker.login("adapter-main"), NORMAL) == []
    assert {m.message_id for m in arrived} == {each.token_id for each in signed}


async def test_no_message_id_is_in_flight_twice_and_no_more_than_a_window(tmp_path):
    class Watcher:
        """A bus that confirms slowly and counts."""

        def __init__(self):
            self.flying = []
            self.most = 0

        async def publish(self, exchange, message, *, timeout_s):
            assert message.message_id not in self.flying
            self.flying.append(message.message_id)
            self.most = max(self.most, len(self.flying))
            await asyncio.sleep(0.01)
            self.flying.remove(message.message_id)

    bus = Watcher()
    async with publishing(bus, tmp_path) as publisher:
        for number in range(1, 151):
            await publisher.enqueue(draft(number))
        await asyncio.gather(publisher.flush(), publisher.flush())
        assert await publisher.flush() == 0
    assert bus.most == 100


@pytest.mark.parametrize(
    ("error", "when"),
    [(NotConfirmedError, "after"), (NotConfirmedError, "before"), (BusUnavailableError, "before")],
)  # fmt: skip
async def test_when_patience_is_over_the_error_says_what_is_certain(
    tmp_path, error, when
):
    def fault(operation, message):
        return (error("no"), when) if operation == "publish" else None

    async with (
        asyncio.timeout(5),
        open_embedded(None, PLACE, fault=fault) as broker,
        publishing(publisher_bus(broker), tmp_path) as publisher,
    ):
        with pytest.raises(error, match="1 signed and kept in the outbox"):
            await publisher.publish(draft())


async def test_a_hub_without_a_queue_for_the_issuer_is_an_alarm(tmp_path):
    place = topology(issuers=["cert-bv"], adapters=[], members=["cert-aq"])
    async with (
        open_embedded(None, place) as broker,
        publishing(publisher_bus(broker), tmp_path) as publisher,
    ):
        with pytest.raises(
            UnroutableError, match="tell its operator; 1 signed and kept"
        ):
            await publisher.publish(draft())


async def test_a_login_of_another_organisation_is_refused_at_once(tmp_path):
    async with (
        open_embedded(None, PLACE) as broker,
        publishing(broker.login("cert-bv"), tmp_path) as publisher,
    ):
        with pytest.raises(BusRefusedError, match="kept in the outbox"):
            await publisher.publish(draft())


async def test_a_full_outbox_signs_nothing(tmp_path):
    async with (
        open_embedded(None, PLACE) as broker,
        publishing(publisher_bus(broker), tmp_path, max_pending=1) as publisher,
    ):
        await publisher.enqueue(draft(1))
        with pytest.raises(OutboxFullError):
            await publisher.enqueue(draft(2))
        await publisher.flush()
        assert (await publisher.publish(draft(2))).seq == 2


async def test_an_outbox_full_by_its_bytes_signs_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("broker.publisher_state.MAX_PENDING_BYTES", 1)
    async with (
        open_embedded(None, PLACE) as broker,
        publishing(publisher_bus(broker), tmp_path) as publisher,
    ):
        await publisher.enqueue(draft(1))
        with pytest.raises(OutboxFullError, match=r"1 records wait .* 0 MiB together"):
            await publisher.enqueue(draft(2))
        await publisher.flush()
        assert (await publisher.publish(draft(2))).seq == 2


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (NotTakenError, "the queue is full: the hub is behind; 1 signed and kept"),
        (BlockedError, "broker has an alarm, memory or disk, .* 1 signed and kept"),
        (BlockedUnsureError, "broker has an alarm, memory or disk, .* 1 signed and"),
    ],
)
async def test_a_hub_that_is_behind_is_told_from_one_that_is_away(
    tmp_path, error, says
):
    refusing = [True]

    def fault(operation, message):
        held_up = operation == "publish" and refusing[0]
        return (error("no"), "before") if held_up else None

    async with (
        asyncio.timeout(5),
        open_embedded(None, PLACE, fault=fault) as broker,
        publishing(publisher_bus(broker), tmp_path) as publisher,
    ):
        with pytest.raises((NotConfirmedError, BusUnavailableError), match=says):
            await publisher.publish(draft())
        refusing.clear()
        refusing.append(False)
        assert await publisher.flush() == 1  # kept, and sent when there is room


async def test_what_the_hub_would_refuse_is_not_signed_and_takes_no_number(tmp_path):
    known = directory(member("cert-aq", kinds=("advisory", "retraction")))
    async with open_embedded(None, PLACE) as broker:
        bus = publisher_bus(broker)
        async with publishing(bus, tmp_path, directory=known) as publisher:
            with pytest.raises(TrustError, match="kind-not-allowed"):
                await publisher.publish(draft())
        async with publishing(bus, tmp_path) as publisher:
            assert (await publisher.publish(draft())).seq == 1


async def test_a_record_too_large_for_the_hub_is_not_signed(tmp_path, monkeypatch):
    monkeypatch.setattr("broker.concealing.MAX_TOKEN_BYTES", 1000)
    async with (
        open_embedded(None, PLACE) as broker,
        publishing(publisher_bus(broker), tmp_path) as publisher,
    ):
        with pytest.raises(TrustError, match="too-large"):
            await publisher.publish(draft())
        assert await publisher.flush() == 0


async def test_a_record_without_a_version_is_refused(tmp_path):
    whole = draft()
    first, *others = whole.objects
    undated = msgspec.structs.replace(first, modified=msgspec.UNSET)
    record = msgspec.structs.replace(whole, objects=(undated, *others))
    async with (
        open_embedded(None, PLACE) as broker,
        publishing(publisher_bus(broker), tmp_path) as publisher,
    ):
        with pytest.raises(SchemaError, match="missing-property"):
            await publisher.publish(record)


async def test_a_second_publisher_on_the_same_state_is_refused(tmp_path):
    async with open_embedded(None, PLACE) as broker:
        bus = publisher_bus(broker)
        async with publishing(bus, tmp_path):
            with pytest.raises(ConfigError, match="in use by another process"):
                async with publishing(bus, tmp_path):
                    pytest.fail("both are open")
