"""The adapter process: the only place that knows every concrete class. Edge."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import structlog

from adapters.config import (
    AdapterConfig,
    FileSinkConfig,
    MemberConfig,
    SinkConfig,
    WebhookSinkConfig,
    pseudonym_key,
)
from adapters.delivery import Sink
from adapters.forwarder import forward
from adapters.numbering import Lane
from adapters.outbox import Outbox, open_outbox
from adapters.pipeline import Context, Decided, Outcome, Refused, Subscriber, take
from adapters.policy import Policy
from adapters.projection import Author
from adapters.sinks.file import open_file_sink
from adapters.sinks.webhook import open_webhook
from broker.bus import Bus, Message, Received
from broker.directory import Directory
from broker.errors import BusUnavailableError, ConfigError, NotConfirmedError
from broker.signers import load_signer
from broker.topology import DEAD, adapter_queues

_log: Any = structlog.get_logger(__name__)
_RETRY_S: Final = 1.0
# After a message, wait this long for more before the batch is decided: far below
# what a reader notices, long enough for a burst to fill a batch.
_GATHER_S: Final = 0.01


def context_of(config: AdapterConfig, directory: Directory, policy: Policy) -> Context:
    """Collect what decisions depend on.

    Raises:
        ConfigError: A member is not in the directory, or a key is unusable.
    """
    subscribers = []
    for served in config.members:
        member = directory.members.get(served.org)
        if member is None:
            raise ConfigError(f"{served.org} is not in the directory")
        subscribers.append(Subscriber(member, tuple(s.name for s in served.sinks)))
    author = Author(
        org=config.org,
        name=config.display_name,
        pseudonym_key=pseudonym_key(config.pseudonym_key),
    )
    return Context(
        directory=directory,
        policy=policy,
        author=author,
        signer=load_signer(config.org, config.key),
        subscribers=tuple(subscribers),
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
        ConfigError: A sink or the outbox is unusable.
        BusRefusedError: No permission on the adapter's queues.
    """
    async with (
        open_outbox(config.outbox, clock=clock) as outbox,
        open_sinks(config.members, clock=clock) as sinks,
    ):
        await serve(config, bus, context, outbox, sinks, clock=clock, stop=stop)


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
    async with asyncio.TaskGroup() as tasks:
        for queue in adapter_queues(config.name):
            tasks.create_task(
                _consume(
                    queue,
                    config=config,
                    bus=bus,
                    context=context,
                    outbox=outbox,
                    clock=clock,
                    stop=stop,
                ),
                name=f"consume:{queue}",
            )
        tasks.create_task(
            forward(outbox, sinks, clock=clock, random=random.random, stop=stop),
            name="forward",
        )


async def _consume(
    queue: str,
    *,
    config: AdapterConfig,
    bus: Bus,
    context: Context,
    outbox: Outbox,
    clock: Callable[[], float],
    stop: asyncio.Event,
) -> None:
    async with bus.consume(queue, prefetch=config.prefetch) as messages:
        async for batch in batches(messages, config.batch, stop):
            outcomes = await take(
                [received.message for received in batch], context, outbox, now=clock()
            )
            for received, outcome in zip(batch, outcomes, strict=True):
                await _note(bus, config, received.message, outcome)
            # Only now: everything is stored, or lies in the dead letters.
            await bus.ack_through(batch[-1])


async def batches(
    messages: AsyncIterator[Received], size: int, stop: asyncio.Event
) -> AsyncIterator[list[Received]]:
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


async def _note(
    bus: Bus, config: AdapterConfig, message: Message, outcome: Outcome
) -> None:
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
                where=outcome.where,
            )
            await _bury(bus, config, message, outcome)


async def _bury(
    bus: Bus, config: AdapterConfig, message: Message, refused: Refused
) -> None:
    """Put a refused message into the dead letters; try until the broker has it."""
    dead = Message(
        body=message.body,
        message_id=message.message_id,
        routing_key=f"dead.{adapter_queues(config.name)[0]}",
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        headers={"tocsin-reason": refused.reason, "tocsin-where": refused.where},
    )
    while True:
        try:
            await bus.publish(DEAD, dead)
        except (NotConfirmedError, BusUnavailableError):
            await asyncio.sleep(_RETRY_S)
        else:
            return
