"""Break a real installation in every way we know, and count: `make faults`.

    make faults ARGS="--only adapter --seed 7"
    make faults ARGS="--page"       # and write docs/reliability.md

Each fault comes at a random moment of a steady load, decided by the seed. Mostly they
wait, so two kinds of installation are broken side by side, by a process each.
"""

import argparse
import asyncio
import logging
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.faults import (
    on_clock,
    on_cluster,
    on_disk,
    on_input,
    on_network,
    on_processes,
    on_servers,
    on_sinks,
    page,
)
from tests.faults.installation import Installation, open_installation
from tests.faults.striking import Fault, Outcome, strike
from tests.support.postgresql_node import PostgreSQLNode, PostgreSQLServer
from tests.support.rabbitmq_cluster import RabbitMQCluster
from tests.support.rabbitmq_node import NodeError, RabbitMQNode

SQLITE = "One RabbitMQ node, outbox in SQLite"
BURST = "The same, and a burst"
SINKS = "Eight members, each with an endpoint of its own"
CLOCK = "Gate and adapter by a clock that can be set"
POSTGRESQL = "One RabbitMQ node, outbox in PostgreSQL, two workers"
CLUSTER = "Three RabbitMQ nodes"
# What is broken side by side; about as long.
LANES = ((SQLITE, BURST), (SINKS, CLOCK, POSTGRESQL, CLUSTER))
# A disk of one's own, and a disk that is full, need a mount.
IS_ROOT = os.geteuid() == 0


def plan(burst: int) -> dict[str, tuple[Fault, ...]]:
    """Say which faults happen to which kind of installation."""
    return {
        SQLITE: (
            *on_processes.FAULTS,
            *on_network.FAULTS,
            *on_servers.BROKER,
            *on_input.FAULTS,
            *(on_disk.FAULTS if IS_ROOT else ()),
        ),
        BURST: (on_input.burst(burst),),
        SINKS: on_sinks.FAULTS,
        CLOCK: on_clock.FAULTS,
        POSTGRESQL: (
            *(f for f in on_processes.FAULTS if "kill -9 of the adapter" in f.name),
            *on_processes.WORKERS,
            *on_servers.DATABASE,
        ),
        CLUSTER: on_cluster.FAULTS,
    }


class Found(msgspec.Struct):
    """What a lane found.

    Attributes:
        rows: Kinds of installation, and a row for each fault.
        broken: Why it could not go on, if so.
    """

    rows: list[tuple[str, Outcome]] = []
    broken: list[str] = []


def main() -> int:
    options = _options()
    logging.disable()  # what libraries say about connections that we break
    if options.lane is not None:
        found = asyncio.run(_lane(LANES[options.lane], options))
        options.found.write_bytes(msgspec.json.encode(found))
        return 0
    return _all(options)


def _all(options: argparse.Namespace) -> int:
    begun = time.monotonic()
    told = _told(options.seed)
    print(told, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / str(number) for number in range(len(LANES))]
        lanes = [_start(number, file, options) for number, file in enumerate(files)]
        for lane in lanes:
            lane.wait()
        lost = [
            f"a lane ended with {lane.returncode}" for lane in lanes if lane.returncode
        ]
        read = [file.read_bytes() for file in files if file.exists()]
    found = [msgspec.json.decode(each, type=Found) for each in read]
    rows = [row for each in found for row in each.rows]
    broken = [*lost, *(why for each in found for why in each.broken)]
    said = "\n".join(page.lines(rows, told))
    print(said)
    if options.page:
        page.write(said)
    bad = [o.fault for _, o in rows if o.count.faults]
    print(f"{len(rows)} faults, {time.monotonic() - begun:.0f} s; not right: {bad}")
    if broken:
        print(f"could not go on: {broken}")
    return 1 if bad or broken else 0


def _start(
    number: int, file: Path, options: argparse.Namespace
) -> "subprocess.Popen[bytes]":
    again = [*sys.argv[1:], "--seed", options.seed]
    words = ["--lane", str(number), "--found", str(file)]
    return subprocess.Popen(  # noqa: S603  ourselves
        [sys.executable, "-m", "tests.faults.run", *again, *words]
    )


async def _lane(kinds: Sequence[str], options: argparse.Namespace) -> Found:
    done = Found()
    with ExitStack() as stack:
        node: RabbitMQNode | None = None
        for kind in kinds:
            faults = plan(options.burst)[kind]
            chosen = [
                f for f in faults if not options.only or _is_meant(f, kind, options)
            ]
            if not chosen:
                continue
            if kind != CLUSTER:
                node = node or stack.enter_context(RabbitMQNode())
            mine = None if kind == CLUSTER else node
            try:
                async for outcome in _outcomes(kind, chosen, mine, options):
                    done.rows.append((kind, outcome))
            except (NodeError, TimeoutError) as error:
                done.broken.append(f"{kind}: {error}"[:500])
                print(f"could not go on: {done.broken[-1]}", flush=True)
    return done


async def _outcomes(
    kind: str,
    chosen: Sequence[Fault],
    node: RabbitMQNode | None,
    options: argparse.Namespace,
) -> AsyncIterator[Outcome]:
    left = list(chosen)
    while left:  # a new installation, where the one before did not come to rest
        async with _installed(kind, node) as installation:
            while left:
                outcomes = await strike(left.pop(0), installation, options.seed)
                for each in outcomes:
                    print(f"{each.took_s:5.0f} s  {_line(each)}", flush=True)
                    yield each
                if any(o.count.faults or o.ended for o in outcomes):
                    _keep(installation, options)
                if any(o.count.faults or "not all" in o.note for o in outcomes):
                    break


@asynccontextmanager
async def _installed(
    kind: str, node: RabbitMQNode | None
) -> AsyncIterator[Installation]:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-"))
        place: Any = node or stack.enter_context(RabbitMQCluster())
        server = stack.enter_context(place.api.fresh_vhost())
        database = None
        if kind == POSTGRESQL:
            database = stack.enter_context(PostgreSQLNode())
        yield await stack.enter_async_context(
            open_installation(
                Path(folder),
                server,
                node=place,
                database=PostgreSQLServer(database.url) if database else None,
                node_of_database=database,
                answers=on_sinks.ANSWERS if kind == SINKS else None,
                disks=kind == SQLITE and IS_ROOT,
                is_clocked=kind == CLOCK,
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


def _is_meant(fault: Fault, kind: str, options: argparse.Namespace) -> bool:
    return any(words in f"{kind}: {fault.name}" for words in options.only)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", metavar="WORDS", help="faults whose names have them"
    )
    parser.add_argument("--seed", default=str(random.randrange(10**6)))  # noqa: S311
    parser.add_argument("--burst", type=int, default=2000, metavar="N")
    parser.add_argument("--page", action="store_true", help="write docs/reliability.md")
    parser.add_argument("--lane", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--found", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--logs", type=Path, help="folder for the logs of what failed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
