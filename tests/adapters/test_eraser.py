"""An adapter that is ordered to erase: the record's queue, its reviews, who is told."""

import asyncio
import json
from collections import Counter

import msgspec
import pytest

from adapters.eraser import Eraser
from adapters.intake import Intake
from adapters.outbox import open_outbox
from adapters.outbox_erasure import Erasing
from adapters.outbox_removal import Removal
from adapters.patience import PatientStore, StoppedError
from adapters.pipeline import Decided
from adapters.review import open_reviews
from broker.bus import Message
from broker.erasing import CONTENT_TYPE, Order, message
from broker.errors import ConfigError
from broker.retention import DAY_S, Retention
from broker.topology import DEAD, RECORDS, RETRY
from tests.adapters.test_app import CONTEXT, LANE, MEMBER, config, stage
from tests.support.issuing import ADAPTER_QUEUES, NOW, Feed, clock, draft, stamped
from tests.support.reviews import REVIEWERS, waiting
from tests.support.sinks import new_delivery

NORMAL = ADAPTER_QUEUES[0]
ROW = new_delivery(member=LANE[0], sink=LANE[1], token_id="A" * 43)


def order_for(row=ROW, **more):
    fields = {"tokens": (row.token_id,), "at": int(NOW), "reason": "law"} | more
    return Order(issuer=row.issuer, sub=row.sub, **fields)


async def test_a_record_behind_which_the_order_stands_is_not_sent_again(tmp_path):
    async with stage(tmp_path) as here:
        record = Feed().message(draft())
        await here.put(record)
        await here.serve_until(lambda: len(here.sink.taken) == 1)
        [sent] = here.sink.taken.values()
        order = Order(
            issuer=sent.issuer, sub=sent.sub, tokens=(sent.token_id,), at=int(NOW),
            reason="mistake",
        )  # fmt: skip
        operator = here.broker.login("operator")
        await operator.publish(RETRY, message(order, NORMAL))
        await operator.publish(RETRY, message(order, NORMAL))
        await here.put(record)  # as from the dead letters
        await here.put(Feed(epoch="two").message(draft(2)))
        await here.serve_until(lambda: len(here.sink.taken) == 3)
        kinds = [item.kind for item in here.sink.taken.values()]
        assert kinds == ["incident", "erasure", "incident"]
        assert here.sink.numbers == [1, 2, 3]
        notice = json.loads([*here.sink.taken.values()][1].projection)
        assert (notice["numbers"], notice["tokens"]) == ([1], [sent.token_id])
        assert await here.left_in(NORMAL) == []


async def test_an_order_that_is_not_the_operators_is_a_dead_letter(
    tmp_path, monkeypatch
):
    forged = Message(
        body=msgspec.json.encode(order_for()),
        message_id="m",
        routing_key="cert-aq.incident.green.none.none.unknown",
        content_type=CONTENT_TYPE,
    )
    async with stage(tmp_path) as here:
        monkeypatch.setattr(Removal, "erase", None)  # nobody calls it
        await here.broker.login("gate").publish(RECORDS, stamped(forged))
        await here.put(Feed().message(draft()))
        await here.serve_until(lambda: len(here.sink.taken) == 1)
        [dead] = await here.left_in(DEAD)
    assert dead.headers["tocsin-reason"] == "erasing-invalid"


async def obeyed(folder, order, rows, reviews=None, *, sent=False):
    """Store *rows*, or send them, obey, and give what is to be sent then."""
    stop = asyncio.Event()
    async with open_outbox(folder / "outbox.sqlite", clock=clock) as outbox:
        await outbox.store(rows)
        for item in await outbox.due(NOW, 10) if sent else ():
            await outbox.done(item.delivery_id, NOW)
        eraser = Eraser(PatientStore(outbox, stop), reviews, clock=clock, stop=stop)
        assert await eraser.obey(message(order, NORMAL), CONTEXT) is None
        return await outbox.due(NOW, 10)


async def test_at_the_end_of_retention_nobody_is_told(tmp_path):
    order = order_for(reason="retention", notify=False)
    assert await obeyed(tmp_path, order, [ROW], sent=True) == []


async def test_who_never_had_anything_of_it_does_not_learn_that_it_was(tmp_path):
    assert await obeyed(tmp_path, order_for(), [ROW]) == []


async def test_who_is_no_more_served_gets_no_delivery(tmp_path):
    left = msgspec.structs.replace(ROW, member="ngo-a")
    elsewhere = msgspec.structs.replace(ROW, sink="mail")
    rows = [ROW, left, elsewhere]
    found = await obeyed(tmp_path, order_for(), rows, sent=True)
    assert [(item.member, item.sink) for item in found] == [(MEMBER, "files")]


