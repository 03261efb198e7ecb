"""Pseudonyms of values: one key for each period, gone when the period is over. Pure.

Within a period the same value gives the same pseudonym, so that records can be
correlated; who learns one period's key, or wants it destroyed, learns or destroys
nothing of another's.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal, assert_never

import msgspec

from broker.trust import MAX_CLOCK_SKEW_S

Length = Literal["month", "quarter", "year"]
KEY_BYTES: Final = 32  # as many as SHA-256 gives (RFC 2104, 3)
_MONTHS: Final[Mapping[Length, int]] = {"month": 1, "quarter": 3, "year": 12}
_NAME: Final = re.compile(r"([0-9]{4})(?:-(?:Q([1-4])|(0[1-9]|1[0-2])))?")
_MADE: Final = re.compile(r"[0-9a-f]{12}")


class Pseudonyms(msgspec.Struct, frozen=True):
    """How pseudonyms of one period are made.

    Attributes:
        period: "2026-11", "2026-Q4" or "2026".
        key: Empty if it was destroyed: then there are none. Hidden from `repr`.
    """

    period: str
    key: bytes

    def __repr__(self) -> str:
        return f"Pseudonyms({self.period!r})"

    def of(self, audience: str, kind: str, value: Any) -> str | None:
        """Replace *value* by a keyed pseudonym, stable for one audience and period.

        The same value of the same type gives the same one, whatever its case.
        None for anything but text, and when the key is gone.
        """
        if not isinstance(value, str) or not self.key:
            return None
        message = msgspec.json.encode([self.period, audience, kind, _folded(value)])
        digest = hmac.new(self.key, message, hashlib.sha256)
        return f"{kind}-{digest.hexdigest()[:12]}"


NONE: Final = Pseudonyms("", b"")


class PseudonymKeys(msgspec.Struct, frozen=True):
    """The keys of the periods that are kept, by name; hidden from `repr`."""

    length: Length
    keys: Mapping[str, bytes]

    def __repr__(self) -> str:
        return f"PseudonymKeys({', '.join(sorted(self.keys))})"

    def at(self, moment: float) -> Pseudonyms:
        """Give those for what the gate first saw at *moment*, in epoch seconds.

        Not the moment of the redaction: a replay must give the same. Nor one that
        the issuer states: it would choose the period.
        """
        period = period_of(moment, self.length)
        return Pseudonyms(period, self.keys.get(period, b""))

    def last_until(self, now: float) -> bool:
        """Tell whether whatever can have been seen by *now* has its key.

        The gate's clock may be ahead of ours.
        """
        return period_of(now + MAX_CLOCK_SKEW_S, self.length) in self.keys


def is_pseudonym(kind: str, value: object) -> bool:
    """Tell whether *value* looks like a pseudonym of something of type *kind*."""
    if not isinstance(value, str):
        return False
    prefix = f"{kind}-"
    return (
        value.startswith(prefix) and _MADE.fullmatch(value[len(prefix) :]) is not None
    )


def period_of(moment: float, length: Length) -> str:
    """Name the period (UTC) that *moment*, in epoch seconds, is in."""
    day = datetime.fromtimestamp(moment, UTC)
    month = day.year * 12 + day.month - 1
    return _name(month - month % _MONTHS[length], length)


def periods_kept(now: float, length: Length, count: int) -> tuple[str, ...]:
    """Name the periods whose keys are needed, in order.

    The *count* last ones, this one among them; and the next one as soon as the
    gate's clock may be in it.
    """
    day = datetime.fromtimestamp(now, UTC)
    month = day.year * 12 + day.month - 1
    months = _MONTHS[length]
    this = month - month % months
    kept = [_name(this - back * months, length) for back in reversed(range(count))]
    return tuple(dict.fromkeys([*kept, period_of(now + MAX_CLOCK_SKEW_S, length)]))


def outlived(names: Iterable[str], kept: Iterable[str]) -> list[str]:
    """List those *names* of periods, of any length, that ended before all *kept*.

    What is no name of a period is not listed.
    """
    begins = min(begin for begin, _ in filter(None, map(_span, kept)))
    ends = {name: span[1] for name in names if (span := _span(name)) is not None}
    return sorted(name for name, end in ends.items() if end <= begins)


def _name(month: int, length: Length) -> str:
    year, month = divmod(month, 12)
    match length:
        case "month":
            return f"{year:04}-{month + 1:02}"
        case "quarter":
            return f"{year:04}-Q{month // 3 + 1}"
        case "year":
            return f"{year:04}"
        case _:
            assert_never(length)


def _span(name: str) -> tuple[int, int] | None:
    """Give the first month of a period and the first one after it."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    year, quarter, month = found.groups()
    begin = int(year) * 12
    if quarter:
        begin += (int(quarter) - 1) * 3
        return begin, begin + 3
    if month:
        begin += int(month) - 1
        return begin, begin + 1
    return begin, begin + 12


def _folded(value: str) -> str:
    # Twice, since composing can give what is folded once more.
    for _ in range(2):
        value = unicodedata.normalize("NFKC", value).casefold()
    return value
