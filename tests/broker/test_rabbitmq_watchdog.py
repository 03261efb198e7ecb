"""What a reader on RabbitMQ does when nobody tells it that it reads no more."""

import asyncio
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from broker import rabbitmq_consuming
from broker.errors import BusRefusedError
from broker.rabbitmq import open_rabbitmq
from broker.topology import INGRESS, definitions
from tests.broker.test_rabbitmq import (
    PASSWORD,
    PLACE,
    QUEUE,
    RIGHTS,
    WAIT_S,
    eventually,
    message,
    opened,
)
from tests.support.tcp_proxy import open_proxy


@pytest.fixture
def place(vhost):
    passwords = {each.user: PASSWORD for each in RIGHTS.users}
    vhost.import_definitions(
        definitions(PLACE, RIGHTS, passwords=passwords, vhost=vhost.vhost)
    )
    return vhost


@pytest.fixture
def soon(monkeypatch):
    """Look often."""
    monkeypatch.setattr(rabbitmq_consuming, "LOOK_S", 0.05)
    monkeypatch.setattr(rabbitmq_consuming, "SURELY_S", 0.05)


def events(logs):
    return [each["event"] for each in logs]


async def cancelled(messages):
    """Let the broker forget a consumer that thinks it still is one."""
    subscription = messages._subscription
    [tag] = subscription.low.consumers
    await subscription.low.basic_cancel(tag)


async def test_a_reader_that_gets_nothing_though_messages_wait_reads_anew(place, soon):
    async with (
        opened(place, "cert-aq") as member,
        opened(place, "gate") as gate,
        gate.consume(QUEUE) as messages,
    ):
        await cancelled(messages)
        with capture_logs() as logs:
            await member.publish(INGRESS, message(1))
            async with asyncio.timeout(WAIT_S):
                received = await anext(messages)
            await received.ack()
    assert received.message.message_id == "id-1"
    assert events(logs) == [
        "bus.consumer_stalled",
        "bus.consumer_lost",
        "bus.consumer_back",
    ]
    assert (logs[0]["queue"], logs[0]["waiting"]) == (QUEUE, 1)


async def test_one_that_has_its_hands_full_is_left_alone_and_so_is_an_idle_one(
    place, soon, monkeypatch
):
    looks = []
    waiting_in = rabbitmq_consuming.waiting_in

    async def counted(link, queue):
        looks.append(await waiting_in(link, queue))
        return looks[-1]

    monkeypatch.setattr(rabbitmq_consuming, "waiting_in", counted)
    with capture_logs() as logs:
        async with (
            opened(place, "cert-aq") as member,
            opened(place, "gate") as gate,
            gate.consume(QUEUE, prefetch=1) as messages,
        ):

            async def twice() -> bool:
                return len(looks) >= 2

            await eventually(twice)
            for number in range(3):
                await member.publish(INGRESS, message(number))
            held = await anext(messages)
            before = len(looks)
            await asyncio.sleep(0.3)  # some looks, of which none asks the broker
            assert len(looks) <= before + 1
            await held.ack()
            for _ in range(2):
                await (await anext(messages)).ack()
    assert logs == []


async def test_where_the_broker_does_not_tell_how_many_wait_it_asks_once(
    place, soon, monkeypatch
):
    async def refused(link, queue):
        raise BusRefusedError("tells nothing")

    monkeypatch.setattr(rabbitmq_consuming, "waiting_in", refused)
    with capture_logs() as logs:
        async with opened(place, "gate") as gate, gate.consume(QUEUE):

            async def told() -> bool:
                return bool(logs)

            await eventually(told)
            await asyncio.sleep(0.2)
    assert events(logs) == ["bus.queue_not_told"]


@pytest.mark.slow
async def test_a_connection_that_has_fallen_silent_is_given_up(place):
    """Nothing is cut: the peer just says nothing any more."""
    url = urlsplit(place.url_for("gate", PASSWORD))
    async with open_proxy(url.hostname, url.port or 5672) as proxy:
        login = url.netloc.rpartition("@")[0]
        quick = url._replace(
            netloc=f"{login}@127.0.0.1:{proxy.port}", query="heartbeat=1"
        )
        with capture_logs() as logs:
            async with (
                open_rabbitmq(quick.geturl(), user="gate") as gate,
                gate.consume(QUEUE) as messages,
            ):
                waiting = asyncio.create_task(anext(messages))
                proxy.answers.clear()

                async def lost() -> bool:
                    return "bus.consumer_lost" in events(logs)

                await eventually(lost)
                proxy.answers.set()
                async with opened(place, "cert-aq") as member:
                    await member.publish(INGRESS, message(1))
                async with asyncio.timeout(WAIT_S):
                    await (await waiting).ack()
    assert events(logs)[-1] == "bus.consumer_back"


# As many at once as fit


async def test_few_are_taken_at_first_and_while_they_are_large(place):
    async with (
        opened(place, "cert-aq") as member,
        opened(place, "gate") as gate,
        gate.consume(QUEUE, prefetch=10, most_bytes=10_000) as messages,
    ):

        async def sent(first: int, count: int, size: int) -> None:
            for number in range(first, first + count):
                await member.publish(INGRESS, message(number, body=b"x" * size))

        async def has_in_hand(count: int) -> None:
            async def known() -> bool:
                return len(messages._subscription.unsettled) == count

            await eventually(known)
            await asyncio.sleep(0.2)  # and no more come
            assert await known()

        await sent(0, 12, 10)
        await has_in_hand(1)  # the largest would not fit
        held = [await anext(messages) for _ in range(10)]
        await has_in_hand(10)
        await sent(12, 6, 2000)
        await gate.ack_through(held[-1])
        held = [await anext(messages) for _ in range(8)]
        await gate.ack_through(held[-2])
        await has_in_hand(1)
        # Nothing was lost on the way from one to the other, nor came twice.
        found = [each.message.message_id for each in held]
        assert found == [f"id-{number}" for number in range(10, 18)]
        await held[-1].ack()


async def test_changing_how_many_are_taken_loses_none_and_repeats_none(place):
    """Large and small ones in turn: it changes again and again, in the middle of all."""
    count = 300
    async with (
        opened(place, "cert-aq") as member,
        opened(place, "gate") as gate,
        gate.consume(QUEUE, prefetch=4, most_bytes=8000) as messages,
    ):

        async def publish() -> None:
            for number in range(count):
                body = b"x" * (3000 if number % 12 == 0 else 10)
                await member.publish(INGRESS, message(number, body=body))

        async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as tasks:
            tasks.create_task(publish())
            found = []
            while len(found) < count:
                received = await anext(messages)
                found.append(received.message.message_id)
                if messages._subscription.inbox.empty():  # as a batch ends
                    await gate.ack_through(received)
    # Nearly in order: what the broker took back from a second reader comes next.
    assert sorted(found) == sorted(f"id-{number}" for number in range(count))
