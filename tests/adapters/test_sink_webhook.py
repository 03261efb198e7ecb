"""The webhook sink: signed as the standard says; every answer has its meaning."""

import asyncio
import base64
import random
import socket
import time
from functools import partial

import msgspec
import pytest
from aiohttp import web
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from adapters.errors import SinkUnavailableError
from adapters.forwarder import forward
from adapters.outbox import open_outbox
from adapters.retries import RetryPolicy
from adapters.sinks.webhook import WebhookSecret, read_secret
from broker.errors import ConfigError
from tests.support.sinks import delivery, new_delivery
from tests.support.webhooks import (
    OLD_SECRET,
    SECRET,
    opening,
    outcome,
    secret_file,
    serving,
)

NOW = 1_770_000_000.0


@pytest.fixture
async def endpoint():
    async with serving() as found:
        yield found


@pytest.fixture
def opened(tmp_path):
    return partial(opening, tmp_path)


# what is sent


async def test_a_heartbeat_is_an_event_of_its_own(endpoint, opened):
    item = delivery(kind="heartbeat", projection=b'{"type":"tocsin-gaps"}')
    async with opened(endpoint.url) as sink:
        await sink.send(item)
    [(headers, body)] = endpoint.requests
    found = Webhook(SECRET).verify(body, headers)
    assert found["type"] == "heartbeat"
    assert found["data"]["number"] == 7
    assert found["data"]["heartbeat"] == item.evidence.decode()
    assert found["data"]["gaps"] == {"type": "tocsin-gaps"}
    assert found["data"]["heard"] == item.receipt.decode()


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
            "evidence_type": "application/sd-jwt",
            "projection": {"type": "bundle", "name": "Ünïcode ☂"},
            "receipt": item.receipt.decode(),
        },
    }
    assert headers["webhook-id"] == item.delivery_id
    assert headers["Content-Type"] == "application/json"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 5


async def test_evidence_that_several_signed_says_that_it_is_json(endpoint, opened):
    item = delivery(evidence=b'{"payload":"e30","signatures":[]}')
    async with opened(endpoint.url) as sink:
        await sink.send(item)
    [(_, body)] = endpoint.requests
    data = msgspec.json.decode(body)["data"]
    assert data["evidence"] == item.evidence.decode()
    assert data["evidence_type"] == "application/sd-jwt+json"


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
