"""What is folded, undone, found or passed over in a text: each form, and its bounds."""

import pytest

from adapters.text import (
    addresses,
    capitalised,
    is_unspaced,
    may_hold_personal_data,
    normalise,
    numbers,
)

BRACKETS = pytest.mark.parametrize(("o", "c"), ["[]", "()", "{}", "<>"])


def found(text):
    return list(addresses(text))


# ------------------------------------------------------------------------ spellings


@pytest.mark.parametrize(
    "code",
    [
        0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180E, 0x200B,
        0x200F, 0x202A, 0x202E, 0x2060, 0x206F, 0x20DD, 0x20E0, 0x20E2, 0x20E4, 0x3164,
        0xFE00, 0xFE0F, 0xFEFF, 0xFFA0, 0xE0000, 0xE0FFF,
    ],
    ids=hex,
)  # fmt: skip
def test_a_character_that_is_not_seen_parts_no_word(code):
    assert normalise(f"tem{chr(code)}cott") == "temcott"
    assert normalise(f"%{chr(code)}41") == "a"
    assert capitalised(f"Tem{chr(code)}cott") == {"temcott"}


def test_a_letter_that_is_not_taken_apart_is_written_plainly():
    assert normalise("Đ ð Ø Ł ħ \u0131 Æ Œ Þ 。") == "d d o l h i ae oe th ."


def test_escapes_are_undone_in_full_width_and_mark_no_letter_as_hidden():
    assert normalise("\uff06amp;") == "&"
    assert normalise("%C3%96l") == "ol"
    assert normalise("&Ouml;l") == "ol"
    assert normalise("%C2%ADa%EF%BC%A1") == "aa"


@BRACKETS
def test_a_dot_an_at_and_the_start_of_a_url_are_found_in_any_brackets(o, c):
    for written, meant in [
        (".", "."), ("dot", "."), ("@", "@"), ("at", "@"),
        (":", ":"), ("://", "://"), ("//", "//"), ("/", "/"),
    ]:  # fmt: skip
        assert normalise(f"a{o}{written}{c}b") == f"a{meant}b"
        assert normalise(f"a{o} {written}{c}b") == f"a{meant}b"
        assert normalise(f"a{o}{written} {c}b") == f"a{meant}b"
    for other in ("", ",", "dots", "x"):
        assert normalise(f"a{o}{other}{c}b") == f"a{o}{other}{c}b"


def test_backslashes_before_a_dot_go_and_hxxp_is_http_where_a_word_begins():
    assert normalise(r"a\.b\\\.c") == "a.b.c"
    assert normalise("HXXPS://b hxxp://c") == "https://b http://c"
    assert normalise("rehxxp") == "rehxxp"


LABEL = "x" * 63


@pytest.mark.parametrize(
    ("spoken", "meant"),
    [
        ("a at b dot c", "a@b.c"),
        ("a at b-c dot d-e dot f", "a@b-c.d-e.f"),
        (f"a at {LABEL} dot c", f"a@{LABEL}.c"),
        (f"a at b dot {LABEL} dot c", f"a@b.{LABEL}.c"),
        (f"a at {LABEL}x dot c", f"a at {LABEL}x dot c"),
        (f"a at b dot {LABEL}x dot c", f"a@b.{LABEL}x dot c"),
        ("! at b dot c", "! at b dot c"),
        ("a at b", "a at b"),
        ("a at b dot !", "a at b dot !"),
        ("a dot b", "a dot b"),
    ],
)
def test_an_address_that_is_spoken_is_written(spoken, meant):
    assert normalise(spoken) == meant


def test_words_with_a_capital_are_found_in_full_width():
    assert capitalised("\uff29lvara temcott") == {"ilvara"}


@pytest.mark.parametrize(
    "code",
    [
        0xE00, 0xFFF, 0x1000, 0x109F, 0x1100, 0x11FF, 0x1780, 0x17FF, 0x19E0, 0x19FF,
        0x2E80, 0x9FFF, 0xAA60, 0xAA7F, 0xAC00, 0xD7AF, 0xF900, 0xFAFF, 0x20000,
        0x3FFFF,
    ],
    ids=hex,
)  # fmt: skip
def test_a_script_without_spaces_is_known_from_its_first_character_to_its_last(code):
    assert is_unspaced(f"a{chr(code)}")


# ------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("a@b.c", ["a@b.c"]),
        ("(a.b+c-d_e@f-g.h-i.example)", ["a.b+c-d_e@f-g.h-i.example"]),
        ("a b@c.example d@e.example", ["b@c.example", "d@e.example"]),
        ("@c.example", []),
        ("@c a@b.example", ["a@b.example"]),
        ("a @c.example", []),
        ("a@c", []),
        ("a@.example", []),
        ("a@b.", []),
        (f"a@{LABEL}.b", [f"a@{LABEL}.b"]),
        (f"a@{LABEL}x.b", []),
        (f"a@b.{LABEL}x", [f"a@b.{LABEL}"]),
        (f"{'a' * 64}@b.c", [f"{'a' * 64}@b.c"]),
        (f"{'b' + 'a' * 64}@b.c", [f"{'a' * 64}@b.c"]),
        ("no address", []),
    ],
)
def test_a_mail_address_is_found_in_full_and_nothing_beside_it(text, addresses):
    assert found(text) == addresses


