"""Where in a JSON text a place is: lines for editors and people. Pure."""

import re
from collections.abc import Set
from typing import Final

_TOKEN: Final = re.compile(r'[{}\[\]:,]|"(?:[^"\\]|\\.)*"|[^\s{}\[\]:,"]+', re.DOTALL)
_ROW: Final = re.compile(r"(?:row|line) ([0-9]+)")
_LAST: Final = re.compile(r"(?:\.[^.\[]+|\[[^\]]*\])\Z")


def lines_of(data: bytes, places: Set[str]) -> dict[str, int]:
    """Find the line of each place, from 1; of its surroundings if it is not there.

    Args:
        data: A JSON text, or a table.
        places: JSON paths, or `row 12, ...`.
    """
    text = data.decode(errors="replace")
    wanted = {outer for place in places for outer in _outwards(place)}
    offsets = _offsets(text, wanted) if any(p.startswith("$") for p in places) else {}
    lines = _Lines(text)
    found: dict[str, int] = {}
    for place in places:
        row = _ROW.search(place)
        if row is not None:
            found[place] = int(row[1])
        for outer in _outwards(place):
            if outer in offsets:
                found.setdefault(place, lines.number(offsets[outer]))
    return found


def _outwards(place: str) -> list[str]:
    """List a place and all that it lies in, innermost first."""
    out = [place]
    while (shorter := _LAST.sub("", out[-1], count=1)) != out[-1]:
        out.append(shorter)
    return out


def _offsets(text: str, wanted: Set[str]) -> dict[str, int]:
    """Find where the values of the wanted paths begin."""
    found: dict[str, int] = {}
    stack: list[tuple[str, int]] = []  # path of each open container; -1: an object
    here, name, is_name = "$", "", False
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word == ":":
            is_name = False
        elif word == ",":
            if stack and stack[-1][1] >= 0:
                stack[-1] = (stack[-1][0], stack[-1][1] + 1)
            is_name = bool(stack) and stack[-1][1] < 0
        elif word in ("}", "]"):
            if stack:
                stack.pop()
            is_name = False
        elif is_name:
            name = word[1:-1]
        else:
            here = _inside(stack, name)
            if here in wanted:
                found.setdefault(here, token.start())
            if word in ("{", "["):
                stack.append((here, -1 if word == "{" else 0))
                is_name = word == "{"
    return found


def _inside(stack: list[tuple[str, int]], name: str) -> str:
    if not stack:
        return "$"
    path, index = stack[-1]
    return f"{path}.{name}" if index < 0 else f"{path}[{index}]"


class _Lines:
    def __init__(self, text: str) -> None:
        self._text = text

    def number(self, offset: int) -> int:
        return self._text.count("\n", 0, offset) + 1
