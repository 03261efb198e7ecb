"""The gate: the only way from an issuer's queue to `tocsin.records`. Edge.

One lane per issuer, each with its own consumer: a flooding issuer fills its own
queue. Within a lane, messages are taken in small batches, so that a disk or a
broker that answers slowly is asked once for many. `gate_batch` does the work on
one batch, `gate_rules` decides.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import msgspec
import structlog

from broker.archive import Archive
from broker.backoff import delays
from broker.bus import Bus, Received
from broker.directory import Directory
from broker.directory_held import Held
from broker.errors import (
    BusError,
    BusRefusedError,
    BusUnavailableError,
    ConfigError,
)
from broker.gate_batch import BatchWork, Handled
from broker.gate_disk import StoppedError, on_disk
from broker.gate_retention import retain
from broker.gate_rules import Accept, Refuse, issuers_of
from broker.gate_stamps import HEAD_EVERY_S, Stamps
from broker.gate_state import GateState
from broker.quota import REFUSED_COST, Allowance, Quota, full, pause_s, spend
from broker.retention import Retention
from broker.signing import RecordSigner
from broker.topology import INGRESS
from broker.waiting import first_of

# Prefetch of a lane. At most this many bodies of 16 MiB wait for each issuer; those
# of the batch at work are in memory unpacked and parsed, too. So the bound grows with
# the number of issuers that flood at the same time.
BATCH: Final = 16
STOP_GRACE_S: Final = 10.0
PRUNE_EVERY_S: Final = 86_400.0

log = structlog.get_logger()


async def run_gate(
    bus: Bus,
    directory: Directory | Held,
    state: GateState,
    archive: Archive,
    signer: RecordSigner,
    *,
    clock: Callable[[], float],
    stop: asyncio.Event,
    quota: Quota = Quota(),  # noqa: B008  frozen
    oversight: Sequence[str] = (),
    retention: Retention = Retention(),  # noqa: B008  frozen
) -> None:
    """Serve the queue of every issuer in *directory* until *stop* is set.

    Issuers that the directory gets or loses meanwhile are served from then on, or no
    more. While it has expired nobody is: what is in hand goes back into the queues.

    What is in hand then is finished, for at most 10 seconds; the rest stays in
    the queues. While the bus does not answer or the disk is full, nothing is
    settled and nothing lost. An issuer whose queue is missing waits alone.

    Args:
        bus: Logged in as `gate`.
        signer: Of stamps and heads; the directory lists its key as a gate's.
        clock: Epoch seconds.
        quota: Of each issuer.
        oversight: Members that get every proof that an issuer has said two things.
        retention: For how long the archive can be read; looked at every hour.

    Raises:
        ConfigError: The directory has no issuer, or does not list the gate's key;
            at the start, before a message is taken, the disk is full or broken, or
            the archive lacks what this gate has stamped; later, the key is not
            valid any more.
        BusRefusedError: No issuer's queue can be read at the start, or the login
            may not do what a gate must.
    """
    held = Held.of(directory)
    if not issuers_of(held.current):
        raise ConfigError("the directory lets no member publish anything")
    stamps = Stamps(signer, held)
    stamps.need_key(clock())
    await asyncio.to_thread(state.try_writing)
    await asyncio.to_thread(archive.try_writing)
    await asyncio.to_thread(_need_same_chain, state, archive)
    newest = await asyncio.to_thread(archive.newest_head)
    next_head_s = stamps.resume(newest, clock())
    tools = _Tools(bus, held, state, archive, stamps, clock, stop, quota, oversight)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_serve_issuers(tools), name="gate:issuers")
            tasks.create_task(_prune(tools), name="gate:prune")
            retaining = retain(archive, held, retention, clock=clock, stop=stop)
            tasks.create_task(retaining, name="gate:retain")
            tasks.create_task(_sign_heads(tools, next_head_s), name="gate:heads")
    except BaseExceptionGroup as group:
        expected, others = group.split((ConfigError, BusError))
        if expected is None or others is not None:
            raise
        raise _first(expected) from None


def _need_same_chain(state: GateState, archive: Archive) -> None:
    """Check that the chain goes on where it ended: no place may be given twice.

    Raises:
        ConfigError: The archive is not the one that this gate wrote last.
    """
    end = state.chain_end()
    if not archive.continues(end.pos, end.link):
        raise ConfigError(
            f"the archive does not hold number {end.pos} of the chain, which this gate "
            "has signed; put the newest archive back. If that is lost, begin a new "
            "chain: new archive, new state, new key"
        )


class _Tools(msgspec.Struct, frozen=True):
    """What all lanes share."""

    bus: Bus
    held: Held
    state: GateState
    archive: Archive
    stamps: Stamps
    clock: Callable[[], float]
    stop: asyncio.Event
    quota: Quota
    oversight: Sequence[str]


async def _serve_issuers(tools: _Tools) -> None:
    """Have one lane for each issuer that the directory lists, while it holds."""
    held, stop = tools.held, tools.stop
    start = _Start(len(issuers_of(held.current)))
    lanes: dict[str, tuple[_Lane, asyncio.Task[None]]] = {}
    async with asyncio.TaskGroup() as tasks:
        while not stop.is_set():
            news = held.news
            held.look(tools.clock())
            wanted = () if held.shut.is_set() else issuers_of(held.current)
            if held.shut.is_set():
                log.error("gate.waits", reason=held.why_shut(tools.clock()))
            # Never two at one queue: the order within a feed would go.
            await _end([lanes.pop(each) for each in lanes.keys() - set(wanted)])
            for issuer in wanted:
                if issuer not in lanes:
                    lane = _Lane(tools, issuer, start)
                    task = tasks.create_task(lane.run(), name=f"gate:{issuer}")
                    lanes[issuer] = lane, task
            await first_of(news, stop)
        await _end(lanes.values())


async def _end(lanes: Collection[tuple["_Lane", asyncio.Task[None]]]) -> None:
    """Let lanes finish what they have in hand."""
    for lane, _ in lanes:
        lane.halt.set()
    if lanes:
        await asyncio.wait([task for _, task in lanes])


class _Start:
    """Counts how the first attempts of all lanes ended, to tell of it once."""

    def __init__(self, lanes: int) -> None:
        self._open = lanes
        self._reading = 0
        self._missing = 0

    def note(self, *, reading: bool) -> bool:
        """Take one lane's first answer; say whether the last was as bad as all.

        Of lanes that began later nothing is said: the gate is at work by then.
        """
        if not self._open:
            return False
        self._open -= 1
        self._reading += reading
        self._missing += not reading
        if self._open:
            return False
        if self._reading:
            log.info("gate.ready", issuers=self._reading, missing=self._missing)
        return not self._reading


class _Lane:
    """The reading of one issuer's queue.

    Attributes:
        halt: Set it to let the lane end.
    """

    def __init__(self, tools: _Tools, issuer: str, start: _Start) -> None:
        self._tools = tools
        self._start = start
        self._is_noted = False
        self.halt = asyncio.Event()
        self._queue = f"{INGRESS}.{issuer}"
        self._log = log.bind(issuer=issuer)
        self._work = BatchWork(
            tools.bus,
            tools.held,
            tools.state,
            tools.archive,
            tools.stamps,
            clock=tools.clock,
            issuer=issuer,
            stop=self.halt,
            oversight=tools.oversight,
        )

    async def run(self) -> None:
        """Serve until stopped, across a broker that is away or a missing queue.

        Raises:
            BusRefusedError: At the start, when no lane at all may read.
        """
        stop = self.halt
        attempts, away = delays(random.random), False
        while not stop.is_set():
            await self._tools.held.opened(stop)
            try:
                async with self._tools.bus.consume(
                    self._queue, prefetch=BATCH
                ) as messages:
                    if away:
                        self._log.info("gate.bus_back", queue=self._queue)
                    attempts, away = delays(random.random), False
                    self._note_start(reading=True)
                    await self._serve(messages)
            except BusUnavailableError:
                pause, away = next(attempts), True
                self._log.warning(
                    "gate.bus_away", queue=self._queue, retry_s=round(pause, 1)
                )
                await first_of(stop, timeout_s=pause)
            except BusRefusedError:
                if self._note_start(reading=False):
                    raise
                pause = next(attempts)
                self._log.error(
                    "gate.queue_missing", queue=self._queue, retry_s=round(pause, 1)
                )
                await first_of(stop, timeout_s=pause)

    def _note_start(self, *, reading: bool) -> bool:
        if self._is_noted:
            return False
        self._is_noted = True
        return self._start.note(reading=reading)

    async def _serve(self, messages: AsyncIterator[Received]) -> None:
        """Work until stopped.

        Raises:
            BusRefusedError: The queue has gone.
        """
        # None says that no more will come. The prefetch bounds it.
        waiting: asyncio.Queue[Received | None] = asyncio.Queue()
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(_hand_over(messages, waiting))
            working = tasks.create_task(self._work_off(waiting))
            stopping = tasks.create_task(self.halt.wait())
            first = asyncio.FIRST_COMPLETED
            # The work ends before the reading when the directory has expired.
            await asyncio.wait([reading, working, stopping], return_when=first)
            # All that was handed out is worked off: given back, it would count
            # against the delivery limit.
            reading.cancel()
            waiting.put_nowait(None)
            await asyncio.wait([working, stopping], return_when=first)
            await asyncio.wait([working], timeout=STOP_GRACE_S)
            working.cancel()
            stopping.cancel()
        if not reading.cancelled() and (refusal := reading.result()):
            raise refusal

    async def _work_off(self, waiting: asyncio.Queue[Received | None]) -> None:
        quota, clock = self._tools.quota, self._tools.clock
        left = full(quota, clock())
        while batch := await _take(waiting):
            try:
                handled = await self._work.handle(batch)
            except StoppedError:
                return
            left = _pay(left, quota, handled, now=clock())
            pause = pause_s(left, quota)
            if pause > 0:
                self._log.warning("gate.over_quota", pause_s=round(pause, 1))
                await first_of(self.halt, timeout_s=pause)


def _pay(
    left: Allowance,
    quota: Quota,
    handled: Sequence[Handled],
    *,
    now: float,
) -> Allowance:
    records = size = urgent = 0
    for each in handled:
        cost = REFUSED_COST if isinstance(each.decision, Refuse) else 1
        records += cost
        size += cost * each.size
        urgent += isinstance(each.decision, Accept) and each.decision.urgent
    return spend(left, quota, records=records, size=size, urgent=urgent, now=now)


async def _hand_over(
    messages: AsyncIterator[Received], waiting: asyncio.Queue[Received | None]
) -> BusRefusedError | None:
    """Hand over until there is no more; give the refusal that ended it."""
    try:
        async for received in messages:
            waiting.put_nowait(received)
    except BusRefusedError as error:
        # Returned: what was handed out before is worked off, not cancelled.
        return error
    return None


async def _take(waiting: asyncio.Queue[Received | None]) -> list[Received]:
    """Wait for a message, and take those along that are there; [] at the end."""
    batch: list[Received] = []
    while len(batch) < BATCH and not (batch and waiting.empty()):
        received = await waiting.get()
        if received is None:
            waiting.put_nowait(None)  # for the next call
            break
        batch.append(received)
    return batch


async def _prune(tools: _Tools) -> None:
    while not tools.stop.is_set():
        prune = partial(tools.state.prune, now=tools.clock())
        with suppress(StoppedError):
            await on_disk(prune, stop=tools.stop, issuer="")
        await first_of(tools.stop, timeout_s=PRUNE_EVERY_S)


async def _sign_heads(tools: _Tools, pause: float) -> None:
    """Sign a head every hour, also of a chain that did not grow: silence shows.

    Args:
        pause: Seconds until the first.

    Raises:
        ConfigError: The gate's key is not valid any more.
    """
    await first_of(tools.stop, timeout_s=pause)
    while not tools.stop.is_set():
        await tools.held.opened(tools.stop)
        if tools.stop.is_set():
            return
        now = tools.clock()
        tools.stamps.need_key(now)
        sign = partial(tools.archive.sign_head, tools.stamps.make_head, now=int(now))
        with suppress(StoppedError):
            head = await on_disk(sign, stop=tools.stop, issuer="")
            tools.stamps.follow(head)
            log.info("gate.head", pos=head.pos)
        await first_of(tools.stop, timeout_s=HEAD_EVERY_S)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
