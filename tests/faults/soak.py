"""Run a real installation under a steady load, and see whether anything grows: `make soak`.

    make soak ARGS="--minutes 5 --rate 20 --postgresql"

Memory and file handles of every process are looked at every few seconds. A process is
flat when it needs no more in the last third of the time than in the third before.
"""

import argparse
import asyncio
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from tests.faults.counting import count
from tests.faults.installation import MEMBER, Installation, open_installation
from tests.faults.processes import Process, supervised, until
from tests.faults.publisher import Journal
from tests.support.postgresql_node import PostgreSQLNode, PostgreSQLServer
from tests.support.rabbitmq_node import RabbitMQNode

LOOK_S = 5.0
# Room for what an allocator does with the same work.
TENTHS = 10
ROOM_KIB, ROOM_PART, ROOM_FILES = 2048, 0.03, 3


class Sample(msgspec.Struct, frozen=True):
    rss_kib: int
    open_files: int


def main() -> int:
    options = _options()
    logging.disable()
    return asyncio.run(_run(options))


async def _run(options: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-"))
        )
        node = stack.enter_context(RabbitMQNode())
        server = stack.enter_context(node.api.fresh_vhost())
        database = None
        if options.postgresql:
            database = stack.enter_context(PostgreSQLNode())
        on = await stack.enter_async_context(
            open_installation(
                folder,
                server,
                database=PostgreSQLServer(database.url) if database else None,
            )
        )
        return await _soak(on, options)


async def _soak(on: Installation, options: argparse.Namespace) -> int:
    records = int(options.minutes * 60 * options.rate)
    publisher, journal = on.publisher(count=records, rate=options.rate)
    watched = (publisher, *on.processes)
    samples: dict[str, list[Sample]] = {each.name: [] for each in watched}
    begun = time.monotonic()
    async with supervised([publisher]):
        await publisher.ready()
        while publisher.is_wanted:
            for each in watched:
                samples[each.name].append(_look(each))
            await asyncio.sleep(LOOK_S)
        took_s = time.monotonic() - begun
        await until(
            lambda: min(len(on.members[MEMBER].posts), len(on.filed())) >= records,
            timeout_s=600,
            what="all have arrived",
            every_s=1,
        )
    grown = _tell(samples)
    wrong = _account(on, journal)
    print(
        f"\n{records:,} records in {took_s / 60:.1f} minutes; {wrong or 'all arrived'}"
    )
    print(f"verdict: {'grows: ' + ', '.join(grown) if grown else 'flat'}")
    return 1 if grown or wrong else 0


def _look(process: Process) -> Sample:
    try:
        return Sample(process.rss_kib(), process.open_files())
    except OSError:  # it has just ended
        return Sample(0, 0)


def _account(on: Installation, journal: Journal) -> str:
    journal.read()
    filed = on.filed()
    found = count(
        published=journal.signed,
        confirmed=journal.confirmed,
        posts=on.members[MEMBER].posts,
        filed={token for token in journal.signed if token[:12] in filed},
    )
    return ", ".join(f"{name}: {getattr(found, name)}" for name in found.faults)


def _tell(samples: dict[str, list[Sample]]) -> list[str]:
    """Print the table, and give the names of those that grow."""
    print("| process | MiB by tenths of the time | most | file handles | most |")
    print("|---|---|---|---|---|")
    grown = []
    for name, every in samples.items():
        found = [each for each in every if each.rss_kib]
        third = len(found) // 3
        middle, last = found[third : 2 * third], found[2 * third :]
        before, after = _memory(middle), _memory(last)
        files = _files(middle), _files(last)
        row = (
            name,
            " ".join(f"{each / 1024:.0f}" for each in _tenths(found)),
            f"{max(each.rss_kib for each in found) / 1024:.1f}",
            f"{files[0]:.0f} -> {files[1]:.0f}",
            str(max(each.open_files for each in found)),
        )
        print(f"| {' | '.join(row)} |")
        if after > before * (1 + ROOM_PART) + ROOM_KIB:
            grown.append(f"memory of {name}")
        if files[1] > files[0] + ROOM_FILES:
            grown.append(f"file handles of {name}")
    return grown


def _tenths(found: Sequence[Sample]) -> list[float]:
    size = max(len(found) // TENTHS, 1)
    return [_memory(found[i : i + size]) for i in range(0, size * TENTHS, size)]


def _memory(found: Sequence[Sample]) -> float:
    return statistics.median(each.rss_kib for each in found)


def _files(found: Sequence[Sample]) -> float:
    return statistics.median(each.open_files for each in found)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=10, help="records a second")
    parser.add_argument("--postgresql", action="store_true", help="and two workers")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
