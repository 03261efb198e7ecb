"""The gate dies, or loses an answer, at each moment: every record still arrives.

`KilledError` is no error that the gate knows, so it ends the gate where it is raised,
as a power cut would; another gate then starts on the same files.
"""

import asyncio

import pytest
from structlog.testing import capture_logs

from broker.archive import Archive, open_archive
from broker.directory import KeyEntry
from broker.embedded import open_embedded
from broker.errors import (
    BusUnavailableError,
    ConfigError,
    NotConfirmedError,
    UnroutableError,
)
from broker.gate_state import GateState, open_gate_state
from broker.seen import STAMP_HEADER, verify_stamp
from tests.support.issuing import (
    ADAPTER_QUEUES,
    NOW,
    PLACE,
    WAIT_S,
    Feed,
    directory,
    draft,
    gate_files,
    left,
    member,
    rest,
    running_gate,
    settled,
    take,
)

NORMAL = ADAPTER_QUEUES[0]
INGRESS = "tocsin.ingress.cert-aq"


class KilledError(Exception):
    pass


class Fault:
    """Fails once, at the first operation that fits."""

    def __init__(self, operation, error, when, *, key=""):
        self.wanted = operation
        self.error = error
        self.when = when
        self.key = key
        self.happened = 0

    def __call__(self, operation, message):
        if (
            self.happened
            or operation != self.wanted
            or self.key not in message.routing_key
        ):
            return None
        if message.user_id not in {"", "gate"} and operation == "publish":
            return None  # the issuer's own publish
        self.happened = 1
        return self.error, self.when


async def serve_and_die(broker, folder, **more):
    """Run a gate until the fault kills it."""
    with pytest.RaisesGroup(KilledError, flatten_subgroups=True):
        async with running_gate(broker.login("gate"), folder, **more):
            await asyncio.sleep(WAIT_S)


@pytest.mark.parametrize(
    ("operation", "when", "copies"),
    [("publish", "before", 1), ("publish", "after", 2), ("ack", "before", 1), ("ack", "after", 1)],
)  # fmt: skip
async def test_a_gate_killed_at_any_moment_loses_nothing(
    tmp_path, operation, when, copies
):
    message = Feed().message(draft())
    fault = Fault(operation, KilledError(), when)
    async with open_embedded(None, PLACE, fault=fault) as broker:
        await broker.login("cert-aq").publish("tocsin.ingress", message)
        await serve_and_die(broker, tmp_path)
        async with running_gate(broker.login("gate"), tmp_path):
            await settled(broker, INGRESS)
        arrived = await left(broker, "adapter-main", NORMAL)
    # A second copy has the same id and the same bytes: readers drop it.
    assert {(m.message_id, m.body) for m in arrived} == {
        (message.message_id, message.body)
    }
    assert len(arrived) == copies
    with gate_files(tmp_path) as gate:
        [archived] = gate.archive.since()
        assert archived.token_id == message.message_id
        # And the same stamp: the chain names each record once.
        assert {m.headers[STAMP_HEADER] for m in arrived} == {archived.stamp}
        assert gate.state.known([message.message_id]) == {message.message_id}


async def test_the_moment_first_seen_survives_a_crash(tmp_path):
    message = Feed().message(draft())
    fault = Fault("publish", KilledError(), "before")
    async with open_embedded(None, PLACE, fault=fault) as broker:
        await broker.login("cert-aq").publish("tocsin.ingress", message)
        await serve_and_die(broker, tmp_path, now=lambda: NOW)
        async with running_gate(broker.login("gate"), tmp_path, now=lambda: NOW + 60):
            await take(broker.login("adapter-main"), NORMAL, 1)
    with gate_files(tmp_path) as gate:
        assert gate.archive.first_seen([message.message_id]) == {
            message.message_id: NOW
        }


async def test_after_a_crash_the_chain_goes_on_without_gap_or_second_place(tmp_path):
    feed, later = Feed(), Feed("cert-bv")
    messages = [feed.message(draft(number)) for number in (1, 2, 3)]
    fault = Fault("publish", KilledError(), "after")
    async with open_embedded(None, PLACE, fault=fault) as broker:
        for each in messages:
            await broker.login("cert-aq").publish("tocsin.ingress", each)
        await serve_and_die(broker, tmp_path, now=lambda: NOW)
        # Another issuer's record takes its place behind what was archived.
        await broker.login("cert-bv").publish("tocsin.ingress", later.message(draft()))
        async with running_gate(broker.login("gate"), tmp_path, now=lambda: NOW + 60):
            await settled(broker, INGRESS)
            await settled(broker, "tocsin.ingress.cert-bv")
        arrived = await left(broker, "adapter-main", NORMAL)
    with gate_files(tmp_path) as gate:
        archived = list(gate.archive.since())
    assert [each.number for each in archived] == [1, 2, 3, 4]
    stamps = [verify_stamp(a.stamp, directory(), now=NOW + 60) for a in archived]
    assert [s.prev for s in stamps] == ["", *(s.link for s in stamps[:-1])]
    known = {each.token_id: each.stamp for each in archived}
    assert {m.message_id: m.headers[STAMP_HEADER] for m in arrived} == known


