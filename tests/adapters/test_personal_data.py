"""Personal data in free text: which segments are hit, and of which kinds they hold."""

import time
from pathlib import Path

import pytest

from adapters.personal_data import KINDS, found_in, holds_any
from broker.segments import split

PHONE, MAIL, NIK = "+62 812-3456-7890", "ilvara@mail.example", "3171011708450001"
IBAN, CARD = "DE89370400440532013000", "4111111111111111"


def kinds(*parts):
    return {index: set(found) for index, found in found_in(parts).items()}


def all_three(found):
    return {0: found, 1: found, 2: found}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (MAIL, "e-mail"), (PHONE, "phone"), ("198.51.100.23", "ip-address"),
        ("2001:db8::1", "ip-address"), ("https://a:b@host/", "url-login"),
        (NIK, "national-id"), ("12/OUKAMA(N)123456", "national-id"),
        ("passport X123456", "national-id"), (IBAN, "iban"), (CARD, "card"),
        ("98765432101234567890", "long-number"),
    ],
)  # fmt: skip
def test_each_kind_is_found_in_the_segment_that_holds_it_and_in_no_other(text, kind):
    assert kind in KINDS
    assert kinds("Nothing here. ", f"But {text} here. ", "And nothing.") == {1: {kind}}
    assert holds_any(text)


def test_the_kinds_are_stable_names():
    assert {
        "card", "e-mail", "iban", "ip-address", "long-number", "name", "national-id",
        "phone", "url-login",
    } == KINDS  # fmt: skip


def test_segments_without_anything_are_not_listed():
    assert found_in([]) == {}
    assert found_in([""]) == {}
    assert found_in(["A stranger signed in.", " With a password."]) == {}
    assert not holds_any("")


def test_several_kinds_in_one_segment_are_all_said():
    assert kinds(f"{PHONE} or {MAIL}.") == {0: {"phone", "e-mail"}}


def test_a_number_split_between_two_segments_withholds_both():
    assert kinds("Call +62 812-", "3456-7890. ", "Later.") == {
        0: {"phone"},
        1: {"phone"},
    }
    assert kinds("It is 31710117", "08450001.") == {
        0: {"national-id"},
        1: {"national-id"},
    }
    assert kinds("Tel", ". 12345 now") == {1: {"phone"}}
    assert kinds("DE89 3704 ", "0044 0532", " 0130 00") == all_three({"iban"})


def test_an_address_split_between_two_segments_withholds_both():
    assert kinds("ilvara@mail", ".example wrote") == {0: {"e-mail"}, 1: {"e-mail"}}
    assert kinds("ilvara", "@mail.example") == {0: {"e-mail"}, 1: {"e-mail"}}
    assert kinds("", "ilvara@mail.example", "") == {1: {"e-mail"}}


def test_spaces_on_both_sides_of_a_border_are_one():
    assert kinds("Id 3171 0117 ", " 0845 0001.") == {
        0: {"national-id"},
        1: {"national-id"},
    }
    assert set(kinds("Id 3171 0117 ", "  ", " ", " 0845 0001.", ".")) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    "parts",
    [
        ("ilvara%4", "0mail.example", "."),  # an escape
        ("ilvara&#6", "4;mail.example", "."),
        ("ilvara[a", "t]mail.example", "."),  # a fang
        ("ilvara at mail d", "ot example", "."),
    ],
)
def test_what_shows_only_where_an_escape_is_whole_withholds_all(parts):
    assert kinds(*parts) == all_three({"e-mail"})


def test_a_cut_escape_costs_no_more_than_what_it_hides():
    parts = (f"{MAIL}. ", "5%4", "0 of them. ", f"{NIK}.")
    assert kinds(*parts) == {0: {"e-mail"}, 3: {"national-id"}}


def test_the_same_address_twice_and_once_behind_a_cut_escape_withholds_all():
    parts = (f"{MAIL} ", "ilvara%4", "0mail.example")
    assert kinds(*parts) == all_three({"e-mail"})


def test_a_text_is_cut_as_the_profile_cuts_it():
    text = (
        "The operator wrote to the council on 2026-03-14. Victims may call "
        "+62 812-3456-7890 for help. Version 10.0.19041.3 was seen."
    )
    parts = split(text, "en")
    assert "".join(parts) == text
    [hit] = found_in(parts)
    assert PHONE in parts[hit]


