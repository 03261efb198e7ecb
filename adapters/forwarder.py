"""The loop from what is due, through a sink, to what became of it.

One worker per sink, each with its own breaker and its own clock, so a dead
endpoint delays nobody else. A worker sends one delivery at a time, in the order
of their numbers, and holds a slot while it has bodies in memory: what is loaded
at once never exceeds (slots + suspect slots) times the larger of `MAX_DUE_BYTES`
and one delivery, whatever the backlog.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final, assert_never

import structlog

from adapters.delivery import Delivery, NotGiven, NotYet, Sink
from adapters.errors import OutboxUnavailableError, SinkError, SinkUnavailableError
from adapters.numbering import Lane
from adapters.outbox import Outbox
from adapters.outbox_removal import Removal
from adapters.retries import (
    Breaker,
    Closed,
    GiveUp,
    HalfOpen,
    Open,
    RetryAt,
    RetryPolicy,
    admit,
    after_answer,
    after_failure,
    after_gone,
    after_unavailable,
)
from broker.backoff import delays
from broker.directory_held import Standing
from broker.waiting import first_of

_TURN_S: Final = 2.0  # of a sink, while others may wait for its place
_BATCH: Final = 16  # deliveries loaded at once from a sink that works
_LOOK_S: Final = 2.0  # between two looks for what commands have changed
_PURGE_S: Final = 3600.0  # between two looks for bodies that may go
_SET_BACK_S: Final = 60.0  # by less, what waits may as well wait longer
_TOKEN_CHARS: Final = 12  # of a token id in the log

_log: Any = structlog.get_logger(__name__)
Current = Callable[[Delivery], Awaitable[Delivery | NotGiven | NotYet]]


async def _as_it_is(item: Delivery) -> Delivery:
    return item


async def forward(
    outbox: Outbox,
    sinks: Mapping[Lane, Sink],
    *,
    clock: Callable[[], float],
    random: Callable[[], float],
    stop: asyncio.Event,
    policy: RetryPolicy | None = None,
    send_timeout_s: float = 30,
    slots: int = 32,
    suspect_slots: int = 8,
    keep_s: float = 7 * 86_400,
    standing: Callable[[str], Standing] = lambda _: "in",
    current: Current | None = None,
) -> None:
    """Send what is due to *sinks* until *stop* is set, then finish what is in flight.

    After a crash, or if the outbox fails just after a send, that delivery is
    sent again under the same id. While the outbox fails, it waits. Rows of a lane that is not in *sinks* wait.

    Args:
        outbox: Others may forward from it, too, if it is a database that is shared.
        sinks: By (member, sink).
        clock: Epoch seconds.
        random: Gives [0, 1).
        stop: Ends the loop.
        policy: The same for all sinks.
        send_timeout_s: Bounds each send, whatever the sink promises.
        slots: How many sinks that work may be sending at once.
        suspect_slots: The same for sinks whose last attempt failed: their
            timeouts take no slot from those that work.
        keep_s: So long after a delivery is settled its bodies stay in the outbox;
            at the start and every hour those that are older go.
        standing: Whether a member may be sent something now. While it waits, its
            deliveries do, too; what is due to who is out of the directory fails
            with `member-removed`, and is not sent if it comes back.
        current: Gives a delivery as it may be sent now (`adapters.deciding_again`);
            None: as it is.

    Raises:
        ExceptionGroup: A bug in a sink.
    """
    working = asyncio.Semaphore(slots)
    suspect = asyncio.Semaphore(suspect_slots)
    workers = [
        _Worker(
            outbox,
            lane,
            sink,
            clock=clock,
            random=random,
            stop=stop,
            policy=policy or RetryPolicy(),
            send_timeout_s=send_timeout_s,
            working=working,
            suspect=suspect,
            standing=standing,
            current=current or _as_it_is,
        )
        for lane, sink in sinks.items()
    ]
    async with asyncio.TaskGroup() as tasks:
        for worker in workers:
            tasks.create_task(worker.run(), name=f"forward:{'/'.join(worker.lane)}")
        purging = tasks.create_task(
            _purge_regularly(outbox, keep_s, clock), name="forward:purge"
        )
        watching = tasks.create_task(_watch(outbox), name="forward:watch")
        await stop.wait()
        for each in (purging, watching):
            each.cancel()
        for worker in workers:
            outbox.arrivals(worker.lane).set()  # wakes it, so that it sees the stop


async def _purge_regularly(
    outbox: Outbox, keep_s: float, clock: Callable[[], float]
) -> None:
    removal = Removal(outbox)
    while True:
        try:
            count = await removal.purge(clock() - keep_s)
        except OutboxUnavailableError:
            # Nothing is lost by waiting; what sends and stores tells if it lasts.
            _log.warning("outbox.not_purged", retry_s=_PURGE_S)
        else:
            if count:
                _log.info("outbox.purged", bodies=count)
        await asyncio.sleep(_PURGE_S)


async def _watch(outbox: Outbox) -> None:
    """See to what commands make pending from outside, and what is given back."""
    while True:
        with suppress(OutboxUnavailableError):  # who sends and stores tells of it
            await outbox.notice()
        await asyncio.sleep(_LOOK_S)


class _Worker:
    """Forwards one lane."""

    def __init__(
        self,
        outbox: Outbox,
        lane: Lane,
        sink: Sink,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
        stop: asyncio.Event,
        policy: RetryPolicy,
        send_timeout_s: float,
        working: asyncio.Semaphore,
        suspect: asyncio.Semaphore,
        standing: Callable[[str], Standing],
        current: Current,
    ) -> None:
        self._standing = standing
        self._current = current
        self.lane = lane
        self._outbox = outbox
        self._sink = sink
        self._clock = clock
        self._random = random
        self._stop = stop
        self._policy = policy
        self._send_timeout_s = send_timeout_s
        self._working = working
        self._suspect = suspect
        self._breaker: Breaker = Closed()
        self._latest = -math.inf  # that the clock has ever said
        self._log = _log.bind(member=lane[0], sink=lane[1])

    async def run(self) -> None:
        """Work until stopped; between batches, wait for time or for arrivals."""
        arrivals = self._outbox.arrivals(self.lane)
        pauses, failed = delays(self._random), False
        while not self._stop.is_set():
            # Cleared before looking, so that what arrives meanwhile is not missed.
            arrivals.clear()
            try:
                await self._round(arrivals)
            except OutboxUnavailableError:
                # A full disk: what was sent just now may be sent again, under its
                # id. Ending here would end the adapter, and each restart counts
                # against the delivery limit of what it has in hand.
                pause_s, failed = next(pauses), True
                self._log.error("outbox.unavailable", retry_s=pause_s)
                await first_of(self._stop, timeout_s=pause_s)
            else:
                if failed:
                    self._log.info("outbox.back")
                pauses, failed = delays(self._random), False

    def _now(self) -> float:
        now = self._clock()
        self._latest = max(self._latest, now)
        return now

    async def _look_at_clock(self) -> None:
        """Wait for no moment that was near before the clock was set back."""
        back_s = self._latest - self._clock()
        if back_s < _SET_BACK_S:
            return
        await self._outbox.hasten(self.lane, self._clock())
        if isinstance(self._breaker, Open) and self._breaker.until < math.inf:
            self._breaker = HalfOpen(self._breaker.openings)
        self._latest = self._clock()
        self._log.warning("clock.set_back", seconds=round(back_s))

    async def _round(self, arrivals: asyncio.Event) -> None:
        await self._look_at_clock()
        self._breaker = admit(self._breaker, now=self._now())
        if isinstance(self._breaker, Open):
            wake_at: float | None = self._breaker.until
        elif self._standing(self.lane[0]) == "waits":
            # Suspended, or the directory has expired: looked at every minute.
            wake_at = None
        else:
            found, asked, moment = await self._work()
            if found == asked:
                return
            wake_at = await self._outbox.next_due(lane=self.lane)
            if not found and wake_at is not None and wake_at <= moment:
                # In the hands of another process. What that gives back nobody announces:
                # it takes most of it again in the same moment, and whoever is told each
                # time would look in vain.
                wake_at = None
        await self._wait(arrivals, wake_at)

    async def _wait(self, arrivals: asyncio.Event, wake_at: float | None) -> None:
        longest_s = self._outbox.look_again_s
        pause_s = longest_s if wake_at is None else wake_at - self._now()
        if self._stop.is_set() or pause_s <= 0:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(min(pause_s, longest_s)):
                await arrivals.wait()

    async def _work(self) -> tuple[int, int, float]:
        """Send a batch, or one delivery to a suspect sink: how many, of how many, when."""
        now = asyncio.get_running_loop().time
        is_suspect = self._breaker != Closed()
        most = 1 if is_suspect else _BATCH
        async with self._suspect if is_suspect else self._working:
            moment = self._now()
            batch = await self._outbox.due(moment, most, lane=self.lane)
            until = now() + _TURN_S
            try:
                for item in batch:
                    if not self._outbox.holds(item):
                        continue  # erased meanwhile
                    match self._standing(item.member):
                        case "in":
                            await self._send(item)
                        case "waits":
                            break
                        case "out":
                            await self._drop(item, "member-removed")
                    if self._stop.is_set() or self._breaker != Closed():
                        break
                    if now() >= until:
                        break  # a sink that answers slowly holds up no other
            finally:
                self._outbox.release(batch)  # those that were not reached
        return len(batch), most, moment

    async def _send(self, item: Delivery) -> None:
        """Send *item* as it may be sent now, if it may."""
        match await self._current(item):
            case NotGiven(reason):
                await self._drop(item, reason)
            case NotYet():
                pass  # it is due later by now
            case found if not found.evidence:  # put back from a backup without keys
                await self._drop(item, "bodies-gone")
            case found:
                # Suspended, or erased, while this was decided?
                holds = self._outbox.holds(found)
                if holds and self._standing(item.member) == "in":
                    await self._attempt(found)

    async def _attempt(self, item: Delivery) -> None:
        """Send *item* and record what became of it."""
        log = self._log.bind(
            number=item.number,
            attempt=item.attempt,
            token=item.token_id[:_TOKEN_CHARS],
        )
        try:
            async with asyncio.timeout(self._send_timeout_s):
                await self._sink.send(item)
        except TimeoutError:
            await self._on_unavailable(item, SinkUnavailableError("sink-timeout"), log)
        except SinkUnavailableError as error:
            await self._on_unavailable(item, error, log)
        except SinkError as error:
            await self._on_refusal(item, error, log)
        else:
            await self._outbox.done(item.delivery_id, self._now())
            log.info("delivery.done", outcome="forwarded")
            await self._on_answer()

    async def _drop(self, item: Delivery, reason: str) -> None:
        """Settle, without an attempt, what its member may not have any more."""
        now = self._now()
        await self._outbox.failed(item.delivery_id, reason, now=now, tried=False)
        self._log.warning(
            "delivery.failed", number=item.number, outcome="not-given", reason=reason
        )

    async def _on_answer(self) -> None:
        """Close the breaker; after an outage, everything that waited is due."""
        was_paused = isinstance(self._breaker, HalfOpen)
        self._breaker = after_answer()
        if was_paused:
            await self._outbox.hasten(self.lane, self._now())
            self._log.info("sink.resumed")

    async def _on_refusal(self, item: Delivery, error: SinkError, log: Any) -> None:
        await self._outbox.failed(item.delivery_id, error.reason, now=self._now())
        log.warning("delivery.failed", outcome="refused", reason=error.reason)
        if error.reason == "sink-gone":
            # Standard Webhooks: 410 disables the endpoint. What else is pending
            # stays so, for the operator to decide; a restart tries again.
            self._breaker = after_gone()
            self._log.error("sink.disabled", reason=error.reason)
        else:
            await self._on_answer()

    async def _on_unavailable(
        self, item: Delivery, error: SinkUnavailableError, log: Any
    ) -> None:
        now = self._now()
        first = await self._outbox.first_failed_at(item.delivery_id)
        step = after_failure(
            attempt=item.attempt,
            first_failed_at=now if first is None else first,
            now=now,
            retry_after_s=error.retry_after_s,
            random=self._random,
            policy=self._policy.of_kind(item.kind),
        )
        match step:
            case RetryAt(due_at):
                await self._outbox.postponed(
                    item.delivery_id, due_at, error.reason, now=now
                )
                delay_s = round(due_at - now, 1)
                log.warning(
                    "delivery.postponed",
                    outcome="unavailable",
                    reason=error.reason,
                    delay_s=delay_s,
                )
            case GiveUp():
                await self._outbox.failed(item.delivery_id, error.reason, now=now)
                log.error("delivery.failed", outcome="gave-up", reason=error.reason)
            case _:
                assert_never(step)
        self._count_failure(error, now)

    def _count_failure(self, error: SinkUnavailableError, now: float) -> None:
        self._breaker = after_unavailable(
            self._breaker,
            now=now,
            retry_after_s=error.retry_after_s,
            random=self._random,
            policy=self._policy,
        )
        if isinstance(self._breaker, Open):
            pause_s = round(self._breaker.until - now, 1)
            self._log.warning("sink.paused", reason=error.reason, pause_s=pause_s)
