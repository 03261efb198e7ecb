"""The incident core extension suite: event, impact, task, and what it adds to incident.

Three drafts of it are in circulation (reference: OASIS cti-stix-common-objects,
extension-definition-specifications/incident-core). All are read here, as a view of what
stands in `extensions`; `incident_drafts` writes one.
"""

from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.stix.core import StixObject
from schemas.stix.extension_views import converted, found_in, place_in, written
from schemas.stix.values import (
    Count,
    Id,
    Ids,
    InnerId,
    Open,
    Opens,
    Percent,
    Texts,
    Timestamp,
)
from schemas.vocabularies.words import Fidelity

INCIDENT_CORE: Final = "extension-definition--ef765651-680c-498d-9894-99799f2fa126"
EVENT: Final = "extension-definition--4ca6de00-5b0d-45ef-a1dc-ea7279ea910e"
IMPACT: Final = "extension-definition--7cc33dd6-f6a1-489b-98ea-522d351d71b9"
TASK: Final = "extension-definition--2074a052-8be4-4932-849e-f5e7798e0030"

_COUNTS: Final = "impacted_entity_counts"
FIRST_CONFIRMED: Final = "successful-attempt"  # draft 1's word for `confirmed`
# Draft 2 counts by a dictionary, the JSON schema (draft 3) by objects.
EntityCounts = dict[str, Any] | tuple[Open, ...]


class Event(StixObject, frozen=True, kw_only=True, tag="event"):
    """Something that happened; or OpenCTI's object of the same type name.

    `is_suite_event` tells them apart; only OpenCTI's has `stop_time`.

    Attributes:
        status: Only in the suite: ongoing, occurred, not-occurred, pending,
            undetermined.
    """

    status: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    event_types: Texts | UnsetType = UNSET
    goal: str | UnsetType = UNSET
    sighting_refs: Ids | UnsetType = UNSET
    start_time: Timestamp | UnsetType = UNSET
    start_time_fidelity: Fidelity | UnsetType = UNSET
    end_time: Timestamp | UnsetType = UNSET
    end_time_fidelity: Fidelity | UnsetType = UNSET
    stop_time: Timestamp | UnsetType = UNSET
    aliases: Texts | UnsetType = UNSET
    changed_objects: Opens | UnsetType = UNSET
    subevents: Opens | UnsetType = UNSET


class Impact(StixObject, frozen=True, kw_only=True, tag="impact"):
    """What an incident did to somebody.

    Attributes:
        impact_category: availability, confidentiality, external, integrity,
            monetary, physical or traceability; `extensions["<category>-ext"]`
            has the particulars.
    """

    impact_category: str | UnsetType = UNSET
    criticality: Percent | UnsetType = UNSET
    description: str | UnsetType = UNSET
    impacted_refs: Ids | UnsetType = UNSET
    impacted_entity_counts: EntityCounts | UnsetType = UNSET
    recoverability: str | UnsetType = UNSET
    start_time: Timestamp | UnsetType = UNSET
    start_time_fidelity: Fidelity | UnsetType = UNSET
    end_time: Timestamp | UnsetType = UNSET
    end_time_fidelity: Fidelity | UnsetType = UNSET
    superseded_by_ref: Id | UnsetType = UNSET


class Task(StixObject, frozen=True, kw_only=True, tag="task"):
    """What the defenders did.

    Attributes:
        outcome: cancelled, failed, ongoing, pending, successful, unknown.
    """

    outcome: str | UnsetType = UNSET
    task_types: Texts | UnsetType = UNSET
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    error: str | UnsetType = UNSET
    priority: Percent | UnsetType = UNSET
    start_time: Timestamp | UnsetType = UNSET
    start_time_fidelity: Fidelity | UnsetType = UNSET
    end_time: Timestamp | UnsetType = UNSET
    end_time_fidelity: Fidelity | UnsetType = UNSET
    changed_objects: Opens | UnsetType = UNSET
    subtasks: Opens | UnsetType = UNSET
    impacted_entity_counts: EntityCounts | UnsetType = UNSET


