"""A state that may be a restored backup begins anew; one that crashed goes on."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from broker import publisher_tip
from broker.embedded import open_embedded
from broker.errors import ConfigError
from broker.publisher import open_publisher
from broker.publisher_state import open_state
from broker.publisher_tip import Tip, beside
from tests.broker.test_publisher_state import ALL, Builder, version
from tests.support.issuing import (
    ADAPTER_QUEUES,
    PLACE,
    clock,
    draft,
    rest,
    running_gate,
    signer,
    take,
)

NORMAL = ADAPTER_QUEUES[0]


def opening(path, **more):
    values = {
        "org": "cert-aq",
        "publisher": "main",
        "clock": clock,
        "entropy": os.urandom,
    }
    return open_state(path, **{**values, **more})


def publishing(bus, folder):
    return open_publisher(
        bus, folder / "state", signer("cert-aq"), clock=clock, patience_s=0.5
    )


def run(folder, *minutes):
    """Sign these versions and let them leave, as one run; give its feed and doubt."""
    with opening(folder / "state") as state:
        for minute in minutes:
            state.commit(version(minute), Builder())
        state.confirm([each.message_id for each in state.pending(**ALL)])
        return state.feed, state.doubt


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


# ------------------------------------------------------------------- restores


def copied_over(backup, home):
    shutil.copyfile(backup / "state", home / "state")


def renamed_into_place(backup, home):
    shutil.copy2(backup / "state", home / "new")
    (home / "new").replace(home / "state")


def without_its_tip(backup, home):
    copied_over(backup, home)
    (home / "state.tip").unlink()


def with_its_tip_copied_over(backup, home):
    for name in ("state", "state.tip"):
        shutil.copyfile(backup / name, home / name)


def with_its_tip_and_their_times_copied_over(backup, home):
    for name in ("state", "state.tip"):
        shutil.copy2(backup / name, home / name)


def as_a_whole_folder(backup, home):
    shutil.rmtree(home)
    shutil.copytree(backup, home)


def with_a_tip_of_nothing(backup, home):
    copied_over(backup, home)
    (home / "state.tip").write_bytes(b"")


@pytest.mark.parametrize(
    ("restore", "doubts"),
    [
        (copied_over, {"state-older"}),
        (renamed_into_place, {"state-copied", "state-older"}),  # inodes are used again
        (without_its_tip, {"tip-missing"}),
        (with_its_tip_copied_over, {"tip-copied"}),
        (with_its_tip_and_their_times_copied_over, {"tip-copied"}),
        (as_a_whole_folder, {"tip-copied"}),
        (with_a_tip_of_nothing, {"tip-unreadable"}),
    ],
)
@pytest.mark.parametrize("first", [(), (0, 1, 2)])
def test_a_restored_backup_begins_a_new_epoch_once(
    tmp_path, home, monkeypatch, restore, doubts, first
):
    feed, doubt = run(home, *first)
    assert doubt is None
    backup = shutil.copytree(home, tmp_path / "backup")
    assert run(home, 3, 4) == (feed, None)
    with monkeypatch.context() as patched:
        if doubts == {"tip-copied"}:
            patched.setattr(publisher_tip, "SLACK_S", 0.1)  # else it takes longer
            time.sleep(0.3)
        restore(backup, home)
        renewed, doubt = run(home, 3)
    assert doubt in doubts
    assert renewed != feed
    assert run(home, 4) == (renewed, None)


def test_a_copy_begins_a_new_epoch_and_the_original_goes_on(tmp_path, home):
    feed, _ = run(home, 0)
    copy = shutil.copytree(home, tmp_path / "copy")
    other, doubt = run(copy, 1)
    assert (other != feed, doubt) == (True, "state-copied")
    assert run(home, 1) == (feed, None)
    assert run(copy, 2) == (other, None)


def test_a_folder_that_is_moved_goes_on(tmp_path, home):
    feed, _ = run(home, 0)
    moved = home.rename(tmp_path / "moved")
    assert run(moved, 1) == (feed, None)


def test_a_state_that_is_reached_by_a_link_goes_on(tmp_path, home):
    feed, _ = run(home, 0)
    links = tmp_path / "links"
    links.mkdir()
    (links / "state").symlink_to(home / "state")
    assert run(links, 1) == (feed, None)
    assert [each.name for each in links.iterdir()] == ["state"]
    assert run(home, 2) == (feed, None)


def test_a_state_that_was_removed_is_told_from_one_that_is_new(home):
    feed, _ = run(home, 0)
    (home / "state").unlink()
    renewed, doubt = run(home, 0)
    assert (renewed != feed, doubt) == (True, "state-missing")


def test_a_state_of_another_publisher_is_refused_and_stays_as_it_was(home):
    feed, _ = run(home, 0)
    (home / "state.tip").unlink()
    refused = pytest.raises(ConfigError, match="belongs to cert-aq/main")
    with refused, opening(home / "state", publisher="second"):
        pytest.fail("it is open")
    with opening(home / "state") as state:
        assert (state.doubt, state.feed != feed) == ("tip-missing", True)


@pytest.mark.parametrize(
    "tip",
    [("other", 2, "x"), ("", 9, "x"), ("", 2, "x"), ("", 1, "x"), ("", 0, "x"), ("", -1, "x"),
     ("", 2**63, "x")],
)  # fmt: skip
def test_a_tip_that_names_what_the_state_does_not_know_begins_a_new_epoch(home, tip):
    feed, _ = run(home, 0, 1)
    epoch, seq, token = tip
    beside(home / "state").write(Tip(epoch or feed.rpartition("/")[2], seq, token))
    renewed, doubt = run(home)
    assert (renewed != feed, doubt) == (True, "state-older")


def test_a_new_epoch_asked_for_is_no_cause_for_another(home):
    run(home, 0)
    with opening(home / "state") as state:
        feed = state.new_epoch()
    assert run(home) == (feed, None)


# -------------------------------------------------------------------- crashes

CRASH = """
import os, sys
from pathlib import Path
from broker.publisher_tip import TipFile
from tests.broker.test_publisher_restore import opening
from tests.broker.test_publisher_state import ALL, Builder, version

