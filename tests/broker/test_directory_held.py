"""The directory that holds now: refreshed in a thread, swapped whole, shut when it ends."""

import asyncio
import re
import threading
from contextlib import asynccontextmanager

import msgspec
import pytest
from structlog.testing import capture_logs

from broker.directory import under
from broker.directory_alarms import Alarm, Freshness, alarms
from broker.directory_client import Loaded
from broker.directory_held import Held, follow, followed
from broker.errors import ConfigError, DirectoryUnavailableError
from tests.support.issuing import NOW, directory, member
from tests.support.suspended import suspended
from tests.support.tuf_client import Hub

DAY = 86_400.0


@pytest.fixture
def hub(tmp_path):
    with Hub(tmp_path).clock() as made:
        yield made


def often(hub):
    """A client that is asked again every 20 ms."""
    client = hub.client()
    client.remote = msgspec.structs.replace(client.remote, refresh_minutes=0.02 / 60)
    return client


@asynccontextmanager
async def following(hub, client):
    stop = asyncio.Event()
    loaded = client.load()
    async with asyncio.timeout(20):
        async with followed(loaded, client, clock=lambda: hub.now, stop=stop) as held:
            yield held
            stop.set()


async def news(held: Held) -> None:
    """Wait until something has changed."""
    await held.news.wait()


# --------------------------------------------------------------------- swapping


async def test_a_refresh_swaps_the_whole_snapshot_and_says_so(hub):
    with capture_logs() as logs:
        async with following(hub, often(hub)) as held:
            before = held.current
            hub.put(member("cert-cw"))
            hub.groups.publish()
            while "cert-cw" not in held.current.members:
                await news(held)
            assert "cert-cw" not in before.members
    changed = {"event": "directory.changed", "version": 2, "members": 3}
    assert changed | {"log_level": "info"} in logs


async def test_a_suspension_holds_from_the_next_refresh_on(hub):
    async with following(hub, often(hub)) as held:
        hub.groups.suspend("hub", [hub.suspension()])
        while not held.current.is_suspended("cert-aq", hub.now):
            await news(held)
        assert held.standing("cert-aq", hub.now) == "waits"
        assert held.standing("cert-aq", hub.now + 7 * DAY) == "waits"  # expired, too
        assert held.standing("cert-bv", hub.now) == "in"
        assert held.standing("stranger", hub.now) == "out"


async def test_what_fails_to_refresh_leaves_the_snapshot_and_is_told(hub):
    with capture_logs() as logs:
        async with following(hub, often(hub)) as held:
            before = held.current
            hub.groups.publish(["government"])
            while not any(e["event"] == "directory.not_refreshed" for e in logs):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            assert held.current.members is before.members
    told = {e["reason"] for e in logs if e["event"] == "directory.not_refreshed"}
    assert told == {"directory-untrusted"}


async def test_an_outage_is_survived_to_the_end_then_shut_and_gone_on_by_itself(hub):
    client = often(hub)
    with capture_logs() as logs:
        async with following(hub, client) as held:
            hub.groups.folder.rename(hub.folder / "away")
            hub.wait(days=6.9)
            held.look(hub.now)
            assert not held.shut.is_set()
            hub.wait(days=0.2)
            while not held.shut.is_set():
                await news(held)
            hub.groups.folder = hub.folder / "away"
            hub.groups.refresh()
            hub.groups.folder = (hub.folder / "away").rename(hub.folder / "directory")
            await held.opened(asyncio.Event())
            assert held.is_open(hub.now)
    assert "directory.expired" in {each["event"] for each in logs}


async def test_a_plain_folder_is_held_as_it_is():
    loaded = Loaded(directory())
    stop = asyncio.Event()
    async with followed(loaded, None, clock=lambda: NOW, stop=stop) as held:
        assert held.current is loaded.directory
    assert Held.of(held) is held


async def test_what_a_new_directory_brings_is_prepared_in_the_thread_before_it_counts(
    hub,
):
    client, seen, stop = often(hub), [], asyncio.Event()
    loaded = client.load()

    def prepare(directory):
        seen.append((directory, held.current, threading.current_thread().name))

    async with asyncio.timeout(20):
        async with followed(
            loaded, client, clock=lambda: hub.now, stop=stop, prepare=prepare
        ) as held:
            await news(held)
            stop.set()
    (first, before, thread), *_ = seen
    assert (before, thread) == (loaded.directory, "directory")
    assert first is not before


def test_without_the_policy_by_which_is_decided_nothing_is():
    known = msgspec.structs.replace(directory(), policies={"ours": b""})
    held = Held(known, "ours")
    assert held.is_open(NOW)
    held.put(directory(), NOW)
    assert (held.shut.is_set(), held.why_shut(NOW)) == (True, "policy-withdrawn")
    assert held.standing("cert-aq", NOW) == "waits"
    held.put(known, NOW)
    assert not held.shut.is_set()
    assert Held(directory()).is_open(NOW)


