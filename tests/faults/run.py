"""Break a real installation in every way we know, and count: `make faults`.

    make faults ARGS="--only adapter --seed 7"
    make faults ARGS="--page"       # and write docs/reliability.md

Each fault comes at a random moment of a steady load, decided by the seed. What is
left of 15 minutes is enough for all of them.
"""

import argparse
import asyncio
import logging
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.faults import on_network, on_processes, on_servers, page
from tests.faults.installation import Installation, open_installation
from tests.faults.striking import Fault, Outcome, strike
from tests.support.postgresql_node import PostgreSQLNode, PostgreSQLServer
from tests.support.rabbitmq_node import RabbitMQNode

SQLITE = "One RabbitMQ node, outbox in SQLite"
POSTGRESQL = "One RabbitMQ node, outbox in PostgreSQL"
PLAN: dict[str, tuple[Fault, ...]] = {
    SQLITE: (*on_processes.FAULTS, *on_network.FAULTS, *on_servers.BROKER),
    POSTGRESQL: (
        *(f for f in on_processes.FAULTS if "adapter" in f.name),
        *on_servers.DATABASE,
    ),
}


def main() -> int:
    options = _options()
    logging.disable()  # what libraries say about connections that we break
    return asyncio.run(_run(options))


async def _run(options: argparse.Namespace) -> int:
    begun = time.monotonic()
    told = _told(options.seed)
    print(told, flush=True)
    found: list[tuple[str, Outcome]] = []
    async with AsyncExitStack() as stack:
        node: RabbitMQNode | None = None
        for kind, faults in PLAN.items():
            chosen = [f for f in faults if not options.only or _is_meant(f, options)]
            if not chosen:
                continue
            node = node or stack.enter_context(RabbitMQNode())
            async for outcome in _outcomes(kind, chosen, node, options):
                found.append((kind, outcome))
    said = "\n".join(page.lines(found, told))
    print(said)
    if options.page:
        page.write(said)
    bad = [o.fault for _, o in found if o.count.faults]
    print(f"{len(found)} faults, {time.monotonic() - begun:.0f} s; not right: {bad}")
    return 1 if bad else 0


async def _outcomes(
    kind: str, chosen: Sequence[Fault], node: RabbitMQNode, options: argparse.Namespace
) -> AsyncIterator[Outcome]:
    left = list(chosen)
    while left:  # a new installation, where the one before did not come to rest
        async with _installed(kind, node) as installation:
            while left:
                outcome = await strike(left.pop(0), installation, options.seed)
                print(f"{outcome.took_s:5.0f} s  {_line(outcome)}", flush=True)
                yield outcome
                if outcome.count.faults or "not all" in outcome.note:
                    _keep(installation, options)
                    break


@asynccontextmanager
async def _installed(kind: str, node: RabbitMQNode) -> AsyncIterator[Installation]:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-"))
        server = stack.enter_context(node.api.fresh_vhost())
        database = None
        if kind == POSTGRESQL:
            database = stack.enter_context(PostgreSQLNode())
        yield await stack.enter_async_context(
            open_installation(
                Path(folder),
                server,
                node=node,
                database=PostgreSQLServer(database.url) if database else None,
                node_of_database=database,
            )
        )


def _keep(installation: Installation, options: argparse.Namespace) -> None:
    """Copy the logs of what went wrong."""
    if options.logs is None:
        return
    place = options.logs / str(time.time_ns())
    place.mkdir(parents=True)
    for log in [*installation.folder.glob("*.log"), *installation.folder.glob("*l")]:
        (place / log.name).write_bytes(log.read_bytes())


def _line(outcome: Outcome) -> str:
    return " | ".join(page.cells(outcome))


def _told(seed: str) -> str:
    return (
        f"{page.today()}, {platform.system()}, {os.cpu_count()} cores, Python "
        f'{platform.python_version()}; `make faults ARGS="--seed {seed}"`.'
    )


def _is_meant(fault: Fault, options: argparse.Namespace) -> bool:
    return any(word in fault.name for word in options.only)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument(
        "--only", action="append", metavar="WORDS", help="faults whose names have them"
    )
    parser.add_argument("--seed", default=str(random.randrange(10**6)))  # noqa: S311
    parser.add_argument("--page", action="store_true", help="write docs/reliability.md")
    parser.add_argument("--logs", type=Path, help="folder for the logs of what failed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
