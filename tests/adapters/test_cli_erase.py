"""`tocsin erase`: what it destroys, whom it orders, what it prints, how it ends."""

import asyncio
import json
from contextlib import asynccontextmanager
from functools import partial

import pytest

from adapters.cli import erasing as command
from adapters.cli import main
from broker import dead_queue, seen
from broker.archive import open_archive
from broker.bus import Message
from broker.embedded import open_embedded
from broker.erasing import read
from broker.topology import DEAD
from tests.broker.test_archive_erasure import ID, MARKER, version
from tests.support.issuing import ADAPTER_QUEUES, HUB, PLACE, rest

STAMP = partial(seen.make_stamp, HUB)
SUB = "incident--1b0cbe1c-0b5e-4b0c-8a52-3b0c4ec3a001"
RECORD = ("--record", SUB, "--issuer", "cert-aq")


class Desk:
    """Configurations of gate and operator, an archive with three versions, a broker."""

    def __init__(self, folder, capfd, monkeypatch):
        self.folder, self._capfd = folder, capfd
        monkeypatch.setattr(command, "open_bus", self.bus)
        for name in ("listed", "drop"):
            monkeypatch.setattr(
                getattr(dead_queue, name), "__kwdefaults__", {"idle_s": 0.1}
            )
        self.operator()
        broker = '[broker]\nurl = "amqp://127.0.0.1:1/"\nuser = "gate"\n'
        (folder / "gate.toml").write_text(
            'org = "hub"\nkey = "hub.key"\ndirectory = "directory"\n'
            f'state = "gate.sqlite"\narchive = "archive.sqlite"\n{broker}'
        )
        with open_archive(folder / "archive.sqlite") as archive:
            of_record = [version(1, sub=SUB), version(2, sub=SUB)]
            archive.append([*of_record, version(3, sub=SUB[:-1] + "9")], STAMP)

    def operator(self, adapters='adapters = ["main"]'):
        (self.folder / "operator.toml").write_text(
            f'{adapters}\n[broker]\nurl = "amqp://127.0.0.1:1/"\nuser = "operator"\n'
        )

    @asynccontextmanager
    async def bus(self, broker):
        async with open_embedded(self.folder / "bus.sqlite", PLACE) as embedded:
            yield embedded.login(broker.user)

    def __call__(self, *arguments, reason="court-order"):
        why = [] if reason is None else ["--reason", reason]
        code = main.run(
            [
                "erase", *arguments, *why,
                "--config", str(self.folder / "gate.toml"),
                "--operator-config", str(self.folder / "operator.toml"),
            ]
        )  # fmt: skip
        return code, *self._capfd.readouterr()

    def bury(self, token_id):
        dead = Message(
            body=MARKER, message_id=token_id, routing_key=f"dead.{ADAPTER_QUEUES[0]}"
        )

        async def publish():
            async with open_embedded(self.folder / "bus.sqlite", PLACE) as embedded:
                await embedded.login("operator").publish(DEAD, dead)

        asyncio.run(publish())

    def lying_in(self, queue):
        async def look():
            async with open_embedded(self.folder / "bus.sqlite", PLACE) as embedded:
                return await rest(embedded.login("operator"), queue)

        return asyncio.run(look())

    def is_erased(self, number):
        with open_archive(self.folder / "archive.sqlite") as archive:
            return archive.get(ID[number]).erased


@pytest.fixture
def desk(tmp_path, capfd, monkeypatch):
    return Desk(tmp_path, capfd, monkeypatch)


def test_all_versions_go_and_every_queue_of_an_adapter_gets_the_order(desk):
    code, said, _ = desk(*RECORD, "--yes", "--json")
    facts = json.loads(said)
    assert (code, facts["versions"], facts["adapters"]) == (0, 2, ["main"])
    assert [desk.is_erased(n) for n in (1, 2, 3)] == [True, True, False]
    for queue in ADAPTER_QUEUES:
        [message] = desk.lying_in(queue)
        order = read(message)
        assert order.tokens == (ID[1], ID[2])
        assert (order.issuer, order.sub, order.reason) == (
            "cert-aq",
            SUB,
            "court-order",
        )
        assert order.notify


def test_of_very_many_versions_each_is_in_an_order(desk, monkeypatch):
    monkeypatch.setattr("broker.erasing.MAX_TOKENS", 1)
    code, said, _ = desk(*RECORD, "--yes", "--json")
    assert (code, json.loads(said)["versions"]) == (0, 2)
    for queue in ADAPTER_QUEUES:
        orders = [read(each) for each in desk.lying_in(queue)]
        assert [each.tokens for each in orders] == [(ID[1],), (ID[2],)]
        assert [each.notify for each in orders] == [False, True]


def test_one_token_stands_for_its_record(desk):
    code, said, _ = desk("--token", ID[2], "--yes")
    assert code == 0
    assert f"{SUB} of cert-aq, 2 versions" in said
    assert "reason told: a court has ordered it." in said
    assert desk.is_erased(1)


