"""RabbitMQ's management API, as far as we need it. Edge.

The login must be an administrator's. No text here names a password, nor an
address with one in it.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from broker.errors import BusError, BusRefusedError, BusUnavailableError, ConfigError

TIMEOUT_S: Final = 30.0  # importing definitions on a busy node takes seconds


class Management:
    """One broker's management API; made by `open_management`.

    Every method raises BusUnavailableError when nothing answers, BusRefusedError
    when the login may not do it, BusError for any other failure. After
    BusUnavailableError the broker may have done it.
    """

    def __init__(self, session: aiohttp.ClientSession, address: URL) -> None:
        self._session = session
        self._address = str(address).rstrip("/")
        self.place = f"{address.host}:{address.port}"

    async def create_vhost(self, name: str) -> None:
        """Create the virtual host *name*, or leave it as it is."""
        await self._ask("PUT", "vhosts", name, body={})

    async def delete_vhost(self, name: str) -> None:
        """Delete *name* with all that is in it; nothing happens if there is none."""
        await self._ask("DELETE", "vhosts", name, missing_ok=True)

    async def user_exists(self, name: str) -> bool:
        """Tell whether the broker has a user *name*."""
        return await self._ask("GET", "users", name, missing_ok=True) is not None

    async def delete_user(self, name: str) -> None:
        """Delete the user *name*, on every virtual host, if there is one."""
        await self._ask("DELETE", "users", name, missing_ok=True)

    async def import_definitions(self, definitions: Mapping[str, Any]) -> None:
        """Import what `topology.definitions` gives; a failure may leave a part of it."""
        await self._ask("POST", "definitions", body=definitions)

    async def get(self, *path: str, missing_ok: bool = False) -> Any:
        """Return what stands at `/api/<path>`, decoded.

        Raises:
            BusError: There is no such thing, unless *missing_ok*: then it is None.
        """
        return await self._ask("GET", *path, missing_ok=missing_ok)

    async def put(self, *path: str, body: Mapping[str, Any]) -> None:
        """Create or replace what stands at `/api/<path>`."""
        await self._ask("PUT", *path, body=body)

    async def post(self, *path: str, body: Mapping[str, Any]) -> None:
        """Add something to `/api/<path>`."""
        await self._ask("POST", *path, body=body)

    async def delete(self, *path: str) -> None:
        """Delete `/api/<path>`; nothing happens if it is gone."""
        await self._ask("DELETE", *path, missing_ok=True)

    async def need_administrator(self) -> None:
        """Check the login.

        Raises:
            BusRefusedError: It is no administrator's.
        """
        found = await self._ask("GET", "whoami")
        try:
            tags = msgspec.convert(found, _WhoAmI).tags
        except msgspec.ValidationError:
            raise BusError(f"{self.place} is no RabbitMQ management API") from None
        # 3.10 sends a list, older ones a text with commas.
        if "administrator" not in (tags.split(",") if isinstance(tags, str) else tags):
            raise BusRefusedError(f"the login at {self.place} is no administrator's")

    async def _ask(
        self,
        method: str,
        *path: str,
        body: Mapping[str, Any] | None = None,
        missing_ok: bool = False,
    ) -> Any:
        """Return the decoded answer; None if it is empty, or 404 and *missing_ok*."""
        words = "/".join(quote(word, safe="") for word in path)
        url = URL(f"{self._address}/api/{words}", encoded=True)
        data = None if body is None else msgspec.json.encode(body)
        try:
            async with self._session.request(
                method, url, data=data, allow_redirects=False
            ) as answer:
                text = await answer.read()
        except TimeoutError:
            raise BusUnavailableError(
                f"no answer from the management API at {self.place}"
            ) from None
        except aiohttp.ClientError as error:
            # Its text may hold the address; only its kind is passed on.
            raise BusUnavailableError(
                f"no management API at {self.place} ({type(error).__name__})"
            ) from None
        if answer.status == 404 and missing_ok:
            return None
        if answer.status in {401, 403}:
            raise BusRefusedError(f"{self.place} refuses the login")
        if not 200 <= answer.status < 300:
            raise BusError(
                f"the management API at {self.place} answers {answer.status} "
                f"to {method} {path[0]}"
            )
        return _decoded(text, self.place)


class _WhoAmI(msgspec.Struct):
    tags: list[str] | str


def _decoded(text: bytes, place: str) -> Any:
    try:
        return msgspec.json.decode(text) if text else None
    except msgspec.DecodeError:
        raise BusError(f"{place} is no RabbitMQ management API") from None


@asynccontextmanager
async def open_management(
    url: str, *, user: str, password: str, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Management]:
    """Lend the management API at *url* (`http://host:15672`) under this login.

    Args:
        tls: For https; without it the system's authorities are trusted.

    Raises:
        ConfigError: *url* is no http or https address, or *user* holds a colon.
    """
    try:
        address = URL(url)
    except ValueError:
        # The text would quote the address.
        raise ConfigError("the management address cannot be read") from None
    if address.scheme not in {"http", "https"} or not address.host:
        raise ConfigError("the management address is not http://host or https://host")
    try:
        login = aiohttp.encode_basic_auth(user, password, "utf-8")
    except ValueError:
        raise ConfigError("the management API takes no user with a colon") from None
    async with aiohttp.ClientSession(
        headers={"Authorization": login, "Content-Type": "application/json"},
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        connector=aiohttp.TCPConnector(ssl=tls or True),
    ) as session:
        yield Management(session, address.with_user(None).with_query(None))
