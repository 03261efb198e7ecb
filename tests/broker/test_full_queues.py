"""A queue that is full refuses, on a real RabbitMQ: who is held up, and who is not."""

import asyncio
from contextlib import AsyncExitStack

import pytest
import structlog
from msgspec.structs import replace

from adapters import queue_watch
from adapters.metrics import EventCounts
from adapters.queue_watch import QueueWatch
from broker.errors import NotConfirmedError
from broker.publisher import open_publisher
from broker.rabbitmq import open_rabbitmq
from broker.rabbitmq_link import Link
from broker.topology import definitions, permissions
from tests.support.issuing import (
    ADAPTER_QUEUES,
    PLACE,
    clock,
    counting_entropy,
    draft,
    rest,
    running_gate,
    signer,
    take,
)

pytestmark = pytest.mark.rabbitmq
NORMAL = ADAPTER_QUEUES[0]
PASSWORD = "full-test"
MOST = 3
FULL = "tocsin.records: takes nothing: a queue behind it is full"


@pytest.fixture
def counts():
    found = EventCounts()
    found.written = structlog.testing.LogCapture()
    structlog.configure(
        processors=[structlog.processors.add_log_level, found, found.written]
    )
    found.away.clear()
    return found


@pytest.fixture
def small(vhost):
    """Give what builds the hub's queues, some of which hold three messages."""

    def build(*names):
        place = replace(
            PLACE,
            queues=tuple(
                replace(each, arguments={**each.arguments, "x-max-length": MOST})
                if each.name in names
                else each
                for each in PLACE.queues
            ),
        )
        rights = permissions(place)
        passwords = {each.user: PASSWORD for each in rights.users}
        vhost.import_definitions(
            definitions(place, rights, passwords=passwords, vhost=vhost.vhost)
        )

    return build


@pytest.fixture
async def login(vhost):
    async with AsyncExitStack() as stack:

        async def enter(user):
            url = vhost.url_for(user, PASSWORD)
            return await stack.enter_async_context(open_rabbitmq(url, user=user))

        yield enter


def publishing(bus, folder, org, **more):
    return open_publisher(
        bus,
        folder / f"{org}.sqlite",
        signer(org),
        clock=clock,
        entropy=counting_entropy(),
        **more,
    )


async def fill(publisher, signed):
    for number in range(1, 12):
        signed.append(await publisher.enqueue(draft(number)))
        await publisher.flush()


async def until(check):
    async with asyncio.timeout(20):
        while not check():  # noqa: ASYNC110  no event
            await asyncio.sleep(0.02)


async def test_a_full_ingress_queue_refuses_its_issuer_alone_which_keeps_the_rest(
    small, login, tmp_path
):
    small("tocsin.ingress.cert-aq", "tocsin.ingress.cert-bv")
    flooding, other = await login("cert-aq"), await login("cert-bv")
    async with (
        publishing(flooding, tmp_path, "cert-aq", patience_s=0.5) as full,
        publishing(other, tmp_path, "cert-bv") as calm,
    ):
        signed = []
        # One by one: of those in flight together a queue takes some too many.
        with pytest.raises(
            NotConfirmedError, match=r"the queue is full: the hub is behind; 1 signed"
        ):
            await fill(full, signed)
        assert len(signed) < 11
        signed.append(await calm.publish(draft(12)))
        async with running_gate(await login("gate"), tmp_path):
            assert await full.flush() == 1
            reader = await login("adapter-main")
            arrived = await take(reader, NORMAL, len(signed))
            arrived += await rest(reader, NORMAL)
    assert sorted(m.message_id for m in arrived) == sorted(m.token_id for m in signed)


async def test_a_full_queue_of_an_adapter_holds_up_the_gate_and_loses_nothing(
    small, login, counts, tmp_path
):
    small(NORMAL)
    async with (
        publishing(await login("cert-aq"), tmp_path, "cert-aq") as publisher,
        running_gate(await login("gate"), tmp_path),
    ):
        signed = [await publisher.publish(draft(number)) for number in range(1, 16)]
        await until(lambda: counts.ails() == [FULL])
        reader = await login("adapter-main")
        arrived = await take(reader, NORMAL, len(signed))
        await until(lambda: counts.ails() == [])
        arrived += await rest(reader, NORMAL)
    assert {m.message_id for m in arrived} == {m.token_id for m in signed}
    assert await rest(await login("operator"), "tocsin.dead") == []


async def test_a_queue_that_fills_is_an_alarm_once_until_it_has_emptied_well(
    small, login, vhost, counts, tmp_path, monkeypatch
):
    monkeypatch.setattr(queue_watch, "most_in", lambda _: 5)
    small()
    url = vhost.url_for("gate", PASSWORD)
    watched, name = QueueWatch(counts), "tocsin.ingress.cert-aq"

    def told():
        return [
            each["event"]
            for each in counts.written.entries
            if each["event"].startswith("queue.")
        ]

    def gauge():
        return counts.registry.get_sample_value(
            "tocsin_queue_messages", {"queue": name}
        )

    async with (
        publishing(await login("cert-aq"), tmp_path, "cert-aq") as publisher,
        Link(url, name="test", timeout_s=10) as link,
    ):
        for number, expected in ((3, []), (4, ["queue.filling"])):
            while (gauge() or 0) < number:
                await publisher.publish(draft(int(gauge() or 0) + 1))
                await watched.look(link, [name, "tocsin.no-such-queue"])
            assert told() == expected
        await watched.look(link, [name])
        assert told() == ["queue.filling"]
        await take(await login("gate"), name, 4)
        await watched.look(link, [name])
    assert (told(), gauge()) == (["queue.filling", "queue.eased"], 0)
