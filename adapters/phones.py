"""Phone numbers in text. Pure.

With a `+` or `00` the number must be one that `phonenumbers` calls valid, in any
country. Without, three things are sensible: a word before it, the code of a country
nearby, or the zero that begins a number at home where a country has one. What is none of
these is still a long number from seven digits on.

Text is normalised, its digits and dashes are ASCII.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

import phonenumbers

from adapters.text import normalise

# ASEAN, EU, and their neighbours.
REGIONS: Final = (
    *("BN", "ID", "KH", "LA", "MM", "MY", "PH", "SG", "TH", "TL", "VN"),
    *("AU", "BD", "CN", "HK", "IN", "JP", "KR", "MO", "PG", "TW"),
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR"),
    *("HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    *("AL", "BA", "BY", "CH", "GB", "GE", "IS", "LI", "MD", "ME", "MK", "NO", "RS"),
    *("TR", "UA", "XK"),
)  # fmt: skip
_SHORTEST: Final = 7
_LONGEST: Final = 15  # ITU-T E.164, 6

_WORDS: Final = "|".join(
    re.escape(normalise(word))
    for word in (
        "tel", "telp", "tlp", "tlf", "tfno", "telephone", "telefon",
        "telefono", "telefone", "telepon", "telpon", "telefoon", "puhelin",
        "phone", "fax", "faks", "hotline", "whatsapp", "hp:", "handphone",
        "no hp", "ponsel", "số điện thoại", "điện thoại", "sđt", "τηλ", "τηλέφωνο",
        "тел", "телефон", "โทร", "โทรศัพท์", "เบอร์โทร", "เบอร์", "ໂທ", "ໂທລະສັບ", "ເບີ",
        "ទូរស័ព្ទ", "ទូរសព្ទ័", "លេខទូរស័ព្ទ", "ဖုန်း", "ဖုန်းနံပါတ်", "هاتف", "电话", "電話", "手机",
    )
)  # fmt: skip
_CALLED: Final = re.compile(
    rf"(?<![a-z])(?:{_WORDS})(?:[ .:]{{0,2}}(?:no|nr|nomor|number)\b)?[ .:#=+(/-]{{0,4}}"
    r"(?!20\d\d[./-]\d\d[./-]\d\d(?!\d)|\d\d?[./-]\d\d?[./-]20\d\d(?!\d))"  # days
    r"(\d(?:[ ().\-/_]{0,3}\d){3,14})(?!\d)"
)


def called(text: str) -> Iterator[tuple[int, int]]:
    """Find numbers of four digits or more after a word such as "tel"."""
    for found in _CALLED.finditer(text):
        yield found.span(1)


def is_international(digits: str) -> bool:
    """Tell whether digits after a `+` are a valid number of any country."""
    if not _SHORTEST <= len(digits) <= _LONGEST:
        return False
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(f"+{digits}"))
    except phonenumbers.NumberParseException:
        return False


def is_bare(digits: str) -> bool:
    """Tell whether digits without a `+` are likely to be a phone number."""
    if digits.startswith("00"):
        return is_international(digits[2:])
    if digits.startswith("0"):
        return _domestic().fullmatch(digits, 1) is not None
    return len(digits) >= 10 and _foreign().fullmatch(digits) is not None


@cache
def _domestic() -> re.Pattern[str]:
    """Make a pattern of all numbers that are written with a zero first at home."""
    shapes = {
        shape
        for region in REGIONS
        for shape in _shapes(region)
        if phonenumbers.ndd_prefix_for_region(region, True) == "0"
    }
    return re.compile("|".join(f"(?:{shape})" for shape in sorted(shapes)))


@cache
def _foreign() -> re.Pattern[str]:
    """Make a pattern of all numbers with the code of a country before them."""
    shapes = {
        f"{phonenumbers.country_code_for_region(region)}(?:{shape})"
        for region in REGIONS
        for shape in _shapes(region)
    }
    return re.compile("|".join(sorted(shapes)))


def _shapes(region: str) -> list[str]:
    """List the patterns that `phonenumbers` has for numbers of houses and of people."""
    known = phonenumbers.PhoneMetadata.metadata_for_region(region)
    kinds = (known.fixed_line, known.mobile) if known else ()
    return [
        kind.national_number_pattern
        for kind in kinds
        if kind is not None and kind.national_number_pattern
    ]
