"""How full our queues are, looked at each minute: an alarm long before one refuses. Edge.

Over a connection of its own: the process's others may be held up by the very queue.
RabbitMQ counts messages here; that a queue of large records is full by its bytes first,
its own metrics tell (`rabbitmq_queue_messages_bytes`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from adapters.config_parts import Broker
from adapters.config_use import broker_tls, broker_urls
from adapters.doctor_flow import FILLING
from adapters.metrics import EventCounts
from broker import rabbitmq_probing
from broker.errors import BusError, BusRefusedError
from broker.rabbitmq_link import Link
from broker.topology import most_in
from broker.waiting import first_of

_log: Any = structlog.get_logger(__name__)
EVERY_S: Final = 60.0
_EASED: Final = 0.7  # below it the alarm ends: at one bound it would come and go
_TIMEOUT_S: Final = 10.0


class QueueWatch:
    """Looks at some queues, again and again."""

    def __init__(self, counts: EventCounts) -> None:
        self._counts = counts
        self._filling: set[str] = set()
        self._hidden: set[str] = set()

    async def look(self, link: Link, queues: Iterable[str]) -> None:
        """Count what waits in each queue that the broker tells us of.

        Raises:
            BusError: No connection, or no answer.
        """
        # Who is refused here is refused for now: that hides no queue.
        await link.connection()
        found = {}
        for name in queues:
            if name in self._hidden:
                continue
            try:
                waiting = await rabbitmq_probing.waiting_in(link, name)
            except BusRefusedError:  # RabbitMQ 4.3, of queues that are not ours
                self._hidden.add(name)
                _log.info("queue.hidden", queue=name)
                continue
            if waiting is not None:
                found[name] = waiting.messages
        self._counts.note_queues(found)
        for name, messages in found.items():
            self._judge(name, messages, most_in(name))

    def _judge(self, name: str, messages: int, most: int) -> None:
        if name not in self._filling and messages >= most * FILLING:
            self._filling.add(name)
            _log.error("queue.filling", queue=name, messages=messages, most=most)
        elif name in self._filling and messages < most * _EASED:
            self._filling.remove(name)
            _log.info("queue.eased", queue=name, messages=messages)


@asynccontextmanager
async def queues_watched(
    broker: Broker,
    queues: Callable[[], Iterable[str]],
    counts: EventCounts,
    stop: asyncio.Event,
) -> AsyncIterator[None]:
    """Look meanwhile, once a minute; a broker that is away is looked at again later.

    Args:
        queues: Which; asked each time.
    """
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(
            _watch(broker, queues, QueueWatch(counts), stop), name="queues"
        )
        yield
        watching.cancel()


async def _watch(
    broker: Broker,
    queues: Callable[[], Iterable[str]],
    watch: QueueWatch,
    stop: asyncio.Event,
) -> None:
    tls = broker_tls(broker, now=datetime.now(UTC))
    name = f"tocsin {broker.user} counting"
    async with Link(
        *broker_urls(broker), name=name, timeout_s=_TIMEOUT_S, tls=tls
    ) as link:
        while not stop.is_set():
            try:
                await watch.look(link, queues())
            except BusError as error:
                _log.warning("queue.not_counted", error=type(error).__name__)
            await first_of(stop, timeout_s=EVERY_S)
