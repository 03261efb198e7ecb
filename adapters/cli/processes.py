"""gate run, adapter run: the hub's processes."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Final

import structlog
from cyclopts import App

from adapters.app import context_of, run_adapter
from adapters.cli.connecting import log_json, open_bus
from adapters.cli.load import load_rules, need_gate
from adapters.cli.stopping import stop_signal
from adapters.config import AdapterConfig, GateConfig, load
from adapters.config_use import need_sharing, queued_for
from adapters.key_watch import watch
from adapters.metrics import EventCounts
from adapters.queue_watch import queues_watched
from adapters.status import answering, directory_of
from adapters.worker_status import answering_for
from adapters.workers import lifeline, open_workers, supervise
from broker.archive import open_archive
from broker.directory_client import open_directory
from broker.directory_held import Held, followed
from broker.gate import run_gate
from broker.gate_rules import issuers_of
from broker.gate_stamps import Stamps
from broker.gate_state import open_gate_state
from broker.signers import load_signer
from broker.topology import DEAD, INGRESS, OUT, UNROUTABLE, adapter_queues

_DONE: Final = 0  # the exit code, as in adapters.cli.main
# The command itself, however this process was started.
_TOCSIN: Final = (
    sys.executable, "-P", "-c", "from adapters.cli.main import main; main()",
)  # fmt: skip

gate = App(
    name="gate", help="The hub's gate: checks what issuers send before anyone gets it."
)
adapter = App(
    name="adapter", help="An adapter: verifies, redacts and forwards to its members."
)


@gate.command(name="run")
def gate_run(*, config: Path) -> None:
    """Run the gate until it is told to stop (SIGTERM, Ctrl-C).

    Args:
        config: Gate configuration (TOML).
    """
    settings = load(config, GateConfig)
    loaded, client = open_directory(settings.directory, clock=time.time)
    signer = load_signer(
        settings.org,
        settings.key,
        passphrase_file=settings.key_passphrase_file or None,
    )
    Stamps(signer, loaded.directory).need_key(time.time())  # before the broker is asked
    counts = EventCounts()
    log_json(counts=counts)

    async def run() -> None:
        with (
            open_gate_state(settings.state) as state,
            open_archive(settings.archive) as archive,
        ):
            async with (
                stop_signal() as stop,
                followed(loaded, client, clock=time.time, stop=stop) as held,
                _keys_watched(held, signer.kid, stop),
                answering(settings.status, counts, checks=(directory_of(held),)),
                queues_watched(
                    settings.broker, lambda: _queues(settings, held), counts, stop
                ),
                open_bus(settings.broker) as bus,
            ):
                await run_gate(
                    bus,
                    held,
                    state,
                    archive,
                    signer,
                    clock=time.time,
                    stop=stop,
                    quota=settings.quota,
                    oversight=settings.oversight,
                    retention=settings.retention,
                )

    asyncio.run(run())


@adapter.command(name="run")
def adapter_run(*, config: Path) -> int:
    """Run an adapter until it is told to stop (SIGTERM, Ctrl-C).

    With `workers` in its configuration: that many processes, started again when they
    end.

    Args:
        config: Adapter configuration (TOML).
    """
    settings = load(config, AdapterConfig)
    need_sharing(settings)
    if settings.workers > 1:
        return _supervise(settings, config)
    return _work(settings)


@adapter.command(name="work", show=False)
def adapter_work(*, config: Path, number: int, socket: Path) -> int:
    """Be one worker of an adapter; `adapter run` starts it.

    Args:
        config: Adapter configuration (TOML).
        number: Which one; the first does what one alone has to do.
        socket: Where it answers.
    """
    structlog.contextvars.bind_contextvars(worker=number)
    return _work(load(config, AdapterConfig), number=number, socket=socket)


def _supervise(settings: AdapterConfig, config: Path) -> int:
    counts = EventCounts()
    log_json(counts=counts)

    def command(number: int, socket: Path) -> Sequence[str]:
        named = ("--number", str(number), "--socket", str(socket))
        return (*_TOCSIN, "adapter", "work", "--config", str(config), *named)

    async def run() -> int:
        with open_workers(settings.workers) as workers:
            async with (
                stop_signal() as stop,
                answering_for(settings.status, counts, workers),
            ):
                return await supervise(workers, command, stop=stop)

    return asyncio.run(run())


def _work(
    settings: AdapterConfig, *, number: int = 1, socket: Path | None = None
) -> int:
    loaded, client = open_directory(settings.directory, clock=time.time)
    need_gate(loaded.directory)
    rules = load_rules(settings, loaded.directory)
    context = context_of(settings, loaded.directory, rules.policy, now=time.time())
    counts = EventCounts()
    log_json(counts=counts)

    async def run() -> None:
        async with (
            stop_signal() as stop,
            lifeline(stop) if socket is not None else nullcontext(),
            followed(
                loaded,
                client,
                clock=time.time,
                stop=stop,
                policy=rules.follows,
                prepare=rules.prepare,
            ) as held,
            _keys_watched(held, context.signer.kid, stop),
            queues_watched(
                settings.broker,
                lambda: _queues_of(settings) if number == 1 else (),
                counts,
                stop,
            ),
            open_bus(settings.broker) as bus,
        ):
            await run_adapter(
                settings,
                bus,
                context,
                clock=time.time,
                stop=stop,
                held=held,
                counts=counts,
                status=socket,
                leads=number == 1,
                rules=rules,
            )

    asyncio.run(run())
    return _DONE


def _queues_of(settings: AdapterConfig) -> tuple[str, ...]:
    """List what an adapter watches: what it reads, and what members read from it."""
    members = (f"{OUT}.{org}" for org in queued_for(settings))
    return (*adapter_queues(settings.name), *members)


def _queues(settings: GateConfig, held: Held) -> Iterator[str]:
    """List what the gate watches: what it reads, and what it publishes to."""
    yield from (f"{INGRESS}.{each}" for each in issuers_of(held.current))
    for name in settings.adapters:
        yield from adapter_queues(name)
    yield from (DEAD, UNROUTABLE)


@asynccontextmanager
async def _keys_watched(
    held: Held, own: str, stop: asyncio.Event
) -> AsyncIterator[None]:
    """Let the log say in time, meanwhile, which keys end."""
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(
            watch(lambda: held.current, own, clock=time.time, stop=stop), name="keys"
        )
        yield
        watching.cancel()
