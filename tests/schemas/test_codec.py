"""Bytes <-> JSON values: what any parser could read otherwise is refused."""

import json
import traceback
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.codec import (
    MAX_DEPTH,
    MAX_SAFE_INT,
    check_values,
    decode_json,
    decode_strict_text,
    encode_json,
    place_of,
)
from schemas.errors import SchemaError
from tests.support.real_data import real_files
from tests.support.refusals import refusal_of
from tests.support.stix_values import json_values

CANARY = "mallory"
REASONS = {
    "duplicate-key",
    "not-json",
    "not-utf8",
    "number-range",
    "surrogate",
    "too-deep",
    "too-large",
}


def decode(data: bytes, **limits: Any) -> Any:
    return decode_json(data, **{"max_bytes": 1_000_000, **limits})


def refusal(data: bytes, **limits: Any) -> SchemaError:
    with pytest.raises(SchemaError) as caught:
        decode(data, **limits)
    return caught.value


# -- what passes


@given(json_values)
def test_every_value_survives_the_round_trip(value: Any) -> None:
    assert decode(encode_json(value)) == value


@given(json_values)
def test_spaces_and_escapes_change_nothing(value: Any) -> None:
    spelled = json.dumps(value, indent=2, ensure_ascii=True).encode()
    assert decode(spelled) == value


@given(json_values)
def test_what_is_encoded_decodes_with_the_standard_library_too(value: Any) -> None:
    assert json.loads(encode_json(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"1E6", 1_000_000.0),
        (b"-0", 0),
        (b"1e-999", 0.0),
        (b'"\\u0000"', "\0"),
        (b'"\\ud83d\\udd14"', "\N{BELL}"),
        (b' {"a" : 1 } ', {"a": 1}),
        (b"9007199254740991", MAX_SAFE_INT),
        (b"-9007199254740991", -MAX_SAFE_INT),
        # One letter composed, the other not: two keys.
        ('{"\u00e9":1,"e\u0301":2}'.encode(), {"\u00e9": 1, "e\u0301": 2}),
    ],
)
def test_unusual_spellings_are_taken(text: bytes, value: Any) -> None:
    assert decode(text) == value


def test_members_keep_the_order_given() -> None:
    assert encode_json({"b": 1, "a": [True, None]}) == b'{"b":1,"a":[true,null]}'


# -- what does not


@given(st.binary())
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"[" * 600 + b"]" * 600)
@example(b"[" + b"9" * 5_000 + b"]")
@example(b'{"a":' * 600 + b"1 " + b"}" * 600)
def test_arbitrary_bytes_raise_only_our_error(data: bytes) -> None:
    refused = refusal_of(decode, data)
    assert refused is None or refused.reason in REASONS


@pytest.mark.parametrize("text", [b"[%b", b"[%b1 ]", b'[%b"\\ud800"]'])
def test_no_depth_exhausts_the_recursion_of_either_parser(text: bytes) -> None:
    # Both stop somewhere near the recursion limit, not at the same level.
    for depth in range(800, 1010):
        brackets = text % (b"[" * depth) + b"]" * (depth * text.endswith(b"]"))
        with pytest.raises(SchemaError):
            decode(brackets)


@given(st.text(alphabet='[]{}":,\\ud8001eE+-.0anulftrsi \n', max_size=30))
def test_text_that_is_nearly_json_raises_only_our_error(text: str) -> None:
    refused = refusal_of(decode, text.encode())
    if refused is None:
        assert decode(text.encode()) == json.loads(text)
    else:
        assert refused.reason in REASONS


