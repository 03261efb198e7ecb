"""A member's own queue on the hub's RabbitMQ, from which it alone may read.

One message per delivery: its id is the delivery's, so the same over all attempts, and
its body the JSON object that webhooks get (`adapters.enveloping`).
"""

from typing import Any, Final

import structlog

from adapters.delivery import Delivery
from adapters.enveloping import CONTENT_TYPE, NUMBER, encode
from adapters.errors import SinkError, SinkUnavailableError
from broker.bus import MAX_BODY_BYTES, Bus, Message
from broker.errors import (
    BusRefusedError,
    BusUnavailableError,
    NotConfirmedError,
    UnroutableError,
)
from broker.topology import OUT

_log: Any = structlog.get_logger(__name__)
_APPLY: Final = "tocsin broker apply"


class AmqpSink:
    """Publishes deliveries for one member, on the adapter's own connection."""

    def __init__(self, bus: Bus, org: str) -> None:
        self._bus, self._org = bus, org

    async def send(self, item: Delivery) -> None:
        """Return once the queue has *item*, on the disks of most of its nodes.

        It may have it twice then, under one message id.

        Raises:
            SinkUnavailableError: `sink-not-confirmed` (the queue is full, or no
                answer; it may have taken effect), `sink-connection`; `sink-no-queue`,
                `sink-not-permitted`, which are alarms of the operator's.
            SinkError: `sink-too-large`: more than RabbitMQ takes, 16 MiB.
        """
        message = Message(
            body=encode(item),
            message_id=item.delivery_id,
            routing_key=self._org,
            content_type=CONTENT_TYPE,
            headers={NUMBER: item.number},
        )
        if len(message.body) > MAX_BODY_BYTES:
            raise SinkError("sink-too-large")
        try:
            await self._bus.publish(OUT, message)
        except NotConfirmedError as exc:
            raise SinkUnavailableError("sink-not-confirmed") from exc
        except BusUnavailableError as exc:
            raise SinkUnavailableError("sink-connection") from exc
        except UnroutableError as exc:
            _log.error("sink.no_queue", member=self._org, type=_APPLY)
            raise SinkUnavailableError("sink-no-queue") from exc
        except BusRefusedError as exc:
            _log.error("sink.not_permitted", member=self._org, type=_APPLY)
            raise SinkUnavailableError("sink-not-permitted") from exc