async def test_what_waits_for_persons_is_forgotten_with_all_that_they_said(tmp_path):
    with open_reviews(tmp_path / "reviews.sqlite", REVIEWERS) as reviews:
        mine, other = waiting(), waiting(token_id="M" * 43)
        kept = Message(body=b"canary" * 9, message_id="m", routing_key="k")
        reviews.keep([(kept, [mine], None)])
        reviews.keep(
            [(Message(body=b"x", message_id="n", routing_key="k"), [other], None)]
        )
        order = order_for(tokens=(mine.token_id,))
        await obeyed(tmp_path, order, [ROW], reviews)
        left = [each.waiting.token_id for each in reviews.held(now=NOW, every=True)]
        assert left == [other.token_id]
        assert reviews.message(mine.token_id) is None
        for each in tmp_path.glob("reviews.sqlite*"):
            assert b"canary" not in each.read_bytes()


@pytest.mark.parametrize("erased", ["before", "meanwhile"])
async def test_what_is_erased_does_not_come_back_into_the_reviews(tmp_path, erased):
    stop, mine, other = asyncio.Event(), waiting(), waiting(token_id="M" * 43)
    what = Erasing(
        issuer="cert-aq", sub=ROW.sub, token_ids=(mine.token_id,), at=1, reason="law"
    )
    canary = Message(body=b"canary" * 9, message_id="m", routing_key="k")
    plain = Message(body=b"x", message_id="n", routing_key="k")
    # Nobody gets a row of it: the outbox is asked all the same.
    outcomes = [
        Decided(each.token_id, "cert-aq", (), Counter(), waiting=(each,))
        for each in (mine, other)
    ]
    async with open_outbox(tmp_path / "outbox.sqlite", clock=clock) as outbox:
        with open_reviews(tmp_path / "reviews.sqlite", REVIEWERS) as reviews:
            keep, kept = reviews.keep, []

            def keeping(decided):
                kept.extend(message.message_id for message, *_ in decided)
                keep(decided)
                if erased == "meanwhile":
                    erasing = Removal(outbox).erase(what)
                    asyncio.run_coroutine_threadsafe(erasing, loop).result(60)

            loop, reviews.keep = asyncio.get_running_loop(), keeping
            if erased == "before":
                await Removal(outbox).erase(what)
            intake = Intake(
                config(tmp_path), None, CONTEXT, outbox, clock=clock, stop=stop,
                reviews=reviews,
            )  # fmt: skip
            await intake.keep_waiting([canary, plain], outcomes)
            assert kept == (["n"] if erased == "before" else ["m", "n"])
            left = [each.waiting.token_id for each in reviews.held(now=NOW, every=True)]
            assert left == [other.token_id]
            assert reviews.message(mine.token_id) is None
            for each in tmp_path.glob("reviews.sqlite*"):
                assert b"canary" not in each.read_bytes()


async def test_what_another_process_erased_leaves_the_reviews_too(tmp_path):
    stop, mine = asyncio.Event(), waiting()
    what = Erasing(
        issuer="cert-aq", sub=ROW.sub, token_ids=(mine.token_id,), at=NOW, reason="law"
    )
    async with open_outbox(tmp_path / "outbox.sqlite", clock=clock) as outbox:
        with open_reviews(tmp_path / "reviews.sqlite", REVIEWERS) as reviews:
            reviews.keep(
                [(Message(body=b"x", message_id="m", routing_key="k"), [mine], None)]
            )
            await Removal(outbox).erase(what)
            eraser = Eraser(PatientStore(outbox, stop), reviews, clock=clock, stop=stop)
            watching = asyncio.create_task(eraser.watch_reviews())
            async with asyncio.timeout(10):
                while reviews.held(now=NOW):  # noqa: ASYNC110  a file has no event
                    await asyncio.sleep(0.01)
            stop.set()
            await watching


