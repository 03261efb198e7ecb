"""A member's own filter: what it wants of all that it may have. Pure.

It only narrows. Its words come from vocabularies and, for issuers, from the names of
organisations: no key takes a person, an account, an address, an id or a word of a
text, so nobody can subscribe to what is said about somebody (DESIGN.md 7). It looks
at claims alone, so that what is withheld from a member cannot show through what
comes and what does not.

Who says nothing is let pass: a record that states no country passes a filter of
countries, and so does one that states only words that no filter can name.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final, Literal

import msgspec

from schemas.record import Claims, org_of
from schemas.vocabularies import COUNTRIES, SEVERITIES, VOCABULARIES
from schemas.vocabularies.languages import LANGUAGES, WIDER_LANGUAGES, language_code
from schemas.vocabularies.sectors import WIDER_SECTORS
from schemas.vocabularies.tables import COUNTRY
from schemas.vocabularies.words import SeverityWord

TellIssuers = Literal["name", "count", "nothing"]
TELLING: Final[tuple[TellIssuers, ...]] = ("name", "count", "nothing")
WantedKind = Literal["incident", "campaign", "advisory"]
KINDS: Final[dict[str, str]] = {
    "incident": "incidents",
    "campaign": "campaigns",
    "advisory": "advisories",
}
SECTORS: Final = VOCABULARIES["industry-sector-ov"].allowed
LEAST: Final = SEVERITIES[1:]  # all but `unknown`, which says nothing


class Interests(msgspec.Struct, frozen=True, kw_only=True):
    """What a member wants. An empty tuple, or `unknown`, asks for nothing.

    Attributes:
        issuers: Organisations, by name.
        kinds: Of first records and new versions; all others always come.
        countries: ISO 3166-1 alpha-2.
        least_severity: This or more.
        tell_issuers: What issuers are told once its system has taken a record: that
            it was this member, that it is one member more, or nothing. It is no
            filter.
    """

    issuers: tuple[str, ...] = ()
    kinds: tuple[WantedKind, ...] = ()
    countries: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    least_severity: SeverityWord = "unknown"
    tell_issuers: TellIssuers = "count"


EVERYTHING: Final = Interests()
# Of a member whose file cannot be read: a filter only takes away, so all that it may
# have; and nobody is told what it did not say that they may be.
UNREADABLE: Final = Interests(tell_issuers="nothing")


# --------------------------------------------------------------------------- matching


def misses(  # noqa: PLR0911  one return a reason
    interests: Interests, claims: Claims, *, named: bool
) -> str | None:
    """Tell why a member does not want the record: a reason, or None.

    Feedback, corrections and retractions are wanted by all (DESIGN.md 5), whatever
    they are about: who has acted on a record must hear that it was wrong.

    Args:
        named: The record names the member in `to` or `concerns`. It is meant for it.
    """
    if named or claims.kind not in KINDS:
        return None
    if interests.issuers and org_of(claims.iss) not in interests.issuers:
        return "interest-issuer"
    if interests.kinds and claims.kind not in interests.kinds:
        return "interest-kind"
    if not _meet(interests.countries, claims.countries, _country):
        return "interest-country"
    if not _meet(interests.sectors, claims.sectors, _sector):
        return "interest-sector"
    if not _meet(interests.languages, claims.languages, _language):
        return "interest-language"
    if claims.severity != "unknown" and (
        SEVERITIES.index(claims.severity) < SEVERITIES.index(interests.least_severity)
    ):
        return "interest-severity"
    return None


_Read = Callable[[str], tuple[str, ...]]


def _meet(wanted: Sequence[str], stated: Iterable[str], read: _Read) -> bool:
    """Tell whether something stated is within something wanted, or around it.

    Issuers name the same thing more or less exactly: `government-local` is wanted by
    whoever wants `government`, and the other way round.
    """
    if not wanted:
        return True
    said = [found for word in stated if (found := read(word))]
    ours = [read(word) for word in wanted]
    return not said or any(
        one[0] in other or other[0] in one for one in said for other in ours
    )


def _country(word: str) -> tuple[str, ...]:
    return (word,) if word in COUNTRY.allowed else ()


def _sector(word: str) -> tuple[str, ...]:
    return _widened(word, WIDER_SECTORS) if word in SECTORS else ()


@lru_cache(4096)  # what issuers write is theirs to choose
def _language(tag: str) -> tuple[str, ...]:
    code = language_code(tag)
    return () if code is None else _widened(code, WIDER_LANGUAGES)


def _widened(word: str, wider: dict[str, str]) -> tuple[str, ...]:
    """Give a word, and those around it from the nearest on."""
    found = [word]
    while found[-1] in wider:
        found.append(wider[found[-1]])
    return tuple(found)


# -------------------------------------------------------------------------- for people


def describe(interests: Interests) -> str:
    """Say in plain words what a member gets."""
    if msgspec.structs.replace(interests, tell_issuers="count") == EVERYTHING:
        return "There is no filter: you get every record that the policy gives you."
    asked = interests.kinds or KINDS
    kinds = [name for kind, name in KINDS.items() if kind in asked]
    parts = [f"You get {_join(kinds, 'and')} from {_issuers(interests)}"]
    if interests.countries:
        parts.append(f"about {_join(map(_country_name, interests.countries), 'or')}")
    if interests.sectors:
        parts.append(f"for {_join(interests.sectors, 'or')}")
    if interests.languages:
        parts.append(f"in {_join(map(_language_name, interests.languages), 'or')}")
    if interests.least_severity != "unknown":
        top = interests.least_severity == LEAST[-1]
        parts.append(
            f"of severity {interests.least_severity}{'' if top else ' or more'}"
        )
    return (
        f"{', '.join(parts)}; corrections, retractions and objections always. "
        "What a record does not state keeps nothing from you, and what names you, or "
        "is a new version of what you have, always comes."
    )


def describe_telling(interests: Interests) -> str:
    """Say in plain words what issuers are told about a member."""
    match interests.tell_issuers:
        case "name":
            return "Issuers are told that you have got their record, and when."
        case "count":
            return (
                "Issuers are told that one member more has got their record, not who; "
                "of one addressed to you alone they know."
            )
        case _:
            return "Issuers are not told whether you have got their record."


def _issuers(interests: Interests) -> str:
    return _join(interests.issuers, "or") if interests.issuers else "any issuer"


def _country_name(code: str) -> str:
    return f"{COUNTRIES[code]} ({code})" if code in COUNTRIES else code


def _language_name(code: str) -> str:
    return f"{LANGUAGES[code]} ({code})"


def _join(words: Iterable[str], last: str) -> str:
    *first, final = words
    return f"{', '.join(first)} {last} {final}" if first else final
