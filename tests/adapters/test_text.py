"""Free text: spellings that mean the same, and personal data that is found."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.text import (
    addresses,
    capitalised,
    is_unspaced,
    loosen,
    may_hold_personal_data,
    normalise,
    numbers,
)  # fmt: skip


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ILVARA Temcott", "ilvara temcott"),
        ("Ilvara\n\t Temcott", "ilvara temcott"),
        ("Ilvara\u00a0Temcott", "ilvara temcott"),
        ("\uff29\uff4c\uff56", "ilv"),  # full width
        ("Tem\u200b\u00adcott\ufeff", "temcott"),
        ("Nguyễn Đức", "nguyen duc"),
        ("Łódź, Ærø, Straße, Þór", "lodz, aero, strasse, thor"),
        ("caf\u0065\u0301", "cafe"),
        ("I\u0307stanbul", "istanbul"),
        ("한국", "한국"),
        ("a%40b.example", "a@b.example"),
        ("a&#64;b.example", "a@b.example"),
        ("a\uff05\uff14\uff10b.example", "a@b.example"),
        ("a[at]b[.]example", "a@b.example"),
        ("a (at) b", "a @ b"),
        ("b(dot)example", "b.example"),
        ("b{.}example <.> x", "b.example . x"),
        (r"b\.example", "b.example"),
        ("hxxps[:]//b", "https://b"),
        ("hxxp{:}//b", "http://b"),
        ("https[://]b", "https://b"),
        ("bad。example", "bad.example"),
        ("ilvara at mail dot example", "ilvara@mail.example"),
        ("look at this page", "look at this page"),
        ("100% sure & safe", "100% sure & safe"),
    ],
)
def test_spellings_of_one_thing_are_one(written, meant):
    assert normalise(written) == meant


@given(st.text(max_size=60))
def test_normalising_never_fails_and_leaves_one_form(text):
    folded = normalise(text)
    assert unicodedata.is_normalized("NFC", folded)
    assert "  " not in folded


@given(st.text("abXYZ é.-_@", max_size=30))
def test_case_makes_no_difference(text):
    assert normalise(text) == normalise(text.swapcase())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ilvara_temcott7.pdf", " ilvara temcott 7 pdf "),
        ("o'brien-smith", " o brien smith "),
        ("...", "  "),
        ("", "  "),
    ],
)
def test_words_are_found_whatever_parts_them(text, words):
    assert loosen(text) == words


def test_only_words_that_begin_with_a_capital_may_be_parts_of_names():
    found = capitalised("Ms Temcott saw that temcott had Left; THEY did not. สมชาย")
    assert found == {"ms", "temcott", "left", "they"}


@pytest.mark.parametrize(
    "text", ["สมชาย", "ຄຳ", "မောင်", "សុខា", "王小明", "すし", "김철수"]
)
def test_scripts_without_spaces_are_known(text):
    assert is_unspaced(text)


@pytest.mark.parametrize("text", ["Ilvara", "Nguyễn", "Мария", "محمد", "42"])
def test_scripts_with_spaces_are_known(text):
    assert not is_unspaced(text)


@given(st.text(max_size=40))
def test_the_quick_look_misses_nothing(text):
    folded = normalise(text)
    if list(addresses(folded)) or list(numbers(folded)):
        assert may_hold_personal_data(text)


def test_findings_are_given_as_they_are_compared():
    folded = normalise("A.B@Mail[.]Example or https://x:y@host, +1 (202) 555-0143")
    assert list(addresses(folded)) == ["x:y", "a.b@mail.example"]
    assert list(numbers(folded)) == ["12025550143"]
    assert list(numbers("๐๘๑ ๒๓๔ ๕๖๗๘")) == ["0812345678"]


def test_an_address_of_a_machine_is_no_long_number():
    assert list(numbers("198.51.100.23")) == []


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000, "@" * 100_000, "a@" * 50_000, "://" * 30_000, "1 " * 50_000,
        "(" * 100_000, "%4" * 50_000, "a at " * 20_000, "0f" * 50_000, "-" * 100_000,
        "ก" * 100_000, "&" * 100_000, "1.1.1." * 15_000, " dot " * 20_000,
    ],
    ids=lambda text: text[:5].strip(),
)  # fmt: skip
def test_a_long_text_takes_a_time_that_grows_with_its_length_only(text):
    # The pattern for logins once took the square: 40,000 letters, four seconds.
    started = time.process_time()
    loosen(normalise(text))
    capitalised(text)
    assert time.process_time() - started < 1
