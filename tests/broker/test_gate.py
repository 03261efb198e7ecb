"""The gate: what it passes on, what it refuses and tells, and whom it serves."""

import asyncio
from contextlib import asynccontextmanager

import msgspec
import pytest
from structlog.testing import capture_logs

from broker import sdjwt, trials
from broker.bus import JSON_CONTENT_TYPE
from broker.embedded import open_embedded
from broker.errors import BusRefusedError, BusUnavailableError, ConfigError
from broker.gate import run_gate
from broker.quota import Quota
from broker.signing import Address, FeedPosition
from broker.topology import topology
from broker.wire import unpack
from schemas.reasons import REASONS
from tests.support.issuing import (
    ADAPTER_QUEUES,
    HUB,
    ISSUERS,
    NOW,
    PLACE,
    Feed,
    clock,
    directory,
    draft,
    gate_files,
    member,
    rest,
    running_gate,
    take,
)

NORMAL, URGENT = ADAPTER_QUEUES
INCIDENT_CORE = "extension-definition--ef765651-680c-498d-9894-99799f2fa126"
KEY = "cert-aq.incident.green.none.none.unknown"


@asynccontextmanager
async def hub(folder, **more):
    """A broker in memory with a gate on it."""
    async with open_embedded(None, PLACE) as broker:
        bus = broker.login("gate")
        async with running_gate(bus, folder, **more) as gate:
            yield broker, gate


async def send(broker, message, org="cert-aq"):
    await broker.login(org).publish("tocsin.ingress", message)


async def refused(broker, message, *, sender="cert-aq", issuer="cert-aq"):
    """Send *message*; give its refusal and its dead letter."""
    await send(broker, message, sender)
    [told] = await take(broker.login(issuer), f"tocsin.feedback.{issuer}", 1)
    [dead] = await take(broker.login("operator"), "tocsin.dead", 1)
    answer = msgspec.json.decode(told.body)
    assert told.content_type == JSON_CONTENT_TYPE
    assert told.routing_key == f"gate.{issuer}.refusal"
    assert dead.headers["tocsin-reason"] == answer["reason"]
    assert dead.headers["tocsin-issuer"] == issuer
    assert dead.body == message.body
    assert answer["reason"] in REASONS
    return answer


async def test_an_accepted_record_arrives_whole_under_the_key_its_claims_say(tmp_path):
    record = draft(
        extensions={
            INCIDENT_CORE: {"extension_type": "property-extension", "criticality": 95}
        }
    )
    message = Feed().message(record)
    async with hub(tmp_path) as (broker, _):
        await send(broker, message)
        [arrived] = await take(broker.login("adapter-main"), URGENT, 1)
    assert arrived.routing_key == "cert-aq.incident.green.none.none.extreme"
    assert unpack(arrived) == unpack(message)
    assert arrived.message_id == message.message_id
    assert arrived.user_id == "gate"


async def test_an_accepted_record_is_in_the_archive(tmp_path):
    message = Feed().message(draft(7))
    async with hub(tmp_path) as (broker, gate):
        await send(broker, message)
        await take(broker.login("adapter-main"), NORMAL, 1)
    with gate_files(tmp_path) as gate:
        [archived] = gate.archive.since()
    assert archived.token == unpack(message).token
    assert (archived.issuer, archived.kind, archived.tlp) == (
        "cert-aq", "incident", "GREEN",
    )  # fmt: skip
    assert archived.first_seen == NOW


async def test_records_of_one_feed_are_passed_on_in_order(tmp_path):
    feed = Feed()
    messages = [feed.message(draft(number)) for number in range(1, 41)]
    async with hub(tmp_path) as (broker, _):
        for each in messages:
            await send(broker, each)
        arrived = await take(broker.login("adapter-main"), NORMAL, len(messages))
    assert [m.message_id for m in arrived] == [m.message_id for m in messages]


