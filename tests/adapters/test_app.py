"""The adapter process: what it consumes is stored before it is acknowledged."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from aiohttp import ClientSession
from sqlalchemy import text
from structlog.processors import add_log_level
from structlog.testing import LogCapture, capture_logs

from adapters import app, burying
from adapters.app import context_of, run_adapter, serve, try_writing
from adapters.batching import batches
from adapters.cli.load import load_policy
from adapters.config import AdapterConfig
from adapters.errors import OutboxUnavailableError
from adapters.interests import EVERYTHING, UNREADABLE
from adapters.metrics import EventCounts
from adapters.outbox import Outbox, open_outbox
from adapters.pipeline import Context, Outcome, Refused, Subscriber, decide
from adapters.projection import Author
from adapters.pseudonym_files import open_keys
from adapters.pseudonyms import PseudonymKeys
from broker import signers
from broker.bus import Bus, Message
from broker.embedded import EmbeddedBroker, Fault, open_embedded
from broker.errors import ConfigError, NotConfirmedError, UnroutableError
from broker.rabbitmq import open_rabbitmq
from broker.sdjwt import token_id
from broker.topology import RECORDS, definitions, permissions
from schemas import stix
from schemas.composing import compose
from schemas.markings import TLP_IDS, Tlp
from schemas.record import Draft
from tests.support.adapter_config import adapter_config, served
from tests.support.issuing import (
    PLACE,
    Feed,
    clock,
    directory,
    draft,
    member,
    rest,
    signer,
    stamped,
)
from tests.support.sinks import MemorySink

MEMBER = "platform-x"
LANE = (MEMBER, "files")
KNOWN = directory(
    msgspec.structs.replace(member(MEMBER), audience="platform", kinds=())
)
CONTEXT = Context(
    directory=KNOWN,
    policy=load_policy(None),
    author=Author(org="hub", name="Hub", id_key=b"i" * 32),
    pseudonyms=PseudonymKeys("quarter", {"2026-Q1": b"k" * 32}),
    signer=signer("hub"),
    subscribers=(Subscriber(KNOWN.members[MEMBER], ("files",)),),
)


def config(folder: Path) -> AdapterConfig:
    return adapter_config(folder, members=(served(MEMBER, folder),))


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
        await self.broker.login("gate").publish(RECORDS, stamped(out))

    async def serve_until(
        self, done: Callable[[], bool], context: Context = CONTEXT
    ) -> None:
        stop = asyncio.Event()
        async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
            tasks.create_task(
                serve(
                    config(self.folder),
                    self.broker.login("adapter-main"),
                    context,
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


async def test_another_period_begins_with_another_key_while_the_adapter_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = iter([ConfigError("disk full")])

    def opening(*args: Any, **more: Any) -> PseudonymKeys:
        for fault in faults:
            raise fault
        return open_keys(*args, **more)

    monkeypatch.setattr("adapters.pseudonym_files.open_keys", opening)
    before = PseudonymKeys("quarter", {"2025-Q4": b"k" * 32})
    known = msgspec.structs.replace(CONTEXT, pseudonyms=before)
    async with stage(tmp_path) as here:
        await here.put(Feed().message(draft()))
        with capture_logs() as logs:
            await here.serve_until(lambda: len(here.sink.taken) == 1, known)
    assert [each["event"] for each in logs if "pseudonyms" in each["event"]] == [
        "pseudonyms.unavailable",
        "pseudonyms.key_made",
        "pseudonyms.key_made",
    ]
    names = sorted(each.name for each in (tmp_path / "pseudonyms").iterdir())
    assert names == ["2025-Q4", "2026-Q1"]


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
        await here.put(
            Message(body=flipped, message_id=token_id(flipped), routing_key="x")
        )
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


def full_for(outbox: Outbox, times: int) -> list[int]:
    """Let *outbox* store nothing that many times; give the sizes that were tried."""
    original, tried = outbox.store, []

    async def store(rows):
        tried.append(len(rows))
        if len(tried) <= times:
            raise OutboxUnavailableError("the outbox cannot be used now")
        return await original(rows)

    outbox.store = store  # type: ignore[method-assign]
    return tried


async def test_records_are_kept_in_hand_while_the_disk_is_full(tmp_path: Path) -> None:
    async with stage(tmp_path) as here:
        feed = Feed()
        for number in range(1, 4):
            await here.put(feed.message(draft(number, name="CANARY")))
        # More often than the delivery limit (5) would allow.
        tried = full_for(here.outbox, 7)
        with capture_logs() as logs, pytest.MonkeyPatch.context() as patch:
            patch.setattr("adapters.patience.delays", short_delays)
            await here.serve_until(lambda: len(here.sink.taken) == 3)
        assert tried[:8] == [tried[0]] * 8  # the same batch again
        assert here.sink.numbers == [1, 2, 3]
        assert len(here.sink.attempts) == 3
        assert await here.left_in("tocsin.dead") == []
        assert await here.left_in("tocsin.adapter.main") == []
    failures = [each for each in logs if each["event"] == "outbox.unavailable"]
    assert [each["log_level"] for each in failures] == ["error"] * 7
    assert "CANARY" not in repr(logs)


def short_delays(_random: object):
    while True:
        yield 0.001


async def test_a_file_that_may_not_grow_is_waited_for_and_nothing_comes_twice(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as here:

        async def limit(more: int) -> None:
            async with here.outbox._database.reader.begin() as connection:
                pages = await connection.scalar(text("PRAGMA page_count"))
                most = f"PRAGMA max_page_count={pages + more}"
                await connection.exec_driver_sql(most)

        feed = Feed()
        for number in range(1, 21):
            await here.put(feed.message(draft(number, name="CANARY " * 300)))
        await limit(2)
        with capture_logs() as logs:

            def is_full() -> bool:
                return any(each["event"] == "outbox.unavailable" for each in logs)

            async def make_room() -> None:
                while not is_full():  # noqa: ASYNC110  the log has no event
                    await asyncio.sleep(0.01)
                await limit(1_000_000)

            room = asyncio.create_task(make_room())
            await here.serve_until(lambda: len(here.sink.taken) == 20)
            await room
        assert "outbox.back" in [each["event"] for each in logs]
        assert here.sink.numbers == list(range(1, 21))
        assert len(here.sink.attempts) == 20


async def test_a_stop_ends_the_waiting_for_the_disk_and_the_record_stays(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as here:
        await here.put(Feed().message(draft()))
        tried = full_for(here.outbox, 10**6)
        async with asyncio.timeout(3):
            await here.serve_until(lambda: len(tried) > 1)
        [left] = await here.left_in("tocsin.adapter.main")
        assert left.headers["x-delivery-count"] == 1


async def test_on_a_disk_that_takes_nothing_it_ends_before_it_takes_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = []

    def full(path: Path) -> None:
        checked.append(path)
        raise ConfigError(f"cannot write {path}: SQLITE_FULL")

    monkeypatch.setattr(app, "try_writing", full)
    (tmp_path / "other").mkdir()
    async with stage(tmp_path / "other") as here:
        await here.put(Feed().message(draft()))
        bus = here.broker.login("adapter-main")
        with pytest.raises(ConfigError, match="SQLITE_FULL"):
            await run_adapter(
                config(tmp_path), bus, CONTEXT, clock=clock, stop=asyncio.Event()
            )
        assert checked == [tmp_path / "outbox.sqlite"]
        [left] = await here.left_in("tocsin.adapter.main")
        assert "x-delivery-count" not in left.headers


async def test_an_adapter_says_where_it_can_be_watched_and_when_it_is_ready(
    tmp_path: Path,
) -> None:
    counts, written = EventCounts(), LogCapture()
    structlog.configure(processors=[add_log_level, counts, written])
    watched = msgspec.structs.replace(config(tmp_path), status="127.0.0.1:0")
    stop = asyncio.Event()
    (tmp_path / "other").mkdir()
    async with stage(tmp_path / "other") as here, asyncio.TaskGroup() as tasks:
        bus = here.broker.login("adapter-main")
        tasks.create_task(
            run_adapter(watched, bus, CONTEXT, clock=clock, stop=stop, counts=counts)
        )
        async with asyncio.timeout(20):
            while counts.away:  # noqa: ASYNC110  the log has no event to wait for
                await asyncio.sleep(0.01)
        events = {each["event"]: each for each in written.entries}
        address = events["status.listening"]["address"]
        async with ClientSession() as session:
            async with session.get(f"{address}/readyz") as answer:
                assert (answer.status, await answer.text()) == (200, "ready\n")
            async with session.get(f"{address}/metrics") as answer:
                said = await answer.text()
        assert 'tocsin_events_total{event="adapter.ready",level="info"} 1.0' in said
        stop.set()


async def test_trying_to_write_writes_and_says_when_it_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "_BUSY_S", 0.05)
    path, log = tmp_path / "outbox.sqlite", tmp_path / "outbox.sqlite-wal"
    async with open_outbox(path) as outbox:
        before = log.stat().st_size
        try_writing(path)
        assert log.stat().st_size > before
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(ConfigError, match="SQLITE_BUSY"):
                try_writing(path)
        assert (await outbox.counts())["pending"] == 0


def buries(operation: str, message: Message) -> bool:
    return operation == "publish" and message.routing_key.startswith("dead.")


async def test_a_dead_letter_that_no_queue_takes_is_sent_again(tmp_path: Path) -> None:
    tried = []

    def fault(operation: str, message: Message):
        if not buries(operation, message):
            return None
        tried.append(message)
        first = len(tried) == 1
        return (UnroutableError("no queue takes it"), "before") if first else None

    async with stage(tmp_path, fault) as here:
        await here.put(
            Message(body=b"no token", message_id="m", routing_key="cert-aq.x")
        )
        await here.put(Feed().message(draft()))
        with capture_logs() as logs:
            await here.serve_until(
                lambda: len(tried) == 2 and len(here.sink.taken) == 1
            )
        assert [m.message_id for m in await here.left_in("tocsin.dead")] == ["m"]
        assert await here.left_in("tocsin.adapter.main") == []
    [event] = [each for each in logs if each["event"] == "record.not_buried"]
    assert (event["error"], event["log_level"]) == ("UnroutableError", "error")


async def test_a_stop_ends_the_burying_and_the_message_stays(tmp_path: Path) -> None:
    tried = []

    def fault(operation: str, message: Message):
        if not buries(operation, message):
            return None
        tried.append(message)
        return NotConfirmedError("no confirm in time"), "before"

    async with stage(tmp_path, fault) as here:
        await here.put(
            Message(body=b"no token", message_id="m", routing_key="cert-aq.x")
        )
        async with asyncio.timeout(3):
            await here.serve_until(lambda: len(tried) > 1)
        assert await here.left_in("tocsin.dead") == []
        assert len(await here.left_in("tocsin.adapter.main")) == 1


def test_a_dead_letter_has_a_short_place_and_an_id_of_its_own_if_there_was_none() -> (
    None
):
    bare = Message(body=b"no token", message_id="", routing_key="cert-aq.x")
    refused = Refused("framing", "$." + "a" * 500)
    dead = burying.dead_letter(bare, refused, "main", now=0)
    assert dead.headers["tocsin-where"] == refused.where[:200]
    # The same message again has the same id, another one has not.
    assert len(dead.message_id) == 43
    assert (
        burying.dead_letter(bare, refused, "main", now=0).message_id == dead.message_id
    )
    other = msgspec.structs.replace(bare, body=b"another")
    assert (
        burying.dead_letter(other, refused, "main", now=0).message_id != dead.message_id
    )
    named = msgspec.structs.replace(bare, message_id="m")
    assert burying.dead_letter(named, refused, "main", now=0).message_id == "m"


async def test_deciding_does_not_hold_up_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = []

    def noted(*args: Any, **more: Any) -> Outcome:
        where.append(threading.current_thread())
        return decide(*args, **more)

    monkeypatch.setattr("adapters.pipeline.decide", noted)
    async with stage(tmp_path) as here:
        await here.put(Feed().message(draft()))
        await here.serve_until(lambda: len(here.sink.taken) == 1)
    assert len(where) == 1
    assert threading.main_thread() not in where


async def test_a_large_record_is_acknowledged_before_the_next_is_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.pipeline.MAX_BODY_BYTES", 1)
    done = []

    def noted(*args: Any, **more: Any) -> Outcome:
        done.append("decide")
        return decide(*args, **more)

    def fault(operation: str, message: Message):
        if operation == "ack":
            done.append("ack")

    monkeypatch.setattr("adapters.pipeline.decide", noted)
    async with stage(tmp_path, fault) as here:
        feed = Feed()
        for number in range(1, 4):
            await here.put(feed.message(draft(number)))
        await here.serve_until(lambda: len(here.sink.taken) == 3)
    assert done == ["decide", "ack"] * 3
    assert here.sink.numbers == [1, 2, 3]


@pytest.mark.slow
async def test_large_records_in_front_of_small_ones_keep_the_connection_alive(
    vhost, tmp_path: Path
) -> None:
    rights, password = permissions(PLACE), "adapter-test"
    vhost.import_definitions(
        definitions(
            PLACE,
            rights,
            passwords={each.user: password for each in rights.users},
            vhost=vhost.vhost,
        )
    )
    feed = Feed()
    waiting = [feed.message(draft_of_indicators(1500, case=n)) for n in range(101, 115)]
    waiting += [feed.message(draft(n)) for n in range(1, 7)]
    sink = MemorySink()
    stop = asyncio.Event()

    async with AsyncExitStack() as stack:

        async def login(user: str) -> Bus:
            url = f"{vhost.url_for(user, password)}?heartbeat=2"
            return await stack.enter_async_context(open_rabbitmq(url, user=user))

        gate, adapter = await login("gate"), await login("adapter-main")
        for each in waiting:
            key = "cert-aq.incident.green.none.none.unknown"
            out = msgspec.structs.replace(
                stamped(each), routing_key=key, user_id="gate"
            )
            await gate.publish(RECORDS, out)
        outbox = await stack.enter_async_context(open_outbox(tmp_path / "o.sqlite"))
        with capture_logs() as logs:
            async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
                tasks.create_task(
                    serve(
                        config(tmp_path),
                        adapter,
                        CONTEXT,
                        outbox,
                        {LANE: sink},
                        clock=clock,
                        stop=stop,
                    )
                )
                while len(sink.taken) < len(waiting):  # noqa: ASYNC110  sets no event
                    await asyncio.sleep(0.05)
                stop.set()
        operator = await login("operator")
        assert await rest(operator, "tocsin.dead", quiet_s=0.5) == []
        assert await rest(adapter, "tocsin.adapter.main", quiet_s=0.5) == []
    assert len(sink.attempts) == len(waiting)
    assert [item.token_id for item in sink.taken.values()] == [
        each.message_id for each in waiting
    ]
    events = [each["event"] for each in logs]
    assert events.count("record.decided") == len(waiting)
    # All of them take longer than two heartbeats (2 s), which was answered.
    assert "bus.consumer_lost" not in events


def draft_of_indicators(count: int, *, case: int) -> Draft:
    """Make a case with that many indicators."""
    stamp = "2026-02-01T10:00:00.000Z"
    common = {"spec_version": "2.1", "created": stamp, "modified": stamp}
    incident = {
        "type": "incident",
        "id": f"incident--00000000-0000-4000-8000-{case:012}",
        "name": "A large case",
        "object_marking_refs": [TLP_IDS[Tlp.GREEN]],
    }
    indicators = [
        {
            "type": "indicator",
            "id": f"indicator--00000000-0000-4000-8000-{number:012}",
            "indicator_types": ["malicious-activity"],
            "pattern": f"[domain-name:value='host-{number}.specimen.example']",
            "pattern_type": "stix",
            "valid_from": stamp,
        }
        for number in range(count)
    ]
    objects = [stix.decode_object(each | common) for each in (incident, *indicators)]
    return compose(objects, now=stamp, tlp=Tlp.GREEN)


async def test_it_says_once_when_it_has_begun(tmp_path: Path) -> None:
    async with stage(tmp_path) as here:
        await here.put(Feed().message(draft()))
        with capture_logs() as logs:
            await here.serve_until(lambda: len(here.sink.taken) == 1)
    [ready] = [each for each in logs if each["event"] == "adapter.ready"]
    assert (ready["members"], ready["sinks"]) == (1, 1)


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
    with pytest.raises(ConfigError, match="none of the members"):
        context_of(config(tmp_path), directory(), load_policy(None), now=clock())


def installed(folder: Path, **more: object) -> AdapterConfig:
    """A configuration whose keys are there, and whose member has *more*."""
    signers.generate("hub", folder)
    (folder / "ids").touch(mode=0o600)
    (folder / "ids").write_bytes(b"k" * 32)
    made = config(folder)
    served = msgspec.structs.replace(made.members[0], **more)
    return msgspec.structs.replace(made, members=(served,))


def test_what_a_member_wants_is_read_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text('countries = ["TH"]\nissuers = ["cert-aq", "cert-zz"]')
    with capture_logs() as logs:
        found = context_of(
            installed(tmp_path, interests=file), KNOWN, load_policy(None), now=clock()
        )
    [subscriber] = found.subscribers
    assert subscriber.interests.countries == ("TH",)
    # It may be admitted later, or was once: no reason not to start.
    [entry] = (each for each in logs if each["event"] != "pseudonyms.key_made")
    assert (entry["event"], entry["issuers"]) == (
        "interests.unknown_issuers", ["cert-zz"],
    )  # fmt: skip


def test_one_members_file_of_interests_that_is_wrong_stops_not_the_others_start(
    tmp_path: Path,
) -> None:
    settings = installed(tmp_path, interests=tmp_path / "none.toml")
    settings = msgspec.structs.replace(
        settings, members=(*settings.members, served("cert-aq", tmp_path))
    )
    with capture_logs() as logs:
        found = context_of(settings, KNOWN, load_policy(None), now=clock())
    assert [each.interests for each in found.subscribers] == [UNREADABLE, EVERYTHING]
    [told] = [each for each in logs if each["event"] == "interests.unusable"]
    assert told["member"] == MEMBER


def test_an_adapter_does_not_start_without_a_file_of_interests_that_it_names(
    tmp_path: Path,
) -> None:
    settings = installed(tmp_path, interests=tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="tocsin interests set"):
        context_of(settings, KNOWN, load_policy(None), now=clock())
