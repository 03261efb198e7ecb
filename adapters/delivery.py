"""One outbox row: a redacted record on its way to one sink of one member."""

import math
from enum import StrEnum
from typing import Literal, Protocol

import msgspec


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What a sink forwards.

    The outbox makes them: of records from what was stored of a `Redacted`, of
    heartbeats and notices of erasures from what the adapter words itself. A member that
    takes them from its queue gets them of `enveloping.decode`, and nothing of these is
    verified until `received.check` has.

    Attributes:
        delivery_id: Idempotency key, the same over all attempts; `[a-z0-9_-]`.
        number: Gapless per (member, sink), from 1.
        attempt: From 1.
        token_id: Of the issuer's token, the same for every redaction.
        evidence: The cut token, ASCII; of `evidence_type`.
        projection: The plain STIX bundle made from it, JSON.
        receipt: The adapter's JWS on the cuts, ASCII.
        missed: As in `NewDelivery`.
        supplement: As in `NewDelivery`.
        basis: As in `NewDelivery`.
        until: As in `NewDelivery`.
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
    missed: str = ""
    supplement: int = 0
    basis: str = ""
    until: float = math.inf

    @property
    def evidence_type(self) -> str:
        """Media type: with further signatures or sealed parts it is JSON (RFC 9901, 8)."""
        is_json = self.evidence.startswith(b"{")
        return "application/sd-jwt+json" if is_json else "application/sd-jwt"


class Sink(Protocol):
    """One destination of one member."""

    async def send(self, item: Delivery) -> None:
        """Return once the member's system has taken *item*.

        Sending the same `delivery_id` twice must have the effect of once.

        Raises:
            SinkUnavailableError: Try again later; it may have taken effect.
            SinkError: Refused for good.
        """


Resend = Literal["", "failed", "done"]
"""What goes again although it is stored: nothing; what failed; what was taken, too."""


class NewDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A redacted record for one sink of one member; the rest as in `Delivery`.

    Attributes:
        ver: RFC 3339, see `schemas.timestamps`.
        policy: Name and hash of the policy that it was redacted under.
        missed: Why the member would not get it but for an earlier version of the record
            that it has: its interests miss it or, of a retraction, it may not have
            the record any more. "" if it may and wants to. Such a row is stored only
            where there is an earlier version, and sent only where that was.
        scope: Audience that the ids in the projection derive for; see
            `adapters.scopes`.
        supplement: How many parts persons have agreed to show in it that were withheld
            at first: the same version with more of them is newer.
        not_before: Epoch seconds; it is handed out then at the earliest. 0: at once.
        resend: Of a version that is stored already and is the newest; under its id and
            number, with the bodies of this row.
        message: The record as it came (`adapters.kept_message`), to be decided on
            again; empty of what is no record.
        basis: What it was decided under (`adapters.basis`).
        until: Epoch seconds; from then on it has to be decided again in any case.
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
    not_before: float = 0
    missed: str = ""
    supplement: int = 0
    resend: Resend = ""
    message: bytes = b""
    basis: str = ""
    until: float = math.inf


class NotGiven(msgspec.Struct, frozen=True):
    """A delivery is not sent: by what holds now its member does not get it.

    Attributes:
        reason: Stable code.
    """

    reason: str


class NotYet(msgspec.Struct, frozen=True):
    """A delivery is not sent before *due_at*, epoch seconds."""

    due_at: float


class StoreOutcome(StrEnum):
    """What became of one row given to `store`."""

    STORED = "stored"
    WAITING = "waiting"  # until `not_before`; it has no number yet
    DUPLICATE = "duplicate"  # this version is known; nothing changed
    AGAIN = "again"  # this version is known, and is pending once more
    # Only counted: a newer version is known, or it takes back what was never sent.
    SUPERSEDED = "superseded"
    ERASED = "erased"  # its record was erased; nothing changed
    MISSED = "missed"  # not wanted, and no version of it is known; nothing changed


class KnownTokens(msgspec.Struct, frozen=True):
    """Tokens that the outbox knows of a member.

    Attributes:
        given: Sent, or to be sent, to one of its sinks.
        replaced: Never sent: a newer version came first, or nothing was to take back.
    """

    given: frozenset[str]
    replaced: frozenset[str]


class LaneBacklog(msgspec.Struct, frozen=True, kw_only=True):
    """What is not done of one lane.

    Attributes:
        pending: To be sent.
        waiting: Not due yet.
        failed: Given up, for somebody to look at.
        overdue: Corrections and retractions among these that its system should have
            taken by now.
        oldest_at: When the oldest of what is pending was stored, epoch seconds.
    """

    member: str
    sink: str
    pending: int
    waiting: int
    failed: int
    overdue: int = 0
    oldest_at: float | None
