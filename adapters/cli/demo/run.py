"""The play: issuers publish, the gate checks, the adapter cuts, members receive. Edge.

Nothing here decides anything: it opens the parts that the services run, in one
process, and waits. What happened is read afterwards, from what each party holds.
"""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.app import context_of, open_sinks, serve
from adapters.cli.demo.attacks import Attack, alter, forge
from adapters.cli.demo.cast import Sample, identity_of
from adapters.cli.demo.hub import Login
from adapters.cli.demo.played import Played, Published, read_inbox
from adapters.cli.demo.serve import Backstage
from adapters.cli.demo.webhook import Receiver, open_receiver
from adapters.cli.demo.world import HUB, World
from adapters.config_use import outbox_of
from adapters.outbox import Outbox, open_outbox
from adapters.pipeline import Context
from adapters.view import view_of
from broker import wire
from broker.archive import Archive, open_archive
from broker.bus import JSON_CONTENT_TYPE, Bus, Message
from broker.gate import run_gate
from broker.gate_state import open_gate_state
from broker.publisher import open_publisher
from broker.signers import Signer
from broker.signing import random_uuid
from broker.topology import ADAPTER_PREFIX, DEAD, FEEDBACK, GATE, INGRESS, OPERATOR
from broker.trust import verify
from schemas import timestamps
from schemas.record import Draft

# A slow machine with a slow RabbitMQ; what is missing then fails its check.
PATIENCE_S: Final = 20.0
_LOOK_EVERY_S: Final = 0.02
_PHISHING: Final = "bank-phishing.json"  # it is attacked, and published again

Tell = Callable[[str], None]
After = Callable[[Played, Backstage], Awaitable[None]]