def die(*_):
    os._exit(9)

where, write = sys.argv[2], TipFile.write

def at_the_tip(self, tip):
    if where == "before the tip":
        die()
    if where == "in the tip":
        os.replace = Path.replace = die
    write(self, tip)
    die()

with opening(Path(sys.argv[1]) / "state") as state:
    TipFile.write = at_the_tip
    if where == "in a new epoch":
        state.new_epoch()
    state.commit(version(1), die if where == "before the commit" else Builder())
    if where != "before any leaves":
        state.pending(**ALL)
    die()
"""


def crash(home, where):
    done = subprocess.run(  # noqa: S603  our own text
        [sys.executable, "-c", CRASH, str(home), where],
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 9


@pytest.mark.parametrize(
    ("where", "waiting"),
    [
        ("before the commit", 0),
        ("before any leaves", 1),
        ("before the tip", 1),
        ("in the tip", 1),
        ("after the tip", 1),
    ],
)
@pytest.mark.parametrize("first", [(), (0,)])
def test_a_publisher_that_is_killed_goes_on_in_its_feed(home, where, waiting, first):
    feed, _ = run(home, *first)
    crash(home, where)
    with opening(home / "state") as state:
        assert (state.feed, state.doubt) == (feed, None)
        assert len(state.pending(**ALL)) == waiting
        assert beside(home / "state").read().seq == len(first) + waiting
    assert run(home, 1, 2) == (feed, None)


def test_a_publisher_that_is_killed_while_a_new_epoch_begins_begins_another(home):
    run(home, 0)
    crash(home, "in a new epoch")
    assert run(home, 1)[1] == "state-older"
    assert run(home, 2)[1] is None


def test_a_journal_lost_after_a_crash_begins_a_new_epoch(home):
    feed, _ = run(home, 0)
    crash(home, "after the tip")
    (home / "state-wal").unlink()
    renewed, doubt = run(home, 1)
    assert (renewed != feed, doubt) == (True, "state-older")


# ----------------------------------------------------------------- end to end


async def test_after_a_restore_records_are_accepted_in_a_new_feed(tmp_path, home):
    async with (
        open_embedded(None, PLACE) as broker,
        running_gate(broker.login("gate"), tmp_path) as gate,
    ):
        bus = broker.login("cert-aq")
        async with publishing(bus, home) as publisher:
            feed = publisher.feed
            for number in (1, 2):
                await publisher.publish(draft(number))
            await publisher.enqueue(draft(3))  # waits, in the backup
        backup = shutil.copytree(home, tmp_path / "backup")
        async with publishing(bus, home) as publisher:
            for number in (4, 5):
                await publisher.publish(draft(number))
        await take(broker.login("adapter-main"), NORMAL, 5)
        copied_over(backup, home)
        async with publishing(bus, home) as publisher:
            assert publisher.doubt == "state-older"
            renewed = publisher.feed
            first = await publisher.publish(draft(6))
            again = await publisher.publish(draft(4))
        [new, repeated] = await take(broker.login("adapter-main"), NORMAL, 2)
        assert gate.state.gaps() == {}
        feeds = gate.state.feeds([feed, renewed])
        assert (feeds[feed].last.seq, feeds[renewed].last.seq) == (5, 2)
        assert await rest(broker.login("operator"), "tocsin.dead") == []
    assert [first.seq, again.seq] == [1, 2]
    assert [new.message_id, repeated.message_id] == [first.token_id, again.token_id]
    assert not again.already  # forgotten: it was signed after the backup


async def test_a_disk_rolled_back_is_not_noticed_and_a_new_epoch_by_hand_helps(
    tmp_path, home
):
    async with (
        open_embedded(None, PLACE) as broker,
        running_gate(broker.login("gate"), tmp_path),
    ):
        bus = broker.login("cert-aq")
        async with publishing(bus, home) as publisher:
            before = await publisher.publish(draft(1))
            epoch = publisher.feed.rpartition("/")[2]
        backup = shutil.copytree(home, tmp_path / "backup")
        async with publishing(bus, home) as publisher:
            await publisher.publish(draft(2))
        copied_over(backup, home)
        # As a snapshot of the whole disk would bring it back.
        beside(home / "state").write(Tip(epoch, 1, before.token_id))
        async with publishing(bus, home) as publisher:
            assert publisher.doubt is None
            await publisher.publish(draft(3))
            [dead] = await take(broker.login("operator"), "tocsin.dead", 1)
            assert dead.headers["tocsin-reason"] == "chain-conflict"
            await publisher.new_epoch()
            last = await publisher.publish(draft(3, version=1))
        arrived = await take(broker.login("adapter-main"), NORMAL, 3)
    assert arrived[-1].message_id == last.token_id


async def test_nothing_leaves_while_the_tip_cannot_be_written(home):
    async with open_embedded(None, PLACE) as broker:
        async with publishing(broker.login("cert-aq"), home) as publisher:
            (home / "state.tip.new").mkdir()
            with pytest.raises(ConfigError, match="cannot write"):
                await publisher.publish(draft())
            assert await rest(broker.login("gate"), "tocsin.ingress.cert-aq") == []
            (home / "state.tip.new").rmdir()
            assert await publisher.flush() == 1
        [message] = await take(broker.login("gate"), "tocsin.ingress.cert-aq", 1)
    assert beside(home / "state").read().token_id == message.message_id


async def test_whatever_leaves_is_covered_by_the_tip(home):
    seen = []

    class Watcher:
        """A bus that looks at the tip when something leaves."""

        async def publish(self, exchange, message, *, timeout_s):
            seen.append((message.message_id, beside(home / "state").read()))

    async with publishing(Watcher(), home) as publisher:
        signed = {}
        for number in range(1, 4):
            done = await publisher.publish(draft(number))
            signed[done.token_id] = done.seq
    assert [signed[token] for token, _ in seen] == [1, 2, 3]
    assert all(tip.seq >= signed[token] for token, tip in seen)
