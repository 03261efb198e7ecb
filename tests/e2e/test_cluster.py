"""Three RabbitMQ nodes as one, run with the files of deploy/: any of them may die."""

import asyncio
import socket
import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from broker.topology import adapter_queues
from tests.faults.counting import Count, Outage, count
from tests.faults.member import Member, open_member
from tests.faults.processes import Process, supervised, until
from tests.faults.publisher import Journal
from tests.support.hub import Hub, Party, tocsin
from tests.support.rabbitmq_cluster import RabbitMQCluster
from tests.support.rabbitmq_node import RabbitMQNode

ISSUER, MEMBER = "cert-aq", "platform-x"
PARTIES = (Party(ISSUER, "peer-cert", publishes=True), Party(MEMBER, "platform"))
QUEUE = adapter_queues("main")[0]
RATE = 20  # records a second
LOAD_S = 14  # as long as two deaths and a return take on a quiet machine
WAIT_S = 120  # of a machine that is busy with other tests

pytestmark = pytest.mark.slow


@dataclass
class Load:
    """A steady load over a whole installation, and what the faults cost."""

    hub: Hub
    member: Member
    outages: list[Outage] = field(default_factory=list)

    def processes(self, records: int) -> list[Process]:
        folder = self.hub.folder
        words = [str(folder / f"{ISSUER}.toml"), str(folder / "journal")]
        words += ["--count", str(records), "--rate", str(RATE)]
        program = (sys.executable, "-P", "-m", "tests.faults.publisher")
        return [
            self._process("gate"),
            self._process("adapter"),
            Process(
                "publisher", words, folder / "publisher.log",
                ready="publisher.ready", program=program, has_end=True,
            ),
        ]  # fmt: skip

    def _process(self, name: str) -> Process:
        words = (name, "run", "--config", str(self.hub.folder / f"{name}.toml"))
        log = self.hub.folder / f"{name}.log"
        return Process(name, words, log, ready=f"{name}.ready")

    async def strike(self, fault: Callable[[], RabbitMQNode]) -> RabbitMQNode:
        """Let *fault* happen in the midst of it."""
        begun = time.monotonic()
        dead = await asyncio.to_thread(fault)
        self.outages.append(Outage(begun, time.monotonic()))
        return dead

    def count(self, journal: Journal) -> Count:
        filed = {path.name.split("-", 2)[2] for path in self.hub.deliveries(MEMBER)}
        return count(
            published=journal.signed,
            confirmed=journal.confirmed,
            posts=self.member.posts,
            filed={token for token in journal.signed if token[:12] in filed},
            outages=self.outages,
        )


def crash_node_of(cluster: RabbitMQCluster, login: str, queue: str) -> RabbitMQNode:
    """Kill the node that *login* is connected to; return when *queue* is led again."""
    path = f"/api/connections/username/{quote(login)}"
    found = cluster.api.request("GET", path)
    assert isinstance(found, list)
    dead = cluster.node(found[0]["node"])
    cluster.crash(dead, queue)
    return dead


def test_the_nodes_speak_tls_with_one_another(cluster: RabbitMQCluster):
    node = cluster.nodes[0]
    trusting = ssl.create_default_context(cafile=node.folder / "ca.pem")
    with (
        socket.create_connection(("127.0.0.1", node.port_for_peers), 30) as plain,
        trusting.wrap_socket(plain, server_hostname="hub-1.example") as peer,
    ):
        assert peer.version() == "TLSv1.3"


async def test_nothing_is_lost_nor_doubled_when_nodes_die_with_leaders_and_clients(
    cluster: RabbitMQCluster, tmp_path: Path
):
    records = RATE * LOAD_S
    async with open_member() as member:
        hub = Hub(
            tmp_path, cluster.api, PARTIES, {MEMBER: member.url},
            nodes=cluster.amqp_urls,
        )  # fmt: skip
        await asyncio.to_thread(hub.build)
        told = tocsin("broker", "apply", "--config", str(tmp_path / "broker.toml"))
        assert told.stdout == "nothing to do\n"
        assert len(cluster.queue(QUEUE)["members"]) == 3
        load = Load(hub, member)
        processes = load.processes(records)
        journal = Journal(tmp_path / "journal")
        async with supervised(processes):
            await until(
                lambda: len(member.posts) > RATE, timeout_s=WAIT_S, what="it flows"
            )
            dead = await load.strike(lambda: cluster.crash_leader_of(QUEUE))
            await asyncio.to_thread(dead.start)
            await asyncio.to_thread(cluster.wait_in_step)
            dead = await load.strike(
                lambda: crash_node_of(cluster, "adapter-main", QUEUE)
            )
            seen = tocsin("doctor", "--config", str(tmp_path / "gate.toml"))
            port = urlsplit(dead.amqp_url).port
            assert f"warning: nothing listens at 127.0.0.1:{port} " in seen.stdout
            assert seen.stdout.count("gate logs in with its password") == 2
            await until(
                lambda: (
                    len(journal.read().confirmed) == records
                    and _is_all(load.count(journal))
                ),
                timeout_s=WAIT_S,
                what="all have arrived",
            )
        found = load.count(journal)
    assert found.faults == []
    assert found.published == found.confirmed == records
    assert [each.ended for each in processes] == [[], [], []]


def _is_all(found: Count) -> bool:
    return found.delivered + found.superseded == found.published
