"""What becomes of a delivery given to the outbox: stored, known, or too late. Pure.

A member tells loss from filtering by the numbers of its deliveries: they have no
gaps per (member, sink), so only what is really stored gets one, what a member's
interests miss gets none, and what waits gets it when its time has come.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from adapters.delivery import NewDelivery, Resend, StoreOutcome
from schemas import timestamps

_RESENT: Final[Mapping[Resend, AbstractSet[str]]] = {
    "": frozenset(),
    "failed": frozenset({"failed"}),
    "done": frozenset({"failed", "done"}),
}
Lane = tuple[str, str]
"""(member, sink)"""
Case = tuple[str, str, str, str]
"""(member, sink, issuer, sub)"""


def lane_of(row: NewDelivery) -> Lane:
    """Say where the number of *row* counts."""
    return row.member, row.sink


def case_of(row: NewDelivery) -> Case:
    """Say what the version of *row* is a version of."""
    return row.member, row.sink, row.issuer, row.sub


def version_key(row: NewDelivery) -> str:
    """Spell the version of *row* so that a later one sorts behind it as text.

    Behind a version come its supplements, in front of the next version.

    Raises:
        SchemaError: `ver` is no timestamp.
    """
    key = timestamps.key(row.ver)
    return f"{key}+{row.supplement:05}" if row.supplement else key


def supplement_in(version: str) -> int:
    """Tell of which supplement `version_key` gave *version*; 0: of none."""
    _, _, supplement = version.partition("+")
    return int(supplement or 0)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the outbox holds of the lanes and cases in question.

    Attributes:
        last_numbers: Absent lanes are at 0.
        newest: The newest stored version of a case, as `version_key`.
        versions: Every (case, key) that is stored, of those asked for.
        waiting: Cases with a version that waits for its time.
        begun: Cases with a version that has a number: sent, or about to be.
        settled: Of `versions`, those that are done or failed, and which.
    """

    last_numbers: Mapping[Lane, int]
    newest: Mapping[Case, str]
    versions: AbstractSet[tuple[Case, str]]
    waiting: AbstractSet[Case] = frozenset()
    begun: AbstractSet[Case] = frozenset()
    settled: Mapping[tuple[Case, str], str] = msgspec.field(default_factory=dict)


class Numbered(msgspec.Struct, frozen=True, kw_only=True):
    """One row with its outcome; `number` is 0 unless it is stored."""

    row: NewDelivery
    ver_key: str
    outcome: StoreOutcome
    number: int = 0


def assign(rows: Sequence[NewDelivery], known: Known, *, now: float) -> list[Numbered]:
    """Decide about *rows* one after the other, each knowing those before it.

    A version that waits is superseded by a newer one, whether that waits or not. A
    retraction never waits: what was never sent needs none, and would be told to exist
    by it; what was sent is taken back at once, also from who may not have it any more.

    Args:
        now: Epoch seconds.

    Raises:
        SchemaError: A `ver` is no timestamp.
    """
    numbers = dict(known.last_numbers)
    newest = dict(known.newest)
    versions = set(known.versions)
    begun = set(known.begun)
    waiting: dict[Case, int] = {}  # where in the result
    result: list[Numbered] = []
    for row in rows:
        lane, case, key = lane_of(row), case_of(row), version_key(row)
        number = 0
        if (case, key) in versions:
            outcome = StoreOutcome.DUPLICATE
            state = known.settled.get((case, key), "")
            if key == newest[case] and state in _RESENT[row.resend]:
                outcome = StoreOutcome.AGAIN
        elif row.missed and case not in newest:
            outcome = StoreOutcome.MISSED
        elif key < newest.get(case, ""):
            outcome = StoreOutcome.SUPERSEDED
        else:
            outcome = _outcome(row, has_begun=case in begun, now=now)
            newest[case] = key
            versions.add((case, key))
            if case in waiting:
                i = waiting.pop(case)
                late = StoreOutcome.SUPERSEDED
                result[i] = msgspec.structs.replace(result[i], outcome=late)
            if outcome is StoreOutcome.WAITING:
                waiting[case] = len(result)
            if outcome is StoreOutcome.STORED:
                number = numbers[lane] = numbers.get(lane, 0) + 1
                begun.add(case)
        result.append(Numbered(row=row, ver_key=key, outcome=outcome, number=number))
    return result


def _outcome(row: NewDelivery, *, has_begun: bool, now: float) -> StoreOutcome:
    """Say what becomes of a version that is the newest."""
    waits = row.not_before > now
    if row.kind == "retraction" and (waits or row.missed):
        return StoreOutcome.STORED if has_begun else StoreOutcome.SUPERSEDED
    return StoreOutcome.WAITING if waits else StoreOutcome.STORED


def continued(lanes: Sequence[int], last: Mapping[int, int]) -> list[int]:
    """Give numbers to what has waited, in the order given: now, so there is no gap.

    Args:
        lanes: The lane of each.
        last: The last number of each lane.
    """
    numbers = dict(last)
    found = []
    for lane in lanes:
        numbers[lane] += 1
        found.append(numbers[lane])
    return found


def delivery_id(case: Case, ver_key: str) -> str:
    """Name the delivery of one version of *case*: `d-` and 32 of `[a-z2-7]`.

    It derives from what is delivered, not from chance: an outbox that was lost
    and filled again from the archive repeats its ids, and members see
    duplicates for what they are.
    """
    digest = hashlib.sha256(msgspec.json.encode((*case, ver_key))).digest()
    return "d-" + base64.b32encode(digest[:20]).decode("ascii").lower()