@pytest.mark.parametrize("was", ["new", "erased long ago"])
async def test_an_old_order_is_obeyed_in_reviews_that_were_away_just_then(
    tmp_path, was
):
    """As after days in which no adapter ran, or out of the dead letters."""
    days, stop = NOW - 9 * DAY_S, asyncio.Event()
    known, named = waiting(token_id=ROW.token_id), waiting(token_id="M" * 43)
    order = order_for(tokens=(named.token_id,), at=int(days))
    what = Erasing(
        issuer=ROW.issuer, sub=ROW.sub, token_ids=order.tokens, at=days, reason="law"
    )
    async with open_outbox(tmp_path / "outbox.sqlite", clock=clock) as outbox:
        await outbox.store([ROW])
        if was == "erased long ago":
            await Removal(outbox).erase(what)
        with open_reviews(tmp_path / "reviews.sqlite", REVIEWERS) as reviews:
            plain = Message(body=b"x", message_id="m", routing_key="k")
            reviews.keep([(plain, [known, named], None)])
            forget, away = reviews.erase, iter([ConfigError("locked")])

            def erase(token_ids):
                for error in away:
                    raise error
                forget(token_ids)
                stop.set()

            reviews.erase = erase
            eraser = Eraser(PatientStore(outbox, stop), reviews, clock=clock, stop=stop)
            assert await eraser.obey(message(order, NORMAL), CONTEXT) is None
            assert len(reviews.held(now=NOW, every=True)) == 2
            await asyncio.wait_for(eraser.watch_reviews(), 10)
            assert not reviews.held(now=NOW, every=True)
        assert await outbox.due(NOW, 10) == []


async def test_an_adapter_forgets_by_itself_what_is_over_and_needed_no_more(tmp_path):
    done, due, young = (
        msgspec.structs.replace(ROW, sub=f"incident--{n}", token_id=n * 43)
        for n in ("A", "E", "I")
    )
    rules = Retention(days=2, tlp={"GREEN": 1})
    moment, stop = [NOW], asyncio.Event()
    path = tmp_path / "outbox.sqlite"
    async with open_outbox(path, clock=lambda: moment[0]) as outbox:
        await outbox.store([done, due])
        moment[0] += DAY_S
        await outbox.store([young])
        for item in await outbox.due(moment[0], 10):
            if item.sub != due.sub:
                await outbox.done(item.delivery_id, moment[0])
        store = PatientStore(outbox, stop)
        eraser = Eraser(store, None, clock=lambda: moment[0], stop=stop)
        await eraser.retain(rules, CONTEXT.directory)
        assert await Removal(outbox).erased_since(0) == [done.token_id]
        moment[0] += DAY_S
        await eraser.retain(rules, CONTEXT.directory)
        # What has to be sent yet is never taken out of the row of numbers.
        assert await Removal(outbox).erased_since(0) == [done.token_id, young.token_id]


async def test_the_outbox_is_gone_through_less_often_than_the_reviews(
    tmp_path, monkeypatch
):
    paused = []

    async def pause(delay_s, _stop):
        paused.append(delay_s)
        raise StoppedError

    monkeypatch.setattr("adapters.eraser.pause", pause)
    async with open_outbox(tmp_path / "outbox.sqlite", clock=clock) as outbox:
        with open_reviews(tmp_path / "reviews.sqlite", REVIEWERS) as reviews:
            await outbox.store([ROW])
            for item in await outbox.due(NOW, 1):
                await outbox.done(item.delivery_id, NOW)
            stop = asyncio.Event()
            eraser = Eraser(
                PatientStore(outbox, stop), reviews,
                clock=lambda: NOW + 2 * DAY_S, stop=stop,
            )  # fmt: skip
            await eraser.watch_retention(Retention(days=1), lambda: CONTEXT.directory)
            await eraser.watch_reviews()
        assert await Removal(outbox).erased_since(0) == [ROW.token_id]
    assert paused == [3600, 300]


async def test_a_version_that_comes_while_it_is_looked_for_keeps_the_record(tmp_path):
    newer = msgspec.structs.replace(ROW, ver="2026-01-02T03:04:59Z", token_id="E" * 43)
    moment, stop = [NOW], asyncio.Event()
    path = tmp_path / "outbox.sqlite"
    async with open_outbox(path, clock=lambda: moment[0]) as outbox:
        await outbox.store([ROW])
        [item] = await outbox.due(NOW, 1)
        await outbox.done(item.delivery_id, NOW)
        moment[0] += DAY_S
        store = PatientStore(outbox, stop)
        found = await store.aged(NOW)
        assert len(found) == 1
        assert await outbox.store([newer]) == ("stored",)
        store.aged = lambda _: asyncio.sleep(0, found)  # as it was a moment ago
        eraser = Eraser(store, None, clock=lambda: moment[0], stop=stop)
        await eraser.retain(Retention(days=1), CONTEXT.directory)
        assert await Removal(outbox).erased_since(0) == []
        assert len(await outbox.due(moment[0], 10)) == 1
