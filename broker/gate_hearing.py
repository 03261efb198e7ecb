"""The gate's work on heartbeats: holds them against what came, passes them on. Edge.

A heartbeat stands behind the records that it counts in the same queue, so what it
lists and the gate does not know was lost on the way. It is passed on first and
remembered then: a crash in between passes it on twice, which readers do not notice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Final

import structlog

from broker import gate_rules, hearing, heartbeats
from broker.bus import Message
from broker.directory_held import Held
from broker.errors import UnroutableError
from broker.gate_rules import Refuse
from broker.gate_stamps import Stamps
from broker.gate_state import GateState, Line
from broker.topology import FEEDBACK, RECORDS
from schemas.errors import RefusedError

MAX_TOLD: Final = 100  # lost records that the issuer is told of, of one heartbeat

Send = Callable[[str, Message], Awaitable[None]]
OnDisk = Callable[[Callable[[], Any]], Awaitable[Any]]


class Hearing:
    """What is done with one issuer's heartbeats, one at a time."""

    def __init__(
        self,
        held: Held,
        state: GateState,
        stamps: Stamps,
        *,
        issuer: str,
        send: Send,
        on_disk: OnDisk,
        contradicted: Callable[[bytes, bytes, float], Awaitable[None]],
    ) -> None:
        self._held = held
        self._state = state
        self._stamps = stamps
        self._issuer = issuer
        self._send = send
        self._on_disk = on_disk
        self._contradicted = contradicted
        self._log: Any = structlog.get_logger().bind(issuer=issuer)

    async def hear(self, message: Message, now: float) -> hearing.Decision:
        """Decide about a heartbeat and pass it on; refusing it is the caller's."""
        envelope = gate_rules.envelope_of(message, self._issuer)
        fault = gate_rules.check_envelope(envelope)
        if fault is not None:
            return fault
        try:
            known = self._held.current
            verify = partial(heartbeats.verify, message.body, known, now=now)
            issuer, beat = await asyncio.to_thread(verify)
        except RefusedError as error:
            return Refuse(error.reason, error.where)
        ids = [each.token_id for each in beat.ids]
        state = self._state
        lines = await self._on_disk(partial(state.lines, self._issuer, [beat.line]))
        line: Line | None = lines.get(beat.line)
        decision = hearing.decide(
            issuer,
            beat,
            envelope,
            line.place if line else None,
            known=await self._on_disk(partial(state.known, ids)),
            refused=await self._on_disk(partial(state.was_refused, self._issuer, ids)),
        )
        if isinstance(decision, hearing.Pass):
            await self._pass_on(message, beat, decision, now)
        if decision == Refuse("heartbeat-conflict") and line is not None:
            await self._contradicted(line.body, message.body, now)
        return decision

    async def _pass_on(
        self,
        message: Message,
        beat: heartbeats.Heartbeat,
        found: hearing.Pass,
        now: float,
    ) -> None:
        name = heartbeats.beat_id(message.body)
        heard = self._stamps.make_heard(name, int(now), found.lacks)
        told = hearing.passed_on(message.body, heard, self._issuer, beat.tlp)
        await self._send(RECORDS, told)
        if found.lost or found.skipped:
            self._log.error(
                "gate.records_lost", lost=len(found.lost), not_listed=found.skipped
            )
            await self._tell(message, found.lost[:MAX_TOLD])
        line = {beat.line: Line(found.place, message.body)}
        await self._on_disk(partial(self._state.follow, self._issuer, line))

    async def _tell(self, message: Message, lost: Iterable[str]) -> None:
        for token_id in lost:
            told = gate_rules.refusal(message, token_id, self._issuer, Refuse("lost"))
            try:
                await self._send(FEEDBACK, told)
            except UnroutableError:
                self._log.error("gate.no_feedback_queue")
                return
