"""Whether a heartbeat continues what a reader knows of its line. Pure.

Gate and adapters read lines in the same way (`broker.heartbeats`): of each they keep
the last count and chain, and nothing that came before.
"""

from typing import Literal

import msgspec

from broker.heartbeats import Heartbeat, Listed, chained


class Place(msgspec.Struct, frozen=True):
    """How far a reader has followed a line.

    Attributes:
        chain: After `count` records.
        iat: Of the last heartbeat, epoch seconds.
    """

    community: str
    tlp: str
    count: int
    chain: str
    iat: int


class Next(msgspec.Struct, frozen=True):
    """It continues the line.

    Attributes:
        place: With this heartbeat.
        fresh: Records that no heartbeat has listed to this reader before.
        skipped: Records that were listed in heartbeats it never got, and here no more.
    """

    place: Place
    fresh: tuple[Listed, ...]
    skipped: int


# `old`: known, or made before the last one. `conflict`: it contradicts the last one.
Followed = Next | Literal["old", "conflict"]


def follow(before: Place | None, beat: Heartbeat) -> Followed:
    """Hold *beat* against the last heartbeat of its line.

    Args:
        before: None for the first one of a line. What it does not list was before
            this reader's time.
    """
    place = Place(beat.community, beat.tlp, beat.count, beat.hash, beat.iat)
    if before is None:
        return Next(place, beat.ids, 0)
    if contradicts(before, beat):
        return "conflict"
    if (beat.iat, beat.count) <= (before.iat, before.count) or beat.iat < before.iat:
        return "old"
    known = before.count - beat.first
    return Next(place, beat.ids[max(known, 0) :], max(-known, 0))


def contradicts(before: Place, beat: Heartbeat) -> bool:
    """Tell whether both cannot be true: shown by what they say, in any order."""
    if (beat.community, beat.tlp) != (before.community, before.tlp):
        return True
    if beat.count < before.count:
        return beat.iat > before.iat  # a line never gets shorter
    if beat.count > before.count and beat.iat < before.iat:
        return True
    known = before.count - beat.first
    if known < 0:
        return False  # it does not say what stood there
    listed = (each.token_id for each in beat.ids[:known])
    return chained(beat.before, listed) != before.chain
