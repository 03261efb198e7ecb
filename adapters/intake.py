"""From an adapter's queues into its outbox: consume, decide, store, acknowledge. Edge."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from itertools import takewhile
from typing import Any, Final

import msgspec
import structlog
from msgspec.structs import replace

from adapters.batching import batches
from adapters.burying import bury, dead_letter
from adapters.chain_watch import ChainWatch
from adapters.config import AdapterConfig
from adapters.config_parts import MemberConfig
from adapters.eraser import Eraser
from adapters.gap_watch import GapWatch
from adapters.interests import UNREADABLE, Interests, TellIssuers
from adapters.interests_file import Watched, interests_of
from adapters.outbox import Outbox
from adapters.patience import PatientStore, StoppedError, pause
from adapters.pipeline import Context, Decided, Outcome, Refused, Subscriber, take
from adapters.policy import Policy
from adapters.policy_choice import Rulebook
from adapters.pseudonym_files import keys_of
from adapters.review import Ready, Reviews
from broker import seen
from broker.backoff import delays
from broker.bus import Bus, Message, Received
from broker.directory import Directory
from broker.directory_held import Held
from broker.erasing import is_order
from broker.errors import (
    BusRefusedError,
    BusUnavailableError,
    ConfigError,
)
from broker.gate_rules import MAX_WHERE
from broker.hearing import is_heartbeat
from broker.replaying import replay_of
from broker.topology import adapter_queues

_log: Any = structlog.get_logger(__name__)
# Bodies in hand of one queue, as they travel: 50 of 1.3 MB, or 4 of the largest.
MOST_BYTES: Final = 64 << 20
_LOOK_S: Final = 2.0  # between looks at the files of interests and of reviews


class _ShutError(Exception):
    """The directory has expired: what is in hand goes back into the queue."""


class Intake:
    """From the adapter's queues into the outbox."""

    def __init__(
        self,
        config: AdapterConfig,
        bus: Bus,
        context: Context,
        outbox: Outbox,
        *,
        clock: Callable[[], float],
        stop: asyncio.Event,
        reviews: Reviews | None,
        chain: ChainWatch | None = None,
        gaps: GapWatch | None = None,
        held: Held | None = None,
        rules: Rulebook | None = None,
        eraser: Eraser | None = None,
    ) -> None:
        self._held = held or Held(context.directory)
        self._rules = rules
        # What members want stays known while they are not in the directory.
        self._wanted = {s.member.org: s.interests for s in context.subscribers}
        self._gaps = gaps
        self._config = config
        self._reviews = reviews
        self._replaced: set[str] = set()  # SHA-256 of policies that were in force
        self._chain = chain
        self._bus = bus
        self._context = context
        self._store = PatientStore(outbox, stop)
        self._eraser = eraser or Eraser(self._store, reviews, clock=clock, stop=stop)
        self._clock = clock
        self._stop = stop
        self._waited_for = set(adapter_queues(config.name))
        self._gone: set[str] = set()
        self._unclear: set[str] = set()

    async def run(self, queue: str) -> None:
        """Take from *queue* until stopped; nothing while the directory has expired."""
        held, stop = self._held, self._stop
        attempts = delays(random.random)
        while not stop.is_set():
            await held.opened(stop)
            try:
                await self._read(queue)
            except (BusRefusedError, BusUnavailableError) as error:
                if queue in self._waited_for:
                    raise  # at the start the operator is there to mend it
                delay_s = next(attempts)
                self._gone.add(queue)
                _log.error(
                    "adapter.queue_gone",
                    queue=queue,
                    error=type(error).__name__,
                    retry_s=round(delay_s, 1),
                )
                with suppress(StoppedError):
                    await pause(delay_s, stop)
                continue
            attempts = delays(random.random)
            if held.shut.is_set():
                reason = held.why_shut(self._clock())
                _log.error("adapter.waits", reason=reason, queue=queue)

    async def _read(self, queue: str) -> None:
        config, held, stop = self._config, self._held, self._stop
        async with self._bus.consume(
            queue, prefetch=config.prefetch, most_bytes=MOST_BYTES
        ) as messages:
            self._begun(queue)
            # Unsettled, what is in hands then comes back.
            found = batches(messages, config.batch, stop, held.shut)
            with suppress(StoppedError, _ShutError):
                async with aclosing(found):
                    async for batch in found:
                        await self._take(batch)

    def member_wants(self, org: str, wanted: Interests) -> None:
        """Decide by *wanted* from the next batch on."""
        self._unclear.discard(org)
        self._wanted[org] = wanted
        before = self._context.subscribers
        after = tuple(
            replace(s, interests=wanted) if s.member.org == org else s for s in before
        )
        if after != before:
            self._context = replace(self._context, subscribers=after)
            _log.info("interests.changed", member=org)

    def member_is_unclear(self, org: str, error: ConfigError) -> None:
        """Tell nobody anything of *org* until its file can be read again."""
        self._unclear.add(org)
        _log.error("interests.unusable", member=org, error=str(error))

    def consents(self) -> dict[str, TellIssuers]:
        """Say what issuers may be told of whom; of who is not in it, nothing."""
        return {
            each.member.org: each.interests.tell_issuers
            for each in self._context.subscribers
            if each.member.org not in self._unclear
        }

    def _begun(self, queue: str) -> None:
        if queue in self._gone:
            self._gone.remove(queue)
            _log.info("adapter.queue_back", queue=queue)
        if queue not in self._waited_for:
            return
        self._waited_for.remove(queue)
        if not self._waited_for:
            members = self._config.members
            _log.info(
                "adapter.ready",
                members=len(members),
                sinks=sum(len(each.sinks) for each in members),
            )

    async def _take(self, batch: Sequence[Received]) -> None:
        while batch:
            now = self._clock()
            if not _is_record(batch[0]):
                await self._hear(batch[0], now)
                batch = batch[1:]
                continue
            records = takewhile(_is_record, batch)
            outcomes = await take(
                [received.message for received in records],
                await self._context_at(now),
                self._store,
                now=now,
                run=asyncio.to_thread,
                monotonic=time.monotonic,
            )
            done, batch = batch[: len(outcomes)], batch[len(outcomes) :]
            messages = [each.message for each in done]
            await self.keep_waiting(messages, outcomes)
            await self._keep_heads(messages, now)
            await self._note_arrivals(messages, outcomes, now)
            for received, outcome in zip(done, outcomes, strict=True):
                await self._note(received.message, outcome)
            # Only now: everything is stored, or lies in the dead letters.
            await self._bus.ack_through(done[-1])

    async def _note_arrivals(
        self, messages: Sequence[Message], outcomes: Sequence[Outcome], now: float
    ) -> None:
        """Remember what came for all; what is replayed came for one member alone."""
        both = zip(messages, outcomes, strict=True)
        came = [each for each in both if replay_of(each[0]) is None]
        if self._gaps is not None and came:
            await self._gaps.received(*zip(*came, strict=True), now=now)

    async def _keep_heads(self, messages: Sequence[Message], now: float) -> None:
        """Keep the gate's newest heads; what cannot be kept now comes again."""
        if self._chain is None:
            return
        heads = (message.headers.get(seen.HEAD_HEADER) for message in messages)
        found = dict.fromkeys(head for head in heads if isinstance(head, str))
        for head in found:
            try:
                await asyncio.to_thread(
                    self._chain.see, head, self._context.directory, now=now
                )
            except ConfigError as error:
                _log.error("chain.heads_unavailable", error=str(error))

    async def _hear(self, received: Received, now: float) -> None:
        """Take in a heartbeat or an order to erase, or put it aside."""
        message, context = received.message, await self._context_at(now)
        fault: Refused | None = None
        if is_order(message):
            fault = await self._eraser.obey(message, context)
        elif self._gaps is not None:
            fault = await self._gaps.hear(message, context, now=now)
        if fault is not None:
            await self._note(message, fault)
        await self._bus.ack_through(received)

    async def take_again(self, message: Message) -> None:
        """Take a record that did not come from the queue, as if it had.

        Raises:
            StoppedError: Told to stop before it was stored.
        """
        context, now = await self._open_context()
        outcomes = await take(
            [message],
            context,
            self._store,
            now=now,
            run=asyncio.to_thread,
            monotonic=time.monotonic,
        )
        await self.keep_waiting([message], outcomes)
        if self._gaps is not None:
            await self._gaps.received([message], outcomes, now=now)
        await self._note(message, outcomes[0])

    def context(self) -> Context:
        """Give what decisions depend on now."""
        self._follow_directory()
        return self._context

    async def keep_waiting(
        self, messages: Sequence[Message], outcomes: Sequence[Outcome]
    ) -> None:
        """Keep what waits for persons, until the file can be written; nothing erased.

        Raises:
            StoppedError: Told to stop while it cannot.
        """
        reviews = self._reviews
        if reviews is None:
            return
        waiting = [o.token_id for o in outcomes if isinstance(o, Decided) and o.waiting]
        gone = await self._erased_among(waiting)
        decided = [
            (message, outcome.waiting, outcome.version)
            for message, outcome in zip(messages, outcomes, strict=True)
            if isinstance(outcome, Decided) and outcome.token_id not in gone
        ]
        if not decided:
            return
        for delay_s in delays(random.random):
            try:
                await asyncio.to_thread(reviews.keep, decided)
                # Whoever erases forgets the reviews afterwards: perhaps before these.
                if late := await self._erased_among(waiting):
                    await asyncio.to_thread(reviews.erase, sorted(late))
            except ConfigError as error:
                _log.error(
                    "reviews.unavailable", error=str(error), retry_s=round(delay_s, 1)
                )
            else:
                return
            await pause(delay_s, self._stop)

    async def _erased_among(self, token_ids: Sequence[str]) -> set[str]:
        return await self._store.erased_among(token_ids) if token_ids else set()

    async def send_agreed(self, reviews: Reviews) -> None:
        """Decide again, every two seconds, what persons have agreed to show."""
        with suppress(StoppedError):
            while True:
                try:
                    self.context()  # the policy may have been replaced
                    if self._replaced:
                        await asyncio.to_thread(reviews.end_under, self._replaced)
                    found = await asyncio.to_thread(reviews.ready, now=self._clock())
                    for ready in found:
                        await self._send(ready)
                        await asyncio.to_thread(reviews.sent, ready.reviews)
                except ConfigError as error:
                    _log.error("reviews.unavailable", error=str(error))
                await pause(_LOOK_S, self._stop)

    async def _send(self, ready: Ready) -> None:
        context, now = await self._open_context()
        [outcome] = await take(
            [ready.message],
            context,
            self._store,
            now=now,
            run=asyncio.to_thread,
            monotonic=time.monotonic,
            agreed=ready.agreed,
        )
        if isinstance(outcome, Decided):
            _log.info(
                "review.sent",
                token=outcome.token_id[:12],
                parts=len(ready.agreed.parts),
                deliveries=len(outcome.rows),
            )
        else:  # its key was revoked since, or it ended
            _log.warning("review.refused", reason=outcome.reason)

    async def _open_context(self) -> tuple[Context, float]:
        """Give the context and the moment, once the directory may be decided on."""
        while True:
            await self._held.opened(self._stop)
            if self._stop.is_set():
                raise StoppedError
            now = self._clock()
            with suppress(_ShutError):
                return await self._context_at(now), now

    async def _context_at(self, now: float) -> Context:
        """Give the context, with another period's keys when one begins.

        Raises:
            _ShutError: The directory has expired.
        """
        self._held.look(now)
        if self._held.shut.is_set():
            raise _ShutError
        self._follow_directory()
        if self._context.pseudonyms.last_until(now):
            return self._context
        for delay_s in delays(random.random):
            try:
                keys = await asyncio.to_thread(keys_of, self._config, now)
            except ConfigError:
                _log.error("pseudonyms.unavailable", retry_s=round(delay_s, 1))
            else:
                self._context = msgspec.structs.replace(self._context, pseudonyms=keys)
                return self._context
            await pause(delay_s, self._stop)
        raise AssertionError("delays end")

    def _follow_directory(self) -> None:
        """Decide on the directory that holds now, for those that are members in it."""
        directory = self._held.current
        if directory is self._context.directory:
            return
        found = []
        for served in self._config.members:
            member = directory.members.get(served.org)
            if member is None:
                _log.error("adapter.not_a_member", member=served.org)
                continue
            names = tuple(each.name for each in served.sinks)
            found.append(Subscriber(member, names, self._wants(served)))
        self._context = replace(
            self._context,
            directory=directory,
            policy=self._policy_in(directory),
            subscribers=tuple(found),
        )

    def _wants(self, served: MemberConfig) -> Interests:
        """Give what a member wants; all, while nobody can read it (`UNREADABLE`)."""
        wanted = self._wanted.get(served.org)
        if wanted is not None:
            return wanted
        if served.org in self._unclear:  # `follow` tells once it reads
            return UNREADABLE
        try:
            wanted = self._wanted[served.org] = interests_of(served)
        except ConfigError as error:
            self.member_is_unclear(served.org, error)
            return UNREADABLE
        return wanted

    def _policy_in(self, directory: Directory) -> Policy:
        before = self._context.policy
        if self._rules is None:
            return before
        try:
            policy = self._rules.of(directory)
        except ConfigError as error:
            reason, _, _ = str(error).partition("\n")
            _log.error("policy.unusable", kept=before.name, reason=reason)
            return before
        if policy.sha256 != before.sha256:
            self._replaced = {*self._replaced, before.sha256} - {policy.sha256}
            _log.info(
                "policy.changed",
                id=policy.id,
                version=policy.version,
                sha256=policy.sha256,
            )
        return policy

    async def _note(self, message: Message, outcome: Outcome) -> None:
        match outcome:
            case Decided():
                _log.info(
                    "record.decided",
                    token=outcome.token_id[:12],
                    issuer=outcome.issuer,
                    deliveries=len(outcome.rows),
                    not_given=dict(outcome.not_given),
                )
            case Refused():
                _log.warning(
                    "record.refused",
                    message=message.message_id[:12],
                    reason=outcome.reason,
                    where=outcome.where[:MAX_WHERE],
                )
                name, now = self._config.name, self._clock()
                dead = dead_letter(message, outcome, name, now=now)
                await bury(dead, self._bus, self._stop)


def _is_record(received: Received) -> bool:
    return not (is_heartbeat(received.message) or is_order(received.message))


async def follow(watched: Watched, intake: Intake, stop: asyncio.Event) -> None:
    """Let members and the directory change what holds while the adapter runs."""
    with suppress(StoppedError):
        while True:
            intake.context()  # what is wrong with a new directory is told at once
            for org, found in (await asyncio.to_thread(watched.changed)).items():
                if isinstance(found, Interests):
                    intake.member_wants(org, found)
                else:  # what it wanted before holds on
                    intake.member_is_unclear(org, found)
            await pause(_LOOK_S, stop)
