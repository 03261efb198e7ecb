"""The adapter: what deciding costs by members and views; deliveries on RabbitMQ."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import msgspec

from adapters.app import Lane, context_of, open_sinks, serve
from adapters.cli.load import load_policy
from adapters.config import AdapterConfig, FileSinkConfig, MemberConfig, load
from adapters.delivery import Delivery, Sink
from adapters.outbox import open_outbox
from adapters.pipeline import Context, Decided, Subscriber, decide
from adapters.view import AUDIENCES
from broker import topology
from broker.bus import Bus, Message
from broker.directory import Member
from broker.directory_client import load_folder
from tests.bench import bare
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
    side_by_side,
    side_by_side_async,
    timed,
)
from tests.support.hub import Hub

_FEW = 3  # one member a view
_DECIDED_FOR = (1, _FEW, 10, 100, 1000)
# Members, records a round: as many as make about a second.
_SERVED = {1: 150, 10: 80, 100: 20}
_IN_FILES = (10, 10)
_ANCHOR_COUNT = 500
_SINK = "sink"


class NullSink:
    """Takes everything at once, and tells when *count* have come to all of them."""

    def __init__(self, count: int) -> None:
        self._left = count
        self.done = asyncio.Event()

    async def send(self, _item: Delivery) -> None:
        self._left -= 1
        if self._left == 0:
            self.done.set()


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
    context = context_of(config, load_folder(config.directory), load_policy(None))
    most = 10 if quick else max(_SERVED.values())
    found = tokens(sample(), signer_of(hub), most)
    batch = messages(found, RECORDS_KEY, topology.GATE)
    rows = _deciding(batch[0], context, rounds=2 if quick else 9)
    with logging_to_nowhere():
        rows += await _serving(hub, config, context, batch, rounds=1 if quick else 3)
    return Report(
        "adapter: members and views",
        "29-object records for members of three audiences (one member: one audience). "
        "Deciding: processor time of `pipeline.decide` (verify, redact and receipt once "
        "a view, a row a member). Serving: `app.serve` on RabbitMQ, outbox in SQLite on "
        "disk, until every delivery is settled; sinks that take everything at once, or "
        "folders; consume: aio-pika alone takes and acknowledges the same bodies, "
        f"prefetch {config.prefetch}, {config.batch} acknowledged together.",
        rows,
    )


def _subscribers(count: int) -> tuple[Subscriber, ...]:
    return tuple(
        Subscriber(
            Member(
                org=f"member-{number}",
                name=f"Member {number}",
                country="XA",
                audience=AUDIENCES[number % len(AUDIENCES)],
            ),
            (_SINK,),
        )
        for number in range(count)
    )


def _for_members(context: Context, count: int) -> Context:
    return msgspec.structs.replace(context, subscribers=_subscribers(count))


def _deciding(message: Message, context: Context, rounds: int) -> tuple[Row, ...]:
    functions = {
        str(count): partial(decide, message, _for_members(context, count), now=NOW)
        for count in _DECIDED_FOR
    }
    for name, function in functions.items():
        outcome = function()
        assert isinstance(outcome, Decided), outcome
        assert len(outcome.rows) == int(name), outcome.not_given
    found = side_by_side(functions, rounds)
    return tuple(
        Row(
            f"deciding for {name} members",
            f"for {_FEW}",
            found[name],
            found[str(_FEW)],
            note=f"{min(int(name), len(AUDIENCES))} views",
        )
        for name in functions
    )


async def _serving(
    hub: Hub,
    config: AdapterConfig,
    context: Context,
    batch: Sequence[Message],
    *,
    rounds: int,
) -> tuple[Row, ...]:
    jobs = {
        f"serving {members} members": (members, records, False)
        for members, records in _SERVED.items()
    }
    jobs[f"serving {_IN_FILES[0]} members, folders"] = (*_IN_FILES, True)
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

        async def ours(members: int, records: int, in_files: bool) -> Cost:
            some = batch[:records]
            await fill(gate, topology.RECORDS, some)
            return await _serve(
                config,
                bus,
                _for_members(context, members),
                len(some),
                in_files=in_files,
            )

        sides = {name: partial(ours, *job) for name, job in jobs.items()}
        costs = await side_by_side_async({"consume": theirs, **sides}, rounds)
    return tuple(
        row
        for name, (members, *_) in jobs.items()
        for row in _rows(name, members, costs[name], costs["consume"])
    )


def _rows(
    name: str, members: int, ours: tuple[Cost, ...], anchors: tuple[Cost, ...]
) -> tuple[Row, ...]:
    by_clock, by_processor = clock_and_processor(
        name, "consume", ours, anchors, note="records"
    )
    deliveries = Row(
        name,
        "consume",
        tuple(each / members for each in by_clock.ours),
        by_clock.anchors,
        "rate",
        "deliveries",
    )
    return by_clock, deliveries, by_processor


async def _serve(
    config: AdapterConfig, bus: Bus, context: Context, records: int, *, in_files: bool
) -> Cost:
    total = records * len(context.subscribers)
    null, stop = NullSink(total), asyncio.Event()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        async with (
            open_outbox(path / "outbox.sqlite", clock=_clock) as outbox,
            _sinks(path, context.subscribers, null, in_files=in_files) as sinks,
            asyncio.TaskGroup() as tasks,
        ):
            with timed(records) as cost:
                tasks.create_task(
                    serve(
                        config, bus, context, outbox, sinks, clock=_clock, stop=stop
                    )
                )
                await null.done.wait()
                while (await outbox.counts())["done"] < total:
                    await asyncio.sleep(0.005)
            stop.set()
    return cost


@asynccontextmanager
async def _sinks(
    folder: Path, subscribers: Sequence[Subscriber], null: NullSink, *, in_files: bool
) -> AsyncIterator[dict[Lane, Sink]]:
    orgs = [each.member.org for each in subscribers]
    if not in_files:
        yield {(org, _SINK): null for org in orgs}
        return
    configs = [
        MemberConfig(org=org, sinks=(FileSinkConfig(name=_SINK, folder=folder / org),))
        for org in orgs
    ]
    async with open_sinks(configs, clock=_clock) as opened:
        yield {lane: Counted(sink, null) for lane, sink in opened.items()}


def _clock() -> float:
    return float(NOW)
