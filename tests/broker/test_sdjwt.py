"""SD-JWT: what is concealed comes back, what is bent is refused with its reason.

The bad tokens are put together by hand with the standard library, and their
signatures hold: what is refused here is not refused for being unsigned.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker import base64url, sdjwt
from broker.errors import TrustError
from broker.sdjwt import Hidden, Path
from schemas.errors import RefusedError
from tests.support.records import (
    CERT,
    CERT_KEY,
    HEADER,
    SALT,
    b64,
    disclosure,
    entropy,
    forge,
    named,
    private_key,
    sha,
)
from tests.support.stix_values import json_values, names

CANARY = "mallory"


def opened(token: bytes) -> sdjwt.Opened:
    return sdjwt.verify(token, lambda _: CERT_KEY)


def refusal(token: bytes) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        opened(token)
    return caught.value


def reason(payload: Any, *texts: bytes) -> str:
    return refusal(forge(payload, *texts)).reason


def elements(*texts: bytes) -> list[dict[str, str]]:
    return [{"...": sha(text)} for text in texts]


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
    assert refusal(token).reason == "framing"


def test_three_empty_parts_are_not_signed() -> None:
    assert refusal(b"..~").reason == "signature"


def test_a_missing_final_tilde_is_refused() -> None:
    text = named("name", 1)
    token = forge({"_sd": [sha(text)]}, text)
    assert opened(token)
    assert refusal(token.removesuffix(b"~")).reason == "framing"


def test_a_token_without_disclosures_still_needs_its_tilde() -> None:
    assert opened(forge({})).claims == {}
    assert refusal(forge({}).removesuffix(b"~")).reason == "framing"


def test_a_key_binding_jwt_after_the_last_tilde_is_refused() -> None:
    proof = forge({"nonce": "1", "aud": "x"}, header={"alg": "EdDSA", "typ": "kb+jwt"})
    assert refusal(forge({}) + proof.removesuffix(b"~")).reason == "framing"


def test_a_line_feed_at_the_end_is_refused() -> None:
    assert refusal(forge({}) + b"\n").reason == "framing"


def test_an_empty_disclosure_is_refused() -> None:
    assert refusal(forge({}, b"")).reason == "unreferenced-disclosure"
    error = refusal(forge({"_sd": [sha(b"")]}, b""))
    assert (error.reason, error.where[:12]) == ("not-json", "disclosure 0")


def test_more_than_65536_disclosures_are_refused_before_any_is_hashed() -> None:
    most = b"~" * 65_536
    jwt = forge({}).removesuffix(b"~")
    assert sdjwt.split(jwt + most + b"~")[1] == [b""] * 65_536
    assert refusal(jwt + most + b"~~").reason == "too-many-disclosures"


def test_more_than_16_mib_are_refused_before_anything_is_read() -> None:
    most = b"a" * ((16 << 20) - 1) + b"~"
    assert sdjwt.split(most)[1] == []
    assert refusal(b"a" + most).reason == "too-large"


# -- base64


@pytest.mark.parametrize("part", range(3), ids=["header", "payload", "signature"])
@pytest.mark.parametrize("spoil", [b"=", b"\n", b" ", b"+", b"/"])
def test_a_foreign_character_in_any_part_of_the_jwt_is_refused(
    part: int, spoil: bytes
) -> None:
    parts = forge({"n": 1}).removesuffix(b"~").split(b".")
    parts[part] += spoil * (1 if spoil in b" \n" else 4)
    error = refusal(b".".join(parts) + b"~")
    # A changed payload is never decoded: its signature is wrong.
    assert error.reason == ("signature" if part == 1 else "bad-base64")


def test_spare_bits_in_the_signature_are_refused() -> None:
    # 64 bytes are 86 characters: the last one has four spare bits.
    jwt = forge({"n": 1}).removesuffix(b"~")
    last = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twins = [jwt[:-1] + last[i : i + 1] + b"~" for i in range(64)]
    reasons = [refusal(t).reason for t in twins if t != jwt + b"~"]
    assert sorted(set(reasons)) == ["bad-base64", "signature"]
    assert reasons.count("bad-base64") == 60


def test_a_signed_payload_in_another_spelling_is_refused() -> None:
    key = private_key("cert-aq")
    for spelling in (b"e30=", b"e31", b"e3 0", b"e+0", b"e/0", b"e30\n"):
        signed = b64(json.dumps(HEADER).encode()) + b"." + spelling
        error = refusal(signed + b"." + b64(key.sign(signed)) + b"~")
        assert (error.reason, error.where) == ("bad-base64", "payload")


@pytest.mark.parametrize("spoil", ["=", " ", "\n", "+", "/", "!"])
def test_a_disclosure_in_another_spelling_is_refused(spoil: str) -> None:
    text = named("name", "?>?>?") + spoil.encode()
    error = refusal(forge({"_sd": [sha(text)]}, text))
    assert (error.reason, error.where) == ("bad-base64", "disclosure 0")


def test_spare_bits_in_a_disclosure_are_refused() -> None:
    text = b64(json.dumps([SALT, "name", "ab"]).encode())
    assert len(text) % 4 != 0
    spoiled = text[:-1] + bytes([text[-1] + 1])
    assert reason({"_sd": [sha(spoiled)]}, spoiled) == "bad-base64"


# -- header and signature


def test_a_header_beyond_1024_characters_is_refused_before_it_is_decoded() -> None:
    assert opened(forge({}, header=b" " * 768))
    assert refusal(forge({}, header=b" " * 769)).reason == "header"


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
    assert refusal(token).reason == "signature"


def test_every_flipped_bit_of_the_jwt_is_refused() -> None:
    token = forge({"n": 1})
    tilde = token.index(b"~")
    for place in range(tilde):
        for bit in range(8):
            bent = bytearray(token)
            bent[place] ^= 1 << bit
            assert refusal(bytes(bent)).reason in {
                "signature",
                "bad-base64",
                "framing",
            }


def test_every_flipped_bit_of_a_disclosure_is_refused() -> None:
    text = named("name", "A case")
    token = forge({"_sd": [sha(text)]}, text)
    for place in range(token.index(b"~") + 1, len(token) - 1):
        for bit in range(8):
            bent = bytearray(token)
            bent[place] ^= 1 << bit
            assert refusal(bytes(bent)).reason == "unreferenced-disclosure"


@pytest.mark.parametrize("length", [0, 1, 63, 65, 128])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    head = forge({}).removesuffix(b"~").rpartition(b".")[0]
    assert refusal(head + b"." + b64(b"s" * length) + b"~").reason == "signature"


def test_disclosures_of_another_token_are_refused() -> None:
    one, other = named("name", "one"), named("name", "other")
    assert opened(forge({"_sd": [sha(one)]}, one))
    assert reason({"_sd": [sha(one)]}, other) == "unreferenced-disclosure"


# -- the payload


@pytest.mark.parametrize("payload", [b"[]", b'"text"', b"1", b"null", b"true"])
def test_a_payload_that_is_no_object_is_refused(payload: bytes) -> None:
    assert reason(payload) == "payload"


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        pytest.param(b"", "not-json", id="nothing"),
        pytest.param(b"{", "not-json", id="cut off"),
        pytest.param(b"{}{}", "not-json", id="two values"),
        pytest.param(b'{"n":NaN}', "not-json", id="NaN"),
        pytest.param(b'{"n":-Infinity}', "not-json", id="Infinity"),
        pytest.param(b"\xef\xbb\xbf{}", "not-json", id="a byte order mark"),
        pytest.param(b'{"n":"\xff"}', "not-utf8", id="no UTF-8"),
        pytest.param(b'{"n":1,"n":1}', "duplicate-key", id="a repeated key"),
        pytest.param(b'{"n":1,"\\u006e":2}', "duplicate-key", id="an escaped repeat"),
        pytest.param(b'{"_sd":[],"_sd":[]}', "duplicate-key", id="_sd repeated"),
        pytest.param(b'{"a":[{"b":1,"b":1}]}', "duplicate-key", id="a repeat inside"),
        pytest.param(b'{"n":9007199254740992}', "number-range", id="2^53"),
        pytest.param(b'{"n":-9007199254740992}', "number-range", id="-2^53"),
        pytest.param(b'{"n":[18446744073709551616]}', "number-range", id="2^64"),
        pytest.param(b'{"n":' + b"9" * 5000 + b"}", "number-range", id="5000 digits"),
        pytest.param(b'{"n":1e999}', "number-range", id="1e999"),
        pytest.param(b'{"n":{"m":-1e999}}', "number-range", id="-1e999 inside"),
        pytest.param(b'{"n":"\\ud800"}', "surrogate", id="a lone surrogate"),
        pytest.param(b'{"\\udfff":1}', "surrogate", id="a lone surrogate as a name"),
        pytest.param(b'{"n":"\\ude00\\ud83d"}', "surrogate", id="a pair reversed"),
        pytest.param(b'{"_sd_alg":"sha-512"}', "sd-alg", id="sha-512"),
        pytest.param(b'{"_sd_alg":"SHA-256"}', "sd-alg", id="SHA-256"),
        pytest.param(b'{"_sd_alg":"md5"}', "sd-alg", id="md5"),
        pytest.param(b'{"_sd_alg":null}', "sd-alg", id="no algorithm"),
        pytest.param(b'{"_sd_alg":["sha-256"]}', "sd-alg", id="a list of algorithms"),
        pytest.param(b'{"_sd":null}', "sd-shape", id="null for digests"),
        pytest.param(b'{"_sd":"a"}', "sd-shape", id="a text for digests"),
        pytest.param(b'{"_sd":{}}', "sd-shape", id="an object for digests"),
        pytest.param(b'{"n":{"_sd":0}}', "sd-shape", id="a number for digests inside"),
        pytest.param(b'{"n":[{"...":"a","m":1}]}', "sd-shape", id="a digest in company"),
        pytest.param(b'{"n":{"_sd_alg":"sha-256"}}', "reserved-name", id="_sd_alg inside"),
        pytest.param(b'{"n":[{"_sd_alg":1}]}', "reserved-name", id="_sd_alg in a list"),
        pytest.param(b'{"...":"a"}', "reserved-name", id="... at the top"),
        pytest.param(b'{"n":{"...":"a"}}', "reserved-name", id="... in no list"),
        pytest.param(b'{"_sd":[1]}', "digest-shape", id="a number as a digest"),
        pytest.param(b'{"_sd":[["a"]]}', "digest-shape", id="a list as a digest"),
        pytest.param(b'{"_sd":[""]}', "digest-shape", id="an empty digest"),
        pytest.param(b'{"n":[{"...":null}]}', "digest-shape", id="null as a digest"),
    ],
)  # fmt: skip
def test_a_malformed_payload_is_refused(payload: bytes, why: str) -> None:
    assert reason(payload) == why


@pytest.mark.parametrize(
    "digest",
    [
        sha(b"a")[:-1],
        sha(b"a") + "A",
        sha(b"a")[:-1] + "=",
        "a b" * 14 + "A",
        "\u00e9" * 42 + "A",
        "A" * 42 + "B",  # spare bits: no text has this digest
        "A" * 43 + "\n",
        sha(b"a").replace(sha(b"a")[0], "+", 1),
    ],
)
def test_a_digest_that_is_no_digest_is_refused(digest: str) -> None:
    assert reason({"_sd": [digest]}) == "digest-shape"
    assert reason({"n": [{"...": digest}]}) == "digest-shape"


# -- depth


def test_the_33rd_level_is_refused_in_the_payload() -> None:
    assert reason(f'{{"n":{nested(32)}}}'.encode()) == "too-deep"
    objects = '{"n":' * 33 + "1" + "}" * 33
    assert reason(objects.encode()) == "too-deep"


def test_the_33rd_level_is_refused_in_a_disclosure() -> None:
    def token(depth: int) -> bytes:
        text = b64(f'["{SALT}","n",{nested(depth)}]'.encode())
        return forge({"_sd": [sha(text)]}, text)

    assert opened(token(31))
    assert refusal(token(32)).reason == "too-deep"


def test_the_33rd_level_is_refused_across_disclosures() -> None:
    def chain(length: int) -> bytes:
        texts = [named("n", 1)]
        for _ in range(length):
            texts.append(named("n", {"_sd": [sha(texts[-1])]}))
        return forge({"_sd": [sha(texts[-1])]}, *texts)

    assert opened(chain(31))
    assert refusal(chain(32)).reason == "too-deep"


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_an_abyss_is_refused_and_not_fallen_into(depth: int) -> None:
    assert reason(f'{{"n":{nested(depth)}}}'.encode()) == "too-deep"
    assert reason(('{"n":' * depth + "1" + "}" * depth).encode()) == "too-deep"
    text = b64(f'["{SALT}","n",{nested(depth)}]'.encode())
    assert reason({"_sd": [sha(text)]}, text) == "too-deep"


# -- disclosures


def test_an_unreferenced_disclosure_is_refused() -> None:
    assert reason({"n": 1}, named("m", 1)) == "unreferenced-disclosure"


def test_a_digest_inside_a_text_does_not_count() -> None:
    text = named("m", 1)
    smuggled = f'see {{"...":"{sha(text)}"}} and {{"_sd":["{sha(text)}"]}}'
    assert reason({"n": smuggled}, text) == "unreferenced-disclosure"
    assert reason({"n": [sha(text)]}, text) == "unreferenced-disclosure"
    assert reason({sha(text): 1}, text) == "unreferenced-disclosure"


def test_a_digest_inside_the_text_of_another_disclosure_does_not_count() -> None:
    text = named("m", 1)
    outer = named("n", f'{{"_sd":["{sha(text)}"]}}')
    assert reason({"_sd": [sha(outer)]}, outer, text) == "unreferenced-disclosure"


def test_a_digest_as_a_salt_does_not_count() -> None:
    text = named("m", 1)
    outer = disclosure(sha(text), "n", 1)
    assert reason({"_sd": [sha(outer)]}, outer, text) == "unreferenced-disclosure"


def test_the_child_of_a_withheld_disclosure_is_refused() -> None:
    child = named("m", 1)
    parent = named("n", {"_sd": [sha(child)]})
    assert reason({"_sd": [sha(parent)]}, child) == "unreferenced-disclosure"


def test_a_disclosure_that_stands_twice_is_refused() -> None:
    text = named("m", 1)
    assert reason({"_sd": [sha(text)]}, text, text) == "duplicate-disclosure"


def test_a_digest_that_stands_twice_is_refused() -> None:
    element, text = disclosure(SALT, "n"), named("n", 1)
    for payload in (
        {"n": elements(element, element)},
        {"n": elements(element), "m": elements(element)},
        {"n": elements(element), "m": {"_sd": [sha(element)]}},
    ):
        assert reason(payload, element) == "duplicate-digest"
        assert reason(payload) == "duplicate-digest"
    for payload in (
        {"_sd": [sha(text), sha(text)]},
        {"_sd": [sha(text)], "m": {"_sd": [sha(text)]}},
    ):
        assert reason(payload, text) == "duplicate-digest"
        assert reason(payload) == "duplicate-digest"


def test_a_digest_of_the_payload_again_in_a_disclosure_is_refused() -> None:
    inner = named("m", 1)
    outer = named("n", {"_sd": [sha(inner)]})
    payload = {"_sd": [sha(outer), sha(inner)]}
    assert reason(payload, outer, inner) == "duplicate-digest"


@pytest.mark.parametrize("name", ["_sd", "...", "_sd_alg"])
def test_a_disclosure_with_a_reserved_name_is_refused(name: str) -> None:
    text = named(name, [])
    error = refusal(forge({"_sd": [sha(text)]}, text))
    assert (error.reason, error.where) == ("reserved-name", "disclosure 0")


@pytest.mark.parametrize(
    "value", [{"_sd_alg": "sha-256"}, {"...": "a"}, [{"_sd_alg": 1}]]
)
def test_a_reserved_name_inside_a_disclosure_is_refused(value: Any) -> None:
    member, element = named("n", value), disclosure(SALT, value)
    assert reason({"_sd": [sha(member)]}, member) == "reserved-name"
    assert reason({"n": elements(element)}, element) == "reserved-name"


def test_a_disclosure_that_shadows_a_visible_claim_is_refused() -> None:
    text = named("tlp", "CLEAR")
    error = refusal(forge({"tlp": "RED", "_sd": [sha(text)]}, text))
    assert (error.reason, error.where) == ("shadowed-name", "disclosure 0")


def test_two_disclosures_of_one_name_are_refused() -> None:
    one, other = named("tlp", "CLEAR"), named("tlp", "RED")
    payload = {"_sd": [sha(one), sha(other)]}
    assert reason(payload, one, other) == "shadowed-name"
    assert opened(forge(payload, other)).claims == {"tlp": "RED"}


def test_an_object_in_a_disclosure_may_not_be_shadowed_either() -> None:
    inner = named("tlp", "CLEAR")
    outer = disclosure(SALT, {"tlp": "RED", "_sd": [sha(inner)]})
    assert reason({"n": elements(outer)}, outer, inner) == "shadowed-name"


@pytest.mark.parametrize(
    "text",
    [
        disclosure(),
        disclosure(SALT),
        disclosure(SALT, 1),
        disclosure(SALT, "n", 1, 2),
        disclosure(SALT, 7, 1),
        disclosure(SALT, None, 1),
        disclosure(SALT, ["n"], 1),
        b64(b'{"0":"salt"}'),
        b64(b'"text"'),
        b64(b"null"),
    ],
    ids=[
        "nothing", "a salt", "an element", "four parts", "a number for a name",
        "null for a name", "a list for a name", "an object", "a text", "null",
    ],
)  # fmt: skip
def test_a_member_that_is_not_salt_name_and_value_is_refused(text: bytes) -> None:
    error = refusal(forge({"_sd": [sha(text)]}, text))
    assert (error.reason, error.where) == ("disclosure-shape", "disclosure 0")


@pytest.mark.parametrize(
    "text", [disclosure(SALT), disclosure(SALT, "n", 1), b64(b"7")]
)
def test_an_element_that_is_not_salt_and_value_is_refused(text: bytes) -> None:
    assert reason({"n": elements(text)}, text) == "disclosure-shape"


@pytest.mark.parametrize("salt", ["", "a", SALT[:21], 7, None, ["a" * 22]])
def test_a_salt_below_128_bits_is_refused(salt: Any) -> None:
    for text, payload in (
        (disclosure(salt, "n", 1), lambda t: {"_sd": [sha(t)]}),
        (disclosure(salt, 1), lambda t: {"n": elements(t)}),
    ):
        error = refusal(forge(payload(text), text))
        assert (error.reason, error.where) == ("short-salt", "disclosure 0")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b'{"n":1,"n":2}', "duplicate-key"),
        (b"9007199254740992", "number-range"),
        (b"1e999", "number-range"),
        (b'"\\ud800"', "surrogate"),
        (b'"\xff"', "not-utf8"),
        (b"NaN", "not-json"),
        (b"1]", "not-json"),
        (b'{"_sd":0}', "sd-shape"),
        (b'{"_sd":["a"]}', "digest-shape"),
    ],
)
def test_a_malformed_value_in_a_disclosure_is_refused(value: bytes, why: str) -> None:
    salt = SALT.encode()
    member = b64(b'["' + salt + b'","n",' + value + b"]")
    element = b64(b'["' + salt + b'",' + value + b"]")
    assert reason({"_sd": [sha(member)]}, member) == why
    assert reason({"n": elements(element)}, element) == why


def test_a_refusal_names_the_disclosure_and_never_quotes_it() -> None:
    fine = named("n", 1)
    spoiled = b64(b'["' + SALT.encode() + b'","' + CANARY.encode() + b'",[1,"')
    error = refusal(forge({"_sd": [sha(fine), sha(spoiled)]}, fine, spoiled))
    assert error.where.startswith("disclosure 1")
    assert CANARY not in str(error)


# -- issuing


def conceal(tree: Any) -> tuple[Any, list[bytes]]:
    source = entropy()
    return sdjwt.conceal(tree, lambda: source(16))


def sealed(tree: dict[str, Any]) -> bytes:
    payload, texts = conceal(tree)
    return sdjwt.assemble(HEADER, payload, texts, CERT.sign)


def test_the_order_of_digests_does_not_tell_the_order_of_members() -> None:
    payload, _ = conceal({name: Hidden(name) for name in "abcdefgh"})
    assert payload["_sd"] == sorted(payload["_sd"])


def test_every_salt_is_fresh() -> None:
    _, texts = conceal([Hidden(1)] * 50)
    assert len(set(texts)) == 50


def test_parents_stand_before_their_children() -> None:
    payload, texts = conceal({"a": Hidden([Hidden({"b": Hidden(1)})])})
    lengths = [len(json.loads(base64url.decode(text))) for text in texts]
    assert lengths == [3, 2, 3]
    assert payload == {"_sd": [sha(texts[0])]}


@pytest.mark.parametrize("name", ["_sd", "...", "_sd_alg"])
@pytest.mark.parametrize("value", [1, Hidden(1)])
def test_a_reserved_name_is_not_signed(name: str, value: Any) -> None:
    for tree in ({name: value}, {"n": [{name: value}]}, {"n": Hidden({name: value})}):
        with pytest.raises(TrustError) as caught:
            conceal(tree)
        assert caught.value.reason == "reserved-name"


def test_what_nobody_would_take_for_its_depth_is_not_signed() -> None:
    def deep(levels: int, hide: bool) -> dict[str, Any]:
        value: Any = 1
        for _ in range(levels - 1):
            value = [Hidden(value)] if hide else [value]
        return {"n": value}

    for hide in (True, False):
        assert opened(sealed(deep(32, hide)))
        with pytest.raises(TrustError) as caught:
            conceal(deep(33, hide))
        assert caught.value.reason == "too-deep"


def test_what_nobody_would_take_for_its_disclosures_is_not_signed() -> None:
    with pytest.raises(TrustError) as caught:
        sdjwt.conceal([Hidden(0)] * 65_537, lambda: b"salt" * 4)
    assert caught.value.reason == "too-many-disclosures"


def test_what_nobody_would_take_for_its_size_is_not_signed() -> None:
    bare = len(sdjwt.assemble(HEADER, {}, [b""], CERT.sign))
    most = (16 << 20) - bare
    assert len(sdjwt.assemble(HEADER, {}, [b"a" * most], CERT.sign)) == 16 << 20
    with pytest.raises(TrustError) as caught:
        sdjwt.assemble(HEADER, {}, [b"a" * (most + 1)], CERT.sign)
    assert caught.value.reason == "too-large"


# -- properties

nodes = st.recursive(
    json_values,
    lambda inner: (
        st.lists(inner | inner.map(Hidden), max_size=4)
        | st.dictionaries(names, inner | inner.map(Hidden), max_size=4)
    ),
    max_leaves=12,
)
trees = st.dictionaries(names, nodes | nodes.map(Hidden), max_size=5)


def subsets(count: int) -> st.SearchStrategy[set[int]]:
    flags = st.lists(st.booleans(), min_size=count, max_size=count)
    return flags.map(lambda chosen: {i for i, flag in enumerate(chosen) if flag})


def hidden_places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where what is hidden stands when all of it is shown."""
    members: Any = ()
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    for name, inner in members:
        here = (*path, name)
        if isinstance(inner, Hidden):
            yield here
            inner = inner.value  # noqa: PLW2901
        yield from hidden_places(inner, here)


