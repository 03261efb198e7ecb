"""What commands print for people, and as JSON for programs."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from adapters.policy import Policy
from adapters.redaction import Redacted
from broker.errors import ConfigError
from broker.trust import Verified
from schemas import codec
from schemas.errors import RefusedError
from schemas.reasons import explain as explain_reason

_FILE_COLUMNS = 200


def line(text: str) -> None:
    """Print one plain line."""
    with output():
        Console(markup=False, highlight=False, emoji=False, soft_wrap=True).print(
            printable(text)
        )


def complaint(text: str) -> None:
    """Print one plain line on standard error."""
    console = Console(
        stderr=True, soft_wrap=True, markup=False, highlight=False, emoji=False
    )
    console.print(f"tocsin: {printable(text)}")


def printable(text: str) -> str:
    """Spell what a terminal would obey, hide or not have: names may hold anything."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )


def file_name(path: Path) -> str:
    """Give a path as text; what is no text in it is replaced."""
    return os.fsencode(path).decode(errors="replace")


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Show on a terminal that something is going on."""
    console = Console(stderr=True, highlight=False, emoji=False)
    with (
        console.status(escape(printable(what)))
        if console.is_terminal
        else nullcontext()
    ):
        yield


def refusal(error: RefusedError, file: str = "") -> None:
    """Print why input is refused, and of which *file*, on standard error."""
    name = f"{file}: " if file else ""
    complaint(f"refused: {name}{error}: {explain_reason(error.reason)}")


def console() -> Console:
    """Give a console for tables; what goes into a file is not folded."""
    made = Console(highlight=False, emoji=False)
    if not made.is_terminal:
        made.width = _FILE_COLUMNS
    return made


def json_line(value: dict[str, Any]) -> None:
    """Print one line of JSON."""
    with output():
        sys.stdout.buffer.write(codec.encode_json(value) + b"\n")
        sys.stdout.buffer.flush()


@contextmanager
def output() -> Iterator[None]:
    """Turn a broken pipe or a full disk behind standard output into ConfigError."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        raise ConfigError(f"cannot write standard output: {error.strerror}") from None


def rows(names: Sequence[str], found: Iterable[Sequence[str]]) -> None:
    """Print a table; the cells are markup, so escape what is not ours."""
    table = Table(*names, box=None, pad_edge=False, show_header=any(names))
    for each in found:
        table.add_row(*each)
    with output():
        Console(highlight=False).print(table)


def summary(verified: Verified) -> dict[str, Any]:
    """Say what a verified token is; nothing of its text."""
    claims = verified.claims
    return {
        "ok": True,
        "issuer": verified.issuer,
        "key": verified.kid,
        "token": verified.token_id,
        "kind": claims.kind,
        "record": claims.sub,
        "version": claims.ver,
        "tlp": claims.tlp,
        "communities": list(claims.aud),
        "exercise": claims.exercise,
        "complete": verified.complete,
        "objects": len(verified.objects),
        "disclosed": len(verified.opened.texts),
        "withheld_at_most": verified.withheld,
    }


def verified(verified: Verified, *, as_json: bool) -> None:
    """Print the outcome of `tocsin verify`."""
    facts = summary(verified)
    if as_json:
        json_line(facts)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in facts.items():
        if name != "ok":
            shown = ", ".join(value) if isinstance(value, list) else str(value)
            table.add_row(f"[dim]{name.replace('_', ' ')}[/]", escape(shown))
    with output():
        Console(highlight=False).print(
            f"[bold green]valid[/] signed by [bold]{escape(verified.issuer)}[/], "
            + ("complete" if verified.complete else "redacted on the way"),
            table,
            sep="\n",
        )


def redacted(
    redacted: Redacted, policy: Policy, *, explain: bool, as_json: bool
) -> None:
    """Print the outcome of `tocsin redact`."""
    reasons = dict(sorted(redacted.reasons.items()))
    if as_json:
        facts: dict[str, Any] = {
            "ok": True,
            "token": redacted.verified.token_id,
            "policy": redacted.policy,
            "audience": redacted.view.audience,
            "evidence_bytes": len(redacted.evidence),
            "projection_bytes": len(redacted.projection),
            "withheld": reasons,
        }
        if explain:
            facts["cuts"] = [
                {
                    "object": cut.object_id,
                    "property": cut.place,
                    "reason": cut.reason,
                    "row": cut.row,
                    "made": cut.made,
                }
                for cut in redacted.cuts
            ]
        json_line(facts)
        return
    table = Table("cuts", "reason", "meaning", box=None, pad_edge=False)
    for reason, count in reasons.items():
        table.add_row(str(count), reason, _meaning(reason))
    with output():
        console = Console(highlight=False)
        console.print(
            f"[bold]{redacted.view.audience}[/] under policy "
            f"{escape(redacted.policy)}: evidence {len(redacted.evidence):,} bytes, "
            f"projection {len(redacted.projection):,} bytes, {len(redacted.cuts)} cuts"
        )
        console.print(table)
        for part in _cuts(redacted, policy) if explain else ():
            console.print(part)


def _meaning(reason: str) -> str:
    return _CUT_REASONS.get(reason) or explain_reason(reason)


def _cuts(redacted: Redacted, policy: Policy) -> Iterator[Table]:
    """List every cut by object, then what the rows of the policy say."""
    table = Table("object", "property", "reason", "row", pad_edge=False)
    before = ""
    for cut in sorted(redacted.cuts, key=lambda c: (c.object_type, c.object_id)):
        kind, _, value = cut.object_id.rpartition("--")
        shown = "" if cut.object_id == before else f"{kind} [dim]{value[:8]}[/]"
        if shown and before:
            table.add_section()
        before = cut.object_id
        reason = cut.reason + (" [dim](value made instead)[/]" if cut.made else "")
        place = escape(cut.place) or "[bold]the whole object[/]"
        table.add_row(shown, place, reason, str(cut.row or ""))
    yield table
    legend = Table("row", "what the policy says", box=None, pad_edge=False)
    for row in sorted({cut.row for cut in redacted.cuts if cut.row}):
        legend.add_row(str(row), escape(policy.reason(row)))
    yield legend


_CUT_REASONS = {
    "policy-drop": "A row of the policy withholds it.",
    "policy-pseudonymise": "A pseudonym stands instead in the projection.",
    "policy-generalise": "A coarser value stands instead in the projection.",
    "not-named": "No row of the policy names it, so it is withheld.",
    "type-not-named": "No row of the policy names this type of object.",
    "mask-hit": "The text seems to hold personal data.",
    "guard": "It repeats a value that was withheld elsewhere.",
    "granular-tlp": "A granular marking is stricter than this view.",
    "granular-visible": "A granular marking covers a part that cannot be withheld.",
    "marking-unknown": "It is marked with something that is neither TLP, PAP, IEP nor a "
    "statement, and may forbid what is not known here.",
    "marking-withheld": "The terms that it is under are not for this view, so it goes.",
    "iep-actions": "Its IEP permits no visible action; peers alone get it.",
    "pap-red": "PAP:RED permits no visible action; peers alone get it.",
    "reference-withheld": "It refers to an object that is withheld.",
    "required-withheld": "A required property is withheld, so the object goes.",
}
