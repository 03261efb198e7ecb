"""`tocsin deliveries`: what it prints, what it refuses, and how it ends."""

import asyncio
import json
import random
import time

import pytest

from adapters.cli import main as command
from adapters.errors import SinkError
from adapters.forwarder import forward
from adapters.outbox import open_outbox
from tests.support.sinks import MemorySink, new_delivery

NOW = 1_770_000_000.0
LANE = ("platform-b", "siem")
CANARY = b"the victim's name"

CONFIG = """\
name = "main"
org = "hub"
display_name = "Hub"
directory = "directory"
key = "hub.key"
id_key = "ids"
pseudonym_keys = "pseudonyms"
{where}
[[members]]
org = "platform-b"
[[members.sinks]]
type = "file"
name = "siem"
folder = "siem"
[[members]]
org = "ngo-a"
[[members.sinks]]
type = "file"
name = "mail"
folder = "mail"
[broker]
url = "amqp://127.0.0.1/"
user = "hub"
password_file = "pw"
"""


def case(number, **changes):
    return new_delivery(sub=f"incident--{number}", evidence=CANARY, **changes)


class Desk:
    """The adapter's configuration, its outbox, and the command."""

    def __init__(self, folder, capfd):
        self.path = folder / "outbox.sqlite"
        self._config = folder / "adapter.toml"
        self._capfd = capfd
        self.configure('outbox = "outbox.sqlite"')

    def configure(self, where):
        """Name the outbox; [database] goes to the end, where TOML wants tables."""
        text = CONFIG.format(where="" if "[" in where else where)
        self._config.write_text(text + (where if "[" in where else ""))

    def __call__(self, *arguments):
        code = command.run(["deliveries", *arguments, "--config", str(self._config)])
        return code, *self._capfd.readouterr()

    def store(self, *rows, **ends):
        """Store *rows* and settle some, by the last character of their record's id."""

        async def work():
            async with open_outbox(self.path, clock=lambda: NOW) as outbox:
                await outbox.store(rows)
                for item in await outbox.due(NOW, 100):
                    how = ends.get(f"n{item.sub[-1]}")
                    if how == "done":
                        await outbox.done(item.delivery_id, NOW + 60)
                    elif how:
                        await outbox.failed(item.delivery_id, how, now=NOW + 60)

        asyncio.run(work())

    def json(self, *arguments):
        return [json.loads(each) for each in self(*arguments, "--json")[1].splitlines()]


@pytest.fixture
def desk(tmp_path, capfd):
    return Desk(tmp_path, capfd)


def test_it_says_what_a_member_has_not_got_since_when_and_why(desk):
    rows = [case(1), case(2), case(3), case(4, member="ngo-a", sink="mail")]
    desk.store(*rows, case(5, not_before=4e9), n1="done", n2="sink-refused")
    code, said, _ = desk("list", "--member", "platform-b")
    assert code == 0
    lines = said.splitlines()
    assert lines[0].split() == [
        "delivery", "to", "number", "record", "state", "stored", "(UTC)", "age",
        "reason",
    ]  # fmt: skip
    assert [" ".join(each.split()[2:5]) for each in lines[1:4]] == [
        "2 incident--2 failed",
        "3 incident--3 pending",
        "incident--5 waiting until",
    ]
    assert "platform-b/siem" in lines[1]
    assert "2026-02-02 02:40:00" in lines[1]
    assert " d " in lines[1]
    assert lines[1].endswith("sink-refused")
    assert lines[4].startswith("1 x sink-refused: the sink answered")
    assert len(lines) == 5
    assert CANARY.decode() not in said


def test_it_says_who_received_a_record_which_version_when_and_by_which_policy(desk):
    desk.store(case(1), case(2, member="ngo-a", sink="mail"), n1="done")
    code, said, _ = desk("list", "--record", "incident--1")
    assert code == 0
    _, line = said.splitlines()
    for told in ("platform-b/siem", "done", "2026-02-02 02:41:00", "default sha256:00"):
        assert told in line
    [found] = desk.json("list", "--record", "incident--1")
    assert found["version"] == "2026-01-02T03:04:05.000Z"
    assert found["settled_at"] == "2026-02-02T02:41:00.000Z"
    assert (found["age_s"], found["attempts"], found["number"]) == (None, 1, 1)


