"""A hub's RabbitMQ over TLS as the directory makes it, with all its logins.

    async with hub(folder) as place, logged_in(place) as logins:
        ...

What they try is in `permission_attempts`, the page of it in `permission_page`.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiormq
from aiormq.exceptions import AMQPError, InvalidFrameError

from broker.admission import Wanted, plan, wanted
from broker.admission_apply import execute, read_actual
from broker.certificates import (
    Authority,
    Pair,
    issue,
    issue_server,
    load_ca,
    make_ca,
    make_request,
)
from broker.directory import build
from broker.management import Management, open_management
from broker.tls import client_context
from broker.topology import (
    DEAD,
    FEEDBACK,
    GATE,
    INGRESS,
    OUT,
    RECORDS,
    UNROUTABLE,
    adapter_queues,
)
from tests.support.issuing import member
from tests.support.rabbitmq_node import OwnNode, RabbitMQNode

ISSUERS = ("cert-aq", "cert-bx")
READERS = ("platform-x", "newsroom-y")
MEMBERS = (*ISSUERS, *READERS)
ADAPTER = "adapter-main"
SERVED = "platform-x"  # reads its deliveries from RabbitMQ
LOGINS = (*MEMBERS, ADAPTER, GATE)
QUEUES = {
    **{each: (f"{INGRESS}.{each}", f"{FEEDBACK}.{each}") for each in ISSUERS},
    **{each: (f"{FEEDBACK}.{each}",) for each in READERS},
    SERVED: (f"{FEEDBACK}.{SERVED}", f"{OUT}.{SERVED}"),
    ADAPTER: adapter_queues("main"),
    GATE: (DEAD, UNROUTABLE),  # nobody reads them but the operator
}
FORBIDDEN = {
    **dict.fromkeys(MEMBERS, (RECORDS, DEAD, UNROUTABLE)),
    ADAPTER: (INGRESS, RECORDS, UNROUTABLE),
    GATE: (INGRESS, UNROUTABLE),
}
WAIT_S = 15

Act = Callable[[aiormq.abc.AbstractChannel], Awaitable[object]]


@dataclass(frozen=True)
class Attempt:
    """What one login tried.

    Attributes:
        against: The other login, "" if it concerns none.
        answer: RabbitMQ's refusal, "" if it did what was asked.
    """

    who: str
    against: str
    tries: str
    answer: str


@dataclass
class Place:
    """A node with everything in it that the directory asks for."""

    node: RabbitMQNode
    api: Management
    folder: Path
    ca: Authority
    want: Wanted

    async def version(self) -> str:
        """Return RabbitMQ's version."""
        found: str = (await self.api.get("overview"))["rabbitmq_version"]
        return found

    def context(self, login: str, **issued: object) -> ssl.SSLContext:
        """Return TLS with a certificate of *login*, by default a good one."""
        pair = certified(login, self.ca, **issued)
        return self.shown(login, pair)

    def shown(self, name: str, pair: Pair) -> ssl.SSLContext:
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(pair.public)
        key.touch(mode=0o600)
        key.write_bytes(pair.key)
        ca = self.folder / "ca.pem"
        return client_context(ca=ca, certificate=certificate, key=key)

    async def connect(
        self, context: ssl.SSLContext, vhost: str = ""
    ) -> aiormq.Connection:
        url = f"{self.node.amqps_url}{vhost}?auth=EXTERNAL"
        connection = aiormq.Connection(url, context=context)
        async with asyncio.timeout(WAIT_S):
            await connection.connect()
        return connection

    async def apply(self, want: Wanted) -> None:
        todo = plan(want, await read_actual(self.api, "/", {}), me="guest")
        await execute(self.api, "/", todo, {})


class Login:
    """One connection; a channel is opened again when RabbitMQ closed the last."""

    def __init__(self, name: str, connection: aiormq.Connection) -> None:
        self.name = name
        self.connection = connection
        self._channel: aiormq.abc.AbstractChannel | None = None

    async def does(self, act: Act) -> str:
        """Return why it was refused, "" if it was not."""
        if self._channel is None or self._channel.is_closed:
            self._channel = await self.connection.channel(publisher_confirms=True)
        try:
            async with asyncio.timeout(WAIT_S):
                await act(self._channel)
        except AMQPError as error:
            return _text(error)
        return ""

    async def tries(self, against: str, what: str, act: Act) -> Attempt:
        """Try it, and say in which words it was refused."""
        answer = anonymous(await self.does(act), self.name, against)
        return Attempt(self.name, against, what, answer)


def certified(
    login: str, ca: Authority, *, at: datetime | None = None, days: int = 30
) -> Pair:
    asked = make_request(login)
    now = at or datetime.now(UTC)
    return Pair(asked.key, issue(asked.public, login=login, ca=ca, now=now, days=days))


def of_directory(*names: str, suspended: Sequence[str] = ()) -> Wanted:
    members = [
        member(each, kinds=("incident",) if each in ISSUERS else ()) for each in names
    ]
    return wanted(
        build(members), adapters=["main"], suspended=suspended, out={"main": [SERVED]}
    )


def without(name: str, *, suspended: bool) -> Wanted:
    """What must be when *name* is suspended, or has left."""
    if suspended:
        return of_directory(*MEMBERS, suspended=[name])
    return of_directory(*(each for each in MEMBERS if each != name))


@asynccontextmanager
async def hub(folder: Path, own_node: OwnNode) -> AsyncIterator[Place]:
    """Start a node on *folder* as deploy/rabbitmq.conf says, and set it up."""
    now = datetime.now(UTC)
    made = make_ca("Tocsin hub", now=now)
    ca = load_ca(made.key, made.public)
    pair = issue_server(["127.0.0.1"], ca=ca, now=now)
    (folder / "ca.pem").write_bytes(made.public)
    (folder / "node.pem").write_bytes(pair.public)
    (folder / "node.key").write_bytes(pair.key)
    want = of_directory(*MEMBERS)
    with own_node(tls=folder) as node:
        async with open_management(
            node.http_url, user="guest", password="guest"
        ) as api:
            place = Place(node, api, folder, ca, want)
            await place.apply(want)
            yield place


@asynccontextmanager
async def logged_in(place: Place) -> AsyncIterator[dict[str, Login]]:
    async with AsyncExitStack() as stack:
        logins = {}
        for name in LOGINS:
            connection = await place.connect(place.context(name))
            stack.push_async_callback(connection.close)
            logins[name] = Login(name, connection)
        yield logins


def anonymous(text: str, me: str = "", other: str = "") -> str:
    """Put A, B and … for names, so that equal refusals are equal."""
    text = re.sub(r"\b(topic|queue|exchange) '[^']*'", r"\1 '…'", text)
    for name, letter in ((me, "A"), (other, "B")):
        if name:
            text = text.replace(f"'{name}'", f"'{letter}'")
    return text


def _text(error: AMQPError) -> str:
    words = " ".join(str(each) for each in error.args)
    return re.sub(r"\s+", " ", words).strip() or type(error).__name__


def refusal_of(error: AMQPError) -> str:
    """Say what RabbitMQ said."""
    if isinstance(error, InvalidFrameError):
        # aiormq keeps no more of it.
        return "Connection.Close instead of Connection.OpenOk"
    return anonymous(_text(error))
