"""Organisations, records and a running gate for tests. Keys derive from the names."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker import seen, signing
from broker.archive import Archive, open_archive
from broker.blinding import BlindMap
from broker.bus import Bus, Message, Received
from broker.carried import Carried
from broker.directory import Directory, KeyEntry, Member, Service, build
from broker.embedded import EmbeddedBroker
from broker.gate import run_gate
from broker.gate_state import GateState, open_gate_state
from broker.quota import Quota
from broker.sdjwt import token_id
from broker.signers import Signer
from broker.signing import FeedPosition
from broker.topology import ingress_key, topology
from broker.wire import pack
from schemas import stix, timestamps
from schemas.composing import compose
from schemas.markings import TLP_IDS, Tlp
from schemas.record import Draft

NOW = timestamps.epoch("2026-03-01T12:00:00Z")
ISSUERS = ("cert-aq", "cert-bv")
ALL_KINDS = (
    "incident", "campaign", "advisory", "feedback", "correction", "retraction", "heartbeat",
)  # fmt: skip
PLACE = topology(issuers=ISSUERS, adapters=["main"], members=["platform-x"])
ADAPTER_QUEUES = ("tocsin.adapter.main", "tocsin.adapter.main.urgent")
WAIT_S = 10


def clock() -> float:
    return NOW


def counting_entropy() -> Callable[[int], bytes]:
    """Give bytes that never repeat, the same in every run."""
    calls = iter(range(1 << 62))
    return lambda size: hashlib.shake_128(str(next(calls)).encode()).digest(size)


def signer(org: str) -> Signer:
    seed = hashlib.sha256(org.encode()).digest()
    return Signer(org, Ed25519PrivateKey.from_private_bytes(seed))


HUB = signer("hub")


def key_entry(org: str, **more: object) -> KeyEntry:
    values = {
        "jwk": signer(org).jwk,
        "not_before": "2026-01-01T00:00:00Z",
        "not_after": "2027-01-01T00:00:00Z",
        **more,
    }
    return KeyEntry(**values)


def service(org: str = "hub", **more: object) -> Service:
    """The hub, as gate and adapter at once."""
    keys = (key_entry(org),)
    values = {"services": ("gate", "adapter"), "keys": keys, **more}
    return Service(org=org, name=org.title(), **values)


def member(org: str, **more: object) -> Member:
    values = {
        "audience": "peer-cert",
        "kinds": ALL_KINDS,
        "keys": (key_entry(org),),
        **more,
    }
    return Member(org=org, name=org.upper(), country="AQ", **values)


def directory(*more: Member | Service) -> Directory:
    """The issuers and the hub, and *more* in addition or instead."""
    named = {each.org: each for each in (*map(member, ISSUERS), service(), *more)}
    entries = named.values()
    return build(
        [each for each in entries if isinstance(each, Member)],
        [each for each in entries if isinstance(each, Service)],
    )


def stamped(message: Message, **more: object) -> Message:
    """*message* as the gate passes it on: with the first stamp of a chain."""
    stamp = seen.make_stamp(
        **{
            "signer": HUB,
            "token_id": message.message_id,
            "seen": int(NOW),
            "pos": 1,
            "prev": "",
            **more,
        }
    )
    return msgspec.structs.replace(message, headers={seen.STAMP_HEADER: stamp})


def draft(number: int = 1, *, version: int = 0, **more: object) -> Draft:
    """Make a small incident; *version* counts minutes."""
    stamp = f"2026-02-01T10:{version:02}:00.000Z"
    incident = {
        "type": "incident",
        "spec_version": "2.1",
        "id": f"incident--00000000-0000-4000-8000-{number:012}",
        "created": "2026-02-01T10:00:00.000Z",
        "modified": stamp,
        "name": f"Case {number}",
        "object_marking_refs": [TLP_IDS[Tlp.GREEN]],
        **more,
    }
    address = {
        "type": "ipv4-addr",
        "spec_version": "2.1",
        "id": "ipv4-addr--5853f6a4-638f-5b4e-9b0f-ded361ae3812",
        "value": "192.0.2.7",
    }
    objects = [stix.decode_object(each) for each in (incident, address)]
    return compose(objects, now=stamp, tlp=Tlp.GREEN)


class Feed:
    """Signs tokens along one feed, without a publisher's state.

    `position` may be set to sign out of order.
    """

    def __init__(self, org: str = "cert-aq", epoch: str = "epoch1") -> None:
        self.signer = signer(org)
        self.entropy = counting_entropy()
        self.position = FeedPosition(f"{org}/main/{epoch}", 1, "")

    def sign(self, record: Draft, **more: object) -> bytes:
        ids = BlindMap(lambda: signing.random_uuid(self.entropy), {})
        values = {"position": self.position, "now": int(NOW), **more}
        token = signing.sign(
            record,
            self.signer,
            blind_map=ids,
            entropy=self.entropy,
            **values,
        )
        self.position = FeedPosition(
            self.position.feed, self.position.seq + 1, token_id(token)
        )
        return token

    def message(self, record: Draft, **more: object) -> Message:
        return self.pack(self.sign(record, **more), record)

    def pack(self, token: bytes | Carried, record: Draft) -> Message:
        whole = Carried(token) if isinstance(token, bytes) else token
        key = ingress_key(
            issuer=self.signer.org, kind=record.kind, tlp=record.tlp.label
        )
        return pack(
            whole,
            message_id=whole.token_id,
            routing_key=key,
            user_id=self.signer.org,
        )


@dataclass(frozen=True)
class Gate:
    """A gate that runs until the end of the block."""

    state: GateState
    archive: Archive


@contextmanager
def gate_files(folder: Path) -> Iterator[Gate]:
    with (
        open_gate_state(folder / "gate.sqlite") as state,
        open_archive(folder / "archive.sqlite") as archive,
    ):
        yield Gate(state, archive)


@asynccontextmanager
async def running_gate(
    bus: Bus,
    folder: Path,
    *,
    known: Directory | None = None,
    now: Callable[[], float] = clock,
    quota: Quota = Quota(),  # noqa: B008  frozen
    by: Signer = HUB,
    oversight: tuple[str, ...] = (),
) -> AsyncIterator[Gate]:
    """Run a gate on the files in *folder*; its failure fails the block."""
    stop = asyncio.Event()
    with gate_files(folder) as gate:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(
                run_gate(
                    bus,
                    known or directory(),
                    gate.state,
                    gate.archive,
                    by,
                    clock=now,
                    stop=stop,
                    quota=quota,
                    oversight=oversight,
                )
            )
            yield gate
            stop.set()


async def take(bus: Bus, queue: str, count: int) -> list[Message]:
    """Take exactly *count* messages off *queue*, waiting for them."""
    taken: list[Message] = []
    async with asyncio.timeout(WAIT_S), bus.consume(queue) as messages:
        while len(taken) < count:
            received: Received = await anext(messages)
            await received.ack()
            taken.append(received.message)
    return taken


async def rest(bus: Bus, queue: str, *, quiet_s: float = 0.2) -> list[Message]:
    """Take what is in *queue* until nothing comes for a while."""
    taken: list[Message] = []
    async with bus.consume(queue) as messages:
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(quiet_s):
                    received = await anext(messages)
                await received.ack()
                taken.append(received.message)
    return taken


async def left(broker: EmbeddedBroker, user: str, queue: str) -> list[Message]:
    """Take what is in *queue* now: who would fill it has ended."""
    return await take(broker.login(user), queue, await _count(broker, queue))


async def settled(broker: EmbeddedBroker, queue: str) -> None:
    """Wait until nothing is in *queue*, nor in the hands of its reader."""
    async with asyncio.timeout(WAIT_S):
        while await _count(broker, queue):  # noqa: ASYNC110  another gives no event
            await asyncio.sleep(0.01)


async def _count(broker: EmbeddedBroker, queue: str) -> int:
    count = "SELECT count(*) FROM messages WHERE queue = ?"
    [(found,)] = await broker.run(
        lambda store: store.database.execute(count, (queue,)).fetchall()
    )
    return int(found)
