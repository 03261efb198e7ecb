"""Moments as TAXII servers write them, and the one just before. Pure.

A header that is no RFC 3339 date (`undefined`, a date as JavaScript prints it) counts
as missing: no cursor is better than a wrong one.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, Self

# RFC 3339, 5.6; TAXII 2.1, 1.2 asks for UTC with microseconds, and not all obey.
_FORM: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:\.([0-9]{1,9}))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
_NANOSECONDS: Final = 10**9
_DAY_NS: Final = 86_400 * _NANOSECONDS
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(NamedTuple):
    """A moment that a server wrote; sorts by time.

    Attributes:
        at_ns: Nanoseconds since 1970, UTC.
        digits: How many digits of fraction were written: how exact it may be.
        text: As the server wrote it.
    """

    at_ns: int
    digits: int
    text: str

    @classmethod
    def read(cls, text: str | None) -> Self | None:
        """Read a moment; None if it is none."""
        match = _FORM.fullmatch(text or "")
        if match is None:
            return None
        day, clock, fraction, sign, hours, minutes = match.groups()
        try:
            whole = datetime.fromisoformat(f"{day}T{clock}+00:00")
        except ValueError:  # 30 February, hour 24
            return None
        second = (whole - _EPOCH) // timedelta(seconds=1)
        if sign is not None:
            offset_s = int(hours) * 3600 + int(minutes) * 60
            second += -offset_s if sign == "+" else offset_s
        digits = len(fraction or "")
        nanosecond = int((fraction or "0").ljust(9, "0"))
        return cls(second * _NANOSECONDS + nanosecond, digits, match[0])

    @property
    def is_whole_day(self) -> bool:
        """Tell whether it may stand for any moment of its day."""
        return self.at_ns % _DAY_NS == 0

    def before(self) -> str:
        """Write the moment one unit of its last digit earlier, as exactly.

        Asked for what came after that, a server gives again what it has of this
        moment, however it cuts or rounds; nothing with an equal moment is lost.
        """
        return _write(self.at_ns - 10 ** (9 - self.digits), self.digits) or self.text

    def day_before(self) -> str:
        """Write the last second of the day before yesterday, seen from there; or "".

        For servers that compare days, or write another zone's time as UTC.
        """
        day = self.at_ns // _DAY_NS * _DAY_NS
        return _write(day - _DAY_NS - _NANOSECONDS, self.digits)


def _write(at_ns: int, digits: int) -> str:
    second, nanosecond = divmod(at_ns, _NANOSECONDS)
    try:
        whole = _EPOCH + timedelta(seconds=second)
    except OverflowError:  # the year 0
        return ""
    text = whole.replace(tzinfo=None).isoformat(timespec="seconds")
    fraction = f".{nanosecond:09d}"[: digits + 1] if digits else ""
    return f"{text}{fraction}Z"
