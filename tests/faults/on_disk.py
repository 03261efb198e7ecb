"""A disk is full, and has room again."""

import asyncio
import os
from pathlib import Path

from tests.faults.installation import DISK_MIB, ISSUER
from tests.faults.striking import Fault, Strike

FULL_S = 4.0


async def fill(at: Strike, name: str) -> None:
    """Make the disk as small as what is on it, then as large as it was."""
    disk = at.on.folder / f"disk-{name}"
    for _ in range(10):  # what is written meanwhile may need more
        if await _resize(disk, f"{_used_kib(disk)}k"):
            break
    await asyncio.sleep(FULL_S)
    assert os.statvfs(disk).f_bavail == 0
    assert await _resize(disk, f"{DISK_MIB}m")


def _used_kib(disk: Path) -> int:
    found = os.statvfs(disk)
    return (found.f_blocks - found.f_bfree) * found.f_frsize >> 10


async def _resize(disk: Path, size: str) -> bool:
    done = await asyncio.create_subprocess_exec(
        "mount", "-o", f"remount,size={size}", disk, stderr=asyncio.subprocess.DEVNULL
    )
    return await done.wait() == 0


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
