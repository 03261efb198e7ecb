"""Accounts at banks: IBANs and payment cards, with the specimens of their standards."""

import pytest

from adapters.accounts import ibans, is_card
from adapters.personal_data import found_in


@pytest.mark.parametrize(
    "written",
    [
        # Examples in SWIFT's registry.
        "AD12 0001 2030 2003 5910 0100", "AE07 0331 2345 6789 0123 456",
        "AT61 1904 3002 3457 3201", "BE68 5390 0754 7034", "CH93 0076 2011 6238 5295 7",
        "CY17 0020 0128 0000 0012 0052 7600", "DE89 3704 0044 0532 0130 00",
        "ES91 2100 0418 4502 0005 1332", "FR14 2004 1010 0505 0001 3M02 606",
        "GB29 NWBK 6016 1331 9268 19", "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
        "NL91 ABNA 0417 1643 00", "NO93 8601 1117 947", "TL38 0080 0123 4567 8910 157",
    ],
)  # fmt: skip
def test_an_iban_is_found_in_groups_or_not_and_in_any_case(written):
    for text in (written, written.replace(" ", ""), written.lower(),
                 written.replace(" ", "-")):  # fmt: skip
        for shown in (text, f"to {text} and on", f"({text})."):
            assert "iban" in found_in([shown])[0]


def test_exactly_the_iban_is_found():
    text = "to de89 3704 0044 0532 0130 00 and 12 more"
    assert [text[a:b] for a, b in ibans(text)] == ["de89 3704 0044 0532 0130 00"]


@pytest.mark.parametrize(
    "text",
    [
        "de89 3704 0044 0532 0130 01",  # check digits
        "xx89 3704 0044 0532 0130 00",  # no such country
        "de89 3704 0044 0532 0130",  # too short
        "de89 3704 0044 0532 0130 000",  # too long
        "xde89 3704 0044 0532 0130 00",  # in a word
        "no93 8601 1117 94a",
        "ab12 is a short word of some letters",
    ],
)
def test_what_is_no_iban_is_not_found(text):
    assert list(ibans(text)) == []


@pytest.mark.parametrize(
    "written",
    [
        # Test numbers that the schemes publish.
        "4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111",
        "5555 5555 5555 4444", "2223 0031 2200 3222", "3782 822463 10005",
        "3056 9309 0259 04", "3530 1113 3330 0000", "6011 1111 1111 1117",
        "6200 0000 0000 0005", "6304 0000 0000 0000 00"[:-3] + "000",
    ],
)  # fmt: skip
def test_a_card_is_found_in_groups_or_not(written):
    digits = "".join(filter(str.isdigit, written))
    assert ("card" in found_in([f"card {written}."])[0]) is is_card(digits)


def test_the_test_numbers_of_the_schemes_are_cards():
    for digits in ("4111111111111111", "378282246310005", "30569309025904",
                   "6200000000000005", "2223003122003222"):  # fmt: skip
        assert is_card(digits)


@pytest.mark.parametrize(
    "digits",
    [
        "4111111111111112", "411111111111111", "41111111111111111", "1111111111111117",
        "0000000000000000", "4222222222222", "",
    ],
)  # fmt: skip
def test_another_check_digit_length_or_scheme_is_no_card(digits):
    assert not is_card(digits)


def test_of_several_the_good_one_is_found_whatever_stands_before_it():
    good = "de89 3704 0044 0532 0130 00"
    for before in (
        "ab12 ",
        "de89 3704 0044 0532 0130 01 ",
        "de89 37 ",
        "no93 8601 1117 94 ",
    ):
        text = f"{before}{good}"
        assert [text[a:b] for a, b in ibans(text)] == [good]
