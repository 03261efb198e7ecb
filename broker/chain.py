"""A publisher's feed as the gate knows it: the last record, and what is missing. Pure.

Each record names its place (`seq`) and its predecessor (`prev`), so the gate
notices a lost record and a forked feed. A record may come late, after a broker
refused it once or an operator replayed it: a gap therefore remembers the token
ids on both of its sides, and what fills it must fit them.
"""

from typing import Final

import msgspec

# The oldest gap is given up then: an issuer that makes gaps on purpose must not
# make the gate remember ever more.
MAX_GAPS: Final = 100


class Position(msgspec.Struct, frozen=True):
    """A place in a feed; `seq` 0 and token id "" stand before the first record."""

    seq: int
    token_id: str


class Gap(msgspec.Struct, frozen=True):
    """Missing records.

    Attributes:
        first: `seq` of the first one missing.
        last: `seq` of the last one missing.
        before: Token id at `first` - 1.
        after: Token id that `last` must have, as its successor says.
    """

    first: int
    last: int
    before: str
    after: str


class Feed(msgspec.Struct, frozen=True):
    """What the gate has accepted of one feed.

    Attributes:
        last: The furthest record.
        gaps: In the order they were noticed or left over.
    """

    last: Position = Position(0, "")
    gaps: tuple[Gap, ...] = ()


def extend(feed: Feed, seq: int, prev: str, token_id: str) -> Feed | None:
    """Put a record in its place; None when the place is taken or a link is wrong.

    A record far ahead is taken in and leaves a gap, also as the first of a feed:
    waiting for a record that the gate itself refused would stop the issuer for
    ever.
    """
    if seq > feed.last.seq:
        return _ahead(feed, seq, prev, token_id)
    for gap in feed.gaps:
        if gap.first <= seq <= gap.last:
            left = _fill(gap, seq, prev, token_id)
            if left is None:
                return None
            others = tuple(each for each in feed.gaps if each is not gap)
            return Feed(feed.last, others + left)
    return None


def opened(before: Feed, after: Feed) -> Gap | None:
    """Give the gap that the record between *before* and *after* has left, if any."""
    if after.last.seq > before.last.seq + 1:
        return after.gaps[-1]
    return None


def _ahead(feed: Feed, seq: int, prev: str, token_id: str) -> Feed | None:
    last = feed.last
    gaps = feed.gaps
    if seq == last.seq + 1:
        if prev != last.token_id:
            return None
    elif not prev:
        return None  # only the first record has no predecessor
    else:
        gaps = (*gaps, Gap(last.seq + 1, seq - 1, last.token_id, prev))[-MAX_GAPS:]
    return Feed(Position(seq, token_id), gaps)


def _fill(gap: Gap, seq: int, prev: str, token_id: str) -> tuple[Gap, ...] | None:
    if seq == gap.first and prev != gap.before:
        return None
    if seq == gap.last and token_id != gap.after:
        return None
    if seq > gap.first and not prev:
        return None
    left = Gap(gap.first, seq - 1, gap.before, prev)
    right = Gap(seq + 1, gap.last, token_id, gap.after)
    return tuple(each for each in (left, right) if each.first <= each.last)
