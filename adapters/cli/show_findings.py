"""How `tocsin check` looks on a terminal."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from textwrap import fill, indent
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from adapters.checking import Checked
from adapters.cli import show
from adapters.cli.inputs import Read
from adapters.cli.sarif import sentence
from adapters.preview import Seen
from schemas.findings import Finding, Findings
from schemas.reasons import explain
from schemas.rules import USUAL, Level, rule

_STYLES: Final[dict[Level, str]] = {
    "error": "bold red",
    "warning": "yellow",
    "note": "dim",
}
_MAX_ERRORS: Final = 50  # more than that nobody mends by hand


def checked(
    file: str,
    read: Read,
    findings: Sequence[Finding],
    seen: Sequence[Seen],
    lines: Mapping[str, int],
) -> None:
    """Print what `tocsin check` found in one file."""
    draft = read.checked.draft
    what = read.source or "format not recognised"
    if draft is not None:
        main = draft.objects[draft.primary]
        what += (
            f"; {draft.kind} with {len(draft.objects):,} objects around one "
            f"{main.type}, TLP:{draft.tlp.label}"
        )
    with show.output():
        console = Console(highlight=False, emoji=False)
        name = escape(show.printable(file))
        console.print(f"[bold]{name}[/]: {escape(what)}", soft_wrap=True)
        for entry in _entries(findings, lines, console.width):
            console.print(entry, soft_wrap=True)
        console.print(_verdict(findings), soft_wrap=True)
        if seen:
            console.print(_audiences(seen))


def _entries(
    findings: Sequence[Finding], lines: Mapping[str, int], width: int
) -> Iterator[str]:
    """Give each error, and one entry for all other findings of a kind."""
    errors = [f for f in findings if rule(f.rule).level == "error"]
    others = Findings()
    for finding in findings:
        if rule(finding.rule).level != "error":
            others.put(finding)
    for finding in (*errors[:_MAX_ERRORS], *others):
        level = rule(finding.rule).level
        line = lines.get(finding.where)
        where = escape(finding.where)
        if line is not None and not finding.where.startswith(("line", "row")):
            where += f" [dim](line {line})[/]"
        yield f"[{_STYLES[level]}]{level}[/] {finding.rule}  {where}".rstrip()
        said = sentence(finding)
        yield escape(
            indent(fill(said, max(width - 4, 20), break_on_hyphens=False), "    ")
        )
    if len(errors) > _MAX_ERRORS:
        yield f"{len(errors) - _MAX_ERRORS:,} more errors; --json lists all"
    elif any(each.count > 1 for each in others):
        yield "[dim]--json lists every place[/]"


def _verdict(findings: Sequence[Finding]) -> str:
    levels = [rule(each.rule).level for each in findings]
    counts = ", ".join(
        _count(levels.count(level), level) for level in ("error", "warning", "note")
    )
    if "error" in levels:
        return f"[bold red]refused[/]: {counts}. Nothing of it would be signed."
    return f"[bold green]good[/]: {counts}."


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _audiences(seen: Sequence[Seen]) -> Table:
    table = Table("who", "would see", "withheld", box=None, pad_edge=False)
    for each in seen:
        who = f"{each.audience} [dim](TLP:{each.clearance})[/]"
        if each.refused:
            table.add_row(who, "[bold]nothing[/]", escape(explain(each.refused)))
            continue
        types = sorted(each.types.items(), key=lambda item: (-item[1], item[0]))
        shown = ", ".join(f"{count} {kind}" for kind, count in types[:6])
        if len(types) > 6:
            shown += ", …"
        table.add_row(who, shown, f"{sum(each.cuts.values()):,} parts")
    return table


def briefly(checked: Checked, file: str) -> None:
    """Print each error, and how much else there is, on standard error."""
    name = f"{file}: " if file else ""
    for each in checked.errors[:_MAX_ERRORS]:
        place = f" at {each.where}" if each.where else ""
        show.complaint(f"refused: {name}{each.rule}{place}: {sentence(each)}")
    more = len(checked.errors) - _MAX_ERRORS
    if more > 0:
        show.complaint(f"{name}{more:,} more errors; see tocsin check")
    levels = Counter(
        rule(f.rule).level for f in checked.findings if f.rule not in USUAL
    )
    levels.pop("error", None)
    if levels and checked.draft is not None:
        counts = " and ".join(
            _count(levels[each], each) for each in ("warning", "note") if levels[each]
        )
        show.complaint(f"{name}{counts}; tocsin check lists them")
