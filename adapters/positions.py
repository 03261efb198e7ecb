"""Where in a JSON text a place is: lines for editors and people. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Set
from contextlib import suppress
from typing import Final

_ROW: Final = re.compile(r"\b(?:row|line) ([0-9]{1,9})\b")
_BYTE: Final = re.compile(r"byte ([0-9]{1,9})\Z")
_STEP: Final = re.compile(r"\.[^.\[]+|\[[^\]]*\]")
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_MARK: Final = "\ufeff"

_Wanted = dict[str, "_Wanted"]
"""The steps from a value to places inside it: `.name` or `[3]`."""


def lines_of(data: bytes, places: Set[str]) -> dict[str, int]:
    """Find the line of each place, from 1; of its surroundings if it is not there.

    Takes a time in proportion to the text and the places: what lies between the
    places is passed over by the standard library's scanner.

    Args:
        data: A JSON text, or a table.
        places: JSON paths, `row 12, ...`, `line 3 column 4` or `byte 5`.
    """
    offsets: dict[str, int] = {}
    found: dict[str, int] = {}
    text = data.decode(errors="replace") if places else ""
    paths = [place for place in places if place.startswith("$")]
    if paths:
        starts = _starts(text, paths)
        for path in paths:
            found_at = [starts[outer] for outer in _outwards(path) if outer in starts]
            offsets[path] = found_at[-1]  # that of the whole at least
    for place in places - set(paths):
        if row := _ROW.search(place):
            found[place] = int(row[1])
        elif at := _BYTE.match(place):
            found[place] = data.count(b"\n", 0, int(at[1])) + 1
    line, before = 1, 0
    for path, offset in sorted(offsets.items(), key=lambda each: each[1]):
        line, before = line + text.count("\n", before, offset), offset
        found[path] = line
    return found


def _outwards(path: str) -> Iterator[str]:
    """List what a place lies in, and itself: outermost first."""
    yield "$"
    for step in _STEP.finditer(path, 1):
        yield path[: step.end()]


def _starts(text: str, paths: Iterable[str]) -> dict[str, int]:
    """Find where the values at these paths begin, and those that they lie in."""
    wanted: _Wanted = {}
    for path in paths:
        inner = wanted
        for step in _STEP.findall(path, 1):
            inner = inner.setdefault(step, {})
    found: dict[str, int] = {}
    walk = _Walk(text, found)
    # Where the text is no JSON any more, what was found so far holds.
    with suppress(ValueError, IndexError, RecursionError):
        walk.value(walk.space(1 if text.startswith(_MARK) else 0), "$", wanted)
    return found


class _Walk:
    """Goes through a JSON text, into the values that are wanted alone."""

    def __init__(self, text: str, found: dict[str, int]) -> None:
        self._text = text
        self._found = found
        # Digits are not made numbers: a million of them would take hours.
        self._skip = json.JSONDecoder(parse_int=len, parse_float=len).raw_decode

    def space(self, at: int) -> int:
        blank = _SPACE.match(self._text, at)
        return at if blank is None else blank.end()

    def value(self, at: int, path: str, wanted: _Wanted) -> int:
        """Note the value that begins at *at*, and go into it; where it ends."""
        self._found.setdefault(path, at)
        opening = self._text[at]
        if not wanted or opening not in "{[":
            return self._skip(self._text, at)[1]
        is_object = opening == "{"
        at, index = self.space(at + 1), 0
        while self._text[at] not in "}]":
            step = f"[{index}]"
            if is_object:
                name, at = self._skip(self._text, at)
                step = f".{name}"
                at = self.space(self.space(at) + 1)  # past the colon
            inner = wanted.get(step)
            if inner is None:
                at = self._skip(self._text, at)[1]
            else:
                at = self.value(at, path + step, inner)
            at, index = self.space(at), index + 1
            if self._text[at] == ",":
                at = self.space(at + 1)
            elif self._text[at] not in "}]":
                raise ValueError("neither a comma nor the end")
        return at + 1
