"""Retention: how long what the hub keeps can be read, by marking and law."""

import asyncio
from contextlib import contextmanager
from functools import partial

import msgspec
import pytest

from broker import seen
from broker.archive import open_archive
from broker.directory_held import Held
from broker.gate_retention import retain, retain_once
from broker.retention import DAY_S, Aged, Retention, ended
from tests.broker.test_archive_erasure import ID, version
from tests.support.issuing import HUB, NOW, directory, member

STAMP = partial(seen.make_stamp, HUB)
KNOWN = directory(
    msgspec.structs.replace(member("cert-aq"), country="DE"),
    msgspec.structs.replace(member("cert-bv"), country="DE", jurisdiction="FR"),
    msgspec.structs.replace(member("cert-cw"), country="SG"),
)
RULES = msgspec.convert(
    {
        "days": 100,
        "tlp": {"AMBER": 50, "RED": 200},
        "law": [
            {"jurisdictions": ["FR", "IT"], "days": 30},
            {"jurisdictions": ["SG"], "days": 120},
        ],
    },
    Retention,
)


def record(issuer="cert-aq", *marks, days=0.0):
    return Aged(
        issuer=issuer,
        sub="incident--1",
        marks=frozenset(marks or ("GREEN",)),
        newest=NOW - days * DAY_S,
    )


@pytest.mark.parametrize(
    ("issuer", "marks", "days"),
    [
        ("cert-aq", ("GREEN",), 100),
        ("cert-aq", ("AMBER",), 50),
        ("cert-aq", ("RED",), 200),
        ("cert-aq", ("RED", "AMBER"), 50),  # versions that were marked differently
        ("cert-bv", ("GREEN",), 30),  # its jurisdiction, not its country
        ("cert-bv", ("RED",), 30),
        ("cert-cw", ("GREEN",), 100),  # the law allows more
        ("cert-cw", ("RED",), 120),
        ("nobody-any-more", ("RED",), 30),
    ],
)
def test_a_record_is_kept_to_its_last_day_and_no_longer(issuer, marks, days):
    young, old = (
        [*ended([record(issuer, *marks, days=each)], RULES, KNOWN, now=NOW)]
        for each in (days - 0.01, days)
    )
    assert (young, old) == ([], [(issuer, "incident--1")])
    assert days >= RULES.least


def test_the_least_is_the_least_of_all():
    assert RULES.least == 30
    assert Retention().least == Retention().days_for([], "") == 1825


@contextmanager
def archived(folder, *items):
    with open_archive(folder / "archive.sqlite") as archive:
        archive.append(items, STAMP)
        yield archive


def seen_before(days, number, **more):
    return version(number, seen_at=int(NOW - days * DAY_S), **more)


async def once(archive, *, now=NOW):
    stop = asyncio.Event()
    await retain_once(archive, Held.of(KNOWN), RULES, now=now, stop=stop)


async def test_the_archive_forgets_what_is_over_and_keeps_the_rest(tmp_path):
    old, new = seen_before(101, 1), seen_before(99, 2, sub="incident--2")
    with archived(tmp_path, old, new) as archive:
        await once(archive)
        assert [archive.get(ID[n]).erased for n in (1, 2)] == [True, False]
        [erased] = archive.erased()
        assert (erased.reason, erased.at) == ("retention", int(NOW))
        await once(archive, now=NOW + DAY_S)
        assert archive.get(ID[2]).erased
        assert archive.erased()[0] == erased  # once is enough


async def test_a_record_goes_when_its_newest_version_is_old_enough(tmp_path):
    with archived(tmp_path, seen_before(500, 1), seen_before(99, 2)) as archive:
        await once(archive)
        assert not archive.get(ID[1]).erased
        await once(archive, now=NOW + DAY_S)
        assert archive.get(ID[1]).erased
        assert archive.get(ID[2]).erased


async def test_a_version_that_comes_while_it_is_looked_for_keeps_the_record(tmp_path):
    with archived(tmp_path, seen_before(200, 1)) as archive:
        [old] = archive.aged(NOW - RULES.least * DAY_S)
        archive.append([seen_before(0, 2)], STAMP)
        archive.aged = lambda _: [old]  # as it was a moment ago
        await once(archive)
        assert archive.erased() == []
        assert not any(archive.get(ID[n]).erased for n in (1, 2))


async def test_what_another_has_erased_meanwhile_keeps_its_reason(tmp_path):
    with archived(tmp_path, seen_before(200, 1)) as archive:
        [old] = archive.aged(NOW - RULES.least * DAY_S)
        archive.erase([("cert-aq", "incident--1")], at=7, reason="law")
        archive.aged = lambda _: [old]
        await once(archive)
        assert [each.reason for each in archive.erased()] == ["law"]


async def test_more_than_one_step_are_done_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("broker.gate_retention._AT_ONCE", 1)
    items = [seen_before(200, n, sub=f"incident--{n}") for n in (1, 2, 3)]
    with archived(tmp_path, *items) as archive:
        await once(archive)
        assert len(archive.erased()) == 3


async def test_it_runs_by_itself_and_again(tmp_path, monkeypatch):
    monkeypatch.setattr("broker.gate_retention.EVERY_S", 0.01)
    stop, now = asyncio.Event(), [NOW]
    with archived(tmp_path, seen_before(99, 1)) as archive:
        running = asyncio.create_task(
            retain(archive, Held.of(KNOWN), RULES, clock=lambda: now[0], stop=stop)
        )
        now[0] += DAY_S
        async with asyncio.timeout(10):
            while not archive.erased():  # noqa: ASYNC110  a file has no event
                await asyncio.sleep(0.01)
        stop.set()
        await running
