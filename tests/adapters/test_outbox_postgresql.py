"""The outbox in PostgreSQL: several processes, one of which may die, hang or be cut off."""

import asyncio
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from structlog.testing import capture_logs

from adapters.errors import OutboxUnavailableError
from adapters.forwarder import forward
from adapters.outbox import open_outbox
from adapters.outbox_erasure import Erasing
from adapters.outbox_postgresql import CLAIM_S
from adapters.outbox_removal import Removal
from adapters.outbox_schema import metadata
from adapters.patience import PatientStore
from broker.errors import ConfigError
from tests.support.sinks import MemorySink, new_delivery
from tests.support.tcp_proxy import open_proxy

pytestmark = pytest.mark.postgresql
NOW = 1_770_000_000.0
LANE = ("platform-b", "siem")


def clock():
    return NOW


def case(number, **changes):
    return new_delivery(sub=f"incident--{number}", **changes)


@pytest.fixture
async def url(postgresql):
    made = await postgresql.with_tables()
    yield made
    await postgresql.drop(made)


@pytest.fixture
async def two(url):
    async with (
        open_outbox(url, clock=clock) as one,
        open_outbox(url, clock=clock) as other,
    ):
        yield one, other


async def end_connections(url):
    """Cut everybody off, as a server does that is restarted."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()


def numbers(items):
    return [item.number for item in items]


async def test_two_processes_never_get_the_same_delivery(two):
    one, other = two
    await one.store([case(n) for n in range(60)])
    batches = await asyncio.gather(
        *(outbox.due(NOW, 7) for _ in range(5) for outbox in (one, other))
    )
    ids = [item.delivery_id for batch in batches for item in batch]
    assert len(ids) == len(set(ids)) == 60


async def test_two_that_store_at_once_leave_no_gap_and_no_double(two, url):
    one, other = two
    await asyncio.gather(
        *(one.store([case(n), case(n + 1, member="ngo-a")]) for n in range(0, 40, 2)),
        *(other.store([case(n), case(n + 1, member="ngo-a")]) for n in range(0, 40, 2)),
    )
    found = await one.due(NOW, 100)
    for member in ("platform-b", "ngo-a"):
        mine = [item for item in found if item.member == member]
        assert sorted(numbers(mine)) == list(range(1, 21))


async def test_what_one_has_in_hand_the_other_gets_when_it_is_given_back(two):
    one, other = two
    await one.store([case(1), case(2)])
    held = await one.due(NOW, 10)
    assert await other.due(NOW, 10) == []
    one.release(held[:1])
    assert await one.due(NOW, 10, lane=("nobody", "siem")) == []
    assert numbers(await other.due(NOW, 10)) == [1]


async def test_who_hands_out_nothing_any_more_lets_others_have_what_is_given_back(two):
    one, other = two
    await one.store([case(1), case(2)])
    held = await one.due(NOW, 10)
    one.release(held[:1])
    assert await other.due(NOW, 10) == []
    await one.notice()  # as every forwarder does, also while its sinks are paused
    assert numbers(await other.due(NOW, 10)) == [1]


async def test_what_a_dead_process_had_in_hand_is_free_at_once(two):
    dies, outlives = two
    await dies.store([case(1)])
    assert numbers(await dies.due(NOW, 10)) == [1]
    assert await outlives.due(NOW, 10) == []
    # What the server sees of a process that is killed.
    dies._database._own.sync_connection.connection.driver_connection.terminate()
    async with asyncio.timeout(10):
        while not (found := await outlives.due(NOW, 10)):  # noqa: ASYNC110  no event tells
            await asyncio.sleep(0.01)
    assert numbers(found) == [1]


async def test_what_a_hanging_process_has_in_hand_is_free_after_a_while(two):
    one, other = two
    await one.store([case(1)])
    [item] = await one.due(NOW, 10)
    assert await other.due(NOW + CLAIM_S - 1, 10) == []
    assert await other.due(NOW + CLAIM_S, 10) == [item]
    await other.done(item.delivery_id, NOW + CLAIM_S)
    # It wakes, and its outcome comes too late to change anything.
    await one.failed(item.delivery_id, "sink-gone", now=NOW + CLAIM_S)
    assert (await other.counts())["done"] == 1
    assert (await other.counts())["failed"] == 0


async def test_what_is_postponed_by_one_may_be_sent_by_the_other(two):
    one, other = two
    await one.store([case(1)])
    [item] = await one.due(NOW, 10)
    await one.postponed(item.delivery_id, NOW + 5, "sink-busy", now=NOW)
    [again] = await other.due(NOW + 5, 10)
    assert again.attempt == 2


async def test_lanes_are_numbered_in_one_order_whatever_is_done_so_nobody_is_stuck(
    url, two
):
    """Two that have a lane each, and need the other's, would end one of them."""
    one, _ = two
    await one.store([case(1, sink="first"), case(2, sink="second")])
    later = [
        case(3, sink="first", not_before=NOW + 9),
        case(4, sink="second", not_before=NOW + 8),
    ]
    assert await one.store(later) == ("waiting", "waiting")
    lock = "SELECT id FROM lanes WHERE sink = '{}' FOR UPDATE NOWAIT"
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        await connection.execute(lock.format("first"))  # as storing begins
        waiting = asyncio.create_task(one.due(NOW + 10, 10))
        blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        async with asyncio.timeout(10):
            while not await connection.fetchval(blocked):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await connection.execute(lock.format("second"))  # and goes on
    await connection.close()
    assert len(await waiting) == 4


