"""Free text <-> segments, the parts of it that can be withheld alone. Pure.

A segment is a sentence with all that qualifies it: somebody who reads "X did it." must
never miss that "This is not confirmed." was withheld. So a text is parted only where
nothing speaks against it: a known language, the plain end of a sentence, and no word on
either side that refers to the other. In doubt sentences stay together: too few cuts
cost a sentence, a wrong one may cost a person.

Form (`broker.paragraphs`), ends of sentences (`broker.sentences`), words
(`broker.wording`, `broker.qualifiers`) and what stays together (`broker.cohesion`) are
looked at in this order, each in one pass.
"""

from itertools import pairwise
from typing import Any, Final

from broker import wording
from broker.cohesion import Sentence, are_inseparable, joins
from broker.paragraphs import PARAGRAPH, blocks
from broker.qualifiers import COVERED
from broker.sentences import sentence_starts
from schemas.profile import WITHHELD_TEXT

# A record has at most 65,536 disclosures (DESIGN.md 4.4): that is 160 texts of this
# many segments. Longer ones are parted more coarsely.
MAX_SEGMENTS: Final = 400


def split(text: str, lang: str = "") -> list[str]:
    """Cut *text* into segments; joined they are *text* again, exactly.

    Args:
        lang: STIX `lang` (RFC 5646) if known; a text in a language that
            `broker.qualifiers` has no words for is one segment.

    Returns:
        1 to `MAX_SEGMENTS` segments. None is blank, unless *text* is.
    """
    if lang and lang.lower().split("-")[0] not in COVERED:
        return [text]
    parts = blocks(text)
    starts = [
        (start, place)
        for place, block in enumerate(parts)
        for start in (
            block.start,
            *(
                sentence_starts(text, block.start, block.end)
                if block.kind == PARAGRAPH
                else ()
            ),
        )
    ]
    if len(starts) == 1:
        return [text]
    sentences = [
        _sentence(text, start, end, place, next_place)
        for (start, place), (end, next_place) in pairwise([*starts, (len(text), -1)])
    ]
    if are_inseparable(sentences):
        return [text]
    cuts = [
        after.start
        for after, joined in zip(sentences[1:], joins(parts, sentences), strict=True)
        if not joined
    ]
    return [text[start:end] for start, end in pairwise([0, *_capped(cuts), len(text)])]


def _sentence(text: str, start: int, end: int, place: int, next_place: int) -> Sentence:
    bare = text[start:end].strip()
    is_last = place != next_place
    return Sentence(start, end, bare, place, is_last, wording.effects(bare))


def _capped(cuts: list[int]) -> list[int]:
    """Leave out cuts evenly, so that there are no more than `MAX_SEGMENTS` parts."""
    total = len(cuts) + 1
    if total <= MAX_SEGMENTS:
        return cuts
    return [cuts[i * total // MAX_SEGMENTS - 1] for i in range(1, MAX_SEGMENTS)]


def join(segments: list[Any], missing: int) -> str:
    """Join the segments that are disclosed, `[withheld]` for each run of missing ones.

    Args:
        segments: `[index, count, text]`, in order.
        missing: How many are withheld.

    Raises:
        ValueError: They are not all segments of one text. A text of a single
            segment is no list.
    """
    total = len(segments) + missing
    if total < 2:
        raise ValueError("fewer than two segments")
    out: list[str] = []
    expected = 0
    for segment in segments:
        index, count, text = _parts(segment)
        if count != total or not expected <= index < total:
            raise ValueError("segments out of order")
        if index > expected:
            out.append(WITHHELD_TEXT)
        out.append(text)
        expected = index + 1
    if expected < total:
        out.append(WITHHELD_TEXT)
    return "".join(out)


def _parts(segment: Any) -> tuple[int, int, str]:
    # Exactly these types: True is no number here.
    if type(segment) is not list or list(map(type, segment)) != [int, int, str]:
        raise ValueError("not a segment")
    index, count, text = segment
    return index, count, text
