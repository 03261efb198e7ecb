"""The adapter on RabbitMQ: records taken, deliveries made, by members and sinks."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Literal

import msgspec

from adapters.app import context_of, open_sinks, serve
from adapters.cli.load import load_policy
from adapters.config import AdapterConfig, load
from adapters.config_parts import FileSinkConfig, MemberConfig
from adapters.delivery import Delivery, Sink
from adapters.numbering import Lane
from adapters.outbox import open_outbox
from adapters.pipeline import Context
from broker import seen, topology
from broker.bus import Bus, Message
from broker.directory_plain import load_folder
from broker.signing import RecordSigner
from tests.bench import bare
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
from tests.bench.rounds import (
    Cost,
    Report,
    Row,
    clock_and_processor,
    side_by_side_async,
    timed,
)
from tests.support.hub import Hub

_ANCHOR_COUNT = 500


@dataclass(frozen=True)
class Job:
    """How many members are served how many records a round; about a second's worth."""

    members: int
    records: int
    how: Literal["", ", record by record", ", folders"] = ""

    @property
    def name(self) -> str:
        return f"serving {plural(self.members)}{self.how}"


_JOBS = (
    Job(1, 150),
    Job(10, 80),
    Job(100, 20),
    Job(100, 8, ", record by record"),
    Job(10, 10, ", folders"),
)


class NullSink:
    """Takes everything at once, and tells when enough has come."""

    def __init__(self) -> None:
        self._taken = 0
        self._wanted = 0
        self._enough = asyncio.Event()

    async def send(self, _item: Delivery) -> None:
        self._taken += 1
        if self._taken == self._wanted:
            self._enough.set()

    async def reach(self, count: int) -> None:
        """Return when *count* deliveries have been taken in all."""
        self._wanted = count
        self._enough.clear()
        if self._taken < count:
            await self._enough.wait()


class Counted:
    """A sink that tells *null* of each delivery it took."""

    def __init__(self, sink: Sink, null: NullSink) -> None:
        self._sink = sink
        self._null = null

    async def send(self, item: Delivery) -> None:
        await self._sink.send(item)
        await self._null.send(item)


async def measure(hub: Hub, *, quick: bool) -> Report:
    config = load(hub.folder / "adapter.toml", AdapterConfig)
    context = context_of(
        config, load_folder(config.directory), load_policy(None), now=time.time()
    )
    most = 10 if quick else max(job.records for job in _JOBS)
    found = tokens(sample(), signer_of(hub), most)
    batch = stamped(messages(found, RECORDS_KEY, topology.GATE), context.signer)
    with logging_to_nowhere():
        rows = await _serving(hub, config, context, batch, rounds=1 if quick else 3)
    return Report(
        "adapter: from the adapters' queue to the members' sinks",
        "`app.serve` on RabbitMQ, 29-object records for members of three audiences, "
        "outbox in SQLite on disk, until every delivery is settled. The records wait in "
        "the queue, or come one by one, each when all members have the one before. Sinks "
        "take everything at once, or are folders. consume: aio-pika alone takes and "
        f"acknowledges the same bodies, prefetch {config.prefetch}, {config.batch} "
        "acknowledged together.",
        rows,
    )


def stamped(batch: Sequence[Message], hub: RecordSigner) -> list[Message]:
    """Add what the gate adds; adapters take nothing without it."""
    found, link = [], ""
    for pos, each in enumerate(batch, 1):
        stamp = seen.make_stamp(
            hub, token_id=each.message_id, seen=int(_clock()), pos=pos, prev=link
        )
        link = seen.link_of(stamp)
        headers = {seen.STAMP_HEADER: stamp}
        found.append(msgspec.structs.replace(each, headers=headers))
    return found


async def _serving(
    hub: Hub,
    config: AdapterConfig,
    context: Context,
    batch: Sequence[Message],
    *,
    rounds: int,
) -> tuple[Row, ...]:
    async with bus_of(hub, "gate") as gate, bus_of(hub, "adapter-main") as bus:

        async def theirs() -> Cost:
            same = [
                msgspec.structs.replace(m, message_id=f"{i}-{m.message_id}")
                for i, m in enumerate(islice(cycle(batch), _ANCHOR_COUNT))
            ]
            await fill(gate, topology.RECORDS, same)
            return await bare.consume(
                hub.server.amqp_url,
                ADAPTER,
                len(same),
                window=config.prefetch,
                together=config.batch,
            )

        async def ours(job: Job) -> Cost:
            return await _serve(config, bus, gate, context, batch, job)

        sides = {job.name: partial(ours, job) for job in _JOBS}
        costs = await side_by_side_async({"consume": theirs, **sides}, rounds)
    return tuple(
        row for job in _JOBS for row in _rows(job, costs[job.name], costs["consume"])
    )


def _rows(
    job: Job, ours: tuple[Cost, ...], anchors: tuple[Cost, ...]
) -> tuple[Row, ...]:
    by_clock, by_processor = clock_and_processor(
        job.name, "consume", ours, anchors, note="records"
    )
    deliveries = Row(
        job.name,
        "consume",
        tuple(each / job.members for each in by_clock.ours),
        by_clock.anchors,
        "rate",
        "deliveries",
    )
    return by_clock, deliveries, by_processor


async def _serve(
    config: AdapterConfig,
    bus: Bus,
    gate: Bus,
    context: Context,
    batch: Sequence[Message],
    job: Job,
) -> Cost:
    some = batch[: job.records]
    singly = job.how == ", record by record"
    await fill(gate, topology.RECORDS, [] if singly else some)
    null, stop = NullSink(), asyncio.Event()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        async with (
            open_outbox(path / "outbox.sqlite", clock=_clock) as outbox,
            _sinks(path, null, job) as sinks,
            asyncio.TaskGroup() as tasks,
        ):
            who = for_members(context, job.members)
            with timed(len(some)) as cost:
                tasks.create_task(
                    serve(config, bus, who, outbox, sinks, clock=_clock, stop=stop)
                )
                for number, message in enumerate(some if singly else (), 1):
                    await gate.publish(topology.RECORDS, message)
                    await null.reach(number * job.members)
                await null.reach(len(some) * job.members)
                while (await outbox.counts())["pending"]:  # noqa: ASYNC110  no event
                    await asyncio.sleep(0.005)
            stop.set()
    return cost


@asynccontextmanager
async def _sinks(
    folder: Path, null: NullSink, job: Job
) -> AsyncIterator[dict[Lane, Sink]]:
    orgs = [each.member.org for each in subscribers(job.members)]
    if job.how != ", folders":
        yield {(org, SINK): null for org in orgs}
        return
    configs = [
        MemberConfig(org=org, sinks=(FileSinkConfig(name=SINK, folder=folder / org),))
        for org in orgs
    ]
    async with open_sinks(configs, clock=_clock) as opened:
        yield {lane: Counted(sink, null) for lane, sink in opened.items()}


def _clock() -> float:
    return float(NOW)
