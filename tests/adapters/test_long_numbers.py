"""Numbers of seven digits or more: their kinds, and that none is let through."""

import random

import pytest

from adapters import long_numbers
from adapters.long_numbers import numbers

NIK = "3171011708450001"
CARD = "4111111111111111"


def found(text):
    return sorted((text[start:end], kind) for start, end, kind in numbers(text))


@pytest.mark.parametrize(
    "text",
    [
        "1234567", "1 2 3 4 5 6 7", "123--45  67", "123 (45) 67", "123._4567", "1-2-3-4-5-6-7",
        "a1234567b", "12345678901234567890123",
    ],
)  # fmt: skip
def test_seven_digits_are_a_long_number_whatever_people_write_between_them(text):
    assert found(text) == [(text.strip("ab"), "long-number")]


@pytest.mark.parametrize(
    "text", ["123456", "1234,567", "123 | 4567", "123    4567", "123x4567", "1:2:3:4:5:6:7"]
)  # fmt: skip
def test_fewer_digits_or_another_sign_are_none(text):
    assert found(text) == []


@pytest.mark.parametrize("text", ["1/2/3/4/5/6/7", "123456/654321", "12/31/99/12/31"])
def test_a_slash_parts_two_numbers_that_are_nothing_else(text):
    assert found(text) == []


def test_of_parts_between_slashes_the_long_ones_are_found():
    assert found("123/1234567/12") == [("1234567", "long-number")]


def test_a_birthday_between_slashes_is_found():
    for text in ("14/03/1988", "3/14/1888 1", "14/3/1988"):
        assert (text, "long-number") in found(text)
    for text in ("14/03/2088", "114/03/1989", "14/03/19881"):
        assert (text, "long-number") not in found(text)


def test_a_number_that_is_known_is_found_alone():
    assert found(NIK) == [(NIK, "national-id")]
    assert found(CARD) == [(CARD, "card")]
    assert found("+62 812-3456-7890") == [("62 812-3456-7890", "phone")]
    assert found("0812-3456-7891") == [("0812-3456-7891", "phone")]


def test_a_number_may_be_of_several_kinds():
    # A valid NIK whose check by Luhn happens to be right as well.
    both = next(
        one
        for one in (f"317101170845{n:04}" for n in range(1, 50))
        if {kind for *_, kind in numbers(one)} == {"card", "national-id"}
    )
    assert found(both) == [(both, "card"), (both, "national-id")]


def test_numbers_side_by_side_are_found_each_and_all_of_them_withheld():
    text = f"{NIK} 12 {CARD}"
    assert set(found(text)) >= {
        (NIK, "national-id"),
        (CARD, "card"),
        (text, "long-number"),
    }


def test_a_number_has_at_most_eight_groups_of_a_longer_run():
    assert (NIK, "national-id") in found(f"1 {NIK} 1")
    eight = "31 71 01 17 08 45 00 01"
    assert (eight, "national-id") in found(f"999 {eight} 999")
    nine = "3 1 71 01 17 08 45 00 01"
    assert found(nine) == [(nine, "national-id")]
    assert (nine, "national-id") not in found(f"999 {nine} 999")


def test_the_longest_number_that_is_looked_at_has_nineteen_digits():
    nineteen = "4000000000000000006"
    assert found(nineteen) == [(nineteen, "card")]
    assert found("0" + nineteen) == [("0" + nineteen, "long-number")]
    nineteen_groups = " ".join(nineteen)
    assert found(nineteen_groups) == [(nineteen_groups, "card")]
    twenty = " ".join("0" * 20)
    assert found(twenty) == [(twenty, "long-number")]


@pytest.mark.parametrize("before", ["+", "+(", "+ ", "+( "])
def test_a_plus_before_a_number_makes_it_international(before):
    assert ("30123456", "phone") not in found(f"{before}30123456")
    assert (NIK, "national-id") not in found(f"{before}{NIK}")
    assert found(f"{before}4930123456") == [("4930123456", "phone")]


def test_what_is_no_valid_number_after_a_plus_is_still_long():
    assert found("+9991234567") == [("9991234567", "long-number")]


def test_a_text_of_countless_numbers_is_still_found_without_a_look_at_each(monkeypatch):
    looks = []
    monkeypatch.setattr(long_numbers, "MAX_LOOKS", 5)
    monkeypatch.setattr(
        long_numbers, "is_identity_number", lambda digits: looks.append(digits) or False
    )
    luck = random.Random(1)  # noqa: S311
    text = ", ".join(
        f"{luck.randrange(10**6):06}/{luck.randrange(10**4):04}" for _ in range(50)
    )
    found_there = list(numbers(text))
    assert len(looks) == 5
    # What only a closer look could have let pass is withheld.
    assert sum(kind == "long-number" for *_, kind in found_there) >= 45


def test_the_same_digits_are_looked_at_once_in_a_text(monkeypatch):
    looks = []
    monkeypatch.setattr(
        long_numbers, "is_identity_number", lambda digits: looks.append(digits) or False
    )
    list(numbers("1234567, 123-4567, 1234 567"))
    assert looks == ["1234567"]
    list(numbers("1234567"))
    assert looks == ["1234567"] * 2  # nothing is remembered beyond a call