def test_programs_get_one_line_of_json_each_with_what_the_reason_means(desk):
    desk.store(case(1), case(2), n1="sink-timeout")
    one, other = desk.json("list")
    assert (one["reason"], one["state"]) == ("sink-timeout", "failed")
    assert "may have taken it" in one["meaning"]
    assert one["age_s"] > 86_400
    assert (other["state"], other["reason"]) == ("pending", "")
    assert desk.json("list", "--state", "pending", "--state", "done") == [
        other | {"age_s": pytest.approx(other["age_s"], abs=60)}
    ]
    assert len(desk.json("list", "--reason", "sink-timeout", "--sink", "siem")) == 1


def test_nothing_is_told_in_words_and_a_mistyped_name_is_not_taken_for_nothing(desk):
    desk.store(case(1), n1="done")
    said = "platform-b has got all that was decided so far\n"
    assert desk("list", "--member", "platform-b")[:2] == (0, said)
    assert desk("list", "--reason", "exp")[1] == "no such delivery\n"
    assert desk("list", "--record", "incident--7")[1].startswith("no delivery of it")
    for names in (("--member", "platform-c"), ("--sink", "sime")):
        code, said, error = desk("list", *names)
        assert (code, said) == (2, "")
        assert f"no {names[0][2:]} {names[1]} in" in error
        assert desk("retry", "--all", *names)[0] == 2


def test_one_is_shown_by_the_beginning_of_its_id_without_its_text(desk):
    desk.store(case(1), n1="sink-refused")
    [entry] = desk.json("list")
    code, said, _ = desk("show", entry["id"][:8])
    assert code == 0
    assert "sink-refused" in said
    assert CANARY.decode() not in said
    [found] = desk.json("show", entry["id"])
    assert found["evidence_sha256"] in said
    assert "1970" not in said
    assert found["evidence_bytes"] == len(CANARY)
    assert len(found["evidence_sha256"]) == 64
    for wrong in ("d-", entry["id"][:7], "d-aaaaaaaa"):
        code, _, said = desk("show", wrong)
        assert code == 2
        assert "names no delivery here" in said


def test_what_failed_is_tried_again_by_id_or_all_that_the_filters_leave(desk):
    desk.store(case(1), case(2), case(3), n1="x", n2="sink-gone", n3="sink-gone")
    [first] = desk.json("list", "--reason", "x")
    code, said, _ = desk("retry", first["id"][:12])
    assert (code, said) == (0, "1 pending again; a running adapter sends at once\n")
    code, said, _ = desk("retry", "--all", "--reason", "sink-gone", "--json")
    assert code == 0
    assert json.loads(said)["stay"] == {}
    assert len(json.loads(said)["again"]) == 2
    assert {each["state"] for each in desk.json("list")} == {"pending"}
    assert desk("retry", "--all")[:2] == (
        0, "0 pending again; a running adapter sends at once\n",
    )  # fmt: skip


def test_what_is_not_tried_again_is_told_with_why(desk):
    newer = case(2, ver="2026-02-02T03:04:05Z")
    desk.store(case(1), case(2), n2="sink-refused", n1="done")
    desk.store(newer)
    code, said, _ = desk("retry", "--all")
    assert code == 1
    assert "1 as before: a newer version" in said
    [done] = desk.json("list", "--state", "done")
    code, said, _ = desk("retry", done["id"], "--json")
    assert code == 1
    assert "only what failed" in json.loads(said)["stay"][done["id"]]
    assert "failed; newer follows" in desk("list")[1]


