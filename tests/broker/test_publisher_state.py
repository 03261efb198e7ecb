"""The publisher's memory: nothing leaves that is not in it, nothing in it changes."""

import subprocess
import sys

import pytest

from broker.bus import Message
from broker.errors import ConfigError
from broker.publisher_state import OutboxFullError, open_state
from broker.publisher_tables import Signed, Version
from schemas.errors import SchemaError
from tests.support.issuing import clock, counting_entropy

LINEAGE = "incident--1"
ALL = {"limit": 100, "max_bytes": 1 << 30}


def opening(folder, **more):
    values = {
        "org": "cert-aq",
        "publisher": "main",
        "clock": clock,
        "entropy": counting_entropy(),
    }
    return open_state(folder / "state.sqlite", **{**values, **more})


@pytest.fixture
def state(tmp_path):
    with opening(tmp_path) as opened:
        yield opened


def version(minute=0, *, lineage=LINEAGE, content=b"content", spelling=""):
    return Version(
        lineage=lineage,
        ver=f"2026-02-01T10:{minute:02}:00{spelling}Z",
        kind="incident",
        content=content,
    )


class Builder:
    """Signs by counting; `before` is what it was last given to continue."""

    def __init__(self, *, added=None, body=b"body"):
        self.calls = 0
        self.before = None
        self.added = added or {}
        self.body = body

    def __call__(self, before):
        self.calls += 1
        self.before = before
        message = Message(
            body=self.body,
            message_id=f"token-{before.position.feed[-4:]}-{before.position.seq}",
            routing_key="cert-aq.incident.green",
        )
        return Signed(message, "incident--blinded", self.added)


def fail(_before):
    raise KeyError


def test_counters_run_without_gaps_and_each_token_names_the_one_before(state):
    build = Builder()
    places = []
    for minute in range(3):
        state.commit(version(minute), build)
        places.append((build.before.position.seq, build.before.position.prev))
    feed = state.feed
    assert places == [
        (1, ""),
        (2, f"token-{feed[-4:]}-1"),
        (3, f"token-{feed[-4:]}-2"),
    ]
    assert build.before.position.feed == feed
    assert feed.startswith("cert-aq/main/")
    assert len(feed.rpartition("/")[2]) == 16


def test_a_signing_that_fails_leaves_no_trace(state):
    with pytest.raises(KeyError):
        state.commit(version(), fail)
    build = Builder()
    state.commit(version(), build)
    assert build.before.position.seq == 1
    assert state.count_pending() == 1


def test_a_version_is_signed_once_however_often_it_is_given(state):
    build = Builder()
    first = state.commit(version(), build)
    again = state.commit(version(), build)
    assert build.calls == 1
    assert (again.token_id, again.seq, again.sub) == (first.token_id, 1, first.sub)
    assert (first.already, again.already) == (False, True)


def test_another_spelling_of_its_time_is_the_same_version(state):
    first = state.commit(version(), Builder())
    again = state.commit(version(spelling=".000"), Builder())
    assert again.token_id == first.token_id


def test_a_version_with_other_content_is_refused(state):
    state.commit(version(), Builder())
    with pytest.raises(SchemaError) as caught:
        state.commit(version(content=b"other"), Builder())
    assert caught.value.reason == "version-known"


def test_a_version_names_the_newest_one_before_it(state):
    build = Builder()
    tokens = {}
    for minute in (10, 30, 20, 5):
        tokens[minute] = state.commit(version(minute), build).token_id
        tokens[minute, "replaces"] = build.before.replaces
    assert tokens[10, "replaces"] is None
    assert tokens[30, "replaces"] == tokens[10]
    assert tokens[20, "replaces"] == tokens[10]  # published late
    assert tokens[5, "replaces"] is None


def test_replacement_ids_stay_within_a_lineage_and_over_its_versions(state):
    build = Builder(added={"ipv4-addr--1": "ipv4-addr--x"})
    state.commit(version(0), build)
    later, other = Builder(), Builder()
    state.commit(version(1), later)
    state.commit(version(0, lineage="incident--2"), other)
    assert later.before.replacements == {"ipv4-addr--1": "ipv4-addr--x"}
    assert other.before.replacements == {}


