"""Stamps and heads: made by the gate's key alone, about one token, in one chain."""

import base64
import hashlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import seen, trust
from broker.errors import TrustError
from broker.sdjwt import digest, token_id
from broker.seen import (
    HEAD_HEADER,
    MAX_CHARS,
    STAMP_HEADER,
    Head,
    Seen,
    link_of,
    make_head,
    make_stamp,
    may_stamp,
    verify_head,
    verify_headers,
    verify_stamp,
)
from tests.support.issuing import (
    HUB,
    NOW,
    Feed,
    directory,
    draft,
    key_entry,
    service,
    signer,
)
from tests.support.suspended import suspended

DIRECTORY = directory()
TOKEN = "t" * 42 + "A"
OTHER = "o" * 42 + "A"
LINK = "l" * 42 + "A"
SEEN = int(NOW)


def stamp(by=HUB, **changes):
    values = {"token_id": TOKEN, "seen": SEEN, "pos": 1, "prev": "", **changes}
    return make_stamp(by, **values)


def head(by=HUB, **changes):
    return make_head(by, **{"now": SEEN, "pos": 1, "link": LINK, **changes})


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(payload, *, header=None, by=HUB):
    """A JWS put together by hand. Bytes and texts are JSON as they are."""
    header = HEADER if header is None else header
    texts = [
        part if isinstance(part, bytes) else json.dumps(part).encode()
        for part in (header, payload)
    ]
    signing_input = ".".join(map(b64, texts))
    return f"{signing_input}.{b64(by.sign(signing_input.encode()))}"


CLAIMS = {
    "iss": "urn:tocsin:org:hub",
    "token": TOKEN,
    "seen": SEEN,
    "pos": 1,
    "prev": "",
}
HEADER = {"alg": "EdDSA", "kid": HUB.kid, "typ": "vnd.tocsin.seen+jwt"}
HEAD_CLAIMS = {"iss": "urn:tocsin:org:hub", "iat": SEEN, "pos": 1, "link": LINK}
OF_HEAD = HEADER | {"typ": "vnd.tocsin.head+jwt"}


def refuses(text, known=DIRECTORY, *, now=NOW, verify=verify_stamp):
    with pytest.raises(TrustError) as caught:
        verify(text, known, now=now)
    assert str(caught.value) == "seen-invalid"  # and nothing of the text
    return True


# ------------------------------------------------------------------ what is made


def test_a_stamp_is_a_jws_of_exactly_what_the_design_names():
    header, payload, _ = stamp().split(".")
    decoded = [
        json.loads(base64.urlsafe_b64decode(p + "==")) for p in (header, payload)
    ]
    assert decoded == [HEADER, CLAIMS]


def test_a_head_is_a_jws_of_exactly_what_the_design_names():
    header, payload, _ = head().split(".")
    decoded = [
        json.loads(base64.urlsafe_b64decode(p + "==")) for p in (header, payload)
    ]
    assert decoded == [OF_HEAD, HEAD_CLAIMS]


def test_a_stamp_tells_when_its_token_was_seen_and_where_it_stands():
    text = stamp(pos=2, prev=LINK)
    found = verify_stamp(text, DIRECTORY, now=NOW)
    assert (found.token, found.seen, found.pos, found.prev) == (TOKEN, SEEN, 2, LINK)
    assert found.link == link_of(text)
    assert found.seen_of(TOKEN) == SEEN


def test_a_link_is_the_hash_of_what_was_signed_as_a_token_id_is():
    text = stamp()
    signed = text.rpartition(".")[0].encode()
    assert link_of(text) == b64(hashlib.sha256(signed).digest())
    assert link_of(text) == token_id(text.encode())


def test_a_head_tells_how_far_the_chain_goes():
    assert verify_head(head(), DIRECTORY, now=NOW) == Head(SEEN, 1, LINK)
    assert verify_head(head(pos=0, link=""), DIRECTORY, now=NOW) == Head(SEEN, 0, "")


