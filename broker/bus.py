"""What the house needs of a message bus. Implemented by `rabbitmq` and `embedded`."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

TOKEN_CONTENT_TYPE = "application/vnd.tocsin.record+sd-jwt"  # noqa: S105  a media type
JSON_CONTENT_TYPE = "application/json"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message, as sent and as received. Always persistent.

    Attributes:
        body: Bytes as they travel (compressed if `content_encoding` says so).
        message_id: The idempotency key: the token id for records. At most
            255 bytes. Never twice in flight on one channel.
        routing_key: At most 255 bytes, topic words separated by dots.
        content_encoding: "" or "zstd".
        user_id: The sender; the broker refuses one that is not the login.
        headers: Short strings and integers only.
    """

    body: bytes
    message_id: str
    routing_key: str
    content_type: str = TOKEN_CONTENT_TYPE
    content_encoding: str = ""
    user_id: str = ""
    headers: Mapping[str, str | int] = msgspec.field(default_factory=dict)


class Received(Protocol):
    """A message in our hands, not settled yet. Settle it exactly once."""

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

        Raises:
            NotConfirmedError: No confirm in time, or a nack; it may be
                queued, so repeat it with the same message id.
            UnroutableError: Returned; no queue took it.
            BusRefusedError: Forged user id, no permission, too large.
            BusUnavailableError: No connection.
        """

    def consume(
        self, queue: str, *, prefetch: int = 100
    ) -> AbstractAsyncContextManager[AsyncIterator[Received]]:
        """Receive from *queue*; at most *prefetch* unsettled at once.

        Messages not settled when the context ends are redelivered.
        """
