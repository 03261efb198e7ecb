"""Values that must not travel, looked for in everything that arrived. Pure.

Who may see what is written down here a second time, from the story and not from the
policy: else the policy would be checked against itself.
"""

from typing import Final

import msgspec

from adapters.cli.demo.cast import WEBHOOK_MEMBER
from adapters.cli.demo.facts import readable, searchable
from adapters.cli.demo.played import Played

_PEERS: Final = ("cert-aq", "cert-borea")
_PLATFORMS: Final = ("platform-lumen", "platform-orbit")


class Canary(msgspec.Struct, frozen=True):
    """A value in the samples, and the only members that may ever see it."""

    what: str
    value: str
    may: tuple[str, ...] = ()


CANARIES: Final = (
    Canary("whose password was used", "Ilvara Temcott"),
    Canary("the account with that password", "i.temcott7"),
    Canary("who told the CERT", "Berrick Osgathe"),
    Canary("the victim's machine", "198.51.100.23"),
    Canary("the candidate in the videos", "Orsola Quenby"),
    Canary("an ordinary user's account", "nan_of_three_cats"),
    Canary("the monitor's volunteer", "Perrin Aldwether"),
    Canary("who was attacked", "Aquenia Electoral Commission", _PEERS),
    Canary("the bank", "Saltmere Savings Bank", _PEERS),
    Canary("a note for peers", "hands over the disk", _PEERS),
    Canary("the attacker's server", "203.0.113.77", (*_PEERS, *_PLATFORMS)),
    # Only the platform that it runs on can act on it.
    Canary("an account of the campaign", "pesisir_kilat", (*_PEERS, WEBHOOK_MEMBER)),
)


class Search(msgspec.Struct, frozen=True):
    """What the search found.

    Attributes:
        leaks: Canaries at members that must not see them, in words.
        missing: Canaries that are not where they must be, in words.
        places: How many places must have one: each as published, and who may.
    """

    leaks: tuple[str, ...]
    missing: tuple[str, ...]
    places: int


def search(played: Played) -> Search:
    """Look for every canary in all that every member received, decoded."""
    texts: dict[str, str] = {}
    for each in played.received:
        text = readable(each.evidence, each.projection, each.about)
        text += readable(each.receipt)
        texts[each.member] = texts.get(each.member, "") + text
    issued = "\n".join(readable(each.token) for each in played.published)
    leaks, missing = [], []
    for canary in CANARIES:
        value = searchable(canary.value)
        has = {member for member, text in texts.items() if value in text}
        leaks += [f"{canary.what} at {m}" for m in sorted(has - set(canary.may))]
        missing += [f"{canary.what} at {m}" for m in canary.may if m not in has]
        if value not in issued:
            missing.append(f"{canary.what} in what was published")
    places = sum(1 + len(canary.may) for canary in CANARIES)
    return Search(tuple(leaks), tuple(missing), places)
