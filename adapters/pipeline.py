"""One delivery from token to outcome. READ THIS FIRST.

    stamp -> token -> Verified -> Redacted, once per view -> rows of the outbox

`decide` is pure; `take` stores what it decided in one transaction. The caller
acknowledges to the broker only after that, so a crash repeats work and loses none;
the outbox knows what it holds, so repeated work has no effect.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

import msgspec

from adapters.delivery import NewDelivery, StoreOutcome
from adapters.policy import Policy
from adapters.projection import Author
from adapters.pseudonyms import PseudonymKeys
from adapters.receipts import receipt
from adapters.redaction import NotGivenError, Redacted, redact
from adapters.view import View, view_of
from broker import sdjwt, seen
from broker.bus import Message
from broker.directory import Directory, Member
from broker.signing import RecordSigner
from broker.trust import verify
from broker.wire import unpack
from schemas import timestamps
from schemas.errors import RefusedError

# Of one transaction. The bytes are those that travel, compressed.
MAX_BODY_BYTES: Final = 1 << 20
MAX_DECIDING_S: Final = 2.0


class Subscriber(msgspec.Struct, frozen=True):
    """A member that this adapter serves, and its sinks by name."""

    member: Member
    sinks: tuple[str, ...]


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """All that a decision depends on, besides the message and the clock.

    Attributes:
        author: Without pseudonyms; `author_at` has them.
    """

    directory: Directory
    policy: Policy
    author: Author
    pseudonyms: PseudonymKeys
    signer: RecordSigner
    subscribers: tuple[Subscriber, ...]

    def author_at(self, first_seen: float) -> Author:
        """Give the author of what is made of a record, by its period."""
        pseudonyms = self.pseudonyms.at(first_seen)
        return msgspec.structs.replace(self.author, pseudonyms=pseudonyms)


class Refused(msgspec.Struct, frozen=True):
    """The message is no trustworthy record; it belongs to the dead letters.

    Attributes:
        reason: Stable code.
        where: JSON path, or "".
    """

    reason: str
    where: str


class Decided(msgspec.Struct, frozen=True):
    """Who gets what.

    Attributes:
        rows: One per sink of each member that may have it.
        not_given: Members that get nothing, by reason.
    """

    token_id: str
    issuer: str
    rows: tuple[NewDelivery, ...]
    not_given: Counter[str]


Outcome = Refused | Decided


class Store(Protocol):
    """The outbox, as far as the pipeline knows it."""

    async def store(self, rows: Sequence[NewDelivery]) -> tuple[StoreOutcome, ...]:
        """Store all rows in one transaction, or none.

        After an error they may be stored: storing again changes nothing.
        """


class Run(Protocol):
    """How a decision is made: `asyncio.to_thread`, or at once."""

    async def __call__(self, decision: Callable[[], Outcome], /) -> Outcome:
        """Call *decision* and give what it returns or raises."""


def decide(message: Message, context: Context, *, now: float) -> Outcome:
    """Decide what becomes of one message.

    Verifies once and redacts once per distinct view, however many members share
    it. What does not carry the gate's stamp is not even decompressed.
    """
    try:
        told = seen.verify_headers(message.headers, context.directory, now=now)
        token = unpack(message)
        first_seen = told.stamp.seen_of(sdjwt.token_id(token))
        verified = verify(token, context.directory, now=now, first_seen=first_seen)
    except RefusedError as error:
        return Refused(error.reason, error.where)
    author = context.author_at(first_seen)
    given: dict[View, tuple[Redacted, bytes] | str] = {}
    rows: list[NewDelivery] = []
    not_given: Counter[str] = Counter()
    for subscriber in context.subscribers:
        view = view_of(subscriber.member, verified.claims)
        if view not in given:
            try:
                redacted = redact(
                    verified,
                    view,
                    context.policy,
                    author=author,
                    now=timestamps.from_epoch(now),
                )
                signed = receipt(redacted, told, context.signer, now=int(now))
                given[view] = redacted, signed
            except NotGivenError as error:
                given[view] = error.reason
        found = given[view]
        if isinstance(found, str):
            not_given[found] += 1
        else:
            rows += [
                _row(subscriber.member.org, sink, *found) for sink in subscriber.sinks
            ]
    return Decided(verified.token_id, verified.issuer, tuple(rows), not_given)


def _row(member: str, sink: str, redacted: Redacted, signed: bytes) -> NewDelivery:
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
        evidence=redacted.evidence,
        projection=redacted.projection,
        receipt=signed,
        policy=f"{redacted.policy}/{redacted.view.audience}",
    )


async def take(
    messages: Sequence[Message],
    context: Context,
    store: Store,
    *,
    now: float,
    run: Run,
    monotonic: Callable[[], float],
) -> list[Outcome]:
    """Decide the first of a batch and store their deliveries in one transaction.

    Ends after the message that reaches `MAX_BODY_BYTES` or `MAX_DECIDING_S`, so at
    least one is taken: the broker waits for an acknowledgement all that time.

    Args:
        run: Decides elsewhere, so that deciding holds up nobody else.
        monotonic: Seconds of a clock that is never set.

    Returns:
        One outcome per message taken, in order. The caller dead-letters the
        refused ones, acknowledges those taken, and gives the rest again.
    """
    outcomes: list[Outcome] = []
    began, size = monotonic(), 0
    for message in messages:
        outcomes.append(await run(partial(decide, message, context, now=now)))
        size += len(message.body)
        if size >= MAX_BODY_BYTES or monotonic() - began >= MAX_DECIDING_S:
            break
    rows = [row for o in outcomes if isinstance(o, Decided) for row in o.rows]
    if rows:
        await store.store(rows)
    return outcomes
