"""Words that nearly all records show where nothing can be withheld, and who shows others.

Only those others are looked at more closely: whether they are words at all
(`composing`), and whether they name somebody (`adapters.leaks`).
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec import UNSET

from schemas import profile, stix
from schemas.stix.cases import Identity
from schemas.stix.columns import Get, Objects, filled, getter, present
from schemas.stix.threats import Indicator

# Of the vocabularies of STIX 2.1 and of the incident core extension.
COMMON: Final = frozenset(
    {
        # identity-class-ov, grouping-context-ov, opinion, pattern-type-ov
        "individual", "organization", "group", "class", "system", "unknown",
        "suspicious-activity", "malware-analysis", "unspecified",
        "strongly-disagree", "disagree", "neutral", "agree", "strongly-agree",
        "stix", "pcre", "sigma", "snort", "suricata", "yara",
        # relationships
        "uses", "targets", "indicates", "related-to", "based-on", "attributed-to",
        "located-at", "derived-from", "mitigates", "has", "delivers", "duplicate-of",
        "communicates-with", "consists-of", "hosts", "owns", "compromises", "exploits",
        "drops", "controls", "impersonates", "investigates", "remediates", "variant-of",
        "authored-by", "beacons-to", "exfiltrates-to", "downloads", "characterizes",
        "analysis-of", "static-analysis-of", "dynamic-analysis-of", "resolves-to",
        "impacts", "led-to", "detected", "detects", "blocks", "causes", "associated-with",
        # industry-sector-ov
        "agriculture", "aerospace", "automotive", "chemical", "commercial",
        "communications", "construction", "defense", "education", "energy",
        "entertainment", "financial-services", "government", "emergency-services",
        "government-local", "government-national", "government-public-services",
        "government-regional", "healthcare", "hospitality-leisure", "infrastructure",
        "dams", "nuclear", "water", "insurance", "manufacturing", "mining",
        "non-profit", "pharmaceuticals", "retail", "technology", "telecommunications",
        "transportation", "utilities",
        # event status, task outcome, impact category, kinds of extensions
        "ongoing", "occurred", "not-occurred", "pending", "undetermined", "cancelled",
        "failed", "successful", "availability", "confidentiality", "external",
        "integrity", "monetary", "physical", "traceability", "property-extension",
        "new-sdo", "new-sco", "new-sro", "toplevel-property-extension", "blocked",
        "confirmed", "failed-attempt", "false-positive", "suspected", "closed", "new",
        "open",
    }
)  # fmt: skip

# And frequent texts that are too short for a name.
_LANGUAGES: Final = frozenset({UNSET, "en"})
_VERSIONS: Final = frozenset({UNSET, "2.0", "2.1"})
_WORDS: Final = COMMON | {UNSET}


def uncommon(objects: Objects) -> list[int]:
    """List the positions of the objects that may show what is not said everywhere."""
    columns = objects.columns
    found = {*objects.at(_UNKNOWN), *filled(columns.granular_markings)}
    if not _LANGUAGES.issuperset(columns.lang):
        found.update(present(columns.lang))
    rows = objects.rows
    for struct, get in _SHOWN.items():
        for index in objects.by_type.get(struct, ()):
            if not _WORDS.issuperset(get(rows[index])):
                found.add(index)
    for index in objects.by_type.get(Identity, ()):
        if not COMMON.issuperset(rows[index][_SECTORS] or ()):  # a routing fact
            found.add(index)
    for index in objects.by_type.get(Indicator, ()):
        if rows[index][_VERSION] not in _VERSIONS:
            found.add(index)
    for index in filled(columns.extensions):
        if not _are_common(columns.extensions[index] or {}):
            found.add(index)
    return sorted(found)


def _are_common(extensions: Mapping[str, Any]) -> bool:
    if not profile.EXTENSION_ALIASES.keys() >= extensions.keys():
        return False
    words = profile.visible_inside(extensions)
    return {*map(type, words)} <= _TEXTS and COMMON.issuperset(words)


@lru_cache(256)
def worded_in(struct: type[stix.StixObject]) -> tuple[str, ...]:
    """Name the always visible properties of a struct that hold a word."""
    names = profile.worded(str(struct.__struct_config__.tag))
    return tuple(name for name in names if name in struct.__struct_fields__)


def _shown(struct: type[stix.StixObject]) -> Get:
    return getter(struct, [*{*worded_in(struct)} - {"lang", "pattern_version"}])


_TEXTS: Final = frozenset({str})
_UNKNOWN: Final = frozenset({stix.UnknownObject})
_SECTORS: Final = Identity.__struct_fields__.index("sectors")
_VERSION: Final = Indicator.__struct_fields__.index("pattern_version")
_SHOWN: Final = {
    struct: _shown(struct)
    for struct in map(stix.TYPES.__getitem__, profile.WORDED_KINDS)
}
