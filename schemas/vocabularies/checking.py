"""Finds values that no vocabulary of their property knows."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

from msgspec import UNSET

from schemas.findings import Finding
from schemas.stix.columns import filled, together
from schemas.stix.core import StixObject
from schemas.stix.incident_suite import is_suite_event
from schemas.stix.objects import TYPES
from schemas.vocabularies.countries import country_code
from schemas.vocabularies.tables import BY_TYPE, COUNTRY
from schemas.vocabularies.tags import TAGS
from schemas.vocabularies.vocabulary import Vocabulary

_NAMES: Final = "{}"
_NEAREST: Final = 3
_LISTED_CHARS: Final = 80  # a longer list shows its beginning
# No word of a vocabulary has more, and comparing costs the product of the lengths.
_COMPARED_CHARS: Final = 80
_PART: Final = re.compile(r"[a-z0-9]+")


class _Watched(NamedTuple):
    """A place that takes words.

    Attributes:
        name: Property that holds it.
        path: From there to the words; `{}` for the names of the members.
        spelt: The words, in every spelling that is right.
    """

    name: str
    path: tuple[str, ...]
    vocabulary: Vocabulary
    spelt: frozenset[str]


def _watched(place: str, vocabulary: Vocabulary) -> _Watched:
    name, *path = place.replace(_NAMES, f".{_NAMES}").split(".")
    spelt = vocabulary.allowed
    if vocabulary is COUNTRY:  # real data mixes upper and lower case
        spelt |= {word.lower() for word in spelt}
    return _Watched(name, tuple(path), vocabulary, spelt)


_BY_TYPE: Final = {
    kind: tuple(_watched(place, vocabulary) for place, vocabulary in places.items())
    for kind, places in BY_TYPE.items()
}
_TAGS: Final = {
    namespace: Vocabulary(namespace, tags) for namespace, tags in TAGS.items()
}
_SPELT_TAGS: Final = {
    namespace: frozenset(tag.lower() for tag in tags)
    for namespace, tags in TAGS.items()
}


def outside_in(
    objects: Sequence[StixObject], places: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield what `outside` finds in some objects; most are soon known to be in order.

    Args:
        places: Where in the input each object comes from, by its id.
    """
    objects = together(objects)
    asked = {*objects.at(_WATCHED_AT.keys()), *filled(objects.columns.labels)}
    for index in sorted(asked):
        each, row = objects[index], objects.rows[index]
        wrong: list[_Watched] = []
        for at, watched in _WATCHED_AT.get(type(each), ()):
            value = row[at]
            if value is not UNSET and not _are_spelt(value, watched):
                wrong.append(watched)
        if wrong or (each.labels and not all(map(_is_right_tag, each.labels))):
            yield from _told(each, places.get(each.id, "$"), wrong)


_WATCHED_AT: Final = {
    TYPES[kind]: tuple(
        (TYPES[kind].__struct_fields__.index(each.name), each) for each in watched
    )
    for kind, watched in _BY_TYPE.items()
}


def outside(candidate: StixObject, where: str = "$") -> Iterator[Finding]:
    """Yield a finding for each property with words outside its vocabulary.

    Rule `enumeration` where the list is closed, else `vocabulary`; `unknown-tag` for
    a label in a namespace known here. `Finding.count` says how many words.

    Args:
        where: Place of the object in the input.
    """
    wrong = [
        watched
        for watched in _BY_TYPE.get(candidate.type, ())
        if (value := getattr(candidate, watched.name)) is not UNSET
        and not _are_spelt(value, watched)
    ]
    yield from _told(candidate, where, wrong)


def _told(
    candidate: StixObject, where: str, wrong: Iterable[_Watched]
) -> Iterator[Finding]:
    """Yield what `outside` does, once it is known which places are *wrong*."""
    if candidate.labels is not UNSET:
        yield from _outside_tags(candidate.labels, where)
    if candidate.type == "event" and not is_suite_event(candidate):
        return  # OpenCTI's, which has words of its own
    for name, path, vocabulary, spelt in wrong:
        found = [
            (place, text)
            for place, text in _texts(getattr(candidate, name), path, f"{where}.{name}")
            if text not in spelt
        ]
        rule = "enumeration" if vocabulary.closed else "vocabulary"
        yield _finding(rule, found, vocabulary)


