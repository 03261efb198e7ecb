"""RabbitMQ's alarms: who publishes waits and says so, who reads goes on, nothing is lost."""

import asyncio
import json
import socket
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.cli.connecting import open_bus
from adapters.cli.doctor import flow
from adapters.config import GateConfig, PublisherConfig, load
from broker.errors import BusUnavailableError, NotConfirmedError
from broker.publisher import Publisher, open_publisher
from broker.signers import load_signer
from tests.faults.publisher import drafts
from tests.support.hub import Hub, Party, process
from tests.support.rabbitmq_node import RabbitMQNode

pytestmark = [pytest.mark.rabbitmq, pytest.mark.slow]

PARTIES = (Party("cert-aq", "peer-cert", publishes=True), Party("cert-bx", "peer-cert"))
HELD_UP = "broker: takes nothing: its alarm of memory or disk\n"
WAIT_S = 30


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def readiness(port: int) -> str:
    try:
        url = f"http://127.0.0.1:{port}/readyz"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError:
        return ""


async def until(check: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(WAIT_S):
            while not await asyncio.to_thread(check):  # noqa: ASYNC110  no event
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"waited {WAIT_S} s for {what}")


@asynccontextmanager
async def publishing(hub: Hub, *, patience_s: float = 60) -> AsyncIterator[Publisher]:
    config = load(hub.publisher_config("cert-aq"), PublisherConfig)
    signer = load_signer(config.org, config.key)
    async with (
        open_bus(config.broker) as bus,
        open_publisher(bus, config.state, signer, patience_s=patience_s) as publisher,
    ):
        yield publisher


@asynccontextmanager
async def running(hub: Hub, name: str) -> AsyncIterator[None]:
    opened = process(
        name, "run", "--config", str(hub.folder / f"{name}.toml"),
        log=hub.folder / f"{name}.log",
    )  # fmt: skip
    await asyncio.to_thread(opened.__enter__)
    try:
        yield
    finally:
        await asyncio.to_thread(opened.__exit__, None, None, None)


def queued(hub: Hub, name: str) -> int:
    found = hub.server.request("GET", f"/api/queues/%2F/{name}")
    assert isinstance(found, dict)
    return int(found.get("messages", 0))


def numbers(hub: Hub) -> list[int]:
    """Give the numbers of what the member has, as often as it has them."""
    return sorted(
        json.loads((each / "delivery.json").read_bytes())["number"]
        for each in hub.deliveries("cert-bx")
    )


def events(hub: Hub, name: str) -> list[str]:
    lines = (hub.folder / f"{name}.log").read_text().splitlines()
    return [json.loads(line)["event"] for line in lines if line.startswith("{")]


async def test_in_an_alarm_records_wait_where_they_are_and_arrive_once_when_it_ends(
    tmp_path: Path, private_node: RabbitMQNode
) -> None:
    gate, adapter = free_port(), free_port()
    hub = Hub(
        tmp_path,
        private_node.api,
        PARTIES,
        adapter_settings=f'status = "127.0.0.1:{adapter}"\n',
    )
    await asyncio.to_thread(hub.build)
    config = tmp_path / "gate.toml"
    config.write_text(f'status = "127.0.0.1:{gate}"\n{config.read_text()}')
    records = drafts(9, "pressure")
    control = partial(asyncio.to_thread, private_node.control)
    memory = partial(control, "set_vm_memory_high_watermark", "absolute")

    async with publishing(hub) as publisher:
        async with running(hub, "gate"):
            for draft in islice(records, 3):
                await publisher.publish(draft)
            queue = "tocsin.adapter.main"
            await until(lambda: queued(hub, queue) == 3, "three in the adapter's queue")
        for draft in islice(records, 3):
            await publisher.publish(draft)

    await memory("1MB")
    async with running(hub, "gate"), running(hub, "adapter"):
        await until(lambda: len(numbers(hub)) == 3, "what was in the adapter's queue")
        await until(lambda: readiness(gate) == HELD_UP, "the gate to say why it waits")
        assert readiness(adapter) == "ready\n"
        [told] = await flow.running(load(config, GateConfig))
        assert (told.state, told.code) == ("failed", 3)
        assert "broker: takes nothing" in told.said
        await memory("2GB")
        await until(lambda: len(numbers(hub)) == 6, "what waited in the gate")
        await until(lambda: readiness(gate) == "ready\n", "the gate to be ready again")

        await control("set_disk_free_limit", "900000GB")
        with capture_logs() as logs:
            async with publishing(hub, patience_s=3) as publisher:
                for draft in islice(records, 3):
                    await publisher.enqueue(draft)
                with pytest.raises(
                    (NotConfirmedError, BusUnavailableError),
                    match=r"has an alarm, memory or disk.*3 signed and kept",
                ):
                    await publisher.flush()
                await control("set_disk_free_limit", "50MB")
                assert await publisher.flush() == 3
        told = [each["event"] for each in logs]
        assert "bus.blocked" in told
        await until(lambda: len(numbers(hub)) == 9, "what waited at the issuer")
    assert numbers(hub) == list(range(1, 10))
    assert queued(hub, "tocsin.dead") == 0
    assert {"bus.blocked", "bus.unblocked"} <= set(events(hub, "gate"))
