"""From when to when a suspension holds. Pure.

Deny wins: each party has a file of its own (`broker.suspensions`), so nobody lifts
what another said. What one party alone says ends by itself; only the threshold, in
the member's entry, suspends without an end.
"""

import math
from typing import Final

import msgspec

from broker.suspensions import LAPSES_AFTER, Suspension
from schemas import timestamps

# A party that has suspended nobody of this name for so long may do so anew. Until
# then what it says again does not begin again.
FORGOTTEN_S: Final = 30 * 86_400.0


class Span(msgspec.Struct, frozen=True):
    """Who or what is suspended, from when to when.

    Attributes:
        subject: Name of an organisation or of a key; only the latter has a slash.
        by: The party, or "threshold".
        since: Epoch seconds; what the gate saw first from then on does not count.
        until: Epoch seconds; infinite if the threshold confirmed it.
    """

    subject: str
    by: str
    since: float
    until: float

    def covers(self, moment: float) -> bool:
        """Tell whether it holds at *moment*."""
        return self.since <= moment < self.until


def in_force(suspension: Suspension, party: str, noticed: float) -> Span:
    """Say from when to when what *party* alone said holds.

    Args:
        noticed: When this client first saw that *party* suspends that subject;
            another `since` prolongs nothing.
    """
    since = timestamps.epoch(suspension.since)
    # A whole second: the gate's stamp is rounded down, and must not fall before the
    # end of a suspension that was over when the gate decided.
    until = math.floor(min(since, noticed)) + LAPSES_AFTER.total_seconds()
    return Span(suspension.subject, party, since, until)


def confirmed(org: str, since: str) -> Span:
    """Say what the threshold suspends, without an end.

    Raises:
        SchemaError: *since* is no time.
    """
    return Span(org, "threshold", timestamps.epoch(since), float("inf"))
