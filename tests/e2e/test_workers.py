"""An adapter of two workers on a real RabbitMQ and PostgreSQL, one of them killed."""

import asyncio
import json
import os
import re
import signal
import socket
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bench.material import another, sample
from tests.support.hub import Hub, Party, process, tocsin, wait_until
from tests.support.postgresql_node import PostgreSQLServer
from tests.support.rabbitmq_api import RabbitMQ

pytestmark = [pytest.mark.rabbitmq, pytest.mark.slow]

PARTIES = (
    Party("cert-aq", "peer-cert", publishes=True),
    Party("cert-bx", "peer-cert"),
)
RECORDS = 30


@pytest.fixture
async def database(postgresql: PostgreSQLServer) -> AsyncIterator[str]:
    url = await postgresql.fresh()
    yield url
    await postgresql.drop(url)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def got(port: int, page: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{page}", timeout=10) as answer:
        return str(answer.read().decode())


def is_ready(port: int) -> bool:
    try:
        return got(port, "/readyz") == "ready\n"
    except OSError:
        return False


def workers_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in children.split()]


async def test_two_workers_share_the_records_and_one_that_is_killed_loses_none(
    tmp_path: Path, rabbitmq: RabbitMQ, database: str
) -> None:
    port = free_port()
    hub = Hub(
        tmp_path,
        rabbitmq,
        PARTIES,
        database=database,
        adapter_settings='gaps = "gaps.sqlite"\nworkers = 2\nheads = "heads"\n'
        f'status = "127.0.0.1:{port}"\n',
    ).build()
    await asyncio.to_thread(run, hub, port)


def run(hub: Hub, port: int) -> None:
    files = []
    for number in range(RECORDS):
        files.append(hub.folder / f"{number}.json")
        files[-1].write_bytes(another(sample()))
    own = ("--config", str(hub.publisher_config("cert-aq")))
    adapter, gate = hub.folder / "adapter.toml", hub.folder / "gate.toml"
    log = hub.folder / "adapter.log"
    with (
        process("gate", "run", "--config", str(gate)),
        process("adapter", "run", "--config", str(adapter), log=log) as parent,
    ):
        wait_until(lambda: is_ready(port), timeout_s=60, what="both workers")
        half = RECORDS // 2
        done = tocsin("publish", *map(str, files[:half]), *own)
        assert done.returncode == 0, done.stderr
        _, victim = workers_of(parent.pid)
        os.kill(victim, signal.SIGKILL)
        done = tocsin("publish", *map(str, files[half:]), *own)
        assert done.returncode == 0, done.stderr
        wait_until(
            lambda: len(hub.deliveries("cert-bx")) == RECORDS,
            timeout_s=60,
            what="all records",
        )
        wait_until(lambda: is_ready(port), timeout_s=60, what="the worker's return")
        numbers = got(port, "/metrics")
        both = workers_of(parent.pid)
    assert 'event="worker.restarted"' in numbers
    assert not re.search(r"^tocsin_backlog\{.* [1-9]", numbers, re.MULTILINE)
    # Each once, and none of the parent's children is left.
    delivered = [each.name for each in hub.deliveries("cert-bx")]
    assert [int(name[:8]) for name in delivered] == list(range(1, RECORDS + 1))
    assert not any(Path(f"/proc/{pid}").exists() for pid in both)
    events = [json.loads(line) for line in log.read_text().splitlines()]
    by = [e["worker"] for e in events if e["event"] == "record.decided"]
    assert set(by) == {1, 2}
    assert [e["code"] for e in events if e["event"] == "worker.ended"] == [-9]
