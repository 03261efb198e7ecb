"""Gets what a publisher has signed to the hub's broker. Edge."""

import asyncio
import random
from collections.abc import Callable
from typing import Final

import structlog

from broker.backoff import delays
from broker.bus import Bus, Message
from broker.errors import (
    BlockedError,
    BlockedUnsureError,
    BusError,
    BusRefusedError,
    BusUnavailableError,
    NotConfirmedError,
    NotTakenError,
    UnroutableError,
)
from broker.publisher_state import PublisherState
from broker.topology import INGRESS

WINDOW: Final = 100  # in flight; more gains nothing (measured)
WINDOW_BYTES: Final = 64 << 20  # and bounds the memory, however large the records
CONFIRM_S: Final = 10.0
MOST_PAUSE_S: Final = 5.0

log = structlog.get_logger()


class Sender:
    """Empties the outbox of one publisher."""

    def __init__(
        self,
        bus: Bus,
        state: PublisherState,
        *,
        patience_s: float,
    ) -> None:
        self._bus = bus
        self._state = state
        self._patience_s = patience_s
        self._turn = asyncio.Lock()

    async def flush(self, confirmed: Callable[[int], None] = lambda _: None) -> int:
        """Return, with their number, once all that waited is confirmed.

        About 100 at a time, oldest first, urgent ones before them. What is not confirmed is repeated with
        its message id, until nothing was confirmed for `patience_s`.

        Args:
            confirmed: Told after each hand how many of it were.

        Raises:
            NotConfirmedError: Patience is over. What is not confirmed may have
                arrived all the same; it stays in the outbox.
            BusUnavailableError: Patience is over, and what is left was not sent
                by this call; it stays in the outbox.
            UnroutableError: An alarm: the hub has no queue for this issuer. What
                is not confirmed stays in the outbox.
            BusRefusedError: The broker refuses the login, the user id or the
                key; what is not confirmed stays in the outbox.
            ConfigError: The state or its tip cannot be written. What was not sent
                by then does not leave; all stays in the outbox.
        """
        async with self._turn:  # so no message id is in flight twice
            return await self._flush(confirmed)

    async def send_now(self, message: Message) -> None:
        """Return once *message*, which is in no outbox, is confirmed.

        Raises:
            BusError: As `flush`; it may have arrived.
        """
        attempts = delays(random.random, most_s=MOST_PAUSE_S)
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._patience_s
        while (error := await self._attempt(message)) is not None:
            pause = next(attempts)
            if (
                isinstance(error, UnroutableError | BusRefusedError)
                or loop.time() + pause >= give_up_at
            ):
                raise error
            await asyncio.sleep(pause)

    async def _flush(self, confirmed: Callable[[int], None]) -> int:
        loop = asyncio.get_running_loop()
        sent, unsure, progress = 0, False, True
        attempts, give_up_at = delays(random.random), 0.0
        while batch := await asyncio.to_thread(
            self._state.pending, limit=WINDOW, max_bytes=WINDOW_BYTES
        ):
            if progress:
                attempts = delays(random.random, most_s=MOST_PAUSE_S)
                give_up_at = loop.time() + self._patience_s
            failures = await self._send(batch)
            progress = len(failures) < len(batch)
            sent += len(batch) - len(failures)
            confirmed(len(batch) - len(failures))
            if not failures:
                continue
            await self._check(failures)
            unsure = unsure or any(isinstance(e, NotConfirmedError) for e in failures)
            pause = next(attempts)
            if not progress and loop.time() + pause >= give_up_at:
                raise await self._given_up(failures, unsure=unsure)
            log.warning(
                "publisher.not_confirmed",
                count=len(failures),
                error=type(failures[0]).__name__,
                retry_s=round(pause, 1),
            )
            await asyncio.sleep(pause)
        return sent

    async def _send(self, batch: list[Message]) -> list[BusError]:
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(self._attempt(m), name=f"publish:{m.message_id[:8]}")
                for m in batch
            ]
        errors = [each.result() for each in running]
        confirmed = [
            m.message_id for m, e in zip(batch, errors, strict=True) if e is None
        ]
        if confirmed:
            await asyncio.to_thread(self._state.confirm, confirmed)
        return [e for e in errors if e is not None]

    async def _attempt(self, message: Message) -> BusError | None:
        try:
            await self._bus.publish(INGRESS, message, timeout_s=CONFIRM_S)
        except BusError as error:
            return error
        return None

    async def _check(self, failures: list[BusError]) -> None:
        """Raise what trying again would not mend."""
        for error in failures:
            if isinstance(error, UnroutableError):
                log.error("publisher.unroutable")
                raise UnroutableError(
                    "the hub has no queue for this issuer, tell its operator; "
                    + await self._advice()
                )
            if isinstance(error, BusRefusedError):
                log.error("publisher.refused")
                raise BusRefusedError(f"{error}; {await self._advice()}")

    async def _given_up(self, failures: list[BusError], *, unsure: bool) -> BusError:
        said = f"{_why(failures, unsure=unsure)}; {await self._advice()}"
        return NotConfirmedError(said) if unsure else BusUnavailableError(said)

    async def _advice(self) -> str:
        count = await asyncio.to_thread(self._state.count_pending)
        return (
            f"{count} signed and kept in the outbox: "
            "type the same command again, nothing will be doubled"
        )


def _why(failures: list[BusError], *, unsure: bool) -> str:
    """Say what the last attempts ended with."""
    if any(isinstance(each, BlockedError | BlockedUnsureError) for each in failures):
        return "the hub's broker has an alarm, memory or disk, and takes nothing now"
    if all(isinstance(each, NotTakenError) for each in failures):
        return "the queue is full: the hub is behind"
    return "the hub did not confirm in time" if unsure else "the hub cannot be reached"