async def test_storing_in_one_process_wakes_the_other(two):
    one, other = two
    await other.due(NOW, 10)  # connects, and listens
    mine, unconcerned = other.arrivals(LANE), other.arrivals(("ngo-a", "siem"))
    await one.store([case(1)])
    async with asyncio.timeout(10):
        await mine.wait()
    assert not unconcerned.is_set()
    await one.store([case(2, member=f"member-{n}") for n in range(60)])
    async with asyncio.timeout(10):
        await unconcerned.wait()  # of so many lanes, all are told


async def until_given_up(outbox, item):
    async with asyncio.timeout(10):
        while outbox.holds(item):  # noqa: ASYNC110  no event tells
            await asyncio.sleep(0.01)


async def test_what_one_process_erases_the_other_does_not_send(two):
    one, other = two
    rows = [case(1, member=f"member-{n}") for n in range(250)]  # told in two parts
    await one.store([*rows, case(2)])
    held = await other.due(NOW, 300)
    assert all(map(other.holds, held))
    [kept] = [item for item in held if item.sub == "incident--2"]
    mine = [item for item in held if item is not kept]
    order = Erasing(
        issuer="cert-aq", sub="incident--1", token_ids=(), at=NOW, reason="law"
    )
    assert len((await Removal(one).erase(order)).ended) == len(mine) == 250
    for item in mine:
        await until_given_up(other, item)
    assert other.holds(kept)
    # An attempt that was on its way is told as it ended.
    await other.done(mine[0].delivery_id, NOW)
    assert (await one.counts())["done"] == 1


async def test_who_hears_of_no_erasure_any_more_sends_nothing_that_was_in_hand(
    two, url
):
    one, _ = two
    await one.store([case(1)])
    [item] = await one.due(NOW, 10)
    await end_connections(url)
    await until_given_up(one, item)
    with pytest.raises(OutboxUnavailableError):
        await one.due(NOW, 10)
    one.release([item])
    [again] = await one.due(NOW, 10)
    assert one.holds(again)


async def test_cut_off_it_is_unavailable_and_works_on_when_it_is_back(two, url):
    one, other = two
    await one.store([case(1)])
    assert numbers(await one.due(NOW, 10)) == [1]
    await end_connections(url)
    with pytest.raises(OutboxUnavailableError) as caught:
        await one.due(NOW, 10)
    assert "incident" not in f"{caught.value}{caught.value.__cause__}"
    assert await one.store([case(2)]) == ("stored",)
    assert numbers(await one.due(NOW, 10)) == [2]
    # The lock went with the connection, so what it had in hand is anybody's.
    assert numbers(await other.due(NOW, 10)) in ([1], [])


