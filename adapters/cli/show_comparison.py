"""How `tocsin compare` looks on a terminal, from 80 columns on."""

from typing import Any, Final

from rich import box
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from adapters.cli.show import output, printable
from adapters.comparison import STATES, Card, Cell, Column, Comparison, State, flat
from schemas.markings import TLP_IDS

_MAX_WIDTH: Final = 140  # longer lines are hard to read
_NAME_WIDTH: Final = 18
_GAP: Final = 2
_MARKS: Final = {stix_id: f"TLP:{tlp.label}" for tlp, stix_id in TLP_IDS.items()}
_STYLES: Final[dict[State, str]] = {
    "full": "",
    "part": "yellow",
    "made": "yellow",
    "withheld": "dim",
    "waiting": "magenta",
}
_HEADS: Final[dict[State, str]] = {
    "full": "in full",
    "part": "in part",
    "made": "replaced",
    "withheld": "withheld",
    "waiting": "waiting",
}


def comparison(found: Comparison) -> None:
    """Print the record, object by object, a column for each view."""
    with output():
        console = Console(highlight=False, emoji=False)
        _head(console, found)
        paper = _Paper(found, min(console.width, _MAX_WIDTH))
        for card in found.cards if paper.has_columns else ():
            console.print(paper.title(card), soft_wrap=True)
            console.print(paper.table(card))
        if paper.has_columns:
            console.print(paper.reasons())


def summary(found: Comparison) -> None:
    """Print how much each view gets."""
    with output():
        _head(Console(highlight=False, emoji=False), found)


def _head(console: Console, found: Comparison) -> None:
    console.print(
        "[bold red]For those who may see the whole record.[/]\n"
        f"[bold]{_safe(found.title or found.record)}[/], by {_safe(found.issuer)}, "
        f"{found.kind}, TLP:{found.tlp}, version {found.version}\n"
        f"policy {_safe(found.policy)}, SHA-256\n{found.policy_sha256}",
        soft_wrap=True,
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("audience", header_style="dim")
    for state in STATES:
        table.add_column(_HEADS[state], justify="right", header_style="dim")
    for column in found.columns:
        if column.refusal is None:
            totals = (str(column.totals[state]) for state in STATES)
            table.add_row(_about(column), *totals)
    if any(column.refusal is None for column in found.columns):
        console.print(table)
    for column in found.columns:
        if column.refusal is not None:
            name = f"{column.name} ({column.described}) gets nothing: "
            console.print(Text(printable(name + column.refusal.why), "yellow"))
    if not found.complete:
        console.print("Parts of this copy were withheld before it came here.")


def _about(column: Column) -> Text:
    return Text.assemble(
        printable(column.name), (f"\n{printable(column.described)}", "dim")
    )


def _safe(text: str) -> str:
    return escape(printable(text))


class _Paper:
    """Tables of objects, whose reasons stand once, at the end."""

    def __init__(self, found: Comparison, width: int) -> None:
        self._found = found
        self._columns = [c for c in found.columns if c.refusal is None]
        self._shown = [
            n for n, column in enumerate(found.columns) if column.refusal is None
        ]
        self.has_columns = bool(self._columns)
        count = max(len(self._columns), 1)
        self._width = (width - _NAME_WIDTH - _GAP * count) // count
        self._numbers = found.numbers()
        self._marks: dict[str, int] = {}

    def title(self, card: Card) -> str:
        """Give the heading of an object."""
        return (
            f"\n[bold]{card.number} {_safe(card.object_type)}[/] {_safe(card.title)}"
            f"  [dim]{card.path}[/]"
        )

    def table(self, card: Card) -> RenderableType:
        """Set out one object."""
        table = Table(
            box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False
        )
        table.add_column("", width=_NAME_WIDTH, overflow="fold")
        for column in self._columns:
            head = printable(column.name)
            table.add_column(
                Text(head), width=self._width, header_style="dim", overflow="fold"
            )
        gone = {n for n in self._shown if card.lost[n]}
        if gone:
            lost = (
                Text(f"withheld {self._mark(card.lost[n])}" if n in gone else "", "dim")
                for n in self._shown
            )
            table.add_row(Text("the whole object", "bold"), *lost)
        for row in card.rows:
            if gone.issuperset(self._shown):
                break
            cells = (
                Text()
                if n in gone
                else self._cell(row.cells[n], self._found.columns[n])
                for n in self._shown
            )
            name = row.spoken
            table.add_row(
                Text(printable(name), "dim" if row.is_minor else "bold"), *cells
            )
        return table

    def _cell(self, cell: Cell, column: Column) -> Text:
        lines = [self._line(label, leaf, column) for label, leaf in flat(cell.value)]
        if not lines:
            lines = [cell.instead or _HEADS[cell.state]]
        text = Text("\n".join(lines), _STYLES[cell.state])
        if cell.why:
            text.append(f" {self._mark(cell.why)}", "dim")
        return text

    def _line(self, label: str, leaf: Any, column: Column) -> str:
        written = ("yes" if leaf else "no") if isinstance(leaf, bool) else str(leaf)
        known = self._numbers.get(column.ids.get(written, ""))
        if known is not None:
            written = f"object {known[0]} ({known[1]})"
        written = _MARKS.get(written, written)
        return printable(f"{label}: {written}" if label else written)

    def _mark(self, why: tuple[str, ...]) -> str:
        said = " ".join(why)
        return f"[{self._marks.setdefault(said, len(self._marks) + 1)}]"

    def reasons(self) -> Table:
        """Give the sentences to which the marks refer."""
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_row("", "")
        for said, mark in self._marks.items():
            table.add_row(Text(f"[{mark}]", "dim"), Text(printable(said)))
        return table
