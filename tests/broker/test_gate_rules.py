"""What the gate decides, without a broker, a disk or a clock."""

import msgspec
import pytest

from broker import gate_rules, trust
from broker.bus import MAX_SHORT_BYTES, Message, check_limits
from broker.carried import Carried
from broker.chain import Feed as FeedState
from broker.chain import Gap
from broker.gate_rules import (
    Accept,
    Duplicate,
    Envelope,
    Refuse,
    check_envelope,
    dead_letter,
    decide,
    decide_in_order,
    issuers_of,
    refusal,
    refused,
)
from broker.signing import Address, FeedPosition
from broker.topology import RECORDS, route
from schemas import composing
from schemas.composing import compose
from schemas.errors import SchemaError
from schemas.markings import Tlp
from schemas.profile import INCIDENT_CORE
from tests.support import sealing
from tests.support.issuing import (
    ADAPTER_QUEUES,
    NOW,
    PLACE,
    Feed,
    directory,
    draft,
    member,
)
from tests.support.records import an_id, decoded, plain_object

EMPTY = FeedState()
ENVELOPE = Envelope("cert-aq", "cert-aq", "cert-aq.incident.green")


def verified(feed, number=1, **more):
    return trust.verify(feed.sign(draft(number), **more), directory(), now=NOW)


def judge(record, envelope=ENVELOPE, *, known=False, feed=EMPTY):
    return decide(record, envelope, known=known, feed=feed)


def test_a_record_in_its_place_is_accepted_with_the_key_for_readers():
    decision = judge(verified(Feed()))
    assert isinstance(decision, Accept)
    assert decision.routing_key == "cert-aq.incident.green.none.none.unknown"
    assert decision.feed == "cert-aq/main/epoch1"
    assert decision.gap is None


@pytest.mark.parametrize(
    ("criticality", "urgent"), [(95, True), (60, True), (30, False), (0, False)]
)
def test_what_the_adapters_take_first_counts_as_urgent(criticality, urgent):
    core = {"extension_type": "property-extension", "criticality": criticality}
    feed = Feed()
    alarm = draft(extensions={INCIDENT_CORE: core})
    decision = judge(trust.verify(feed.sign(alarm), directory(), now=NOW))
    queue = ADAPTER_QUEUES[urgent]
    assert decision.urgent is urgent
    assert queue in route(PLACE, RECORDS, decision.routing_key)


def test_a_record_whose_issuer_left_its_primary_object_out_is_refused():
    record = verified(Feed())
    assert judge(msgspec.structs.replace(record, primary=None)) == Refuse("no-primary")


def asked(**more):
    """A request to take something down, at the gate."""
    request = plain_object(
        "takedown-request",
        requesting_body="A court",
        legal_basis="Election Act, section 86",
        necessity="A label did not help.",
        object_refs=[an_id("url")],
        created="2026-02-01T10:00:00.000Z",
        modified="2026-02-01T10:00:00.000Z",
    )
    url = {"type": "url", "id": an_id("url"), "value": "https://a.example/"} | more
    made = compose(decoded(request, url), now="2026-02-01T12:00:00Z", tlp=Tlp.GREEN)
    return Feed().sign(made, address=Address(to=("platform-lumen",)))


MAY_ASK = directory(member("cert-aq", kinds=("takedown-request",)))
ENVELOPE_OF_A_REQUEST = Envelope("cert-aq", "cert-aq", "cert-aq.takedown-request.green")


def test_a_request_to_take_something_down_has_a_key_of_its_own():
    record = trust.verify(asked(), MAY_ASK, now=NOW)
    decision = judge(record, ENVELOPE_OF_A_REQUEST)
    assert decision.routing_key == ("cert-aq.takedown-request.green.none.none.unknown")


def test_what_pap_keeps_from_the_adversary_cannot_be_taken_down(monkeypatch):
    # Our own publisher refuses to sign it.
    with pytest.raises(SchemaError, match="pap-forbids"):
        asked(labels=["PAP:AMBER"])
    monkeypatch.setattr(composing, "pap_faults", lambda *_: ())
    for pap, forbidden in (("AMBER", True), ("RED", True), ("GREEN", False)):
        signed = asked(labels=[f"PAP:{pap}"])
        record = trust.verify(signed, MAY_ASK, now=NOW)
        decision = judge(record, ENVELOPE_OF_A_REQUEST)
        assert (decision == Refuse("pap-forbids")) == forbidden


def test_a_known_record_is_a_duplicate_even_if_it_is_cut_this_time():
    record = msgspec.structs.replace(verified(Feed()), complete=False)
    assert judge(record, known=True) == Duplicate()
    assert judge(record) == Refuse("incomplete")


def test_an_absent_user_id_counts_as_a_forged_one():
    absent = msgspec.structs.replace(ENVELOPE, user_id="")
    assert check_envelope(absent) == Refuse("user-id")
    assert check_envelope(ENVELOPE) is None


