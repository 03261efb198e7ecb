"""Accounts at banks: IBANs and payment cards. Pure."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from stdnum import iban, luhn, numdb

_IBAN: Final = re.compile(r"(?<![a-z0-9])(?=([a-z]{2}\d{2}(?:[ .-]?[a-z0-9]){11,30}))")
_SHORTEST: Final = 15  # Norway
_CARD_LENGTHS: Final = frozenset({14, 15, 16, 18, 19})
# ISO/IEC 7812: American Express, Diners, JCB; Visa; Mastercard; Discover, Maestro,
# UnionPay; Mir and Mastercard's second range. 19 digits: Maestro, UnionPay, Visa.
_CARD: Final = re.compile(r"(?:3[0-9]|4|5[0-9]|6[0-9]|2[2-7]|81|9[0-9])\d+")


def is_card(digits: str) -> bool:
    """Tell whether the digits can be the number of a payment card."""
    return (
        len(digits) in _CARD_LENGTHS
        and _CARD.fullmatch(digits) is not None
        and luhn.is_valid(digits)
    )


def ibans(text: str) -> Iterator[tuple[int, int]]:
    """Find IBANs of the countries in SWIFT's registry, in groups or not."""
    for found in _IBAN.finditer(text):
        length = _length(found[1][:2].upper())
        end = _end(text, found.start(1), found.end(1), length)
        if end is None or text[end : end + 1].isalnum():
            continue
        bare = "".join(c for c in text[found.start() : end] if c.isalnum())
        if iban.is_valid(bare.upper(), check_country=False):
            yield found.start(), end


def _end(text: str, start: int, stop: int, length: int) -> int | None:
    """Find where as many letters and digits have passed; None if there are fewer."""
    for place in range(start, stop):
        length -= text[place].isalnum()
        if length == 0:
            return place + 1
    return None


@cache
def _length(country: str) -> int:
    """Give an IBAN's length; more than any, where a country has none."""
    structure = numdb.get("iban").info(country)[0][1].get("bban", "")
    return 4 + sum(int(n) for n in re.findall(r"(\d+)!", structure)) or 99
