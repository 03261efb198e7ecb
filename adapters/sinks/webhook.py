"""A member's own HTTP endpoint, called as Standard Webhooks says.

https://www.standardwebhooks.com: the signed content is `id.timestamp.body`, the
id is the same over all attempts, and so is the body.
"""

import base64
import binascii
import hashlib
import hmac
import io
import os
import stat
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from ssl import SSLContext
from typing import Final

import aiohttp

from adapters.delivery import Delivery
from adapters.enveloping import encode
from adapters.errors import SinkError, SinkUnavailableError
from adapters.retries import parse_retry_after
from adapters.sinks.guarded_http import (
    TIMEOUT_S,
    ForbiddenAddressError,
    Lookup,
    check_url,
    open_session,
    system_lookup,
)
from broker.errors import ConfigError

_SECRET_PREFIX: Final = "whsec_"  # noqa: S105  the prefix, not a secret
_SECRET_FILE_BYTES: Final = 200  # 64 bytes are 88 characters of base64
_LATER: Final = frozenset({408, 425, 429})  # 4xx that speak of now, not of the request


class WebhookSecret:
    """A signing secret of 24 to 64 bytes, hidden from `repr`."""

    __slots__ = ("_key",)

    def __init__(self, text: str) -> None:
        """Take `whsec_` and base64.

        Raises:
            ConfigError: Anything else.
        """
        try:
            key = base64.b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not text.startswith(_SECRET_PREFIX) or not 24 <= len(key) <= 64:
            raise ConfigError("a webhook secret is whsec_ and base64 of 24 to 64 bytes")
        self._key = key

    def sign(self, message_id: str, timestamp: int, body: bytes) -> str:
        """Give one entry of the header webhook-signature."""
        signed = b"%s.%d.%s" % (message_id.encode("ascii"), timestamp, body)
        digest = hmac.digest(self._key, signed, hashlib.sha256)
        return "v1," + base64.b64encode(digest).decode("ascii")


def read_secret(path: Path) -> WebhookSecret:
    """Read a secret from a file that only its owner can read.

    Raises:
        ConfigError: Unreadable, open to others, or no secret.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with open(handle, "rb") as file:
            mode = os.fstat(handle).st_mode
            if not stat.S_ISREG(mode) or stat.S_IMODE(mode) & 0o077:
                raise ConfigError(
                    f"the secret {path} is no file of its owner alone; "
                    f"type: chmod 600 {path}"
                )
            content = file.read(_SECRET_FILE_BYTES + 1)
    except OSError as exc:
        raise ConfigError(f"cannot read the secret {path}: {exc.strerror}") from None
    if len(content) > _SECRET_FILE_BYTES:
        raise ConfigError(f"the secret {path} is too long")
    return WebhookSecret(content.decode("ascii", "replace").strip())


@asynccontextmanager
async def open_webhook(
    url: str,
    secret_files: Sequence[Path],
    *,
    clock: Callable[[], float],
    allow_private: bool = False,
    tls: SSLContext | None = None,
    lookup: Lookup = system_lookup,
    timeout_s: float = TIMEOUT_S,
) -> AsyncIterator["WebhookSink"]:
    """Open a sink with connections of its own.

    Args:
        url: https, or with *allow_private* http.
        secret_files: The current secret first; while a member changes it, the
            one before too: each signs.
        clock: Epoch seconds.
        allow_private: The operator, not the member, allows addresses that are
            not public.
        tls: Trust its authorities instead of the system's.
        lookup: Resolves names.
        timeout_s: Bounds each request from the name to the status line.

    Raises:
        ConfigError: The URL or a secret is unusable.
    """
    checked = check_url(url, allow_private=allow_private)
    if not secret_files:
        raise ConfigError("a webhook needs a secret")
    secrets = tuple(map(read_secret, secret_files))
    async with open_session(
        allow_private=allow_private, tls=tls, lookup=lookup, timeout_s=timeout_s
    ) as session:
        yield WebhookSink(str(checked), secrets, session=session, clock=clock)


class WebhookSink:
    """Posts deliveries to one URL.

    The guard against private addresses is in the session, so take one from
    `guarded_http.open_session`.
    """

    def __init__(
        self,
        url: str,
        secrets: Sequence[WebhookSecret],
        *,
        session: aiohttp.ClientSession,
        clock: Callable[[], float],
    ) -> None:
        self._url = url
        self._secrets = secrets
        self._session = session
        self._clock = clock

    async def send(self, item: Delivery) -> None:
        """Return once the endpoint answered 2xx.

        Raises:
            SinkUnavailableError: `sink-timeout`, `sink-connection`,
                `sink-protocol` (it may have taken effect); `sink-redirect`,
                `sink-busy` (408, 425, 429, 5xx), `sink-dns`, `sink-tls`,
                `sink-address` (not public).
            SinkError: `sink-gone` (410: send nothing more), `sink-refused`
                (other 4xx).
        """
        status, retry_after = await self._post(item)
        if 200 <= status < 300:
            return
        if status == 410:
            raise SinkError("sink-gone")
        if 300 <= status < 400:
            # Never followed: the new place passed no check. Not final either: a
            # login page in front of a member's system is an outage.
            raise SinkUnavailableError("sink-redirect")
        if status in _LATER or status >= 500:
            wait_s = parse_retry_after(retry_after, now=self._clock())
            raise SinkUnavailableError("sink-busy", retry_after_s=wait_s)
        raise SinkError("sink-refused")

    async def _post(self, item: Delivery) -> tuple[int, str | None]:
        """Give the status and Retry-After; of the body nothing is read."""
        body = encode(item)
        try:
            async with self._session.post(
                self._url,
                data=io.BytesIO(body),  # in chunks: a large body must not hold the loop
                headers=self._headers(item.delivery_id, body),
                allow_redirects=False,
            ) as answer:
                return answer.status, answer.headers.get("Retry-After")
        except TimeoutError as exc:
            raise SinkUnavailableError("sink-timeout") from exc
        except aiohttp.ClientError as exc:
            raise SinkUnavailableError(_reason(exc)) from exc

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:
        timestamp = int(self._clock())
        signatures = (s.sign(message_id, timestamp, body) for s in self._secrets)
        return {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signatures),
        }


def _reason(error: aiohttp.ClientError) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "sink-dns"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return "sink-tls"
        case aiohttp.ClientConnectorError(os_error=ForbiddenAddressError()):
            return "sink-address"
        case aiohttp.ClientConnectionError():
            return "sink-connection"
        case _:
            return "sink-protocol"
