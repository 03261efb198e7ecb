"""The gates and the rows of a policy, applied to one record. Pure.

First objects go, whose marks or types the view does not pass; then each property of
those left is shown, made, or cut, as its row says.
"""

from collections.abc import Mapping
from typing import Any, assert_never

from adapters import made, masking, members, roles
from adapters.cutting import Work
from adapters.handling import names_of
from adapters.personal_data import found_in
from adapters.policy import Rule
from adapters.projection import ObjectParts
from adapters.spelled import strings
from schemas import coarse, profile, stix
from schemas.markings import Tlp, granular_marks, granular_tlp
from schemas.terms import is_known_by_id


def gate(work: Work) -> None:
    """Take away objects stricter than the view, and types nobody named."""
    by_tlp: dict[Tlp, str | None] = {}
    for i, part in enumerate(work.parts):
        reason = work.handling.refusal(i)
        if reason is None:
            tlp = work.verified.tlp_of(i)
            if tlp not in by_tlp:
                by_tlp[tlp] = work.policy.tlp_refusal(work.view, tlp)
            reason = by_tlp[tlp]
        if reason is None and (
            part.kind not in work.policy.types
            or is_known_by_id(part.source.id)  # its body means nothing
        ):
            reason = "type-not-named"
        if reason is not None:
            work.lose(
                i,
                reason,
                above=reason != "type-not-named",
                approvals=work.handling.approvals(i) if reason == "held" else 0,
            )
    attackers = roles.attackers(work.staying(), work.reading.victims)
    if work.most_attackers is not None:
        attackers &= work.most_attackers
    work.tie(attackers)


def apply_policy(work: Work) -> None:
    """Decide each property of the objects that passed."""
    for i in range(len(work.objects)):
        if i not in work.gone:
            _apply_to(work, i)


def _apply_to(work: Work, i: int) -> None:
    part = work.parts[i]
    shown, rules = part.shown, work.rules.found(part.kind, work.roles[i])
    is_marked = bool(part.source.granular_markings)
    stricter = granular_tlp(part.source) if is_marked else {}
    marks = granular_marks(part.source) if is_marked else {}
    later: list[tuple[profile.Place, Any, Rule]] = []
    # Most properties go the short way: nothing is called for them.
    for place, name, value, is_visible, is_known in work.reading.objects[i].properties:
        above = _above(work, i, place, stricter, marks) if is_marked else None
        if is_visible:
            shown[place] = value
            if above is not None:
                # It cannot be cut and must not be seen.
                work.lose(i, "granular-visible", above=True)
                return
        elif above is not None:
            work.cut(i, place, above, above=True)
        else:
            rule = rules.get(name) or work.rule(i, place)
            if is_known and rule.action == "keep":
                shown[place] = value
            elif not _shows(work, i, place, value, rule):
                later.append((place, value, rule))
    for place, value, rule in later:  # made of what is shown by now
        waits = rule.action == "hold"
        action = rule.meanwhile if waits else rule.action
        instead = work.instead(part, place, value, action)
        if instead is not None:
            part.made[place] = instead
        reason = f"policy-{rule.action}" if rule.row else "not-named"
        work.cut(i, place, reason, rule, replaced=instead is not None)
    for place in work.reading.objects[i].coarse:
        _use_coarse(part, place)
    if not work.verified.complete:
        _make_again(work, i)


def _above(
    work: Work,
    i: int,
    place: profile.Place,
    stricter: Mapping[str, Any],
    marks: Mapping[str, Any],
) -> str | None:
    """Tell why the marks of a part withhold it; None if they do not."""
    for name in names_of(place):
        if name in stricter and work.policy.tlp_refusal(work.view, stricter[name]):
            return "granular-tlp"
        if name in marks and work.handling.refusal_of_part(marks[name]):
            return "granular-tlp"
    return None


def _shows(work: Work, i: int, place: profile.Place, value: Any, rule: Rule) -> bool:
    """Show *value* or cut it for what it holds; False if the rule withholds it."""
    part = work.parts[i]
    match rule.action:
        case "keep" | "listed":
            part.shown[place] = value
        case "defang":
            part.shown[place] = value
            _defang(part, place, value)
        case "mask":
            part.shown[place] = value
            if _mask(work, i, place, value, rule):
                _show_members(work, i, place, value, rule)
            return True
        case "hold" if (part.source.id, profile.spell(place)) in work.approved:
            part.shown[place] = value
        case "hold" | "drop" | "pseudonymise" | "generalise":
            return False
        case _:
            assert_never(rule.action)
    _show_members(work, i, place, value, rule)
    return True


def _show_members(
    work: Work, i: int, place: profile.Place, value: Any, rule: Rule
) -> None:
    """Let go what is inside a property that nobody knows, or no list names."""
    is_bounded = rule.only and rule.action in ("listed", "defang")
    on = work.rules.listed(rule.only) if is_bounded else None
    if not profile.is_split(place) or not isinstance(value, list):
        if not members.passes(place, value):
            work.cut(i, place, "not-named")
        elif on is not None and not members.is_listed(place, value, on):
            work.cut(i, place, "not-listed", rule)
        return
    unknown = {j for j, v in enumerate(value) if not members.passes(place, v)}
    unlisted = {
        j
        for j, v in enumerate(value)
        if on is not None and j not in unknown and not members.is_listed(place, v, on)
    }
    lost = unknown | unlisted
    if len(lost) == len(value):
        if unlisted:
            work.cut(i, place, "not-listed", rule)
        else:
            work.cut(i, place, "not-named")
    elif lost:
        work.parts[i].lost[place] = lost
        work.cuts += [
            work.cut_of(i, place, "not-listed", rule, element=j)
            if j in unlisted
            else work.cut_of(i, place, "not-named", element=j)
            for j in sorted(lost)
        ]


def _mask(work: Work, i: int, place: profile.Place, value: Any, rule: Rule) -> bool:
    """Cut what holds personal data out of a text; False if all of it is cut."""
    parts = masking.parts_of(work.verified, i, place)
    if not parts:
        found = [found_in([s], recogniser=work.recogniser) for s in strings(value)]
        kinds = {kind for each in found for kind in each.get(0, ())}
        if not kinds:
            return True
        work.cut_softly(i, place, "mask-hit", value, rule=rule, found=kinds)
        return False
    texts = [text for _, _, text in parts]
    hits = found_in(texts, recogniser=work.recogniser)
    return work.cut_sentences(i, place, hits, "mask-hit", rule)


def _use_coarse(part: ObjectParts, place: profile.Place) -> None:
    """Let the issuer's coarse value stand where the exact one does not."""
    base = (place[0].removeprefix(coarse.PREFIX),)
    if place in part.shown and base not in part.shown:
        part.made.setdefault(base, coarse.shown_as(part.shown[place]))


def _make_again(work: Work, i: int) -> None:
    """Make required values that were withheld, and made, on the way here."""
    part, candidate = work.parts[i], work.objects[i]
    for name in stix.required_of(candidate) - work.verified.plain[i].keys():
        is_time = name in ("published", "valid_from")
        made_of = work.verified.claims.ver if is_time else candidate.id
        instead = work.softer(i, (name,), made_of)
        if instead is not None:
            part.made[name,] = instead


def _defang(part: ObjectParts, place: profile.Place, value: Any) -> None:
    part.made[place] = made.defanged(value)
    if part.kind in stix.OBSERVABLE_TYPES and not part.source.defanged:
        part.made["defanged",] = True  # STIX 2.1, Common Properties
