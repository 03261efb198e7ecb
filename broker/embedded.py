"""The bus in one SQLite file, or in memory, for one process.

The demo runs on it, and tests in place of RabbitMQ: one contract suite holds
for both. It confirms after the commit and enforces the same permissions. It
has no full queues, alarms or lost connections; `fault` stands for those. The
services refuse it: nobody else can connect.
"""

import asyncio
import re
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Literal, Self, TypeVar

import msgspec

from broker.bus import Message, Received, check_limits
from broker.embedded_store import Store
from broker.errors import (
    BusRefusedError,
    BusUnavailableError,
    NotConfirmedError,
    UnroutableError,
)
from broker.topology import Permission, Topology, permissions, route

# Asked before each "publish", "ack" and "reject". What it returns is raised,
# "before" or "after" the operation took effect; a timeout after success is
# the interesting case.
Fault = Callable[[str, Message], tuple[Exception, Literal["before", "after"]] | None]

_T = TypeVar("_T")


@asynccontextmanager
async def open_embedded(
    path: Path | None, topology: Topology, *, fault: Fault | None = None
) -> AsyncIterator["EmbeddedBroker"]:
    """Open the bus in the file *path*, or in memory.

    Messages that were in hands when the process ended are redelivered, counted.

    Raises:
        BusUnavailableError: The file is open elsewhere, or is no database.
    """
    loop = asyncio.get_running_loop()
    # One thread owns the database, so that every operation is whole and in
    # order, even one whose caller was cancelled.
    with ThreadPoolExecutor(1, thread_name_prefix="embedded-bus") as worker:
        run = partial(loop.run_in_executor, worker)
        try:
            store = await run(Store, path, topology)
        except sqlite3.Error as exc:
            raise BusUnavailableError(f"the file of the bus: {exc}") from exc
        try:
            yield EmbeddedBroker(store, worker, topology, fault)
        finally:
            await run(store.database.close)


class EmbeddedBroker:
    """A broker with everything declared; made by `open_embedded`."""

    def __init__(
        self,
        store: Store,
        worker: ThreadPoolExecutor,
        topology: Topology,
        fault: Fault | None,
    ) -> None:
        self.store = store
        self.topology = topology
        self.consumers = count(1)
        self._worker = worker
        self._fault = fault or (lambda _operation, _message: None)
        self._rights = permissions(topology)
        self._changes: dict[str, asyncio.Event] = {}

    def login(self, user: str) -> "EmbeddedBus":
        """Return the bus as *user* may use it; it needs no closing.

        Raises:
            BusRefusedError: No such login.
        """
        for each in self._rights.users:
            if each.user == user:
                topics = {
                    t.exchange: t.write for t in self._rights.topics if t.user == user
                }
                return EmbeddedBus(self, each, topics)
        raise BusRefusedError("the login is not in the topology")

    def change(self, queue: str) -> asyncio.Event:
        """Return an event that the next change of *queue* sets."""
        return self._changes.setdefault(queue, asyncio.Event())

    async def run(self, operation: Callable[[Store], _T]) -> _T:
        """Return what *operation* returns, once it is committed."""
        loop = asyncio.get_running_loop()

        def work() -> _T:
            with self.store.database:
                result = operation(self.store)
            touched, self.store.touched = self.store.touched, set()
            loop.call_soon_threadsafe(self.wake, touched)
            return result

        try:
            return await loop.run_in_executor(self._worker, work)
        except sqlite3.Error as exc:  # rolled back
            raise BusUnavailableError(f"the file of the bus: {exc}") from exc

    async def act(
        self, name: str, message: Message, operation: Callable[[Store], None]
    ) -> None:
        """Run *operation*, and fail as the test's `fault` demands."""
        error, when = self._fault(name, message) or (None, "")
        if error and when == "before":
            raise error
        await self.run(operation)
        if error:
            raise error

    def wake(self, queues: Iterable[str]) -> None:
        """Let the readers of *queues* look again."""
        for queue in queues:
            if change := self._changes.pop(queue, None):
                change.set()


