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

    Cutting the evidence again for the same view changes nothing.

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
    work = _settled(verified, view, policy, author)
    evidence = sdjwt.withhold(verified.opened, work.kept_disclosures())
    work.settle(whole=True)
    if verified.primary in work.gone:
        raise NotGivenError("primary-withheld")
    parts = [p for i, p in enumerate(work.parts) if i not in work.gone]
    return Redacted(
        verified=verified,
        view=view,
        policy=policy.name,
        policy_sha256=policy.sha256,
        evidence=evidence,
        projection=project(verified, parts, author=author, view=view, now=now),
        cuts=tuple(work.cuts),
    )


def _settled(verified: Verified, view: View, policy: Policy, author: Author) -> "_Work":
    """Cut until what is left is a reason for itself.

    An observable counts as the attacker's because of relations; where those are
    cut, it must not, or what becomes of it would tell that they exist.
    """
    attackers: frozenset[str] | None = None
    for _ in range(_MAX_ROUNDS):
        work = _Work(verified, view, policy, author, attackers)
        work.run()
        tied = roles.attackers(work.staying(), work.victims)
        if work.attackers <= tied:
            return work
        attackers = work.attackers & tied
    work = _Work(verified, view, policy, author, frozenset())
    work.run()
    return work


class _Work:
    """The state of one redaction: parts that stay, objects that are gone.

    Args:
        attackers: Ids that may at most count as the attacker's; None: any.
    """

    def __init__(
        self,
        verified: Verified,
        view: View,
        policy: Policy,
        author: Author,
        attackers: frozenset[str] | None,
    ) -> None:
        self.verified, self.view, self.policy, self.author = (
            verified, view, policy, author,
        )  # fmt: skip
        self.objects = verified.objects
        self.ids = Ids(o.id for o in self.objects)
        self.places = {o.id: i for i, o in enumerate(self.objects)}
        self.foreign_ok = {org_identity(verified.issuer)}
        self.victims = roles.victims(self.objects)
        self.attackers = frozenset[str]()
        self.most_attackers = attackers
        self.parts = [ObjectParts(o, {}, {}, {}) for o in self.objects]
        self.gone: set[int] = set()
        self.cuts: list[Cut] = []
        self.withheld: list[guard.Withheld] = []

    def run(self) -> None:
        """Take all steps."""
        self.gate()
        self.apply_policy()
        self.settle()
        self.guard()
        if self.verified.primary in self.gone:
            raise NotGivenError("primary-withheld")

    def staying(self) -> list[stix.StixObject]:
        """List the objects that are not gone."""
        return [o for i, o in enumerate(self.objects) if i not in self.gone]

    # ---------------------------------------------------------------- steps

    def gate(self) -> None:
        """Take away objects stricter than the view, and types nobody named."""
        for i, candidate in enumerate(self.objects):
            reason = tlp_refusal(self.view, self.verified.tlp_of(i))
            if reason is None and candidate.type not in self.policy.types:
                reason = "type-not-named"
            if reason is not None:
                self.lose(i, reason, above=reason.startswith("tlp"))
        self.attackers = roles.attackers(self.staying(), self.victims)
        if self.most_attackers is not None:
            self.attackers &= self.most_attackers

    def apply_policy(self) -> None:
        """Decide each property of the objects that passed."""
        for i in range(len(self.objects)):
            if i not in self.gone:
                self._apply_to(i)

    def _apply_to(self, i: int) -> None:
        part, candidate = self.parts[i], self.objects[i]
        primary = i == self.verified.primary
        stricter = granular_tlp(candidate)
        later: list[tuple[profile.Place, Any, Rule]] = []
        for place, value in profile.places(self.verified.plain[i].items()):
            own = stricter.get(place[0])
            above = own is not None and tlp_refusal(self.view, own) is not None
            if profile.is_visible(place, candidate.type, primary=primary):
                part.shown[place] = value
                if above:
                    # It cannot be cut and must not be seen.
                    self.lose(i, "granular-visible", above=True)
                    return
            elif above:
                self.cut(i, place, "granular-tlp", above=True)
            else:
                rule = self._rule(i, place)
                if not self._shows(i, place, value, rule):
                    later.append((place, value, rule))
        for place, value, rule in later:  # made of what is shown by now
            instead = self._instead(part, place, value, rule.action)
            if instead is not None:
                part.made[place] = instead
            reason = f"policy-{rule.action}" if rule.row else "not-named"
            self.cut(i, place, reason, row=rule.row, made=instead is not None)
        if primary and candidate.type == "report" and ("published",) not in part.shown:
            # It was withheld on the way here; without it no report is valid STIX.
            published = timestamps.truncate(self.verified.claims.ver, self._grain())
            part.made.setdefault(("published",), published)

    def _rule(self, i: int, place: profile.Place) -> Rule:
        if any("." in name for name in place):
            return NOT_NAMED  # no name of STIX has one; it would spell another place
        return self.policy.rule(
            self.view.audience,
            self.objects[i].type,
            roles.role_of(self.objects[i], self.attackers),
            profile.spell(place),
            concerned=self.view.concerned,
        )

    def _shows(self, i: int, place: profile.Place, value: Any, rule: Rule) -> bool:
        """Show *value* or cut it for what it holds; False if the rule withholds it."""
        part = self.parts[i]
        match rule.action:
            case "keep":
                part.shown[place] = value
            case "defang":
                part.shown[place] = value
                part.made[place] = made.defanged(value)
            case "mask" if guard.is_clean(value):
                part.shown[place] = value
            case "mask":
                self.cut(i, place, "mask-hit", row=rule.row)
                return True
            case "drop" | "pseudonymise" | "generalise":
                return False
            case _:
                assert_never(rule.action)
        if profile.is_split(place) and isinstance(value, list):
            unknown = {j for j, v in enumerate(value) if not members.passes(place, v)}
            if unknown and len(unknown) < len(value):
                part.lost[place] = unknown
                self.cuts += [self._cut_of(i, place, "not-named")] * len(unknown)
                return True
            passes = not unknown
        else:
            passes = members.passes(place, value)
        if not passes:
            self.cut(i, place, "not-named")
        return True

    def _instead(
        self, part: ObjectParts, place: profile.Place, value: Any, action: Action
    ) -> Any:
        kind = part.source.type
        if action == "pseudonymise":
            return made.pseudonym(
                self.author.pseudonym_key, self.view.audience, kind, value
            )
        if action == "generalise":
            sectors = part.shown.get(("sectors",), ())
            return made.generalised(part.source, place, value, self._grain(), sectors)
        return None

    def _grain(self) -> TimeGrain:
        return self.policy.times.get(self.view.audience, "day")

    def settle(self, *, whole: bool = False) -> None:
        """Let references go with their targets, translations with their originals.

        Args:
            whole: Of what is left, only complete objects may stay.
        """
        while True:
            for loss in cascade(
                self.ids, self.parts, self.gone, self.foreign_ok, whole=whole
            ):
                match loss:
                    case ObjectLoss():
                        self.lose(loss.index, "required-withheld")
                    case ReferenceLoss() if loss.element is None:
                        self.cut(loss.index, loss.place, "reference-withheld")
                    case ReferenceLoss():
                        self.cuts.append(
                            self._cut_of(loss.index, loss.place, "reference-withheld")
                        )
            revealing = [i for i in self._translations() if self._reveals(i)]
            if not revealing:
                return
            for i in revealing:
                self.cut(i, _CONTENTS, "reference-withheld")

    def _translations(self) -> Iterator[int]:
        for i, part in enumerate(self.parts):
            if i not in self.gone and part.source.type == "language-content":
                yield i

    def _reveals(self, i: int) -> bool:
        """Tell whether a translation repeats what is not shown of its original."""
        contents = self.parts[i].shown.get(_CONTENTS)
        if contents is None:
            return False
        target = self.places.get(str(getattr(self.objects[i], "object_ref", "")))
        if target is None:
            return True
        original = self.parts[target]
        places = {(name,) for words in contents.values() for name in words}
        return any(p not in original.shown or original.lost.get(p) for p in places)

    def guard(self) -> None:
        """Withhold what repeats an identifying value that was cut."""
        forms: dict[tuple[int, profile.Place, bool], guard.Forms] = {}
        everything: guard.Forms | None = None
        for _ in range(_MAX_ROUNDS):
            watch = guard.Watch(self.verified, self.withheld)
            self.withheld = []
            if watch.is_empty:
                return
            if watch.hits_claims():
                raise NotGivenError("guard-visible")
            if everything is None:
                living = [p for i, p in enumerate(self.parts) if i not in self.gone]
                everything = guard.Forms(
                    v for p in living for d in (p.shown, p.made) for v in d.values()
                )
            if not watch.narrow(everything):
                raise NotGivenError("guard-visible")
            if watch.is_empty or not self._withhold_hits(watch, forms):
                return
            self.settle()
        raise NotGivenError("guard-visible")

    def _withhold_hits(
        self,
        watch: guard.Watch,
        forms: dict[tuple[int, profile.Place, bool], guard.Forms],
    ) -> bool:
        found = False
        for i, part in enumerate(self.parts):
            if i in self.gone:
                continue
            primary = i == self.verified.primary
            for place, value in list(part.shown.items()):
                form = forms.setdefault((i, place, False), guard.Forms([value]))
                visible = profile.is_visible(place, part.source.type, primary=primary)
                pattern = place == ("pattern",)
                if watch.hits(form, pattern=pattern, visible=visible):
                    if visible:
                        raise NotGivenError("guard-visible")
                    self.cut(i, place, "guard")
                    found = True
            for place, value in list(part.made.items()):
                form = forms.setdefault((i, place, True), guard.Forms([value]))
                if watch.hits(form):
                    del part.made[place]
                    found = True
        return found

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

    def lose(self, i: int, reason: str, *, above: bool = False) -> None:
        """Take the whole object away; *above*: it is marked above the view."""
        self.gone.add(i)
        candidate = self.objects[i]
        self.cuts.append(Cut(candidate.id, candidate.type, "", reason))
        for place, value in profile.places(self.verified.plain[i].items()):
            self._note(i, place, value, above=above)

    def cut(
        self,
        i: int,
        place: profile.Place,
        reason: str,
        *,
        row: int = 0,
        made: bool = False,
        above: bool = False,
    ) -> None:
        """Take one property away; *made*: a made value stands in the projection."""
        part = self.parts[i]
        part.shown.pop(place, None)
        if not made:
            part.made.pop(place, None)
        if place == ("sectors",) and ("name",) in part.made:
            # It may quote them.
            part.made["name",] = made_name(part.source)
        self.cuts.append(self._cut_of(i, place, reason, row=row, made=made))
        value = self.verified.plain[i]
        for name in place:
            value = value[name]
        self._note(i, place, value, above=above)

    def _note(self, i: int, place: profile.Place, value: Any, *, above: bool) -> None:
        """Keep in mind for the guard what was cut."""
        if isinstance(value, str | list | dict):
            role = roles.role_of(self.objects[i], self.attackers)
            self.withheld.append(guard.Withheld(i, place, value, role, above))

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
