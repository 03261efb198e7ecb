"""RabbitMQ or PostgreSQL is killed, or hangs."""

import asyncio
import os
import signal

from tests.faults.processes import children_of
from tests.faults.striking import Fault, Strike

AWAY_S = 2.0
HANGS_S = 3.0
SILENT_S = 10.0


async def kill_broker(at: Strike) -> None:
    assert at.on.node is not None
    await asyncio.to_thread(at.on.node.crash)
    await asyncio.to_thread(at.on.node.start)


async def stop_broker(at: Strike) -> None:
    assert at.on.node is not None
    os.kill(at.on.node.pid, signal.SIGSTOP)
    await asyncio.sleep(HANGS_S)
    os.kill(at.on.node.pid, signal.SIGCONT)


async def kill_database(at: Strike) -> None:
    await asyncio.to_thread(at.on.database.kill)
    await asyncio.sleep(AWAY_S)
    await asyncio.to_thread(at.on.database.start)


async def stop_database(at: Strike) -> None:
    # Each of its children leads a session of its own.
    stopped = [at.on.database.pid, *children_of(at.on.database.pid)]
    for each in stopped:
        os.kill(each, signal.SIGSTOP)
    await asyncio.sleep(HANGS_S)
    for each in stopped:
        os.kill(each, signal.SIGCONT)


async def cut_database(at: Strike) -> None:
    at.on.links["database"].cut()


async def database_silent(at: Strike, seconds: float = SILENT_S) -> None:
    at.on.links["database"].answers.clear()
    await asyncio.sleep(seconds)
    at.on.links["database"].answers.set()


async def database_forgotten(at: Strike) -> None:
    at.on.links["database"].forget_servers()


BROKER = (
    Fault("kill -9 of RabbitMQ, one node", kill_broker),
    Fault("SIGSTOP of RabbitMQ, 3 s", stop_broker),
)
DATABASE = (
    Fault("kill -9 of PostgreSQL, 2 s away", kill_database),
    Fault("SIGSTOP of PostgreSQL, 3 s", stop_database),
    Fault("connections to PostgreSQL cut", cut_database),
    Fault("one way: nothing comes from PostgreSQL, 10 s", database_silent),
    Fault("half closed: PostgreSQL's half is gone", database_forgotten),
)
