"""What the gate signs: one chain over all issuers, a head every hour."""

import asyncio
from contextlib import asynccontextmanager
from functools import partial

import msgspec
import pytest
from structlog.testing import capture_logs

from broker.archive import Archive, open_archive
from broker.embedded import open_embedded
from broker.errors import ConfigError
from broker.gate import run_gate
from broker.gate_state import ChainEnd, open_gate_state
from broker.seen import (
    HEAD_HEADER,
    STAMP_HEADER,
    make_head,
    make_stamp,
    verify_head,
    verify_headers,
    verify_stamp,
)
from tests.support.issuing import (
    ADAPTER_QUEUES,
    HUB,
    NOW,
    PLACE,
    WAIT_S,
    Feed,
    clock,
    directory,
    draft,
    gate_files,
    key_entry,
    left,
    running_gate,
    service,
    signer,
    take,
)

NORMAL = ADAPTER_QUEUES[0]
HOUR = 3600


@asynccontextmanager
async def hub(folder, **more):
    async with (
        open_embedded(None, PLACE) as broker,
        running_gate(broker.login("gate"), folder, **more) as gate,
    ):
        yield broker, gate


async def send(broker, message, org="cert-aq"):
    await broker.login(org).publish("tocsin.ingress", message)


async def passed_on(broker, message):
    """Send *message*; give it as adapters get it."""
    await send(broker, message)
    [arrived] = await take(broker.login("adapter-main"), NORMAL, 1)
    return arrived


async def until(condition):
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110  a file has no event
            await asyncio.sleep(0.01)


# ------------------------------------------------------------------ stamps


async def test_the_records_of_all_issuers_stand_in_one_chain(tmp_path):
    feeds = [Feed("cert-aq"), Feed("cert-bv")]
    async with hub(tmp_path) as (broker, _):
        for number in range(1, 21):
            for feed in feeds:
                await send(broker, feed.message(draft(number)), feed.signer.org)
        arrived = await take(broker.login("adapter-main"), NORMAL, 40)
    link, stamps = "", {}
    with gate_files(tmp_path) as gate:
        for pos, each in enumerate(gate.archive.since(), 1):
            stamp = verify_stamp(each.stamp, directory(), now=NOW)
            assert (stamp.pos, stamp.prev) == (pos, link)
            assert (stamp.token, stamp.seen) == (each.token_id, NOW)
            link = stamp.link
            stamps[each.token_id] = each.stamp
        assert gate.state.chain_end() == ChainEnd(40, link)
    assert {m.message_id: m.headers[STAMP_HEADER] for m in arrived} == stamps
    assert len(stamps) == 40


async def test_the_moment_is_rounded_down_to_a_second(tmp_path):
    # Rounded up, a revocation within that second would refuse it at the adapters.
    async with hub(tmp_path, now=lambda: NOW + 0.9) as (broker, _):
        arrived = await passed_on(broker, Feed().message(draft()))
    assert verify_headers(arrived.headers, directory(), now=NOW).stamp.seen == NOW


async def test_what_an_issuer_writes_into_these_headers_goes_nowhere(tmp_path):
    message = Feed().message(draft())
    own = make_stamp(
        HUB, token_id=message.message_id, seen=int(NOW) - HOUR, pos=7, prev="A" * 43
    )
    forged = msgspec.structs.replace(
        message, headers={STAMP_HEADER: own, HEAD_HEADER: "x", "other": 1}
    )
    async with hub(tmp_path) as (broker, _):
        arrived = await passed_on(broker, forged)
    assert set(arrived.headers) <= {STAMP_HEADER, HEAD_HEADER}
    found = verify_headers(arrived.headers, directory(), now=NOW)
    assert (found.stamp.pos, found.stamp.seen) == (1, NOW)


async def test_a_refused_record_takes_no_place_in_the_chain(tmp_path):
    feed = Feed()
    bad = msgspec.structs.replace(feed.message(draft(1)), routing_key="cert-aq.x.y")
    good = feed.message(draft(2))
    async with hub(tmp_path) as (broker, _):
        await send(broker, bad)
        arrived = await passed_on(broker, good)
    assert verify_headers(arrived.headers, directory(), now=NOW).stamp.pos == 1


