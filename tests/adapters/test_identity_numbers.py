"""National identity numbers: each country's are found, and told from other numbers."""
# ruff: noqa: RUF001  words in all scripts

import random
import re

import pytest

from adapters import identity_numbers
from adapters.identity_numbers import TABLE, WITHOUT_PUBLIC_FORMAT
from adapters.personal_data import found_in, holds_any
from tests.support.specimens import SPECIMENS, another, rows

ASEAN = {"BN", "ID", "KH", "LA", "MM", "MY", "PH", "SG", "TH", "TL", "VN"}
EU = {
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
}  # fmt: skip
VALID = [(*key, one) for key, (valid, _) in SPECIMENS.items() for one in valid]
INVALID = [(*key, one) for key, (_, invalid) in SPECIMENS.items() for one in invalid]


def row_accepts(row, written):
    """What one row says, whatever other countries might take the number for."""
    text = written.lower()
    if row.length:
        bare = re.sub(r"\D", "", text)
        return (
            len(bare) == row.length
            and re.fullmatch(row.shape, bare) is not None
            and (row.is_valid is None or row.is_valid(bare))
        )
    shape = re.fullmatch(row.shape, text) is not None
    return shape and (row.is_valid is None or row.is_valid(written.upper()))


def test_every_country_of_asean_and_the_eu_has_a_row_or_a_reason_for_none():
    assert {row.country for row in TABLE} | set(WITHOUT_PUBLIC_FORMAT) == ASEAN | EU | {
        ""
    }
    assert not {row.country for row in TABLE} & set(WITHOUT_PUBLIC_FORMAT)


def test_every_row_has_specimens_and_one_that_is_refused_where_it_checks_anything():
    assert set(SPECIMENS) == {(row.country, row.name) for row in TABLE}
    for row in TABLE:
        valid, invalid = SPECIMENS[row.country, row.name]
        assert valid
        assert invalid or row.is_valid is None


@pytest.mark.parametrize(("country", "name", "written"), VALID)
def test_a_valid_number_is_found_however_it_is_written(country, name, written):
    for text in (written, f"Seen: {written}, twice.", f"เลข{written} ครับ"):
        assert "national-id" in found_in([text])[0], (country, name)
        assert holds_any(text)


@pytest.mark.parametrize(("country", "name", "written"), INVALID)
def test_a_number_whose_check_digit_date_or_place_is_wrong_is_none(
    country, name, written
):
    assert not any(row_accepts(row, written) for row in rows(country, name))


@pytest.mark.parametrize(
    ("country", "name", "written"),
    [each for each in VALID if not any(row.words for row in rows(*each[:2]))],
)
def test_the_row_of_its_country_takes_a_valid_number(country, name, written):
    if name != "NRC":  # in Burmese its letters lose their marks first
        plain = written.translate(str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789"))
        assert any(row_accepts(row, plain) for row in rows(country, name))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.country} {row.name}")
def test_other_numbers_of_the_kind_are_found_as_well(row):
    luck = random.Random(f"{row.country} {row.name}")  # noqa: S311
    for specimen in SPECIMENS[row.country, row.name][0]:
        if row.words or not specimen.isascii() or not row_accepts(row, specimen):
            continue
        for _ in range(5):
            made = another(specimen, luck, lambda one: row_accepts(row, one))
            assert row_accepts(row, made)
            assert "national-id" in found_in([f"It was {made} again."])[0], made


@pytest.mark.parametrize(
    "text",
    [
        "12345678", "IC of 2026", "the TIN 12 is", "tin roof 123", "a passport was stolen",
        "ID 12", "identity card holders", "SSS", "9/11 (N)", "and/or(n)123456",
    ],
)  # fmt: skip
def test_words_without_a_number_and_numbers_without_a_word_are_no_identity(text):
    assert "national-id" not in found_in([text]).get(0, ())


def test_a_word_is_no_part_of_another_and_a_number_no_part_of_a_longer():
    assert "national-id" in found_in(["SSS 3412345678"])[0]
    assert "national-id" not in found_in(["passs 3412345678901234567890"])[0]
    assert found_in(["musicID card 123456M"]) == {}
    assert found_in(["xRCCMNL83S18D969H"]) == {}
    assert found_in(["RCCMNL83S18D969Hx"]) == {}
    assert found_in(["131052A308Tx"]) == {}


