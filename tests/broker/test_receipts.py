"""Receipts, read by who got them: the adapter's, or refused with a reason."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import receipts as making
from broker import base64url, receipts
from broker.directory import Agreed
from broker.errors import TrustError
from broker.seen import Seen, Stamp
from schemas.errors import RefusedError
from tests.support.chains import START
from tests.support.issuing import HUB, directory, key_entry, service, signer
from tests.support.receipts import DIGEST, claims, signed
from tests.support.suspended import suspended
from tests.support.views import CIVIL, cut, sample

KNOWN = directory()
LATER = START + 86_400


def refused(text, known=KNOWN, now=LATER, **more):
    with pytest.raises(TrustError) as caught:
        receipts.verify(text, known, now=now, **more)
    return caught.value.reason


def test_what_an_adapter_signs_is_read():
    redacted = cut(sample("election-leak"), CIVIL)
    stamp = Stamp(token="t", seen=START, pos=7, prev=DIGEST, link=DIGEST)
    text = making.receipt(redacted, Seen(stamp, "head"), HUB, now=START)
    found = receipts.verify(text, KNOWN, now=START)
    assert found.token == redacted.verified.token_id
    assert found.withheld == making.withheld(redacted.reasons)
    assert found.withheld
    assert (found.chain.pos, found.head) == (7, "head")
    assert found.policy.sha256 == redacted.policy_sha256
    assert (found.period or "") == redacted.period
    assert len(text) < receipts.MAX_BYTES / 4
    header = json.loads(base64url.decode(text.partition(b".")[0]))
    assert header["typ"] == receipts.TYP == "vnd.tocsin.receipt+jwt"


def test_it_says_when_the_gate_first_saw_the_record_and_an_older_one_does_not():
    at_gate = {"pos": 7, "link": DIGEST, "seen": START}
    found = receipts.verify(signed(chain=at_gate, iat=START + 60), KNOWN, now=LATER)
    assert found.first_seen == START
    assert receipts.verify(signed(iat=START + 60), KNOWN, now=LATER).first_seen == (
        START + 60
    )


def test_a_claim_that_is_not_known_yet_does_no_harm():
    assert receipts.verify(signed(later=1), KNOWN, now=LATER).token == DIGEST


@pytest.mark.parametrize("name", sorted(claims()))
def test_every_claim_must_be_there(name):
    assert refused(signed(**{name: None})) == "receipt-invalid"


@pytest.mark.parametrize(
    "more",
    [
        {"iss": "urn:tocsin:org:cert-aq"},
        {"iss": "hub"},
        {"iat": -1},
        {"iat": "1"},
        {"token": "short"},
        {"withheld": {"marked": "3"}},
        {"withheld": {"x" * 101: "1"}},
        {"withheld": {f"r{n}": "1" for n in range(201)}},
        {"chain": {"pos": 0, "link": DIGEST}},
        {"chain": {"pos": 1}},
        {"chain": {"pos": 1, "link": DIGEST, "seen": -1}},
        {"chain": {"pos": 1, "link": DIGEST, "seen": "1"}},
        {"policy": {"id": "default", "version": 1, "sha256": "x"}},
        {"head": "x" * 1025},
        {"audience": "x" * 101},
    ],
)
def test_a_claim_of_another_form_is_refused(more):
    assert refused(signed(**more)) == "receipt-invalid"


@pytest.mark.parametrize(
    "text", [b"", b"a.b.c", b"a.b", signed() + b".", b"x" * 20_000, signed(typ="JWT")]
)
def test_what_is_no_receipt_is_refused(text):
    assert refused(text) == "receipt-invalid"


def test_one_flipped_bit_is_refused():
    text = signed()
    middle = text.index(b".") + 20
    other = b"B" if text[middle : middle + 1] == b"A" else b"A"
    assert refused(text[:middle] + other + text[middle + 1 :]) == "signature"


def test_a_receipt_is_signed_by_an_adapter_of_the_directory():
    assert refused(signed(signer("cert-aq"))) == "unknown-key"
    assert refused(signed(), directory(service(services=("gate",)))) == "unknown-key"
    impostor = signer("hub")
    impostor.alg = "ES256"
    assert refused(signed(impostor)) == "receipt-invalid"


def with_key(**times):
    return directory(service(keys=(key_entry("hub", **times),)))


def test_a_receipt_counts_while_its_key_did():
    at = "2026-03-01T12:10:00Z"  # START + 600, when it was signed
    after = "2026-03-01T12:10:01Z"
    assert receipts.verify(signed(), with_key(not_after=at), now=LATER)
    assert refused(signed(), with_key(not_before=after)) == "key-not-valid"
    assert refused(signed(iat=LATER + 121)) == "key-not-valid"
    assert receipts.verify(signed(iat=LATER + 120), KNOWN, now=LATER)
    for reason in ("superseded", "retired"):
        given_up = {"revocation_reason": reason}
        known = with_key(revoked_at=after, **given_up)
        assert receipts.verify(signed(), known, now=LATER)
        known = with_key(revoked_at=at, **given_up)
        assert refused(signed(), known) == "key-not-valid"


def test_no_receipt_of_a_compromised_key_counts_but_as_what_it_signed():
    known = with_key(revoked_at="2026-03-01T18:00:00Z")
    assert refused(signed(), known) == "key-revoked"
    assert receipts.verify(signed(), known, now=LATER, as_signed=True)
    early = with_key(revoked_at="2026-03-01T12:00:00Z")
    assert receipts.verify(signed(), early, now=LATER, as_signed=True)
    assert receipts.verify(signed(), known, now=START + 600)


@pytest.mark.parametrize(
    ("subject", "reason"), [("hub", "member-suspended"), (HUB.kid, "key-suspended")]
)
def test_no_receipt_counts_while_its_key_is_suspended(subject, reason):
    known = suspended(KNOWN, subject, LATER, LATER + 10)
    assert refused(signed(), known) == reason
    assert receipts.verify(signed(), known, now=LATER + 10)
    assert receipts.verify(signed(), known, now=LATER, as_signed=True)


@given(st.binary(max_size=300), st.integers(0, 2))
def test_any_bytes_are_refused_with_a_reason(data, part):
    parts = signed().split(b".")
    parts[part] = data
    for text in (data, b".".join(parts)):
        if text == signed():
            continue
        with pytest.raises(RefusedError):
            receipts.verify(text, KNOWN, now=LATER)


# ------------------------------------------------- whose policy it was

DAY = 86_400


def agreed(until=None, since=START - 100 * DAY):
    """A signed directory of which a client has seen the policy until then, if at all."""
    policy = claims()["policy"]
    known = {} if until is None else {(policy["id"], policy["sha256"]): until}
    return msgspec.structs.replace(KNOWN, agreed=Agreed(since, known))


def is_signed(known):
    found = receipts.verify(signed(iat=START), KNOWN, now=LATER)
    return receipts.policy_is_signed(found, known)


def not_signed(known):
    with pytest.raises(TrustError) as caught:
        is_signed(known)
    return caught.value.reason


def test_a_policy_that_the_groups_have_signed_is_told_from_one_that_they_have_not():
    assert is_signed(agreed(until=float("inf")))
    assert not_signed(agreed()) == "policy-not-signed"


def test_a_policy_that_was_replaced_counts_for_as_long_as_a_directory_is_used():
    assert is_signed(agreed(until=START - 7 * DAY + 1))
    assert not_signed(agreed(until=START - 7 * DAY)) == "policy-not-signed"


def test_a_policy_of_the_same_name_and_other_bytes_or_the_reverse_is_another():
    policy = claims()["policy"]
    for other in (("other", policy["sha256"]), (policy["id"], "e" * 64)):
        known = Agreed(START - DAY, {other: float("inf")})
        faked = msgspec.structs.replace(KNOWN, agreed=known)
        assert not_signed(faked) == "policy-not-signed"


def test_nothing_is_said_of_a_plain_folder_or_from_before_the_client_knew():
    assert not is_signed(KNOWN)
    assert not is_signed(agreed(since=START + 1))
    assert not_signed(agreed(since=START)) == "policy-not-signed"
