"""What a doctor finds of what moves: queues, deliveries, the running process. Edge."""

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import aiohttp

from adapters.cli.doctor.network import TIMEOUT_S, Settings
from adapters.config import AdapterConfig, GateConfig, PublisherConfig
from adapters.config_use import outbox_of, queued_for
from adapters.doctor import UNREACHABLE, Finding, failed, note, ok, warning
from adapters.doctor_flow import of_letters, of_queue, of_running, of_sinks
from adapters.ledger_database import open_ledger
from adapters.ledger_flow import flows
from broker import rabbitmq_probing
from broker.directory import Directory
from broker.errors import BusRefusedError
from broker.gate_rules import issuers_of
from broker.rabbitmq_link import Link
from broker.rabbitmq_probing import Waiting
from broker.topology import (
    DEAD,
    FEEDBACK,
    INGRESS,
    OUT,
    UNROUTABLE,
    adapter_queues,
    most_in,
)

_ISSUERS: Final = 50  # looked at, of those that a gate reads: each costs a channel
_MAX_TEXT: Final = 64 << 10


async def queues(link: Link, settings: Settings, directory: Directory) -> list[Finding]:
    """Say what waits in our queues, and whether anybody reads them."""
    match settings:
        case PublisherConfig(org=org):
            member = directory.members.get(org)
            found = [await _feedback(link, f"{FEEDBACK}.{org}")]
            if member is not None and member.kinds:
                found.append(await _way_in(link, f"{INGRESS}.{org}"))
            return found + await _own_deliveries(link, f"{OUT}.{org}")
        case GateConfig(adapters=adapters):
            named = [f"{INGRESS}.{each}" for each in issuers_of(directory)[:_ISSUERS]]
            found = [await _read(link, each, "tocsin gate run") for each in named]
            for name in adapters:
                found += await _of_adapter(link, name)
            return found + await _letters(link, (DEAD, UNROUTABLE))
        case AdapterConfig(name=name):
            found = await _of_adapter(link, name)
            for org in queued_for(settings):
                found += await _out(link, f"{OUT}.{org}", org)
            return found


async def _of_adapter(link: Link, name: str) -> list[Finding]:
    run = "tocsin adapter run"
    return [await _read(link, each, run) for each in adapter_queues(name)]


async def _read(link: Link, name: str, run: str) -> Finding:
    """Look at a queue that a process of the hub reads."""
    found = await rabbitmq_probing.waiting_in(link, name)
    if found is None:
        return _missing(name)
    return of_queue(name, *found, most=most_in(name), run=run)


async def _letters(link: Link, names: Iterable[str]) -> list[Finding]:
    told = []
    for name in names:
        try:
            found = await rabbitmq_probing.waiting_in(link, name)
        except BusRefusedError:
            continue  # RabbitMQ 4.3 tells only who may read them
        told.append(
            _missing(name)
            if found is None
            else of_letters(name, found.messages, most=most_in(name))
        )
    return told


async def _feedback(link: Link, name: str) -> Finding:
    """Look at the queue that a member reads now and then."""
    found = await rabbitmq_probing.waiting_in(link, name)
    if found is None:
        return _missing(name)
    said = f"{found.messages} messages wait in {name}"
    return note(said, "read them: tocsin feedback") if found.messages else ok(said)


async def _out(link: Link, name: str, org: str) -> list[Finding]:
    """Look at the queue that an adapter fills for a member."""
    try:
        found = await rabbitmq_probing.waiting_in(link, name)
    except BusRefusedError:
        return []  # RabbitMQ 4.3 tells only who may read it
    if found is None:
        return [_missing(name)]
    run = f"ask {org} to (tocsin receive, or its own reader)"
    return [of_queue(name, *found, most=most_in(name), run=run)]


async def _own_deliveries(link: Link, name: str) -> list[Finding]:
    """Look at a member's queue of deliveries; most have none."""
    try:
        found = await rabbitmq_probing.waiting_in(link, name)
    except BusRefusedError:
        return []
    if found is None:
        return []
    said = f"{found.messages} messages wait in {name}"
    if not found.messages or found.readers:
        return [ok(said)]
    return [note(said, "read them: tocsin receive, or your own reader")]


async def _way_in(link: Link, name: str) -> Finding:
    try:
        found = await rabbitmq_probing.waiting_in(link, name)
    except BusRefusedError:
        return note("this broker does not tell members whether the gate runs")
    return _missing(name) if found is None else _sent(found, most_in(name))


def _sent(found: Waiting, most: int) -> Finding:
    """Judge the queue that a member's records go through."""
    said = f"{found.messages} records of yours wait for the gate"
    if found.messages >= most:
        return failed(
            f"{said}: your queue is full, the hub is behind",
            "tell the operator of the hub; what you publish meanwhile stays with you",
            UNREACHABLE,
        )
    if not found.readers:
        return failed(
            f"{said}, and it does not run now",
            "tell the operator of the hub; what you publish meanwhile waits",
            UNREACHABLE,
        )
    return ok(f"{said}, which runs")


def _missing(name: str) -> Finding:
    ask = "ask the operator of the hub to run: tocsin broker apply"
    return failed(f"the queue {name} does not exist", ask)


async def deliveries(settings: AdapterConfig) -> list[Finding]:
    """Say what waits for which sink, for how long, and why.

    Raises:
        ConfigError: The outbox cannot be read.
    """
    place, password = outbox_of(settings)
    if isinstance(place, Path) and not place.exists():
        return [note("there are no deliveries yet")]
    async with open_ledger(place, password=password) as ledger:
        found = await flows(ledger)
    return of_sinks(found, now=time.time())


async def running(settings: GateConfig | AdapterConfig) -> list[Finding]:
    """Ask the running process itself, where it listens."""
    if not isinstance(settings.status, str):
        advice = 'status = "127.0.0.1:9464" in its configuration lets it tell'
        return [note("the running process cannot be asked how it is", advice)]
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            aiohttp.ClientSession() as http,
            http.get(f"http://{settings.status}/readyz", allow_redirects=False) as got,
        ):
            text = (await got.content.read(_MAX_TEXT)).decode(errors="replace")
            return of_running(got.status, text)
    except (aiohttp.ClientError, OSError, TimeoutError):
        run = "gate" if isinstance(settings, GateConfig) else "adapter"
        return [
            warning(
                f"nobody answers at {settings.status}",
                f"if it should run: tocsin {run} run; if it runs, it hangs: look at its log",
            )
        ]