def test_what_is_made_by_hand_from_the_design_verifies():
    assert verify_stamp(forged(CLAIMS), DIRECTORY, now=NOW).pos == 1
    text = forged(HEAD_CLAIMS, header=OF_HEAD)
    assert verify_head(text, DIRECTORY, now=NOW).pos == 1


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=40))
def test_the_longest_stamp_is_far_below_the_cap(name):
    by = signer("a" + name)
    long = stamp(by, pos=2**53 - 1, prev=LINK, seen=2**53 - 1)
    assert len(long) < MAX_CHARS - 300


# ------------------------------------------------------------------ attacks


def test_a_stamp_put_onto_another_token_is_refused():
    found = verify_stamp(stamp(), DIRECTORY, now=NOW)
    with pytest.raises(TrustError, match="seen-invalid"):
        found.seen_of(OTHER)


def test_a_stamp_signed_by_a_member_is_refused():
    member = signer("cert-aq")
    assert refuses(stamp(member))
    # Also in the hub's name, with its key id stated.
    impostor = signer("cert-aq")
    impostor.org, impostor.kid = HUB.org, HUB.kid
    assert refuses(stamp(impostor))


def test_a_stamp_of_a_hub_that_runs_no_gate_is_refused():
    known = directory(service(services=("adapter",)))
    assert refuses(stamp(), known)
    assert refuses(head(), known, verify=verify_head)


def test_a_stamp_under_the_name_of_another_service_is_refused():
    known = directory(service("other-hub"))
    borrowed = CLAIMS | {"iss": "urn:tocsin:org:other-hub"}
    assert refuses(forged(borrowed), known)
    assert verify_stamp(stamp(signer("other-hub")), known, now=NOW)


def test_no_stamp_of_a_revoked_key_counts_whatever_moment_it_states():
    key = key_entry("hub", revoked_at="2026-03-01T12:00:00Z")  # NOW
    known = directory(service(keys=(key,)))
    for moment in (SEEN - 86_400, SEEN - 1, SEEN):
        assert refuses(stamp(seen=moment), known, now=NOW)
        assert refuses(head(now=moment), known, now=NOW, verify=verify_head)
    # Before the moment of the revocation it is a key like any other.
    assert verify_stamp(stamp(seen=SEEN - 5), known, now=NOW - 1)


@pytest.mark.parametrize("reason", ["superseded", "retired"])
def test_what_a_key_stamped_before_it_was_given_up_counts(reason):
    key = key_entry(
        "hub", revoked_at="2026-03-01T12:00:00Z", revocation_reason=reason
    )  # NOW
    known = directory(service(keys=(key,)))
    for now in (NOW - 1, NOW, NOW + 999):
        assert verify_stamp(stamp(seen=SEEN - 1), known, now=now)
        assert verify_head(head(now=SEEN - 1), known, now=now)
        assert refuses(stamp(seen=SEEN), known, now=now)
        assert refuses(head(now=SEEN), known, now=now, verify=verify_head)


@pytest.mark.parametrize("subject", ["hub", HUB.kid])
def test_no_stamp_counts_while_the_gate_or_its_key_is_suspended(subject):
    known = suspended(DIRECTORY, subject, NOW, NOW + 60)
    for now in (NOW, NOW + 59):
        assert refuses(stamp(seen=SEEN - 5), known, now=now)
        assert refuses(head(now=SEEN - 5), known, now=now, verify=verify_head)
        assert not may_stamp(HUB, known, now=now)
    for now in (NOW - 1, NOW + 60):
        assert verify_stamp(stamp(seen=SEEN - 5), known, now=now)


