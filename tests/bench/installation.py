"""A hub on RabbitMQ for the measurements: a node, a virtual host, logins, records.

The node is ours alone, on the loopback, unless TOCSIN_TEST_AMQP_URL names another.
"""

import asyncio
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import quote

import structlog

from broker import sdjwt, topology, wire
from broker.bus import Bus, Message
from broker.rabbitmq import open_rabbitmq
from broker.signers import Signer, load_signer
from broker.signing import FeedPosition
from tests.bench.material import ISSUER, NOW, another, compose, sign
from tests.support.hub import Hub, Party
from tests.support.rabbitmq_api import RabbitMQ
from tests.support.rabbitmq_node import RabbitMQNode

WINDOW = 100  # publishes in flight; more gains nothing (measured)
ADAPTER = topology.adapter_queues("main")[0]
INGRESS = f"{topology.INGRESS}.{ISSUER}"
# As the gate makes it of the sample; the bare anchors use it too.
RECORDS_KEY = topology.routing_key(
    issuer=ISSUER,
    kind="incident",
    tlp="CLEAR",
    countries=["XA"],
    sectors=["financial-services"],
    severity="moderate",
)
PARTIES = (
    Party(ISSUER, "peer-cert", publishes=True),
    Party("platform-orbit", "platform"),
    Party("monitor-veritas", "civil-society"),
)


@contextmanager
def hub_on_rabbitmq() -> Iterator[Hub]:
    """Build a whole installation; nothing of it is left at the end."""
    with ExitStack() as stack:
        server = RabbitMQ.from_environment(os.environ)
        if server is None:
            server = stack.enter_context(RabbitMQNode()).api
        vhost = stack.enter_context(server.fresh_vhost())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        hub = Hub(Path(folder), vhost, PARTIES).build()
        yield hub


@asynccontextmanager
async def bus_of(hub: Hub, user: str) -> AsyncIterator[Bus]:
    """Connect as *user*, one of the hub's logins."""
    url = hub.server.url_for(user, hub.password(user))
    async with open_rabbitmq(url, user=user) as bus:
        yield bus


def signer_of(hub: Hub) -> Signer:
    return load_signer(ISSUER, hub.folder / f"{ISSUER}.key")


def tokens(bundle: bytes, signer: Signer, count: int, *, now: int = NOW) -> list[bytes]:
    """Sign *count* cases like *bundle*, as a publisher would: one feed, a chain."""
    found: list[bytes] = []
    before = ""
    for seq in range(1, count + 1):
        place = FeedPosition(f"{ISSUER}/main/{'A' * 16}", seq, before)
        draft = compose(another(bundle), now=now)
        found.append(sign(draft, signer, now=now, position=place))
        before = sdjwt.token_id(found[-1])
    return found


def messages(found: Sequence[bytes], key: str, user: str) -> list[Message]:
    return [
        wire.pack(each, message_id=sdjwt.token_id(each), routing_key=key, user_id=user)
        for each in found
    ]


async def fill(bus: Bus, exchange: str, batch: Sequence[Message]) -> None:
    """Publish all of *batch*, confirmed."""
    for start in range(0, len(batch), WINDOW):
        async with asyncio.TaskGroup() as tasks:
            for message in batch[start : start + WINDOW]:
                tasks.create_task(bus.publish(exchange, message))


def version_of(hub: Hub) -> str:
    found = hub.server.request("GET", "/api/overview")
    assert isinstance(found, dict)
    return str(found["rabbitmq_version"])


def purge(hub: Hub, queue: str) -> None:
    vhost = quote(hub.server.vhost, safe="")
    hub.server.request("DELETE", f"/api/queues/{vhost}/{queue}/contents")


@contextmanager
def logging_to_nowhere() -> Iterator[None]:
    """Log as the processes do, to /dev/null: writing the lines is in our figures."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
            logger_factory=structlog.WriteLoggerFactory(nowhere),
        )
        try:
            yield
        finally:
            structlog.reset_defaults()
