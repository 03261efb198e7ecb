"""Three private RabbitMQ nodes that are one cluster, as the files of deploy/ say.

    with RabbitMQCluster() as cluster:
        dead = cluster.crash_leader_of("tocsin.adapter.main")

They share an epmd and a cookie of their own, on the loopback, and speak TLS with
one another; who connects to them does so without, as to a single node.
"""

import os
import secrets
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from broker.certificates import issue_server, load_ca, make_ca
from tests.support.rabbitmq_api import ApiError, RabbitMQ
from tests.support.rabbitmq_node import (
    NodeError,
    Peers,
    RabbitMQNode,
    end,
    free_ports,
    start_epmd,
)

SIZE = 3
JOIN_S = 60
ELECT_S = 30


class RabbitMQCluster:
    """Three nodes, started on entering and wiped on leaving.

    Args:
        config: Lines added to every node's rabbitmq.conf.
    """

    def __init__(self, *, config: str = "") -> None:
        self._config = config
        self._epmd: subprocess.Popen[bytes] | None = None
        self.nodes: list[RabbitMQNode] = []

    def __enter__(self) -> Self:
        port = free_ports("epmd")["epmd"]
        cookie = secrets.token_hex(20)
        with ExitStack() as opened:
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
            _certify(folder)
            self._epmd = start_epmd(port)
            opened.callback(end, self._epmd)
            self.nodes = [
                RabbitMQNode(
                    config=self._config, peers=Peers(port, cookie, folder, each)
                )
                for each in range(1, SIZE + 1)
            ]
            for node in self.nodes:  # together: new ones wait for one another
                opened.callback(node.__exit__)
                node.prepare()
                node.launch()
            for node in self.nodes:
                node.wait()
            self._wait_for_all()
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @property
    def api(self) -> RabbitMQ:
        """The cluster as its administrator sees it, at the first node that answers."""
        for node in self.nodes:
            try:
                node.api.request("GET", "/api/whoami")
            except ApiError:
                continue
            return node.api
        raise NodeError("no node of the cluster answers")

    @property
    def amqp_urls(self) -> list[str]:
        return [node.amqp_url for node in self.nodes]

    def queue(self, name: str, *, vhost: str = "/") -> dict[str, Any]:
        """Return what a living node knows of a queue: `leader`, `members`, `online`."""
        path = f"/api/queues/{quote(vhost, safe='')}/{quote(name, safe='')}"
        found = self.api.request("GET", path)
        assert isinstance(found, dict)
        return found

    def leader_of(self, queue: str, *, vhost: str = "/") -> RabbitMQNode:
        """Return the node that leads the queue's replicas."""
        return self.node(self.queue(queue, vhost=vhost)["leader"])

    def crash_leader_of(self, queue: str, *, vhost: str = "/") -> RabbitMQNode:
        """Kill that node; return it when the queue has another leader."""
        dead = self.leader_of(queue, vhost=vhost)
        self.crash(dead, queue, vhost=vhost)
        return dead

    def crash(self, node: RabbitMQNode, queue: str, *, vhost: str = "/") -> None:
        """Kill *node*; return when *queue* has a leader on another one.

        Until then RabbitMQ 3.10 answers who asks for the queue by closing the whole
        connection (541, measured).
        """
        node.crash()
        deadline = time.monotonic() + ELECT_S
        while self.queue(queue, vhost=vhost).get("leader") in {node.name, None, ""}:
            if time.monotonic() > deadline:
                raise NodeError(f"no leader of {queue} after {ELECT_S} s")
            time.sleep(0.02)

    def node(self, name: str) -> RabbitMQNode:
        """Return the node of that name."""
        return next(each for each in self.nodes if each.name == name)

    def running(self) -> set[str]:
        """Name the nodes that one another see running."""
        found = self.api.request("GET", "/api/nodes")
        assert isinstance(found, list)
        return {each["name"] for each in found if each["running"]}

    def restart(self, node: RabbitMQNode) -> None:
        """Restart a node as docs/operations.md says: not before no queue needs it."""
        path = "/api/health/checks/node-is-quorum-critical"
        deadline = time.monotonic() + JOIN_S
        while True:
            try:
                node.api.request("GET", path)
            except ApiError as error:
                if time.monotonic() > deadline:
                    raise NodeError("a queue would lose its majority") from error
                time.sleep(0.1)
            else:
                break
        node.stop()
        node.start()
        self.wait_in_step()

    def wait_in_step(self) -> None:
        """Return when every replica of every quorum queue is on a running node.

        A rolling restart waits for it before the next node: else the majority of a
        queue may be gone (docs/operations.md).
        """
        self._wait_for_all()

    def freeze(self, node: RabbitMQNode) -> None:
        """Hang a node: it answers nothing and closes nothing, until `thaw`."""
        os.kill(node.pid, signal.SIGSTOP)

    def thaw(self, node: RabbitMQNode) -> None:
        """Let a hung node go on."""
        os.kill(node.pid, signal.SIGCONT)

    def _wait_for_all(self) -> None:
        deadline = time.monotonic() + JOIN_S
        names = {node.name for node in self.nodes}
        while not self._in_step(names):
            if time.monotonic() > deadline:
                raise NodeError(f"the nodes are no cluster after {JOIN_S} s")
            time.sleep(0.1)

    def _in_step(self, names: set[str]) -> bool:
        try:
            queues = self.api.request("GET", "/api/queues")
            if self.running() != names:
                return False
        except (ApiError, NodeError):
            return False
        assert isinstance(queues, list)
        return all(
            set(each.get("online", ())) == set(each.get("members", ()))
            for each in queues
        )


def _certify(folder: Path) -> None:
    now = datetime.now(UTC)
    made = make_ca("Tocsin hub", now=now)
    names = [f"hub-{each}.example" for each in range(1, SIZE + 1)]
    node = issue_server(names, ca=load_ca(made.key, made.public), now=now)
    (folder / "ca.pem").write_bytes(made.public)
    (folder / "node.pem").write_bytes(node.public)
    (folder / "node.key").write_bytes(node.key)
