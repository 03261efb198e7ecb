"""Members: a property that may pass takes nothing unknown along."""

import pytest

from adapters.members import is_listed, passes
from schemas import iep, pap
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


# --------------------------------------------------------------------------- on a list

LISTED = frozenset({"phishing", "news", "url:value", "domain-name:value"})
REFERENCES = ("external_references",)
PATTERN = ("pattern",)


def is_on(place, value):
    return is_listed(place, value, LISTED.__contains__)


def test_a_word_passes_if_it_is_on_the_list():
    assert is_on(("labels",), "phishing")
    assert not is_on(("labels",), "Temcott")
    assert not is_on(("labels",), {"phishing": 1})


@pytest.mark.parametrize(
    "value",
    [
        {"source_name": "news"},
        {"source_name": "news", "url": "https://news.example/2026/a"},
        {"source_name": "news", "url": "https://news.example:8443"},
    ],
)
def test_a_reference_passes_if_its_source_is_listed_and_its_url_public(value):
    assert is_on(REFERENCES, value)


@pytest.mark.parametrize(
    "value",
    [
        "news",
        {},
        {"source_name": "blog", "url": "https://news.example/"},
        {"url": "https://news.example/"},
        *(
            {"source_name": "news", "url": url}
            for url in [
                "http://news.example/",
                "https://ana@news.example/",
                "https://news.example/?who=ana",
                "https://news.example/#ana",
                "https:///2026",
                "https://[bad/",
                "news.example",
                "",
                7,
            ]
        ),
    ],
)
def test_a_reference_that_may_name_who_followed_it_does_not_pass(value):
    assert not is_on(REFERENCES, value)


@pytest.mark.parametrize(
    "pattern",
    [
        "[url:value = 'https://bad.example/']",
        "[url:value='a']",
        "[ url:value = '' ]",
        "[url:value = 'a' OR url:value = 'b' AND domain-name:value = 'c']",
        "[url:value = 'a'] OR [url:value = 'b'] AND [url:value = 'c']",
        "[url:value = 'a'] AND [ url:value = 'b' OR domain-name:value = 'c' ]",
        "[url:value = 'a'] OR [url:value = 'b' AND url:value = 'c']",
    ],
)
def test_a_plain_pattern_passes_if_all_that_it_looks_at_is_listed(pattern):
    assert is_on(PATTERN, pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        7,
        "",
        "url:value = 'a'",
        "[url:value = 'a'",
        "[email-addr:value = 'a']",
        "[url:value = 'a' OR email-addr:value = 'b']",
        "[url:value = 'a'] OR [email-addr:value = 'b']",
        "[url:value = 'a'] OR [url:value = 'c' AND email-addr:value = 'b']",
        "[url:value LIKE 'a%']",
        "[url:value = 'a'] FOLLOWEDBY [url:value = 'b']",
        "[url:value = 'a'] REPEATS 2 TIMES",
        "[url:value = 'a' XOR url:value = 'b']",
        r"[url:value = 'a\' OR email-addr:value = \'b']",
        "[url:value = 'a'] [url:value = 'b']",
    ],
)
def test_a_pattern_that_is_not_plain_or_looks_at_more_does_not(pattern):
    assert not is_on(PATTERN, pattern)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (in_core("tasks"), [{"task_ref": "x", "condition_type": "a"}]),
        (in_core("subtasks"), [{"task_ref": "x", "sequence_start": 1}]),
        (in_core("subevents"), [{"event_ref": "x", "sequence_end": 1}]),
        (in_core("activities"), [{"event_ref": "x", "transition_type": "a"}]),
        (in_core("degree"), {"contents": 1, "platforms": 2, "engagement": 3}),
        (in_core("targeted_election"), {"date": "2026-01-01"}),
        (("changed_objects",), [{"initial_ref": "x", "result_refs": ["y"]}]),
        (("extensions", pap.EXTENSION), {"extension_type": "x", "pap": "red"}),
        (("extensions", iep.EXTENSION), dict.fromkeys(iep.TERM_NAMES, "x")),
    ],
)
def test_the_members_that_a_specification_names_pass(place, value):
    assert passes(place, value)
    [strange] = value if isinstance(value, list) else [value]
    assert not passes(place, [strange | {"x_victim": "v"}])


def test_only_counts_have_members_of_any_name():
    assert passes(in_core("impacted_entity_counts"), {"x": 1})
    assert not passes(in_core("impacted_entity_counts"), {"x": {"y": 1}})
    assert not passes(in_core("impacted"), {"x": 1})
    assert not passes(REFERENCES, {**ENTRY, "external_id": {"hashes_": 1}})
