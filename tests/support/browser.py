"""A real browser for page tests: headless Chromium, driven by its DevTools protocol.

One page per browser; the page comes from a file; no network (`browser_process`).
Commands: Chrome DevTools Protocol, domains Target, Page, Runtime, DOM, Input.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

from tests.support.browser_process import BrowserError, running, trap

ANSWER_S = 30
GONE = "the browser has ended"


class PageError(Exception):
    """The page's script threw."""


class Page:
    """The one page of a browser.

    Attributes:
        asked: First lines of what it asked the network for: `GET http://…`, for
            https `CONNECT host:443`.
        errors: What its scripts threw and did not catch, and what went to
            `console.error`, oldest first.
    """

    def __init__(self, socket: ClientWebSocketResponse, asked: list[str]) -> None:
        self.asked = asked
        self.errors: list[str] = []
        self._socket = socket
        self._session: str | None = None
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._loaded = asyncio.Event()
        self._gone = False

    async def goto(self, file: Path) -> None:
        """Open *file*, an absolute path; return once all that it names is loaded."""
        self._loaded.clear()
        done = await self.command("Page.navigate", url=file.as_uri())
        if "errorText" in done:
            raise BrowserError(done["errorText"])
        async with asyncio.timeout(ANSWER_S):
            await self._loaded.wait()

    async def evaluate(self, script: str) -> Any:
        """Give the value of *script*, a promise awaited, as JSON can carry it.

        Raises:
            PageError: It threw.
        """
        done = await self.command(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in done:
            raise PageError(_thrown(done["exceptionDetails"]))
        return done["result"].get("value")

    async def text(self, selector: str = "body") -> str:
        """Give the text that a reader sees: nothing of what is hidden."""
        return await self.evaluate(f"document.querySelector({selector!r}).innerText")

    async def wait_for(self, script: str) -> None:
        """Return once *script* is true."""
        async with asyncio.timeout(ANSWER_S):
            await self.evaluate(
                "new Promise(done => { const look = () => "
                f"({script}) ? done() : setTimeout(look, 20); look() }})"
            )

    async def upload(self, selector: str, *files: Path) -> None:
        """Choose *files*, absolute paths, in an `<input type=file>`."""
        root = await self.command("DOM.getDocument", depth=0)
        found = await self.command(
            "DOM.querySelector", nodeId=root["root"]["nodeId"], selector=selector
        )
        names = [str(file) for file in files]
        await self.command("DOM.setFileInputFiles", nodeId=found["nodeId"], files=names)

    async def drop(self, selector: str, *files: Path) -> None:
        """Drag *files*, absolute paths, from outside onto the middle of an element, and let go."""
        place = await self._middle(selector)
        names = [str(file) for file in files]
        data = {"items": [], "files": names, "dragOperationsMask": 1}
        for step in ("dragEnter", "dragOver", "drop"):
            await self.command("Input.dispatchDragEvent", type=step, data=data, **place)

    async def click(self, selector: str) -> None:
        """Click on the middle of an element, as a mouse does."""
        place = await self._middle(selector)
        for step in ("mousePressed", "mouseReleased"):
            await self.command(
                "Input.dispatchMouseEvent",
                type=step, button="left", clickCount=1, **place,
            )  # fmt: skip

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Send any command of the protocol.

        Raises:
            BrowserError: It was refused, or the browser has ended.
        """
        if self._gone:
            raise BrowserError(GONE)
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json(message)
        async with asyncio.timeout(ANSWER_S):
            answer = await self._waiting[number]
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    async def attach(self) -> None:
        made = await self.command("Target.createTarget", url="about:blank")
        target = made["targetId"]
        attached = await self.command(
            "Target.attachToTarget", targetId=target, flatten=True
        )
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime"):
            await self.command(f"{domain}.enable")

    async def listen(self) -> None:
        """Hand out answers and events until the browser is gone."""
        async for message in self._socket:
            content = message.json()
            if "id" in content:
                waiting = self._waiting.pop(content["id"])
                if not waiting.done():
                    waiting.set_result(content)
            else:
                self._note(content["method"], content["params"])
        self._gone = True
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(BrowserError(GONE))

    def _note(self, event: str, params: dict[str, Any]) -> None:
        match event:
            case "Page.loadEventFired":
                self._loaded.set()
            case "Runtime.exceptionThrown":
                self.errors.append(_thrown(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] == "error":
                said = (arg.get("value", "") for arg in params["args"])
                self.errors.append(" ".join(map(str, said)))

    async def _middle(self, selector: str) -> dict[str, float]:
        return await self.evaluate(
            f"(e => (e.scrollIntoView(), e = e.getBoundingClientRect(),"
            f" {{x: e.x + e.width / 2, y: e.y + e.height / 2}}))"
            f"(document.querySelector({selector!r}))"
        )


def _thrown(details: dict[str, Any]) -> str:
    exception = details.get("exception", {})
    return exception.get("description") or str(exception.get("value", details["text"]))


@asynccontextmanager
async def open_browser() -> AsyncIterator[Page]:
    """Start a browser of its own, offline, with nothing in its profile.

    Raises:
        BrowserError: There is none, or it does not start.
    """
    async with AsyncExitStack() as stack:
        asked, proxy = await stack.enter_async_context(trap())
        address = await stack.enter_async_context(running(proxy))
        session = await stack.enter_async_context(ClientSession())
        socket = await stack.enter_async_context(
            session.ws_connect(address, max_msg_size=0)
        )
        page = Page(socket, asked)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        listening = tasks.create_task(page.listen(), name="browser")
        stack.callback(listening.cancel)
        await page.attach()
        yield page