class _Tap:
    """An issuer's bus that keeps a copy of what left, as the issuer's own log would."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.consume = bus.consume
        self.ack_through = bus.ack_through
        self.sent: list[Message] = []

    async def publish(
        self, exchange: str, message: Message, *, timeout_s: float = 10
    ) -> None:
        """See `broker.bus.Bus.publish`."""
        self.sent.append(message)
        await self._bus.publish(exchange, message, timeout_s=timeout_s)


async def play(
    world: World, login: Login, *, tell: Tell, after: After | None = None
) -> Played:
    """Run the whole play on the bus behind *login*.

    Args:
        after: Called when all has been played, while everything still runs.

    Raises:
        BusError: The bus went away.
    """
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(
            open_receiver(world.secret, clock=time.time)
        )
        config = world.config(receiver.url)
        context = context_of(config, world.directory, world.policy, now=time.time())
        outbox = await stack.enter_async_context(open_outbox(outbox_of(config)[0]))
        sinks = await stack.enter_async_context(
            open_sinks(config.members, clock=time.time)
        )
        hub = world.folder / "hub"
        state = stack.enter_context(open_gate_state(hub / "gate.sqlite"))
        archive = stack.enter_context(open_archive(hub / "archive.sqlite"))
        buses = {org: _Tap(await login(org)) for org in world.signers}
        dead: list[Message] = []
        told: list[Message] = []
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(
                run_gate(
                    await login(GATE),
                    world.directory,
                    state,
                    archive,
                    world.hub,
                    clock=time.time,
                    stop=stop,
                ),
                name="gate",
            )
            tasks.create_task(
                serve(
                    config,
                    await login(ADAPTER_PREFIX + HUB),
                    context,
                    outbox,
                    sinks,
                    clock=time.time,
                    stop=stop,
                ),
                name="adapter",
            )
            readers = [
                tasks.create_task(_read(await login(OPERATOR), DEAD, dead), name="dead")
            ]
            readers += [
                tasks.create_task(_read(bus, f"{FEEDBACK}.{org}", told), name=org)
                for org, bus in buses.items()
            ]
            stage = _Stage(
                world,
                context,
                buses,
                outbox,
                tell=tell,
                until=time.monotonic() + PATIENCE_S,
            )
            await stage.perform(dead, told)

            def played() -> Played:
                return _played(
                    world,
                    stage,
                    receiver=receiver,
                    archive=archive,
                    dead=dead,
                    told=told,
                )

            if after is not None:
                backstage = Backstage(
                    receiver, outbox, stage.publish_more, world.received("")
                )
                await after(played(), backstage)
            stop.set()
            for reader in readers:
                reader.cancel()
        return played()


def _played(
    world: World,
    stage: "_Stage",
    *,
    receiver: Receiver,
    archive: Archive,
    dead: list[Message],
    told: list[Message],
) -> Played:
    """Collect what each party holds."""
    answers = [json.loads(message.body) for message in told]
    return Played(
        context=stage.context,
        published=tuple(stage.published),
        received=tuple(
            received
            for member in world.members
            for received in read_inbox(member.org, world.received(member.org))
        ),
        posts=tuple(receiver.posts),
        archived=tuple(each.token_id for each in archive.since()),
        stamps=tuple(each.stamp for each in archive.since()),
        attacks=tuple(stage.attacks),
        dead=tuple(dead),
        told=tuple((each["reason"], each["token_id"]) for each in answers),
    )


async def _read(bus: Bus, queue: str, into: list[Message]) -> None:
    async with bus.consume(queue) as messages:
        async for received in messages:
            # On the way of refusals other answers come, too.
            if queue == DEAD or received.message.content_type == JSON_CONTENT_TYPE:
                into.append(received.message)
            await received.ack()


class _Stage:
    """Publishes one after the other, each after the one before has arrived."""

    def __init__(
        self,
        world: World,
        context: Context,
        buses: dict[str, _Tap],
        outbox: Outbox,
        *,
        tell: Tell,
        until: float,
    ) -> None:
        self._world = world
        self.context = context
        self._buses = buses
        self._outbox = outbox
        self._tell = tell
        self._until = until
        self._expected = 0
        self.published: list[Published] = []
        self.attacks: list[Attack] = []

    async def perform(self, dead: list[Message], told: list[Message]) -> None:
        """Publish every sample, and attack in between."""
        samples = self._world.samples
        for count, sample in enumerate(samples, 1):
            self._tell(f"publishing {count} of {len(samples)}: {sample.title}")
            await self._publish(sample)
            await self._wait(self._all_arrived)
            if sample.file == _PHISHING:
                # Now, so that whatever follows from the same issuer passes the
                # gate after them: were they let through, they would arrive first.
                self._tell("sending a forged and an altered record")
                await self._attack(self.published[-1])
                await self._wait(lambda: _enough(len(self.attacks), dead, told))

    async def publish_more(self) -> tuple[str, str]:
        """Publish a sample again, about another case; its issuer and token id."""
        sample = next(s for s in self._world.samples if s.file == _PHISHING)
        now = time.time()
        case = random_uuid(os.urandom)
        return sample.issuer, await self._send(sample, sample.another(now, case))

    async def _send(self, sample: Sample, draft: Draft) -> str:
        world, bus = self._world, self._buses[sample.issuer]
        async with open_publisher(
            bus,
            world.folder / "issuers" / f"{sample.issuer}.sqlite",
            world.signers[sample.issuer],
            directory=world.directory,
            identity=identity_of(sample.issuer),
        ) as publisher:
            done = await publisher.publish(draft, address=sample.address, exercise=True)
        return done.token_id

    async def _publish(self, sample: Sample) -> None:
        world, bus = self._world, self._buses[sample.issuer]
        now = time.time()
        await self._send(sample, sample.draft(now))
        token = wire.unpack(bus.sent[-1]).token
        verified = verify(token, world.directory, now=now)
        self.published.append(Published(sample, token, verified))
        policy, written = self.context.policy, timestamps.from_epoch(now)
        for each in self.context.subscribers:
            view = view_of(each.member, verified.claims)
            if policy.refusal(view, verified.claims, now=written) is None:
                self._expected += len(each.sinks)

    async def _attack(self, target: Published) -> None:
        sample = target.sample
        # The attacker has the login, but not the key.
        other = Signer(sample.issuer, Ed25519PrivateKey.generate())
        self.attacks = [
            forge(
                sample.draft(time.time()),
                self._world.signers[sample.issuer],
                other,
                address=sample.address,
                now=time.time(),
                entropy=os.urandom,
            ),
            alter(target.token, sample.draft(time.time()), sample.issuer),
        ]
        for attack in self.attacks:
            await self._buses[sample.issuer].publish(INGRESS, attack.message)

    async def _all_arrived(self) -> bool:
        counts = await self._outbox.counts()
        return counts["pending"] == 0 and counts["done"] >= self._expected

    async def _wait(self, done: Callable[[], Awaitable[bool]]) -> None:
        """Return when *done* gives true, or patience is over: a check will say so."""
        # Other parties act meanwhile; none of them knows when all have.
        while time.monotonic() < self._until and not await done():  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_EVERY_S)


async def _enough(count: int, *lists: list[Message]) -> bool:
    return all(len(each) >= count for each in lists)
