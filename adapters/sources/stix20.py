"""STIX 2.0 JSON, a bundle or a list of objects: written as 2.1 has it."""

from collections.abc import Iterator
from typing import Any, Final

from adapters.sources.found import Collected, Found
from adapters.sources.source import Input, Source
from adapters.sources.stix20_differences import converted
from adapters.sources.stix20_observed import Observables
from schemas import timestamps
from schemas.errors import SchemaError
from schemas.findings import Findings
from schemas.record import MAX_OBJECTS

_TYPES: Final = frozenset(
    {
        "attack-pattern", "campaign", "course-of-action", "identity", "indicator",
        "intrusion-set", "malware", "observed-data", "relationship", "report",
        "sighting", "threat-actor", "tool", "vulnerability",
    }
)  # fmt: skip
# An object that has one of these was written for 2.1.
_NEWER: Final = {
    "spec_version", "pattern_type", "is_family", "indicator_types", "malware_types",
    "report_types", "threat_actor_types", "tool_types", "roles",
}  # fmt: skip
_MEMBERS: Final = {"type", "id", "spec_version", "objects"}


def _recognises(given: Input) -> bool:
    if not given.is_json:
        return False
    value = given.parsed
    if type(value) is dict:
        if value.get("type") != "bundle":
            return False
        if "spec_version" in value:
            return bool(value["spec_version"] == "2.0")
        value = value.get("objects")
    return type(value) is list and value != [] and _are_older(value)


def _are_older(items: list[Any]) -> bool:
    """Tell whether a list holds objects of 2.0, which do not say so themselves."""
    kinds = set()
    for item in items:
        if type(item) is not dict or type(item.get("type")) is not str:
            return False
        if not _NEWER.isdisjoint(item):
            return False
        if item["type"] == "observed-data" and "object_refs" in item:
            return False
        kinds.add(item["type"])
    return bool(kinds & _TYPES) and all(
        kind in _TYPES or kind == "marking-definition" or kind.startswith("x-")
        for kind in kinds
    )


def _read(given: Input) -> Found:
    if not _recognises(given):
        raise SchemaError("not-stix20", "$")
    losses = Findings()
    made = Collected(losses, when=given.when)
    observables = Observables(losses)
    for where, item in _newest(_items(given.json, losses), losses):
        if item.get("spec_version", "2.0") == "2.0":
            body = converted(item, where, losses)
            if body["type"] == "observed-data":
                observables.take_out(body, where)
        else:
            body = item
        made.add(body, where)
        if len(made) > MAX_OBJECTS:
            raise SchemaError("too-many-objects", where)
    observables.give(made)
    if not len(made):
        raise SchemaError("no-objects")
    return made.found()


def _items(value: Any, losses: Findings) -> Iterator[tuple[str, dict[str, Any]]]:
    """List the objects that have a type and an id, each with its place."""
    place = "$"
    if type(value) is dict:
        for _ in value.keys() - _MEMBERS:
            losses.add("no-equivalent", "$[...]")
        value, place = value.get("objects"), "$.objects"
    if type(value) is not list:
        losses.add("wrong-type", place, "a list")
        return
    for index, item in enumerate(value):
        where = f"{place}[{index}]"
        if type(item) is not dict:
            losses.add("wrong-type", where, "an object")
        elif all(type(item.get(n)) is str and item[n] for n in ("type", "id")):
            yield where, item
        else:
            losses.add("unusable", where, "a type and an id")


def _newest(
    items: Iterator[tuple[str, dict[str, Any]]], losses: Findings
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Keep the newest version of each object, at the place of the first."""
    newest: dict[str, tuple[str, dict[str, Any]]] = {}
    for where, item in items:
        older = newest.setdefault(item["id"], (where, item))
        if older[1] is item:
            continue
        if older[1] == item:
            losses.add("repeated", where)
            continue
        kept, gone = (where, item), older
        if _version(older[1]) >= _version(item):
            kept, gone = older, (where, item)
        newest[item["id"]] = kept
        losses.add("older-version", gone[0])
    yield from newest.values()


def _version(item: dict[str, Any]) -> str:
    modified = item.get("modified")
    try:
        return timestamps.key(modified) if type(modified) is str else ""
    except SchemaError:
        return ""


SOURCE: Final = Source(
    name="stix20",
    title="STIX 2.0: a bundle or a list of objects",
    recognises=_recognises,
    read=_read,
)
