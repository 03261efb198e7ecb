"""Sentences of a free text, each of which can be withheld alone. Pure."""

from collections.abc import Sequence, Set
from typing import Any

from broker import segments
from broker.trust import Verified
from schemas import profile


def parts_of(verified: Verified, index: int, place: profile.Place) -> list[Any]:
    """List the segments of a text as they were disclosed, `[index, count, text]`.

    Empty for what is no text, or a text of one segment.
    """
    if not profile.is_text(place):
        return []
    raw = verified.opened.claims["stix"]["objects"][index].get(place[0])
    return raw if isinstance(raw, list) else []


def without(parts: Sequence[Any], lost: Set[int], gaps: int) -> str:
    """Join what is left of the segments; `[withheld]` stands for what is not.

    Args:
        lost: Positions in *parts*; not all of them.
        gaps: Segments that were missing before.
    """
    left = [part for j, part in enumerate(parts) if j not in lost]
    return segments.join(left, gaps + len(lost))
