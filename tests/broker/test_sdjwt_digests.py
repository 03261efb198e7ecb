"""SD-JWT: digests and disclosures, and every way they are bent.

All are signed, by hand: only the one check can refuse.
"""

from typing import Any

import pytest

from tests.support.records import (
    SALT,
    b64,
    disclosure,
    forge,
    named,
    sha,
)
from tests.support.verifying import (
    elements,
    format_reason,
    format_refusal,
    format_verdict,
    opened,
)

CANARY = "mallory"


def nested(depth: int, inner: str = "1") -> str:
    return "[" * depth + inner + "]" * depth


# -- the payload


@pytest.mark.parametrize("payload", [b"[]", b'"text"', b"1", b"null", b"true"])
def test_a_payload_that_is_no_object_is_refused(payload: bytes) -> None:
    assert format_reason(payload) == "payload"


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
        pytest.param(b'{"n":{"_sd":null}}', "sd-shape", id="null for digests inside"),
        pytest.param(b'{"_sd":false}', "sd-shape", id="false for digests"),
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
        pytest.param(b'{"n":[{"...":["a"]}]}', "digest-shape", id="a list in a list"),
    ],
)  # fmt: skip
def test_a_malformed_payload_is_refused(payload: bytes, why: str) -> None:
    assert format_reason(payload) == why


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
    assert format_reason({"_sd": [digest]}) == "digest-shape"
    assert format_reason({"n": [{"...": digest}]}) == "digest-shape"


# -- depth


def test_the_33rd_level_is_refused_in_the_payload() -> None:
    assert format_reason(f'{{"n":{nested(32)}}}'.encode()) == "too-deep"
    objects = '{"n":' * 33 + "1" + "}" * 33
    assert format_reason(objects.encode()) == "too-deep"


@pytest.mark.parametrize("last", ["[]", '["a"]', "{}", "[1]", '{"_sd":[]}'])
def test_the_33rd_level_is_refused_whatever_it_holds(last: str) -> None:
    def objects(depth: int) -> str:
        return '{"n":' * depth + last + "}" * depth

    assert opened(forge(objects(31).encode()))
    assert format_reason(objects(32).encode()) == "too-deep"
    for depth, why in ((30, ""), (31, "too-deep")):
        text = b64(f'["{SALT}","n",{objects(depth)}]'.encode())
        assert format_verdict(forge({"_sd": [sha(text)]}, text)) == why
    carried = b64(f'["{SALT}","n",{last}]'.encode())
    deep = '{"n":' * 31 + f'{{"_sd":["{sha(carried)}"]}}' + "}" * 31
    assert format_reason(deep.encode(), carried) == "too-deep"


def test_the_33rd_level_is_refused_in_a_disclosure() -> None:
    def token(depth: int) -> bytes:
        text = b64(f'["{SALT}","n",{nested(depth)}]'.encode())
        return forge({"_sd": [sha(text)]}, text)

    assert opened(token(31))
    assert format_refusal(token(32)).reason == "too-deep"


def test_the_33rd_level_is_refused_across_disclosures() -> None:
    def chain(length: int) -> bytes:
        texts = [named("n", 1)]
        for _ in range(length):
            texts.append(named("n", {"_sd": [sha(texts[-1])]}))
        return forge({"_sd": [sha(texts[-1])]}, *texts)

    assert opened(chain(31))
    assert format_refusal(chain(32)).reason == "too-deep"


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_an_abyss_is_refused_and_not_fallen_into(depth: int) -> None:
    assert format_reason(f'{{"n":{nested(depth)}}}'.encode()) == "too-deep"
    assert format_reason(('{"n":' * depth + "1" + "}" * depth).encode()) == "too-deep"
    text = b64(f'["{SALT}","n",{nested(depth)}]'.encode())
    assert format_reason({"_sd": [sha(text)]}, text) == "too-deep"


# -- disclosures


def test_an_unreferenced_disclosure_is_refused() -> None:
    assert format_reason({"n": 1}, named("m", 1)) == "unreferenced-disclosure"


def test_a_digest_inside_a_text_does_not_count() -> None:
    text = named("m", 1)
    smuggled = f'see {{"...":"{sha(text)}"}} and {{"_sd":["{sha(text)}"]}}'
    assert format_reason({"n": smuggled}, text) == "unreferenced-disclosure"
    assert format_reason({"n": [sha(text)]}, text) == "unreferenced-disclosure"
    assert format_reason({sha(text): 1}, text) == "unreferenced-disclosure"


def test_a_digest_inside_the_text_of_another_disclosure_does_not_count() -> None:
    text = named("m", 1)
    outer = named("n", f'{{"_sd":["{sha(text)}"]}}')
    assert (
        format_reason({"_sd": [sha(outer)]}, outer, text) == "unreferenced-disclosure"
    )


def test_a_digest_as_a_salt_does_not_count() -> None:
    text = named("m", 1)
    outer = disclosure(sha(text), "n", 1)
    assert (
        format_reason({"_sd": [sha(outer)]}, outer, text) == "unreferenced-disclosure"
    )


