"""Marks that contradict each other, or will surprise who sends them, are told."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from schemas import stix
from schemas.composing import compose
from schemas.errors import SchemaError
from schemas.findings import Findings
from schemas.linting import lint
from schemas.markings import TLP_IDS, Tlp, is_known_marking, tlp_of
from schemas.markings_checks import contradictions
from schemas.pap import PAP_IDS, Pap
from schemas.reasons import REASONS
from schemas.record import ALL_COMMUNITY
from schemas.rules import RULES
from schemas.terms import TLP_EXTENSION
from tests.support.policies import definition, pap_extension, policy
from tests.support.real_data import real_files
from tests.support.records import an_id, decoded, incident, plain_object

NOW = "2026-12-02T00:00:00Z"
CLEAR, GREEN, AMBER, STRICT, RED = (TLP_IDS[tlp] for tlp in Tlp)
TLP_1_WHITE = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
TLP_1_AMBER = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
ONE = an_id("marking-definition")
STATEMENT = {"definition_type": "statement", "definition": {"statement": "Free."}}


def told(*plain: dict[str, Any], **options: Any) -> list[tuple[str, str]]:
    """Rule and place of all that is odd about an incident and these objects."""
    objects = decoded(incident(), *plain)
    places = {o.id: f"$.objects[{i}]" for i, o in enumerate(objects)}
    found = list(contradictions(objects, places, now=NOW, **options))
    assert {f.rule for f in found} <= RULES.keys()
    assert all(f.expected == "" and f.count == 1 for f in found)
    return [(f.rule, f.where) for f in found]


def advice(*refs: str, number: int = 1, **more: Any) -> dict[str, Any]:
    plain = plain_object("course-of-action", number, object_marking_refs=[*refs])
    if not refs:
        del plain["object_marking_refs"]
    return plain | more


def part(ref: str, *selectors: str) -> dict[str, Any]:
    return {"marking_ref": ref, "selectors": list(selectors or ("name",))}


def partly(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"granular_markings": list(parts)}


def at(place: str) -> str:
    return f"$.objects[1]{place}"


def test_a_plainly_marked_record_gives_no_cause() -> None:
    assert told(advice(GREEN), plain_object("tool", labels=["a"])) == []
    assert told(advice(GREEN, **partly({"lang": "th", "selectors": ["name"]}))) == []


# -- TLP


def test_two_tlps_on_one_object() -> None:
    assert told(advice(GREEN, CLEAR)) == [("tlp-several", at(".object_marking_refs"))]
    assert told(advice(GREEN, GREEN)) == []
    assert told(advice(TLP_1_WHITE, CLEAR)) == []


def test_amber_of_tlp_1() -> None:
    assert ("tlp-1-amber", at(".object_marking_refs[0]")) in told(advice(TLP_1_AMBER))
    found = told(advice(GREEN, **partly(part(TLP_1_AMBER))))
    assert found == [("tlp-1-amber", at(".granular_markings[0].marking_ref"))]
    assert told(advice(TLP_1_WHITE)) == []


def test_a_part_that_is_marked_less_strictly_than_its_object() -> None:
    found = told(advice(GREEN, **partly(part(AMBER), part(GREEN), part(CLEAR))))
    assert found == [("tlp-weaker-part", at(".granular_markings[2]"))]


def test_what_is_not_marked() -> None:
    assert told(advice(), advice(number=2)) == [
        ("tlp-unmarked", "$.objects[1]"),
        ("tlp-unmarked", "$.objects[2]"),
    ]
    # Against the marking that it gets.
    weaker = partly(part(AMBER))
    assert ("tlp-weaker-part", at(".granular_markings[0]")) in told(advice(**weaker))
    # Nor against that of the command, which is known to mark it.
    assert told(advice(**weaker), tlp=Tlp.GREEN) == []


def test_an_object_that_is_stricter_than_the_record() -> None:
    assert told(advice(AMBER), advice(CLEAR, number=2)) == [
        ("tlp-above-primary", "$.objects[1]")
    ]
    report = plain_object("report", published=NOW, object_refs=[an_id("incident")])
    wanted = report["id"]
    found = told(report | {"object_marking_refs": [CLEAR]}, primary=wanted)
    assert ("tlp-above-primary", "$.objects[0]") in found


def test_without_a_primary_object_nothing_is_above_it() -> None:
    objects = decoded(advice(GREEN), advice(AMBER, number=2))
    places = {o.id: "$" for o in objects}
    assert list(contradictions(objects, places, now=NOW)) == []


def test_references_to_stricter_objects() -> None:
    secret = advice(AMBER)
    others = [
        plain_object(
            "relationship",
            relationship_type="related-to",
            source_ref=an_id("incident"),
            target_ref=secret["id"],
        ),
        plain_object(
            "report", published=NOW, object_refs=[an_id("incident"), secret["id"]]
        ),
        plain_object(
            "sighting", object_marking_refs=[CLEAR], sighting_of_ref=an_id("incident")
        ),
        plain_object(
            "impact",
            impact_category="external",
            extensions={
                "a": {"event_refs": [an_id("event"), secret["id"], 7]},
                "b": [{"x_ref": secret["id"]}, {"y_ref": 7, "c": "d"}],
            },
        ),
        plain_object("tool", object_marking_refs=[AMBER], created_by_ref=secret["id"]),
    ]
    found = told(secret, *others, primary=an_id("incident"))
    assert [(rule, where) for rule, where in found if rule == "tlp-reference"] == [
        ("tlp-reference", "$.objects[2].target_ref"),
        ("tlp-reference", "$.objects[3].object_refs[1]"),
        ("tlp-reference", "$.objects[4].sighting_of_ref"),
        ("tlp-reference", "$.objects[5].extensions"),
        ("tlp-reference", "$.objects[5].extensions"),
    ]


def test_labels_that_name_a_tlp() -> None:
    labels = ["tlp:green", "TLP:Amber", "tlp:unclear", "tlp:ex:chr", "ex:chr", "tlp:x"]
    assert told(advice(GREEN, labels=labels)) == [
        ("tlp-label", at(".labels[1]")),
        ("tlp-unclear", at(".labels[2]")),
        ("chatham-house", at(".labels[3]")),
        ("chatham-house", at(".labels[4]")),
        ("tlp-label", at(".labels[5]")),
    ]
    assert ("tlp-label", at(".labels[0]")) in told(advice(labels=["tlp:green"]))


# -- definitions


def tlp_body(word: Any) -> dict[str, Any]:
    return {"extensions": {TLP_EXTENSION: {"tlp_2_0": word}}}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "TLP:GREEN"},
        {"name": "Green, of the house"},
        {"definition_type": "tlp", "definition": {"tlp": "green"}},
        {"definition_type": "statement", "definition": {"statement": "red"}},
        tlp_body("green"),
    ],
)
def test_a_body_that_says_what_its_id_means_is_fine(body: dict[str, Any]) -> None:
    assert told(advice(GREEN), definition(**body) | {"id": GREEN}) == []


@pytest.mark.parametrize(
    "body",
    [
        {"name": "TLP:RED"},
        {"name": "tlp:greenish"},
        {"definition_type": "tlp", "definition": {"tlp": "white"}},
        {"definition_type": "TLP", "definition": {"tlp": 7}},
        tlp_body("amber"),
        tlp_body(None),
        {"extensions": {TLP_EXTENSION: "green"}},
    ],
)
def test_a_body_that_disagrees_with_its_id(body: dict[str, Any]) -> None:
    found = told(advice(GREEN), definition(**body) | {"id": GREEN})
    assert found == [("tlp-body", "$.objects[2]")]


def test_clear_under_the_id_of_white_is_no_contradiction() -> None:
    body = {"definition_type": "tlp", "definition": {"tlp": "clear"}}
    assert told(definition(**body) | {"id": TLP_1_WHITE}) == []


@pytest.mark.parametrize("body", [{"name": "TLP:GREEN"}, tlp_body("green")])
def test_a_tlp_under_an_id_of_its_own(body: dict[str, Any]) -> None:
    found = told(advice(GREEN, ONE), definition(object_marking_refs=[GREEN], **body))
    assert found == [
        ("marking-unknown", at(".object_marking_refs[1]")),
        ("tlp-foreign-id", "$.objects[2]"),
    ]


def test_marks_that_nobody_explains() -> None:
    strange = definition(definition_type="acs", object_marking_refs=[GREEN])
    assert told(advice(GREEN, ONE), strange) == [
        ("marking-unknown", at(".object_marking_refs[1]"))
    ]
    found = told(advice(GREEN, **partly(part(ONE))), strange)
    assert found == [("marking-unknown", at(".granular_markings[0].marking_ref"))]
    # Of those without a definition `linting` tells, but of parts.
    assert told(advice(GREEN, ONE)) == []
    assert told(advice(GREEN, **partly(part(ONE)))) == [
        ("dangling-marking", at(".granular_markings[0].marking_ref"))
    ]
    known = definition(object_marking_refs=[GREEN], **STATEMENT)
    assert told(advice(GREEN, ONE), known) == []


def test_an_unmarked_definition_is_told_where_it_stays_at_home() -> None:
    assert told(definition(**STATEMENT)) == [("tlp-unmarked", "$.objects[1]")]
    assert told(policy(), definition(2, **pap_extension("green"))) == []


# -- PAP


def test_paps_that_cannot_be_read() -> None:
    assert told(advice(GREEN, labels=["PAP:GREEN", "pap:purple"])) == [
        ("pap-unknown", at(".labels[1]"))
    ]
    assert told(definition(**pap_extension("x"))) == [("pap-unknown", "$.objects[1]")]


def test_a_pap_whose_body_disagrees_with_its_id() -> None:
    green = next(ref for ref, meant in PAP_IDS.items() if meant is Pap.GREEN)
    for word, found in (("red", [("pap-body", "$.objects[1]")]), ("green", [])):
        assert told(definition(**pap_extension(word)) | {"id": green}) == found


def test_several_paps_on_one_object() -> None:
    amber = definition(**pap_extension("amber"))
    found = told(advice(GREEN, ONE, labels=["PAP:GREEN"]), amber)
    assert found == [("pap-several", "$.objects[1]")]
    assert told(advice(GREEN, ONE, labels=["PAP:AMBER"]), amber) == []


def test_pap_red_for_everybody() -> None:
    red = [advice(GREEN, labels=["PAP:RED"])]
    everybody = [ALL_COMMUNITY, "urn:tocsin:community:banks"]
    assert told(*red, communities=everybody) == [("pap-red-wide", "$.objects[1]")]
    assert told(*red, communities=everybody[1:]) == told(*red) == []
    marked = definition(**pap_extension("red"))
    for under in (advice(GREEN, ONE), advice(GREEN, **partly(part(ONE)))):
        found = told(under, marked, communities=everybody)
        assert found == [("pap-red-wide", "$.objects[1]")]
    amber = advice(GREEN, labels=["PAP:AMBER"])
    assert told(amber, communities=everybody) == []


# -- IEP


def test_an_iep_that_is_stricter_than_the_marking() -> None:
    assert told(advice(CLEAR, ONE), policy(tlp="green")) == [
        ("iep-tlp", at(".object_marking_refs"))
    ]
    assert told(advice(GREEN, ONE), policy(tlp="green")) == []


def test_an_iep_that_begins_later() -> None:
    later = policy(start_date="2027-01-01T00:00:00Z")
    found = told(advice(GREEN, ONE), later)
    assert found == [("iep-not-begun", at(".object_marking_refs[1]"))]
    found = told(advice(GREEN, **partly(part(ONE))), later)
    assert found == [("iep-not-begun", at(".granular_markings[0].marking_ref"))]
    assert told(advice(GREEN, ONE), policy(start_date=NOW)) == []


# -- as a whole


def test_what_refuses_a_record_is_not_told_here() -> None:
    bent = [
        [advice(RED)],
        [advice(GREEN, **partly(part(AMBER, "nmae")))],
        [advice(GREEN, **partly(part(AMBER, "...")), labels=["PAP:GREEN"])],
        [advice(GREEN, **partly({"selectors": ["name"]}))],
        [advice(GREEN, ONE), policy(end_date=NOW)],
        [advice(GREEN, ONE), policy(provider_attribution="must-not")],
        [advice(GREEN, ONE), policy(tlp="purple")],
    ]
    for plain in bent:
        rules = {rule for rule, _ in told(*plain, communities=[ALL_COMMUNITY])}
        assert rules <= {
            "tlp-above-primary", "tlp-unmarked", "marking-unknown",
        }  # fmt: skip
        with pytest.raises(SchemaError):
            compose(decoded(incident(), *plain), now=NOW)


def test_findings_of_one_kind_are_counted() -> None:
    found = Findings()
    objects = decoded(incident(), *(advice(number=n) for n in range(1, 9)))
    places = {o.id: f"$.objects[{i}]" for i, o in enumerate(objects)}
    for each in contradictions(objects, places, now=NOW):
        found.put(each)
    assert [(f.rule, f.where, f.count) for f in found] == [
        ("tlp-unmarked", "$.objects[1]", 8)
    ]


def test_linting_does_not_miss_what_is_understood_here() -> None:
    made = policy() | {"object_marking_refs": [GREEN]}
    objects = decoded(advice(GREEN, ONE, *PAP_IDS), made)
    places = {o.id: "$" for o in objects}
    assert lint(objects, places, now=NOW) == []


@pytest.mark.parametrize(
    "code", [c for c in RULES if c.startswith(("tlp-", "pap-", "iep-", "chatham-"))]
)
def test_a_rule_tells_what_to_do_in_a_sentence(code: str) -> None:
    rule = RULES[code]
    assert code not in REASONS
    assert 10 < len(rule.sentence) < 200
    assert rule.sentence.endswith(".")
    assert rule.sentence[0].islower() or rule.sentence.startswith(("PAP", "AMBER"))


@pytest.mark.parametrize("path", real_files("fimi_viginum_stix21/20230822*"))
def test_what_is_odd_about_a_real_report(path: Path) -> None:
    objects = stix.decode_bundle(json.loads(path.read_bytes()))
    places = {o.id: f"$.objects[{i}]" for i, o in enumerate(objects)}
    found = Findings()
    for each in contradictions(objects, places, now=NOW):
        found.put(each)
    counts = {f.rule: f.count for f in found}
    unmarked = [o for o in objects if tlp_of(o.object_marking_refs or ()) is None]
    of_tlp = [o for o in unmarked if is_known_marking(o.id)]
    assert counts["tlp-unmarked"] == len(unmarked) - len(of_tlp) > 158
    assert counts.keys() == {"tlp-unmarked", "tlp-reference"}


def test_plainly_marked_objects_take_a_time_in_proportion() -> None:
    def seconds(number: int) -> float:
        advices = (advice(GREEN, number=n) for n in range(1, number + 1))
        objects = decoded(incident(), *advices)
        places = {o.id: "$" for o in objects}
        began = time.process_time()
        assert list(contradictions(objects, places, now=NOW)) == []
        return time.process_time() - began

    few = max(min(seconds(500) for _ in range(3)), 0.001)
    assert seconds(10_000) < 20 * 4 * few  # of a square, 400 times
