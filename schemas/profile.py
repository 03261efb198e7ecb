"""Record profile 1: what of a STIX object is always visible, withholdable, split.

Versioned by the claim `vct`. The profile is an allow-list: what it does not name
as always visible is a disclosure, so a property STIX adds later starts
withholdable. Both sides use it: the issuer to conceal, the verifier to refuse a
token that hides what must be seen or shows what could not be withheld.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import UNSET

from schemas.stix import PROPERTY_NAMES, TYPES, StixObject, incident_suite
from schemas.stix.columns import Row
from schemas.stix.disinformation import DISINFORMATION
from schemas.stix.forms import Form, form
from schemas.stix.identity_contact import IDENTITY_CONTACT
from schemas.stix.takedown import TAKEDOWN

VCT: Final = "urn:tocsin:record:1"

# Without these an object would say something else, not less (DESIGN.md 4.3).
_ALWAYS = frozenset(
    {
        "type", "id", "spec_version", "object_marking_refs", "granular_markings",
        "revoked", "confidence", "lang", "defanged", "extensions",
    }
)  # fmt: skip
_BY_TYPE: Final[dict[str, frozenset[str]]] = {
    "event": frozenset({"status"}),
    "grouping": frozenset({"context"}),
    "identity": frozenset({"identity_class"}),
    "impact": frozenset({"impact_category"}),
    "indicator": frozenset({"valid_until", "pattern_type", "pattern_version"}),
    "malware": frozenset({"is_family"}),
    "marking-definition": frozenset({"definition_type"}),
    "opinion": frozenset({"opinion"}),
    "relationship": frozenset({"relationship_type"}),
    "task": frozenset({"outcome"}),
}
_VISIBLE = {kind: _ALWAYS | own for kind, own in _BY_TYPE.items()}
# The primary object's version is a claim anyway (`ver`).
_PRIMARY = frozenset({"created", "modified"})
# Who says it is a claim too (`iss`); another creator may be a confidential source.
_OWN = frozenset({"created_by_ref"})
_SETS = {
    (kind, primary, own): names
    | (_PRIMARY if primary else frozenset())
    | (_OWN if own else frozenset())
    for kind, names in {"": _ALWAYS, **_VISIBLE}.items()
    for primary in (True, False)
    for own in (True, False)
}

# Longer than any word of a vocabulary, shorter than a sentence; no spaces.
LANGUAGE_PATTERN: Final = r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}"
VERSION_PATTERN: Final = r"[0-9]{1,4}(\.[0-9]{1,4}){0,3}"
TERM_PATTERN: Final = r"[A-Za-z][A-Za-z0-9_-]{0,39}"
_PATTERNS: Final = {"lang": LANGUAGE_PATTERN, "pattern_version": VERSION_PATTERN}
_OTHER_TYPES: Final = frozenset({"valid_until", "is_family"})  # a time, a boolean


_FORMED: Final = {
    kind: tuple(
        (name, form(rf"^(?:{_PATTERNS.get(name, TERM_PATTERN)})\Z"))
        for name in sorted({"lang", *own} - _OTHER_TYPES)
    )
    for kind, own in {"": frozenset[str](), **_BY_TYPE}.items()
}
_FORMED_ALWAYS: Final = _FORMED[""]
_WORDED: Final = {
    kind: tuple(name for name, _ in formed) for kind, formed in _FORMED.items()
}
_ABSENT: Final = object()

# The extensions that are gone through property by property, as policies name them.
INCIDENT_CORE: Final = incident_suite.INCIDENT_CORE
EXTENSION_ALIASES: Final[dict[str, str]] = {
    INCIDENT_CORE: "incident-core",
    incident_suite.EVENT: "event",
    incident_suite.IMPACT: "impact",
    incident_suite.TASK: "task",
    IDENTITY_CONTACT: "identity-contact",
    DISINFORMATION: "disinformation",
    TAKEDOWN: "takedown-request",
    "availability-ext": "availability-ext",
    "confidentiality-ext": "confidentiality-ext",
    "external-ext": "external-ext",
    "integrity-ext": "integrity-ext",
    "monetary-ext": "monetary-ext",
    "physical-ext": "physical-ext",
    "traceability-ext": "traceability-ext",
}
_VISIBLE_IN_EXTENSION = frozenset({"extension_type"})
_VISIBLE_IN_INCIDENT_CORE = _VISIBLE_IN_EXTENSION | {
    "determination",
    "investigation_status",
}
# Words of vocabularies; nothing else may stand where nothing can be withheld.
_WORD = re.compile(r"[a-z-]{1,40}")

_TEXT = frozenset(
    {
        "description", "abstract", "content", "explanation", "summary",
        "objective", "goal", "error", "body",
    }
)  # fmt: skip
_SPLIT = frozenset({"labels", "aliases", "external_references", "events", "tasks"})
_NO_REFERENCES = frozenset({"object_marking_refs"})

WHOLE: Final = frozenset(
    name
    for name in PROPERTY_NAMES
    if name not in _TEXT | _SPLIT
    and (name in _NO_REFERENCES or not name.endswith("_refs"))
)
"""Known names of properties that are never parted."""

WITHHELD_TEXT: Final = "[withheld]"

Place = tuple[str, ...]
"""A property in an object: (name,), or ("extensions", key[, name])."""


def visible(kind: str, *, primary: bool, own: bool) -> frozenset[str]:
    """Name the properties of STIX type *kind* that can never be disclosures.

    Args:
        primary: Of the primary object.
        own: The issuer itself has created the object.
    """
    return _SETS.get((kind, primary, own)) or _SETS["", primary, own]


def is_visible(place: Place, kind: str, *, primary: bool, own: bool = False) -> bool:
    """Tell whether the property at *place* is always visible, see `visible`."""
    if len(place) == 1:
        return place[0] in visible(kind, primary=primary, own=own)
    return len(place) == 3 and place[2] in visible_in_extension(place[1])


def visible_in_extension(key: str) -> frozenset[str]:
    """Name what can never be a disclosure in the extension *key*."""
    return _VISIBLE_IN_INCIDENT_CORE if key == INCIDENT_CORE else _VISIBLE_IN_EXTENSION


def visible_inside(extensions: Mapping[str, Any]) -> list[Any]:
    """List what can never be a disclosure in the extensions of an object."""
    return [
        extension[name]
        for key, extension in extensions.items()
        if key in EXTENSION_ALIASES and isinstance(extension, dict)
        for name in visible_in_extension(key)
        if name in extension
    ]


def misformed(kind: str, get: Callable[[str, object], Any]) -> str | None:
    """Name an always visible property that could hold a text, if there is one.

    What nothing can withhold must be a word of a vocabulary, a version or a language
    (RFC 5646), or a victim's name could stand there.

    Args:
        get: As the `get` of a dictionary of the object's properties.
    """
    for name, (known, fits) in _FORMED.get(kind, _FORMED_ALWAYS):
        text = get(name, _ABSENT)
        if text is not _ABSENT and (
            type(text) is not str or (text not in known and not fits(text))
        ):
            return name
    return None


def has_words(struct: type[StixObject], row: Row) -> bool:
    """Tell whether `misformed` names none of the properties that the struct has.

    Args:
        row: As `columns.rows_of` gives it.
    """
    for index, (known, fits) in _FORMED_AT.get(struct, _FORMED_IN_ALL):
        text = row[index]
        if text is not UNSET and text not in known and not fits(text):
            return False
    return True


def _formed_at(struct: type[StixObject]) -> tuple[tuple[int, Form], ...]:
    formed = _FORMED.get(str(struct.__struct_config__.tag), _FORMED_ALWAYS)
    return tuple((struct.__struct_fields__.index(name), form) for name, form in formed)


WORDED_KINDS: Final = frozenset(
    kind for kind, own in _BY_TYPE.items() if own - _OTHER_TYPES
)
"""The types with always visible properties of their own that hold a word."""
_FORMED_AT: Final = {struct: _formed_at(struct) for struct in TYPES.values()}
_FORMED_IN_ALL: Final = _formed_at(StixObject)


def worded(kind: str) -> tuple[str, ...]:
    """Name the always visible properties of a type that hold a word."""
    return _WORDED.get(kind, _WORDED[""])


def may_be_visible(place: Place, value: Any) -> bool:
    """Tell whether *value* may stand at its place: any, but where it is always seen."""
    if len(place) != 3 or not is_visible(place, "", primary=False):
        return True
    return is_word(value)


def is_word(value: Any) -> bool:
    """Tell whether *value* may stand where nothing can be withheld."""
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def is_text(place: Place) -> bool:
    """Tell whether the property travels as segments `[index, count, text]`."""
    return len(place) == 1 and place[0] in _TEXT


def is_split(place: Place) -> bool:
    """Tell whether each element of the array is a disclosure of its own."""
    name = place[-1]
    return name in _SPLIT or (name.endswith("_refs") and name not in _NO_REFERENCES)


def places(members: Iterable[tuple[str, Any]]) -> Iterator[tuple[Place, Any]]:
    """List the properties of an object as the profile cuts it, with their values.

    Known extensions are containers and are gone through; an unknown extension
    is one property.

    Args:
        members: (name, value) of each property of the object.
    """
    for name, value in members:
        if name != "extensions" or not isinstance(value, dict):
            yield (name,), value
            continue
        for key, extension in value.items():
            if key in EXTENSION_ALIASES and isinstance(extension, dict):
                for inner, inner_value in extension.items():
                    yield (name, key, inner), inner_value
            else:
                yield (name, key), extension


def spell(place: Place) -> str:
    """Name a place the way policies and explanations do."""
    if len(place) == 1:
        return EXTENSION_ALIASES.get(place[0], place[0])
    return ".".join(EXTENSION_ALIASES.get(part, part) for part in place)


def place_of(name: str) -> Place:
    """Give the place that `spell` names so."""
    keys = {alias: key for key, alias in EXTENSION_ALIASES.items()}
    return tuple(keys.get(part, part) for part in name.split("."))
