"""The leak lint: what can be withheld at one place and stands always visible at another.

Pure. DESIGN.md, section 2, step 1. Redaction has a guard against the same
(`adapters.guard`), but that can only stop a delivery; here the issuer can still reword.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET

from adapters import text
from schemas import profile, stix
from schemas.findings import Finding

# The properties that name somebody; of identities, classes ("journalists") do not.
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
_VISIBLE_TEXTS: Final = ("relationship_type", "context", "identity_class", "lang")
_MIN_CHARS: Final = 5  # a shorter name may be a word of a vocabulary
_MAX_WORDS: Final = 8


def leaks(
    objects: Sequence[stix.StixObject], places: Mapping[str, str], *, own: str | None
) -> Iterator[Finding]:
    """Find names and addresses in parts that are always visible.

    Args:
        places: Where in the input each object comes from, by its id.
        own: Id of the issuer's identity, which everybody sees anyway.
    """
    visible: dict[str, str] = {}
    for each in objects:
        for place, shown in _visible(each, places.get(each.id, "$")):
            visible.setdefault(shown, place)
    if not visible:
        return
    secrets = {
        words
        for each in objects
        if each.id != own
        for name in _IDENTIFYING.get(each.type, ())
        if (words := _words(getattr(each, name)))
    }
    for shown, place in visible.items():
        if not secrets.isdisjoint(_runs(shown)):
            yield Finding("leak-visible", place)


def _visible(each: stix.StixObject, where: str) -> Iterator[tuple[str, str]]:
    """List what an object shows always and its issuer words freely."""
    for name in _VISIBLE_TEXTS:
        value = getattr(each, name, UNSET)
        if type(value) is str and value not in _COMMON:
            yield f"{where}.{name}", value
    for number, marking in enumerate(each.granular_markings or ()):
        for selector in marking.selectors:
            yield f"{where}.granular_markings[{number}]", selector
    for key in each.extensions or ():
        if key not in profile.EXTENSION_ALIASES:
            yield f"{where}.extensions[...]", key
    for sector in getattr(each, "sectors", UNSET) or ():
        yield f"{where}.sectors", sector  # a routing fact


# Nearly all that stands there; looked at more closely only otherwise.
_COMMON: Final = frozenset(
    {
        "individual", "organization", "group", "class", "system", "unknown",
        "uses", "targets", "indicates", "related-to", "based-on", "attributed-to",
        "located-at", "derived-from", "mitigates", "has", "delivers", "en", "fr",
    }
)  # fmt: skip


def _words(value: Any) -> str:
    if type(value) is not str:
        return ""
    words = text.loosen(text.normalise(value)).strip()
    return words if len(words) >= _MIN_CHARS else ""


def _runs(shown: str) -> Iterator[str]:
    """List all runs of up to `_MAX_WORDS` words in a text."""
    words = text.loosen(text.normalise(shown)).split()
    for start in range(len(words)):
        for end in range(start + 1, min(start + _MAX_WORDS, len(words)) + 1):
            yield " ".join(words[start:end])
