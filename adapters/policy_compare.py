"""Two policies -> what differs in meaning: for whom, of what, and whether it shows more.

Pure. Names, titles, reasons and the order of rows are text and do not count; nor does a
row that no view meets. What is the same under both is not listed, so an empty answer
says that both redact alike.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Final

import msgspec

from adapters.policy import GENERAL, NOT_NAMED, Policy, Role, Rule, passes
from adapters.policy_changes import (
    Differences,
    Given,
    Mark,
    OtherChange,
    Place,
    RowChange,
)
from adapters.policy_checks import ROLE_LISTS
from adapters.policy_file import Action, Pass
from adapters.policy_names import is_property, roles_of
from adapters.policy_table import spelled
from broker.directory import DEFAULT_CLEARANCE, Audience

# Each shows more than all in the sets behind it; the rest cannot be compared. What
# persons may agree to show whole counts as more than a value made in its place.
_BELOW: Final[dict[Action, frozenset[Action]]] = {
    "keep": frozenset(
        {"listed", "defang", "mask", "hold", "generalise", "pseudonymise", "drop"}
    ),
    "listed": frozenset({"generalise", "pseudonymise", "drop"}),
    "defang": frozenset({"generalise", "pseudonymise", "drop"}),
    "mask": frozenset({"generalise", "pseudonymise", "drop"}),
    "hold": frozenset({"generalise", "pseudonymise", "drop"}),
    "generalise": frozenset({"drop"}),
    "pseudonymise": frozenset({"drop"}),
    "drop": frozenset(),
}
_PASSED_BY: Final[dict[Pass, frozenset[Pass]]] = {
    "cleared": frozenset({"affected", "addressed", "hold", "nobody"}),
    "affected": frozenset({"addressed", "nobody"}),
    "addressed": frozenset({"nobody"}),
    "hold": frozenset({"nobody"}),
    "nobody": frozenset(),
}
_GRAINS: Final = ("day", "hour", "exact")


def compare(old: Policy, new: Policy) -> Differences:
    """Tell what changes in meaning from *old* to *new*."""
    others = [
        *_audiences(old, new),
        *_gates(old, new),
        *_ages(old, new),
        *_lists(old, new),
    ]
    if old.review_s != new.review_s:
        others.append(
            OtherChange(
                subject="review",
                name="review-days",
                audience=None,
                mark="other",  # longer to agree, and longer to wait
                before=str(old.file.review_days),
                after=str(new.file.review_days),
            )
        )
    return Differences(tuple(_row_changes(old, new)), tuple(others))


# --------------------------------------------------------------------------- rows


def _row_changes(old: Policy, new: Policy) -> list[RowChange]:
    both = [a for a in DEFAULT_CLEARANCE if a in old.audiences and a in new.audiences]
    laws = _laws(
        old, new, lambda p, law: [law in each.jurisdictions for each in p.file.limit]
    )
    whats = _whats(old, new)
    # Else a law changes nothing.
    limited = {
        (kind, name)
        for policy in (old, new)
        for each in policy.file.limit
        if each.jurisdictions
        for kind in each.types
        for name in each.properties
    }
    under_a_law = [
        what
        for what in whats
        if not limited.isdisjoint(product((what[0], GENERAL), (what[2], GENERAL)))
    ]
    found: list[RowChange] = []
    for audience in both:
        everywhere = dict(_changed(old, new, audience, "", whats))
        found += _grouped(audience, (), everywhere)
        for of_laws in laws[1:]:
            here = _changed(old, new, audience, of_laws[0], under_a_law)
            # What is as everywhere was said there.
            special = {p: c for p, c in here if everywhere.get(p) != c}
            found += _grouped(audience, of_laws, special)
    return sorted(found, key=msgspec.structs.astuple)


def _whats(old: Policy, new: Policy) -> list[tuple[str, Role, str]]:
    """List the properties that some row names, by type and role."""
    kinds = old.types | new.types
    named = {
        (kind, name)
        for policy in (old, new)
        for row in policy.file.row
        for of_kind in row.types
        for kind in (kinds if of_kind == GENERAL else (of_kind,))
        for name in row.properties
        if is_property(kind, name)
    }
    return [(kind, role, name) for kind, name in named for role in roles_of(kind)]


def _laws(
    old: Policy, new: Policy, told: Callable[[Policy, str], object]
) -> list[tuple[str, ...]]:
    """Put countries together whose law makes no difference; first those of none."""
    named = {
        law
        for policy in (old, new)
        for laws in (
            *(each.jurisdictions for each in policy.file.limit),
            *(each.jurisdictions for each in policy.file.retention),
        )
        for law in laws
    }
    groups: dict[str, list[str]] = {}
    nowhere = repr((told(old, ""), told(new, "")))
    for law in sorted(named):
        group = repr((told(old, law), told(new, law)))
        if group != nowhere:
            groups.setdefault(group, []).append(law)
    return [(), *map(tuple, groups.values())]


def _changed(
    old: Policy,
    new: Policy,
    audience: Audience,
    law: str,
    whats: Iterable[tuple[str, Role, str]],
) -> Iterator[tuple[Place, tuple[Given, Given, Mark]]]:
    for concerned in (False, True):
        of_old = old.rules(audience, law, concerned=concerned)
        of_new = new.rules(audience, law, concerned=concerned)
        for kind, role, name in whats:
            before = of_old.of(kind, role, name) if kind in old.types else NOT_NAMED
            after = of_new.of(kind, role, name) if kind in new.types else NOT_NAMED
            if _is_same(old, before, new, after):
                continue
            yield (
                Place(kind, name, role, concerned),
                (
                    _given(old, before),
                    _given(new, after),
                    _mark(old, before, new, after),
                ),
            )


def _grouped(
    audience: Audience,
    laws: tuple[str, ...],
    changes: dict[Place, tuple[Given, Given, Mark]],
) -> Iterator[RowChange]:
    groups: dict[tuple[Given, Given, Mark], list[Place]] = {}
    for place, change in changes.items():
        groups.setdefault(change, []).append(place)
    for (before, after, mark), places in groups.items():
        yield RowChange(
            audience=audience,
            laws=laws,
            mark=mark,
            before=before,
            after=after,
            places=tuple(sorted(places)),
        )


def _bound(policy: Policy, rule: Rule) -> frozenset[str] | None:
    """Give the words that bound what passes; None: nothing does."""
    is_bounded = rule.only and rule.action in ("listed", "defang")
    return policy.words(rule.only) if is_bounded else None


def _is_same(old: Policy, before: Rule, new: Policy, after: Rule) -> bool:
    """Tell whether a reader of the redaction could notice nothing.

    That a list of the same name holds other words is said of the list, once.
    """
    if before.action != after.action:
        return False
    if before.action == "hold":
        waits = (before.approvals, before.meanwhile)
        return waits == (after.approvals, after.meanwhile)
    one, other = _bound(old, before), _bound(new, after)
    return one == other or (None not in (one, other) and before.only == after.only)


def _given(policy: Policy, rule: Rule) -> Given:
    limits, rows = policy.file.limit, policy.file.row
    title = rows[rule.row - 1].title if rule.row else ""
    return Given(spelled(rule), limits[rule.limit - 1].title if rule.limit else title)


def _mark(old: Policy, before: Rule, new: Policy, after: Rule) -> Mark:
    if before.action != after.action:
        if before.action in _BELOW[after.action]:
            return "more"
        return "less" if after.action in _BELOW[before.action] else "other"
    if before.action == "hold":
        return _of_waits(before, after)
    return _of_words(_bound(old, before), _bound(new, after))


def _of_waits(before: Rule, after: Rule) -> Mark:
    marks: set[Mark] = set()
    if before.approvals != after.approvals:
        marks.add("more" if after.approvals < before.approvals else "less")
    if before.meanwhile != after.meanwhile:
        fewer: Mark = "less" if after.meanwhile == "drop" else "other"
        marks.add("more" if before.meanwhile == "drop" else fewer)
    return marks.pop() if len(marks) == 1 else "other"


def _of_words(before: frozenset[str] | None, after: frozenset[str] | None) -> Mark:
    """Tell which of two lists lets more pass; None: all passes."""
    if before is None or after is None:
        return "more" if after is None else "less"
    added, removed = _uncovered(after, before), _uncovered(before, after)
    if bool(added) == bool(removed):
        return "other"
    return "more" if added else "less"


def _uncovered(words: Iterable[str], by: Iterable[str]) -> list[str]:
    """List the words that others do not let pass already."""
    exact = {*by}
    starts = tuple(word[:-1] for word in exact if word.endswith("*"))
    return sorted(w for w in {*words} - exact if not w.startswith(starts))


# ------------------------------------------------------------------------- the rest


def _audiences(old: Policy, new: Policy) -> Iterator[OtherChange]:
    # A value that a wider audience loses is made as for those behind it.
    orders = [
        [a for a in p.with_rows if a in q.with_rows]
        for p, q in ((old, new), (new, old))
    ]
    if orders[0] != orders[1]:
        yield OtherChange(
            subject="audience",
            name="order",
            audience=None,
            mark="other",
            before=", ".join(orders[0]),
            after=", ".join(orders[1]),
        )
    for audience in DEFAULT_CLEARANCE:
        one, other = old.audiences.get(audience), new.audiences.get(audience)
        if one is None or other is None:
            if one is not other:
                yield OtherChange(
                    subject="audience",
                    name="known",
                    audience=audience,
                    mark="more" if one is None else "less",
                    before="no" if one is None else "yes",
                    after="no" if other is None else "yes",
                )
            continue
        if one.time != other.time:
            finer = _GRAINS.index(other.time) > _GRAINS.index(one.time)
            yield OtherChange(
                subject="audience",
                name="time",
                audience=audience,
                mark="more" if finer else "less",
                before=one.time,
                after=other.time,
            )
        if one.after_days != other.after_days:
            yield OtherChange(
                subject="audience",
                name="after-days",
                audience=audience,
                mark="more" if other.after_days < one.after_days else "less",
                before=str(one.after_days),
                after=str(other.after_days),
            )


def _gates(old: Policy, new: Policy) -> Iterator[OtherChange]:
    other_gates = {gate.mark: gate for gate in new.file.gate}
    for gate in sorted(old.file.gate, key=lambda each: each.mark):
        other = other_gates[gate.mark]  # every policy states them all
        for audience in DEFAULT_CLEARANCE:
            if audience not in old.audiences or audience not in new.audiences:
                continue
            before = passes(gate, old.audiences[audience])
            after = passes(other, new.audiences[audience])
            waits = before == after == "hold" and gate.approvals != other.approvals
            if before == after and not waits:
                continue
            if waits:
                fewer = other.approvals < gate.approvals
                mark: Mark = "more" if fewer else "less"
            elif before in _PASSED_BY[after]:
                mark = "more"
            else:
                mark = "less" if after in _PASSED_BY[before] else "other"
            yield OtherChange(
                subject="gate",
                name=gate.mark,
                audience=audience,
                mark=mark,
                before=_said(before, gate.approvals),
                after=_said(after, other.approvals),
            )


def _said(word: Pass, approvals: int) -> str:
    return f"{word}: {approvals}" if word == "hold" else word


def _oldest(policy: Policy, law: str) -> int | None:
    return min(
        (each.days for each in policy.file.retention if law in each.jurisdictions),
        default=None,
    )


def _ages(old: Policy, new: Policy) -> Iterator[OtherChange]:
    for laws in _laws(old, new, _oldest)[1:]:
        before, after = _oldest(old, laws[0]), _oldest(new, laws[0])
        if before == after:
            continue
        longer = after is None or (before is not None and after > before)
        yield OtherChange(
            subject="retention",
            name="days",
            audience=None,
            laws=laws,
            mark="more" if longer else "less",
            before="" if before is None else str(before),
            after="" if after is None else str(after),
        )


def _lists(old: Policy, new: Policy) -> Iterator[OtherChange]:
    """List words that come or go.

    A list that one policy alone has is part of what its rows say, but for those that
    roles are read from: without them nobody has the role.
    """
    named = [{each.name for each in policy.file.lists} for policy in (old, new)]
    for name in sorted((named[0] & named[1]) | {*ROLE_LISTS}):
        before, after = old.words(name), new.words(name)
        added, removed = _uncovered(after, before), _uncovered(before, after)
        if not added and not removed:
            continue
        # Who stands on this one is protected by it.
        more, less = (removed, added) if name == "protected" else (added, removed)
        mark: Mark = "other"
        if not (more and less):
            mark = "more" if more else "less"
        yield OtherChange(
            subject="list",
            name=name,
            audience=None,
            mark=mark,
            before=", ".join(removed),
            after=", ".join(added),
        )
