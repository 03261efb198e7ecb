"""Our SQLite files: private, whole or not at all, and for one user at a time."""

import sqlite3
from pathlib import Path

import msgspec
import pytest

from broker.errors import ConfigError
from broker.private_sqlite import Layout, make_private, open_private

LAYOUT = Layout(
    name="a test file",
    application_id=7,
    version=2,
    tables=("CREATE TABLE things (name TEXT PRIMARY KEY)",),
    exclusive=True,
)


def refuses(path, words, layout=LAYOUT):
    with pytest.raises(ConfigError, match=words), open_private(path, layout):
        pytest.fail("it is open")


def add(file, *names):
    with file.transaction() as db:
        for name in names:
            db.execute("INSERT INTO things VALUES (?)", (name,))


def names(file):
    return [name for (name,) in file.rows("SELECT name FROM things ORDER BY name")]


def test_a_new_file_is_readable_by_its_owner_alone(tmp_path):
    path = tmp_path / "file"
    with open_private(path, LAYOUT) as file:
        add(file, "one")
        modes = {each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    assert modes == {0o600}


@pytest.mark.parametrize(("mode", "refused"), [(0o600, False), (0o644, True)])
def test_a_file_that_another_process_makes_meanwhile_is_taken_if_it_is_private(
    mode, refused, tmp_path, monkeypatch
):
    def is_not_there_yet(path):
        path.touch(mode)
        return False

    monkeypatch.setattr(Path, "exists", is_not_there_yet)
    if refused:
        with pytest.raises(ConfigError, match="open to others"):
            make_private(tmp_path / "file")
    else:
        make_private(tmp_path / "file")


def test_a_transaction_that_fails_is_undone_and_a_mistake_of_ours_stays_one(tmp_path):
    with open_private(tmp_path / "file", LAYOUT) as file:
        with pytest.raises(sqlite3.IntegrityError):
            add(file, "lost", "lost")
        add(file, "kept")
        assert names(file) == ["kept"]


def test_a_file_in_use_is_refused_and_stays_usable_for_its_user(tmp_path):
    path = tmp_path / "file"
    with open_private(path, LAYOUT) as file:
        refuses(path, "in use by another process")
        refuses(path, "in use by another process")  # the first refusal freed nothing
        add(file, "kept")
    with open_private(path, LAYOUT) as file:
        assert names(file) == ["kept"]


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "file"
    with open_private(path, LAYOUT):
        pass
    other = Layout(
        name="another file", application_id=8, version=2, tables=(), exclusive=True
    )
    refuses(path, "is not another file", other)


def test_a_file_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "file"
    with open_private(path, LAYOUT) as file, file.transaction() as db:
        db.execute("PRAGMA user_version=3")
    refuses(path, "newer version")


def test_a_file_of_an_older_version_is_refused(tmp_path):
    path = tmp_path / "file"
    with open_private(path, LAYOUT) as file, file.transaction() as db:
        db.execute("PRAGMA user_version=1")
    refuses(path, "older version")


def test_what_is_no_database_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"no database" * 1000)
    path.chmod(0o600)
    refuses(path, "SQLITE_NOTADB")


def test_a_folder_and_a_missing_folder_are_refused(tmp_path):
    refuses(tmp_path, "no regular file")
    refuses(tmp_path / "missing" / "file", "No such file")


def test_a_disk_that_fails_is_the_operators_fault_and_shows_no_values(tmp_path):
    with open_private(tmp_path / "file", LAYOUT) as file:
        file.rows("PRAGMA max_page_count=1")
        with pytest.raises(ConfigError) as caught:
            add(file, "CANARY" * 100_000)
        assert "SQLITE_FULL" in str(caught.value)
        assert "CANARY" not in str(caught.value)


def test_a_file_of_an_older_version_is_brought_up_to_date_with_what_is_in_it(
    tmp_path: Path,
) -> None:
    old = Layout(
        name="a file", application_id=7, version=1, exclusive=True,
        tables=("CREATE TABLE a (x)",),
    )  # fmt: skip
    new = msgspec.structs.replace(
        old,
        version=3,
        tables=("CREATE TABLE a (x, y)", "CREATE TABLE b (z)"),
        upgrades={1: ("ALTER TABLE a ADD COLUMN y",), 2: ("CREATE TABLE b (z)",)},
    )
    path = tmp_path / "file"
    with open_private(path, old) as file, file.transaction() as db:
        db.execute("INSERT INTO a VALUES (1)")
    for _ in range(2):
        with open_private(path, new) as file:
            assert file.rows("SELECT x, y FROM a") == [(1, None)]
            assert file.rows("SELECT z FROM b") == []
    with pytest.raises(ConfigError, match="newer version"), open_private(path, old):
        pass


def test_a_version_from_which_no_way_leads_is_refused_and_nothing_changed(
    tmp_path: Path,
) -> None:
    old = Layout(
        name="a file", application_id=7, version=1, exclusive=True,
        tables=("CREATE TABLE a (x)",),
    )  # fmt: skip
    new = msgspec.structs.replace(old, version=3, upgrades={1: ("DROP TABLE a",)})
    path = tmp_path / "file"
    with open_private(path, old):
        pass
    with pytest.raises(ConfigError, match="older version"), open_private(path, new):
        pass
    with open_private(path, old) as file:
        assert file.rows("SELECT x FROM a") == []
