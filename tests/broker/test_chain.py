"""The feed of a publisher: no record is lost unnoticed, none is in two places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.chain import MAX_GAPS, Feed, Gap, Position, extend, opened

FIRST = Feed(Position(1, "t1"))


def grow(feed, *seqs):
    """Put in the records *seqs* of the feed t1, t2, t3 and so on."""
    for seq in seqs:
        feed = extend(feed, seq, name(seq - 1), name(seq))
        assert feed is not None
    return feed


def name(seq):
    return f"t{seq}" if seq else ""


@given(st.permutations(range(1, 13)))
def test_a_feed_is_whole_when_all_have_come_in_any_order(order):
    assert grow(Feed(), *order) == Feed(Position(12, "t12"))


@given(st.permutations(range(1, 9)), st.integers(1, 8))
def test_what_is_missing_is_exactly_what_the_gaps_say(order, count):
    come = order[:count]
    feed = grow(Feed(), *come)
    missing = {seq for gap in feed.gaps for seq in range(gap.first, gap.last + 1)}
    assert missing == set(range(1, max(come) + 1)) - set(come)
    for gap in feed.gaps:
        assert (gap.before, gap.after) == (name(gap.first - 1), name(gap.last))


@given(st.permutations(range(1, 9)), st.integers(1, 8), st.data())
def test_a_place_that_is_taken_is_never_given_again(order, count, data):
    come = order[:count]
    seq = data.draw(st.sampled_from(come))
    assert extend(grow(Feed(), *come), seq, name(seq - 1), "rival") is None


def test_the_first_record_has_no_predecessor():
    assert extend(Feed(), 1, "t0", "t1") is None


@pytest.mark.parametrize("seq", [2, 3])
def test_only_the_first_record_has_no_predecessor(seq):
    assert extend(FIRST, seq, "", "t") is None


def test_the_next_record_must_name_the_last_one():
    assert extend(FIRST, 2, "other", "t2") is None


def test_a_record_far_ahead_leaves_a_gap_that_knows_both_its_ends():
    feed = extend(FIRST, 5, "t4", "t5")
    assert feed == Feed(Position(5, "t5"), (Gap(2, 4, "t1", "t4"),))
    assert opened(FIRST, feed) == Gap(2, 4, "t1", "t4")


def test_the_next_record_and_a_late_one_open_no_gap():
    ahead = grow(FIRST, 5)
    assert opened(FIRST, grow(FIRST, 2)) is None
    assert opened(ahead, grow(ahead, 3)) is None


def test_a_feed_may_begin_late_and_still_takes_its_beginning():
    assert grow(Feed(), 3).gaps == (Gap(1, 2, "", "t2"),)
    assert grow(Feed(), 3, 1, 2) == Feed(Position(3, "t3"))


@pytest.mark.parametrize(
    ("seq", "prev", "token_id"),
    [
        (2, "other", "t2"),
        (4, "t3", "other"),
        (3, "", "t3"),
        (1, "", "t1"),
        (5, "t4", "x"),
    ],
)
def test_what_fills_a_gap_must_fit_both_its_ends(seq, prev, token_id):
    assert extend(grow(FIRST, 5), seq, prev, token_id) is None


def test_gaps_are_bounded_and_the_oldest_is_given_up():
    feed = grow(Feed(), *range(2, 2 * MAX_GAPS + 6, 2))
    assert len(feed.gaps) == MAX_GAPS
    assert extend(feed, 1, "", "t1") is None
    assert feed.gaps[-1].last == feed.last.seq - 1