async def test_the_same_record_sent_twice_is_passed_on_once(tmp_path):
    feed = Feed()
    first, second = feed.message(draft(1)), feed.message(draft(2))
    async with hub(tmp_path) as (broker, _):
        for each in (first, first, second, first):
            await send(broker, each)
        reader = broker.login("adapter-main")
        arrived = await take(reader, NORMAL, 2) + await rest(reader, NORMAL)
        assert await rest(broker.login("operator"), "tocsin.dead") == []
    assert [m.message_id for m in arrived] == [first.message_id, second.message_id]


async def test_a_forged_sender_is_refused_without_reading_the_record(tmp_path):
    # The broker lets only the operator do this at all.
    message = msgspec.structs.replace(Feed().message(draft()), user_id="operator")
    async with hub(tmp_path) as (broker, _):
        answer = await refused(broker, message, sender="operator")
    assert answer == {"token_id": "", "reason": "user-id"}


async def test_a_record_signed_by_another_member_is_refused(tmp_path):
    other = Feed("cert-bv").message(draft())
    message = msgspec.structs.replace(
        other, routing_key="cert-aq.incident.green", user_id="cert-aq"
    )
    async with hub(tmp_path) as (broker, _):
        answer = await refused(broker, message)
    assert answer == {"token_id": message.message_id, "reason": "user-id"}


async def test_a_copy_stripped_on_the_way_is_refused_and_the_whole_still_accepted(
    tmp_path,
):
    feed, record = Feed(), draft()
    token = feed.sign(record)
    jwt, *disclosures = token.split(b"~")
    feed_only = [d for d in disclosures if d][:3]
    stripped = b"~".join([jwt, *feed_only, b""])
    async with hub(tmp_path) as (broker, _):
        answer = await refused(broker, feed.pack(stripped, record))
        await send(broker, feed.pack(token, record))
        [arrived] = await take(broker.login("adapter-main"), NORMAL, 1)
    assert answer == {"token_id": sdjwt.token_id(token), "reason": "incomplete"}
    assert unpack(arrived).token == token


async def test_a_record_without_a_place_in_a_feed_is_refused(tmp_path):
    message = Feed().message(draft(), position=None)
    async with hub(tmp_path) as (broker, _):
        assert (await refused(broker, message))["reason"] == "no-feed"


async def test_a_record_in_another_members_feed_is_refused(tmp_path):
    message = Feed().message(draft(), position=FeedPosition("cert-bv/main/e", 1, ""))
    async with hub(tmp_path) as (broker, _):
        answer = await refused(broker, message)
    assert (answer["reason"], answer["where"]) == ("no-feed", "$.feed")


async def test_a_second_record_in_a_taken_place_is_refused(tmp_path):
    feed = Feed()
    start = feed.position
    first = feed.message(draft(1))
    rival = feed.message(draft(2), position=start)
    async with hub(tmp_path) as (broker, _):
        await send(broker, first)
        await take(broker.login("adapter-main"), NORMAL, 1)
        assert (await refused(broker, rival))["reason"] == "chain-conflict"


async def test_a_missing_record_is_an_alarm_and_is_taken_in_when_it_comes(tmp_path):
    feed = Feed()
    first, second, third = (feed.message(draft(n)) for n in (1, 2, 3))
    with capture_logs() as logs:
        async with hub(tmp_path) as (broker, gate):
            reader = broker.login("adapter-main")
            await send(broker, first)
            await send(broker, third)
            await take(reader, NORMAL, 2)
            await send(broker, second)
            [late] = await take(reader, NORMAL, 1)
    with gate_files(tmp_path) as gate:
        assert gate.state.gaps() == {}
    assert late.message_id == second.message_id
    [alarm] = [each for each in logs if each["event"] == "gate.gap"]
    assert (alarm["first"], alarm["last"]) == (2, 2)


async def test_a_routing_key_that_says_something_else_is_refused(tmp_path):
    message = msgspec.structs.replace(
        Feed().message(draft()), routing_key="cert-aq.incident.clear"
    )
    async with hub(tmp_path) as (broker, _):
        assert (await refused(broker, message))["reason"] == "routing-key"