def shown(value: Any, kept: set[Path] | None, path: Path = ()) -> Any:
    """What a reader sees of *value*; of all that is hidden if *kept* is None."""

    def stays(inner: Any, here: Path) -> bool:
        return not isinstance(inner, Hidden) or kept is None or here in kept

    if isinstance(value, Hidden):
        return shown(value.value, kept, path)
    if isinstance(value, dict):
        return {
            name: shown(inner, kept, (*path, name))
            for name, inner in value.items()
            if stays(inner, (*path, name))
        }
    if isinstance(value, list):
        return [
            shown(inner, kept, (*path, i))
            for i, inner in enumerate(value)
            if stays(inner, (*path, i))
        ]
    return value


@settings(derandomize=True, max_examples=40)
@given(trees)
def test_what_was_hidden_anywhere_comes_back(tree: dict[str, Any]) -> None:
    found = opened(sealed(tree))
    assert found.claims == shown(tree, None)
    assert sorted(map(str, hidden_places(tree))) == sorted(
        str(d.path) for d in found.disclosures
    )
    assert found.withheld == {}


@settings(derandomize=True, max_examples=40)
@given(trees, st.data())
def test_withholding_anything_leaves_a_valid_token_of_the_rest(
    tree: dict[str, Any], data: st.DataObject
) -> None:
    whole = opened(sealed(tree))
    kept = data.draw(subsets(len(whole.disclosures)))
    cut = sdjwt.withhold(whole, kept)
    rest = opened(cut)
    assert rest.claims == shown(tree, {whole.disclosures[i].path for i in kept})
    assert rest.jwt == whole.jwt
    assert rest.token_id == whole.token_id
    assert {d.text for d in rest.disclosures} <= {d.text for d in whole.disclosures}
    # Cutting again what is cut changes nothing.
    assert sdjwt.withhold(rest, range(len(rest.disclosures))) == cut