@pytest.mark.parametrize(
    ("text", "login"),
    [
        ("x://u:p@h", ["u:p"]),
        ("x://u:p:q@h", ["u:p:q"]),
        (f"x://{'u' * 256}:p@h", ["u" * 256 + ":p"]),
        (f"x://{'u' * 257}:p@h", []),
        (f"x://u:{'p' * 256}@h", ["u:" + "p" * 256]),
        (f"x://u:{'p' * 257}@h", []),
        ("x://u:p@q@h", ["u:p"]),
        ("x://u@v:p@h", []),
        ("x://u v:p@h", []),
        ("x://u/v:p@h", []),
        ("x://u:p q@h", []),
        ("x://u:p/q@h", []),
        ("x://:p@h", []),
        ("x://u:@h", []),
        ("x://u@h", []),
        ("x:/u:p@h", []),
    ],
)
def test_a_name_with_its_password_is_found_in_a_url(text, login):
    assert found(text) == login


# --------------------------------------------------------------------------- numbers


@pytest.mark.parametrize("part", [*" ().-\u2010\u2015\u2013", "", ") ", "--", "\n"])
def test_digits_with_up_to_two_separators_are_one_number(part):
    assert list(numbers(f"12{part}345{part}67")) == ["1234567"]
    assert list(numbers(f"12{part}345{part}6")) == []


@pytest.mark.parametrize("part", ["---", "/", ":", "_", ",", "x"])
def test_digits_that_something_else_parts_are_several(part):
    assert list(numbers(f"1234{part}5678")) == []


HEX = "0123456789abcdef"
UUID = (8, 4, 4, 4, 12)


def uuid_like(lengths):
    return "-".join("1" * length for length in lengths)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-05", "2000-09-30", "2049-10-10", "2026-11-29", "2026-12-31",
        "2026-01-05t10:20:30.1234567z", "2026-01-05 10:20 12345",
        "2026-01-05t10:20 12345", "2026-01-05 10:20:30 12345",
        "2026-01-05 10:20:30.5 12345", "2026-01-05 10:20:30.55 12345",
        "2026-01-05t10:20:30.1234567",
        "05.01.2026", "5.1.2026", "10.11.2026", "31.12.2026", "29.10.2000", "30.09.2049",
        "20.10.2026", "19.01.2026",
        "2024-2026", "2024 - 2026", "2024\u20102026", "2024\u20152026", "2024\u20132026",
        "2024/2026 123", "2024 / 2026 123", "2024/ 2026 123",
        "cve-2026-1234", "cve-2026-1234567",
        "t1566.001", "kb5001330", "kb12345678", "kb123456 7",
        "12345678-a1b1-c1d1-e1f1-a1b1c1d1e1f1", "a2345678-1234-1234-1234-123456789012",
        uuid_like(UUID), "12345678-90ab-4def-8123-0123456789ab",
        (HEX * 2), HEX * 8, "a" + "1" * 31, "1" * 127 + "a", "1" * 31 + "f",
        "198.51.100.23", "198.151.100.123", "1.2.3.4 567", "5.1.2026 7",
        "05.1.2026 7", "5.01.2026 7", "12.1.2026 7", "123.1.1.1 5",
    ],
)  # fmt: skip
def test_dates_catalogue_numbers_hashes_and_addresses_of_machines_are_no_numbers(text):
    assert list(numbers(text)) == []
    assert list(numbers(f"({text})")) == []


@pytest.mark.parametrize(
    "text",
    [
        "1999-01-05", "2050-01-05", "2026-00-05", "2026-13-05", "2026-01-00",
        "2026-01-32", "12026-01-05", "2026-01-051", "2026-01-40",
        "05.01.1999", "05.01.2050", "05.13.2026", "05.00.2026", "32.01.2026",
        "00.01.2026", "105.01.2026", "05.01.20261", "40.01.2026",
        "2024-20261", "12024-2026", "1924-2026", "2024-2126", "2024--2026",
        "cve-2026-123", "cve-2026-12345678", "cve-20261-12345", "cve-202-12345",
        "xcve-2026-12345", "cve-2026-12345x",
        "xt1566.001", "t15661.001", "t156.0011", "t1566.0011", "t1566.001x",
        "kb123456789", "xkb1234567", "kb1234567x", "kb12345 67",
        *(
            uuid_like((*UUID[:i], UUID[i] + more, *UUID[i + 1 :]))
            for i in range(5)
            for more in (-1, 1)
        ),
        "x" + uuid_like(UUID), uuid_like(UUID) + "x",
        "1" * 32, "1" * 30 + "a", "1" * 128 + "a", "x" + "1" * 31 + "a",
        "1" * 31 + "ax", "1" * 31 + "g",
        "1198.51.100.23", "198.51.100.2345", "198.51.100.23.5", "198.51.100", ".1.234.567.89",
        "1981.51.100.23", "198.5111.100.23", ".123.145.167", "123.45..67", "a" + "1" * 128,
    ],
)  # fmt: skip
def test_what_is_nearly_one_of_them_is_a_number(text):
    assert len(list(numbers(text))) >= 1


# --------------------------------------------------------------------- the quick look


@pytest.mark.parametrize("sign", [*"@%&[({<\\", "é", "DOT", "dot", "1234567"])
def test_whatever_could_become_an_address_or_a_number_is_looked_at(sign):
    assert may_hold_personal_data(f"a {sign} b")
    assert may_hold_personal_data(sign)


@pytest.mark.parametrize("text", ["", "some words", "123456", "do it: a/b_c>d]e}f)"])
def test_all_else_is_not(text):
    assert not may_hold_personal_data(text)
