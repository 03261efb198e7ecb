"""A member's system under test: it writes down each delivery, and answers as told."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web


class Post(msgspec.Struct):
    """One request that came in whole.

    Attributes:
        at: By the monotonic clock.
        key: The idempotency key, `webhook-id`.
        nth: How often this key has come, from 1.
        status: What was answered; 0 while nothing is, or if nobody listened any more.
        answered_at: When.
        is_lie: Whether it was thrown away, whatever was answered.
    """

    at: float
    key: str
    nth: int
    number: int
    token: str
    sub: str
    ver: str
    status: int = 0
    answered_at: float = 0.0
    is_lie: bool = False

    @property
    def is_taken(self) -> bool:
        return 200 <= self.status < 300


Answer = Callable[[Post, web.Request], Awaitable[web.StreamResponse]]


async def takes(_post: Post, _request: web.Request) -> web.StreamResponse:
    return web.Response(status=204)


class Member:
    """The endpoint.

    Attributes:
        answer: Asked at each post.
        posts: In the order in which they came.
    """

    def __init__(self, answer: Answer = takes) -> None:
        self.answer = answer
        self.posts: list[Post] = []
        self.url = ""
        self.port = 0
        self._times: dict[str, int] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        told = msgspec.json.decode(await request.read())["data"]
        key = request.headers["webhook-id"]
        self._times[key] = nth = self._times.get(key, 0) + 1
        names = ("number", "sub", "ver")
        post = Post(
            time.monotonic(),
            key,
            nth,
            token=told["token_id"],
            **{name: told[name] for name in names},
        )
        self.posts.append(post)
        response = await self.answer(post, request)
        transport = request.transport
        if transport is not None and not transport.is_closing():
            post.answered_at, post.status = time.monotonic(), response.status
        return response


@asynccontextmanager
async def open_member(answer: Answer = takes) -> AsyncIterator[Member]:
    member = Member(answer)
    app = web.Application(client_max_size=10**8)
    app.router.add_post("/tocsin", member.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        member.port = runner.addresses[0][1]
        member.url = f"http://127.0.0.1:{member.port}/tocsin"
        yield member
    finally:
        await runner.cleanup()


def drop(request: web.Request) -> web.StreamResponse:
    """Reset the connection: nothing is answered."""
    assert request.transport is not None
    request.transport.abort()
    raise asyncio.CancelledError
