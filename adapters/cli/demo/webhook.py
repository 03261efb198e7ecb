"""A member's own webhook: an HTTP server that trusts nothing it cannot check. Edge.

The signature is checked by hand, as the member's programmers would do it from the
specification (https://www.standardwebhooks.com), not with the code that signs.
"""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

import msgspec
from aiohttp import web

# How the member's system may behave, in words.
MOODS: Final = {
    "well": "answers at once",
    "slow": "takes five seconds for each delivery",
    "busy": "says that it is busy (503)",
    "hanging": "does not answer at all",
}
_SLOW_S: Final = 5.0
_TOLERANCE_S: Final = 300  # as the specification's libraries have it
_MAX_BODY_BYTES: Final = 32 << 20  # a record of 16 MiB in JSON, and its projection


class Post(msgspec.Struct, frozen=True):
    """One request.

    Attributes:
        right: Whether id, time and body are what the hub signed.
        refuses_altered: Whether the same signature fails for an altered body:
            without it `right` would prove nothing.
    """

    delivery_id: str
    body: bytes
    right: bool
    refuses_altered: bool


class Receiver(msgspec.Struct):
    """The running server.

    Attributes:
        url: Where it listens, on the loopback only.
        posts: In the order they came.
        mood: How it behaves, one of `MOODS`.
    """

    url: str
    posts: list[Post]
    mood: str = "well"
    changed: asyncio.Event = msgspec.field(default_factory=asyncio.Event)

    def behave(self, mood: str) -> None:
        """Answer in another way from now on, also whoever waits for an answer."""
        self.mood = mood
        self.changed.set()
        self.changed = asyncio.Event()

    async def dither(self) -> None:
        """Wait as long as it does just now before it answers."""
        limit = {"slow": _SLOW_S, "hanging": None}.get(self.mood, 0)
        with suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self.changed.wait()


@asynccontextmanager
async def open_receiver(
    secret: str, *, clock: Callable[[], float]
) -> AsyncIterator[Receiver]:
    """Listen on a free port of 127.0.0.1 for posts signed with *secret*."""
    receiver = Receiver("", [])
    key = base64.b64decode(secret.removeprefix("whsec_"))

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        await receiver.dither()
        if receiver.mood == "busy":
            return web.Response(status=503)
        headers = {name.lower(): value for name, value in request.headers.items()}
        post = Post(
            headers.get("webhook-id", ""),
            body,
            is_signed(key, headers, body, now=clock()),
            not is_signed(key, headers, body + b" ", now=clock()),
        )
        receiver.posts.append(post)
        return web.Response(status=204 if post.right else 401)

    app = web.Application(client_max_size=_MAX_BODY_BYTES)
    app.router.add_post("/tocsin", take)
    # Who hangs is not waited for at the end.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        receiver.url = f"http://127.0.0.1:{port}/tocsin"
        yield receiver
    finally:
        await runner.cleanup()


def is_signed(key: bytes, headers: dict[str, str], body: bytes, *, now: float) -> bool:
    """Tell whether one entry of webhook-signature is right for *body*, and fresh."""
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not timestamp.isdecimal() or abs(now - int(timestamp)) > _TOLERANCE_S:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    expected = f"v1,{base64.b64encode(digest).decode()}"
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(each, expected) for each in given)
