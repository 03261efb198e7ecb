"""The management API's client: what it asks, and which error says what.

Against a small server here; that RabbitMQ answers like it is tested with the demo.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from adapters.cli.demo.hub import lend_rabbitmq
from broker import management
from broker.errors import BusError, BusRefusedError, BusUnavailableError, ConfigError
from broker.management import Management, open_management
from broker.topology import topology

PASSWORD = "hush hush"
PLACE = topology(["cert-aq"], ["hub"], ["platform-x"])
USERS = {"cert-aq", "platform-x", "gate", "operator", "adapter-hub"}


class Broker:
    """Answers like RabbitMQ, and remembers."""

    def __init__(self) -> None:
        self.users: set[str] = set()
        self.vhosts: set[str] = set()
        self.tags: Any = ["administrator"]
        self.answers: dict[tuple[str, str], web.Response] = {}
        self.imported: list[Any] = []
        self.url = ""

    async def __call__(self, request: web.Request) -> web.Response:
        login = base64.b64decode(request.headers["Authorization"].split()[1])
        if login.decode() != f"admin:{PASSWORD}":
            return web.Response(status=401)
        _, _, what, *rest = request.path.split("/")
        if prepared := self.answers.get((request.method, what)):
            return prepared
        match request.method, what:
            case "GET", "whoami":
                return web.json_response({"name": "admin", "tags": self.tags})
            case "GET", "users":
                return web.json_response(
                    {}, status=200 if rest[0] in self.users else 404
                )
            case "PUT", "vhosts":
                self.vhosts.add(rest[0])
            case "DELETE", "vhosts":
                self.vhosts.discard(rest[0])
            case "DELETE", "users":
                self.users.discard(rest[0])
            case "POST", "definitions":
                body = json.loads(await request.read())
                self.imported.append(body)
                self.users |= {each["name"] for each in body["users"]}
        return web.Response(status=204)


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    answering = Broker()
    async with serving(answering) as url:
        answering.url = url
        yield answering


@asynccontextmanager
async def serving(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(handler))  # type: ignore[arg-type]
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def opened(url: str, password: str = PASSWORD) -> AsyncIterator[Management]:
    async with open_management(url, user="admin", password=password) as api:
        yield api


def lent(broker: Broker) -> Any:
    url = f"amqp://admin:{PASSWORD.replace(' ', '%20')}@127.0.0.1:1/"
    return lend_rabbitmq(url, broker.url, PLACE)


async def test_an_administrator_is_greeted(broker: Broker) -> None:
    async with opened(broker.url) as api:
        await api.need_administrator()
        broker.tags = "management,administrator"
        await api.need_administrator()


@pytest.mark.parametrize("tags", [[], "", ["management"], "management"])
async def test_any_other_login_is_refused(broker: Broker, tags: Any) -> None:
    broker.tags = tags
    async with opened(broker.url) as api:
        with pytest.raises(BusRefusedError, match="no administrator"):
            await api.need_administrator()


async def test_a_wrong_password_is_refused_and_not_repeated(broker: Broker) -> None:
    async with opened(broker.url, "wrong") as api:
        with pytest.raises(BusRefusedError) as caught:
            await api.need_administrator()
    assert "wrong" not in str(caught.value)


async def test_nobody_there_is_told_by_place() -> None:
    async with opened("http://127.0.0.1:1") as api:
        with pytest.raises(BusUnavailableError, match=r"127\.0\.0\.1:1 "):
            await api.need_administrator()


async def test_silence_is_not_waited_for(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(management, "TIMEOUT_S", 0.05)

    async def silent(_: web.Request) -> web.Response:
        await asyncio.sleep(0.3)
        return web.Response()

    async with serving(silent) as url, opened(url) as api:
        with pytest.raises(BusUnavailableError, match="no answer"):
            await api.need_administrator()


@pytest.mark.parametrize(
    "answer",
    [
        {"text": "<html>"},
        {"text": "[]"},
        {"text": ""},
        {"status": 500},
        {"status": 302, "headers": {"Location": "/elsewhere"}},
    ],
)
async def test_something_else_at_that_address_is_an_error(
    broker: Broker, answer: dict[str, Any]
) -> None:
    broker.answers["GET", "whoami"] = web.Response(**answer)
    async with opened(broker.url) as api:
        with pytest.raises(BusError):
            await api.need_administrator()


@pytest.mark.parametrize("url", ["ftp://host", "host", "http://", "http://[", ""])
async def test_an_address_that_is_none_is_a_mistake_of_configuration(url: str) -> None:
    with pytest.raises(ConfigError):
        async with opened(url):
            pass


async def test_a_user_with_a_colon_cannot_log_in_over_http() -> None:
    with pytest.raises(ConfigError, match="colon"):
        async with open_management("http://host", user="a:b", password=PASSWORD):
            pass


async def test_names_with_slashes_stay_one_name(broker: Broker) -> None:
    broker.users = {"a%2Fb"}
    async with opened(broker.url) as api:
        assert not await api.user_exists("a")
        assert not await api.user_exists("b")


# ------------------------------------------------------------------ lending


async def test_a_virtual_host_is_lent_with_its_users_and_taken_back(
    broker: Broker,
) -> None:
    async with lent(broker):
        [vhost] = broker.vhosts
        assert vhost.startswith("tocsin-demo-")
        assert broker.users == USERS
        [imported] = broker.imported
        passwords = {each["password"] for each in imported["users"]}
        assert len(passwords) == len(USERS)
    assert (broker.vhosts, broker.users) == (set(), set())


async def test_it_is_taken_back_after_an_error_inside(broker: Broker) -> None:
    with pytest.raises(KeyError):
        async with lent(broker):
            raise KeyError
    assert (broker.vhosts, broker.users) == (set(), set())


async def test_it_is_taken_back_when_nothing_answers_amqp(broker: Broker) -> None:
    with pytest.raises(BusUnavailableError, match="look at host and port of --amqp"):
        async with lent(broker) as login:
            await login("gate")
    assert (broker.vhosts, broker.users) == (set(), set())


async def test_it_is_taken_back_when_the_import_fails(broker: Broker) -> None:
    broker.answers["POST", "definitions"] = web.Response(status=400)
    with pytest.raises(BusError, match="answers 400 to POST definitions"):
        async with lent(broker):
            pass
    assert broker.vhosts == set()


async def test_somebody_elses_user_stays_and_nothing_is_made(broker: Broker) -> None:
    broker.users = {"cert-aq", "theirs"}
    with pytest.raises(ConfigError, match="users called cert-aq already"):
        async with lent(broker):
            pass
    assert broker.users == {"cert-aq", "theirs"}
    assert (broker.vhosts, broker.imported) == (set(), [])


async def test_what_cannot_be_removed_is_named_and_the_rest_removed(
    broker: Broker,
) -> None:
    with pytest.raises(BusError, match=r"remove by hand .* virtual host tocsin-demo-"):
        async with lent(broker):
            broker.answers["DELETE", "vhosts"] = web.Response(status=500)
    assert broker.users == set()
