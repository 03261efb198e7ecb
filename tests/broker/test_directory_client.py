"""The client of a signed directory: what it loads, refuses, keeps and remembers.

Attacks have a file of their own, test_directory_attacks.py.
"""

import json
import os
import shutil
import socketserver
import sqlite3
import threading
import time
from contextlib import closing
from hashlib import sha256
from http.server import (
    BaseHTTPRequestHandler,
    SimpleHTTPRequestHandler,
    ThreadingHTTPServer,
)

import msgspec
import pytest
from tuf.api.exceptions import DownloadError

from broker.directory import MAX_POLICIES, MAX_POLICY_BYTES, Agreed
from broker.directory_client import open_directory, read_remote
from broker.directory_fetching import HttpFetcher
from broker.errors import ConfigError, DirectoryUnavailableError, TrustError
from schemas.reasons import REASONS
from tests.support.issuing import member, signer
from tests.support.tuf_client import START, Hub

DAY = 86_400.0


@pytest.fixture
def hub(tmp_path):
    with Hub(tmp_path).clock() as made:
        yield made


def refusal(call) -> str:
    with pytest.raises(TrustError) as caught:
        call()
    assert caught.value.reason in REASONS
    return caught.value.reason


# ---------------------------------------------------------------------- loading


def test_members_keys_and_services_are_those_that_the_groups_signed(hub):
    loaded = hub.client().load()
    found = loaded.directory
    assert sorted(found.members) == ["cert-aq", "cert-bv"]
    assert found.key(signer("cert-aq").kid).org == "cert-aq"
    assert found.runs("gate")
    assert (loaded.version, loaded.is_kept, loaded.faults) == (1, False, ())


def test_it_expires_when_the_first_of_its_metadata_does(hub):
    loaded = hub.client().load()
    assert loaded.fresh_until == loaded.directory.expires == hub.now + 7 * DAY
    assert loaded.expiries == (
        ("root", hub.now + 365 * DAY),
        ("targets", hub.now + 180 * DAY),
    )


def test_a_refresh_brings_what_changed_and_keeps_what_did_not(hub):
    client = hub.client()
    before = client.load().directory
    hub.put(member("cert-cw"))
    hub.groups.publish()
    after = client.refresh().directory
    assert sorted(after.members) == ["cert-aq", "cert-bv", "cert-cw"]
    assert after.members["cert-aq"] is before.members["cert-aq"]
    assert sorted(before.members) == ["cert-aq", "cert-bv"]


def test_where_nothing_changed_the_keys_are_those_of_before(hub):
    client = hub.client()
    before = client.load().directory
    hub.daily(1)
    after = client.refresh().directory
    assert after.keys is before.keys
    assert after.expires == before.expires + DAY


def test_a_member_that_is_taken_out_is_gone_from_the_cache_too(hub):
    client = hub.client()
    client.load()
    hub.groups.remove("members/cert-bv.json")
    hub.groups.publish()
    assert sorted(client.refresh().directory.members) == ["cert-aq"]
    kept = [path.name for path in (hub.folder / "cache/targets").iterdir()]
    assert not any("cert-bv" in name for name in kept)


def test_policies_are_those_that_the_groups_signed_byte_by_byte(hub):
    client = hub.client()
    before = client.load().directory
    assert (before.policies, before.is_signed) == ({}, True)
    hub.groups.put("policies/default.toml", b"version = 1")
    hub.groups.publish()
    first = client.refresh().directory
    assert first.policies == {"default": b"version = 1"}
    hub.groups.put("policies/strict.toml", b"version = 2")
    hub.groups.publish()
    second = client.refresh().directory
    assert second.policies == {"default": b"version = 1", "strict": b"version = 2"}
    assert second.policies["default"] is first.policies["default"]
    assert second.keys is before.keys  # built once, whatever policies say


def test_a_policy_that_is_taken_out_is_gone_and_one_that_was_kept_serves(hub):
    hub.groups.put("policies/default.toml", b"version = 1")
    hub.groups.put("policies/strict.toml", b"version = 2")
    hub.groups.publish()
    client = hub.client()
    client.load()
    hub.groups.remove("policies/strict.toml")
    hub.groups.publish()
    assert client.refresh().directory.policies == {"default": b"version = 1"}
    hub.groups.folder.rename(hub.folder / "away")
    kept = hub.client().load()
    assert (kept.is_kept, kept.directory.policies) == (
        True,
        {"default": b"version = 1"},
    )


