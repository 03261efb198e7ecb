"""One RabbitMQ connection, and what its ways of failing mean to us.

Plain connections and channels of aio-pika, none of its robust ones: those
re-open channels under their users, lose consumers after a reconnect, are only
weakly referenced, and let a publish hang on a closed connection (aio-pika
issues 231, 449, 536, 556, 563, 570, 588). What is lost, its user opens anew.
"""

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Self, cast

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import (
    CONNECTION_EXCEPTIONS,
    AuthenticationError,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    InvalidFrameError,
    ProbableAuthenticationError,
)
from aiormq.channel import Channel as LowChannel
from aiormq.exceptions import ChannelAccessRefused, ChannelLockedResource
from yarl import URL

from broker.errors import BusError, BusRefusedError, BusUnavailableError, ConfigError
from broker.rabbitmq_alarm import blocked, is_blocked

log = structlog.get_logger()

# A dead peer is noticed after three missed heartbeats: 33 s, not the 183 s of
# aio-pika's default of 60.
HEARTBEAT_S = 10

REFUSALS = (
    ChannelAccessRefused,  # 403: no permission on exchange, queue or topic
    ChannelNotFoundEntity,  # 404: no such exchange or queue
    ChannelLockedResource,  # 405: another consumer holds the queue
    ChannelPreconditionFailed,  # 406: forged user id, too large, other arguments
)


