"""The archive: what was accepted stays, once, in order."""

import pytest

from broker.archive import Archived, open_archive
from broker.errors import ConfigError


def item(number, *, token=b"token", first_seen=1000.0):
    return Archived(
        token_id=f"id-{number}",
        issuer="cert-aq",
        sub=f"incident--{number}",
        ver="2026-02-01T10:00:00Z",
        kind="incident",
        tlp="GREEN",
        first_seen=first_seen,
        token=token,
    )


@pytest.fixture
def archive(tmp_path):
    with open_archive(tmp_path / "archive.sqlite") as opened:
        yield opened


def ids(found):
    return [each.token_id for each in found]


def test_a_token_comes_back_as_it_was(archive):
    token = b"header.payload.signature~" * 10_000
    archive.append([item(1, token=token)])
    found = archive.get("id-1")
    assert found.token == token
    assert (found.number, found.issuer, found.tlp) == (1, "cert-aq", "GREEN")


def test_an_unknown_token_is_not_there(archive):
    assert archive.get("id-1") is None
    assert archive.first_seen(["id-1"]) == {}


def test_a_token_archived_twice_keeps_its_first_moment(archive):
    archive.append([item(1, first_seen=1000.0)])
    archive.append([item(1, first_seen=2000.0), item(2, first_seen=2000.0)])
    assert archive.first_seen(["id-1", "id-2"]) == {"id-1": 1000.0, "id-2": 2000.0}
    assert ids(archive.since()) == ["id-1", "id-2"]


def test_reading_goes_through_all_pages_in_order(archive):
    archive.append([item(number) for number in range(1, 131)])
    assert ids(archive.since()) == [f"id-{number}" for number in range(1, 131)]


def test_reading_goes_on_where_it_stopped(archive):
    archive.append([item(number) for number in range(1, 6)])
    assert ids(archive.since(after=3)) == ["id-4", "id-5"]


def test_reading_leaves_out_what_was_seen_before_a_moment(archive):
    archive.append([item(n, first_seen=1000.0 + n) for n in range(1, 6)])
    assert ids(archive.since(1004.0)) == ["id-4", "id-5"]


def test_the_archive_is_read_while_the_gate_writes(archive, tmp_path):
    archive.append([item(number) for number in range(1, 101)])
    with open_archive(tmp_path / "archive.sqlite") as reader:
        reading = reader.since()
        next(reading)
        archive.append([item(101)])
        assert ids(reading)[-1] == "id-101"


def test_nobody_else_may_open_it(tmp_path):
    path = tmp_path / "archive.sqlite"
    with open_archive(path):
        assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="type: chmod 600"), open_archive(path):
        pytest.fail("it is open")
