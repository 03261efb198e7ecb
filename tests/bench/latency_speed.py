"""From publish to a member's webhook, against one bare round trip over the broker.

Gate and adapter are real processes; publisher and webhook are in ours, with one clock.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from statistics import quantiles
from typing import Any, Final

import msgspec
from aio_pika import DeliveryMode
from aio_pika import Message as Plain
from aio_pika.abc import AbstractIncomingMessage
from aiohttp import web

from broker import topology
from broker.bus import Message
from tests.bench import bare
from tests.bench.installation import bus_of, messages, signer_of, tokens
from tests.bench.material import ISSUER, sample, small
from tests.bench.rounds import Report, Row
from tests.support.hub import Hub, process
from tests.support.webhooks import secret_file, serving

_MEMBER: Final = "platform-orbit"
_PER_S: Final = 100
_KEY: Final = topology.ingress_key(issuer=ISSUER, kind="incident", tlp="CLEAR")
_WARM: Final = 20  # of them come before: processes start, code is loaded
_LONGEST_S: Final = 60.0


class Watch:
    """When what was sent, and when it arrived."""

    def __init__(self) -> None:
        self.begun: dict[str, float] = {}
        self._taken: dict[str, float] = {}
        self._wanted: set[str] = set()
        self._everything = asyncio.Event()

    def taken(self, name: str) -> None:
        self._taken.setdefault(name, time.perf_counter())
        if self._taken.keys() >= self._wanted:
            self._everything.set()

    async def latencies(
        self, names: Sequence[str], one: Callable[[str], Awaitable[Any]]
    ) -> list[float]:
        """Begin one every hundredth of a second, whatever became of those before."""
        self.begun, self._wanted = {}, {*names}
        self._everything.clear()
        start = time.perf_counter()
        async with asyncio.timeout(_LONGEST_S), asyncio.TaskGroup() as tasks:
            for number, name in enumerate(names):
                await asyncio.sleep(start + number / _PER_S - time.perf_counter())
                self.begun[name] = time.perf_counter()
                tasks.create_task(one(name))
            await self._everything.wait()
        return [self._taken[name] - at for name, at in self.begun.items()]


async def measure(hub: Hub, *, quick: bool) -> Report:
    rounds, count = (1, 100) if quick else (3, 800)
    ours, gates, adapters, theirs = [], [], [], []
    for number in range(rounds):
        found = tokens(small(sample()), signer_of(hub), count, now=int(time.time()))
        batch = messages(found, _KEY, ISSUER)
        theirs.append(await _round_trips(hub, [each.body for each in batch]))
        whole, gate = await _whole(hub, number, batch)
        ours.append(whole)
        gates.append(gate)
        adapters.append([a - b for a, b in zip(whole, gate, strict=True)])
    return Report(
        f"latency: from publish to webhook at {_PER_S} records a second",
        f"{count} 6-object records a round, evenly, signed before: published to the "
        "ingress queue, through a gate process (state and archive in SQLite) and an "
        "adapter process (one member, SQLite outbox) to its HTTP endpoint, until that "
        "has read the request. Round trip: aio-pika publishes the same bodies at the "
        "same pace to a quorum queue, until its consumer has them. Of ours, when the "
        "gate had passed it on: when a queue beside the adapters' got it. Publisher, "
        "endpoint, both processes and the broker share two cores.",
        tuple(
            Row(f"{what}, p{p}", f"round trip, p{p}", _at(found, p), _at(theirs, p))
            for p in (50, 99)
            for what, found in (
                ("to the webhook", ours),
                ("of it, to the adapters' queue", gates),
                ("of it, from there to the webhook", adapters),
            )
        ),
    )


async def _whole(
    hub: Hub, number: int, batch: Sequence[Message]
) -> tuple[list[float], list[float]]:
    """Send *batch* through an installation.

    Returns:
        How long each took, and how long until the gate had passed it on.
    """
    named = {each.message_id: each for each in batch}
    names = [*named]

    async with bus_of(hub, ISSUER) as sender, _installation(hub, number) as watch:

        async def send(name: str) -> None:
            await sender.publish(topology.INGRESS, named[name])

        await watch.latencies(names[:_WARM], send)
        async with _passed_on(hub) as passed:
            whole = await watch.latencies(names[_WARM:], send)
        gate = [passed[name] - at for name, at in watch.begun.items()]
        return whole, gate


@asynccontextmanager
async def _passed_on(hub: Hub) -> AsyncIterator[dict[str, float]]:
    """Note when a queue beside the adapters' gets each record."""
    passed: dict[str, float] = {}

    async def take(message: AbstractIncomingMessage) -> None:
        passed[str(message.message_id)] = time.perf_counter()

    async with bare.channel(hub.server.amqp_url, prefetch=100) as channel:
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(topology.RECORDS, "#")
        await queue.consume(take, no_ack=True)
        yield passed


def _at(found: Sequence[Sequence[float]], percent: int) -> tuple[float, ...]:
    return tuple(quantiles(each, n=100)[percent - 1] for each in found)


async def _round_trips(hub: Hub, bodies: Sequence[bytes]) -> list[float]:
    """Send *bodies* through a queue of the installation that nobody else reads."""
    queue = f"{topology.FEEDBACK}.{ISSUER}"
    named = {str(number): body for number, body in enumerate(bodies)}
    watch = Watch()

    async def take(message: AbstractIncomingMessage) -> None:
        watch.taken(str(message.message_id))
        await message.ack()

    async with (
        bare.channel(hub.server.amqp_url, prefetch=100) as incoming,
        bare.channel(hub.server.amqp_url) as outgoing,
    ):
        source = await incoming.get_queue(queue, ensure=False)
        target = await outgoing.get_exchange(topology.FEEDBACK, ensure=False)
        tag = await source.consume(take)

        async def send(name: str) -> None:
            message = Plain(
                named[name], message_id=name, delivery_mode=DeliveryMode.PERSISTENT
            )
            await target.publish(message, f"gate.{ISSUER}.bench", mandatory=True)

        found = await watch.latencies([*named], send)
        await source.cancel(tag)
    return found


@asynccontextmanager
async def _installation(hub: Hub, number: int) -> AsyncIterator[Watch]:
    """Run gate and adapter on files of their own until all has arrived."""
    watch = Watch()

    async def answer(request: web.Request) -> web.Response:
        body = msgspec.json.decode(await request.read())
        watch.taken(body["data"]["token_id"])
        return web.Response(status=204)

    async with serving() as endpoint:
        endpoint.answer = answer
        secret_file(hub.folder)
        hook = (
            f'[[members]]\norg = "{_MEMBER}"\n[[members.sinks]]\ntype = "webhook"\n'
            f'name = "hook"\nurl = "{endpoint.url}"\nsecret_file = "webhook.secret"\n'
            "allow_private = true\n"
        )
        for name in ("gate", "adapter"):
            text = (hub.folder / f"{name}.toml").read_text()
            for file in ("gate.sqlite", "archive.sqlite", "outbox.sqlite"):
                text = text.replace(file, f"{number}-{file}")
            text = text.partition("[[members]]")[0] + (
                hook if name == "adapter" else ""
            )
            (hub.folder / f"{name}-{number}.toml").write_text(text)
        with ExitStack() as stack:
            for name in ("gate", "adapter"):
                config = hub.folder / f"{name}-{number}.toml"
                stack.enter_context(process(name, "run", "--config", str(config)))
            yield watch
