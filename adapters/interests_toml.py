"""Interests as a TOML file: read strictly, and written. Pure."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec.structs import replace

from adapters.interests import EVERYTHING, KINDS, LEAST, SECTORS, TELLING, Interests
from broker.errors import ConfigError
from schemas.record import is_org
from schemas.stix.values import ID_PATTERN
from schemas.vocabularies import COUNTRIES, SECTORS_BY_NAME
from schemas.vocabularies.countries import country_code
from schemas.vocabularies.languages import LANGUAGES, language_code
from schemas.vocabularies.tables import COUNTRY

KEYS: Final = Interests.__struct_fields__
# They take a word, not a list.
_ONE: Final = {"least_severity": "high", "tell_issuers": "name"}
_EXAMPLES: Final = {
    "issuers": '["cert-aq"]',
    "kinds": '["incident"]',
    "countries": '["TH"]',
    "sectors": '["energy"]',
    "languages": '["th"]',
}
# As other tools name them (CVSS, CSAF).
_SEVERITIES: Final = {"critical": "extreme", "medium": "moderate"}

MAX_BYTES: Final = 1 << 16  # all words there are, and some thousand issuers
_QUOTED_CHARS: Final = 40
_NEAR_CHARS: Final = 80  # comparing costs the product of the lengths
_FAULTS: Final = 5


def decode(data: bytes, where: str) -> Interests:
    """Decode an interests file (TOML), strictly.

    Raises:
        ConfigError: Unknown keys or words, each with its line and what may be meant.
    """
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{where} is larger than {MAX_BYTES >> 10} KiB")
    try:
        text = data.decode()
        tree = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{where}: {error}") from None
    found = EVERYTHING
    faults: list[tuple[int, str]] = []
    for key, value in tree.items():
        said = _faults_of(key, value)
        if said:
            faults += [(_line(text, key, word), fault) for word, fault in said]
        else:
            found = with_words(found, key, [value] if isinstance(value, str) else value)
    if faults:
        told = [f"line {line}: {fault}" for line, fault in sorted(faults)]
        more = [f"and {len(told) - _FAULTS} more"] if len(told) > _FAULTS else []
        raise ConfigError(f"{where}, {'; '.join(told[:_FAULTS] + more)}")
    return found


def encode(interests: Interests) -> bytes:
    """Write an interests file; `decode` reads the same from it."""
    lines = []
    for key in KEYS:
        value = getattr(interests, key)
        if value != getattr(EVERYTHING, key):
            # Words of vocabularies and names need no escapes.
            shown = [f'"{word}"' for word in ([value] if key in _ONE else value)]
            text = shown[0] if key in _ONE else f"[{', '.join(shown)}]"
            lines.append(f"{key} = {text}\n")
    return "".join(lines).encode()


def with_words(interests: Interests, key: str, words: Sequence[str]) -> Interests:
    """Give *interests* with other words under one key; the words are right.

    No words at all ask for nothing under that key.
    """
    if key in _ONE:
        word = words[0] if words else getattr(EVERYTHING, key)
        return replace(interests, **{key: word})
    return replace(interests, **{key: tuple(sorted(set(words)))})


def _faults_of(key: str, value: Any) -> list[tuple[str, str]]:
    """List what is wrong with one line, each with the word it is about, or ""."""
    if key not in KEYS:
        return [("", wrong_key(key))]
    if key in _ONE:
        if not isinstance(value, str):
            return [("", f'{key} takes one word, such as {key} = "{_ONE[key]}"')]
        value = [value]
    elif not isinstance(value, list) or not all(isinstance(w, str) for w in value):
        example = f"{key} = {_EXAMPLES[key]}"
        return [("", f"{key} takes a list of words, such as {example}")]
    elif not value:
        return [("", f"{key} is empty, which would let nothing pass; remove the line")]
    return [(word, fault) for word in value if (fault := wrong(key, word))]


def _line(text: str, key: str, word: str) -> int:
    """Find the line of a key, or of a word under it; near enough for a person.

    What is written with escapes is found at its key, or at the beginning.
    """
    opening = re.compile(rf"\s*\[*\s*[\"']?{re.escape(key)}\b")
    lines = text.split("\n")
    first = next((i for i, each in enumerate(lines) if opening.match(each)), 0)
    if word:
        spelt = (f'"{word}"', f"'{word}'")
        for i, each in enumerate(lines[first:], first):
            if any(one in each for one in spelt):
                return i + 1
    return first + 1


# ------------------------------------------------------------------------------ words


def wrong(key: str, word: str) -> str | None:
    """Say what is wrong with a word under *key*, and what may be meant; or None."""
    if key == "issuers":
        # Of the shortest type, an object's id would be a name, too.
        if is_org(word) and re.match(ID_PATTERN, word) is None:
            return None
        return (
            f"{_quoted(word)} is no name of an organisation: 2 to 41 lower case "
            "letters, digits and hyphens"
        )
    if word in _words(key):
        return None
    if key == "kinds" and word in ("feedback", "correction", "retraction", "heartbeat"):
        return f"{_quoted(word)} always comes; leave it out"
    noun = _NOUNS[key]
    near = _near(key, word)
    meant = "" if near is None else f"; did you mean {near}?"
    return f"{_quoted(word)} is no {noun}{meant}"


_NOUNS: Final = {
    "kinds": "kind of record (incident, campaign, advisory)",
    "countries": "country (ISO 3166-1, two capitals)",
    "sectors": "sector (industry-sector-ov of STIX 2.1, civil-society, "
    "election-administration, media)",
    "languages": "language (ISO 639, such as th, without script or region)",
    "least_severity": f"severity ({', '.join(LEAST)})",
    "tell_issuers": f"word for what issuers are told ({', '.join(TELLING)})",
}


def wrong_key(key: str) -> str:
    """Say that there is no such key, and which one may be meant."""
    near = difflib.get_close_matches(_plain(key).replace("-", "_"), KEYS, 1)
    meant = f"; did you mean {near[0]}?" if near else "."
    return (
        f"there is no key {_quoted(key)}{meant} There are {', '.join(KEYS)}; a filter "
        "never names persons, accounts or texts"
    )


def _words(key: str) -> Iterable[str]:
    match key:
        case "kinds":
            return KINDS
        case "countries":
            return COUNTRY.allowed
        case "sectors":
            return SECTORS
        case "languages":
            return LANGUAGES
        case "tell_issuers":
            return TELLING
        case _:
            return LEAST


def _near(key: str, word: str) -> str | None:
    if key == "countries" and (code := country_code(word)):
        return code
    if key == "languages" and (code := language_code(word)):
        return code
    # Codes of two letters are all near each other: names are compared.
    tables: dict[str, dict[str, str]] = {
        "countries": {name.lower(): code for code, name in COUNTRIES.items()},
        "languages": {name.lower(): code for code, name in LANGUAGES.items()},
        "sectors": SECTORS_BY_NAME | {each: each for each in SECTORS},
        "least_severity": {each: each for each in LEAST} | _SEVERITIES,
        "tell_issuers": {each: each for each in TELLING},
    }
    names = tables.get(key) or {each: each for each in KINDS}
    plain = _plain(word)
    found = difflib.get_close_matches(plain, names, 1)
    found = found or difflib.get_close_matches(plain.replace(" ", "-"), names, 1)
    return names[found[0]] if found else None


def _plain(word: str) -> str:
    return word.strip().lower()[:_NEAR_CHARS]


def _quoted(word: str) -> str:
    cut = word if len(word) <= _QUOTED_CHARS else word[: _QUOTED_CHARS - 1] + "…"
    return f'"{cut}"'
