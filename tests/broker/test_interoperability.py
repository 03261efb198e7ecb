"""Off-the-shelf: the reference library (PyPI `sd-jwt`) reads ours, and we read its.

It is lax and strict in other places than we are; here only good tokens go in.
"""

from typing import Any

import pytest
from jwcrypto.jwk import JWK
from sd_jwt.common import SDObj
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from broker import sdjwt, trust
from broker.directory import single_key
from broker.sdjwt import Hidden
from broker.signers import Signer
from broker.signing import Address, FeedPosition
from tests.support.records import (
    CERT,
    CERT_KEY,
    DIRECTORY,
    HEADER,
    NOW,
    SAMPLE_INDEX,
    b64,
    private_key,
    sample_token,
    signer,
    token,
    tree,
)

PRIVATE = JWK(
    kty="OKP",
    crv="Ed25519",
    x=CERT.jwk.x,
    d=b64(private_key("cert-aq").private_bytes_raw()).decode(),
)


def read_by_the_library(signed: bytes, by: Signer = CERT) -> Any:
    key = JWK(kty="OKP", crv="Ed25519", x=by.jwk.x)
    reader = SDJWTVerifier(signed.decode(), lambda _issuer, _header: key)
    return reader.get_verified_payload()


def made_by_the_library(claims: Any) -> bytes:
    maker = SDJWTIssuer(
        claims, PRIVATE, sign_alg="EdDSA", extra_header_parameters=HEADER
    )
    return maker.sd_jwt_issuance.encode()


def for_the_library(value: Any) -> Any:
    """The same tree with the library's marks for what is hidden."""
    if isinstance(value, Hidden):
        return SDObj(for_the_library(value.value))
    if isinstance(value, dict):
        return {
            SDObj(name) if isinstance(each, Hidden) else name: for_the_library(
                each.value if isinstance(each, Hidden) else each
            )
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [for_the_library(each) for each in value]
    return value


@pytest.mark.parametrize("entry", SAMPLE_INDEX, ids=lambda e: e["file"])
def test_the_library_reads_every_sample_record_whole_and_cut(
    entry: dict[str, Any],
) -> None:
    issuer, signed = signer(entry["issuer"]), sample_token(entry)
    known = single_key(issuer.org, issuer.jwk)
    whole = trust.verify(signed, known, now=NOW)
    assert whole.complete
    assert read_by_the_library(signed, issuer) == whole.opened.claims
    count = len(whole.opened.disclosures)
    for step in (1, 2, 3, 5):
        less = sdjwt.withhold(whole.opened, set(range(0, count, step)) - {count // 2})
        cut = trust.verify(less, known, now=NOW)
        assert not cut.complete
        assert read_by_the_library(less, issuer) == cut.opened.claims
    bare = sdjwt.withhold(whole.opened, ())
    opened = trust.verify(bare, known, now=NOW).opened
    assert read_by_the_library(bare, issuer) == opened.claims


def test_the_library_reads_an_address_and_a_place_in_the_feed() -> None:
    signed = token(
        address=Address(to=("cert-bv",), concerns=("platform-lumen",)),
        position=FeedPosition("cert-aq/main/k2", 1, ""),
    )
    found = read_by_the_library(signed)
    assert found["to"] == ["urn:tocsin:org:cert-bv"]
    assert (found["feed"], found["seq"], found["prev"]) == ("cert-aq/main/k2", 1, "")


def test_a_token_of_the_library_is_read() -> None:
    claims = {
        "plain": [1, 2.5, None, True, "text"],
        SDObj("hidden"): {"a": 1},
        "list": ["shown", SDObj("one"), SDObj({SDObj("deep"): [SDObj("x"), "y"]})],
    }
    found = sdjwt.verify(made_by_the_library(claims), lambda _: CERT_KEY)
    assert found.claims == {
        "plain": [1, 2.5, None, True, "text"],
        "hidden": {"a": 1},
        "list": ["shown", "one", {"deep": ["x", "y"]}],
    }
    assert found.withheld == {}
    assert read_by_the_library(sdjwt.withhold(found, ())) == {
        "plain": [1, 2.5, None, True, "text"],
        "list": ["shown"],
    }


def test_a_record_that_the_library_signed_is_believed() -> None:
    # `full` alone it cannot know: it covers the disclosures, salts and all.
    signed = made_by_the_library(for_the_library(tree(full="A" * 43)))
    found = trust.verify(signed, DIRECTORY, now=NOW)
    assert found.primary is not None
    assert found.objects[found.primary].id == found.claims.sub
    assert not found.complete
    assert found.withheld == 0
