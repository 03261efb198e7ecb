"""A request to join: what it proves, and which ones no hub takes."""

import json

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from broker import base64url, jws
from broker.certificates import MAX_REQUEST_BYTES, make_request
from broker.errors import TrustError
from broker.join_request import MAX_BYTES, TYP, Request, fingerprint, make, read
from broker.seal_keys import PrivateSealingKey
from schemas.errors import RefusedError
from tests.support.records import CERT, NOW, PLATFORM, key_entry, member, signer

CSR = make_request("cert-aq").public
MEMBER = member(contacts=("duty@cert-aq.example",))
FILE = make(MEMBER, CSR, CERT, now=NOW)


def claims(**changes):
    entry = msgspec.to_builtins(MEMBER)
    return {"v": 1, "iat": NOW, "member": entry, "csr": CSR.decode()} | changes


def asking(**changes):
    """Claims with another entry."""
    return claims(member=msgspec.to_builtins(MEMBER) | changes)


def signed(payload, *, by=CERT, typ=TYP):
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return json.dumps({"join": jws.compact(typ, data, by).decode()}).encode()


def refusal(data):
    with pytest.raises(RefusedError) as caught:
        read(data)
    return caught.value.reason, caught.value.where


def test_a_request_says_who_asks_for_what_with_which_key():
    found = read(FILE)
    assert found.member == MEMBER
    assert (found.kid, found.csr, found.made_at) == (CERT.kid, CSR, NOW)
    assert found.thumbprint.startswith(CERT.kid.partition("/")[2])


def test_a_request_that_asks_for_everything_is_taken():
    whole = msgspec.structs.replace(
        MEMBER,
        clearance="AMBER",
        languages=("en", "fr"),
        jurisdiction="XA",
        receipts="named",
        exercise=True,
    )
    assert read(make(whole, CSR, CERT, now=NOW)).member == whole


def test_nothing_secret_is_in_a_request():
    made = make_request("cert-aq")
    text = FILE + base64url.decode(json.loads(FILE)["join"].encode().split(b".")[1])
    assert b"PRIVATE" not in text
    assert made.key not in text
    assert b'"d"' not in text


def test_two_requests_of_one_key_have_one_fingerprint_and_names_of_their_own():
    later = read(make(MEMBER, CSR, CERT, now=NOW + 1))
    assert later.fingerprint == read(FILE).fingerprint
    assert later.digest != read(FILE).digest


def test_a_fingerprint_is_sixteen_groups_of_four_hexadecimal_digits():
    assert fingerprint("A" * 43) == " ".join(["0000"] * 16)
    groups = read(FILE).fingerprint.split(" ")
    raw = base64url.decode(read(FILE).thumbprint.encode())
    assert len(groups) == 16
    assert bytes.fromhex("".join(groups)) == raw
    assert fingerprint(read(FILE).thumbprint).upper() == read(FILE).fingerprint


def test_one_flipped_letter_of_what_is_asked_for_is_refused():
    header, payload, signature = json.loads(FILE)["join"].split(".")
    wider = base64url.decode(payload.encode()).replace(b'"XA"', b'"XB"')
    text = f"{header}.{base64url.encode(wider).decode()}.{signature}"
    assert refusal(json.dumps({"join": text}).encode()) == ("signature", "")


def test_who_does_not_have_the_key_cannot_ask_for_it():
    class Posing:
        kid, alg, org, sign = CERT.kid, "EdDSA", "cert-aq", PLATFORM.sign

    assert refusal(signed(claims(), by=Posing())) == ("signature", "")
    assert refusal(signed(claims(), by=PLATFORM))[0] == "join-invalid"


def test_the_algorithm_is_that_of_the_key():
    class Posing:
        kid, alg, org, sign = CERT.kid, "ES256", "cert-aq", CERT.sign

    assert refusal(signed(claims(), by=Posing()))[0] == "join-invalid"


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(claims(v=2), id="another version"),
        pytest.param(claims(iat=-1), id="a time before all times"),
        pytest.param(claims(x=1), id="a further claim"),
        pytest.param({"v": 1}, id="claims missing"),
        pytest.param([], id="no object"),
        pytest.param(b"{", id="no JSON"),
        pytest.param(claims(member=[]), id="an entry that is none"),
        pytest.param(
            asking(suspended={"since": "2026-12-01T00:00:00Z", "reason": "none"}),
            id="what nobody asks for",
        ),
        pytest.param(asking(mallory=1), id="an unknown part of the entry"),
        pytest.param(asking(audience="everybody"), id="an audience that is none"),
        pytest.param(asking(keys=[]), id="no key"),
        pytest.param(asking(keys=msgspec.to_builtins([key_entry()] * 2)), id="two keys"),
        pytest.param(asking(contacts=["x"] * 21), id="too many contacts"),
        pytest.param(asking(contacts=["x" * 301]), id="a long contact"),
        pytest.param(asking(name="CERT\x1b[2K"), id="a name that moves the cursor"),
        pytest.param(asking(languages=["e\nn"]), id="a language with a line feed"),
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(changed):
    assert refusal(signed(changed))[0] == "join-invalid"


