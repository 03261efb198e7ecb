"""broker.directory_publication and directory_folder: static files, whole at any moment."""

import os
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from broker import (
    directory_folder,
    directory_proposal,
    directory_publication,
    directory_state,
)
from broker.directory_change import Change
from broker.directory_publication import (
    File,
    publication,
    refreshed,
    tried,
    unfinished,
)
from broker.directory_roles import ONLINE_LIFE
from broker.directory_state import read
from broker.errors import ConfigError, TrustError
from tests.support import records
from tests.support.directories import CERT, NOW, Shelf, keyring, signer, text
from tests.support.test_tuf_groups import client, loaded

NEWS = {"members/newsroom-dx.json": text(records.member(records.signer("newsroom-dx")))}


@pytest.fixture
def shelf():
    return Shelf()


def made(shelf, change=None):
    change = change or Change(files=NEWS, removed=tuple(CERT), renew=True)
    seen = shelf.checked(
        shelf.signed(shelf.propose(change), ["industry", "government", "civil-society"])
    )
    return publication(shelf.state, seen, signer("online"), now=NOW)


def test_whoever_reads_while_it_is_written_finds_one_whole_version(shelf):
    before = shelf.state.targets.signed.version
    for file in made(shelf):
        assert shelf.state.targets.signed.version == before
        shelf.files[file.path] = file.data
    assert file.path == directory_publication.TIMESTAMP
    assert shelf.state.targets.signed.version == before + 1


def test_nothing_that_stands_is_changed_but_the_timestamp(shelf):
    changed = [each.path for each in made(shelf) if each.path in shelf.files]
    assert changed == [directory_publication.TIMESTAMP]


def test_what_did_not_change_is_not_written_again(shelf):
    paths = [each.path for each in made(shelf, Change(files=NEWS))]
    assert not any("cert-aq" in path or "suspensions" in path for path in paths)


def test_signatures_that_count_for_nothing_are_not_published(shelf):
    proposal = shelf.signed(shelf.propose(Change(files=NEWS)))
    document = proposal.documents["targets"]
    document.signatures["0" * 64] = "00"
    seen = shelf.checked(proposal)
    files = publication(shelf.state, seen, signer("online"), now=NOW)
    [targets] = [each for each in files if each.path == "metadata/2.targets.json"]
    assert b'"' + b"0" * 64 not in targets.data


def test_a_refresh_is_a_new_snapshot_and_timestamp_and_nothing_else(shelf):
    then = NOW + timedelta(days=1)
    files = refreshed(shelf.state, signer("online"), now=then)
    assert [each.path for each in files] == [
        "metadata/2.snapshot.json",
        directory_publication.TIMESTAMP,
    ]
    state = tried(shelf.fetch, files, shelf.pinned)
    assert state.timestamp.signed.expires == then + ONLINE_LIFE
    assert state.targets.signed.version == shelf.state.targets.signed.version


def test_a_refresh_needs_the_online_key(shelf):
    with pytest.raises(ConfigError, match="not the key"):
        refreshed(shelf.state, signer("government"), now=NOW)


def test_what_clients_would_refuse_is_noticed_before_it_is_written(shelf):
    files = tuple(each for each in made(shelf) if "targets/members" not in each.path)
    with pytest.raises(TrustError, match="directory-untrusted"):
        tried(shelf.fetch, files, shelf.pinned)


def test_what_is_larger_than_clients_take_is_noticed_before_it_is_written(
    shelf, monkeypatch
):
    files = made(shelf)
    assert tried(shelf.fetch, files, shelf.pinned)
    largest = max(len(each.data) for each in files)
    monkeypatch.setattr(directory_state, "MAX_METADATA_BYTES", largest - 1)
    with pytest.raises(TrustError, match="directory-untrusted"):
        tried(shelf.fetch, files, shelf.pinned)


# ------------------------------------------------------------------ broken off

OTHER = signer("another")


def other_keys():
    groups = {**keyring().groups, "industry": OTHER.jwk}
    held = {**keyring().suspending, "industry": OTHER.jwk}
    return Change(keys=keyring(groups=groups, suspending=held, online=NEW.jwk))


NEW = signer("online-2")


