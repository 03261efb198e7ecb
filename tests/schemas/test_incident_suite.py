"""The incident core extension, in the three drafts that circulate."""

from typing import Any

import pytest
from hypothesis import given

from schemas import stix
from schemas.errors import SchemaError
from schemas.stix.incident_suite import (
    EVENT,
    INCIDENT_CORE,
    IncidentCore,
    core_extension,
    incident_core,
    is_suite_event,
)
from tests.support.refusals import refusal_of
from tests.support.stix_values import json_values

UUID = "0b0a8b61-52a8-4d3a-8d20-1de5b8a7a1f4"
INCIDENT, EVENT_ID, TASK_ID, IMPACT_ID = (
    f"{kind}--{UUID}" for kind in ("incident", "event", "task", "impact")
)
HEAD = {"extension_type": "property-extension", "investigation_status": "open"}


def incident(core: Any) -> stix.StixObject:
    return stix.decode_object(
        {"type": "incident", "id": INCIDENT, "extensions": {INCIDENT_CORE: core}}
    )


def read(**core: Any) -> IncidentCore:
    found = incident_core(incident({**HEAD, **core}))
    assert found is not None
    return found


DRAFTS = {
    "activities": {
        "determination": "successful-attempt",
        "criticality": 60,
        "activities": [
            {"event_ref": EVENT_ID, "sequence_start": 1, "sequence_end": 2},
            {"task_ref": TASK_ID, "sequence_start": 2, "sequence_end": 3},
        ],
        "impact_refs": [IMPACT_ID],
        "impacted_entity_counts": {"individual": 3, "customer": 0},
    },
    "events and tasks": {
        "determination": "confirmed",
        "criticality": 60,
        "events": [{"event_ref": EVENT_ID, "sequence_start": True, "next_steps": []}],
        "tasks": [{"task_ref": TASK_ID}],
        "impact_refs": [IMPACT_ID],
        "impacted_entity_counts": {"individual": 3, "customer": 0},
    },
    "references": {
        "determination": "confirmed",
        "criticality": 60,
        "event_refs": [EVENT_ID],
        "task_refs": [TASK_ID],
        "impact_refs": [IMPACT_ID],
        "impacted_entity_counts": [
            {"entity_type": "individual", "count": 3, "precise_within": 1},
            {"entity_type": "customer", "count": 0},
        ],
    },
}


@pytest.mark.parametrize("draft", DRAFTS.values(), ids=DRAFTS)
def test_all_drafts_say_the_same(draft: dict[str, Any]) -> None:
    assert read(**draft) == IncidentCore(
        determination="confirmed",
        investigation_status="open",
        criticality=60,
        event_refs=(EVENT_ID,),
        task_refs=(TASK_ID,),
        impact_refs=(IMPACT_ID,),
        impacted_entity_counts={"individual": 3, "customer": 0},
    )


@pytest.mark.parametrize("draft", DRAFTS.values(), ids=DRAFTS)
def test_what_is_written_is_draft_3_with_counts_as_a_dictionary(
    draft: dict[str, Any],
) -> None:
    assert core_extension(read(**draft)) == {
        **HEAD,
        "determination": "confirmed",
        "criticality": 60,
        "event_refs": [EVENT_ID],
        "task_refs": [TASK_ID],
        "impact_refs": [IMPACT_ID],
        "impacted_entity_counts": {"individual": 3, "customer": 0},
    }


def test_what_is_written_reads_back() -> None:
    core = read(determination="suspected", scores=[{"name": "s", "value": 1.5}])
    assert incident_core(incident(core_extension(core))) == core


def test_a_single_count_is_read_too() -> None:
    counts = {"entity_type": "individual", "count": 4}
    assert read(impacted_entity_counts=counts).impacted_entity_counts == {
        "individual": 4
    }


def test_an_incident_without_the_extension_has_no_core() -> None:
    bare = {"type": "incident", "id": INCIDENT}
    assert incident_core(stix.decode_object(bare)) is None
    assert incident_core(stix.decode_object({**bare, "extensions": {}})) is None


@pytest.mark.parametrize(
    ("core", "place"),
    [
        ([], ""),
        ({"criticality": 101}, ".criticality"),
        ({"criticality": "critical"}, ".criticality"),
        ({"events": {}}, ".events"),
        ({"events": [{"event_ref": "mallory"}]}, ".events[0].event_ref"),
        ({"task_refs": [1]}, ".task_refs[0]"),
        (
            {"impacted_entity_counts": {"individual": -1}},
            ".impacted_entity_counts[...]",
        ),
        ({"impacted_entity_counts": 5}, ".impacted_entity_counts"),
        (
            {"impacted_entity_counts": [{"count": 1}]},
            ".impacted_entity_counts[0]",
        ),
    ],
)
def test_a_malformed_extension_is_refused_by_place(core: Any, place: str) -> None:
    with pytest.raises(SchemaError) as caught:
        incident_core(incident(core), "$.objects[1]")
    assert caught.value.reason == "bad-property"
    assert caught.value.where == "$.objects[1].extensions[...]" + place


@given(json_values)
def test_any_extension_raises_only_our_error(core: Any) -> None:
    names = ["criticality", "events", "impacted_entity_counts", "scores"]
    for value in [core, *({name: core} for name in names)]:
        refused = refusal_of(incident_core, incident(value))
        assert refused is None or refused.reason == "bad-property"


def test_only_an_event_with_the_extension_is_of_the_suite() -> None:
    bare = {"type": "event", "id": EVENT_ID}
    assert is_suite_event(stix.decode_object({**bare, "extensions": {EVENT: {}}}))
    assert not is_suite_event(stix.decode_object({**bare, "extensions": {"x": {}}}))
    assert not is_suite_event(
        stix.decode_object({**bare, "stop_time": "2026-01-01T00:00:00Z"})
    )
    assert not is_suite_event(incident({}))
