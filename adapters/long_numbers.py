"""Numbers of seven digits or more: what they are, and the rest that fails closed. Pure.

One pass over the text finds runs of digits with what people write between them. A run
may hold several numbers side by side, so every number of whole groups in it is looked
at. Text is normalised and blanked (`adapters.harmless`), its digits and dashes ASCII.
"""

import re
from collections.abc import Iterator
from typing import Final

from adapters.accounts import is_card
from adapters.identity_numbers import is_identity_number
from adapters.phones import is_bare, is_international

MIN_DIGITS: Final = 7
_RUN: Final = re.compile(r"\d(?:[ ().\-/_]{0,2}\d){6,}")
_GROUP: Final = re.compile(r"\d+")
_SLASH: Final = re.compile(r"[^/]+")
_MAX_DIGITS: Final = 19  # ISO/IEC 7812
Found = tuple[int, int, str]


def numbers(text: str) -> Iterator[Found]:
    """Find numbers: where they begin and end, and of what kind they are."""
    known: dict[str, str] = {}
    for run in _RUN.finditer(text):
        start, end = run.span()
        whole = False
        for found in _known_in(text, start, end, known):
            whole = whole or found[:2] == (start, end)
            yield found
        if not whole:
            yield from _unknown_in(text, start, end)


def _known_in(
    text: str, start: int, end: int, known: dict[str, str]
) -> Iterator[Found]:
    """Find numbers that are known in one run.

    Args:
        known: Kinds of the digits that were looked at, for as long as this call.
    """
    groups = [(g.start(), g.end()) for g in _GROUP.finditer(text, start, end)]
    for first, (begin, _) in enumerate(groups):
        digits = "+" if text[max(0, begin - 2) : begin].rstrip("(")[-1:] == "+" else ""
        for low, high in groups[first : first + _MAX_DIGITS]:
            digits += text[low:high]
            if len(digits) > _MAX_DIGITS:
                break
            if len(digits) < MIN_DIGITS:
                continue
            kind = known.get(digits)
            if kind is None:
                kind = known[digits] = _kind(digits)
            if kind:
                yield begin, high, kind


def _kind(digits: str) -> str:
    if digits[0] == "+":
        return "phone" if is_international(digits[1:]) else ""
    if is_card(digits):
        return "card"
    if is_identity_number(digits):
        return "national-id"
    return "phone" if is_bare(digits) else ""


def _unknown_in(text: str, start: int, end: int) -> Iterator[Found]:
    """Give the run as a long number; a slash parts two, but for numbers of phones."""
    for part in _SLASH.finditer(text, start, end):
        if sum(map(str.isdigit, part[0])) >= MIN_DIGITS:
            yield *part.span(), "long-number"
