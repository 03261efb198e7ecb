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
_RUN: Final = re.compile(r"\d(?:[ ().\-/_]{0,3}\d){6,}")
_GROUP: Final = re.compile(r"\d+")
_SLASHED: Final = re.compile(r"[^/]+")
_BIRTHDAY: Final = re.compile(r"(?<!\d)\d\d?/\d\d?/1[89]\d\d(?!\d)")
_MAX_DIGITS: Final = 19  # ISO/IEC 7812
_MAX_GROUPS: Final = 8  # a French NIR has seven
# Numbers that are looked at closely in one text; the rest are long numbers all the
# same. Some 15 microseconds each, and an issuer can send a megabyte of digits.
MAX_LOOKS: Final = 50_000
LONG: Final = "long-number"
Found = tuple[int, int, str]
Groups = list[tuple[int, int]]
Known = dict[str, tuple[str, ...]]


def numbers(text: str) -> Iterator[Found]:
    """Find numbers: where they begin and end, and of what kind they are."""
    known: Known = {}  # kinds by digits, for this text only
    for run in _RUN.finditer(text):
        start, end = run.span()
        groups = [group.span() for group in _GROUP.finditer(text, start, end)]
        whole = _kinds_of(text, groups, known)
        if whole:
            yield from ((start, end, kind) for kind in whole)
        else:
            yield from _within(text, groups, known)
            yield from _unknown(text, start, end)


def _within(text: str, groups: Groups, known: Known) -> Iterator[Found]:
    """Find numbers made of some of the groups of a run, side by side."""
    for first in range(len(groups)):
        for last in range(first + 1, min(first + _MAX_GROUPS, len(groups)) + 1):
            some = groups[first:last]
            for kind in _kinds_of(text, some, known):
                yield some[0][0], some[-1][1], kind


def _kinds_of(text: str, groups: Groups, known: Known) -> tuple[str, ...]:
    if len(groups) > _MAX_DIGITS:
        return ()
    digits = "".join(text[start:end] for start, end in groups)
    if not MIN_DIGITS <= len(digits) <= _MAX_DIGITS:
        return ()
    begin = groups[0][0]
    if text[max(0, begin - 3) : begin].rstrip(" (").endswith("+"):
        digits = f"+{digits}"
    kinds = known.get(digits)
    if kinds is None:
        if len(known) >= MAX_LOOKS:
            return (LONG,)
        kinds = known[digits] = tuple(_kinds(digits))
    return kinds


def _kinds(digits: str) -> Iterator[str]:
    if digits[0] == "+":
        if is_international(digits[1:]):
            yield "phone"
        return
    card, national = is_card(digits), is_identity_number(digits)
    if card:
        yield "card"
    if national:
        yield "national-id"
    # A number with the zero of home before it is more often a phone's.
    if not card and (digits[0] == "0" or not national) and is_bare(digits):
        yield "phone"


def _unknown(text: str, start: int, end: int) -> Iterator[Found]:
    """Give a run, or what is long enough between its slashes, as a long number."""
    if _BIRTHDAY.search(text, start, end):
        yield start, end, LONG
        return
    for part in _SLASHED.finditer(text, start, end):
        if sum(map(str.isdigit, part[0])) >= MIN_DIGITS:
            yield *part.span(), LONG
