"""STIX ids wherever they stand: alone, inside texts, in any case, with a type or bare.

Pure. An object that is withheld may be mentioned by its id in a sentence, and an
object that is shown has another id in a projection; both need all mentions found.
"""

import re
import string
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

_UUID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    re.ASCII | re.IGNORECASE,
)
_TYPE_CHARS: Final = f"{string.ascii_letters}{string.digits}-"
_MAX_TYPE_CHARS: Final = 250  # STIX 2.1, 2.5
_UUID_CHARS: Final = 36
_UUID_HYPHENS: Final = 4
# Marks and formats: they are the same for everybody.
_MARKS: Final = ("marking-definition--", "extension-definition--")


def is_mark(stix_id: str) -> bool:
    """Tell whether the id names a marking or a format."""
    return stix_id.startswith(_MARKS)


def may_hold_ids(text: str) -> bool:
    """Tell, faster than finding out, whether a UUID may stand in *text*."""
    return len(text) >= _UUID_CHARS and text.count("-") >= _UUID_HYPHENS


class Ids:
    """The ids of a record, to recognise in any value."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = frozenset(known)
        self._by_uuid: dict[str, list[str]] = {}
        for stix_id in sorted(self._known):
            self._by_uuid.setdefault(stix_id[-_UUID_CHARS:].lower(), []).append(stix_id)

    def __contains__(self, text: str) -> bool:
        """Tell whether *text* is the id of an object of the record."""
        return text in self._known

    def mentioned(self, value: Any) -> Iterator[str]:
        """List the ids in a value, at any depth; of marks only the record's own.

        A bare or wrongly typed UUID means every object of the record that has it.
        """
        for one in self._found(value):
            if one in self._known or not is_mark(one):
                yield one

    def holds_any(self, value: Any) -> bool:
        """Tell whether `renamed` may change a value: it holds an id, if only of a mark."""
        if type(value) is list:
            return any(map(self.holds_any, value))
        if isinstance(value, str):
            return value in self._known or (
                may_hold_ids(value) and next(self._in_text(value), None) is not None
            )
        return next(self._found(value), None) is not None

    def _found(self, value: Any) -> Iterator[str]:
        if isinstance(value, str):
            if value in self._known:
                yield value
            elif may_hold_ids(value):
                for _, _, found in self._in_text(value):
                    yield from found
        elif isinstance(value, dict):
            for name, inner in value.items():
                yield from self._found(name)
                yield from self._found(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                yield from self._found(inner)

    def renamed(self, value: Any, new: Callable[[str], str]) -> Any:
        """Replace every id in a value, at any depth, by what *new* gives for it."""
        if isinstance(value, str):
            if value in self._known:
                return new(value)
            return self._text(value, new) if may_hold_ids(value) else value
        if isinstance(value, dict):
            return {
                self.renamed(k, new): self.renamed(v, new) for k, v in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.renamed(v, new) for v in value]
        return value

    def _text(self, text: str, new: Callable[[str], str]) -> str:
        out: list[str] = []
        done = 0
        for start, end, found in self._in_text(text):
            typed = end - start > _UUID_CHARS
            meant = new(found[0])
            out += (text[done:start], meant if typed else meant[-_UUID_CHARS:])
            done = end
        return "".join([*out, text[done:]])

    def _in_text(self, text: str) -> Iterator[tuple[int, int, list[str]]]:
        """Find ids: start, end, and which they may be."""
        done = 0
        for uuid in _UUID.finditer(text):
            start, end = uuid.span()
            kind = _type_before(text, done, start)
            done = end
            typed = f"{kind}--{uuid[0]}".lower()
            if kind and typed in self._known:
                yield start - len(kind) - 2, end, [typed]
            elif uuid[0].lower() in self._by_uuid:
                yield start, end, self._by_uuid[uuid[0].lower()]
            elif kind:
                yield start - len(kind) - 2, end, [typed]


def _type_before(text: str, least: int, start: int) -> str:
    """Give the type that stands with its hyphens before *start*, or "".

    From behind: a pattern for the whole id takes a time that grows with the square
    of a text without spaces.
    """
    end = start - 2
    if end <= least or text[end:start] != "--":
        return ""
    near = text[max(least, end - _MAX_TYPE_CHARS) : end]
    run = near[len(near.rstrip(_TYPE_CHARS)) :]
    return run.lstrip(f"{string.digits}-")
