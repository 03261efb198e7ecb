"""Retries: when a delivery is tried again, and when a sink is left in peace."""

import math
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.retries import (
    HOUR_S,
    Closed,
    GiveUp,
    HalfOpen,
    Open,
    RetryAt,
    RetryPolicy,
    admit,
    after_answer,
    after_failure,
    after_gone,
    after_unavailable,
    parse_retry_after,
)

POLICY = RetryPolicy()
NOW = 1_770_000_000.0
chances = st.floats(0, 1, exclude_max=True)


def almost_one() -> float:
    return math.nextafter(1.0, 0.0)


def failed(attempt=1, *, age_s=0.0, retry_after_s=None, random=almost_one):
    return after_failure(
        attempt=attempt,
        first_failed_at=NOW - age_s,
        now=NOW,
        retry_after_s=retry_after_s,
        random=random,
        policy=POLICY,
    )


@pytest.mark.parametrize(
    ("attempt", "longest_s"), [(1, 5), (2, 10), (3, 20), (10, 2560), (14, 6 * HOUR_S)]
)
def test_the_longest_delay_doubles_from_five_seconds_to_six_hours(attempt, longest_s):
    assert failed(attempt).due_at - NOW == pytest.approx(longest_s)


@given(st.integers(1, 10**9), chances)
def test_no_delay_is_negative_or_beyond_six_hours(attempt, chance):
    step = failed(attempt, random=lambda: chance)
    assert 0 <= step.due_at - NOW <= 6 * HOUR_S


def test_jitter_is_full_so_that_those_who_failed_together_return_apart():
    random = Random(1).random  # noqa: S311  jitter is no secret
    delays = [failed(8, random=random).due_at - NOW for _ in range(1000)]
    assert min(delays) < 20
    assert max(delays) > 620
    assert 280 < sum(delays) / 1000 < 360  # uniform over 0 to 640


@given(st.one_of(st.none(), st.floats()), st.integers(1, 100), chances)
@example(math.nan, 1, 0.0)
@example(-5.0, 1, 0.0)
@example(math.inf, 1, 0.0)
def test_what_the_system_asks_for_is_honoured_up_to_a_day(asked_s, attempt, chance):
    step = failed(attempt, retry_after_s=asked_s, random=lambda: chance)
    assert NOW <= step.due_at <= NOW + 24 * HOUR_S
    if asked_s is not None and 0 < asked_s <= 24 * HOUR_S:
        assert step.due_at >= NOW + asked_s


def test_a_delivery_is_given_up_three_days_after_its_first_failure():
    assert isinstance(failed(30, age_s=72 * HOUR_S - 1), RetryAt)
    assert failed(30, age_s=72 * HOUR_S) == GiveUp()


def unavailable(breaker, *, now=NOW, retry_after_s=None, random=almost_one):
    return after_unavailable(
        breaker,
        now=now,
        retry_after_s=retry_after_s,
        random=random,
        policy=POLICY,
    )


def test_the_third_failure_in_a_row_opens_the_breaker():
    breaker = unavailable(unavailable(Closed()))
    assert breaker == Closed(2)
    assert unavailable(breaker) == Open(pytest.approx(NOW + 30), openings=1)


def test_an_answer_starts_the_count_anew():
    assert unavailable(after_answer()) == Closed(1)


def test_an_open_breaker_admits_one_probe_when_its_pause_is_over():
    breaker = Open(NOW + 30, openings=1)
    assert admit(breaker, now=NOW + 29.9) == breaker
    assert admit(breaker, now=NOW + 30) == HalfOpen(1)


def test_a_closed_breaker_stays_closed_as_time_passes():
    assert admit(Closed(2), now=NOW) == Closed(2)


def test_each_failed_probe_doubles_the_pause_up_to_ten_minutes():
    pauses = []
    breaker = Open(NOW, openings=1)
    for _ in range(7):
        breaker = unavailable(admit(breaker, now=breaker.until), now=NOW)
        pauses.append(round(breaker.until - NOW))
        breaker = Open(NOW, openings=breaker.openings)
    assert pauses == [60, 120, 240, 480, 600, 600, 600]


def test_a_system_that_says_when_to_come_back_means_all_deliveries():
    assert unavailable(Closed(), retry_after_s=90.0) == Open(NOW + 90, openings=1)


def test_a_late_answer_does_not_move_an_open_breaker():
    breaker = Open(NOW + 30, openings=1)
    assert unavailable(breaker, retry_after_s=900.0) == breaker


def test_a_sink_that_is_gone_is_never_tried_again():
    assert isinstance(admit(after_gone(), now=NOW + 1e9), Open)


@given(st.lists(st.floats(0, 120), min_size=1, max_size=300), chances)
def test_a_dead_endpoint_costs_one_attempt_per_interval_however_much_is_due(
    steps_s, chance
):
    breaker, now, sent = Closed(), NOW, 0
    for step_s in steps_s:
        now += step_s
        breaker = admit(breaker, now=now)
        if not isinstance(breaker, Open):
            sent += 1
            breaker = unavailable(breaker, now=now, random=lambda: chance)
    shortest_pause_s = POLICY.probe_s / 2
    assert sent <= POLICY.failures_to_open + (now - NOW) / shortest_pause_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("9" * 5000, math.inf),
        ("Mon, 02 Feb 2026 02:41:40 GMT", 100.0),
        ("Mon, 02 Feb 2026 02:41:40 -0000", 100.0),
        ("Mon, 02 Feb 2026 02:38:20 GMT", 0.0),  # past: at once
        ("Sunday, 06-Nov-94 08:49:37 GMT", 0.0),  # RFC 9110, 5.6.7: must be accepted
    ],
)
def test_retry_after_is_seconds_or_a_date(text, seconds):
    assert parse_retry_after(text, now=NOW) == seconds


@given(
    st.one_of(
        st.text(), st.from_regex(r"\A\w{3}, [0-9]{2} \w{3} [0-9]{1,30} [0-9:]{8}")
    )
)
def test_an_arbitrary_retry_after_gives_seconds_or_nothing(text):
    seconds = parse_retry_after(text, now=NOW)
    assert seconds is None or seconds >= 0
