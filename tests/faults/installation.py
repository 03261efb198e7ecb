"""A whole installation whose every process and connection can fail.

Issuer, gate and adapter are processes; a proxy stands in front of the broker for
each of them, in front of the database and of the first member's endpoint.
"""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.faults.member import Answer, Member, open_member, takes
from tests.faults.processes import PYTHON, Process, supervised
from tests.faults.publisher import Journal
from tests.support.hub import TOCSIN, Hub, Party
from tests.support.postgresql_node import PostgreSQLServer
from tests.support.rabbitmq_api import RabbitMQ
from tests.support.rabbitmq_node import RabbitMQNode
from tests.support.tcp_proxy import Proxy, open_proxy

ISSUER = "cert-aq"
OTHER_ISSUER = "cert-bx"
MEMBER = "platform-x"
ISSUERS = tuple(Party(o, "peer-cert", publishes=True) for o in (ISSUER, OTHER_ISSUER))
USERS = {ISSUER: "publisher", "gate": "gate", "adapter": "adapter"}
PUBLISHER = (*PYTHON, "-m", "tests.faults.publisher")
CLOCKED = (*PYTHON, "-m", "tests.faults.clocked")
# Of these, each has a disk of its own where `disks` is set: whose, and its files.
DISKS = {
    ISSUER: (f"{ISSUER}.sqlite",),
    "gate": ("gate.sqlite", "archive.sqlite"),
    "adapter": ("outbox.sqlite",),
}
DISK_MIB = 1024  # at most; what is written is in memory
WORKERS = 2  # that share a database


class Installation:
    """Made by `open_installation`.

    Attributes:
        members: Their endpoints, by organisation.
        links: Proxies, by who uses them: `publisher`, `gate`, `adapter`, `database`,
            `member`; with a cluster, the first three are not used.
        node: The RabbitMQ node, or cluster, if it is ours to end.
        database: Its server, likewise.
        clock: File of the seconds by which the clock of gate and adapter is wrong.
    """

    def __init__(
        self,
        hub: Hub,
        members: Mapping[str, Member],
        links: Mapping[str, Proxy],
        node: Any,
        database: Any,
        clock: Path | None,
    ) -> None:
        self.hub = hub
        self.folder = hub.folder
        self.members = members
        self.links = links
        self.node = node
        self.database = database
        self.clock = clock
        self.gate = self._process("gate", "gate.ready")
        self.adapter = self._process("adapter", "adapter.ready")
        self._runs = 0

    @property
    def processes(self) -> tuple[Process, ...]:
        return (self.gate, self.adapter)

    @property
    def broker_links(self) -> list[Proxy]:
        return [self.links[name] for name in ("publisher", "gate", "adapter")]

    def publisher(self, *, count: int, rate: float) -> tuple[Process, Journal]:
        """Make an issuer's process with a state, and so a feed, of its own."""
        self._runs += 1
        name = f"publisher-{self._runs}"
        config, journal = self.folder / f"{name}.toml", self.folder / f"{name}.jsonl"
        text = (self.folder / f"{ISSUER}.toml").read_text()
        config.write_text(text.replace(f"{ISSUER}.sqlite", f"{name}.sqlite"))
        words = [str(config), str(journal), "--count", str(count), "--rate", str(rate)]
        return Process(
            name,
            [*words, "--seed", name],
            self.folder / f"{name}.log",
            ready="publisher.ready",
            program=PUBLISHER,
            has_end=True,
        ), Journal(journal)

    def filed(self, org: str = MEMBER) -> set[str]:
        """List the first characters of the token ids in a member's folder."""
        return {path.name.split("-", 2)[2] for path in self.hub.deliveries(org)}

    def refused(self) -> set[str]:
        """List the first characters of the token ids that were refused, by the log."""
        return {each["token"] for each in self.gate.refusals()} | {
            each["message"] for each in self.adapter.refusals()
        }

    def _process(self, name: str, ready: str) -> Process:
        words = [name, "run", "--config", str(self.folder / f"{name}.toml")]
        program = TOCSIN if self.clock is None else (*CLOCKED, str(self.clock))
        log = self.folder / f"{name}.log"
        return Process(name, words, log, ready=ready, program=program)


