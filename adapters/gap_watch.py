"""Notices what never came, fetches it from the archive, and tells members. Edge.

A heartbeat may overtake records: those in the adapter's other queue, or behind a
burst. So what it lists counts as missing only after a while, and members are told of
it only then.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

import msgspec
import structlog

from adapters.bare import bare_for
from adapters.config_parts import MemberConfig
from adapters.gap_state import GapState, Untold
from adapters.gaps import NO_BARE, account, admits, delivery
from adapters.patience import PatientStore, StoppedError, pause
from adapters.pipeline import Context, Decided, Outcome, Refused
from broker import carried, seen, wire
from broker.archive import Archive, Archived
from broker.backoff import delays
from broker.bus import Message
from broker.directory import Member
from broker.errors import ConfigError
from broker.heartbeats import Passed, verify_passed
from schemas import timestamps
from schemas.errors import RefusedError

LOOK_S: Final = 30.0  # between looks at what is missing
ASK_AGAIN_S: Final = 3600.0  # each record is asked for once in this time
MAX_ASKED: Final = 50  # records in one look: 100 a minute
MAX_BARE: Final = 50  # bare JWTs in one heartbeat, each of so many characters:
MAX_BARE_CHARS: Final = 64 << 10
SILENT_S: Final = 3 * 3600.0  # an issuer says something every hour
_GIVEN_UP_S: Final = 7 * 86_400.0  # who is silent for so long is no alarm any more
_PRUNE_S: Final = 86_400.0

_log: Any = structlog.get_logger(__name__)
_T = TypeVar("_T")
TakeAgain = Callable[[Message], Awaitable[None]]


class GapWatch:
    """What an adapter does about heartbeats; one per adapter."""

    def __init__(
        self,
        state: GapState,
        store: PatientStore,
        archive: Archive | None,
        *,
        grace_s: float,
        members: Mapping[str, MemberConfig],
        stop: asyncio.Event,
    ) -> None:
        self._state = state
        self._store = store
        self._archive = archive
        self._grace_s = grace_s
        self._members = members
        self._stop = stop
        self._silent: set[str] = set()
        self._prune_at = 0.0

    async def received(
        self, messages: Sequence[Message], outcomes: Sequence[Outcome], *, now: float
    ) -> None:
        """Remember, before they are acknowledged, which records came.

        Raises:
            StoppedError: Told to stop while the disk takes nothing.
        """
        came = [_came(m, o) for m, o in zip(messages, outcomes, strict=True)]
        late = await self._patiently(partial(self._state.received, came, now=now))
        if late:
            _log.info("records.found", count=len(late))

    async def hear(
        self, message: Message, context: Context, *, now: float
    ) -> Refused | None:
        """Take a heartbeat in; the reason, if it is none.

        Raises:
            StoppedError: Told to stop while the disk takes nothing.
        """
        try:
            passed = verify_passed(message.body, context.directory, now=now)
        except RefusedError as error:
            return Refused(error.reason, error.where)
        hear = partial(self._state.hear, passed, message.body, now=now)
        found = await self._patiently(hear)
        if found == "conflict":
            # The gate refuses such ones, so either it or this file is not the one
            # that it was.
            _log.error("heartbeat.conflict", issuer=passed.org)
        elif found != "old" and found.skipped:
            _log.error("heartbeat.not_listed", issuer=passed.org, count=found.skipped)
        return None

    async def look(
        self,
        context: Context,
        take_again: TakeAgain,
        *,
        now: float,
    ) -> None:
        """Ask for what is missing, tell members, and see who is silent.

        Args:
            take_again: Decides about a record as if it came from the queue.

        Raises:
            StoppedError: Told to stop meanwhile.
            ConfigError: The file, or the archive, cannot be read now.
        """
        await self._ask(take_again, now)
        await self._tell_members(context, now)
        await asyncio.to_thread(self._note_silence, now)
        if now >= self._prune_at:
            await asyncio.to_thread(partial(self._state.prune, now=now))
            self._prune_at = now + _PRUNE_S

    async def _ask(self, take_again: TakeAgain, now: float) -> None:
        ids = await asyncio.to_thread(
            partial(
                self._state.overdue,
                noticed=now - self._grace_s,
                asked=now - ASK_AGAIN_S,
                limit=MAX_ASKED,
            )
        )
        if not ids:
            return
        # First: what cannot be fetched is not asked for over and over.
        await asyncio.to_thread(partial(self._state.asked, ids, now=now))
        found, erased = 0, []
        for token_id in ids if self._archive is not None else ():
            archived = await asyncio.to_thread(self._archived, token_id)
            if archived is None:
                continue
            if archived.erased:
                erased.append((token_id, 0))
                continue
            await take_again(replayed(archived))
            found += 1
        # Nobody will ever have these: nothing is left to miss.
        await asyncio.to_thread(partial(self._state.received, erased, now=now))
        left = await asyncio.to_thread(self._state.missing)
        since = min((each.at for each in left), default=None)
        log = _log.error if left else _log.info
        log(
            "records.missing",
            issuers=sorted({each.issuer for each in left}),
            count=len({each.token_id for each in left}),
            since=None if since is None else timestamps.from_epoch(since),
            fetched=found,
            erased=len(erased),
        )

    def _archived(self, token_id: str) -> Archived | None:
        assert self._archive is not None  # noqa: S101  asked by the caller
        return self._archive.get(token_id)

    async def _tell_members(self, context: Context, now: float) -> None:
        state = self._state
        untold = await asyncio.to_thread(
            partial(state.untold, heard=now - self._grace_s)
        )
        for each in untold:
            missing = await asyncio.to_thread(state.missing_of, each.line)
            before = await asyncio.to_thread(state.were_told, each.line)
            try:
                passed = verify_passed(each.body, context.directory, now=now)
            except RefusedError:  # its key was revoked since
                told: set[str] = set(before)
            else:
                told = await self._deliver(
                    each, passed, context, missing, before, now=now
                )
            await asyncio.to_thread(state.tell, each.line, told)

    async def _deliver(
        self,
        untold: Untold,
        passed: Passed,
        context: Context,
        missing: frozenset[str],
        before: frozenset[str],
        *,
        now: float,
    ) -> set[str]:
        """Store what members get of a heartbeat; name those told of missing ones."""
        rows, told = [], set()
        ids = [each.token_id for each in passed.beat.ids]
        for subscriber in context.subscribers:
            member = subscriber.member
            config = self._members[member.org]
            wanted = config.heartbeats
            if wanted == "none" or context.directory.is_suspended(member.org, now):
                continue
            if not admits(context.policy, member, passed.beat):
                continue
            found = account(
                passed,
                known=await self._store.known(member.org, ids),
                missing=missing,
                began=untold.began,
                unlisted=untold.unlisted,
            )
            if found.missing:
                told.add(member.org)
            if wanted == "all" or found.missing or member.org in before:
                bare: Mapping[str, str] = NO_BARE
                if config.bare:
                    bare = await self._bare(found.withheld, context, member, now)
                basis = str(context.basis_of(subscriber, context.trust_at(now)))
                rows += [
                    delivery(passed, found, member, sink, bare, basis=basis)
                    for sink in subscriber.sinks
                ]
        if rows:
            await self._store.store(rows)
            _log.info("heartbeat.told", issuer=passed.org, deliveries=len(rows))
        return told

    async def _bare(
        self, token_ids: Sequence[str], context: Context, member: Member, now: float
    ) -> dict[str, str]:
        """Fetch the bare JWTs of the newest of *token_ids*, of 50 at most."""
        found: dict[str, str] = {}
        for token_id in token_ids[-MAX_BARE:] if self._archive is not None else ():
            archived = await asyncio.to_thread(self._archived, token_id)
            if archived is None or archived.erased:
                continue
            make = partial(bare_for, replayed(archived), context, member, now=now)
            text = await asyncio.to_thread(make)
            if text is not None and len(text) <= MAX_BARE_CHARS:
                found[token_id] = text
        return found

    def _note_silence(self, now: float) -> None:
        """Raise an alarm, once, for each issuer whose heartbeats have stopped."""
        newest: dict[str, int] = {}
        for each in self._state.lines():
            newest[each.issuer] = max(each.iat, newest.get(each.issuer, 0))
        silent = {
            org for org, at in newest.items() if SILENT_S < now - at < _GIVEN_UP_S
        }
        for org in sorted(silent - self._silent):
            _log.error(
                "issuer.silent", issuer=org, since=timestamps.from_epoch(newest[org])
            )
        self._silent = silent

    async def _patiently(self, step: Callable[[], _T]) -> _T:
        for delay_s in delays(random.random):
            try:
                return await asyncio.to_thread(step)
            except ConfigError as error:
                _log.error(
                    "gaps.unavailable", error=str(error), retry_s=round(delay_s, 1)
                )
            await pause(delay_s, self._stop)
        raise AssertionError("delays end")


async def watch(
    gaps: GapWatch,
    context: Callable[[], Context],
    take_again: TakeAgain,
    *,
    clock: Callable[[], float] = time.time,
    stop: asyncio.Event,
) -> None:
    """Look at what is missing every half minute until told to stop."""
    with suppress(StoppedError):
        while True:
            try:
                await gaps.look(context(), take_again, now=clock())
            except ConfigError as error:
                _log.error("gaps.unavailable", error=str(error))
            await pause(LOOK_S, stop)


def _came(message: Message, outcome: Outcome) -> tuple[str, int]:
    """Name a record, and on how many lines heartbeats list it."""
    match outcome:
        case Decided(token_id=token_id, lines=lines):
            return token_id, lines
        case Refused():
            # It lies in the dead letters: it came, and is not asked for again.
            return message.message_id, 0


def replayed(archived: Archived) -> Message:
    """Give a record from the archive as the gate passed it on."""
    record = carried.decode(archived.token)
    packed = wire.pack(record, message_id=archived.token_id, routing_key="", user_id="")
    headers = {seen.STAMP_HEADER: archived.stamp}
    return msgspec.structs.replace(packed, headers=headers)
