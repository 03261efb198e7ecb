"""policy diff: what changes in meaning from one policy to another."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.markup import escape

from adapters.cli import show
from adapters.cli.load import load_policy
from adapters.policy_changes import Differences, Mark, OtherChange, Place, RowChange
from adapters.policy_compare import compare
from adapters.policy_names import roles_of

_DONE, _DIFFERENT = 0, 1
_HEADINGS: Final[dict[Mark, tuple[str, str, str]]] = {
    "more": ("+", "SHOWS MORE", "bold red"),
    "less": ("-", "SHOWS LESS", "bold green"),
    "other": ("~", "OTHER: it may show more, or less", "bold yellow"),
}
_KINDS: Final = 6  # that people read; --json has them all


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
        lines[row.mark].setdefault(_of_row(row), []).append(row.audience)
    for other in found.others:
        lines[other.mark].setdefault(_of_other(other), []).append(
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


def _of_row(change: RowChange) -> str:
    before, after = change.before, change.after
    titles = dict.fromkeys(t or "(no row)" for t in (before.title, after.title))
    laws = f", under the law of {' '.join(change.laws)}" if change.laws else ""
    return (
        f"{' -> '.join(titles)}: {before.action} -> {after.action}{laws}"
        f"  ({_places(change.places)})"
    )


def _places(places: Iterable[Place]) -> str:
    """Name places briefly: by property, then types and roles."""
    given = {*places}
    types: dict[str, dict[str, set[str]]] = {}
    for each in sorted(given):
        name = each.property
        if msgspec.structs.replace(each, concerned=not each.concerned) not in given:
            name += " where concerned" if each.concerned else " where not concerned"
        types.setdefault(name, {}).setdefault(each.type, set()).add(each.role)
    kinds: dict[str, list[str]] = {}
    for name, of in types.items():
        kinds.setdefault(_kinds(of), []).append(name)
    return "; ".join(f"{', '.join(names)} of {kind}" for kind, names in kinds.items())


def _kinds(of: Mapping[str, set[str]]) -> str:
    if len(of) > _KINDS:
        return f"{len(of)} kinds of objects"
    return ", ".join(
        kind
        if {*roles_of(kind)} <= roles
        else f"{kind} ({', '.join(sorted(role or 'no role' for role in roles))})"
        for kind, roles in of.items()
    )


def _of_other(change: OtherChange) -> str:
    match change.subject:
        case "list":
            went = f" without {change.before}" if change.before else ""
            came = f" with {change.after}" if change.after else ""
            return f"list {change.name}:{came}{went}"
        case "retention":
            before, after = (f"{d} days" if d else "any age" for d in _ends(change))
            return f"oldest record: {before} -> {after}, in {' '.join(change.laws)}"
        case "review":
            before, after = _ends(change)
            return f"persons have {after} days to agree, not {before}"
        case "gate":
            return f"gate {change.name}: {change.before} -> {change.after}"
        case "audience":
            return f"audience, {change.name}: {change.before} -> {change.after}"


def _ends(change: OtherChange) -> tuple[str, str]:
    return change.before, change.after
