"""The adapter process: the only place that knows every concrete class. Edge."""

import asyncio
import random
import sqlite3
import time
from collections.abc import (
    AsyncIterator,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import (
    AsyncExitStack,
    asynccontextmanager,
    closing,
    contextmanager,
)
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog

from adapters.chain_watch import ChainWatch, open_chain_watch
from adapters.chasing import chase
from adapters.config import AdapterConfig
from adapters.config_parts import (
    AmqpSinkConfig,
    FileSinkConfig,
    MemberConfig,
    SinkConfig,
    WebhookSinkConfig,
)
from adapters.config_use import gaps_of, outbox_of, reviewers_of
from adapters.deciding_again import DecidingAgain
from adapters.delivery import Sink
from adapters.eraser import Eraser
from adapters.forwarder import forward
from adapters.gap_state import GapState, open_gap_state
from adapters.gap_watch import GapWatch, replayed, watch
from adapters.intake import Intake, follow
from adapters.interests import UNREADABLE
from adapters.interests_file import Watched, interests_of
from adapters.metrics import EventCounts
from adapters.numbering import Lane
from adapters.outbox import Outbox, open_outbox
from adapters.patience import PatientStore
from adapters.pipeline import Context, Subscriber
from adapters.policy import Policy
from adapters.policy_choice import Rulebook
from adapters.projection import Author
from adapters.pseudonym_files import keys_of, read_key
from adapters.recognisers import load_spacy
from adapters.reporting import report
from adapters.review import Reviews, open_reviews
from adapters.sinks.amqp import AmqpSink
from adapters.sinks.file import open_file_sink
from adapters.sinks.webhook import open_webhook
from adapters.status import answering, directory_of
from broker.archive import Archive, open_archive
from broker.bus import Bus, Message
from broker.directory import Directory
from broker.directory_held import Held
from broker.errors import (
    ConfigError,
)
from broker.signers import load_signer
from broker.topology import adapter_queues

_log: Any = structlog.get_logger(__name__)
_BUSY_S: Final = 5.0
DRAIN_S: Final = 40.0  # after a stop: longer than any send, shorter than systemd waits


def context_of(
    config: AdapterConfig, directory: Directory, policy: Policy, *, now: float
) -> Context:
    """Collect what decisions depend on.

    Args:
        now: Epoch seconds; whose period's key of pseudonyms is made if missing.

    Raises:
        ConfigError: No member is in the directory, a key is unusable, or every
            file of interests: of some, their members get all that they may have.
    """
    subscribers = _subscribers(config, directory)
    author = Author(
        org=config.org,
        name=config.display_name,
        id_key=read_key(config.id_key),
    )
    return Context(
        directory=directory,
        policy=policy,
        author=author,
        pseudonyms=keys_of(config, now),
        signer=load_signer(
            config.org, config.key, passphrase_file=config.key_passphrase_file or None
        ),
        subscribers=subscribers,
        recogniser=(
            load_spacy(config.recogniser)
            if isinstance(config.recogniser, Path)
            else None
        ),
    )


def _subscribers(config: AdapterConfig, directory: Directory) -> tuple[Subscriber, ...]:
    found, faults = [], []
    for served in config.members:
        member = directory.members.get(served.org)
        if member is None:
            # Expelled, or mistyped: it gets nothing, and the others what they may.
            _log.error("adapter.not_a_member", member=served.org)
            continue
        try:
            wanted = interests_of(served)
        except ConfigError as error:  # the others get what they want
            _log.error("interests.unusable", member=served.org, error=str(error))
            wanted = UNREADABLE
            faults.append(error)
        strangers = sorted(set(wanted.issuers) - directory.members.keys())
        if strangers:  # admitted later, perhaps, or no more
            _log.warning(
                "interests.unknown_issuers", member=served.org, issuers=strangers
            )
        names = tuple(each.name for each in served.sinks)
        found.append(Subscriber(member, names, wanted))
    if not found:
        raise ConfigError("none of the members is in the directory")
    if len(faults) == len(found):  # no others are kept from anything
        raise faults[0]
    return tuple(found)


@asynccontextmanager
async def open_sinks(
    members: Sequence[MemberConfig],
    *,
    clock: Callable[[], float],
    bus: Bus | None = None,
) -> AsyncIterator[dict[Lane, Sink]]:
    """Open every sink of *members*, by (member, sink).

    Args:
        bus: The adapter's own, for members that read RabbitMQ.

    Raises:
        ConfigError: A folder, URL or secret is unusable; a member has two sinks of one
            name, or two queues.
    """
    async with AsyncExitStack() as stack:
        sinks: dict[Lane, Sink] = {}
        for member in members:
            for config in member.sinks:
                lane = (member.org, config.name)
                if lane in sinks:
                    raise ConfigError(f"{member.org} has two sinks {config.name}")
                sinks[lane] = await _open_sink(stack, config, clock, bus, member.org)
            # Its numbers would run across those of the other.
            if sum(isinstance(each, AmqpSinkConfig) for each in member.sinks) > 1:
                raise ConfigError(f"{member.org} has one queue, and two amqp sinks")
        yield sinks


async def _open_sink(
    stack: AsyncExitStack,
    config: SinkConfig,
    clock: Callable[[], float],
    bus: Bus | None,
    org: str,
) -> Sink:
    match config:
        case FileSinkConfig():
            return await stack.enter_async_context(open_file_sink(config.folder))
        case AmqpSinkConfig():
            if bus is None:
                raise ConfigError("an amqp sink needs the adapter's RabbitMQ")
            return AmqpSink(bus, org)
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
    held: Held | None = None,
    counts: EventCounts | None = None,
    status: Path | None = None,
    leads: bool = True,
    rules: Rulebook | None = None,
) -> None:
    """Consume, decide, store and forward until *stop* is set.

    What is in hand then is finished, for at most 40 seconds; the rest stays in the
    queues, or in the outbox.

    Args:
        held: The directory, where another follows that of *context*.
        counts: What the log counts; told at `config.status`.
        status: A Unix socket for it instead.
        leads: Of several processes one does what is done once: it looks at what is
            missing, sends what persons have agreed to, tells issuers, sees to
            retention.
        rules: Where the policy of *context* follows the directory.

    Raises:
        ConfigError: A sink or the outbox is unusable, or its disk full; before
            a message is taken.
        BusRefusedError: No permission on the adapter's queues.
    """
    place, password = outbox_of(config)
    checks = () if held is None else (directory_of(held),)
    async with (
        open_outbox(place, password=password, clock=clock) as outbox,
        open_sinks(config.members, clock=clock, bus=bus) as sinks,
        answering(
            status or config.status, counts, outbox=outbox, checks=checks, clock=clock
        ),
    ):
        if isinstance(place, Path):
            await asyncio.to_thread(try_writing, place)
        with (
            _open_reviews(config, context) as reviews,
            _open_heads(config, context) as chain,
            open_gap_state(gaps_of(config), now=clock()) as gaps,
            _open_archive(config) as archive,
        ):
            await serve(
                config, bus, context, outbox, sinks,
                clock=clock, stop=stop, reviews=reviews, chain=chain, gaps=gaps,
                archive=archive, held=held, leads=leads, rules=rules,
            )  # fmt: skip


