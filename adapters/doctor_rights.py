"""Which rights on the broker an installation must have, and must not have. Pure.

They are the other side of `broker.topology.permissions`: what a right of ours makes
possible, and what would make the promises of the hub untrue.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import msgspec

from adapters.doctor import Finding, failed, ok
from broker.topology import (
    ADAPTER_PREFIX,
    DEAD,
    FEEDBACK,
    GATE,
    INGRESS,
    OUT,
    RECORDS,
    adapter_queues,
)

Does = Literal["write", "read", "declare"]
Verdict = Literal["allowed", "refused", "missing"]
_WORD: Final = "doctor"  # of routing keys that no binding but the hub's own would take
_SOMEBODY: Final = "somebody-else"
_ASK: Final = "ask the operator of the hub to run: tocsin broker apply"


class Right(msgspec.Struct, frozen=True):
    """Something to try, so that nothing happens if it is allowed.

    Attributes:
        name: Exchange to write to, or queue to read from or declare.
        key: Routing key, for writing.
        wanted: Whether it must be allowed, or must be refused.
        words: What it is, for people.
    """

    does: Does
    name: str
    key: str
    wanted: bool
    words: str


def of_member(org: str, *, publishes: bool) -> tuple[Right, ...]:
    """List what a member may and must not do."""
    own = f"{FEEDBACK}.{org}"
    may = [
        Right("write", FEEDBACK, f"{org}.{org}.{_WORD}", True, "answer issuers"),
        Right("read", own, "", True, "read what others tell you"),
    ]
    if publishes:
        may.insert(0, Right("write", INGRESS, f"{org}.{_WORD}", True, "send records"))
    return (
        *may,
        Right(
            "write", INGRESS, f"{_SOMEBODY}.{_WORD}", False, "send as another member"
        ),
        Right("write", FEEDBACK, f"{_SOMEBODY}.{org}.x", False, "answer as another"),
        Right("write", RECORDS, _WORD, False, "go round the gate"),
        Right("write", "", own, False, "put messages into queues by their name"),
        Right("read", f"{INGRESS}.{org}", "", False, "read what the gate reads"),
        Right("read", DEAD, "", False, "read the dead letters"),
        *_never(),
    )


def of_gate(issuers: Iterable[str]) -> tuple[Right, ...]:
    """List what the gate may and must not do."""
    return (
        Right("write", RECORDS, _WORD, True, "pass records on"),
        Right("write", FEEDBACK, f"{GATE}.{_WORD}.x", True, "tell issuers"),
        Right("write", DEAD, f"dead.{INGRESS}.{_WORD}", True, "put refused ones aside"),
        *(
            Right("read", f"{INGRESS}.{each}", "", True, f"read what {each} sends")
            for each in issuers
        ),
        Right("write", INGRESS, f"{GATE}.{_WORD}", False, "send records itself"),
        *_never(),
    )


def of_adapter(name: str, out: Iterable[str] = ()) -> tuple[Right, ...]:
    """List what an adapter may and must not do.

    Args:
        out: Members to whose queues it writes.
    """
    user, queues = ADAPTER_PREFIX + name, adapter_queues(name)
    return (
        *(Right("read", queue, "", True, f"read {queue}") for queue in queues),
        Right("write", FEEDBACK, f"{user}.{_WORD}.x", True, "tell issuers"),
        *(Right("write", OUT, each, True, f"fill the queue of {each}") for each in out),
        Right("write", DEAD, f"dead.{queues[0]}", True, "put refused ones aside"),
        Right("write", INGRESS, f"{user}.{_WORD}", False, "send records itself"),
        Right("write", RECORDS, _WORD, False, "go round the gate"),
        *_never(),
    )


def _never() -> tuple[Right, ...]:
    return (Right("declare", f"tocsin.{_WORD}", "", False, "declare queues"),)


def judged(verdicts: Mapping[Right, Verdict]) -> list[Finding]:
    """Say what the broker's answers mean."""
    found = [
        each for right, verdict in verdicts.items() for each in _one(right, verdict)
    ]
    if found:
        return found
    may = [right.words for right in verdicts if right.wanted]
    must_not = sum(not right.wanted for right in verdicts)
    return [
        ok(f"this login may {', '.join(may)}"),
        ok(f"and is refused all {must_not} things that it must not do"),
    ]


def _one(right: Right, verdict: Verdict) -> Iterable[Finding]:
    place = right.name or "the default exchange"
    if right.wanted and verdict == "refused":
        yield failed(f"this login may not {right.words} ({place})", _ASK)
    if right.wanted and verdict == "missing":
        yield failed(f"{place} does not exist, so you cannot {right.words}", _ASK)
    if not right.wanted and verdict == "allowed":
        yield failed(
            f"this login may {right.words} ({place}), which nobody should",
            "tell the operator of the hub at once; they run: tocsin broker apply",
        )
