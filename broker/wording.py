"""What the words of a sentence do to its neighbours. Pure.

One pattern for all languages, since a record says seldom in which it is written,
and quotes others. It is a trie: each place of a text is tried once, whatever the
number of words, and no further than the longest word.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any, Final, NamedTuple

from broker.qualifiers import (
    SIGN_LETTERS,
    SIGNS,
    SIGNS_UNSPACED,
    SPACED,
    UNSPACED,
    Words,
)

OPENS: Final = 1  # begins with a word that refers back
DOUBTS: Final = 2  # says how certain something is, or who claims it
HEDGES: Final = 4  # limits or denies
AHEAD: Final = 8  # speaks of what follows
SCOPE: Final = 16  # speaks of the whole text
REVOKES: Final = 32  # corrects or withdraws
UNREAD: Final = 64  # no sign of a language that is known here
TELLS: Final = 128  # names what somebody tells: what follows may be that
POINTS: Final = 256  # names again what a claim rests on, or whom it accuses

_KINDS_IN_ORDER: Final = (DOUBTS, HEDGES, AHEAD, SCOPE, REVOKES)

# Not seen, and written between or inside words: soft hyphen, zero-width space and
# joiners, word joiner. Emphasis of Markdown parts words; apostrophes are one.
_FOLDS: Final = str.maketrans(
    {
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff"),
        **dict.fromkeys("_*", " "),
        **dict.fromkeys("\u2018\u2019\u02bc\uff07", "'"),
    }
)
_ANY_SPACE = re.compile(r"\s+")
_STOP, _STEM = "stop", "stem"  # ends of a word in the trie; a character has length 1

# Thai, Lao, Burmese, Khmer, Japanese, Chinese.
_UNSPACED_SCRIPT = re.compile(
    "[\u0e01-\u0e5b\u0e81-\u0edf\u1000-\u109f\u1780-\u17f9\u3041-\u30ff\u3400-\u9fff]"
)


def fold(text: str) -> str:
    """Fold case, width, apostrophes and what is not seen."""
    if text.isascii():
        return text.lower().replace("_", " ").replace("*", " ")
    return unicodedata.normalize("NFKC", text).lower().translate(_FOLDS)


def entries(words: str) -> list[str]:
    """List the entries of a table's *words*; a space at an end stays."""
    return [entry.removeprefix(" ") for entry in words.split(",")]


def trie(words: Iterable[str], *, whole: bool) -> str:
    """Write a pattern for any of *words*, the longest that fits.

    Args:
        whole: A word must end where the entry does, unless that ends with `-`.
    """
    root: dict[str, Any] = {}
    for word in words:
        node = root
        for char in word.removesuffix("-"):
            node = node.setdefault(char, {})
        node[_STOP if whole and not word.endswith("-") else _STEM] = {}
    return _branches(root)


def _branches(node: dict[str, Any]) -> str:
    found = [
        (r"\s{1,3}" if char == " " else re.escape(char)) + _branches(node[char])
        for char in sorted(node)
        if char not in (_STOP, _STEM)
    ]
    if _STEM in node:
        found.append("")
    elif _STOP in node:
        found.append(r"(?!\w)")
    return found[0] if len(found) == 1 else f"(?:{'|'.join(found)})"


def _kinds(tables: Any) -> dict[str, int]:
    kinds: dict[str, int] = {}
    for table in tables.values():
        for words, kind in zip(table[1:6], _KINDS_IN_ORDER, strict=True):
            for word in entries(words):
                key = fold(word.removesuffix("-"))
                kinds[key] = kinds.get(key, 0) | kind
    return kinds


def _all(tables: Any, *, opening: bool) -> list[str]:
    return [
        fold(word)
        for table in tables.values()
        for words in (table[:1] if opening else table[1:6])
        for word in entries(words)
    ]


def _column(tables: Iterable[Words], *names: str) -> list[str]:
    columns = [getattr(table, name) for table in tables for name in names]
    return [fold(word) for words in columns if words for word in entries(words)]


def _definite() -> str:
    """Write a pattern for an article, up to two words, and what was spoken of."""
    found = [
        trie(_column([table], "articles"), whole=True)
        + r"[\s'-]{1,3}+(?:\w{1,24}+[\s'-]{1,3}+){0,2}"
        + trie(_column([table], "carriers", "told"), whole=True)
        for table in SPACED.values()
        if table.articles
    ]
    return rf"\W(?:{'|'.join(found)})"


_BARE: Final = [table for table in SPACED.values() if not table.articles]
_KINDS: Final = _kinds(SPACED)
_KINDS_UNSPACED: Final = _kinds(UNSPACED)


class _Patterns(NamedTuple):
    inside: re.Pattern[str]
    inside_unspaced: re.Pattern[str]
    opening: re.Pattern[str]
    telling: re.Pattern[str]
    telling_unspaced: re.Pattern[str]
    pointing: re.Pattern[str]
    definite: re.Pattern[str]
    sign: re.Pattern[str]
    sign_ascii: re.Pattern[str]


@cache
def _patterns() -> _Patterns:
    """Compile the patterns, once: that takes 100 ms, which verifying can do without.

    The character before a word is part of them, so that the letters between words
    are skipped quickly.
    """
    signs = entries(SIGNS)
    ascii_signs = [word for word in signs if word.isascii()]
    return _Patterns(
        re.compile(rf"\W({trie(_all(SPACED, opening=False), whole=True)})"),
        re.compile(trie(_all(UNSPACED, opening=False), whole=False)),
        re.compile(
            rf"[\W\d]*+(?:{trie(_all(SPACED, opening=True), whole=True)}"
            rf"|{trie(_all(UNSPACED, opening=True), whole=False)})"
        ),
        re.compile(rf"\W{trie(_column(SPACED.values(), 'told'), whole=True)}"),
        re.compile(trie(_column(UNSPACED.values(), "told"), whole=False)),
        re.compile(
            rf"[\W\d]*+(?:{trie(_column(_BARE, 'carriers'), whole=True)}"
            rf"|{trie(_column(UNSPACED.values(), 'carriers'), whole=False)})"
        ),
        re.compile(_definite()),
        re.compile(
            rf"\W{trie(signs, whole=True)}|[{SIGN_LETTERS}]"
            rf"|{trie(map(fold, entries(SIGNS_UNSPACED)), whole=False)}"
        ),
        re.compile(rf"\W{trie(ascii_signs, whole=True)}"),
    )


def effects(sentence: str) -> int:
    """Say what *sentence* does to its neighbours: the constants above, or-ed."""
    patterns = _patterns()
    folded = f" {fold(sentence)}"
    known = (patterns.sign_ascii if folded.isascii() else patterns.sign).search(folded)
    bits = 0 if known else UNREAD
    if patterns.opening.match(folded):
        bits |= OPENS
    if patterns.telling.search(folded):
        bits |= TELLS
    if patterns.pointing.match(folded) or patterns.definite.search(folded):
        bits |= POINTS
    for word in patterns.inside.findall(folded):
        bits |= _kind(_KINDS, word)
    if not folded.isascii():
        for word in patterns.inside_unspaced.findall(folded):
            bits |= _kind(_KINDS_UNSPACED, word)
        if patterns.telling_unspaced.search(folded):
            bits |= TELLS
    return bits


def _kind(kinds: dict[str, int], word: str) -> int:
    return kinds[_ANY_SPACE.sub(" ", word) if word not in kinds else word]


def is_unspaced(sentence: str) -> bool:
    """Tell whether its script has no spaces between words."""
    return not sentence.isascii() and _UNSPACED_SCRIPT.search(sentence) is not None