@pytest.mark.parametrize(
    "name", ["cert-aq/main", "cert-aq//e", "cert-aq/main/e/f", "e"]
)
def test_a_feed_with_another_form_of_name_is_refused(name):
    feed = Feed()
    position = msgspec.structs.replace(feed.position, feed=name)
    assert judge(verified(feed, position=position)) == Refuse("no-feed", "$.feed")


def test_each_record_is_judged_after_those_before_it():
    feed = Feed()
    one, two = verified(feed, 1), verified(feed, 2)
    rival = verified(feed, 3, position=msgspec.structs.replace(feed.position, seq=2))
    known, feeds = set(), {}
    decisions = decide_in_order(
        [(ENVELOPE, each) for each in (one, two, one, rival, Refuse("zstd"))],
        known=known,
        feeds=feeds,
    )
    assert [type(each) for each in decisions[:3]] == [Accept, Accept, Duplicate]
    assert decisions[3:] == [Refuse("chain-conflict"), Refuse("zstd")]
    assert known == {one.token_id, two.token_id}
    assert feeds["cert-aq/main/epoch1"].last.token_id == two.token_id


def test_a_gap_is_said_with_the_record_that_shows_it():
    feed = Feed()
    one, _lost, three = (verified(feed, number) for number in (1, 2, 3))
    first = judge(one)
    decision = judge(three, feed=first.state)
    assert decision.gap == Gap(2, 2, one.token_id, three.claims.prev)


def test_issuers_are_the_members_that_may_publish_something():
    known = directory(member("platform-x", kinds=()))
    assert issuers_of(known) == ("cert-aq", "cert-bv")


def test_a_dead_letter_can_be_published_whatever_was_sent():
    worst = "ä" * (MAX_SHORT_BYTES // 2)
    message = Message(
        body=b"x",
        message_id="",
        routing_key=worst,
        content_type=worst,
        content_encoding=worst,
        user_id=worst,
        headers={worst: worst},
    )
    letter = dead_letter(message, "cert-aq", Refuse("claims", "$" * 10_000), now=NOW)
    check_limits(letter)
    assert letter.routing_key == "dead.tocsin.ingress.cert-aq"
    assert len(letter.headers["tocsin-where"]) == gate_rules.MAX_WHERE
    check_limits(refusal(message, "", "cert-aq", Refuse("claims", "$" * 10_000)))


def test_refusals_of_different_messages_have_different_ids():
    def told(body):
        message = Message(body=body, message_id="", routing_key="k")
        return refusal(message, "", "cert-aq", Refuse("framing")).message_id

    assert told(b"one") != told(b"two")
    assert told(b"one") == told(b"one")


def test_facts_that_do_not_follow_from_the_parts_are_refused():
    record = draft()
    facts = msgspec.structs.replace(record.facts, severity="extreme")
    token = Feed().sign(msgspec.structs.replace(record, facts=facts))
    lying = trust.verify(token, directory(), now=NOW)
    assert judge(lying) == Refuse("facts-mismatch")


def sealed_record(*parts):
    """A record with a sealed compartment, and the parts that came with it."""
    made = sealing.sealed(position=FeedPosition("cert-aq/main/epoch1", 1, ""))
    record = Carried(made.token, (), parts or made.parts)
    return trust.verify(record, sealing.DIRECTORY, now=sealing.NOW), made.parts


def test_a_record_is_taken_with_all_its_sealed_parts_and_never_without():
    record, parts = sealed_record()
    assert isinstance(judge(record), Accept)
    for sealed, reason in (
        ((), "sealed-missing"),
        (parts * 2, "sealed-unknown"),
        ((parts[0][:-4],), "sealed-shape"),
        (parts * 65, "too-many-sealed"),
    ):
        bent = msgspec.structs.replace(record, sealed=sealed)
        assert judge(bent) == Refuse(reason)


def test_a_record_that_states_nothing_sealed_is_not_taken_with_a_part():
    _, parts = sealed_record()
    bent = msgspec.structs.replace(verified(Feed()), sealed=parts)
    assert judge(bent) == Refuse("sealed-unknown")


def told(**changes):
    sent = Message(body=b"", message_id="m", routing_key="cert-aq.incident.green")
    made = refusal(sent, "T" * 43, "cert-aq", Refuse("incomplete", "$.stix"))
    return msgspec.structs.replace(made, **changes)


def test_an_issuer_reads_what_the_gate_refused():
    assert refused(told(), "cert-aq") == gate_rules.Refused("T" * 43, "incomplete")


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": "cert-bv"},
        {"routing_key": "gate.cert-bv.refusal"},
        {"routing_key": "gate.cert-aq.accepted"},
        {"body": b"{"},
        {"body": b'{"token_id":7,"reason":"incomplete"}'},
        {"body": b'{"token_id":"abc","reason":"because"}'},
        {"body": b'{"token_id":"%s","reason":"incomplete"}' % (b"x" * 5000)},
    ],
)
def test_what_is_no_refusal_of_the_gates_says_nothing(changes):
    assert refused(told(**changes), "cert-aq") is None
