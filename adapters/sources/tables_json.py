"""A JSON list of flat objects -> rows of cells. Pure."""

from collections.abc import Iterator
from typing import Any, Final

from adapters.sources.tables_text import Row
from schemas.findings import Findings

MAX_CELL_CHARS: Final = 131_072  # as the csv module takes
_LISTS: Final = frozenset(
    {
        "data", "entries", "indicator", "indicators", "ioc", "iocs", "items", "records",
        "results", "rows",
    }
)  # fmt: skip


def items_of(value: Any) -> tuple[str, list[Any]]:
    """Find the list of rows in an object or list, and its place."""
    if type(value) is list:
        return "$", value
    for name, inner in value.items():
        if type(inner) is list and name in _LISTS:
            return f"$.{name}", inner
    return "$", []


def rows_of(value: Any, names: tuple[str, ...], losses: Findings) -> Iterator[Row]:
    """Give the members of these names, of each object in the list."""
    place, items = items_of(value)
    if type(value) is dict and len(value) > 1:
        losses.add("no-equivalent", "$[...]")
    columns = set(names)
    for index, item in enumerate(items):
        where = f"{place}[{index}]"
        if type(item) is not dict:
            losses.add("wrong-type", where, "an object")
            continue
        if not columns.issuperset(item):
            losses.add("no-equivalent", f"{where}[...]")
        yield Row(where, [_cell(item.get(n), f"{where}[...]", losses) for n in names])


def _cell(value: Any, where: str, losses: Findings) -> str:
    if type(value) is list and all(type(each) is str for each in value):
        value = "; ".join(value)
    if value is None or type(value) is bool:
        return "" if value is None else str(value).lower()
    if type(value) is dict or type(value) is list:
        losses.add("wrong-type", where, "a text")
        return ""
    text = str(value)
    if len(text) > MAX_CELL_CHARS:
        losses.add("too-long", where)
        return ""
    return text
