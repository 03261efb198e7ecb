"""The bus on RabbitMQ, through aio-pika.

The traps that were measured are named where they are met: connections in
`rabbitmq_link`, confirms in `rabbitmq_publishing`, settling in
`rabbitmq_consuming`.
"""

import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from broker.bus import Bus, Message, Received
from broker.errors import BusUnavailableError
from broker.rabbitmq_consuming import Consumer, Delivery
from broker.rabbitmq_link import Link, translated
from broker.rabbitmq_publishing import Publisher
from broker.topology import Topology

CONNECT_S = 10


@asynccontextmanager
async def open_rabbitmq(
    url: str,
    *others: str,
    user: str,
    tls: ssl.SSLContext | None = None,
    connect_timeout_s: float = CONNECT_S,
) -> AsyncIterator[Bus]:
    """Connect to *url* as *user*, its login (with a certificate: its name).

    Args:
        others: More nodes of the same cluster. Each process starts at another one,
            and goes on to the next when one does not answer or is lost.
        tls: For amqps; without it the system's authorities are trusted.

    Raises:
        BusUnavailableError: No broker answers within *connect_timeout_s*.
        BusRefusedError: Wrong login or certificate, or no right to the virtual host.
        ConfigError: An address is none of AMQP.
    """
    urls = (url, *others)
    first = secrets.randbelow(len(urls))  # so that not all are on one node

    def link(does: str) -> Link:
        name = f"tocsin {user} {does}"
        return Link(
            *urls[first:],
            *urls[:first],
            name=name,
            timeout_s=connect_timeout_s,
            tls=tls,
        )

    # RabbitMQ stops a connection that publishes during an alarm; consuming,
    # which ends the alarm, must go on.
    async with link("publishing") as forth, link("consuming") as back:
        await forth.connection()
        async with aclosing(Publisher(forth, user)) as publisher:
            yield RabbitBus(publisher, back)


class RabbitBus:
    """`broker.bus.Bus` on RabbitMQ; made by `open_rabbitmq`."""

    def __init__(self, publisher: Publisher, link: Link) -> None:
        self._publisher = publisher
        self._link = link

    async def publish(
        self, exchange: str, message: Message, *, timeout_s: float = 10
    ) -> None:
        """See `broker.bus.Bus.publish`."""
        await self._publisher.publish(exchange, message, timeout_s)

    @asynccontextmanager
    async def consume(
        self, queue: str, *, prefetch: int = 100, most_bytes: int | None = None
    ) -> AsyncIterator[AsyncIterator[Received]]:
        """See `broker.bus.Bus.consume`."""
        async with Consumer(self._link, queue, prefetch, most_bytes) as messages:
            yield messages

    async def ack_through(self, received: Received) -> None:
        """See `broker.bus.Bus.ack_through`."""
        if not isinstance(received, Delivery):
            raise TypeError("not received from RabbitMQ")
        await received.ack_through()


async def declare(url: str, topology: Topology, *, timeout_s: float = 10) -> None:
    """Declare what *topology* names and is not there yet; it deletes nothing.

    *timeout_s* holds for connecting, and for each declaration.

    Raises:
        BusRefusedError: Something exists with other arguments, or the login
            may not configure it.
        BusUnavailableError: No connection, or no answer in time.
        ConfigError: *url* is no AMQP address.
    """
    async with Link(url, name="tocsin declare", timeout_s=timeout_s) as link:
        _, low = await link.channel(confirms=False)
        lost = BusUnavailableError(f"lost {link.place}")
        try:
            with translated(lambda: low.is_closed, lost):
                for exchange in topology.exchanges:
                    await low.exchange_declare(
                        exchange.name,
                        exchange_type=exchange.type,
                        durable=True,
                        arguments=dict(exchange.arguments),
                        timeout=timeout_s,
                    )
                for queue in topology.queues:
                    await low.queue_declare(
                        queue.name,
                        durable=True,
                        arguments=dict(queue.arguments),
                        timeout=timeout_s,
                    )
                for each in topology.bindings:
                    await low.queue_bind(
                        each.queue, each.exchange, each.key, timeout=timeout_s
                    )
        except TimeoutError as exc:
            raise BusUnavailableError(f"no answer from {link.place}") from exc