def test_again_it_gives_the_same_order(desk):
    desk(*RECORD, "--yes")
    [first] = desk.lying_in(ADAPTER_QUEUES[0])
    code, said, _ = desk(*RECORD, "--yes", "--json", reason="law")
    assert code == 0
    assert json.loads(said)["reason"] == "court-order"  # as it was
    assert [each.body for each in desk.lying_in(ADAPTER_QUEUES[0])] == [first.body]


def test_dead_letters_of_the_record_are_deleted_and_no_others(desk):
    for token_id in (ID[1], ID[3], ID[2]):
        desk.bury(token_id)
    code, said, _ = desk(*RECORD, "--yes", "--json")
    assert (code, json.loads(said)["dead_letters"]) == (0, 2)
    assert [each.message_id for each in desk.lying_in(DEAD)] == [ID[3]]


def test_dead_letters_that_it_did_not_look_at_make_it_unfinished(desk, monkeypatch):
    monkeypatch.setattr(dead_queue, "MAX_LETTERS", 2)
    for token_id in (ID[3], ID[3], ID[1]):
        desk.bury(token_id)
    code, said, _ = desk(*RECORD, "--yes", "--json")
    facts = json.loads(said)
    assert (code, facts["ok"], facts["dead_letters_all"]) == (1, False, False)
    code, _, errors = desk(*RECORD, "--yes")
    assert (code, "the oldest 2 were looked at" in errors) == (1, True)


def test_an_adapter_without_a_queue_is_named_and_the_others_are_ordered(desk):
    desk.operator('adapters = ["other", "main"]')
    code, said, errors = desk(*RECORD, "--yes")
    assert code == 1
    assert "other has no queue" in errors
    assert "adapters ordered to erase it and to tell who had it: 1" in said
    assert len(desk.lying_in(ADAPTER_QUEUES[1])) == 1


def test_what_is_not_archived_is_not_erased(desk):
    for named in (("--token", ID[0]), ("--record", SUB, "--issuer", "cert-bv")):
        code, _, errors = desk(*named, "--yes")
        assert (code, "no such record" in errors) == (1, True)
    assert desk.lying_in(ADAPTER_QUEUES[0]) == []


@pytest.mark.parametrize(
    "named", [(), ("--record", SUB), ("--issuer", "cert-aq"), (*RECORD, "--token", "x")]
)
def test_it_has_to_be_clear_which(desk, named):
    code, _, errors = desk(*named, "--yes")
    assert (code, "name --record and --issuer, or --token" in errors) == (2, True)


def test_without_a_list_of_adapters_nothing_is_erased(desk):
    desk.operator("")
    code, _, errors = desk(*RECORD, "--yes")
    assert (code, "must name every adapter" in errors) == (2, True)
    assert not desk.is_erased(1)


def test_it_asks_first_and_without_a_terminal_wants_to_be_told(desk, monkeypatch):
    code, _, errors = desk(*RECORD)
    assert (code, "give --yes" in errors) == (2, True)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdin.readline", lambda: "n\n")
    assert desk(*RECORD)[0] == 1
    assert not desk.is_erased(1)
    monkeypatch.setattr("sys.stdin.readline", lambda: "y\n")
    assert desk(*RECORD)[0] == 0
    assert desk.is_erased(1)


@pytest.mark.parametrize("reason", ["because of Jane Roe", "retention"])
def test_a_reason_is_a_word_that_members_are_told_and_no_text(desk, reason):
    code, _, errors = desk(*RECORD, "--yes", reason=reason)
    assert code == 2
    assert "reason" in errors.lower()
    assert not desk.is_erased(1)


def test_what_was_erased_is_ordered_again_for_an_outbox_that_was_put_back(desk):
    desk(*RECORD, "--yes")
    [first] = desk.lying_in(ADAPTER_QUEUES[0])
    with open_archive(desk.folder / "archive.sqlite") as archive:
        [before] = archive.erased()
        archive.erase(
            [("cert-aq", SUB[:-1] + "9")], at=before.at + 1, reason="retention"
        )
    since = ("--repeat-since", "2026-01-01T00:00:00Z")
    code, said, _ = desk(*since, "--json", reason=None)
    assert (code, json.loads(said)["records"]) == (0, 2)
    again, aged = desk.lying_in(ADAPTER_QUEUES[0])
    assert again.body == first.body
    assert not read(aged).notify
    code, said, _ = desk("--repeat-since", "2999-01-01T00:00:00Z", reason=None)
    assert (code, said.endswith("once more: 0\n")) == (0, True)
    desk.operator('adapters = ["other"]')
    code, _, errors = desk(*since, reason=None)
    assert (code, "other has no queue" in errors) == (1, True)


def test_what_does_not_go_together_is_refused(desk):
    assert desk("--repeat-since", "yesterday", reason=None)[0] == 2
    assert desk("--repeat-since", "2026-01-01T00:00:00Z")[0] == 2
    code, _, errors = desk(*RECORD, "--yes", reason=None)
    assert (code, "give --reason: subject-request, " in errors) == (2, True)
    assert "retention" not in errors
    assert not desk.is_erased(1)
