"""The tip beside a state: what is not surely what was written there counts for nothing."""

import errno
import json
import os
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.errors import ConfigError
from broker.publisher_tip import Tip, beside

TIP = Tip("epoch", 7, "token")


@pytest.fixture
def state(tmp_path):
    path = tmp_path / "state"
    path.touch()
    return path


@pytest.fixture
def file(state):
    """Path of a tip that was written."""
    beside(state).write(TIP)
    return state.with_name("state.tip")


def test_what_was_written_is_read_and_no_other_file_is_left(state, file):
    assert beside(state).read() == TIP
    beside(state).write(Tip("epoch", 8, "other"))
    assert beside(state).read() == Tip("epoch", 8, "other")
    assert sorted(each.name for each in state.parent.iterdir()) == [
        "state",
        "state.tip",
    ]


def test_nobody_else_can_read_it_whatever_was_there_before(state, file):
    file.chmod(0o444)
    beside(state).write(TIP)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_tip_that_its_owner_may_only_read_is_read(state, file):
    file.chmod(0o400)
    assert beside(state).read() == TIP


def test_a_missing_tip_is_missing(state):
    assert beside(state).read() == "tip-missing"


def test_a_state_that_is_another_file_is_a_copy(state, file):
    shutil.copy2(state, state.with_name("copy"))
    state.with_name("copy").replace(state)
    assert beside(state).read() == "state-copied"


@pytest.mark.parametrize("by_s", [-3600, 3600])
def test_a_tip_changed_at_another_time_than_it_says_is_a_copy(state, file, by_s):
    stored = json.loads(file.read_bytes())
    stored["made_ns"] += by_s * 10**9
    file.write_text(json.dumps(stored))
    assert beside(state).read() == "tip-copied"


def test_times_that_a_restore_sets_back_do_not_hide_it(state, file):
    stored = json.loads(file.read_bytes())
    stored["made_ns"] -= 3600 * 10**9
    file.write_text(json.dumps(stored))
    os.utime(file, ns=(stored["made_ns"], stored["made_ns"]))
    assert beside(state).read() == "tip-copied"


def test_a_link_in_place_of_the_tip_is_not_followed_and_goes(state, file):
    elsewhere = file.rename(state.with_name("elsewhere"))
    before = elsewhere.read_bytes()
    file.symlink_to(elsewhere)
    assert beside(state).read() == "tip-unreadable"
    beside(state).write(Tip("epoch", 8, "other"))
    assert not file.is_symlink()
    assert elsewhere.read_bytes() == before


def test_a_pipe_in_place_of_the_tip_stops_nobody(state):
    os.mkfifo(state.with_name("state.tip"), 0o600)
    assert beside(state).read() == "tip-unreadable"
    beside(state).write(TIP)
    assert beside(state).read() == TIP


@pytest.mark.parametrize("name", ["state.tip", "state.tip.new"])
def test_a_folder_in_the_way_is_the_operators_fault(state, name):
    state.with_name(name).mkdir()
    assert not isinstance(beside(state).read(), Tip)
    with pytest.raises(ConfigError, match=r"cannot write .*state\.tip: "):
        beside(state).write(TIP)


def test_a_state_has_one_tip_by_whatever_link_it_is_named(state, file):
    link = state.with_name("link")
    link.symlink_to(state)
    assert beside(link).read() == TIP


def test_a_state_that_is_gone_is_the_operators_fault(state):
    state.unlink()
    with pytest.raises(ConfigError, match="No such file"):
        beside(state)


def test_what_a_crash_has_left_is_no_hindrance(state, file):
    state.with_name("state.tip.new").write_bytes(b"half")
    assert beside(state).read() == TIP
    beside(state).write(Tip("epoch", 8, "other"))
    assert beside(state).read() == Tip("epoch", 8, "other")


def test_on_a_full_disk_the_old_tip_stands(state, file, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(ConfigError, match="No space left"):
            beside(state).write(Tip("epoch", 8, "other"))
    assert beside(state).read() == TIP


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=2000))
def test_arbitrary_bytes_are_no_tip(state, data):
    state.with_name("state.tip").write_bytes(data)
    assert beside(state).read() == "tip-unreadable"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.integers(0, 200), more=st.binary(max_size=3).filter(lambda b: b"}" not in b)
)
def test_a_damaged_tip_is_no_tip(state, cut, more):
    beside(state).write(TIP)
    file = state.with_name("state.tip")
    whole = file.read_bytes()
    damaged = whole[:cut] + more
    if damaged.rstrip() == whole:
        return
    file.write_bytes(damaged)
    assert beside(state).read() == "tip-unreadable"
