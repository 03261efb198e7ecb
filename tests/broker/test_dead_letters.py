"""What a dead letter says of itself, whose word counts, and how it is put back."""

import msgspec
import pytest

from adapters import burying
from adapters.pipeline import Refused
from broker import erasing, gate_rules
from broker.bus import Message
from broker.dead_letters import (
    Wanted,
    explain,
    letter_of,
    published_as,
    put_back,
    skipped,
)
from broker.gate_rules import Envelope, Refuse
from broker.topology import DEAD, INGRESS, RECORDS, UNROUTABLE, route, topology

NOW = 1_770_000_000.5
PLACE = topology(["cert-aq", "cert-bv"], ["main", "other"], ["platform-x"])
AQ = "tocsin.ingress.cert-aq"
SENT = Message(
    body=b"the body",
    message_id="id-of-a-record",
    routing_key="cert-aq.incident.green",
    content_encoding="zstd",
    user_id="cert-aq",
    headers={"theirs": "x"},
)
PASSED = Message(
    body=b"the body",
    message_id="id-of-a-record",
    routing_key="cert-aq.incident.green.aq.none.low",
    user_id="gate",
    headers={"tocsin-seen": "stamp", "tocsin-head": "head"},
)


def by_the_gate(message=SENT, reason="claims", where="$.tlp"):
    return gate_rules.dead_letter(message, "cert-aq", Refuse(reason, where), now=NOW)


def by_an_adapter(message=PASSED):
    return burying.dead_letter(message, Refused("signature", ""), "main", now=NOW)


def by_the_broker(message=SENT, queue=AQ, **forged):
    """Die of too many deliveries, as both buses do it."""
    death = {
        "x-death-reason": "delivery_limit",
        "x-death-queue": queue,
        "x-death-exchange": INGRESS,
        "x-death-routing-key": message.routing_key,
        "x-death-time": 1_770_000_001,
    }
    headers = {**message.headers, **forged, **death}
    return msgspec.structs.replace(
        message, routing_key=f"dead.{queue}", headers=headers
    )


def arrived(back):
    """What its queue holds after *back*: published by the operator."""
    exchange, message = back
    [queue] = route(PLACE, exchange, message.routing_key)
    return queue, msgspec.structs.replace(message, user_id="operator")


def test_a_refusal_of_the_gate_tells_reason_place_issuer_time_and_queue():
    letter = letter_of(by_the_gate())
    assert (letter.reason, letter.where, letter.issuer) == (
        "claims",
        "$.tlp",
        "cert-aq",
    )
    assert (letter.queue, letter.at, letter.size) == (AQ, 1_770_000_000, 8)
    assert letter.message_id == "id-of-a-record"


def test_a_refusal_of_an_adapter_tells_whose_record_it_was():
    letter = letter_of(by_an_adapter())
    assert (letter.reason, letter.issuer) == ("signature", "cert-aq")
    assert (letter.queue, letter.at) == ("tocsin.adapter.main", 1_770_000_000)


def test_of_what_the_broker_gave_up_its_senders_headers_are_not_believed():
    forged = {
        "tocsin-reason": "exp", "tocsin-where": "w", "tocsin-issuer": "cert-bv",
        "tocsin-user-id": "cert-bv", "tocsin-routing-key": "cert-bv.incident.green",
        "tocsin-at": 1,
    }  # fmt: skip
    dead = by_the_broker(**forged)
    letter = letter_of(dead)
    assert (letter.reason, letter.where) == ("delivery_limit", "")
    assert (letter.issuer, letter.at) == ("cert-aq", 1_770_000_001)
    _, message = arrived(put_back(dead))
    assert published_as(message) == ("cert-aq", SENT.routing_key)


def test_what_no_queue_took_names_its_issuer_and_goes_back_to_all_adapters():
    letter = letter_of(PASSED, UNROUTABLE)
    assert (letter.reason, letter.queue, letter.issuer) == ("unroutable", "", "cert-aq")
    exchange, message = put_back(PASSED, UNROUTABLE)
    assert (exchange, message.routing_key) == (RECORDS, PASSED.routing_key)
    assert message.headers["tocsin-seen"] == "stamp"
    # An organisation may have any name.
    odd = msgspec.structs.replace(PASSED, routing_key="dead.incident.green.aq.x.low")
    assert letter_of(odd, UNROUTABLE).queue == ""


@pytest.mark.parametrize("dead", [by_the_gate(), by_the_broker()])
def test_the_gate_judges_what_was_put_back_by_who_sent_it_first(dead):
    queue, message = arrived(put_back(dead))
    assert queue == AQ
    assert (message.body, message.message_id) == (SENT.body, SENT.message_id)
    assert message.content_encoding == "zstd"
    envelope = gate_rules.envelope_of(message, "cert-aq")
    assert envelope == Envelope("cert-aq", "cert-aq", SENT.routing_key)
    assert "theirs" not in message.headers


def test_putting_it_back_makes_no_forged_sender_a_good_one():
    sent = msgspec.structs.replace(SENT, user_id="cert-bv")
    for dead in (by_the_gate(sent, "user-id"), by_the_broker(sent)):
        _, message = arrived(put_back(dead))
        envelope = gate_rules.envelope_of(message, "cert-aq")
        assert gate_rules.check_envelope(envelope) == Refuse("user-id")