async def test_a_heartbeat_is_refused_until_the_gate_knows_them(tmp_path):
    record = msgspec.structs.replace(draft(), kind="heartbeat")
    async with hub(tmp_path) as (broker, _):
        answer = await refused(broker, Feed().message(record))
    assert answer["reason"] == "kind-not-supported"


async def test_who_practises_has_exercises_passed_on_and_nothing_else(tmp_path):
    known = directory(member("cert-aq", exercise=True))
    feed = Feed()
    drill = feed.message(draft(1), exercise=True)
    async with hub(tmp_path, known=known) as (broker, _):
        await send(broker, drill)
        [arrived] = await take(broker.login("adapter-main"), NORMAL, 1)
        answer = await refused(broker, feed.message(draft(2)))
    assert arrived.message_id == drill.message_id
    assert answer["reason"] == "exercise-only"


async def test_of_a_trial_the_issuer_gets_the_stamp_and_of_nothing_else(tmp_path):
    feed = Feed()
    nobody = Address(communities=(trials.COMMUNITY,))
    wider = Address(communities=(trials.COMMUNITY, "urn:tocsin:community:all"))
    trial = feed.message(draft(1), exercise=True, address=nobody)
    others = [
        feed.message(draft(2)),
        feed.message(draft(3), exercise=True),
        feed.message(draft(4), exercise=False, address=nobody),
        feed.message(draft(5), exercise=True, address=wider),
    ]
    async with hub(tmp_path) as (broker, _):
        for each in (trial, *others, trial):
            await send(broker, each)
        arrived = await take(broker.login("adapter-main"), NORMAL, 5)
        told = await rest(broker.login("cert-aq"), "tocsin.feedback.cert-aq")
    assert arrived[0].message_id == trial.message_id
    [answer] = told
    assert answer.routing_key == "gate.cert-aq.accepted"
    found = trials.read(answer, trial.message_id, directory(), now=NOW)
    assert (found.stamp.token, found.stamp.seen, found.reason) == (
        trial.message_id,
        NOW,
        "",
    )
    assert arrived[0].headers["tocsin-seen"] in answer.body.decode()


async def test_a_trial_that_nobody_can_be_told_of_goes_its_way(tmp_path):
    place = topology(["cert-aq"], ["main"], [])
    place = msgspec.structs.replace(
        place,
        queues=tuple(q for q in place.queues if q.name != "tocsin.feedback.cert-aq"),
        bindings=tuple(
            b for b in place.bindings if b.queue != "tocsin.feedback.cert-aq"
        ),
    )
    nobody = Address(communities=(trials.COMMUNITY,))
    message = Feed().message(draft(1), exercise=True, address=nobody)
    async with (
        open_embedded(None, place) as broker,
        running_gate(
            broker.login("gate"), tmp_path, known=directory(member("cert-aq"))
        ),
    ):
        await send(broker, message)
        [arrived] = await take(broker.login("adapter-main"), NORMAL, 1)
    assert arrived.message_id == message.message_id


async def test_a_kind_that_the_directory_does_not_allow_is_refused(tmp_path):
    known = directory(member("cert-aq", kinds=("advisory",)))
    async with hub(tmp_path, known=known) as (broker, _):
        answer = await refused(broker, Feed().message(draft()))
    assert answer["reason"] == "kind-not-allowed"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"content_type": "text/plain"}, "content-type"),
        ({"content_encoding": "gzip"}, "content-encoding"),
        ({"body": b"no frame", "content_encoding": "zstd"}, "zstd"),
        ({"body": b"no token", "content_encoding": ""}, "framing"),
        ({"body": b"", "content_encoding": ""}, "framing"),
    ],
)
async def test_what_is_no_record_is_refused(tmp_path, change, reason):
    message = msgspec.structs.replace(Feed().message(draft()), **change)
    async with hub(tmp_path) as (broker, _):
        assert (await refused(broker, message))["reason"] == reason


