"""What only RabbitMQ does to us: connections that are refused, hang or break."""

import asyncio
import re
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from urllib.parse import quote, urlsplit

import aio_pika
import msgspec
import pytest
from aio_pika.abc import AbstractChannel
from structlog.testing import capture_logs

from broker import rabbitmq_probing, rabbitmq_publishing
from broker.bus import Bus, Message
from broker.errors import (
    BlockedError,
    BlockedUnsureError,
    BusRefusedError,
    BusUnavailableError,
    ConfigError,
    NotConfirmedError,
)
from broker.rabbitmq import declare, open_rabbitmq
from broker.rabbitmq_link import Link
from broker.rabbitmq_publishing import NACKS_BEFORE_NEW_CHANNEL
from broker.topology import (
    DEAD,
    FEEDBACK,
    INGRESS,
    Binding,
    Exchange,
    Queue,
    Topology,
    definitions,
    matches,
    permissions,
    topology,
)
from tests.support.rabbitmq_api import RabbitMQ
from tests.support.tcp_proxy import Proxy, open_proxy

PLACE = topology(issuers=["cert-aq"], adapters=["civil"], members=["cert-bv"])
RIGHTS = permissions(PLACE)
PASSWORD = "hush-hush"
QUEUE = "tocsin.ingress.cert-aq"
KEY = "cert-aq.incident.clear"
WAIT_S = 60  # of a machine that is busy with other tests


def message(number: int, body: bytes = b"x" * 500, **more: object) -> Message:
    return Message(body=body, message_id=f"id-{number}", routing_key=KEY, **more)


@pytest.fixture
def place(vhost: RabbitMQ) -> RabbitMQ:
    passwords = {each.user: PASSWORD for each in RIGHTS.users}
    vhost.import_definitions(
        definitions(PLACE, RIGHTS, passwords=passwords, vhost=vhost.vhost)
    )
    return vhost


@asynccontextmanager
async def opened(
    place: RabbitMQ, user: str, *, port: int | None = None
) -> AsyncIterator[Bus]:
    url = urlsplit(place.url_for(user, PASSWORD))
    if port is not None:
        login = url.netloc.rpartition("@")[0]
        url = url._replace(netloc=f"{login}@127.0.0.1:{port}")
    async with open_rabbitmq(url.geturl(), user=user) as bus:
        yield bus


@asynccontextmanager
async def opened_by_administrator(vhost: RabbitMQ) -> AsyncIterator[Bus]:
    user = urlsplit(vhost.amqp_url).username
    async with open_rabbitmq(vhost.amqp_url, user=user) as bus:
        yield bus


@asynccontextmanager
async def proxied(place: RabbitMQ, user: str) -> AsyncIterator[tuple[Proxy, Bus]]:
    url = urlsplit(place.amqp_url)
    async with (
        open_proxy(url.hostname, url.port or 5672) as proxy,
        opened(place, user, port=proxy.port) as bus,
    ):
        yield proxy, bus


async def ids_in(place: RabbitMQ, count: int) -> list[str]:
    """Return the message ids in QUEUE, once it holds *count*; empties it."""
    found = []
    async with opened(place, "gate") as gate, gate.consume(QUEUE) as messages:
        async with asyncio.timeout(WAIT_S):
            while len(found) < count:
                received = await anext(messages)
                found.append(received.message.message_id)
                await received.ack()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await anext(messages)
    return found


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await holds():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.05)


async def connections_of(place: RabbitMQ, user: str, count: int = 1) -> list[dict]:
    """Return what the operator sees of *user*'s connections, once they are *count*."""
    path = f"/api/vhosts/{quote(place.vhost, safe='')}/connections"
    found = []

    async def enough() -> bool:
        every = await asyncio.to_thread(place.request, "GET", path)
        found[:] = [each for each in every if each.get("user") == user]
        return len(found) >= count

    await eventually(enough)
    return found


async def close_connections(place: RabbitMQ, user: str) -> None:
    for each in await connections_of(place, user):
        path = f"/api/connections/{quote(each['name'], safe='')}"
        await asyncio.to_thread(place.request, "DELETE", path)


# Connecting