def test_a_stamp_from_outside_the_validity_of_its_key_is_refused():
    key = key_entry(
        "hub", not_before="2026-03-01T11:00:00Z", not_after="2026-03-01T12:00:00Z"
    )
    known = directory(service(keys=(key,)))
    for moment in (SEEN - 3600, SEEN):
        assert verify_stamp(stamp(seen=moment), known, now=NOW + 999)
    for moment in (SEEN - 3601, SEEN + 1):
        assert refuses(stamp(seen=moment), known, now=NOW + 999)
        assert refuses(head(now=moment), known, now=NOW + 999, verify=verify_head)


def test_a_stamp_from_the_future_is_refused():
    assert verify_stamp(stamp(seen=SEEN + 120), DIRECTORY, now=NOW)
    assert refuses(stamp(seen=SEEN + 121))
    assert refuses(head(now=SEEN + 121), verify=verify_head)


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_a_stamp_with_one_claim_changed_on_the_way_is_refused(name):
    # The moment moved to before a revocation is the attack that it is there for.
    other = {"seen": SEEN - 86_400, "pos": 2, "prev": LINK, "token": OTHER}
    changed = CLAIMS | {name: other.get(name, "urn:tocsin:org:cert-aq")}
    header, _, signature = stamp().split(".")
    payload = b64(json.dumps(changed).encode())
    assert refuses(f"{header}.{payload}.{signature}")


@pytest.mark.parametrize(
    "claims",
    [
        *({k: v for k, v in CLAIMS.items() if k != name} for name in CLAIMS),
        CLAIMS | {"nbf": 1},
        CLAIMS | {"seen": float(SEEN)},
        CLAIMS | {"seen": str(SEEN)},
        CLAIMS | {"seen": True},
        CLAIMS | {"seen": -1},
        CLAIMS | {"seen": None},
        CLAIMS | {"pos": 0},
        CLAIMS | {"pos": 0, "prev": LINK},
        CLAIMS | {"pos": -1, "prev": LINK},
        CLAIMS | {"pos": 1, "prev": LINK},
        CLAIMS | {"pos": 2, "prev": ""},
        CLAIMS | {"pos": 2**53, "prev": LINK},
        CLAIMS | {"pos": 2, "prev": LINK[:-1]},
        CLAIMS | {"pos": 2, "prev": LINK[:-1] + "B"},  # spare bits that are not zero
        CLAIMS | {"pos": 2, "prev": LINK + "\n"},
        CLAIMS | {"token": ""},
        CLAIMS | {"token": TOKEN + "="},
        CLAIMS | {"iss": "urn:tocsin:org:cert-aq"},
        CLAIMS | {"iss": "hub"},
        [],
        b"",
        b"no JSON",
        json.dumps(CLAIMS)[:-1].encode() + b',"pos":1}',  # a repeated key
    ],
)
def test_a_signed_stamp_of_any_other_form_is_refused(claims):
    assert refuses(forged(claims))


@pytest.mark.parametrize(
    "claims",
    [
        *({k: v for k, v in HEAD_CLAIMS.items() if k != name} for name in HEAD_CLAIMS),
        HEAD_CLAIMS | {"token": TOKEN},
        HEAD_CLAIMS | {"pos": 0},
        HEAD_CLAIMS | {"link": ""},
        HEAD_CLAIMS | {"iat": float(SEEN)},
        HEAD_CLAIMS | {"iss": "urn:tocsin:org:cert-aq"},
    ],
)
def test_a_signed_head_of_any_other_form_is_refused(claims):
    assert refuses(forged(claims, header=OF_HEAD), verify=verify_head)


@pytest.mark.parametrize(
    "header",
    [
        *({k: v for k, v in HEADER.items() if k != name} for name in HEADER),
        HEADER | {"typ": "vnd.tocsin.record+sd-jwt"},
        HEADER | {"typ": "vnd.tocsin.receipt+jwt"},
        HEADER | {"typ": "JWT"},
        HEADER | {"alg": "none"},
        HEADER | {"alg": "HS256"},
        HEADER | {"alg": "ES256"},
        HEADER | {"kid": "hub/unknown"},
        HEADER | {"jwk": {"kty": "OKP"}},
        HEADER | {"crit": ["exp"]},
        [],
        b"no JSON",
    ],
)
def test_a_stamp_with_any_other_header_is_refused(header):
    assert refuses(forged(CLAIMS, header=header))


