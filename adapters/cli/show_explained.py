"""How a redaction looks on a terminal, and as JSON: what was cut, where, by what, why."""

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from textwrap import fill, indent
from typing import Any, Final

import msgspec
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from adapters.cli import show
from adapters.explaining import Entry, Explanation, Refusal, explained, meaning
from adapters.policy import Policy
from adapters.policy_words import persons
from adapters.receipts import account
from adapters.redaction import Redacted

_MAX_WIDTH: Final = 110  # longer lines are hard to read
_OUTCOME: Final = 28
_MARK: Final = 5
_UNSIGNED: Final = (
    "What a receipt would say. It is not signed: only an adapter signs receipts, adds its "
    "name, the time and the place in the gate's chain, and makes other pseudonyms and ids, "
    "so another projection."
)


def redacted(
    redacted: Redacted,
    policy: Policy,
    *,
    explain: bool,
    receipt: bool,
    as_json: bool,
) -> None:
    """Print the outcome of `tocsin redact`."""
    reasons = dict(sorted(redacted.reasons.items()))
    if as_json:
        facts: dict[str, Any] = {
            "ok": True,
            "token": redacted.verified.token_id,
            "policy": redacted.policy,
            "policy_sha256": redacted.policy_sha256,
            "audience": redacted.view.audience,
            "evidence_bytes": len(redacted.evidence),
            "projection_bytes": len(redacted.projection),
            "withheld": reasons,
        }
        if explain:
            facts["cuts"] = msgspec.to_builtins(explained(redacted, policy))
        if receipt:
            facts["receipt"] = {"signed": False, "claims": account(redacted)}
        show.json_line(facts)
        return
    table = Table("cuts", "reason", "meaning", box=None, pad_edge=False)
    for reason, count in reasons.items():
        table.add_row(str(count), reason, meaning(reason))
    with show.output():
        console = Console(highlight=False, emoji=False)
        console.print(
            f"[bold]{redacted.view.audience}[/] under policy "
            f"{escape(redacted.policy)}: evidence {len(redacted.evidence):,} bytes, "
            f"projection {len(redacted.projection):,} bytes, {len(redacted.cuts)} cuts"
        )
        console.print(table)
        if explain:
            console.print(
                f"\npolicy {escape(policy.id)}, version {policy.version}, SHA-256\n"
                f"{policy.sha256}",
                soft_wrap=True,
            )
            _print(console, explained(redacted, policy))
        if receipt:
            written = json.dumps(account(redacted), indent=2)
            console.print(f"\n{fill(_UNSIGNED, _width(console))}")
            console.print(Text(written), soft_wrap=True)


def refused(refusal: Refusal, *, explain: bool, as_json: bool) -> None:
    """Print why a view gets nothing, before the command ends."""
    if as_json:
        facts = {"ok": False, "reason": refusal.reason}
        if explain:
            facts |= msgspec.to_builtins(refusal)
        show.json_line(facts)
    elif explain:
        with show.output():
            console = Console(highlight=False, emoji=False)
            console.print(Text(fill(refusal.why, _width(console))))
            _print(console, refusal.cuts)


def _print(console: Console, found: Iterable[Explanation]) -> None:
    marks: dict[tuple[str, ...], int] = {}
    width = _width(console)
    for part in _objects(found, width, marks):
        console.print(part)
    console.print()
    for note, mark in marks.items():
        head, *rest = (fill(each, width - _MARK) for each in note)
        body = indent("\n".join([head, *rest]), " " * _MARK)
        console.print(Text(f"{f'[{mark}]':<{_MARK}}{body[_MARK:]}"))


def _width(console: Console) -> int:
    return min(console.width, _MAX_WIDTH)


def _objects(
    found: Iterable[Explanation], width: int, marks: dict[tuple[str, ...], int]
) -> Iterator[RenderableType]:
    """Give a table for each object; what its rows say of reasons goes to *marks*."""
    for object_id, group in groupby(found, key=lambda each: each.object_id):
        cuts = list(group)
        root = cuts[0].path[: cuts[0].path.index("]") + 1]
        yield Text.assemble("\n", (show.printable(object_id), "bold"), f"  {root}")
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(width=width - _OUTCOME - _MARK - 4, overflow="fold")
        table.add_column(width=_OUTCOME)
        table.add_column(width=_MARK, justify="right")
        for cut in cuts:
            mark = marks.setdefault(_note(cut), len(marks) + 1)
            place = show.printable(cut.path.removeprefix(root))
            if cut.unit == "sentence":
                place += f", sentence {(cut.element or 0) + 1}"
            table.add_row(
                Text(f"  {place or '(the whole object)'}"),
                Text(_outcome(cut)),
                Text(f"[{mark}]", "dim"),
            )
        yield table


def _outcome(cut: Explanation) -> str:
    said = "withheld"
    if cut.approvals:
        said = f"waits for {persons(cut.approvals)}"
        if cut.instead:
            said += f"; meanwhile {cut.instead}"
    elif cut.instead:
        said = cut.instead
    if cut.found and cut.reason == "mask-hit":
        said += f" (found: {', '.join(cut.found)})"
    return said


def _note(cut: Explanation) -> tuple[str, ...]:
    """Say what decided: a sentence, then each entry of the policy."""
    entries = (("gate", cut.gate), ("limit", cut.limit), ("row", cut.row))
    said = (_spelled(word, entry) for word, entry in entries if entry is not None)
    return (f"{cut.reason}: {cut.why}", *said)


def _spelled(word: str, entry: Entry) -> str:
    line = f", line {entry.line} of the policy" if entry.line else ""
    return f"{word} {entry.number}{line}: {entry.title}"
