"""What an operator must know of the directory in time. Pure."""

from typing import Final, Literal

import msgspec

_DAY_S: Final = 86_400.0
# The hub signs the timestamp anew daily, for seven days. With five left, two days
# have brought nothing new: an outage, or somebody who holds news back.
STALE_LEFT_S: Final = 5 * _DAY_S
# To gather the signatures of two groups takes people some days.
ENDING_LEFT_S: Final = 14 * _DAY_S

Level = Literal["warning", "error", "critical"]


class Freshness(msgspec.Struct, frozen=True):
    """When what holds a directory together ends; epoch seconds.

    Attributes:
        expires: From then on nothing is decided on it.
        fresh_until: Of what the hub's online key signs.
        by_groups: Of what the groups sign, by role.
        faults: Roles whose suspensions cannot be read, and why.
    """

    expires: float
    fresh_until: float = float("inf")
    by_groups: tuple[tuple[str, float], ...] = ()
    faults: tuple[tuple[str, str], ...] = ()


class Alarm(msgspec.Struct, frozen=True):
    """One event for the log.

    Attributes:
        days_left: Rounded down.
        role: What ends, or cannot be read; "" of the whole.
        reason: Why it cannot be read, or "".
    """

    level: Level
    event: str
    days_left: int = 0
    role: str = ""
    reason: str = ""

    @property
    def said(self) -> str:
        """The same for a person who typed a command."""
        days = f"{self.days_left} day{'' if self.days_left == 1 else 's'}"
        match self.event:
            case "directory.expired":
                return "the directory has expired"
            case "directory.stale":
                return (
                    f"the directory has brought nothing new for days; in {days} it "
                    "expires. Ask the hub why it is not signed anew, or why you "
                    "cannot reach it"
                )
            case "directory.ending":
                return (
                    f"{self.role} of the directory must be signed anew by its groups: "
                    f"in {days} it expires"
                )
            case _:
                return f"{self.role} of the directory does not count: {self.reason}"


def alarms(fresh: Freshness, now: float) -> tuple[Alarm, ...]:
    """Say what to raise now, the worst first."""
    if now >= fresh.expires:
        return (Alarm("critical", "directory.expired"),)
    found: list[Alarm] = []
    if fresh.fresh_until - now <= STALE_LEFT_S:
        days = _days(fresh.fresh_until - now)
        found.append(Alarm("error", "directory.stale", days))
    for role, reason in fresh.faults:
        found.append(Alarm("error", "directory.suspensions", 0, role, reason))
    for role, end in fresh.by_groups:
        if end - now <= ENDING_LEFT_S:
            alarm = Alarm("warning", "directory.ending", _days(end - now), role)
            found.append(alarm)
    return tuple(found)


def _days(seconds: float) -> int:
    return int(max(seconds, 0.0) // _DAY_S)
