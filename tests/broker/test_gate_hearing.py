"""The gate and heartbeats: what it passes on, what it misses, whom it tells."""

from itertools import count

import msgspec
import pytest
from structlog.testing import capture_logs

from broker import gate_state, heartbeats
from broker.bus import Message
from broker.embedded import open_embedded
from broker.heartbeats import Heartbeat, beat_id, verify_passed
from broker.publisher import open_publisher
from broker.topology import INGRESS, ingress_key
from tests.support.issuing import (
    ADAPTER_QUEUES,
    NOW,
    PLACE,
    Feed,
    counting_entropy,
    directory,
    draft,
    rest,
    running_gate,
    signer,
    take,
)

NORMAL = ADAPTER_QUEUES[0]
ALL = "urn:tocsin:community:all"
KNOWN = directory()


class Hub:
    """A broker, a publisher with its state, and a gate that runs when asked to."""

    def __init__(self, broker, folder):
        self.broker, self.folder = broker, folder
        self.bus = broker.login("cert-aq")
        self.entropy = counting_entropy()
        self.moments = map(NOW.__add__, count())

    def publishing(self, state="publisher.sqlite"):
        return open_publisher(
            self.bus,
            self.folder / state,
            signer("cert-aq"),
            clock=lambda: next(self.moments),
            entropy=self.entropy,
            patience_s=0.5,
        )

    def gate(self):
        return running_gate(
            self.broker.login("gate"), self.folder, now=lambda: NOW + 5000
        )

    async def passed(self):
        """What adapters have got by now: token ids of records, and heartbeats."""
        found = await rest(self.broker.login("adapter-main"), NORMAL)
        is_beat = [m.content_type == heartbeats.CONTENT_TYPE for m in found]
        records = [m.message_id for m, b in zip(found, is_beat, strict=True) if not b]
        beats = [
            verify_passed(m.body, KNOWN, now=NOW + 5000)
            for m, b in zip(found, is_beat, strict=True)
            if b
        ]
        return records, {each.beat.tlp: each for each in beats}

    async def told(self):
        found = await rest(self.bus, "tocsin.feedback.cert-aq")
        return [msgspec.json.decode(each.body) for each in found]


@pytest.fixture
async def hub(tmp_path):
    async with open_embedded(None, PLACE) as broker:
        yield Hub(broker, tmp_path)


async def test_what_came_is_passed_on_with_a_heartbeat_that_lacks_nothing(hub):
    async with hub.publishing() as publisher:
        done = [await publisher.publish(draft(i)) for i in (1, 2)]
        assert await publisher.heartbeat([ALL]) == 4
    async with hub.gate():
        records, beats = await hub.passed()
    assert records == [each.token_id for each in done]
    assert beats.keys() == {"CLEAR", "GREEN", "AMBER", "AMBER+STRICT"}
    green = beats["GREEN"]
    assert [each.token_id for each in green.beat.ids] == records
    assert green.heard.lacks == ()
    assert beats["AMBER"].beat.count == 0
    assert await hub.told() == []


async def test_a_record_that_is_lost_in_front_of_the_gate_is_an_alarm_and_told(hub):
    async with hub.publishing() as publisher:
        lost = await publisher.publish(draft(1))
        await take(hub.broker.login("gate"), f"{INGRESS}.cert-aq", 1)
        await publisher.publish(draft(2))
        await publisher.heartbeat([ALL])
    with capture_logs() as logs:
        async with hub.gate():
            _, beats = await hub.passed()
    assert beats["GREEN"].heard.lacks == (lost.token_id,)
    assert await hub.told() == [{"token_id": lost.token_id, "reason": "lost"}]
    [alarm] = [each for each in logs if each["event"] == "gate.records_lost"]
    assert (alarm["lost"], alarm["log_level"]) == (1, "error")


async def test_a_loss_is_told_once_and_named_to_readers_as_long_as_it_is_listed(hub):
    async with hub.publishing() as publisher:
        lost = await publisher.publish(draft(1))
        await take(hub.broker.login("gate"), f"{INGRESS}.cert-aq", 1)
        await publisher.heartbeat([ALL])
        async with hub.gate():
            await hub.passed()
        assert len(await hub.told()) == 1
        await publisher.heartbeat([ALL])
    async with hub.gate():
        _, beats = await hub.passed()
    assert beats["GREEN"].heard.lacks == (lost.token_id,)
    assert await hub.told() == []


async def test_a_record_that_was_refused_is_not_lost(hub):
    feed = Feed()
    async with hub.gate() as gate:
        copy = feed.sign(draft(1)).rsplit(b"~", 2)[0] + b"~"  # incomplete
        await hub.bus.publish(INGRESS, feed.pack(copy, draft(1)))
        [told] = await take(hub.bus, "tocsin.feedback.cert-aq", 1)
        token_id = msgspec.json.decode(told.body)["token_id"]
        assert gate.state.was_refused("cert-aq", [token_id, "other"]) == {token_id}
        await hub.bus.publish(INGRESS, beat([token_id]))
        _, beats = await hub.passed()
    assert beats["GREEN"].heard.lacks == (token_id,)
    assert await hub.told() == []


