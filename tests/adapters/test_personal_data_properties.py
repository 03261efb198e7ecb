"""Personal data in free text, as properties: nothing raises, nothing is lost by cutting."""
# ruff: noqa: RUF001  digits of all scripts

import random
import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.identity_numbers import TABLE
from adapters.personal_data import KINDS, found_in, holds_any
from tests.support.specimens import SPECIMENS, another

# What it covers, quicker tests cover: tracing would take as long as the tests.
pytestmark = pytest.mark.no_cover

# Valid, and in several spellings; of each row of the table one is planted.
IDENTITIES = [one for valid, _ in SPECIMENS.values() for one in valid]
OTHERS = [
    "ilvara.temcott@mail.example", "ilvara[at]mail[.]example", "ผู้ใช้@ตัวอย่าง.ไทย",
    "+62 812-3456-7890", "0812-3456-7890", "tel 12345", "198.51.100.23", "2001:db8::1",
    "https://user:secret@host/", "?token=abc", "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00", "1234567", "ilvara%40mail.example",
]  # fmt: skip
HARMLESS = [
    "on 2026-03-14", "T1566.002", "CVE-2026-12345", "in 2026", "48,217 voters", "€ 1.200.000",
    "by 10.0.19041.3", "(twice)", "a stranger's", "รายงาน", "受害者", "និង", "и", "...", "!", "«»",
    "6ec4f715-f538-46a9-8d65-5962195fd868", "d41d8cd98f00b204e9800998ecf8427e",
]  # fmt: skip
# Signs that normalising or the detectors know, so that random text meets them.
DENSE = st.text("0123456789 +-./()[]@:%&=?;_aetdorsg\u0e51\uff11\u200b\n", max_size=60)
texts = st.one_of(DENSE, st.text(max_size=60))
surrounding = st.lists(st.sampled_from(HARMLESS), max_size=4).map(", ".join)


def cut(text, places):
    borders = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[a:b] for a, b in pairwise(borders)]


def kinds_of(found):
    return set().union(*found.values()) if found else set()


@given(st.lists(texts, max_size=4))
def test_any_segments_have_only_known_kinds_and_nothing_raises(parts):
    found = found_in(parts)
    assert kinds_of(found) <= KINDS
    assert set(found) <= set(range(len(parts)))
    assert all(found.values())


@given(texts)
def test_the_quick_question_and_the_long_one_agree(text):
    assert holds_any(text) == bool(found_in([text]))


@given(
    st.lists(st.sampled_from(IDENTITIES + OTHERS + HARMLESS), min_size=1, max_size=4),
    st.sampled_from([" ", ", ", "; ", "\n", " и "]),
    st.lists(st.integers(0, 300), min_size=1, max_size=4),
)
def test_wherever_a_text_is_cut_no_hit_of_the_whole_is_lost(said, between, places):
    text = between.join(said)
    assert kinds_of(found_in([text])) <= kinds_of(found_in(cut(text, places)))


@given(texts, st.lists(st.integers(0, 60), min_size=1, max_size=3))
@example("a%40b.example", [2])
@example("0 \u0e51\u200b2 34-567", [3, 5])
def test_wherever_any_text_is_cut_no_hit_is_lost(text, places):
    assert kinds_of(found_in([text])) <= kinds_of(found_in(cut(text, places)))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.country} {row.name}")
@given(before=surrounding, after=surrounding, seed=st.integers(0, 99))
def test_a_planted_identity_number_is_found_in_any_harmless_text(
    row, before, after, seed
):
    luck = random.Random(seed)  # noqa: S311
    specimen = luck.choice(SPECIMENS[row.country, row.name][0])
    planted = specimen
    if row.length:
        planted = another(specimen, luck, lambda one: _is_valid(row, one))
    parts = [before, f" {planted} ", after]
    found = found_in(parts)
    assert found[1]
    assert holds_any("".join(parts))
    # Digits beside it can be taken for a part of it, and the kind be another.
    if not re.search(r"\d", before + after):
        assert "national-id" in found[1]


@given(
    st.sampled_from(IDENTITIES + OTHERS),
    surrounding,
    st.lists(st.integers(0, 60), min_size=1, max_size=3),
)
def test_every_segment_with_a_part_of_what_was_planted_is_hit(planted, before, places):
    pieces = cut(planted, places)
    parts = [f"{before} ", *pieces, " end"]
    found = found_in(parts)
    # What only announces a number may stay: "passport", "Tel".
    number = re.search(r"\d.*\d", planted)
    assert number is None or all(
        index in found
        for index, piece in enumerate(pieces, 1)
        if re.search(r"\d", piece)
    )


@given(st.sampled_from(HARMLESS), st.sampled_from(HARMLESS))
def test_harmless_texts_stay_harmless_beside_each_other(one, other):
    assert found_in([f"{one}; ", other]) == {}


def spellings(text):
    yield text.upper()
    yield text.lower()
    yield unicodedata.normalize("NFD", text)
    yield "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    yield "\u200b".join(text)
    for zero in "" if "%" in text else "٠०๐໐၀០":
        yield "".join(chr(ord(zero) + int(c)) if c in "0123456789" else c for c in text)


@pytest.mark.parametrize("planted", IDENTITIES + OTHERS)
def test_case_width_digits_and_invisible_signs_make_no_difference(planted):
    plain = found_in([f"It is {planted} now"])
    for spelled in spellings(f"It is {planted} now"):
        assert found_in([spelled]) == plain


@pytest.mark.parametrize(
    "planted",
    ["ilvara@mail.example", "198.51.100.23", "https://user:secret@host.example/"],
)
@pytest.mark.parametrize(
    ("dot", "at"), [("[.]", "[at]"), ("(dot)", "(at)"), ("{.}", "{@}"), ("\\.", "@"), ("。", "＠")]
)  # fmt: skip
def test_fangs_make_no_difference(planted, dot, at):
    fanged = planted.replace(".", dot).replace("@", at).replace("http", "hxxp")
    assert found_in([fanged]) == found_in([planted])


def _is_valid(row, written):
    digits = "".join(str(unicodedata.decimal(c)) for c in written if c.isdecimal())
    return (
        len(digits) == row.length
        and re.fullmatch(row.shape, digits) is not None
        and (row.is_valid is None or row.is_valid(digits))
    )
