"""What one party suspends at once, alone: the file of its role in the directory. Pure.

It only ever takes away, and lapses by itself (DESIGN.md 6).
"""

from datetime import timedelta
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from broker.errors import TrustError
from schemas import codec, timestamps
from schemas.errors import RefusedError
from schemas.record import Org

LAPSES_AFTER: Final = timedelta(days=7)
MAX_SUSPENSIONS: Final = 1000
MAX_BYTES: Final = 1 << 20

Reason = Annotated[str, Meta(min_length=3, max_length=500)]


class Suspension(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One organisation, or one key of it, that counts for nothing for now.

    Attributes:
        kid: The key alone; else the organisation with all its keys.
        since: RFC 3339.
    """

    org: Org
    kid: Annotated[str, Meta(max_length=80)] | UnsetType = UNSET
    reason: Reason
    since: str

    @property
    def subject(self) -> str:
        """Whom or what it names: the key, else the organisation."""
        return self.org if self.kid is UNSET else self.kid


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    suspensions: Annotated[tuple[Suspension, ...], Meta(max_length=MAX_SUSPENSIONS)]


def decode(data: bytes) -> tuple[Suspension, ...]:
    """Read the file of one party.

    Raises:
        TrustError: `suspensions-form`: not of this form; one subject twice; a key of
            another organisation; a time that is none.
    """
    try:
        value = codec.decode_json(data, max_bytes=MAX_BYTES)
        found = msgspec.convert(value, _File).suspensions
        for each in found:
            timestamps.epoch(each.since)
    except (RefusedError, msgspec.ValidationError):
        raise TrustError("suspensions-form") from None
    if len({each.subject for each in found}) != len(found) or any(
        each.kid is not UNSET and not each.kid.startswith(f"{each.org}/")
        for each in found
    ):
        raise TrustError("suspensions-form")
    return found


def encode(suspensions: tuple[Suspension, ...]) -> bytes:
    """Write the file of one party."""
    return msgspec.json.encode(_File(suspensions)) + b"\n"
