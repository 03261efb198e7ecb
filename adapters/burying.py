"""What an adapter refuses is put aside for the operator, and not lost. Edge."""

import asyncio
import random
from typing import Any

import structlog

from adapters.patience import pause
from adapters.pipeline import Refused
from broker import sdjwt, seen
from broker.backoff import delays
from broker.bus import Bus, Message
from broker.dead_letters import AT, KEY, REASON, WHERE, published_as
from broker.errors import (
    BusRefusedError,
    BusUnavailableError,
    ConfigError,
    NotConfirmedError,
    UnroutableError,
)
from broker.gate_rules import MAX_WHERE
from broker.replaying import kept_headers
from broker.topology import DEAD, adapter_queues

_log: Any = structlog.get_logger(__name__)


async def bury(dead: Message, bus: Bus, stop: asyncio.Event) -> None:
    """Try until the broker has *dead*.

    Raises:
        ConfigError: The login may not write to the dead letters.
        StoppedError: *stop* was set before.
    """
    failed = False
    for delay_s in delays(random.random):
        try:
            await bus.publish(DEAD, dead)
        except (UnroutableError, NotConfirmedError, BusUnavailableError) as error:
            _log.error(
                "record.not_buried",
                message=dead.message_id[:12],
                error=type(error).__name__,
                retry_s=round(delay_s, 1),
            )
        except BusRefusedError:
            raise ConfigError(
                f"the adapter's login may not write to {DEAD}; see tocsin broker apply"
            ) from None
        else:
            if failed:
                _log.info("record.buried")
            return
        failed = True
        await pause(delay_s, stop)


def dead_letter(
    message: Message, refused: Refused, adapter: str, *, now: float
) -> Message:
    """Put *message* aside for the operator, as it came, with the reason."""
    return Message(
        body=message.body,
        # Without an id the broker's client would not send it.
        message_id=message.message_id or sdjwt.digest(message.body),
        routing_key=f"dead.{adapter_queues(adapter)[0]}",
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        headers={
            # Put back into the queue, it needs the gate's stamp again.
            **{
                name: value
                for name in (seen.STAMP_HEADER, seen.HEAD_HEADER)
                if isinstance(value := message.headers.get(name), str)
                and len(value) <= seen.MAX_CHARS
            },
            **kept_headers(message),
            REASON: refused.reason,
            WHERE: refused.where[:MAX_WHERE],
            KEY: published_as(message).routing_key,
            AT: int(now),
        },
    )