def test_a_client_remembers_which_policies_were_signed_and_until_when(hub):
    first, second = (("default", sha256(each).hexdigest()) for each in (b"1", b"2"))
    began = hub.now
    assert hub.client().load().directory.agreed == Agreed(began, {})
    hub.groups.put("policies/default.toml", b"1")
    hub.groups.publish()
    hub.client().load()
    hub.daily(1)
    hub.groups.put("policies/default.toml", b"2")
    hub.groups.publish()
    client = hub.client()
    ever = float("inf")
    found = client.load().directory.agreed
    assert found == Agreed(began, {first: hub.now, second: ever})
    ended = hub.now
    hub.daily(1)
    assert hub.client().load().directory.agreed.until == {first: ended, second: ever}
    # Signed again, it holds again.
    hub.groups.put("policies/default.toml", b"1")
    hub.groups.publish()
    assert client.refresh().directory.agreed.until == {first: ever, second: hub.now}
    # A client that begins now knows no more than it saw.
    found = hub.client("new").load().directory.agreed
    assert found == Agreed(hub.now, {first: ever})


def test_a_memory_of_an_earlier_version_is_brought_up_to_date(hub):
    hub.client().load()
    with closing(sqlite3.connect(hub.folder / "cache" / "noticed.sqlite")) as db:
        db.executescript("DROP TABLE policies; DROP TABLE began")
        db.execute("PRAGMA user_version = 1")
    assert hub.client().load().directory.agreed == Agreed(hub.now, {})


def test_a_policy_that_was_changed_on_its_way_is_refused(hub):
    hub.groups.put("policies/default.toml", b"version = 1")
    hub.groups.publish()
    [file] = (hub.groups.folder / "targets/policies").iterdir()
    file.write_bytes(b"version = 2")
    assert refusal(hub.client().load) == "directory-untrusted"


def test_a_policy_of_more_than_a_mebibyte_or_one_too_many_is_refused(hub):
    hub.groups.put("policies/large.toml", b"#" * (MAX_POLICY_BYTES + 1))
    hub.groups.publish()
    assert refusal(hub.client().load) == "directory-untrusted"
    hub.groups.remove("policies/large.toml")
    for number in range(MAX_POLICIES + 1):
        hub.groups.put(f"policies/p{number}.toml", b"version = 1")
    hub.groups.publish()
    with pytest.raises(ConfigError, match="at most 16 policies"):
        hub.client().load()


def test_what_is_neither_member_nor_service_nor_policy_is_passed_over(hub):
    hub.groups.put("policies/default.json", b"version = 1")
    hub.groups.put("members/notes/cert-aq.json", {"org": "cert-aq"})
    hub.groups.publish()
    assert sorted(hub.client().load().directory.members) == ["cert-aq", "cert-bv"]


def test_an_entry_under_the_name_of_another_is_the_groups_fault(hub):
    hub.groups.put("members/cert-cw.json", msgspec.json.encode(member("cert-dx")))
    hub.groups.publish()
    with pytest.raises(ConfigError, match=r"members/cert-cw\.json holds the entry of"):
        hub.client().load()


# ----------------------------------------------------------------- where it is


def test_a_configuration_names_it_in_a_table_or_in_a_file_of_its_own(hub):
    text = (
        f'url = "{hub.groups.folder.as_uri()}"\nroot = "root.json"\ncache = "cache"\n'
    )
    (hub.folder / "directory.toml").write_text(text)
    (hub.folder / "gate.toml").write_text(f'org = "hub"\n[directory]\n{text}')
    for name in ("directory.toml", "gate.toml"):
        remote = read_remote(hub.folder / name)
        assert (remote.root, remote.cache) == (hub.root, hub.folder / "cache")
        assert remote.refresh_minutes == 10
    assert sorted(open_directory(hub.folder / "gate.toml", clock=lambda: hub.now)[0]
                  .directory.members) == ["cert-aq", "cert-bv"]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "", "url = 1", 'directory = "here"', 'url = "file:///x"\nroot = "r"\ncache = "c"\nkey = 1',
        'url = "file:///x"\nroot = "r"\ncache = "c"\nrefresh_minutes = 0', "[", "\udcff",
    ],
)  # fmt: skip
def test_a_table_with_something_missing_or_unknown_is_refused(tmp_path, text):
    file = tmp_path / "directory.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=r"directory\.toml"):
        open_directory(file, clock=time.time)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hub.example/", "file://elsewhere/x", "file:", "https://", "/folder", "",
        "https://user:secret@hub.example/", "https://hub.example/?a", "https://[", "http://h:x/",
    ],
)  # fmt: skip
def test_an_address_that_is_none_or_holds_a_login_is_refused_and_not_quoted(hub, url):
    client = hub.client(url=url or " ")
    with pytest.raises(ConfigError) as caught:
        client.load()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("data", [None, b"", b"{}", b'{"signed": 1}', b"[" * 100_000])