@pytest.mark.parametrize(
    ("text", "reason", "where"),
    [
        (b"", "not-json", "line 1 column 1"),
        (b"[1] x", "not-json", "line 1 column 5"),
        (b'{"a":1,\n"b":nope}', "not-json", "line 2 column 5"),
        (b"\xef\xbb\xbf[1]", "not-json", "line 1 column 1"),
        (b'["\x00"]', "not-json", "line 1 column 3"),
        (b"[01]", "not-json", "line 1 column 3"),
        (b"[NaN]", "not-json", "$"),
        (b"[-Infinity]", "not-json", "$"),
        (b'["\xff"]', "not-utf8", "byte 2"),
        (b'{"\xed\xa0\x80":1}', "not-utf8", "byte 2"),
        ('"é"'.encode("utf-16"), "not-utf8", "byte 0"),
        (b'{"a":1,"a":1}', "duplicate-key", "$"),
        (b'{"a":1,"\\u0061":2}', "duplicate-key", "$"),
        (b'{"a": 1, "a": 2, "x": "\\u0022:"}', "duplicate-key", "$"),
        (b'{"a": 1, "a": 2, "x": "\\u003ax"}', "duplicate-key", "$"),
        (b'{"a": 1, "a": 2, "x": "\\u003Ax"}', "duplicate-key", "$"),
        (b'{"a" :1, "a": 2, "x":3}', "duplicate-key", "$"),
        (b'{"a"\n:1, "a"\t:2, "x"\r:3}', "duplicate-key", "$"),
        (b'{"a": ":", "a": {":": 1}}', "duplicate-key", "$"),
        (b'[{"x":[0,{"a":1,"a":2}]}]', "duplicate-key", "$[0][...][1]"),
        (b'[{"b":1},[2],{"a":1,"a":2}]', "duplicate-key", "$[2]"),
        (b'["\\ud800"]', "surrogate", "$"),
        (b'["\\udc00\\ud800"]', "surrogate", "$"),
        (b'{"\\uD800":1}', "surrogate", "$"),
        (b"[9007199254740992]", "number-range", "$[0]"),
        (b"[1,-9007199254740992]", "number-range", "$[1]"),
        (b"[18446744073709551617]", "number-range", "$[0]"),
        (b'{"a":1e999}', "number-range", "$[...]"),
        (b"[-1e999]", "number-range", "$[0]"),
        (b"[" * 33 + b"]" * 33, "too-deep", "$" + "[0]" * 32),
    ],
)
def test_the_refusal_names_reason_and_place(
    text: bytes, reason: str, where: str
) -> None:
    error = refusal(text)
    assert (error.reason, error.where) == (reason, where)


def test_the_place_of_the_text_comes_first() -> None:
    assert refusal(b"[9e999]", where="$.d[3]").where == "$.d[3][0]"
    assert refusal(b"[}", where="$.d[3]").where == "$.d[3] line 1 column 2"
    assert refusal(b'["\xff"]', where="$.d[3]").where == "$.d[3] byte 2"


def test_a_member_is_named_only_if_the_schema_knows_it() -> None:
    text = b'{"objects":[{"mallory":9007199254740992}]}'
    error = refusal(text, names={"objects"})
    assert error.where == "$.objects[0][...]"


@pytest.mark.parametrize(
    "text",
    [
        '{"mallory":1,"mallory":2}',
        '["mallory" "mallory"]',
        '{"mallory":[12345678901234567890]}',
        '["mallory\\ud800"]',
        '{"mallory":1e999}',
        "[" * 40 + '"mallory"' + "]" * 40,
    ],
)
def test_a_refusal_never_repeats_the_text(text: str) -> None:
    error = refusal(text.encode())
    assert CANARY not in "".join(traceback.format_exception(error))


def test_a_text_above_the_limit_is_not_even_read() -> None:
    assert refusal(b"[" * 101, max_bytes=100).reason == "too-large"
    assert decode(b'"' + b"a" * 98 + b'"', max_bytes=100) == "a" * 98


def test_depth_is_counted_in_containers() -> None:
    deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert decode(deepest)
    assert decode(b'{"a":[1]}', max_depth=2)
    assert refusal(b'{"a":[1]}', max_depth=1).where == "$[...]"


