"""What came of an attack, as the other parties know it. Pure."""

import msgspec

from adapters.cli.demo.attacks import Attack
from adapters.cli.demo.played import Played
from broker import sdjwt, wire


class Refusal(msgspec.Struct, frozen=True):
    """What came of an attack.

    Attributes:
        reason: Code on the dead letter that holds it; "" if there is not just one.
        told: Whether its issuer was told the reason.
        reached: Deliveries that hold something which only the attack contains.
    """

    reason: str
    told: bool
    reached: int


def refusal_of(played: Played, attack: Attack) -> Refusal:
    """Look for *attack* in the dead letters, at its issuer and at the members."""
    letters = [m for m in played.dead if wire.unpack(m).token == attack.token]
    reasons = [str(m.headers.get("tocsin-reason", "")) for m in letters]
    reason = reasons[0] if len(reasons) == 1 else ""
    real = {part for each in played.published for part in each.token.split(b"~")}
    false = set(attack.token.split(b"~")) - real
    return Refusal(
        reason,
        (reason, sdjwt.token_id(attack.token)) in played.told,
        sum(not false.isdisjoint(r.evidence.split(b"~")) for r in played.received),
    )