@pytest.mark.parametrize(
    "key",
    [
        {"revoked_at": "2026-12-01T00:00:00Z"},
        {"revocation_reason": "retired"},
        {"not_after": "2026-01-01T00:00:00Z"},
        {"not_after": "2031-01-01T00:00:00Z"},
        {"not_after": "tomorrow"},
    ],
)
def test_a_key_that_no_directory_would_list_is_refused(key):
    entry = msgspec.to_builtins(key_entry()) | key
    assert refusal(signed(asking(keys=[entry]))) == (
        "join-invalid",
        "$.member.keys[0]",
    )


def sealing_entry(**changes):
    made = PrivateSealingKey("cert-aq", X25519PrivateKey.from_private_bytes(b"k" * 32))
    times = {n: getattr(key_entry(), n) for n in ("not_before", "not_after")}
    return msgspec.to_builtins({"jwk": made.jwk, **times}) | changes


def test_a_key_to_seal_to_may_be_asked_for_too():
    found = read(signed(asking(sealing=[sealing_entry()])))
    assert len(found.member.sealing) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"revoked_at": "2026-12-01T00:00:00Z"},
        {"not_after": "2031-01-01T00:00:00Z"},
        {"jwk": {"kty": "OKP", "crv": "X25519", "x": "A" * 43}},
    ],
)
def test_a_key_to_seal_to_that_no_directory_would_list_is_refused(changed):
    reason, where = refusal(signed(asking(sealing=[sealing_entry(**changed)])))
    assert reason == "join-invalid"
    assert where.startswith("$.member")


def test_a_key_under_another_name_is_refused():
    entry = msgspec.to_builtins(key_entry())
    entry["jwk"]["kid"] = "cert-aq/x"
    assert refusal(signed(asking(keys=[entry]))) == ("join-invalid", "$.member")


def test_a_key_without_its_name_is_taken():
    bare = msgspec.to_builtins(key_entry())
    del bare["jwk"]["kid"]
    assert read(signed(asking(keys=[bare]))).kid == CERT.kid


def test_a_point_that_is_no_key_is_refused():
    entry = msgspec.to_builtins(key_entry())
    entry["jwk"] = {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}
    assert refusal(signed(asking(keys=[entry]))) == ("bad-key", "")


@pytest.mark.parametrize(
    "csr", ["", "x", make_request("cert-bv").public.decode(), "x" * (MAX_REQUEST_BYTES)]
)
def test_the_certificate_must_be_asked_for_by_the_same_organisation(csr):
    assert refusal(signed(claims(csr=csr)))[0] == "request-invalid"


def test_a_certificate_request_beyond_its_bound_is_refused():
    large = "x" * (MAX_REQUEST_BYTES + 1)
    assert refusal(signed(claims(csr=large))) == ("join-invalid", "$.csr")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"join": 1}',
        b'{"join": "a.b"}',
        b'{"join": "a.b.c"}',
        FILE[:-2] + b', "also": 1}',
        signed(claims(), typ="vnd.tocsin.answer+jwt"),
    ],
)
def test_a_file_of_another_kind_is_refused(data):
    assert refusal(data)[0] == "join-invalid"


def test_a_file_beyond_its_bound_is_not_even_parsed():
    assert refusal(b" " * (MAX_BYTES + 1)) == ("too-large", "")


def test_what_no_hub_would_take_is_not_made():
    with pytest.raises(TrustError, match="request-invalid"):
        make(MEMBER, make_request("cert-bv").public, CERT, now=NOW)
    with pytest.raises(TrustError, match="join-invalid"):
        make(MEMBER, CSR, signer("cert-bv"), now=NOW)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_but_a_refusal(data):
    assert refusal(data)[0] in {"join-invalid", "signature"}


@given(st.data())
def test_a_bent_request_raises_nothing_but_a_refusal(data):
    at = data.draw(st.integers(0, len(FILE) - 3))
    bent = bytearray(FILE)
    bent[at] ^= data.draw(st.integers(1, 127))
    try:
        found = read(bytes(bent))
    except RefusedError:
        return
    assert isinstance(found, Request)
    assert found.member == MEMBER  # only white space is free


def entry_of(org):
    of = signer(org)
    keys = msgspec.to_builtins([key_entry(of)])
    return of, msgspec.to_builtins(MEMBER) | {"org": org, "keys": keys}


def test_another_organisation_s_key_does_not_make_its_request_ours():
    stranger, entry = entry_of("cert-ez")
    refused = signed(claims(member=entry | {"org": "cert-aq"}), by=stranger)
    assert refusal(refused)[0] == "join-invalid"


@pytest.mark.parametrize("org", ["gate", "operator", "guest", "adapter-main"])
def test_nobody_asks_for_a_login_of_the_hub(org):
    of, entry = entry_of(org)
    refused = refusal(signed(claims(member=entry), by=of))
    assert refused == ("join-invalid", "$.member.org")
