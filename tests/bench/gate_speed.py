"""The gate on RabbitMQ: verify, archive, chain and pass on, against a bare relay."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import msgspec

from broker import topology
from broker.archive import open_archive
from broker.bus import Bus, Message, Received
from broker.directory import Directory, Member
from broker.directory_plain import load_folder
from broker.gate import BATCH, run_gate
from broker.gate_state import open_gate_state
from broker.signers import load_signer
from tests.bench import bare
from tests.bench.installation import (
    ADAPTER,
    INGRESS,
    PARTIES,
    RECORDS_KEY,
    bus_of,
    fill,
    logging_to_nowhere,
    messages,
    purge,
    signer_of,
    tokens,
)
from tests.bench.material import ISSUER, NOW, sample, small
from tests.bench.rounds import (
    Cost,
    Report,
    Row,
    clock_and_processor,
    side_by_side_async,
    timed,
)
from tests.support.hub import Hub

_MEMBERS = 1000
_INGRESS_KEY = topology.ingress_key(issuer=ISSUER, kind="incident", tlp="CLEAR")


class Counting:
    """The bus, telling when *count* records were passed on and acknowledged."""

    def __init__(self, bus: Bus, count: int) -> None:
        self._bus = bus
        self._left = count
        self.done = asyncio.Event()

    async def publish(
        self, exchange: str, message: Message, *, timeout_s: float = 10
    ) -> None:
        await self._bus.publish(exchange, message, timeout_s=timeout_s)
        assert exchange == topology.RECORDS, message.headers
        self._left -= 1

    def consume(
        self, queue: str, *, prefetch: int = 100
    ) -> AbstractAsyncContextManager[AsyncIterator[Received]]:
        return self._bus.consume(queue, prefetch=prefetch)

    async def ack_through(self, received: Received) -> None:
        await self._bus.ack_through(received)
        if self._left <= 0:
            self.done.set()


async def measure(hub: Hub, *, quick: bool) -> Report:
    whole = sample()
    rows: list[Row] = []
    for size, bundle, count in (
        ("6 objects", small(whole), 100 if quick else 400),
        ("29 objects", whole, 50 if quick else 200),
    ):
        rows += await _sized(hub, size, bundle, count, rounds=1 if quick else 5)
    return Report(
        "gate: from an issuer's queue to the adapters' queue",
        "`run_gate` with its state and archive in SQLite, one issuer; relay: aio-pika "
        f"alone consumes and publishes the same bodies, {BATCH} unacknowledged like "
        "the gate. Quorum queues, persistent, confirmed, on one node. Then the same "
        f"gate with {_MEMBERS:,} members in the directory, against {len(PARTIES)}.",
        tuple(rows),
    )


async def _sized(
    hub: Hub, size: str, bundle: bytes, count: int, *, rounds: int
) -> tuple[Row, ...]:
    few = load_folder(hub.folder / "directory")
    many = _with_members(few)
    found = tokens(bundle, signer_of(hub), count)
    batch = messages(found, _INGRESS_KEY, ISSUER)

    async with bus_of(hub, ISSUER) as sender, bus_of(hub, "gate") as bus:

        async def ours(directory: Directory) -> Cost:
            await fill(sender, topology.INGRESS, batch)
            cost = await _gate(hub, bus, directory, count)
            await asyncio.to_thread(purge, hub, ADAPTER)
            return cost

        async def theirs() -> Cost:
            await fill(sender, topology.INGRESS, batch)
            cost = await bare.relay(
                hub.server.amqp_url,
                INGRESS,
                topology.RECORDS,
                RECORDS_KEY,
                count,
                window=BATCH,
            )
            await asyncio.to_thread(purge, hub, ADAPTER)
            return cost

        with logging_to_nowhere():
            sides = {
                "gate": partial(ours, few),
                "relay": theirs,
                "many": partial(ours, many),
            }
            costs = await side_by_side_async(sides, rounds)
    name = f"gate, {size}"
    return (
        *clock_and_processor(name, "relay", costs["gate"], costs["relay"]),
        *clock_and_processor(
            f"{name}, {_MEMBERS:,} members",
            f"{len(PARTIES)} members",
            costs["many"],
            costs["gate"],
        ),
    )


def _with_members(directory: Directory) -> Directory:
    """Admit more members, who receive and publish nothing."""
    more = (
        Member(org=f"member-{n}", name=f"Member {n}", country="XA", audience="platform")
        for n in range(_MEMBERS - len(directory.members))
    )
    every = {**directory.members, **{each.org: each for each in more}}
    return msgspec.structs.replace(directory, members=every)


async def _gate(hub: Hub, bus: Bus, directory: Directory, count: int) -> Cost:
    counting, stop = Counting(bus, count), asyncio.Event()
    with (
        tempfile.TemporaryDirectory() as folder,
        open_gate_state(Path(folder) / "gate.sqlite") as state,
        open_archive(Path(folder) / "archive.sqlite") as archive,
    ):
        async with asyncio.TaskGroup() as tasks:
            with timed(count) as cost:
                tasks.create_task(
                    run_gate(
                        counting,
                        directory,
                        state,
                        archive,
                        load_signer("hub", hub.folder / "hub.key"),
                        clock=lambda: float(NOW),
                        stop=stop,
                    )
                )
                await counting.done.wait()
            stop.set()
    return cost
