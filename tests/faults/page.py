"""The table of `make faults`, for people: docs/reliability.md has it between markers."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.striking import Outcome

PAGE = Path(__file__).parents[2] / "docs/reliability.md"
BEGIN, END = "<!-- make faults: begin -->", "<!-- make faults: end -->"
HEAD = (
    "what happened", "published", "confirmed", "delivered", "newer came first",
    "refused", "lost", "twice: no answer", "twice: the fault", "twice: else",
    "longest gap", "and",
)  # fmt: skip


def lines(outcomes: Sequence[tuple[str, Outcome]], told: str) -> Iterator[str]:
    """Write the tables down, one for each kind of installation."""
    yield told
    for kind in dict.fromkeys(kind for kind, _ in outcomes):
        yield f"\n### {kind}\n"
        yield _line(HEAD)
        yield _line(["---"] * len(HEAD))
        for each, outcome in outcomes:
            if each == kind:
                yield _line(cells(outcome))


def cells(outcome: Outcome) -> tuple[str, ...]:
    of = outcome.count
    wrong = [f"**{each}: {getattr(of, each)}**" for each in of.faults[2:]]
    lies = f"{of.thrown_away} lacking by its number" if of.thrown_away else ""
    said = [lies, outcome.note, *outcome.ended, *wrong]
    return (
        outcome.fault,
        f"{of.published:,}",
        f"{of.confirmed:,}",
        f"{of.delivered:,}",
        str(of.superseded),
        str(of.refused),
        f"**{of.lost}**",
        str(of.twice_unanswered),
        str(of.twice_in_fault),
        f"**{of.twice}**",
        f"{of.gap_s:.1f} s",
        "; ".join(filter(None, said)),
    )


def write(text: str) -> None:
    """Put *text* between the markers of the page."""
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{text.strip()}\n{END}{after}")


def today() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d")


def _line(each: Sequence[str]) -> str:
    return f"| {' | '.join(each)} |"
