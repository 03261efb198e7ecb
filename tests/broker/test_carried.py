"""A record as it is carried: the compact token, or the JSON serialization around it."""

import itertools
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import carried, sdjwt
from broker.bus import CARRIED_CONTENT_TYPE, TOKEN_CONTENT_TYPE
from broker.carried import Carried, Signature, decode, decode_json, encode
from broker.errors import TrustError
from broker.wire import pack, unpack
from schemas.errors import RefusedError

TOKEN = b"aGVhZA.cGF5bG9hZA.c2ln~ZGlz~Y2xv~"
OTHER = Signature(b"b3RoZXI", b"bWluZQ")
WHOLE = Carried(TOKEN, (OTHER,), (b"c2VhbGVk",))
PARTS = st.text("abcXYZ019-_", min_size=1, max_size=9).map(str.encode)
TOKENS = st.builds(
    lambda jwt, texts: b".".join(jwt) + b"~" + b"".join(t + b"~" for t in texts),
    st.tuples(PARTS, PARTS, PARTS),
    st.lists(PARTS, max_size=4),
)
RECORDS = st.builds(
    Carried,
    TOKENS,
    st.lists(st.builds(Signature, PARTS, PARTS), max_size=15).map(tuple),
    st.lists(PARTS, max_size=5).map(tuple),
)


def spelled(**changes):
    return json.dumps(json.loads(encode(WHOLE)) | changes).encode()


def reason(text):
    with pytest.raises(RefusedError) as caught:
        decode_json(text)
    return caught.value.reason


def test_a_token_alone_is_carried_as_it_is():
    assert encode(Carried(TOKEN)) == TOKEN
    assert decode(TOKEN) == Carried(TOKEN)


def test_further_signatures_and_sealed_parts_stand_around_it_in_one_spelling():
    assert encode(WHOLE) == (
        b'{"payload":"cGF5bG9hZA","signatures":[{"header":{"disclosures":["ZGlz",'
        b'"Y2xv"],"sealed":["c2VhbGVk"]},"protected":"aGVhZA","signature":"c2ln"},'
        b'{"protected":"b3RoZXI","signature":"bWluZQ"}]}'
    )


@given(RECORDS)
def test_what_is_encoded_is_decoded_to_the_same(record):
    assert decode(encode(record)) == record
    assert encode(decode(encode(record))) == encode(record)


@given(RECORDS)
def test_a_message_carries_it_under_its_own_content_type(record):
    message = pack(record, message_id="m", routing_key="r", user_id="u")
    assert unpack(message) == record
    compact = not record.also and not record.sealed
    assert message.content_type == (
        TOKEN_CONTENT_TYPE if compact else CARRIED_CONTENT_TYPE
    )


def test_the_content_type_says_which_form_it_is_and_nothing_is_guessed():
    message = pack(WHOLE, message_id="m", routing_key="r", user_id="u")
    claimed = msgspec.structs.replace(message, content_type=TOKEN_CONTENT_TYPE)
    assert unpack(claimed) == Carried(encode(WHOLE))
    bare = pack(TOKEN, message_id="m", routing_key="r", user_id="u")
    with pytest.raises(RefusedError, match="not-json"):
        unpack(msgspec.structs.replace(bare, content_type=CARRIED_CONTENT_TYPE))


def test_its_name_is_that_of_the_first_signature():
    assert WHOLE.token_id == sdjwt.token_id(TOKEN)


def test_every_signature_gives_a_token_of_its_own():
    assert WHOLE.parted() == (TOKEN, b"b3RoZXI.cGF5bG9hZA.bWluZQ~ZGlz~Y2xv~")
    with pytest.raises(TrustError, match="framing"):
        Carried(b"no token", (OTHER,)).parted()


@given(st.binary(max_size=60))
def test_arbitrary_bytes_raise_only_refusals(data):
    for text in (data, b"{" + data, b'{"payload":"' + data):
        try:
            decode(text)
        except RefusedError:
            continue


