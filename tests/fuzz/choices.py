"""Bytes of a fuzzer -> decisions. The same bytes always decide the same."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """Takes decisions from bytes, front to back; when they are used up, zeros.

    So the first of several options is the harmless one, and short inputs are simple.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._used = 0

    @property
    def is_used_up(self) -> bool:
        return self._used >= len(self._data)

    def byte(self) -> int:
        if self.is_used_up:
            return 0
        self._used += 1
        return self._data[self._used - 1]

    def below(self, count: int) -> int:
        """Give a number from 0 up to *count* - 1, at most 65,536 of them."""
        if count > 256:
            return (self.byte() << 8 | self.byte()) % count
        return self.byte() % count

    def rarely(self) -> bool:
        """Give True for 16 of 256 bytes."""
        return self.byte() >= 240

    def pick(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]


def table(options: Iterable[str], size: int) -> list[str]:
    """Strew *options* over a list to pick from.

    One more or one less of them changes few places only, so that inputs that were kept
    go on meaning what they meant.
    """

    def weight(option: str, place: int) -> bytes:
        return hashlib.sha1(
            f"{place} {option}".encode(), usedforsecurity=False
        ).digest()

    known = sorted(options)
    return [max(known, key=lambda each: weight(each, i)) for i in range(size)]


def subset(data: bytes, count: int) -> list[int]:
    """Give a subset of `range(count)` that *data* decides as a whole."""
    bits = hashlib.shake_128(data).digest(count)
    return [index for index, bit in enumerate(bits) if bit & 1]
