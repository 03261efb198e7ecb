"""SD-JWT: what a token is, its framing, spelling and signature.

The bad tokens are put together by hand with the standard library, and their
signatures hold: what is refused is not refused for being unsigned.
"""

import json
from typing import Any

import pytest

from broker import disclosures, sdjwt
from broker.errors import TrustError
from tests.support.records import (
    CERT_KEY,
    HEADER,
    SALT,
    b64,
    disclosure,
    forge,
    named,
    private_key,
    sha,
)
from tests.support.verifying import elements, format_reason, format_refusal, opened


def nested(depth: int, inner: str = "1") -> str:
    return "[" * depth + inner + "]" * depth


# -- what passes


def test_a_token_made_by_hand_is_read() -> None:
    name, label = named("name", "A case"), disclosure(SALT, "election")
    token = forge(
        {"_sd_alg": "sha-256", "_sd": [sha(name)], "labels": elements(label), "n": 1},
        name,
        label,
    )
    found = opened(token)
    assert found.claims == {"n": 1, "name": "A case", "labels": ["election"]}
    assert [d.path for d in found.disclosures] == [("name",), ("labels", 0)]
    assert found.withheld == {}
    assert found.jwt == token.partition(b"~")[0]


def test_the_example_of_the_standard_has_the_digest_it_states() -> None:
    # RFC 9901, 4.2.3: object property and array element.
    family = b"WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    assert sdjwt.digest(family) == "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
    country = b"WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0"
    assert sdjwt.digest(country) == "w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs"


def test_digests_without_disclosures_are_counted_by_their_place() -> None:
    shown = named("inner", {"_sd": [sha(b"a"), sha(b"b")]})
    payload = {"_sd": [sha(shown), sha(b"c")], "list": elements(b"d", b"e")}
    found = opened(forge(payload, shown))
    assert found.claims == {"inner": {}, "list": []}
    assert found.withheld == {(): 1, ("inner",): 2, ("list",): 2}


def test_a_disclosure_knows_the_one_that_carries_its_digest() -> None:
    leaf = named("leaf", 1)
    branch = disclosure(SALT, {"_sd": [sha(leaf)]})
    root = named("root", elements(branch))
    found = opened(forge({"_sd": [sha(root)]}, leaf, branch, root))
    assert [d.parent for d in found.disclosures] == [1, 2, -1]
    assert found.disclosures[0].path == ("root", 0, "leaf")


def test_json_may_be_spelled_freely_since_digests_cover_the_text() -> None:
    text = b64(b' [ "' + SALT.encode() + b'" , "n\\u0061me" , 1E2 ] ')
    assert opened(forge({"_sd": [sha(text)]}, text)).claims == {"name": 100.0}


def test_the_token_id_covers_header_and_payload_only() -> None:
    token = forge({"n": 1})
    jwt = token.partition(b"~")[0]
    other_signature = jwt.rpartition(b".")[0] + b".AAAA~WyJ4Il0~"
    assert sdjwt.token_id(token) == sdjwt.token_id(other_signature)
    assert sdjwt.token_id(token) == opened(token).token_id
    assert sdjwt.token_id(token) == sha(jwt.rpartition(b".")[0])
    assert sdjwt.token_id(token) != sdjwt.token_id(forge({"n": 2}))


def test_the_largest_number_of_levels_passes() -> None:
    # The payload is the first of 32.
    assert opened(forge(f'{{"n":{nested(31)}}}'.encode()))


def test_numbers_up_to_2_to_the_53_pass() -> None:
    most = 2**53 - 1
    assert opened(forge({"n": [most, -most, 0.5]})).claims == {"n": [most, -most, 0.5]}


# -- framing


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"~", id="a lone tilde"),
        pytest.param(b"~~~", id="tildes alone"),
        pytest.param(b"a.b~", id="two parts"),
        pytest.param(b"a.b.c.d~", id="four parts"),
        pytest.param(b"a.b.c", id="a bare JWT without a tilde"),
        pytest.param(b'{"payload":"e30"}', id="the JSON serialization"),
    ],
)
def test_what_is_no_compact_token_is_refused(token: bytes) -> None:
    assert format_refusal(token).reason == "framing"


def test_three_empty_parts_are_not_signed() -> None:
    assert format_refusal(b"..~").reason == "signature"


def test_a_missing_final_tilde_is_refused() -> None:
    text = named("name", 1)
    token = forge({"_sd": [sha(text)]}, text)
    assert opened(token)
    assert format_refusal(token.removesuffix(b"~")).reason == "framing"


def test_a_token_without_disclosures_still_needs_its_tilde() -> None:
    assert opened(forge({})).claims == {}
    assert format_refusal(forge({}).removesuffix(b"~")).reason == "framing"


def test_a_key_binding_jwt_after_the_last_tilde_is_refused() -> None:
    proof = forge({"nonce": "1", "aud": "x"}, header={"alg": "EdDSA", "typ": "kb+jwt"})
    assert format_refusal(forge({}) + proof.removesuffix(b"~")).reason == "framing"


def test_a_line_feed_at_the_end_is_refused() -> None:
    assert format_refusal(forge({}) + b"\n").reason == "framing"


def test_an_empty_disclosure_is_refused() -> None:
    for payload in ({}, {"_sd": [sha(b"")]}):
        error = format_refusal(forge(payload, b""))
        assert (error.reason, error.where[:12]) == ("not-json", "disclosure 0")


def test_more_than_65536_disclosures_are_refused_before_any_is_hashed() -> None:
    most = b"~" * 65_536
    jwt = forge({}).removesuffix(b"~")
    assert sdjwt.split(jwt + most + b"~")[1] == [b""] * 65_536
    assert format_refusal(jwt + most + b"~~").reason == "too-many-disclosures"


