"""`tocsin backup`: one moment of each file while it is written, and no key in it."""

import json
import sqlite3
import threading
from contextlib import closing
from functools import partial

import pytest

from adapters.cli import main
from adapters.outbox import open_outbox
from broker import seen
from broker.archive import open_archive
from broker.archive_keys import keys_path
from broker.gate_state import ChainEnd, Seen, open_gate_state
from tests.broker.test_archive_erasure import ID, token, version
from tests.support.issuing import HUB
from tests.support.sinks import new_delivery

NOW = 1_770_000_000.0
STAMP = partial(seen.make_stamp, HUB)
BROKER = '[broker]\nurl = "amqp://127.0.0.1:1/"\nuser = "gate"\n'
GATE = (
    'org = "hub"\nkey = "hub.key"\ndirectory = "directory"\n'
    f'state = "gate.sqlite"\narchive = "archive.sqlite"\n{BROKER}'
)
ADAPTER = (
    'name = "main"\norg = "hub"\ndisplay_name = "Hub"\ndirectory = "directory"\n'
    'key = "hub.key"\nid_key = "ids.bin"\npseudonym_keys = "pseudonyms"\n'
    '{outbox}\nreviews = "reviews.sqlite"\n'
    f'{BROKER}{{database}}[[members]]\norg = "platform-b"\n[[members.sinks]]\n'
    'type = "file"\nname = "siem"\nfolder = "out"\n'
)


@pytest.fixture
def back_up(tmp_path, capfd):
    def run(text, *arguments, out="backup"):
        (tmp_path / "config.toml").write_text(text)
        config, folder = str(tmp_path / "config.toml"), str(tmp_path / out)
        code = main.run(["backup", "--config", config, "--out", folder, *arguments])
        return code, *capfd.readouterr()

    return run


def names(folder):
    return {each.name for each in folder.iterdir()}


def test_a_running_gate_is_copied_and_the_copy_goes_on(tmp_path, back_up):
    out = tmp_path / "backup"
    with (
        open_gate_state(tmp_path / "gate.sqlite") as state,
        open_archive(tmp_path / "archive.sqlite") as archive,
    ):
        [stored] = archive.append([version(1)], STAMP)
        end = ChainEnd(1, seen.link_of(stored.stamp))
        state.record([Seen(ID[1], "cert-aq", NOW, 9, 2**40)], {}, end, now=NOW)
        assert back_up(GATE, "--with-keys")[0] == 0
        archive.append([version(2)], STAMP)
    assert names(out) == {"gate.sqlite", "archive.sqlite", "archive.sqlite.keys"}
    assert {each.stat().st_mode & 0o777 for each in out.iterdir()} == {0o600}
    with (
        open_gate_state(out / "gate.sqlite") as state,
        open_archive(out / "archive.sqlite") as archive,
    ):
        assert state.known([ID[1]]) == {ID[1]}
        assert archive.continues(state.chain_end().pos, state.chain_end().link)
        assert [each.token for each in archive.since()] == [token()]
        [added] = archive.append([version(2)], STAMP)
        assert added.number == 2


def test_without_keys_the_copy_of_an_archive_proves_and_shows_nothing(
    tmp_path, back_up
):
    with (
        open_gate_state(tmp_path / "gate.sqlite"),
        open_archive(tmp_path / "archive.sqlite") as archive,
    ):
        [stored] = archive.append([version(1)], STAMP)
        assert back_up(GATE)[0] == 0
    assert names(tmp_path / "backup") == {"gate.sqlite", "archive.sqlite"}
    copy = tmp_path / "backup" / "archive.sqlite"
    keys_path(copy).touch(mode=0o600)
    with open_archive(copy) as archive:
        found = archive.get(ID[1])
        assert (found.erased, found.stamp) == (True, stored.stamp)


