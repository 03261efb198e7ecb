"""Check digits that we make ourselves, against published and constructed specimens."""

import pytest

from adapters import check_digits as check

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.mark.parametrize(
    ("body", "letter"),
    [
        ("S1234567", "D"), ("S0000001", "I"), ("T1234567", "J"), ("F1234567", "N"),
        ("G1234567", "X"), ("M1234567", "K"), ("M0000000", "T"), ("M0001000", "J"), ("F0000004", "M"), ("F0000000", "X"),
    ],
)  # fmt: skip
def test_singapore_gives_each_number_one_letter_by_its_series(body, letter):
    assert [c for c in LETTERS if check.is_singapore_nric(body + c)] == [letter]


@pytest.mark.parametrize(
    ("asked", "good"),
    [
        (check.is_hungary_tax, "8071592153"),
        (check.is_hungary_taj, "111111110"),
        (check.is_luxembourg_matricule, "1893120105732"),
        (check.is_luxembourg_matricule, "1985011212322"),
    ],
)
def test_one_wrong_digit_shows(asked, good):
    assert asked(good)
    wrong = [
        good[:i] + d + good[i + 1 :]
        for i in range(len(good))
        for d in "0123456789"
        if d != good[i]
    ]
    passed = [one for one in wrong if asked(one)]
    # Luhn and the sums by 10 and 11 see nearly all of them.
    assert len(passed) <= len(wrong) // 20


def test_a_hungarian_personal_number_is_weighed_up_or_down_by_its_age():
    found = [d for d in "0123456789" if check.is_hungary_personal("1850112123" + d)]
    assert found == ["3", "8"]


@pytest.mark.parametrize(("code", "there"), [("001", True), ("096", True),
                                             ("000", False), ("003", False),
                                             ("097", False), ("079", True)])  # fmt: skip
def test_a_vietnamese_number_begins_with_a_province(code, there):
    assert check.is_vietnam_cccd(f"{code}099012345") is there
