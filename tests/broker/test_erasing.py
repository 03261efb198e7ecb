"""Orders to erase a record: the operator's alone, and well formed."""

import msgspec
import pytest

from broker import erasing
from broker.bus import Message
from broker.errors import TrustError
from broker.topology import OPERATOR
from schemas.erasing import REASONS

QUEUE = "tocsin.adapter.main"
ORDER = erasing.Order(
    issuer="cert-aq",
    sub="incident--1b0cbe1c-0b5e-4b0c-8a52-3b0c4ec3a001",
    tokens=("A" * 43, "E" * 43),
    at=1_770_000_000,
    reason="law",
)


def test_an_order_comes_back_as_it_was():
    message = erasing.message(ORDER, QUEUE)
    assert (message.routing_key, message.user_id) == (QUEUE, OPERATOR)
    assert erasing.is_order(message)
    assert erasing.read(message) == ORDER
    assert erasing.message(ORDER, QUEUE).message_id == message.message_id
    assert not erasing.is_order(msgspec.structs.replace(message, content_type="text"))


def refused(**changes: object) -> None:
    message: Message = erasing.message(ORDER, QUEUE)
    with pytest.raises(TrustError) as caught:
        erasing.read(msgspec.structs.replace(message, **changes))
    assert caught.value.reason == "erasing-invalid"


@pytest.mark.parametrize("login", ["gate", "cert-aq", "adapter-main", ""])
def test_from_another_login_than_the_operators_it_is_none(login):
    refused(user_id=login)


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "because the victim Jane Roe asked"},
        {"sub": "no id"},
        {"tokens": ["short"]},
        {"issuer": "../x"},
        {"at": -1},
        {"more": 1},
    ],
)
def test_what_is_not_well_formed_is_refused(change):
    said = msgspec.to_builtins(ORDER) | change
    refused(body=msgspec.json.encode(said))


def test_what_is_no_json_or_too_large_is_refused():
    refused(body=b"{")
    refused(body=b" " * (erasing.MAX_BYTES + 1))


def test_every_reason_has_a_sentence():
    assert all(text.endswith(".") for text in REASONS.values())
    assert all(len(text) < 140 for text in REASONS.values())
