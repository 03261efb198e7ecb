"""Off-the-shelf: libraries of others, in three languages, read ours, and we read theirs.

They are lax and strict in other places than we are; here only good tokens go in,
but for one, which shows that they check.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwcrypto.jws import InvalidJWSSignature

from broker import base64url, carried, sdjwt, trust
from broker.carried import Carried
from broker.cosigning import cosign
from broker.directory import single_key
from broker.signers import Signer
from broker.signing import Address, FeedPosition
from schemas.record import Need
from tests.support import other_libraries
from tests.support.node import RefusedError, running_libraries
from tests.support.other_libraries import ALL, Read, cuttings, opened
from tests.support.records import (
    CERT,
    NOW,
    SAMPLE_INDEX,
    sample_token,
    signer,
    token,
)

P256 = Signer("cert-aq", ec.derive_private_key(0x70C51, ec.SECP256R1()))


@pytest.fixture(scope="module")
def read() -> Iterator[Read]:
    with running_libraries() as node:
        yield other_libraries.reader(node, now=NOW)


@pytest.mark.parametrize("library", ALL)
@pytest.mark.parametrize("entry", SAMPLE_INDEX, ids=lambda e: e["file"])
def test_every_sample_record_reads_the_same_whole_and_cut(
    entry: dict[str, Any], library: str, read: Read
) -> None:
    issuer, signed = signer(entry["issuer"]), sample_token(entry)
    known = single_key(issuer.org, issuer.jwk)
    whole = trust.verify(signed, known, now=NOW)
    assert whole.complete
    assert read(library, signed, issuer.jwk) == whole.opened.claims
    for less in cuttings(signed, issuer.jwk):
        cut = trust.verify(less, known, now=NOW)
        assert not cut.complete
        assert read(library, less, issuer.jwk) == cut.opened.claims


@pytest.mark.parametrize("library", ALL)
def test_a_token_signed_with_es256_reads_the_same_whole_and_cut(
    library: str, read: Read
) -> None:
    signed = token(by=P256)
    assert sdjwt.split(signed)[0].startswith(base64url.encode(b'{"alg":"ES256"'))
    for each in (signed, *cuttings(signed, P256.jwk)):
        assert read(library, each, P256.jwk) == opened(each, P256.jwk).claims


@pytest.mark.parametrize("library", ALL)
def test_each_signature_of_a_joint_record_is_a_token_that_others_read(
    library: str, read: Read
) -> None:
    second = Signer("cert-bv", ec.derive_private_key(0x70C52, ec.SECP256R1()))
    need = Need(2, ("urn:tocsin:org:cert-aq", "urn:tocsin:org:cert-bv"))
    whole = cosign(Carried(token(need=need)), second)
    keys = (CERT.jwk, second.jwk)
    for less in (whole.token, *cuttings(whole.token, CERT.jwk)):
        record = Carried(less, whole.also)
        again = carried.decode(carried.encode(record))
        for each, key in zip(again.parted(), keys, strict=True):
            assert read(library, each, key) == opened(less, CERT.jwk).claims


@pytest.mark.parametrize("library", ALL)
@pytest.mark.parametrize("by", [CERT, P256], ids=lambda by: by.alg)
def test_a_token_with_a_bent_signature_is_refused_by_each(
    library: str, by: Signer, read: Read
) -> None:
    signed = token(by=by)
    jwt, *rest = signed.split(b"~")
    signing_input, _, signature = jwt.rpartition(b".")
    bent = bytearray(base64url.decode(signature))
    bent[7] ^= 1
    forged = signing_input + b"." + base64url.encode(bytes(bent))
    assert read(library, signed, by.jwk)
    with pytest.raises((RefusedError, InvalidJWSSignature), match=r"(?i)signature"):
        read(library, b"~".join([forged, *rest]), by.jwk)


@pytest.mark.parametrize("library", ALL)
def test_an_address_and_a_place_in_the_feed_are_read(library: str, read: Read) -> None:
    signed = token(
        address=Address(to=("cert-bv",), concerns=("platform-lumen",)),
        position=FeedPosition("cert-aq/main/k2", 1, ""),
    )
    found = read(library, signed, CERT.jwk)
    assert found["to"] == ["urn:tocsin:org:cert-bv"]
    assert (found["feed"], found["seq"], found["prev"]) == ("cert-aq/main/k2", 1, "")
