"""The incident suite in one form, whichever of its drafts somebody sent.

Emitted are draft 3's references (`event_refs`, `task_refs`) and the dictionary of
counts of the prose. What else the other drafts say, above all the order of steps, is
listed as left out.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import UNSET

from schemas.findings import Findings
from schemas.stix.core import StixObject
from schemas.stix.extension_views import converted, found_in, place_in
from schemas.stix.incident_suite import (
    FIRST_CONFIRMED,
    INCIDENT_CORE,
    Impact,
    IncidentCore,
    Task,
    counts_by_type,
    incident_core,
)

_STEPS: Final = ("activities", "events", "tasks")
_REFERENCES: Final = ("event_ref", "task_ref")
_COUNTS: Final = "impacted_entity_counts"
_COUNT: Final = frozenset({"entity_type", "count"})


def in_one_form(candidate: StixObject, where: str, losses: Findings) -> StixObject:
    """Give an object of the suite in the form that is emitted; any other as it is.

    Args:
        where: The place of the object, in front of the places in losses.

    Raises:
        SchemaError: `bad-property`: it is of none of the drafts.
    """
    if candidate.type == "incident":
        return _incident(candidate, where, losses)
    if isinstance(candidate, Impact | Task):
        counts = candidate.impacted_entity_counts
        if counts is not UNSET:
            changed = _dictionary(counts, where, losses)
            if changed is not counts:
                return msgspec.structs.replace(candidate, **{_COUNTS: changed})
    return candidate


def _incident(incident: StixObject, where: str, losses: Findings) -> StixObject:
    found = found_in(incident, INCIDENT_CORE, where)
    if not found or incident.extensions is UNSET or _is_emitted(found, where):
        return incident
    core = incident_core(incident, where)
    assert core is not None  # noqa: S101  the extension is there
    place = place_in(where)
    body = {name: value for name, value in found.items() if name not in _STEPS}
    for name in _STEPS:
        for i, step in enumerate(found.get(name, ())):
            if step.keys() - _REFERENCES:
                losses.add("sequence-left-out", f"{place}.{name}[{i}]")
    if len(body) < len(found):
        refs = {"event_refs": core.event_refs, "task_refs": core.task_refs}
        body |= {name: list(each) for name, each in refs.items() if each}
    if _COUNTS in body:
        body[_COUNTS] = _dictionary(body[_COUNTS], place, losses)
    if core.determination is not UNSET:
        body["determination"] = core.determination
    extensions = incident.extensions | {INCIDENT_CORE: body}
    return msgspec.structs.replace(incident, extensions=extensions)


def _is_emitted(found: dict[str, Any], where: str) -> bool:
    """Tell whether an extension has the form already, and check it if so.

    Raises:
        SchemaError: `bad-property`.
    """
    if not found.keys().isdisjoint(_STEPS):
        return False
    counts = found.get(_COUNTS)
    if counts is not None and (type(counts) is not dict or "entity_type" in counts):
        return False
    read = converted(found, IncidentCore, place_in(where))
    return read.determination != FIRST_CONFIRMED


def _dictionary(raw: Any, where: str, losses: Findings) -> Any:
    changed = counts_by_type(raw, where)
    if changed is not raw:
        place = f"{where}.{_COUNTS}"
        seen: set[str] = set()
        for i, each in enumerate(_listed(raw)):
            if each.keys() - _COUNT or each["entity_type"] in seen:
                losses.add("no-equivalent", f"{place}[{i}]")
            seen.add(each["entity_type"])
    return changed


def _listed(raw: Any) -> Iterable[dict[str, Any]]:
    return (raw,) if type(raw) is dict else raw
