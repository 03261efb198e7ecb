"""Disclosures: many at once are read exactly as each would be alone.

The fast way and the slow one are held against each other: whatever bytes come in, what
comes out is what `_one` makes of each text, or the refusal that it ends with.
"""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from broker import concealing, disclosures
from broker.concealing import Hidden
from broker.errors import TrustError
from schemas.errors import RefusedError
from tests.support.records import SALT, b64, entropy, token
from tests.support.stix_values import json_values

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
REAL = token().split(b"~")[1:-1]
# What a `K` and the two bits to spare before it can become.
JOINTS = b"\x0a\x4a\x8a\xca"


def outcome(call: Callable[[], Any]) -> tuple[Any, ...]:
    """What is given, with the types of numbers and the signs of zeros; or the refusal."""
    try:
        return ("given", repr(call()))
    except RefusedError as error:
        return (type(error), error.reason, error.where)


def one_by_one(texts: Sequence[bytes]) -> list[Any]:
    return [disclosures._one(text, f"disclosure {i}") for i, text in enumerate(texts)]


def assert_same(texts: Sequence[bytes]) -> bool:
    """Hold both ways against each other; tell whether the fast one took *texts*."""
    slowly = outcome(lambda: one_by_one(texts))
    assert outcome(lambda: disclosures.decode(texts)) == slowly
    at_once = disclosures._at_once(texts)
    if at_once is not None:
        assert ("given", repr(at_once)) == slowly
    return at_once is not None


def aligned(text: str | bytes) -> bytes:
    """Spell a disclosure of *text*, which gets `J`s where it has `@`, as it needs."""
    raw = text.encode() if isinstance(text, str) else text
    more = (2 - len(raw.replace(b"@", b""))) % 3
    return b64(raw.replace(b"@", b"J" * more))


def spare(text: bytes, bits: int) -> bytes:
    """Set the two bits to spare of an aligned text."""
    return text[:-1] + ALPHABET[ALPHABET.index(text[-1]) | bits :][:1]


# -- what is taken at once


def test_what_we_issue_is_taken_at_once() -> None:
    assert assert_same(REAL)
    assert len(REAL) == 9
    assert assert_same([aligned(f'["{SALT}@","n",1]')])


def test_no_texts_are_no_values() -> None:
    assert disclosures.decode([]) == []


@settings(derandomize=True, max_examples=200)
@given(st.lists(json_values.map(Hidden), min_size=1, max_size=6))
def test_whatever_we_issue_is_taken_at_once(values: list[Hidden]) -> None:
    _, texts, _ = concealing.conceal(values, entropy())
    assert assert_same(texts)
    assert [value for _, value in disclosures.decode(texts)] == [
        each.value for each in values
    ]


# -- hostile texts, aligned so that the fast way looks at them

