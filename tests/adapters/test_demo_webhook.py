"""The demo's webhook receiver: it accepts what the hub signed, and nothing else."""

import base64
import time
from datetime import UTC, datetime

import aiohttp
import pytest
from standardwebhooks import Webhook

from adapters.cli.demo.webhook import is_signed, open_receiver

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
NOW = 1_790_000_000.0
BODY = b'{"type":"record.incident"}'


def signed(body: bytes = BODY, *, now: float = NOW) -> dict[str, str]:
    """Sign with the library of the specification's authors, not with our code."""
    moment = datetime.fromtimestamp(now, UTC)
    return {
        "webhook-id": "m1",
        "webhook-timestamp": str(int(now)),
        "webhook-signature": Webhook(SECRET).sign("m1", moment, body.decode()),
    }


def test_what_the_reference_library_signs_is_right() -> None:
    assert is_signed(KEY, signed(), BODY, now=NOW)


def test_one_of_several_signatures_is_enough() -> None:
    headers = signed()
    headers["webhook-signature"] = f"v1,AAAA {headers['webhook-signature']}"
    assert is_signed(KEY, headers, BODY, now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "m2"},
        {"webhook-timestamp": str(int(NOW) + 1)},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": ""},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,AAAA"},
    ],
)
def test_a_changed_header_is_wrong(change: dict[str, str]) -> None:
    assert not is_signed(KEY, {**signed(), **change}, BODY, now=NOW)


def test_another_body_key_or_time_is_wrong() -> None:
    assert not is_signed(KEY, signed(), BODY + b" ", now=NOW)
    assert not is_signed(KEY[::-1], signed(), BODY, now=NOW)
    assert not is_signed(KEY, signed(), BODY, now=NOW + 301)


async def test_the_server_answers_401_to_an_unsigned_post() -> None:
    async with (
        open_receiver(SECRET, clock=time.time) as receiver,
        aiohttp.ClientSession() as session,
    ):
        async with session.post(receiver.url, data=BODY) as answer:
            assert answer.status == 401
        headers = signed(now=time.time())
        async with session.post(receiver.url, data=BODY, headers=headers) as answer:
            assert answer.status == 204
    assert [post.right for post in receiver.posts] == [False, True]
    assert receiver.posts[1].refuses_altered
