"""Answers those who watch a process: /healthz, /readyz, /metrics. Edge.

For the operator's own network: no login, so it listens where the configuration says
and nowhere by default, and says nothing of any record.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import structlog
from aiohttp import web
from msgspec import UNSET, UnsetType
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from adapters.errors import OutboxUnavailableError
from adapters.metrics import EventCounts
from adapters.outbox import Outbox
from broker.directory_held import Held
from broker.errors import ConfigError

_log: Any = structlog.get_logger(__name__)
_LOOK_S: Final = 5.0
NO_CACHE: Final = {"Cache-Control": "no-store"}
# What is wrong, in words; "" if nothing.
Check = Callable[[], str]


@asynccontextmanager
async def open_status(
    listen: str | Path,
    counts: EventCounts,
    *,
    outbox: Outbox | None = None,
    checks: tuple[Check, ...] = (),
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[str]:
    """Answer at *listen*, `host:port` or a Unix socket; give the address.

    Args:
        outbox: Its backlog is told, and it has to answer for the process to be ready.
        checks: What else must hold for the process to be ready.

    Raises:
        ConfigError: Nobody can listen there.
    """
    pages = _Pages(counts, outbox, checks, clock)
    routes = (
        web.get("/healthz", pages.health),
        web.get("/readyz", pages.ready),
        web.get("/metrics", pages.metrics),
    )
    async with listening(listen, routes) as address:
        yield address


@asynccontextmanager
async def listening(
    listen: str | Path, routes: Iterable[web.RouteDef]
) -> AsyncIterator[str]:
    """Serve *routes* at `host:port` or a Unix socket; give the address.

    Raises:
        ConfigError: Nobody can listen there.
    """
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        try:
            await _site(runner, listen).start()
        except OSError as error:
            raise ConfigError(
                f"cannot listen at {listen}: {error.strerror}; another process may; see `status`"
            ) from None
        except OverflowError:
            raise ConfigError(
                f"cannot listen at {listen}: a port is a number up to 65535"
            ) from None
        address = runner.addresses[0]
        yield (
            address if isinstance(address, str) else "http://{}:{}".format(*address[:2])
        )
    finally:
        await runner.cleanup()


def _site(runner: web.AppRunner, listen: str | Path) -> web.BaseSite:
    if isinstance(listen, Path):
        return web.UnixSite(runner, listen)
    host, _, port = listen.rpartition(":")
    return web.TCPSite(runner, host.strip("[]"), int(port))


@asynccontextmanager
async def answering(
    listen: str | Path | UnsetType, counts: EventCounts | None, **options: Any
) -> AsyncIterator[None]:
    """Answer as `open_status` does, if there is anything to tell and a place to."""
    if counts is None or listen is UNSET:
        yield
        return
    async with open_status(listen, counts, **options) as address:
        _log.info("status.listening", address=address)
        yield


def directory_of(held: Held) -> Check:
    """Make a check: a directory that has expired stops all work."""
    return lambda: "directory: expired" if held.shut.is_set() else ""


class _Pages:
    def __init__(
        self,
        counts: EventCounts,
        outbox: Outbox | None,
        checks: tuple[Check, ...],
        clock: Callable[[], float],
    ) -> None:
        self._counts = counts
        self._outbox = outbox
        self._checks = checks
        self._clock = clock

    async def health(self, _request: web.Request) -> web.Response:
        """Say that the process runs: whoever hangs does not answer."""
        return web.Response(text="ok\n", headers=NO_CACHE)

    async def ready(self, _request: web.Request) -> web.Response:
        """Say whether records go through, and if not why; 503 then."""
        faults = self._counts.ails()
        faults += [await self._look_at_outbox(), *[check() for check in self._checks]]
        found = [each for each in faults if each]
        return web.Response(
            status=503 if found else 200,
            text="".join(f"{each}\n" for each in found or ["ready"]),
            headers=NO_CACHE,
        )

    async def metrics(self, _request: web.Request) -> web.Response:
        """Write all numbers out; without the backlog where the outbox is away."""
        await self._look_at_outbox()
        return web.Response(
            body=generate_latest(self._counts.registry),
            headers={**NO_CACHE, "Content-Type": CONTENT_TYPE_LATEST},
        )

    async def _look_at_outbox(self) -> str:
        if self._outbox is None:
            return ""
        try:
            async with asyncio.timeout(_LOOK_S):
                lanes = await self._outbox.backlog()
        except (OutboxUnavailableError, TimeoutError):
            return "outbox: not available"
        self._counts.note_backlog(lanes, now=self._clock())
        return ""
