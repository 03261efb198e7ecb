"""broker.directory_history: older versions stay, and say who signed them."""

import json

import msgspec
import pytest
from securesystemslib.signer import CryptoSigner

from broker.directory_change import Change
from broker.directory_history import contradictions, history, version_files
from broker.errors import TrustError
from tests.support import records
from tests.support.directories import CERT, Shelf, keyring, signer, text
from tests.support.tuf_groups import private_key

NEWS = {"members/newsroom-dx.json": text(records.member(records.signer("newsroom-dx")))}
OTHER = signer("another")


@pytest.fixture
def shelf():
    """Three versions; before the third, industry's key was replaced."""
    made = Shelf()
    made.decide(Change(files=NEWS), ["industry", "civil-society"])
    groups = {**keyring().groups, "industry": OTHER.jwk}
    keys = keyring(
        groups=groups, suspending={**keyring().suspending, "industry": OTHER.jwk}
    )
    made.decide(Change(keys=keys), ["government", "civil-society", OTHER])
    return made


def test_each_version_says_who_signed_it(shelf):
    found = [(v.role, v.number, v.signed) for v in history(shelf.fetch, shelf.state)]
    everybody = ("civil-society", "government", "industry")
    assert found == [
        ("root", 1, everybody),
        ("root", 2, everybody),
        ("targets", 1, everybody),
        ("targets", 2, ("civil-society", "industry")),
        ("targets", 3, everybody),
    ]


def test_a_version_that_is_not_there_any_more_is_left_out(shelf):
    del shelf.files["metadata/1.targets.json"]
    numbers = [
        v.number for v in history(shelf.fetch, shelf.state) if v.role == "targets"
    ]
    assert numbers == [2, 3]
    with pytest.raises(TrustError, match="directory-untrusted"):
        version_files(shelf.fetch, shelf.state, 1)


def test_a_signature_that_does_not_hold_is_not_told(shelf):
    path = "metadata/2.targets.json"
    shelf.files[path] = shelf.files[path].replace(b"newsroom", b"newsr00m")
    [version] = [
        v
        for v in history(shelf.fetch, shelf.state)
        if (v.role, v.number) == ("targets", 2)
    ]
    assert version.signed == ()
    with pytest.raises(TrustError, match="directory-untrusted"):
        version_files(shelf.fetch, shelf.state, 2)


def test_a_version_that_one_group_alone_signed_was_never_one(shelf):
    path = "metadata/2.targets.json"
    tree = json.loads(shelf.files[path])
    del tree["signatures"][1]
    shelf.files[path] = json.dumps(tree).encode()
    with pytest.raises(TrustError, match="directory-untrusted"):
        version_files(shelf.fetch, shelf.state, 2)


def test_what_nobody_can_have_signed_is_refused(shelf):
    path = "metadata/1.targets.json"
    tree = json.loads(shelf.files[path])
    tree["signed"]["x"] = 1.5  # canonical JSON has no fractions
    shelf.files[path] = json.dumps(tree).encode()
    with pytest.raises(TrustError, match="directory-untrusted"):
        list(history(shelf.fetch, shelf.state))
    with pytest.raises(TrustError, match="directory-untrusted"):
        version_files(shelf.fetch, shelf.state, 1)


def test_a_version_whose_files_have_another_hash_alone_is_refused(shelf):
    targets = shelf.state.targets
    for each in targets.signed.targets.values():
        each.hashes = {"sha512": "0" * 128}
    for name in ("government", "civil-society"):
        targets.sign(CryptoSigner(private_key(f"tuf {name}")), append=True)
    shelf.files["metadata/3.targets.json"] = targets.to_bytes()
    with pytest.raises(TrustError, match="directory-untrusted"):
        version_files(shelf.fetch, shelf.state, 3)


def test_keys_that_no_root_had_are_nobodys(shelf):
    path = "metadata/1.targets.json"
    tree = json.loads(shelf.files[path])
    tree["signatures"] = [{"keyid": "f" * 64, "sig": "00"}]
    shelf.files[path] = json.dumps(tree).encode()
    [version] = [
        v
        for v in history(shelf.fetch, shelf.state)
        if (v.role, v.number) == ("targets", 1)
    ]
    assert version.signed == ()


def test_the_files_of_an_older_version_are_those_that_were_signed(shelf):
    assert {*version_files(shelf.fetch, shelf.state, 1)} == {*CERT}
    assert {*version_files(shelf.fetch, shelf.state, 2)} == {*CERT, *NEWS}


@pytest.mark.parametrize("bend", ["missing", "another"])
def test_a_file_of_an_older_version_is_checked(shelf, bend):
    state = shelf.state
    [place] = [path for path in shelf.files if path.endswith("newsroom-dx.json")]
    data = shelf.files.pop(place)
    if bend == "another":
        shelf.files[place] = data + b" "
    with pytest.raises(TrustError, match="directory-untrusted"):
        version_files(shelf.fetch, state, 2)


@pytest.mark.parametrize("data", [b"", b"{}", None])
def test_what_is_no_metadata_of_members_is_refused(shelf, data):
    other = shelf.files["metadata/1.snapshot.json"] if data is None else data
    shelf.files["metadata/2.targets.json"] = other
    with pytest.raises(TrustError, match="directory-untrusted"):
        [*history(shelf.fetch, shelf.state)]


def test_a_version_under_another_number_is_refused(shelf):
    shelf.files["metadata/2.targets.json"] = shelf.files["metadata/1.targets.json"]
    with pytest.raises(TrustError, match="directory-untrusted"):
        version_files(shelf.fetch, shelf.state, 2)


def test_a_copy_that_is_only_older_contradicts_nothing(shelf):
    found = [*history(shelf.fetch, shelf.state)]
    assert contradictions(found, found[:3]) == []
    other = msgspec.structs.replace(found[3], sha256="0" * 64)
    assert contradictions(found, [other]) == [(found[3], other)]
    assert contradictions([], [other]) == []
