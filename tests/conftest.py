"""Fixtures of the whole tree."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import structlog
from hypothesis import settings

from tests.support.browser import Page, open_browser
from tests.support.fetch_rabbitmq import TREE, is_complete
from tests.support.postgresql_node import PostgreSQLServer, open_postgresql_server
from tests.support.rabbitmq_api import ApiError, RabbitMQ
from tests.support.rabbitmq_cluster import RabbitMQCluster
from tests.support.rabbitmq_node import NodeError, RabbitMQNode
from tests.support.softhsm import SoftHsm, SoftHsmError
from tests.support.softhsm import made as make_tokens

# A busy machine is no bug of ours, and two runs of one tree must agree.
settings.register_profile("tocsin", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("tocsin")

SERVER_FIXTURES = {"rabbitmq", "private_node", "cluster"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SERVER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.rabbitmq)
        if "postgresql" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.postgresql)
        if "browser" in getattr(item, "fixturenames", ()):
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


@pytest.fixture
def private_node() -> Iterator[RabbitMQNode]:
    """A node of its own for one test, which may crash it.

    Skipped, in plain sight, for who tests against a server of their own on a
    machine where ours cannot be unpacked.
    """
    if os.environ.get("TOCSIN_TEST_AMQP_URL") and not is_complete(TREE):
        pytest.skip("crashes a RabbitMQ, which must not be yours")
    with _started() as node:
        yield node


@pytest.fixture(scope="module")
def cluster() -> Iterator[RabbitMQCluster]:
    """Three nodes as one; its tests may crash them and bring them back.

    It takes 15 s to start: one file alone uses it. Skipped as `private_node`.
    """
    if os.environ.get("TOCSIN_TEST_AMQP_URL") and not is_complete(TREE):
        pytest.skip("crashes a RabbitMQ, which must not be yours")
    with ExitStack() as opened:
        try:
            lent = opened.enter_context(RabbitMQCluster())
        except NodeError as error:
            pytest.fail(str(error), pytrace=False)
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


@contextmanager
def _started() -> Iterator[RabbitMQNode]:
    try:
        node = RabbitMQNode().__enter__()
    except NodeError as error:
        failure = str(error)
    else:
        try:
            yield node
        finally:
            node.__exit__()
        return
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
