"""The adapter process: the only place that knows every concrete class. Edge."""

import asyncio
import random
import sqlite3
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog
from msgspec.structs import replace

from adapters.config import (
    AdapterConfig,
    FileSinkConfig,
    MemberConfig,
    SinkConfig,
    WebhookSinkConfig,
)
from adapters.delivery import Sink
from adapters.forwarder import forward
from adapters.interests import Interests
from adapters.interests_file import Watched, interests_of
from adapters.numbering import Lane
from adapters.outbox import Outbox, open_outbox
from adapters.patience import PatientStore, StoppedError, pause
from adapters.pipeline import Context, Decided, Outcome, Refused, Subscriber, take
from adapters.policy import Policy
from adapters.projection import Author
from adapters.pseudonym_files import open_keys, read_key
from adapters.pseudonyms import PseudonymKeys
from adapters.sinks.file import open_file_sink
from adapters.sinks.webhook import open_webhook
from broker import sdjwt, seen
from broker.backoff import delays
from broker.bus import Bus, Message, Received
from broker.directory import Directory
from broker.errors import (
    BusUnavailableError,
    ConfigError,
    NotConfirmedError,
    UnroutableError,
)
from broker.gate_rules import MAX_WHERE
from broker.signers import load_signer
from broker.topology import DEAD, adapter_queues

_log: Any = structlog.get_logger(__name__)
_BUSY_S: Final = 5.0
# After a message, wait this long for more before the batch is decided: far below
# what a reader notices, long enough for a burst to fill a batch.
_GATHER_S: Final = 0.01
_LOOK_S: Final = 2.0  # between looks at the files of interests


def context_of(
    config: AdapterConfig, directory: Directory, policy: Policy, *, now: float
) -> Context:
    """Collect what decisions depend on.

    Args:
        now: Epoch seconds; whose period's key of pseudonyms is made if missing.

    Raises:
        ConfigError: A member is not in the directory, a key or a file of interests
            is unusable.
    """
    subscribers = []
    for served in config.members:
        member = directory.members.get(served.org)
        if member is None:
            raise ConfigError(f"{served.org} is not in the directory")
        names = tuple(s.name for s in served.sinks)
        wanted = interests_of(served)
        strangers = sorted(set(wanted.issuers) - directory.members.keys())
        if strangers:  # admitted later, perhaps, or no more
            _log.warning(
                "interests.unknown_issuers", member=served.org, issuers=strangers
            )
        subscribers.append(Subscriber(member, names, wanted))
    author = Author(
        org=config.org,
        name=config.display_name,
        id_key=read_key(config.id_key),
    )
    return Context(
        directory=directory,
        policy=policy,
        author=author,
        pseudonyms=_pseudonym_keys(config, now),
        signer=load_signer(config.org, config.key),
        subscribers=tuple(subscribers),
    )


def _pseudonym_keys(config: AdapterConfig, now: float) -> PseudonymKeys:
    return open_keys(
        config.pseudonym_keys, config.pseudonym_period, config.keep_periods, now=now
    )


@asynccontextmanager
async def open_sinks(
    members: Sequence[MemberConfig], *, clock: Callable[[], float]
) -> AsyncIterator[dict[Lane, Sink]]:
    """Open every sink of *members*, by (member, sink).

    Raises:
        ConfigError: A folder, URL or secret is unusable.
    """
    async with AsyncExitStack() as stack:
        sinks: dict[Lane, Sink] = {}
        for member in members:
            for config in member.sinks:
                lane = (member.org, config.name)
                if lane in sinks:
                    raise ConfigError(f"{member.org} has two sinks {config.name}")
                sinks[lane] = await _open_sink(stack, config, clock)
        yield sinks


async def _open_sink(
    stack: AsyncExitStack, config: SinkConfig, clock: Callable[[], float]
) -> Sink:
    match config:
        case FileSinkConfig():
            return await stack.enter_async_context(open_file_sink(config.folder))
        case WebhookSinkConfig():
            return await stack.enter_async_context(
                open_webhook(
                    config.url,
                    [config.secret_file],
                    clock=clock,
                    allow_private=config.allow_private,
                )
            )


async def run_adapter(
    config: AdapterConfig,
    bus: Bus,
    context: Context,
    *,
    clock: Callable[[], float] = time.time,
    stop: asyncio.Event,
) -> None:
    """Consume, decide, store and forward until *stop* is set.

    Raises:
        ConfigError: A sink or the outbox is unusable, or its disk full; before
            a message is taken.
        BusRefusedError: No permission on the adapter's queues.
    """
    async with (
        open_outbox(config.outbox, clock=clock) as outbox,
        open_sinks(config.members, clock=clock) as sinks,
    ):
        await asyncio.to_thread(try_writing, config.outbox)
        await serve(config, bus, context, outbox, sinks, clock=clock, stop=stop)


def try_writing(path: Path) -> None:
    """Write one page of the SQLite file *path*, changing nothing.

    A full disk shows before a message is taken, not after.

    Raises:
        ConfigError: The disk is full or broken, or the file locked for 5 seconds.
    """
    try:
        with closing(
            sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        ) as db:
            db.execute("BEGIN IMMEDIATE")
            [version] = db.execute("PRAGMA user_version").fetchone()
            # SQLite writes the page of the version though it stays the same.
            db.execute(f"PRAGMA user_version={version:d}")
            db.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        raise ConfigError(f"cannot write {path}: {error.sqlite_errorname}") from None


