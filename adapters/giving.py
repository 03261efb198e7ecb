"""What views get of one record, each cut once, and the rows that deliver it. Pure."""

from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from adapters.basis import ends
from adapters.context import Context
from adapters.cuts import Part
from adapters.delivery import NewDelivery, Resend
from adapters.reading import Reading
from adapters.receipts import receipt
from adapters.redaction import NotGivenError, Redacted, redact, take_back
from adapters.reviewing import Waiting, waiting_in
from adapters.view import View
from broker import carried, seen
from broker.trust import Verified
from schemas import timestamps


class Given(NamedTuple):
    """What a view gets.

    Attributes:
        until: When that ends by itself, epoch seconds.
    """

    redacted: Redacted
    receipt: bytes
    until: float


class Cutting:
    """What views get of one record, each cut once.

    Attributes:
        waiting: Parts that wait for persons to agree.
    """

    def __init__(
        self,
        verified: Verified,
        told: seen.Seen,
        context: Context,
        *,
        approved: frozenset[Part],
        first_seen: float,
        now: float,
    ) -> None:
        self._verified, self._told, self._context = verified, told, context
        self._approved, self._now = approved, now
        self._author = context.author_at(first_seen)
        self._reading = Reading(verified)
        self._found: dict[tuple[View, str, bool], Given | str] = {}
        self.waiting: list[Waiting] = []

    def of(self, view: View, scope: str, not_before: float) -> Given | str:
        """Give what a view gets, with its receipt; or the reason why nothing."""

        def cut() -> Redacted:
            found = redact(
                self._verified,
                view,
                self._context.policy,
                author=self._author,
                now=timestamps.from_epoch(
                    _cut_at(self._verified, self._now, not_before)
                ),
                scope=scope,
                approved=self._approved,
                recogniser=self._context.recogniser,
                reading=self._reading,
            )
            self.waiting += waiting_in(found, self._context.policy, now=self._now)
            return found

        return self._once((view, scope, False), cut)

    def taken_back(self, view: View, scope: str) -> Given | str:
        """Give what whoever had the record gets of its retraction in any case."""
        return self._once(
            (view, scope, True),
            lambda: take_back(
                self._reading,
                view,
                self._context.policy,
                author=self._author,
                now=timestamps.from_epoch(self._now),
                scope=scope,
            ),
        )

    def _once(
        self, key: tuple[View, str, bool], cut: Callable[[], Redacted]
    ) -> Given | str:
        if key not in self._found:
            try:
                redacted = cut()
                signed = receipt(
                    redacted, self._told, self._context.signer, now=int(self._now)
                )
                until = ends(self._reading, key[0], self._context.policy, self._now)
                self._found[key] = Given(redacted, signed, until)
            except NotGivenError as error:
                self._found[key] = error.reason
        return self._found[key]


def _cut_at(verified: Verified, now: float, not_before: float) -> float:
    """Say for which moment a record is cut: when it may go, if it has to wait.

    Terms that end by then must hold. Retractions never wait (`adapters.numbering`).
    """
    return now if verified.claims.kind == "retraction" else max(now, not_before)


def row_of(
    member: str,
    sink: str,
    given: Given,
    *,
    scope: str,
    not_before: float,
    missed: str,
    supplement: int,
    sealed: tuple[bytes, ...],
    resend: Resend,
    message: bytes,
    basis: str,
) -> NewDelivery:
    """Make a row; *sealed*: the parts of the record that are for this member."""
    redacted = given.redacted
    verified = redacted.verified
    return NewDelivery(
        member=member,
        sink=sink,
        issuer=verified.issuer,
        sub=verified.claims.sub,
        ver=verified.claims.ver,
        kind=verified.claims.kind,
        tlp=verified.claims.tlp,
        token_id=verified.token_id,
        evidence=_with(sealed, redacted.evidence),
        projection=redacted.projection,
        receipt=given.receipt,
        policy=f"{redacted.policy}/{redacted.view.audience}",
        scope=scope,
        not_before=not_before,
        missed=missed,
        supplement=supplement,
        resend=resend,
        message=message,
        basis=basis,
        until=given.until,
    )


def _with(sealed: tuple[bytes, ...], evidence: bytes) -> bytes:
    """Put parts for one member behind what all of its view get."""
    if not sealed:
        return evidence
    return carried.encode(replace(carried.decode(evidence), sealed=sealed))
