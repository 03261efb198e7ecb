"""What became of the records of one run, counted by record id. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

import msgspec

from tests.faults.member import Post


class Outage(msgspec.Struct, frozen=True):
    """When the fault was: by the monotonic clock."""

    begun: float
    over: float


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table.

    Attributes:
        published: Records that the issuer has signed.
        confirmed: Those of them that its publisher calls confirmed.
        delivered: Those that reached the member's endpoint and its folder.
        superseded: Not delivered, since a newer version of the same case was.
        refused: Put aside with a reason, of which the issuer was told, and not put back.
        lost: Confirmed, and none of that. Must be 0.
        thrown_away: The member said that it took it, and did not: it can tell by the
            number, which it lacks.
        twice_unanswered: Posted again because the member did not take it: an error,
            nothing, or too late.
        twice_in_fault: Posted again though the member took it: its answer, or the
            note of it, fell victim to the fault.
        twice: Posted again for no such reason. Must be 0.
        backwards: An older version after a newer one of the case. Must be 0.
        missing_numbers: Gaps in the delivery numbers. Must be 0.
        gap_s: Longest time between two records that were taken for the first time; the
            first post begins it, whatever became of that.
    """

    published: int
    confirmed: int
    delivered: int
    superseded: int = 0
    refused: int = 0
    lost: int = 0
    thrown_away: int = 0
    twice_unanswered: int = 0
    twice_in_fault: int = 0
    twice: int = 0
    backwards: int = 0
    missing_numbers: int = 0
    gap_s: float = 0.0

    @property
    def faults(self) -> list[str]:
        """Name what must be 0 and is not."""
        names = ("lost", "twice", "backwards", "missing_numbers")
        return [name for name in names if getattr(self, name)]


class Signed(msgspec.Struct, frozen=True):
    """What the issuer signed: of which case, which version."""

    sub: str
    ver: str


def count(
    *,
    published: Mapping[str, Signed],
    confirmed: Collection[str],
    posts: Sequence[Post],
    filed: Collection[str] | None,
    refused: Collection[str] = (),
    outages: Iterable[Outage] = (),
    numbers_from: int = 1,
) -> Count:
    """Count.

    Args:
        published: By token id, as all that follow.
        posts: At the endpoint, in the order in which they came.
        filed: What is in the member's folder; None if it has none.
        outages: A second post counts as the fault's doing if one of them was
            between the two, or under way.
        numbers_from: The first delivery number of this run.
    """
    mine = [post for post in posts if post.token in published]
    taken = [post for post in mine if post.is_taken and not post.is_lie]
    newest = _newest(taken)
    arrived = {post.token for post in taken}
    both = arrived if filed is None else arrived & set(filed)
    over = {
        token
        for token, signed in published.items()
        if token not in both and signed.ver < newest.get(signed.sub, "")
    }
    thrown = {post.token for post in mine if post.is_lie} - arrived
    kept = {post.number for post in posts if not post.is_lie}
    noticed = {post.number for post in mine if post.is_lie} - kept
    unanswered, in_fault, twice = _repeats(mine, list(outages))
    firsts = sorted({post.key: post.at for post in reversed(taken)}.values())
    begun = [post.at for post in mine[:1]]
    return Count(
        published=len(published),
        confirmed=len(set(confirmed)),
        delivered=len(both),
        superseded=len(over),
        refused=len((published.keys() & set(refused)) - both),
        lost=len(set(confirmed) - both - over - set(refused) - thrown),
        thrown_away=len(noticed),
        twice_unanswered=unanswered,
        twice_in_fault=in_fault,
        twice=twice,
        backwards=_backwards(taken),
        missing_numbers=_missing(kept | noticed, numbers_from),
        gap_s=max((b - a for a, b in pairwise(begun + firsts)), default=0),
    )


def _newest(posts: Sequence[Post]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for post in posts:
        found[post.sub] = max(post.ver, found.get(post.sub, ""))
    return found


def _repeats(posts: Sequence[Post], outages: list[Outage]) -> tuple[int, int, int]:
    """Sort the posts of keys that had come before by who made them necessary."""
    found = [0, 0, 0]
    before: dict[str, Post] = {}
    for post in posts:
        last = before.get(post.key)
        before[post.key] = post
        if last is None:
            continue
        if not last.is_taken or last.answered_at > post.at:
            found[0] += 1
        elif any(o.begun <= post.at and o.over >= last.answered_at for o in outages):
            found[1] += 1
        else:
            found[2] += 1
    return found[0], found[1], found[2]


def _backwards(taken: Sequence[Post]) -> int:
    newest: dict[str, str] = {}
    seen: set[str] = set()
    found = 0
    for post in taken:
        found += post.key not in seen and post.ver < newest.get(post.sub, "")
        newest[post.sub] = max(post.ver, newest.get(post.sub, ""))
        seen.add(post.key)
    return found


def _missing(numbers: set[int], begin: int) -> int:
    return max(numbers, default=begin - 1) - begin + 1 - len(numbers)
