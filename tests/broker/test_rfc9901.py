"""The examples of RFC 9901: we read them as the standard prints them, ES256 and all.

`vectors/rfc9901.json` holds every signed example in compact form (5.1, 5.2, A.1 to
A.4). Not there: the examples in JSON serialization (section 8), which we do not
read, and those of sections 4 and 6, which are not signed.

Refused by our strictness are three, all for one reason: 5.2, A.3 and A.4 as
presented end in a key binding JWT (`framing`). A record has no holder who would
prove anything; the SD-JWT before it is read.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from broker import base64url, sdjwt, trust
from broker.errors import TrustError
from broker.keys import Jwk, PublicKey
from tests.support.records import DIRECTORY, NOW

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "rfc9901.json").read_text("utf-8")
)
ISSUER = PublicKey(Jwk(**VECTORS["issuer_key"]))
HOLDER = PublicKey(Jwk(**VECTORS["holder_key"]))
EXAMPLES = VECTORS["examples"]
BOUND = [example for example in EXAMPLES if "key_binding" in example]


def named(example: dict[str, Any]) -> str:
    return example["section"]


def reason_of(token: bytes, key: PublicKey = ISSUER) -> str:
    with pytest.raises(TrustError) as caught:
        sdjwt.verify(token, lambda _: key)
    return caught.value.reason


def test_every_signed_compact_example_is_there() -> None:
    assert [named(each)[:3] for each in EXAMPLES] == [
        "5.1", "5.2", "A.1", "A.1", "A.2", "A.2", "A.3", "A.3", "A.4", "A.4",
    ]  # fmt: skip
    assert [named(each)[:3] for each in BOUND] == ["5.2", "A.3", "A.4"]


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_an_example_is_read_as_the_standard_says(example: dict[str, Any]) -> None:
    opened = sdjwt.verify(example["token"].encode(), lambda _: ISSUER)
    assert opened.claims == example["payload"]


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_an_example_does_not_hold_under_another_key(example: dict[str, Any]) -> None:
    assert reason_of(example["token"].encode(), HOLDER) == "signature"


@pytest.mark.parametrize("example", BOUND, ids=named)
def test_the_vectors_are_those_of_the_standard_to_the_byte(
    example: dict[str, Any],
) -> None:
    # RFC 9901, 4.3: the holder signed the digest of exactly this presentation.
    signed, _, signature = example["key_binding"].encode().rpartition(b".")
    assert HOLDER.verify(base64url.decode(signature), signed)
    claims = json.loads(base64url.decode(signed.partition(b".")[2]))
    assert claims["sd_hash"] == sdjwt.digest(example["token"].encode())


@pytest.mark.parametrize("example", BOUND, ids=named)
def test_a_token_with_key_binding_is_refused(example: dict[str, Any]) -> None:
    whole = (example["token"] + example["key_binding"]).encode()
    assert reason_of(whole) == "framing"


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_no_example_is_taken_for_a_record(example: dict[str, Any]) -> None:
    with pytest.raises(TrustError) as caught:
        trust.verify(example["token"].encode(), DIRECTORY, now=NOW)
    assert caught.value.reason == "header"  # it names no key
