"""Keys of pseudonyms as files: made once, private, destroyed when outlived."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from structlog.testing import capture_logs

from adapters import pseudonym_files
from adapters.pseudonym_files import open_keys, read_key
from broker.errors import ConfigError
from schemas import timestamps

NOW = timestamps.epoch("2026-11-22T12:00:00Z")
NEXT = timestamps.epoch("2027-01-02T12:00:00Z")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "pseudonyms"


def opened(folder, *, now=NOW, keep=2):
    return open_keys(folder, "quarter", keep, now=now)


def names(folder):
    return sorted(each.name for each in folder.iterdir())


def test_keys_that_are_missing_are_made_and_private(folder):
    keys = opened(folder)
    assert names(folder) == ["2026-Q3", "2026-Q4"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in names(folder):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
        assert keys.keys[name] == (folder / name).read_bytes()
        assert len(keys.keys[name]) == 32
    assert len(set(keys.keys.values())) == 2


def test_keys_that_are_there_stay(folder):
    first = opened(folder)
    assert opened(folder) == first


def test_a_later_period_has_another_key_and_the_oldest_is_destroyed(folder):
    first, second = opened(folder), opened(folder, now=NEXT)
    assert names(folder) == ["2026-Q4", "2027-Q1"]
    assert second.keys["2026-Q4"] == first.keys["2026-Q4"]
    assert second.keys["2027-Q1"] not in first.keys.values()
    assert second.at(timestamps.epoch("2026-09-01T00:00:00Z")).key == b""


def test_a_destroyed_key_is_overwritten_wherever_else_its_file_has_a_name(
    folder, tmp_path
):
    opened(folder)
    os.link(folder / "2026-Q3", tmp_path / "other")
    opened(folder, now=NEXT)
    assert (tmp_path / "other").read_bytes() == bytes(32)


def test_a_key_that_was_removed_by_hand_is_another_one_from_then_on(folder):
    first = opened(folder)
    (folder / "2026-Q4").unlink()
    second = opened(folder)
    assert second.keys["2026-Q4"] != first.keys["2026-Q4"]
    assert second.keys["2026-Q3"] == first.keys["2026-Q3"]


def test_files_of_other_names_are_left_alone(folder):
    folder.mkdir()
    (folder / "README").write_text("keys")
    opened(folder)
    opened(folder, now=NEXT)
    assert "README" in names(folder)


def test_a_second_adapter_takes_the_key_that_the_first_one_made(folder, monkeypatch):
    link = os.link

    def late(source, target):
        if not target.exists():
            target.write_bytes(b"f" * 32)
            target.chmod(0o600)
        link(source, target)

    monkeypatch.setattr(pseudonym_files.os, "link", late)
    keys = opened(folder)
    assert set(keys.keys.values()) == {b"f" * 32}
    assert names(folder) == ["2026-Q3", "2026-Q4"]


def test_two_adapters_may_make_and_destroy_at_once(folder):
    opened(folder)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: opened(folder, now=NEXT), range(24)))
    assert {keys.keys["2027-Q1"] for keys in found} == {found[0].keys["2027-Q1"]}
    assert names(folder) == ["2026-Q4", "2027-Q1"]


def test_making_and_destroying_is_told_without_the_key(folder):
    with capture_logs() as logs:
        opened(folder)
        opened(folder, now=NEXT)
    told = [(each["event"], each["period"]) for each in logs]
    assert told == [
        ("pseudonyms.key_made", "2026-Q3"),
        ("pseudonyms.key_made", "2026-Q4"),
        ("pseudonyms.key_destroyed", "2026-Q3"),
        ("pseudonyms.key_made", "2027-Q1"),
    ]
    assert all(set(each) == {"event", "period", "log_level"} for each in logs)


@pytest.mark.parametrize("size", [0, 16, 31])
def test_a_key_that_is_too_short_is_refused(folder, size):
    opened(folder)
    (folder / "2026-Q4").write_bytes(b"k" * size)
    with pytest.raises(ConfigError, match="fewer than 32 bytes"):
        opened(folder)


def test_a_key_that_others_can_read_is_refused(folder):
    opened(folder)
    (folder / "2026-Q4").chmod(0o640)
    with pytest.raises(ConfigError, match="readable by others"):
        opened(folder)


def test_a_folder_that_cannot_be_made_is_a_configuration_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write"):
        opened(tmp_path / "file")
    with pytest.raises(ConfigError, match="cannot write"):
        opened(tmp_path / "no" / "where")


def test_the_key_of_ids_is_read_and_never_made(tmp_path):
    with pytest.raises(ConfigError, match="cannot read"):
        read_key(tmp_path / "ids.bin")
    path = tmp_path / "ids.bin"
    path.write_bytes(b"i" * 40)
    path.chmod(0o600)
    assert read_key(path) == b"i" * 40
