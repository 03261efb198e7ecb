"""A process is killed, or hangs."""

import asyncio
import os
import signal

from tests.faults.processes import Process, until
from tests.faults.striking import Fault, Strike

HANGS_S = 3.0
RESTARTS_S = 3.0
NOTICED_S = 90.0


async def kill_publisher(at: Strike) -> None:
    at.publisher.kill()
    await at.publisher.ready()


async def kill_gate(at: Strike) -> None:
    at.on.gate.kill()
    await at.on.gate.ready()


async def kill_adapter(at: Strike) -> None:
    at.on.adapter.kill()
    await at.on.adapter.ready()


async def kill_all(at: Strike) -> None:
    for each in (at.publisher, at.on.gate, at.on.adapter):
        each.kill()
    for each in (at.publisher, at.on.gate, at.on.adapter):
        await each.ready()


async def kill_adapter_again_and_again(at: Strike) -> None:
    for _ in range(5):
        at.on.adapter.kill()
        await asyncio.sleep(at.random.uniform(0.5, 4.0))
    await at.on.adapter.ready()


async def hang(process: Process) -> None:
    process.stop()
    await asyncio.sleep(HANGS_S)
    process.go_on()


async def stop_publisher(at: Strike) -> None:
    await hang(at.publisher)


async def stop_gate(at: Strike) -> None:
    await hang(at.on.gate)


async def stop_adapter(at: Strike) -> None:
    await hang(at.on.adapter)


async def kill_worker(at: Strike) -> None:
    os.kill(at.random.choice(at.on.adapter.children()), signal.SIGKILL)
    await asyncio.sleep(RESTARTS_S)


async def stop_worker(at: Strike) -> None:
    """Stop it for good: its parent must notice, and end it."""
    worker = at.random.choice(at.on.adapter.children())
    os.kill(worker, signal.SIGSTOP)
    await until(
        lambda: worker not in at.on.adapter.children(),
        timeout_s=NOTICED_S,
        what="the parent ended the worker that hung",
    )


FAULTS = (
    Fault("kill -9 of the publisher", kill_publisher),
    Fault("kill -9 of the gate", kill_gate),
    Fault("kill -9 of the adapter", kill_adapter),
    Fault("kill -9 of all three at once", kill_all),
    Fault("kill -9 of the adapter, five times", kill_adapter_again_and_again),
    Fault("SIGSTOP of the publisher, 3 s", stop_publisher),
    Fault("SIGSTOP of the gate, 3 s", stop_gate),
    Fault("SIGSTOP of the adapter, 3 s", stop_adapter),
)
WORKERS = (
    Fault("kill -9 of one of two workers", kill_worker),
    Fault("SIGSTOP of one of two workers, for good", stop_worker),
)
