"""What the house needs of a message bus. Implemented by `rabbitmq` and `embedded`."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from broker.errors import BusRefusedError

TOKEN_CONTENT_TYPE = "application/vnd.tocsin.record+sd-jwt"  # noqa: S105  a media type
# A record with several signatures or with sealed parts (RFC 9901, 8).
CARRIED_CONTENT_TYPE = "application/vnd.tocsin.record+sd-jwt+json"
JSON_CONTENT_TYPE = "application/json"

# RabbitMQ 4's own limit (`max_message_size`), and ours on a record; 3.10 would
# take 128 MiB. The same on every broker, so checked here.
MAX_BODY_BYTES = 16 << 20
# AMQP 0-9-1, 4.2.5.3: a short string. It holds the routing key and each id.
MAX_SHORT_BYTES = 255
# All headers travel in one frame of 128 KiB at most; a longer one would close
# the connection under everybody who publishes on it.
MAX_HEADERS_BYTES = 32 << 10


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message, as sent and as received. Always persistent.

    Attributes:
        body: Bytes as they travel (compressed if `content_encoding` says so).
        message_id: The idempotency key: the token id for records. At most
            255 bytes. Published twice at once, the second waits for the first.
        routing_key: At most 255 bytes, topic words separated by dots.
        content_encoding: "" or "zstd".
        user_id: The sender; the broker refuses one that is not the login.
            Left empty it is the login.
        headers: Short strings and integers only. Names with `x-` belong to the
            broker: publishing leaves them out. It adds `x-delivery-count` to
            what came back to its queue before (RabbitMQ 4 keeps it on a dead
            letter), and to dead letters
            `x-death-reason` (`rejected` or `delivery_limit`), `x-death-queue`,
            `x-death-exchange`, `x-death-routing-key` and `x-death-time` (epoch
            seconds).
    """

    body: bytes
    message_id: str
    routing_key: str
    content_type: str = TOKEN_CONTENT_TYPE
    content_encoding: str = ""
    user_id: str = ""
    headers: Mapping[str, str | int] = msgspec.field(default_factory=dict)


class Received(Protocol):
    """A message in our hands, not settled yet.

    Settle it exactly once: a second time is a RuntimeError.
    """

    @property
    def message(self) -> Message:
        """The message; `routing_key` is the one it was published with."""

    @property
    def redelivered(self) -> bool:
        """True if it may have been handed out before."""

    async def ack(self) -> None:
        """Take responsibility; the queue forgets it.

        After a lost connection this does nothing: it will be redelivered.
        """

    async def reject(self, *, requeue: bool) -> None:
        """Give it back, counted against the delivery limit, or dead-letter it.

        Past the limit (5) a requeued message goes to the dead letters too.
        """


class Bus(Protocol):
    """A connection under one login."""

    async def publish(
        self, exchange: str, message: Message, *, timeout_s: float = 10
    ) -> None:
        """Return once the broker has taken responsibility for *message*.

        Meant to be called many times at once: about 100 in flight are fastest.

        Raises:
            NotConfirmedError: No confirm in time, or a nack (NotTakenError: a queue
                is full); it may be queued, so repeat it with the same message id.
            UnroutableError: Returned; no queue took it.
            BusRefusedError: Forged user id, no permission, no such exchange,
                too large. It is not queued.
            BusUnavailableError: No connection, or the broker takes nothing
                at present (BlockedError: an alarm); nothing was sent.
        """

    def consume(
        self, queue: str, *, prefetch: int = 100, most_bytes: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[Received]]:
        """Receive from *queue*; at most *prefetch* (1 to 65535) unsettled at once.

        With *most_bytes*, for who settles as he goes, fewer while bodies are large:
        so many bytes at once or a single one, and for a moment *prefetch* of them
        when large ones come right behind small ones (`broker.prefetching`).

        Messages not settled when the context ends are redelivered, which
        counts against the delivery limit. A lost connection is opened again,
        however long that takes; unsettled messages come back as redelivered.

        Raises:
            BusRefusedError: No permission or no such queue, on entering, and
                while iterating when either has gone.
            BusUnavailableError: No connection, on entering only.
        """

    async def ack_through(self, received: Received) -> None:
        """Ack *received* and all its consumer handed out before it, at once.

        For a consumer that finishes in order: one frame instead of hundreds.
        What was settled already stays as it is.
        """


def check_limits(message: Message) -> None:
    """Refuse what no broker of ours would carry.

    Raises:
        BusRefusedError: An id or the routing key is longer than 255 bytes or
            the message id is empty, the headers exceed 32 KiB or hold a value
            that is neither a string nor a 64-bit integer, or the body exceeds
            16 MiB.
    """
    short = (message.message_id, message.routing_key, message.user_id)
    if not message.message_id or any(
        len(each.encode()) > MAX_SHORT_BYTES for each in (*short, *message.headers)
    ):
        raise BusRefusedError("an id or the routing key is empty or over 255 bytes")
    if len(message.body) > MAX_BODY_BYTES:
        raise BusRefusedError("the body is larger than 16 MiB")
    total = 0
    for name, value in message.headers.items():
        if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
            raise BusRefusedError("a header is not a 64-bit integer")
        total += len(name) + (len(value.encode()) if isinstance(value, str) else 8)
    if total > MAX_HEADERS_BYTES:
        raise BusRefusedError("the headers are larger than 32 KiB")
