"""MISP: one event as its API, its feeds and its exports write it; or parts of one."""

from collections.abc import Iterator
from typing import Any, Final

from adapters.sources.found import Found, Intake
from adapters.sources.misp_event import read_event
from adapters.sources.misp_making import NAMES
from adapters.sources.source import Input, Source
from schemas.errors import SchemaError
from schemas.findings import Finding, Findings

_PARTS: Final = ("Attribute", "Object")
# One of these beside `info` or a list of parts tells an event from other JSON.
_OF_AN_EVENT: Final = frozenset(
    {"Attribute", "Object", "Orgc", "Org", "analysis", "threat_level_id", "Tag"}
)


def _recognises(given: Input) -> bool:
    if not given.is_json:
        return False
    value = given.parsed
    if type(value) is list:
        value = value[0] if value else None
    return type(value) is dict and _is_misp(value)


def _is_misp(value: dict[str, Any]) -> bool:
    if type(value.get("Event")) is dict or _is_event(value):
        return True
    answer = value.get("response")
    first = answer[0] if type(answer) is list and answer else answer
    return type(first) is dict and (
        not first.keys().isdisjoint(("Event", *_PARTS)) or _is_event(first)
    )


def _is_event(value: dict[str, Any]) -> bool:
    if type(value.get("info")) is str and not _OF_AN_EVENT.isdisjoint(value):
        return True
    return any(type(value.get(name)) is list for name in _PARTS)


def _read(given: Input) -> Found:
    losses = Findings()
    events: list[Intake] = []
    parts: dict[str, list[Intake]] = {name: [] for name in _PARTS}
    for members, where in _outermost(given.json, losses):
        outer = Intake(members, where, losses, NAMES)
        wrapped = [n for n in ("Event", *_PARTS) if type(members.get(n)) is dict]
        for name in wrapped:
            outer.ignore(name)
            inner = Intake(members[name], outer.place(name), losses, NAMES)
            (events if name == "Event" else parts[name]).append(inner)
        if wrapped:
            outer.close()
        else:
            events.append(outer)
        if len(events) + any(parts.values()) > 1:
            raise SchemaError("several-events", where)
    return read_event(
        events[0] if events else Intake({}, "$", losses),
        losses,
        attributes=parts["Attribute"],
        objects=parts["Object"],
        given=given,
    )


def _outermost(value: Any, losses: Findings) -> Iterator[tuple[dict[str, Any], str]]:
    """List the objects that an input or an answer of the API holds, with places."""
    where = "$"
    if type(value) is dict and "response" in value:
        outer = Intake(value, where, losses, NAMES)
        outer.ignore("response")
        outer.close()
        value, where = value["response"], "$.response"
    items = value if type(value) is list else [value]
    odd = [index for index, item in enumerate(items) if type(item) is not dict]
    if odd:
        place = f"{where}[{odd[0]}]" if items is value else where
        losses.put(Finding("wrong-type", place, "an object", len(odd)))
    for index, item in enumerate(items):
        if type(item) is dict:
            yield item, f"{where}[{index}]" if items is value else where


SOURCE: Final = Source(
    name="misp",
    title="MISP: an event, or attributes and objects",
    recognises=_recognises,
    read=_read,
)
