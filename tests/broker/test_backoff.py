"""Waiting: longer each time up to a bound, never all at the same moment."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from broker.backoff import FIRST_S, delays


def test_delays_double_up_to_the_bound():
    longest = list(islice(delays(lambda: 1.0, most_s=1), 6))
    assert longest == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S, 8 * FIRST_S, 1, 1]


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 200))
def test_no_delay_is_zero_or_above_the_bound(chance, many):
    for delay in islice(delays(lambda: chance), many):
        assert FIRST_S / 2 <= delay <= 30
