"""What stays of a record and what goes: the state of one redaction. Pure.

Past 400 lines, because all steps of a redaction change this one state.
"""

from collections.abc import Collection
from typing import Any, Final, assert_never

import msgspec

from adapters import guard, made, members, roles
from adapters.cascade import ObjectLoss, cascade, lacks
from adapters.cuts import Cut, NotGivenError
from adapters.handling import Handling, names_of
from adapters.ids import Ids
from adapters.policy import NOT_NAMED, Action, Policy, Role, Rule, TimeGrain
from adapters.projection import Author, ObjectParts
from adapters.view import AUDIENCES, View, tlp_refusal
from broker.blinding import org_identity
from broker.directory import Audience
from broker.trust import Verified
from schemas import coarse, profile, stix
from schemas.markings import granular_marks, granular_tlp, is_known_marking

_CONTENTS: Final = ("contents",)  # of translations
# Rounds until the guard has nothing more to cut; each cuts more, so that a record made
# to need many would keep it busy. Real ones need two.
_MAX_ROUNDS: Final = 16


class Work:
    """The state of one redaction: parts that stay, objects that are gone.

    Args:
        attackers: Ids that may at most count as the attacker's; None: any.
        now: RFC 3339; policies that end are over by then.
    """

    def __init__(
        self,
        verified: Verified,
        view: View,
        policy: Policy,
        author: Author,
        *,
        attackers: frozenset[str] | None,
        now: str,
    ) -> None:
        self.verified, self.view, self.policy, self.author = (
            verified, view, policy, author,
        )  # fmt: skip
        self.objects = verified.objects
        self.ids = Ids(o.id for o in self.objects)
        self.places = {o.id: i for i, o in enumerate(self.objects)}
        self.issuer = org_identity(verified.issuer)
        self.handling = Handling(verified, view, now)
        self.victims = roles.victims(self.objects)
        self.attackers = frozenset[str]()
        self.most_attackers = attackers
        self.parts = [ObjectParts(o, o.type) for o in self.objects]
        self._roles = self._roles_given(())
        self.gone: set[int] = set()
        self.cuts: list[Cut] = []
        self.withheld: list[guard.Withheld] = []

    def run(self) -> None:
        """Take all steps."""
        self.gate()
        self.apply_policy()
        self.settle()
        self.check()
        if self.verified.primary in self.gone:
            raise NotGivenError("primary-withheld")

    def staying(self) -> list[stix.StixObject]:
        """List the objects that are not gone."""
        return [o for i, o in enumerate(self.objects) if i not in self.gone]

    # ---------------------------------------------------------------- steps

    def gate(self) -> None:
        """Take away objects stricter than the view, and types nobody named."""
        for i, part in enumerate(self.parts):
            reason = self.handling.refusal(i)
            if reason is None:
                reason = tlp_refusal(self.view, self.verified.tlp_of(i))
            if reason is None and (
                part.kind not in self.policy.types
                # TLP is read from the table; a body sent along is never trusted.
                or is_known_marking(part.source.id)
            ):
                reason = "type-not-named"
            if reason is not None:
                self.lose(i, reason, above=reason != "type-not-named")
        self.attackers = roles.attackers(self.staying(), self.victims)
        if self.most_attackers is not None:
            self.attackers &= self.most_attackers
        self._roles = self._roles_given(self.attackers)

    def _roles_given(self, attackers: Collection[str]) -> list[Role]:
        return [
            roles.role_of(p.source, p.kind, attackers, self.issuer) for p in self.parts
        ]

    def apply_policy(self) -> None:
        """Decide each property of the objects that passed."""
        for i in range(len(self.objects)):
            if i not in self.gone:
                self._apply_to(i)

    def _apply_to(self, i: int) -> None:
        part = self.parts[i]
        primary = i == self.verified.primary
        stricter = granular_tlp(part.source)
        marks = granular_marks(part.source)
        plain = self.verified.plain[i]
        is_own = plain.get("created_by_ref") == self.issuer
        later: list[tuple[profile.Place, Any, Rule]] = []
        for place, value in profile.places(plain.items()):
            above = any(
                (name in stricter and tlp_refusal(self.view, stricter[name]))
                or self.handling.refusal_of(marks.get(name, ()))
                for name in names_of(place)
            )
            if profile.is_visible(place, part.kind, primary=primary, own=is_own):
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
            self.cut(i, place, reason, row=rule.row, replaced=instead is not None)
        self._use_coarse(part)
        if not self.verified.complete:
            self._make_again(i)

    def _use_coarse(self, part: ObjectParts) -> None:
        """Let the issuer's coarse values stand where the exact ones do not."""
        for place, value in part.shown.items():
            base = (place[0].removeprefix(coarse.PREFIX),)
            if place[0].startswith(coarse.PREFIX) and base not in part.shown:
                part.made.setdefault(base, coarse.shown_as(value))

    def _rule(self, i: int, place: profile.Place) -> Rule:
        return self._rule_for(self.view.audience, i, place, self.view.concerned)

    def _rule_for(
        self, audience: Audience, i: int, place: profile.Place, concerned: bool
    ) -> Rule:
        name = place[0] if len(place) == 1 else profile.spell(place)
        if name.count(".") >= len(place):
            return NOT_NAMED  # no name of STIX has a dot; it would spell another place
        base = name.removeprefix(coarse.PREFIX)
        rule = self.policy.rule(
            audience, self.parts[i].kind, self._roles[i], base, concerned=concerned
        )
        if base != name and rule.action == "generalise":
            # The issuer's own coarse value; verifying has shown that it is one.
            return msgspec.structs.replace(rule, action="keep")
        return rule

    def _softer(self, i: int, place: profile.Place, value: Any) -> Any:
        """Make what narrower views get of a value; None where they get nothing.

        Else a narrower view would keep an object that this one loses.
        """
        narrower = AUDIENCES[AUDIENCES.index(self.view.audience) :]
        for concerned in (True, False) if self.view.concerned else (False,):
            for audience in narrower:
                action = self._rule_for(audience, i, place, concerned).action
                instead = self._instead(self.parts[i], place, value, action)
                if instead is not None:
                    return instead
        return None

    def _cut_softly(
        self, i: int, place: profile.Place, reason: str, value: Any, *, row: int = 0
    ) -> None:
        """Cut a value for what it holds."""
        instead = self._softer(i, place, value)
        if instead is not None:
            self.parts[i].made[place] = instead
        self.cut(i, place, reason, row=row, replaced=instead is not None)

    def _shows(self, i: int, place: profile.Place, value: Any, rule: Rule) -> bool:
        """Show *value* or cut it for what it holds; False if the rule withholds it."""
        part = self.parts[i]
        match rule.action:
            case "keep":
                part.shown[place] = value
            case "defang":
                part.shown[place] = value
                _defang(part, place, value)
            case "mask" if guard.is_clean(value):
                part.shown[place] = value
            case "mask":
                self._cut_softly(i, place, "mask-hit", value, row=rule.row)
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
        if self.handling.binding and self.handling.has_terms(part.source, place):
            return None  # its terms may not be readable where it is
        if action == "pseudonymise":
            return made.pseudonym(
                self.author.pseudonym_key, self.view.audience, part.kind, value
            )
        if action == "generalise":
            sectors = part.shown.get(("sectors",), ())
            return made.generalised(part.source, place, value, self._grain(), sectors)
        return None

    def _make_again(self, i: int) -> None:
        """Make required values that were withheld, and made, on the way here."""
        part, candidate = self.parts[i], self.objects[i]
        for name in stix.required_of(candidate) - self.verified.plain[i].keys():
            is_time = name in ("published", "valid_from")
            made_of = self.verified.claims.ver if is_time else candidate.id
            instead = self._softer(i, (name,), made_of)
            if instead is not None:
                part.made[name,] = instead

    def _grain(self) -> TimeGrain:
        return self.policy.times.get(self.view.audience, "day")

    def complete(self) -> None:
        """Take away what is signed and stays in the evidence, but is no valid STIX."""
        parts = enumerate(self.parts)
        if any(i not in self.gone and lacks(part, whole=True) for i, part in parts):
            self.settle(whole=True)

    def settle(self, *, whole: bool = False) -> None:
        """Let references go with their targets, translations with their originals.

        Args:
            whole: Of what is left, only complete objects may stay.
        """
        while True:
            for loss in cascade(
                self.ids,
                self.parts,
                self.gone,
                {self.issuer},
                whole=whole,
                more=self.handling.uses(self.parts, self.gone, self._is_visible),
            ):
                if isinstance(loss, ObjectLoss):
                    by_mark = loss.reason != "required-withheld"
                    self.lose(loss.index, loss.reason, above=by_mark)
                elif loss.element is None:
                    by_mark = loss.reason != "reference-withheld"
                    self.cut(loss.index, loss.place, loss.reason, above=by_mark)
                else:
                    self.cuts.append(self._cut_of(loss.index, loss.place, loss.reason))
            revealing = [
                i
                for i, part in enumerate(self.parts)
                if i not in self.gone
                and part.kind == "language-content"
                and _CONTENTS in part.shown
                and self._reveals(i)
            ]
            if not revealing:
                return
            for i in revealing:
                self.cut(i, _CONTENTS, "reference-withheld")

    def _is_visible(self, i: int, place: profile.Place) -> bool:
        primary = i == self.verified.primary
        own = self.verified.plain[i].get("created_by_ref") == self.issuer
        return profile.is_visible(place, self.parts[i].kind, primary=primary, own=own)

    def _reveals(self, i: int) -> bool:
        """Tell whether a translation repeats what is not shown of its original."""
        target = self.places.get(str(getattr(self.objects[i], "object_ref", "")))
        if target is None:
            return True
        original, contents = self.parts[target], self.parts[i].shown[_CONTENTS]
        names = {name for words in contents.values() for name in words}
        return not all(original.shows_whole((name,)) for name in names)

    def check(self) -> None:
        """Withhold what repeats an identifying value that was cut."""
        everything: guard.Forms | None = None
        for _ in range(_MAX_ROUNDS):
            watch = guard.Watch(self.verified, self.withheld)
            self.withheld = []
            if watch.is_empty():
                return
            if watch.hits_claims():
                raise NotGivenError("guard-visible")
            if everything is None:
                everything = guard.Forms(
                    value
                    for i, part in enumerate(self.parts)
                    if i not in self.gone
                    for value in part.values()
                )
            if not watch.narrow(everything):
                raise NotGivenError("guard-visible")
            if watch.is_empty() or not self._withhold_hits(watch):
                return
            self.settle()
        raise NotGivenError("guard-visible")

    def _withhold_hits(self, watch: guard.Watch) -> bool:
        found = False
        for i, part in enumerate(self.parts):
            if i not in self.gone and watch.hits(guard.Forms(part.values())):
                found |= self._withhold_hits_of(i, watch)
        return found

    def _withhold_hits_of(self, i: int, watch: guard.Watch) -> bool:
        part, found = self.parts[i], False
        primary = i == self.verified.primary
        own = self.verified.plain[i].get("created_by_ref") == self.issuer
        for place, value in list(part.shown.items()):
            visible = profile.is_visible(place, part.kind, primary=primary, own=own)
            context = guard.context_of(part.kind, place, visible=visible)
            if watch.hits(guard.Forms([value]), context):
                if visible:
                    raise NotGivenError("guard-visible")
                self._cut_softly(i, place, "guard", value)
                found = True
        for place, value in list(part.made.items()):
            # Pseudonyms are random: a short word may stand in one by chance.
            if watch.hits(guard.Forms([value]), guard.Context.VOCABULARY):
                del part.made[place]
                found = True
        return found

    # ---------------------------------------------------------------- losses

    def lose(self, i: int, reason: str, *, above: bool = False) -> None:
        """Take the whole object away; *above*: it is marked above the view."""
        self.gone.add(i)
        part = self.parts[i]
        self.cuts.append(Cut(part.source.id, part.kind, "", reason))
        for place, value in profile.places(self.verified.plain[i].items()):
            self._note(i, place, value, above=above)

    def cut(
        self,
        i: int,
        place: profile.Place,
        reason: str,
        *,
        row: int = 0,
        replaced: bool = False,
        above: bool = False,
    ) -> None:
        """Take one property away; *replaced*: a made value stands instead."""
        part = self.parts[i]
        part.shown.pop(place, None)
        if not replaced:
            part.made.pop(place, None)
        if place[0].startswith(coarse.PREFIX):
            part.made.pop((place[0].removeprefix(coarse.PREFIX),), None)
        if place == ("sectors",) and ("name",) in part.made:
            # It may quote them.
            part.made["name",] = self._instead(part, ("name",), "", "generalise")
        self.cuts.append(self._cut_of(i, place, reason, row=row, made=replaced))
        value = self.verified.plain[i]
        for name in place:
            value = value[name]
        self._note(i, place, value, above=above)

    def _note(self, i: int, place: profile.Place, value: Any, *, above: bool) -> None:
        """Keep in mind for the guard what was cut."""
        if guard.says_something(place, value):
            cut = guard.Withheld(i, place, value, self._roles[i], above)
            self.withheld.append(cut)

    def _cut_of(
        self,
        i: int,
        place: profile.Place,
        reason: str,
        *,
        row: int = 0,
        made: bool = False,
    ) -> Cut:
        part = self.parts[i]
        name = profile.spell(place)
        return Cut(part.source.id, part.kind, name, reason, row, made)


def _defang(part: ObjectParts, place: profile.Place, value: Any) -> None:
    part.made[place] = made.defanged(value)
    if part.kind in stix.OBSERVABLE_TYPES and not part.source.defanged:
        part.made["defanged",] = True  # STIX 2.1, Common Properties
