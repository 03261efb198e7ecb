"""Tells issuers how many members their records have reached. Edge.

Every few seconds, one report to each issuer for up to `MAX_RECORDS` tokens. It is sent
first and noted then: a crash in between sends it again, and says the same.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import structlog

from adapters import reports
from adapters.errors import OutboxUnavailableError
from adapters.interests import TellIssuers
from adapters.outbox import Outbox
from adapters.outbox_reports import MAX_ROWS, Telling
from adapters.patience import StoppedError, pause
from broker import delivery_reports
from broker.bus import Bus
from broker.delivery_reports import Reached
from broker.errors import BusError, UnroutableError
from broker.signing import RecordSigner
from broker.topology import FEEDBACK

EVERY_S: Final = 3.0
_SOON_S: Final = 0.2  # after a full hand: others get in between
_AWAY_S: Final = 30.0  # so long after a queue took nothing it is not tried again

_log: Any = structlog.get_logger(__name__)


async def report(
    outbox: Outbox,
    bus: Bus,
    consents: Callable[[], Mapping[str, TellIssuers]],
    *,
    adapter: str,
    signer: RecordSigner,
    clock: Callable[[], float],
    stop: asyncio.Event,
    every_s: float = EVERY_S,
) -> None:
    """Report what is done until *stop* is set.

    Several processes of one adapter may tell the same twice, which changes nothing.

    Args:
        consents: What each member lets issuers know, at that moment.
        signer: Signs as the hub's service `adapter`.
        every_s: Between two looks.
    """
    reporter = _Reporter(outbox, bus, adapter, signer, clock)
    with suppress(StoppedError):
        while True:
            found = 0
            try:
                found = await reporter.report_some(consents())
            except OutboxUnavailableError:
                _log.warning("reports.delayed", error="outbox")
            await pause(_SOON_S if found == MAX_ROWS else every_s, stop)


class _Reporter:
    def __init__(
        self,
        outbox: Outbox,
        bus: Bus,
        adapter: str,
        signer: RecordSigner,
        clock: Callable[[], float],
    ) -> None:
        self._telling = Telling(outbox)
        self._bus = bus
        self._adapter = adapter
        self._signer = signer
        self._clock = clock
        # Issuers whose queue takes nothing just now, and until when they are left out.
        self._away: dict[str, float] = {}

    async def report_some(self, consents: Mapping[str, TellIssuers]) -> int:
        """Report of some deliveries; how many these were.

        Raises:
            OutboxUnavailableError: What was sent will be sent again.
        """
        now = self._clock()
        self._away = {name: at for name, at in self._away.items() if at > now}
        untold = await self._telling.untold(not_of=self._away)
        told = reports.told(untold.taken, consents)
        for issuer, ids in untold.issuers.items():
            if await self._send(issuer, told.get(issuer, ()), now):
                await self._telling.told(ids)
            else:
                self._away[issuer] = now + _AWAY_S
        return sum(map(len, untold.issuers.values()))

    async def _send(self, issuer: str, reached: Sequence[Reached], now: float) -> bool:
        """Send what an issuer may know; whether that is settled."""
        for part in reports.parts(reached):
            made = delivery_reports.message(
                part,
                adapter=self._adapter,
                issuer=issuer,
                signer=self._signer,
                now=now,
            )
            try:
                await self._bus.publish(FEEDBACK, made)
            except UnroutableError:  # it has left; nobody waits for it
                _log.warning("reports.no_feedback_queue", issuer=issuer)
                return True
            except BusError as error:
                _log.warning(
                    "reports.delayed", issuer=issuer, error=type(error).__name__
                )
                return False
        if reached:
            _log.info("reports.sent", issuer=issuer, records=len(reached))
        return True
