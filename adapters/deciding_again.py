"""Before each send: decide afresh what rests on something that has changed. Edge.

What is sent is right at the moment of sending: the last look, which compares two short
texts, and the send have nothing between them. What became of a delivery that is not
sent any more stands in the ledger, with the reason of the decision.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Final

import structlog
from msgspec.structs import replace

from adapters import erasing, gaps
from adapters.basis import Basis
from adapters.delivery import (
    Delivery,
    NewDelivery,
    NotGiven,
    NotYet,
    StoreOutcome,
)
from adapters.kept_message import restore
from adapters.outbox import Outbox
from adapters.outbox_decisions import Decisions
from adapters.patience import StoppedError
from adapters.pipeline import Context, Outcome, Refused, Subscriber, refusal, take
from adapters.scopes import Scopes
from broker.bus import Message
from broker.errors import ConfigError

_log: Any = structlog.get_logger(__name__)
Kept = Callable[[str], Message | None]
"""Gives the record of a token id, as the gate passed it on."""
Keep = Callable[[Sequence[Message], Sequence[Outcome]], Awaitable[None]]
_LATER_S: Final = 60.0


async def _keep_nothing(_: Sequence[Message], __: Sequence[Outcome]) -> None:
    """Let no part wait for persons."""


class DecidingAgain:
    """What may be sent now of a delivery that was decided earlier."""

    def __init__(
        self,
        outbox: Outbox,
        context: Callable[[], Context],
        *,
        clock: Callable[[], float],
        kept: Kept = lambda _: None,
        keep_waiting: Keep = _keep_nothing,
    ) -> None:
        """Take what decisions rest on.

        Args:
            context: Gives what holds at the moment.
            kept: Where a record is looked for that the outbox does not keep, as of
                rows that an older Tocsin stored; called in a thread. May raise
                ConfigError.
            keep_waiting: Keeps the parts that wait for persons by what holds now; may
                raise StoppedError.
        """
        self._outbox = outbox
        self._rows = Decisions(outbox)
        self._context = context
        self._clock = clock
        self._kept = kept
        self._keep_waiting = keep_waiting

    async def __call__(self, item: Delivery) -> Delivery | NotGiven | NotYet:
        """Give *item* as it may be sent now.

        Raises:
            OutboxUnavailableError: What was decided cannot be stored now.
        """
        while True:
            # What came before it is settled, so this stays as it is.
            is_due = not item.missed or await self._rows.was_sent(item)
            context, now = self._context(), self._clock()
            subscriber = _subscriber(context, item.member)
            if subscriber is None:
                return NotGiven("member-removed")
            if context.directory.is_suspended(item.member, now):
                return NotYet(now)  # since the moment it was asked for
            if item.kind == erasing.KIND:
                return item  # it says nothing but ids that the member has
            basis = context.basis_of(subscriber, context.trust_at(now))
            if item.basis == str(basis) and now < item.until:
                return item if is_due else NotGiven(item.missed)
            alone = replace(context, subscribers=(subscriber,))
            try:
                found = await self._again(item, alone, basis, now)
            except StoppedError:
                return NotYet(now)
            if not isinstance(found, Delivery):
                return found
            item = found  # and look again: more may have changed meanwhile

    async def _again(
        self, item: Delivery, context: Context, basis: Basis, now: float
    ) -> Delivery | NotGiven | NotYet:
        is_same_view = Basis.parse(item.basis).view == basis.view and now < item.until
        if item.kind == gaps.KIND:  # the next one comes within the hour
            if is_same_view:
                return await self._rows.confirm(item, basis)
            return NotGiven("no-longer-given")
        message = await self._message(item, now)
        if not isinstance(message, Message):
            return message
        if is_same_view:
            reason = await asyncio.to_thread(refusal, message, context, now=now)
            return NotGiven(reason) if reason else await self._rows.confirm(item, basis)
        if item.supplement:  # persons agreed to what another policy held
            return NotGiven("agreement-void")
        return await self._decided(item, message, context, now)

    async def _message(self, item: Delivery, now: float) -> Message | NotGiven | NotYet:
        data = await self._rows.message(item)
        if data is not None:
            return restore(data)
        try:
            found = await asyncio.to_thread(self._kept, item.token_id)
        except ConfigError as error:
            _log.error("archive.unavailable", error=str(error), retry_s=_LATER_S)
            return await self._postponed(item, now + _LATER_S)
        return found or NotGiven("message-gone")

    async def _decided(
        self, item: Delivery, message: Message, context: Context, now: float
    ) -> Delivery | NotGiven | NotYet:
        trial = _Trial(self._outbox)
        [outcome] = await take(
            [message],
            context,
            trial,
            now=now,
            run=asyncio.to_thread,
            monotonic=time.monotonic,
        )
        if isinstance(outcome, Refused):
            return NotGiven(outcome.reason)
        row = next((r for r in trial.rows if r.sink == item.sink), None)
        if row is None:
            return NotGiven(next(iter(outcome.not_given), "no-longer-given"))
        if row.not_before > now and row.kind != "retraction":
            return await self._postponed(item, row.not_before)
        await self._keep_waiting([message], [outcome])
        _log.info(
            "delivery.decided_again",
            member=item.member,
            sink=item.sink,
            number=item.number,
            token=item.token_id[:12],
        )
        return await self._rows.decide(item, row) or NotYet(now)

    async def _postponed(self, item: Delivery, due_at: float) -> NotYet:
        await self._rows.postpone(item, due_at)
        return NotYet(due_at)


class _Trial:
    """A store that knows what members have, and stores nothing itself."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self.rows: tuple[NewDelivery, ...] = ()

    async def scopes(self, subs: Collection[str]) -> Scopes:
        return await self._outbox.scopes(subs)

    async def store(self, rows: Sequence[NewDelivery]) -> tuple[StoreOutcome, ...]:
        self.rows = tuple(rows)
        return (StoreOutcome.STORED,) * len(rows)


def _subscriber(context: Context, member: str) -> Subscriber | None:
    # No index: who serves a thousand members looks for some microseconds.
    return next((s for s in context.subscribers if s.member.org == member), None)
