"""Timestamps as STIX writes them: RFC 3339 in UTC, to the nanosecond, comparable.

`datetime` stops at microseconds, and two spellings of one moment (`…:00Z`,
`…:00.000Z`) differ as text. So versions are compared by `key`, never as written.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from schemas.errors import SchemaError

NANOSECOND_DIGITS: Final = 9

# RFC 3339, 5.6, narrowed by STIX 2.1, 3.13: UTC only, written as a capital Z.
_PATTERN: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?Z"
)


class Instant(NamedTuple):
    """A moment; sorts by time.

    Attributes:
        second: UTC, without its fraction.
        nanosecond: 0 to 999,999,999.
    """

    second: datetime
    nanosecond: int


def parse(text: str) -> Instant:
    """Read `YYYY-MM-DDTHH:MM:SS[.fraction]Z` with up to nine digits of fraction.

    Refused although RFC 3339 allows them: other offsets and lower case (STIX
    2.1, 3.13) and leap seconds (`:60`), which `datetime` cannot hold.

    Raises:
        SchemaError: `bad-property`.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise SchemaError("bad-property")
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    fraction = match[7] or "0"
    try:
        whole = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:  # 30 February, hour 24
        raise SchemaError("bad-property") from None
    return Instant(whole, int(fraction.ljust(NANOSECOND_DIGITS, "0")))


# RFC 3339, 5.6: any offset, also in lower case or with a space for the T.
_ANY_OFFSET: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:(\.[0-9]{1,9})[0-9]*)?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)


def utc(text: str) -> str | None:
    """Write a moment of any offset (RFC 3339) the way STIX does; None if it is none.

    What STIX takes stays as it is; of a fraction, nine digits stay.
    """
    match = _ANY_OFFSET.fullmatch(text)
    if match is None:
        return None
    day, clock, fraction, sign, hours, minutes = match.groups(default="")
    try:
        instant = parse(f"{day}T{clock}{fraction}Z")
        if not sign:
            return f"{day}T{clock}{fraction}Z"
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        moved = instant.second - offset if sign == "+" else instant.second + offset
    except (SchemaError, OverflowError):
        return None
    return render(Instant(moved, instant.nanosecond), digits=max(len(fraction) - 1, 0))


def render(instant: Instant, *, digits: int = 3) -> str:
    """Write *instant* with at least *digits* (0 to 9) of fraction, losing none.

    Three digits are what STIX producers write.
    """
    fraction = f"{instant.nanosecond:09d}".rstrip("0").ljust(digits, "0")
    # Not strftime: it pads years before 1000 on some platforms only.
    whole = instant.second.replace(tzinfo=None).isoformat(timespec="seconds")
    return f"{whole}.{fraction}Z" if fraction else f"{whole}Z"


def key(text: str) -> str:
    """Give the one spelling of a moment that sorts as text: always nine digits.

    Raises:
        SchemaError: `bad-property`.
    """
    return render(parse(text), digits=NANOSECOND_DIGITS)


def compare(left: str, right: str) -> int:
    """Say whether *left* is earlier (-1), the same moment (0) or later (1).

    Raises:
        SchemaError: `bad-property`.
    """
    a, b = parse(left), parse(right)
    return (a > b) - (a < b)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def epoch(text: str) -> float:
    """Give a moment in seconds since 1970, cut to the microsecond.

    Raises:
        SchemaError: `bad-property`.
    """
    instant = parse(text)
    # Cut, not rounded: a float cannot tell nanoseconds of our time apart.
    return (instant.second - _EPOCH).total_seconds() + instant.nanosecond // 1000 / 1e6


def from_epoch(seconds: float) -> str:
    """Write seconds since 1970 with milliseconds, as STIX producers do."""
    millisecond = int(seconds * 1000)
    whole = _EPOCH + timedelta(seconds=millisecond // 1000)
    return render(Instant(whole, millisecond % 1000 * 1_000_000))


@lru_cache(1024)
def truncate(text: str, grain: str) -> str:
    """Cut a moment to its "hour" or "day"; "exact" leaves it.

    Raises:
        SchemaError: `bad-property`.
    """
    instant = parse(text)
    if grain == "exact":
        return text
    hour = instant.second.hour if grain == "hour" else 0
    return render(Instant(instant.second.replace(hour=hour, minute=0, second=0), 0))