def test_the_text_alone_is_decoded_without_its_limits() -> None:
    assert decode_strict_text(b"[12345678901234567890]") == [12345678901234567890]
    assert decode_strict_text(b"[" * 40 + b"]" * 40)


@pytest.mark.parametrize("path", real_files("json_hostile/*.json"))
def test_hostile_texts_of_others_are_refused_or_read_exactly(path: Path) -> None:
    data = path.read_bytes()
    refused = refusal_of(decode, data)
    assert (refused.reason if refused else None) == hostile_reason(path.name)
    if refused is None:
        assert decode(data) == json.loads(data)


def hostile_reason(name: str) -> str | None:
    if "same_key" in name:
        return "duplicate-key"
    if "invalid_codepoint" in name:
        return "surrogate" if "escaped" in name else "not-utf8"
    digits = name.removeprefix("number_").removesuffix(".json").lstrip("-")
    return "number-range" if digits.isdigit() and len(digits) > 16 else None


# -- values that did not come from a text


@pytest.mark.parametrize(
    ("value", "reason", "where"),
    [
        ([float("nan")], "number-range", "$[0]"),
        ([float("inf")], "number-range", "$[0]"),
        ({"name": "x" * 11}, "too-large", "$.name"),
        ({"name": [{"_sd": []}]}, "reserved-name", "$.name[0]"),
    ],
)
def test_values_are_checked_wherever_they_come_from(
    value: Any, reason: str, where: str
) -> None:
    with pytest.raises(SchemaError) as caught:
        check_values(value, max_chars=10, reserved=frozenset({"_sd"}), names={"name"})
    assert (caught.value.reason, caught.value.where) == (reason, where)


def test_booleans_and_null_are_no_numbers() -> None:
    check_values([True, False, None])


def test_values_nested_beyond_recursion_are_refused() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(SchemaError, match="too-deep"):
        check_values(value)


def test_a_lone_surrogate_cannot_be_encoded() -> None:
    with pytest.raises(SchemaError, match="surrogate"):
        encode_json(["\ud800"])


def test_only_the_place_is_taken_out_of_msgspecs_text() -> None:
    for value, kind, place in [
        ([{"a": CANARY}], list[dict[str, int]], "$.x[0][...]"),
        ({CANARY: 1}, dict[int, int], "$.x"),
        (CANARY, int, "$.x"),
    ]:
        with pytest.raises(msgspec.ValidationError) as caught:
            msgspec.convert(value, kind)
        assert place_of(caught.value, "$.x") == place


_SPELLINGS = st.sampled_from(
    ["a", "b", ":", "\\u003a", "\\u0022:", '\\":', "a\\u0022", '\\"', "é", "\\u00e9"]
)
_SPACES = st.sampled_from(["", "", " ", "\n", "\t", "\r", "  "])


@st.composite
def _texts(draw: st.DrawFn, depth: int = 2) -> str:
    kind = draw(st.integers(0, 3 if depth else 1))
    if kind < 2:
        return f'"{"".join(draw(st.lists(_SPELLINGS, max_size=3)))}"'
    if kind == 2:
        return f"[{','.join(draw(st.lists(_texts(depth - 1), max_size=3)))}]"
    members = [
        f'"{draw(_SPELLINGS)}"{draw(_SPACES)}:{draw(_SPACES)}{draw(_texts(depth - 1))}'
        for _ in range(draw(st.integers(0, 3)))
    ]
    return f"{{{','.join(members)}}}"


@given(_texts())
def test_a_repeated_key_is_found_however_it_is_spelled(text: str) -> None:
    repeats = False

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal repeats
        repeats |= len(dict(pairs)) < len(pairs)
        return dict(pairs)

    value = json.loads(text, object_pairs_hook=members)
    if repeats:
        with pytest.raises(SchemaError, match="duplicate-key"):
            decode_strict_text(text.encode())
    else:
        assert decode_strict_text(text.encode()) == value
