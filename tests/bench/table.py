"""Reports as Markdown tables for people, and as plain values for programs."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from tests.bench.rounds import Report, Row, Unit, middle

HEAD = ("what", "ours", "anchor", "times the anchor (least - most)", "")


def lines_of(report: Report) -> Iterator[str]:
    """Write a report down."""
    yield f"### {report.title}"
    yield ""
    yield report.method
    yield ""
    if report.rows:
        yield from _table([HEAD, *(_cells(row) for row in report.rows)])
        yield ""
    if report.text:
        yield from report.text
        yield ""


def values_of(report: Report) -> dict[str, Any]:
    """Give the raw numbers, with each ratio's median."""
    rows = [
        asdict(row) | {"ratios": row.ratios, "ratio": middle(row.ratios)}
        for row in report.rows
    ]
    return {"title": report.title, "rows": rows, "text": report.text}


def _cells(row: Row) -> tuple[str, ...]:
    ratios = row.ratios
    return (
        row.what,
        spelled(middle(row.ours), row.unit),
        f"{row.anchor} {spelled(middle(row.anchors), row.unit)}",
        f"{_short(middle(ratios))} ({_short(min(ratios))} - {_short(max(ratios))})",
        row.note,
    )


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    head, *rest = rows
    yield _line(head, widths)
    yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    for row in rest:
        yield _line(row, widths)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = (f" {c:<{w}} " for c, w in zip(cells, widths, strict=True))
    return "|" + "|".join(padded) + "|"


def spelled(value: float, unit: Unit) -> str:
    """Write a cost in the unit that people read it in."""
    if unit == "rate":
        return f"{_short(1 / value)}/s"
    if unit == "bytes":
        if value < 2**20:
            return f"{value / 2**10:.1f} KiB"
        return f"{value / 2**20:,.0f} MiB"
    for factor, name in ((1, "s"), (1e3, "ms")):
        if value * factor >= 1:
            return f"{_short(value * factor)} {name}"
    return f"{_short(value * 1e6)} µs"


def _short(value: float) -> str:
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}"
