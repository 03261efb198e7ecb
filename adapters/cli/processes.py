"""publish, gate run, adapter run: what talks to RabbitMQ."""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import structlog
from cyclopts import App
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from adapters.app import context_of, run_adapter
from adapters.cli import show
from adapters.cli.load import load_policy, read_file
from adapters.cli.options import TlpOption, draft_options
from adapters.config import (
    AdapterConfig,
    Broker,
    GateConfig,
    PublisherConfig,
    broker_url,
    load,
)
from adapters.sources import stix21
from broker.archive import open_archive
from broker.bus import Bus
from broker.directory import single_key
from broker.directory_client import load_folder
from broker.gate import run_gate
from broker.gate_state import open_gate_state
from broker.publisher import PublishResult, open_publisher
from broker.rabbitmq import open_rabbitmq
from broker.signers import load_signer
from broker.signing import Address
from schemas import record

gate = App(help="The hub's gate: checks what issuers send before anyone gets it.")
adapter = App(help="An adapter: verifies, redacts and forwards to its members.")


def publish(
    *files: Path,
    config: Path,
    community: tuple[str, ...] = (record.ALL_COMMUNITY,),
    to: tuple[str, ...] = (),
    concerns: tuple[str, ...] = (),
    tlp: TlpOption | None = None,
    primary: str | None = None,
    report: str | None = None,
    kind: str | None = None,
    exercise: bool = False,
    json: bool = False,
) -> None:
    """Check, sign and publish records; returns when the broker has confirmed them.

    Each file is one record. After any failure type the same command again: what
    was signed is sent again unchanged, nothing is doubled. Without files it sends
    what still waits in the outbox.

    Args:
        files: STIX 2.1 bundles.
        config: Publisher configuration (TOML).
        community: Communities addressed (URN).
        to: Organisation addressed by name.
        concerns: Organisation concerned (the platform, the victim).
        tlp: Marks what is unmarked.
        primary: Id of the primary object, where several qualify.
        report: Wraps loose objects in a report of this name.
        kind: correction or retraction, where it does not follow from the content.
        exercise: These are exercises.
        json: Print one line of JSON per record.
    """
    settings = load(config, PublisherConfig)
    _log_json(logging.WARNING)
    options = draft_options(tlp=tlp, primary=primary, report=report, kind=kind)
    # Every input is read before anything is signed: all of them or none.
    drafts = [record.compose(stix21.read(read_file(f)), **options) for f in files]
    address = Address(communities=community, to=to, concerns=concerns)
    results = asyncio.run(_publish(settings, drafts, address, exercise=exercise))
    for file, result in zip(files, results, strict=True):
        _report(file, result, as_json=json)


async def _publish(
    settings: PublisherConfig,
    drafts: list[record.Draft],
    address: Address,
    *,
    exercise: bool,
) -> list[PublishResult]:
    signer = load_signer(settings.org, settings.key)
    async with (
        _bus(settings.broker) as bus,
        open_publisher(
            bus,
            settings.state,
            signer,
            publisher=settings.publisher,
            # What we sign must verify; found out here it costs no place in the feed.
            directory=single_key(signer.org, signer.jwk),
            identity=settings.identity or None,
        ) as publisher,
    ):
        results = []
        with _progress(len(drafts)) as advance:
            for draft in drafts:
                results.append(
                    await publisher.enqueue(draft, address=address, exercise=exercise)
                )
                advance()
        await publisher.flush()
        return results


def _report(file: Path, result: PublishResult, *, as_json: bool) -> None:
    if as_json:
        show.json_line(
            {
                "ok": True,
                "file": file.name,
                "token": result.token_id,
                "record": result.sub,
                "seq": result.seq,
                "already": result.already,
            }
        )
    else:
        again = " (was published before)" if result.already else ""
        show.line(
            f"confirmed {file.name}: {result.sub}, number {result.seq} of the feed, "
            f"token {result.token_id}{again}"
        )


@gate.command(name="run")
def gate_run(*, config: Path) -> None:
    """Run the gate until it is told to stop (SIGTERM, Ctrl-C).

    Args:
        config: Gate configuration (TOML).
    """
    settings = load(config, GateConfig)
    directory = load_folder(settings.directory)
    _log_json()

    async def run() -> None:
        with (
            open_gate_state(settings.state) as state,
            open_archive(settings.archive) as archive,
        ):
            async with _bus(settings.broker) as bus, _stop_signal() as stop:
                await run_gate(
                    bus,
                    directory,
                    state,
                    archive,
                    clock=time.time,
                    stop=stop,
                    quota=settings.quota,
                )

    asyncio.run(run())


@adapter.command(name="run")
def adapter_run(*, config: Path) -> None:
    """Run an adapter until it is told to stop (SIGTERM, Ctrl-C).

    Args:
        config: Adapter configuration (TOML).
    """
    settings = load(config, AdapterConfig)
    directory = load_folder(settings.directory)
    policy = load_policy(settings.policy if isinstance(settings.policy, Path) else None)
    context = context_of(settings, directory, policy)
    _log_json()

    async def run() -> None:
        async with _bus(settings.broker) as bus, _stop_signal() as stop:
            await run_adapter(settings, bus, context, clock=time.time, stop=stop)

    asyncio.run(run())


@asynccontextmanager
async def _bus(broker: Broker) -> AsyncIterator[Bus]:
    async with open_rabbitmq(broker_url(broker), user=broker.user) as bus:
        yield bus


@asynccontextmanager
async def _stop_signal() -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    """Show a bar on a terminal; give the function that moves it."""
    console = Console(stderr=True)
    if total < 2 or not console.is_terminal:
        yield lambda: None
        return
    columns = (TextColumn("signing"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("signing", total=total)
        yield lambda: progress.advance(task)


def _log_json(least: int = logging.INFO) -> None:
    """Log one JSON object a line to standard error, from level *least* on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
