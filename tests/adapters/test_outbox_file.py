"""The outbox's file: private, durable, shared with care, and emptied for good."""

import asyncio
import hashlib
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text

from adapters.errors import OutboxUnavailableError
from adapters.outbox import open_outbox
from adapters.outbox_migrations import _FOLDER
from adapters.outbox_removal import Removal
from adapters.outbox_schema import metadata
from adapters.outbox_sqlite import APPLICATION_ID
from broker.errors import ConfigError
from tests.support.sinks import new_delivery

NOW = 1_770_000_000.0
LANE = ("platform-b", "siem")


def case(number, **changes):
    return new_delivery(sub=f"incident--{number}", **changes)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outbox.sqlite"


@pytest.fixture
async def outbox(path):
    async with open_outbox(path, clock=lambda: NOW) as opened:
        yield opened


def query(path, sql):
    """Look into the file from outside, as another process would."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def pragma(name):
    return text(f"PRAGMA {name}")


# trouble


async def test_a_file_locked_by_another_process_is_unavailable_not_a_crash(
    outbox, path
):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await _impatient(outbox)
        with pytest.raises(OutboxUnavailableError):
            await outbox.store([new_delivery(evidence=b"canary")])
        other.execute("ROLLBACK")
    assert await outbox.store([new_delivery()]) == ("stored",)


async def _impatient(outbox):
    """Wait for a lock for 50 ms instead of 5 s."""
    async with outbox._database.reader.begin() as connection:
        await connection.exec_driver_sql("PRAGMA busy_timeout=50")


async def test_a_full_disk_is_unavailable_and_names_no_record(outbox):
    async with outbox._database.reader.begin() as connection:
        pages = await connection.scalar(pragma("page_count"))
        await connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(OutboxUnavailableError) as caught:
        await outbox.store([new_delivery(sub="canary" * 10_000)])
    assert "canary" not in f"{caught.value}{caught.value.__cause__}"
    assert await outbox.due(NOW, 10) == []


# retention


async def test_settling_what_is_not_pending_is_a_bug(outbox):
    await outbox.store([case(1)])
    [item] = await outbox.due(NOW, 10)
    await outbox.done(item.delivery_id, NOW)
    for again in (
        outbox.done(item.delivery_id, NOW),
        outbox.postponed(item.delivery_id, NOW, "sink-busy", now=NOW),
        outbox.failed("d-unknown", "sink-refused", now=NOW),
    ):
        with pytest.raises(LookupError):
            await again


async def test_a_crash_between_storing_and_sending_loses_nothing(
    outbox, path, tmp_path
):
    await outbox.store([case(1), case(2)])
    held = await outbox.due(NOW, 1)
    # What a killed process leaves: the files as they are, nothing closed.
    (tmp_path / "after").mkdir()
    for name in ("outbox.sqlite", "outbox.sqlite-wal"):
        shutil.copy(path.with_name(name), tmp_path / "after" / name)
    async with open_outbox(tmp_path / "after" / "outbox.sqlite") as reopened:
        again = await reopened.due(NOW, 10)
        assert again[0] == held[0]
        assert [item.number for item in again] == [1, 2]
        assert await reopened.store([case(1), case(3)]) == ("duplicate", "stored")


async def test_a_body_for_two_hundred_members_is_on_the_disk_once(outbox, path):
    body = os.urandom(50_000)
    await outbox.store(
        [new_delivery(member=f"member-{n}", evidence=bytes(body)) for n in range(200)]
    )
    log = path.with_name("outbox.sqlite-wal")
    assert path.stat().st_size + log.stat().st_size < 1_000_000


async def test_purging_keeps_what_is_pending_or_recent_and_the_ledger(outbox, path):
    await outbox.store([case(n, evidence=b"evidence %d" % n) for n in range(4)])
    items = await outbox.due(NOW, 10)
    await outbox.done(items[0].delivery_id, NOW)
    await outbox.failed(items[1].delivery_id, "sink-refused", now=NOW)
    await outbox.done(items[2].delivery_id, NOW + 100)
    assert (
        await Removal(outbox).purge(NOW + 50) == 6
    )  # three bodies of each of two records
    assert query(path, "select count(*) from deliveries") == [(4,)]
    assert query(path, "select count(*) from contents") == [(6,)]
    kept = query(path, "select sub from record_keys order by sub")
    assert kept == [("incident--2",), ("incident--3",)]
    outbox.release(items[3:])
    assert [d.evidence for d in await outbox.due(NOW, 10)] == [b"evidence 3"]


async def test_what_is_stored_after_a_purge_takes_the_room_of_what_went(outbox, path):
    sizes = []
    for turn in range(4):
        rows = [case(100 * turn + n, evidence=os.urandom(20_000)) for n in range(100)]
        await outbox.store(rows)
        for item in await outbox.due(NOW, 100, max_bytes=10**9):
            await outbox.done(item.delivery_id, NOW)
        assert await Removal(outbox).purge(NOW + 1) >= 100  # several batches
        sizes.append(path.stat().st_size)
    assert sizes[0] > 2_000_000
    assert sizes[-1] < sizes[0] * 1.2
    assert query(path, "select count(*) from deliveries") == [(400,)]


async def test_others_work_on_while_much_is_purged(outbox):
    await outbox.store([case(n, evidence=b"%d" % n) for n in range(300)])
    for item in await outbox.due(NOW, 300):
        await outbox.done(item.delivery_id, NOW)
    purging = asyncio.create_task(Removal(outbox).purge(NOW + 1))
    assert await outbox.store([case(999)]) == ("stored",)
    assert not purging.done()
    purging.cancel()
    await asyncio.wait({purging})
    assert 0 < await Removal(outbox).purge(NOW + 1) < 900  # went on where it stopped
    assert len(await outbox.due(NOW, 10)) == 1


async def test_a_shared_body_stays_while_one_delivery_needs_it(outbox):
    await outbox.store([case(1), case(1, member="ngo-a")])
    [mine] = await outbox.due(NOW, 10, lane=LANE)
    await outbox.done(mine.delivery_id, NOW)
    assert await Removal(outbox).purge(NOW + 1) == 0


async def test_purged_bytes_are_in_no_file_any_more(outbox, path):
    await outbox.store([case(1, evidence=os.urandom(100_000))])
    [(content,)] = query(
        path, "select max(content) from contents where length(content) > 9999"
    )
    [(secret,)] = query(path, "select secret from record_keys")
    files = [path, path.with_name(path.name + "-wal")]
    stored = b"".join(file.read_bytes() for file in files)
    pieces = [content[at : at + 100] for at in range(0, len(content) - 100, 1000)]
    found = [each for each in (secret, *pieces) if each in stored]
    assert secret in found
    assert len(found) > 80  # a few lie across two pages
    [item] = await outbox.due(NOW, 1)
    await outbox.done(item.delivery_id, NOW)
    await Removal(outbox).purge(NOW + 1)
    for each in found:
        assert not any(each in file.read_bytes() for file in files)


async def test_bodies_stand_in_the_file_under_keys_alone(outbox, path):
    canary = b"canary-" + os.urandom(8).hex().encode()
    await outbox.store([case(1, evidence=canary * 3000)])
    await outbox.store([case(2, projection=canary)])
    files = [path, path.with_name(path.name + "-wal")]
    assert not any(canary in file.read_bytes() for file in files)
    [one, two] = await outbox.due(NOW, 2)
    assert (one.evidence, two.projection) == (canary * 3000, canary)


async def test_the_same_body_in_two_records_lies_under_two_keys(outbox, path):
    await outbox.store([case(1), case(2)])
    assert query(path, "select count(*) from contents") == [(6,)]
    assert query(path, "select count(distinct sha256) from bodies") == [(3,)]


async def test_a_body_changed_in_the_file_is_not_given_out(outbox, path):
    await outbox.store([case(1)])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("update contents set content = zeroblob(100)")
        connection.commit()
    with pytest.raises(OutboxUnavailableError, match="does not open"):
        await outbox.due(NOW, 1)


async def test_a_purged_body_that_is_needed_again_comes_back(outbox):
    await outbox.store([case(1)])
    [item] = await outbox.due(NOW, 1)
    await outbox.done(item.delivery_id, NOW)
    assert await Removal(outbox).purge(NOW + 1) == 3
    await outbox.store([case(1, member="ngo-a")])
    [again] = await outbox.due(NOW, 1)
    assert again.evidence == item.evidence


async def test_an_outbox_from_before_there_were_keys_is_put_under_keys(path):
    made_before_alembic(path, 2)
    body = os.urandom(5000)
    digest = hashlib.sha256(body).digest()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO lanes VALUES (1, 'platform-b', 'siem', 1)")
        connection.execute("INSERT INTO bodies VALUES (?, ?)", (digest, len(body)))
        connection.execute("INSERT INTO contents VALUES (?, ?)", (digest, body))
        values = (
            "d-1", 1, 1, "cert-aq", "incident--1", "2026-01-01T00:00:00Z", "20260101",
            "incident", "GREEN", "A" * 43, "default", "platform", digest, digest,
            digest, 3 * len(body), "pending", 0, "", NOW, 0.0, None, None,
        )  # fmt: skip
        marks = ", ".join("?" * len(values))
        connection.execute(f"INSERT INTO deliveries VALUES ({marks})", values)  # noqa: S608  marks
    async with open_outbox(path, clock=lambda: NOW) as outbox:
        [item] = await outbox.due(NOW, 1)
        assert item.evidence == item.receipt == body
    # Closing empties the log.
    assert body[100:200] not in path.read_bytes()
    assert query(path, "select sha256 from bodies") == [(digest,)]


# the file


async def test_the_files_are_readable_by_their_owner_alone(outbox, path):
    await outbox.store([case(1)])
    files = list(path.parent.iterdir())
    assert {file.name for file in files} >= {"outbox.sqlite", "outbox.sqlite-wal"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def test_every_commit_is_synced_before_store_returns(outbox):
    async with outbox._database.reader.begin() as connection:
        settings = {
            name: await connection.scalar(pragma(name))
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


async def refused(place):
    with pytest.raises(ConfigError) as caught:
        async with open_outbox(place):
            pass
    return str(caught.value)


async def test_a_file_open_to_others_is_refused(path):
    path.touch(mode=0o640)
    assert f"chmod 600 {path}" in await refused(path)


async def test_a_file_that_is_no_database_is_refused_and_left_alone(path):
    path.write_bytes(b"something else entirely" * 100)
    path.chmod(0o600)
    assert "no outbox" in await refused(path)
    assert path.read_bytes() == b"something else entirely" * 100


async def test_a_newer_form_is_refused_and_left_alone(path):
    async with open_outbox(path):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
        connection.commit()
    assert "newer Tocsin" in await refused(path)
    assert query(path, "select version_num from alembic_version") == [("9999",)]


def made_before_alembic(path, version):
    """Make an outbox as Tocsin made it before: the tables of the first revision."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(_FOLDER))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql("DROP TABLE alembic_version")
        connection.exec_driver_sql("CREATE TABLE schema_version (version INTEGER)")
        connection.execute(
            text("INSERT INTO schema_version VALUES (:v)"), {"v": version}
        )
        connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
    engine.dispose()
    path.chmod(0o600)


