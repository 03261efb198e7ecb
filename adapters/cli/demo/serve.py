"""`tocsin demo --serve`: the demo goes on, to be tried by hand. Edge.

Everything listens on the loopback only. What changes something stands under a random
path, so that no page in a browser on this machine can ask for it unseen.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web

from adapters.cli.demo.webhook import MOODS, Receiver
from adapters.metrics import EventCounts
from adapters.outbox import Outbox
from adapters.status import NO_CACHE, listening, open_status
from broker.errors import BusError

_LOOPBACK: Final = "127.0.0.1:0"
_KEY_BYTES: Final = 9


class Backstage(msgspec.Struct, frozen=True):
    """What of the running demo can be reached.

    Attributes:
        publish: Publishes one more record; gives its issuer and its token id.
        received: Folder of each member's folder.
    """

    receiver: Receiver
    outbox: Outbox
    publish: Callable[[], Awaitable[tuple[str, str]]]
    received: Path


class Served(msgspec.Struct, frozen=True):
    """Where the demo can be reached, and what to type."""

    folders: str
    webhook: str
    status: str
    control: str

    @property
    def lines(self) -> tuple[str, ...]:
        """Say it for people."""
        post = f"curl -X POST {self.control}"
        moods = ", ".join(mood for mood in MOODS if mood != "slow")
        return (
            "",
            "The demo goes on, on this machine alone, until Ctrl-C.",
            "",
            f"  what members have     {self.folders}/",
            f"  Orbit's own system    {self.webhook}",
            f"  is all well           {self.status}/readyz",
            f"  numbers               {self.status}/metrics",
            "",
            f"  one more record       {post}publish",
            f"  slow down Orbit       {post}slow    (or: {moods})",
            f"  what waits            curl {self.control}",
        )


@asynccontextmanager
async def serving(backstage: Backstage, counts: EventCounts) -> AsyncIterator[Served]:
    """Let the demo be tried; give the addresses.

    Raises:
        ConfigError: Nothing can listen on the loopback.
    """
    key = secrets.token_urlsafe(_KEY_BYTES)
    desk = _Desk(backstage)
    routes = (
        web.get(f"/{key}/", desk.show),
        web.post(f"/{key}/publish", desk.publish),
        web.post(f"/{key}/{{mood}}", desk.change),
    )
    async with AsyncExitStack() as stack:
        opened = open_status(_LOOPBACK, counts, outbox=backstage.outbox)
        status = await stack.enter_async_context(opened)
        control = await stack.enter_async_context(listening(_LOOPBACK, routes))
        yield Served(
            str(backstage.received),
            backstage.receiver.url,
            status,
            f"{control}/{key}/",
        )


class _Desk:
    """Answers what is typed."""

    def __init__(self, backstage: Backstage) -> None:
        self._backstage = backstage
        self._turn = asyncio.Lock()  # an issuer's state is of one publisher at a time

    async def show(self, _request: web.Request) -> web.Response:
        """Say what everybody has, and what waits."""
        folders = sorted(self._backstage.received.iterdir())
        lines = [
            f"{each.name:<18} has {sum(1 for _ in each.iterdir())}" for each in folders
        ]
        lines += [
            f"{each.member:<18} {each.sink}: {each.pending} wait, {each.failed} failed"
            for each in await self._backstage.outbox.backlog()
        ]
        receiver = self._backstage.receiver
        lines.append(f"{'Orbit':<18} is {receiver.mood}, {len(receiver.posts)} posts")
        return _said(*lines)

    async def publish(self, _request: web.Request) -> web.Response:
        """Publish one more record."""
        try:
            async with self._turn:
                issuer, token_id = await self._backstage.publish()
        except BusError as error:
            return _said(f"not published: {error}", status=503)
        return _said(f"{issuer} has published {token_id[:12]}")

    async def change(self, request: web.Request) -> web.Response:
        """Let the member's system behave in another way."""
        mood: Any = request.match_info["mood"]
        if mood not in MOODS:
            return _said(f"say one of: publish, {', '.join(MOODS)}", status=404)
        self._backstage.receiver.behave(mood)
        return _said(f"Orbit's system {MOODS[mood]} from now on")


def _said(*lines: str, status: int = 200) -> web.Response:
    text = "".join(f"{each}\n" for each in lines)
    return web.Response(text=text, status=status, headers=NO_CACHE)