def test_the_child_of_a_withheld_disclosure_is_refused() -> None:
    child = named("m", 1)
    parent = named("n", {"_sd": [sha(child)]})
    assert format_reason({"_sd": [sha(parent)]}, child) == "unreferenced-disclosure"


def test_a_disclosure_that_stands_twice_is_refused() -> None:
    text = named("m", 1)
    assert format_reason({"_sd": [sha(text)]}, text, text) == "duplicate-disclosure"


def test_a_digest_that_stands_twice_is_refused() -> None:
    element, text = disclosure(SALT, "n"), named("n", 1)
    for payload in (
        {"n": elements(element, element)},
        {"n": elements(element), "m": elements(element)},
        {"n": elements(element), "m": {"_sd": [sha(element)]}},
    ):
        assert format_reason(payload, element) == "duplicate-digest"
        assert format_reason(payload) == "duplicate-digest"
    for payload in (
        {"_sd": [sha(text), sha(text)]},
        {"_sd": [sha(text)], "m": {"_sd": [sha(text)]}},
    ):
        assert format_reason(payload, text) == "duplicate-digest"
        assert format_reason(payload) == "duplicate-digest"


def test_a_digest_of_the_payload_again_in_a_disclosure_is_refused() -> None:
    inner = named("m", 1)
    outer = named("n", {"_sd": [sha(inner)]})
    payload = {"_sd": [sha(outer), sha(inner)]}
    assert format_reason(payload, outer, inner) == "duplicate-digest"


@pytest.mark.parametrize("name", ["_sd", "...", "_sd_alg"])
def test_a_disclosure_with_a_reserved_name_is_refused(name: str) -> None:
    text = named(name, [])
    error = format_refusal(forge({"_sd": [sha(text)]}, text))
    assert (error.reason, error.where) == ("reserved-name", "disclosure 0")


@pytest.mark.parametrize(
    "value", [{"_sd_alg": "sha-256"}, {"...": "a"}, [{"_sd_alg": 1}]]
)
def test_a_reserved_name_inside_a_disclosure_is_refused(value: Any) -> None:
    member, element = named("n", value), disclosure(SALT, value)
    assert format_reason({"_sd": [sha(member)]}, member) == "reserved-name"
    assert format_reason({"n": elements(element)}, element) == "reserved-name"


def test_a_disclosure_that_shadows_a_visible_claim_is_refused() -> None:
    text = named("tlp", "CLEAR")
    error = format_refusal(forge({"tlp": "RED", "_sd": [sha(text)]}, text))
    assert (error.reason, error.where) == ("shadowed-name", "disclosure 0")


def test_two_disclosures_of_one_name_are_refused() -> None:
    one, other = named("tlp", "CLEAR"), named("tlp", "RED")
    payload = {"_sd": [sha(one), sha(other)]}
    assert format_reason(payload, one, other) == "shadowed-name"
    assert opened(forge(payload, other)).claims == {"tlp": "RED"}


def test_an_object_in_a_disclosure_may_not_be_shadowed_either() -> None:
    inner = named("tlp", "CLEAR")
    outer = disclosure(SALT, {"tlp": "RED", "_sd": [sha(inner)]})
    assert format_reason({"n": elements(outer)}, outer, inner) == "shadowed-name"


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
    error = format_refusal(forge({"_sd": [sha(text)]}, text))
    assert (error.reason, error.where) == ("disclosure-shape", "disclosure 0")


@pytest.mark.parametrize(
    "text", [disclosure(SALT), disclosure(SALT, "n", 1), b64(b"7")]
)
def test_an_element_that_is_not_salt_and_value_is_refused(text: bytes) -> None:
    assert format_reason({"n": elements(text)}, text) == "disclosure-shape"


@pytest.mark.parametrize("salt", ["", "a", SALT[:21], 7, None, ["a" * 22]])
def test_a_salt_below_128_bits_is_refused(salt: Any) -> None:
    for text, payload in (
        (disclosure(salt, "n", 1), lambda t: {"_sd": [sha(t)]}),
        (disclosure(salt, 1), lambda t: {"n": elements(t)}),
    ):
        error = format_refusal(forge(payload(text), text))
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
        (b'{"_sd":null}', "sd-shape"),
        (b'{"_sd":["a"]}', "digest-shape"),
    ],
)
def test_a_malformed_value_in_a_disclosure_is_refused(value: bytes, why: str) -> None:
    salt = SALT.encode()
    member = b64(b'["' + salt + b'","n",' + value + b"]")
    element = b64(b'["' + salt + b'",' + value + b"]")
    assert format_reason({"_sd": [sha(member)]}, member) == why
    assert format_reason({"n": elements(element)}, element) == why


def test_a_refusal_names_the_disclosure_and_never_quotes_it() -> None:
    fine = named("n", 1)
    spoiled = b64(b'["' + SALT.encode() + b'","' + CANARY.encode() + b'",[1,"')
    error = format_refusal(forge({"_sd": [sha(fine), sha(spoiled)]}, fine, spoiled))
    assert error.where.startswith("disclosure 1")
    assert CANARY not in str(error)
