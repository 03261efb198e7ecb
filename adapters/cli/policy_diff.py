"""policy diff: what changes in meaning from one policy to another."""

from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.markup import escape

from adapters import policy_change_words
from adapters.cli import show
from adapters.cli.load import load_policy
from adapters.policy_changes import Differences, Mark
from adapters.policy_compare import compare

_DONE, _DIFFERENT = 0, 1
_HEADINGS: Final[dict[Mark, tuple[str, str, str]]] = {
    "more": ("+", "SHOWS MORE", "bold red"),
    "less": ("-", "SHOWS LESS", "bold green"),
    "other": ("~", "OTHER: it may show more, or less", "bold yellow"),
}


def diff(a: Path, b: Path, /, *, exit_code: bool = False, json: bool = False) -> int:
    """Say what changes in meaning from one policy to another, what shows more first.

    Texts, titles, reasons and the order of rows do not count.

    Args:
        a: Policy (TOML), or the word shipped.
        b: The policy that would take its place.
        exit_code: Exit with 1 if they differ, as git diff does.
        json: Print JSON.
    """
    old, new = load_policy(a), load_policy(b)
    found = compare(old, new)
    if json:
        facts: dict[str, Any] = msgspec.to_builtins(found)
        counts = {mark: found.count(mark) for mark in _HEADINGS}
        show.json_line(
            {"ok": True, "from": old.name, "to": new.name, "counts": counts, **facts}
        )
    else:
        show.line(f"from {old.name} to {new.name}")
        _print(found)
    return _DIFFERENT if found and exit_code else _DONE


def _print(found: Differences) -> None:
    if not found:
        show.line("no difference in meaning")
        return
    lines: dict[Mark, dict[str, list[str]]] = {mark: {} for mark in _HEADINGS}
    for row in found.rows:
        lines[row.mark].setdefault(policy_change_words.of_row(row), []).append(
            row.audience
        )
    for other in found.others:
        lines[other.mark].setdefault(policy_change_words.of_other(other), []).append(
            other.audience or "all"
        )
    with show.output():
        console = Console(highlight=False, emoji=False, soft_wrap=True)
        counts = (f"{what}: {len(lines[mark])}" for mark, what in _COUNTED.items())
        console.print(", ".join(counts))
        for mark, (sign, heading, style) in _HEADINGS.items():
            if lines[mark]:
                console.print(f"\n[{style}]{heading}[/]")
            for text, audiences in lines[mark].items():
                who = escape(", ".join(audiences))
                said = escape(show.printable(text))
                console.print(f"[{style}]{sign}[/] {said}\n    for {who}")


_COUNTED: Final[dict[Mark, str]] = {
    "more": "shows more",
    "less": "shows less",
    "other": "other",
}
