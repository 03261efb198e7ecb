"""A member's HTTP endpoint on the loopback address, and sinks that call it."""

import asyncio
import base64
import time
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from adapters.errors import SinkError
from adapters.sinks.webhook import open_webhook
from tests.support.sinks import delivery

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OLD_SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()


class Endpoint:
    """A member's HTTP server; `answer` is called for each request."""

    def __init__(self):
        self.requests = []
        self.connections = 0
        self.answer = lambda _: web.Response(status=204)
        self.url = ""

    async def handle(self, request):
        self.requests.append((dict(request.headers), await request.read()))
        found = self.answer(request)
        return await found if asyncio.iscoroutine(found) else found

    @property
    def ids(self):
        return [headers["webhook-id"] for headers, _ in self.requests]


@asynccontextmanager
async def serving(tls=None):
    endpoint = Endpoint()
    app = web.Application(client_max_size=10**8)
    app.router.add_route("*", "/{path:.*}", endpoint.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = runner.addresses[0][1]
        endpoint.url = f"http{'s' if tls else ''}://127.0.0.1:{port}/in"
        yield endpoint
    finally:
        await runner.cleanup()


def secret_file(folder, text=SECRET, name="webhook.secret", mode=0o600):
    path = folder / name
    path.write_text(text + "\n")
    path.chmod(mode)
    return path


def opening(folder, url, **options):
    """Open a sink on a local server, which the operator has allowed."""
    options = {"clock": time.time, "allow_private": True} | options
    files = options.pop("secrets", [SECRET])
    paths = [secret_file(folder, s, f"{n}.secret") for n, s in enumerate(files)]
    return open_webhook(url, paths, **options)


async def outcome(sink):
    """Send something that must fail, and give the error."""
    with pytest.raises(SinkError) as caught:
        await sink.send(delivery())
    return caught.value
