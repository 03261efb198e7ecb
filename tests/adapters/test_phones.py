"""Phone numbers: with a plus, with a word before them, as they are dialled at home."""
# ruff: noqa: RUF001  digits and words of all scripts

import phonenumbers
import pytest

from adapters.personal_data import found_in, holds_any
from adapters.phones import REGIONS, called, is_bare, is_international
from adapters.text import normalise


@pytest.mark.parametrize(
    "text",
    [
        "+62 812-3456-7890", "+60 12-345 6789", "+66 2 123 4567", "+66 81 234 5678",
        "+84 912 345 678", "+63 917 123 4567", "+855 12 345 678", "+95 9 421 234 567",
        "+65 9123 4567", "+856 20 2345 6789", "+673 712 3456", "+670 7721 2345",
        "+49 30 123456", "+33 1 23 45 67 89", "+39 06 698 12345", "+34 912 34 56 78",
        "+48 601 234 567", "+351 912 345 678", "+353 85 012 3456", "+372 5123 456",
        "+358 41 234 5678", "+36 1 234 5678", "+420 601 123 456", "+30 21 2345 6789",
        "+61 412 345 678", "+86 131 2345 6789", "+91 81234 56789", "+44 7400 123456",
        "+49 (0)30 123456", "+49.30.123456", "+49/30/123456", "(+62) 812 3456 7890",
        "+ 62 812 3456 7890", "+(62) 812 3456 7890", "0062 812 3456 7890",
        "6281234567890", "0812-3456-7890", "0812.3456.7890", "081 234 5678",
        "030/1234567", "06 12 34 56 78", "010_1234_5678",
        "\uff0b\uff16\uff12 \uff18\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff10",
        "๐๘๑-๒๓๔-๕๖๗๘", "០១២ ៣៤៥ ៦៧៨", "០១២\u200b៣៤៥\u200b៦៧៨", "໐໒໐ ໒໒໓໔ ໕໖໗໘",
        "၀၉ ၄၂၁ ၂၃၄ ၅၆၇", "+٦٢ ٨١٢ ٣٤٥٦ ٧٨٩٠", "۰۸۱۲ ۳۴۵۶ ۷۸۹۰", "0812‑3456‑7890",
        "0812–3456−7890", "0812 - 3456 - 7890", "0812·3456•7890", "(0812) 3456 7890",
        "0\ufe0f\u20e38\ufe0f\u20e31\ufe0f\u20e32\ufe0f\u20e3 3456 7890",
    ],
)  # fmt: skip
def test_a_phone_number_is_found_however_it_is_written(text):
    for shown in (text, f"Call {text}, then wait.", f"โทร{text}ครับ"):
        assert "phone" in found_in([shown])[0]
        assert holds_any(shown)


@pytest.mark.parametrize(
    "text",
    [
        "tel 1234", "Tel.: 12-34-56", "TEL #4321", "phone number 12345", "fax: 4567",
        "téléphone 3456", "Telefon Nr. 12345", "Telp. 5678", "số điện thoại: 1080",
        "τηλ. 12345", "тел. 12345", "โทร ๑๑๒๓", "โทรศัพท์: 1155", "ໂທ 1623", "ទូរស័ព្ទ ១១៧៧",
        "ဖုန်း ၁၂၃၄", "هاتف: ١٢٣٤", "电话：12345", "hp: 4567", "WhatsApp 12 34 56",
        "tel. 2024-2025",
    ],
)  # fmt: skip
def test_a_short_number_is_found_after_a_word(text):
    assert "phone" in found_in([text])[0]
    assert holds_any(text)


@pytest.mark.parametrize(
    "text",
    [
        "tel 112", "call 4567", "hotel 1234", "Intel 8086", "by phone 2026-03-14",
        "by phone 14.3.2026", "by phone at 10", "telex 1234", "the phone; 48,217 voters",
        "HP 4500",
    ],
)  # fmt: skip
def test_a_word_that_is_another_or_a_day_makes_no_phone_number(text):
    assert found_in([text]) == {}
    assert not holds_any(text)


def test_of_a_number_after_a_word_all_is_found():
    text = "phone (030) 123-4567."
    assert [text[start:end] for start, end in called(text)] == ["030) 123-4567"]
    assert list(called("tel 123")) == []
    assert list(called("tel 1234567890123456")) == []  # more than a phone number has


@pytest.mark.parametrize(
    ("digits", "valid"),
    [
        ("6281234567890", True), ("4930123456", True), ("999123456789", False),
        ("621", False), ("123456", False), ("4930123", True), ("0", False),
        ("6281234567890123", False), ("", False), ("0000000", False),
    ],
)  # fmt: skip
def test_after_a_plus_the_number_must_be_one_of_a_country(digits, valid):
    assert is_international(digits) is valid


