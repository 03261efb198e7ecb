"""What the parent of several workers answers: theirs, put together. Edge.

Each worker answers at a Unix socket, see `adapters.status`; the parent asks them all,
each time somebody asks it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import aiohttp
import structlog
from aiohttp import web
from msgspec import UNSET, UnsetType
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from adapters.metrics import SHARED, EventCounts
from adapters.status import NO_CACHE, listening

_log: Any = structlog.get_logger(__name__)
_ASK_S: Final = 5.0
_UP: Final = "tocsin_worker_up"
_PARENT: Final = "parent"


class Asked(Protocol):
    """A worker, as far as it is asked."""

    @property
    def number(self) -> int:
        """Its number."""

    @property
    def socket(self) -> Path:
        """Where it answers."""


async def answers(socket: Path, *, timeout_s: float) -> bool:
    """Tell whether a worker answers in time: whoever hangs does not."""
    found = await _ask(socket, "/healthz", timeout_s)
    return found is not None


async def _ask(socket: Path, page: str, timeout_s: float) -> tuple[int, str] | None:
    try:
        async with (
            asyncio.timeout(timeout_s),
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as http,
            http.get(f"http://worker{page}") as answer,
        ):
            return answer.status, await answer.text()
    except (aiohttp.ClientError, OSError, TimeoutError):
        return None


@asynccontextmanager
async def answering_for(
    listen: str | UnsetType, counts: EventCounts, workers: Sequence[Asked]
) -> AsyncIterator[None]:
    """Answer for *workers* at *listen*, `host:port`, if there is such a place.

    /readyz is 200 while one of them is ready: then records go through.

    Args:
        counts: What the parent itself logs.

    Raises:
        ConfigError: Nobody can listen there.
    """
    pages = _Pages(counts, workers)
    routes = (
        web.get("/healthz", pages.health),
        web.get("/readyz", pages.ready),
        web.get("/metrics", pages.metrics),
    )
    if listen is UNSET:
        yield
        return
    async with listening(listen, routes) as address:
        _log.info("status.listening", address=address)
        yield


class _Pages:
    def __init__(self, counts: EventCounts, workers: Sequence[Asked]) -> None:
        self._counts = counts
        self._workers = workers

    async def _answers(self, page: str) -> dict[int, tuple[int, str] | None]:
        asking = (_ask(each.socket, page, _ASK_S) for each in self._workers)
        found = await asyncio.gather(*asking)
        numbers = (each.number for each in self._workers)
        return dict(zip(numbers, found, strict=True))

    async def health(self, _request: web.Request) -> web.Response:
        """Say who answers. Who does not is started again: the parent is well."""
        found = await self._answers("/healthz")
        silent = [f"worker {n}: no answer\n" for n, each in found.items() if not each]
        return web.Response(text="".join(silent) or "ok\n", headers=NO_CACHE)

    async def ready(self, _request: web.Request) -> web.Response:
        """Say whether records go through, and what keeps which worker from it."""
        found = await self._answers("/readyz")
        told = {n: (503, "no answer\n") if a is None else a for n, a in found.items()}
        is_ready = any(status == 200 for status, _ in told.values())
        faults = [
            f"worker {number}: {line}\n"
            for number, (status, text) in told.items()
            if status != 200
            for line in text.splitlines()
        ]
        return web.Response(
            status=200 if is_ready else 503,
            text="".join(faults) or "ready\n",
            headers=NO_CACHE,
        )

    async def metrics(self, _request: web.Request) -> web.Response:
        """Write out the numbers of all, each with its worker."""
        found = await self._answers("/metrics")
        told = {str(n): None if a is None else a[1] for n, a in found.items()}
        own = generate_latest(self._counts.registry).decode()
        return web.Response(
            body=merged(told, own),
            headers={**NO_CACHE, "Content-Type": CONTENT_TYPE_LATEST},
        )


def merged(told: Mapping[str, str | None], own: str) -> bytes:
    """Put numbers together: each gets a label `worker`, but those of the outbox.

    All workers share that, so one of them tells of it.

    Args:
        told: /metrics of each worker; None of one that does not answer.
        own: Of the parent.
    """
    up = GaugeMetricFamily(_UP, "1: the worker answers", labels=["worker"])
    for number, text in told.items():
        up.add_metric([number], float(text is not None))
    texts = [(number, text) for number, text in told.items() if text is not None]
    registry = CollectorRegistry()
    registry.register(_Given([up, *_families([*texts, (_PARENT, own)])]))
    return generate_latest(registry)


def _families(texts: Iterable[tuple[str, str]]) -> Iterator[Metric]:
    found: dict[str, Metric] = {}
    for worker, text in texts:
        for family in text_string_to_metric_families(text):
            if family.name in SHARED:
                if family.samples:
                    found.setdefault(family.name, family)
                continue
            into = found.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            for each in family.samples:
                labels = {**each.labels, "worker": worker}
                into.add_sample(each.name, labels, each.value)
    yield from found.values()


class _Given(Collector):
    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
