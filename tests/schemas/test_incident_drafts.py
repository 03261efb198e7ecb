"""The incident suite in one form: what the drafts say stays, what is lost is listed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import stix
from schemas.errors import SchemaError
from schemas.findings import Finding, Findings
from schemas.stix.incident_drafts import in_one_form
from schemas.stix.incident_suite import INCIDENT_CORE, incident_core
from tests.support.refusals import refusal_of
from tests.support.stix_values import json_values, stix_objects

UUID = "0b0a8b61-52a8-4d3a-8d20-1de5b8a7a1f4"
OTHER = "9d1c8a35-1a0a-4f55-8a4c-1f5b0b5e6d77"
INCIDENT, EVENT, TASK, IMPACT = (
    f"{kind}--{UUID}" for kind in ("incident", "event", "task", "impact")
)
LATER = f"event--{OTHER}"
HEAD = {"extension_type": "property-extension", "investigation_status": "open"}
PLACE = "$.objects[4].extensions[...]"


def incident(**core: Any) -> stix.StixObject:
    body = {"type": "incident", "id": INCIDENT, "name": "n"}
    extensions = {INCIDENT_CORE: HEAD | core, "x-other": {"a": 1}}
    return stix.decode_object(body | {"extensions": extensions})


def written(candidate: stix.StixObject) -> tuple[stix.StixObject, list[Finding]]:
    losses = Findings()
    found = in_one_form(candidate, "$.objects[4]", losses)
    return found, list(losses)


def core_of(candidate: stix.StixObject) -> Any:
    return stix.encode_object(candidate)["extensions"][INCIDENT_CORE]


def test_the_activities_of_draft_1_become_references() -> None:
    found, losses = written(
        incident(
            determination="successful-attempt",
            activities=[
                {"event_ref": EVENT, "sequence_start": 1, "sequence_end": 2},
                {"task_ref": TASK, "sequence_start": 2, "sequence_end": 3},
                {"event_ref": LATER},
            ],
            scores=[{"name": "s", "value": 1}],
            x_own=[1],
        )
    )
    assert core_of(found) == HEAD | {
        "determination": "confirmed",
        "event_refs": [EVENT, LATER],
        "task_refs": [TASK],
        "scores": [{"name": "s", "value": 1}],
        "x_own": [1],
    }
    assert losses == [Finding("sequence-left-out", f"{PLACE}.activities[0]", count=2)]
    assert found.extensions["x-other"] == {"a": 1}
    assert stix.encode_object(found)["name"] == "n"


def test_the_steps_of_draft_2_become_references_and_none_is_forgotten() -> None:
    step = {"event_ref": LATER, "condition_type": "required", "transition_type": "x"}
    found, losses = written(
        incident(
            determination="suspected",
            events=[{"event_ref": EVENT, "sequence_start": True, "next_steps": [step]}],
            tasks=[{"task_ref": TASK}],
            event_refs=[EVENT],
        )
    )
    assert core_of(found) == HEAD | {
        "determination": "suspected",
        "event_refs": [EVENT, LATER],
        "task_refs": [TASK],
    }
    assert losses == [Finding("sequence-left-out", f"{PLACE}.events[0]")]


@pytest.mark.parametrize(
    "core",
    [
        {},
        {"determination": "confirmed"},
        {"event_refs": [EVENT], "task_refs": [TASK], "impact_refs": [IMPACT]},
        {"impacted_entity_counts": {"individual": 3}},
        {"impacted_entity_counts": {}},
    ],
)
def test_what_has_the_form_already_stays_as_it_was_received(core: Any) -> None:
    candidate = incident(**core)
    found, losses = written(candidate)
    assert found is candidate
    assert losses == []


@pytest.mark.parametrize("kind", ["incident", "impact", "task"])
def test_counts_become_a_dictionary_and_what_it_cannot_say_is_listed(kind: str) -> None:
    counts = [
        {"entity_type": "individual", "count": 4, "precise_within": 1},
        {"entity_type": "customer", "count": 0},
        {"entity_type": "individual", "count": 9},
    ]
    place = "$.objects[4]" if kind != "incident" else PLACE
    if kind == "incident":
        candidate = incident(impacted_entity_counts=counts)
    else:
        body = {"type": kind, "id": f"{kind}--{UUID}"}
        candidate = stix.decode_object(body | {"impacted_entity_counts": counts})
    found, losses = written(candidate)
    plain = stix.encode_object(found)
    holder = plain["extensions"][INCIDENT_CORE] if kind == "incident" else plain
    assert holder["impacted_entity_counts"] == {"individual": 4, "customer": 0}
    listed = Finding("no-equivalent", f"{place}.impacted_entity_counts[0]", count=2)
    assert losses == [listed]


def test_a_single_count_becomes_a_dictionary() -> None:
    counts = {"entity_type": "individual", "count": 4}
    body = {"type": "impact", "id": IMPACT, "impacted_entity_counts": counts}
    found, losses = written(stix.decode_object(body))
    assert stix.encode_object(found)["impacted_entity_counts"] == {"individual": 4}
    assert losses == []


@pytest.mark.parametrize(
    "body",
    [
        {"type": "incident", "id": INCIDENT},
        {"type": "incident", "id": INCIDENT, "extensions": {"x-other": []}},
        {"type": "impact", "id": IMPACT},
        {"type": "task", "id": TASK, "impacted_entity_counts": {"individual": 4}},
        {"type": "event", "id": EVENT, "subevents": [{"event_ref": LATER}]},
    ],
)
def test_all_other_objects_stay_as_they_are(body: dict[str, Any]) -> None:
    candidate = stix.decode_object(body)
    assert written(candidate) == (candidate, [])


@pytest.mark.parametrize(
    ("core", "place"),
    [
        ({"events": "x"}, ".events"),
        ({"events": [{"event_ref": EVENT, "next_steps": [1]}]}, ".events[0].next_steps[0]"),
        ({"impacted_entity_counts": [{}]}, ".impacted_entity_counts[0]"),
    ],
)  # fmt: skip
def test_what_is_of_no_draft_is_refused_by_its_place(core: Any, place: str) -> None:
    with pytest.raises(SchemaError) as caught:
        written(incident(**core))
    assert (caught.value.reason, caught.value.where) == ("bad-property", PLACE + place)


REFS = st.sampled_from([EVENT, LATER, TASK])
STEPS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "event_ref": REFS,
            "task_ref": REFS,
            "sequence_start": st.booleans(),
            "next_steps": st.lists(st.fixed_dictionaries({"event_ref": REFS})),
        },
    ),
    max_size=3,
)
CORES = st.fixed_dictionaries(
    {},
    optional={
        "activities": STEPS,
        "events": STEPS,
        "tasks": STEPS,
        "event_refs": st.lists(REFS, max_size=3),
        "impacted_entity_counts": st.lists(
            st.builds(lambda n: {"entity_type": "a", "count": n}, st.integers(0, 9)),
            max_size=2,
        ),
        "determination": st.sampled_from(["successful-attempt", "suspected"]),
        "x_own": json_values,
    },
)
SUITE = {kind: stix.TYPES[kind] for kind in ("incident", "impact", "task")}


@given(stix_objects(SUITE), CORES | json_values)
def test_writing_twice_changes_nothing_and_refuses_with_our_error_alone(
    value: dict[str, Any], core: Any
) -> None:
    value["extensions"] = {INCIDENT_CORE: core}
    candidate = stix.decode_object(value)
    refused = refusal_of(in_one_form, candidate, "$", Findings())
    if refused is not None:
        assert refused.reason == "bad-property"
        return
    found, _ = written(candidate)
    assert written(found) == (found, [])
    if value["type"] == "incident":
        assert incident_core(found) == incident_core(candidate)
