"""A disk is full, and has room again."""

import asyncio
from pathlib import Path

from tests.faults.installation import DISK_MIB, ISSUER
from tests.faults.striking import Fault, Strike

FULL_S = 4.0


async def fill(at: Strike, name: str) -> None:
    rest = at.on.folder / f"disk-{name}" / "rest"
    await asyncio.to_thread(_fill, rest)
    await asyncio.sleep(FULL_S)
    rest.unlink()


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                for _ in range(DISK_MIB << 4 if size > 1 else 1 << 12):
                    file.write(bytes(size))
            except OSError:
                continue


async def fill_publisher(at: Strike) -> None:
    await fill(at, ISSUER)


async def fill_gate(at: Strike) -> None:
    await fill(at, "gate")


async def fill_adapter(at: Strike) -> None:
    await fill(at, "adapter")


FAULTS = (
    Fault("the publisher's disk is full, 4 s", fill_publisher),
    Fault("the gate's disk is full, 4 s", fill_gate),
    Fault("the outbox's disk is full, 4 s", fill_adapter),
)
