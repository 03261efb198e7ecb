"""The embedded bus where it differs from RabbitMQ: its file, and its faults."""

import asyncio

import msgspec
import pytest

from broker.bus import Message
from broker.embedded import open_embedded
from broker.errors import BusUnavailableError, NotConfirmedError
from broker.topology import DEAD, DELIVERY_LIMIT, INGRESS, topology

PLACE = topology(issuers=["cert-aq"], adapters=[], members=[])
QUEUE = "tocsin.ingress.cert-aq"
SENT = Message(body=b"x", message_id="id-1", routing_key="cert-aq.incident.clear")


async def following(messages):
    async with asyncio.timeout(5):
        return await anext(messages)


async def bodies(broker, queue=QUEUE):
    found = []
    async with broker.login("operator").consume(queue) as messages:
        while True:
            try:
                async with asyncio.timeout(0.1):
                    received = await anext(messages)
            except TimeoutError:
                return found
            found.append(received.message.body)
            await received.ack()


def failing(operation: str, error: Exception, when: str, *, times: int = 1):
    """Return a fault for the first *times* of *operation*."""
    left = [times]

    def fault(name: str, _: Message):
        if name != operation or not left[0]:
            return None
        left[0] -= 1
        return error, when

    return fault


# The file


async def test_a_confirmed_message_is_there_when_the_file_is_opened_again(tmp_path):
    path = tmp_path / "bus.sqlite"
    async with open_embedded(path, PLACE) as broker:
        await broker.login("cert-aq").publish(INGRESS, SENT)
    async with (
        open_embedded(path, PLACE) as broker,
        broker.login("gate").consume(QUEUE) as messages,
    ):
        received = await following(messages)
        assert received.message == msgspec.structs.replace(SENT, user_id="cert-aq")
        assert received.redelivered is False


async def test_what_a_dead_process_held_is_redelivered_and_counted(tmp_path):
    path, copy = tmp_path / "bus.sqlite", tmp_path / "crash.sqlite"
    async with open_embedded(path, PLACE) as broker:
        await broker.login("cert-aq").publish(INGRESS, SENT)
        async with broker.login("gate").consume(QUEUE) as messages:
            await following(messages)
            snapshot(path, copy)
    async with (
        open_embedded(copy, PLACE) as broker,
        broker.login("gate").consume(QUEUE) as messages,
    ):
        received = await following(messages)
        assert received.redelivered is True
        assert received.message.headers == {"x-delivery-count": 1}


async def test_a_message_that_kills_the_process_each_time_is_a_dead_letter(tmp_path):
    path = tmp_path / "bus-0.sqlite"
    async with open_embedded(path, PLACE) as broker:
        await broker.login("cert-aq").publish(INGRESS, SENT)
    for life in range(1, DELIVERY_LIMIT + 2):
        after = tmp_path / f"bus-{life}.sqlite"
        async with (
            open_embedded(path, PLACE) as broker,
            broker.login("gate").consume(QUEUE) as messages,
        ):
            await following(messages)
            snapshot(path, after)
        path = after
    async with open_embedded(path, PLACE) as broker:
        assert await bodies(broker) == []
        assert await bodies(broker, DEAD) == [b"x"]


def snapshot(path, copy):
    """Copy what a crash at this moment would leave on disk."""
    for suffix in ("", "-wal"):
        source = path.with_name(path.name + suffix)
        copy.with_name(copy.name + suffix).write_bytes(source.read_bytes())


async def test_a_file_serves_one_process(tmp_path):
    async with open_embedded(tmp_path / "bus.sqlite", PLACE):
        with pytest.raises(BusUnavailableError):
            async with open_embedded(tmp_path / "bus.sqlite", PLACE):
                pass


async def test_a_file_that_is_no_bus_is_told(tmp_path):
    (tmp_path / "bus.sqlite").write_bytes(b"something else" * 100)
    with pytest.raises(BusUnavailableError):
        async with open_embedded(tmp_path / "bus.sqlite", PLACE):
            pass


async def test_a_message_for_a_queue_that_is_gone_waits_for_it(tmp_path):
    path = tmp_path / "bus.sqlite"
    async with open_embedded(path, PLACE) as broker:
        await broker.login("cert-aq").publish(INGRESS, SENT)
    async with open_embedded(path, topology([], [], [])):
        pass
    async with open_embedded(path, PLACE) as broker:
        assert await bodies(broker) == [b"x"]


# Faults on demand


async def test_a_publish_that_fails_before_it_took_effect_left_nothing():
    fault = failing("publish", BusUnavailableError("down"), "before")
    async with open_embedded(None, PLACE, fault=fault) as broker:
        member = broker.login("cert-aq")
        with pytest.raises(BusUnavailableError):
            await member.publish(INGRESS, SENT)
        assert await bodies(broker) == []
        await member.publish(INGRESS, SENT)
        assert await bodies(broker) == [b"x"]


async def test_a_publish_that_fails_after_it_took_effect_is_there_twice_repeated():
    fault = failing("publish", NotConfirmedError("late"), "after")
    async with open_embedded(None, PLACE, fault=fault) as broker:
        member = broker.login("cert-aq")
        with pytest.raises(NotConfirmedError):
            await member.publish(INGRESS, SENT)
        await member.publish(INGRESS, SENT)
        assert await bodies(broker) == [b"x", b"x"]


async def test_an_ack_that_was_lost_lets_the_message_come_back():
    fault = failing("ack", BusUnavailableError("down"), "before")
    async with open_embedded(None, PLACE, fault=fault) as broker:
        await broker.login("cert-aq").publish(INGRESS, SENT)
        async with broker.login("gate").consume(QUEUE) as messages:
            received = await following(messages)
            with pytest.raises(BusUnavailableError):
                await received.ack()
        assert await bodies(broker) == [b"x"]


async def test_an_ack_that_failed_after_it_took_effect_is_an_ack():
    fault = failing("ack", BusUnavailableError("down"), "after")
    async with open_embedded(None, PLACE, fault=fault) as broker:
        await broker.login("cert-aq").publish(INGRESS, SENT)
        async with broker.login("gate").consume(QUEUE) as messages:
            received = await following(messages)
            with pytest.raises(BusUnavailableError):
                await received.ack()
        assert await bodies(broker) == []


async def test_the_fault_sees_what_is_done_with_which_message():
    seen = []

    def fault(name: str, message: Message) -> None:
        seen.append((name, message.message_id))

    async with open_embedded(None, PLACE, fault=fault) as broker:
        await broker.login("cert-aq").publish(INGRESS, SENT)
        async with broker.login("gate").consume(QUEUE) as messages:
            await (await following(messages)).reject(requeue=True)
            await (await following(messages)).ack()
    assert seen == [("publish", "id-1"), ("reject", "id-1"), ("ack", "id-1")]


async def test_a_publish_without_time_is_unknown():
    async with open_embedded(None, PLACE) as broker:
        with pytest.raises(NotConfirmedError):
            await broker.login("cert-aq").publish(INGRESS, SENT, timeout_s=0)