@contextmanager
def _open_heads(config: AdapterConfig, context: Context) -> Iterator[ChainWatch | None]:
    if not isinstance(config.heads, Path):
        yield None
        return
    with open_chain_watch(config.heads, context.directory) as chain:
        yield chain


@contextmanager
def _open_archive(config: AdapterConfig) -> Iterator[Archive | None]:
    """Open the gate's archive; None if there is none: what is missing stays so."""
    if not isinstance(config.archive, Path):
        yield None
        return
    if not config.archive.exists():  # made here, it would be nobody's
        raise ConfigError(f"there is no archive {config.archive}")
    with open_archive(config.archive) as archive:
        yield archive


@contextmanager
def _open_reviews(config: AdapterConfig, context: Context) -> Iterator[Reviews | None]:
    """Open the file of what waits; None if there is none: then it is dropped."""
    if not isinstance(config.reviews, Path):
        yield None
        return
    with open_reviews(config.reviews, reviewers_of(config)) as reviews:
        reviews.rule_by(context.policy.sha256)
        yield reviews


def _archived(archive: Archive | None, token_id: str) -> Message | None:
    """Give a record as the gate passed it on, where its archive is at hand."""
    found = None if archive is None else archive.get(token_id)
    return None if found is None or found.erased else replayed(found)


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
    reviews: Reviews | None = None,
    chain: ChainWatch | None = None,
    gaps: GapState | None = None,
    archive: Archive | None = None,
    held: Held | None = None,
    leads: bool = True,
    rules: Rulebook | None = None,
) -> None:
    """Run the loops of an adapter over what is open already; see `run_adapter`."""
    held = held or Held(context.directory)
    watched = None
    if gaps is not None:
        watched = GapWatch(
            gaps,
            PatientStore(outbox, stop),
            archive,
            grace_s=config.missing_after_s,
            members={each.org: each for each in config.members},
            stop=stop,
        )
    eraser = Eraser(PatientStore(outbox, stop), reviews, clock=clock, stop=stop)
    intake = Intake(
        config,
        bus,
        context,
        outbox,
        clock=clock,
        stop=stop,
        reviews=reviews,
        gaps=watched,
        chain=chain,
        held=held,
        rules=rules,
        eraser=eraser,
    )
    async with _draining(stop) as tasks:
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
                standing=lambda org: held.standing(org, clock()),
                current=DecidingAgain(
                    outbox,
                    intake.context,
                    clock=clock,
                    kept=partial(_archived, archive),
                    keep_waiting=intake.keep_waiting,
                ),
            ),
            name="forward",
        )
        tasks.create_task(
            follow(Watched(config.members), intake, stop), name="interests"
        )
        if leads:
            reporting = report(
                outbox,
                bus,
                intake.consents,
                adapter=config.name,
                signer=context.signer,
                clock=clock,
                stop=stop,
            )
            tasks.create_task(reporting, name="reports")
            tasks.create_task(chase(outbox, stop), name="chase")
        if reviews is not None and leads:
            tasks.create_task(intake.send_agreed(reviews), name="reviews")
        if watched is not None and leads:
            watching = watch(
                watched, intake.context, intake.take_again, clock=clock, stop=stop
            )
            tasks.create_task(watching, name="gaps")
        if leads:
            keeping = eraser.watch_retention(config.retention, lambda: held.current)
            tasks.create_task(keeping, name="retention")
            tasks.create_task(eraser.watch_reviews(), name="erased")


@asynccontextmanager
async def _draining(stop: asyncio.Event) -> AsyncIterator[asyncio.TaskGroup]:
    """Run tasks; cut them off if they still run `DRAIN_S` after *stop* is set."""
    bound = asyncio.timeout(None)

    async def limit() -> None:
        await stop.wait()
        bound.reschedule(asyncio.get_running_loop().time() + DRAIN_S)

    try:
        async with bound, asyncio.TaskGroup() as tasks:
            tasks.create_task(limit(), name="drain")
            yield tasks
    except TimeoutError:
        if not bound.expired():
            raise
        _log.error("adapter.drain_cut", after_s=DRAIN_S)
