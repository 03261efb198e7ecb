"""TAXII over HTTP: guarded, bounded, and nothing lost when it is killed."""

import asyncio
import base64
import gzip
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import zlib

import pytest
from aiohttp import web

from adapters.config import PollConfig
from adapters.sinks.guarded_http import system_lookup
from adapters.taxii import polling
from adapters.taxii.client import objects_url, open_collection
from adapters.taxii.cursor import ACCEPTS, Request
from adapters.taxii.envelope import MAX_PAGE_BYTES
from adapters.taxii.paging import Answer, Stopped
from adapters.taxii.store import open_store
from broker.errors import ConfigError
from tests.support.certificates import certificate
from tests.support.taxii_model import START, thing
from tests.support.taxii_server import PATH, packed, serving

ASK = Request({"limit": "10"}, ACCEPTS[0])


@pytest.fixture
async def server():
    async with serving() as found:
        yield found


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_text("Grüße\n")
    path.chmod(0o600)
    return path


def config(server, folder, **changes):
    url = server if isinstance(server, str) else server.url
    paths = {"state": folder / "poll.sqlite", "out": folder / "out"}
    return PollConfig(**{"url": url, "allow_private": True} | paths | changes)


async def ask(
    server, folder, request=ASK, *, timeout_s=10, lookup=system_lookup, **changes
):
    settings = config(server, folder, **changes)
    async with open_collection(
        settings, timeout_s=timeout_s, lookup=lookup
    ) as collection:
        return await collection.get(request)


def ids(server):
    return {item["id"] for _, item in server.model.shelf}


async def poll(server, folder, **changes):
    settings = config(server, folder, **changes)
    with open_store(settings.state, settings.url) as store:
        async with open_collection(settings) as collection:
            return await polling.poll(
                collection, store, limit=10, clock=lambda: 1.8e9, random=lambda: 0.5
            )


# what is asked


async def test_the_request_is_what_taxii_says(server, tmp_path):
    server.model.add(thing(1))
    asked = Request({"limit": "5", "added_after": "2026-01-01T00:00:00+07:00"}, "a/b")
    answer = await ask(server, tmp_path, asked)
    [(path, headers, params)] = server.requests
    assert path == f"{PATH}objects/"
    assert params == asked.params
    assert headers["Accept"] == "a/b"
    assert "Authorization" not in headers
    assert answer.status == 200
    assert answer.page.size == 1
    assert answer.last == "2026-03-01T08:00:01.500000Z"


@pytest.mark.parametrize("tail", ["", "/", "/objects", "/objects/"])
def test_the_url_may_be_that_of_the_collection_or_of_its_objects(tmp_path, tail):
    settings = config(f"https://taxii.example/api/collections/1{tail}", tmp_path)
    assert str(objects_url(settings)) == (
        "https://taxii.example/api/collections/1/objects/"
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://taxii.example/collections/1/",
        "https://me:secret@taxii.example/collections/1/",
        "https://10.0.0.1/collections/1/",
        "https://taxii.example/collections/1/?limit=1",
        "https://taxii.example/collections/1/#a",
        "taxii.example",
    ],
)
def test_a_url_that_is_not_allowed_is_refused(tmp_path, url):
    with pytest.raises(ConfigError, match="collection"):
        objects_url(config(url, tmp_path, allow_private=False))


async def test_basic_and_bearer_come_from_files_and_show_nowhere(
    server, tmp_path, secret
):
    basic = {"user": "cert", "password_file": secret}
    await ask(server, tmp_path, **basic)
    await ask(server, tmp_path, token_file=secret)
    first, second = [headers["Authorization"] for _, headers, _ in server.requests]
    assert base64.b64decode(first.removeprefix("Basic ")).decode() == "cert:Grüße"
    assert second.startswith("Bearer Gr")
    settings = config(server, tmp_path, **basic)
    async with open_collection(settings) as collection:
        assert "Gr" not in repr(settings) + repr(collection)


@pytest.mark.parametrize(
    "login",
    [
        {"user": "cert"},
        {"password_file": "secret"},
        {"user": "cert", "password_file": "secret", "token_file": "secret"},
        {"user": "a:b", "password_file": "secret"},
        {"token_file": "missing"},
        {"token_file": "open"},
        {"token_file": "empty"},
        {"token_file": "lines"},
        {"token_file": "binary"},
        {"ca": "secret"},
        {"ca": "missing"},
    ],
    ids=str,
)
async def test_a_login_that_cannot_be_used_is_refused(tmp_path, secret, login):
    for name, content in {"empty": b"\n", "lines": b"a\nb", "binary": b"\xff"}.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
    (tmp_path / "open").write_text("a")
    (tmp_path / "open").chmod(0o644)
    login = {
        name: value if name == "user" else tmp_path / value
        for name, value in login.items()
    }
    with pytest.raises(ConfigError) as caught:
        await ask("https://taxii.example/c/1/", tmp_path, **login)
    assert "Gr" not in str(caught.value)


