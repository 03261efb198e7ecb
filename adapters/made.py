"""Values an adapter makes in place of withheld ones; the projection marks them. Pure."""

import hashlib
import hmac
from typing import Any

import msgspec

from adapters.policy import TimeGrain
from schemas import profile, stix, timestamps

_SMALLEST_BUCKET = 10  # counts below it are withheld


def generalised(
    candidate: stix.StixObject, place: profile.Place, value: Any, grain: TimeGrain
) -> Any:
    """Coarsen *value*; None where nothing coarse can be said.

    Times are cut to the hour or day, counts to their order of magnitude (none
    below 10), an organisation's name to its sectors.
    """
    if type(value) is int:
        return bucket(value)
    if place == ("name",) and candidate.type == "identity":
        sectors = getattr(candidate, "sectors", None) or ()
        return (
            f"an organisation ({', '.join(sectors)})" if sectors else "an organisation"
        )
    if isinstance(value, str):
        try:
            return timestamps.truncate(value, grain)
        except ValueError:
            return None
    if isinstance(value, dict):
        counts = {k: bucket(v) for k, v in value.items() if type(v) is int}
        return {k: v for k, v in counts.items() if v is not None} or None
    return None


def bucket(count: int) -> int | None:
    """Give the power of ten at or below *count*; None below 10."""
    if count < _SMALLEST_BUCKET:
        return None
    power = _SMALLEST_BUCKET
    while power * 10 <= count:
        power *= 10
    return power


def pseudonym(key: bytes, audience: str, kind: str, value: Any) -> Any:
    """Replace *value* by a keyed pseudonym, stable for one audience.

    The same value of the same type gives the same pseudonym, so that records can
    be correlated; another audience's differ. None for anything but text.
    """
    if not isinstance(value, str):
        return None
    message = msgspec.json.encode([audience, kind, value.casefold()])
    return f"{kind}-{hmac.new(key, message, hashlib.sha256).hexdigest()[:12]}"


def defanged(value: Any) -> Any:
    """Write addresses so that nobody follows them by accident."""
    if isinstance(value, str):
        return value.replace("http", "hxxp").replace(".", "[.]")
    return value
