"""Reports to issuers on their way: from the outbox to the issuer's queue, never lost."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from adapters import outbox_reports, reporting
from adapters.errors import OutboxUnavailableError
from adapters.outbox import open_outbox
from adapters.outbox_reports import Telling
from adapters.reporting import report
from broker import delivery_reports
from broker.embedded import open_embedded
from broker.errors import NotConfirmedError
from tests.support.issuing import HUB, NOW, PLACE, clock, directory, rest
from tests.support.sinks import new_delivery

TOKEN, OTHER = "A" * 43, "B" * 42 + "A"
EVERYBODY = {"platform-b": "name", "platform-c": "count"}


class Stage:
    """An adapter that has delivered, and the broker."""

    def __init__(self, broker, outbox):
        self.broker = broker
        self.outbox = outbox

    async def deliver(self, *rows):
        await self.outbox.store(rows)
        for item in await self.outbox.due(NOW, len(rows)):
            await self.outbox.done(item.delivery_id, NOW)

    async def report_until(self, done, consents=EVERYBODY, clock=clock):
        stop = asyncio.Event()
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            tasks.create_task(
                report(
                    self.outbox,
                    self.broker.login("adapter-main"),
                    lambda: consents,
                    adapter="main",
                    signer=HUB,
                    clock=clock,
                    stop=stop,
                    every_s=0.01,
                )
            )
            while not await done():  # noqa: ASYNC110  a queue has no event to wait for
                await asyncio.sleep(0.01)
            stop.set()

    async def all_told(self):
        return not (await Telling(self.outbox).untold()).issuers

    async def read(self, org="cert-aq"):
        """Take what *org* was told: token to how many, and who."""
        messages = await rest(self.broker.login(org), f"tocsin.feedback.{org}")
        return [
            (each.token, each.members, [one.org for one in each.named])
            for message in messages
            for each in delivery_reports.verify(
                message, org, directory(), now=NOW
            ).records
        ]


@asynccontextmanager
async def stage(place, fault=None):
    async with (
        open_embedded(None, PLACE, fault=fault) as broker,
        open_outbox(place, clock=clock) as outbox,
    ):
        yield Stage(broker, outbox)


def row(member="platform-b", token=TOKEN, **more):
    sub = f"incident--{token[0]}"
    return new_delivery(member=member, token_id=token, sub=sub, **more)


async def test_an_issuer_is_told_how_many_members_have_taken_its_record(place):
    async with stage(place) as here:
        await here.deliver(row(), row("platform-c"), row("platform-c", sink="other"))
        await here.report_until(here.all_told)
        assert await here.read() == [(TOKEN, 2, ["platform-b"])]
        assert await here.read("cert-bv") == []


async def test_what_is_not_taken_yet_is_not_told_and_numbers_go_on_from_there(place):
    async with stage(place) as here:
        await here.outbox.store([row(), row("platform-c")])
        assert await here.all_told()
        first, second = await here.outbox.due(NOW, 2)
        await here.outbox.done(first.delivery_id, NOW)
        await here.report_until(here.all_told)
        await here.outbox.postponed(second.delivery_id, NOW, "sink-busy", now=NOW)
        assert await here.all_told()
        [again] = await here.outbox.due(NOW, 2)
        await here.outbox.done(again.delivery_id, NOW)
        await here.report_until(here.all_told)
        assert await here.read() == [
            (TOKEN, 1, ["platform-b"]),
            (TOKEN, 2, ["platform-b"]),
        ]


async def test_who_consents_to_nothing_is_told_of_to_nobody(place):
    async with stage(place) as here:
        await here.deliver(row())
        await here.report_until(here.all_told, {"platform-b": "nothing"})
        assert await here.read() == []


@pytest.mark.parametrize("kind", ["heartbeat", "erasure"])
async def test_of_what_is_no_record_nobody_is_told(tmp_path, kind):
    async with stage(tmp_path / "o.sqlite") as here:
        await here.deliver(row(kind=kind))
        await here.report_until(here.all_told)
        assert await here.read() == []


async def test_a_report_that_may_have_arrived_is_sent_again_and_says_the_same(tmp_path):
    faults = iter([(NotConfirmedError("timeout"), "after")])

    def fault(operation, message):
        return next(faults, None) if operation == "publish" else None

    async with stage(tmp_path / "o.sqlite", fault) as here:
        await here.deliver(row())
        moments = iter(NOW + n * 31 for n in range(1000))
        await here.report_until(here.all_told, clock=lambda: next(moments))
        assert await here.read() == [(TOKEN, 1, ["platform-b"])] * 2


async def test_one_issuer_whose_queue_takes_nothing_holds_up_no_other(
    tmp_path, monkeypatch
):
    for module in (outbox_reports, reporting):
        monkeypatch.setattr(module, "MAX_ROWS", 3)

    def fault(operation, message):
        if operation == "publish" and ".cert-aq." in message.routing_key:
            return NotConfirmedError("full"), "before"
        return None

    async with stage(tmp_path / "o.sqlite", fault) as here:
        many = [
            new_delivery(member="platform-b", sub=f"incident--{n}") for n in range(4)
        ]
        await here.deliver(*many, row(token=OTHER, issuer="cert-bv"))

        async def told():
            return not (await Telling(here.outbox).untold(not_of=["cert-aq"])).issuers

        await here.report_until(told)
        assert await here.read("cert-bv") == [(OTHER, 1, ["platform-b"])]


async def test_an_issuer_that_has_left_is_told_nothing_and_waited_for_by_nobody(
    tmp_path,
):
    async with stage(tmp_path / "o.sqlite") as here:
        await here.deliver(row(issuer="cert-gone"))
        await here.report_until(here.all_told)


async def test_an_outbox_that_cannot_be_used_is_waited_for(tmp_path, monkeypatch):
    async with stage(tmp_path / "o.sqlite") as here:
        await here.deliver(row())
        told, failing = Telling.told, iter([OutboxUnavailableError("locked")])

        async def failing_once(telling, ids):
            for error in failing:
                raise error
            await told(telling, ids)

        monkeypatch.setattr(Telling, "told", failing_once)
        await here.report_until(here.all_told)
        found = await here.read()  # under one message id, if within one minute
        assert {each[0] for each in found} == {TOKEN}


async def test_what_was_told_is_not_told_again_after_a_restart(tmp_path):
    async with stage(tmp_path / "o.sqlite") as here:
        await here.deliver(row())
        await here.report_until(here.all_told)
    async with stage(tmp_path / "o.sqlite") as here:
        assert await here.all_told()