async def test_an_outbox_from_before_alembic_is_taken_over_with_what_is_in_it(path):
    made_before_alembic(path, 2)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO lanes VALUES (1, 'platform-b', 'siem', 7)")
        connection.execute("CREATE INDEX deliveries_by_token ON deliveries (token_id)")
        connection.commit()
    async with open_outbox(path, clock=lambda: NOW) as outbox:
        await outbox.store([case(1)])
        [item] = await outbox.due(NOW, 10)
        assert item.number == 8


@pytest.mark.parametrize(("version", "word"), [(1, "older"), (99, "newer")])
async def test_other_forms_from_before_alembic_are_refused(path, version, word):
    made_before_alembic(path, version)
    assert f"schema version {version}, {word}" in await refused(path)


async def test_migrations_make_the_tables_that_the_code_knows(outbox):
    def differences(connection):
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, metadata)

    async with outbox._database.reader.begin() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_second_adapter_on_the_file_is_refused_and_the_first_works_on(
    outbox, path
):
    assert "in use by another adapter" in await refused(path)
    link = path.with_name("link.sqlite")
    link.symlink_to(path)
    assert "in use by another adapter" in await refused(link)
    assert await outbox.store([new_delivery()]) == ("stored",)


HOLD = """
import asyncio, sys
from adapters.errors import OutboxUnavailableError
from adapters.outbox import open_outbox

async def hold():
    async with open_outbox(sys.argv[1]):
        print("open", flush=True)
        await asyncio.sleep(60)

asyncio.run(hold())
"""