def test_nobody_but_the_operator_names_another_sender():
    forged = {"tocsin-user-id": "cert-aq", "tocsin-routing-key": SENT.routing_key}
    for user in ("cert-bv", "gate", ""):
        message = msgspec.structs.replace(
            SENT, user_id=user, routing_key="k", headers=forged
        )
        assert published_as(message) == (user, "k")
    bare = msgspec.structs.replace(SENT, user_id="operator", headers={"tocsin-at": 1})
    envelope = gate_rules.envelope_of(bare, "cert-aq")
    assert gate_rules.check_envelope(envelope) == Refuse("user-id")


@pytest.mark.parametrize("again", [by_the_gate, by_the_broker])
def test_refused_twice_it_still_knows_who_sent_it(again):
    _, message = arrived(put_back(by_the_gate()))
    _, twice = arrived(put_back(again(message)))
    assert published_as(twice) == ("cert-aq", SENT.routing_key)


@pytest.mark.parametrize(
    "dead",
    [by_an_adapter(), by_the_broker(PASSED, "tocsin.adapter.main")],
)
def test_an_adapter_gets_it_back_alone_with_the_gates_stamp_and_head(dead):
    queue, message = arrived(put_back(dead))
    assert queue == "tocsin.adapter.main"
    assert message.headers["tocsin-seen"] == "stamp"
    assert message.headers["tocsin-head"] == "head"
    again = letter_of(by_an_adapter(message))
    assert again.issuer == "cert-aq"


def test_what_came_without_a_stamp_goes_back_without():
    bare = msgspec.structs.replace(PASSED, headers={})
    _, message = arrived(put_back(by_an_adapter(bare)))
    assert "tocsin-seen" not in message.headers


def test_an_answer_to_an_issuer_is_not_put_back_under_another_name():
    dead = by_the_broker(queue="tocsin.feedback.cert-aq")
    assert put_back(dead) is None
    assert letter_of(dead).issuer == ""


def test_a_refused_order_to_erase_is_not_made_the_operators_own():
    forged = msgspec.structs.replace(PASSED, content_type=erasing.CONTENT_TYPE)
    # What an adapter refused, whatever login it came from, and a forged death.
    assert put_back(by_an_adapter(forged)) is None
    refused = msgspec.structs.replace(by_an_adapter(forged), user_id="operator")
    assert put_back(refused) is None
    assert put_back(by_the_broker(forged, "tocsin.adapter.main")) is None
    assert put_back(by_the_gate(forged)) is None
    assert put_back(forged, UNROUTABLE) is None


def test_an_order_that_the_broker_gave_up_goes_back_as_the_operators():
    order = msgspec.structs.replace(
        PASSED, content_type=erasing.CONTENT_TYPE, user_id="operator"
    )
    queue, message = arrived(put_back(by_the_broker(order, "tocsin.adapter.main")))
    assert (queue, message.content_type) == (
        "tocsin.adapter.main",
        erasing.CONTENT_TYPE,
    )


def test_what_was_put_there_by_hand_is_listed_and_not_put_back():
    odd = Message(
        body=b"x", message_id="m", routing_key="x", headers={"tocsin-at": "y"}
    )
    letter = letter_of(odd, DEAD)
    assert (letter.queue, letter.reason, letter.at) == ("", "", None)
    assert put_back(odd) is None


def test_what_had_no_id_gets_one_that_stays():
    dead = by_the_broker(msgspec.structs.replace(SENT, message_id=""))
    _, message = put_back(dead)
    assert message.message_id == put_back(dead)[1].message_id != ""


def test_filters_narrow_and_an_id_may_be_begun():
    gate, adapter = letter_of(by_the_gate()), letter_of(by_an_adapter())
    assert Wanted().is_all
    assert Wanted().means(gate)
    for wanted in (
        Wanted(reason="claims"),
        Wanted(queue=AQ),
        Wanted(ids=("id-of-a-",), reason="claims", issuer="cert-aq"),
    ):
        assert (wanted.means(gate), wanted.means(adapter)) == (True, False)
        assert not wanted.is_all
    assert not Wanted(ids=("id-of-a",)).means(gate)  # too short to be one
    assert Wanted(issuer="cert-aq").means(adapter)


def test_an_id_that_stands_for_none_or_for_several_messages_is_named():
    one = letter_of(by_the_gate())
    twin = msgspec.structs.replace(one, queue="tocsin.adapter.main")
    other = msgspec.structs.replace(one, message_id="id-of-another")
    assert Wanted(ids=("id-of-a-record",)).unclear([one, twin, other]) == ""
    assert Wanted(ids=("id-of-an",)).unclear([one, twin, other]) == ""
    assert Wanted(ids=("id-of-a-r", "nothing")).unclear([one]) == "nothing"
    longer = msgspec.structs.replace(one, message_id="id-of-a-record-2")
    assert Wanted(ids=("id-of-a-",)).unclear([one, longer]) == "id-of-a-"


def test_what_lies_before_the_last_chosen_is_counted():
    a, b, c = (
        letter_of(by_the_gate(msgspec.structs.replace(SENT, message_id=f"id-{n}")))
        for n in range(3)
    )
    assert skipped([a, b, c], [b]) == 1
    assert skipped([a, b, c], [c]) == 2
    assert skipped([a, b, c], [a, b]) == 0
    assert skipped([a, b, c], []) == 0


def test_every_reason_has_a_sentence():
    assert "five times" in explain("delivery_limit")
    assert explain("claims") != explain("unroutable") != explain("")