async def test_no_key_stands_in_the_copy_of_an_outbox_and_pending_rows_fail(
    tmp_path, back_up
):
    text = ADAPTER.format(outbox='outbox = "outbox.sqlite"', database="")
    row = new_delivery()
    async with open_outbox(tmp_path / "outbox.sqlite", clock=lambda: NOW) as outbox:
        await outbox.store([row])
        assert back_up(text)[0] == 0
        assert back_up(text, "--with-keys", out="whole")[0] == 0
    with closing(sqlite3.connect(tmp_path / "outbox.sqlite")) as db:
        [(secret,)] = db.execute("SELECT secret FROM record_keys")
    copy, whole = (tmp_path / each / "outbox.sqlite" for each in ("backup", "whole"))
    keys = whole.with_name("outbox.sqlite.keys")
    assert secret in keys.read_bytes()
    for each in (copy, whole):
        assert secret not in each.read_bytes()
        async with open_outbox(each, clock=lambda: NOW) as outbox:
            [item] = await outbox.due(NOW, 1)
            assert (item.evidence, item.number) == (b"", 1)
    with closing(sqlite3.connect(whole)) as db, db:  # as docs/operations.md says
        db.execute("ATTACH ? AS k", (str(keys),))
        db.execute("INSERT INTO record_keys SELECT * FROM k.record_keys")
    async with open_outbox(whole, clock=lambda: NOW) as outbox:
        [item] = await outbox.due(NOW, 1)
        assert item.evidence == row.evidence


def test_what_is_written_meanwhile_is_in_the_copy_whole_or_not_at_all(
    tmp_path, back_up
):
    stop = threading.Event()
    with (
        open_gate_state(tmp_path / "gate.sqlite") as state,
        open_archive(tmp_path / "archive.sqlite"),
    ):

        def write():
            number = 0
            while not stop.is_set():
                # Each belongs to one transaction: a token and the chain's end.
                number += 1
                seen_one = Seen(str(number), "cert-aq", NOW, 9, 2**40)
                state.record([seen_one], {}, ChainEnd(number, str(number)), now=NOW)

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        try:
            for turn in range(5):
                assert back_up(GATE, out=f"copy-{turn}")[0] == 0
        finally:
            stop.set()
            writer.join(timeout=60)
    assert not writer.is_alive()
    for turn in range(5):
        path = tmp_path / f"copy-{turn}" / "gate.sqlite"
        with closing(sqlite3.connect(path)) as db:
            [(count,)] = db.execute("SELECT count(*) FROM seen")
            assert db.execute("SELECT pos FROM chain").fetchall() == [(count,)]


def test_nothing_is_overwritten_and_what_is_missing_is_said(tmp_path, back_up):
    with open_gate_state(tmp_path / "gate.sqlite"):
        pass
    code, said, _ = back_up(GATE, "--json")
    facts = [json.loads(each) for each in said.splitlines()]
    assert (code, [each["ok"] for each in facts]) == (0, [True, False])
    before = (tmp_path / "backup" / "gate.sqlite").read_bytes()
    code, _, errors = back_up(GATE)
    assert (code, "File exists" in errors) == (2, True)
    assert (tmp_path / "backup" / "gate.sqlite").read_bytes() == before


def test_for_postgresql_it_says_what_to_type(back_up):
    database = '[database]\nurl = "postgresql://tocsin@db/outbox"\n'
    text = ADAPTER.format(outbox='gaps = "gaps.sqlite"', database=database)
    code, said, _ = back_up(text, "--with-keys")
    assert code == 0
    assert "--exclude-table-data=record_keys" in said
    assert "--data-only --table=record_keys" in said
    assert "gaps.sqlite: not there yet" in said
    assert "--data-only" not in back_up(text)[1]


def test_a_file_that_is_no_database_is_the_operators_fault(tmp_path, back_up):
    (tmp_path / "gate.sqlite").write_bytes(b"no database" * 999)
    code, _, errors = back_up(GATE)
    assert (code, "SQLITE_NOTADB" in errors) == (2, True)
    assert names(tmp_path / "backup") == set()


def test_a_publishers_configuration_is_refused(back_up):
    code, _, errors = back_up(f'org = "cert-aq"\nkey = "k"\nstate = "s"\n{BROKER}')
    assert (code, "is a publisher's" in errors) == (2, True)