def _are_spelt(value: Any, watched: _Watched) -> bool:
    """Tell whether all words that `_texts` yields are spelt as they should be."""
    _, path, _, spelt = watched
    if not path:
        return value in spelt if type(value) is str else spelt.issuperset(value)
    for at, step in enumerate(path):
        if type(value) is not dict or step == _NAMES:
            return spelt.issuperset(_words(value, path[at:]))
        if step not in value:
            return True
        value = value[step]
    return value in spelt if type(value) is str else spelt.issuperset(_words(value, ()))


def _words(value: Any, path: tuple[str, ...]) -> list[str]:
    """List the texts that `_texts` yields, without their places."""
    kind = type(value)
    if kind is tuple or kind is list:
        return [text for item in value for text in _words(item, path)]
    if not path:
        return [value] if kind is str else []
    if kind is not dict:
        return []
    if path[0] == _NAMES:
        return _words(value["entity_type"], ()) if "entity_type" in value else [*value]
    return _words(value[path[0]], path[1:]) if path[0] in value else []


def _texts(value: Any, path: tuple[str, ...], where: str) -> Iterator[tuple[str, str]]:
    """Yield (place, text) of all that *path* leads to; other types are passed over."""
    if type(value) is tuple or type(value) is list:
        for index, item in enumerate(value):
            yield from _texts(item, path, f"{where}[{index}]")
    elif not path:
        if type(value) is str:
            yield where, value
    elif type(value) is not dict:
        return
    elif path[0] == _NAMES:
        if "entity_type" in value:  # draft 3 of the incident suite counts by objects
            yield from _texts(value["entity_type"], (), f"{where}.entity_type")
        else:
            yield from ((f"{where}[...]", name) for name in value)
    elif path[0] in value:
        yield from _texts(value[path[0]], path[1:], f"{where}.{path[0]}")


def _is_right_tag(label: str) -> bool:
    namespace, colon, _ = label.partition(":")
    known = _SPELT_TAGS.get(namespace.lower()) if colon else None
    return known is None or label.lower() in known


def _outside_tags(labels: Iterable[str], where: str) -> Iterator[Finding]:
    found: dict[str, list[tuple[str, str]]] = {}
    for index, label in enumerate(labels):
        namespace = label.partition(":")[0].lower()
        if namespace in _SPELT_TAGS and ":" in label:
            text = label.lower()
            if text not in _SPELT_TAGS[namespace]:
                place = f"{where}.labels[{index}]"
                found.setdefault(namespace, []).append((place, text))
    for namespace, places in found.items():
        yield _finding("unknown-tag", places, _TAGS[namespace])


def _finding(
    rule: str, found: list[tuple[str, str]], vocabulary: Vocabulary
) -> Finding:
    (place, text), *_ = found
    near = _nearest(text, vocabulary) if len(text) <= _COMPARED_CHARS else ()
    expected = f"one of {_listed(vocabulary)} ({vocabulary.name})"
    if near:
        expected = f"perhaps {' or '.join(near)}; {expected}"
    return Finding(rule, place, expected, len(found))


@cache
def _listed(vocabulary: Vocabulary) -> str:
    words = ", ".join(vocabulary.words)
    if len(words) <= _LISTED_CHARS:
        return words
    return words[:_LISTED_CHARS].rpartition(", ")[0] + ", ..."


@lru_cache(1024)
def _nearest(text: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Give words that *text* may mean, the nearest first."""
    if vocabulary is COUNTRY:
        code = country_code(text)
        return () if code is None else (code,)
    # Only words with a part in common: comparing with all of them takes too long
    # where thousands of objects are wrong, each in its own way.
    parts = _parts(text)
    alike = _by_part(vocabulary)
    words = {word.lower(): word for part in parts for word in alike.get(part, ())}
    spelt = "-".join(text.lower().split())
    near = difflib.get_close_matches(spelt, words, _NEAREST)
    near = near or [each for each in words if spelt in each][:_NEAREST]
    return tuple(words[each] for each in near)


@cache
def _by_part(vocabulary: Vocabulary) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for word in vocabulary.words + vocabulary.more:
        for part in dict.fromkeys(_parts(word)):
            found.setdefault(part, []).append(word)
    return found


def _parts(text: str) -> list[str]:
    """Give the parts of a word or of a tag, and their beginnings."""
    parts = _PART.findall(text.lower().rpartition(":")[2])
    return [*parts, *(part[:2] for part in parts)]
