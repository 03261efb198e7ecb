"""Verified x view x policy -> Redacted, with a reason for every cut. Pure.

Four steps, each able to take away only: the gates of the policy on objects and on
parts with marks of their own, then its row for each property (`adapters.applying`);
the guard over what is left (`adapters.guarding`); and after each what follows
(`adapters.settling`): a reference goes with its target, an object with a required
property, the record with its primary object.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from typing import Final

import msgspec

from adapters import roles, taken_back
from adapters.applying import apply_policy, gate
from adapters.cuts import Cut, NotGivenError, Part
from adapters.cutting import Work
from adapters.guarding import check
from adapters.personal_data import Recogniser
from adapters.policy import Policy
from adapters.projection import Author, ObjectParts, project
from adapters.pseudonyms import is_pseudonym
from adapters.reading import Reading
from adapters.settling import complete, settle
from adapters.view import View
from broker import carried, sdjwt
from broker.carried import Carried
from broker.trust import Verified
from broker.unfolding import Path
from schemas import profile

__all__ = ["Cut", "NotGivenError", "Redacted", "redact", "take_back"]

# Rounds until the roles have nothing more to change. Real records need two; a record
# made to need more is treated as if it had no attacker.
_MAX_ROUNDS: Final = 8


class Redacted(msgspec.Struct, frozen=True, kw_only=True):
    """What one view gets of one record. Built by `redact` and `take_back` alone.

    Attributes:
        evidence: The issuer's token, only cut, with all further signatures.
        projection: The plain STIX bundle, as JSON.
        policy: Name of the policy that decided.
        period: That of the pseudonyms in the projection; "" if there are none.
        is_taken_back: It says that the record is over, and nothing else of it.
    """

    verified: Verified
    view: View
    policy: str
    policy_sha256: str
    period: str
    evidence: bytes
    projection: bytes
    cuts: tuple[Cut, ...]
    is_taken_back: bool = False

    @property
    def reasons(self) -> Counter[str]:
        """How many parts were cut, by reason."""
        return Counter(cut.reason for cut in self.cuts)


def redact(
    verified: Verified,
    view: View,
    policy: Policy,
    *,
    author: Author,
    now: str,
    approved: Set[Part] = frozenset(),
    recogniser: Recogniser | None = None,
    scope: str = "",
    reading: Reading | None = None,
) -> Redacted:
    """Cut *verified* down to what *view* may see.

    Cutting the evidence again for the same view changes nothing.

    Args:
        author: In whose name the projection is written, with the keys.
        now: RFC 3339; `modified` of the projection. Policies that ended are over.
        approved: Parts that persons agreed to show, of those that the policy holds.
        recogniser: Finds names in texts that are masked, beside the detectors.
        scope: Audience that projected ids derive for, see `adapters.scopes`; that of
            *view*, if not given.
        reading: Of *verified*, to read it once for several views.

    Raises:
        NotGivenError: Nothing of it may be given.
    """
    reason = policy.refusal(view, verified.claims, now=now)
    if reason is not None:
        raise NotGivenError(reason)
    if verified.primary is None:
        raise NotGivenError("primary-withheld")

    read = reading or Reading(verified)

    def begin(attackers: frozenset[str] | None) -> Work:
        return Work(
            read, view, policy, author,
            attackers=attackers, now=now, approved=approved, recogniser=recogniser,
        )  # fmt: skip

    work = _settled(begin)
    cut = sdjwt.withhold(verified.opened, _kept_disclosures(work))
    complete(work)
    _need_primary(work)
    parts = [p for i, p in enumerate(work.parts) if i not in work.gone]
    return Redacted(
        verified=verified,
        view=view,
        policy=policy.name,
        policy_sha256=policy.sha256,
        period=_period(parts, author),
        # Sealed parts are for those addressed alone, so none stays by itself.
        evidence=carried.encode(Carried(cut, verified.also)),
        projection=project(
            read,
            parts,
            author=author,
            view=view,
            scope=scope or view.audience,
            now=now,
        ),
        cuts=tuple(work.cuts),
    )


def take_back(
    reading: Reading,
    view: View,
    policy: Policy,
    *,
    author: Author,
    now: str,
    scope: str,
) -> Redacted:
    """Cut a retraction down to what whoever had the record must know: that it is over.

    The evidence is the bare token, without any disclosure; the projection one revoked
    object under the id of *scope*.

    Raises:
        NotGivenError: A withheld value stands where everybody would see it.
    """
    verified = reading.verified
    if verified.primary is None:
        raise NotGivenError("primary-withheld")
    work = Work(reading, view, policy, author, attackers=None, now=now)
    for i in range(len(work.parts)):
        work.lose(i, "no-longer-given", above=True)
    check(work)
    cut = sdjwt.withhold(verified.opened, set())
    return Redacted(
        verified=verified,
        view=view,
        policy=policy.name,
        policy_sha256=policy.sha256,
        period="",
        evidence=carried.encode(Carried(cut, verified.also)),
        projection=project(
            reading,
            [taken_back.revoked(reading, verified.primary)],
            author=author,
            view=view,
            scope=scope,
            now=now,
        ),
        cuts=tuple(work.cuts),
        is_taken_back=True,
    )


def _period(parts: Iterable[ObjectParts], author: Author) -> str:
    made = ((part.kind, value) for part in parts for value in part.made.values())
    holds_any = any(is_pseudonym(kind, value) for kind, value in made)
    return author.pseudonyms.period if holds_any else ""


def _settled(begin: Callable[[frozenset[str] | None], Work]) -> Work:
    """Cut until what is left is a reason for itself.

    An observable counts as the attacker's because of relations; where those are
    cut, it must not, or what becomes of it would tell that they exist.
    """

    def work_with(attackers: frozenset[str] | None) -> Work:
        work = begin(attackers)
        gate(work)
        apply_policy(work)
        settle(work)
        check(work)
        _need_primary(work)
        return work

    attackers: frozenset[str] | None = None
    for _ in range(_MAX_ROUNDS):
        work = work_with(attackers)
        tied = roles.attackers(work.staying(), work.reading.victims)
        if work.attackers <= tied:
            return work
        attackers = work.attackers & tied
    return work_with(frozenset())


def _need_primary(work: Work) -> None:
    if work.verified.primary in work.gone:
        primary = work.verified.claims.sub
        cuts = tuple(cut for cut in work.cuts if cut.object_id == primary)
        raise NotGivenError("primary-withheld", cuts)


def _kept_disclosures(work: Work) -> set[int]:
    """Name the disclosures that stay in the evidence."""
    kept: set[int] = set()
    claim_slots = work.verified.claim_slots
    for name, named in (
        ("to", work.view.addressed),
        ("concerns", work.view.concerned),
    ):
        if named and name in claim_slots:
            kept.add(claim_slots[name])
    for i, part in enumerate(work.parts):
        if i in work.gone:
            continue
        origin = work.verified.origins[i]
        names, slots = origin.names, origin.slots
        kept.add(origin.own)
        if not slots:
            kept.update([names[p[0]] for p in part.shown if p[0] in names])
            continue
        for place in part.shown:
            index = names.get(place[0]) if len(place) == 1 else slots.get(place)
            if index is None:
                continue  # always visible
            kept.add(index)
            if (*place, 0) in slots:
                kept.update(_kept_elements(slots, place, part.lost.get(place, ())))
    return kept


def _kept_elements(
    slots: Mapping[Path, int], place: profile.Place, lost: Collection[int]
) -> Iterator[int]:
    j = 0
    while (*place, j) in slots:
        if j not in lost:
            yield slots[(*place, j)]
        j += 1
