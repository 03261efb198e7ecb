"""What a doctor finds on the way to the broker: name, port, TLS, login, rights. Edge."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from adapters.config import AdapterConfig, GateConfig, PublisherConfig
from adapters.config_parts import Broker
from adapters.config_use import addresses_of, broker_tls, broker_urls, queued_for
from adapters.doctor import UNREACHABLE, USAGE, Finding, failed, ok, warning
from adapters.doctor_rights import (
    Right,
    Verdict,
    judged,
    of_adapter,
    of_gate,
    of_member,
)
from adapters.sinks.guarded_http import open_session
from broker import certificates, rabbitmq_probing
from broker.directory import Directory
from broker.errors import BusRefusedError, BusUnavailableError
from broker.gate_rules import issuers_of
from broker.rabbitmq_link import Link

Settings = PublisherConfig | GateConfig | AdapterConfig
TIMEOUT_S: Final = 5.0
_WARN: Final = timedelta(days=30)
_ISSUERS: Final = 50  # tried, of those that a gate reads: each costs a channel
# X509_V_ERR_* of OpenSSL's x509_vfy.h.
_NOT_YET, _EXPIRED = 9, 10
_UNKNOWN: Final = frozenset({2, 18, 19, 20, 21})
_HOSTNAME: Final = frozenset({62, 64})


class Place(msgspec.Struct, frozen=True):
    """Where a TCP connection goes."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def places_of(broker: Broker) -> dict[Place, str]:
    """Take the places out of the addresses: of each, its URL with the login.

    Raises:
        ConfigError: As `broker_urls`.
    """
    places = []
    for parts in addresses_of(broker):
        port = parts.port or (5671 if parts.scheme == "amqps" else 5672)
        places.append(Place(parts.hostname or "", port))
    return dict(zip(places, broker_urls(broker), strict=True))


