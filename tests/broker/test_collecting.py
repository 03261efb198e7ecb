"""The collector of garbage waits, and runs again whatever happens."""

import gc

import pytest

from broker import collecting


def test_the_collector_waits_and_then_runs_again() -> None:
    assert gc.isenabled()
    with collecting.waiting():
        assert not gc.isenabled()
        with collecting.waiting():  # another thread's, as it were
            assert not gc.isenabled()
    assert gc.isenabled()


def test_it_runs_again_after_a_refusal() -> None:
    with pytest.raises(ValueError, match="refused"), collecting.waiting():
        raise ValueError("refused")
    assert gc.isenabled()