async def test_a_server_that_is_killed_loses_nothing_that_was_stored(
    own_postgresql,
):
    with own_postgresql() as node:
        async with open_outbox(node.url, clock=clock) as outbox:
            await outbox.store([case(1), case(2)])
            node.kill()
            with pytest.raises(OutboxUnavailableError):
                await outbox.store([case(3)])
            with pytest.raises(OutboxUnavailableError):
                await outbox.due(NOW, 10)
            node.start()
            assert await outbox.store([case(1), case(3)]) == ("duplicate", "stored")
            assert numbers(await outbox.due(NOW, 10)) == [1, 2, 3]


async def test_a_server_that_is_away_when_the_keys_are_written_anew_is_waited_for(
    own_postgresql,
):
    what = Erasing(
        issuer="cert-aq", sub="incident--1", token_ids=(), at=1, reason="law"
    )
    with own_postgresql() as node:
        async with open_outbox(node.url, clock=clock) as outbox:
            await outbox.store([case(1)])
            removal = Removal(outbox)
            assert (await removal.erase(what)).bodies == 3
            node.kill()
            with pytest.raises(OutboxUnavailableError):
                await removal.finish()
            node.start()
            await removal.finish()


async def test_a_lane_that_another_process_was_just_sending_to_is_told_of_twice(two):
    """The first time it may have taken effect, and nobody has heard of it."""
    one, other = two
    await one.store([case(1)])
    await one.due(NOW, 10)
    what = Erasing(
        issuer="cert-aq", sub="incident--1", token_ids=(), at=1, reason="law"
    )
    first, again = [(await Removal(other).erase(what)).reached for _ in range(2)]
    assert len(first) == 1
    assert again == first


async def test_no_body_is_purged_that_is_stored_again_meanwhile(two):
    one, other = two
    for n in range(10):
        await one.store([case(n)])
        [item] = await one.due(NOW, 10)
        await one.done(item.delivery_id, NOW)
        await asyncio.gather(Removal(one).purge(NOW + 1), other.store([case(100 + n)]))
        [kept] = await one.due(NOW, 10)
        assert kept.evidence == new_delivery().evidence
        await one.done(kept.delivery_id, NOW)


async def test_several_may_begin_at_once(postgresql):
    url = await postgresql.fresh()

    async def begin():
        async with open_outbox(url, clock=clock) as outbox:
            return await outbox.store([case(1)])

    found = await asyncio.gather(*(begin() for _ in range(4)))
    assert sorted(found) == [("duplicate",)] * 3 + [("stored",)]


async def test_migrations_make_the_tables_that_the_code_knows(two):
    def differences(connection):
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, metadata)

    async with two[0]._database.engine.begin() as connection:
        assert await connection.run_sync(differences) == []


async def test_a_database_that_is_not_there_is_told_without_the_password(url):
    async def refused(place, password=None):
        with pytest.raises(ConfigError) as caught:
            async with open_outbox(place, password=password):
                pass
        return str(caught.value)

    assert "InvalidCatalogNameError" in await refused(url + "x", "s3cret")
    assert "s3cret" not in await refused(url + "x", "s3cret")
    assert "ConnectionRefusedError" in await refused("postgresql://u@127.0.0.1:1/db")
    assert "give password_file" in await refused("postgresql://u:s3cret@127.0.0.1/db")
    assert "postgresql://user@host" in await refused("postgresql://u@127.0.0.1")
    assert "cannot be read" in await refused("postgresql://u@[::1/db")


async def test_a_server_that_answers_nothing_any_more_is_no_database_now(
    url, monkeypatch
):
    for name in ("_COMMAND_S", "_CONNECT_S"):
        monkeypatch.setattr(f"adapters.outbox_postgresql.{name}", 0.3)
    place = urlsplit(url)
    async with open_proxy(place.hostname, place.port) as proxy:
        through = place._replace(netloc=f"tocsin@127.0.0.1:{proxy.port}").geturl()
        async with open_outbox(through, clock=clock) as outbox:
            await outbox.store([case(1), case(2)])
            first, second = await outbox.due(NOW, 10)
            proxy.answers.clear()
            calls = [
                outbox.due(NOW, 10),
                outbox.store([case(3)]),
                outbox.done(first.delivery_id, NOW),
                outbox.failed(second.delivery_id, "sink-gone", now=NOW),
                outbox.counts(),
            ]
            async with asyncio.timeout(5):
                found = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(each) for each in found} == {OutboxUnavailableError}
            proxy.answers.set()
            assert await outbox.store([case(3)]) in {("stored",), ("duplicate",)}
            async with asyncio.timeout(2):
                outbox.release([first, second])
                items = await outbox.due(NOW, 10)
            assert {each.sub for each in items} >= {"incident--3"}


