"""Who has acknowledged a record, who is overdue, and what proves it. Pure.

A member acknowledges by a signed answer (`broker.answers`): by the word
`acknowledged`, or by saying what it did because of the record. A report of an adapter
(`broker.delivery_reports`) is the hub's word that its system has taken the record.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from broker import answers
from broker.answers import Taken
from broker.directory import Directory
from broker.errors import TrustError
from broker.feedback_kept import Kept, Told
from schemas.record import org_of


class Acknowledged(msgspec.Struct, frozen=True):
    """What one member has signed about one token.

    Attributes:
        at: When it says that it did, epoch seconds.
        came_at: When that was read here, epoch seconds.
        proof: The compact JWS.
    """

    org: str
    at: int
    came_at: float
    action: answers.Action
    proof: bytes


class Standing(msgspec.Struct, frozen=True):
    """How one record stands.

    Attributes:
        acknowledged: The first of each member.
        overdue: Members that let us know that they have it, and have not
            acknowledged it in time.
        overdue_unnamed: How many more have not, of those that are only counted.
    """

    told: Told
    acknowledged: tuple[Acknowledged, ...]
    overdue: tuple[str, ...]
    overdue_unnamed: int

    @property
    def is_overdue(self) -> bool:
        """Whether anybody is."""
        return bool(self.overdue) or self.overdue_unnamed > 0


def acknowledgements(
    kept: Iterable[Kept], directory: Directory
) -> dict[str, tuple[Acknowledged, ...]]:
    """Verify answers, and give those that acknowledge, by token, as they came.

    Each is judged by the moment it came: a key that was revoked since has signed it.
    """
    found: defaultdict[str, list[Acknowledged]] = defaultdict(list)
    for each in kept:
        try:
            told = answers.verify(each.message, directory, now=each.came_at)
        except TrustError:
            continue  # `tocsin feedback` shows it
        if isinstance(told.action, Taken):
            found[told.token].append(
                Acknowledged(
                    org_of(told.iss),
                    told.iat,
                    each.came_at,
                    told.action.action,
                    each.message.body,
                )
            )
    return {token: tuple(some) for token, some in found.items()}


def standing(
    told: Told, signed: Sequence[Acknowledged], *, now: float, within_s: float
) -> Standing:
    """Say who has acknowledged a record, and who should have by now.

    Args:
        signed: All that acknowledges it, as it came.
        within_s: A member has so long after its system took the record.
    """
    first: dict[str, Acknowledged] = {}
    for each in signed:
        first.setdefault(each.org, each)
    overdue = tuple(sorted(_late(told.named, first, now - within_s)))
    unnamed = told.members - len(told.named) - len(first.keys() - told.named.keys())
    is_late = told.at <= now - within_s
    return Standing(
        told, tuple(first.values()), overdue, max(0, unnamed) if is_late else 0
    )


def _late(
    named: Mapping[str, int], first: Mapping[str, Acknowledged], due: float
) -> Iterable[str]:
    return (org for org, at in named.items() if at <= due and org not in first)
