"""Free text that is masked: which of its sentences hold what nobody may read. Pure.

Detectors look at the whole text, since a number may go over the end of a sentence;
what is withheld are the sentences that hold a part of it.
"""

from collections.abc import Sequence, Set
from typing import Any, Final

from adapters import text
from broker import segments
from broker.trust import Verified
from schemas import profile

_UNKNOWN_KIND: Final = frozenset({"personal-data"})


def parts_of(verified: Verified, index: int, place: profile.Place) -> list[Any]:
    """List the segments of a text as they were disclosed, `[index, count, text]`.

    Empty for what is no text, or a text of one segment.
    """
    if not profile.is_text(place):
        return []
    raw = verified.opened.claims["stix"]["objects"][index].get(place[0])
    return raw if isinstance(raw, list) else []


def found_in(parts: Sequence[str]) -> dict[int, frozenset[str]]:
    """Tell which parts of one text hold personal data, and of which kinds."""
    hits = {
        j: _UNKNOWN_KIND
        for j, part in enumerate(parts)
        if text.holds_personal_data(part)
    }
    if not hits and len(parts) > 1 and text.holds_personal_data("".join(parts)):
        return dict.fromkeys(range(len(parts)), _UNKNOWN_KIND)
    return hits


def without(parts: Sequence[Any], lost: Set[int], gaps: int) -> str:
    """Join what is left of the segments; `[withheld]` stands for what is not.

    Args:
        lost: Positions in *parts*; not all of them.
        gaps: Segments that were missing before.
    """
    left = [part for j, part in enumerate(parts) if j not in lost]
    return segments.join(left, gaps + len(lost))
