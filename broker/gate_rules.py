"""What the gate decides about a record, and what it tells of a refusal. Pure."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from broker import chain, sdjwt, seal, topology
from broker.bus import JSON_CONTENT_TYPE, Message
from broker.chain import Feed, Gap
from broker.dead_letters import AT, ISSUER, KEY, REASON, SENDER, WHERE, published_as
from broker.directory import Directory
from broker.errors import TrustError
from broker.trust import Verified
from schemas import codec, takedown, terms
from schemas.errors import RefusedError
from schemas.facts import Facts, facts_of
from schemas.reasons import REASONS

MAX_WHERE: Final = 200  # characters of a place in a header
MAX_REFUSAL_BYTES: Final = 4096
_FEED = re.compile(r"[a-z0-9-]+/[a-z0-9-]+/[A-Za-z0-9_-]{1,64}")


class Envelope(msgspec.Struct, frozen=True):
    """How a message came.

    Attributes:
        issuer: Whose queue it stood in.
        user_id: The sender, as the broker checked it; of what the operator put back,
            as it did when that came first.
    """

    issuer: str
    user_id: str
    routing_key: str


class Accept(msgspec.Struct, frozen=True):
    """Pass it on.

    Attributes:
        routing_key: On `tocsin.records`.
        feed: Name of the publisher's feed.
        state: The feed with this record.
        gap: What is missing before it, noticed just now: an alarm.
        urgent: Whether it goes to the adapters' urgent queues.
    """

    routing_key: str
    feed: str
    state: Feed
    gap: Gap | None = None
    urgent: bool = False


class Duplicate(msgspec.Struct, frozen=True):
    """It was accepted before: forget this copy."""


class Refuse(msgspec.Struct, frozen=True):
    """Do not pass it on; a reason of `schemas.reasons` and a place, never a value."""

    reason: str
    where: str = ""


Decision = Accept | Duplicate | Refuse


def issuers_of(directory: Directory) -> tuple[str, ...]:
    """Name the members that may publish anything, sorted."""
    return tuple(sorted(m.org for m in directory.members.values() if m.kinds))


def envelope_of(message: Message, issuer: str) -> Envelope:
    """Say how *message* came into the queue of *issuer*."""
    return Envelope(issuer, *published_as(message))


def check_envelope(envelope: Envelope) -> Refuse | None:
    """Refuse what the queue's owner did not send, before any work on it."""
    # An absent user id counts as a forged one: the broker checks it only if present.
    return None if envelope.user_id == envelope.issuer else Refuse("user-id")


def decide(
    verified: Verified, envelope: Envelope, *, known: bool, feed: Feed
) -> Decision:
    """Decide about one record.

    Args:
        known: Whether this token id was accepted before.
        feed: State of the feed that the record names.
    """
    claims = verified.claims
    if verified.issuer != envelope.issuer:
        return Refuse("user-id")
    if known:
        return Duplicate()
    key = topology.ingress_key(issuer=verified.issuer, kind=claims.kind, tlp=claims.tlp)
    for holds, reason in (
        (verified.complete, "incomplete"),
        # Whole and without: its issuer signed it that way.
        (verified.primary is not None, "no-primary"),
        (claims.kind != "heartbeat", "kind-not-supported"),
        (envelope.routing_key == key, "routing-key"),
        (_may_be_seen(verified), "pap-forbids"),
    ):
        if not holds:
            return Refuse(reason)
    if not _facts_hold(verified):
        return Refuse("facts-mismatch")
    try:
        seal.check(verified.sealed, claims.sealed or ())
    except TrustError as error:
        return Refuse(error.reason)
    return _place(verified, feed)


def _facts_hold(verified: Verified) -> bool:
    """Compute the routing facts again: the gate alone sees the whole record.

    Facts of stricter parts would show through the claims, and a false severity
    would choose the queue.
    """
    assert verified.primary is not None  # noqa: S101  checked before
    main, claims = verified.objects[verified.primary], verified.claims
    facts = facts_of(verified.objects, main, verified.tlp)
    return facts == Facts(
        severity=claims.severity,
        countries=claims.countries,
        sectors=claims.sectors,
        languages=claims.languages,
    )


