"""Verified x view x policy -> Redacted, with a reason for every cut. Pure.

Four steps, each able to take away only: the TLP gate on objects and granular
markings; the policy's row for each property; the guard (`adapters.guard`) over what
is left; and after each the cascade: a reference goes with its target, an object
with a required property, the record with its primary object.
"""

from collections import Counter
from typing import Any, assert_never

import msgspec

from adapters import guard, made
from adapters.cascade import ObjectLoss, ReferenceLoss, cascade
from adapters.policy import Policy, Role
from adapters.projection import Author, ObjectParts, project
from adapters.roles import roles_of
from adapters.view import View, refusal, tlp_refusal
from broker import sdjwt
from broker.blinding import org_identity
from broker.trust import Verified
from schemas import profile
from schemas.markings import Tlp, granular_tlp

ElementPlace = tuple[str | int, ...]


class Cut(msgspec.Struct, frozen=True):
    """One part that was withheld, or changed, and why.

    Attributes:
        object_id: As signed; "" for a claim.
        place: Property as policies spell it, "" for the whole object.
        reason: `tlp-*`, `granular-*`, `policy-*`, `mask-hit`, `guard`,
            `reference-withheld`, `required-withheld`, `not-named`.
        row: Row of the policy that says so, 0 if none does.
        made: Whether a made value stands in the projection instead.
    """

    object_id: str
    object_type: str
    place: str
    reason: str
    row: int = 0
    made: bool = False


