"""`tocsin demo`: the whole service in one process, for whoever wants to see it work."""

import asyncio
import logging
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import structlog
from rich.console import Console
from rich.status import Status

from adapters.cli import show
from adapters.cli.demo.hub import Login, lend_embedded, lend_rabbitmq
from adapters.cli.demo.played import Played
from adapters.cli.demo.run import play
from adapters.cli.demo.serve import Backstage, serving
from adapters.cli.demo.show import show as show_story
from adapters.cli.demo.story import Story, document, tell
from adapters.cli.demo.world import World, set_stage
from adapters.cli.stopping import stop_signal
from adapters.metrics import EventCounts
from broker.errors import ConfigError

GoOn = Callable[[Story, Backstage], Awaitable[None]]


def demo(
    *,
    amqp: str | None = None,
    management: str | None = None,
    json: bool = False,
    keep: Path | None = None,
    serve: bool = False,
) -> int:
    """Watch three issuers warn five members, and two attacks fail.

    Everything is real and in one process: keys, signatures, bus, gate, adapter,
    webhook. It ends with 1 if anything is not as it should be.

    Args:
        amqp: A RabbitMQ to use, with an administrator's login:
            amqp://USER:PASSWORD@HOST:5672/. All that the demo makes is removed again.
        management: Its management API, if not on port 15672 of the same host.
        json: Print the facts as JSON.
        keep: Keep all that was made in this new or empty folder.
        serve: Go on until Ctrl-C, to be tried by hand: says where it listens (on this
            machine alone), how to publish one more record, and how to let a member's
            system be slow.
    """
    if management is not None and amqp is None:
        raise ConfigError("--management goes with --amqp")
    counts = EventCounts() if serve else None

    def tell(story: Story, folder: Path) -> None:
        if json:
            show.json_line(document(story))
        else:
            show_story(story, Console(highlight=False), keep and folder)

    with quiet(counts), _folder(keep) as folder, _progress() as note:

        async def go_on(story: Story, backstage: Backstage) -> None:
            note.end()
            tell(story, folder)
            assert counts is not None  # noqa: S101  as `serve` says
            async with serving(backstage, counts) as served, stop_signal() as stop:
                if json:
                    show.json_line({"serving": msgspec.structs.asdict(served)})
                else:
                    for line in served.lines:
                        show.line(line)
                await stop.wait()

        try:
            story = asyncio.run(
                perform(folder, amqp, management, note, go_on if serve else None)
            )
        except asyncio.CancelledError:  # SIGTERM, after everything is cleaned up
            raise KeyboardInterrupt from None
    if not serve:
        tell(story, folder)
    return 0 if story.ok else 1


async def perform(
    folder: Path,
    amqp: str | None = None,
    management: str | None = None,
    note: Callable[[str], None] = lambda _text: None,
    go_on: GoOn | None = None,
) -> Story:
    """Set the stage in the empty *folder*, play, and look at what happened.

    Args:
        go_on: Gets the story while everything still runs, and ends that by returning.

    Raises:
        ConfigError: The folder or an address is unusable.
        BusError: The RabbitMQ is.
    """
    started = time.monotonic()
    note("making keys and a directory")
    world = set_stage(folder, now=time.time())

    def told(played: Played) -> Story:
        note("checking what everybody received")
        return tell(
            world,
            played,
            bus="embedded" if amqp is None else _place(amqp),
            seconds=time.monotonic() - started,
            now=time.time(),
        )

    served: list[Story] = []

    async def after(played: Played, backstage: Backstage) -> None:
        assert go_on is not None  # noqa: S101  see below
        served.append(await asyncio.to_thread(told, played))
        await go_on(served[0], backstage)

    with _ended_gently():
        async with _bus(world, amqp, management) as login:
            played = await play(
                world, login, tell=note, after=None if go_on is None else after
            )
    return served[0] if served else told(played)


def _bus(
    world: World, amqp: str | None, management: str | None
) -> AbstractAsyncContextManager[Login]:
    if amqp is None:
        return lend_embedded(world.place)
    return lend_rabbitmq(amqp, management, world.place)


def _place(amqp: str) -> str:
    """Give host and port alone."""
    return urlsplit(amqp).netloc.rpartition("@")[2]


@contextmanager
def _ended_gently() -> Iterator[None]:
    """Clean up on SIGTERM too, as after a Ctrl-C."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is None:  # pragma: no cover  asyncio.run always makes one
        raise RuntimeError("not in a task")
    with suppress(NotImplementedError, RuntimeError):  # Windows; not the main thread
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        with suppress(NotImplementedError, RuntimeError):
            loop.remove_signal_handler(signal.SIGTERM)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Lend a private folder: a temporary one, or *keep*.

    Raises:
        ConfigError: *keep* is not empty, or cannot be made.
    """
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="tocsin-demo-") as name:
            yield Path(name)
        return
    try:
        keep.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise ConfigError(f"{keep} is not empty; name a new folder")
        keep.chmod(0o700)
    except OSError as error:
        raise ConfigError(f"cannot use {keep}: {error.strerror}") from None
    yield keep


class _Note:
    """Says on standard error what is going on, if somebody is watching."""

    def __init__(self, status: Status | None) -> None:
        self._status = status

    def __call__(self, text: str) -> None:
        if self._status is not None:
            self._status.update(text)

    def end(self) -> None:
        """Say nothing more."""
        if self._status is not None:
            self._status.stop()


@contextmanager
def _progress() -> Iterator[_Note]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Note(None)
        return
    with console.status("starting") as status:
        yield _Note(status)


@contextmanager
def quiet(counts: EventCounts | None = None) -> Iterator[None]:
    """Let nothing but errors into the terminal: refusals are part of the play.

    Args:
        counts: Counts the rest all the same.
    """
    before = structlog.get_config()
    if counts is not None:
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                counts,
                _errors_alone,
                *before["processors"],
            ]
        )
    least = logging.ERROR if counts is None else logging.INFO
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # What they log, they raise too.
    loggers = [logging.getLogger(name) for name in ("aio_pika", "aiormq")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        structlog.configure(**before)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _errors_alone(
    _logger: Any, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    if event.get("level") not in ("error", "critical"):
        raise structlog.DropEvent
    return event
