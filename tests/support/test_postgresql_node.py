"""The private PostgreSQL server of the tests."""

import asyncpg


async def test_what_is_committed_survives_a_kill(own_postgresql):
    with own_postgresql() as node:
        connection = await asyncpg.connect(node.url)
        await connection.execute("CREATE TABLE kept (number integer)")
        await connection.execute("INSERT INTO kept VALUES (42)")
        node.kill()
        await connection.close(timeout=1)
        node.start()
        again = await asyncpg.connect(node.url)
        assert await again.fetchval("SELECT number FROM kept") == 42
        await again.close()
        folder = node._folder
    assert not folder.exists()


async def test_each_has_a_port_of_its_own(own_postgresql):
    with own_postgresql() as one, own_postgresql() as other:
        assert one.url != other.url
