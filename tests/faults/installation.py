"""A whole installation whose every process and connection can fail.

Issuer, gate and adapter are processes; a proxy stands in front of the broker for
each of them, in front of the database and of the member's endpoint.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.faults.member import Member, open_member
from tests.faults.processes import PYTHON, Process, supervised
from tests.faults.publisher import Journal
from tests.support.hub import Hub, Party
from tests.support.postgresql_node import PostgreSQLServer
from tests.support.rabbitmq_api import RabbitMQ
from tests.support.rabbitmq_node import RabbitMQNode
from tests.support.tcp_proxy import Proxy, open_proxy

ISSUER = "cert-aq"
MEMBER = "platform-x"
PARTIES = (Party(ISSUER, "peer-cert", publishes=True), Party(MEMBER, "platform"))
PUBLISHER = (*PYTHON, "-m", "tests.faults.publisher")


class Installation:
    """Made by `open_installation`.

    Attributes:
        links: Proxies, by who uses them: `publisher`, `gate`, `adapter`, `database`,
            `member`.
        node: The RabbitMQ node, if it is ours to end.
    """

    def __init__(
        self,
        hub: Hub,
        member: Member,
        links: Mapping[str, Proxy],
        node: RabbitMQNode | None,
        database: Any,
    ) -> None:
        self.hub = hub
        self.folder = hub.folder
        self.member = member
        self.links = links
        self.node = node
        self.database = database
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

    def filed(self) -> set[str]:
        """List the first characters of the token ids in the member's folder."""
        return {path.name.split("-", 2)[2] for path in self.hub.deliveries(MEMBER)}

    def refused(self) -> set[str]:
        """List the first characters of the token ids that were refused, by the log."""
        found = {
            each["token"]
            for each in self.gate.events()
            if each["event"] == "gate.refused"
        }
        return found | {
            each["message"]
            for each in self.adapter.events()
            if each["event"] == "record.refused"
        }

    def _process(self, name: str, ready: str) -> Process:
        words = (name, "run", "--config", str(self.folder / f"{name}.toml"))
        return Process(name, words, self.folder / f"{name}.log", ready=ready)


@asynccontextmanager
async def open_installation(
    folder: Path,
    server: RabbitMQ,
    *,
    node: RabbitMQNode | None = None,
    database: PostgreSQLServer | None = None,
    node_of_database: Any = None,
    settings: str = "",
) -> AsyncIterator[Installation]:
    """Build it on a virtual host of *server*, and start gate and adapter.

    Args:
        database: Keeps the outbox; a SQLite file, if not given.
        node_of_database: Its server, if that is ours to end.
        settings: Lines for adapter.toml.
    """
    async with AsyncExitStack() as stack:
        member = await stack.enter_async_context(open_member())
        places = dict.fromkeys(("publisher", "gate", "adapter"), server.amqp_url)
        places["member"] = member.url
        if database is not None:
            url = await database.fresh()
            stack.push_async_callback(database.drop, url)
            places["database"] = url
        links = {}
        for name, place in places.items():
            parts = urlsplit(place)
            assert parts.hostname
            opening = open_proxy(parts.hostname, parts.port or 5672)
            links[name] = await stack.enter_async_context(opening)
        hook = member.url.replace(str(member.port), str(links["member"].port))
        hub = Hub(folder, server, PARTIES, {MEMBER: hook}, settings)
        await asyncio.to_thread(hub.build)
        _lead_over(hub, links)
        if database is not None:
            _keep_in(hub, _through(places["database"], links["database"]))
        made = Installation(hub, member, links, node, node_of_database)
        await stack.enter_async_context(supervised(made.processes))
        await asyncio.gather(*(each.ready() for each in made.processes))
        yield made


def _lead_over(hub: Hub, links: Mapping[str, Proxy]) -> None:
    """Let each process reach the broker by its own proxy."""
    direct = hub.server.url_for("", "").replace(":@", "")
    for file, name in ((ISSUER, "publisher"), ("gate", "gate"), ("adapter", "adapter")):
        path = hub.folder / f"{file}.toml"
        text = path.read_text()
        assert direct in text
        path.write_text(text.replace(direct, _through(direct, links[name])))


def _keep_in(hub: Hub, url: str) -> None:
    path = hub.folder / "adapter.toml"
    text = path.read_text().replace('outbox = "outbox.sqlite"\n', "")
    path.write_text(f'{text}\n[database]\nurl = "{url}"\n')


def _through(url: str, proxy: Proxy) -> str:
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user[0]}{user[1]}127.0.0.1:{proxy.port}").geturl()
