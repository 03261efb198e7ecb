"""What a member verifies of a delivery that it gets as one JSON object."""

import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from adapters import enveloping, erasing, gaps
from adapters.delivery import Delivery
from adapters.pipeline import decide
from adapters.received import check
from broker import carried, jws, receipts, sdjwt
from broker.directory import Directory
from broker.errors import TrustError
from broker.heartbeats import beat_id, make_heard, verify_passed
from schemas import codec
from schemas.errors import RefusedError
from tests.adapters.test_app import CONTEXT, KNOWN, MEMBER
from tests.adapters.test_erasing import ORDER, notice
from tests.broker.test_heartbeats import text as beat
from tests.support.issuing import (
    HUB,
    NOW,
    Feed,
    directory,
    draft,
    key_entry,
    member,
    service,
    signer,
    stamped,
)
from tests.support.sinks import delivery

ID = "d-" + "a" * 32


def record(**more) -> Delivery:
    """A delivery as the adapter makes it."""
    decided = decide(stamped(Feed().message(draft(1), **more)), CONTEXT, now=NOW)
    return as_delivery(decided.rows[0])


def as_delivery(row, **more) -> Delivery:
    names = set(Delivery.__struct_fields__) & set(row.__struct_fields__)
    fields = {name: getattr(row, name) for name in names}
    made = {"delivery_id": ID, "number": 1, "attempt": 1, "sink": "queue"}
    return Delivery(**{**fields, **made, **more})


def heartbeat() -> Delivery:
    text = beat()
    heard = make_heard(HUB, heartbeat=beat_id(text), seen=int(NOW), lacks=[])
    passed = verify_passed(text + b"\n" + heard, KNOWN, now=NOW)
    return delivery(
        kind="heartbeat", sub=gaps.sub_of(passed), issuer="cert-aq", ver="2026-03-01T12:00:00.000Z", token_id=beat_id(text), evidence=text,
        receipt=heard, projection=b"{}", delivery_id=ID,
    )  # fmt: skip


def erasure() -> Delivery:
    return as_delivery(notice(), receipt=notice().evidence)


KINDS = {"record": record(), "heartbeat": heartbeat(), "erasure": erasure()}


def reason(item, known: Directory = KNOWN, now=NOW):
    try:
        check(item, known, now=now)
    except RefusedError as error:
        return error.reason
    return ""


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_hub_sends_is_read_as_it_was_and_holds(kind):
    item = changed(KINDS[kind], sink="queue", basis="", until=math.inf)
    back = enveloping.decode(
        enveloping.encode(item), delivery_id=ID, member=item.member
    )
    assert back == item
    assert reason(item) == ""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["issuer", "sub", "ver", "tlp", "token_id", "kind"])
def test_what_the_hub_says_beside_the_signed_text_agrees_with_it(kind, name):
    other = {"issuer": "cert-bv", "kind": "campaign", "token_id": "B" * 43}
    item = changed(KINDS[kind], **{name: other.get(name, "other")})
    if name == "kind" and kind != "record":
        return
    assert reason(item) == "delivery-invalid"


def test_a_notices_marking_is_a_marking_and_not_signed():
    assert reason(changed(erasure(), tlp="RED")) == ""
    assert reason(changed(erasure(), tlp="red")) == "delivery-invalid"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["evidence", "receipt"])
def test_a_changed_signature_is_refused(kind, name):
    item = KINDS[kind]
    if kind == "erasure" and name == "receipt":
        return  # it has none
    text = getattr(item, name)
    at = text.rindex(b".") + 1
    other = b"B" if text[at : at + 1] == b"A" else b"A"
    spoilt = changed(item, **{name: text[:at] + other + text[at + 1 :]})
    assert reason(spoilt) in ("signature", "receipt-mismatch")


def test_evidence_that_was_cut_further_is_not_what_the_receipt_says():
    item = record()
    jwt, rest = item.evidence.split(b"~", 1)
    cut = b"~".join([jwt, *rest.split(b"~")[1:]])
    assert reason(changed(item, evidence=cut)) == "receipt-mismatch"


def test_a_receipt_is_of_a_view_and_so_says_nothing_of_parts_sealed_to_one_member():
    item = record()
    said = receipts.verify(item.receipt, KNOWN, now=NOW)
    whole = carried.decode(item.evidence)
    sealed = carried.encode(changed(whole, sealed=(b"AAAA",)))
    receipts.held_against(said, evidence=sealed)
    receipts.held_against(said, projection=item.projection)
    with pytest.raises(TrustError, match="receipt-mismatch"):
        receipts.held_against(changed(said, token="B" * 43), evidence=sealed)