def test_a_number_may_stand_right_beside_another_script():
    assert found_in(["ЕГНRCCMNL83S18D969Hщ"]) == {0: frozenset({"national-id"})}


def test_digits_alone_are_asked_by_their_length():
    assert identity_numbers.is_identity_number("3100600445635")
    assert not identity_numbers.is_identity_number("310060044563")
    assert not identity_numbers.is_identity_number("")
    assert not identity_numbers.is_identity_number("31006004456350")
    assert {8, 9, 10, 11, 12, 13, 15, 16} == identity_numbers.LENGTHS


@pytest.mark.parametrize(
    "text",
    [
        "ic 00-123456", "ic no 00123456", "kad pengenalan 00-123456", "Brunei ID 00-123456",
        "cambodian id 010123456", "philid 1234-5678-9012", "ephilid 123456789012",
        "psn 123456789012", "PCN 1234-5678-9012-3456", "sss no 34-1234567-8",
        "TIN no. 123456789", "TIN 123-456-789-00000", "cmtnd 012345678",
        "chứng minh thư 012345678", "αδτ α123456", "α.δ.τ. αβ-123456",
        "ADT AB 123456", "δελτίο ταυτότητας: Χ 123456", "cyprus id 1234567890",
        "id no 345G", "karta tal-identità 12345(M)".replace("(M)", "M"),
        "identity card 123456 L", "national id 12345", "identity number: AB-12345",
        "id number 123456789012", "paspor A1234567", "pasport A12345", "carte d'identité 12345",
        "passeport 12AB".replace("12AB", "AB12345"), "Personalausweis L12345", "Reisepass C12345",
        "cartão eleitoral 12345", "passaporte AB123456", "pasaporte AAA123456",
        "hộ chiếu B1234567", "căn cước 12345", "บัตรประชาชน ๑๒๓๔๕", "หนังสือเดินทาง AA12345",
        "លិខិតឆ្លងដែន N12345", "နိုင်ငံကူးလက်မှတ် MA12345", "passport nomor 12345",
        "Passport Number: 12345A", "passport num 12345",
    ],
)  # fmt: skip
def test_each_word_announces_a_number(text):
    assert "national-id" in found_in([text])[0]


@pytest.mark.parametrize(
    "text",
    [
        "TIN 123-456-789-00", "adt abc 123456", "passport ABCD12345", "passport 1234",
        "id 12G", "passport;;;;; 12345", "cyprus id 12345",
    ],
)  # fmt: skip
def test_after_a_word_the_number_must_have_its_form(text):
    said = [text[start:end] for start, end in identity_numbers.announced(text.lower())]
    assert said in ([], ["123-456-789"])


def test_the_length_of_a_number_after_a_word_has_its_bounds():
    def said(text):
        return [text[start:end] for start, end in identity_numbers.announced(text)]

    assert said("tin 123-456-789-12345") == ["123-456-789-12345"]
    assert said("tin 123-456-789-123456") == ["123-456-789"]
    assert said("adt ab 123456") == ["ab 123456"]
    assert said("cyprus id 1234567890") == ["1234567890"]
    assert said("cyprus id 12345678901") == []
    assert said("id no 123456m") == ["123456m"]
    assert said("passport abc 123456789012z") == ["abc 123456789012z"]
    assert said("passport 1234567890123") == []


@pytest.mark.parametrize(
    "letters", ["abc", "abcdefghijkl", "\u1000" * 3, "\u1000" * 12]
)
def test_a_township_has_three_to_twelve_letters(letters):
    for text in (f"12/{letters}(n)123456", f"9 / {letters} (n) 123456"):
        assert list(identity_numbers.lettered(text)) == [(0, len(text))]
    for other in (letters[:2], letters * 5):
        assert not list(identity_numbers.lettered(f"12/{other}(n)123456"))


def test_every_country_without_a_format_has_its_reason():
    assert {"LA", "TL"} == set(WITHOUT_PUBLIC_FORMAT)