async def test_no_broker_is_told_at_once_with_its_place_and_without_the_password():
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    url = f"amqp://u:{PASSWORD}@127.0.0.1:{port}/"
    with pytest.raises(BusUnavailableError, match=f"127.0.0.1:{port}") as caught:
        async with (
            asyncio.timeout(WAIT_S),
            open_rabbitmq(url, user="u", connect_timeout_s=2 * WAIT_S),
        ):
            pass
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


async def test_a_peer_that_never_answers_is_given_up_in_time():
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"amqp://u:{PASSWORD}@127.0.0.1:{port}/"
        with pytest.raises(BusUnavailableError, match=f"127.0.0.1:{port}"):
            async with (
                asyncio.timeout(WAIT_S),
                open_rabbitmq(url, user="u", connect_timeout_s=0.5),
            ):
                pass


async def test_a_peer_that_is_no_rabbitmq_is_told(rabbitmq):
    port = urlsplit(rabbitmq.http_url).port
    with pytest.raises((BusUnavailableError, BusRefusedError), match=f":{port}"):
        async with open_rabbitmq(
            f"amqp://u:p@127.0.0.1:{port}/", user="u", connect_timeout_s=1
        ):
            pass


async def test_a_connection_that_failed_leaves_nothing_to_the_collector(monkeypatch):
    closed: list[aio_pika.Connection] = []

    class Watched(aio_pika.Connection):
        async def close(self, *args: object) -> None:
            closed.append(self)
            await super().close(*args)

    monkeypatch.setattr(aio_pika, "Connection", Watched)
    async with await asyncio.start_server(lambda _, w: w.close(), "127.0.0.1") as peer:
        port = peer.sockets[0].getsockname()[1]
        with pytest.raises(BusUnavailableError):
            async with open_rabbitmq(f"amqp://u@127.0.0.1:{port}/", user="u"):
                pass
    assert closed
    assert all(each.is_closed for each in closed)


async def test_a_wrong_password_is_refused_without_naming_it(place):
    wrong = PASSWORD[::-1]
    with pytest.raises(BusRefusedError, match="login") as caught:
        async with open_rabbitmq(place.url_for("gate", wrong), user="gate"):
            pass
    assert wrong not in "".join(traceback.format_exception(caught.value))


async def test_a_virtual_host_without_permission_is_refused(place):
    url = urlsplit(place.url_for("gate", PASSWORD))._replace(path="/nowhere")
    with pytest.raises(BusRefusedError, match="virtual host"):
        async with open_rabbitmq(url.geturl(), user="gate"):
            pass


@pytest.mark.parametrize(
    "url", ["", "http://u:hush-hush@h/", "amqp:", "amqp://u:hush-hush@h:port/"]
)
async def test_what_is_no_amqp_address_is_a_configuration_error(url):
    with pytest.raises(ConfigError) as caught:
        async with open_rabbitmq(url, user="u"):
            pass
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


async def test_publishing_and_consuming_have_a_connection_each_with_a_name(place):
    async with opened(place, "gate") as gate, gate.consume(QUEUE):
        found = await connections_of(place, "gate", 2)
        names = {each["client_properties"]["connection_name"] for each in found}
        assert names == {"tocsin gate publishing", "tocsin gate consuming"}
        assert {each["timeout"] for each in found} == {10}


# Declaring


async def test_what_the_operator_declares_is_what_the_definitions_import(place):
    # Other arguments would be refused (406); equal ones are no change.
    await declare(place.url_for("operator", PASSWORD), PLACE)


async def test_declaring_creates_everything_under_the_operators_own_rights(vhost):
    operator = next(each for each in RIGHTS.users if each.user == "operator")
    vhost.create_user("operator", PASSWORD)
    vhost.grant("operator", operator.configure, operator.write, operator.read)
    await declare(vhost.url_for("operator", PASSWORD), PLACE)
    async with opened(vhost, "operator") as bus, bus.consume(QUEUE) as messages:
        await bus.publish(INGRESS, message(1))
        async with asyncio.timeout(WAIT_S):
            await (await anext(messages)).ack()


