"""STIX 2.1 JSON: a bundle, a list of objects, or one object."""

from collections.abc import Mapping
from operator import is_
from typing import Any, Final

from adapters.sources.found import Found, Intake
from adapters.sources.source import Input, Source
from schemas import stix
from schemas.errors import SchemaError
from schemas.findings import Finding, Findings, fault
from schemas.stix.columns import Objects, together
from schemas.stix.incident_drafts import in_one_form
from schemas.terms import is_known_by_id

_EPOCH: Final = "1970-01-01T00:00:00Z"


def read(data: bytes) -> tuple[stix.StixObject, ...]:
    """Decode objects strictly, every one complete.

    Raises:
        SchemaError: with a reason and a JSON path.
    """
    return _read(Input(data, when=_EPOCH)).whole()


def _recognises(given: Input) -> bool:
    if not given.is_json:
        return False
    value = given.parsed
    if type(value) is list:
        value = value[0] if value else None
    if type(value) is not dict or type(value.get("type")) is not str:
        return False
    # Other formats have types and ids, too, but no such ids.
    return (
        value["type"] == "bundle"
        or "--" in str(value.get("id"))
        or not _TELLING.isdisjoint(value)
    )


_TELLING: Final = frozenset({"spec_version", "created"})


def _read(given: Input) -> Found:
    losses = Findings()
    faults: tuple[Finding, ...] = ()
    if given.sound is not None:
        objects, places = given.sound
    else:
        examined, places, faults = _examine(given)
        objects = together(examined)
        _list_bundle(given.parsed, losses)
    kept, more = _in_one_form(objects, places, losses)
    return Found(
        objects=kept, places=places, losses=tuple(losses), faults=(*faults, *more)
    )


def _examine(given: Input) -> stix.Examined:
    odd: SchemaError | None = None
    try:  # once for all, which is cheaper than object by object
        stix.check_plain(given.parsed)
    except SchemaError as error:
        if error.reason == "too-deep":
            raise
        odd = error
    found = stix.examine_bundle(given.parsed, is_checked=odd is None)
    if odd is not None and not found[2]:
        raise odd  # outside the objects
    return found


def _list_bundle(value: Any, losses: Findings) -> None:
    """List what a bundle says of itself: a record has a place for its objects alone."""
    if type(value) is dict and value.get("type") == "bundle":
        members = Intake(value, "$", losses, stix.PROPERTY_NAMES)
        members.ignore("type", "id", "spec_version", "objects")
        members.close()


def _in_one_form(
    objects: Objects, places: Mapping[str, str], losses: Findings
) -> tuple[tuple[stix.StixObject, ...], list[Finding]]:
    kept: list[stix.StixObject | None] = [*objects]
    faults: list[Finding] = []
    for index in objects.at(_REWRITTEN):
        each = objects[index]
        where = places[each.id]
        if each.type == "marking-definition" and is_known_by_id(each.id):
            losses.add("mark-by-id", where)
        try:
            kept[index] = in_one_form(each, where, losses)
        except SchemaError as error:
            kept[index] = None
            faults.append(fault(error))
    if all(map(is_, kept, objects)):
        return objects, faults
    return tuple(each for each in kept if each is not None), faults


_REWRITTEN: Final = frozenset(
    stix.TYPES[name] for name in ("incident", "impact", "task", "marking-definition")
)

SOURCE: Final = Source(
    name="stix21",
    title="STIX 2.1: a bundle, a list of objects, or one object",
    recognises=_recognises,
    read=_read,
)
