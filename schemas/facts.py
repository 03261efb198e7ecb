"""Routing facts of a record, computed only from parts at or below its TLP.

They are always visible, so a part marked stricter, or with whom it may harm, must not
show through them (DESIGN.md 4.2).
"""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from schemas import stix
from schemas.markings import (
    Tlp,
    granular_languages,
    granular_marks,
    granular_tlp,
    tlp_of,
)
from schemas.profile import INCIDENT_CORE
from schemas.protection import groups_of, groups_of_refs
from schemas.stix.columns import Get, filled, getter, together
from schemas.stix.disinformation import DISINFORMATION
from schemas.vocabularies.words import CRITICALITY_BOUNDS, SeverityWord

_COUNTRY = re.compile(r"[A-Za-z]{2}")  # ISO 3166-1 alpha-2; real data mixes case
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")  # RFC 5646, usual forms
_SECTOR = re.compile(r"[a-z0-9-]{1,60}")  # industry-sector-ov and own values
# Which properties say something, by type: all may have a language, as a whole or in
# parts; these two the extension for disinformation.
_SAID = ("lang", "granular_markings")
_SAID_BY = {
    "campaign": (*_SAID, "extensions"),
    "identity": (*_SAID, "sectors"),
    "incident": (*_SAID, "extensions"),
    "location": (*_SAID, "country"),
}


_Asked = tuple[tuple[str, ...], Get]


def _asked(struct: type[stix.StixObject], names: tuple[str, ...]) -> _Asked:
    return names, getter(struct, names)


_ASKED: Final = {
    stix.TYPES[kind]: _asked(stix.TYPES[kind], names)
    for kind, names in _SAID_BY.items()
}
_ASKED_OF_ALL: Final = _asked(stix.StixObject, _SAID)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What brokers and interests route on. Tuples are sorted."""

    severity: SeverityWord
    countries: tuple[str, ...]
    sectors: tuple[str, ...]
    languages: tuple[str, ...]


def facts_of(
    objects: Sequence[stix.StixObject], primary: stix.StixObject, tlp: Tlp
) -> Facts:
    """Compute the facts from what may be seen at *tlp*."""
    countries: set[str] = set()
    sectors: set[str] = set()
    languages: set[str] = set()
    seen: dict[tuple[str, ...], bool] = {}
    objects = together(objects)
    columns = objects.columns
    asked = {*filled(columns.lang), *filled(columns.granular_markings)}
    for index in sorted(asked.union(objects.at(_ASKED.keys()))):
        candidate = objects[index]
        names, get = _ASKED.get(type(candidate), _ASKED_OF_ALL)
        values = get(objects.rows[index])
        if not any(values):
            continue  # as most objects say nothing of it
        refs = candidate.object_marking_refs or ()
        if refs not in seen:  # few combinations of marks stand on many objects
            own = tlp_of(refs)
            seen[refs] = own is not None and own <= tlp and not groups_of_refs(refs)
        if not seen[refs] or (candidate.labels and groups_of(candidate)):
            continue  # whom it may harm would be found by what shows
        stricter = _stricter_parts(candidate, tlp)
        for name, value in zip(names, values, strict=True):
            if not value or name in stricter:
                continue
            if name == "country":
                _collect([value], _COUNTRY, countries, str.upper)
            elif name == "sectors":
                _collect(value, _SECTOR, sectors, str)
            elif name == "lang":
                _collect([value], _LANGUAGE, languages, str)
            elif name == "extensions":
                if DISINFORMATION not in value:
                    continue
                story = _members(value.get(DISINFORMATION))
                _collect(story.get("languages"), _LANGUAGE, languages, str)
                country = _members(story.get("targeted_election")).get("country")
                _collect([country], _COUNTRY, countries, str.upper)
            else:
                said_in = granular_languages(candidate)
                languages.update(lang for part, lang in said_in if part not in stricter)
    return Facts(
        severity=_visible_severity(primary, tlp),
        countries=tuple(sorted(countries)),
        sectors=tuple(sorted(sectors)),
        languages=tuple(sorted(languages)),
    )


def _members(value: Any) -> dict[str, Any]:
    # Extensions are carried as they came; only what is in order counts.
    return value if type(value) is dict else {}


_LISTS: Final = (list, tuple)


def _collect(values: Any, pattern: re.Pattern[str], into: set[str], spell: Any) -> None:
    for value in values if isinstance(values, _LISTS) else ():
        if isinstance(value, str) and pattern.fullmatch(value):
            into.add(spell(value))


def _visible_severity(primary: stix.StixObject, tlp: Tlp) -> SeverityWord:
    if groups_of(primary) or "extensions" in _stricter_parts(primary, tlp):
        return "unknown"
    return severity_of(primary)


def _stricter_parts(candidate: stix.StixObject, tlp: Tlp) -> set[str]:
    """Name the properties whose own marks keep them out of what everybody sees."""
    if not candidate.granular_markings:
        return set()
    stricter = {p for p, t in granular_tlp(candidate).items() if t > tlp}
    marks = granular_marks(candidate)
    return stricter | {p for p, refs in marks.items() if groups_of_refs(refs)}


def severity_of(primary: stix.StixObject) -> SeverityWord:
    """Word for the criticality (0..100) of an incident; `unknown` for all else.

    The bounds are those of the incident core extension.
    """
    extensions = primary.extensions
    core = extensions.get(INCIDENT_CORE) if isinstance(extensions, dict) else None
    criticality = core.get("criticality") if isinstance(core, dict) else None
    if type(criticality) is not int:
        return "unknown"
    for bound, word in CRITICALITY_BOUNDS:
        if criticality <= bound:
            return word
    return "extreme"
