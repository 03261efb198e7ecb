"""Reports of what was delivered: signed by an adapter of the hub, and strictly read."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import base64url, delivery_reports
from broker.delivery_reports import MAX_BYTES, MAX_NAMED, MAX_RECORDS, Named, Reached
from broker.errors import TrustError
from schemas.reasons import REASONS
from tests.support import records
from tests.support.issuing import (
    HUB,
    NOW,
    directory,
    key_entry,
    member,
    service,
    signer,
)
from tests.support.suspended import suspended

TOKEN = records.sha(b"a token")
MINUTE = int(NOW) // 60 * 60
REACHED = Reached(TOKEN, 3, MINUTE, (Named("platform-x", MINUTE),))


def sent(*reached, by=HUB, adapter="main", issuer="cert-aq", now=NOW):
    return delivery_reports.message(
        reached or (REACHED,), adapter=adapter, issuer=issuer, signer=by, now=now
    )


def read(message, to="cert-aq", known=None, now=NOW):
    return delivery_reports.verify(message, to, known or directory(), now=now)


def is_refused(message, **more):
    with pytest.raises(TrustError) as caught:
        read(message, **more)
    assert caught.value.reason in REASONS
    return caught.value.reason == "report-invalid"


def resigned(message, by=HUB, header=None, **changes):
    """Change the payload, and sign it again."""
    parts = [base64url.decode(part) for part in message.body.split(b".")]
    head = json.loads(parts[0]) | (header or {})
    payload = json.loads(parts[1]) | changes
    signing_input = b".".join(
        base64url.encode(json.dumps(part).encode()) for part in (head, payload)
    )
    signature = base64url.encode(by.sign(signing_input))
    return msgspec.structs.replace(message, body=signing_input + b"." + signature)


def test_a_report_comes_back_as_it_was_given():
    message = sent()
    report = read(message)
    assert report.records == (REACHED,)
    assert (report.adapter, report.iat) == ("main", MINUTE)
    assert message.routing_key == "adapter-main.cert-aq.delivered"
    assert sent(Reached(TOKEN, 1, MINUTE)).message_id != message.message_id
    assert sent().message_id == message.message_id


def test_the_moment_of_a_report_is_that_of_a_whole_minute():
    assert read(sent(now=NOW + 59), now=NOW + 59).iat == MINUTE


def test_the_largest_report_is_within_the_limit():
    names = tuple(Named("a" * 37 + f"{n:04}", MINUTE) for n in range(MAX_NAMED))
    many = [
        Reached(records.sha(b"%d" % n), 1_000_000, MINUTE) for n in range(MAX_RECORDS)
    ]
    many[0] = msgspec.structs.replace(many[0], named=names)
    message = sent(*many)
    assert len(message.body) < MAX_BYTES
    assert len(read(message).records) == MAX_RECORDS


def spelled(**changes):
    plain = {
        "token": TOKEN,
        "members": 3,
        "at": MINUTE,
        "named": [{"org": "platform-x", "at": MINUTE}],
    }
    return {"records": [plain | changes]}


TWICE = [{"org": "platform-x", "at": MINUTE}] * 2


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "urn:tocsin:org:cert-aq"},
        {"aud": "urn:tocsin:org:cert-bv"},
        {"adapter": "other"},
        {"adapter": "Main"},
        {"iat": -1},
        {"iat": int(NOW) + 3600},
        {"iat": 0},
        {"more": 1},
        {"records": []},
        {"records": [spelled()["records"][0]] * (MAX_RECORDS + 1)},
        spelled(token="short"),
        spelled(members=0),
        spelled(members=1_000_001),
        spelled(at="now"),
        spelled(why="text"),
        spelled(named=TWICE),
        spelled(members=1, named=[TWICE[0], {"org": "cert-bv", "at": MINUTE}]),
        spelled(named=[{"org": "A person", "at": MINUTE}]),
    ],
)
def test_what_is_not_exactly_a_report_is_refused(changes):
    assert is_refused(resigned(sent(), **changes))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "vnd.tocsin.answer+jwt"},
        {"alg": "ES256"},
        {"kid": "hub/unknown"},
        {"kid": signer("cert-aq").kid},
        {"more": 1},
    ],
)
def test_another_header_is_refused(header):
    assert is_refused(resigned(sent(), header=header))


@pytest.mark.parametrize(
    "body", [b"", b"a.b", b"a.b.c.d", b"{}", b"." * (MAX_BYTES + 1)]
)
def test_what_is_no_jws_is_refused(body):
    assert is_refused(msgspec.structs.replace(sent(), body=body))


def test_a_member_signs_no_report():
    assert is_refused(sent(by=signer("cert-bv")))


def test_a_signature_of_another_key_is_refused():
    assert is_refused(resigned(sent(), by=signer("cert-bv")))


def test_a_service_that_is_no_adapter_signs_no_report():
    assert is_refused(sent(), known=directory(service(services=("gate",))))


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": "adapter-other"},
        {"user_id": "cert-bv"},
        {"routing_key": "adapter-main.cert-bv.delivered"},
        {"routing_key": "adapter-main.cert-aq.action"},
        {"routing_key": "adapter-main.cert-aq.delivered.more"},
    ],
)
def test_a_report_that_came_another_way_is_refused(changes):
    assert is_refused(msgspec.structs.replace(sent(), **changes))


def test_a_report_to_somebody_else_is_refused():
    assert is_refused(sent(), to="cert-bv")


def test_a_key_that_is_compromised_or_suspended_or_over_reports_nothing():
    revoked = service(
        keys=(key_entry("hub", revoked_at="2026-02-28T00:00:00Z"),),
    )
    assert is_refused(sent(), known=directory(revoked))
    assert is_refused(sent(), known=suspended(directory(), "hub", NOW))
    assert is_refused(sent(now=NOW + 400 * 86_400), now=NOW + 400 * 86_400)


def test_a_key_that_began_within_the_minute_counts():
    fresh = service(keys=(key_entry("hub", not_before="2026-03-01T12:00:30Z"),))
    assert read(sent(now=NOW + 40), known=directory(fresh), now=NOW + 40)


def test_members_are_not_needed_to_read_it():
    assert read(sent(), known=directory(member("platform-x")))


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_and_nothing_else_happens(body):
    assert is_refused(msgspec.structs.replace(sent(), body=body))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.sampled_from(["iss", "adapter", "aud", "iat", "records"]), _json)
def test_whatever_an_adapter_signs_is_a_report_or_refused(name, value):
    message, reason = resigned(sent(), **{name: value}), ""
    try:
        report = read(message)
    except TrustError as error:
        reason = error.reason
    assert reason == "report-invalid" or (name, report.iat) == ("iat", value)