class IncidentCore(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the extension says of an incident, whatever the draft.

    The order of events and tasks, which drafts 1 and 2 give, is not carried.

    Attributes:
        determination: blocked, confirmed, failed-attempt, false-positive, suspected.
        investigation_status: new, open, closed; open vocabulary.
        criticality: 0 false positive, 1-29 low, -49 moderate, -89 high, above extreme.
        impacted_entity_counts: Entity type (individual, customer, ...) -> number.
    """

    determination: str | UnsetType = UNSET
    investigation_status: str | UnsetType = UNSET
    criticality: Percent | UnsetType = UNSET
    incident_types: Texts | UnsetType = UNSET
    detection_methods: Texts | UnsetType = UNSET
    recoverability: str | UnsetType = UNSET
    scores: Opens | UnsetType = UNSET
    event_refs: tuple[InnerId, ...] = ()
    task_refs: tuple[InnerId, ...] = ()
    impact_refs: tuple[InnerId, ...] = ()
    impacted_entity_counts: dict[str, Count] = {}


class _EntityCount(Struct):
    entity_type: str
    count: Count


class _CountList(Struct):
    impacted_entity_counts: Annotated[tuple[_EntityCount, ...], Meta(max_length=1000)]


class _NextStep(Struct):
    event_ref: InnerId | UnsetType = UNSET
    task_ref: InnerId | UnsetType = UNSET


class _Step(_NextStep):
    next_steps: tuple[_NextStep, ...] = ()


class _AnyDraft(IncidentCore, frozen=True, kw_only=True):
    activities: tuple[_Step, ...] = ()  # draft 1
    events: tuple[_Step, ...] = ()  # draft 2
    tasks: tuple[_Step, ...] = ()


def is_suite_event(candidate: StixObject) -> bool:
    """Tell an event of the suite from OpenCTI's, which has no extension."""
    return (
        candidate.type == "event"
        and candidate.extensions is not UNSET
        and EVENT in candidate.extensions
    )


def incident_core(incident: StixObject, where: str = "$") -> IncidentCore | None:
    """Read the extension of *incident*, in any of the three drafts.

    *where* is the place of the incident, in front of the places in refusals.

    Raises:
        SchemaError: `bad-property`.
    """
    found = found_in(incident, INCIDENT_CORE, where)
    if found is None:
        return None
    counts = {}
    if _COUNTS in found:
        counts = {_COUNTS: counts_by_type(found[_COUNTS], place_in(where))}
    draft = converted({**found, **counts}, _AnyDraft, place_in(where))
    listed = draft.activities + draft.events + draft.tasks
    steps = listed + tuple(next_ for step in listed for next_ in step.next_steps)
    own = {name: getattr(draft, name) for name in IncidentCore.__struct_fields__}
    for name in ("event_ref", "task_ref"):
        listed_refs = own[f"{name}s"]
        known = {*listed_refs, UNSET}
        refs = dict.fromkeys(getattr(step, name) for step in steps)
        own[f"{name}s"] = (*listed_refs, *(ref for ref in refs if ref not in known))
    if draft.determination == FIRST_CONFIRMED:
        own["determination"] = "confirmed"
    return IncidentCore(**own)


def core_extension(core: IncidentCore) -> dict[str, Any]:
    """Write *core* as a value for `extensions[INCIDENT_CORE]`, plain JSON.

    Draft 3's references, with counts as the dictionary of the prose.
    """
    return written(core)


def counts_by_type(raw: Any, where: str) -> Any:
    """Give the dictionary of draft 2 for the objects of draft 3, all else as it is.

    The first count of an entity type stands.

    Args:
        where: The place of what has the counts.

    Raises:
        SchemaError: `bad-property`.
    """
    if type(raw) is dict and "entity_type" in raw:
        raw = [raw]
    if type(raw) not in (list, tuple):
        return raw
    listed = converted({_COUNTS: raw}, _CountList, where).impacted_entity_counts
    return {each.entity_type: each.count for each in reversed(listed)}
