"""A TAXII 2.1 collection over HTTP: one request, one answer, all of it bounded. Edge."""

import base64
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
from yarl import URL

from adapters.config import PollConfig
from adapters.retries import parse_retry_after
from adapters.sinks.guarded_http import (
    ForbiddenAddressError,
    Lookup,
    check_url,
    open_session,
    system_lookup,
)
from adapters.taxii import envelope
from adapters.taxii.cursor import Request
from adapters.taxii.envelope import MAX_PAGE_BYTES
from adapters.taxii.paging import Answer
from broker.errors import ConfigError
from broker.signers import read_secret
from schemas.errors import SchemaError

TIMEOUT_S: Final = 120.0  # real servers need half a minute for a page
_MAX_REDIRECTS: Final = 3
_CHUNK_BYTES: Final = 64 << 10
_MAX_HEADER_CHARS: Final = 100
_REDIRECTS: Final = frozenset({301, 302, 307, 308})


class _BadAnswerError(Exception):
    """An answer that cannot be used, for a reason of `schemas.rules`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Collection:
    """Made by `open_collection`; its login is in no `repr`."""

    __slots__ = ("_clock", "_login", "_session", "_url")

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: URL,
        login: dict[str, str],
        clock: Callable[[], float],
    ) -> None:
        self._session = session
        self._url = url
        self._login = login
        self._clock = clock

    async def get(self, request: Request) -> Answer:
        """Make one request for objects; redirects on the same host are followed."""
        try:
            for _ in range(_MAX_REDIRECTS + 1):
                async with self._session.get(
                    self._url.with_query(request.params),
                    headers={
                        "Accept": request.accept,
                        "Accept-Encoding": "gzip, identity",
                        **self._login,
                    },
                    allow_redirects=False,
                ) as response:
                    if response.status not in _REDIRECTS:
                        return await self._answer(response)
                    self._url = self._moved(response.headers.get("Location", ""))
            return _fault("taxii-redirect")
        except _BadAnswerError as error:
            return _fault(error.reason)
        except TimeoutError:
            return Answer(status=0)
        except aiohttp.ClientError as error:
            reason = _reason(error)
            return Answer(status=0) if reason is None else _fault(reason)

    def _moved(self, location: str) -> URL:
        """Give the new place of the objects, if it is on the same host."""
        try:
            place = self._url.join(URL(location)).with_query(None).with_fragment(None)
        except ValueError:
            raise _BadAnswerError("taxii-redirect") from None
        # The login, and what the address was checked for, are good for one host only.
        if not location or place.origin() != self._url.origin():
            raise _BadAnswerError("taxii-redirect")
        return place

    async def _answer(self, response: aiohttp.ClientResponse) -> Answer:
        headers = response.headers
        if response.status != 200:
            retry_after = headers.get("Retry-After")
            wait_s = parse_retry_after(retry_after, now=self._clock())
            return Answer(status=response.status, retry_after_s=wait_s)
        data = await _read(response)
        if data is None:
            return Answer(status=0)
        kind = headers.get("Content-Type", "").replace(" ", "").lower()
        try:
            page = envelope.decode(
                data, is_taxii=kind.startswith("application/taxii+json")
            )
        except envelope.NoEnvelopeError as error:
            return _fault("taxii-page", error.where)
        except SchemaError as error:
            return _fault(error.reason, error.where)
        return Answer(
            status=200,
            page=page,
            first=_header(headers.get("X-TAXII-Date-Added-First")),
            last=_header(headers.get("X-TAXII-Date-Added-Last")),
        )


def _fault(reason: str, where: str = "") -> Answer:
    return Answer(status=200, fault=(reason, where))


def _header(text: str | None) -> str | None:
    return None if text is None else text.strip()[:_MAX_HEADER_CHARS]


async def _read(response: aiohttp.ClientResponse) -> bytes | None:
    """Read a body, unpacked; None if it was cut short.

    Raises:
        _BadAnswerError: `too-large`, packed or not; or packed in another way.
    """
    packing = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packing not in {"identity", "gzip", "x-gzip"}:
        raise _BadAnswerError("taxii-page")
    unpacker = (
        None if packing == "identity" else zlib.decompressobj(zlib.MAX_WBITS | 16)
    )
    data = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        room = MAX_PAGE_BYTES + 1 - len(data)
        try:
            # A few bytes may unpack to gigabytes: never more than there is room for.
            data += chunk if unpacker is None else unpacker.decompress(chunk, room)
        except zlib.error:
            raise _BadAnswerError("taxii-page") from None
        if len(data) > MAX_PAGE_BYTES:
            raise _BadAnswerError("too-large")
        if unpacker is not None and unpacker.unused_data:
            raise _BadAnswerError("taxii-page")
    return None if unpacker is not None and not unpacker.eof else bytes(data)


def _reason(error: aiohttp.ClientError) -> str | None:
    """Tell why trying again does not help; None if it may."""
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return "taxii-tls"
        case aiohttp.ClientConnectorError(os_error=ForbiddenAddressError()):
            return "taxii-address"
        case _:
            return None


@asynccontextmanager
async def open_collection(
    config: PollConfig,
    *,
    clock: Callable[[], float] = time.time,
    lookup: Lookup = system_lookup,
    timeout_s: float = TIMEOUT_S,
) -> AsyncIterator[Collection]:
    """Open a session with the server of a collection; nothing is sent yet.

    Raises:
        ConfigError: The URL, a file, or the login cannot be used.
    """
    url = objects_url(config)
    login = _login(config)
    tls = _trusting(config.ca) if isinstance(config.ca, Path) else None
    async with open_session(
        allow_private=config.allow_private,
        tls=tls,
        lookup=lookup,
        timeout_s=timeout_s,
    ) as session:
        yield Collection(session, url, login, clock)


def objects_url(config: PollConfig) -> URL:
    """Give the URL of a collection's objects.

    Raises:
        ConfigError: It is no URL, or not an allowed one.
    """
    url = check_url(config.url, allow_private=config.allow_private, of="a collection")
    if url.query_string or url.fragment:
        raise ConfigError("the URL of a collection must end with its id and a slash")
    path = url.path.rstrip("/").removesuffix("/objects")
    # TAXII 2.1, 1.6.7: paths end in a slash.
    return url.with_path(f"{path}/objects/")


def _login(config: PollConfig) -> dict[str, str]:
    has_user = isinstance(config.user, str)
    if has_user != isinstance(config.password_file, Path):
        raise ConfigError("user and password_file go together")
    if isinstance(config.token_file, Path):
        if has_user:
            raise ConfigError("give either user and password_file or token_file")
        return {"Authorization": f"Bearer {_secret(config.token_file)}"}
    if isinstance(config.user, str) and isinstance(config.password_file, Path):
        if ":" in config.user:  # RFC 7617, 2
            raise ConfigError("user must not hold a colon")
        pair = f"{config.user}:{_secret(config.password_file)}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {}


def _secret(path: Path) -> str:
    try:
        text = read_secret(path).decode().strip()
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8") from None
    if not text or not text.isprintable():
        raise ConfigError(f"{path} must hold one line")
    return text


def _trusting(path: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError):
        raise ConfigError(f"{path} holds no certificates (PEM)") from None
