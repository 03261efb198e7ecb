"""Trials: which answers of the gate count, and which are no answers."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.bus import JSON_CONTENT_TYPE, Message
from broker.errors import TrustError
from broker.seen import make_stamp
from broker.trials import accepted, read
from schemas.errors import RefusedError
from tests.support.issuing import HUB, NOW, directory
from tests.support.records import STRANGER

TOKEN, OTHER = "T" * 42 + "A", "O" * 42 + "A"
KNOWN = directory()


def stamp(token=TOKEN, by=HUB):
    return make_stamp(by, token_id=token, seen=int(NOW), pos=1, prev="")


def told(body, **changes):
    fields = {
        "message_id": "m",
        "routing_key": "gate.cert-aq.refusal",
        "content_type": JSON_CONTENT_TYPE,
        "user_id": "gate",
    } | changes
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Message(body=data, **fields)


def answer(message):
    return read(message, TOKEN, KNOWN, now=NOW)


def test_the_gate_s_stamp_says_that_it_came_through():
    found = answer(accepted(TOKEN, "cert-aq", stamp()))
    assert (found.stamp.token, found.stamp.seen, found.reason) == (TOKEN, NOW, "")


def test_a_refusal_is_told_with_its_reason():
    found = answer(told({"token_id": TOKEN, "reason": "key-revoked", "where": "$"}))
    assert (found.stamp, found.reason) == (None, "key-revoked")


def test_what_is_said_of_another_record_or_by_others_is_no_answer():
    assert answer(accepted(OTHER, "cert-aq", stamp(OTHER))) is None
    assert answer(told({"token_id": OTHER, "reason": "key-revoked"})) is None
    for changed in ({"user_id": "cert-bv"}, {"content_type": "text/plain"}):
        refusal = {"token_id": TOKEN, "reason": "key-revoked"}
        assert answer(told(refusal, **changed)) is None


@pytest.mark.parametrize("text", ["a.b.c", stamp(OTHER), stamp(by=STRANGER)])
def test_a_stamp_that_is_not_the_gate_s_for_this_record_is_refused(text):
    with pytest.raises(TrustError, match=r"seen-invalid|unknown-key"):
        answer(accepted(TOKEN, "cert-aq", text))


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        {},
        {"token_id": 7},
        {"token_id": TOKEN},
        {"token_id": TOKEN, "reason": "no reason that is known"},
        {"token_id": TOKEN, "reason": "x" * 65},
        {"token_id": TOKEN, "stamp": "x" * 5000},
        {"token_id": TOKEN, "reason": "key-revoked", "more": 1},
    ],
)
def test_what_is_no_answer_of_a_gate_is_refused(body):
    with pytest.raises(TrustError, match="answer-invalid"):
        answer(told(body))


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_nothing_but_a_refusal(data):
    with suppress(RefusedError):
        assert answer(told(data)) is None
