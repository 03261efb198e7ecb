"""A private RabbitMQ node for one test run: own ports, own epmd, own folder.

    with RabbitMQNode() as node:
        await aio_pika.connect(node.amqp_url)

Everything listens on the loopback only. Nothing is shared with a RabbitMQ or
an Erlang that the machine may run, and nothing is left behind.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from tests.support.fetch_rabbitmq import LINE_TO_TYPE, TREE, is_complete
from tests.support.rabbitmq_api import ApiError, RabbitMQ

LOOPBACK = "127.0.0.1"
PLUGINS = ("rabbitmq_management", "rabbitmq_auth_mechanism_ssl", "rabbitmq_prometheus")

# Ready after 4 to 5 s on two quiet cores; busy ones need several times that.
START_S = 90

# Seconds after which a declared quorum queue survives `crash`; 0 fails, seen.
SETTLE_S = 2

# A Debian of another release with rabbitmq-server in it, made by debootstrap and
# with /proc mounted: its RabbitMQ runs instead of ours. Needs root.
ROOT = Path(os.environ.get("TOCSIN_TEST_RABBITMQ_ROOT", "/"))
TLS_CONFIG = Path(__file__).parents[2] / "deploy/rabbitmq.conf"
CLUSTER_CONFIG = TLS_CONFIG.with_name("rabbitmq-cluster.conf")
INTER_NODE_CONFIG = TLS_CONFIG.with_name("rabbitmq-inter-node.config")
ENVIRONMENT = TLS_CONFIG.with_name("rabbitmq-env.conf")

PLAIN_CONFIG = """\
listeners.tcp.1 = 127.0.0.1:{amqp}
management.tcp.ip = 127.0.0.1
management.tcp.port = {http}
"""

CONFIG = """\
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = {metrics}
log.file.level = warning
# Absolute, so that alarms do not depend on the machine the tests run on.
vm_memory_high_watermark.absolute = 2GB
disk_free_limit.absolute = 50MB
"""


class NodeError(Exception):
    """The node did not start; the text ends with what it printed."""


@dataclass(frozen=True)
class Peers:
    """What the nodes of one cluster share (`tests.support.rabbitmq_cluster`).

    Attributes:
        epmd: The port where they find each other.
        cookie: The secret that Erlang wants of a peer.
        certificates: Folder of ca.pem, node.pem and node.key, for every node's name.
        number: This node's, from 1: it is the one of deploy/rabbitmq-cluster.conf.
    """

    epmd: int
    cookie: str
    certificates: Path
    number: int

    @property
    def host(self) -> str:
        return f"hub-{self.number}.example"

    @property
    def name(self) -> str:
        # An epmd knows one `rabbit`, and these three share theirs.
        return f"rabbit-{self.number}@{self.host}"


class RabbitMQNode:
    """One node, started on entering and wiped on leaving.

    Args:
        config: Lines added to rabbitmq.conf.
        plugins: Plugins to enable; the management API is needed to be ready.
        tls: Folder of ca.pem, node.pem and node.key: run as deploy/rabbitmq.conf says,
            by TLS alone.
        peers: Run as a node of their cluster, as the files of deploy/ for it say.
    """

    def __init__(
        self,
        *,
        config: str = "",
        plugins: tuple[str, ...] = PLUGINS,
        tls: Path | None = None,
        peers: Peers | None = None,
    ) -> None:
        self._config = config
        self._tls = tls
        self._peers = peers
        self._plugins = plugins
        self._ports: dict[str, int] = {}
        self.folder = Path()
        self._epmd: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def api(self) -> RabbitMQ:
        """The node as its administrator sees it."""
        return RabbitMQ(self.amqp_url, self.http_url)

    @property
    def amqp_url(self) -> str:
        return f"amqp://guest:guest@{LOOPBACK}:{self._ports['amqp']}/"

    @property
    def amqps_url(self) -> str:
        """Where a node with *tls* listens; it names no login."""
        return f"amqps://{LOOPBACK}:{self._ports['amqp']}/"

    @property
    def http_url(self) -> str:
        return f"http://{LOOPBACK}:{self._ports['http']}"

    @property
    def name(self) -> str:
        """The node as RabbitMQ names it."""
        if self._peers is not None:
            return self._peers.name
        # An address, since a machine may not know its own name or localhost.
        return f"tocsin-{self._ports['amqp']}@{LOOPBACK}"

    @property
    def port_for_peers(self) -> int:
        return self._ports["distribution"]

    @property
    def pid(self) -> int:
        """The server's process, to be stopped and continued."""
        assert self._server is not None
        return self._server.pid

    def __enter__(self) -> Self:
        if Path("/") == ROOT and not is_complete(TREE):
            raise NodeError(
                f"RabbitMQ is not unpacked; type: make rabbitmq\n(or: {LINE_TO_TYPE})"
            )
        try:
            self._enter()
        except NodeError:
            # Somebody may have taken a port between our look and RabbitMQ's.
            self._enter()
        return self

    def _enter(self) -> None:
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        self.crash()
        end(self._epmd)
        if self.folder.is_absolute():
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Return when AMQP and management API answer; also after `crash`.

        Raises:
            NodeError: The node ended, or is not ready after `START_S` seconds.
        """
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Return at once; `wait` for it to be ready."""
        with (self.folder / "console.log").open("ab") as console:
            self._server = subprocess.Popen(  # noqa: S603 - our own tree
                _command("usr/lib/rabbitmq/bin/rabbitmq-server"),
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Return when a launched node answers; raises as `start`."""
        assert self._server is not None
        deadline = time.monotonic() + START_S
        while not self._ready():
            if self._server.poll() is not None or time.monotonic() > deadline:
                printed = (self.folder / "console.log").read_text(errors="replace")
                raise NodeError(f"RabbitMQ did not start\n{printed[-3000:]}")
            time.sleep(0.05)

    def crash(self) -> None:
        """End the node as a power cut would; its folder and ports stay.

        RabbitMQ 3.10 notes a new quorum queue on disk only moments after it
        confirmed the declaration, and a queue lost in that gap stays dead, its
        confirmed messages with it: let `SETTLE_S` pass after declaring.
        """
        end(self._server)

    def stop(self) -> None:
        """End the node as its operator does; it takes 6 s on 3.10 whatever it holds."""
        assert self._server is not None
        self._server.send_signal(signal.SIGTERM)
        self._server.wait(timeout=60)

    def control(self, *words: str) -> str:
        """Run `rabbitmqctl`, which takes a second or two, and return what it says."""
        done = subprocess.run(  # noqa: S603 - our own tree
            [*_command("usr/lib/rabbitmq/bin/rabbitmqctl"), "-n", self.name, *words],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise NodeError(f"rabbitmqctl {words[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    def prepare(self) -> None:
        """Make the node's folder; who calls it leaves the node's context too."""
        within = None if Path("/") == ROOT else ROOT / "tmp"
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-rabbitmq-", dir=within))
        self._ports = free_ports("amqp", "http", "metrics", "distribution", "epmd")
        config = self._listeners() + CONFIG.format(**self._ports) + self._config + "\n"
        (self.folder / "rabbitmq.conf").write_text(config)
        (self.folder / "plugins").write_text(f"[{','.join(self._plugins)}].\n")
        if self._peers is None:
            self._epmd = start_epmd(self._ports["epmd"])
        else:
            self._join(self._peers)

    def _listeners(self) -> str:
        if self._tls is None:
            return PLAIN_CONFIG.format(**self._ports)
        self._copy(self._tls)
        config = TLS_CONFIG.read_text()
        for shipped, here in {
            "default = 5671": f"1 = {LOOPBACK}:{self._ports['amqp']}",
            "/etc/rabbitmq/tocsin": str(_inside(self.folder)),
            "15672": str(self._ports["http"]),
            "vm_memory_high_watermark.relative": "#",  # CONFIG has the tests' own
            "disk_free_limit.absolute": "#",
        }.items():
            assert shipped in config
            config = config.replace(shipped, here)
        return config

    def _copy(self, certificates: Path) -> None:
        for name in ("ca.pem", "node.pem", "node.key"):
            shutil.copy(certificates / name, self.folder / name)

    def _join(self, peers: Peers) -> None:
        self._ports["epmd"] = peers.epmd
        cookie = self.folder / ".erlang.cookie"
        cookie.write_text(peers.cookie)
        cookie.chmod(0o400)
        text = CLUSTER_CONFIG.read_text()
        every = [replace(peers, number=number) for number in (1, 2, 3)]
        for each in every:
            assert f"rabbit@{each.host}" in text
            text = text.replace(f"rabbit@{each.host}", each.name)
        with (self.folder / "rabbitmq.conf").open("a") as config:
            config.write(text)
        hosts = ",".join(f'"{each.host}"' for each in every)
        (self.folder / "inetrc").write_text(
            f"{{host, {{127,0,0,1}}, [{hosts}]}}.\n{{lookup, [file, native]}}.\n"
        )
        self._speak_tls_with(peers)

    def _speak_tls_with(self, peers: Peers) -> None:
        self._copy(peers.certificates)
        here = str(_inside(self.folder))
        for shipped, file in {
            INTER_NODE_CONFIG: "inter-node.config",
            ENVIRONMENT: "rabbitmq-env.conf",
        }.items():
            text = shipped.read_text()
            assert "/etc/rabbitmq/tocsin" in text
            text = text.replace("/etc/rabbitmq/tocsin", here)
            if Path("/") == ROOT:
                text = text.replace("/usr/lib/erlang", f"{TREE}/usr/lib/erlang")
            (self.folder / file).write_text(text)

    def _environment(self) -> dict[str, str]:
        folder = _inside(self.folder)
        return {
            **erlang_environment(self._ports["epmd"]),
            "HOME": str(folder),  # holds .erlang.cookie
            **({} if self._peers is None else {"ERL_INETRC": str(folder / "inetrc")}),
            "ERL_CRASH_DUMP": str(folder / "erl_crash.dump"),
            "RABBITMQ_USE_LONGNAME": "true",
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_NODE_PORT": str(self._ports["amqp"]),
            "RABBITMQ_DIST_PORT": str(self._ports["distribution"]),
            # Mostly a file that is not there: /etc/rabbitmq must not leak in.
            "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "db"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            # The script then replaces itself by the server: one pid to end.
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-noinput -kernel inet_dist_use_interface {127,0,0,1}"
            ),
        }

    def _ready(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self._ports["amqp"]), 1) as peer:
                peer.settimeout(5)
                if self._tls is not None:
                    self.api.request("GET", "/api/overview")
                    return True
                peer.sendall(b"AMQP\0\0\x09\x01")
                # A method frame (AMQP 0-9-1, 4.2.3): Connection.Start.
                if peer.recv(1) != b"\x01":
                    return False
            self.api.request("GET", "/api/overview")
        except (OSError, ApiError):
            return False
        return True


# How a test starts one: the fixture of that name, with the arguments of the class.
OwnNode = Callable[..., AbstractContextManager[RabbitMQNode]]


def erlang_environment(epmd: int) -> dict[str, str]:
    """Return what lets Erlang find its libraries, and the epmd on that port."""
    outer = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RABBITMQ_", "ERL_"))
    }
    if Path("/") != ROOT:
        ours = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
    else:
        libraries = [str(path) for path in sorted(TREE.glob("usr/lib/*-linux-gnu*"))]
        libraries += [str(path) for path in sorted(TREE.glob("lib/*-linux-gnu*"))]
        ours = {
            "PATH": f"{TREE}/usr/bin:{outer.get('PATH', '')}:/usr/sbin:/sbin",
            "LD_LIBRARY_PATH": ":".join(libraries),
        }
    return {
        **outer,
        **ours,
        "LANG": "C.UTF-8",
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "ERL_EPMD_PORT": str(epmd),
    }


def start_epmd(port: int) -> "subprocess.Popen[bytes]":
    """Return the running epmd of *port*; its caller ends it.

    An unpacked Erlang starts none by itself. In the foreground, so that its pid is
    known; nodes find it by ERL_EPMD_PORT.

    Raises:
        NodeError: It does not answer within 10 s.
    """
    started = subprocess.Popen(  # noqa: S603 - our own tree
        _command("usr/bin/epmd"),
        env=erlang_environment(port),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for_port(port)
    except NodeError:
        end(started)
        raise
    return started


def end(process: "subprocess.Popen[bytes] | None") -> None:
    if process is not None and process.poll() is None:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _command(program: str) -> list[str]:
    if Path("/") == ROOT:
        return [*_die_with_us(), str(TREE / program)]
    return [*_die_with_us(), "chroot", str(ROOT), f"/{program}"]


def _inside(folder: Path) -> Path:
    """Return *folder* as the server sees it."""
    return Path("/") / folder.relative_to(ROOT)


def _die_with_us() -> list[str]:
    # Killed tests must not leave a server running; setpriv is util-linux's.
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def free_ports(*names: str) -> dict[str, int]:
    """Return one free port of the loopback for each name, all different."""
    sockets = [socket.socket() for _ in names]
    try:
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return {
            name: each.getsockname()[1]
            for name, each in zip(names, sockets, strict=True)
        }
    finally:
        for each in sockets:
            each.close()


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection((LOOPBACK, port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise NodeError("epmd did not start") from None
            time.sleep(0.02)
        else:
            return