async def test_a_record_whose_text_was_changed_is_refused(tmp_path):
    feed, record = Feed(), draft()
    header, payload, signature = feed.sign(record).split(b".")
    flipped = b"A" if signature[:1] != b"A" else b"B"
    token = b".".join([header, payload, flipped + signature[1:]])
    async with hub(tmp_path) as (broker, _):
        assert (await refused(broker, feed.pack(token, record)))[
            "reason"
        ] == "signature"


async def test_a_refused_record_does_not_stop_those_after_it(tmp_path):
    feed = Feed()
    bad = msgspec.structs.replace(feed.message(draft(1)), content_type="text/plain")
    good = feed.message(draft(2))
    async with hub(tmp_path) as (broker, _):
        await refused(broker, bad)
        await send(broker, good)
        [arrived] = await take(broker.login("adapter-main"), NORMAL, 1)
    assert arrived.message_id == good.message_id


async def test_logs_name_issuer_token_and_reason_and_nothing_of_the_record(tmp_path):
    feed = Feed()
    good = feed.message(draft(1, name="CANARY-NAME"))
    bad = msgspec.structs.replace(
        feed.message(draft(2, name="CANARY-NAME")), routing_key="cert-aq.x.y"
    )
    with capture_logs() as logs:
        async with hub(tmp_path) as (broker, _):
            await send(broker, good)
            await refused(broker, bad)
    assert "CANARY" not in repr(logs)
    assert [{k: v for k, v in each.items() if k != "log_level"} for each in logs] == [
        {"event": "gate.ready", "issuers": len(ISSUERS), "missing": 0},
        {"event": "gate.head", "pos": 0},
        {"event": "gate.accepted", "issuer": "cert-aq", "token": good.message_id[:8]},
        {
            "event": "gate.refused",
            "issuer": "cert-aq",
            "token": bad.message_id[:8],
            "reason": "routing-key",
        },
    ]


async def test_a_flooding_issuer_is_slowed_down_and_stops_nobody_else(tmp_path):
    flood, other = Feed("cert-aq"), Feed("cert-bv")
    quota = Quota(records_per_hour=10)
    with capture_logs() as logs:
        async with hub(tmp_path, quota=quota) as (broker, _):
            for number in range(1, 61):
                await send(broker, flood.message(draft(number)))
            await send(broker, other.message(draft(1)), "cert-bv")
            arrived = await rest(broker.login("adapter-main"), NORMAL)
    senders = [each.routing_key.split(".")[0] for each in arrived]
    assert senders.count("cert-bv") == 1
    assert 10 <= senders.count("cert-aq") < 60
    assert "gate.over_quota" in {each["event"] for each in logs}
    # Nothing of the flood is lost: the rest waits in its queue.
    assert not [each for each in logs if each["event"] == "gate.refused"]


async def test_an_issuer_that_cries_wolf_is_slowed_down_and_stops_nobody_else(tmp_path):
    core = {"extension_type": "property-extension", "criticality": 95}
    wolf, other = Feed("cert-aq"), Feed("cert-bv")
    quota = Quota(urgent_per_hour=5)
    with capture_logs() as logs:
        async with hub(tmp_path, quota=quota) as (broker, _):
            for number in range(1, 61):
                alarm = draft(number, extensions={INCIDENT_CORE: core})
                await send(broker, wolf.message(alarm))
            for number in range(1, 31):
                await send(broker, other.message(draft(number)), "cert-bv")
            reader = broker.login("adapter-main")
            alarms = await rest(reader, URGENT)
            # The quota is of urgent records: as many others pass at once.
            assert len(await take(reader, NORMAL, 30)) == 30
    assert 5 <= len(alarms) < 60
    slowed = {each["issuer"] for each in logs if each["event"] == "gate.over_quota"}
    assert slowed == {"cert-aq"}
    assert not [each for each in logs if each["event"] == "gate.refused"]


