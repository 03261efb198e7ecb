"""What the outbox asks SQLite on a record's way: nothing walks through a whole ledger."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import event

from adapters.outbox import open_outbox
from tests.support.sinks import new_delivery

NOW = 1_770_000_000.0
ROWS = [
    new_delivery(member=member, sub=f"incident--{number}", token_id=f"{number}" * 43)
    for number in range(3)
    for member in ("platform-b", "platform-c")
]
LANE = (ROWS[0].member, ROWS[0].sink)
# These have a row for each record, and some for each delivery.
GROWING = ("deliveries", "superseded", "contents", "bodies", "record_keys", "erased")


async def a_records_way(outbox):
    await outbox.scopes({row.sub for row in ROWS})
    await outbox.store(ROWS)
    await outbox.known(LANE[0], {row.token_id for row in ROWS})
    items = await outbox.due(NOW, 10, lane=LANE)
    await outbox.done(items[0].delivery_id, NOW)
    await outbox.postponed(items[1].delivery_id, NOW + 1, "sink-timeout", now=NOW)
    await outbox.first_failed_at(items[1].delivery_id)
    await outbox.failed(items[2].delivery_id, "sink-refused", now=NOW)
    await outbox.next_due(lane=LANE)


@pytest.fixture
async def plans(tmp_path):
    """Give what SQLite says of each statement, by its text."""
    asked, path = {}, tmp_path / "outbox.sqlite"
    async with open_outbox(path, clock=lambda: NOW) as outbox:

        @event.listens_for(outbox._database.engine.sync_engine, "before_cursor_execute")
        def note(_connection, _cursor, statement, parameters, _context, many):
            asked[statement] = parameters[0] if many else parameters

        await a_records_way(outbox)
    with closing(sqlite3.connect(path)) as connection:
        return {
            statement: [
                row[3]
                for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            ]
            for statement, values in asked.items()
            if statement.startswith(("SELECT", "UPDATE", "WITH"))
        }


async def test_no_table_that_grows_is_walked_through(plans):
    walked = [
        (step, statement)
        for statement, steps in plans.items()
        for step in steps
        if step.startswith("SCAN") and step.split()[1] in GROWING
    ]
    assert walked == []


async def test_what_is_known_of_a_record_is_looked_up_by_all_that_names_it(plans):
    steps = [step for steps in plans.values() for step in steps]
    for wanted in (
        "deliveries USING INDEX sqlite_autoindex_deliveries_3"
        " (lane_id=? AND issuer=? AND sub=?)",
        "superseded USING COVERING INDEX sqlite_autoindex_superseded_1"
        " (lane_id=? AND issuer=? AND sub=?)",
        "record_keys USING INDEX sqlite_autoindex_record_keys_2 (issuer=? AND sub=?)",
    ):
        assert f"SEARCH {wanted}" in steps
