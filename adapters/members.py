"""What may stand inside a property that a policy lets pass. Pure.

A policy names properties, not what is in them: a member that nobody has heard of
must not travel along inside one that everybody may see.
"""

import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from adapters import personal_data
from schemas import iep, pap, profile
from schemas.stix.values import LANGUAGE_PATTERN

# STIX 2.1, 2.5 (external reference) and 2.8 (kill chain phase); OpenCTI numbers the
# phases. The steps of all three drafts of the incident suite. The rest is that of the
# extension `disinformation`.
_STEP: Final = frozenset(
    {
        "event_ref", "task_ref", "sequence_start", "sequence_end", "next_steps",
        "condition_type", "transition_type",
    }
)  # fmt: skip
_NAMED: Final[dict[str, frozenset[str]]] = {
    "activities": _STEP,
    "behaviours": frozenset({"framework", "id"}),
    "changed_objects": frozenset(
        {"state_change_type", "initial_ref", "result_ref", "result_refs"}
    ),
    "definition": frozenset({"statement", "tlp", "pap"}),
    "degree": frozenset({"channels", "contents", "platforms", "reach", "engagement"}),
    "events": _STEP,
    "external_references": frozenset(
        {"source_name", "external_id", "url", "description", "hashes"}
    ),
    "kill_chain_phases": frozenset(
        {"kill_chain_name", "phase_name", "x_opencti_order"}
    ),
    "scores": frozenset({"name", "value", "description"}),
    iep.EXTENSION: frozenset(iep.TERM_NAMES),
    pap.EXTENSION: frozenset({"extension_type", "pap"}),
    "subevents": _STEP,
    "subtasks": _STEP,
    "targeted_election": frozenset({"country", "date", "kind"}),
    "tasks": _STEP,
}
# Its members have the sender's names, and are numbers; a policy that shows it shows
# those. Another draft lists them.
_COUNT: Final = frozenset({"entity_type", "count", "precise_within"})
# STIX 2.1, hash-algorithm-ov, and names of the same make that MISP has.
_IN_HEX: Final = frozenset(
    {
        "MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "SHA512224", "SHA512256",
        "SHA3224", "SHA3256", "SHA3384", "SHA3512", "IMPHASH", "CDHASH", "PEHASH",
        "AUTHENTIHASH",
    }
)  # fmt: skip
_IN_SIGNS: Final = frozenset({"SSDEEP", "TLSH", "VHASH", "IMPFUZZY", "TELFHASH"})
_HEX: Final = re.compile(r"[0-9A-Fa-f]{8,256}")
_SIGNS: Final = re.compile(r"[!-~]{8,256}")
_LANGUAGE: Final = re.compile(LANGUAGE_PATTERN)


def passes(place: profile.Place, value: Any) -> bool:
    """Tell whether *value*, or an element of it, holds only members that are known.

    Of external references only those pass that point into a catalogue, and say
    nothing personal: the others lead back to a source.
    """
    name = place[-1]
    if name in _CHECKED:
        return _CHECKED[name](value)
    allowed = _NAMED.get(name)
    if allowed is None:
        # Extensions have no struct that says what a word is.
        return place[0] != "extensions" or _is_within(value, frozenset())
    if not _is_within(value, allowed):
        return False
    if name == "external_references" and isinstance(value, dict):
        return _is_catalogued(value)
    return True


def is_listed(place: profile.Place, value: Any, on: Callable[[str], bool]) -> bool:
    """Tell whether a value, or an element of it, is one that a list lets pass.

    Of a pattern all that it looks at must be on the list, and it must be as plain as
    those of indicators are: comparisons for equality with `AND` or `OR` between them.

    Of an external reference the source must be on the list, and its URL public: https,
    without a login, a query or a fragment, which can name who followed it.
    """
    if place == ("pattern",):
        return isinstance(value, str) and _is_plain_pattern(value, on)
    if place[-1] != "external_references":
        return isinstance(value, str) and on(value)
    if not isinstance(value, dict) or not on(str(value.get("source_name", ""))):
        return False
    url = value.get("url")
    return url is None or (isinstance(url, str) and _is_public(url))


# STIX 2.1, 9.4 to 9.6, the plain part of it; no string holds a quote or a backslash.
_COMPARISON: Final = r"([a-z0-9-]+:[a-z_]+) ?= ?'[^'\\]*'"
_PLAIN_PATTERN: Final = re.compile(
    rf"\[ ?{_COMPARISON}(?: (?:AND|OR) {_COMPARISON})* ?\]"
    rf"(?: (?:AND|OR) \[ ?{_COMPARISON}(?: (?:AND|OR) {_COMPARISON})* ?\])*"
)
_COMPARED: Final = re.compile(_COMPARISON)


def _is_plain_pattern(pattern: str, on: Callable[[str], bool]) -> bool:
    if _PLAIN_PATTERN.fullmatch(pattern) is None:
        return False
    return all(map(on, _COMPARED.findall(pattern)))


def _is_public(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    bare = not (parts.query or parts.fragment or "@" in parts.netloc)
    return parts.scheme == "https" and bool(host) and bare


def _is_catalogued(reference: dict[str, Any]) -> bool:
    said = str(reference.get("description", ""))
    return bool(reference.get("external_id")) and not personal_data.holds_any(said)


def _are_hashes(value: Any) -> bool:
    """Tell whether all are what algorithms that are known give."""
    if not isinstance(value, dict):
        return False
    for name, inner in value.items():
        algorithm = name.upper().replace("-", "").replace("_", "")
        form = _HEX if algorithm in _IN_HEX else _SIGNS
        is_known = algorithm in _IN_HEX or algorithm in _IN_SIGNS
        if not (is_known and isinstance(inner, str) and form.fullmatch(inner)):
            return False
    return True


def _are_translations(value: Any) -> bool:
    """Tell whether these are languages, and texts alone in each."""
    return isinstance(value, dict) and all(
        _LANGUAGE.match(language)
        and isinstance(words, dict)
        and all(_is_within(word, frozenset()) for word in words.values())
        for language, words in value.items()
    )


def _are_counts(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(count, int | float) for count in value.values())
    return _is_within(value, _COUNT)


_CHECKED: Final[dict[str, Callable[[Any], bool]]] = {
    "contents": _are_translations,
    "hashes": _are_hashes,
    "impacted_entity_counts": _are_counts,
}
BOUNDED: Final = frozenset(_NAMED) | frozenset(_CHECKED)
"""Names of the properties, outside of extensions, of which `passes` may be false."""


def _is_within(value: Any, allowed: frozenset[str]) -> bool:
    if isinstance(value, dict):
        return all(
            name in allowed
            and (_are_hashes(inner) if name == "hashes" else _is_within(inner, allowed))
            for name, inner in value.items()
        )
    if isinstance(value, list):
        return all(_is_within(inner, allowed) for inner in value)
    return True