SPELLINGS = [
    pytest.param('["S@", "n",1]', id="a space"),
    pytest.param('["S@","n",1] ', id="a space behind"),
    pytest.param(' ["S@","n",1]', id="a space in front"),
    pytest.param('["S@",\n"n",1]', id="a line feed inside"),
    pytest.param('\n["S@","n",1]', id="a line feed in front"),
    pytest.param('["S@","n",1]\n', id="a line feed behind"),
    pytest.param('["S@","n",1]\r', id="a carriage return behind"),
    pytest.param('["S@","n",1]\t', id="a tab behind"),
    pytest.param('["S@","n",1]\x0b', id="a vertical tab behind"),
    pytest.param('["S@","n",1]\x00', id="NUL behind"),
    pytest.param('["S@","\x00",1]', id="NUL inside"),
    pytest.param('["S@","n",1]["S","m",2]', id="two values"),
    pytest.param('["S@","n",1]\n["S","m",2]', id="two lines"),
    pytest.param('["S@","n",1],', id="a comma behind"),
    pytest.param('["S@","n",1', id="an end that is missing"),
    pytest.param('"S@","n",1]', id="a beginning that is missing"),
    pytest.param('["S@","\\u006e",1]', id="an escape that is needless"),
    pytest.param('["S@","\\/",1]', id="a slash escaped"),
    pytest.param('["S@","\\n",1]', id="a line feed escaped"),
    pytest.param('["S@","\\u000A",1]', id="a line feed escaped at length"),
    pytest.param('["S@","\\ud83d\\ude00",1]', id="a pair of surrogates escaped"),
    pytest.param('["S@","\\ud800",1]', id="a lone surrogate"),
    pytest.param(b'["S@","\xed\xa0\x80",1]', id="a lone surrogate in bytes"),
    pytest.param(b'["S@","\xff",1]', id="no UTF-8"),
    pytest.param(b'["S@","\xc0\x8a",1]', id="a line feed too long"),
    pytest.param(b'\xef\xbb\xbf["S@","n",1]', id="a byte order mark"),
    pytest.param('["S@","n",{"a":1,"a":1}]', id="a repeated key"),
    pytest.param('["S@","n",{"a":1,"\\u0061":2}]', id="an escaped repeat"),
    pytest.param('["S@","n",[{"":1,"":1}]]', id="an empty key repeated"),
    pytest.param('["S@","n",9007199254740993]', id="beyond 2^53"),
    pytest.param('["S@","n",18446744073709551616]', id="2^64"),
    pytest.param('["S@","n",-9223372036854775809]', id="below -2^63"),
    pytest.param(f'["S@","n",{"9" * 400}]', id="400 digits"),
    pytest.param(f'["S@","n",{"9" * 5000}]', id="5000 digits"),
    pytest.param('["S@","n",1E5]', id="1E5"),
    pytest.param('["S@","n",1e5]', id="1e5"),
    pytest.param('["S@","n",1e22]', id="1e22"),
    pytest.param('["S@","n",1e999]', id="1e999"),
    pytest.param('["S@","n",1.0]', id="1.0"),
    pytest.param('["S@","n",0.10]', id="0.10"),
    pytest.param('["S@","n",-0]', id="-0"),
    pytest.param('["S@","n",-0.0]', id="-0.0"),
    pytest.param('["S@","n",5e-324]', id="the smallest number"),
    pytest.param('["S@","n",1e-400]', id="too small a number"),
    pytest.param('["S@","n",01]', id="a zero in front"),
    pytest.param('["S@","n",+1]', id="a plus in front"),
    pytest.param('["S@","n",.5]', id="no zero in front"),
    pytest.param('["S@","n",NaN]', id="NaN"),
    pytest.param('["S@","n",nulL]', id="null misspelled"),
    pytest.param('["S@","n",1,]', id="a comma too many"),
    pytest.param('["S@","n",/**/1]', id="a comment"),
    pytest.param("[]@", id="nothing and a J"),
    pytest.param("[]", id="an empty list"),
    pytest.param('["S@",1]', id="no name"),
    pytest.param('["@"]', id="a salt that is short"),
    pytest.param('["S@"]', id="a salt alone"),
    pytest.param('[1,"@",1]', id="a number for a salt"),
    pytest.param('[["S@"],"n",1]', id="a list for a salt"),
    pytest.param(f'[{[0] * 30},"@",1]'.replace(" ", ""), id="a long list for a salt"),
    pytest.param('[null,"@",1]', id="null for a salt"),
    pytest.param('{"S":"@"}', id="an object"),
    pytest.param('"S@"', id="a text"),
    pytest.param("12", id="a number"),
    pytest.param("@", id="Js"),
    pytest.param('["S@","n",' + "[" * 2000 + "]" * 2000 + "]", id="2000 levels"),
    pytest.param('["S@","n",' + "[" * 300_000, id="300,000 levels"),
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_text_means_among_others_what_it_means_alone(text: str | bytes) -> None:
    raw = text.encode() if isinstance(text, str) else text
    odd = aligned(raw.replace(b"S", SALT.encode(), 1))
    assert len(odd) % 4 == disclosures.ALIGNMENT
    for texts in ([odd], [odd, *REAL], [*REAL, odd], [*REAL[:4], odd, *REAL[4:]]):
        assert_same(texts)
    for bits in (1, 2, 3):
        assert not assert_same([REAL[0], spare(odd, bits), REAL[1]])


@pytest.mark.parametrize("spoil", [b"+", b"/", b"=", b" ", b"\n", b"\0", b"\xff", b"."])
def test_a_foreign_character_anywhere_is_refused(spoil: bytes) -> None:
    for place in range(len(REAL[1])):
        bent = REAL[1][:place] + spoil + REAL[1][place + 1 :]
        assert not assert_same([REAL[0], bent, REAL[2]])
        with pytest.raises(TrustError) as caught:
            disclosures.decode([REAL[0], bent, REAL[2]])
        assert (caught.value.reason, caught.value.where) == (
            "bad-base64",
            "disclosure 1",
        )


@pytest.mark.parametrize("tail", [b"", b"K", b"==", b"=", b"A", b"AAA", b"KKKK"])
def test_another_length_takes_the_slow_way(tail: bytes) -> None:
    for text in (b"", REAL[0] + tail):
        assert assert_same([text, REAL[1]]) == (text == REAL[0])


# -- neighbours


def test_a_line_feed_of_its_own_does_not_make_up_for_one_that_is_spoiled() -> None:
    """The way in which two texts could leak into one another, and why they cannot.

    All texts are joined by a `K`, which becomes a line feed only if the two bits to
    spare before it are zero; else it is one of `J`, 0x8A and 0xCA, which may stand in
    a string. So a text with spoiled bits runs on into its neighbour. By itself that
    makes one line too few, and the number of values tells. But if a text also has a
    line feed of its own, the number is right again, and each line is canonical JSON:
    the second value is made of the end of one text and the beginning of the next.
    Hence every text must end with the last bits of `]` and two that are zero. Then
    there is a line feed behind each text, and as the encoder writes exactly one for
    each of as many values, there is none anywhere else: each text is the canonical
    JSON of its own value.
    """
    assert assert_same([aligned(f'["{SALT}@",1]'), aligned(f'["{SALT}@",2]')])
    # All last characters that a text may have, `]` among them; then other joints.
    ends = [(bytes([end]), 1, b"") for end in b"PABCDEFGHIJKLMNO]"]
    for end, bits, follow in [*ends, (b"\xc3", 2, b""), (b"x", 3, b"\x8a")]:
        head = aligned(f'["{SALT}@",1]\n["{SALT}","'.encode() + end)
        texts = [spare(head, bits), aligned(follow + b'@"]')]
        lines = base64.urlsafe_b64decode(b"K".join([*texts, b""])).decode()
        # Together they are two lines of perfect JSON.
        assert lines.count("\n") == 2
        assert [json.loads(line)[0][:22] for line in lines.splitlines()] == [SALT] * 2
        assert not assert_same(texts)
        refusal = (TrustError, "bad-base64", "disclosure 0")
        assert outcome(lambda t=texts: disclosures.decode(t)) == refusal
    # Two lines in one text and none in the other, all bits right.
    assert not assert_same([aligned(f'["{SALT}@",1]\n["{SALT}",2]'), aligned("  ")])
    assert not assert_same([aligned(f'["{SALT}@",'), aligned("[@]]")])


@st.composite
def torn(draw: st.DrawFn) -> list[bytes]:
    """Lines of canonical JSON, torn at other places than between the lines.

    Wherever a byte stands that a `K` could become, there may be an end of a text.
    """
    strings = st.text(st.sampled_from('J\u00ca\u028a\u010a\n"\\'), max_size=9)
    values = draw(
        st.lists(strings | st.lists(strings, max_size=3), min_size=1, max_size=4)
    )
    lines = b""
    for value in values:
        line = json.dumps([SALT, value], ensure_ascii=False, separators=(",", ":"))
        lines += line.replace('",', '"@,', 1).encode()
        more = (2 - len(line.encode())) % 3
        lines = lines.replace(b'"@', b"J" * more + b'"') + b"\n"
    ends = [i for i, each in enumerate(lines) if each in JOINTS and i % 3 == 2]
    count = draw(st.sampled_from([len(values), len(values), 1, 2, 3]))
    chosen = draw(
        st.lists(
            st.sampled_from(ends),
            min_size=min(count, len(ends)),
            max_size=count,
            unique=True,
        )
    )
    texts, start = [], 0
    for end in sorted({*chosen, len(lines) - 1}):
        texts.append(spare(b64(lines[start:end]), lines[end] >> 6))
        start = end + 1
    return texts


def test_lines_that_are_torn_anywhere_are_read_as_each_text_alone() -> None:
    seen: set[str] = set()

    @settings(derandomize=True, max_examples=600, database=None)
    @given(torn())
    def hold(texts: list[bytes]) -> None:
        if assert_same(texts):
            seen.add("taken")
        spoiled = any(ALPHABET.index(text[-1]) & 3 for text in texts)
        lines = base64.urlsafe_b64decode(b"K".join([*texts, b""]))
        if spoiled and lines.count(b"\n") == len(texts):
            seen.add("made up for")

    hold()
    # Else it might never see what it is about.
    assert seen == {"taken", "made up for"}


# -- any bytes at all

_pieces = (
    st.sampled_from(REAL)
    | st.sampled_from([p.values[0] for p in SPELLINGS if len(p.values[0]) < 1000])
    .map(lambda t: t.encode() if isinstance(t, str) else t)
    .map(lambda raw: aligned(raw.replace(b"S", SALT.encode(), 1)))
    | st.binary(max_size=12)
    | st.binary(max_size=12).map(b64)
    | st.lists(st.sampled_from(ALPHABET), max_size=12).map(bytes)
)


@settings(derandomize=True, max_examples=300)
@given(st.lists(_pieces, max_size=5))
@example([b""])
@example([b"", b""])
@example([b"K" * 3])
@example([b"AAA", b"AAA"])
def test_any_bytes_are_read_as_each_text_alone(texts: list[bytes]) -> None:
    assert_same(texts)


@settings(derandomize=True, max_examples=300)
@given(st.data())
def test_mutated_texts_are_read_as_each_alone(data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.sampled_from(REAL), min_size=1, max_size=4))
    joined = bytearray(b"~".join(texts))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(joined)))
        end = data.draw(st.integers(at, min(len(joined), at + 4)))
        # Also moves the ends of texts, and swaps what is around them.
        joined[at:end] = data.draw(
            st.sampled_from([b"", b"~", b"K", b"Cg", b"IA", b"g", b"=", b"CltK"])
            | st.lists(
                st.sampled_from(ALPHABET), min_size=end - at, max_size=end - at
            ).map(bytes)
        )
    assert_same(bytes(joined).split(b"~"))


@pytest.mark.parametrize("text", REAL, ids=range(len(REAL)))
def test_every_flipped_bit_is_read_the_same_both_ways(text: bytes) -> None:
    for place in range(len(text)):
        for bit in range(8):
            bent = bytearray(text)
            bent[place] ^= 1 << bit
            assert_same([REAL[0], bytes(bent), REAL[-1]])


# -- how much work


def test_each_text_is_looked_at_once_more_at_most_and_none_after_a_refusal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    real = disclosures._one

    def counted(text: bytes, where: str, budget: Any) -> Any:
        seen.append(where)
        return real(text, where, budget)

    monkeypatch.setattr(disclosures, "_one", counted)
    disclosures.decode(REAL)
    assert seen == []
    odd = b64(f' ["{SALT}","n",1]'.encode())
    disclosures.decode([*REAL, odd])
    assert seen == [f"disclosure {i}" for i in range(len(REAL) + 1)]
    seen.clear()
    with pytest.raises(TrustError):
        disclosures.decode([odd, b"!", *REAL])
    assert seen == ["disclosure 0", "disclosure 1"]