async def test_a_server_without_room_is_waited_for_as_one_that_is_away(two):
    """53100: disk_full (PostgreSQL, appendix A), raised by the server itself."""
    here, _ = two
    engine = here._database.engine
    refuse = (
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$"
    )
    async with engine.begin() as connection:
        await connection.exec_driver_sql(refuse)
        await connection.exec_driver_sql(
            "CREATE TRIGGER no_room BEFORE INSERT ON deliveries "
            "FOR EACH ROW EXECUTE FUNCTION no_room()"
        )
    with pytest.raises(OutboxUnavailableError):
        await here.store([case(1)])
    async with engine.begin() as connection:
        await connection.exec_driver_sql("DROP TRIGGER no_room ON deliveries")
    assert await here.store([case(1)]) == ("stored",)


async def test_connections_of_which_the_servers_half_is_gone_are_all_made_anew_at_once(
    url, monkeypatch
):
    monkeypatch.setattr("adapters.outbox_postgresql._COMMAND_S", 0.3)
    place = urlsplit(url)
    async with open_proxy(place.hostname, place.port) as proxy:
        through = place._replace(netloc=f"tocsin@127.0.0.1:{proxy.port}").geturl()
        async with open_outbox(through, clock=clock) as outbox:
            await outbox.store([case(1), case(2)])
            await asyncio.gather(*(outbox.counts() for _ in range(4)))
            proxy.forget_servers()
            found = await asyncio.gather(*(outbox.counts() for _ in range(4)))
            assert [each["pending"] for each in found] == [2] * 4
            assert await outbox.store([case(3)]) == ("stored",)


async def test_an_erased_key_is_not_in_the_servers_table_any_more(two, url):
    one, _ = two
    await one.store([new_delivery(sub="incident--1"), new_delivery(sub="incident--2")])
    connection = await asyncpg.connect(url)
    try:
        keys = dict(await connection.fetch("SELECT sub, secret FROM record_keys"))
        await connection.execute("CHECKPOINT")
        where = "pg_read_binary_file(pg_relation_filepath('record_keys'))"
        before = await connection.fetchval(f"SELECT {where}")
        what = Erasing(
            issuer="cert-aq", sub="incident--1", token_ids=(), at=NOW, reason="law"
        )
        store = PatientStore(one, asyncio.Event())
        await store.erase(what)
        await connection.execute("CHECKPOINT")
        after = await connection.fetchval(f"SELECT {where}")
        # Somebody reads it for long: nobody waits for that.
        async with connection.transaction():
            await connection.execute("LOCK record_keys IN ACCESS SHARE MODE")
            other = msgspec.structs.replace(what, sub="incident--2")
            with capture_logs() as logs:
                await store.erase(other)
    finally:
        await connection.close()
    assert [keys[each] in before for each in sorted(keys)] == [True, True]
    assert [keys[each] in after for each in sorted(keys)] == [False, True]
    assert [each["event"] for each in logs] == ["outbox.keys_not_rewritten"]
    other = new_delivery(sub="incident--3", token_id="E" * 43)
    assert await one.store([other]) == ("stored",)


async def test_who_finds_all_in_other_hands_does_not_ask_without_a_pause(
    two, monkeypatch
):
    one, other = two
    await one.store([case(1)])
    [held] = await one.due(NOW, 10)
    asked, often = [], asyncio.Event()
    due = other.due

    async def counted(*args, **options):
        asked.append(args)
        if len(asked) > 3:
            often.set()
        return await due(*args, **options)

    monkeypatch.setattr(other, "due", counted)
    sink, stop = MemorySink(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(
            forward(other, {LANE: sink}, clock=clock, random=lambda: 0.5, stop=stop)
        )
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(often.wait(), 0.5)
        stop.set()
    assert sink.attempts == []
    assert held.number == 1
