"""Erasing from the archive: the proof stays, what it proves is gone from every byte."""

import sqlite3
from contextlib import closing
from functools import partial

import msgspec
import pytest
import zstandard

from broker import carried, seen
from broker.archive import Archived, open_archive
from broker.archive_keys import keys_path
from broker.carried import Carried
from broker.errors import ConfigError
from tests.support.issuing import HUB, NOW, directory

STAMP = partial(seen.make_stamp, HUB)
# Random letters: compressed, they still stand there as they are.
MARKER = b"XqZ7vJkW2mNpR9tLbYc4Hd8sGfA3eUoQ"
ID = [letter * 43 for letter in "AEIM"]  # as base64url of 32 bytes may end
JWT = b"eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJ4In0.c2ln"


def token(marker=MARKER):
    return JWT + b"~" + marker + b"~"


def version(number, *, sub="incident--1", body=None, seen_at=int(NOW)):
    return Archived(
        token_id=ID[number],
        issuer="cert-aq",
        sub=sub,
        ver=f"2026-02-01T10:00:0{number}Z",
        kind="incident",
        tlp="GREEN",
        first_seen=seen_at,
        token=token() if body is None else body,
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "archive.sqlite"


@pytest.fixture
def archive(path):
    with open_archive(path) as opened:
        yield opened


def raw(folder):
    return b"".join(each.read_bytes() for each in folder.iterdir())


def test_no_byte_of_a_disclosure_stands_in_the_file_nor_of_a_key_in_the_archive(
    archive, path
):
    archive.append([version(1)], STAMP)
    assert archive.get(ID[1]).token == token()
    with closing(sqlite3.connect(keys_path(path))) as db:
        [(key_id, secret)] = db.execute("SELECT id, secret FROM record_keys")
    assert len(secret) == 32
    for each in path.parent.glob("archive.sqlite*"):
        content = each.read_bytes()
        assert MARKER not in content
        if not each.name.startswith("archive.sqlite.keys"):
            assert secret not in content
    assert secret in raw(path.parent)
    assert key_id in path.with_name("archive.sqlite-wal").read_bytes()


def test_erased_the_token_is_bare_and_its_key_is_in_no_file(archive, path):
    archive.append([version(1), version(2), version(3, sub="incident--2")], STAMP)
    with closing(sqlite3.connect(keys_path(path))) as db:
        keys = dict(db.execute("SELECT sub, secret FROM record_keys"))
    [erased] = archive.erase([("cert-aq", "incident--1")], at=7, reason="law")
    assert (erased.sub, erased.at, erased.reason) == ("incident--1", 7, "law")
    assert erased.token_ids == (ID[1], ID[2])
    content = raw(path.parent)
    assert keys["incident--1"] not in content
    assert keys["incident--2"] in content
    for number in (1, 2):
        found = archive.get(ID[number])
        assert (found.token, found.erased) == (JWT + b"~", True)
    other = archive.get(ID[3])
    assert (other.token, other.erased) == (token(), False)


def test_the_chain_verifies_after_an_erasure_as_before(archive):
    stored = archive.append([version(1), version(2)], STAMP)
    archive.erase([("cert-aq", "incident--1")], at=7, reason="law")
    link = ""
    for before, each in zip(stored, archive.since(), strict=True):
        stamp = seen.verify_stamp(each.stamp, directory(), now=NOW)
        assert (stamp.prev, stamp.token) == (link, each.token_id)
        assert each.stamp == before.stamp
        link = stamp.link
    assert archive.continues(2, link)
    assert archive.first_seen([ID[1]]) == {ID[1]: int(NOW)}


def test_erasing_again_says_the_same_and_changes_nothing_more(archive):
    archive.append([version(1)], STAMP)
    first = archive.erase([("cert-aq", "incident--1")], at=7, reason="law")
    again = archive.erase([("cert-aq", "incident--1")], at=7, reason="law")
    assert first == again == archive.erased() == archive.erased(7)
    assert archive.erased(8) == []


def test_a_version_that_comes_after_the_erasure_has_a_key_of_its_own(archive):
    archive.append([version(1)], STAMP)
    archive.erase([("cert-aq", "incident--1")], at=7, reason="mistake")
    archive.append([version(2)], STAMP)
    assert archive.get(ID[2]).token == token()
    assert archive.get(ID[1]).erased
    assert archive.tokens_of("cert-aq", "incident--1") == [ID[1], ID[2]]


def test_sealed_parts_and_further_signatures_come_back_and_sealed_parts_go(archive):
    whole = Carried(
        token(), (carried.Signature(b"aGVhZA", b"c2lnMg"),), (MARKER, b"QUJD")
    )
    archive.append([version(1, body=carried.encode(whole))], STAMP)
    assert carried.decode(archive.get(ID[1]).token) == whole
    archive.erase([("cert-aq", "incident--1")], at=7, reason="law")
    left = carried.decode(archive.get(ID[1]).token)
    assert left == msgspec.structs.replace(whole, token=JWT + b"~", sealed=())


def test_an_archive_put_back_without_its_keys_is_not_opened_silently(path):
    with open_archive(path) as archive:
        archive.append([version(1)], STAMP)
    keys_path(path).unlink()
    with (
        pytest.raises(ConfigError, match=r"put archive\.sqlite\.keys beside it"),
        open_archive(path),
    ):
        pytest.fail("it is open")
    keys_path(path).touch(mode=0o600)  # as the error says
    with open_archive(path) as archive:
        assert archive.get(ID[1]).erased


def test_what_was_changed_in_the_file_does_not_open(archive, path):
    archive.append([version(1), version(2)], STAMP)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            "UPDATE tokens SET hidden = (SELECT hidden FROM tokens WHERE number = 2) "
            "WHERE number = 1"
        )
    with pytest.raises(ConfigError, match="number 1 does not open"):
        archive.get(ID[1])
    assert archive.get(ID[2]).token == token()


def test_an_archive_from_before_there_were_keys_is_put_under_keys(path):
    """Made by hand as version 3 had it."""
    with open_archive(path) as archive:
        [one, two] = archive.append([version(1), version(2)], STAMP)
    keys_path(path).unlink()
    with closing(sqlite3.connect(path)) as db, db:
        packed = zstandard.ZstdCompressor().compress(token())
        db.execute("UPDATE tokens SET token = ?", (packed,))
        db.execute("DROP INDEX tokens_readable")
        db.execute("ALTER TABLE tokens DROP COLUMN key_id")
        db.execute("ALTER TABLE tokens DROP COLUMN hidden")
        db.execute("DROP TABLE erased")
        db.execute("DROP TABLE in_clear")
        db.execute("PRAGMA user_version = 3")
    with open_archive(path) as archive:
        # The marker is not text that compresses, so it would stand there.
        assert MARKER not in raw(path.parent)
        assert [each.token for each in archive.since()] == [token(), token()]
        assert [each.stamp for each in archive.since()] == [one.stamp, two.stamp]
        archive.erase([("cert-aq", "incident--1")], at=7, reason="law")
        assert archive.get(ID[2]).erased
    assert MARKER in packed