async def test_a_key_revoked_after_the_record_was_seen_does_not_lose_it(tmp_path):
    message = Feed().message(draft())
    [key] = member("cert-aq").keys
    late = KeyEntry(key.jwk, key.not_before, key.not_after, "2026-03-01T12:00:30Z")
    revoked = directory(member("cert-aq", keys=(late,)))
    fault = Fault("publish", KilledError(), "before")
    async with open_embedded(None, PLACE, fault=fault) as broker:
        await broker.login("cert-aq").publish("tocsin.ingress", message)
        await serve_and_die(broker, tmp_path, now=lambda: NOW)
        async with running_gate(
            broker.login("gate"), tmp_path, known=revoked, now=lambda: NOW + 60
        ):
            [arrived] = await take(broker.login("adapter-main"), NORMAL, 1)
    assert arrived.message_id == message.message_id


@pytest.mark.parametrize(
    ("error", "when"),
    [
        (NotConfirmedError, "before"),
        (NotConfirmedError, "after"),
        (BusUnavailableError, "before"),
        (UnroutableError, "before"),
    ],
)
async def test_a_record_that_is_not_confirmed_is_published_again(tmp_path, error, when):
    message = Feed().message(draft())
    fault = Fault("publish", error("not now"), when)
    async with open_embedded(None, PLACE, fault=fault) as broker:
        await broker.login("cert-aq").publish("tocsin.ingress", message)
        async with running_gate(broker.login("gate"), tmp_path):
            await settled(broker, INGRESS)
        arrived = await left(broker, "adapter-main", NORMAL)
    assert len(arrived) == (1 if when == "before" else 2)
    assert {m.message_id for m in arrived} == {message.message_id}


async def test_a_refusal_that_is_not_confirmed_is_told_again_under_the_same_id(
    tmp_path,
):
    message = Feed().message(draft(), position=None)
    fault = Fault("publish", NotConfirmedError("lost"), "after", key="gate.")
    async with open_embedded(None, PLACE, fault=fault) as broker:
        await broker.login("cert-aq").publish("tocsin.ingress", message)
        async with running_gate(broker.login("gate"), tmp_path):
            first, second = await take(
                broker.login("cert-aq"), "tocsin.feedback.cert-aq", 2
            )
    assert first.message_id == second.message_id
    assert first.body == second.body


async def test_a_gate_killed_before_it_tells_of_a_refusal_tells_of_it_later(tmp_path):
    message = Feed().message(draft(), position=None)
    fault = Fault("publish", KilledError(), "before", key="gate.")
    async with open_embedded(None, PLACE, fault=fault) as broker:
        await broker.login("cert-aq").publish("tocsin.ingress", message)
        await serve_and_die(broker, tmp_path)
        async with running_gate(broker.login("gate"), tmp_path):
            await take(broker.login("cert-aq"), "tocsin.feedback.cert-aq", 1)
        dead = await take(broker.login("operator"), "tocsin.dead", 2)
    assert {each.message_id for each in dead} == {message.message_id}


async def test_an_issuer_that_cannot_be_told_does_not_stop_the_gate(tmp_path):
    feed = Feed()
    bad = feed.message(draft(1), position=None)
    good = Feed(epoch="other").message(draft(2))
    fault = Fault("publish", UnroutableError("no queue"), "before", key="gate.")
    with capture_logs() as logs:
        async with open_embedded(None, PLACE, fault=fault) as broker:
            for each in (bad, good):
                await broker.login("cert-aq").publish("tocsin.ingress", each)
            async with running_gate(broker.login("gate"), tmp_path):
                await take(broker.login("adapter-main"), NORMAL, 1)
    assert "gate.no_feedback_queue" in {each["event"] for each in logs}


async def test_an_acknowledgement_that_is_lost_makes_a_duplicate_and_no_second_record(
    tmp_path,
):
    message = Feed().message(draft())
    fault = Fault("ack", BusUnavailableError("gone"), "before")
    async with open_embedded(None, PLACE, fault=fault) as broker:
        await broker.login("cert-aq").publish("tocsin.ingress", message)
        async with (
            asyncio.timeout(WAIT_S),
            running_gate(broker.login("gate"), tmp_path),
        ):
            # The reader's acknowledgement must not be the one that is lost.
            while not fault.happened:  # noqa: ASYNC110  a fault has no event
                await asyncio.sleep(0.01)
        async with running_gate(broker.login("gate"), tmp_path):
            await settled(broker, INGRESS)
        arrived = await left(broker, "adapter-main", NORMAL)
    assert len(arrived) == 1


