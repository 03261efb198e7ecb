"""How long keys still count, and what to say in time. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, assert_never

import msgspec

from broker.directory import Directory, KnownKey, KnownSealingKey, RevocationReason
from schemas import timestamps

WARN_DAYS: Final = (
    30  # to make a key, and to have it signed by who decides, takes weeks
)
_DAY_S: Final = 86_400

State = Literal["valid", "ends-soon", "not-yet", "ended", "revoked", "suspended"]


class KeyStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One key of the directory at one moment; times in RFC 3339, UTC.

    Attributes:
        uses: What it is for: it signs `records`, or for the `gate` or `adapter`; or
            others seal to it (`sealing`).
        days_left: Whole days until it is of no use; 0 if it is of none now.
        is_succeeded: Another key of the owner does the same then, and for longer.
        reason: None where the directory keeps none: of sealing keys.
    """

    kid: str
    org: str
    uses: tuple[str, ...]
    state: State
    not_before: str
    not_after: str
    days_left: int
    is_succeeded: bool
    revoked_at: str | None = None
    reason: RevocationReason | None = None

    @property
    def is_urgent(self) -> bool:
        """Whether its owner has none soon, or now."""
        return self.state in ("ends-soon", "ended", "revoked") and not self.is_succeeded


def statuses(directory: Directory, now: float) -> list[KeyStatus]:
    """List all keys, by owner and end."""
    by_owner: dict[str, list[_Dated]] = defaultdict(list)
    for key in directory.keys.values():
        by_owner[key.org].append(_dated(key, "records"))
    for each in directory.services.values():
        by_owner[each.key.org].append(_dated(each.key, *each.services))
    for org, keys in directory.sealing.items():
        by_owner[org] += (_dated(key, "sealing") for key in keys)
    found = [
        _suspended(_status(one, others, now), directory, now)
        for others in by_owner.values()
        for one in others
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
            return f"key {status.kid} is of no use before {status.not_before}"
        case "ends-soon":
            left = f"{status.days_left} day{'' if status.days_left == 1 else 's'}"
            return f"key {status.kid} ends in {left}, {status.not_after}; {follow}"
        case "ended":
            return f"key {status.kid} has ended {status.not_after}; use another"
        case "revoked":
            why = "" if status.reason is None else f" ({status.reason})"
            return f"key {status.kid} was revoked {status.revoked_at}{why}; use another"
        case "suspended":
            return (
                f"key {status.kid} is suspended, or its organisation is; ask who did it"
            )
        case _:
            assert_never(status.state)


class _Dated(NamedTuple):
    kid: str
    org: str
    uses: frozenset[str]
    not_before: float
    not_after: float
    revoked_at: float | None
    reason: RevocationReason | None

    @property
    def end(self) -> float:
        revoked = self.revoked_at
        return self.not_after if revoked is None else min(self.not_after, revoked)


def _dated(key: KnownKey | KnownSealingKey, *uses: str) -> _Dated:
    reason = key.revoked_as if isinstance(key, KnownKey) else None
    return _Dated(
        key.kid,
        key.org,
        frozenset(uses),
        key.not_before,
        key.not_after,
        key.revoked_at,
        None if key.revoked_at is None else reason,
    )


def _status(key: _Dated, others: Iterable[_Dated], now: float) -> KeyStatus:
    state = _state(key, now)
    then = max(now, key.end)
    is_of_use = state in ("valid", "ends-soon")
    return KeyStatus(
        kid=key.kid,
        org=key.org,
        uses=tuple(sorted(key.uses)),
        state=state,
        not_before=_time(key.not_before),
        not_after=_time(key.not_after),
        days_left=int(key.end - now) // _DAY_S if is_of_use else 0,
        is_succeeded=any(
            key.uses <= other.uses and other.not_before <= then < other.end
            for other in others
        ),
        revoked_at=None if key.revoked_at is None else _time(key.revoked_at),
        reason=key.reason,
    )


def _suspended(status: KeyStatus, directory: Directory, now: float) -> KeyStatus:
    held = (directory.is_suspended(each, now) for each in (status.org, status.kid))
    if status.state in ("ended", "revoked") or not any(held):
        return status
    return msgspec.structs.replace(status, state="suspended", days_left=0)


def _state(key: _Dated, now: float) -> State:
    if key.revoked_at is not None and now >= key.revoked_at:
        return "revoked"
    if now > key.not_after:
        return "ended"
    if now < key.not_before:
        return "not-yet"
    return "ends-soon" if key.end - now < WARN_DAYS * _DAY_S else "valid"


def _time(moment: float) -> str:
    return timestamps.from_epoch(moment)
