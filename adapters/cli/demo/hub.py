"""The bus of the demo: in this process, or lent from a RabbitMQ and given back. Edge."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from broker.bus import Bus
from broker.embedded import open_embedded
from broker.errors import (
    BusError,
    BusRefusedError,
    BusUnavailableError,
    ConfigError,
)
from broker.management import Management, open_management
from broker.rabbitmq import open_rabbitmq
from broker.topology import Topology, definitions, permissions

Login = Callable[[str], Awaitable[Bus]]
"""Gives the bus as one user may use it."""

_MANAGEMENT: Final = {"amqp": ("http", 15672), "amqps": ("https", 15671)}


@asynccontextmanager
async def lend_embedded(place: Topology) -> AsyncIterator[Login]:
    """Lend a bus in memory, with the permissions of a real one."""
    async with open_embedded(None, place) as broker:

        async def login(user: str) -> Bus:
            return broker.login(user)

        yield login


@asynccontextmanager
async def lend_rabbitmq(
    url: str, management_url: str | None, place: Topology
) -> AsyncIterator[Login]:
    """Lend a virtual host of its own and one user for each login of *place*.

    Both are removed at the end, also after an error or a Ctrl-C.

    Args:
        url: `amqp://admin:password@host:port/`; its virtual host is not touched.
        management_url: By default port 15672 (15671 with TLS) of the same host.

    Raises:
        ConfigError: An address is unusable, or a user of a needed name exists.
        BusRefusedError: The login is wrong or no administrator's.
        BusUnavailableError: AMQP or the management API cannot be reached.
    """
    parts = _parts(url)
    user = unquote(parts.username or "guest")
    password = unquote(parts.password or "guest")
    async with open_management(
        management_url or _default_management(parts), user=user, password=password
    ) as api:
        await _greet(api)
        passwords = {
            each.user: secrets.token_urlsafe(24) for each in permissions(place).users
        }
        await _need_free(api, passwords)
        vhost = f"tocsin-demo-{secrets.token_hex(4)}"
        try:
            await api.create_vhost(vhost)
            await api.import_definitions(
                definitions(place, permissions(place), passwords=passwords, vhost=vhost)
            )
            async with AsyncExitStack() as connections:

                async def login(user: str) -> Bus:
                    own = _login_url(parts, user, passwords[user], vhost)
                    opened = open_rabbitmq(own, user=user)
                    try:
                        return await connections.enter_async_context(opened)
                    except BusUnavailableError as error:
                        raise BusUnavailableError(
                            f"{error}; the management API answers, so look at host "
                            "and port of --amqp"
                        ) from None

                yield login
        finally:
            await _give_back(api, vhost, passwords)


async def _greet(api: Management) -> None:
    try:
        await api.need_administrator()
    except BusUnavailableError as error:
        raise BusUnavailableError(
            f"{error}; is RabbitMQ running there, with its management plugin "
            "(rabbitmq-plugins enable rabbitmq_management)? "
            "Another address is named with --management URL"
        ) from None
    except BusRefusedError as error:
        raise BusRefusedError(
            f"{error}; --amqp needs an administrator's: amqp://USER:PASSWORD@HOST:5672/"
        ) from None


async def _need_free(api: Management, names: Iterable[str]) -> None:
    taken = [name for name in names if await api.user_exists(name)]
    if taken:
        raise ConfigError(
            f"{api.place} has users called {', '.join(taken)} already, and the demo "
            "would change their passwords; use a RabbitMQ without them"
        )


async def _give_back(api: Management, vhost: str, users: Iterable[str]) -> None:
    """Remove everything that can be removed.

    Raises:
        BusError: Something stays; the text names it.
    """
    left = []
    try:
        await api.delete_vhost(vhost)
    except BusError:
        left.append(f"virtual host {vhost}")
    for name in users:
        try:
            await api.delete_user(name)
        except BusError:
            left.append(f"user {name}")
    if left:
        raise BusError(f"remove by hand at {api.place}: {', '.join(left)}")


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # The text would quote the address, and the password in it.
        raise ConfigError("the AMQP address cannot be read") from None
    if parts.scheme not in _MANAGEMENT or not parts.hostname:
        raise ConfigError("--amqp takes amqp://USER:PASSWORD@HOST:5672/ or amqps://...")
    return parts


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return f"[{host}]" if ":" in host else host


def _default_management(parts: SplitResult) -> str:
    scheme, port = _MANAGEMENT[parts.scheme]
    return f"{scheme}://{_host(parts)}:{port}"


def _login_url(parts: SplitResult, user: str, password: str, vhost: str) -> str:
    port = f":{parts.port}" if parts.port else ""
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    netloc = f"{login}@{_host(parts)}{port}"
    return urlunsplit(parts._replace(netloc=netloc, path=f"/{vhost}"))
