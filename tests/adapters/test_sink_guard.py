"""The guard of the HTTP sinks: where they may go, and whom they believe there."""

import asyncio
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address

import pytest

from adapters.errors import SinkUnavailableError
from adapters.sinks import guarded_http
from broker.errors import ConfigError
from tests.support.certificates import certificate
from tests.support.sinks import delivery
from tests.support.webhooks import opening, outcome, serving


@pytest.fixture
async def endpoint():
    async with serving() as found:
        yield found


@pytest.fixture
def opened(tmp_path):
    return partial(opening, tmp_path)


# where it may go


@pytest.fixture
async def trap():
    """The port of a listener on the loopback address that nobody may come to."""
    visits = []

    async def handle(_reader, writer):
        visits.append(1)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.sleep(0.01)
    assert visits == []


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::ffff:127.0.0.1", "::1", "64:ff9b::7f00:1", "10.0.0.1"]
)
async def test_a_name_that_resolves_to_a_private_address_is_not_reached(
    trap, opened, address
):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    url = f"https://innocent.example:{trap}/"
    async with opened(
        url, allow_private=False, lookup=lambda *_: [(family, address)]
    ) as sink:
        error = await outcome(sink)
    assert isinstance(error, SinkUnavailableError)
    assert error.reason == "sink-address"


async def test_a_name_that_changes_its_answer_gains_nothing(trap, opened, monkeypatch):
    """DNS rebinding: public when asked first, loopback afterwards."""
    tried = []

    def unreachable(info):
        tried.append(ip_address(info[4][0]))
        raise ConnectionRefusedError("no network in this test")

    monkeypatch.setattr(guarded_http, "_plain_socket", unreachable)
    answers = iter(["1.1.1.1", "127.0.0.1", "127.0.0.1"])
    url = f"https://rebind.example:{trap}/"
    async with opened(
        url,
        allow_private=False,
        lookup=lambda *_: [(socket.AF_INET, next(answers))],
    ) as sink:
        reasons = [(await outcome(sink)).reason for _ in range(3)]
    assert reasons == ["sink-connection", "sink-address", "sink-address"]
    assert tried == [ip_address("1.1.1.1")]


async def test_of_several_addresses_only_public_ones_are_tried(
    trap, opened, monkeypatch
):
    tried = []

    def unreachable(info):
        tried.append(info[4][0])
        raise ConnectionRefusedError("no network in this test")

    monkeypatch.setattr(guarded_http, "_plain_socket", unreachable)
    found = [(socket.AF_INET, a) for a in ("127.0.0.1", "1.1.1.1", "192.168.0.1")]
    url = f"https://both.example:{trap}/"
    async with opened(url, allow_private=False, lookup=lambda *_: found) as sink:
        await outcome(sink)
    assert set(tried) == {"1.1.1.1"}


async def test_the_operator_can_allow_private_addresses(endpoint, opened):
    async with opened(endpoint.url, allow_private=True) as sink:
        await sink.send(delivery())
    assert len(endpoint.requests) == 1


async def test_no_proxy_of_the_environment_is_used(endpoint, opened, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with opened(endpoint.url) as sink:
        await sink.send(delivery())
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ngo.example/in",
        "/in",
        "ftp://ngo.example/",
        "http://ngo.example/",
        "https://",
        "https:///in",
        "https://user:word@ngo.example/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://[::1]/",
        "https://[fe80::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest",
        "https://ngo.example:99999/",
    ],
)
async def test_a_url_that_may_not_be_used_is_refused_at_once(opened, url):
    with pytest.raises(ConfigError):
        async with opened(url, allow_private=False):
            pass


# names


async def test_names_that_hang_do_not_hold_up_another_sink(endpoint, opened):
    asked, release = [], threading.Event()

    def hang(host, _family):
        asked.append(host)
        release.wait(5)
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    def quick(_host, _family):
        return [(socket.AF_INET, "127.0.0.1")]

    # The threads that everything else in the process shares are few.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))

    async with (
        opened("https://slow.example/", lookup=hang) as slow,
        opened(
            endpoint.url.replace("127.0.0.1", "quick.example"), lookup=quick
        ) as well,
    ):
        waiting = asyncio.create_task(outcome(slow))
        while not asked:  # noqa: ASYNC110  set in a thread
            await asyncio.sleep(0.001)
        await well.send(delivery())
        assert not waiting.done()
        release.set()
        assert (await waiting).reason == "sink-dns"


# TLS


async def test_a_certificate_is_checked_for_its_issuer_and_its_name(opened, tmp_path):
    pem = certificate(tmp_path, "ngo.example")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(pem)
    trusting = ssl.create_default_context(cafile=str(pem))
    options = {"lookup": lambda *_: [(socket.AF_INET, "127.0.0.1")]}
    async with serving(server) as endpoint:
        port = endpoint.url.split(":")[2]
        good, wrong = f"https://ngo.example:{port}", f"https://other.example:{port}"
        async with opened(good, tls=trusting, **options) as sink:
            await sink.send(delivery())
        async with opened(good, **options) as sink:
            unknown_issuer = await outcome(sink)
        async with opened(wrong, tls=trusting, **options) as sink:
            wrong_name = await outcome(sink)
        assert len(endpoint.requests) == 1
    for error in (unknown_issuer, wrong_name):
        assert isinstance(error, SinkUnavailableError)
        assert error.reason == "sink-tls"