async def resolve(place: Place, setting: str = "broker.url") -> list[Finding]:
    """Say whether the name is known.

    Args:
        setting: Where it stands in the configuration.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            found = await loop.getaddrinfo(
                place.host, place.port, type=socket.SOCK_STREAM
            )
    except (OSError, TimeoutError):
        return [
            failed(
                f"the name {place.host} is not known here",
                f"look for a slip in {setting}, and ask your resolver: "
                f"getent hosts {place.host}",
                UNREACHABLE,
            )
        ]
    count = len({each[4][0] for each in found})
    return [ok(f"the name {place.host} is known here, with {count} addresses")]


async def time_at(url: str) -> float | None:
    """Ask the directory's web server what time it is; None if it does not say.

    Whether it is reached at all is the matter of whoever reads the directory.
    """
    if not url.startswith(("https://", "http://")):
        return None
    file = f"{url.rstrip('/')}/metadata/timestamp.json"
    try:
        async with (
            open_session(allow_private=True, timeout_s=TIMEOUT_S) as session,
            session.head(file, allow_redirects=False) as answer,
        ):
            said = parsedate_to_datetime(answer.headers["Date"])  # RFC 9110, 6.6.1
    except (aiohttp.ClientError, TimeoutError, OSError, KeyError, ValueError):
        return None
    return said.timestamp()


async def connect(
    place: Place, setting: str = "broker.url", usual: str = "amqps is 5671"
) -> list[Finding]:
    """Say whether anything listens there.

    Args:
        setting: As for `resolve`.
        usual: What the port is, usually.
    """
    try:
        async with asyncio.timeout(TIMEOUT_S):
            _, writer = await asyncio.open_connection(place.host, place.port)
    except TimeoutError:
        said, advice = (
            f"{place} does not answer within {TIMEOUT_S:.0f} s",
            "a firewall may drop it: ask your network for a way out to this port",
        )
        return [failed(said, advice, UNREACHABLE)]
    except OSError as error:
        said, advice = (
            f"nothing listens at {place} ({error.strerror or type(error).__name__})",
            f"it may be down, or the port in {setting} wrong; {usual}",
        )
        return [failed(said, advice, UNREACHABLE)]
    writer.close()
    return [ok(f"{place} accepts connections")]


async def secure(
    places: Iterable[Place], broker: Broker, *, now: datetime
) -> list[Finding]:
    """Say whether the broker is who it should be, and how long our certificate lives."""
    if addresses_of(broker)[0].scheme == "amqp":
        return [
            warning(
                "the connection is not encrypted",
                "on another machine than the broker's use amqps://…, or whoever is in "
                "between reads all that you publish",
            )
        ]
    context = broker_tls(broker, now=now) or ssl.create_default_context()
    found = own_certificate(broker, now=now)
    for place in places:
        found.append(await _proven(place, context, now=now))
    return found


async def _proven(place: Place, context: ssl.SSLContext, *, now: datetime) -> Finding:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            _, writer = await asyncio.open_connection(
                place.host, place.port, ssl=context
            )
    except ssl.SSLCertVerificationError as error:
        return _untrusted(error.verify_code, place)
    except (OSError, TimeoutError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        return failed(
            f"{place} does not speak TLS with us ({reason})",
            "broker.url may name the port without TLS: amqps is 5671",
            UNREACHABLE,
        )
    peer = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    ends = certificates.facts(ssl.DER_cert_to_PEM_cert(peer).encode()).not_after
    said = f"TLS: {place.host} is proven by its authority until {ends:%Y-%m-%d} (UTC)"
    if ends - now < _WARN:
        return warning(said, "the operator of the hub must renew it in time")
    return ok(said)


def own_certificate(broker: Broker, *, now: datetime) -> list[Finding]:
    """Say how long the certificate that we log in with lives; nothing if there is none."""
    if not isinstance(broker.cert_file, Path):
        return []
    ends = certificates.facts(broker.cert_file.read_bytes()).not_after
    days = (ends - now).days
    said = f"your certificate lives {days} days, until {ends:%Y-%m-%d} (UTC)"
    if ends - now < _WARN:
        renew = f"send the hub a new request: tocsin broker request --org {broker.user}"
        return [warning(said, f"{renew} --out FOLDER")]
    return [ok(said)]


def _untrusted(code: int, place: Place) -> Finding:
    clock = "look at the clock of this machine first"
    if code == _EXPIRED:
        return failed(
            f"the certificate of {place} has ended", f"{clock}, then tell the hub"
        )
    if code == _NOT_YET:
        return failed(f"the certificate of {place} is not valid yet", clock)
    if code in _HOSTNAME:
        return failed(
            f"the certificate of {place} is that of another name",
            "broker.url must name the broker as its certificate does; if it does, "
            "somebody may be in between: do not go on, ask the hub",
        )
    if code in _UNKNOWN:
        return failed(
            f"the authority that {place} shows is not the one you trust",
            "ca_file must be the hub's; if it is, somebody may be in between: do not go "
            "on, ask the hub",
        )
    return failed(
        f"the certificate of {place} does not hold (code {code})", "ask the hub"
    )


async def database(url: str) -> list[Finding]:
    """Say whether the database of the outbox can be reached; nobody logs in."""
    parts = urlsplit(url)
    place = Place(parts.hostname or "", parts.port or 5432)
    found = await resolve(place, "database.url")
    if any(each.state == "failed" for each in found):
        return found
    return await connect(place, "database.url", "PostgreSQL's is 5432")


@asynccontextmanager
async def opened(broker: Broker, urls: Sequence[str]) -> AsyncIterator[Link]:
    """Lend a connection to one of *urls*; it is opened at its first use.

    Raises:
        ConfigError: As `broker_tls`.
    """
    tls = broker_tls(broker, now=datetime.now(UTC))
    name = f"tocsin {broker.user} doctor"
    async with Link(*urls, name=name, timeout_s=TIMEOUT_S, tls=tls) as link:
        yield link


async def login(link: Link, broker: Broker) -> list[Finding]:
    """Say whether the broker lets us in."""
    by = "certificate" if isinstance(broker.cert_file, Path) else "password"
    try:
        await link.connection()
    except BusRefusedError as error:
        return [
            failed(
                f"{error} of {broker.user}",
                f"the {by} may be old, or the directory no longer lists you; ask the "
                "operator of the hub to run: tocsin broker apply",
                USAGE,
            )
        ]
    except BusUnavailableError as error:
        advice = "the broker's log says why it hung up"
        if by == "certificate":
            advice = "it may not take your certificate: its log says why"
        return [failed(str(error), advice, UNREACHABLE)]
    return [ok(f"{broker.user} logs in with its {by} at {link.place}")]


async def rights(link: Link, settings: Settings, directory: Directory) -> list[Finding]:
    """Try what the login may do, and what it must not, so that nothing happens."""
    verdicts = {each: await _tried(link, each) for each in _rights(settings, directory)}
    return judged(verdicts)


def _rights(settings: Settings, directory: Directory) -> tuple[Right, ...]:
    match settings:
        case PublisherConfig(org=org):
            member = directory.members.get(org)
            return of_member(org, publishes=member is not None and bool(member.kinds))
        case GateConfig():
            return of_gate(issuers_of(directory)[:_ISSUERS])
        case AdapterConfig(name=name):
            return of_adapter(name, queued_for(settings))


async def _tried(link: Link, right: Right) -> Verdict:
    match right.does:
        case "write":
            return await rabbitmq_probing.may_write(link, right.name, right.key)
        case "read":
            return await rabbitmq_probing.may_read(link, right.name)
        case "declare":
            return await rabbitmq_probing.may_declare(link, right.name)