async def test_a_killed_adapter_leaves_the_file_to_the_next_one(path):
    command = (sys.executable, "-P", "-c", HOLD, str(path))
    with subprocess.Popen(  # noqa: ASYNC220, S603  ourselves
        command, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"open\n"
        assert "in use by another adapter" in await refused(path)
        holder.kill()
    async with open_outbox(path) as outbox:
        assert await outbox.store([new_delivery()]) == ("stored",)


async def test_the_lock_is_for_its_owner_alone_and_never_through_a_link(path):
    lock = path.with_name("outbox.sqlite.lock")
    lock.touch(mode=0o666)
    async with open_outbox(path):
        assert stat.S_IMODE(lock.stat().st_mode) == 0o600
    lock.unlink()
    lock.symlink_to(path.with_name("elsewhere"))
    assert "cannot open" in await refused(path)
    assert not path.with_name("elsewhere").exists()


@pytest.mark.parametrize(
    "made_by", ["create table schema_version (version)", "pragma application_id=7"]
)
async def test_a_database_of_somebody_else_is_refused_and_left_alone(path, made_by):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(made_by)
    path.chmod(0o600)
    before = path.read_bytes()
    assert "no outbox of Tocsin" in await refused(path)
    assert path.read_bytes() == before


async def test_a_missing_folder_and_a_folder_are_refused(tmp_path):
    assert "cannot open" in await refused(tmp_path / "nowhere" / "outbox.sqlite")
    assert "no regular file" in await refused(tmp_path)


@pytest.mark.parametrize(
    "place", ["", ":memory:", "sqlite+aiosqlite://", "postgresql+asyncpg://h/d", "://"]
)
async def test_only_a_sqlite_file_will_do(place):
    await refused(place)


async def test_a_url_names_the_same_file_as_its_path(path):
    async with open_outbox(f"sqlite+aiosqlite:///{path}") as outbox:
        await outbox.store([case(1)])
    async with open_outbox(str(path)) as outbox:
        assert len(await outbox.due(NOW, 10)) == 1
