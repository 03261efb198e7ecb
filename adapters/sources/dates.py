"""Dates as people write them in tables, read as RFC 3339. Pure."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, Literal

from schemas.timestamps import Instant, render

Order = Literal["day", "month", ""]
"""What stands first in 03/04/2026; "" if a column does not tell."""

_MAX_CHARS: Final = 40
_ISO = re.compile(
    r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})"
    r"(?:[T ]{1,2}([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)"
    r" ?(Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_NUMBERS = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})(?: .*)?")
_NAMED = re.compile(
    r"(?:([0-9]{1,2})(?:st|nd|rd|th)?[ -])?([A-Za-z]{3})[a-z]{0,6}\.?[ -]"
    r"(?:([0-9]{1,2})(?:st|nd|rd|th)?,? )?([0-9]{4})"
)
_MONTHS: Final = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8,
    "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip


def order_of(texts: Iterable[str]) -> Order:
    """Find out what stands first in the dates of one column."""
    day = month = False
    for text in texts:
        found = _NUMBERS.fullmatch(text) if len(text) <= _MAX_CHARS else None
        if found is not None and found[2] != ".":
            day |= int(found[1]) > 12
            month |= int(found[3]) > 12
    return "" if day == month else "day" if day else "month"


def is_open(text: str, order: Order) -> bool:
    """Tell whether only the order, which is not known, keeps *text* from being read."""
    found = _NUMBERS.fullmatch(text) if len(text) <= _MAX_CHARS else None
    return found is not None and found[2] != "." and not order


def read(text: str, order: Order) -> str | None:
    """Read a date, with or without a time (UTC, unless it says otherwise)."""
    if len(text) > _MAX_CHARS:
        return None
    try:
        iso = _ISO.fullmatch(text)
        return _iso(*iso.groups()) if iso is not None else _other(text, order)
    except (ValueError, OverflowError):  # no such day; no such year in UTC
        return None


def _other(text: str, order: Order) -> str | None:
    numbers = _NUMBERS.fullmatch(text)
    if numbers is not None:
        first, second, year = int(numbers[1]), int(numbers[3]), int(numbers[4])
        if numbers[2] == "." or order == "day":  # nobody writes 12.31.2026
            return _day(year, second, first)
        return _day(year, first, second) if order == "month" else None
    named = _NAMED.fullmatch(text)
    if named is None or (named[1] is None) == (named[3] is None):
        return None
    month = _MONTHS.get(named[2].lower(), 0)
    return _day(int(named[4]), month, int(named[1] or named[3]))


def _iso(year: str, month: str, day: str, time: str | None, zone: str | None) -> str:
    if time is None:
        return _day(int(year), int(month), int(day))
    whole, _, fraction = time.partition(".")
    offset = zone if zone and zone[0] in "+-" else "+00:00"
    moment = datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2}T{whole}{offset}")
    return render(Instant(moment.astimezone(UTC), int(fraction.ljust(9, "0"))))


def _day(year: int, month: int, day: int) -> str:
    return render(Instant(datetime(year, month, day, tzinfo=UTC), 0))
