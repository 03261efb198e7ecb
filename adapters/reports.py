"""What issuers may be told of who has got their records. Pure.

Each member says it for itself (`adapters.interests`): its name, only that it is one
more, or nothing. Who says nothing else is counted. What is told follows from what a
member says at that moment: of a member that has taken it back nothing more is told,
and what was told stays told.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from adapters.interests import TellIssuers
from broker.delivery_reports import MAX_NAMED, MAX_RECORDS, Named, Reached, minute

NOTHING: Final[TellIssuers] = "nothing"


class Taken(msgspec.Struct, frozen=True):
    """One member's system has taken one token.

    Attributes:
        at: When first, if several of its systems did; epoch seconds.
    """

    issuer: str
    token: str
    member: str
    at: float


def told(
    taken: Iterable[Taken], consents: Mapping[str, TellIssuers]
) -> dict[str, tuple[Reached, ...]]:
    """Give what each issuer may know, token by token.

    An issuer's own copy counts as nobody's. A token that reached nobody who lets it
    be told is left out.

    Args:
        taken: All of each token: numbers count from the beginning.
        consents: By member; of one that is not there nothing is told.
    """
    found: defaultdict[tuple[str, str], list[Taken]] = defaultdict(list)
    for each in taken:
        says = consents.get(each.member, NOTHING)
        if says != NOTHING and each.member != each.issuer:
            found[each.issuer, each.token].append(each)
    by_issuer: defaultdict[str, list[Reached]] = defaultdict(list)
    for (issuer, token), some in sorted(found.items()):
        by_issuer[issuer].append(_reached(token, some, consents))
    return {issuer: tuple(some) for issuer, some in by_issuer.items()}


def _reached(
    token: str, taken: Sequence[Taken], consents: Mapping[str, TellIssuers]
) -> Reached:
    named = sorted(
        (each.member, minute(each.at))
        for each in taken
        if consents[each.member] == "name"
    )
    return Reached(
        token=token,
        members=len({each.member for each in taken}),
        at=minute(max(each.at for each in taken)),
        named=tuple(Named(org, at) for org, at in named[:MAX_NAMED]),
    )


def parts(reached: Sequence[Reached]) -> Iterable[tuple[Reached, ...]]:
    """Cut into as many as fit into one report each."""
    some: list[Reached] = []
    names = 0
    for each in reached:
        names += len(each.named)
        if some and (len(some) == MAX_RECORDS or names > MAX_NAMED):
            yield tuple(some)
            some, names = [], len(each.named)
        some.append(each)
    if some:
        yield tuple(some)
