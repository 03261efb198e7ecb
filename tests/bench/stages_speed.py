"""An adapter's throughput against the sum of its own stages, each measured alone.

Stages of one record: taken from the queue (aio-pika alone), decided, stored, sent to a
sink that takes everything, and settled. The last three together are the outbox.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Literal

from adapters.app import context_of, serve
from adapters.cli.load import load_policy
from adapters.config import AdapterConfig, load
from adapters.delivery import NewDelivery, StoreOutcome
from adapters.forwarder import forward
from adapters.outbox import Outbox, open_outbox
from adapters.pipeline import Context, Decided, take
from adapters.scopes import Scopes
from broker import topology
from broker.bus import Bus, Message
from broker.directory_plain import load_folder
from tests.bench import bare
from tests.bench.adapter_speed import NullSink, stamped
from tests.bench.deciding import SINK, for_members, plural, subscribers
from tests.bench.installation import (
    ADAPTER,
    RECORDS_KEY,
    bus_of,
    fill,
    logging_to_nowhere,
    messages,
    signer_of,
    tokens,
)
from tests.bench.material import NOW, sample
from tests.bench.rounds import Cost, Report, Row, side_by_side_async, timed
from tests.support.hub import Hub
from tests.support.postgresql_node import PostgreSQLServer, open_postgresql_server

Kind = Literal["SQLite", "PostgreSQL"]
_FEW, _MANY = 3, 1000  # members
_RECORDS, _RECORDS_OF_MANY = 150, 5


class Nowhere:
    """A store that keeps nothing."""

    async def scopes(self, _subs: Collection[str]) -> Scopes:
        return Scopes()

    async def store(self, rows: Sequence[NewDelivery]) -> tuple[StoreOutcome, ...]:
        return (StoreOutcome.STORED,) * len(rows)


class Bench:
    """A hub, records for it, and databases."""

    def __init__(
        self, hub: Hub, bus: Bus, gate: Bus, server: PostgreSQLServer, records: int
    ) -> None:
        self._hub, self._bus, self._gate, self._server = hub, bus, gate, server
        self._config = load(hub.folder / "adapter.toml", AdapterConfig)
        self._context = context_of(
            self._config,
            load_folder(self._config.directory),
            load_policy(None),
            now=time.time(),
        )
        found = tokens(sample(), signer_of(hub), records)
        batch = messages(found, RECORDS_KEY, topology.GATE)
        self._records = stamped(batch, self._context.signer)

    async def consume(self) -> Cost:
        """aio-pika alone takes and acknowledges the same messages."""
        await fill(self._gate, topology.RECORDS, self._records)
        return await bare.consume(
            self._hub.server.amqp_url,
            ADAPTER,
            len(self._records),
            window=self._config.prefetch,
            together=self._config.batch,
        )

    async def decide(self) -> Cost:
        """All decisions, as the adapter makes them; stored nowhere."""
        who = for_members(self._context, _FEW)
        with timed(len(self._records)) as cost:
            await self._decided(self._records, who)
        return cost

    async def outbox(self, kind: Kind) -> Cost:
        """Storing, sending to nobody and settling what was decided before."""
        decided = await self._decided(self._records, for_members(self._context, _FEW))
        rows = [row for each in decided for row in each.rows]
        some = self._config.batch * _FEW
        null, stop = NullSink(), asyncio.Event()
        async with self._outbox(kind) as outbox, asyncio.TaskGroup() as tasks:
            with timed(len(self._records)) as cost:
                sending = forward(
                    outbox,
                    {(each.member.org, SINK): null for each in subscribers(_FEW)},
                    clock=_clock,
                    random=lambda: 0.5,
                    stop=stop,
                )
                tasks.create_task(sending)
                for start in range(0, len(rows), some):
                    await outbox.store(rows[start : start + some])
                await null.reach(len(rows))
                await _settled(outbox)
            stop.set()
        return cost

    async def whole(self, kind: Kind, members: int, records: int) -> Cost:
        """The adapter itself, from the queue to the last settled delivery."""
        some = self._records[:records]
        await fill(self._gate, topology.RECORDS, some)
        null, stop = NullSink(), asyncio.Event()
        sinks = {(each.member.org, SINK): null for each in subscribers(members)}
        who = for_members(self._context, members)
        async with self._outbox(kind) as outbox, asyncio.TaskGroup() as tasks:
            with timed(len(some)) as cost:
                serving = serve(
                    self._config, self._bus, who, outbox, sinks, clock=_clock, stop=stop
                )
                tasks.create_task(serving)
                await null.reach(len(some) * members)
                await _settled(outbox)
            stop.set()
        return cost

    async def _decided(self, batch: Sequence[Message], who: Context) -> list[Decided]:
        found: list[Decided] = []
        left, store = list(batch), Nowhere()
        while left:
            done = await take(
                left[: self._config.batch],
                who,
                store,
                now=NOW,
                run=asyncio.to_thread,
                monotonic=time.monotonic,
            )
            assert all(isinstance(each, Decided) for each in done), done
            found += [each for each in done if isinstance(each, Decided)]
            left = left[len(done) :]
        return found

    @asynccontextmanager
    async def _outbox(self, kind: Kind) -> AsyncIterator[Outbox]:
        if kind == "PostgreSQL":
            url = await self._server.fresh()
            async with open_outbox(url, clock=_clock) as outbox:
                yield outbox
            await self._server.drop(url)
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "outbox.sqlite"
            async with open_outbox(path, clock=_clock) as outbox:
                yield outbox


async def measure(hub: Hub, *, quick: bool) -> Report:
    records = 30 if quick else _RECORDS
    with ExitStack() as stack:
        server = stack.enter_context(open_postgresql_server(os.environ))
        stack.enter_context(logging_to_nowhere())
        async with bus_of(hub, "gate") as gate, bus_of(hub, "adapter-main") as bus:
            bench = Bench(hub, bus, gate, server, records)
            sides = {
                "consume": bench.consume,
                "decide": bench.decide,
                "SQLite": partial(bench.outbox, "SQLite"),
                "PostgreSQL": partial(bench.outbox, "PostgreSQL"),
                "on SQLite": partial(bench.whole, "SQLite", _FEW, records),
                "on PostgreSQL": partial(bench.whole, "PostgreSQL", _FEW, records),
                "one": partial(bench.whole, "SQLite", 1, records),
                "many": partial(bench.whole, "SQLite", _MANY, _RECORDS_OF_MANY),
            }
            costs = await side_by_side_async(sides, 1 if quick else 5)
    wall = {name: tuple(c.wall_s for c in found) for name, found in costs.items()}
    return Report(
        "stages: the adapter against the sum of its stages",
        f"By the clock, a 29-object record for {plural(_FEW)} of three audiences, a batch "
        f"of {load(hub.folder / 'adapter.toml', AdapterConfig).batch}: the whole adapter "
        "on RabbitMQ, against the sum of taking (aio-pika alone), deciding, and storing, "
        "sending to nobody and settling, each measured alone in the same round. Then the "
        "share of the outbox in the whole; and what one delivery of a record to "
        f"{_MANY:,} members costs in one process, against one to one member.",
        tuple(_rows(wall)),
    )


def _rows(wall: dict[str, tuple[float, ...]]) -> list[Row]:
    rows: list[Row] = []
    for kind in ("SQLite", "PostgreSQL"):
        stages = zip(wall["consume"], wall["decide"], wall[kind], strict=True)
        total = tuple(map(sum, stages))
        rows += [
            Row(f"adapter on {kind}", "sum of stages", wall[f"on {kind}"], total),
            Row(f"outbox on {kind}", "adapter", wall[kind], wall[f"on {kind}"]),
        ]
    each = tuple(cost / _MANY for cost in wall["many"])
    rows += [
        Row("taking", "adapter", wall["consume"], wall["on SQLite"]),
        Row("deciding", "adapter", wall["decide"], wall["on SQLite"]),
        Row(f"a delivery of {_MANY:,}", "one of one", each, wall["one"]),
    ]
    return rows


async def _settled(outbox: Outbox) -> None:
    while (await outbox.counts())["pending"]:  # noqa: ASYNC110  no event
        await asyncio.sleep(0.002)


def _clock() -> float:
    return float(NOW)
