"""The private PostgreSQL server of the tests."""

import asyncpg
import pytest

from tests.support.postgresql_node import PostgreSQLNode

pytestmark = pytest.mark.postgresql


async def test_what_is_committed_survives_a_kill():
    with PostgreSQLNode() as node:
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


async def test_each_has_a_port_of_its_own():
    with PostgreSQLNode() as one, PostgreSQLNode() as other:
        assert one.url != other.url
