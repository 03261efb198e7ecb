"""broker.directory_state: a directory is what follows from a pinned root, or nothing.

The attacks against a running client are tests of the client; here is what groups check.
"""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import directory_state
from broker.directory_change import Change
from broker.directory_roles import ONLINE_LIFE
from broker.directory_state import MAX_FILE_BYTES, read, stored
from broker.errors import TrustError
from tests.support import issuing
from tests.support.directories import CERT, NOW, Shelf, keyring, text
from tests.support.tuf_groups import Groups
from tests.support.tuf_groups import signer as tuf_signer

PATH = "members/cert-aq.json"
WHOLE = Shelf()
WHOLE_STATE = WHOLE.state


@pytest.fixture
def shelf():
    return Shelf()


def refused(shelf, reason="directory-untrusted"):
    with pytest.raises(TrustError) as caught:
        shelf.state  # noqa: B018  it reads
    return caught.value.reason == reason


def test_a_directory_is_read_whole(shelf):
    state = shelf.state
    assert state.files[PATH] == CERT[PATH].encode()
    assert state.keyring == keyring()
    assert state.role("root") is state.root
    assert state.role("targets") is state.targets
    assert state.role("suspensions-hub") is state.suspensions["suspensions-hub"]
    assert state.role("suspensions-nobody") is None


def test_what_test_timelines_write_reads_alike(tmp_path):
    groups = Groups(tmp_path)
    groups.put(PATH, CERT[PATH].encode())
    groups.publish()
    groups.replace_key("industry", tuf_signer("another", "industry"))
    groups.publish(root=True, root_signers=["government", "civil-society"])

    def fetch(path, most):
        file = tmp_path / path
        return file.read_bytes() if file.exists() else None

    state = read(fetch, groups.pinned)
    assert state.root.signed.version == 2
    assert state.files[PATH] == CERT[PATH].encode()


def test_expiry_is_told_not_enforced(shelf):
    state = shelf.state
    assert state.expired(NOW) == []
    assert state.expired(NOW + ONLINE_LIFE) == ["snapshot", "timestamp"]
    soon = state.expired(NOW, within=timedelta(days=200))
    assert soon == ["targets", "snapshot", "timestamp"]
    assert {"root", "targets"} < {*state.expired(NOW + timedelta(days=365))}


@pytest.mark.parametrize(
    "name",
    ["timestamp.json", "1.snapshot.json", "1.targets.json", "1.suspensions-hub.json"],
)
def test_a_file_that_is_missing_or_changed_is_refused(shelf, name):
    path = f"metadata/{name}"
    data = shelf.files.pop(path)
    assert refused(shelf)
    shelf.files[path] = re.sub(rb'"version": ?1', b'"version":2', data)
    assert refused(shelf)
    shelf.files[path] = b"{}"
    assert refused(shelf)


@given(data=st.data())
def test_no_byte_can_be_changed_so_that_something_else_is_read(data):
    shelf = WHOLE
    path = data.draw(st.sampled_from(sorted(shelf.files)))
    at = data.draw(st.integers(0, len(shelf.files[path]) - 1))
    bent = bytearray(shelf.files[path])
    bent[at] ^= data.draw(st.integers(1, 255))

    def fetch(name, most):
        return bytes(bent) if name == path else shelf.fetch(name, most)

    try:
        found = read(fetch, shelf.pinned)
    except TrustError:
        return
    # Such as the file of the root that is pinned, or a signature beyond the threshold.
    assert found.files == WHOLE_STATE.files
    assert found.keyring == WHOLE_STATE.keyring


def test_a_member_that_is_missing_or_swapped_is_refused(shelf):
    [place] = [path for path in shelf.files if path.endswith("cert-aq.json")]
    data = shelf.files.pop(place)
    assert refused(shelf)
    shelf.files[place] = data.replace(b"peer-cert", b"platform ")
    assert refused(shelf)


def test_another_pinned_root_is_refused(shelf):
    other = Shelf(online="another")
    with pytest.raises(TrustError, match="directory-untrusted"):
        read(shelf.fetch, other.pinned)
    with pytest.raises(TrustError, match="directory-untrusted"):
        read(shelf.fetch, b"not metadata")


def test_a_party_that_states_another_file_than_its_own_is_refused(tmp_path):
    groups = Groups(tmp_path)
    groups.publish()
    groups._store(groups.suspensions["hub"].signed, "suspensions/industry.json", {})
    groups.sign(groups.suspensions["hub"], [groups.keys["hub"]])
    groups.write("1.suspensions-hub.json", groups.suspensions["hub"])

    def fetch(path, most):
        file = tmp_path / path
        return file.read_bytes() if file.exists() else None

    with pytest.raises(TrustError, match="directory-untrusted"):
        read(fetch, groups.pinned)


def test_a_file_that_states_more_bytes_than_any_may_have_is_not_fetched(tmp_path):
    groups = Groups(tmp_path)
    groups.put("policies/x.toml", b" " * (MAX_FILE_BYTES + 1))
    groups.publish()
    fetched = []

    def fetch(path, most):
        fetched.append(path)
        file = tmp_path / path
        return file.read_bytes() if file.exists() else None

    with pytest.raises(TrustError, match="directory-untrusted"):
        read(fetch, groups.pinned)
    assert not any(path.startswith("targets/") for path in fetched)


def test_an_endless_chain_of_roots_ends(monkeypatch):
    shelf = Shelf()
    for number in range(3):
        shelf.now = NOW + timedelta(days=number)
        shelf.decide(Change(renew=True))
    assert len(shelf.state.roots) == 4
    monkeypatch.setattr(directory_state, "MAX_ROOTS", 2)
    with pytest.raises(TrustError, match="directory-untrusted"):
        shelf.state  # noqa: B018  it reads


def test_a_place_holds_the_hash_that_clients_know():
    assert stored("members/cert-aq.json", "00ff") == "members/00ff.cert-aq.json"


def test_a_policy_is_a_file_of_the_directory():
    shelf = Shelf()
    shelf.decide(Change(files={"policies/default.toml": "id = 1"}))
    assert shelf.state.files["policies/default.toml"] == b"id = 1"


def test_a_service_is_a_file_of_the_directory():
    shelf = Shelf()
    hub = {"services/hub.json": text(issuing.service())}
    shelf.decide(Change(files=hub))
    assert "services/hub.json" in shelf.state.files
