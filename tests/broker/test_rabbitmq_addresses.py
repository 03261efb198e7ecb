"""Several addresses of one RabbitMQ: which is tried when."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest
from aio_pika.abc import AbstractConnection
from structlog.testing import capture_logs

from broker.bus import Message
from broker.errors import BusError, BusRefusedError, BusUnavailableError
from broker.rabbitmq import declare, open_rabbitmq
from broker.rabbitmq_link import Link
from broker.topology import Binding, Exchange, Queue, Topology
from tests.support.rabbitmq_api import RabbitMQ
from tests.support.tcp_proxy import Proxy, open_proxy

PLACE = Topology(
    exchanges=(Exchange("e", "topic"),),
    queues=(Queue("q", {"x-queue-type": "quorum"}),),
    bindings=(Binding("e", "q", "#"),),
)
WAIT_S = 60


def at(url: str, port: int) -> str:
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    return parts._replace(netloc=f"{login}@127.0.0.1:{port}").geturl()


@asynccontextmanager
async def proxied(vhost: RabbitMQ) -> AsyncIterator[Proxy]:
    place = urlsplit(vhost.amqp_url)
    async with open_proxy(place.hostname, place.port or 5672) as proxy:
        yield proxy


@pytest.fixture
def nobody() -> int:
    """A port where nothing listens while the test runs."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """A port that takes connections and never says a word."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def link(*urls: str, timeout_s: float = 10) -> Link:
    return Link(*urls, name="test", timeout_s=timeout_s)


async def another(lent: Link, before: AbstractConnection) -> AbstractConnection:
    """Return the connection that follows, once it is noticed that it ended."""
    async with asyncio.timeout(WAIT_S):
        while (found := await lent.connection()) is before:  # noqa: ASYNC110 - by its reader
            await asyncio.sleep(0.01)
        return found


async def test_the_next_address_is_taken_where_one_does_not_answer(vhost, nobody):
    url = vhost.amqp_url
    async with silent() as mute, proxied(vhost) as proxy:
        urls = (at(url, nobody), at(url, mute), at(url, proxy.port))
        async with link(*urls, timeout_s=3) as lent:
            with capture_logs() as logged:
                await lent.connection()
            told = [each["reason"] for each in logged]
            assert [str(nobody) in told[0], str(mute) in told[1]] == [True, True]
            assert lent.place == f"127.0.0.1:{proxy.port}"


async def test_a_lost_connection_is_opened_at_the_next_address(vhost):
    async with proxied(vhost) as one, proxied(vhost) as other:
        urls = (at(vhost.amqp_url, one.port), at(vhost.amqp_url, other.port))
        async with link(*urls) as lent:
            before = await lent.connection()
            one.cut()
            after = await another(lent, before)
            assert lent.place == f"127.0.0.1:{other.port}"
            other.cut()
            await another(lent, after)
            assert lent.place == f"127.0.0.1:{one.port}"


async def test_where_none_answers_each_is_named(nobody):
    async with silent() as mute:
        urls = (f"amqp://u:hush@127.0.0.1:{nobody}/", f"amqp://127.0.0.1:{mute}/")
        async with link(*urls, timeout_s=1) as lent:
            with pytest.raises(BusUnavailableError) as caught:
                await lent.connection()
    said = str(caught.value)
    assert f"no broker at 127.0.0.1:{nobody}" in said
    assert f"no answer from 127.0.0.1:{mute}" in said
    assert "hush" not in said


async def test_a_login_is_refused_only_where_every_address_refuses_it(vhost, nobody):
    wrong = vhost.url_for("nobody", "hush")
    async with proxied(vhost) as one, proxied(vhost) as other:
        refusing = (at(wrong, one.port), at(wrong, other.port))
        async with link(*refusing) as lent:
            with pytest.raises(BusRefusedError, match=f"{one.port}.*{other.port}"):
                await lent.connection()
        async with link(at(wrong, one.port), at(wrong, nobody)) as lent:
            with pytest.raises(BusUnavailableError, match="refuses the login"):
                await lent.connection()


async def test_publishing_and_consuming_go_on_at_another_address(vhost):
    await declare(vhost.amqp_url, PLACE)
    user = urlsplit(vhost.amqp_url).username
    async with proxied(vhost) as one, proxied(vhost) as other:
        urls = [at(vhost.amqp_url, each.port) for each in (one, other)]
        async with (
            open_rabbitmq(*urls, user=user) as bus,
            bus.consume("q") as messages,
            asyncio.timeout(WAIT_S),
        ):
            for number in range(6):
                sent = Message(body=b"x", message_id=f"id-{number}", routing_key="k")
                await confirmed(bus, sent)
                found = ""
                while found != sent.message_id:  # others came twice
                    received = await anext(messages)
                    found = received.message.message_id
                    await received.ack()
                (one, other)[number % 2].cut()


async def confirmed(bus, message: Message) -> None:
    while True:
        with suppress(BusError):
            await bus.publish("e", message)
            return
        await asyncio.sleep(0.05)


async def test_whoever_is_cancelled_while_it_connects_ends_as_cancelled():
    # aiormq makes an error of its own of it at some moments: who logs those and looks
    # again would never end.
    for steps in range(20):
        async with Link(
            "amqp://guest:guest@127.0.0.1:1/", name="test", timeout_s=5
        ) as link:
            connecting = asyncio.create_task(link.connection())
            for _ in range(steps):
                await asyncio.sleep(0)
            asked = connecting.cancel()
            await asyncio.wait({connecting})
            assert connecting.cancelled() == asked
            if not asked:
                assert isinstance(connecting.exception(), BusUnavailableError)