async def test_declaring_with_other_arguments_is_refused_and_says_which(place):
    queue = Queue(QUEUE, {"x-queue-type": "quorum", "x-max-length": 5})
    with pytest.raises(BusRefusedError, match=re.escape(QUEUE)):
        await declare(place.url_for("operator", PASSWORD), Topology((), (queue,), ()))


async def test_a_login_that_is_not_the_operator_declares_nothing(place):
    with pytest.raises(BusRefusedError):
        await declare(place.url_for("cert-aq", PASSWORD), PLACE)


async def test_our_topic_matching_is_the_brokers(vhost):
    patterns = [
        "",
        "#",
        "*",
        "a.*",
        "a.#",
        "#.b",
        "*.#.b",
        "#.*",
        "a..b",
        "a.*.b",
        "*.*",
        "#.a.#",
    ]
    keys = ["", "a", "b", "a.b", "a.b.c", "a..b", "a.a.b", ".", "b.a", "a.", ".b"]
    place = Topology(
        exchanges=(Exchange("e", "topic"),),
        queues=tuple(Queue(f"q{n}", {}) for n in range(len(patterns))),
        bindings=tuple(Binding("e", f"q{n}", each) for n, each in enumerate(patterns)),
    )
    await declare(vhost.amqp_url, place)
    async with opened_by_administrator(vhost) as bus:
        for number, key in enumerate(keys):
            sent = msgspec.structs.replace(message(number), routing_key=key)
            await bus.publish("e", sent)
        for number, pattern in enumerate(patterns):
            expected = [key for key in keys if matches(pattern, key)]
            async with bus.consume(f"q{number}") as messages:
                async with asyncio.timeout(WAIT_S):
                    found = [await anext(messages) for _ in expected]
                assert [each.message.routing_key for each in found] == expected
                for each in found:
                    await each.ack()


# Publishing through faults


async def test_the_publisher_connects_again_when_the_operator_closes_it(place):
    async with opened(place, "cert-aq") as member:
        await member.publish(INGRESS, message(1))
        await close_connections(place, "cert-aq")
        await eventually(partial(is_confirmed, member, INGRESS, message(2)))
    assert set(await ids_in(place, 2)) == {"id-1", "id-2"}


async def is_confirmed(bus: Bus, exchange: str, sent: Message) -> bool:
    return await outcome(bus, exchange, sent) is None


async def outcome(
    bus: Bus, exchange: str, sent: Message, timeout_s: float = WAIT_S
) -> type | None:
    try:
        await bus.publish(exchange, sent, timeout_s=timeout_s)
    except (BusUnavailableError, NotConfirmedError) as exc:
        return type(exc)
    return None


async def test_a_confirm_that_does_not_come_leaves_it_unknown_and_a_repeat_works(place):
    async with proxied(place, "cert-aq") as (proxy, member):
        await member.publish(INGRESS, message(1))
        proxy.answers.clear()
        with pytest.raises(NotConfirmedError):
            await member.publish(INGRESS, message(2), timeout_s=0.3)
        proxy.answers.set()
        await member.publish(INGRESS, message(2))
    assert await ids_in(place, 3) == ["id-1", "id-2", "id-2"]


async def test_a_cut_connection_leaves_all_in_flight_unknown_and_the_next_works(place):
    async with proxied(place, "cert-aq") as (proxy, member):
        await member.publish(INGRESS, message(0))
        proxy.answers.clear()
        async with asyncio.TaskGroup() as tasks:
            flying = [
                tasks.create_task(outcome(member, INGRESS, message(n)))
                for n in range(1, 51)
            ]
            await asyncio.sleep(0.3)
            proxy.cut()
        assert {each.result() for each in flying} == {NotConfirmedError}
        proxy.answers.set()
        await member.publish(INGRESS, message(51))
    found = await ids_in(place, 52)
    assert sorted(found) == sorted(f"id-{n}" for n in range(52))


async def test_a_cancelled_publish_frees_its_message_id(place):
    async with opened(place, "cert-aq") as member:
        for number in range(30):
            cancelled = asyncio.create_task(member.publish(INGRESS, message(number)))
            for _ in range(number % 6):
                await asyncio.sleep(0)
            cancelled.cancel()
            await member.publish(INGRESS, message(number), timeout_s=WAIT_S)
            await asyncio.wait([cancelled])


