"""`tocsin replay`: what it counts, what it refuses, and how one goes on."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from adapters import replay as replaying
from adapters.cli import main as command
from adapters.cli import replaying as cli
from broker.archive import open_archive
from broker.embedded import open_embedded
from broker.topology import adapter_queues
from tests.adapters.test_replay import put
from tests.support.issuing import NOW, PLACE, Feed, draft, rest

CONFIG = """org = "hub"
key = "hub.key"
directory = "directory"
state = "gate.sqlite"
archive = "archive.sqlite"
[broker]
url = "amqp://127.0.0.1:1/"
user = "{}"
password_file = "pw"
"""


class Desk:
    """A gate's files, the operator's configuration, and the command."""

    def __init__(self, folder, capfd, monkeypatch):
        self.folder, self._capfd = folder, capfd
        self.waiting = 0
        monkeypatch.setattr(cli, "open_bus", self.bus)
        monkeypatch.setattr(cli, "open_depth", self.depth)
        gate = CONFIG.format("gate")
        (folder / "gate.toml").write_text(gate)
        broker = CONFIG.format("operator").partition("[broker]")
        (folder / "operator.toml").write_text("".join(broker[1:]))
        members = folder / "directory" / "members"
        members.mkdir(parents=True)
        entry = {
            "org": "platform-x",
            "name": "X",
            "country": "XA",
            "audience": "platform",
        }
        (members / "platform-x.json").write_text(json.dumps({**entry, "keys": []}))

    @asynccontextmanager
    async def bus(self, broker):
        async with open_embedded(self.folder / "bus.sqlite", PLACE) as embedded:
            yield embedded.login(broker.user)

    @asynccontextmanager
    async def depth(self, broker, adapter):
        async def depth():
            return self.waiting

        yield depth

    def archive(self, *records, at=NOW):
        with open_archive(self.folder / "archive.sqlite") as archive:
            return put(archive, *records, at=at, feed=Feed())

    def __call__(self, *arguments):
        files = ("--config", "gate.toml", "--operator", "operator.toml")
        named = [str(self.folder / each) if "." in each else each for each in files]
        who = ["--adapter", "main"]
        if "--member" not in arguments:
            who += ["--member", "platform-x"]
        code = command.run(["replay", *who, *named, *arguments])
        return code, *self._capfd.readouterr()

    def queued(self):
        async def look():
            async with open_embedded(self.folder / "bus.sqlite", PLACE) as embedded:
                queue, _ = adapter_queues("main")
                return await rest(embedded.login("adapter-main"), queue)

        return asyncio.run(look())


@pytest.fixture
def desk(tmp_path, capfd, monkeypatch):
    return Desk(tmp_path, capfd, monkeypatch)


def test_it_says_what_it_found_left_out_and_sent(desk):
    [_, *ids] = desk.archive(draft(1), draft(1, version=1), draft(2))
    code, said, _ = desk()
    assert code == 0
    assert "3 found" in said
    assert "1 left out, superseded: a newer version" in said
    assert "2 sent to the adapter, for platform-x alone" in said
    assert [each.message_id for each in desk.queued()] == ids


def test_programs_get_one_line_of_json(desk):
    desk.archive(draft(1))
    assert json.loads(desk("--json")[1]) == {
        "ok": True,
        "member": "platform-x",
        "found": 1,
        "left_out": {},
        "sent": 1,
    }


def test_a_dry_run_sends_nothing(desk):
    desk.archive(draft(1), draft(2))
    facts = json.loads(desk("--json", "--dry-run")[1])
    assert (facts["would_send"], facts["sent"]) == (2, 0)
    assert "2 would be sent" in desk("--dry-run")[1]
    assert "0 would be sent" in desk("--dry-run", "--issuer", "cert-bv")[1]
    assert desk.queued() == []


def test_times_are_those_of_the_gate(desk):
    desk.archive(draft(1), at=NOW)
    assert "1 found" in desk("--since", "2026-03-01T12:00:00Z")[1]
    assert "0 found" in desk("--since", "2026-03-01T12:00:01Z")[1]
    assert "0 found" in desk("--until", "2026-03-01T12:00:00Z")[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "yesterday"), "--since is a time such as"),
        (("--member", "platform-y"), "did you mean platform-x?"),
    ],
)
def test_what_makes_no_sense_is_refused(desk, arguments, said):
    desk.archive(draft(1))
    code, _, complaint = desk(*arguments)
    assert (code, said in complaint) == (2, True), complaint


def test_without_an_archive_none_is_made(desk):
    code, _, said = desk()
    assert (code, "there is no archive" in said) == (2, True)
    assert not (desk.folder / "archive.sqlite").exists()


def test_broken_off_it_says_how_to_go_on(desk, monkeypatch):
    monkeypatch.setattr(replaying.send, "__kwdefaults__", {"stuck_s": 0.0})
    desk.archive(draft(1))
    desk.waiting = 1000
    code, _, said = desk()
    assert code == 3
    assert "0 sent so far; to go on, repeat it as it was" in said
    assert "1000 messages wait in the adapter's queue" in said