# where it may go


async def test_a_private_address_needs_the_operators_word(server, tmp_path):
    url = server.url.replace("http://127.0.0.1", "https://localhost")
    answer = await ask(url, tmp_path, allow_private=False)
    assert answer == Answer(status=200, fault=("taxii-address", ""))
    assert server.requests == []


async def test_a_redirect_on_the_same_host_keeps_login_and_parameters(
    server, tmp_path, secret
):
    def moved(request):
        if request.path.startswith("/old"):
            place = request.path.removeprefix("/old").rstrip("/") + "/"
            return web.Response(status=308, headers={"Location": place})
        return None

    server.before = moved
    server.model.add(thing(1))
    url = server.url.replace("/api", "/old/api")
    answer = await ask(url, tmp_path, token_file=secret)
    assert answer.page.size == 1
    _, headers, params = server.requests[-1]
    assert params == ASK.params
    assert "Authorization" in headers


@pytest.mark.parametrize(
    "location",
    ["http://other.example/", "//other.example/", "", "http://[", "/again/"],
)
async def test_other_redirects_are_refused(server, tmp_path, location):
    found = web.Response
    server.before = lambda _: found(status=302, headers={"Location": location})
    answer = await ask(server, tmp_path)
    assert answer.fault == ("taxii-redirect", "")
    assert len(server.requests) == (4 if location == "/again/" else 1)


# what comes back


@pytest.mark.parametrize("status", [204, 206, 400, 401, 404, 406, 500, 503])
async def test_a_status_is_given_as_it_is(server, tmp_path, status):
    server.before = lambda _: web.Response(status=status, headers={"Retry-After": "7"})
    assert await ask(server, tmp_path) == Answer(status=status, retry_after_s=7.0)


async def test_gzip_is_unpacked(server, tmp_path):
    server.model.add(thing(1))
    server.change = packed
    assert (await ask(server, tmp_path)).page.size == 1


async def test_a_gzip_bomb_is_refused_before_it_is_large(server, tmp_path):
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(300))
    bomb += packer.flush()
    assert len(bomb) < MAX_PAGE_BYTES / 40
    server.change = lambda response: packed(response, bomb)
    assert (await ask(server, tmp_path)).fault == ("too-large", "")


async def test_a_page_without_end_is_refused(server, tmp_path):
    server.change = lambda _: web.Response(body=b" " * (MAX_PAGE_BYTES + 1))
    assert (await ask(server, tmp_path)).fault == ("too-large", "")


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("br", b"{}"),
        ("gzip", b"{}"),
        ("gzip", gzip.compress(b"{}", mtime=0) + gzip.compress(b"{}", mtime=0)),
    ],
)
async def test_other_packing_is_refused(server, tmp_path, encoding, body):
    headers = {"Content-Encoding": encoding}
    server.change = lambda _: web.Response(body=body, headers=headers)
    assert (await ask(server, tmp_path)).fault == ("taxii-page", "")


async def test_a_body_cut_short_counts_as_no_answer(server, tmp_path):
    whole = gzip.compress(json.dumps({"objects": [thing(1)]}).encode())
    server.change = lambda response: packed(response, whole[:-9])
    assert await ask(server, tmp_path) == Answer(status=0)

    def cut(_response):
        return web.Response(body=b"{}", headers={"Content-Length": "5"})

    server.change = cut
    assert await ask(server, tmp_path, timeout_s=1) == Answer(status=0)


async def test_a_server_that_is_slow_or_away_gives_no_answer(server, tmp_path):
    async def slowly(_request):
        await asyncio.sleep(2)

    server.before = slowly
    assert await ask(server, tmp_path, timeout_s=0.2) == Answer(status=0)
    away = f"http://127.0.0.1:1{PATH}"
    assert await ask(away, tmp_path) == Answer(status=0)


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path):
    pem = certificate(tmp_path, "taxii.example")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pem)
    here = {"lookup": lambda *_: [(socket.AF_INET, "127.0.0.1")]}
    async with serving(tls) as server:
        server.model.add(thing(1))
        url = server.url.replace("127.0.0.1", "taxii.example")
        assert (await ask(url, tmp_path, **here)).fault == ("taxii-tls", "")
        assert (await ask(url, tmp_path, ca=pem, **here)).page.size == 1


