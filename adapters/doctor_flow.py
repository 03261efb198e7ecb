"""What a doctor says of what moves: queues, sinks, the running process. Pure."""

from typing import Final

import msgspec

from adapters.doctor import UNREACHABLE, Finding, failed, note, ok, warning
from schemas import timestamps

# Of what a queue holds; here, the one who reads it is told, and so is the log.
FILLING: Final = 0.8
_MANY: Final = 10_000  # worth a word long before the queue is full
_SLOW_S: Final = 600.0


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """What does not move on in one sink. Times are epoch seconds.

    Attributes:
        pending: To be sent, or tried again.
        failed: Given up.
        oldest_at: When the oldest of what is pending was stored.
        failing_since: When the first of them failed, and was not taken since.
        reason: Why one of those failed, the last time.
    """

    member: str
    sink: str
    pending: int
    failed: int
    oldest_at: float | None
    failing_since: float | None
    reason: str


def of_queue(name: str, messages: int, readers: int, *, most: int, run: str) -> Finding:
    """Judge a queue that a process of the hub reads.

    Args:
        most: So many messages it holds; then it refuses.
        run: What to type so that somebody reads it.
    """
    said = f"{messages} messages wait in {name}"
    start = "whoever reads it is too slow, or stands still" if readers else ""
    advice = start or f"start: {run}"
    if messages >= most:
        full = f"{name} is full ({messages} messages), and refuses what comes"
        return failed(f"{full}; nothing is lost, senders keep it", advice, UNREACHABLE)
    if messages >= most * FILLING:
        share = f"{100 * messages // most} % of what it holds"
        return warning(f"{said}, {share}; full, it refuses what comes", advice)
    if not readers:
        return warning(f"{said}, and nobody reads it now", advice)
    if messages > _MANY:
        return warning(said, advice)
    return ok(f"{said}, which is being read")


def of_letters(name: str, messages: int, *, most: int) -> Finding:
    """Judge a queue of what was put aside for the operator."""
    look = "look at them: tocsin dead-letters list"
    said = f"{messages} messages lie in {name}"
    if messages >= most * FILLING:
        return warning(f"{said}; full, it stops whoever puts one there", look)
    return note(said, look) if messages else ok(f"{name} is empty")


def of_sinks(found: tuple[Flow, ...], *, now: float) -> list[Finding]:
    """Say which sinks take what is sent to them, and since when one does not."""
    told = [each for flow in found for each in _of_sink(flow, now)]
    return told or [ok("nothing waits for a sink")]


def _of_sink(flow: Flow, now: float) -> list[Finding]:
    told = []
    if flow.pending:
        told.append(_pending(flow, now))
    if flow.failed:
        look = f"tocsin deliveries list --state failed --member {flow.member}"
        told.append(warning(f"{_name(flow)}: {flow.failed} were given up", look))
    return told


def _pending(flow: Flow, now: float) -> Finding:
    oldest = now if flow.oldest_at is None else flow.oldest_at
    said = f"{_name(flow)}: {flow.pending} wait, the oldest since {_at(oldest)}"
    if flow.failing_since is not None:
        why = f"it takes nothing since {_at(flow.failing_since)} ({flow.reason})"
        return warning(f"{said}; {why}", "tell the member; others are not held up")
    if now - oldest > _SLOW_S:
        slow = "it takes less than comes, or its adapter does not run"
        return warning(f"{said}; {slow}", "tell the member; others are not held up")
    return ok(said)


def _name(flow: Flow) -> str:
    return f"sink {flow.member}/{flow.sink}"


def _at(moment: float) -> str:
    return f"{timestamps.from_epoch(moment)} (UTC)"


def of_running(status: int, text: str) -> list[Finding]:
    """Say what the running process answered at /readyz."""
    lines = [each[:200] for each in text.splitlines()[:20]]
    if status == 200:
        more = [note(each) for each in lines if each != "ready"]
        return [ok("it runs, and records go through"), *more]
    look = "records wait and are not lost; docs/operations.md, section 13, says of what"
    said = [failed(f"it runs, and says: {each}", look, UNREACHABLE) for each in lines]
    return said or [failed(f"it answers with status {status}", look, UNREACHABLE)]
