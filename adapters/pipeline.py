"""One delivery from token to outcome. READ THIS FIRST.

    stamp -> token -> Verified -> Redacted, once per view -> rows of the outbox

`decide` is pure; `take` stores what it decided in one transaction. The caller
acknowledges to the broker only after that, so a crash repeats work and loses none;
the outbox knows what it holds, so repeated work has no effect.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Final, Protocol

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from adapters.context import Context, Subscriber
from adapters.cuts import Part
from adapters.delivery import NewDelivery, Resend, StoreOutcome
from adapters.giving import Cutting, row_of
from adapters.interests import misses
from adapters.kept_message import keep
from adapters.policy import Policy
from adapters.reviewing import Agreed, Newer, Waiting, view_digest
from adapters.scopes import Scopes, about
from adapters.view import kept_from, view_of
from broker import seal, seen
from broker.bus import Message
from broker.directory import Directory
from broker.replaying import Replay, replay_of
from broker.trust import Verified, verify
from broker.wire import unpack
from schemas.errors import RefusedError

__all__ = [
    "Context",
    "Decided",
    "Outcome",
    "Refused",
    "Run",
    "Store",
    "Subscriber",
    "decide",
    "refusal",
    "take",
]

# Of one transaction. The bytes are those that travel, compressed.
MAX_BODY_BYTES: Final = 1 << 20
MAX_DECIDING_S: Final = 2.0
_NO_SCOPES: Final = Scopes()


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
        rows: One per sink of each member that may have it. Those that say `missed` are
            for the store to decide: of members whose interests miss it, and of a
            retraction those that may not have it any more.
        not_given: Members that get nothing, by reason.
        about: Ids of other records that it names.
        waiting: Parts that wait for persons to agree.
        version: Of the record; older ones wait for nothing any more.
        lines: On how many lines heartbeats list it (`broker.heartbeats`).
    """

    token_id: str
    issuer: str
    rows: tuple[NewDelivery, ...]
    not_given: Counter[str]
    about: tuple[str, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    version: Newer | None = None
    lines: int = 1


Outcome = Refused | Decided


class Store(Protocol):
    """The outbox, as far as the pipeline knows it."""

    async def scopes(self, subs: Collection[str]) -> Scopes:
        """Say under which audience members first received what has these `sub`s."""

    async def store(self, rows: Sequence[NewDelivery]) -> tuple[StoreOutcome, ...]:
        """Store all rows in one transaction, or none.

        After an error they may be stored: storing again changes nothing.
        """


class Run(Protocol):
    """How a decision is made: `asyncio.to_thread`, or at once."""

    async def __call__(self, decision: Callable[[], Outcome], /) -> Outcome:
        """Call *decision* and give what it returns or raises."""


def decide(
    message: Message,
    context: Context,
    *,
    now: float,
    scopes: Scopes = _NO_SCOPES,
    agreed: Agreed | None = None,
) -> Outcome:
    """Decide what becomes of one message.

    Verifies once and redacts once per distinct view and scope, however many members
    share them. What does not carry the gate's stamp is not even decompressed.

    Args:
        scopes: What members have of this record. Who has nothing gets the ids of its
            audience.
        agreed: Decide again for this view alone, with what persons agreed to show.
    """
    try:
        told, first_seen, verified = _opened(message, context.directory, now)
        parts = seal.check(verified.sealed, verified.claims.sealed or ())
    except RefusedError as error:
        return Refused(error.reason, error.where)
    claims, issuer = verified.claims, verified.issuer
    takes_back = claims.kind == "retraction"
    mentioned = about(verified)
    approved = _approved(agreed, context.policy)
    as_it_came, trust = keep(message), context.trust_at(now)
    cutting = Cutting(
        verified, told, context, approved=approved, first_seen=first_seen, now=now
    )
    rows: list[NewDelivery] = []
    not_given: Counter[str] = Counter()
    replay = replay_of(message)
    for subscriber in _meant(context.subscribers, replay, not_given):
        member = subscriber.member
        out = kept_from(member, claims)
        missed = out or _away(member.org, context.directory, now)
        if missed and not takes_back:
            not_given[missed] += 1
            continue
        view = view_of(member, claims)
        if agreed is not None and view_digest(view) != agreed.view:
            continue
        named = view.addressed or view.concerned
        missed = missed or misses(subscriber.interests, claims, named=named) or ""
        if missed and claims.sup is UNSET and not takes_back:
            not_given[missed] += 1
            continue  # before any work: nobody else may need this view
        scope = scopes.of(
            member.org, issuer, claims.sub, mentioned, otherwise=view.audience
        )
        delay_s = context.policy.delay_s(view.audience)
        not_before = first_seen + delay_s if delay_s else 0
        found = out or cutting.of(view, scope, not_before)
        if isinstance(found, str) and takes_back:
            missed = found  # who has it must know all the same
            found = cutting.taken_back(view, scope)
        if isinstance(found, str):
            not_given[found] += 1
            continue
        own_parts = (
            () if found.redacted.is_taken_back else seal.only_for(parts, member.org)
        )
        basis = str(context.basis_of(subscriber, trust))
        rows += [
            row_of(
                member.org,
                sink,
                found,
                scope=scope,
                not_before=not_before,
                missed=missed,
                supplement=len(approved),
                sealed=own_parts,
                message=as_it_came,
                basis=basis,
                resend=_resend(replay),
            )
            for sink in subscriber.sinks
        ]
    return Decided(
        verified.token_id,
        issuer,
        tuple(rows),
        not_given,
        mentioned,
        tuple(cutting.waiting),
        Newer(issuer, claims.sub, claims.ver),
        len(set(claims.aud)),
    )


def _meant(
    subscribers: tuple[Subscriber, ...], replay: Replay | None, not_given: Counter[str]
) -> tuple[Subscriber, ...]:
    """Give those that a message is for: all, or the one that it is replayed for."""
    if replay is None:
        return subscribers
    found = tuple(each for each in subscribers if each.member.org == replay.member)
    if not found:
        not_given["not-served"] += 1
    return found


def _resend(replay: Replay | None) -> Resend:
    if replay is None:
        return ""
    return "done" if replay.forced else "failed"


def refusal(message: Message, context: Context, *, now: float) -> str | None:
    """Tell why *message* is no trustworthy record *now*, by its reason; or None."""
    try:
        _opened(message, context.directory, now)
    except RefusedError as error:
        return error.reason
    return None


def _opened(
    message: Message, directory: Directory, now: float
) -> tuple[seen.Seen, int, Verified]:
    """Verify stamp and record; give when the gate first saw it, too."""
    told = seen.verify_headers(message.headers, directory, now=now)
    record = unpack(message)
    first_seen = told.stamp.seen_of(record.token_id)
    verified = verify(
        record, directory, now=now, first_seen=first_seen, allow_over=True
    )
    return told, first_seen, verified


def _away(org: str, directory: Directory, now: float) -> str:
    return "member-suspended" if directory.is_suspended(org, now) else ""


def _approved(agreed: Agreed | None, policy: Policy) -> frozenset[Part]:
    """Give what was agreed to under the policy that holds now, and no other."""
    if agreed is None or agreed.policy_sha256 != policy.sha256:
        return frozenset()
    return agreed.parts


async def take(
    messages: Sequence[Message],
    context: Context,
    store: Store,
    *,
    now: float,
    run: Run,
    monotonic: Callable[[], float],
    agreed: Agreed | None = None,
) -> list[Outcome]:
    """Decide the first of a batch and store their deliveries in one transaction.

    Ends after the message that reaches `MAX_BODY_BYTES` or `MAX_DECIDING_S`, so at
    least one is taken: the broker waits for an acknowledgement all that time. What
    goes to members that had another audience before takes its time once more.

    Args:
        run: Decides elsewhere, so that deciding holds up nobody else.
        monotonic: Seconds of a clock that is never set.
        agreed: See `decide`.

    Returns:
        One outcome per message taken, in order. The caller dead-letters the
        refused ones, acknowledges those taken, and gives the rest again.
    """
    outcomes: list[Outcome] = []
    deciding = partial(decide, context=context, now=now, agreed=agreed)
    began, size = monotonic(), 0
    for message in messages:
        outcomes.append(await run(partial(deciding, message)))
        size += len(message.body)
        if size >= MAX_BODY_BYTES or monotonic() - began >= MAX_DECIDING_S:
            break
    await _keep_scopes(messages, outcomes, store, deciding, run)
    rows = [row for o in outcomes if isinstance(o, Decided) for row in o.rows]
    if not rows:
        return outcomes
    became = iter(await store.store(rows))
    return [_after(o, became) if isinstance(o, Decided) else o for o in outcomes]


def _after(decided: Decided, became: Iterator[StoreOutcome]) -> Decided:
    """Count who did not get a new version because it has no version at all.

    Args:
        became: What became of the rows; one is taken for each of *decided*.
    """
    stored = [(row, next(became)) for row in decided.rows]
    kept = tuple(row for row, outcome in stored if outcome is not StoreOutcome.MISSED)
    if len(kept) == len(stored):
        return decided
    getting = {row.member for row in kept}
    missing = {row.member: row.missed for row in decided.rows}
    lost = Counter(r for member, r in missing.items() if member not in getting)
    return replace(decided, rows=kept, not_given=decided.not_given + lost)


async def _keep_scopes(
    messages: Sequence[Message],
    outcomes: list[Outcome],
    store: Store,
    deciding: Callable[..., Outcome],
    run: Run,
) -> None:
    """Decide again what goes to members that had another audience before.

    They are few: so all is decided first as if nobody had, and one query for the
    whole batch tells who had.
    """
    given = [o for o in outcomes if isinstance(o, Decided) and o.rows]
    if not given:
        return
    scopes = await store.scopes({s for o in given for s in (o.rows[0].sub, *o.about)})
    for i, outcome in enumerate(outcomes):
        if isinstance(outcome, Decided) and any(
            scopes.of(r.member, r.issuer, r.sub, outcome.about, otherwise=r.scope)
            != r.scope
            for r in outcome.rows
        ):
            outcomes[i] = await run(partial(deciding, messages[i], scopes=scopes))
