"""The browser of the page tests: real, offline, and read back as a reader sees it."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from tests.support.browser import Page, PageError, open_browser
from tests.support.browser_process import BrowserError
from tests.support.records import CERT, private_key


@pytest.fixture
def write(tmp_path: Path):
    def write(body: str) -> Path:
        page = tmp_path / "a page, with ü.html"
        page.write_text(f"<!doctype html><meta charset=utf-8>{body}", "utf-8")
        return page

    return write


async def test_a_page_of_a_file_is_read_as_a_reader_sees_it(browser: Page, write):
    await browser.goto(write("<h1>Grüße</h1><p hidden>secret</p><p>second</p>"))
    assert (await browser.text()).split() == ["Grüße", "second"]
    assert await browser.text("h1") == "Grüße"
    assert browser.errors == []


VERIFY = """
    const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
    async function check(jwk, signature, signed) {
        const key = await crypto.subtle.importKey("jwk", jwk, "Ed25519", false, ["verify"]);
        return crypto.subtle.verify("Ed25519", key, bytes(signature), bytes(signed));
    }
"""


async def test_its_webcrypto_verifies_our_ed25519_signature_and_no_other(
    browser: Page, write
):
    await browser.goto(write(f"<script>{VERIFY}</script>"))
    signed = b"header.payload"
    signature = private_key("cert-aq").sign(signed)
    bent = bytes([signature[0] ^ 1]) + signature[1:]
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": CERT.jwk.x}
    texts = [base64.b64encode(each).decode() for each in (signature, bent, signed)]
    good, bad, message = texts
    assert await browser.evaluate(f"check({jwk}, {good!r}, {message!r})") is True
    assert await browser.evaluate(f"check({jwk}, {bad!r}, {message!r})") is False


@pytest.fixture
async def server() -> AsyncIterator[tuple[str, list[str]]]:
    """A server on this machine that notes who comes."""
    came: list[str] = []

    async def note(request: web.Request) -> web.Response:
        came.append(request.path)
        return web.Response(headers={"Access-Control-Allow-Origin": "*"})

    app = web.Application()
    app.router.add_get("/{path}", note)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"127.0.0.1:{runner.addresses[0][1]}", came
    await runner.cleanup()


async def test_a_page_reaches_no_server_and_what_it_tried_is_known(
    browser: Page, server: tuple[str, list[str]], write
):
    place, came = server
    async with ClientSession() as session, session.get(f"http://{place}/we") as answer:
        assert answer.status == 200
    await browser.goto(write(f"<img src=http://{place}/picture>"))
    for script in (
        f"fetch('http://{place}/fetched')",
        f"fetch('http://{place}/opaque', {{mode: 'no-cors'}})",
        "fetch('https://somewhere.example/')",
        f"new Promise((_, no) => new WebSocket('ws://{place}/socket').onerror = no)",
    ):
        with pytest.raises(PageError):
            await browser.evaluate(script)
    await browser.evaluate(f"navigator.sendBeacon('http://{place}/beacon', 'x')")
    tried = {
        f"GET http://{place}/picture",
        f"GET http://{place}/fetched",
        f"GET http://{place}/opaque",
        f"POST http://{place}/beacon",
        f"CONNECT {place}",
        "CONNECT somewhere.example:443",
    }
    async with asyncio.timeout(10):
        while not tried <= set(browser.asked):  # noqa: ASYNC110  it is a list
            await asyncio.sleep(0.01)
    assert came == ["/we"]


STUN = """
    const connection = new RTCPeerConnection({iceServers: [{urls: "stun:PLACE"}]});
    connection.createDataChannel("x");
    const done = new Promise(ok => connection.onicegatheringstatechange = () =>
        connection.iceGatheringState === "complete" && ok(true));
    connection.setLocalDescription();
"""


async def test_a_page_sends_no_datagram_either(browser: Page, write):
    with socket.socket(type=socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.setblocking(False)
        place = f"127.0.0.1:{listening.getsockname()[1]}"
        await browser.goto(write(f"<script>{STUN.replace('PLACE', place)}</script>"))
        assert await browser.evaluate("done")
        with pytest.raises(BlockingIOError):
            listening.recv(2048)


async def test_a_page_that_asks_for_nothing_is_seen_to_ask_for_nothing(
    browser: Page, write
):
    await browser.goto(write("<p>quiet"))
    assert browser.asked == []


async def test_a_page_cannot_read_the_files_beside_it(browser: Page, write, tmp_path):
    (tmp_path / "other.txt").write_text("secret")
    await browser.goto(write("<p>here"))
    with pytest.raises(PageError, match="Failed to fetch"):
        await browser.evaluate("fetch('other.txt')")


FILES = """
    <input type=file multiple><div id=place style="height:5em">drop here</div><p></p>
    <script>
        const say = async files => document.querySelector("p").innerText =
            (await Promise.all([...files].map(f => f.text()))).join(" and ");
        document.querySelector("input").onchange = e => say(e.target.files);
        document.ondragover = e => e.preventDefault();
        document.querySelector("#place").ondrop = e => {
            e.preventDefault(); say(e.dataTransfer.files) };
    </script>
"""


@pytest.mark.parametrize(("how", "where"), [("upload", "input"), ("drop", "#place")])
async def test_files_are_given_to_a_page(browser: Page, write, tmp_path, how, where):
    files = [tmp_path / "one.txt", tmp_path / "two.txt"]
    for file in files:
        file.write_text(f"text of {file.stem}")
    await browser.goto(write(FILES))
    await getattr(browser, how)(where, *files)
    await browser.wait_for("document.querySelector('p').innerText")
    assert await browser.text("p") == "text of one and text of two"


async def test_a_button_is_clicked_and_an_error_of_a_script_is_known(
    browser: Page, write
):
    await browser.goto(write("<button onclick='nothing()'>press</button>"))
    await browser.click("button")
    await browser.wait_for("true")  # its answer comes after what happened before
    (error,) = browser.errors
    assert "nothing is not defined" in error


async def test_each_browser_starts_with_nothing_of_the_one_before(browser: Page, write):
    page = write("<p>x")
    await browser.goto(page)
    await browser.evaluate("localStorage.setItem('kept', 'yes')")
    async with open_browser() as other:
        await other.goto(page)
        assert await other.evaluate("localStorage.getItem('kept')") is None


async def test_a_browser_that_ends_fails_its_test_at_once(browser: Page):
    with pytest.raises(BrowserError):
        await asyncio.gather(
            browser.command("Browser.close"), browser.evaluate("new Promise(() => 0)")
        )
