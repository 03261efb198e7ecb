"""Ask RabbitMQ what a login may do, so that nothing happens if it may. Edge.

RabbitMQ checks the right first and the rest after it, so each question is asked with
something wrong in the rest: a publish with a forged user id (406 where it may write,
403 where not), a consumer with a priority that is no number (the same for reading).
Measured on 3.10, 4.0 and 4.3; nothing is routed, and no message is taken from a queue. Only a queue
that may be declared is, exclusive, and gone with the connection.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal, NamedTuple

from aiormq.channel import Channel
from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelLockedResource,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
)
from pamqp.commands import Basic

from broker.errors import BusRefusedError, BusUnavailableError
from broker.rabbitmq_alarm import blocked, is_blocked
from broker.rabbitmq_link import Link, translated

Verdict = Literal["allowed", "refused", "missing"]
_NOBODY: Final = "tocsin-doctor"  # no login can have that name and be a member's
_TIMEOUT_S: Final = 10.0


class Waiting(NamedTuple):
    """A queue: how many messages wait in it, and how many readers it has."""

    messages: int
    readers: int


async def may_write(link: Link, exchange: str, key: str) -> Verdict:
    """Ask whether the login may publish under *key*.

    Raises:
        BusError: As `Link.channel`, or no answer.
    """

    async def publish(low: Channel) -> None:
        await low.basic_publish(
            b"",
            exchange=exchange,
            routing_key=key,
            mandatory=True,
            properties=Basic.Properties(user_id=_NOBODY),
            timeout=_TIMEOUT_S,
        )

    return await _ask(link, publish)


async def may_read(link: Link, queue: str) -> Verdict:
    """Ask whether the login may read from *queue*; as `may_write`."""

    async def consume(low: Channel) -> None:
        await low.basic_consume(
            queue, _take, arguments={"x-priority": "none"}, timeout=_TIMEOUT_S
        )

    return await _ask(link, consume)


async def may_declare(link: Link, queue: str) -> Verdict:
    """Ask whether the login may declare *queue*; as `may_write`."""

    async def declare(low: Channel) -> None:
        await low.queue_declare(
            queue, exclusive=True, auto_delete=True, timeout=_TIMEOUT_S
        )

    return await _ask(link, declare)


async def waiting_in(link: Link, queue: str) -> Waiting | None:
    """Count what waits in *queue*; None if there is none.

    Up to RabbitMQ 4.0 every login of the virtual host may ask.

    Raises:
        BusRefusedError: The broker does not tell this login (4.3).
        BusError: As `Link.channel`, or no answer.
    """
    _, low = await link.channel(confirms=False)
    lost = BusUnavailableError(f"lost {link.place}")
    try:
        with translated(lambda: low.is_closed, lost):
            try:
                found = await low.queue_declare(queue, passive=True, timeout=_TIMEOUT_S)
            except ChannelNotFoundEntity:
                return None
            await low.close()
    except BusRefusedError:
        raise BusRefusedError(f"{link.place} tells nothing of {queue}") from None
    except TimeoutError:
        raise BusUnavailableError(f"no answer from {link.place}") from None
    return Waiting(found.message_count or 0, found.consumer_count or 0)


async def _ask(link: Link, question: Callable[[Channel], Awaitable[Any]]) -> Verdict:
    _, low = await link.channel(confirms=True)
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await question(low)
    except ChannelAccessRefused:
        return "refused"
    except ChannelNotFoundEntity:
        return "missing"
    except (ChannelPreconditionFailed, ChannelLockedResource):
        return "allowed"
    except TimeoutError:
        if is_blocked(low.connection):
            raise blocked(link.place) from None
        raise BusUnavailableError(f"no answer from {link.place}") from None
    await low.close()
    return "allowed"


async def _take(_: object) -> None:
    """Take nothing: no consumer is ever made."""