def test_more_than_16_mib_are_refused_before_anything_is_read() -> None:
    most = b"a" * ((16 << 20) - 1) + b"~"
    assert sdjwt.split(most)[1] == []
    assert format_refusal(b"a" + most).reason == "too-large"


# -- base64


@pytest.mark.parametrize("part", range(3), ids=["header", "payload", "signature"])
@pytest.mark.parametrize("spoil", [b"=", b"\n", b" ", b"+", b"/"])
def test_a_foreign_character_in_any_part_of_the_jwt_is_refused(
    part: int, spoil: bytes
) -> None:
    parts = forge({"n": 1}).removesuffix(b"~").split(b".")
    parts[part] += spoil * (1 if spoil in b" \n" else 4)
    error = format_refusal(b".".join(parts) + b"~")
    # A changed payload is never decoded: its signature is wrong.
    assert error.reason == ("signature" if part == 1 else "bad-base64")


def test_spare_bits_in_the_signature_are_refused() -> None:
    # 64 bytes are 86 characters: the last one has four spare bits.
    jwt = forge({"n": 1}).removesuffix(b"~")
    last = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twins = [jwt[:-1] + last[i : i + 1] + b"~" for i in range(64)]
    reasons = [format_refusal(t).reason for t in twins if t != jwt + b"~"]
    assert sorted(set(reasons)) == ["bad-base64", "signature"]
    assert reasons.count("bad-base64") == 60


def test_a_signed_payload_in_another_spelling_is_refused() -> None:
    key = private_key("cert-aq")
    for spelling in (b"e30=", b"e31", b"e3 0", b"e+0", b"e/0", b"e30\n"):
        signed = b64(json.dumps(HEADER).encode()) + b"." + spelling
        error = format_refusal(signed + b"." + b64(key.sign(signed)) + b"~")
        assert (error.reason, error.where) == ("bad-base64", "payload")


@pytest.mark.parametrize("spoil", ["=", " ", "\n", "+", "/", "!"])
def test_a_disclosure_in_another_spelling_is_refused(spoil: str) -> None:
    text = named("name", "?>?>?") + spoil.encode()
    error = format_refusal(forge({"_sd": [sha(text)]}, text))
    assert (error.reason, error.where) == ("bad-base64", "disclosure 0")


def test_spare_bits_in_a_disclosure_are_refused() -> None:
    text = b64(json.dumps([SALT, "name", "ab"]).encode())
    assert len(text) % 4 != 0
    spoiled = text[:-1] + bytes([text[-1] + 1])
    assert format_reason({"_sd": [sha(spoiled)]}, spoiled) == "bad-base64"


# -- header and signature


def test_a_header_beyond_1024_characters_is_refused_before_it_is_decoded() -> None:
    assert opened(forge({}, header=b" " * 768))
    assert format_refusal(forge({}, header=b" " * 769)).reason == "header"


def test_the_key_is_chosen_by_the_exact_bytes_of_the_header() -> None:
    seen: list[bytes] = []

    def choose(header: bytes) -> sdjwt.VerifyKey:
        seen.append(header)
        return CERT_KEY

    sdjwt.verify(forge({}, header=b' {"x" : 1}'), choose)
    assert seen == [b' {"x" : 1}']


def test_whoever_chooses_the_key_may_refuse() -> None:
    def choose(_: bytes) -> sdjwt.VerifyKey:
        raise TrustError("unknown-key")

    with pytest.raises(TrustError) as caught:
        sdjwt.verify(forge({}), choose)
    assert caught.value.reason == "unknown-key"


def test_nothing_of_the_payload_is_read_before_the_signature_holds() -> None:
    token = forge(b"no JSON at all", key=private_key("stranger"))
    assert format_refusal(token).reason == "signature"


def test_no_disclosure_is_touched_before_the_signature_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    touched: list[Any] = []
    for name in ("digests", "decode"):
        monkeypatch.setattr(disclosures, name, touched.append)
    text = named("n", 1)
    token = forge({"_sd": [sha(text)]}, text, key=private_key("stranger"))
    assert format_refusal(token).reason == "signature"
    assert touched == []


def test_every_flipped_bit_of_the_jwt_is_refused() -> None:
    token = forge({"n": 1})
    tilde = token.index(b"~")
    for place in range(tilde):
        for bit in range(8):
            bent = bytearray(token)
            bent[place] ^= 1 << bit
            assert format_refusal(bytes(bent)).reason in {
                "signature",
                "bad-base64",
                "framing",
            }


def test_every_flipped_bit_of_a_disclosure_is_refused() -> None:
    text = named("name", "A case")
    token = forge({"_sd": [sha(text)]}, text)
    reasons = set()
    for place in range(token.index(b"~") + 1, len(token) - 1):
        for bit in range(8):
            bent = bytearray(token)
            bent[place] ^= 1 << bit
            reasons.add(format_refusal(bytes(bent)).reason)
    # What is still well-formed has another digest. A `~` makes two of one.
    assert reasons == {"unreferenced-disclosure", "bad-base64", "not-json", "not-utf8"}


@pytest.mark.parametrize("length", [0, 1, 63, 65, 128])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    head = forge({}).removesuffix(b"~").rpartition(b".")[0]
    assert format_refusal(head + b"." + b64(b"s" * length) + b"~").reason == "signature"


def test_disclosures_of_another_token_are_refused() -> None:
    one, other = named("name", "one"), named("name", "other")
    assert opened(forge({"_sd": [sha(one)]}, one))
    assert format_reason({"_sd": [sha(one)]}, other) == "unreferenced-disclosure"
