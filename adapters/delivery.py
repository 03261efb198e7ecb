"""One outbox row: a redacted record on its way to one sink of one member."""

from enum import StrEnum
from typing import Protocol

import msgspec


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What a sink forwards. Built only by the outbox, from a stored `Redacted`.

    Attributes:
        delivery_id: Idempotency key, the same over all attempts; `[a-z0-9_-]`.
        number: Gapless per (member, sink), from 1.
        attempt: From 1.
        token_id: Of the issuer's token, the same for every redaction.
        evidence: The cut token, ASCII, `application/sd-jwt`.
        projection: The plain STIX bundle made from it, JSON.
        receipt: The adapter's JWS on the cuts, ASCII.
    """

    delivery_id: str
    member: str
    sink: str
    number: int
    attempt: int
    token_id: str
    issuer: str
    sub: str
    ver: str
    kind: str
    tlp: str
    evidence: bytes
    projection: bytes
    receipt: bytes


class Sink(Protocol):
    """One destination of one member."""

    async def send(self, item: Delivery) -> None:
        """Return once the member's system has taken *item*.

        Sending the same `delivery_id` twice must have the effect of once.

        Raises:
            SinkUnavailableError: Try again later; it may have taken effect.
            SinkError: Refused for good.
        """


class NewDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A redacted record for one sink of one member; the rest as in `Delivery`.

    Attributes:
        ver: RFC 3339, see `schemas.timestamps`.
        policy: Name and hash of the policy that it was redacted under.
        scope: Audience that the ids in the projection derive for; see
            `adapters.scopes`.
    """

    member: str
    sink: str
    issuer: str
    sub: str
    ver: str
    kind: str
    tlp: str
    token_id: str
    evidence: bytes
    projection: bytes
    receipt: bytes
    policy: str
    scope: str


class StoreOutcome(StrEnum):
    """What became of one row given to `store`."""

    STORED = "stored"
    DUPLICATE = "duplicate"  # this version is known; nothing changed
    SUPERSEDED = "superseded"  # a newer version is known; only counted
