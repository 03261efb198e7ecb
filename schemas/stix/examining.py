"""Decoding that finds all faults at once, for `tocsin check` and whoever signs."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from schemas.errors import SchemaError
from schemas.findings import Finding, fault
from schemas.stix.bundles import joined, objects_in
from schemas.stix.core import StixObject
from schemas.stix.expected import expected_at, required_words
from schemas.stix.objects import PROPERTY_NAMES, TYPES, decode_object
from schemas.stix.required import missing_properties, refusal_of_missing

_ANY_UUID: Final = "00000000-0000-4000-8000-000000000000"
MAX_FAULTS: Final = 1000  # more help nobody
_IN_BUNDLE: Final = {
    "$.id": "an id: bundle--<UUID>",
    "$.objects": "a list of objects, not empty",
    "$.spec_version": '"2.1", or nothing',
}

Examined = tuple[tuple[StixObject, ...], dict[str, str], tuple[Finding, ...]]


def examine_bundle(value: Any, *, is_checked: bool = False) -> Examined:
    """Decode what `decode_bundle` does, every object complete.

    Args:
        is_checked: As for `decode_object`, of all that *value* holds.

    Returns:
        The objects that could be decoded; the place of each by its id, also of the
        others; and the faults, at most `MAX_FAULTS`: after these it stops.
    """
    by_id: dict[str, StixObject] = {}
    places: dict[str, str] = {}
    faults: list[Finding] = []
    try:
        for where, item in objects_in(value):
            try:
                decoded = decode_object(item, where, is_checked=is_checked)
            except SchemaError:
                for stix_id in _ids_of(item):
                    places.setdefault(stix_id, where)
                faults += islice(_faults_of(item, where), MAX_FAULTS - len(faults))
            else:
                missing = missing_properties(decoded)
                if missing:
                    faults += [_missing(decoded.type, n, where) for n in missing]
                if decoded.id in by_id:
                    decoded = _joined(decoded, where, by_id, places, faults)
                else:
                    places[decoded.id] = where
                by_id[decoded.id] = decoded
            if len(faults) >= MAX_FAULTS:
                break
    except SchemaError as error:
        faults.append(fault(error, _IN_BUNDLE.get(error.where, "")))
    return tuple(by_id.values()), places, tuple(faults[:MAX_FAULTS])


def _joined(
    decoded: StixObject,
    where: str,
    by_id: dict[str, StixObject],
    places: dict[str, str],
    faults: list[Finding],
) -> StixObject:
    known = by_id[decoded.id]
    try:
        return joined(known, decoded, where)
    except SchemaError as error:
        first = places[decoded.id]
        faults.append(fault(error, f"an id of its own; {first} has this one"))
        return known


def _ids_of(item: Any) -> Iterator[str]:
    """Give the id of an object at fault: others may refer to it."""
    stix_id = item.get("id") if type(item) is dict else None
    if type(stix_id) is str:
        yield stix_id


def _missing(kind: str, name: str, where: str) -> Finding:
    rule = refusal_of_missing(kind, name)
    return Finding(rule, f"{where}.{name}", required_words(kind, name))


def _faults_of(item: Any, where: str) -> Iterator[Finding]:
    """List the faults of one object: each property is looked at by itself."""
    kind = item.get("type") if type(item) is dict else None
    if type(kind) is not str or kind == "bundle":
        yield Finding("not-stix", where)
        return
    look = _Look(kind, where)
    if "id" not in item:
        yield _missing(kind, "id", where)
    yield from look.members(item)
    # What is sound by itself is so together.
    for name in missing_properties(decode_object(look.sound, where)):
        if name not in item:
            yield _missing(kind, name, where)


class _Look:
    """Looks at the members of one object, one by one.

    Attributes:
        sound: An object of those that are not at fault.
    """

    def __init__(self, kind: str, where: str) -> None:
        self._kind = kind
        self._where = where
        # A type that is none would be refused with every member.
        probe = kind if kind in TYPES else "x-any"
        self.sound: dict[str, Any] = {"type": probe, "id": f"{probe}--{_ANY_UUID}"}
        self._head = dict(self.sound)

    def members(self, item: dict[str, Any]) -> Iterator[Finding]:
        """List the faults of all members."""
        unknown: dict[str, Any] = {}
        for name, value in item.items():
            if name == "id":
                yield from self._faults({"type": self._kind, name: value})
            elif name not in PROPERTY_NAMES:
                unknown[name] = value
            elif name != "type":
                yield from self._member(name, value)
        if next(self._faults({**self._head, **unknown}), None) is None:
            self.sound.update(unknown)
            return
        for name, value in unknown.items():
            yield from self._member(name, value)

    def _member(self, name: str, value: Any) -> Iterator[Finding]:
        """List the faults of one member: of each element, if it is a list."""
        is_sound = True
        for found in self._faults({**self._head, name: value}):
            is_sound = False
            in_items = self._items(name, value) if type(value) is list else ()
            yield from list(islice(in_items, MAX_FAULTS)) or [found]
        if is_sound:
            self.sound[name] = value

    def _items(self, name: str, items: list[Any]) -> Iterator[Finding]:
        first = f"{self._where}.{name}[0]"
        for index, item in enumerate(items):
            for found in self._faults({**self._head, name: [item]}):
                if not found.where.startswith(first):
                    return  # no list belongs here, however many elements it has
                inside = found.where.removeprefix(first)
                where = f"{self._where}.{name}[{index}]{inside}"
                yield Finding(found.rule, where, found.expected)

    def _faults(self, body: dict[str, Any]) -> Iterator[Finding]:
        try:
            decode_object(body, self._where)
        except SchemaError as error:
            inside = error.where.removeprefix(self._where).removeprefix(".")
            yield fault(error, expected_at(self._kind, inside, error.reason))
