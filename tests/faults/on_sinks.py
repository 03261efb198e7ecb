"""Members' endpoints that fail, each in its own way, beside one that works."""

import asyncio
import time
from collections.abc import Mapping

from aiohttp import web

from tests.faults.installation import MEMBER
from tests.faults.member import Answer, Post, drop, takes
from tests.faults.striking import Fault, Strike

BAD_S = 8.0  # from the first post
LATER_S = 22.0  # the hub waits for 20


def for_a_while(bad: Answer) -> Answer:
    """Fail for some seconds, then take."""
    begun: list[float] = []

    async def answer(post: Post, request: web.Request) -> web.StreamResponse:
        begun.append(time.monotonic())
        if time.monotonic() - begun[0] < BAD_S:
            return await bad(post, request)
        return await takes(post, request)

    return answer


def once(bad: Answer) -> Answer:
    """Fail at the third post alone."""
    count = iter(range(1, 1 << 60))

    async def answer(post: Post, request: web.Request) -> web.StreamResponse:
        return await (bad if next(count) == 3 else takes)(post, request)

    return answer


async def breaks(_post: Post, _request: web.Request) -> web.StreamResponse:
    return web.Response(status=500)


async def is_busy(_post: Post, _request: web.Request) -> web.StreamResponse:
    return web.Response(status=429, headers={"Retry-After": "5"})


async def redirects(_post: Post, _request: web.Request) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"})


async def resets(_post: Post, request: web.Request) -> web.StreamResponse:
    return drop(request)


async def hangs(_post: Post, _request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(600)
    return web.Response(status=204)


async def is_late(_post: Post, _request: web.Request) -> web.StreamResponse:
    """Take it, and say so after the hub has given up waiting."""
    await asyncio.sleep(LATER_S)
    return web.Response(status=204)


LIARS = "platform-liar"


async def lies(post: Post, _request: web.Request) -> web.StreamResponse:
    """Say that it has it, and throw it away; it will notice by the number."""
    post.is_lie = True
    return web.Response(status=204)


ANSWERS: Mapping[str, Answer] = {
    "platform-500": for_a_while(breaks),
    "platform-429": for_a_while(is_busy),
    "platform-redirect": for_a_while(redirects),
    "platform-reset": for_a_while(resets),
    "platform-hangs": once(hangs),
    "platform-late": once(is_late),
    LIARS: once(lies),
}
ROWS = {
    MEMBER: "an endpoint that works, beside the seven below",
    "platform-500": "an endpoint answers 500 for 8 s",
    "platform-429": "an endpoint answers 429, Retry-After 5 s, for 8 s",
    "platform-redirect": "an endpoint answers 302 for 8 s",
    "platform-reset": "an endpoint resets the connection for 8 s",
    "platform-hangs": "an endpoint hangs once",
    "platform-late": "an endpoint takes one, and answers after 22 s",
    LIARS: "an endpoint answers 204 once, and throws it away",
}


async def watch(at: Strike) -> None:
    await asyncio.sleep(BAD_S)


FAULTS = (
    Fault("eight endpoints", watch, records=90, rate=15, members=ROWS, at_once=True),
)
