"""Which sentences stay together since one qualifies the other. Pure.

Each rule only ever joins. Their order does not matter.
"""
# ruff: noqa: RUF001  the marks of all scripts

from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from broker import wording
from broker.paragraphs import HEADING, ITEM, PARAGRAPH, Block

# What is shorter says nothing alone ("Denied.", "A fake!").
_MIN_WORDS: Final = 4
_MIN_UNSPACED_CHARS: Final = 8  # where no spaces part words
_QUALIFIES: Final = wording.DOUBTS | wording.HEDGES | wording.TELLS
_REFERS: Final = wording.DOUBTS | wording.HEDGES | wording.OPENS | wording.POINTS
_RETRACTS: Final = wording.DOUBTS | wording.POINTS
_QUESTIONS: Final = ("?", "？", "؟", "⁇", "⁈")
_UNFINISHED: Final = ("...", "…", "—", "–", "-", ":", "：", ",", "，", "、")
_ENCLOSED: Final = tuple("(（[【\"'“”„‘«»‹「『")
_CLOSING: Final = "\"'”’“»«›‹)]}）*_」』】》〉"
_MAX_LABEL_CHARS: Final = 60


class Sentence(NamedTuple):
    """A sentence, or a whole list item or heading.

    Attributes:
        start, end: Where it is, with the space after it.
        bare: It without space around.
        block: Index of its block.
        is_last: Whether it is the last of its block.
        effects: What it does to its neighbours (`wording.effects`).
    """

    start: int
    end: int
    bare: str
    block: int
    is_last: bool
    effects: int


def are_inseparable(sentences: list[Sentence]) -> bool:
    """Tell whether the text must stay whole.

    That is if a sentence corrects or doubts all of it, or nothing shows that its
    language is known.
    """
    return all(one.effects & wording.UNREAD for one in sentences) or any(
        one.effects & wording.REVOKES
        or (one.effects & wording.SCOPE and one.effects & wording.DOUBTS)
        for one in sentences
    )


def joins(blocks: list[Block], sentences: list[Sentence]) -> list[bool]:
    """Tell for each sentence but the last whether the next one stays with it."""
    found: list[bool] = []
    until = 0  # an offset: all before it stays together
    for one, after in pairwise(sentences):
        until = max(until, _reach(blocks, one, after))
        found.append(
            until > after.start
            or _needs_one_before(after, blocks[after.block])
            or _needs_one_after(one, after)
        )
    _join_retracted(blocks, sentences, found)
    _join_lists(blocks, sentences, found)
    # What nothing stands before or after needs its only neighbour.
    found[0] |= _needs_one_before(sentences[0], blocks[0])
    found[-1] |= blocks[-1].is_open
    return found


def _retracts(one: Sentence) -> bool:
    """Tell whether it doubts what claims rest on ("The source lies.")."""
    return one.effects & _RETRACTS == _RETRACTS


def _join_retracted(
    blocks: list[Block], sentences: list[Sentence], found: list[bool]
) -> None:
    """Join what stands before a retraction: all of its paragraph may rest on that.

    Where it begins a paragraph, all of the one before; where it is one, all of
    them from the last heading on.
    """
    sections = list(
        accumulate(blocks, lambda at, b: b.start if b.is_open else at, initial=0)
    )
    since = sentences[-1].end  # an offset: all after it stays together
    for index in reversed(range(len(found))):
        one, after = sentences[index : index + 2]
        if _retracts(after) and blocks[after.block].kind != HEADING:
            is_paragraph = blocks[after.block].kind == PARAGRAPH
            alone = is_paragraph and one.block != after.block and after.is_last
            start = sections[one.block + 1] if alone else blocks[one.block].start
            since = min(since, start)
        found[index] |= since < after.start


def _join_lists(
    blocks: list[Block], sentences: list[Sentence], found: list[bool]
) -> None:
    """Join a list that a sentence after or in it refers to: it may mean all items."""
    refers = False
    for index in reversed(range(len(found))):
        if blocks[sentences[index].block].kind != ITEM:
            refers = False
        elif blocks[sentences[index + 1].block].kind != ITEM:
            refers = bool(sentences[index + 1].effects & _REFERS)
        else:
            refers |= _retracts(sentences[index + 1])
            found[index] |= refers


def _needs_one_before(one: Sentence, block: Block) -> bool:
    if block.kind == HEADING:
        return False  # it speaks of what follows
    if one.effects & _REFERS or one.bare.endswith(_QUESTIONS):
        return True
    if block.kind == ITEM or (block.is_open and block.start == one.start):
        return False  # few words are usual there
    return (
        bool(one.effects & wording.UNREAD)
        or one.bare.startswith(_ENCLOSED)
        or _is_short(one.bare)
    )


def _needs_one_after(one: Sentence, after: Sentence) -> bool:
    bare = one.bare.rstrip(_CLOSING)
    return (
        bare.endswith((*_QUESTIONS, *_UNFINISHED))
        or (one.bare.startswith(_ENCLOSED) and after.block == one.block)
        or bool(one.effects & wording.DOUBTS and after.block == one.block)
    )


def _is_short(bare: str) -> bool:
    if wording.is_unspaced(bare):
        return len(bare) < _MIN_UNSPACED_CHARS
    return len(bare.split(maxsplit=_MIN_WORDS)) < _MIN_WORDS


def _reach(blocks: list[Block], one: Sentence, after: Sentence) -> int:
    """Say up to where all that follows *one* depends on it; an offset."""
    block = blocks[one.block]
    following = blocks[after.block]
    qualifies = bool(one.effects & _QUALIFIES)
    if one.is_last and block.is_open and qualifies and block.start == one.start:
        return _section_end(blocks, one.block)
    if one.effects & wording.TELLS:
        return _reach_of_telling(blocks, one, after)
    ahead = bool(one.effects & wording.AHEAD)
    if (qualifies and ahead) or _is_doubtful_label(one):
        return following.group_end if one.is_last else block.end
    if one.is_last and (block.leads_in or (ahead and following.kind == ITEM)):
        return following.group_end
    if one.is_last and block.is_open:  # a heading, with its list or first sentence
        return following.group_end if following.kind == ITEM else after.end
    return one.end


def _reach_of_telling(blocks: list[Block], one: Sentence, after: Sentence) -> int:
    """Say up to where what *one* announces may be told; an offset."""
    block = blocks[one.block]
    if not one.is_last:
        return block.end
    if block.kind == PARAGRAPH and block.start == one.start:
        return block.section_end
    return blocks[after.block].group_end


def _is_doubtful_label(one: Sentence) -> bool:
    """Tell whether it begins like "Unconfirmed: ..."."""
    if not one.effects & wording.DOUBTS:
        return False
    head = one.bare[:_MAX_LABEL_CHARS]
    return ": " in head or "：" in head or head.endswith(":")


def _section_end(blocks: list[Block], heading: int) -> int:
    level = blocks[heading].level
    for block in blocks[heading + 1 :]:
        if block.is_open and block.level <= level:
            return block.start
    return blocks[-1].end
