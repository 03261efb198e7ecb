"""A TAXII server on the loopback address that misbehaves on demand."""

import asyncio
import gzip
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

from tests.support.taxii_model import Server

MEDIA_TYPE = "application/taxii+json;version=2.1"
PATH = "/api/collections/91a7b528-80eb-42ed-a74d-c6fbd5a26116/"


class TaxiiServer:
    """Serves a `Server` of the model.

    Attributes:
        model: What it serves.
        url: Of the collection.
        requests: (path, headers, parameters) of each request.
        before: Called with each request; what it returns is the answer, if not None.
        change: Called with each good answer; returns the one to send.
    """

    def __init__(self):
        self.model = Server()
        self.url = ""
        self.requests = []
        self.before = lambda _request: None
        self.change = lambda response: response

    async def handle(self, request):
        params = dict(request.query)
        self.requests.append((request.path, dict(request.headers), params))
        early = self.before(request)
        if asyncio.iscoroutine(early):
            early = await early
        if early is not None:
            return early
        if request.path != f"{PATH}objects/":
            return web.Response(status=404)
        answer = self.model.answer(params)
        if answer.page is None:
            return web.Response(status=answer.status)
        headers = {
            f"X-TAXII-Date-Added-{name}": value
            for name, value in (("First", answer.first), ("Last", answer.last))
            if value
        }
        envelope = {"more": answer.page.more, "next": answer.page.next}
        envelope = {name: value for name, value in envelope.items() if value}
        objects = [msgspec.Raw(each.body) for each in answer.page.arrivals]
        body = msgspec.json.encode(envelope | ({"objects": objects} if objects else {}))
        headers["Content-Type"] = MEDIA_TYPE
        return self.change(web.Response(body=body, headers=headers))


@asynccontextmanager
async def serving(tls=None):
    server = TaxiiServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = runner.addresses[0][1]
        server.url = f"http{'s' if tls else ''}://127.0.0.1:{port}{PATH}"
        yield server
    finally:
        await runner.cleanup()


def packed(response, body=None):
    """Give the response as gzip."""
    headers = dict(response.headers) | {"Content-Encoding": "gzip"}
    headers.pop("Content-Length", None)
    body = gzip.compress(response.body) if body is None else body
    return web.Response(body=body, headers=headers)