FULL = Topology(
    exchanges=(Exchange("e", "topic"),),
    queues=(Queue("q", {"x-max-length": 1, "x-overflow": "reject-publish"}),),
    bindings=(Binding("e", "q", "#"),),
)


async def test_a_channel_that_nacks_for_a_while_is_left_after_few(vhost, monkeypatch):
    monkeypatch.setattr(rabbitmq_publishing, "NACKED_S", 0)
    await declare(vhost.amqp_url, FULL)
    async with opened_by_administrator(vhost) as bus:
        await bus.publish("e", message(0))
        first = bus._publisher._lanes["shared"]
        with pytest.raises(NotConfirmedError):
            await bus.publish("e", message(1))
        with pytest.raises(NotConfirmedError):
            await bus.publish("e", message(1))
        assert bus._publisher._lanes["shared"] is not first


async def test_a_full_queue_says_not_confirmed_and_the_bus_recovers(vhost, monkeypatch):
    monkeypatch.setattr(rabbitmq_publishing, "NACKED_S", 600)
    await declare(vhost.amqp_url, FULL)
    async with opened_by_administrator(vhost) as bus:
        await bus.publish("e", message(0))
        first = bus._publisher._lanes["shared"]
        with capture_logs() as logs:
            for number in range(1, NACKS_BEFORE_NEW_CHANNEL + 1):
                assert bus._publisher._lanes["shared"] is first
                assert logs == []
                with pytest.raises(NotConfirmedError):
                    await bus.publish("e", message(number))
        assert [each["event"] for each in logs] == ["bus.channel_replaced"]
        async with bus.consume("q") as messages:
            await (await anext(messages)).ack()
            await eventually(partial(is_confirmed, bus, "e", message(99)))
        # A channel that only nacks may have been opened during an election.
        assert bus._publisher._lanes["shared"] is not first
        await eventually(partial(is_closed, first.channel))


async def is_closed(channel: AbstractChannel) -> bool:
    return channel.is_closed


async def test_impatient_publishers_do_not_cost_the_others_their_connection(
    place, caplog
):
    async with proxied(place, "cert-aq") as (proxy, member):
        for number in range(10):
            # Cancelled while it waits for a confirm: that channel is given up.
            proxy.answers.clear()
            assert await outcome(member, INGRESS, message(number), 0.05)
            # Cancelled while the next one opens.
            opening = [
                asyncio.create_task(
                    outcome(member, INGRESS, message(100 + n), 0.01 * n)
                )
                for n in range(5)
            ]
            await asyncio.wait(opening)
            proxy.answers.set()
            assert await outcome(member, INGRESS, message(number)) is None
    assert not [each for each in caplog.messages if "CHANNEL_ERROR" in each]


async def test_many_forgeries_neither_cost_the_connection_nor_anybody_elses_message(
    place, caplog
):
    # Frames written after the answer to Channel.Close would end the connection.
    forged = {n for n in range(400) if n % 37 == 5}
    async with opened(place, "cert-aq") as member:
        batch = [
            message(n, user_id="cert-zz") if n in forged else message(n)
            for n in range(400)
        ]
        outcomes = await asyncio.gather(
            *(member.publish(INGRESS, each, timeout_s=60) for each in batch),
            return_exceptions=True,
        )
    assert {n: type(each) for n, each in enumerate(outcomes) if each} == dict.fromkeys(
        forged, BusRefusedError
    )
    assert not [each for each in caplog.messages if "CHANNEL_ERROR" in each]
    # Repeated alone, some may have been queued already.
    async with opened(place, "gate") as gate, gate.consume(QUEUE) as messages:
        found = set()
        async with asyncio.timeout(WAIT_S):
            while len(found) < 400 - len(forged):
                received = await anext(messages)
                found.add(received.message.message_id)
                await received.ack()
    assert found == {f"id-{n}" for n in set(range(400)) - forged}


# Consuming through faults


