"""The leak lint: what can be withheld at one place and stands always visible at another.

Pure. DESIGN.md, section 2, step 1. Redaction has a guard against the same
(`adapters.guard`), but that can only stop a delivery; here the issuer can still reword.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import UNSET

from adapters import personal_data, text
from schemas import profile, stix
from schemas.common_words import COMMON, uncommon, worded_in
from schemas.findings import Finding
from schemas.stix.cases import Grouping, Identity, Incident, Report
from schemas.stix.columns import together
from schemas.stix.threats import Campaign

# The properties that name somebody.
_IDENTIFYING: Final[dict[str, tuple[str, ...]]] = {
    "identity": ("name", "contact_information"),
    "email-addr": ("value", "display_name"),
    "user-account": ("user_id", "account_login", "display_name", "credential"),
    "channel": ("name",),
    "threat-actor": ("name",),
    "ipv4-addr": ("value",),
    "ipv6-addr": ("value",),
    "domain-name": ("value",),
}
_ALIASED: Final = ("channel", "threat-actor")
# Names that nearly every audience is shown, and without which there is no record.
_HEADLINED: Final = frozenset({Incident, Campaign, Report, Grouping})
_MIN_CHARS: Final = 5  # a shorter name may be a word of a vocabulary
_MAX_WORDS: Final = 16


def leaks(
    objects: Sequence[stix.StixObject], places: Mapping[str, str], *, own: str | None
) -> Iterator[Finding]:
    """Find names and addresses in parts that are always visible.

    Args:
        places: Where in the input each object comes from, by its id.
        own: Id of the issuer's identity, which everybody sees anyway.
    """
    objects = together(objects)
    for index in objects.at(_HEADLINED):
        name = getattr(objects[index], "name", UNSET)
        if name is not UNSET and personal_data.holds_any(name):
            where = places.get(objects[index].id, "$")
            yield Finding("contact-in-name", f"{where}.name")
    visible: dict[str, str] = {}
    for index in objects.once(uncommon):
        where = places.get(objects[index].id, "$")
        for place, shown in _visible(objects[index]):
            if len(shown) >= _MIN_CHARS:
                visible.setdefault(shown, f"{where}{place}")
    if visible:
        secrets = _Secrets(each for each in objects if each.id != own)
        for shown, place in visible.items():
            if secrets.stand_in(shown):
                yield Finding("leak-visible", place)


def _visible(each: stix.StixObject) -> list[tuple[str, str]]:
    """List what an object shows always and its issuer words freely: (place, text)."""
    found: list[tuple[str, str]] = []
    for name in worded_in(type(each)):
        value = getattr(each, name)
        if value is not UNSET and value not in COMMON:
            found.append((f".{name}", value))
    if each.granular_markings or each.extensions:
        found += _visible_inside(each)
    if type(each) is stix.UnknownObject:
        found.append((".type", each.type))
    elif type(each) is Identity and each.sectors:  # a routing fact
        for number, sector in enumerate(each.sectors):
            if sector not in COMMON:
                found.append((f".sectors[{number}]", sector))
    return found


def _visible_inside(each: stix.StixObject) -> Iterator[tuple[str, str]]:
    for number, marking in enumerate(each.granular_markings or ()):
        for position, selector in enumerate(marking.selectors):
            if selector not in stix.PROPERTY_NAMES:
                yield f".granular_markings[{number}].selectors[{position}]", selector
    for key, extension in (each.extensions or {}).items():
        if key not in profile.EXTENSION_ALIASES:
            yield ".extensions[...]", key
        elif type(extension) is dict:
            for name in profile.visible_in_extension(key):
                value = extension.get(name)
                if type(value) is str and value not in COMMON:
                    yield ".extensions[...][...]", value


class _Secrets:
    """Names and addresses, each found whatever parts its words."""

    def __init__(self, objects: Iterable[stix.StixObject]) -> None:
        self._known: set[tuple[str, ...]] = set()
        self._lengths: dict[str, set[int]] = {}  # by first word
        for each in objects:
            for named in _named(each):
                self._add(named)

    def _add(self, named: str) -> None:
        words = tuple(text.loosen(text.normalise(named)).split())[:_MAX_WORDS]
        if len(" ".join(words)) >= _MIN_CHARS:
            self._known.add(words)
            self._lengths.setdefault(words[0], set()).add(len(words))

    def stand_in(self, shown: str) -> bool:
        """Tell whether one of them stands in a text."""
        words = text.loosen(text.normalise(shown)).split()
        return any(
            tuple(words[start : start + length]) in self._known
            for start, word in enumerate(words)
            for length in self._lengths.get(word, ())
        )


def _named(each: stix.StixObject) -> Iterator[str]:
    # "journalists" is nobody's name.
    if type(each) is Identity and each.identity_class == "class":
        return
    for name in _IDENTIFYING.get(each.type, ()):
        value = getattr(each, name)
        if value is not UNSET:
            yield value
    if each.type in _ALIASED:
        yield from getattr(each, "aliases", UNSET) or ()