@asynccontextmanager
async def open_installation(
    folder: Path,
    server: RabbitMQ,
    *,
    node: RabbitMQNode | None = None,
    database: PostgreSQLServer | None = None,
    node_of_database: Any = None,
    answers: Mapping[str, Answer] | None = None,
    settings: str = "",
    disks: bool = False,
    is_clocked: bool = False,
) -> AsyncIterator[Installation]:
    """Build it on a virtual host of *server*, and start gate and adapter.

    Args:
        database: Keeps the outbox, of two workers; a SQLite file, if not given.
        node_of_database: Its server, if that is ours to end.
        answers: Members besides the first, and how their endpoints answer.
        settings: Lines for adapter.toml.
        disks: Issuer, gate and adapter each have a disk that can be full; needs root.
        is_clocked: The clock of gate and adapter can be set.
    """
    async with AsyncExitStack() as stack:
        members = {
            org: await stack.enter_async_context(open_member(answer))
            for org, answer in {MEMBER: takes, **(answers or {})}.items()
        }
        places = dict.fromkeys(("publisher", "gate", "adapter"), server.amqp_url)
        places["member"] = members[MEMBER].url
        if database is not None:
            url = await database.fresh()
            stack.push_async_callback(database.drop, url)
            places["database"] = url
        links = await _proxies(stack, places)
        hooks = {org: each.url for org, each in members.items()}
        hooks[MEMBER] = _through(hooks[MEMBER], links["member"])
        parties = [*ISSUERS, *(Party(org, "platform") for org in members)]
        hub = Hub(folder, server, parties, hooks, settings)
        await asyncio.to_thread(hub.build)
        urls = getattr(node, "amqp_urls", ())
        _lead_over(
            hub, links, [urlsplit(url).netloc.rpartition("@")[2] for url in urls]
        )
        if database is not None:
            _keep_in(hub, _through(places["database"], links["database"]))
        if disks:
            stack.enter_context(_own_disks(hub))
        clock = folder / "clock" if is_clocked else None
        if clock is not None:
            clock.write_text("0")
        made = Installation(hub, members, links, node, node_of_database, clock)
        await stack.enter_async_context(supervised(made.processes))
        await asyncio.gather(*(each.ready() for each in made.processes))
        yield made


async def _proxies(
    stack: AsyncExitStack, places: Mapping[str, str]
) -> dict[str, Proxy]:
    links = {}
    for name, place in places.items():
        parts = urlsplit(place)
        assert parts.hostname
        opening = open_proxy(parts.hostname, parts.port or 5672)
        links[name] = await stack.enter_async_context(opening)
    return links


def _lead_over(hub: Hub, links: Mapping[str, Proxy], cluster: Sequence[str]) -> None:
    """Let each process reach the broker by its own proxy, or by the nodes of a cluster.

    Each begins with another node.
    """
    direct = hub.server.url_for("", "").replace(":@", "")
    nodes = [direct.replace(urlsplit(direct).netloc, each) for each in cluster]
    for i, (file, name) in enumerate(USERS.items()):
        path = hub.folder / f"{file}.toml"
        line, text = f'url = "{direct}"', path.read_text()
        assert line in text
        led = f'url = "{_through(direct, links[name])}"'
        if nodes:
            led = f"urls = {[*nodes[i:], *nodes[:i]]}".replace("'", '"')
        path.write_text(text.replace(line, led))


def _keep_in(hub: Hub, url: str) -> None:
    path = hub.folder / "adapter.toml"
    text = path.read_text().replace('outbox = "outbox.sqlite"\n', "")
    head = f'workers = {WORKERS}\ngaps = "gaps.sqlite"\n'
    path.write_text(f'{head}{text}\n[database]\nurl = "{url}"\n')


def _through(url: str, proxy: Proxy) -> str:
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user[0]}{user[1]}127.0.0.1:{proxy.port}").geturl()


@contextmanager
def _own_disks(hub: Hub) -> Iterator[None]:
    """Put what each process writes onto a file system of its own."""
    mounted: list[Path] = []
    try:
        for name, files in DISKS.items():
            disk = hub.folder / f"disk-{name}"
            disk.mkdir()
            mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=700"]
            _run([*mount, "tmpfs", str(disk)])
            mounted.append(disk)
            path = hub.folder / f"{name}.toml"
            text = path.read_text()
            for file in files:
                text = text.replace(f'"{file}"', f'"{disk.name}/{file}"')
            path.write_text(text)
        yield
    finally:
        for disk in mounted:
            _run(["umount", "-l", str(disk)])


def _run(words: Sequence[str]) -> None:
    subprocess.run(words, check=True, capture_output=True)  # noqa: S603  our own words