def test_any_spelling_of_json_is_read():
    assert decode_json(spelled().replace(b"ZGlz", b"\\u005aGlz")) == WHOLE


@pytest.mark.parametrize("bad", ["a~b", "a.b", "a b", "é", "a\n", "a=", "/+"])
def test_no_part_may_hold_what_would_divide_it(bad):
    text = encode(WHOLE).decode()
    for part in (
        "ZGlz",
        "cGF5bG9hZA",
        "aGVhZA",
        "c2ln",
        "b3RoZXI",
        "bWluZQ",
        "c2VhbGVk",
    ):
        spoilt = text.replace(f'"{part}"', json.dumps(part + bad), 1)
        assert reason(spoilt.encode()) == "serialization"


def test_every_member_that_is_missing_or_too_many_is_refused():
    def nodes(value, path=()):
        if isinstance(value, dict):
            yield path
        if isinstance(value, dict | list):
            for key in value if isinstance(value, dict) else range(len(value)):
                yield from nodes(value[key], (*path, key))

    whole = json.loads(encode(WHOLE))
    optional = {"sealed"}
    for path in nodes(whole):
        for drop in (False, True):
            bent = json.loads(encode(WHOLE))
            inner = bent
            for step in path:
                inner = inner[step]
            if drop:
                for name in [n for n in inner if n not in optional]:
                    again = json.loads(encode(WHOLE))
                    there = again
                    for step in path:
                        there = there[step]
                    del there[name]
                    assert reason(json.dumps(again).encode()) == "serialization"
            else:
                inner["more"] = "x"
                assert reason(json.dumps(bent).encode()) == "serialization"


@pytest.mark.parametrize("text", [b"[]", b"1", b'"x"', b"null", b"{}"])
def test_another_json_value_is_refused(text):
    assert reason(text) == "serialization"


def test_disclosures_stand_in_the_first_header_only():
    value = json.loads(encode(WHOLE))
    value["signatures"][1]["header"] = {"disclosures": []}
    assert reason(json.dumps(value).encode()) == "serialization"


def test_a_member_twice_is_refused():
    assert reason(b'{"payload":"YQ",' + encode(WHOLE)[1:]) == "duplicate-key"


def test_the_bounds_hold_in_both_directions():
    many = Carried(TOKEN, tuple(itertools.repeat(OTHER, carried.MAX_SIGNATURES - 1)))
    assert decode(encode(many)) == many
    sealed = Carried(TOKEN, (), (b"c" * carried.MAX_SEALED_CHARS,) * 3)
    assert decode(encode(sealed)) == sealed
    for too_much in (
        Carried(TOKEN, (*many.also, OTHER)),
        Carried(TOKEN, (), (b"c",) * (carried.MAX_SEALED + 1)),
        Carried(TOKEN, (), (b"c" * (carried.MAX_SEALED_CHARS + 1),)),
        Carried(TOKEN, (), (b"c" * carried.MAX_SEALED_CHARS,) * 4),
    ):
        with pytest.raises(TrustError, match="too-large"):
            encode(too_much)


def test_what_has_too_many_bytes_or_values_is_not_parsed():
    assert reason(b"{" + b" " * sdjwt.MAX_TOKEN_BYTES) == "too-large"
    assert reason(b"{" + b"," * 500_000) == "too-many-values"


def test_no_refusal_quotes_what_it_read():
    value = json.loads(encode(WHOLE))
    value["signatures"][1] |= {"a-secret-name": 1}
    with pytest.raises(TrustError) as caught:
        decode_json(json.dumps(value).encode())
    assert "secret" not in str(caught.value)


def test_what_is_no_token_is_not_encoded():
    for bad in (b"", b"a.b~", b"a.b.c"):
        with pytest.raises(TrustError, match="framing"):
            encode(Carried(bad, (OTHER,)))
