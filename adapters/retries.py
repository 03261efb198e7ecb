"""When to try again: a clock for each delivery, a breaker for each sink. Pure.

The schedule is that of Standard Webhooks: it starts at seconds, ends at hours
and gives up after three days. The breaker keeps a dead endpoint from costing an
attempt per record. Randomness is an argument: a function giving [0, 1).
"""

import math
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Annotated, Final, assert_never

import msgspec
from msgspec import Meta

_Seconds = Annotated[float, Meta(gt=0)]
HOUR_S: Final = 3600.0
_LARGEST_EXPONENT: Final = 60  # doubling further would overflow, and is capped anyway


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How patient we are with one sink. All in seconds but the counts.

    Attributes:
        first_s: Upper bound of the first delay; it doubles from there.
        longest_s: Upper bound of every delay.
        retry_after_max_s: A system asking for more gets this.
        give_up_s: Age, from the first failure, at which a delivery has failed.
        chase_s: The same of a correction or a retraction: who acts on what is wrong
            has to hear of it.
        failures_to_open: Failures in a row that open the breaker.
        probe_s: First pause of an open breaker; it doubles from there.
        probe_longest_s: Longest pause that we choose ourselves.
    """

    first_s: _Seconds = 5.0
    longest_s: _Seconds = 6 * HOUR_S
    retry_after_max_s: _Seconds = 24 * HOUR_S
    give_up_s: _Seconds = 72 * HOUR_S
    chase_s: _Seconds = 30 * 24 * HOUR_S
    failures_to_open: Annotated[int, Meta(ge=1)] = 3
    probe_s: _Seconds = 30.0
    probe_longest_s: _Seconds = 600.0

    def of_kind(self, kind: str) -> "RetryPolicy":
        """Give the policy for deliveries of records of *kind*."""
        if kind not in ("correction", "retraction"):
            return self
        return msgspec.structs.replace(self, give_up_s=self.chase_s)


class RetryAt(msgspec.Struct, frozen=True):
    """Try again, not before `due_at` (epoch seconds)."""

    due_at: float


class GiveUp(msgspec.Struct, frozen=True):
    """It has been failing for too long."""


def after_failure(
    *,
    attempt: int,
    first_failed_at: float,
    now: float,
    retry_after_s: float | None,
    random: Callable[[], float],
    policy: RetryPolicy,
) -> RetryAt | GiveUp:
    """Decide what becomes of a delivery whose *attempt* (from 1) just failed.

    Age counts from the first failure, not from when the record was stored: a
    hub that stood still for a week has not tried anything yet.
    """
    if now - first_failed_at >= policy.give_up_s:
        return GiveUp()
    delay_s = random() * _doubled(policy.first_s, attempt - 1, policy.longest_s)
    return RetryAt(now + max(delay_s, _asked_s(retry_after_s, policy)))


class Closed(msgspec.Struct, frozen=True):
    """The sink works, as far as we know; *failures* in a row so far."""

    failures: int = 0


class Open(msgspec.Struct, frozen=True):
    """Nothing is sent before *until*; *openings* in a row so far."""

    until: float
    openings: int


class HalfOpen(msgspec.Struct, frozen=True):
    """One delivery may be tried; its outcome decides."""

    openings: int


Breaker = Closed | Open | HalfOpen


def admit(breaker: Breaker, *, now: float) -> Breaker:
    """Let time pass: an open breaker whose pause is over becomes half-open.

    Send only if the answer is not `Open`; one delivery only if `HalfOpen`.
    """
    if isinstance(breaker, Open) and now >= breaker.until:
        return HalfOpen(breaker.openings)
    return breaker


def after_unavailable(
    breaker: Breaker,
    *,
    now: float,
    retry_after_s: float | None,
    random: Callable[[], float],
    policy: RetryPolicy,
) -> Breaker:
    """Count a failure of the sink itself.

    A system that says when to come back (429, Retry-After) means all
    deliveries, not just this one: it opens the breaker at once.
    """
    match breaker:
        case Closed(failures):
            if retry_after_s is None and failures + 1 < policy.failures_to_open:
                return Closed(failures + 1)
            openings = 1
        case HalfOpen(openings):
            openings += 1
        case Open():
            return breaker  # a late answer; the pause stands
        case _:
            assert_never(breaker)
    pause_s = _doubled(policy.probe_s, openings - 1, policy.probe_longest_s)
    pause_s *= (1 + random()) / 2  # never near zero: this bounds the probes
    return Open(now + max(pause_s, _asked_s(retry_after_s, policy)), openings)


def after_answer() -> Breaker:
    """Close the breaker: the sink answered, be it with a refusal."""
    return Closed()


def after_gone() -> Breaker:
    """Keep the breaker open for good: the sink says that it is no more."""
    return Open(math.inf, openings=1)


def parse_retry_after(text: str | None, *, now: float) -> float | None:
    """Read the header Retry-After: seconds from *now*, not negative, or None.

    What cannot be read counts as absent. RFC 9110, 10.2.3.
    """
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) < 300 else math.inf  # 1e308 still is a float
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year of twenty digits
        return None
    if moment.tzinfo is None:  # "-0000"; an HTTP date is GMT in any case
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now)


def _doubled(first_s: float, times: int, longest_s: float) -> float:
    return min(longest_s, first_s * 2.0 ** min(times, _LARGEST_EXPONENT))


def _asked_s(retry_after_s: float | None, policy: RetryPolicy) -> float:
    if retry_after_s is None or not retry_after_s > 0:  # NaN counts as nothing
        return 0.0
    return min(retry_after_s, policy.retry_after_max_s)
