"""`tocsin receive`: from the member's queue to its disk, verified, then acknowledged."""

import asyncio
import errno
import json
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace as changed
from structlog.testing import capture_logs

from adapters import enveloping, receiving
from adapters.cli import main as command
from adapters.cli import receiving as cli
from adapters.receiving import Receiver
from adapters.sinks import file
from adapters.sinks.amqp import AmqpSink
from adapters.sinks.file import open_file_sink
from broker.bus import Message
from broker.embedded import open_embedded
from broker.errors import ConfigError
from broker.topology import OUT, Binding, topology
from tests.adapters.test_app import KNOWN, MEMBER
from tests.adapters.test_received import erasure, heartbeat, record
from tests.support.issuing import NOW, directory, member, rest

PLACE = topology(["cert-aq"], ["main"], [MEMBER], out={"main": [MEMBER]})
QUEUE = f"{OUT}.{MEMBER}"
IDLE_S = 0.2
NAMES = ["00000001-incident", "00000002-heartbeat", "00000003-erasure"]


def item(number=1, made=record):
    letters = "abcdefghijklmnopqrstuvwxyz"
    return changed(made(), number=number, delivery_id="d-" + letters[number] * 32)


class Reader:
    """A member's receiver, and the adapter that fills its queue."""

    def __init__(self, broker, sink, folder):
        self.broker, self.folder = broker, folder
        self.known, self.stop = KNOWN, asyncio.Event()
        self.sink = sink

    async def put(self, *items):
        for each in items:
            await AmqpSink(self.broker.login("adapter-main"), MEMBER).send(each)

    async def put_message(self, login, **what):
        message = Message(**{"body": b"{}", "routing_key": MEMBER, **what})
        bus = self.broker.login(login)
        await bus.publish(OUT, message)

    async def read(self):
        receiver = Receiver(
            MEMBER,
            lambda: self.known,
            self.sink,
            self.folder,
            clock=lambda: NOW,
            stop=self.stop,
        )
        with capture_logs() as self.logs:
            await receiver.run(self.broker.login(MEMBER), idle_s=IDLE_S)
        return receiver.taken, receiver.refused

    async def left(self):
        return await rest(self.broker.login(MEMBER), QUEUE)

    @property
    def names(self):
        found = sorted(each.name for each in self.folder.glob("0*"))
        return ["-".join(name.split("-")[:2]) for name in found]

    @property
    def aside(self):
        return sorted((self.folder / "refused").glob("*"))


@asynccontextmanager
async def reader(folder, place=PLACE):
    async with (
        open_embedded(None, place) as broker,
        open_file_sink(folder) as sink,
    ):
        yield Reader(broker, sink, folder)


async def test_each_kind_becomes_a_folder_as_the_file_sink_writes_it(tmp_path):
    async with reader(tmp_path / "in") as here:
        await here.put(item(1), item(2, heartbeat), item(3, erasure))
        assert await here.read() == (3, 0)
        assert here.names == NAMES
        assert await here.left() == []
        [first, *_] = sorted(here.folder.glob("0*"))
        assert (first / "evidence.sdjwt").read_bytes() == item(1).evidence
        assert (first / "projection.json").read_bytes() == item(1).projection
        about = json.loads((first / "delivery.json").read_text())
        assert about["delivery_id"] == item(1).delivery_id


async def test_what_comes_twice_is_there_once(tmp_path):
    async with reader(tmp_path / "in") as here:
        await here.put(item(1), item(1))
        assert await here.read() == (2, 0)
        assert here.names == NAMES[:1]
        assert await here.left() == []


async def test_what_is_not_on_disk_stays_in_the_queue(tmp_path, monkeypatch):
    async with reader(tmp_path / "in") as here:
        await here.put(item(1))

        def full(*_):
            here.stop.set()
            raise OSError(errno.ENOSPC, "no space")

        monkeypatch.setattr(file, "_write_file", full)
        assert await here.read() == (0, 0)
        assert [each["event"] for each in here.logs] == ["receive.waits"]
        assert len(await here.left()) == 1
        assert here.names == []


async def test_what_cannot_be_verified_is_put_aside_and_blocks_nothing(tmp_path):
    async with reader(tmp_path / "in") as here:
        spoilt = changed(item(1), projection=b"{}")
        await here.put(spoilt, item(2))
        assert await here.read() == (1, 1)
        assert here.names == ["00000002-incident"]
        assert await here.left() == []
        [path] = here.aside
        assert path.name == f"{spoilt.delivery_id}.json"
        assert path.stat().st_mode & 0o777 == 0o600
        [refused] = [e for e in here.logs if e["event"] == "delivery.refused"]
        assert (refused["reason"], refused["number"]) == ("receipt-mismatch", 1)


async def test_what_was_put_aside_is_taken_once_its_key_is_known(tmp_path):
    async with reader(tmp_path / "in") as here:
        here.known = directory(member("cert-aq", keys=()), member(MEMBER))
        await here.put(item(1))
        assert await here.read() == (0, 1)
        assert await here.read() == (0, 0)  # still not
        here.known = KNOWN
        assert await here.read() == (1, 0)
        assert here.names == NAMES[:1]
        assert here.aside == []


