"""Loose objects into cases: one record each, with all that belongs to it. Pure, linear.

A case is an incident, else a campaign, else a report, else a grouping. To it belongs
what it refers to, what its relationships lead to, and so on from there; and what speaks
of these: indicators, sightings, notes, opinions, observations, translations. What many
cases share (identities, places, markings, techniques, tools, vulnerabilities, advice)
comes along and leads no further; nor does another case.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from schemas.record import MAX_OBJECTS

RANKS: Final = {"incident": 0, "campaign": 1, "report": 2, "grouping": 3}
"""The types that a case can be, the first before the others."""

SUPPORTING: Final = frozenset(
    {"marking-definition", "extension-definition", "identity"}
)
"""What makes no record by itself, and when it changes, no new version of one."""

_SHARED: Final = SUPPORTING | {
    "location",
    "attack-pattern",
    "tool",
    "vulnerability",
    "course-of-action",
}
# Parts of an incident alone: whoever is tied to them is part of the case, too.
_OWN: Final = frozenset({"event", "impact", "task"})
_TELLING: Final = frozenset(
    {
        "indicator",
        "sighting",
        "note",
        "opinion",
        "observed-data",
        "language-content",
        "malware-analysis",
    }
)
_CONTAINERS: Final = frozenset({"report", "grouping"})
MAX_PART: Final = (
    5_000  # objects of a report that gathers the rest; half fits on a page
)
_MOST_TIMES: Final = 30  # so often an object goes into a record, on average
_FEW: Final = 100  # relationships of something shared; with more it is a hub
_MOST_LISTED: Final = 20  # markings and creators of one object that are taken along


class Node(msgspec.Struct, frozen=True):
    """What splitting knows of an object.

    Attributes:
        refs: Ids it refers to, in order; for relationships without their ends.
        ends: Source and target of a relationship.
        support: Ids of its markings and its creator.
        is_fresh: Whether it came since records were last written.
    """

    id: str
    type: str
    refs: tuple[str, ...] = ()
    ends: tuple[str, str] | None = None
    support: tuple[str, ...] = ()
    is_fresh: bool = True


class Group(msgspec.Struct, frozen=True):
    """Objects that make one record.

    Attributes:
        primary: Id of the case; None for what belongs to none.
        members: Ids, the primary's first, then in order of ids.
        is_fresh: Whether something in it is new, apart from what only supports.
    """

    primary: str | None
    members: tuple[str, ...]
    is_fresh: bool


class Split(msgspec.Struct, frozen=True):
    """A collection as records.

    Attributes:
        groups: Every case, then what is fresh and belongs to none, in parts.
        is_narrow: Whether cases share so much that each came with its direct
            neighbours alone.
        waiting: How many fresh objects only support others that did not come yet.
    """

    groups: tuple[Group, ...]
    is_narrow: bool
    waiting: int


def node(plain: dict[str, Any], *, is_fresh: bool = True) -> Node:
    """Take from an object what splitting needs."""
    found = dict.fromkeys(_references(plain))
    support = [
        each
        for each in found
        if each == plain.get("created_by_ref") or each.startswith("marking-definition")
    ]
    source, target = plain.get("source_ref"), plain.get("target_ref")
    ends = None
    if plain["type"] == "relationship" and type(source) is type(target) is str:
        ends = (source, target)
    return Node(
        id=plain["id"],
        type=plain["type"],
        refs=tuple(each for each in found if each not in (ends or ())),
        ends=ends,
        support=tuple(support[:_MOST_LISTED]),
        is_fresh=is_fresh,
    )


def _references(value: Any, name: str = "") -> Iterator[str]:
    """List what an object refers to, at any depth; depth is bounded when decoded."""
    kind = type(value)
    if kind is str:
        if name.endswith(("_ref", "_refs")):
            yield value
    elif kind is dict:
        for inner_name, inner in value.items():
            # In an extension, or a marking of parts, names may end as they like.
            yield from _references(inner, inner_name)
    elif kind is list:
        for inner in value:
            yield from _references(inner, name)


def split(nodes: Iterable[Node]) -> Split:
    """Group a collection."""
    return _Graph(nodes).split()


class _Graph:
    def __init__(self, nodes: Iterable[Node]) -> None:
        self._nodes = {each.id: each for each in nodes}
        self._ties: dict[str, list[Node]] = defaultdict(list)  # relationships, by end
        self._speakers: dict[str, list[Node]] = defaultdict(list)  # by what they name
        size = len(self._nodes)
        for each in self._nodes.values():
            size += len(each.refs)
            for end in dict.fromkeys(each.ends or ()):
                self._ties[end].append(each)
            if each.type in RANKS or each.ends is not None:
                continue
            for ref in each.refs:
                self._speakers[ref].append(each)
        self._lead = dict(self._leads())
        self._budget = _MOST_TIMES * size

    def _leads(self) -> Iterator[tuple[str, str]]:
        """Tell for each container whose case it belongs to, if to one alone."""
        for each in self._nodes.values():
            if each.type not in _CONTAINERS:
                continue
            ranks = {
                ref: RANKS[self._nodes[ref].type]
                for ref in each.refs
                if ref in self._nodes and self._nodes[ref].type in RANKS
            }
            best = min(ranks.values(), default=len(RANKS))
            first = [ref for ref, rank in ranks.items() if rank == best]
            if best < RANKS[each.type] and len(first) == 1:
                yield each.id, first[0]
                self._speakers[first[0]].append(each)

    def split(self) -> Split:
        cases = self._cases(is_narrow=False)
        is_narrow = cases is None
        if cases is None:
            cases = self._cases(is_narrow=True)
        assert cases is not None  # noqa: S101  narrow ones have no budget
        taken = {member for _, members in cases for member in members}
        groups = [self._group(primary, members) for primary, members in cases]
        rest = sorted(
            each.id
            for each in self._nodes.values()
            if each.is_fresh and each.id not in taken
        )
        loose = [each for each in rest if not self._supports(self._nodes[each])]
        groups += [
            self._group(None, self._part(loose[start : start + MAX_PART]))
            for start in range(0, len(loose), MAX_PART)
        ]
        used = {each for group in groups for each in group.members}
        waiting = sum(1 for each in rest if each not in used)
        return Split(tuple(groups), is_narrow=is_narrow, waiting=waiting)

    def _cases(self, *, is_narrow: bool) -> list[tuple[str, set[str]]] | None:
        """Find all cases with what belongs to them; None if that is too much."""
        found: list[tuple[str, set[str]]] = []
        taken: set[str] = set()
        left = self._budget
        for kind in RANKS:
            for primary in sorted(
                each.id for each in self._nodes.values() if each.type == kind
            ):
                if primary in taken:
                    continue
                members, steps = self._reach(primary, is_narrow=is_narrow)
                left -= steps
                if left < 0 and not is_narrow:
                    return None
                if len(members) > MAX_OBJECTS:
                    members, _ = self._reach(primary, is_narrow=True)
                found.append((primary, members))
            # Only now: two cases of one kind do not take each other's place.
            taken.update(*(members for _, members in found))
        return found

    def _reach(self, primary: str, *, is_narrow: bool) -> tuple[set[str], int]:
        """Give what belongs to a case, and the steps it took to find out."""
        rank = RANKS[self._nodes[primary].type]
        members = {primary}
        waiting = [primary]
        steps = 0
        while waiting:
            current = waiting.pop()
            if is_narrow and current != primary:
                neighbours = self._beside(current, primary)
            else:
                steps += len(self._scanned(current, primary))
                neighbours = self._neighbours(current, primary, members)
            for each in neighbours:
                steps += 1
                known = self._nodes.get(each)
                if known is None or each in members:
                    continue
                if RANKS.get(known.type, len(RANKS)) <= rank:
                    continue
                members.add(each)
                waiting.append(each)
        return members, steps

    def _neighbours(
        self, current: str, primary: str, members: set[str]
    ) -> Iterator[str]:
        here = self._nodes[current]
        yield from here.refs
        yield from here.ends or ()
        is_primary = current == primary or here.type in _OWN
        leads_on = is_primary or here.type not in _SHARED
        for tie in self._scanned(current, primary):
            source, target = tie.ends or ("", "")
            other = target if source == current else source
            if (
                is_primary
                or other in members
                or (leads_on and (source == current or self._tells(source)))
            ):
                yield tie.id
        if leads_on:
            for speaker in self._speakers.get(current, ()):
                if is_primary or speaker.type in _TELLING:
                    yield speaker.id

    def _scanned(self, current: str, primary: str) -> Sequence[Node]:
        """Give the relationships of an object that are worth looking at."""
        ties = self._ties.get(current, ())
        is_hub = len(ties) > _FEW and self._nodes[current].type in _SHARED
        return () if is_hub and current != primary else ties

    def _beside(self, current: str, primary: str) -> Iterator[str]:
        """Give what comes along with a direct neighbour."""
        here = self._nodes[current]
        yield from here.support
        if here.ends is not None and primary in here.ends:
            yield from here.ends

    def _tells(self, own: str) -> bool:
        known = self._nodes.get(own)
        return known is not None and known.type in _TELLING

    def _supports(self, here: Node) -> bool:
        """Tell whether it makes no record by itself."""
        ends = [self._nodes.get(each) for each in here.ends or ()]
        return here.type in SUPPORTING or (
            bool(ends) and all(e is not None and e.type in SUPPORTING for e in ends)
        )

    def _part(self, loose: Sequence[str]) -> set[str]:
        """Add what loose objects refer to, and its markings and creators."""
        members = set(loose)
        for each in loose:
            here = self._nodes[each]
            members.update(
                ref
                for ref in (*here.refs, *(here.ends or ()))
                if ref in self._nodes and self._nodes[ref].type not in RANKS
            )
        for each in tuple(members):
            members.update(
                ref for ref in self._nodes[each].support if ref in self._nodes
            )
        return members

    def _group(self, primary: str | None, members: set[str]) -> Group:
        ordered = sorted(members - {primary})
        is_fresh = any(
            self._nodes[each].is_fresh
            and (each == primary or self._nodes[each].type not in _SHARED)
            for each in members
        )
        first = () if primary is None else (primary,)
        return Group(primary, (*first, *ordered), is_fresh or primary is None)
