"""The webhook sink: signed as the standard says, and never led astray."""

import asyncio
import base64
import random
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from adapters.errors import SinkError, SinkUnavailableError
from adapters.forwarder import forward
from adapters.outbox import open_outbox
from adapters.retries import RetryPolicy
from adapters.sinks import guarded_http
from adapters.sinks.webhook import WebhookSecret, open_webhook, read_secret
from broker.errors import ConfigError
from tests.support.sinks import delivery, new_delivery

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OLD_SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
NOW = 1_770_000_000.0


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


@pytest.fixture
async def endpoint():
    async with serving() as found:
        yield found


def secret_file(folder, text=SECRET, name="webhook.secret", mode=0o600):
    path = folder / name
    path.write_text(text + "\n")
    path.chmod(mode)
    return path


@pytest.fixture
def opened(tmp_path):
    """Open a sink on a local server, which the operator has allowed."""

    def open_(url, **options):
        options = {"clock": time.time, "allow_private": True} | options
        files = options.pop("secrets", [SECRET])
        paths = [secret_file(tmp_path, s, f"{n}.secret") for n, s in enumerate(files)]
        return open_webhook(url, paths, **options)

    return open_


# what is sent


async def test_the_standard_library_verifies_what_is_sent(endpoint, opened):
    item = delivery(projection='{"type":"bundle","name":"Ünïcode ☂"}'.encode())
    async with opened(endpoint.url) as sink:
        await sink.send(item)
    [(headers, body)] = endpoint.requests
    found = Webhook(SECRET).verify(body, headers)
    assert found == {
        "type": "record.incident",
        "timestamp": item.ver,
        "data": {
            "number": 7,
            "issuer": "cert-aq",
            "sub": item.sub,
            "ver": item.ver,
            "tlp": "GREEN",
            "token_id": item.token_id,
            "evidence": item.evidence.decode(),
            "projection": {"type": "bundle", "name": "Ünïcode ☂"},
            "receipt": item.receipt.decode(),
        },
    }
    assert headers["webhook-id"] == item.delivery_id
    assert headers["Content-Type"] == "application/json"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 5


async def test_one_flipped_bit_or_another_secret_does_not_verify(endpoint, opened):
    async with opened(endpoint.url) as sink:
        await sink.send(delivery())
    [(headers, body)] = endpoint.requests
    flipped = body.replace(b"GREEN", b"GREEO")
    for secret, content in ((SECRET, flipped), (OLD_SECRET, body)):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(content, headers)


async def test_while_a_secret_is_changed_both_verify(endpoint, opened):
    async with opened(endpoint.url, secrets=[SECRET, OLD_SECRET]) as sink:
        await sink.send(delivery())
    [(headers, body)] = endpoint.requests
    assert Webhook(SECRET).verify(body, headers)
    assert Webhook(OLD_SECRET).verify(body, headers)


async def test_every_attempt_has_the_same_id_and_body_and_its_own_time(
    endpoint, opened
):
    times = iter([NOW, NOW + 60])
    async with opened(endpoint.url, clock=lambda: next(times)) as sink:
        await sink.send(delivery(attempt=1))
        await sink.send(delivery(attempt=2))
    (first, body), (second, again) = endpoint.requests
    assert body == again
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 60


async def test_a_record_of_megabytes_arrives_whole(endpoint, opened):
    item = delivery(evidence=b"e" * 3_000_000)
    async with opened(endpoint.url) as sink:
        await sink.send(item)
    [(headers, body)] = endpoint.requests
    data = Webhook(SECRET).verify(body, headers)["data"]
    assert data["evidence"] == item.evidence.decode()
    assert int(headers["Content-Length"]) == len(body)


async def test_a_name_is_looked_up_by_the_system(endpoint, opened):
    async with opened(endpoint.url.replace("127.0.0.1", "localhost")) as sink:
        await sink.send(delivery())
    assert endpoint.requests[0][0]["Host"].startswith("localhost:")


async def test_a_timeout_after_success_repeats_the_same_webhook_id(
    endpoint, opened, tmp_path
):
    async def take_and_hang(request):
        if len(endpoint.requests) == 1:
            await asyncio.sleep(1)
        return web.Response()

    endpoint.answer = take_and_hang
    stop = asyncio.Event()
    policy = RetryPolicy(first_s=0.01)
    async with (
        asyncio.timeout(10),
        open_outbox(tmp_path / "outbox.sqlite") as outbox,
        opened(endpoint.url, timeout_s=0.2) as sink,
        asyncio.TaskGroup() as tasks,
    ):
        await outbox.store([new_delivery()])
        tasks.create_task(
            forward(
                outbox,
                {("platform-b", "siem"): sink},
                clock=time.time,
                random=random.random,
                stop=stop,
                policy=policy,
            )
        )
        while not (await outbox.counts())["done"]:  # noqa: ASYNC110  no event to wait for
            await asyncio.sleep(0.01)
        stop.set()
    assert len(endpoint.ids) == 2
    assert len(set(endpoint.ids)) == 1


# what comes back


