"""Personal data in free text: which segments of a text hold it, and of which kinds. Pure.

A hit withholds its segment, so a false alarm costs a sentence and a miss costs a person.
What is looked for stands in `adapters.network_addresses`, `phones`, `accounts`,
`identity_numbers` and `long_numbers`; what is left alone, in `harmless`. Postal addresses
are not found: without a gazetteer of every country they cannot be told from other words.

Values of hashes are not to be asked about. Every pattern is linear in the text: an issuer
may send a megabyte of letters.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final, Protocol

from adapters.accounts import ibans
from adapters.harmless import BLANK, blanked
from adapters.identity_numbers import announced, lettered
from adapters.long_numbers import Found, numbers
from adapters.network_addresses import ipv4, ipv6, logins, mails
from adapters.phones import called
from adapters.text import normalise

KINDS: Final = frozenset(
    {
        "card", "e-mail", "iban", "ip-address", "long-number", "name", "national-id",
        "phone", "url-login",
    }
)  # fmt: skip

Spans = Callable[[str], Iterator[tuple[int, int]]]
_BEFORE_BLANKING: Final[tuple[tuple[str, Spans], ...]] = (
    ("e-mail", mails),
    ("url-login", logins),
    ("ip-address", ipv6),
    ("phone", called),
    ("national-id", announced),
)
_BLANKED_NEXT: Final[tuple[tuple[str, Spans], ...]] = (
    ("iban", ibans),
    ("national-id", lettered),
)
# Nothing is found in a text without a digit, an `@`, or what normalising may make one of.
_TRIGGER: Final = re.compile(
    r"[\d@%&=]|[^\x00-\x7f]|[\[({<]\s*at|\bdot\b", re.IGNORECASE
)
# The same, in a set of characters: found faster, and seldom for nothing.
_HINT: Final = re.compile(r"[\d@%&=\[({<\x80-\U0010ffff]")
# Nor in a comparable text without one of these. A fiscal code of Italy in which letters
# stand for five digits or more would be one; five persons would have to share the rest.
_PROSPECT: Final = re.compile(r"[@=]|::|(?::[0-9a-f]{1,4}){3}|\d\D*\d\D*\d")
_FOREIGN_DIGIT: Final = re.compile(r"[^\D0-9]")
_DASH: Final = re.compile("[\u2010-\u2015\u2212\u2e3a\u2e3b]")
_DOT: Final = re.compile("[\u00b7\u2022\u2027\u2219\u22c5\u30fb]")


class Recogniser(Protocol):
    """Finds names of persons in a text."""

    def names(self, text: str) -> Iterable[tuple[int, int]]:
        """Give where names begin and end, in characters of *text*, of any length."""


def holds_any(text: str) -> bool:
    """Tell whether *text* holds personal data of any kind but names."""
    if not _is_triggered(text):
        return False
    return next(_hits(_comparable(text)), None) is not None


def found_in(
    parts: Sequence[str], *, recogniser: Recogniser | None = None
) -> dict[int, frozenset[str]]:
    """Find personal data in the segments of one text.

    Args:
        parts: The segments in order; joined they are the text. A number may be split
            between two of them: then both hold it.

    Returns:
        The kinds of what a segment holds, by its position; only those that hold any. If
        joining reveals something that stands in no segment, all hold it.
    """
    kinds: dict[int, set[str]] = {}
    joined = "".join(parts)
    if _is_triggered(joined):
        _find(parts, joined, kinds)
    if recogniser is not None:
        place = _Places(parts)
        for start, end in recogniser.names(joined):
            place.add(kinds, start, end, "name")
    return {index: frozenset(found) for index, found in sorted(kinds.items())}


def _is_triggered(text: str) -> bool:
    if _HINT.search(text) is None and "dot" not in text.lower():
        return False
    return _TRIGGER.search(text) is not None


def _find(parts: Sequence[str], joined: str, kinds: dict[int, set[str]]) -> None:
    whole = _comparable(joined)
    pieces = [whole] if len(parts) == 1 else list(_comparable_each(parts))
    text = "".join(pieces)
    hits = list(_hits(text))
    place = _Places(pieces)
    for start, end, kind in hits:
        place.add(kinds, start, end, kind)
    if text != whole:
        # An escape or a fang was cut in two. What shows only where it is whole could
        # stand anywhere.
        missed = Counter((whole[start:end], kind) for start, end, kind in _hits(whole))
        missed.subtract((text[start:end], kind) for start, end, kind in hits)
        for (_, kind), number in missed.items():
            if number > 0:
                for index in range(len(parts)):
                    kinds.setdefault(index, set()).add(kind)


class _Places:
    """Knows in which of several pieces of a text a place is."""

    def __init__(self, pieces: Sequence[str]) -> None:
        self._ends = list(accumulate(map(len, pieces)))

    def add(self, kinds: dict[int, set[str]], start: int, end: int, kind: str) -> None:
        """Add *kind* to all pieces that hold a part of the text from start to end."""
        final = len(self._ends) - 1
        if final < 0:
            return
        first = min(bisect_right(self._ends, start), final)
        last = min(bisect_left(self._ends, end), final)
        for index in range(first, last + 1):
            kinds.setdefault(index, set()).add(kind)


def _comparable(text: str) -> str:
    """Normalise, with digits and dashes of ASCII; nothing else changes its length."""
    folded = normalise(text)
    if folded.isascii():
        return folded
    folded = _FOREIGN_DIGIT.sub(lambda m: str(unicodedata.decimal(m[0])), folded)
    return _DOT.sub(".", _DASH.sub("-", folded))


def _comparable_each(parts: Sequence[str]) -> Iterator[str]:
    """Do the same for each part; spaces on both sides of a border are one."""
    after_space = False
    for part in parts:
        folded = _comparable(part)
        if after_space:
            folded = folded.removeprefix(" ")
        after_space = folded.endswith(" ") if folded else after_space
        yield folded


def _hits(text: str) -> Iterator[Found]:
    """Find all there is in a text: where it begins and ends, and its kind."""
    if _PROSPECT.search(text) is None:
        return
    for kind, spans in _BEFORE_BLANKING:
        for start, end in spans(text):
            yield start, end, kind
    addresses = list(ipv4(text))
    for start, end in addresses:
        yield start, end, "ip-address"
    rest = blanked(_without(text, addresses))
    for kind, spans in _BLANKED_NEXT:
        found = list(spans(rest))
        for start, end in found:
            yield start, end, kind
        rest = _without(rest, found)
    yield from numbers(rest)


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Put blanks over *spans*, which come in order."""
    if not spans:
        return text
    pieces: list[str] = []
    done = 0
    for start, end in spans:
        pieces += text[done:start], BLANK * (end - max(done, start))
        done = max(done, end)
    return "".join((*pieces, text[done:]))
