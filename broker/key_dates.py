"""How long keys still count, and what to say in time. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, assert_never

import msgspec

from broker.directory import Directory, KnownKey, RevocationReason
from schemas import timestamps

WARN_DAYS: Final = (
    30  # to make a key, and to have it signed by who decides, takes weeks
)
_DAY_S: Final = 86_400

State = Literal["valid", "ends-soon", "not-yet", "ended", "revoked"]


class KeyStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One key of the directory at one moment; times in RFC 3339, UTC.

    Attributes:
        signs: What it is for: `records`, `gate`, `adapter`.
        days_left: Whole days until it signs no more; 0 if it does not sign now.
        is_succeeded: Another key of the owner signs the same then, and for longer.
    """

    kid: str
    org: str
    signs: tuple[str, ...]
    state: State
    not_before: str
    not_after: str
    days_left: int
    is_succeeded: bool
    revoked_at: str | None = None
    reason: RevocationReason | None = None

    @property
    def is_urgent(self) -> bool:
        """Whether its owner can sign nothing soon, or now."""
        return self.state in ("ends-soon", "ended", "revoked") and not self.is_succeeded


def statuses(directory: Directory, now: float) -> list[KeyStatus]:
    """List all keys, by owner and end."""
    by_owner: dict[str, list[_Signing]] = defaultdict(list)
    for key in directory.keys.values():
        by_owner[key.org].append(_Signing(key, frozenset({"records"})))
    for each in directory.services.values():
        by_owner[each.key.org].append(_Signing(each.key, frozenset(each.services)))
    found = [
        _status(one, others, now) for others in by_owner.values() for one in others
    ]
    return sorted(found, key=lambda each: (each.org, each.not_after, each.kid))


def status_of(directory: Directory, kid: str, now: float) -> KeyStatus | None:
    """Find one key; None if the directory does not list it."""
    return next((each for each in statuses(directory, now) if each.kid == kid), None)


def said(status: KeyStatus) -> str:
    """Say it to its owner, and what to do."""
    follow = (
        "make the next one (tocsin keygen --next) and have it listed in the directory "
        "before that day"
    )
    match status.state:
        case "valid":
            return f"key {status.kid} is valid until {status.not_after}"
        case "not-yet":
            return f"key {status.kid} signs nothing before {status.not_before}"
        case "ends-soon":
            left = f"{status.days_left} day{'' if status.days_left == 1 else 's'}"
            return f"key {status.kid} ends in {left}, {status.not_after}; {follow}"
        case "ended":
            return f"key {status.kid} has ended {status.not_after}; sign with another"
        case "revoked":
            return (
                f"key {status.kid} was revoked {status.revoked_at} "
                f"({status.reason}); sign with another"
            )
        case _:
            assert_never(status.state)


class _Signing(NamedTuple):
    key: KnownKey
    signs: frozenset[str]


def _status(one: _Signing, others: Iterable[_Signing], now: float) -> KeyStatus:
    key = one.key
    state = _state(key, now)
    then = max(now, _end(key))
    is_signing = state in ("valid", "ends-soon")
    return KeyStatus(
        kid=key.kid,
        org=key.org,
        signs=tuple(sorted(one.signs)),
        state=state,
        not_before=_time(key.not_before),
        not_after=_time(key.not_after),
        days_left=int(_end(key) - now) // _DAY_S if is_signing else 0,
        is_succeeded=any(
            one.signs <= other.signs
            and other.key.signs_at(then)
            and _end(other.key) > then
            for other in others
        ),
        revoked_at=None if key.revoked_at is None else _time(key.revoked_at),
        reason=None if key.revoked_at is None else key.revoked_as,
    )


def _state(key: KnownKey, now: float) -> State:
    if key.revoked_at is not None and now >= key.revoked_at:
        return "revoked"
    if now > key.not_after:
        return "ended"
    if now < key.not_before:
        return "not-yet"
    return "ends-soon" if _end(key) - now < WARN_DAYS * _DAY_S else "valid"


def _end(key: KnownKey) -> float:
    revoked = key.revoked_at
    return key.not_after if revoked is None else min(key.not_after, revoked)


def _time(moment: float) -> str:
    return timestamps.from_epoch(moment)