async def test_what_an_issuer_sent_over_its_quota_is_passed_on_later(tmp_path):
    feed, arrived = Feed(), []
    messages = [feed.message(draft(number)) for number in range(1, 41)]
    async with open_embedded(None, PLACE) as broker:
        reader = broker.login("adapter-main")
        for each in messages:
            await send(broker, each)
        while len(arrived) < len(messages):
            # A gate that starts again begins with a new allowance.
            quota = Quota(records_per_hour=1)
            async with running_gate(broker.login("gate"), tmp_path, quota=quota):
                arrived += await take(reader, NORMAL, 1)
            arrived += await rest(reader, NORMAL, quiet_s=0.05)
    assert [m.message_id for m in arrived] == [m.message_id for m in messages]


async def test_a_gate_that_stops_finishes_what_it_has_in_hands(tmp_path):
    feed = Feed()
    messages = [feed.message(draft(number)) for number in range(1, 11)]
    async with hub(tmp_path) as (broker, _):
        for each in messages:
            await send(broker, each)
        await take(broker.login("adapter-main"), NORMAL, 1)
    with gate_files(tmp_path) as gate:
        archived = [each.token_id for each in gate.archive.since()]
    assert archived == [each.message_id for each in messages]


async def test_a_gate_without_issuers_refuses_to_start(tmp_path):
    nobody = directory(*(member(org, kinds=()) for org in ISSUERS))
    with pytest.raises(ConfigError, match="no member"):
        await run_alone(tmp_path, nobody)


async def test_a_missing_queue_stops_nobody_else(tmp_path):
    known = directory(member("cert-zz"))
    with capture_logs() as logs:
        async with hub(tmp_path, known=known) as (broker, _):
            await send(broker, Feed().message(draft()))
            assert len(await take(broker.login("adapter-main"), NORMAL, 1)) == 1
    missing = [each for each in logs if each["event"] == "gate.queue_missing"]
    assert {(each["issuer"], each["log_level"]) for each in missing} == {
        ("cert-zz", "error")
    }
    assert {each["queue"] for each in missing} == {"tocsin.ingress.cert-zz"}
    [ready] = [each for each in logs if each["event"] == "gate.ready"]
    assert (ready["issuers"], ready["missing"]) == (2, 1)


async def test_a_queue_that_is_made_later_is_served(tmp_path):
    async with open_embedded(None, PLACE) as broker:
        bus = QueueGone(broker.login("gate"), "tocsin.ingress.cert-aq", on_entering=3)
        await send(broker, Feed().message(draft()))
        async with running_gate(bus, tmp_path):
            assert len(await take(broker.login("adapter-main"), NORMAL, 1)) == 1
    assert bus.entered == 4


async def test_a_queue_that_is_deleted_meanwhile_stops_nobody_and_is_served_again(
    tmp_path,
):
    first, second = Feed("cert-aq"), Feed("cert-bv")
    async with open_embedded(None, PLACE) as broker:
        bus = QueueGone(broker.login("gate"), "tocsin.ingress.cert-aq", after=1)
        reader = broker.login("adapter-main")
        async with running_gate(bus, tmp_path):
            await send(broker, first.message(draft(1)))
            await take(reader, NORMAL, 1)
            await send(broker, second.message(draft(2)), "cert-bv")
            await send(broker, first.message(draft(3)))
            assert len(await take(reader, NORMAL, 2)) == 2
    assert bus.entered == 2


async def test_a_gate_that_may_read_no_queue_at_all_ends_with_one_plain_error(tmp_path):
    nowhere = topology(issuers=["cert-zz"], adapters=["main"], members=[])
    with pytest.raises(BusRefusedError, match="queue"):
        await run_alone(tmp_path, directory(), nowhere)


