"""The gate keeps and raises what proves that an issuer has said two things. Edge."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import structlog

from broker import carried, proofs, topology, trust
from broker.archive import Archive, Archived, KeptProof
from broker.bus import JSON_CONTENT_TYPE, Message
from broker.directory_held import Held
from broker.errors import UnroutableError
from broker.gate_hearing import OnDisk, Send
from broker.gate_state import GateState
from broker.proofs import Proof
from broker.trust import Verified
from schemas.errors import RefusedError

KIND = "proof"  # third word of the routing key on tocsin.feedback


class Proofs:
    """What is done about the contradictions of one issuer."""

    def __init__(
        self,
        held: Held,
        state: GateState,
        archive: Archive,
        *,
        issuer: str,
        oversight: Sequence[str],
        send: Send,
        on_disk: OnDisk,
    ) -> None:
        self._held = held
        self._state = state
        self._archive = archive
        self._issuer = issuer
        self._oversight = oversight
        self._send = send
        self._on_disk = on_disk
        self._log: Any = structlog.get_logger().bind(issuer=issuer)

    async def of_token(self, second: Verified, now: float) -> None:
        """Keep a proof, if another token was accepted for the place of *second*."""
        feed, seq = second.claims.feed, second.claims.seq
        at_place = partial(self._state.at_place, feed or "", seq or 0)
        name = await self._on_disk(at_place)
        if name is None or name == second.token_id:
            return  # its place is free; it does not fit those beside it
        archived = await self._on_disk(partial(self._archive.get, name))
        first = self._verified(archived, now) if archived is not None else None
        if first is None:
            self._log.error("gate.equivocation", about="place", proof="")
            return
        await self._keep(proofs.of_tokens(first, second), now)

    def _verified(self, archived: Archived, now: float) -> Verified | None:
        """Verify the earlier one again; None if it counts no more."""
        try:
            record = carried.decode(archived.token)
            seen = archived.first_seen
            return trust.verify(record, self._held.current, now=now, first_seen=seen)
        except RefusedError:
            return None

    async def of_heartbeat(self, first: bytes, second: bytes, now: float) -> None:
        """Keep a proof of two heartbeats that contradict each other."""
        await self._keep(proofs.of_heartbeats(first, second), now)

    async def _keep(self, proof: Proof, now: float) -> None:
        """Keep it, then raise it: repeated after a crash, it is the same message."""
        name, body = proofs.proof_id(proof), proofs.encode(proof)
        kept = KeptProof(name, int(now), self._issuer, body)
        await self._on_disk(partial(self._archive.keep_proof, kept))
        self._log.error("gate.equivocation", about=proof.about, proof=name)
        for each in self._oversight:
            key = topology.feedback_key(sender=topology.GATE, issuer=each, kind=KIND)
            message = Message(
                body=body,
                message_id=name,
                routing_key=key,
                content_type=JSON_CONTENT_TYPE,
                user_id=topology.GATE,
            )
            try:
                await self._send(topology.FEEDBACK, message)
            except UnroutableError:
                self._log.error("gate.no_feedback_queue", member=each)