class FullDisk:
    """Replaces a method of the files: it fails so often, then works."""

    def __init__(self, times):
        self.times = times
        self.calls = 0

    def on(self, monkeypatch, cls, method):
        original = getattr(cls, method)

        def failing(files, *args, **more):
            self.calls += 1
            if self.calls <= self.times:
                raise ConfigError("cannot use the file: SQLITE_FULL")
            return original(files, *args, **more)

        monkeypatch.setattr(cls, method, failing)


def short_delays(_random):
    while True:
        yield 0.001


STEPS = [
    (Archive, "first_seen"),
    (GateState, "known"),
    (GateState, "feeds"),
    (Archive, "append"),
    (Archive, "sign_head"),
    (GateState, "record"),
]


@pytest.mark.parametrize(("cls", "method"), STEPS)
async def test_records_are_kept_in_hand_while_the_disk_is_full(
    tmp_path, monkeypatch, cls, method
):
    monkeypatch.setattr("broker.gate_disk.delays", short_delays)
    feed = Feed()
    messages = [feed.message(draft(n, name="CANARY-NAME")) for n in range(1, 4)]
    disk = FullDisk(7)  # more often than the delivery limit (5) would allow
    disk.on(monkeypatch, cls, method)
    with capture_logs() as logs:
        async with open_embedded(None, PLACE) as broker:
            for each in messages:
                await broker.login("cert-aq").publish("tocsin.ingress", each)
            async with running_gate(broker.login("gate"), tmp_path):
                reader = broker.login("adapter-main")
                arrived = await take(reader, NORMAL, 3)
                arrived += await rest(reader, NORMAL)
            assert await left(broker, "operator", "tocsin.dead") == []
            assert await left(broker, "gate", INGRESS) == []
    assert [m.message_id for m in arrived] == [m.message_id for m in messages]
    failures = [each for each in logs if each["event"] == "gate.storage_unavailable"]
    assert [each["log_level"] for each in failures] == ["error"] * 7
    assert "CANARY" not in repr(logs)


async def test_a_stop_ends_the_waiting_for_the_disk_and_the_record_stays(
    tmp_path, monkeypatch
):
    disk = FullDisk(10**6)
    disk.on(monkeypatch, Archive, "append")
    message = Feed().message(draft())
    async with open_embedded(None, PLACE) as broker:
        await broker.login("cert-aq").publish("tocsin.ingress", message)
        async with asyncio.timeout(3), running_gate(broker.login("gate"), tmp_path):
            while disk.calls < 2:  # noqa: ASYNC110  a file has no event
                await asyncio.sleep(0.01)
        [kept] = await left(broker, "gate", INGRESS)
    assert kept.headers["x-delivery-count"] == 1


@pytest.mark.parametrize("cls", [Archive, GateState])
async def test_on_a_disk_that_takes_nothing_it_ends_before_it_takes_a_message(
    tmp_path, monkeypatch, cls
):
    FullDisk(1).on(monkeypatch, cls, "try_writing")
    async with open_embedded(None, PLACE) as broker:
        await broker.login("cert-aq").publish("tocsin.ingress", Feed().message(draft()))
        with pytest.RaisesGroup(pytest.RaisesExc(ConfigError, match="SQLITE_FULL")):
            async with running_gate(broker.login("gate"), tmp_path):
                await asyncio.sleep(WAIT_S)
        [kept] = await left(broker, "gate", INGRESS)
    assert "x-delivery-count" not in kept.headers


async def test_forgetting_old_tokens_waits_for_the_disk_too(tmp_path, monkeypatch):
    monkeypatch.setattr("broker.gate_disk.delays", short_delays)
    disk = FullDisk(3)
    disk.on(monkeypatch, GateState, "prune")
    async with (
        open_embedded(None, PLACE) as broker,
        asyncio.timeout(3),
        running_gate(broker.login("gate"), tmp_path),
    ):
        while disk.calls < 4:  # noqa: ASYNC110  a file has no event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("opened", "name"),
    [(open_archive, "archive.sqlite"), (open_gate_state, "gate.sqlite")],
)
def test_trying_to_write_writes_and_changes_nothing(tmp_path, opened, name):
    log = tmp_path / f"{name}-wal"
    with opened(tmp_path / name) as files:
        before = log.stat().st_size
        files.try_writing()
        assert log.stat().st_size > before
    with opened(tmp_path / name):
        pass  # it is still what it was


def test_two_gates_on_one_state_exclude_each_other(tmp_path):
    with (
        gate_files(tmp_path),
        pytest.raises(ConfigError, match="in use by another process"),
        gate_files(tmp_path),
    ):
        pytest.fail("both are open")