def test_another_projection_is_refused():
    other = changed(record(), projection=b'{"type":"bundle"}')
    assert reason(other) == "receipt-mismatch"


def without(org, **more):
    """The directory with another key entry of *org*."""
    entry = key_entry(org, **more)
    if org == "hub":
        return directory(service(keys=(entry,)))
    return directory(member(org, keys=(entry,)))


def test_an_issuers_key_that_was_given_up_since_counts_and_a_stolen_one_does_not():
    later = "2026-03-01T13:00:00Z"
    item, now = record(), NOW + 7200
    given_up = without("cert-aq", revoked_at=later, revocation_reason="superseded")
    stolen = without("cert-aq", revoked_at=later, revocation_reason="compromised")
    assert reason(item, given_up, now) == ""
    assert reason(item, stolen, now) == "not-under-head"


def test_what_is_decided_again_later_was_there_when_the_gate_first_saw_it():
    """Or whoever gets a replay could not use what was valid when it came."""
    given_up = without(
        "cert-aq",
        revoked_at="2026-03-01T13:00:00Z",
        revocation_reason="superseded",
    )
    now = NOW + 7200
    arrived = stamped(Feed().message(draft(1)))
    again = as_delivery(decide(arrived, CONTEXT, now=now).rows[0])
    assert receipts.verify(again.receipt, given_up, now=now).iat == now
    assert reason(again, given_up, now) == ""
    seen_late = stamped(Feed().message(draft(1)), seen=int(now))
    late = as_delivery(decide(seen_late, CONTEXT, now=now).rows[0])
    assert reason(late, given_up, now) == "key-revoked"


@pytest.mark.parametrize("kind", KINDS)
def test_a_stolen_key_of_the_hub_says_nothing(kind):
    known = without(
        "hub", revoked_at="2026-03-01T13:00:00Z", revocation_reason="compromised"
    )
    assert reason(KINDS[kind], known, NOW + 7200) == "key-revoked"


def test_the_notice_of_an_erasure_says_the_same_twice():
    said = json.loads(notice().projection)
    other = json.dumps({**said, "sub": "incident--other"}).encode()
    assert reason(changed(erasure(), projection=other)) == "delivery-invalid"
    assert reason(changed(erasure(), projection=b"[")) == "delivery-invalid"


def test_a_notice_is_of_the_hub_alone():
    def signed_by(who, iss):
        said = json.loads(notice().projection)
        claims = {"iss": iss, "iat": ORDER.at, **said}
        made = jws.compact(erasing.TYP, codec.encode_json(claims), who)
        return changed(
            erasure(), evidence=made, receipt=made, token_id=sdjwt.digest(made)
        )

    assert reason(signed_by(HUB, "urn:tocsin:org:hub")) == ""
    assert reason(signed_by(HUB, "urn:tocsin:org:other")) == "delivery-invalid"
    no_object = jws.compact(erasing.TYP, b"[]", HUB)
    assert reason(changed(erasure(), evidence=no_object)) == "delivery-invalid"
    assert reason(signed_by(signer("cert-aq"), "urn:tocsin:org:hub")) == "unknown-key"


@pytest.mark.parametrize(
    "change",
    [
        {"type": "record.Incident"},
        {"type": "record.heartbeat"},
        {"type": "record.erasure"},
        {"type": "incident"},
        {"number": 0},
        {"number": "7"},
        {"evidence": "é"},
        {"evidence": 7},
        {"token_id": "short"},
        {"issuer": "Cert AQ"},
    ],
)
def test_what_is_no_delivery_is_refused_without_a_word_of_it(change):
    said = json.loads(enveloping.encode(record()))
    for name, value in change.items():
        (said if name == "type" else said["data"])[name] = value
    with pytest.raises(TrustError) as caught:
        enveloping.decode(json.dumps(said).encode(), delivery_id=ID, member=MEMBER)
    assert str(caught.value) == "delivery-invalid"


def test_another_message_id_than_the_hub_makes_is_refused():
    with pytest.raises(TrustError):
        enveloping.decode(
            enveloping.encode(record()), delivery_id="../x", member=MEMBER
        )


def test_what_later_versions_add_is_passed_over():
    said = json.loads(enveloping.encode(heartbeat()))
    said["data"]["more"] = said["more"] = 1
    body = msgspec.json.encode(said)
    assert enveloping.decode(body, delivery_id=ID, member=MEMBER).kind == "heartbeat"


@given(st.binary() | st.just(b"[" * 100_000))
def test_arbitrary_bytes_raise_our_error_only(body):
    with pytest.raises(TrustError):
        enveloping.decode(body, delivery_id=ID, member=MEMBER)