async def test_a_consumer_survives_its_connection_and_gets_back_what_it_held(place):
    async with (
        opened(place, "cert-aq") as member,
        opened(place, "gate") as gate,
        gate.consume(QUEUE) as messages,
    ):
        await member.publish(INGRESS, message(1))
        async with asyncio.timeout(WAIT_S):
            held = await anext(messages)
            await close_connections(place, "gate")
            again = await anext(messages)
        assert again.message.message_id == held.message.message_id
        assert again.redelivered is True
        await held.ack()  # of the old connection: does nothing
        await again.ack()
        await member.publish(INGRESS, message(2))
        async with asyncio.timeout(WAIT_S):
            last = await anext(messages)
        assert last.message.message_id == "id-2"
        await last.ack()
    assert await ids_in(place, 0) == []


async def test_a_consumer_survives_a_cut_and_gets_everything_at_least_once(place):
    async with opened(place, "cert-aq") as member:
        for number in range(60):
            await member.publish(INGRESS, message(number))
    async with (
        proxied(place, "gate") as (proxy, gate),
        gate.consume(QUEUE, prefetch=7) as messages,
    ):
        found = set()
        async with asyncio.timeout(WAIT_S * 2):
            while len(found) < 60:
                received = await anext(messages)
                await received.ack()
                found.add(received.message.message_id)
                if len(found) in {20, 40}:
                    proxy.cut()


async def test_a_reader_that_only_looks_in_gets_its_connection_back_all_the_same(place):
    async with proxied(place, "gate") as (proxy, gate), gate.consume(QUEUE) as messages:
        proxy.cut()
        async with opened(place, "cert-aq") as member:
            await member.publish(INGRESS, message(1))

        async def looks_in() -> bool:
            try:
                async with asyncio.timeout(0.02):
                    await (await anext(messages)).ack()
            except TimeoutError:
                return False
            return True

        await eventually(looks_in)


async def test_a_queue_that_is_deleted_ends_its_consumer_with_a_refusal(place):
    async with opened(place, "gate") as gate, gate.consume(QUEUE) as messages:
        waiting = asyncio.create_task(anext(messages))
        await asyncio.sleep(0.1)
        path = f"/api/queues/{quote(place.vhost, safe='')}/{QUEUE}"
        await asyncio.to_thread(place.request, "DELETE", path)
        async with asyncio.timeout(WAIT_S):
            with pytest.raises(BusRefusedError):
                await waiting


# Senders with a client of their own


@asynccontextmanager
async def raw_exchange(place: RabbitMQ, user: str, name: str) -> AsyncIterator:
    async with await aio_pika.connect(place.url_for(user, PASSWORD)) as connection:
        channel = await connection.channel(on_return_raises=True)
        yield await channel.get_exchange(name, ensure=False)


async def test_a_sender_forges_no_account_of_a_death(place):
    death = {
        "reason": "expired",
        "queue": "q",
        "exchange": "tocsin.records",
        "routing-keys": ["cert-zz.incident.clear.aq.none.high"],
        "count": 1,
        "time": datetime(2026, 1, 1, tzinfo=UTC),
    }
    forged = {"x-death": [death], "x-death-reason": "none", "x-first-death-queue": "q"}
    async with raw_exchange(place, "cert-aq", INGRESS) as exchange:
        await exchange.publish(
            aio_pika.Message(b"x", headers=forged, message_id="1"), KEY
        )
    async with (
        opened(place, "gate") as gate,
        opened(place, "operator") as operator,
        gate.consume(QUEUE) as messages,
        operator.consume(DEAD) as dead,
        asyncio.timeout(WAIT_S),
    ):
        await (await anext(messages)).reject(requeue=False)
        received = await anext(dead)
        await received.ack()
    headers = dict(received.message.headers)
    headers.pop("x-delivery-count", None)  # RabbitMQ 4 keeps it
    assert headers.pop("x-death-time") > death["time"].timestamp()
    assert headers == {
        "x-death-reason": "rejected",
        "x-death-queue": QUEUE,
        "x-death-exchange": INGRESS,
        "x-death-routing-key": KEY,
    }


