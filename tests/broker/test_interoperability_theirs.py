"""Tokens that libraries of others signed or cut are read by us, strictly."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwcrypto.jwk import JWK

from broker import base64url, sdjwt, trust
from broker.concealing import Hidden
from broker.signers import Signer
from tests.support.node import NPM, Libraries, public_jwk, running_libraries
from tests.support.other_libraries import (
    for_npm,
    for_python,
    made_by_python,
    opened,
    read_by_python,
)
from tests.support.records import (
    CERT,
    DIRECTORY,
    HEADER,
    NOW,
    SAMPLE_INDEX,
    b64,
    private_key,
    sample_token,
    sha,
    signer,
    token,
    tree,
)

SECRET = b64(private_key("cert-aq").private_bytes_raw()).decode()
PRIVATE = {**public_jwk(CERT.jwk), "d": SECRET}
P256_KEY = ec.derive_private_key(0x70C51, ec.SECP256R1())
P256 = Signer("cert-aq", P256_KEY)

CLAIMS: dict[str, Any] = {
    "plain": [1, 2.5, None, True, "text", "Grüße \u2028 \U0001f514", {}, []],
    "hidden": Hidden({"a": 1}),
    "list": ["shown", Hidden("one"), Hidden({"deep": Hidden([Hidden("x"), "y"])})],
}
WHOLE = {
    "plain": CLAIMS["plain"],
    "hidden": {"a": 1},
    "list": ["shown", "one", {"deep": ["x", "y"]}],
}
BARE = {"plain": CLAIMS["plain"], "list": ["shown"]}


@pytest.fixture(scope="module")
def node() -> Iterator[Libraries]:
    with running_libraries() as started:
        yield started


def made_by_npm(
    node: Libraries, value: Any, key: Any = PRIVATE, **header: Any
) -> bytes:
    claims, frame = for_npm(value)
    return node.issue(claims, frame, header=HEADER | header, jwk=key)


# ------------------------------------------------------------------------- signed


def test_a_token_of_the_python_library_is_read() -> None:
    signed = made_by_python(for_python(CLAIMS), JWK(**PRIVATE))
    found = opened(signed, CERT.jwk)
    assert found.claims == WHOLE
    assert found.withheld == {}
    assert read_by_python(sdjwt.withhold(found, ()), CERT.jwk) == BARE


def test_a_token_of_the_npm_library_is_read(node: Libraries) -> None:
    signed = made_by_npm(node, CLAIMS)
    found = opened(signed, CERT.jwk)
    assert found.claims == WHOLE
    assert found.withheld == {}
    assert len(sdjwt.split(signed)[1]) == 5
    bare = sdjwt.withhold(found, ())
    assert node.verify(NPM, bare, CERT.jwk, now=NOW) == BARE


def test_an_es256_token_of_the_npm_library_is_read(node: Libraries) -> None:
    number = P256_KEY.private_numbers().private_value.to_bytes(32, "big")
    key = {**public_jwk(P256.jwk), "d": b64(number).decode()}
    signed = made_by_npm(node, CLAIMS, key, kid=P256.kid)
    assert opened(signed, P256.jwk).claims == WHOLE


def test_a_record_that_another_library_signed_is_believed(node: Libraries) -> None:
    # `full` alone they cannot know: it covers the disclosures, salts and all.
    record = tree(full="A" * 43)
    by_python = made_by_python(for_python(record), JWK(**PRIVATE))
    for signed in (by_python, made_by_npm(node, record)):
        found = trust.verify(signed, DIRECTORY, now=NOW)
        assert found.primary is not None
        assert found.objects[found.primary].id == found.claims.sub
        assert not found.complete


def test_a_record_of_another_library_says_what_ours_says(node: Libraries) -> None:
    record = tree(full="A" * 43)
    by_python = made_by_python(for_python(record), JWK(**PRIVATE))
    by_npm = made_by_npm(node, record)
    plain, _ = for_npm(record)
    assert opened(by_python, CERT.jwk).claims == plain
    assert opened(by_npm, CERT.jwk).claims == plain
    assert len(sdjwt.split(by_npm)[1]) == len(sdjwt.split(by_python)[1])
    assert len(sdjwt.split(by_npm)[1]) == len(sdjwt.split(token())[1])


# ---------------------------------------------------------------------------- cut


def places(signed: bytes) -> list[int]:
    """Give the places of the objects as the npm library counts: decoys too."""
    jwt, texts = sdjwt.split(signed)
    payload = json.loads(base64url.decode(jwt.split(b".")[1]))
    known = {sha(text) for text in texts}
    digests = [each["..."] for each in payload["stix"]["objects"]]
    return [place for place, digest in enumerate(digests) if digest in known]


@pytest.mark.parametrize("entry", SAMPLE_INDEX, ids=lambda e: e["file"])
def test_a_sample_that_the_npm_library_cut_is_believed_and_is_one_of_our_cuts(
    entry: dict[str, Any], node: Libraries
) -> None:
    jwk, signed = signer(entry["issuer"]).jwk, sample_token(entry)
    whole = opened(signed, jwk)
    objects = whole.claims["stix"]["objects"]
    some = dict(list(zip(places(signed), objects, strict=True))[::2])
    frame = {str(place): dict.fromkeys(each, True) for place, each in some.items()}
    cut = node.present(signed, {"stix": {"objects": frame}})
    found = opened(cut, jwk)
    left = found.claims["stix"]["objects"]
    assert [each["id"] for each in left] == [each["id"] for each in some.values()]
    assert node.verify(NPM, cut, jwk, now=NOW) == found.claims
    ours, theirs = sdjwt.split(signed)[1], sdjwt.split(cut)[1]
    assert len(some) <= len(theirs) < len(ours)
    kept = {ours.index(text) for text in theirs}
    again = sdjwt.withhold(whole, kept)
    assert sdjwt.split(again)[0] == sdjwt.split(cut)[0]
    assert sorted(sdjwt.split(again)[1]) == sorted(theirs)