async def test_two_gates_on_one_archive_make_one_chain(tmp_path):
    # Each with a state of its own: the state admits one alone.
    stop = asyncio.Event()
    feeds = [Feed("cert-aq"), Feed("cert-bv")]
    async with open_embedded(None, PLACE) as broker:
        with (
            open_gate_state(tmp_path / "one.sqlite") as one,
            open_gate_state(tmp_path / "two.sqlite") as two,
            open_archive(tmp_path / "archive.sqlite") as first,
            open_archive(tmp_path / "archive.sqlite") as second,
        ):
            async with asyncio.TaskGroup() as tasks:
                for state, archive in ((one, first), (two, second)):
                    running = run_gate(
                        broker.login("gate"), directory(), state, archive, HUB,
                        clock=clock, stop=stop,
                    )  # fmt: skip
                    tasks.create_task(running)
                for number in range(1, 31):
                    for feed in feeds:
                        await send(broker, feed.message(draft(number)), feed.signer.org)
                await take(broker.login("adapter-main"), NORMAL, 60)
                stop.set()
            archived = list(first.since())
    stamps = [verify_stamp(each.stamp, directory(), now=NOW) for each in archived]
    assert [each.pos for each in stamps] == list(range(1, 61))
    assert [each.prev for each in stamps] == ["", *(e.link for e in stamps[:-1])]


@pytest.mark.parametrize("held", [0, 1, "another"])
async def test_a_gate_does_not_fork_its_chain_on_an_archive_that_was_put_back(
    tmp_path, held
):
    feed = Feed()
    messages = [feed.message(draft(number)) for number in (1, 2, 3)]
    async with hub(tmp_path) as (broker, _):
        for each in messages[:2]:
            await passed_on(broker, each)
    with gate_files(tmp_path) as gate:
        archived = list(gate.archive.since())
    for each in tmp_path.glob("archive.sqlite*"):
        each.unlink()
    with open_archive(tmp_path / "archive.sqlite") as archive:
        again = archived[:held] if held != "another" else archived[::-1]
        archive.append(again, partial(make_stamp, HUB))
    async with open_embedded(None, PLACE) as broker:
        await send(broker, messages[2])
        with pytest.RaisesGroup(pytest.RaisesExc(ConfigError, match="number 2 of the")):
            async with running_gate(broker.login("gate"), tmp_path):
                await asyncio.sleep(WAIT_S)
        [kept] = await left(broker, "gate", "tocsin.ingress.cert-aq")
    assert "x-delivery-count" not in kept.headers


async def test_a_gate_whose_state_was_lost_goes_on_with_the_chain(tmp_path):
    feed = Feed()
    async with hub(tmp_path) as (broker, _):
        await passed_on(broker, feed.message(draft(1)))
    (tmp_path / "gate.sqlite").unlink()
    async with hub(tmp_path) as (broker, _):
        arrived = await passed_on(broker, feed.message(draft(2)))
    assert verify_headers(arrived.headers, directory(), now=NOW).stamp.pos == 2


# ------------------------------------------------------------------ heads


async def test_a_head_is_signed_every_hour_though_nothing_came(tmp_path, monkeypatch):
    monkeypatch.setattr("broker.gate.HEAD_EVERY_S", 0.02)
    with capture_logs() as logs:
        async with hub(tmp_path) as (_, gate):
            await until(lambda: len(gate.archive.heads()) >= 4)
            heads = gate.archive.heads()
    assert {verify_head(each.head, directory(), now=NOW).pos for each in heads} == {0}
    told = [each["pos"] for each in logs if each["event"] == "gate.head"]
    assert len(told) >= 4
    assert set(told) == {0}


async def test_the_newest_head_goes_along_with_every_record(tmp_path, monkeypatch):
    monkeypatch.setattr("broker.gate.HEAD_EVERY_S", 0.02)
    feed = Feed()
    async with hub(tmp_path) as (broker, gate):
        await until(gate.archive.heads)
        first = await passed_on(broker, feed.message(draft(1)))
        await until(lambda: gate.archive.newest_head().pos == 1)
        count = len(gate.archive.heads())
        await until(lambda: len(gate.archive.heads()) > count)
        second = await passed_on(broker, feed.message(draft(2)))
    heads = [
        verify_head(each.headers[HEAD_HEADER], directory(), now=NOW)
        for each in (first, second)
    ]
    stamp = verify_stamp(first.headers[STAMP_HEADER], directory(), now=NOW)
    assert [each.pos for each in heads] == [0, 1]
    assert heads[1].link == stamp.link


async def test_before_the_first_head_there_is_no_header(tmp_path, monkeypatch):
    def full(*_, **__):
        raise ConfigError("cannot use the file: SQLITE_FULL")

    monkeypatch.setattr(Archive, "sign_head", full)
    async with hub(tmp_path) as (broker, _):
        arrived = await passed_on(broker, Feed().message(draft()))
    assert set(arrived.headers) == {STAMP_HEADER}


