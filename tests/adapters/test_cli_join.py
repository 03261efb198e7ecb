"""`tocsin join`, `welcome`, `start`: from the wish to be a member to a configuration."""

import json
import stat
import time

import msgspec
import pytest

from adapters.cli import main as command
from adapters.config import PublisherConfig, load
from broker import join_request
from broker.keys import Jwk
from broker.seal_keys import SealingKey
from schemas import timestamps
from tests.support.records import signer
from tests.support.tuf_groups import Groups

BROKER = "amqps://127.0.0.1:5671/"


class Desk:
    """The member's folder and the hub's, in one place."""

    def __init__(self, folder, capfd):
        self.folder = folder
        self._capfd = capfd

    def __call__(self, *arguments):
        code = command.run([str(each) for each in arguments])
        self.said = "".join(self._capfd.readouterr())
        return code

    def join(self, *more, org="cert-bx", out="bx"):
        return self(
            "join", "--org", org, "--name", "CERT Borduria", "--country", "XB",
            "--audience", "peer-cert", "--contact", "duty@cert-bx.example",
            "--out", self.folder / out, *more,
        )  # fmt: skip

    @property
    def asked(self):
        data = (self.folder / "bx" / "cert-bx.join.json").read_bytes()
        return join_request.read(data)

    def admit(self, member=None):
        folder = self.folder / "directory" / "members"
        folder.mkdir(parents=True, exist_ok=True)
        entry = msgspec.json.encode(member or self.asked.member)
        (folder / "cert-bx.json").write_bytes(entry)

    def welcome(self, *more):
        return self(
            "welcome", self.folder / "bx" / "cert-bx.join.json",
            "--ca", self.folder / "ca", "--broker", BROKER,
            "--out", self.folder / "cert-bx.welcome.json", *more,
            *(() if "--directory" in more else ("--directory", self.folder / "directory")),
        )  # fmt: skip

    def start(self, *more):
        file = self.folder / "cert-bx.welcome.json"
        return self("start", file, "--folder", self.folder / "bx", *more)


@pytest.fixture
def desk(tmp_path, capfd):
    return Desk(tmp_path, capfd)


@pytest.fixture
def welcomed(desk):
    """A desk where the welcome has come; with its fingerprint."""
    desk.join("--publishes", "incident,campaign")
    desk("broker", "ca", "--out", desk.folder / "ca")
    desk.admit()
    assert desk.welcome("--json") == 0
    desk.fingerprint = json.loads(desk.said)["fingerprint"]
    return desk


def test_join_makes_keys_that_stay_and_one_file_that_goes(desk):
    assert desk.join("--publishes", "incident,campaign", "--exercise") == 0
    folder = desk.folder / "bx"
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()}
    secret = {"cert-bx.key", "cert-bx.tls.key", "cert-bx.sealing.key"}
    assert {name for name, mode in modes.items() if mode == 0o600} == secret
    asked = desk.asked
    assert asked.member.kinds == ("incident", "campaign", "correction", "retraction")
    assert asked.member.exercise
    assert asked.member.contacts == ("duty@cert-bx.example",)
    # Four lines of four groups, as they are read aloud.
    flat = " ".join(desk.said.split())
    assert asked.fingerprint in flat
    assert "nothing in it is secret" in flat


def test_the_request_holds_no_private_key(desk):
    desk.join()
    sent = (desk.folder / "bx" / "cert-bx.join.json").read_bytes()
    for name in ("cert-bx.key", "cert-bx.tls.key", "cert-bx.sealing.key"):
        secret = (desk.folder / "bx" / name).read_bytes().splitlines()[1]
        assert secret not in sent


@pytest.mark.parametrize(
    ("word", "kinds"),
    [("x25519", ["X25519"]), ("hybrid", ["MLKEM768-X25519"]), ("none", [])],
)
def test_a_key_to_seal_to_is_asked_for_along_unless_it_is_not_wanted(desk, word, kinds):
    assert desk.join("--sealing", word) == 0
    sealing = desk.asked.member.sealing
    assert [SealingKey(each.jwk).kind for each in sealing] == kinds
    [key] = desk.asked.member.keys
    assert {each.not_after for each in sealing} <= {key.not_after}


def test_who_only_receives_asks_for_no_kinds(desk):
    desk.join("--clearance", "green", "--language", "en", "--jurisdiction", "XB")
    member = desk.asked.member
    assert (member.kinds, member.clearance, member.languages) == ((), "GREEN", ("en",))


def test_a_key_that_exists_is_asked_for_and_none_is_made(desk):
    desk("keygen", "--org", "cert-bx", "--out", desk.folder / "old")
    old = desk.folder / "old" / "cert-bx.key"
    assert desk.join("--key", old, "--json") == 0
    known = msgspec.json.decode(old.with_suffix(".jwk").read_bytes(), type=Jwk)
    assert json.loads(desk.said)["kid"] == known.kid
    assert not (desk.folder / "bx" / "cert-bx.key").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--publishes", "rumour"), "cannot be asked for"),
        (("--clearance", "purple"), "a clearance is"),
        (("--years", "9"), "1 to 3 years"),
    ],
)
def test_what_nobody_may_ask_for_is_told_before_a_key_is_made(desk, more, said):
    assert desk.join(*more) == 2
    assert said in desk.said
    assert not (desk.folder / "bx").exists()


def test_a_second_request_does_not_replace_the_first(desk):
    desk.join()
    before = desk.asked
    assert desk.join() == 2
    assert "exists already" in desk.said
    assert desk.asked == before