class QueueGone:
    """A bus on which *queue* is missing for a while.

    Args:
        on_entering: How often consuming it is refused.
        after: The first consumer is refused after this many messages.
    """

    def __init__(self, bus, queue, *, on_entering=0, after=0):
        self.bus = bus
        self.queue = queue
        self.on_entering = on_entering
        self.after = after
        self.entered = 0
        self.publish = bus.publish
        self.ack_through = bus.ack_through

    @asynccontextmanager
    async def consume(self, queue, *, prefetch, most_bytes=None):
        mine = queue == self.queue
        self.entered += mine
        if mine and self.entered <= self.on_entering:
            raise BusRefusedError(f"no queue {queue}")
        async with self.bus.consume(queue, prefetch=prefetch) as messages:
            gone = mine and self.after and self.entered == 1
            yield self.some(messages) if gone else messages

    async def some(self, messages):
        for _ in range(self.after):
            yield await anext(messages)
        raise BusRefusedError(f"no queue {self.queue}")


async def run_alone(folder, known, place=PLACE):
    async with open_embedded(None, place) as broker:
        with gate_files(folder) as gate:
            await run_gate(
                broker.login("gate"),
                known,
                gate.state,
                gate.archive,
                HUB,
                clock=clock,
                stop=asyncio.Event(),
            )


class BusAway:
    """A bus that cannot be reached for the first calls of *operation*."""

    def __init__(self, bus, operation, times):
        self.bus = bus
        self.left = {operation: times}
        self.refused = asyncio.Event()
        self.ack_through = bus.ack_through

    def check(self, operation):
        self.left.setdefault(operation, 0)
        self.left[operation] -= 1
        if self.left[operation] >= 0:
            self.refused.set()
            raise BusUnavailableError("away")

    async def publish(self, *args, **more):
        self.check("publish")
        await self.bus.publish(*args, **more)

    @asynccontextmanager
    async def consume(self, queue, *, prefetch, most_bytes=None):
        self.check("consume")
        async with self.bus.consume(queue, prefetch=prefetch) as messages:
            yield messages


@pytest.mark.parametrize(
    ("operation", "ends"), [("publish", "gate.confirmed"), ("consume", "gate.bus_back")]
)
async def test_a_gate_waits_for_a_broker_that_is_away(tmp_path, operation, ends):
    with capture_logs() as logs:
        async with open_embedded(None, PLACE) as broker:
            await send(broker, Feed().message(draft()))
            bus = BusAway(broker.login("gate"), operation, 3)
            async with running_gate(bus, tmp_path):
                arrived = await take(broker.login("adapter-main"), NORMAL, 1)
    assert len(arrived) == 1
    assert ends in [each["event"] for each in logs]


async def test_a_gate_stops_though_the_broker_is_away_and_the_record_stays(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("broker.gate.STOP_GRACE_S", 0.2)
    async with open_embedded(None, PLACE) as broker:
        message = Feed().message(draft())
        await send(broker, message)
        bus = BusAway(broker.login("gate"), "publish", 10**6)
        async with asyncio.timeout(30), running_gate(bus, tmp_path):
            await bus.refused.wait()
        [waiting] = await take(broker.login("gate"), "tocsin.ingress.cert-aq", 1)
    assert waiting.message_id == message.message_id


async def test_a_long_queue_of_one_issuer_does_not_delay_another(tmp_path):
    flood, other = Feed("cert-aq"), Feed("cert-bv")
    async with open_embedded(None, PLACE) as broker:
        for number in range(1, 201):
            await send(broker, flood.message(draft(number)))
        await send(broker, other.message(draft(1)), "cert-bv")
        async with running_gate(broker.login("gate"), tmp_path):
            arrived = await take(broker.login("adapter-main"), NORMAL, 201)
    senders = [each.routing_key.split(".")[0] for each in arrived]
    assert senders.index("cert-bv") < 50


async def test_bytes_count_unpacked_so_that_a_small_message_is_not_cheap(tmp_path):
    feed = Feed("cert-aq")
    long = draft(1, description="A register was copied again. " * 30_000)
    message = feed.message(long)
    assert len(message.body) < 100_000
    with capture_logs() as logs:
        async with hub(tmp_path, quota=Quota(bytes_per_hour=1 << 20)) as (broker, _):
            await send(broker, message)
            await rest(broker.login("adapter-main"), NORMAL)
    assert "gate.over_quota" in {each["event"] for each in logs}
