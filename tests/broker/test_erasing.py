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


def test_more_tokens_than_an_order_takes_are_several_orders_and_one_notice():
    ids = tuple(f"{n:043d}" for n in range(2 * erasing.MAX_TOKENS))
    whole = msgspec.structs.replace(ORDER, tokens=(*ids, "A" * 43))
    found = [erasing.read(erasing.message(o, QUEUE)) for o in erasing.parts(whole)]
    assert sum((each.tokens for each in found), ()) == whole.tokens
    assert [each.notify for each in found] == [False, False, True]
    assert {each.at for each in found} == {ORDER.at}
    exactly = msgspec.structs.replace(ORDER, tokens=ids[: erasing.MAX_TOKENS])
    silent = msgspec.structs.replace(ORDER, tokens=(), notify=False)
    for order in (ORDER, exactly, silent):
        assert erasing.parts(order) == [order]


def test_what_no_adapter_would_take_is_not_sent():
    ids = tuple(f"{n:043d}" for n in range(erasing.MAX_TOKENS + 1))
    for change in ({"tokens": ids}, {"sub": "no id"}):
        with pytest.raises(TrustError):
            erasing.message(msgspec.structs.replace(ORDER, **change), QUEUE)


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
