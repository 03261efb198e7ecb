"""`tocsin dead-letters`: what it prints, what it asks, and how it ends."""

import asyncio
import io
import json
from contextlib import asynccontextmanager

import pytest

from adapters.cli import dead_letters
from adapters.cli import main as command
from broker import dead_queue
from broker.bus import Message
from broker.embedded import open_embedded
from broker.topology import DEAD
from tests.support.issuing import ADAPTER_QUEUES, PLACE, rest

NORMAL = ADAPTER_QUEUES[0]
CANARY = b"the victim's name"


class Desk:
    """The operator's configuration, and the command."""

    def __init__(self, folder, capfd, monkeypatch):
        self.folder = folder
        self._capfd = capfd
        monkeypatch.setattr(dead_letters, "open_bus", self.bus)
        monkeypatch.setattr(dead_queue.listed, "__kwdefaults__", {"idle_s": 0.1})
        monkeypatch.setattr(dead_queue.retry, "__kwdefaults__", {"idle_s": 0.1})
        monkeypatch.setattr(dead_queue.drop, "__kwdefaults__", {"idle_s": 0.1})
        (folder / "operator.toml").write_text(
            '[broker]\nurl = "amqp://127.0.0.1:1/"\nuser = "operator"\n'
            'password_file = "pw"\n'
        )

    @asynccontextmanager
    async def bus(self, broker):
        async with open_embedded(self.folder / "bus.sqlite", PLACE) as embedded:
            yield embedded.login(broker.user)

    def __call__(self, *arguments):
        config = str(self.folder / "operator.toml")
        code = command.run(["dead-letters", *arguments, "--config", config])
        return code, *self._capfd.readouterr()

    def bury(self, number, reason="signature", queue=NORMAL, **headers):
        made = Message(
            body=CANARY,
            message_id=f"message-{number}",
            routing_key=f"dead.{queue}",
            headers={
                "tocsin-reason": reason,
                "tocsin-where": "$.tlp",
                "tocsin-routing-key": "cert-aq.incident.green.none.none.low",
                "tocsin-at": 1_770_000_000,
                **headers,
            },
        )

        async def publish():
            async with open_embedded(self.folder / "bus.sqlite", PLACE) as embedded:
                await embedded.login("operator").publish(DEAD, made)

        asyncio.run(publish())

    def left(self, queue=DEAD):
        async def look():
            async with open_embedded(self.folder / "bus.sqlite", PLACE) as embedded:
                return await rest(embedded.login("operator"), queue)

        return [each.message_id for each in asyncio.run(look())]


@pytest.fixture
def desk(tmp_path, capfd, monkeypatch):
    return Desk(tmp_path, capfd, monkeypatch)


def answer(monkeypatch, text):
    """Be somebody at a terminal who types *text*."""
    typed = io.StringIO(text)
    typed.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", typed)


def test_the_list_says_which_why_whose_and_when_and_never_what(desk):
    desk.bury(1)
    desk.bury(2, reason="exp")
    code, said, _ = desk("list")
    assert code == 0
    assert "message-1" in said
    assert "2026-02-02 02:40:00" in said
    assert "cert-aq" in said
    assert "1 x exp: " in said
    assert CANARY.decode() not in said
    assert desk.left() == ["message-1", "message-2"]


def test_an_empty_list_says_so(desk):
    assert desk("list")[:2] == (0, "no dead letter\n")
    desk.bury(1)
    assert desk("list", "--reason", "exp")[1] == "no such dead letter\n"


def test_programs_get_one_line_of_json_each(desk):
    desk.bury(1)
    desk.bury(2, reason="exp", queue="tocsin.ingress.cert-bv")
    _, said, _ = desk("list", "--json")
    one, other = map(json.loads, said.splitlines())
    assert (one["reason"], one["at"]) == ("signature", "2026-02-02T02:40:00.000Z")
    assert (other["issuer"], other["queue"]) == ("cert-bv", "tocsin.ingress.cert-bv")
    _, said, _ = desk("list", "--json", "--issuer", "cert-bv")
    assert json.loads(said) == other


def test_one_is_shown_by_the_beginning_of_its_id(desk):
    desk.bury(1)
    code, said, _ = desk("show", "message-", "--json")
    assert (code, json.loads(said)["message_id"]) == (0, "message-1")
    code, said, _ = desk("show", "message-1")
    assert (code, CANARY.decode() in said) == (0, False)
    desk.bury(2)
    code, _, said = desk("show", "message-")
    assert code == 2
    assert "several" in said
    assert desk("show", "message-3")[0] == 2


def test_what_is_put_back_lies_in_its_queue_and_no_more_with_the_dead(desk):
    for number in range(3):
        desk.bury(number)
    code, said, _ = desk("retry", "message-1")
    assert (code, said) == (0, "1 put back; whoever refused them decides again\n")
    assert desk.left(NORMAL) == ["message-1"]
    code, said, _ = desk("retry", "--all", "--json")
    assert json.loads(said) == {"ok": True, "put_back": 2, "stay": 0}
    assert desk.left() == []


def test_what_cannot_go_back_is_told_and_stays(desk):
    desk.bury(1, queue="tocsin.feedback.cert-aq")
    code, said, _ = desk("retry", "--all")
    assert code == 1
    assert "1 stay" in said
    assert desk.left() == ["message-1"]


def test_nothing_is_put_back_or_deleted_that_was_not_named(desk):
    desk.bury(1)
    for arguments in (
        ("retry",), ("retry", "message-1", "--all"), ("drop", "--yes"),
        ("drop", "message-1"),  # nobody can be asked
        ("drop", "message-1", "message-2", "--yes"),
    ):  # fmt: skip
        assert desk(*arguments)[0] == 2, arguments
    assert desk.left() == ["message-1"]


def test_deleting_says_how_many_and_asks(desk, monkeypatch):
    desk.bury(1)
    desk.bury(2)
    desk.bury(3, reason="exp")
    answer(monkeypatch, "n\n")
    code, _, said = desk("drop", "--reason", "signature")
    assert code == 1
    assert "delete 2 (2 x signature) for good? [y/N]" in said
    answer(monkeypatch, "y\n")
    code, said, _ = desk("drop", "--reason", "signature")
    assert (code, said) == (0, "2 deleted\n")
    assert desk.left() == ["message-3"]


def test_without_a_terminal_yes_deletes(desk):
    desk.bury(1)
    code, said, _ = desk("drop", "message-1", "--yes", "--json")
    assert (code, json.loads(said)) == (0, {"ok": True, "deleted": 1})
    assert desk.left() == []


def test_a_name_that_a_terminal_would_obey_is_spelled(desk):
    desk.bury("\x1b[31m[red]", reason="exp")
    _, said, _ = desk("list")
    assert "\x1b" not in said
    assert "[red]" in said
