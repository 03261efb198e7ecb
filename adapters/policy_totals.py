"""What trying a policy on many records adds up to. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec

from adapters.policy_effect import Change, Effect, PartChange
from broker.directory import Audience

CHANGES: Final[tuple[Change, ...]] = ("shown", "hidden", "changed")


class Tally(msgspec.Struct, kw_only=True):
    """How many parts change, and in how many records."""

    shown: int = 0
    hidden: int = 0
    changed: int = 0
    records: int = 0

    def add(self, counts: Counter[Change]) -> None:
        """Add what changes in one record."""
        self.shown += counts["shown"]
        self.hidden += counts["hidden"]
        self.changed += counts["changed"]
        self.records += 1


class Found(msgspec.Struct, frozen=True):
    """A part that changes, and where."""

    record: str
    audience: Audience
    part: PartChange


class Turned(msgspec.Struct, frozen=True):
    """A record that is given, or refused, as a whole.

    Attributes:
        reason: Why it is refused, or was.
    """

    record: str
    audience: Audience
    is_given: bool
    reason: str


class Totals:
    """Adds up effects, record by record; memory grows with the records that change.

    Attributes:
        records: How many were tried.
        audiences: What changes for each.
        titles: The same, by the row that tells it.
        by_record: The same, by record.
        turned: Records that are given or refused as a whole.
        places: The first that were found of each kind of change, in records that are
            given under both policies.
    """

    def __init__(self, audiences: Iterable[Audience], *, places: int) -> None:
        """Begin.

        Args:
            places: How many of each kind of change to remember.
        """
        self.records = 0
        self.audiences: dict[Audience, Tally] = {a: Tally() for a in audiences}
        self.titles: dict[tuple[Audience, str], Tally] = {}
        self.by_record: dict[tuple[str, Audience], Tally] = {}
        self.turned: list[Turned] = []
        self.places: dict[Change, list[Found]] = {change: [] for change in CHANGES}
        self._most = places

    def add(self, record: str, effects: Iterable[Effect]) -> None:
        """Add what changes of one record."""
        self.records += 1
        for effect in effects:
            if effect.is_given or effect.is_refused:
                reason = effect.refused_before or effect.refused_after
                self.turned.append(
                    Turned(record, effect.audience, effect.is_given, reason)
                )
            if effect.parts:
                self._add(record, effect)

    def _add(self, record: str, effect: Effect) -> None:
        who = effect.audience
        whole = Counter(part.change for part in effect.parts)
        self.audiences[who].add(whole)
        self.by_record.setdefault((record, who), Tally()).add(whole)
        of_titles: dict[str, Counter[Change]] = {}
        for part in effect.parts:
            of_titles.setdefault(part.title, Counter())[part.change] += 1
            places = self.places[part.change]
            is_turned = effect.is_given or effect.is_refused
            if len(places) < self._most and not is_turned:
                places.append(Found(record, who, part))
        for title, counts in of_titles.items():
            self.titles.setdefault((who, title), Tally()).add(counts)
