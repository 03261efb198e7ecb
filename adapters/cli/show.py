"""What commands print for people, and as JSON for programs."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
)
from rich.table import Table
from rich.text import Text

from broker.errors import ConfigError
from broker.trust import Verified
from schemas import codec, timestamps
from schemas.errors import RefusedError
from schemas.reasons import explain as explain_reason
from schemas.record import Need, org_of

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
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar and a rate on a terminal; give the function that moves it on."""
    console = Console(stderr=True)
    if total < 2 or not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), _Rate())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f} a second")


@contextmanager
def busy(what: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal that something is going on; give the function that says what."""
    console = Console(stderr=True, highlight=False, emoji=False)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status(escape(printable(what))) as status:
        yield lambda now: status.update(escape(printable(now)))


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
        console().print(table)


def moment(at: float) -> str:
    """Spell a time, epoch seconds, in UTC to the second; a heading says so."""
    return timestamps.from_epoch(at)[:19].replace("T", " ")


def summary(verified: Verified) -> dict[str, Any]:
    """Say what a verified token is; nothing of its text."""
    claims = verified.claims
    sealed = claims.sealed or ()
    of_sealed = {"sealed": len(sealed), "sealed_parts": len(verified.sealed)}
    facts = {
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
        **(of_sealed if sealed else {}),
    }
    if isinstance(claims.need, Need):
        facts |= {
            "ok": not verified.signatures_missing,
            "need": claims.need.threshold,
            "may_sign": [org_of(urn) for urn in claims.need.iss],
            "signed_by": [each.org for each in verified.signers if not each.fault],
            "not_counted": [
                f"{each.org}: {each.fault}" for each in verified.signers if each.fault
            ],
            "signatures": signatures(verified),
        }
    return facts


def signatures(verified: Verified) -> str:
    """Say how many of the signatures that a joint record needs are there."""
    need = verified.claims.need
    wanted = need.threshold if isinstance(need, Need) else 1
    valid = sum(not each.fault for each in verified.signers)
    text = f"{valid} of {wanted}"
    return f"partial: {text}" if valid < wanted else text


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
    valid = [each.org for each in verified.signers if not each.fault]
    partial = signatures(verified) if verified.signatures_missing else ""
    verdict = f"[bold yellow]{partial}[/]," if partial else "[bold green]valid[/]"
    with output():
        Console(highlight=False).print(
            f"{verdict} signed by [bold]{escape(' and '.join(valid))}[/], "
            + ("complete" if verified.complete else "redacted on the way"),
            table,
            sep="\n",
        )
