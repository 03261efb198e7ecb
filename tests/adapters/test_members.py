"""Members: a property that may pass takes nothing unknown along."""

import pytest

from adapters.members import passes
from tests.support.views import CORE

PHASE = {"kill_chain_name": "disarm", "phase_name": "plan"}
ENTRY = {"source_name": "mitre-attack", "external_id": "T1078"}


def in_core(name):
    return ("extensions", CORE, name)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("name",), "anything"),
        (("hashes",), {"MD5": "0F" * 16, "sha256": "0f" * 32, "SSDEEP": "3:ab/:x+y"}),
        (("contents",), {"th": {"name": "คำ", "labels": ["คำ"]}, "pt-BR": {}}),
        (("impacted_entity_counts",), [{"entity_type": "individual", "count": 3}]),
        (("definition",), {"statement": "For members."}),
        (("kill_chain_phases",), [PHASE, {**PHASE, "x_opencti_order": 3}]),
        (("external_references",), ENTRY),
        (("external_references",), {**ENTRY, "url": "https://x.example"}),
        (("external_references",), {**ENTRY, "description": "A technique."}),
        (("external_references",), {**ENTRY, "hashes": {"SHA-256": "00" * 32}}),
        (("external_references",), "no object"),
        (in_core("events"), {"event_ref": "x", "next_steps": [{"event_ref": "y"}]}),
        (in_core("scores"), [{"name": "n", "value": 1, "description": "d"}]),
        (in_core("impacted_entity_counts"), {"individual": 3}),
        (in_core("criticality"), 75),
        (in_core("incident_types"), ["a", "b"]),
        (in_core("behaviours"), [{"framework": "disarm", "id": "T0049"}]),
        (in_core("degree"), {"channels": 2, "reach": 9}),
        (in_core("targeted_election"), {"country": "XA", "kind": "local"}),
        (("changed_objects",), [{"state_change_type": "a", "result_ref": "x"}]),
    ],
)
def test_what_is_known_passes(place, value):
    assert passes(place, value)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("kill_chain_phases",), [PHASE, {**PHASE, "x_victim": "v"}]),
        (("kill_chain_phases",), [{**PHASE, "phase_name": {"x": "v"}}]),
        (("external_references",), {**ENTRY, "x_victim": "v"}),
        (("external_references",), {"source_name": "blog", "url": "https://x.example"}),
        (("external_references",), {**ENTRY, "external_id": ""}),
        (("external_references",), {**ENTRY, "description": "by a@b.example"}),
        (in_core("events"), {"event_ref": "x", "next_steps": [{"x_victim": "v"}]}),
        (in_core("criticality"), {"x_victim": "v"}),
        (in_core("incident_types"), ["a", {"x_victim": "v"}]),
        (in_core("behaviours"), [{"framework": "disarm", "x_victim": "v"}]),
        (in_core("degree"), {"channels": 2, "x_victim": "v"}),
        (in_core("targeted_election"), {"x_candidate": "v"}),
        (("extensions", "of-somebody"), {"x_victim": "v"}),
        (("hashes",), {"MD5": "00" * 16, "x_victim": "00" * 16}),
        (("hashes",), {"MD5": "of a victim"}),
        (("hashes",), {"MD5": {"x_victim": "00" * 16}}),
        (("hashes",), ["00" * 16]),
        (("external_references",), {**ENTRY, "hashes": {"MD5": "of a victim"}}),
        (("definition",), {"statement": "For members.", "x_victim": "v"}),
        (("definition",), {"statement": {"x_victim": "v"}}),
        (("contents",), {"x_victim": {"name": "v"}}),
        (("contents",), {"th": {"name": {"x_victim": "v"}}}),
        (("contents",), {"th": "v"}),
        (("impacted_entity_counts",), {"individual": {"x_victim": 3}}),
        (("impacted_entity_counts",), {"individual": "v"}),
        (("impacted_entity_counts",), [{"entity_type": "individual", "x_victim": 3}]),
    ],
)
def test_what_nobody_has_heard_of_does_not(place, value):
    assert not passes(place, value)
