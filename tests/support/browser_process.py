"""Starts Chromium for one test, and lets nothing out.

Offline by construction: the browser's proxy for everything is a trap of ours, which
answers nothing and notes what it was asked, so that a test can also say that a page
asked for nothing. A start costs a third of a second.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.support.fetch_chromium import PROGRAM, TREE, environment, is_complete

START_S = 60  # a busy machine
FLAGS = (
    # Root, as in most containers, cannot have the sandbox; only our pages are opened.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # 64 MB in a container: too little
    "--disable-background-networking",
    "--remote-debugging-port=0",
    # Whatever goes out goes to the trap: to loopback too, nothing by name or by UDP.
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
)


class BrowserError(Exception):
    """The browser does not start, or says no to a command."""


@asynccontextmanager
async def trap() -> AsyncIterator[tuple[list[str], str]]:
    """Run a proxy that gives nothing; the list grows by the first lines it reads."""
    asked: list[str] = []

    async def refuse(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        line = (await reader.readline()).decode("latin-1")
        asked.append(line.rstrip().removesuffix(" HTTP/1.1"))
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1") as server:
        host, port = server.sockets[0].getsockname()
        yield asked, f"http://{host}:{port}"


@asynccontextmanager
async def running(proxy: str) -> AsyncIterator[str]:
    """Give the address of the protocol's socket; stop the browser at the end.

    Raises:
        BrowserError: There is none, or it does not start.
    """
    with tempfile.TemporaryDirectory(
        prefix="tocsin-", ignore_cleanup_errors=True
    ) as folder:
        process = await _start(Path(folder), proxy)
        try:
            async with asyncio.timeout(START_S):
                address = await _address(Path(folder), process)
            yield address
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            async with asyncio.timeout(60):
                await process.wait()


async def _start(folder: Path, proxy: str) -> asyncio.subprocess.Process:
    yours = os.environ.get("TOCSIN_TEST_CHROMIUM")
    if not yours and not is_complete(TREE):
        raise BrowserError("no Chromium in .tools; type: make chromium")
    # A log in a file: a pipe that nobody reads would hold the browser up.
    with (folder / "log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *((yours, "--headless") if yours else (PROGRAM,)),
            *FLAGS,
            f"--user-data-dir={folder}",
            f"--proxy-server={proxy}",
            "about:blank",
            env=None if yours else environment(TREE, os.environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


async def _address(folder: Path, process: asyncio.subprocess.Process) -> str:
    said = folder / "DevToolsActivePort"
    while process.returncode is None:
        if said.exists() and len(lines := said.read_text().split()) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        await asyncio.sleep(0.01)
    log = (folder / "log").read_text(errors="replace").strip()
    raise BrowserError(f"Chromium ended before it began: {log[-500:]}")
