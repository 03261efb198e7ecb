"""The gate's memory of records and feeds."""

import pytest

from broker.chain import Feed, Gap, Position
from broker.gate_state import FEED_KEPT_S, ChainEnd, Seen, open_gate_state

NAME = "cert-aq/main/e1"
FEED = Feed(Position(9, "t9"), (Gap(5, 6, "t4", "t6"), Gap(2, 2, "t1", "t2")))
END = ChainEnd(1, "l1")


@pytest.fixture
def state(tmp_path):
    with open_gate_state(tmp_path / "gate.sqlite") as opened:
        yield opened


def seen(number, *, expires=10**9):
    return Seen(f"t{number}", "cert-aq", 1000.0, 100, expires)


def test_nothing_is_known_of_what_was_never_recorded(state):
    assert state.known(["t1"]) == set()
    assert state.feeds([NAME]) == {}
    assert state.gaps() == {}


def test_records_and_feeds_come_back_as_they_were_also_after_a_restart(tmp_path):
    path = tmp_path / "gate.sqlite"
    with open_gate_state(path) as state:
        state.record([seen(1), seen(9)], {NAME: FEED}, END, now=1000.0)
    with open_gate_state(path) as state:
        assert state.known(["t1", "t2", "t9"]) == {"t1", "t9"}
        assert state.feeds([NAME, "other"]) == {NAME: FEED}
        assert state.gaps() == {NAME: FEED.gaps}


def test_a_feed_that_is_whole_again_has_no_gaps_left(state):
    state.record([], {NAME: FEED}, END, now=1000.0)
    whole = Feed(FEED.last)
    state.record([], {NAME: whole}, END, now=1001.0)
    assert state.feeds([NAME]) == {NAME: whole}
    assert state.gaps() == {}


def test_a_record_recorded_again_changes_nothing(state):
    state.record([seen(1)], {}, END, now=1000.0)
    state.record([seen(1)], {}, END, now=1001.0)
    assert state.known(["t1"]) == {"t1"}


def test_a_record_is_forgotten_only_when_its_age_alone_would_refuse_it(state):
    state.record([seen(1, expires=2000), seen(2, expires=2001)], {}, END, now=1000.0)
    state.prune(now=2000.5)
    assert state.known(["t1", "t2"]) == {"t2"}


def test_a_feed_that_was_silent_for_years_is_forgotten_with_its_gaps(state):
    state.record([], {NAME: FEED, "cert-aq/main/e2": FEED}, END, now=1000.0)
    state.record([], {"cert-aq/main/e2": FEED}, END, now=2000.0)
    state.prune(now=1500.0 + FEED_KEPT_S)
    assert set(state.feeds([NAME, "cert-aq/main/e2"])) == {"cert-aq/main/e2"}
    assert set(state.gaps()) == {"cert-aq/main/e2"}


def test_where_the_chain_ended_comes_back_after_a_restart(tmp_path):
    path = tmp_path / "gate.sqlite"
    with open_gate_state(path) as state:
        assert state.chain_end() == ChainEnd(0, "")
        state.record([seen(1)], {}, ChainEnd(7, "l7"), now=1000.0)
    with open_gate_state(path) as state:
        assert state.chain_end() == ChainEnd(7, "l7")


def test_a_lane_that_finishes_late_does_not_move_the_end_back(state):
    for pos in (7, 3, 7, 8, 2):
        state.record([], {}, ChainEnd(pos, f"l{pos}"), now=1000.0)
    assert state.chain_end() == ChainEnd(8, "l8")
