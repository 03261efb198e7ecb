"""The demo's table of one record: what was published, what each audience has."""

from typing import Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from adapters.cli.demo.compare import COMPARED_FILE, Proof
from adapters.cli.demo.facts import COMPARED
from adapters.cli.demo.page import MARGIN, Page
from adapters.cli.demo.story import AUDIENCE_WORDS, Story
from adapters.comparison import Cell

_LABEL_WIDTH: Final = 12
_GAP: Final = 2
_LINES: Final = 4


def compared(story: Story, page: Page) -> Group:
    """Show the record at one member of each audience; notes give the reasons."""
    record = next(
        each for each in story.played.published if each.sample.file == COMPARED_FILE
    )
    number = story.played.published.index(record) + 1
    audiences = {m.org: AUDIENCE_WORDS[m.audience] for m in story.world.members}
    heads = ["published", *(audiences[org] for org in COMPARED)]
    room = page.width - MARGIN - _LABEL_WIDTH - _GAP * len(heads)
    width = room // len(heads)
    table = page.table("", *heads)
    table.columns[0].width = _LABEL_WIDTH
    for column in table.columns[1:]:
        column.width = width
    notes: dict[str, int] = {}
    for row in story.rows:
        cells = [_cell(cell, notes, page, width) for cell in row.cells]
        said = page.fitted(_value(row.published), width, _LINES)
        table.add_row(Text(row.label, "bold"), said, *cells)
    table.add_section()
    table.add_row("[bold]Signed by[/]", *(_signed(each, page) for each in story.proofs))
    table.add_row("[bold]Parts shown[/]", *(f"{each.parts}" for each in story.proofs))
    foot = Table.grid(padding=(0, 1, 0, 0))
    for sentence, mark in notes.items():
        foot.add_row(Text(f"[{mark}]", "dim"), Text(sentence, "dim"))
    first, second, third = COMPARED
    intro = (
        f"Record {number}, {record.sample.title!r}, as it lies in the folders of {first}, "
        f"{second} and {third}. A number says why something is withheld or "
        "[yellow]replaced[/]."
    )
    return Group(intro, "", table, "", foot)


def _cell(cell: Cell, notes: dict[str, int], page: Page, width: int) -> Text:
    if not cell.why:
        return Text(page.fitted(_value(cell.value), width, _LINES))
    why = " ".join(cell.why)
    mark = f"[{notes.setdefault(why, len(notes) + 1)}]"
    if cell.value is None:
        return Text(f"withheld {mark}", "dim")
    value = page.fitted(_value(cell.value), width, _LINES)
    last = value.rpartition("\n")[2]
    gap = " " if len(last) + 1 + len(mark) <= width else "\n"
    return Text.assemble((value, "yellow"), (gap + mark, "dim"))


def _signed(proof: Proof, page: Page) -> Text:
    if not proof.issuer:
        return Text(f"{page.cross} not valid", "bold red")
    return Text.assemble((page.tick, "green"), f" {proof.issuer}")


def _value(value: Any) -> str:
    """Write a value for people: 48,217; 2026-01-30 22:14."""
    if isinstance(value, int):
        return f"{value:,}"
    text = str(value)
    day, separator, clock = text.partition("T")
    if separator and text.endswith("Z") and len(day) == len("2026-01-30"):
        return day if clock.startswith("00:00:00") else f"{day} {clock[:5]}"
    return text