@pytest.mark.parametrize("forged", ["x", 1, [], ["x"], [{"reason": "expired"}]])
async def test_a_sender_ends_no_reader_by_an_account_of_a_death(place, forged):
    async with raw_exchange(place, "cert-aq", INGRESS) as exchange:
        sent = aio_pika.Message(b"x", headers={"x-death": forged}, message_id="1")
        await exchange.publish(sent, KEY)
    async with (
        opened(place, "gate") as gate,
        gate.consume(QUEUE) as messages,
        asyncio.timeout(WAIT_S),
    ):
        received = await anext(messages)
        assert received.message.headers == {}
        await received.ack()


async def test_a_copy_past_the_topic_permission_is_refused_or_names_its_sender(place):
    # RabbitMQ 3.10 checks no permission for the keys in CC, 4.3 does: a reader
    # compares its queue with the key and the user id.
    elsewhere = {"CC": ["platform-x.cert-aq.sighting"]}
    sent = aio_pika.Message(b"x", message_id="1", user_id="cert-bv", headers=elsewhere)
    async with raw_exchange(place, "cert-bv", FEEDBACK) as exchange:
        try:
            await exchange.publish(sent, "cert-bv.nobody.sighting")
        except aio_pika.exceptions.ChannelClosed:
            return
    async with (
        opened(place, "cert-aq") as member,
        member.consume("tocsin.feedback.cert-aq") as messages,
        asyncio.timeout(WAIT_S),
    ):
        received = await anext(messages)
        await received.ack()
    assert received.message.routing_key == "cert-bv.nobody.sighting"
    assert received.message.user_id == "cert-bv"


# Whole nodes, of their own


@pytest.mark.slow
async def test_in_an_alarm_nothing_is_written_that_may_be_delivered_later(
    own_node, monkeypatch
):
    # Less memory than an empty node has: the alarm is on from the start.
    config = "vm_memory_high_watermark.absolute = 1MB"
    with own_node(config=config) as node:
        await declare(node.amqp_url, PLACE)
        async with open_rabbitmq(node.amqp_url, user="guest") as bus:
            # Only by the first frame the broker sees that we publish.
            stuck = asyncio.create_task(outcome(bus, INGRESS, message(1), 2))
            await asyncio.sleep(1)
            assert await outcome(bus, INGRESS, message(2), 0.2) is BlockedError
            assert await stuck is BlockedUnsureError
            assert await outcome(bus, INGRESS, message(2), 0.2) is BlockedError
            # Consuming goes on: it has a connection of its own.
            async with bus.consume(QUEUE):
                pass
        # Who asks for rights publishes, too.
        monkeypatch.setattr("broker.rabbitmq_probing._TIMEOUT_S", 2)
        async with Link(node.amqp_url, name="asking", timeout_s=2) as link:
            assert await rabbitmq_probing.waiting_in(link, QUEUE) is not None
            with suppress(BlockedError):  # to the first there may be an answer
                await rabbitmq_probing.may_write(link, INGRESS, "cert-aq.x")
            with pytest.raises(BlockedError, match="alarm of memory or disk"):
                await rabbitmq_probing.may_write(link, INGRESS, "cert-aq.x")


@pytest.mark.slow
async def test_no_confirmed_message_is_lost_when_the_node_crashes(own_node):
    with own_node() as node:
        await declare(node.amqp_url, PLACE)
        await asyncio.sleep(2)  # see RabbitMQNode.crash
        async with open_rabbitmq(node.amqp_url, user="guest") as bus:
            confirmed, found = set(), set()

            async def has(found: set[str], count: int) -> bool:
                return len(found) >= count

            async def send(numbers: Iterator[int]) -> None:
                for number in numbers:
                    await eventually(
                        partial(is_confirmed, bus, INGRESS, message(number))
                    )
                    confirmed.add(f"id-{number}")

            numbers = iter(range(3000))
            async with asyncio.TaskGroup() as tasks, asyncio.timeout(90):
                for _ in range(50):
                    tasks.create_task(send(numbers))
                await eventually(partial(has, confirmed, 500))
                await asyncio.to_thread(node.crash)
                await asyncio.to_thread(node.start)
            async with bus.consume(QUEUE) as messages, asyncio.timeout(WAIT_S):
                while not confirmed <= found:
                    received = await anext(messages)
                    found.add(received.message.message_id)
                    await received.ack()
    assert len(confirmed) == 3000