def test_stamp_and_head_cannot_stand_for_each_other():
    assert refuses(head())
    assert refuses(stamp(), verify=verify_head)
    assert refuses(forged(CLAIMS, header=OF_HEAD), verify=verify_head)


def test_another_signature_under_a_stamp_is_refused():
    one, two = stamp(), stamp(token_id=OTHER)
    signing_input, _, _ = one.rpartition(".")
    assert refuses(f"{signing_input}.{two.rpartition('.')[2]}")
    assert refuses(f"{signing_input}.")
    assert refuses(f"{signing_input}.AAAA")


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "..", "...", "a.b.c", "é.é.é", "\ud800", "A" * 10**6, 7, 0, True, -(2**63),
    ],
)  # fmt: skip
def test_what_is_no_stamp_is_refused(text):
    assert refuses(text)
    assert refuses(text, verify=verify_head)


def test_nothing_is_parsed_of_a_text_that_is_too_long(monkeypatch):
    def decode(*_):
        pytest.fail("it was looked into")

    monkeypatch.setattr(seen.base64url, "decode", decode)
    assert refuses(stamp() + "A" * MAX_CHARS)


def test_the_claims_are_parsed_only_after_the_signature_holds(monkeypatch):
    parsed = []
    original = seen.codec.decode_json

    def decode(data, **more):
        parsed.append(data)
        return original(data, **more)

    monkeypatch.setattr(seen.codec, "decode_json", decode)
    header, payload, _ = stamp().split(".")
    assert refuses(f"{header}.{payload}.{b64(bytes(64))}")
    assert len(parsed) == 1


@given(
    st.text(max_size=300)
    | st.binary(max_size=200).map(lambda b: "..".join([b64(b)] * 2))
)
def test_any_text_raises_our_error_alone(text):
    assert refuses(text)


# ------------------------------------------------------------------ of a message


def headers(**changes):
    values = {STAMP_HEADER: stamp(), HEAD_HEADER: head(pos=9), **changes}
    return {name: value for name, value in values.items() if value is not None}


def refused_headers(**changes):
    with pytest.raises(TrustError) as caught:
        verify_headers(headers(**changes), DIRECTORY, now=NOW)
    return caught.value.reason


def test_a_message_tells_stamp_and_head():
    found = verify_headers(headers(), DIRECTORY, now=NOW)
    assert found == Seen(verify_stamp(stamp(), DIRECTORY, now=NOW), head(pos=9))


def test_before_the_first_head_there_is_none():
    found = verify_headers(headers(**{HEAD_HEADER: None}), DIRECTORY, now=NOW)
    assert found.head == ""


def test_a_message_without_a_stamp_is_refused_for_that():
    assert refused_headers(**{STAMP_HEADER: None}) == "seen-missing"
    with pytest.raises(TrustError, match="seen-missing"):
        verify_headers({}, DIRECTORY, now=NOW)


@pytest.mark.parametrize("value", [0, 1772366400, True, "", "x", "A" * 30_000])
@pytest.mark.parametrize("name", [STAMP_HEADER, HEAD_HEADER])
def test_a_header_that_is_no_jws_is_refused(name, value):
    assert refused_headers(**{name: value}) == "seen-invalid"


