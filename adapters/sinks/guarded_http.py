"""HTTP to where a member says, without letting it choose what of ours to reach.

The check is made on the address that the socket is about to connect to, after
the name was resolved, so a name that changes its answer gains nothing.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from adapters.sinks.addresses import is_public
from broker.errors import ConfigError

TIMEOUT_S: Final = 20.0  # Standard Webhooks advises 15 to 30 for the whole request
_BUFFER_BYTES: Final = 4096  # of an answer; we do not read more, see webhook.py
_KEEP_S: Final = 4.0  # shorter than what servers keep, so that none is stale
_CONNECTIONS: Final = 2  # one sink sends one delivery at a time

Lookup = Callable[[str, int], list[tuple[int, str]]]
"""(host, family) to (family, address) pairs; may block; raises OSError."""


class ForbiddenAddressError(OSError):
    """The name resolves to an address that only the operator may allow."""


def check_url(text: str, *, allow_private: bool, of: str = "a sink") -> URL:
    """Accept an absolute https URL; with *allow_private* also http.

    Args:
        of: Whose URL it is, for the error.

    Raises:
        ConfigError: Anything else, credentials in it, or a private address.
    """
    try:
        url = URL(text)
    except ValueError:
        raise ConfigError(f"the URL of {of} cannot be read") from None
    if url.scheme != "https" and not (allow_private and url.scheme == "http"):
        raise ConfigError(f"the URL of {of} must start with https://")
    if not url.host:
        raise ConfigError(f"the URL of {of} must name a host")
    if url.user is not None or url.password is not None:
        raise ConfigError(f"the URL of {of} must not hold credentials")
    is_address = ":" in url.host or url.host.replace(".", "").isdigit()
    if is_address and not allow_private and not is_public(url.host):
        raise ConfigError(f"the URL of {of} must not be a private address")
    return url


def system_lookup(host: str, family: int) -> list[tuple[int, str]]:
    """Ask the system's resolver for (family, address) pairs. Blocks.

    Raises:
        OSError: The name has no address, or nobody answered.
    """
    found = socket.getaddrinfo(
        host, None, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )
    return [(kind, str(address[0])) for kind, _, _, _, address in found]


@asynccontextmanager
async def open_session(
    *,
    allow_private: bool,
    tls: SSLContext | None = None,
    lookup: Lookup = system_lookup,
    timeout_s: float = TIMEOUT_S,
) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session for one sink: guarded, no cookies, no proxy, no decoding.

    With *tls*, its authorities are trusted instead of the system's. Redirects
    are the caller's to refuse, per request.
    """
    # Of its own: names that never resolve must not hold up those of others.
    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="resolver")
    connector = aiohttp.TCPConnector(
        resolver=_Resolver(lookup, executor),
        socket_factory=_plain_socket if allow_private else _guarded_socket,
        use_dns_cache=False,
        limit=_CONNECTIONS,
        keepalive_timeout=_KEEP_S,
        ssl=True if tls is None else tls,
    )
    try:
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=timeout_s / 2),
            trust_env=False,
            auto_decompress=False,
            read_bufsize=_BUFFER_BYTES,
            headers={"User-Agent": "tocsin", "Accept-Encoding": "identity"},
        ) as session:
            yield session
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _plain_socket(info: Any) -> socket.socket:
    family, kind, protocol, _name, _address = info
    return socket.socket(family, kind, protocol)


def _guarded_socket(info: Any) -> socket.socket:
    if not is_public(info[4][0]):
        raise ForbiddenAddressError("not an address of the public internet")
    return _plain_socket(info)


class _Resolver(AbstractResolver):
    """Looks names up on a thread that belongs to one sink."""

    def __init__(self, lookup: Lookup, executor: ThreadPoolExecutor) -> None:
        self._lookup = lookup
        self._executor = executor

    async def resolve(
        self, host: str, port: int = 0, family: int = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._executor, self._lookup, host, family)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=kind,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, address in found
        ]

    async def close(self) -> None:
        """Do nothing: the executor belongs to `open_session`."""