def test_nothing_is_tried_again_that_was_not_named(desk):
    desk.store(case(1), n1="sink-refused")
    [entry] = desk.json("list")
    for arguments in ((), (entry["id"], "--all"), (entry["id"], "d-aaaaaaaaa")):
        assert desk("retry", *arguments)[0] == 2
    assert desk.json("list")[0]["state"] == "failed"


def test_without_an_outbox_it_says_that_the_adapter_has_not_run(desk):
    code, _, said = desk("list")
    assert code == 2
    assert "the adapter has not run yet" in said
    assert not desk.path.exists()


def test_a_name_that_a_terminal_would_obey_is_spelled(desk):
    desk.store(case("\x1b[31m[red]1"), n1="\x1b[31m[red]")
    _, said, _ = desk("list")
    assert "\x1b" not in said
    assert "[red]" in said


@pytest.mark.postgresql
async def test_of_a_database_it_says_the_same(desk, postgresql):
    url = await postgresql.fresh()
    desk.configure(f'[database]\nurl = "{url}"\n')
    async with open_outbox(url, clock=lambda: NOW) as outbox:
        await outbox.store([case(1)])
        [item] = await outbox.due(NOW, 10)
        await outbox.failed(item.delivery_id, "sink-refused", now=NOW)
        found = await asyncio.to_thread(desk.json, "list")
        assert [(e["state"], e["reason"]) for e in found] == [
            ("failed", "sink-refused")
        ]
        assert (await asyncio.to_thread(desk, "retry", item.delivery_id))[0] == 0
        assert len(await outbox.due(time.time(), 10)) == 1
    await postgresql.drop(url)


async def test_it_works_beside_the_adapter_which_sends_what_is_tried_again(
    desk, monkeypatch
):
    monkeypatch.setattr("adapters.forwarder._LOOK_S", 0.02)
    refused = SinkError("sink-refused")
    sink = MemorySink(lambda item: (refused, "before") if item.attempt == 1 else None)
    stop = asyncio.Event()
    async with open_outbox(desk.path) as outbox, asyncio.timeout(20):
        await outbox.store([case(1)])
        running = asyncio.create_task(
            forward(
                outbox, {LANE: sink}, clock=time.time, random=random.random, stop=stop
            )
        )
        while not (await outbox.counts())["failed"]:  # noqa: ASYNC110  a sink sets no event
            await asyncio.sleep(0.01)
        code, *_ = await asyncio.to_thread(desk, "retry", "--all")
        assert code == 0
        while not sink.taken:  # noqa: ASYNC110  as above
            await asyncio.sleep(0.01)
        stop.set()
        await running
    assert sink.numbers == [1]


def test_corrections_and_retractions_that_were_not_taken_in_time_can_be_listed(desk):
    desk.store(
        case(1, kind="retraction"),
        case(2, kind="correction"),
        case(3, kind="retraction"),
        case(4),
        case(5, kind="retraction", not_before=4e9),
        n1="done",
        n2="sink-refused",
    )
    late = [each["record"][-1] for each in desk.json("list", "--overdue", "24")]
    assert late == ["2", "3"]
    hours = (time.time() - NOW) / 3600 + 1
    code, said, _ = desk("list", "--overdue", f"{hours}")
    assert (code, said) == (0, "no correction and no retraction is overdue\n")


def test_a_correction_that_a_newer_one_has_followed_is_not_overdue(desk):
    older = case(1, kind="correction", ver="2026-01-02T03:04:05Z")
    newer = case(1, kind="retraction", ver="2026-01-02T03:05:05Z")
    desk.store(older, n1="sink-refused")
    desk.store(newer)
    assert [each["kind"] for each in desk.json("list", "--overdue", "1")] == [
        "retraction"
    ]


@pytest.mark.parametrize("more", [("-1",), ("90000",), ("1", "--state", "failed")])
def test_hours_that_make_no_sense_are_refused(desk, more):
    desk.store(case(1))
    code, _, said = desk("list", "--overdue", *more)
    assert code == 2
    assert "--overdue takes hours" in said
