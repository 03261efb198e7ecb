"""Delimited text -> rows of cells, whoever saved it. Pure."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from schemas.errors import SchemaError

_HEAD_BYTES: Final = 1 << 16
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff")
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), *((mark, "utf-16") for mark in _WIDE))
# A lone accented letter is Windows-1252's; UTF-8, or words in other letters, are not.
_NOT_WESTERN = re.compile(
    rb"[\x80-\xff]{4}|[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}"
)


class Row(NamedTuple):
    """A row: its place in the input, and its cells from left to right."""

    where: str
    cells: Sequence[str]


def decode(data: bytes) -> tuple[str, bool]:
    """Decode a text; True if the encoding is guessed.

    Raises:
        SchemaError: `not-utf8`, `not-text`.
    """
    try:
        for mark, encoding in _MARKS:
            if data.startswith(mark):
                return _without_nul(data.decode(encoding)), False
        return _without_nul(data.decode()), False
    except UnicodeDecodeError as error:
        is_wide = data.startswith(_WIDE)
        foreign = None if is_wide else _NOT_WESTERN.search(data)
        start = foreign.start() if foreign else error.start
        try:
            if foreign is None and not is_wide:
                return _without_nul(data.decode("cp1252")), True
        except UnicodeDecodeError:
            pass
        line = data.count(b"\n", 0, start) + 1
        raise SchemaError("not-utf8", f"line {line}") from None


def _without_nul(text: str) -> str:
    end = text.find("\0")
    if end >= 0:
        line = text.count("\n", 0, end) + 1
        raise SchemaError("not-text", f"line {line}")
    return text


def decode_beginning(data: bytes) -> tuple[str, bool]:
    """Decode the first bytes, whatever is wrong with them; and tell if that is all."""
    encoding = next((e for mark, e in _MARKS if data.startswith(mark)), "utf-8")
    text = data[:_HEAD_BYTES].decode(encoding, errors="replace")
    return text, len(data) <= _HEAD_BYTES


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    # Strictly: a quotation mark that is never closed would swallow all that follows.
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        skipinitialspace=True,
        strict=True,
    )
    number = 0
    while True:
        number += 1
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise SchemaError("bad-cell", f"row {number}") from None


def numbered(text: str, delimiter: str) -> Iterator[Row]:
    """Part a text into rows.

    Raises:
        SchemaError: `bad-cell`.
    """
    for number, cells in enumerate(_records(text, delimiter), start=1):
        yield Row(f"row {number}", cells)


def beginning(text: str, delimiter: str, count: int) -> tuple[list[Row], bool]:
    """Part the first rows; and tell whether a cell among them does not end."""
    rows = []
    try:
        for row in islice(numbered(text, delimiter), count):
            rows.append(row)
    except SchemaError:  # which row, is said when all of it is read
        return rows, True
    return rows, False
