"""Proofs that an issuer has said two things: anyone checks them, nobody makes them up."""

import msgspec
import pytest

from broker import base64url, concealing, heartbeats, proofs, sdjwt, trust
from broker.directory import single_key
from broker.errors import TrustError
from broker.proofs import (
    Proof,
    check,
    decode,
    encode,
    of_heartbeats,
    of_tokens,
    proof_id,
)
from broker.signing import FeedPosition
from schemas import codec, timestamps
from schemas.errors import RefusedError
from tests.support.issuing import NOW, Feed, directory, draft, key_entry, member, signer

KNOWN = directory()
ALONE = single_key("cert-aq", signer("cert-aq").jwk)
LINE = "A" * 22


def token(
    number: int = 1, *, org: str = "cert-aq", seq: int = 5, **more: object
) -> bytes:
    feed = Feed(org)
    feed.position = FeedPosition(f"{org}/main/epoch1", seq, "p" * 42 + "A")
    return feed.sign(draft(number), **more)


def verified(text: bytes) -> trust.Verified:
    return trust.verify(text, KNOWN, now=NOW)


def proof(**more: object) -> Proof:
    return of_tokens(verified(token(1)), verified(token(2, **more)))


def beat(
    ids: list[str], *, iat: int = 0, org: str = "cert-aq", line: str = LINE
) -> bytes:
    return heartbeats.make(
        signer(org), line=line, community="urn:tocsin:community:all", tlp="GREEN",
        first=0, before="", ids=[(each, 1) for each in ids], now=int(NOW) + iat,
    )  # fmt: skip


A, B = ("a" * 42 + "A", "b" * 42 + "A")


def refused(made: Proof, known: object = ALONE) -> str:
    with pytest.raises(RefusedError) as caught:
        check(made, known)
    return caught.value.reason


@pytest.mark.parametrize("known", [KNOWN, ALONE])
def test_two_tokens_for_one_place_are_proven_by_the_issuers_key_alone(
    known: object,
) -> None:
    made = proof()
    shown = check(decode(encode(made)), known)
    assert (shown.issuer, shown.about) == ("cert-aq", "place")
    assert shown.where == "cert-aq/main/epoch1 5"
    assert shown.first == sdjwt.token_id(made.first.encode())
    assert shown.second == verified(token(2)).token_id
    assert shown.keys == (signer("cert-aq").kid,) * 2


def test_a_proof_tells_nothing_that_the_records_say() -> None:
    made = proof()
    for each in (made.first, made.second):
        found = sdjwt.verify(
            each.encode(), lambda _: ALONE.key(signer("cert-aq").kid).key
        )
        assert len(found.texts) == 2
        assert found.claims["stix"]["objects"] == []


def test_two_histories_of_one_line_are_proven_in_either_order() -> None:
    for made in (
        of_heartbeats(beat([A, B]), beat([A], iat=1)),
        of_heartbeats(beat([A]), beat([B], iat=1)),
        of_heartbeats(beat([B], iat=1), beat([A])),
    ):
        shown = check(decode(encode(made)), ALONE)
        assert (shown.about, shown.where) == ("heartbeat", LINE)
        assert shown.first != shown.second


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (beat([A]), beat([A])),
        (beat([A]), beat([A, B], iat=1)),
        (beat([A]), beat([B], iat=1, line="Q" * 21 + "A")),
    ],
)
def test_heartbeats_that_both_can_be_prove_nothing(first: bytes, second: bytes) -> None:
    assert refused(of_heartbeats(first, second)) == "proof-invalid"


def test_nor_do_those_of_two_issuers() -> None:
    other = beat([B], iat=1, org="cert-bv")
    assert refused(of_heartbeats(beat([A]), other), KNOWN) == "proof-invalid"


def test_tokens_prove_nothing_that_are_one_or_stand_at_two_places() -> None:
    made = proof()
    assert refused(msgspec.structs.replace(made, second=made.first)) == "proof-invalid"
    elsewhere = of_tokens(verified(token(1)), verified(token(2, seq=6)))
    assert refused(elsewhere) == "proof-invalid"
    others = of_tokens(verified(token(1)), verified(token(2, org="cert-bv")))
    assert refused(others, KNOWN) == "proof-invalid"


def test_a_token_that_does_not_say_its_place_proves_nothing() -> None:
    made = proof()
    bare = made.second.partition("~")[0] + "~"
    assert refused(msgspec.structs.replace(made, second=bare)) == "proof-invalid"


def test_signatures_and_keys_are_checked() -> None:
    made = proof()
    head, payload, rest = made.second.split(".")
    forged = ".".join((head, payload, "A" * 86 + rest[86:]))
    assert refused(msgspec.structs.replace(made, second=forged)) == "signature"
    stranger = single_key("cert-bv", signer("cert-bv").jwk)
    assert refused(made, stranger) == "unknown-key"
    assert refused(msgspec.structs.replace(made, first="é")) == "proof-invalid"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"alg": "ES256", "typ": "vnd.tocsin.record+sd-jwt"}, "alg"),
        ({"alg": "EdDSA", "typ": "vnd.tocsin.answer+jwt"}, "typ"),
        ({"alg": "EdDSA"}, "header"),
    ],
)
def test_a_header_is_held_to_the_key(header: dict[str, str], reason: str) -> None:
    made = proof()
    rest = made.second.partition(".")[2]
    spelled = codec.encode_json({"kid": signer("cert-aq").kid, **header})
    bent = base64url.encode(spelled).decode() + "." + rest
    assert refused(msgspec.structs.replace(made, second=bent)) == reason


def test_the_issuer_named_owns_the_key() -> None:
    key = signer("cert-aq")
    payload = {"iss": "urn:tocsin:org:cert-bv", "feed": "cert-aq/main/e", "seq": 1}
    head = {"alg": "EdDSA", "kid": key.kid, "typ": "vnd.tocsin.record+sd-jwt"}
    lying = concealing.assemble(head, payload, [], key.sign).decode()
    assert refused(Proof("place", lying, lying)) == "iss-kid"


def test_a_key_that_is_revoked_has_signed_all_the_same() -> None:
    made = proof()
    revoked = timestamps.from_epoch(NOW - 10**6)
    known = directory(
        member("cert-aq", keys=(key_entry("cert-aq", revoked_at=revoked),))
    )
    assert check(made, known).issuer == "cert-aq"
    assert check(of_heartbeats(beat([A]), beat([B], iat=1)), known).about == "heartbeat"


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"type":"x","about":"place","first":"a","second":"b"}',
     b'{"type":"tocsin-proof","about":"else","first":"a","second":"b"}',
     b'{"type":"tocsin-proof","about":"place","first":"","second":"b"}',
     b'{"type":"tocsin-proof","about":"place","first":"a","second":"b","c":1}'],
)  # fmt: skip
def test_another_file_is_no_proof(data: bytes) -> None:
    with pytest.raises(TrustError) as caught:
        decode(data)
    assert caught.value.reason == "proof-invalid"


def test_one_proof_has_one_name() -> None:
    assert proof_id(proof()) == proof_id(decode(encode(proof())))
    assert proofs.MAX_BYTES >= 2 * proofs._MAX_CHARS