def test_a_pinned_root_that_is_none_is_the_operators_fault(hub, data):
    hub.root.unlink()
    if data is not None:
        hub.root.write_bytes(data)
    with pytest.raises(ConfigError, match=r"root\.json"):
        hub.client().load()


def test_a_pinned_root_that_its_own_threshold_did_not_sign_is_refused(hub):
    tree = json.loads(hub.root.read_bytes())
    tree["signatures"] = tree["signatures"][:1]
    hub.root.write_text(json.dumps(tree))
    with pytest.raises(ConfigError, match=r"root\.json"):
        hub.client().load()


def test_a_signed_directory_given_as_a_folder_asks_for_a_pinned_root(hub):
    with pytest.raises(ConfigError, match="pinned root"):
        open_directory(hub.groups.folder, clock=time.time)


# -------------------------------------------------------------------- outages


def test_while_nothing_answers_what_was_kept_serves_until_it_expires(hub):
    hub.client().load()
    hub.groups.folder.rename(hub.folder / "away")
    hub.wait(days=6.9)
    after_restart = hub.client().load()
    assert after_restart.is_kept
    assert sorted(after_restart.directory.members) == ["cert-aq", "cert-bv"]
    hub.wait(days=0.2)
    with pytest.raises(DirectoryUnavailableError):
        hub.client().load()


def test_without_anything_kept_an_outage_is_told_with_the_address(hub):
    hub.groups.folder.rename(hub.folder / "away")
    with pytest.raises(DirectoryUnavailableError, match="file:///"):
        hub.client().load()


def test_a_refresh_that_failed_halfway_leaves_what_was_kept_usable(hub):
    hub.client().load()
    hub.daily(1)
    newest = hub.groups.snapshot.signed.version
    (hub.groups.folder / f"metadata/{newest}.snapshot.json").unlink()
    client = hub.client()
    with pytest.raises(DirectoryUnavailableError):
        client.refresh()
    # ngclient has the newer timestamp by now, and no snapshot for it.
    assert hub.client().load().is_kept


def test_what_was_kept_is_verified_again(hub):
    hub.client().load()
    hub.groups.folder.rename(hub.folder / "away")
    for file in (hub.folder / "cache/targets").glob("members*cert-aq*"):
        file.write_bytes(file.read_bytes().replace(b"peer-cert", b"platform "))
    with pytest.raises(DirectoryUnavailableError):
        hub.client().load()


def test_it_goes_on_when_the_directory_is_back(hub):
    client = hub.client()
    client.load()
    hub.groups.folder.rename(hub.folder / "away")
    hub.wait(days=8)
    with pytest.raises(DirectoryUnavailableError):
        client.refresh()
    (hub.folder / "away").rename(hub.groups.folder)
    assert refusal(client.refresh) == "directory-expired"
    hub.groups.refresh()
    assert client.refresh().directory.expires == hub.now + 7 * DAY


def test_a_cache_that_cannot_be_written_is_the_operators_fault(hub):
    (hub.folder / "cache").write_text("a file")
    with pytest.raises(ConfigError, match="cache"):
        hub.client().load()


def test_a_pipe_in_place_of_a_file_keeps_nobody_waiting(hub):
    place = hub.groups.folder / "metadata/timestamp.json"
    place.unlink()
    os.mkfifo(place)
    with pytest.raises(DirectoryUnavailableError):
        hub.client().load()


# ---------------------------------------------------------------- a web server


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class _Serving:
    """A web server on loopback, until the end of the block."""

    def __init__(self, handler):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        self.thread = threading.Thread(
            target=self.server.serve_forever, args=(0.02,), daemon=True
        )
        self.thread.start()
        return self.url

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join(timeout=60)
        assert not self.thread.is_alive()
        self.server.server_close()


def test_it_is_loaded_from_a_plain_web_server(hub):
    def handler(*arguments):
        return _Quiet(*arguments, directory=str(hub.groups.folder))

    with _Serving(handler) as url:
        loaded = hub.client(url=url).load()
    assert sorted(loaded.directory.members) == ["cert-aq", "cert-bv"]


def test_a_redirect_is_not_followed(hub):
    asked = []

    class Elsewhere(_Quiet):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(302)
            self.send_header("Location", "/moved" + self.path)
            self.end_headers()

    with _Serving(Elsewhere) as url, pytest.raises(DirectoryUnavailableError):
        hub.client(url=url).load()
    assert asked == ["/metadata/2.root.json"]


