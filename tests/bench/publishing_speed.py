"""The publisher: sign, commit and send, against aio-pika sending the same bodies."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

from broker import topology, wire
from broker.publisher import open_publisher
from schemas.record import Draft
from tests.bench import bare
from tests.bench.installation import (
    INGRESS,
    WINDOW,
    bus_of,
    logging_to_nowhere,
    purge,
    signer_of,
)
from tests.bench.material import ISSUER, NOW, another, compose, sample, sign
from tests.bench.rounds import (
    Cost,
    Report,
    Row,
    clock_and_processor,
    side_by_side_async,
    timed,
)
from tests.support.hub import Hub

_KEY = topology.ingress_key(issuer=ISSUER, kind="incident", tlp="CLEAR")
_BARE = "publish"


async def measure(hub: Hub, *, quick: bool) -> Report:
    with logging_to_nowhere():
        rows = await _rows(hub, 30 if quick else 200, rounds=1 if quick else 5)
    return Report(
        "publish: from a draft to the broker's confirm",
        "29-object records through `Publisher`, its state in SQLite on disk; publish: "
        f"aio-pika alone sends bodies of the same size, persistent, confirmed, {WINDOW} "
        "in flight, to the same queue.",
        rows,
    )


async def _rows(hub: Hub, count: int, *, rounds: int) -> tuple[Row, ...]:
    bundle = sample()
    drafts = [compose(another(bundle)) for _ in range(count)]
    signer = signer_of(hub)
    bodies = [
        wire.pack(sign(d, signer), message_id="-", routing_key=_KEY, user_id="").body
        for d in drafts
    ]
    sends: list[Cost] = []  # one a round, beside that of signing

    async def enqueue() -> Cost:
        signing, sending = await _publish(hub, drafts)
        sends.append(sending)
        return signing

    async def send() -> Cost:
        return sends[-1]

    async def theirs() -> Cost:
        cost = await bare.publish(
            hub.server.amqp_url, topology.INGRESS, _KEY, bodies, window=WINDOW
        )
        await asyncio.to_thread(purge, hub, INGRESS)
        return cost

    sides = {"enqueue": enqueue, "flush": send, _BARE: theirs}
    costs = await side_by_side_async(sides, rounds)
    both = tuple(
        Cost(a.wall_s + b.wall_s, a.cpu_s + b.cpu_s)
        for a, b in zip(costs["enqueue"], costs["flush"], strict=True)
    )
    steps = {
        "`enqueue` (sign, commit)": costs["enqueue"],
        "`flush` (send what waits)": costs["flush"],
        "both": both,
    }
    return tuple(
        row
        for what, ours in steps.items()
        for row in clock_and_processor(what, _BARE, ours, costs[_BARE])
    )


async def _publish(hub: Hub, drafts: Sequence[Draft]) -> tuple[Cost, Cost]:
    """Give what signing and what sending cost; the queue is empty afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            bus_of(hub, ISSUER) as bus,
            open_publisher(
                bus,
                Path(folder) / "publisher.sqlite",
                signer_of(hub),
                clock=lambda: float(NOW),
            ) as publisher,
        ):
            with timed(len(drafts)) as signing:
                for draft in drafts:
                    await publisher.enqueue(draft)
            with timed(len(drafts)) as sending:
                sent = await publisher.flush()
            assert sent == len(drafts)
    await asyncio.to_thread(purge, hub, INGRESS)
    return signing, sending
