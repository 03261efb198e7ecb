"""What becomes of a delivery given to the outbox: stored, known, or too late. Pure.

A member tells loss from filtering by the numbers of its deliveries: they have no
gaps per (member, sink), so only what is really stored gets one.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum

import msgspec

from schemas import timestamps

Lane = tuple[str, str]
"""(member, sink)"""
Case = tuple[str, str, str, str]
"""(member, sink, issuer, sub)"""


class NewDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A redacted record for one sink of one member; fields as in `Delivery`.

    Attributes:
        ver: RFC 3339, see `schemas.timestamps`.
        policy: Id and hash of the policy that it was redacted under.
    """

    member: str
    sink: str
    issuer: str
    sub: str
    ver: str
    kind: str
    tlp: str
    token_id: str
    evidence: bytes
    projection: bytes
    receipt: bytes
    policy: str

    @property
    def lane(self) -> Lane:
        """Where its number counts."""
        return self.member, self.sink

    @property
    def case(self) -> Case:
        """What its version is a version of."""
        return self.member, self.sink, self.issuer, self.sub


class StoreOutcome(StrEnum):
    """What became of one row given to the outbox."""

    STORED = "stored"
    DUPLICATE = "duplicate"  # this version is known; nothing changed
    SUPERSEDED = "superseded"  # a newer version is known; only counted


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the outbox holds of the lanes and cases in question.

    Attributes:
        last_numbers: Absent lanes are at 0.
        newest: The newest stored version of a case, as `timestamps.key`.
        versions: Every (case, key) that is stored, of those asked for.
    """

    last_numbers: Mapping[Lane, int]
    newest: Mapping[Case, str]
    versions: AbstractSet[tuple[Case, str]]


class Numbered(msgspec.Struct, frozen=True, kw_only=True):
    """One row with its outcome; `number` is 0 unless it is stored."""

    row: NewDelivery
    ver_key: str
    outcome: StoreOutcome
    number: int = 0


def assign(rows: Sequence[NewDelivery], known: Known) -> list[Numbered]:
    """Decide about *rows* one after the other, each knowing those before it.

    Raises:
        SchemaError: A `ver` is no timestamp.
    """
    numbers = dict(known.last_numbers)
    newest = dict(known.newest)
    versions = set(known.versions)
    result = []
    for row in rows:
        key = timestamps.key(row.ver)
        number = 0
        if (row.case, key) in versions:
            outcome = StoreOutcome.DUPLICATE
        elif key < newest.get(row.case, ""):
            outcome = StoreOutcome.SUPERSEDED
        else:
            outcome = StoreOutcome.STORED
            number = numbers[row.lane] = numbers.get(row.lane, 0) + 1
            newest[row.case] = key
            versions.add((row.case, key))
        result.append(Numbered(row=row, ver_key=key, outcome=outcome, number=number))
    return result


def delivery_id(case: Case, ver_key: str) -> str:
    """Name the delivery of one version of *case*: `d-` and 32 of `[a-z2-7]`.

    It derives from what is delivered, not from chance: an outbox that was lost
    and filled again from the archive repeats its ids, and members see
    duplicates for what they are.
    """
    digest = hashlib.sha256(msgspec.json.encode((*case, ver_key))).digest()
    return "d-" + base64.b32encode(digest[:20]).decode("ascii").lower()