@settings(derandomize=True, max_examples=40)
@given(trees, st.data())
def test_what_is_withheld_stands_nowhere_in_the_rest(
    tree: dict[str, Any], data: st.DataObject
) -> None:
    whole = opened(sealed({**tree, "canary": Hidden(CANARY)}))
    [canary] = [i for i, d in enumerate(whole.disclosures) if d.path == ("canary",)]
    kept = data.draw(subsets(len(whole.disclosures)))
    cut = sdjwt.withhold(whole, kept - {canary})
    decoded = [base64url.decode(part) for part in re.split(b"[.~]", cut) if part]
    assert not any(CANARY.encode() in part for part in decoded)


def test_a_disclosure_goes_with_its_parent() -> None:
    whole = opened(sealed({"a": Hidden({"b": Hidden({"c": Hidden(1)})})}))
    place = {d.path: i for i, d in enumerate(whole.disclosures)}
    leaf, middle, root = (place[p] for p in (("a", "b", "c"), ("a", "b"), ("a",)))
    assert opened(sdjwt.withhold(whole, {leaf})).claims == {}
    assert opened(sdjwt.withhold(whole, {leaf, root})).claims == {"a": {}}
    assert opened(sdjwt.withhold(whole, {middle, root})).claims == {"a": {"b": {}}}
    assert opened(sdjwt.withhold(whole, {leaf, middle, root})).claims == whole.claims