def test_a_server_that_answers_without_end_is_left_at_the_limit(hub):
    sent = []

    class Endless(_Quiet):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    sent.append(self.wfile.write(b" " * 65_536))
            except OSError:
                pass

    with _Serving(Endless) as url:
        assert refusal(hub.client(url=url).load) == "directory-untrusted"
    assert sum(sent) < 20 << 20


def test_a_server_that_drips_bytes_meets_the_end_of_the_whole_refresh():
    class Drip(_Quiet):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            try:
                while not done.wait(0.01):
                    self.wfile.write(b" ")
            except OSError:
                pass

    done = threading.Event()
    with _Serving(Drip) as url:
        fetcher = HttpFetcher(answer_s=5, total_s=0.3)
        with pytest.raises(DownloadError, match="too long"):
            fetcher.download_bytes(f"{url}/metadata/timestamp.json", 1 << 20)
        done.set()


def test_a_server_that_says_nothing_of_http_is_an_outage(hub):
    class Mute(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(b"\x00\xff" * 10)

    with _Serving(Mute) as url, pytest.raises(DirectoryUnavailableError):
        hub.client(url=url).load()


def test_nobody_listening_is_an_outage(hub):
    with _Serving(BaseHTTPRequestHandler) as url:
        pass
    with pytest.raises(DirectoryUnavailableError, match="no answer"):
        hub.client(url=url).load()


# ----------------------------------------------------------------- suspensions


def test_each_party_may_suspend_a_member_or_a_key_at_once(hub):
    key = signer("cert-bv").kid
    for party in ("government", "industry", "civil-society", "hub"):
        hub.groups.suspend(party, [hub.suspension()])
        found = hub.client(party).load().directory
        assert found.is_suspended("cert-aq", hub.now)
        assert not found.is_suspended("cert-bv", hub.now)
        hub.groups.suspend(party, [hub.suspension("cert-bv", kid=key)])
        found = hub.client(party).load().directory
        assert found.is_suspended(key, hub.now)
        assert not found.is_suspended("cert-bv", hub.now)
        hub.groups.suspend(party, [])
        assert not hub.client(party).load().directory.suspensions


def test_a_party_without_a_role_suspends_nobody(hub):
    hub.groups.delegate(["government", "industry"])
    hub.groups.publish()
    hub.groups.suspend("hub", [hub.suspension()])
    assert not hub.client().load().directory.suspensions


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"suspensions": 1}', b" " * (1 << 21)],
)
def test_what_a_party_signs_and_is_no_list_counts_as_none_and_stops_nobody(
    hub, content
):
    hub.groups.suspend("industry", [hub.suspension("cert-bv")])
    hub.groups.suspensions["hub"].signed.version += 1
    hub.groups._store(
        hub.groups.suspensions["hub"].signed, "suspensions/hub.json", content
    )
    hub.groups.sign(hub.groups.suspensions["hub"], [hub.groups.keys["hub"]])
    version = hub.groups.suspensions["hub"].signed.version
    hub.groups.write(f"{version}.suspensions-hub.json", hub.groups.suspensions["hub"])
    hub.groups.refresh()
    loaded = hub.client().load()
    assert loaded.faults == (("suspensions-hub", "suspensions-form"),)
    assert loaded.directory.is_suspended("cert-bv", hub.now)


def test_when_it_was_first_known_survives_a_restart(hub):
    hub.groups.suspend("hub", [hub.suspension()])
    first = hub.client().load().directory.suspensions["cert-aq"][0]
    hub.wait(days=1)
    hub.groups.suspend("hub", [hub.suspension()])  # renewed
    again = hub.client().load().directory.suspensions["cert-aq"][0]
    assert again.since == first.since + DAY
    assert again.until == first.until == START.timestamp() + 7 * DAY


def test_after_a_month_without_it_a_party_may_suspend_anew(hub):
    client = hub.client()
    hub.groups.suspend("hub", [hub.suspension()])
    client.load()
    hub.groups.suspend("hub", [])
    hub.daily(29)
    client.refresh()
    hub.groups.suspend("hub", [hub.suspension()])
    assert not client.refresh().directory.is_suspended("cert-aq", hub.now)
    hub.groups.suspend("hub", [])
    hub.daily(31)
    hub.groups.suspend("hub", [hub.suspension()])
    assert client.refresh().directory.is_suspended("cert-aq", hub.now)


def test_a_memory_that_is_lost_prolongs_no_longer_than_what_the_party_wrote(hub):
    hub.groups.suspend("hub", [hub.suspension()])
    hub.client().load()
    hub.daily(5)
    shutil.rmtree(hub.folder / "cache")
    found = hub.client().load().directory
    assert found.suspensions["cert-aq"][0].until == START.timestamp() + 7 * DAY
