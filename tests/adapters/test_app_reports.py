"""From a record to what its issuer is told of who has it, through a whole adapter."""

import asyncio
from contextlib import asynccontextmanager
from functools import partial

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from adapters import app, intake, interests_file, reporting
from adapters.app import serve
from adapters.interests import EVERYTHING
from adapters.outbox_reports import Telling
from broker import delivery_reports
from tests.adapters.test_app import CONTEXT, KNOWN, LANE, MEMBER, stage
from tests.support.adapter_config import adapter_config, served
from tests.support.issuing import NOW, Feed, clock, draft, rest


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(app, "report", partial(reporting.report, every_s=0.02))
    monkeypatch.setattr(intake, "_LOOK_S", 0.02)


@asynccontextmanager
async def adapter(here, wants, interests=EVERYTHING):
    """An adapter with one member, whose file of interests is *wants*."""
    stop = asyncio.Event()
    [who] = CONTEXT.subscribers  # as `context_of` reads them at the start
    context = replace(CONTEXT, subscribers=(replace(who, interests=interests),))
    settings = adapter_config(
        here.folder, members=(served(MEMBER, here.folder, interests=wants),)
    )
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(
            serve(
                settings, here.broker.login("adapter-main"), context, here.outbox,
                {LANE: here.sink}, clock=clock, stop=stop,
            )
        )  # fmt: skip
        yield
        stop.set()


async def until(check):
    while not await check():  # noqa: ASYNC110  it has no event to wait for
        await asyncio.sleep(0.02)


async def all_told(here, count):
    counts = await here.outbox.counts()
    return counts["done"] == count and not (await Telling(here.outbox).untold()).issuers


async def heard(here):
    messages = await rest(here.broker.login("cert-aq"), "tocsin.feedback.cert-aq")
    return [
        (each.token, each.members, [one.org for one in each.named])
        for message in messages
        for each in delivery_reports.verify(message, "cert-aq", KNOWN, now=NOW).records
    ]


@pytest.mark.parametrize(
    ("word", "members", "named"),
    [
        ("", 1, []),
        ('tell_issuers = "name"', 1, [MEMBER]),
        ('tell_issuers = "nothing"', 0, []),
    ],
)
async def test_an_issuer_is_told_of_its_record_what_the_member_lets_it_be(
    tmp_path, word, members, named
):
    wants = tmp_path / "wants.toml"
    wants.write_text(word)
    async with stage(tmp_path) as here:
        message = Feed().message(draft())
        await here.put(message)
        async with adapter(here, wants, interests_file.read(wants)):
            await until(partial(all_told, here, 1))
        found = await heard(here)
    assert all(token == message.message_id for token, _, _ in found)
    assert [(count, who) for _, count, who in found] == [(members, named)] * bool(
        members
    )


async def test_while_a_members_file_is_wrong_nothing_is_told_of_it(tmp_path):
    wants = tmp_path / "wants.toml"
    wants.write_text("tell_issuers = 7")
    async with stage(tmp_path) as here:
        with capture_logs() as logs:
            async with adapter(here, wants):
                await until(partial(noted, logs, "interests.unusable"))
                await here.put(Feed().message(draft()))
                await until(partial(all_told, here, 1))
        assert await heard(here) == []


async def noted(logs, event):
    return event in [each["event"] for each in logs]
