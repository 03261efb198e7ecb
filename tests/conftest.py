"""Fixtures of the whole tree."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

import pytest
import structlog
from hypothesis import settings

from tests.support import fetch_postgresql, fetch_rabbitmq, postgresql_node
from tests.support.browser import Page, open_browser
from tests.support.postgresql_node import (
    OwnPostgreSQL,
    PostgreSQLNode,
    PostgreSQLServer,
    open_postgresql_server,
)
from tests.support.rabbitmq_api import ApiError, RabbitMQ
from tests.support.rabbitmq_cluster import RabbitMQCluster
from tests.support.rabbitmq_node import NodeError, OwnNode, RabbitMQNode
from tests.support.softhsm import SoftHsm, SoftHsmError
from tests.support.softhsm import made as make_tokens

# A busy machine is no bug of ours, and two runs of one tree must agree.
settings.register_profile("tocsin", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("tocsin")

Server = TypeVar("Server")

SERVER_FIXTURES = {"rabbitmq", "own_node", "cluster"}
POSTGRESQL_FIXTURES = {"postgresql", "own_postgresql"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        named = set(getattr(item, "fixturenames", ()))
        if SERVER_FIXTURES & named:
            item.add_marker(pytest.mark.rabbitmq)
        if POSTGRESQL_FIXTURES & named:
            item.add_marker(pytest.mark.postgresql)
        if "browser" in named:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Undo what a command set up: it logs to a stream that is closed by now."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    """One server for the whole run: TOCSIN_TEST_AMQP_URL, or a private node.

    It fails, and never skips, when there is none.
    """
    server = RabbitMQ.from_environment(os.environ)
    if server:
        _check_answers(server)
        yield server
    else:
        with _started() as node:
            yield node.api


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQLServer]:
    """One server for the whole run: TOCSIN_TEST_POSTGRESQL_URL, or a private one.

    It fails, and never skips, when there is none.
    """
    with open_postgresql_server(os.environ) as server:
        yield server


@pytest.fixture
def vhost(rabbitmq: RabbitMQ) -> Iterator[RabbitMQ]:
    """An empty virtual host of its own for one test."""
    with rabbitmq.fresh_vhost() as fresh:
        yield fresh


@pytest.fixture(scope="session")
def own_node() -> OwnNode:
    """Starts nodes that are a test's own, which may crash them: `with own_node() as one`.

    Skipped, in plain sight, for who tests against a server of their own on a
    machine where ours cannot be unpacked.
    """
    tree = fetch_rabbitmq.TREE
    if os.environ.get("TOCSIN_TEST_AMQP_URL") and not fetch_rabbitmq.is_complete(tree):
        pytest.skip("needs a RabbitMQ to itself, which must not be yours")
    return _started


@pytest.fixture(scope="session")
def own_postgresql() -> OwnPostgreSQL:
    """Starts servers that are a test's own; skipped as `own_node`."""
    named, tree = os.environ.get("TOCSIN_TEST_POSTGRESQL_URL"), fetch_postgresql.TREE
    if named and not fetch_postgresql.is_complete(tree):
        pytest.skip("needs a PostgreSQL to itself, which must not be yours")
    return _started_postgresql


@pytest.fixture
def private_node(own_node: OwnNode) -> Iterator[RabbitMQNode]:
    """A node of its own for one test, which may crash it."""
    with own_node() as node:
        yield node


@pytest.fixture(scope="module")
def cluster(own_node: OwnNode) -> Iterator[RabbitMQCluster]:
    """Three nodes as one; its tests may crash them and bring them back.

    It takes 15 s to start: one file alone uses it. Skipped as `own_node`.
    """
    with _or_fail(RabbitMQCluster(), NodeError) as lent:
        yield lent


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> SoftHsm:
    """Tokens "one" and "other" of a SoftHSM; it fails where there is none."""
    try:
        return make_tokens(tmp_path_factory.mktemp("softhsm"), "one", "other")
    except SoftHsmError as error:
        failure = str(error)
    pytest.fail(failure, pytrace=False)


@pytest.fixture
async def browser() -> AsyncIterator[Page]:
    """A browser of its own for one test, offline; it fails where there is none."""
    async with open_browser() as page:
        yield page


def _started(**options: Any) -> AbstractContextManager[RabbitMQNode]:
    return _or_fail(RabbitMQNode(**options), NodeError)


def _started_postgresql() -> AbstractContextManager[PostgreSQLNode]:
    return _or_fail(PostgreSQLNode(), postgresql_node.NodeError)


@contextmanager
def _or_fail(
    server: AbstractContextManager[Server], error: type[Exception]
) -> Iterator[Server]:
    """Lend *server*; that it does not start is said without a traceback."""
    failure = ""
    with ExitStack() as opened:
        try:
            lent = opened.enter_context(server)
        except error as found:
            failure = str(found)
        else:
            yield lent
    if failure:
        pytest.fail(failure, pytrace=False)


def _check_answers(server: RabbitMQ) -> None:
    try:
        server.request("GET", "/api/overview")
    except ApiError as error:
        failure = str(error)
    else:
        return
    pytest.fail(
        f"RabbitMQ's management API says {failure}; where it is elsewhere, type: "
        "export TOCSIN_TEST_HTTP_URL=http://HOST:PORT",
        pytrace=False,
    )