def test_what_waits_is_given_oldest_first_and_as_it_was_signed(state):
    for minute in range(3):
        state.commit(version(minute), Builder())
    waiting = state.pending(**ALL)
    assert [each.message_id[-1] for each in waiting] == ["1", "2", "3"]
    assert waiting[0] == Message(
        body=b"body",
        message_id=waiting[0].message_id,
        routing_key="cert-aq.incident.green",
        user_id="cert-aq",
    )


def test_what_waits_is_given_in_bounded_portions_of_at_least_one(state):
    for minute in range(4):
        state.commit(version(minute), Builder(body=b"x" * 100))
    assert len(state.pending(limit=3, max_bytes=1000)) == 3
    assert len(state.pending(limit=100, max_bytes=200)) == 2
    assert len(state.pending(limit=100, max_bytes=1)) == 1


def test_what_is_confirmed_is_not_given_again_and_its_body_is_gone(tmp_path):
    with opening(tmp_path) as state:
        done = state.commit(version(0), Builder(body=b"CANARY" * 50))
        state.commit(version(1), Builder())
        state.confirm([done.token_id])
        assert [each.body for each in state.pending(**ALL)] == [b"body"]
    everything = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert b"CANARY" not in everything
    assert done.token_id.encode() in everything


def test_the_outbox_is_bounded_and_takes_more_when_something_left(tmp_path):
    with opening(tmp_path, max_pending=2) as state:
        first = state.commit(version(0), Builder())
        state.commit(version(1), Builder())
        with pytest.raises(OutboxFullError):
            state.commit(version(2), fail)
        assert state.commit(version(0), fail).already  # signs nothing
        state.confirm([first.token_id])
        assert state.commit(version(2), Builder()).seq == 3


def test_everything_is_there_when_the_file_is_opened_again(tmp_path):
    with opening(tmp_path) as state:
        feed = state.feed
        state.commit(version(0), Builder(added={"a": "b"}))
    build = Builder()
    with opening(tmp_path) as state:
        assert state.feed == feed
        assert state.commit(version(0), fail).already
        state.commit(version(1), build)
    assert build.before.position.seq == 2
    assert build.before.replacements == {"a": "b"}


def test_a_new_epoch_begins_at_one_and_sends_what_waits_unchanged(state):
    state.commit(version(0), Builder())
    before, feed = state.pending(**ALL), state.feed
    assert state.new_epoch() != feed
    build = Builder()
    state.commit(version(1), build)
    assert (build.before.position.seq, build.before.position.prev) == (1, "")
    assert build.before.position.feed == state.feed
    assert state.pending(**ALL)[:1] == before
    assert build.before.replaces == before[0].message_id


@pytest.mark.parametrize("other", [{"org": "cert-bv"}, {"publisher": "second"}])
def test_the_state_of_another_publisher_is_refused(tmp_path, other):
    with opening(tmp_path):
        pass
    refused = pytest.raises(ConfigError, match="belongs to cert-aq/main")
    with refused, opening(tmp_path, **other):
        pytest.fail("it is open")


@pytest.mark.parametrize("name", ["", "a/b", "Main", "a" * 60])
def test_a_publisher_whose_name_cannot_stand_in_a_feed_is_refused(tmp_path, name):
    with pytest.raises(ConfigError, match="named"), opening(tmp_path, publisher=name):
        pytest.fail("it is open")


HOLD = """
import sys, time
from pathlib import Path
from tests.broker.test_publisher_state import Builder, opening, version
with opening(Path(sys.argv[1])) as state:
    state.commit(version(0), Builder())
    print("held", flush=True)
    time.sleep(60)
"""


def test_two_processes_exclude_each_other_and_a_killed_one_leaves_its_work(tmp_path):
    other = subprocess.Popen(  # noqa: S603  our own text
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with other:
        assert other.stdout.readline() == "held\n"
        refused = pytest.raises(ConfigError, match=r"in use .* stop it")
        with refused, opening(tmp_path):
            pytest.fail("both are open")
        other.kill()
    with opening(tmp_path) as state:
        assert state.doubt is None
        assert [each.body for each in state.pending(**ALL)] == [b"body"]
        assert state.commit(version(0), fail).already