@pytest.mark.parametrize(("later", "heads"), [(HOUR - 1, 1), (HOUR, 2), (3 * HOUR, 2)])
async def test_a_gate_that_starts_again_signs_a_head_when_the_hour_is_over(
    tmp_path, later, heads
):
    async with hub(tmp_path) as (_, gate):
        await until(gate.archive.heads)
    async with hub(tmp_path, now=lambda: NOW + later) as (broker, gate):
        arrived = await passed_on(broker, Feed().message(draft()))
        if heads == 2:
            await until(lambda: len(gate.archive.heads()) == 2)
    with gate_files(tmp_path) as gate:
        assert len(gate.archive.heads()) == heads
    # Either way it has one from the start.
    assert verify_head(arrived.headers[HEAD_HEADER], directory(), now=NOW + later)


async def test_a_head_whose_key_has_gone_goes_along_with_nothing(tmp_path):
    old = signer("old-hub")
    with open_archive(tmp_path / "archive.sqlite") as archive:
        archive.sign_head(partial(make_head, old), now=int(NOW))
    async with hub(tmp_path) as (broker, gate):
        await until(lambda: len(gate.archive.heads()) == 2)
        arrived = await passed_on(broker, Feed().message(draft()))
    assert verify_headers(arrived.headers, directory(), now=NOW)


# ------------------------------------------------------------------ the key

REVOKED = key_entry("hub", revoked_at="2026-03-01T12:00:00Z")
EXPIRED = key_entry("hub", not_after="2026-03-01T11:59:59Z")


@pytest.mark.parametrize(
    ("known", "by"),
    [
        (directory(), signer("somebody")),
        (directory(), signer("cert-aq")),
        (directory(service(services=("adapter",))), HUB),
        (directory(service(keys=(REVOKED,))), HUB),
        (directory(service(keys=(EXPIRED,))), HUB),
        (msgspec.structs.replace(directory(), services={}), HUB),
    ],
)
async def test_a_gate_whose_key_is_not_listed_takes_no_message(tmp_path, known, by):
    async with open_embedded(None, PLACE) as broker:
        await send(broker, Feed().message(draft()))
        with pytest.RaisesGroup(
            pytest.RaisesExc(
                ConfigError, match=rf"{by.kid}.*directory/services/{by.org}"
            )
        ):
            async with running_gate(broker.login("gate"), tmp_path, known=known, by=by):
                await asyncio.sleep(WAIT_S)
        [kept] = await left(broker, "gate", "tocsin.ingress.cert-aq")
    assert "x-delivery-count" not in kept.headers
    with gate_files(tmp_path) as gate:
        assert list(gate.archive.since()) == gate.archive.heads() == []


async def test_a_gate_whose_key_ends_meanwhile_stamps_nothing_more(tmp_path):
    ends = key_entry("hub", not_after="2026-03-01T12:00:10Z")
    known, now = directory(service(keys=(ends,))), [NOW]
    feed = Feed()
    first, second = feed.message(draft(1)), feed.message(draft(2))
    async with open_embedded(None, PLACE) as broker:
        with pytest.RaisesGroup(pytest.RaisesExc(ConfigError, match="valid now")):
            async with running_gate(
                broker.login("gate"), tmp_path, known=known, now=lambda: now[0]
            ):
                await passed_on(broker, first)
                now[0] = NOW + 11
                await send(broker, second)
                await asyncio.sleep(WAIT_S)
        [kept] = await left(broker, "gate", "tocsin.ingress.cert-aq")
    assert kept.message_id == second.message_id
    with gate_files(tmp_path) as gate:
        assert [a.token_id for a in gate.archive.since()] == [first.message_id]


async def test_a_silent_gate_notices_that_its_key_has_ended(tmp_path, monkeypatch):
    monkeypatch.setattr("broker.gate.HEAD_EVERY_S", 0.02)
    ends = key_entry("hub", not_after="2026-03-01T12:00:10Z")
    known, now = directory(service(keys=(ends,))), [NOW]
    with pytest.RaisesGroup(pytest.RaisesExc(ConfigError, match="valid now")):
        async with hub(tmp_path, known=known, now=lambda: now[0]) as (_, gate):
            await until(gate.archive.heads)
            now[0] = NOW + 11
            await asyncio.sleep(WAIT_S)
