"""What a publisher keeps: as long as a token of the lineage may count, then nothing."""

import sqlite3

import pytest

from broker.publisher_state import open_state
from broker.publisher_tables import LAYOUT
from broker.signing import HANDLING_HORIZON_S
from tests.broker.test_publisher_state import ALL, Builder, fail, version
from tests.support.issuing import NOW, counting_entropy

DAY_S = 86_400
PAST_S = HANDLING_HORIZON_S + DAY_S + 1
KNOWN = Builder(added={"ipv4-addr--1": "ipv4-addr--x"}, body=b"CANARY" * 50)


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def opening(tmp_path, clock):
    entropy = counting_entropy()

    def opened():
        return open_state(
            tmp_path / "state",
            org="cert-aq",
            publisher="main",
            clock=clock,
            entropy=entropy,
        )

    return opened


def publish(state, *arguments, **more):
    done = state.commit(version(*arguments, **more), KNOWN)
    state.confirm([each.message_id for each in state.pending(**ALL)])
    return done


def before_of(state, *arguments):
    build = Builder()
    state.commit(version(*arguments), build)
    return build.before


def test_a_lineage_is_known_until_no_token_of_it_can_count(opening, clock):
    with opening() as state:
        first = publish(state, 0)
    clock.now += HANDLING_HORIZON_S
    with opening() as state:
        assert state.commit(version(0), fail).already
        before = before_of(state, 1)
    assert before.replaces == first.token_id
    assert before.replacements == {"ipv4-addr--1": "ipv4-addr--x"}


def test_a_version_after_its_lineage_was_forgotten_begins_a_new_lineage(opening, clock):
    with opening() as state:
        publish(state, 0)
        feed = state.feed
    clock.now += PAST_S
    with opening() as state:
        before = before_of(state, 1)
        assert (state.feed, state.doubt) == (feed, None)
    assert (before.replaces, before.replacements) == (None, {})
    assert before.position.seq == 2  # the feed goes on


def test_a_new_version_keeps_the_whole_lineage_and_no_other(opening, clock):
    with opening() as state:
        first = publish(state, 0)
        publish(state, 0, lineage="incident--2")
    clock.now += PAST_S - DAY_S
    with opening() as state:
        state.commit(version(1), Builder())
    clock.now += 2 * DAY_S
    with opening() as state:
        assert state.commit(version(0), fail).token_id == first.token_id
        assert before_of(state, 2).replacements
        build = Builder()
        state.commit(version(0, lineage="incident--2"), build)
    assert build.before.replacements == {}


def test_a_clock_set_back_does_not_shorten_the_time(opening, clock):
    with opening() as state:
        publish(state, 0)
        clock.now -= 10 * DAY_S
        state.commit(version(1), Builder())
    clock.now = NOW + HANDLING_HORIZON_S - DAY_S
    with opening() as state:
        assert state.commit(version(0), fail).already


def test_a_publisher_that_runs_on_forgets_daily(opening, clock):
    with opening() as state:
        publish(state, 0)
        clock.now += PAST_S - DAY_S // 2
        publish(state, 0, lineage="incident--2")  # forgets, but not yet the first
        clock.now += DAY_S // 2 - 2
        assert state.commit(version(0), fail).already
        clock.now += DAY_S
        state.pending(**ALL)
    clock.now -= 2 * DAY_S  # so that nothing is forgotten now
    with opening() as state:
        assert before_of(state, 0).replacements == {}


def test_nothing_of_a_forgotten_lineage_is_left_in_the_files(opening, clock, tmp_path):
    with opening() as state:
        publish(state, 0, lineage="incident--FORGET")
        done = publish(state, 0)
    assert b"incident--FORGET" in (tmp_path / "state").read_bytes()
    clock.now += PAST_S
    with opening():
        pass
    files = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    assert set(files) == {"state", "state.lock", "state.tip"}
    for lost in (b"FORGET", b"ipv4-addr--", b"CANARY"):
        assert not any(lost in each for each in files.values())
    with sqlite3.connect(tmp_path / "state") as db:
        tables = ("outbox", "lineages", "blind", "versions")
        counts = [db.execute(f"SELECT count(*) FROM {t}").fetchone() for t in tables]  # noqa: S608
    db.close()
    assert counts == [(0,)] * 4
    assert done.token_id.encode() in files["state"]  # the next one continues it


def test_what_still_waits_is_not_forgotten(opening, clock):
    with opening() as state:
        state.commit(version(0), Builder())
    clock.now += PAST_S
    with opening() as state:
        assert [each.body for each in state.pending(**ALL)] == [b"body"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT lineage FROM lineages WHERE signed_at < 1",
        "DELETE FROM outbox WHERE confirmed_at < 1",
        "DELETE FROM blind WHERE lineage IN "
        "(SELECT lineage FROM lineages WHERE signed_at < 1)",
        "DELETE FROM versions WHERE lineage IN "
        "(SELECT lineage FROM lineages WHERE signed_at < 1)",
    ],
)
def test_forgetting_looks_only_at_what_goes(query):
    db = sqlite3.connect(":memory:")
    for statement in LAYOUT.tables:
        db.execute(statement)
    plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}")]
    db.close()
    assert plan
    assert not [step for step in plan if step.startswith("SCAN")]