def beat(ids=(), *, now=NOW, tlp="GREEN", by="cert-aq", **more):
    values = {
        "line": "A" * 22, "community": ALL, "tlp": tlp, "first": 0, "before": "",
        "ids": [(each, int(NOW)) for each in ids], "now": int(now), **more,
    }  # fmt: skip
    text = heartbeats.make(signer(by), **values)
    return Message(
        body=text,
        message_id=beat_id(text),
        routing_key=ingress_key(issuer=by, kind="heartbeat", tlp=tlp),
        content_type=heartbeats.CONTENT_TYPE,
        user_id=by,
    )


def rerouted(message, **changes):
    return msgspec.structs.replace(message, **changes)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (rerouted(beat(), body=beat().body[:-1]), "heartbeat-invalid"),
        (rerouted(beat(), body=b"x"), "heartbeat-invalid"),
        (rerouted(beat(), routing_key="cert-aq.heartbeat.amber"), "routing-key"),
        (rerouted(beat(), routing_key="cert-aq.incident.green"), "routing-key"),
        (rerouted(beat(by="cert-bv"), routing_key="cert-aq.heartbeat.green",
                  user_id="cert-aq"), "user-id"),
    ],
)  # fmt: skip
async def test_what_is_no_heartbeat_of_this_issuer_is_refused(hub, message, reason):
    async with hub.gate():
        await hub.bus.publish(INGRESS, message)
        [told] = await take(hub.bus, "tocsin.feedback.cert-aq", 1)
        [dead] = await take(hub.broker.login("operator"), "tocsin.dead", 1)
        assert await hub.passed() == ([], {})
    assert msgspec.json.decode(told.body)["reason"] == reason
    assert dead.headers["tocsin-reason"] == reason
    assert dead.body == message.body


async def test_a_forged_sender_is_refused_before_anything_is_read(hub):
    async with hub.gate():
        await hub.broker.login("operator").publish(
            INGRESS, rerouted(beat(), user_id="")
        )
        [told] = await take(hub.bus, "tocsin.feedback.cert-aq", 1)
    assert msgspec.json.decode(told.body)["reason"] == "user-id"


async def test_a_line_that_is_told_in_two_ways_is_a_conflict_also_after_a_restart(hub):
    ids = ["i" * 42 + "A", "j" * 42 + "A"]
    async with hub.gate():
        await hub.bus.publish(INGRESS, beat(ids))
        await hub.passed()
        await rest(hub.bus, "tocsin.feedback.cert-aq")
    async with hub.gate():
        await hub.bus.publish(INGRESS, beat(ids[:1], now=NOW + 1))
        [told] = await take(hub.bus, "tocsin.feedback.cert-aq", 1)
        assert await hub.passed() == ([], {})
    assert msgspec.json.decode(told.body)["reason"] == "heartbeat-conflict"


async def test_the_same_heartbeat_again_is_dropped(hub):
    async with hub.gate():
        for _ in range(2):
            await hub.bus.publish(INGRESS, beat())
        found = await rest(hub.broker.login("adapter-main"), NORMAL)
    assert len(found) == 1


async def test_heartbeats_that_never_came_are_an_alarm(hub):
    ids = [f"{i:042d}A" for i in range(4)]
    chain = heartbeats.chained("", ids[:3])
    with capture_logs() as logs:
        async with hub.gate():
            await hub.bus.publish(INGRESS, beat(ids[:1]))
            later = beat(ids[3:], first=3, before=chain, now=NOW + 1)
            await hub.bus.publish(INGRESS, later)
            await hub.passed()
    alarms = [each for each in logs if each["event"] == "gate.records_lost"]
    assert [(each["lost"], each["not_listed"]) for each in alarms] == [(1, 0), (1, 2)]


async def test_lines_and_refusals_that_are_remembered_are_bounded(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(gate_state, "MAX_LINES", 3)
    monkeypatch.setattr(gate_state, "MAX_REFUSED", 3)
    place = gate_state.Place(ALL, "GREEN", 0, "", 0)
    with gate_state.open_gate_state(tmp_path / "g.sqlite") as state:
        for i in range(5):
            each = gate_state.Line(msgspec.structs.replace(place, iat=i), b"b")
            state.follow("cert-aq", {f"l{i}": each})
            state.refuse("cert-aq", f"t{i}")
        names = [f"l{i}" for i in range(5)]
        assert sorted(state.lines("cert-aq", names)) == ["l2", "l3", "l4"]
        ids = [f"t{i}" for i in range(5)]
        assert state.was_refused("cert-aq", ids) == {"t2", "t3", "t4"}


async def test_a_restored_publisher_begins_new_lines(hub):
    async with hub.publishing() as publisher:
        await publisher.publish(draft(1))
        await publisher.heartbeat([ALL])
        await publisher.new_epoch()
        await publisher.publish(draft(2))
        await publisher.heartbeat([ALL])
    async with hub.gate():
        found = await rest(hub.broker.login("adapter-main"), NORMAL)
    beats = [
        verify_passed(each.body, KNOWN, now=NOW + 5000).beat
        for each in found
        if each.content_type == heartbeats.CONTENT_TYPE
    ]
    green: list[Heartbeat] = [each for each in beats if each.tlp == "GREEN"]
    assert [each.count for each in green] == [1, 1]
    assert green[0].line != green[1].line
