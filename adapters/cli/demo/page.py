"""The paper that the demo is printed on: sections, tables, marks."""

import textwrap
from typing import Final

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

MARGIN: Final = 3
MAX_WIDTH: Final = 120  # longer lines are hard to read
_COMMAND_WIDTH: Final = 26


class Page:
    """Numbers sections, and knows what the terminal can show.

    Attributes:
        width: Columns, the margin included.
    """

    def __init__(self, console: Console) -> None:
        plain = console.options.ascii_only
        self.tick, self.cross, self.dash, self._more = (
            ("ok", "NOT", "-", "...") if plain else ("✓", "✗", "-", "…")
        )
        self.width = min(console.width, MAX_WIDTH)
        self._console = console
        self._number = 0

    def line(self, text: str = "") -> None:
        """Print one paragraph, with markup."""
        self._print(text)

    def section(self, title: str, *content: RenderableType) -> None:
        """Print a numbered heading and what stands under it."""
        self._number += 1
        self.line()
        self.line(f"[bold cyan]{self._number}  {title}[/]")
        for each in content:
            self._print(Padding(each, (0, 0, 0, MARGIN)))

    def command(self, command: str, use: str) -> None:
        """Print something to type, on one line whatever its length."""
        indent = " " * MARGIN
        shown = Text.assemble(indent, f"{command:<{_COMMAND_WIDTH}}  ", (use, "dim"))
        if len(command) > _COMMAND_WIDTH:
            shown = Text.assemble((f"{indent}{use}:\n", "dim"), indent, command)
        self._console.print(shown, soft_wrap=True)

    def _print(self, what: RenderableType) -> None:
        if self._console.is_terminal:
            self._console.print(what, width=self.width)
            return
        # Tables fill their lines with blanks, which a file need not keep.
        with self._console.capture() as captured:
            self._console.print(what, width=self.width)
        for line in captured.get().splitlines():
            self._console.out(line.rstrip(), highlight=False)

    def table(self, *columns: str) -> Table:
        """Begin a table with a line under its head."""
        table = Table(
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            padding=(0, 1, 0, 0),
            show_edge=False,
        )
        for name in columns:
            table.add_column(name, header_style="dim", overflow="fold")
        return table

    def fitted(self, text: str, width: int, lines: int) -> str:
        """Break *text* into at most *lines* lines, after hyphens too."""
        return "\n".join(
            textwrap.wrap(text, width, max_lines=lines, placeholder=self._more)
        )