async def outcome(sink):
    with pytest.raises(SinkError) as caught:
        await sink.send(delivery())
    return caught.value


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_every_2xx_is_taken(endpoint, opened, status):
    endpoint.answer = lambda _: web.Response(status=status)
    async with opened(endpoint.url) as sink:
        await sink.send(delivery())
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "sink-refused"),
        (401, "sink-refused"),
        (404, "sink-refused"),
        (413, "sink-refused"),
        (422, "sink-refused"),
        (410, "sink-gone"),
    ],
)
async def test_a_refusal_is_final(endpoint, opened, status, reason):
    endpoint.answer = lambda _: web.Response(status=status)
    async with opened(endpoint.url) as sink:
        error = await outcome(sink)
    assert error.reason == reason
    assert not isinstance(error, SinkUnavailableError)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_an_overloaded_or_broken_system_is_tried_again(endpoint, opened, status):
    endpoint.answer = lambda _: web.Response(status=status)
    async with opened(endpoint.url) as sink:
        error = await outcome(sink)
    assert isinstance(error, SinkUnavailableError)
    assert (error.reason, error.retry_after_s) == ("sink-busy", None)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120.0), ("Mon, 02 Feb 2026 02:41:40 GMT", 100.0), ("later", None)],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_handed_on(endpoint, opened, status, header, seconds):
    endpoint.answer = lambda _: web.Response(
        status=status, headers={"Retry-After": header}
    )
    async with opened(endpoint.url, clock=lambda: NOW) as sink:
        error = await outcome(sink)
    assert error.retry_after_s == seconds


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(endpoint, opened, status):
    async with serving() as elsewhere:
        endpoint.answer = lambda _: web.Response(
            status=status, headers={"Location": elsewhere.url}
        )
        async with opened(endpoint.url) as sink:
            error = await outcome(sink)
        assert elsewhere.requests == []
    assert isinstance(error, SinkUnavailableError)
    assert error.reason == "sink-redirect"


async def test_an_endless_answer_is_neither_read_nor_waited_for(endpoint, opened):
    written = 0

    async def babble(request):
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"canary" * 10_000)
                written += 60_000
        except ConnectionError:
            return response

    endpoint.answer = babble
    async with opened(endpoint.url) as sink, asyncio.timeout(5):
        await sink.send(delivery())
    assert written < 20_000_000  # what the kernel's buffers take


async def test_an_answer_is_in_no_error(endpoint, opened):
    endpoint.answer = lambda _: web.Response(status=400, text="canary", reason="canary")
    async with opened(endpoint.url) as sink:
        error = await outcome(sink)
    assert "canary" not in f"{error!r}{error}{error.__cause__!r}{error.__context__!r}"


async def test_cookies_of_one_answer_are_not_sent_with_the_next(endpoint, opened):
    endpoint.answer = lambda _: web.Response(headers={"Set-Cookie": "a=b; Path=/"})
    url = endpoint.url.replace("127.0.0.1", "localhost")  # else no jar takes them
    async with opened(url) as sink:
        await sink.send(delivery())
        await sink.send(delivery())
    assert "Cookie" not in endpoint.requests[1][0]


async def test_a_slow_system_times_out(endpoint, opened):
    async def sleep(_):
        await asyncio.sleep(5)

    endpoint.answer = sleep
    async with opened(endpoint.url, timeout_s=0.1) as sink:
        error = await outcome(sink)
    assert isinstance(error, SinkUnavailableError)
    assert error.reason == "sink-timeout"


async def test_nobody_at_the_address_is_unavailable(opened):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
        async with opened(url) as sink:
            error = await outcome(sink)
    assert isinstance(error, SinkUnavailableError)
    assert error.reason == "sink-connection"


@pytest.mark.parametrize(
    ("said", "reason"),
    [(b"", "sink-connection"), (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "sink-protocol")],
)
async def test_what_speaks_no_http_is_unavailable(opened, said, reason):
    async def handle(reader, writer):
        await reader.read(100)
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with opened(f"http://127.0.0.1:{port}/") as sink:
            error = await outcome(sink)
    assert isinstance(error, SinkUnavailableError)
    assert error.reason == reason


async def test_a_name_that_does_not_resolve_is_unavailable(opened):
    def lookup(_host, _family):
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    async with opened("https://nobody.example/", lookup=lookup) as sink:
        error = await outcome(sink)
    assert isinstance(error, SinkUnavailableError)
    assert error.reason == "sink-dns"


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


# TLS


def certificate(folder, name):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


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


# secrets


def base64_of(size):
    return "whsec_" + base64.b64encode(bytes(size)).decode()


@pytest.mark.parametrize("size", [24, 32, 64])
def test_a_secret_has_24_to_64_bytes(size):
    WebhookSecret(base64_of(size))


@pytest.mark.parametrize(
    "text",
    [
        base64_of(23),
        base64_of(65),
        base64_of(32).removeprefix("whsec_"),
        base64_of(32)[:-1],
        base64_of(32).replace("A", "?", 1),
        "whsk_" + base64_of(32).removeprefix("whsec_"),
        base64_of(32) + "é",
    ],
)
def test_anything_else_is_refused_and_not_quoted(text):
    with pytest.raises(ConfigError) as caught:
        WebhookSecret(text)
    assert text[6:] not in str(caught.value)


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_="])
def test_an_empty_secret_is_refused(text):
    with pytest.raises(ConfigError):
        WebhookSecret(text)


def test_a_secret_hides_itself():
    secret = WebhookSecret(SECRET)
    assert SECRET[6:] not in repr(secret)
    assert repr(bytes(range(32))) not in f"{secret!r}{secret}"
    assert not hasattr(secret, "__dict__")


async def test_a_sink_hides_its_secret(opened, endpoint):
    async with opened(endpoint.url) as sink:
        assert SECRET[6:] not in repr(vars(sink))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_secret_that_others_can_read_is_refused(tmp_path, mode):
    with pytest.raises(ConfigError):
        read_secret(secret_file(tmp_path, mode=mode))


def test_a_secret_file_that_is_none_is_refused(tmp_path):
    long = secret_file(tmp_path, SECRET + " " * 300)
    for path in (tmp_path, tmp_path / "missing", long):
        with pytest.raises(ConfigError):
            read_secret(path)


async def test_a_webhook_without_a_secret_is_refused(opened, endpoint):
    with pytest.raises(ConfigError):
        async with opened(endpoint.url, secrets=[]):
            pass