def test_who_is_not_admitted_gets_no_certificate(desk):
    desk.join()
    desk("broker", "ca", "--out", desk.folder / "ca")
    other = signer("cert-bx").jwk
    [key] = desk.asked.member.keys
    replaced = msgspec.structs.replace(key, jwk=other)
    desk.admit(msgspec.structs.replace(desk.asked.member, keys=(replaced,)))
    assert desk.welcome() == 1
    assert "not-admitted" in desk.said
    revoked = msgspec.structs.replace(key, revoked_at="2026-01-01T00:00:00Z")
    desk.admit(msgspec.structs.replace(desk.asked.member, keys=(revoked,)))
    assert desk.welcome() == 1
    assert not (desk.folder / "cert-bx.welcome.json").exists()


def test_the_welcome_says_what_to_read_and_what_is_left_to_do(desk):
    desk.join()
    desk("broker", "ca", "--out", desk.folder / "ca")
    desk.admit()
    assert desk.welcome() == 0
    assert "tocsin broker apply" in desk.said
    assert 'org = "cert-bx"' in desk.said


def test_no_secret_travels_with_the_welcome(welcomed):
    sent = (welcomed.folder / "cert-bx.welcome.json").read_bytes()
    assert b"PRIVATE" not in sent


def test_start_writes_nothing_before_the_fingerprint_was_compared(welcomed):
    before = sorted((welcomed.folder / "bx").iterdir())
    assert welcomed.start() == 2
    assert welcomed.fingerprint in " ".join(welcomed.said.split())
    assert "nothing is written yet" in welcomed.said
    assert welcomed.start("--fingerprint", "0" * 64) == 1
    assert "welcome-changed" in welcomed.said
    assert sorted((welcomed.folder / "bx").iterdir()) == before


def test_start_writes_a_configuration_that_loads(welcomed):
    assert welcomed.start("--fingerprint", welcomed.fingerprint) == 0
    assert "tocsin doctor --config" in welcomed.said
    config = load(welcomed.folder / "bx" / "cert-bx.toml", PublisherConfig)
    assert (config.org, config.broker.url) == ("cert-bx", BROKER)
    for file in (
        config.broker.ca_file,
        config.broker.cert_file,
        config.broker.key_file,
    ):
        assert file.exists()
    assert welcomed.start("--fingerprint", welcomed.fingerprint) == 2
    assert "exists already" in welcomed.said


def test_an_answer_that_was_changed_on_the_way_is_not_used(welcomed):
    file = welcomed.folder / "cert-bx.welcome.json"
    file.write_bytes(file.read_bytes().replace(b"127.0.0.1", b"127.0.0.2"))
    assert welcomed.start("--fingerprint", welcomed.fingerprint) == 1
    assert "welcome-changed" in welcomed.said


def test_the_answer_to_somebody_else_is_told_as_that(welcomed):
    (welcomed.folder / "bx" / "cert-bx.join.json").unlink()
    key = welcomed.folder / "bx" / "cert-bx.key"
    (welcomed.folder / "bx" / "cert-bx.sealing.key").unlink()
    (welcomed.folder / "bx" / "cert-bx.tls.key").unlink()
    assert welcomed.join("--key", key) == 0
    assert welcomed.start() == 1
    assert "welcome-foreign" in welcomed.said


def test_the_root_of_the_directory_goes_along_to_be_pinned(welcomed):
    root = welcomed.folder / "root.json"
    root.write_text('{"signed": {"_type": "root"}}')
    (welcomed.folder / "cert-bx.welcome.json").unlink()
    url = "https://hub.example/directory"
    assert welcomed.welcome("--directory-url", url) == 2
    assert welcomed.welcome("--directory-url", url, "--root", root, "--json") == 0
    told = json.loads(welcomed.said)["fingerprint"]
    assert welcomed.start() == 2
    assert url in welcomed.said
    assert welcomed.start("--fingerprint", told, "--json") == 0
    assert len(json.loads(welcomed.said)["files"]) == 4
    pinned = welcomed.folder / "bx" / "cert-bx.root.json"
    assert pinned.read_text() == root.read_text()


@pytest.fixture
def groups(desk):
    """A signed directory that has admitted the member; `hub.toml` says where it is."""
    desk.join()
    desk("broker", "ca", "--out", desk.folder / "ca")
    made = Groups(desk.folder / "www")
    made.put("members/cert-bx.json", msgspec.json.encode(desk.asked.member))
    made.publish()
    (desk.folder / "root.json").write_bytes(made.pinned)
    (desk.folder / "hub.toml").write_text(
        f'[directory]\nurl = "{made.folder.as_uri()}"\nroot = "root.json"\n'
        'cache = "cache"\n'
    )
    return made


def test_a_directory_that_groups_signed_admits(desk, groups):
    assert desk.welcome("--directory", desk.folder / "hub.toml") == 0


def test_who_is_suspended_is_not_welcome(desk, groups):
    since = timestamps.from_epoch(time.time() - 60)
    entry = {"org": "cert-bx", "reason": "key lost", "since": since}
    groups.suspend("industry", [entry])
    assert desk.welcome("--directory", desk.folder / "hub.toml") == 1
    assert "member-suspended" in desk.said
    assert not (desk.folder / "cert-bx.welcome.json").exists()


def test_a_key_that_is_elsewhere_must_be_named(welcomed):
    elsewhere = welcomed.folder / "elsewhere.key"
    (welcomed.folder / "bx" / "cert-bx.key").rename(elsewhere)
    told = ("--fingerprint", welcomed.fingerprint)
    assert welcomed.start(*told) == 2
    assert "--key" in welcomed.said
    assert not (welcomed.folder / "bx" / "cert-bx.toml").exists()
    assert welcomed.start(*told, "--key", elsewhere) == 0
    config = load(welcomed.folder / "bx" / "cert-bx.toml", PublisherConfig)
    assert config.key == str(elsewhere)
