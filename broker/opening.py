"""A record with sealed parts and a member's keys -> what it holds, verified. Pure."""

from collections.abc import Sequence

from broker import seal, trust
from broker.carried import Carried
from broker.directory import Directory
from broker.errors import TrustError
from broker.seal_keys import SealingOpener
from broker.trust import Verified


def open_sealed(
    record: Carried,
    directory: Directory,
    openers: Sequence[SealingOpener],
    *,
    now: float,
) -> Verified:
    """Open what is sealed to any of *openers*, and verify it and the rest as one.

    The record is verified before anything is opened, and again with what was inside.

    Args:
        openers: Keys of one member; parts sealed to a key that was replaced since
            still open with that one.
        now: Epoch seconds.

    Raises:
        TrustError, SchemaError: As `trust.verify`, `seal.read` and `seal.open_part`;
            `sealed-unknown`; `sealed-for-others` if no part is for any of the keys.
    """
    found = trust.verify(record, directory, now=now)
    stated, keys = found.claims.sealed or (), {each.kid: each for each in openers}
    parts = [*map(seal.read, record.sealed)]
    if any(part.compartment not in stated for part in parts):
        raise TrustError("sealed-unknown")
    opened = [
        seal.open_part(part, found.token_id, keys[slot.kid])
        for part in parts
        for slot in part.slots
        if slot.kid in keys
    ]
    if not opened:
        raise TrustError("sealed-for-others")
    return trust.verify(record, directory, now=now, opened=opened)