class Link:
    """A connection, opened when it is needed and again when it was lost.

    Args:
        url: Where to connect first.
        others: More nodes of the same cluster: the next one, in a round, when one
            does not answer, refuses, or is lost.
        name: What the operator sees in RabbitMQ's list of connections.
        timeout_s: For connecting, divided by the number of addresses, and for
            opening a channel.
        tls: Whom to trust, and what to show; the system's authorities, and nothing,
            if not given. What *url* says of certificates does not count.

    Raises:
        ConfigError: An address is none of AMQP.
    """

    def __init__(
        self,
        url: str,
        *others: str,
        name: str,
        timeout_s: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._urls = [_address(each, name) for each in (url, *others)]
        self._at = 0
        self._tls = tls
        self._timeout_s = timeout_s
        self._connection: AbstractConnection | None = None
        self._connecting = asyncio.Lock()

    @property
    def place(self) -> str:
        """Where it is connected, or tries next: host and port."""
        url = self._urls[self._at]  # never the URL, for its password
        return f"{url.host}:{url.port or (5671 if url.scheme == 'amqps' else 5672)}"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def connection(self) -> AbstractConnection:
        """Return the open connection; connect first if there is none.

        Raises:
            BusUnavailableError: No broker answers in time; of several, none takes us.
            BusRefusedError: Wrong login, or no right to the virtual host; of several,
                all say so.
        """
        async with self._connecting:
            if self._connection is not None and _is_dead(self._connection):
                await self._connection.close()
                self._connection = None
                self._next()
            if self._connection is None:
                self._connection = await self._connect()
            return self._connection

    async def channel(self, *, confirms: bool) -> tuple[AbstractChannel, LowChannel]:
        """Open a channel; return it, and the one below it for the hot calls.

        Its owner keeps both. Without `on_return_raises` a message that nobody
        takes would look as if it had been confirmed.

        Raises:
            BusUnavailableError: As `connection`, or the channel does not open;
                BlockedError: since the broker has an alarm.
            BusRefusedError: As `connection`.
        """
        connection = await self.connection()
        lost = BusUnavailableError(f"lost {self.place}")
        try:
            async with asyncio.timeout(self._timeout_s):
                with translated(lambda: _is_dead(connection), lost):
                    channel = connection.channel(
                        publisher_confirms=confirms, on_return_raises=confirms
                    )
                    await channel.initialize()
                    return channel, cast(
                        LowChannel, await channel.get_underlay_channel()
                    )
        except TimeoutError as exc:
            transport = connection.transport
            if transport is not None and is_blocked(transport.connection):
                raise blocked(self.place) from exc
            raise BusUnavailableError(f"no channel from {self.place}") from exc

    def _next(self) -> None:
        self._at = (self._at + 1) % len(self._urls)

    async def _connect(self) -> AbstractConnection:
        """Go round the addresses, once; whoever wants more has a backoff."""
        failures: list[BusError] = []
        for _ in self._urls:
            try:
                connection = await self._connect_here()
            except (BusRefusedError, BusUnavailableError) as error:
                failures.append(error)
                self._next()
            else:
                for each in failures:  # where none will do, all of it is raised
                    log.warning("bus.address_failed", reason=str(each))
                return connection
        raise _together(failures)

    async def _connect_here(self) -> AbstractConnection:
        url = self._urls[self._at]
        connection = aio_pika.Connection(url, ssl_context=self._context())
        try:
            await self._open(connection)
        except BaseException as exc:
            # `aio_pika.connect` would leave it to the collector, whose `close` runs
            # in no loop and is never awaited.
            await connection.close()
            if _is_cancelled() and not isinstance(exc, asyncio.CancelledError):
                # aiormq turns it into an error of its own: who only logs that would
                # never end.
                raise asyncio.CancelledError from exc
            raise
        return connection

    async def _open(self, connection: AbstractConnection) -> None:
        try:
            await connection.connect(timeout=self._timeout_s / len(self._urls))
        except (AuthenticationError, ProbableAuthenticationError) as exc:
            raise BusRefusedError(f"{self.place} refuses the login") from exc
        except InvalidFrameError as exc:
            # All that aiormq says when Connection.Open is refused.
            raise BusRefusedError(f"{self.place} refuses the virtual host") from exc
        except TimeoutError as exc:
            raise BusUnavailableError(f"no answer from {self.place}") from exc
        except CONNECTION_EXCEPTIONS as exc:
            if distrust := _distrust(exc):
                raise BusRefusedError(f"{self.place}: {distrust}") from exc
            reason = type(exc).__name__
            if self._urls[self._at].scheme == "amqps" and isinstance(
                exc, ConnectionError
            ):
                # The alert that says so is lost in the reset (measured).
                reason += "; perhaps it does not take this certificate, see its log"
            raise BusUnavailableError(f"no broker at {self.place}: {reason}") from exc

    def _context(self) -> ssl.SSLContext | None:
        if self._urls[self._at].scheme == "amqp":
            return None
        return self._tls or ssl.create_default_context()


class Shared:
    """One run of *operation* at a time, for all who want its effect.

    Who gives up waiting does not end it: a half-opened channel makes trouble on
    its whole connection, and a reader that looks in every 50 ms would never
    get one. Not in a TaskGroup, since a failure belongs to those who wait;
    whoever owns it cancels it on leaving.
    """

    def __init__(
        self, operation: Callable[[], Coroutine[Any, Any, None]], *, name: str
    ) -> None:
        self._operation = operation
        self._name = name
        self._task: asyncio.Task[None] | None = None

    def start(self) -> "asyncio.Task[None]":
        """Start a run, or join the one that is under way."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._operation(), name=self._name)
            self._task.add_done_callback(_look_at)
        return self._task

    async def run(self) -> None:
        """Return or raise as the run does."""
        await asyncio.shield(self.start())

    async def cancel(self, *, after_s: float = 0.0) -> None:
        """End the run, if there is one; it may end by itself within *after_s*."""
        if self._task is not None:
            if after_s:
                await asyncio.wait([self._task], timeout=after_s)
            self._task.cancel()
            await asyncio.wait([self._task])


def _look_at(task: "asyncio.Task[None]") -> None:
    if not task.cancelled():
        task.exception()  # perhaps nobody waits any more


@contextmanager
def translated(is_dead: Callable[[], bool], lost: BusError) -> Iterator[None]:
    """Turn refusals into BusRefusedError, and any end of the connection into *lost*.

    When a connection ends aiormq raises, besides exceptions of its own, a bare
    Exception (the peer closed between two frames) and a CancelledError that
    nobody asked for (the heartbeat stopped): only the state tells them from
    other faults.
    """
    try:
        yield
    except REFUSALS as exc:
        raise BusRefusedError(str(exc)) from exc
    except BaseException as exc:
        if isinstance(exc, BusError | TimeoutError) or _is_cancelled() or not is_dead():
            raise
        raise lost from exc


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _is_dead(connection: AbstractConnection) -> bool:
    # A plain Connection does not say so itself: its is_closed stays False.
    return connection.transport is None or connection.transport.connection.is_closed


def _distrust(error: BaseException | None) -> str:
    """Say what we have against the peer's certificate, "" if it is not that."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({error.verify_message})"
        error = error.__cause__
    return ""


def _together(failures: list[BusError]) -> BusError:
    if len(failures) == 1:
        return failures[0]
    said = "; ".join(str(each) for each in failures)
    if all(isinstance(each, BusRefusedError) for each in failures):
        return BusRefusedError(said)
    # One that starts or stops may refuse whom it takes a moment later.
    return BusUnavailableError(said)


def _address(url: str, name: str) -> URL:
    try:
        parsed = URL(url)
    except ValueError:
        # The text would quote the address, and the password in it.
        raise ConfigError("the AMQP address cannot be read") from None
    if parsed.scheme not in {"amqp", "amqps"} or not parsed.host:
        raise ConfigError("the AMQP address is not amqp://host or amqps://host")
    # aiormq takes both from the query only.
    return parsed.with_query(
        {"heartbeat": str(HEARTBEAT_S), **parsed.query, "name": name}
    )