class EmbeddedBus:
    """`broker.bus.Bus` under one login; made by `EmbeddedBroker.login`."""

    def __init__(
        self, broker: EmbeddedBroker, rights: Permission, topics: Mapping[str, str]
    ) -> None:
        self._broker = broker
        self._rights = rights
        self._topics = topics

    async def publish(
        self, exchange: str, message: Message, *, timeout_s: float = 10
    ) -> None:
        """See `broker.bus.Bus.publish`."""
        check_limits(message)
        self._check_write(exchange, message)
        queues = route(self._broker.topology, exchange, message.routing_key)
        if not queues:
            raise UnroutableError(f"no queue takes it from {exchange}")
        own = {k: v for k, v in message.headers.items() if not k.startswith("x-")}
        sent = msgspec.structs.replace(message, headers=own, user_id=self._rights.user)
        try:
            async with asyncio.timeout(timeout_s):
                await self._broker.act(
                    "publish", message, lambda store: store.add(queues, exchange, sent)
                )
        except TimeoutError as exc:
            raise NotConfirmedError("no confirm in time") from exc

    @asynccontextmanager
    async def consume(
        self, queue: str, *, prefetch: int = 100, most_bytes: int | None = None
    ) -> AsyncIterator[AsyncIterator[Received]]:
        """See `broker.bus.Bus.consume`; bodies are on disk until they are read."""
        del most_bytes
        if not 1 <= prefetch <= 65535:
            raise ValueError("prefetch is not 1 to 65535")
        if not re.search(self._rights.read, queue):
            raise BusRefusedError(f"no permission to read {queue}")
        if all(each.name != queue for each in self._broker.topology.queues):
            raise BusRefusedError(f"no queue {queue}")
        async with _Consumer(self._broker, queue, prefetch) as messages:
            yield messages

    async def ack_through(self, received: Received) -> None:
        """See `broker.bus.Bus.ack_through`."""
        if not isinstance(received, _InHand):
            raise TypeError("not received from the embedded bus")
        await received.ack_through()

    def _check_write(self, exchange: str, message: Message) -> None:
        user = self._rights.user
        if message.user_id not in {"", user}:
            raise BusRefusedError("the user id is not the login")
        if not re.search(self._rights.write, exchange):
            raise BusRefusedError(f"no permission to write to {exchange}")
        if all(each.name != exchange for each in self._broker.topology.exchanges):
            raise BusRefusedError(f"no exchange {exchange}")
        topic = self._topics.get(exchange, "").replace("{username}", user)
        if not re.search(topic, message.routing_key):
            raise BusRefusedError(f"no permission for this key on {exchange}")


class _Consumer:
    """One reader of a queue; `held` are the ids in hands, in order."""

    def __init__(self, broker: EmbeddedBroker, queue: str, prefetch: int) -> None:
        self.broker = broker
        self.held: dict[int, None] = {}
        self.closed = False
        self._queue = queue
        self._prefetch = prefetch
        self._number = next(broker.consumers)
        self._taken: deque[tuple[int, Message, int]] = deque()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closed = True
        give_back = partial(Store.give_back_all, consumer=self._number)
        await self.broker.run(give_back)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> "_InHand":
        while not self.closed:
            if self._taken:
                number, message, returned = self._taken.popleft()
                return _InHand(self, number, message, redelivered=returned > 0)
            change = self.broker.change(self._queue)  # asked for before looking
            if len(self.held) < self._prefetch:
                await self.broker.run(self._take)
            if not self._taken:
                await change.wait()
        raise StopAsyncIteration

    def forget(self, numbers: list[int]) -> None:
        """Make room for others."""
        for number in numbers:
            del self.held[number]
        self.broker.wake([self._queue])

    def _take(self, store: Store) -> None:
        # In the worker's thread: a reader that gave up waiting meanwhile finds
        # what was taken for it the next time.
        room = self._prefetch - len(self.held)
        taken = store.take(consumer=self._number, queue=self._queue, room=room)
        self.held |= dict.fromkeys(number for number, _, _ in taken)
        self._taken += taken


class _InHand:
    """A `Received` of the embedded bus."""

    def __init__(
        self, consumer: _Consumer, number: int, message: Message, *, redelivered: bool
    ) -> None:
        self.message = message
        self.redelivered = redelivered
        self._consumer = consumer
        self._number = number

    async def ack(self) -> None:
        await self._settle("ack", [self._number], Store.drop)

    async def ack_through(self) -> None:
        earlier = [each for each in self._consumer.held if each <= self._number]
        await self._settle("ack", earlier, Store.drop)

    async def reject(self, *, requeue: bool) -> None:
        how = Store.give_back if requeue else Store.bury
        await self._settle("reject", [self._number], how)

    async def _settle(
        self, name: str, numbers: list[int], how: Callable[[Store, list[int]], None]
    ) -> None:
        if self._consumer.closed:
            return  # being redelivered already
        if self._number not in self._consumer.held:
            raise RuntimeError("the message is settled already")
        self._consumer.forget(numbers)
        await self._consumer.broker.act(
            name, self.message, lambda store: how(store, numbers)
        )
