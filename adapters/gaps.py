"""What a heartbeat and the records that came say together: what is missing. Pure.

An adapter reads whole records, so it alone can tell the three apart: a member has a
record, it may not have it, or nobody has it. Members get an account of their own.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from adapters.delivery import KnownTokens, NewDelivery
from adapters.policy import Policy
from adapters.view import View
from broker.directory import Member
from broker.heartbeats import Heartbeat, Listed, Passed
from schemas import codec, timestamps
from schemas.markings import Tlp

KIND: Final = "heartbeat"
# What sinks call the issuer's JWS, our account, and the gate's JWS.
NAMES: Final = ("heartbeat", "gaps", "heard")
NO_BARE: Final[Mapping[str, str]] = MappingProxyType({})
_NAMESPACE: Final = uuid.UUID("5b0f3f5e-6f0c-4a83-9d0e-0f6c2a4b7d19")


class Line(msgspec.Struct, frozen=True):
    """A line of an issuer (`broker.heartbeats`)."""

    issuer: str
    name: str


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What became, for one member, of the records that a heartbeat lists.

    Attributes:
        have: How many were delivered, or are about to be.
        replaced: Never sent: a newer version came first.
        withheld: Came to the hub and are not for this member: its view, or its own
            interests.
        missing: Never came to the adapter.
        not_taken: The hub refused them, or never got them.
        earlier: Published before the adapter began to read.
        unlisted: Listed in heartbeats that never came.
    """

    have: int
    replaced: tuple[str, ...]
    withheld: tuple[str, ...]
    missing: tuple[Listed, ...]
    not_taken: tuple[str, ...]
    earlier: tuple[str, ...]
    unlisted: int


def account(
    passed: Passed,
    *,
    known: KnownTokens,
    missing: Collection[str],
    began: float,
    unlisted: int,
) -> Account:
    """Sort the records of a heartbeat for one member.

    Args:
        known: What the outbox knows of it.
        missing: Token ids that never came to the adapter.
        began: Since when the adapter reads, epoch seconds.
    """
    listed = passed.beat.ids
    lacks = set(passed.heard.lacks)
    has = {each.token_id for each in listed if each.token_id in known.given}
    replaced = [each.token_id for each in listed if each.token_id in known.replaced]
    gone = tuple(each for each in listed if each.token_id in missing)
    settled = {*has, *replaced, *(each.token_id for each in gone)}
    left = [each for each in listed if each.token_id not in settled]
    early = [e for e in left if e.at < began and e.token_id not in lacks]
    return Account(
        have=len(has),
        replaced=tuple(replaced),
        withheld=tuple(
            e.token_id for e in left if e.at >= began and e.token_id not in lacks
        ),
        missing=gone,
        not_taken=tuple(e.token_id for e in left if e.token_id in lacks),
        earlier=tuple(e.token_id for e in early),
        unlisted=unlisted,
    )


def due(
    fresh: Sequence[Listed],
    *,
    received: Collection[str],
    lacks: Collection[str],
    began: float,
) -> tuple[Listed, ...]:
    """Give what the adapter should have and has not."""
    return tuple(
        each
        for each in fresh
        if each.at >= began
        and each.token_id not in received
        and each.token_id not in lacks
    )


def admits(policy: Policy, member: Member, beat: Heartbeat) -> bool:
    """Tell whether a member may know how many records a line has.

    Only if it would get any record of that community and marking, addressed by name
    or not, and at once: else a number would tell of what is not for it, or not yet.
    """
    view = View(
        audience=member.audience,
        clearance=member.highest_tlp,
        communities=frozenset(member.communities),
        jurisdiction=member.jurisdiction,
    )
    return (
        not member.exercise  # it gets exercises alone, and these count all
        and beat.community in view.communities
        and policy.tlp_refusal(view, Tlp.parse(beat.tlp)) is None
        and not policy.delay_s(view.audience)
    )


def in_words(
    passed: Passed, found: Account, bare: Mapping[str, str] = NO_BARE
) -> dict[str, object]:
    """Spell an account for a member's tools, as JSON.

    Args:
        bare: Bare JWTs of withheld records, by token id (`adapters.bare`).
    """
    beat = passed.beat
    since = min((each.at for each in found.missing), default=None)
    return {
        "type": "tocsin-gaps",
        "issuer": passed.org,
        "community": beat.community,
        "tlp": beat.tlp,
        "line": beat.line,
        "at": timestamps.from_epoch(beat.iat),
        "count": beat.count,
        "listed": len(beat.ids),
        "have": found.have,
        "replaced": list(found.replaced),
        "withheld": list(found.withheld),
        "missing": [each.token_id for each in found.missing],
        "missing_since": None if since is None else timestamps.from_epoch(since),
        "not_taken": list(found.not_taken),
        "earlier": list(found.earlier),
        "unlisted": found.unlisted,
        "bare": dict(bare),
    }


def sub_of(passed: Passed) -> str:
    """Name a line as the case that its heartbeats are versions of."""
    name = uuid.uuid5(_NAMESPACE, f"{passed.org}\n{passed.beat.line}")
    return f"{KIND}--{name}"


def delivery(
    passed: Passed,
    found: Account,
    member: Member,
    sink: str,
    bare: Mapping[str, str] = NO_BARE,
    *,
    basis: str = "",
) -> NewDelivery:
    """Word a heartbeat as a delivery: evidence the issuer's JWS, receipt the gate's.

    A line is one case, so of two that wait the newer one counts, and numbers stay
    without gaps.

    Args:
        basis: As in `NewDelivery`.
    """
    beat = passed.beat
    return NewDelivery(
        member=member.org,
        sink=sink,
        issuer=passed.org,
        sub=sub_of(passed),
        ver=timestamps.from_epoch(beat.iat),
        kind=KIND,
        tlp=beat.tlp,
        token_id=passed.heard.heartbeat,
        evidence=passed.text,
        projection=codec.encode_json(in_words(passed, found, bare)),
        receipt=passed.heard_text,
        policy=KIND,
        scope=member.audience,
        basis=basis,
    )