@pytest.mark.parametrize("message_id", ["../../etc/x", "d-" + "a" * 300, "é" * 9])
async def test_what_is_no_delivery_is_put_aside_under_a_name_of_ours(
    tmp_path, message_id
):
    async with reader(tmp_path / "in") as here:
        await here.put_message("adapter-main", message_id=message_id[:255])
        assert await here.read() == (0, 1)
        [path] = here.aside
        assert path.parent == here.folder / "refused"
        assert path.read_bytes() == b"{}"


@pytest.mark.parametrize(
    ("login", "key", "reason"),
    [("operator", MEMBER, "user-id"), ("adapter-main", "cert-aq", "routing-key")],
)
async def test_what_no_adapter_sent_here_is_refused_for_good(
    tmp_path, login, key, reason
):
    """On RabbitMQ 3.10 an adapter reaches the queue of another by the header CC.

    Such a copy bears the sender's key, as what comes over the binding here does.
    """
    of_all = topology(
        ["cert-aq"], ["main"], [MEMBER], out={"main": [MEMBER, "cert-aq"]}
    )
    astray = (*of_all.bindings, Binding(OUT, QUEUE, "cert-aq"))
    async with reader(tmp_path / "in", changed(of_all, bindings=astray)) as here:
        item_id, body = item(1).delivery_id, enveloping.encode(item(1))
        await here.put_message(login, message_id=item_id, body=body, routing_key=key)
        assert await here.read() == (0, 1)
        [refused] = [e for e in here.logs if e["event"] == "delivery.refused"]
        assert refused["reason"] == reason
        assert here.aside == []
        assert await here.left() == []
        assert await here.read() == (0, 0)  # nor at the next start
        assert here.names == []


async def test_more_than_a_thousand_refusals_end_it_and_lose_nothing(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(receiving, "MAX_ASIDE", 1)
    async with reader(tmp_path / "in") as here:
        await here.put(
            changed(item(1), projection=b"{}"), changed(item(2), projection=b"{}")
        )
        with pytest.raises(ConfigError, match="put aside"):
            await here.read()
        assert len(here.aside) == 1
        assert len(await here.left()) == 1


# The command


@pytest.fixture
def desk(tmp_path, capfd, monkeypatch):
    bus = tmp_path / "bus.sqlite"

    @asynccontextmanager
    async def opened(broker):
        async with open_embedded(bus, PLACE) as embedded:
            yield embedded.login(broker.user)

    monkeypatch.setattr(cli, "open_bus", opened)
    monkeypatch.setattr(cli, "_IDLE_S", IDLE_S)
    members = tmp_path / "directory" / "members"
    members.mkdir(parents=True)
    entry = {"org": MEMBER, "name": "X", "country": "XA", "audience": "platform"}
    (members / f"{MEMBER}.json").write_text(json.dumps({**entry, "keys": []}))
    (tmp_path / "receive.toml").write_text(
        f'org = "{MEMBER}"\ndirectory = "directory"\n[broker]\n'
        f'url = "amqp://127.0.0.1:1/"\nuser = "{MEMBER}"\npassword_file = "pw"\n'
    )

    def run(*arguments):
        config = ("--config", str(tmp_path / "receive.toml"))
        out = ("--out", str(tmp_path / "in"))
        code = command.run(["receive", *config, *out, "--once", *arguments])
        return code, *capfd.readouterr()

    async def put(one):
        async with open_embedded(bus, PLACE) as embedded:
            await AmqpSink(embedded.login("adapter-main"), MEMBER).send(one)

    run.put = lambda one: asyncio.run(put(one))
    run.folder = tmp_path
    return run


def test_once_ends_when_the_queue_is_empty(desk):
    assert desk()[:2] == (0, "0 taken\n")
    assert json.loads(desk("--json")[1]) == {"ok": True, "taken": 0, "refused": 0}


def test_what_was_refused_shows_in_the_exit_code(desk):
    desk.put(item(1))  # this directory knows nobody
    code, said, complaint = desk("--json")
    assert (code, json.loads(said)["refused"]) == (1, 1)
    assert "1 refused; what cannot be verified is put aside in" in complaint


def test_a_member_without_a_queue_is_told_whom_to_ask(desk):
    path = desk.folder / "receive.toml"
    path.write_text(path.read_text().replace(MEMBER, "cert-aq"))
    code, _, said = desk()
    assert (code, "ask the operator of the hub" in said) == (2, True)


def test_the_file_of_a_publisher_serves(desk):
    path = desk.folder / "receive.toml"
    more = 'key = "x.key"\nstate = "x.sqlite"\npublisher = "main"\n'
    path.write_text(more + path.read_text())
    assert desk()[0] == 0
    path.write_text('other = "x"\n' + path.read_text())
    assert desk()[0] == 2
