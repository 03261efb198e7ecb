"""One process of an adapter, for the measurements: its sinks take everything at once.

    python -P -m tests.bench.one_worker ADAPTER.TOML PASSWORD OUTBOX GAPS

OUTBOX is a file or a PostgreSQL URL. It says `ready`, begins at the first line that it
is told, and says, again and again, how many deliveries its sinks have taken, how many its
outbox has stored, and what processor time it has used; at the second line it ends and
says what all that took.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from adapters.app import context_of, serve
from adapters.cli.load import load_policy
from adapters.config import AdapterConfig, load
from adapters.delivery import Delivery, NewDelivery, Sink, StoreOutcome
from adapters.gap_state import open_gap_state
from adapters.numbering import Lane
from adapters.outbox import Outbox, open_outbox
from broker.directory_plain import load_folder
from broker.rabbitmq import open_rabbitmq
from tests.bench.installation import logging_to_nowhere
from tests.bench.material import NOW
from tests.bench.peak_memory import peak_bytes

_SAY_S = 0.02


class NullSink:
    """Takes everything at once, and counts."""

    def __init__(self) -> None:
        self.taken = 0

    async def send(self, _item: Delivery) -> None:
        self.taken += 1


async def _tell(null: NullSink, outbox: Outbox) -> None:
    """Say how many there are whenever there are more."""
    stored, said = 0, (0, 0)
    store = outbox.store

    async def counting(rows: Sequence[NewDelivery]) -> tuple[StoreOutcome, ...]:
        nonlocal stored
        outcomes = await store(rows)
        stored += len(rows)
        return outcomes

    outbox.store = counting  # type: ignore[method-assign]
    while True:
        if (null.taken, stored) != said:
            said = (null.taken, stored)
            print(*said, time.process_time(), flush=True)
        await asyncio.sleep(_SAY_S)


async def run(file: str, password: str, outbox: str, gaps: str) -> None:
    config = load(Path(file), AdapterConfig)
    known = load_folder(config.directory)
    context = context_of(config, known, load_policy(None), now=float(NOW))
    url = urlsplit(str(config.broker.url))
    login = f"{config.broker.user}:{quote(password, safe='')}@{url.netloc}"
    place = url._replace(netloc=login).geturl()
    stop = asyncio.Event()
    null = NullSink()
    sinks: dict[Lane, Sink] = {
        (member.org, sink.name): null
        for member in config.members
        for sink in member.sinks
    }
    options: dict[str, Any] = {"clock": _clock, "stop": stop}
    async with (
        open_rabbitmq(place, user=config.broker.user) as bus,
        open_outbox(
            outbox if "://" in outbox else Path(outbox), clock=_clock
        ) as opened,
    ):
        with open_gap_state(Path(gaps), now=_clock()) as state:
            print("ready", flush=True)
            await _line()
            cpu = time.process_time()
            async with asyncio.TaskGroup() as tasks:
                telling = tasks.create_task(_tell(null, opened))
                await asyncio.sleep(0)  # it counts from the first
                running = serve(
                    config, bus, context, opened, sinks, gaps=state, **options
                )
                tasks.create_task(running)
                await _line()
                used = time.process_time() - cpu
                telling.cancel()
                stop.set()
    found = {"cpu_s": used, "peak_bytes": peak_bytes()}
    print(msgspec.json.encode(found).decode(), flush=True)


async def _line() -> None:
    await asyncio.to_thread(sys.stdin.readline)


def _clock() -> float:
    return float(NOW)


if __name__ == "__main__":
    with logging_to_nowhere():
        asyncio.run(run(*sys.argv[1:]))
