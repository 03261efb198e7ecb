"""Receipts: signed, exact about bytes, blurred about numbers, silent about members."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.receipts import TYP, bucket, receipt, withheld
from broker import base64url
from broker.keys import PublicKey
from broker.seen import Seen, Stamp
from tests.support.records import signer
from tests.support.views import (
    CIVIL,
    INCIDENT,
    NOW,
    PEER,
    PERIOD,
    PERSON,
    POLICY,
    SAMPLES,
    STRICT,
    VIEWS,
    cut,
    cut_new,
    decoded,
    marked,
    sample,
)

HUB = signer("hub")


STAMP = Stamp(token="t", seen=NOW, pos=7, prev="p", link="l")


def receipt_of(redacted, now=NOW, head=""):
    return receipt(redacted, Seen(STAMP, head), HUB, now=now)


def claims_of(redacted, **more):
    return decoded(receipt_of(redacted, **more))[1]


def sha256(data):
    return base64url.encode(hashlib.sha256(data).digest()).decode()


def test_a_receipt_is_signed_by_the_adapter():
    signed = receipt_of(cut(sample("election-leak"), PEER))
    header = decoded(signed)[0]
    assert header == {"alg": "EdDSA", "kid": HUB.kid, "typ": TYP}
    body, _, signature = signed.rpartition(b".")
    key = PublicKey(HUB.jwk)
    assert key.verify(base64url.decode(signature), body)
    assert not key.verify(base64url.decode(signature), body + b"x")


def test_a_receipt_says_what_came_in_and_what_goes_out():
    record = sample("election-leak")
    redacted = cut(record, CIVIL)
    texts = [d.text for d in record.opened.disclosures]
    claims = claims_of(redacted)
    assert claims["iss"] == "urn:tocsin:org:hub"
    assert claims["iat"] == NOW
    assert claims["token"] == record.token_id
    assert claims["received"] == sha256(b"~".join([record.opened.jwt, *texts, b""]))
    assert claims["evidence"] == sha256(redacted.evidence)
    assert claims["projection"] == sha256(redacted.projection)
    assert claims["policy"] == {
        "id": "default",
        "version": POLICY.version,
        "sha256": POLICY.sha256,
    }


@pytest.mark.parametrize("to", VIEWS.values(), ids=VIEWS)
def test_a_receipt_names_the_audience_and_no_other_fact_of_the_view(to):
    claims = claims_of(cut(sample("bank-phishing"), to))
    assert claims["audience"] == to.audience
    assert set(claims) - {"period"} == {
        "iss", "iat", "token", "audience", "received", "evidence", "projection",
        "policy", "withheld", "chain",
    }  # fmt: skip


def test_a_receipt_names_the_period_of_pseudonyms_where_there_are_any():
    assert claims_of(cut_new(PEER, INCIDENT, PERSON))["period"] == PERIOD
    assert "period" not in claims_of(cut_new(PEER, INCIDENT))
    assert "period" not in claims_of(cut_new(CIVIL, INCIDENT, PERSON))


def test_a_receipt_passes_on_the_place_in_the_chain_and_the_newest_head():
    redacted = cut(sample("election-leak"), PEER)
    assert claims_of(redacted)["chain"] == {"pos": 7, "link": "l", "seen": NOW}
    assert "head" not in claims_of(redacted)
    assert claims_of(redacted, head="a.b.c")["head"] == "a.b.c"


@pytest.mark.parametrize("name", SAMPLES)
def test_a_receipt_blurs_its_numbers_and_gives_reasons_only(name):
    redacted = cut(sample(name), CIVIL)
    said = claims_of(redacted)["withheld"]
    assert said == withheld(redacted.reasons)
    assert list(said) == sorted(said)
    others = {r for r in redacted.reasons if not r.startswith(("tlp-", "granular-"))}
    assert said.keys() - {"marked"} == others


@pytest.mark.parametrize("group", ["minors", "survivors", "defenders"])
@pytest.mark.parametrize("to", VIEWS.values(), ids=VIEWS)
def test_a_receipt_does_not_tell_a_protected_person_from_a_stricter_mark(to, group):
    protected = cut_new(to, INCIDENT, PERSON | {"labels": [f"protect:{group}"]})
    strict = cut_new(to, INCIDENT, marked(PERSON, STRICT))
    assert {"protected", "held"} & protected.reasons.keys()
    assert claims_of(protected)["withheld"] == claims_of(strict)["withheld"]
    assert claims_of(strict)["withheld"] == {"marked": "1"}


def test_reasons_of_all_marks_are_counted_as_one():
    counts = {"tlp-clearance": 1, "held": 4, "protected": 5, "iep-actions": 0}
    counts |= {"policy-drop": 1, "guard": 11}
    assert withheld(counts) == {"guard": "10-99", "marked": "10-99", "policy-drop": "1"}


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_bucket_never_shrinks_as_the_count_grows(one, other):
    words = ["1", "2-9", "10-99", "100-999", "1000+"]
    places = [words.index(bucket(count)) for count in sorted((one, other))]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("count", "word"),
    [
        (1, "1"), (2, "2-9"), (9, "2-9"), (10, "10-99"), (99, "10-99"), (100, "100-999"),
        (999, "100-999"), (1000, "1000+"),
    ],
)  # fmt: skip
def test_the_bounds_of_the_buckets(count, word):
    assert bucket(count) == word
