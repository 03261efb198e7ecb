"""What comes in is no record, is a flood, or is a burst onto an adapter that is away."""

import asyncio
import os
import random
from collections.abc import Iterator
from contextlib import suppress

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker import sdjwt, wire
from broker.bus import Message
from broker.rabbitmq import open_rabbitmq
from broker.signers import Signer
from broker.topology import INGRESS, RECORDS, ingress_key
from tests.bench import material
from tests.bench.installation import RECORDS_KEY, WINDOW
from tests.faults.installation import ISSUER, MEMBER, OTHER_ISSUER, Installation
from tests.faults.processes import Process, until
from tests.faults.striking import Fault, Strike

POISONS = 40
FLOOD = 2000
IN_A_HURRY = 1e9  # records a second: as fast as it can


async def poison_for_the_gate(at: Strike) -> None:
    key = ingress_key(issuer=ISSUER, kind="incident", tlp="CLEAR")
    found = list(_poisons(at.random, key, ISSUER))
    before = _refusals(at.on)
    await _publish(at.on, ISSUER, INGRESS, found)
    at.note = await _buried(at.on, len(found), before)


async def poison_for_the_adapter(at: Strike) -> None:
    """Publish as the gate does: whoever has its login gets no further than this."""
    found = list(_poisons(at.random, RECORDS_KEY, "gate"))
    before = _refusals(at.on)
    await _publish(at.on, "gate", RECORDS, found)
    at.note = await _buried(at.on, len(found), before)


async def flood(at: Strike) -> None:
    key = ingress_key(issuer=OTHER_ISSUER, kind="incident", tlp="CLEAR")
    rubbish = [
        _message(at.random.randbytes(2000), key, OTHER_ISSUER) for _ in range(FLOOD)
    ]
    await _publish(at.on, OTHER_ISSUER, INGRESS, rubbish)
    at.note = f"{FLOOD:,} of rubbish from another issuer meanwhile"


def burst(count: int) -> Fault:
    async def act(at: Strike) -> None:
        adapter, posts = at.on.adapter, at.on.members[MEMBER].posts
        idle = adapter.rss_kib()
        await adapter.end()
        await until(
            lambda: len(at.journal.read().confirmed) == count,
            timeout_s=60 + count / 50,
            what="all are confirmed",
        )
        adapter.start()
        await adapter.ready()
        loop, before = asyncio.get_running_loop(), len(posts)
        begun = loop.time()
        most = await _most_memory(adapter, lambda: len(posts) - before >= 0.97 * count)
        rate = (len(posts) - before) / (loop.time() - begun)
        at.note = (
            f"drained at {rate:.0f} a second; adapter {idle >> 10} MiB before, "
            f"{most >> 10} MiB at most"
        )

    return Fault(
        f"a burst of {count:,} onto a stopped adapter",
        act,
        records=count,
        rate=IN_A_HURRY,
        patience_s=max(120.0, count / 25),
        at_once=True,
    )


async def _most_memory(process: Process, is_over: object) -> int:
    assert callable(is_over)
    most = 0
    while not is_over():
        most = max(most, process.rss_kib())
        await asyncio.sleep(0.25)
    return max(most, process.rss_kib())


def _poisons(chance: random.Random, key: str, user: str) -> Iterator[Message]:
    """Make messages that are no record, or not one of this issuer's."""
    stranger = Signer("cert-zz", Ed25519PrivateKey.generate())
    borrowed = Signer(ISSUER, Ed25519PrivateKey.generate())  # its name, another key
    bundle = material.small(material.sample())
    for signer in (stranger, borrowed):
        token = material.sign(material.compose(material.another(bundle)), signer)
        yield wire.pack(
            token, message_id=sdjwt.token_id(token), routing_key=key, user_id=user
        )
        cut = token[: len(token) // 2]
        yield _message(cut, key, user)
    while True:
        for body in (
            b"",
            b"{}",
            b"~" * 5000,
            b"eyJ.eyJ.AAAA~",
            b'{"payload":' + b"[" * 40_000,
            chance.randbytes(4000),
        ):
            yield _message(body, key, user)
            yield _message(body, key, user, content_encoding="zstd")
        if chance.random() < 0.4:
            return


def _message(body: bytes, key: str, user: str, **more: str) -> Message:
    return Message(
        body=body,
        message_id=sdjwt.digest(os.urandom(16)),
        routing_key=key,
        content_type="application/vnd.tocsin.record+sd-jwt",
        user_id=user,
        **more,
    )


async def _publish(
    on: Installation, user: str, exchange: str, messages: list[Message]
) -> None:
    url = on.hub.server.url_for(user, on.hub.password(user))
    async with open_rabbitmq(url, user=user) as bus:
        for start in range(0, len(messages), WINDOW):
            async with asyncio.TaskGroup() as tasks:
                for each in messages[start : start + WINDOW]:
                    tasks.create_task(bus.publish(exchange, each))


async def _buried(on: Installation, count: int, before: int) -> str:
    """Wait until that many more were refused, and say how many were."""
    with suppress(TimeoutError):
        await until(
            lambda: _refusals(on) >= before + count, timeout_s=30, what="all are buried"
        )
    return f"{count} poisonous ones, {_refusals(on) - before} buried with a reason"


def _refusals(on: Installation) -> int:
    return len(on.gate.refusals()) + len(on.adapter.refusals())


FAULTS = (
    Fault("poison on the gate's queue", poison_for_the_gate),
    Fault("poison on the adapter's queue", poison_for_the_adapter),
    Fault("another issuer floods", flood),
)
