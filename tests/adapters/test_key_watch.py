"""What the log says of keys: at once and daily, and of the hub's as of members'."""

import asyncio

import msgspec
import structlog
from structlog.testing import capture_logs

from adapters import key_watch
from broker.directory import Directory
from schemas import timestamps
from tests.support.issuing import directory, key_entry, member, service, signer
from tests.support.suspended import suspended

NOW = timestamps.epoch("2026-03-01T12:00:00Z")
OWN = signer("hub").kid
SOON = "2026-03-11T12:00:00Z"


def told(known: Directory, own: str = OWN) -> list[dict[str, object]]:
    structlog.reset_defaults()
    with capture_logs() as logs:
        key_watch.tell(known, own, NOW)
    return [{k: v for k, v in each.items() if k != "log_level"} for each in logs]


def test_nothing_is_said_while_all_keys_have_time() -> None:
    assert told(directory()) == []


def test_the_own_key_is_told_with_its_days() -> None:
    known = directory(service(keys=(key_entry("hub", not_after=SOON),)))
    assert told(known) == [
        {
            "event": "key.ends_soon",
            "key": OWN,
            "own": True,
            "uses": ["adapter", "gate"],
            "days_left": 10,
            "not_after": "2026-03-11T12:00:00.000Z",
        }
    ]


def test_an_own_key_that_counts_no_more_is_told() -> None:
    ended = directory(
        service(keys=(key_entry("hub", not_after="2026-02-01T00:00:00Z"),))
    )
    revoked = key_entry(
        "hub", revoked_at="2026-02-01T00:00:00Z", revocation_reason="superseded"
    )
    [said] = told(ended)
    assert said["event"] == "key.ended"
    [said] = told(directory(service(keys=(revoked,))))
    assert (said["event"], said["reason"]) == ("key.revoked", "superseded")
    [said] = told(suspended(directory(), "hub", NOW))
    assert said["event"] == "key.suspended"
    assert told(directory(), "hub/unlisted") == [
        {"event": "key.unlisted", "key": "hub/unlisted"}
    ]


def test_a_member_without_a_next_key_is_told_and_one_that_has_it_is_not() -> None:
    ends = key_entry("cert-aq", not_after=SOON)
    alone = directory(member("cert-aq", keys=(ends,)))
    [said] = told(alone)
    assert (said["event"], said["key"], said["own"]) == (
        "key.ends_soon",
        signer("cert-aq").kid,
        False,
    )
    jwk = msgspec.structs.replace(signer("cert-aq-next").jwk, kid=msgspec.UNSET)
    following = key_entry("cert-aq", jwk=jwk)
    assert told(directory(member("cert-aq", keys=(ends, following)))) == []


async def test_it_is_told_at_once_and_ends_when_told_to() -> None:
    stop = asyncio.Event()
    asked = []

    def known() -> Directory:
        asked.append(None)
        stop.set()
        return directory()

    async with asyncio.timeout(10):
        await key_watch.watch(known, OWN, clock=lambda: NOW, stop=stop)
    assert len(asked) == 1


async def test_it_is_told_again_after_a_day(monkeypatch) -> None:
    stop = asyncio.Event()
    asked = []

    def known() -> Directory:
        asked.append(None)
        if len(asked) == 3:
            stop.set()
        return directory()

    assert key_watch._EVERY_S == 86_400
    monkeypatch.setattr(key_watch, "_EVERY_S", 0)
    async with asyncio.timeout(10):
        await key_watch.watch(known, OWN, clock=lambda: NOW, stop=stop)
    assert len(asked) == 3