def _may_be_seen(verified: Verified) -> bool:
    """Tell whether PAP allows a takedown, where the record asks for one."""
    if not takedown.is_request(verified.claims.sub):
        return True
    marks = terms.marks_of(verified.objects)
    return not any(takedown.pap_faults(verified.objects, marks, {}))


def _place(verified: Verified, feed: Feed) -> Accept | Refuse:
    claims = verified.claims
    name, seq, prev = claims.feed, claims.seq, claims.prev
    if not (isinstance(name, str) and isinstance(seq, int) and isinstance(prev, str)):
        return Refuse("no-feed")
    if not _FEED.fullmatch(name) or not name.startswith(f"{verified.issuer}/"):
        return Refuse("no-feed", "$.feed")
    after = chain.extend(feed, seq, prev, verified.token_id)
    if after is None:
        return Refuse("chain-conflict")
    key = topology.routing_key(
        issuer=verified.issuer,
        kind=claims.kind,
        tlp=claims.tlp,
        countries=claims.countries,
        sectors=claims.sectors,
        severity=claims.severity,
    )
    urgent = claims.severity in topology.URGENT
    return Accept(key, name, after, chain.opened(feed, after), urgent)


def decide_in_order(
    arrivals: Sequence[tuple[Envelope, Verified | Refuse]],
    *,
    known: set[str],
    feeds: dict[str, Feed],
) -> list[Decision]:
    """Decide about messages of one issuer, each after those before it.

    Args:
        known: Token ids accepted before; those accepted now are added.
        feeds: State of every feed named, if it has one; brought up to date.
    """
    decisions: list[Decision] = []
    for envelope, opened in arrivals:
        if isinstance(opened, Refuse):
            decisions.append(opened)
            continue
        feed = feeds.get(opened.claims.feed or "", Feed())
        decision = decide(opened, envelope, known=opened.token_id in known, feed=feed)
        if isinstance(decision, Accept):
            known.add(opened.token_id)
            feeds[decision.feed] = decision.state
        decisions.append(decision)
    return decisions


# ----------------------------------------------------------------- refusals


def dead_letter(
    message: Message, issuer: str, refuse: Refuse, *, now: float
) -> Message:
    """Put *message* aside for the operator, as it came, with the reason."""
    envelope = envelope_of(message, issuer)
    return Message(
        body=message.body,
        message_id=_name_of(message),
        routing_key=f"dead.{topology.INGRESS}.{issuer}",
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        user_id=topology.GATE,
        headers={
            REASON: refuse.reason,
            WHERE: refuse.where[:MAX_WHERE],
            ISSUER: issuer,
            SENDER: envelope.user_id,
            KEY: envelope.routing_key,
            AT: int(now),
        },
    )


def refusal(message: Message, token_id: str, issuer: str, refuse: Refuse) -> Message:
    """Tell the issuer; the same refusal always under the same message id.

    Args:
        token_id: "" when the message holds no token that can be named.
    """
    told = {"token_id": token_id, "reason": refuse.reason}
    if refuse.where:
        told["where"] = refuse.where[:MAX_WHERE]
    named = f"refusal {token_id or _name_of(message)} {refuse.reason}"
    return Message(
        body=msgspec.json.encode(told),
        message_id=sdjwt.digest(named.encode()),
        routing_key=topology.feedback_key(
            sender=topology.GATE, issuer=issuer, kind="refusal"
        ),
        content_type=JSON_CONTENT_TYPE,
        user_id=topology.GATE,
    )


class Refused(msgspec.Struct, frozen=True):
    """What the gate has told an issuer.

    Attributes:
        reason: A code of `schemas.reasons`.
    """

    token_id: str
    reason: str


def refused(message: Message, issuer: str) -> Refused | None:
    """Read a refusal that the gate told *issuer*; None if it is something else."""
    key = topology.feedback_key(sender=topology.GATE, issuer=issuer, kind="refusal")
    if message.user_id != topology.GATE or message.routing_key != key:
        return None
    try:
        value = codec.decode_json(message.body, max_bytes=MAX_REFUSAL_BYTES)
        told = msgspec.convert(value, Refused)
    except (RefusedError, msgspec.ValidationError):
        return None
    return told if told.reason in REASONS else None


def _name_of(message: Message) -> str:
    return message.message_id or sdjwt.digest(message.body)
