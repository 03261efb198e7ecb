"""What stays of a record and what goes: the state of one redaction. Pure.

The steps that change it are `adapters.applying` (gates and rows), `adapters.settling`
(what follows) and `adapters.guarding` (the last look).
"""

from collections.abc import Collection, Mapping, Set
from functools import cached_property
from typing import Any, Final

from adapters import guard, made, masking, roles
from adapters.cuts import Cut, Part
from adapters.handling import Handling
from adapters.personal_data import Recogniser
from adapters.policy import NOT_NAMED, Action, Policy, Role, Rule, Rules
from adapters.projection import Author, ObjectParts
from adapters.reading import Reading
from adapters.view import View
from schemas import coarse, profile, stix

# Of which a made name tells, if they are shown.
_TOLD_BY_NAMES: Final = frozenset({("sectors",), ("country",)})


class Work:
    """The state of one redaction: parts that stay, objects that are gone.

    Args:
        attackers: Ids that may at most count as the attacker's; None: any.
        now: RFC 3339; policies that end are over by then.
        approved: Parts that persons agreed to show.
        recogniser: Finds names in texts that are masked.
    """

    def __init__(
        self,
        reading: Reading,
        view: View,
        policy: Policy,
        author: Author,
        *,
        attackers: frozenset[str] | None,
        now: str,
        approved: Set[Part] = frozenset(),
        recogniser: Recogniser | None = None,
    ) -> None:
        verified = reading.verified
        self.verified, self.view, self.policy, self.author = (
            verified, view, policy, author,
        )  # fmt: skip
        self.reading = reading
        self.objects, self.issuer = verified.objects, reading.issuer
        self.approved, self.recogniser = approved, recogniser
        self.rules = policy.seen_by(view)
        self.handling = Handling(reading, view, policy, now, approved)
        self.attackers = frozenset[str]()
        self.most_attackers = attackers
        self.parts = [ObjectParts(o, o.type) for o in self.objects]
        self.roles = [self.role_of(i) for i in range(len(self.parts))]
        self.gone: set[int] = set()
        self.cuts: list[Cut] = []
        self.withheld: list[guard.Withheld] = []

    def staying(self) -> list[stix.StixObject]:
        """List the objects that are not gone."""
        return [o for i, o in enumerate(self.objects) if i not in self.gone]

    def role_of(self, i: int) -> Role:
        """Give the role of an object, as far as it is known who attacks."""
        part = self.parts[i]
        return roles.role_of(
            part.source, part.kind, self.attackers, self.issuer, self.policy.words
        )

    def tie(self, attackers: frozenset[str]) -> None:
        """Let these observables be the attacker's."""
        self.attackers = attackers
        for attacker in attackers & self.reading.index.keys():
            i = self.reading.index[attacker]
            self.roles[i] = self.role_of(i)

    def rule(self, i: int, place: profile.Place) -> Rule:
        """Find the rule for a property as this view meets it."""
        return self.rule_of(self.rules, i, place)

    def rule_of(self, rules: Rules, i: int, place: profile.Place) -> Rule:
        """Find the rule for a property among *rules*."""
        name = place[0] if len(place) == 1 else profile.spell(place)
        if name.count(".") >= len(place):
            return NOT_NAMED  # no name of STIX has a dot; it would spell another place
        return rules.of(self.parts[i].kind, self.roles[i], name)

    @cached_property
    def narrower(self) -> list[Rules]:
        """Give the rules of this view, and of those that get less."""
        law = self.view.jurisdiction
        return [
            self.policy.rules(audience, law, concerned=concerned)
            for concerned in ((True, False) if self.view.concerned else (False,))
            for audience in self.policy.narrower(self.view.audience)
        ]

    def softer(self, i: int, place: profile.Place, value: Any) -> Any:
        """Make what narrower views get of a value; None where they get nothing.

        Else a narrower view would keep an object that this one loses.
        """
        for rules in self.narrower:
            action = self.rule_of(rules, i, place).action
            instead = self.instead(self.parts[i], place, value, action)
            if instead is not None:
                return instead
        return None

    def cut_softly(
        self,
        i: int,
        place: profile.Place,
        reason: str,
        value: Any,
        *,
        rule: Rule = NOT_NAMED,
        found: Collection[str] = (),
    ) -> None:
        """Cut a value for what it holds; what narrower views get stands instead.

        Args:
            found: Kinds of personal data that were found in it.
        """
        instead = self.softer(i, place, value)
        if instead is not None:
            self.parts[i].made[place] = instead
        replaced = instead is not None
        self.cut(i, place, reason, rule, replaced=replaced, found=found)

    def cut_sentences(
        self,
        i: int,
        place: profile.Place,
        found: Mapping[int, Collection[str]],
        reason: str,
        rule: Rule = NOT_NAMED,
    ) -> bool:
        """Cut sentences out of a text; False if nothing is left of it.

        Args:
            found: What each of them holds, by its position among the disclosed ones.
        """
        part = self.parts[i]
        parts = masking.parts_of(self.verified, i, place)
        lost = {*part.lost.get(place, ()), *found}
        if len(lost) == len(parts):
            said = {kind for kinds in found.values() for kind in kinds}
            value = self.verified.plain[i][place[0]]
            self.cut_softly(i, place, reason, value, rule=rule, found=said)
            return False
        if found:
            gaps = self.verified.origins[i].gaps.get(place, 0)
            part.lost[place] = lost
            part.shown[place] = masking.without(parts, lost, gaps)
        for j, kinds in sorted(found.items()):
            self.cuts.append(
                self.cut_of(i, place, reason, rule, element=j, found=kinds)
            )
            self.note(i, place, parts[j][2], above=False)
        return True

    def instead(
        self, part: ObjectParts, place: profile.Place, value: Any, action: Action
    ) -> Any:
        """Make what stands for a value under *action*; None where nothing does."""
        if self.handling.binding and self.handling.has_terms(part.source, place):
            return None  # its terms may not be readable where it is
        if action == "pseudonymise":
            return self.author.pseudonyms.of(self.view.audience, part.kind, value)
        if action == "generalise":
            grain = self.rules.grain
            return made.generalised(part.source, place, value, grain, part.shown)
        return None

    def is_visible(self, i: int, place: profile.Place) -> bool:
        """Tell whether the evidence shows a property, whatever is decided here."""
        return self.reading.objects[i].shows(place)

    def lose(
        self, i: int, reason: str, *, above: bool = False, approvals: int = 0
    ) -> None:
        """Take the whole object away; *above*: it is marked above the view."""
        self.gone.add(i)
        part = self.parts[i]
        cut = Cut(part.source.id, part.kind, "", reason, approvals=approvals)
        self.cuts.append(cut)
        for place, _, value, _, _ in self.reading.objects[i].properties:
            self.note(i, place, value, above=above)

    def cut(
        self,
        i: int,
        place: profile.Place,
        reason: str,
        rule: Rule = NOT_NAMED,
        *,
        replaced: bool = False,
        above: bool = False,
        found: Collection[str] = (),
    ) -> None:
        """Take one property away; *replaced*: a made value stands instead."""
        part = self.parts[i]
        telling = bool(part.made) and place in _TOLD_BY_NAMES and ("name",) in part.made
        told = self.instead(part, ("name",), "", "generalise") if telling else None
        part.shown.pop(place, None)
        if not replaced:
            part.made.pop(place, None)
        if place[0].startswith(coarse.PREFIX):
            part.made.pop((place[0].removeprefix(coarse.PREFIX),), None)
        if telling and part.made["name",] == told:
            del part.made["name",]
            again = self.instead(part, ("name",), "", "generalise")
            if again is not None:
                part.made["name",] = again
        self.cuts.append(
            self.cut_of(i, place, reason, rule, made=replaced, found=found)
        )
        value = self.verified.plain[i]
        for name in place:
            value = value[name]
        self.note(i, place, value, above=above)

    def note(self, i: int, place: profile.Place, value: Any, *, above: bool) -> None:
        """Keep in mind for the guard what was cut."""
        if type(value) is str and (i, place) not in self.reading.spelled.slots:
            return  # an id or a time
        if guard.says_something(place, value):
            cut = guard.Withheld(i, place, value, self.roles[i], above)
            self.withheld.append(cut)

    def cut_of(
        self,
        i: int,
        place: profile.Place,
        reason: str,
        rule: Rule = NOT_NAMED,
        *,
        made: bool = False,
        element: int = -1,
        found: Collection[str] = (),
    ) -> Cut:
        """Say what was cut, and why."""
        part = self.parts[i]
        return Cut(
            part.source.id,
            part.kind,
            profile.spell(place),
            reason,
            rule.row,
            made,
            rule.limit,
            rule.approvals if reason == "policy-hold" else 0,
            element,
            tuple(sorted(found)) if found else (),
        )