async def serve(
    config: AdapterConfig,
    bus: Bus,
    context: Context,
    outbox: Outbox,
    sinks: Mapping[Lane, Sink],
    *,
    clock: Callable[[], float],
    stop: asyncio.Event,
) -> None:
    """Run the loops of an adapter over what is open already."""
    intake = _Intake(config, bus, context, outbox, clock=clock, stop=stop)
    async with asyncio.TaskGroup() as tasks:
        for queue in adapter_queues(config.name):
            tasks.create_task(intake.run(queue), name=f"consume:{queue}")
        tasks.create_task(
            forward(
                outbox,
                sinks,
                clock=clock,
                random=random.random,
                stop=stop,
                keep_s=config.keep_days * 86_400,
            ),
            name="forward",
        )
        tasks.create_task(
            _follow(Watched(config.members), intake, stop), name="interests"
        )


async def _follow(watched: Watched, intake: "_Intake", stop: asyncio.Event) -> None:
    """Let members change what they want while the adapter runs."""
    with suppress(StoppedError):
        while True:
            for org, found in (await asyncio.to_thread(watched.changed)).items():
                if isinstance(found, Interests):
                    intake.member_wants(org, found)
                else:  # what it wanted before holds on
                    _log.error("interests.unusable", member=org, error=str(found))
            await pause(_LOOK_S, stop)


class _Intake:
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
    ) -> None:
        self._config = config
        self._bus = bus
        self._context = context
        self._store = PatientStore(outbox, stop)
        self._clock = clock
        self._stop = stop
        self._waited_for = set(adapter_queues(config.name))

    async def run(self, queue: str) -> None:
        """Take from *queue* until stopped."""
        config = self._config
        async with self._bus.consume(queue, prefetch=config.prefetch) as messages:
            self._begun(queue)
            # Unsettled, what is in hands then comes back.
            found = batches(messages, config.batch, self._stop)
            with suppress(StoppedError):
                async with aclosing(found):
                    async for batch in found:
                        await self._take(batch)

    def member_wants(self, org: str, wanted: Interests) -> None:
        """Decide by *wanted* from the next batch on."""
        before = self._context.subscribers
        after = tuple(
            replace(s, interests=wanted) if s.member.org == org else s for s in before
        )
        if after != before:
            self._context = replace(self._context, subscribers=after)
            _log.info("interests.changed", member=org)

    def _begun(self, queue: str) -> None:
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
            outcomes = await take(
                [received.message for received in batch],
                await self._context_at(now),
                self._store,
                now=now,
                run=asyncio.to_thread,
                monotonic=time.monotonic,
            )
            done, batch = batch[: len(outcomes)], batch[len(outcomes) :]
            for received, outcome in zip(done, outcomes, strict=True):
                await self._note(received.message, outcome)
            # Only now: everything is stored, or lies in the dead letters.
            await self._bus.ack_through(done[-1])

    async def _context_at(self, now: float) -> Context:
        """Give the context, with another period's keys when one begins."""
        if self._context.pseudonyms.last_until(now):
            return self._context
        for delay_s in delays(random.random):
            try:
                keys = await asyncio.to_thread(_pseudonym_keys, self._config, now)
            except ConfigError:
                _log.error("pseudonyms.unavailable", retry_s=round(delay_s, 1))
            else:
                self._context = msgspec.structs.replace(self._context, pseudonyms=keys)
                return self._context
            await pause(delay_s, self._stop)
        raise AssertionError("delays end")

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
                await self._bury(dead_letter(message, outcome, self._config.name))

    async def _bury(self, dead: Message) -> None:
        """Try until the broker has it, or raise StoppedError."""
        for delay_s in delays(random.random):
            try:
                await self._bus.publish(DEAD, dead)
            except (UnroutableError, NotConfirmedError, BusUnavailableError) as error:
                _log.error(
                    "record.not_buried",
                    message=dead.message_id[:12],
                    error=type(error).__name__,
                    retry_s=round(delay_s, 1),
                )
            else:
                return
            await pause(delay_s, self._stop)


def dead_letter(message: Message, refused: Refused, adapter: str) -> Message:
    """Put *message* aside for the operator, as it came, with the reason."""
    return Message(
        body=message.body,
        # Without an id the broker's client would not send it.
        message_id=message.message_id or sdjwt.digest(message.body),
        routing_key=f"dead.{adapter_queues(adapter)[0]}",
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        headers={
            # Put back into the queue, it needs the gate's stamp again.
            **{
                name: value
                for name in (seen.STAMP_HEADER, seen.HEAD_HEADER)
                if isinstance(value := message.headers.get(name), str)
                and len(value) <= seen.MAX_CHARS
            },
            "tocsin-reason": refused.reason,
            "tocsin-where": refused.where[:MAX_WHERE],
        },
    )


async def batches(
    messages: AsyncIterator[Received], size: int, stop: asyncio.Event
) -> AsyncGenerator[list[Received], None]:
    """Gather messages until *size* or a short pause; end when *stop* is set."""
    pending: asyncio.Task[Received] | None = None
    stopping = asyncio.create_task(stop.wait(), name="batches:stop")
    batch: list[Received] = []
    try:
        while True:
            if pending is None:
                pending = asyncio.ensure_future(anext(messages))
            wait_s = _GATHER_S if batch else None
            await asyncio.wait(
                {pending, stopping}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED
            )
            if pending.done():
                batch.append(pending.result())
                pending = None
                if len(batch) < size and not stop.is_set():
                    continue
            if batch:
                yield batch
                batch = []
            if stop.is_set():
                return
    finally:
        for task in (pending, stopping):
            if task is not None:
                task.cancel()
        await asyncio.gather(
            *(t for t in (pending, stopping) if t is not None), return_exceptions=True
        )