def test_whoever_waits_is_told_only_of_what_changed():
    known = directory()
    held = Held(known)
    before = held.news
    held.put(known, NOW)
    held.look(NOW)
    assert held.news is before
    held.put(under(known, [], expires=NOW + 1), NOW)
    assert before.is_set()
    assert not held.shut.is_set()
    before = held.news
    held.look(NOW + 1)
    assert before.is_set()
    assert held.shut.is_set()


def test_who_is_suspended_waits_and_who_is_gone_is_out():
    held = Held(suspended(directory(), "cert-aq", NOW, NOW + 60))
    assert held.standing("cert-aq", NOW) == "waits"
    assert held.standing("cert-aq", NOW + 60) == "in"
    assert held.standing("cert-cw", NOW) == "out"


class _Slow:
    """A client whose server says nothing until it is let."""

    class remote:  # noqa: N801  as the client's attribute
        refresh_minutes = 0.001 / 60

    def __init__(self, error=None):
        self.asked, self.let = threading.Event(), threading.Event()
        self.error = error

    def refresh(self):
        self.asked.set()
        self.let.wait(10)
        raise self.error or DirectoryUnavailableError("no answer")


async def test_a_server_that_hangs_holds_up_neither_decisions_nor_the_end():
    client = _Slow()
    loaded, stop = Loaded(directory()), asyncio.Event()
    held = Held(loaded.directory)
    task = asyncio.create_task(
        follow(held, loaded, client, clock=lambda: NOW, stop=stop)
    )
    await asyncio.to_thread(client.asked.wait, 10)
    assert held.is_open(NOW)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    client.let.set()


async def test_a_mistake_of_ours_ends_the_process():
    client = _Slow(ZeroDivisionError())
    client.let.set()
    with pytest.raises(ExceptionGroup):
        async with followed(
            Loaded(directory()), client, clock=lambda: NOW, stop=asyncio.Event()
        ):
            await asyncio.sleep(10)


async def test_a_cache_that_fails_is_told_and_tried_again():
    client = _Slow(ConfigError("cannot use cache: No space left on device"))
    client.let.set()
    loaded, stop = Loaded(directory()), asyncio.Event()
    with capture_logs() as logs:
        async with followed(loaded, client, clock=lambda: NOW, stop=stop) as held:
            while len(logs) < 2:  # noqa: ASYNC110  a log sets no event
                await asyncio.sleep(0.005)
            assert held.current is loaded.directory
    assert "No space" in logs[1]["reason"]


# ----------------------------------------------------------------------- alarms

FRESH = Freshness(
    expires=NOW + 7 * DAY,
    fresh_until=NOW + 7 * DAY,
    by_groups=(("root", NOW + 365 * DAY), ("targets", NOW + 180 * DAY)),
)


def test_a_directory_that_is_signed_anew_daily_raises_nothing():
    assert alarms(FRESH, NOW) == alarms(FRESH, NOW + 1.9 * DAY) == ()


def test_from_the_second_day_without_news_on_it_is_stale():
    for days, left in ((2, 5), (2.5, 4), (6.9, 0)):
        assert alarms(FRESH, NOW + days * DAY) == (
            Alarm("error", "directory.stale", left),
        )


def test_once_it_has_expired_nothing_else_is_worth_telling():
    for days in (7, 300):
        assert alarms(FRESH, NOW + days * DAY) == (
            Alarm("critical", "directory.expired"),
        )


def test_groups_are_warned_for_two_weeks_before_what_they_sign_ends():
    ending = msgspec.structs.replace(FRESH, by_groups=(("targets", NOW + 10 * DAY),))
    assert alarms(ending, NOW) == (Alarm("warning", "directory.ending", 10, "targets"),)


def test_suspensions_that_cannot_be_read_are_an_alarm():
    faulty = msgspec.structs.replace(FRESH, faults=(("suspensions-hub", "x-form"),))
    assert alarms(faulty, NOW) == (
        Alarm("error", "directory.suspensions", 0, "suspensions-hub", "x-form"),
    )


@pytest.mark.parametrize(
    ("alarm", "words"),
    [
        (Alarm("critical", "directory.expired"), "has expired"),
        (Alarm("error", "directory.stale", 1), "in 1 day it expires"),
        (Alarm("warning", "directory.ending", 9, "root"), "root .* in 9 days"),
        (
            Alarm("error", "directory.suspensions", 0, "a", "b"),
            "a .* does not count: b",
        ),
    ],
)
def test_each_alarm_has_words_for_who_types_a_command(alarm, words):
    assert re.search(words, alarm.said)