class NotGivenError(Exception):
    """The record is not for this view at all.

    Attributes:
        reason: `community`, `tlp-*`, `primary-withheld`, `guard-visible`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Redacted(msgspec.Struct, frozen=True, kw_only=True):
    """What one view gets of one record. Built by `redact`, nowhere else.

    Attributes:
        evidence: The issuer's token, only cut.
        projection: The plain STIX bundle, as JSON.
        policy: Name of the policy that decided.
    """

    verified: Verified
    view: View
    policy: str
    policy_sha256: str
    evidence: bytes
    projection: bytes
    cuts: tuple[Cut, ...]

    @property
    def reasons(self) -> Counter[str]:
        """How many parts were cut, by reason."""
        return Counter(cut.reason for cut in self.cuts)


def redact(
    verified: Verified, view: View, policy: Policy, *, author: Author, now: str
) -> Redacted:
    """Cut *verified* down to what *view* may see.

    Args:
        author: In whose name the projection is written, with the pseudonym key.
        now: RFC 3339; `modified` of the projection.

    Raises:
        NotGivenError: Nothing of it may be given.
    """
    reason = refusal(view, verified.claims)
    if reason is not None:
        raise NotGivenError(reason)
    if verified.primary is None:
        raise NotGivenError("primary-withheld")
    work = _Work(verified, view, policy, author)
    work.gate()
    work.apply_policy()
    work.cascade()
    work.guard()
    if verified.primary in work.gone:
        raise NotGivenError("primary-withheld")
    parts = [p for i, p in enumerate(work.parts) if i not in work.gone]
    return Redacted(
        verified=verified,
        view=view,
        policy=policy.name,
        policy_sha256=policy.sha256,
        evidence=sdjwt.withhold(verified.opened, work.kept_disclosures()),
        projection=project(verified, parts, author=author, view=view, now=now),
        cuts=tuple(work.cuts),
    )


class _Work:
    """The state of one redaction: parts that stay, objects that are gone."""

    def __init__(
        self, verified: Verified, view: View, policy: Policy, author: Author
    ) -> None:
        self.verified, self.view, self.policy, self.author = (
            verified, view, policy, author,
        )  # fmt: skip
        self.objects = verified.objects
        self.foreign_ok = {org_identity(verified.issuer)}
        self.roles: list[Role] = roles_of(self.objects)
        self.parts = [ObjectParts(o, {}, {}, {}) for o in self.objects]
        self.gone: set[int] = set()
        self.cuts: list[Cut] = []
        self.secret: list[tuple[int, profile.Place, Any]] = []

    # ---------------------------------------------------------------- steps

    def gate(self) -> None:
        """Take away objects stricter than the view, and types nobody named."""
        for i, candidate in enumerate(self.objects):
            reason = tlp_refusal(self.view, self.verified.tlp_of(i))
            if reason is None and candidate.type not in self.policy.types:
                reason = "type-not-named"
            if reason is not None:
                self.lose(i, reason, secret=reason.startswith("tlp"))

    def apply_policy(self) -> None:
        """Decide each property of the objects that passed."""
        for i, candidate in enumerate(self.objects):
            if i in self.gone:
                continue
            primary = i == self.verified.primary
            stricter = granular_tlp(candidate)
            for place, value in profile.places(self.verified.plain[i].items()):
                if profile.is_visible(place, candidate.type, primary=primary):
                    self.parts[i].shown[place] = value
                    if self._granular_refusal(stricter, place) is not None:
                        # It cannot be cut and must not be seen.
                        self.lose(i, "granular-visible", secret=True)
                        break
                    continue
                self._decide(i, place, value, stricter)

    def _granular_refusal(
        self, stricter: dict[str, Tlp], place: profile.Place
    ) -> str | None:
        own = stricter.get(place[0])
        return None if own is None else tlp_refusal(self.view, own)

    def _decide(
        self, i: int, place: profile.Place, value: Any, stricter: dict[str, Tlp]
    ) -> None:
        if self._granular_refusal(stricter, place) is not None:
            self.cut(i, place, "granular-tlp", secret=True)
            return
        kind = self.objects[i].type
        rule = self.policy.rule(
            self.view.audience,
            kind,
            self.roles[i],
            profile.spell(place),
            concerned=self.view.concerned,
        )
        part = self.parts[i]
        match rule.action:
            case "keep":
                part.shown[place] = value
            case "defang":
                part.shown[place] = value
                part.made[place] = made.defanged(value)
            case "mask":
                if guard.is_clean(value):
                    part.shown[place] = value
                else:
                    self.cut(i, place, "mask-hit", row=rule.row)
            case "drop":
                reason = "policy-drop" if rule.row else "not-named"
                self.cut(i, place, reason, row=rule.row, secret=self._identifies(i))
            case "pseudonymise" | "generalise":
                instead = self._instead(i, place, value, rule.action)
                if instead is not None:
                    part.made[place] = instead
                self.cut(
                    i,
                    place,
                    f"policy-{rule.action}",
                    row=rule.row,
                    made=instead is not None,
                    secret=self._identifies(i),
                )
            case _:
                assert_never(rule.action)

    def _instead(self, i: int, place: profile.Place, value: Any, action: str) -> Any:
        candidate = self.objects[i]
        if action == "pseudonymise":
            return made.pseudonym(
                self.author.pseudonym_key, self.view.audience, candidate.type, value
            )
        grain = self.policy.times.get(self.view.audience, "day")
        return made.generalised(candidate, place, value, grain)

    def _identifies(self, i: int) -> bool:
        """Tell whether cut values of this object must not stand elsewhere."""
        return self.objects[i].type in guard.IDENTIFYING_TYPES

    def cascade(self) -> None:
        """Let references go with their targets, to the end."""
        for loss in cascade(self.objects, self.parts, self.gone, self.foreign_ok):
            match loss:
                case ObjectLoss():
                    self.lose(loss.index, "required-withheld")
                case ReferenceLoss() if loss.element is None:
                    self.cut(loss.index, loss.place, "reference-withheld")
                case ReferenceLoss():  # one element of it
                    self.cuts.append(
                        self._cut_of(loss.index, loss.place, "reference-withheld")
                    )

    def guard(self) -> None:
        """Withhold what repeats an identifying value that was cut."""
        while True:
            watch = guard.Watch(self.verified, self.secret)
            if watch.hits_claims():
                raise NotGivenError("guard-visible")
            hit = False
            for i, part in enumerate(self.parts):
                if i in self.gone:
                    continue
                for place, value in list(part.shown.items()):
                    if not watch.hits(value):
                        continue
                    primary = i == self.verified.primary
                    if profile.is_visible(place, part.source.type, primary=primary):
                        raise NotGivenError("guard-visible")
                    self.cut(i, place, "guard")
                    hit = True
                for place, value in list(part.made.items()):
                    if watch.hits(value):
                        del part.made[place]
                        hit = True
            if not hit:
                return
            self.cascade()

    # -------------------------------------------------------------- results

    def kept_disclosures(self) -> set[int]:
        """Name the disclosures that stay in the evidence."""
        kept: set[int] = set()
        claim_slots = self.verified.claim_slots
        for name, named in (
            ("to", self.view.addressed),
            ("concerns", self.view.concerned),
        ):
            if named and (name,) in claim_slots:
                kept.add(claim_slots[(name,)])
        for i, part in enumerate(self.parts):
            if i in self.gone:
                continue
            slots = self.verified.slots[i]
            kept.add(slots[()])
            for place in part.shown:
                if place not in slots:
                    continue  # always visible
                kept.add(slots[place])
                lost = part.lost.get(place, ())
                j = 0
                while (*place, j) in slots:
                    if j not in lost:
                        kept.add(slots[(*place, j)])
                    j += 1
        return kept

    def lose(self, i: int, reason: str, *, secret: bool = False) -> None:
        """Take the whole object away."""
        self.gone.add(i)
        candidate = self.objects[i]
        self.cuts.append(Cut(candidate.id, candidate.type, "", reason))
        if secret or self._identifies(i):
            self.secret.extend(
                (i, place, value)
                for place, value in profile.places(self.verified.plain[i].items())
            )

    def cut(
        self,
        i: int,
        place: profile.Place,
        reason: str,
        *,
        row: int = 0,
        made: bool = False,
        secret: bool = False,
    ) -> None:
        """Take one property away."""
        value = self.parts[i].shown.pop(place, None)
        if not made:
            self.parts[i].made.pop(place, None)
        self.cuts.append(self._cut_of(i, place, reason, row=row, made=made))
        if secret:
            if value is None:
                found = dict(profile.places(self.verified.plain[i].items()))
                value = found.get(place)
            self.secret.append((i, place, value))

    def _cut_of(
        self,
        i: int,
        place: ElementPlace,
        reason: str,
        *,
        row: int = 0,
        made: bool = False,
    ) -> Cut:
        candidate = self.objects[i]
        named = profile.spell(tuple(p for p in place if isinstance(p, str)))
        return Cut(candidate.id, candidate.type, named, reason, row, made)
