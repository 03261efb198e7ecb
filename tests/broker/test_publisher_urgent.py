"""What is urgent leaves a publisher first, and no more of it than the gate can bear."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from broker import chain, publisher_tables
from broker.embedded import open_embedded
from broker.private_sqlite import open_private
from broker.publisher import open_publisher
from broker.publisher_sending import WINDOW
from broker.publisher_tables import LAYOUT, MAX_AHEAD, next_places
from schemas.composing import compose
from schemas.profile import INCIDENT_CORE
from tests.support.issuing import (
    PLACE,
    clock,
    counting_entropy,
    draft,
    signer,
    take,
)

LIMIT = 5


def severe(number):
    """An incident of severity extreme."""
    plain = draft(number)
    core = {"extension_type": "property-extension", "criticality": 99}
    main = replace(plain.objects[0], extensions={INCIDENT_CORE: core})
    return compose((main, *plain.objects[1:]), now="2026-02-01T11:00:00.000Z")


def outbox(urgent):
    """A publisher's outbox in memory, with one record for each of *urgent*."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    for statement in LAYOUT.tables:
        db.execute(statement)
    db.executemany(
        "INSERT INTO outbox (token_id, seq, routing_key, content_encoding, body, urgent)"
        " VALUES (?, ?, '', '', x'00', ?)",
        [(f"t{n}", n, each) for n, each in enumerate(urgent, 1)],
    )
    return db


def confirm(db, places):
    db.executemany(
        "UPDATE outbox SET confirmed_at = 1, body = NULL WHERE place = ?",
        [(each,) for each in places],
    )


def places(db, limit=LIMIT):
    return [place for place, _ in next_places(db, limit)]


def test_where_all_leaves_at_once_the_order_is_that_of_the_feed():
    assert places(outbox([0, 0, 1, 0, 1])) == [1, 2, 3, 4, 5]


def test_where_many_wait_urgent_ones_leave_first():
    db = outbox([0, 1, 0, 0, 0, 0, 1, 0, 1])
    assert places(db) == [7, 9, 1, 2, 3]
    confirm(db, [7, 9, 1, 2, 3])
    assert places(db) == [4, 5, 6, 8]


def test_no_more_go_ahead_than_the_gate_can_remember_gaps():
    db = outbox([0, *([0, 1] * 200)])
    first = places(db, 100)
    assert first[:MAX_AHEAD] == sorted(first[:MAX_AHEAD])
    assert min(first[:MAX_AHEAD]) > 100
    confirm(db, first[:MAX_AHEAD])
    assert places(db, 100) == list(range(1, 101))
    assert MAX_AHEAD < chain.MAX_GAPS


@given(
    st.lists(st.integers(0, 1), min_size=1, max_size=60),
    st.lists(st.sets(st.integers(0, LIMIT - 1)), max_size=12),
)
def test_whatever_leaves_and_is_repeated_the_gate_finds_a_whole_feed(urgent, losses):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publisher_tables, "MAX_AHEAD", 3)
        patch.setattr(chain, "MAX_GAPS", 3 + LIMIT)  # what is in flight may fail, too
        assert sent_to_the_gate(urgent, iter(losses)) == chain.Feed(
            chain.Position(len(urgent), f"t{len(urgent)}")
        )


def sent_to_the_gate(urgent, losses):
    """Send all, but what is lost of each hand; what the gate then knows."""
    db, feed = outbox(urgent), chain.Feed()
    while batch := places(db):
        missing = next(losses, set())
        sent = [place for n, place in enumerate(batch) if n not in missing]
        for place in sent:
            before = f"t{place - 1}" if place > 1 else ""
            feed = chain.extend(feed, place, before, f"t{place}")
            assert feed is not None
        confirm(db, sent)
    return feed


async def test_severity_makes_it_urgent(tmp_path):
    async with (
        open_embedded(None, PLACE) as broker,
        open_publisher(
            broker.login("cert-aq"), tmp_path / "s.sqlite", signer("cert-aq"),
            clock=clock, entropy=counting_entropy(),
        ) as publisher,
    ):  # fmt: skip
        for number in range(1, WINDOW + 1):
            await publisher.enqueue(draft(number))
        urgent = await publisher.enqueue(severe(900))
        told = []
        assert await publisher.flush(told.append) == WINDOW + 1
        assert sum(told) == WINDOW + 1
        messages = await take(broker.login("gate"), "tocsin.ingress.cert-aq", 2)
    assert messages[0].message_id == urgent.token_id


def test_a_state_from_before_gets_the_column(tmp_path):
    before = replace(
        LAYOUT,
        version=5,
        tables=tuple(t for t in LAYOUT.tables if t != publisher_tables._URGENT),
    )
    path = tmp_path / "s.sqlite"
    with open_private(path, before):
        pass
    with open_private(path, LAYOUT) as file, file.transaction() as db:
        assert next_places(db, 5) == []


@pytest.mark.parametrize("number", [0, 1])
def test_the_size_of_each_is_told(number):
    assert next_places(outbox([number]), 5) == [(1, 1)]
