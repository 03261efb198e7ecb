"""Whether the members' own systems can be reached, without sending anything. Edge."""

import asyncio
import os
import ssl
from pathlib import Path
from typing import Final, assert_never

from adapters.cli.doctor.network import TIMEOUT_S
from adapters.config import AdapterConfig
from adapters.config_parts import (
    AmqpSinkConfig,
    FileSinkConfig,
    SinkConfig,
    WebhookSinkConfig,
)
from adapters.doctor import UNREACHABLE, Finding, failed, ok
from adapters.sinks.addresses import is_public
from adapters.sinks.guarded_http import check_url, system_lookup
from broker.errors import ConfigError

_PORTS: Final = {"https": 443, "http": 80}


async def reach(settings: AdapterConfig) -> list[Finding]:
    """Try each sink: its folder, or its address as far as TLS. No request is made."""
    found = []
    for member in settings.members:
        for sink in member.sinks:
            found.append(await _one(f"{member.org}/{sink.name}", sink))
    return found


async def _one(name: str, sink: SinkConfig) -> Finding:
    match sink:
        case FileSinkConfig(folder=folder):
            return _folder(name, folder)
        case AmqpSinkConfig():
            # Whether it may be written is among the rights of the adapter's login.
            return ok(f"sink {name}: a queue of this RabbitMQ")
        case WebhookSinkConfig():
            return await _webhook(name, sink)
        case _:
            assert_never(sink)


def _folder(name: str, folder: Path) -> Finding:
    place = folder if folder.exists() else folder.parent
    if not place.is_dir():
        return failed(f"sink {name}: {place} is no folder", f"mkdir -p {place}")
    if not os.access(place, os.W_OK | os.X_OK):
        return failed(
            f"sink {name}: nothing can be written into {place}",
            "give the user that runs the adapter the right to",
        )
    return ok(f"sink {name}: {place} can be written")


async def _webhook(name: str, sink: WebhookSinkConfig) -> Finding:
    try:
        url = check_url(sink.url, allow_private=sink.allow_private)
    except ConfigError as error:
        return failed(f"sink {name}: {error}", "put right the url of this sink")
    host = url.host or ""
    port = url.port or _PORTS[url.scheme]
    try:
        async with asyncio.timeout(TIMEOUT_S):
            addresses = await asyncio.to_thread(system_lookup, host, 0)
    except (OSError, TimeoutError):
        return failed(
            f"sink {name}: the name {host} is not known here",
            "look for a slip in its url, and tell the member",
            UNREACHABLE,
        )
    if not sink.allow_private and not all(is_public(each) for _, each in addresses):
        return failed(
            f"sink {name}: {host} is an address inside, which a member may not choose",
            "allow_private = true allows it, if you as the operator want that",
        )
    tls = ssl.create_default_context() if url.scheme == "https" else None
    try:
        async with asyncio.timeout(TIMEOUT_S):
            # The address that was checked, not another one that the name gives then.
            _, writer = await asyncio.open_connection(
                addresses[0][1], port, ssl=tls, server_hostname=host if tls else None
            )
    except ssl.SSLError as error:
        return failed(
            f"sink {name}: the certificate of {host} does not hold ({error.reason})",
            "tell the member; nothing is delivered until it does",
            UNREACHABLE,
        )
    except (OSError, TimeoutError):
        return failed(
            f"sink {name}: nothing answers at {host}:{port}",
            "tell the member; deliveries wait meanwhile, and are not lost",
            UNREACHABLE,
        )
    writer.close()
    return ok(f"sink {name}: {host}:{port} answers")