@pytest.mark.parametrize(
    ("digits", "likely"),
    [
        ("006281234567890", True), ("00999123456789", False), ("081234567890", True),
        ("0812345678", True), ("030123456", True), ("01", False), ("0999999999999", False),
        ("6281234567890", True), ("91234567", False), ("6591234567", True),
        ("9991234567", False), ("659123456", False), ("2125550143", False),
    ],
)  # fmt: skip
def test_without_a_plus_it_takes_a_zero_or_the_code_of_a_country_nearby(digits, likely):
    assert is_bare(digits) is likely


def test_the_regions_are_asean_the_eu_and_their_neighbours_each_once():
    assert len(REGIONS) == len(set(REGIONS)) == 11 + 10 + 27 + 16
    assert {"ID", "TL", "DE", "MT", "AU", "UA"} <= set(REGIONS)


NEARBY = [
    "BN",
    "ID",
    "KH",
    "LA",
    "MM",
    "MY",
    "PH",
    "SG",
    "TH",
    "TL",
    "VN",
    "AU",
    "BD",
    "CN",
    "HK",
    "IN",
    "JP",
    "KR",
    "MO",
    "PG",
    "TW",
    "AT",
    "BE",
    "BG",
    "CY",
    "CZ",
    "DE",
    "DK",
    "EE",
    "ES",
    "FI",
    "FR",
    "GR",
    "HR",
    "HU",
    "IE",
    "IT",
    "LT",
    "LU",
    "LV",
    "MT",
    "NL",
    "PL",
    "PT",
    "RO",
    "SE",
    "SI",
    "SK",
    "AL",
    "BA",
    "BY",
    "CH",
    "GB",
    "GE",
    "IS",
    "LI",
    "MD",
    "ME",
    "MK",
    "NO",
    "RS",
    "TR",
    "UA",
    "XK",
]


@pytest.mark.parametrize("region", NEARBY)
def test_a_mobile_number_of_every_country_nearby_is_known_without_its_plus(region):
    mobile = phonenumbers.PhoneNumberType.MOBILE
    example = phonenumbers.example_number_for_type(region, mobile)
    digits = (
        f"{example.country_code}{phonenumbers.national_significant_number(example)}"
    )
    assert is_international(digits)
    assert is_bare(digits) is (len(digits) >= 10)
    if phonenumbers.ndd_prefix_for_region(region, True) == "0":
        assert is_bare("0" + phonenumbers.national_significant_number(example))


@pytest.mark.parametrize("region", ["US", "BR", "NG", "RU"])
def test_numbers_from_afar_are_phones_only_with_a_plus(region):
    mobile = phonenumbers.PhoneNumberType.MOBILE
    example = phonenumbers.example_number_for_type(region, mobile)
    digits = (
        f"{example.country_code}{phonenumbers.national_significant_number(example)}"
    )
    assert is_international(digits)
    assert not is_bare(digits)


@pytest.mark.parametrize(
    "word",
    [
        "tel", "tél", "telp", "tlp", "tlf", "tfno", "telephone", "téléphone", "telefon",
        "telefono", "teléfono", "telefone", "telepon", "telpon", "telefoon", "puhelin",
        "phone", "phone number", "fax", "faks", "hotline", "whatsapp", "hp:", "handphone",
        "no hp", "ponsel", "số điện thoại", "điện thoại", "sđt", "τηλ", "τηλέφωνο",
        "тел", "телефон", "โทร", "โทรศัพท์", "เบอร์โทร", "เบอร์", "ໂທ", "ໂທລະສັບ", "ເບີ",
        "ទូរស័ព្ទ", "ទូរសព្ទ័", "លេខទូរស័ព្ទ", "ဖုန်း", "ဖုန်းနံပါတ်", "هاتف", "电话", "電話", "手机",
        "tel. no", "Telefon Nr", "telepon nomor", "fax number",
    ],
)  # fmt: skip
def test_each_word_announces_a_number_and_some_signs_may_stand_between(word):
    assert [*called(normalise(f"{word} 1234"))]
    assert [*called(normalise(f"{word} : (1234"))]
    assert not [*called(normalise(f"{word} :  ... 1234"))]


def test_the_gaps_in_a_number_after_a_word_and_its_digits_have_bounds():
    assert [*called("tel 12 - 34")] == [(4, 11)]
    assert not [*called("tel 12 -- 34")]
    assert [*called("tel " + "1" * 15)] == [(4, 19)]
    assert [*called("tel nr 1234")] == [(7, 11)]
    assert [*called("tel. no.: 1234")] == [(10, 14)]
    assert not [*called("tel. : no 1234")]
