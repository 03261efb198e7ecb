"""What a doctor says: findings, steps that need each other, one exit code. Pure.

Each step proves one thing about an installation. A step whose needs are not met is
not tried, and said so: of a broker whose name is wrong, nothing about rights is known.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, Literal

import msgspec

from broker.errors import (
    BusError,
    BusRefusedError,
    ConfigError,
    DirectoryUnavailableError,
)
from schemas.errors import RefusedError
from schemas.reasons import explain

State = Literal["ok", "note", "warning", "failed", "not tried"]
# Exit codes, as of every command (DESIGN.md 9).
REFUSED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found.

    Attributes:
        said: In plain words; no secret, and nothing of a record.
        advice: What to do next; "" where there is nothing to do.
        code: What the command ends with because of it; 0 unless it failed.
    """

    state: State
    said: str
    advice: str = ""
    code: int = 0


class Told(msgspec.Struct, frozen=True):
    """A finding and the step that it belongs to."""

    step: str
    finding: Finding


class Step(msgspec.Struct, frozen=True):
    """One thing to prove.

    Attributes:
        needs: Steps that must not have failed.
        run: Gives what was found; raises what `failure` knows.
    """

    name: str
    needs: tuple[str, ...]
    run: Callable[[], Awaitable[Sequence[Finding]]]


def ok(said: str) -> Finding:
    """Say what holds."""
    return Finding(state="ok", said=said)


def note(said: str, advice: str = "") -> Finding:
    """Say what is neither good nor bad."""
    return Finding(state="note", said=said, advice=advice)


def warning(said: str, advice: str) -> Finding:
    """Say what will be a fault."""
    return Finding(state="warning", said=said, advice=advice)


def failed(said: str, advice: str, code: int = USAGE) -> Finding:
    """Say what is wrong."""
    return Finding(state="failed", said=said, advice=advice, code=code)


def of_several(found: Sequence[Sequence[Finding]]) -> list[Finding]:
    """Judge the nodes of a cluster: where one of them will do, another may fail."""
    good = any(all(each.state != "failed" for each in node) for node in found)
    return [
        warning(each.said, each.advice or "the others are used meanwhile")
        if good and each.state == "failed"
        else each
        for node in found
        for each in node
    ]


Failure = ConfigError | BusError | RefusedError | DirectoryUnavailableError


def failure(error: Failure) -> Finding:
    """Turn an error of ours into a finding: none of them quotes a secret or a record."""
    match error:
        case RefusedError(reason=reason):
            return failed(f"refused ({reason}): {explain(reason)}", "", REFUSED)
        case BusError():
            code = USAGE if isinstance(error, BusRefusedError) else UNREACHABLE
            return failed(str(error), "", code)
        case DirectoryUnavailableError():
            return failed(
                str(error), "is its address right, and the network up?", UNREACHABLE
            )
        case _:
            said, _, advice = str(error).partition("; ")
            return failed(said, advice)


async def examine(steps: Iterable[Step], tell: Callable[[Told], None]) -> int:
    """Take all steps in order; return the exit code: the highest of all findings.

    Args:
        tell: Gets each finding as soon as it is there.
    """
    unmet: set[str] = set()
    code = 0
    for step in steps:
        missing = [need for need in step.needs if need in unmet]
        if missing:
            unmet.add(step.name)
            why = f"because {' and '.join(missing)} did not hold"
            tell(Told(step.name, Finding(state="not tried", said=why)))
            continue
        try:
            found = await step.run()
        except (
            ConfigError,
            BusError,
            RefusedError,
            DirectoryUnavailableError,
        ) as error:
            found = (failure(error),)
        for each in found:
            tell(Told(step.name, each))
            code = max(code, each.code)
            if each.state == "failed":
                unmet.add(step.name)
    return code
