"""The adapter process: what it consumes is stored before it is acknowledged."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from adapters.app import batches, context_of, serve
from adapters.cli.load import load_policy
from adapters.config import AdapterConfig, Broker, FileSinkConfig, MemberConfig
from adapters.outbox import Outbox, open_outbox
from adapters.pipeline import Context, Subscriber
from adapters.projection import Author
from broker.bus import Message
from broker.embedded import EmbeddedBroker, Fault, open_embedded
from broker.errors import ConfigError, NotConfirmedError
from broker.topology import RECORDS
from tests.support.issuing import PLACE, Feed, clock, directory, draft, member, signer
from tests.support.sinks import MemorySink

MEMBER = "platform-x"
LANE = (MEMBER, "files")
KNOWN = directory(
    msgspec.structs.replace(member(MEMBER), audience="platform", kinds=())
)
CONTEXT = Context(
    directory=KNOWN,
    policy=load_policy(None),
    author=Author(org="hub", name="Hub", pseudonym_key=b"k" * 32),
    signer=signer("hub"),
    subscribers=(Subscriber(KNOWN.members[MEMBER], ("files",)),),
)


def config(folder: Path) -> AdapterConfig:
    sink = FileSinkConfig(name="files", folder=folder)
    return AdapterConfig(
        name="main",
        org="hub",
        display_name="Hub",
        directory=folder,
        key=folder / "hub.key",
        pseudonym_key=folder / "p",
        outbox=folder / "outbox.sqlite",
        broker=Broker(url="amqp://127.0.0.1/", user="x", password_file=folder / "pw"),
        members=(MemberConfig(org=MEMBER, sinks=(sink,)),),
    )


class Stage:
    """A broker with messages, an outbox and an adapter that can be started."""

    def __init__(self, broker: EmbeddedBroker, outbox: Outbox, folder: Path) -> None:
        self.broker = broker
        self.outbox = outbox
        self.folder = folder
        self.sink = MemorySink()

    async def put(self, message: Message) -> None:
        """Publish as the gate would."""
        out = Message(
            body=message.body,
            message_id=message.message_id,
            routing_key="cert-aq.incident.green.none.none.unknown",
            content_encoding=message.content_encoding,
            content_type=message.content_type,
        )
        await self.broker.login("gate").publish(RECORDS, out)

    async def serve_until(self, done: Callable[[], bool]) -> None:
        stop = asyncio.Event()
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            tasks.create_task(
                serve(
                    config(self.folder),
                    self.broker.login("adapter-main"),
                    CONTEXT,
                    self.outbox,
                    {LANE: self.sink},
                    clock=clock,
                    stop=stop,
                )
            )
            while not done():  # noqa: ASYNC110  a sink has no event to wait for
                await asyncio.sleep(0.01)
            stop.set()

    async def left_in(self, queue: str, user: str = "operator") -> list[Message]:
        """Look what a queue holds."""
        found: list[Message] = []
        async with self.broker.login(user).consume(queue) as messages:
            while True:
                try:
                    async with asyncio.timeout(0.3):
                        received = await anext(messages)
                except TimeoutError:
                    return found
                found.append(received.message)


@asynccontextmanager
async def stage(folder: Path, fault: Fault | None = None) -> AsyncIterator[Stage]:
    async with (
        open_embedded(None, PLACE, fault=fault) as broker,
        open_outbox(folder / "outbox.sqlite") as outbox,
    ):
        yield Stage(broker, outbox, folder)


async def test_a_record_is_forwarded_and_acknowledged(tmp_path: Path) -> None:
    async with stage(tmp_path) as here:
        await here.put(Feed().message(draft()))
        await here.serve_until(lambda: len(here.sink.taken) == 1)
        assert here.sink.numbers == [1]
        assert await here.left_in("tocsin.adapter.main") == []


async def test_the_same_record_twice_is_one_delivery(tmp_path: Path) -> None:
    async with stage(tmp_path) as here:
        message = Feed().message(draft())
        await here.put(message)
        await here.put(message)
        await here.put(Feed(epoch="two").message(draft(2)))
        await here.serve_until(lambda: len(here.sink.taken) == 2)
        assert here.sink.numbers == [1, 2]


async def test_an_older_version_that_comes_late_is_not_forwarded(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as here:
        feed = Feed()
        # One lineage keeps its ids because the incident's id is random.
        await here.put(feed.message(draft(1, version=5)))
        await here.put(feed.message(draft(1, version=3)))
        await here.put(feed.message(draft(2)))
        await here.serve_until(lambda: len(here.sink.taken) == 2)
        versions = [item.ver for item in here.sink.taken.values()]
        assert "2026-02-01T10:03:00.000Z" not in versions
        assert here.sink.numbers == [1, 2]


async def test_a_refused_message_is_in_the_dead_letters_with_its_reason(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as here:
        token = Feed().sign(draft())
        head, _, rest = token.partition(b".")
        flipped = head + b"." + rest[:20] + bytes([rest[20] ^ 1]) + rest[21:]
        await here.put(Message(body=flipped, message_id="m", routing_key="x"))
        await here.put(Feed(epoch="two").message(draft(2)))
        await here.serve_until(lambda: len(here.sink.taken) == 1)
        [dead] = await here.left_in("tocsin.dead")
        assert dead.headers["tocsin-reason"] == "signature"
        assert await here.left_in("tocsin.adapter.main") == []


async def test_a_dead_letter_without_confirm_is_sent_again(tmp_path: Path) -> None:
    failures = [NotConfirmedError("no confirm in time")]

    def fault(operation: str, message: Message):
        buries = operation == "publish" and message.routing_key.startswith("dead.")
        return (failures.pop(), "after") if buries and failures else None

    async with stage(tmp_path, fault) as here:
        await here.put(
            Message(body=b"no token", message_id="m", routing_key="cert-aq.x")
        )
        await here.put(Feed().message(draft()))
        await here.serve_until(lambda: len(here.sink.taken) == 1)
        assert failures == []
        dead = await here.left_in("tocsin.dead")
        # It took effect twice: at least once is what is promised here.
        assert {m.message_id for m in dead} == {"m"}


async def test_what_is_not_stored_is_not_acknowledged(tmp_path: Path) -> None:
    async with stage(tmp_path) as here:
        await here.put(Feed().message(draft()))

        class Broken:
            async def store(self, rows: object) -> None:
                raise OSError("disk full")

        stop = asyncio.Event()
        broken = here.outbox
        original = broken.store
        broken.store = Broken().store  # type: ignore[method-assign]
        with pytest.raises(ExceptionGroup):
            await serve(
                config(tmp_path),
                here.broker.login("adapter-main"),
                CONTEXT,
                here.outbox,
                {LANE: here.sink},
                clock=clock,
                stop=stop,
            )
        broken.store = original  # type: ignore[method-assign]
        await here.serve_until(lambda: len(here.sink.taken) == 1)
        assert here.sink.numbers == [1]


async def test_a_crash_after_storing_repeats_work_without_effect(
    tmp_path: Path,
) -> None:
    acks = [ConnectionError("the process dies here")]

    def fault(operation: str, message: Message):
        return (acks.pop(), "before") if operation == "ack" and acks else None

    async with stage(tmp_path, fault) as here:
        await here.put(Feed().message(draft()))
        with pytest.raises(ExceptionGroup):
            await here.serve_until(lambda: False)
        await here.serve_until(lambda: len(here.sink.taken) == 1)
        assert here.sink.numbers == [1]
        assert (await here.outbox.counts())["done"] == 1


async def test_batches_are_bounded_and_end_at_the_stop() -> None:
    async def endless() -> AsyncIterator[int]:
        for number in range(1000):
            yield number
        await asyncio.Event().wait()

    stop = asyncio.Event()
    sizes = []
    async for batch in batches(endless(), 30, stop):  # type: ignore[arg-type]
        sizes.append(len(batch))
        if sum(sizes) == 1000:
            stop.set()
    assert sum(sizes) == 1000
    assert max(sizes) == 30


def test_a_member_that_the_directory_lacks_is_a_configuration_error(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigError, match="platform-x is not in the directory"):
        context_of(config(tmp_path), directory(), load_policy(None))
