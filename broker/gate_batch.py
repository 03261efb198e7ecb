"""The gate's work on a few messages of one issuer. Edge.

The order of doing loses nothing, whenever the process dies:

1. the archive has the record, with the moment it was first seen and the stamp of it;
2. `tocsin.records` has confirmed it;
3. the state knows it, and the feed stands behind it;
4. the message is acknowledged.

A crash before 3 brings the message back to a gate that does not know it: it is
published again under the same message id and with the same stamp, and readers drop
it by its token id.
Were the state told first, a crash would leave a record that the gate knows and
that no reader ever gets. A refusal is in the dead letters before its message is
acknowledged, for the same reason.

A disk that is full or broken is waited for as a broker is that is away: ending the
process would give its messages back, and each time is one nearer to the delivery
limit. Each step on the disk is repeated by itself, so nothing is published twice.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar, assert_never

import msgspec
import structlog

from broker import carried, gate_rules, hearing, trials, trust, wire
from broker.archive import Archive, Archived
from broker.backoff import delays
from broker.bus import Bus, Message, Received
from broker.carried import Carried
from broker.directory_held import Held
from broker.errors import (
    BusError,
    BusUnavailableError,
    NotConfirmedError,
    UnroutableError,
)
from broker.gate_disk import StoppedError, on_disk
from broker.gate_hearing import Hearing
from broker.gate_proofs import Proofs
from broker.gate_rules import Accept, Decision, Duplicate, Envelope, Refuse
from broker.gate_stamps import Stamps
from broker.gate_state import ChainEnd, GateState, Seen
from broker.hearing import is_heartbeat
from broker.heartbeats import beat_id
from broker.seen import link_of
from broker.topology import DEAD, FEEDBACK, GATE, RECORDS
from broker.trust import Verified
from schemas.errors import RefusedError

# Verifying more than this would hold up the other issuers for milliseconds.
_LARGE_BYTES: Final = 256 << 10

log = structlog.get_logger()

_T = TypeVar("_T")
_NOTHING: Final = Carried(b"")


class _Arrival(msgspec.Struct, frozen=True):
    """A message in hand.

    Attributes:
        record: Empty, as its id, when the message holds none.
        size: Bytes of it, unpacked.
    """

    message: Message
    envelope: Envelope
    record: Carried
    size: int
    token_id: str
    fault: Refuse | None


class _Passing(msgspec.Struct, frozen=True):
    """An accepted record and what is stored of it."""

    verified: Verified
    decision: Accept
    archived: Archived


class Handled(msgspec.Struct, frozen=True):
    """What became of a message.

    Attributes:
        size: Bytes of what it held, unpacked.
    """

    decision: Decision | hearing.Decision
    size: int


class BatchWork:
    """What is done with one issuer's messages; one batch at a time."""

    def __init__(
        self,
        bus: Bus,
        held: Held,
        state: GateState,
        archive: Archive,
        stamps: Stamps,
        *,
        clock: Callable[[], float],
        issuer: str,
        stop: asyncio.Event,
        oversight: Sequence[str] = (),
    ) -> None:
        self._bus = bus
        self._held = held
        self._state = state
        self._archive = archive
        self._stamps = stamps
        self._clock = clock
        self._issuer = issuer
        self._stop = stop
        self._log = log.bind(issuer=issuer)
        self._proofs = Proofs(
            held,
            state,
            archive,
            issuer=issuer,
            oversight=oversight,
            send=self._send,
            on_disk=self._on_disk,
        )
        self._hearing = Hearing(
            held,
            state,
            stamps,
            issuer=issuer,
            send=self._send,
            on_disk=self._on_disk,
            contradicted=self._proofs.of_heartbeat,
        )

    async def handle(self, batch: Sequence[Received]) -> list[Handled]:
        """Decide about *batch* in order, do what was decided, acknowledge it.

        Does not return before all is done, however long the bus is away or the
        disk full.

        Raises:
            BusRefusedError: The login may not do what a gate must.
            StoppedError: Told to stop while the disk is full or broken, or the
                directory has expired. Nothing is acknowledged.
            ConfigError: The gate's key is not valid any more; likewise.
        """
        now = self._clock()
        self._held.look(now)
        if self._held.shut.is_set():
            raise StoppedError  # what is in hand goes back into the queue
        self._stamps.need_key(now)
        messages = [each.message for each in batch]
        beats = [each for each in messages if is_heartbeat(each)]
        handled = await self._handle_records(
            [each for each in messages if not is_heartbeat(each)], now
        )
        # Behind the records that they count, and all that came with them.
        for each in beats:
            handled.append(await self._hear(each, now))
        await self._acknowledge(batch[-1])
        return handled

    async def _hear(self, message: Message, now: float) -> Handled:
        decision = await self._hearing.hear(message, now)
        if isinstance(decision, Refuse):
            name = beat_id(message.body)
            arrival = _Arrival(
                message,
                gate_rules.envelope_of(message, self._issuer),
                _NOTHING,
                0,
                name,
                None,
            )
            await self._conclude(arrival, decision)
        return Handled(decision, len(message.body))

    async def _handle_records(
        self, messages: Sequence[Message], now: float
    ) -> list[Handled]:
        arrivals = []
        for each in messages:
            arrivals.append(_unpack(each, self._issuer))
            await asyncio.sleep(0)  # a large one takes 20 ms
        ids = [each.token_id for each in arrivals]
        first_seen = await self._on_disk(partial(self._archive.first_seen, ids))
        checked: list[Verified | Refuse] = []
        for arrival in arrivals:
            if arrival.size > _LARGE_BYTES:
                check = partial(self._verify, arrival, now, first_seen)
                checked.append(await asyncio.to_thread(check))
            else:
                checked.append(self._verify(arrival, now, first_seen))
            await asyncio.sleep(0)  # the issuers take turns, message by message
        decisions = await self._decide(arrivals, checked)
        await self._pass_on(
            [
                # Rounded down, so never to a moment at which its key was revoked.
                _Passing(v, d, _archived(v, a.record, int(now)))
                for a, v, d in zip(arrivals, checked, decisions, strict=True)
                if isinstance(v, Verified) and isinstance(d, Accept)
            ],
            now=now,
        )
        for arrival, found, decision in zip(arrivals, checked, decisions, strict=True):
            if isinstance(found, Verified) and decision == Refuse("chain-conflict"):
                await self._proofs.of_token(found, now)
            await self._conclude(arrival, decision)
        return [
            Handled(decision, max(arrival.size, len(arrival.message.body)))
            for arrival, decision in zip(arrivals, decisions, strict=True)
        ]

    def _verify(
        self, arrival: _Arrival, now: float, first_seen: Mapping[str, int]
    ) -> Verified | Refuse:
        if arrival.fault is not None:
            return arrival.fault
        seen = first_seen.get(arrival.token_id)
        try:
            return trust.verify(
                arrival.record, self._held.current, now=now, first_seen=seen
            )
        except RefusedError as error:
            return Refuse(error.reason, error.where)

    async def _decide(
        self, arrivals: Sequence[_Arrival], checked: Sequence[Verified | Refuse]
    ) -> list[Decision]:
        verified = [each for each in checked if isinstance(each, Verified)]
        ids = [each.token_id for each in verified]
        names = [each.claims.feed or "" for each in verified]
        known = await self._on_disk(partial(self._state.known, ids))
        feeds = await self._on_disk(partial(self._state.feeds, names))
        envelopes = [each.envelope for each in arrivals]
        return gate_rules.decide_in_order(
            list(zip(envelopes, checked, strict=True)), known=known, feeds=feeds
        )

    async def _pass_on(self, passing: Sequence[_Passing], *, now: float) -> None:
        if not passing:
            return
        fresh = [each.archived for each in passing]
        make = self._stamps.make_stamp
        stored = await self._on_disk(partial(self._archive.append, fresh, make))
        passing = [
            msgspec.structs.replace(each, archived=archived)
            for each, archived in zip(passing, stored, strict=True)
        ]
        async with asyncio.TaskGroup() as tasks:
            for each in passing:
                tasks.create_task(self._send(RECORDS, self._record(each)))
        # The state of a feed after a record holds those before it.
        feeds = {each.decision.feed: each.decision.state for each in passing}
        seen = [_seen(each) for each in passing]
        last = max(stored, key=lambda each: each.number)
        end = ChainEnd(last.number, link_of(last.stamp))
        await self._on_disk(partial(self._state.record, seen, feeds, end, now=now))
        for each in passing:
            if trials.is_trial(each.verified.claims):
                stored_as = each.archived
                await self._tell(
                    trials.accepted(stored_as.token_id, self._issuer, stored_as.stamp)
                )

    def _record(self, passing: _Passing) -> Message:
        message = wire.pack(
            carried.decode(passing.archived.token),
            message_id=passing.verified.token_id,
            routing_key=passing.decision.routing_key,
            user_id=GATE,
        )
        headers = self._stamps.headers(passing.archived.stamp)
        return msgspec.structs.replace(message, headers=headers)

    async def _conclude(self, arrival: _Arrival, decision: Decision) -> None:
        token = arrival.token_id[:8]
        match decision:
            case Accept(gap=gap, feed=feed):
                if gap is not None:
                    self._log.warning(
                        "gate.gap", feed=feed, first=gap.first, last=gap.last
                    )
                self._log.info("gate.accepted", token=token)
            case Duplicate():
                self._log.info("gate.duplicate", token=token)
            case Refuse(reason=reason):
                await self._refuse(arrival, decision)
                if arrival.record.token:
                    name = arrival.token_id
                    note = partial(self._state.refuse, self._issuer, name)
                    await self._on_disk(note)
                self._log.warning("gate.refused", token=token, reason=reason)
            case _:
                assert_never(decision)

    async def _refuse(self, arrival: _Arrival, refuse: Refuse) -> None:
        dead = gate_rules.dead_letter(
            arrival.message, self._issuer, refuse, now=self._clock()
        )
        await self._send(DEAD, dead)
        told = gate_rules.refusal(
            arrival.message, arrival.token_id, self._issuer, refuse
        )
        await self._tell(told)

    async def _tell(self, told: Message) -> None:
        try:
            await self._send(FEEDBACK, told)
        except UnroutableError:
            # Of a refusal the operator still has the dead letter.
            self._log.error("gate.no_feedback_queue")

    async def _send(self, exchange: str, message: Message) -> None:
        """Return once the broker has it, however long that takes."""
        failed = False
        for pause in delays(random.random):
            try:
                await self._bus.publish(exchange, message)
            except UnroutableError:
                if exchange == FEEDBACK:
                    raise
                self._log.error("gate.unroutable", exchange=exchange)
            except (NotConfirmedError, BusUnavailableError) as error:
                self._log.warning(
                    "gate.not_confirmed",
                    exchange=exchange,
                    error=type(error).__name__,
                    retry_s=round(pause, 1),
                )
            else:
                if failed:
                    self._log.info("gate.confirmed", exchange=exchange)
                return
            failed = True
            await asyncio.sleep(pause)

    async def _on_disk(self, step: Callable[[], _T]) -> _T:
        return await on_disk(step, stop=self._stop, issuer=self._issuer)

    async def _acknowledge(self, last: Received) -> None:
        try:
            await self._bus.ack_through(last)
        except BusError as error:
            # They come back, and are duplicates then.
            self._log.warning("gate.not_acknowledged", error=type(error).__name__)


def _unpack(message: Message, issuer: str) -> _Arrival:
    envelope = gate_rules.envelope_of(message, issuer)
    fault = gate_rules.check_envelope(envelope)
    record, size = _NOTHING, 0
    if fault is None:
        try:
            record = wire.unpack(message)
            size = len(record.token) + sum(map(len, record.sealed))
        except RefusedError as error:
            fault = Refuse(error.reason, error.where)
    token_id = record.token_id if record.token else ""
    return _Arrival(message, envelope, record, size, token_id, fault)


def _seen(passing: _Passing) -> Seen:
    stored = passing.archived
    return Seen(
        stored.token_id,
        stored.issuer,
        stored.first_seen,
        len(stored.token),
        passing.verified.claims.exp,
        passing.decision.feed,
        passing.verified.claims.seq or 0,
    )


def _archived(verified: Verified, record: Carried, first_seen: int) -> Archived:
    claims = verified.claims
    return Archived(
        token_id=verified.token_id,
        issuer=verified.issuer,
        sub=claims.sub,
        ver=claims.ver,
        kind=claims.kind,
        tlp=claims.tlp,
        first_seen=first_seen,
        token=carried.encode(record),
    )
