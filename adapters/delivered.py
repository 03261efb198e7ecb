"""What a member's own deliveries say: which numbers are missing, and which records. Pure.

Numbers have no gaps per (member, sink), so a number that is missing between two others
was lost after the hub, or moved away. Of what never became a delivery heartbeats tell:
what an issuer has listed is here, was not meant for this member, or is lost.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal

import msgspec

from broker.following import Next, Place, follow
from broker.heartbeats import Passed


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The hub's account of a heartbeat, `gaps.json`, as far as a reader needs it.

    Attributes:
        withheld, missing, not_taken, replaced: Token ids, as `adapters.gaps` says.
        earlier: Listed from before the hub's adapter began to read.
        missing_since: When the oldest missing one was published, RFC 3339.
    """

    withheld: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    not_taken: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    missing_since: str | None = None


class Beat(msgspec.Struct, frozen=True):
    """A heartbeat that was delivered, verified, with the hub's account of it."""

    number: int
    passed: Passed
    told: Told


class LineReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one line comes to.

    Attributes:
        at: Moment of the newest heartbeat, epoch seconds.
        count: Records on it since it began.
        have: How many of those listed are here.
        withheld: Listed, and not for this member as the hub says.
        replaced: A newer version came first.
        not_taken: The hub did not take them in.
        missing: Never came to the hub's adapter, as it says itself.
        missing_since: When the oldest of those was published, RFC 3339.
        lost: Given to this member as the hub says, and not here.
        unlisted: Listed in heartbeats that are not here.
        conflict: Two heartbeats contradict each other: keep them, they are a proof.
    """

    issuer: str
    community: str
    tlp: str
    at: int
    count: int
    have: int
    withheld: tuple[str, ...]
    replaced: tuple[str, ...]
    not_taken: tuple[str, ...]
    missing: tuple[str, ...]
    missing_since: str | None
    lost: tuple[str, ...]
    unlisted: int
    conflict: bool


class Report(msgspec.Struct, frozen=True):
    """What a folder of deliveries comes to.

    Attributes:
        first, last: Least and greatest number; 0 if there is none.
        gaps: Numbers that are missing in between, as ranges.
    """

    first: int
    last: int
    gaps: tuple[tuple[int, int], ...]
    lines: tuple[LineReport, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return not self.gaps and not any(
            each.missing or each.lost or each.conflict for each in self.lines
        )


def gaps_in(numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Give the numbers missing between the least and the greatest, as ranges."""
    present = sorted(set(numbers))
    return tuple(
        (before + 1, after - 1)
        for before, after in pairwise(present)
        if after > before + 1
    )


def report(
    numbers: Sequence[int], tokens: Iterable[str], beats: Sequence[Beat]
) -> Report:
    """Judge what is there.

    Args:
        numbers: Of all deliveries, in any order.
        tokens: Token ids of the records among them.
        beats: In any order.
    """
    have = frozenset(tokens)
    lines: dict[tuple[str, str], list[Beat]] = {}
    for each in sorted(beats, key=lambda each: each.number):
        lines.setdefault((each.passed.org, each.passed.beat.line), []).append(each)
    return Report(
        min(numbers, default=0),
        max(numbers, default=0),
        gaps_in(numbers),
        tuple(_line(found, have) for _, found in sorted(lines.items())),
    )


def _line(found: Sequence[Beat], have: frozenset[str]) -> LineReport:
    place: Place | None = None
    newest, unlisted, conflict = found[0], 0, False
    for each in found:
        step: Next | Literal["old", "conflict"] = follow(place, each.passed.beat)
        if isinstance(step, Next):
            place, newest = step.place, each
            unlisted += step.skipped
        conflict = conflict or step == "conflict"
    beat, told = newest.passed.beat, newest.told
    absent = [each.token_id for each in beat.ids if each.token_id not in have]
    parts = (told.withheld, told.replaced, told.not_taken, told.missing)
    explained = [tuple(t for t in absent if t in part) for part in parts]
    known = {token_id for part in (*parts, told.earlier) for token_id in part}
    lost = [token_id for token_id in absent if token_id not in known]
    withheld, replaced, not_taken, missing = explained
    return LineReport(
        issuer=newest.passed.org,
        community=beat.community,
        tlp=beat.tlp,
        at=beat.iat,
        count=beat.count,
        have=len(beat.ids) - len(absent),
        withheld=withheld,
        replaced=replaced,
        not_taken=not_taken,
        missing=missing,
        missing_since=told.missing_since,
        lost=tuple(lost),
        unlisted=unlisted,
        conflict=conflict,
    )
