"""The rows of a Shadowserver report, from CSV or from a JSON list."""

import csv
import io
from collections.abc import Iterator, Mapping, Set
from typing import Any, Final

from adapters.sources.found import Intake
from adapters.sources.source import Input
from schemas.errors import SchemaError
from schemas.findings import Findings
from schemas.record import MAX_OBJECTS

_MARK: Final = b"\xef\xbb\xbf"
_MAX_HEADER_BYTES: Final = 1 << 16
# shadowserver.org, Network Reporting: every report has these two, and some of those;
# reports of events say whose they are: `src_ip`, `src_asn`.
_SOURCE: Final = "src_"
_TELLING: Final = frozenset(
    {"asn", "geo", "hostname", "naics", "port", "sector", "severity", "tag"}
)


class Row(Intake):
    """The cells of one row, by the names of their columns.

    Attributes:
        side: What stands before the names of columns about the host: "" or `src_`.
    """

    __slots__ = ("_numbers", "side")

    def __init__(
        self,
        cells: Mapping[str, Any],
        where: str,
        losses: Findings,
        names: Set[str],
        numbers: Mapping[str, int] | None = None,
    ) -> None:
        """Take *cells* in.

        Args:
            numbers: Of the columns of a table, from 1; None for a JSON object.
        """
        super().__init__(cells, where, losses, names)
        self._numbers = numbers
        self.side = _SOURCE if f"{_SOURCE}ip" in cells else ""

    def place(self, name: str) -> str:
        """Spell the place of a cell."""
        if self._numbers is None:
            return super().place(name)
        known = name in self._names
        return f"{self.where}, column " + (
            f'"{name}"' if known else str(self._numbers.get(name, 0))
        )

    def lose_cell(self, name: str, expected: str = "") -> None:
        """List a cell whose value is not what it should be."""
        self._losses.add("bad-value", self.place(name), expected)


def is_report(given: Input) -> bool:
    """Tell whether the columns are those of a report."""
    if given.is_json:
        value = given.parsed
        first = value[0] if type(value) is list and value else None
        return type(first) is dict and _are_telling(first.keys())
    return _are_telling(frozenset(_header(given.data)))


def _are_telling(columns: Set[str]) -> bool:
    side = _SOURCE if f"{_SOURCE}ip" in columns else ""
    return {"timestamp", f"{side}ip"} <= columns and (
        len({name.removeprefix(side) for name in columns} & _TELLING) >= 2
    )


def _header(data: bytes) -> list[str]:
    line = data[:_MAX_HEADER_BYTES].removeprefix(_MARK).partition(b"\n")[0]
    try:
        cells = next(csv.reader([line.decode()], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return []
    return [cell.strip().lower() for cell in cells]


def rows_of(given: Input, losses: Findings, names: Set[str]) -> Iterator[Row]:
    """List the rows that hold something.

    Args:
        names: Of columns, which a place may spell.

    Raises:
        SchemaError: `not-shadowserver`, `not-utf8`, `not-csv`, `too-many-objects`.
    """
    if not is_report(given):
        raise SchemaError("not-shadowserver")
    return (_json if given.is_json else _csv)(given, losses, names)


def _json(given: Input, losses: Findings, names: Set[str]) -> Iterator[Row]:
    for index, value in enumerate(given.json):
        where = f"$[{index}]"
        _stop_after(index, where)
        if type(value) is dict:
            yield Row(value, where, losses, names)
        else:
            losses.add("wrong-type", where, "an object")


def _csv(given: Input, losses: Findings, names: Set[str]) -> Iterator[Row]:
    try:
        text = given.data.removeprefix(_MARK).decode()
    except UnicodeDecodeError as error:
        raise SchemaError("not-utf8", f"byte {error.start}") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = _distinct(cell.strip().lower() for cell in next(reader))
        numbers = {name: number for number, name in enumerate(columns, 1)}
        for index, cells in enumerate(reader):
            where = f"row {index + 2}"  # the heading is the first
            _stop_after(index, where)
            for number in range(len(columns), len(cells)):
                if cells[number]:
                    losses.add("no-equivalent", f"{where}, column {number + 1}")
            if any(cells):
                named = dict(zip(columns, cells, strict=False))
                yield Row(named, where, losses, names, numbers)
    except csv.Error:
        raise SchemaError("not-csv", f"line {reader.line_num}") from None


def _stop_after(index: int, where: str) -> None:
    # Every row gives an object at least: no need to read on.
    if index >= MAX_OBJECTS:
        raise SchemaError("too-many-objects", where)


def _distinct(names: Iterator[str]) -> list[str]:
    """Give each column a name of its own: what comes twice takes its number along."""
    found: dict[str, None] = {}
    for number, name in enumerate(names, 1):
        is_new = name and name not in found
        found[name if is_new else f"{name or 'column'} {number}"] = None
    return list(found)
