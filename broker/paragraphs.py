"""The form of a text: paragraphs, list items, headings. Pure.

Only line starts and blank lines are looked at. In doubt a line continues what
stands before it, so that nothing is taken apart that belongs together.
"""
# ruff: noqa: RUF001  the marks of all scripts

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

PARAGRAPH: Final = 0
ITEM: Final = 1
HEADING: Final = 2

# `#` to `######`, as in Markdown.
_HEADING = re.compile(r"\s{0,3}(#{1,6})\s")
# A bullet, or one number, letter or roman numeral with brackets or a full stop; the
# numerals of Chinese and Japanese need no space after them.
_ITEM = re.compile(
    r"\s*+(?:([-*+\u2022\u2023\u2043\u25aa\u25cf\u25cb\u25e6\u30fb\u00b7])\s"
    r"|[(\[]?(?:\d{1,3}|[^\W\d_]|[ivxlc]{1,6})[.)\]]\s"
    r"|[(\uff08]?(?:\d{1,3}|[一二三四五六七八九十]{1,3})[、\uff09]|[\u2460-\u2473])"
)
_COLONS: Final = (":", "：")
_ENDS: Final = (*".!?…。！？｡។៕။।॥؟۔։።", *_COLONS)
# What may stand after an end mark: quotes, brackets, emphasis, spaces.
_AFTER_END: Final = (
    "\"'”’“‘»«›‹)]}）」』】》〉*_ \t\r\n\v\f\x1c\x1d\x1e\x85\u00a0\u2028\u2029\u3000"
)
# Thai and Lao have no end marks: there, only what is short is a heading.
_NO_END_MARKS = re.compile(r"[\u0e01-\u0e5b\u0e81-\u0edf]\Z")
_MAX_HEADING_CHARS: Final = 40


class Block(NamedTuple):
    """A paragraph, list item or heading: `text[start:end]`, with the space after.

    Attributes:
        kind: `PARAGRAPH`, `ITEM` or `HEADING`.
        level: Of a heading, 1 to 6; else 7.
        leads_in: It ends with a colon.
        is_open: It is no list item and ends without an end mark: a heading, or
            cut short.
        group_end: Of an item, the end of its list; else `end`.
        section_end: Where the next open block begins, or the text ends.
    """

    start: int
    end: int
    kind: int
    level: int
    leads_in: bool
    is_open: bool
    group_end: int
    section_end: int


class _Line(NamedTuple):
    kind: int
    level: int
    start: int


def blocks(text: str) -> list[Block]:
    """Cut *text* into blocks, at least one, without gaps.

    None is blank, unless *text* is.
    """
    lines = list(_first_lines(text)) or [_Line(PARAGRAPH, 7, 0)]
    bounds = [0, *(line.start for line in lines[1:]), len(text)]
    found: list[Block] = []
    group_end, section_end = 0, len(text)
    for line, (start, end) in zip(
        reversed(lines), reversed(list(pairwise(bounds))), strict=True
    ):
        if line.kind != ITEM or not found or found[-1].kind != ITEM:
            group_end = end
        own = text[start:end].rstrip(_AFTER_END)
        is_open = line.kind != ITEM and _is_open(own, line.kind)
        leads_in = own.endswith(_COLONS)
        found.append(
            Block(
                start,
                end,
                line.kind,
                line.level,
                leads_in,
                is_open,
                group_end,
                section_end,
            )
        )
        section_end = start if is_open else section_end
    found.reverse()
    return found


def _is_open(own: str, kind: int) -> bool:
    if kind == HEADING:
        return True
    if own.endswith(_ENDS):
        return False
    return len(own) < _MAX_HEADING_CHARS or not _NO_END_MARKS.search(own[-1:])


def _first_lines(text: str) -> Iterator[_Line]:
    """Find the first line of each block."""
    kind, family, indent = HEADING, "", 0  # so that the first line begins a block
    at, blank = 0, True
    for line in text.splitlines(keepends=True):
        start, at = at, at + len(line)
        bare = line.lstrip()
        if not bare:
            blank = True
            continue
        inward = len(line) - len(bare)
        heading, item = _HEADING.match(line), _ITEM.match(line)
        own = (item[1] or "numbered") if item else ""
        if heading:
            kind = HEADING
            yield _Line(HEADING, len(heading[1]), start)
        elif kind == ITEM and (inward > indent or not (blank or own == family)):
            pass  # inside the item, or wrapped
        elif item:
            kind, family, indent = ITEM, own, inward
            yield _Line(ITEM, 7, start)
        elif blank or kind == HEADING:
            kind = PARAGRAPH
            yield _Line(PARAGRAPH, 7, start)
        blank = False