@settings(derandomize=True, max_examples=300)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_only_our_error(data: bytes) -> None:
    assert refusal(data)


@settings(derandomize=True, max_examples=300)
@given(st.binary(max_size=100))
def test_arbitrary_signed_bytes_raise_only_our_error(payload: bytes) -> None:
    assert refusal(forge(payload))


@settings(derandomize=True)
@given(st.dictionaries(st.sampled_from(["_sd", "...", "_sd_alg", "n"]), json_values))
def test_arbitrary_signed_members_raise_only_our_error(payload: Any) -> None:
    try:
        opened(forge(payload))
    except RefusedError:
        return


@settings(derandomize=True)
@given(json_values, st.booleans())
def test_an_arbitrary_disclosure_raises_only_our_error(
    value: Any, member: bool
) -> None:
    text = b64(json.dumps(value).encode())
    payload = {"_sd": [sha(text)]} if member else {"n": elements(text)}
    try:
        opened(forge(payload, text))
    except RefusedError:
        return


@settings(derandomize=True, max_examples=300)
@given(st.data())
def test_a_mutated_token_raises_only_our_error(data: st.DataObject) -> None:
    text = named("name", "A case")
    token = forge({"_sd": [sha(text)], "n": elements(b"x")}, text)
    start = data.draw(st.integers(0, len(token)))
    end = data.draw(st.integers(start, len(token)))
    bent = token[:start] + data.draw(st.binary(max_size=5)) + token[end:]
    try:
        # Without its disclosures, a token is still one.
        assert opened(bent).jwt == opened(token).jwt
    except RefusedError:
        return