@pytest.mark.parametrize("kind", ["application/json", "text/html", ""])
async def test_a_wrong_content_type_does_not_matter_if_it_is_an_envelope(
    server, tmp_path, kind
):
    server.model.add(thing(1))

    def other(response):
        response.headers["Content-Type"] = kind
        return response

    server.change = other
    assert (await ask(server, tmp_path)).page.size == 1


async def test_any_json_is_no_envelope(server, tmp_path):
    server.change = lambda _: web.json_response({"objects": 7})
    assert (await ask(server, tmp_path)).fault == ("taxii-page", "$.objects")


async def test_a_login_page_is_no_envelope(server, tmp_path):
    server.change = lambda _: web.Response(text="<html>Log in</html>")
    reason, where = (await ask(server, tmp_path)).fault
    assert reason == "not-json"
    assert "Log" not in where


# a whole run


async def test_everything_is_kept_page_by_page(server, tmp_path):
    for number in range(35):
        server.model.add(thing(number))
    done = await poll(server, tmp_path)
    assert (done.pages, done.fresh, done.known, done.stopped) == (4, 35, 0, None)
    with open_store(tmp_path / "poll.sqlite", server.url) as store:
        assert {each.id for each in store.nodes()} == ids(server)
    again = await poll(server, tmp_path)
    assert (again.fresh, again.known, again.stopped) == (0, 1, None)


async def test_the_newest_version_is_kept_in_whatever_order_they_come(server, tmp_path):
    server.model.add(thing(1, version=2), thing(1, version=3), thing(1, version=1))
    await poll(server, tmp_path)
    with open_store(tmp_path / "poll.sqlite", server.url) as store:
        [kept] = store.objects([thing(1)["id"]])
    assert kept.plain == thing(1, version=3)


async def test_a_busy_server_is_waited_for(server, tmp_path, monkeypatch):
    server.model.add(thing(1))
    answers = iter([web.Response(status=503, headers={"Retry-After": "9"})])
    server.before = lambda _: next(answers, None)
    waits = []

    async def wait(seconds):
        waits.append(seconds)

    monkeypatch.setattr(polling.asyncio, "sleep", wait)
    assert (await poll(server, tmp_path)).fresh == 1
    assert waits == [9.0]


async def test_a_reason_to_stop_keeps_what_came(server, tmp_path):
    server.model.gives_next = "never"
    server.model.add(*map(thing, range(15)), at=START)
    done = await poll(server, tmp_path)
    assert done.stopped == Stopped("taxii-instant")
    assert done.fresh == 10


def test_a_state_belongs_to_one_collection(tmp_path):
    path = tmp_path / "poll.sqlite"
    with (
        open_store(path, "https://a.example/"),
        pytest.raises(ConfigError, match="in use"),
        open_store(path, "https://a.example/"),
    ):
        pass
    with (
        pytest.raises(ConfigError, match="another collection"),
        open_store(path, "https://b.example/"),
    ):
        pass


POLL = """
import sys
from adapters.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize("gives_next", ["always", "once", "never"])
async def test_killed_at_any_request_it_loses_and_doubles_nothing(
    server, tmp_path, gives_next
):
    server.model.gives_next = gives_next
    server.model.page = 10
    for number in range(60):
        server.model.add(thing(number))
    settings = tmp_path / "poll.toml"
    settings.write_text(
        f'url = "{server.url}"\nstate = "poll.sqlite"\nout = "out"\n'
        "allow_private = true\nlimit = 10\n"
    )
    process = None

    def kill(_request):
        if len(server.requests) in deadly:
            process.send_signal(signal.SIGKILL)

    deadly = {1, 3, 4, 7}
    server.before = kill
    codes = []
    for _ in range(len(deadly) + 1):
        process = await asyncio.to_thread(
            subprocess.Popen,
            [sys.executable, "-c", POLL, "poll", "--config", str(settings), "--json"],
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.getcwd()},
        )
        out, _ = await asyncio.to_thread(process.communicate)
        codes.append(process.returncode)
    assert codes == [-signal.SIGKILL] * len(deadly) + [0]
    summary = json.loads(out.splitlines()[-1])
    assert summary["records"] == 60
    names = {path.stem for path in (tmp_path / "out").iterdir()}
    assert names == ids(server)
