"""How much of the gate one issuer may use. Pure.

Over its quota nothing is refused or lost: the gate reads that issuer's queue as
slowly as the quota says, and the others' as before. The queue is bounded, so in the
end its publisher gets no more confirms and keeps what it signed. A refusal would
lose it: the publisher has the broker's confirm and has purged the body.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

# A refused message costs more than a record: it stays in the dead letters, which
# all issuers share and a flood of rubbish must not fill.
REFUSED_COST: Final = 10
# RabbitMQ closes a channel that holds a message for 30 minutes unsettled; what
# was handed out already waits for as long as the pause.
MAX_PAUSE_S: Final = 900.0


class Quota(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much one issuer may send in the long run, and at once.

    Attributes:
        records_per_hour: Refused messages count tenfold.
        bytes_per_hour: Unpacked, which is what the work on them grows with; likewise.
        urgent_per_hour: Accepted records of severity high or extreme. They overtake
            all others in a queue of their own, which one issuer that cries wolf
            must not fill. So many real ones in an hour come from no single CERT.
    """

    records_per_hour: Annotated[int, Meta(ge=1, le=10**9)] = 100_000
    bytes_per_hour: Annotated[int, Meta(ge=1 << 20, le=1 << 50)] = 8 << 30
    urgent_per_hour: Annotated[int, Meta(ge=1, le=10**9)] = 1000


class Allowance(msgspec.Struct, frozen=True):
    """What is left of a quota at epoch seconds `at`; below 0 it is overdrawn."""

    records: float
    size: float
    urgent: float
    at: float


def full(quota: Quota, now: float) -> Allowance:
    """Begin with an hour's worth."""
    return Allowance(
        quota.records_per_hour, quota.bytes_per_hour, quota.urgent_per_hour, now
    )


def spend(
    left: Allowance,
    quota: Quota,
    *,
    records: float,
    size: float,
    urgent: float = 0,
    now: float,
) -> Allowance:
    """Take off what was used, after adding what time has brought.

    Args:
        size: Bytes.
        urgent: How many of the *records* are.
    """
    hours = max(now - left.at, 0) / 3600  # a clock set back brings nothing

    def rest(had: float, spent: float, per_hour: int) -> float:
        # Never more than an hour's worth in either direction.
        grown = min(had + hours * per_hour, per_hour)
        return max(grown - spent, -float(per_hour))

    return Allowance(
        rest(left.records, records, quota.records_per_hour),
        rest(left.size, size, quota.bytes_per_hour),
        rest(left.urgent, urgent, quota.urgent_per_hour),
        now,
    )


def pause_s(left: Allowance, quota: Quota) -> float:
    """Seconds until nothing is overdrawn, at most 15 minutes."""
    debt_hours = max(
        -left.records / quota.records_per_hour,
        -left.size / quota.bytes_per_hour,
        -left.urgent / quota.urgent_per_hour,
        0,
    )
    return min(debt_hours * 3600, MAX_PAUSE_S)
