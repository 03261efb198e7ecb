"""What a delivery was decided under, in short: does it hold? One comparison. Pure.

Two digests. Of the *view*: the policy, the member's entry, what it wants. Of *trust*:
the keys, kinds and suspensions that decide who is believed. They stand in the row of
the outbox, and beside them until when the decision holds if neither changes: what a
record says of its own end.
"""

import hashlib
import math
from typing import Any, Final

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from adapters.interests import Interests
from adapters.policy import Policy
from adapters.reading import Reading
from adapters.view import View
from broker import base64url
from broker.directory import Directory, Member
from schemas import timestamps

_BYTES: Final = 12  # of each digest; nobody gains by two that are alike
_json: Final = msgspec.json.Encoder(order="deterministic")


class Basis(msgspec.Struct, frozen=True):
    """What a decision rests on; each a digest.

    Attributes:
        view: Of policy, member and interests.
        trust: Of all that says who is believed.
    """

    view: str
    trust: str

    def __str__(self) -> str:
        return f"{self.view}.{self.trust}"

    @classmethod
    def parse(cls, text: str) -> "Basis":
        """Read what `str` gives; of anything else, one that equals none."""
        view, _, trust = text.partition(".")
        return cls(view, trust)


class Bases:
    """Finds the basis of a decision; digests are made once, and again when facts change.

    What holds a directory, a policy and entries holds the same objects until they
    change, so these are compared by identity.
    """

    def __init__(self) -> None:
        self._trust: tuple[Directory, str] | None = None
        self._views: dict[str, tuple[str, Member, Interests, str]] = {}

    def trust(self, directory: Directory, now: float) -> str:
        """Digest who is believed at *now* (epoch seconds)."""
        found = self._trust
        if found is None or found[0] is not directory:
            found = self._trust = (directory, trust_digest(directory))
        return found[1] + gate_now(directory, now)

    def view(self, policy_sha256: str, member: Member, interests: Interests) -> str:
        """Digest what decides how much *member* gets."""
        found = self._views.get(member.org)
        if (
            found is None
            or found[0] != policy_sha256
            or found[1] is not member
            or found[2] is not interests
        ):
            digest = view_digest(policy_sha256, member, interests)
            found = (policy_sha256, member, interests, digest)
            self._views[member.org] = found
        return found[3]


def view_digest(policy_sha256: str, member: Member, interests: Interests) -> str:
    """Digest what decides how much a member gets.

    All of its entry but what certainly does not: a new fact counts until somebody
    says otherwise. A suspension is asked for at each send (`Held.standing`).
    """
    facts = replace(
        member,
        name="",
        contacts=(),
        keys=(),
        kinds=(),
        languages=(),
        receipts="audience",
        sealing=(),
        suspended=UNSET,
    )
    return _digest([policy_sha256, facts, interests])


def trust_digest(directory: Directory) -> str:
    """Digest what decides whether a token and its stamp are believed."""
    keys = sorted(directory.keys.values(), key=lambda each: each.kid)
    services = sorted(directory.services.items())
    return _digest(
        [
            # The name of a key holds a digest of it.
            [_key(each) for each in keys],
            [(kid, _key(each.key), sorted(each.services)) for kid, each in services],
            sorted(
                (org, sorted(each.kinds), each.exercise)
                for org, each in directory.members.items()
                if each.kinds
            ),
            sorted(
                (subject, sorted((s.since, s.until) for s in spans))
                for subject, spans in directory.suspensions.items()
            ),
        ]
    )


def gate_now(directory: Directory, now: float) -> str:
    """Say which keys of the gate are believed *now*: it changes without the directory.

    Empty while all are, as nearly always.
    """
    return "".join(
        f"!{kid}"
        for kid, each in directory.services.items()
        if each.key.is_compromised(now)
        or directory.is_suspended(kid, now)
        or directory.is_suspended(each.key.org, now)
    )


def ends(reading: Reading, view: View, policy: Policy, now: float) -> float:
    """Say when, in epoch seconds, a decision made *now* ends by itself; or infinity.

    By the record's horizon, by the first of its policies (IEP) that ends, by the law of
    the view on how long it may be kept. A retraction has no horizon.
    """
    claims = reading.verified.claims
    found = [math.inf if claims.kind == "retraction" else float(claims.exp)]
    days = policy.seen_by(view).oldest_days
    if days is not None:
        found.append(timestamps.epoch(claims.ver) + days * 86_400)
    found += [
        timestamps.epoch(terms.end_date)
        for terms in reading.marks.terms.values()
        if terms.end_date is not None
    ]
    return min(each for each in (*found, math.inf) if each > now)


def _key(known: Any) -> tuple[Any, ...]:
    return (
        known.kid,
        known.not_before,
        known.not_after,
        known.revoked_at,
        known.revoked_as,
    )


def _digest(facts: Any) -> str:
    found = hashlib.sha256(_json.encode(facts)).digest()
    return base64url.encode(found[:_BYTES]).decode()