def test_a_head_that_contradicts_the_stamp_is_refused():
    link = link_of(stamp(pos=5, prev=LINK))
    before, here = head(pos=4, link=LINK), head(pos=5, link=link)
    for right in (before, here, head(pos=3), head(pos=6), head(pos=0, link="")):
        values = headers(**{STAMP_HEADER: stamp(pos=5, prev=LINK), HEAD_HEADER: right})
        assert verify_headers(values, DIRECTORY, now=NOW).head == right
    for wrong in (head(pos=4, link=link), head(pos=5, link=LINK)):
        values = {STAMP_HEADER: stamp(pos=5, prev=LINK), HEAD_HEADER: wrong}
        assert refused_headers(**values) == "seen-invalid"


def test_without_a_gate_in_the_directory_every_message_is_refused():
    nobody = msgspec.structs.replace(DIRECTORY, services={})
    with pytest.raises(TrustError, match="seen-invalid"):
        verify_headers(headers(), nobody, now=NOW)


def test_a_stamp_costs_one_verification_and_an_hour_of_one_head_another(monkeypatch):
    [known] = DIRECTORY.services.values()
    counted = []
    original = type(known.key.key).verify

    def verify(key, signature, data):
        counted.append(data)
        return original(key, signature, data)

    monkeypatch.setattr(type(known.key.key), "verify", verify)
    newest = head(pos=77)
    for pos in range(2, 12):
        one = stamp(pos=pos, prev=LINK)
        verify_headers({STAMP_HEADER: one, HEAD_HEADER: newest}, DIRECTORY, now=NOW)
    assert len(counted) == 10 + 1


# ------------------------------------------------------------------ the gate's own key


def test_a_gate_knows_whether_its_key_would_be_taken():
    unnamed = msgspec.structs.replace(signer("other").jwk, kid=msgspec.UNSET)
    assert may_stamp(HUB, DIRECTORY, now=NOW)
    for known in (
        msgspec.structs.replace(DIRECTORY, services={}),
        directory(service(services=("adapter",))),
        directory(service(keys=(key_entry("hub", revoked_at="2026-03-01T12:00:00Z"),))),
        directory(service(keys=(key_entry("hub", not_after="2026-03-01T11:59:59Z"),))),
        directory(service(keys=(key_entry("hub", not_before="2026-03-01T12:00:01Z"),))),
        directory(service(keys=(key_entry("hub", jwk=unnamed),))),
    ):
        assert not may_stamp(HUB, known, now=NOW)
        assert refuses(stamp(), known)


def test_a_gate_that_states_another_algorithm_than_its_key_has_may_not_stamp():
    other = signer("hub")
    other.alg = "ES256"
    assert not may_stamp(other, DIRECTORY, now=NOW)


def test_a_record_of_a_service_key_is_no_record():
    feed = Feed("hub")
    with pytest.raises(TrustError, match="unknown-key"):
        DIRECTORY.key(feed.signer.kid)
    with pytest.raises(TrustError, match="unknown-key"):
        trust.verify(feed.sign(draft()), DIRECTORY, now=NOW)


# -- a stamp that a link names


def test_a_link_vouches_for_its_stamp_without_a_signature():
    text = stamp()
    signed = text.rpartition(".")[0].encode()
    assert seen.stamp_of(link_of(text), signed) == verify_stamp(
        text, DIRECTORY, now=NOW
    )


@pytest.mark.parametrize(
    "signed",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"x" * 2000, id="too long"),
        pytest.param(b"a.b.c", id="three parts"),
        pytest.param(b"no-json.e30", id="no JSON"),
        pytest.param(head().rpartition(".")[0].encode(), id="a head"),
        pytest.param(forged(CLAIMS | {"pos": 2}).rpartition(".")[0].encode(), id="pos"),
        pytest.param(forged({}).rpartition(".")[0].encode(), id="no claims"),
    ],
)
def test_what_a_link_names_must_be_a_stamp(signed):
    link = digest(signed)
    with pytest.raises(TrustError) as caught:
        seen.stamp_of(link, signed)
    assert caught.value.reason == "seen-invalid"
    right = stamp().rpartition(".")[0].encode()
    with pytest.raises(TrustError):
        seen.stamp_of(link, right)