def test_what_broke_off_at_any_file_is_finished_by_publishing_again(shelf):
    proposal = shelf.signed(
        shelf.propose(other_keys()), ["government", "civil-society", OTHER]
    )
    state = shelf.state
    files = publication(state, shelf.checked(proposal), NEW, now=NOW)
    before = dict(shelf.files)
    for written in range(len(files)):
        shelf.files = before | {each.path: each.data for each in files[:written]}
        looked_past = unfinished(shelf.fetch, proposal)
        assert (looked_past is not None) == (written == len(files) - 1)
        found = read(looked_past or shelf.fetch, shelf.pinned)
        seen = directory_proposal.checked(found, proposal, now=NOW)
        again = publication(found, seen, NEW, now=NOW)
        after = tried(shelf.fetch, again, shelf.pinned)
        assert after.root.signed.version == 2


def test_a_root_that_another_proposal_left_is_not_looked_past(shelf):
    renewal = shelf.propose(Change(renew=True))
    assert unfinished(shelf.fetch, renewal) is None
    assert unfinished(shelf.fetch, shelf.propose(Change(files=NEWS))) is None
    shelf.files["metadata/2.root.json"] = shelf.pinned
    assert unfinished(shelf.fetch, renewal) is None
    shelf.files["metadata/2.root.json"] = b"{}"
    assert unfinished(shelf.fetch, renewal) is None


# ------------------------------------------------------------------------ files


def test_what_is_written_python_tufs_own_client_reads(tmp_path):
    shelf = Shelf()
    shelf.now = datetime.now(UTC).replace(microsecond=0)
    shelf.decide(Change(files=NEWS, renew=True))
    folder = tmp_path / "public"
    directory_folder.write(folder, [File(p, d) for p, d in shelf.files.items()])
    assert directory_folder.load_state(folder, shelf.pinned).files == shelf.state.files
    written = SimpleNamespace(pinned=shelf.pinned, folder=folder)
    updater = client(written, tmp_path / "cache")
    assert loaded(updater, "members/newsroom-dx.json")["org"] == "newsroom-dx"


def test_a_folder_without_a_directory_is_told(tmp_path):
    with pytest.raises(ConfigError, match="no directory"):
        directory_folder.load_state(tmp_path, b"")


def test_a_path_that_leads_out_of_the_folder_is_none(tmp_path):
    (tmp_path / "secret").write_text("x")
    fetch = directory_folder.fetcher(tmp_path / "public")
    assert fetch("../secret", 10) is None
    assert fetch("a\0b", 10) is None


def test_a_file_larger_than_it_may_be_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"12345")
    assert directory_folder.fetcher(tmp_path)("x", 5) == b"12345"
    with pytest.raises(TrustError, match="directory-untrusted"):
        directory_folder.fetcher(tmp_path)("x", 4)


def test_what_is_no_file_is_none(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    fetch = directory_folder.fetcher(tmp_path)
    assert [fetch(name, 4) for name in ("folder", "pipe", "folder/x", "pipe/x")] == [
        None
    ] * 4


def test_a_file_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    def broken(self, mode):
        raise OSError(5, "Input/output error")

    (tmp_path / "x").write_bytes(b"x")
    monkeypatch.setattr(type(tmp_path), "open", broken)
    with pytest.raises(ConfigError, match="cannot read"):
        directory_folder.fetcher(tmp_path)("x", 4)


def test_two_publishers_take_turns(tmp_path):
    with (
        directory_folder.locked(tmp_path),
        pytest.raises(ConfigError, match="somebody"),
        directory_folder.locked(tmp_path),
    ):
        pass
    with directory_folder.locked(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_or_written_is_told(tmp_path):
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(ConfigError, match="cannot write"),
        directory_folder.locked(tmp_path / "file"),
    ):
        pass
    with pytest.raises(ConfigError, match="cannot write"):
        directory_folder.write(tmp_path / "file", [File("x", b"")])


def test_a_write_that_fails_leaves_no_unfinished_file(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left"):
        directory_folder.write(tmp_path, [File("metadata/x.json", b"x")])
    assert [*(tmp_path / "metadata").iterdir()] == []