def test_values_are_found_in_any_language():
    for text in (
        f"เหยื่อ{NIK}ถูกหลอก", f"受害者{NIK}被骗", f"Жертва {NIK}.", f"ضحية {NIK}.",
        f"អ្នករងគ្រោះ{NIK}។", f"Nạn nhân {NIK}.", f"ຜູ້ເຄາະຮ້າຍ{NIK}", f"နစ်နာသူ{NIK}။",
    ):  # fmt: skip
        assert kinds(text) == {0: {"national-id"}}


class Fixed:
    """Says that names stand where it was told to."""

    def __init__(self, *spans):
        self.spans, self.seen = spans, []

    def names(self, text):
        self.seen.append(text)
        return iter(self.spans)


def test_names_are_what_a_recogniser_says_in_the_text_as_it_was_written():
    recogniser = Fixed((4, 18))
    parts = ["Ms. Ilvara ", "Temcott left. ", "So did 198.51.100.23."]
    assert found_in(parts, recogniser=recogniser) == {
        0: frozenset({"name"}), 1: frozenset({"name"}), 2: frozenset({"ip-address"}),
    }  # fmt: skip
    assert recogniser.seen == ["".join(parts)]


def test_a_recogniser_is_asked_about_a_text_without_any_digit():
    assert found_in(["Ilvara left."], recogniser=Fixed((0, 6))) == {
        0: frozenset({"name"})
    }


@pytest.mark.parametrize("span", [(-5, 2), (0, 1), (0, 99)])
def test_a_name_that_begins_before_or_ends_beyond_the_text_is_in_it_all_the_same(span):
    assert 0 in found_in(["abc", "def"], recogniser=Fixed(span))


def test_a_name_beyond_the_text_is_in_its_last_segment_and_in_no_text_is_none():
    assert found_in(["abc", "def"], recogniser=Fixed((50, 60))) == {
        1: frozenset({"name"})
    }
    assert found_in([], recogniser=Fixed((0, 5))) == {}


def test_a_segment_is_hit_only_where_it_holds_a_character_of_the_name():
    parts = ["abc", "", "def", "ghi"]
    assert found_in(parts, recogniser=Fixed((0, 3))) == {0: frozenset({"name"})}
    assert set(found_in(parts, recogniser=Fixed((2, 4)))) == {0, 1, 2}
    assert set(found_in(parts, recogniser=Fixed((3, 6)))) == {2}


@pytest.mark.parametrize(
    "unit",
    [
        # normalising, mail addresses, logins
        "a", "@", "a@", "a@b.", "a at ", " dot ", "(at", "[ ", "< at", "%4", "&", "\\", "ก",
        "://", "://a", "?a_", "?a-token=", "a_b-",
        # addresses in networks
        "1.", "1.1.1.", "1.2.3.4 ", "1:", "::", "f:", "f::1 ",
        # numbers
        "1", "1 ", "12 ", "1234 ", "123-", "(1) ", "1/", "+", "+6", "+62 812 3456 7890 ",
        # identity numbers, accounts
        "a1", "12/", "12/abc(", "1/ဥကမ(", "let ter lo ", "s1234567", "passport no ", "id: ",
        "de89 ", "de89", "abcd1234", "tel ", "tel. no: ",
        # what is harmless
        "0f", "-", "2026-", "2026-03-14 ", "1,000 ", "1 000 ", "rp 1", "v1.", "10.0.", "cve-1",
    ],
)  # fmt: skip
def test_a_text_four_times_as_long_takes_about_four_times_as_long(unit):
    def cost(chars):
        text = unit * (chars // len(unit))
        begun = time.process_time()
        found_in([text])
        return time.process_time() - begun

    def is_in_proportion():
        # Sixteen times would be a square. What is too short to be measured is none.
        return cost(20_000) < max(cost(5_000), 0.002) * 9

    # A machine that stood still for a moment is given two more chances.
    assert any(is_in_proportion() for _ in range(3))


def test_the_detectors_do_not_know_the_policy():
    source = Path(__file__).parents[2] / "adapters"
    for name in ("personal_data", "identity_numbers", "phones", "long_numbers"):
        assert "policy" not in (source / f"{name}.py").read_text()
