"""How many messages are taken at once: many small ones, few large ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.bus import MAX_BODY_BYTES
from broker.prefetching import Window

MOST = 64 << 20


def counted(window, size):
    window.note(size)
    return window.count


def test_without_a_bound_on_bytes_it_is_as_many_as_asked_for():
    window = Window(50, None)
    assert window.count == 50
    window.note(MAX_BODY_BYTES)
    assert (window.count, window.is_wide) == (50, False)


def test_it_begins_with_few_and_takes_many_once_it_has_seen_small_ones():
    window = Window(50, MOST)
    assert window.count == 4
    assert [counted(window, 1000) for _ in range(5)] == [4, 4, 4, 50, 50]


def test_a_large_one_makes_it_few_and_some_small_ones_do_not_undo_it():
    window = Window(50, MOST)
    for _ in range(10):
        window.note(1000)
    assert counted(window, MOST // 50 + 1) == 4
    assert {counted(window, 1000) for _ in range(99)} == {4}
    assert counted(window, 1000) == 50


@pytest.mark.parametrize(("most", "most_bytes"), [(1, 1), (3, MOST), (50, 1000)])
def test_it_is_never_none_at_all_nor_more_than_asked_for(most, most_bytes):
    window = Window(most, most_bytes)
    assert 1 <= window.count <= most
    for size in (0, MAX_BODY_BYTES, 0):
        window.note(size)
        assert 1 <= window.count <= most


@given(
    st.integers(1, 200),
    st.integers(MAX_BODY_BYTES, 8 * MAX_BODY_BYTES),
    st.lists(st.integers(0, MAX_BODY_BYTES), max_size=300),
)
def test_as_many_as_it_takes_of_the_size_that_it_has_just_seen_fit_the_bound(
    most, most_bytes, sizes
):
    window = Window(most, most_bytes)
    for size in sizes:
        window.note(size)
        assert window.count * size <= most_bytes
