"""Quotas: an hour's worth at once, the rest as slowly as the quota says."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.quota import MAX_PAUSE_S, Quota, full, pause_s, spend

QUOTA = Quota(records_per_hour=3600, bytes_per_hour=3600 << 20, urgent_per_hour=360)


def after(*, elapsed=0.0, **spent):
    spent = {"records": 0, "size": 0} | spent
    return spend(full(QUOTA, 0), QUOTA, **spent, now=elapsed)


def test_an_hours_worth_may_come_at_once():
    assert pause_s(after(records=3600, size=3600 << 20, urgent=360), QUOTA) == 0


@pytest.mark.parametrize(
    "spent",
    [
        {"records": 3610},
        {"size": 3610 << 20},
        {"records": 3610, "size": 1},
        {"urgent": 361},
        {"records": 3605, "urgent": 361},
    ],
)
def test_what_is_overdrawn_is_waited_for(spent):
    assert pause_s(after(**spent), QUOTA) == pytest.approx(10)


def test_time_brings_the_allowance_back_but_never_more_than_an_hours_worth():
    left = after(records=3600)
    later = spend(left, QUOTA, records=0, size=0, now=60)
    assert later.records == pytest.approx(60)
    much_later = spend(later, QUOTA, records=0, size=0, now=10**6)
    assert much_later.records == QUOTA.records_per_hour


def test_a_clock_set_back_brings_nothing():
    left = after(records=3600, elapsed=100)
    assert spend(left, QUOTA, records=0, size=0, now=50).records == 0


@given(st.floats(0, 1e12), st.floats(0, 1e15), st.floats(0, 1e12))
def test_no_pause_is_longer_than_rabbitmq_lets_a_message_wait(records, size, urgent):
    left = after(records=records, size=size, urgent=urgent)
    assert 0 <= pause_s(left, QUOTA) <= MAX_PAUSE_S


def test_the_allowance_for_urgent_records_comes_back_like_the_others():
    later = spend(after(urgent=360), QUOTA, records=0, size=0, now=60)
    assert later.urgent == pytest.approx(6)
    assert spend(later, QUOTA, records=0, size=0, now=10**6).urgent == 360


def test_who_sends_nothing_urgent_is_not_slowed_by_that_quota():
    assert Quota().urgent_per_hour == 1000
    assert after(records=3600).urgent == 360


def test_a_flood_is_forgiven_after_an_hour():
    left = after(records=10**9)
    assert spend(left, QUOTA, records=0, size=0, now=3600).records == 0


@pytest.mark.parametrize(
    "text", ['{"records_per_hour":0}', '{"urgent_per_hour":0}', '{"records":1}']
)
def test_a_quota_out_of_bounds_or_misspelt_is_no_quota(text):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Quota)
