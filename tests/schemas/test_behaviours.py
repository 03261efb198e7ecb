"""Behaviours named by number become objects, once, marked as the one who names them."""

from typing import Any

import pytest

from schemas import stix
from schemas.composing import compose
from schemas.errors import SchemaError
from schemas.markings import TLP_IDS, Tlp
from schemas.record import Draft
from schemas.stix.disinformation import DISINFORMATION
from schemas.stix.relationships import Relationship
from tests.support.records import MODIFIED, an_id, decoded, plain_object

GREEN, AMBER = TLP_IDS[Tlp.GREEN], TLP_IDS[Tlp.AMBER]
FIRST = {"framework": "disarm", "id": "T0087.001"}
SECOND = {"framework": "disarm", "id": "T0049.003"}
NARRATIVE = plain_object("narrative", name="A story")


def holder(*behaviours: Any, kind: str = "campaign", **properties: Any) -> Any:
    said = {"extension_type": "property-extension", "behaviours": list(behaviours)}
    return plain_object(kind, extensions={DISINFORMATION: said}, **properties)


def pattern(number: str, source: str = "DISARM", **more: Any) -> dict[str, Any]:
    reference = {"source_name": source, "external_id": number, **more}
    return plain_object("attack-pattern", name="n", external_references=[reference])


def composed(*plain: dict[str, Any]) -> Draft:
    return compose(decoded(*plain), now=MODIFIED, primary=plain[0]["id"])


def of_type(draft: Draft, kind: str) -> list[Any]:
    return [each for each in draft.objects if each.type == kind]


def test_a_behaviour_becomes_a_technique_that_the_campaign_uses() -> None:
    draft = composed(holder(FIRST, created_by_ref=an_id("identity")), NARRATIVE)
    [made] = of_type(draft, "attack-pattern")
    assert made.name == "T0087.001"
    [reference] = made.external_references
    assert (reference.source_name, reference.external_id) == ("disarm", "T0087.001")
    [uses] = of_type(draft, "relationship")
    assert uses.relationship_type == "uses"
    assert (uses.source_ref, uses.target_ref) == (draft.objects[0].id, made.id)
    for each in (made, uses):
        stix.check_required(each)
        assert (each.created, each.modified) == (MODIFIED, MODIFIED)
        assert each.created_by_ref == an_id("identity")
    assert draft.primary == 0


def test_the_record_is_then_about_conduct_and_without_it_is_not() -> None:
    composed(holder(FIRST), NARRATIVE)
    with pytest.raises(SchemaError) as caught:
        composed(holder(), NARRATIVE)
    assert caught.value.reason == "no-behaviour"


def test_the_same_input_gives_the_same_objects() -> None:
    assert composed(holder(FIRST, SECOND)) == composed(holder(FIRST, SECOND))


def test_a_behaviour_named_twice_counts_once() -> None:
    draft = composed(holder(FIRST, FIRST), holder(FIRST, kind="incident"), NARRATIVE)
    assert len(of_type(draft, "attack-pattern")) == 1
    assert len(of_type(draft, "relationship")) == 2


@pytest.mark.parametrize(
    "there",
    [
        pattern("T0087.001"),
        pattern("T0087.001", "mitre-attack", url="https://disarm.example/T0087.001"),
        pattern("T0087.001", "a-source")
        | {"kill_chain_phases": [{"kill_chain_name": "DISARM", "phase_name": "p"}]},
    ],
)
def test_a_technique_that_is_there_is_not_made_again(there: dict[str, Any]) -> None:
    draft = composed(holder(FIRST), there)
    assert [each.id for each in of_type(draft, "attack-pattern")] == [there["id"]]
    [uses] = of_type(draft, "relationship")
    assert uses.target_ref == there["id"]


@pytest.mark.parametrize(
    "there",
    [
        pattern("T0087"),
        pattern("T0087.001", "mitre-attack"),
        plain_object("attack-pattern", name="T0087.001"),
        pattern("T0087.001") | {"external_references": [{"source_name": "DISARM"}]},
    ],
)
def test_a_technique_of_another_number_or_framework_is_another(
    there: dict[str, Any],
) -> None:
    assert len(of_type(composed(holder(FIRST), there), "attack-pattern")) == 2


def test_a_technique_of_disarm_is_none_of_attack_whatever_its_source_says() -> None:
    there = pattern("T0049", "mitre-attack", url="https://disarm.example/T0049")
    draft = composed(holder({"framework": "mitre-attack", "id": "T0049"}), there)
    assert len(of_type(draft, "attack-pattern")) == 2


def test_a_relationship_that_is_there_is_not_made_again() -> None:
    main, there = holder(FIRST), pattern("T0087.001")
    ends = {"source_ref": main["id"], "target_ref": there["id"]}
    uses = plain_object("relationship", relationship_type="uses", **ends)
    other = plain_object("relationship", 2, relationship_type="mitigates", **ends)
    assert len(composed(main, there, uses).objects) == 3
    assert len(composed(main, there, other).objects) == 4


def test_what_is_made_is_marked_as_strictly_as_what_names_it() -> None:
    for properties in (
        {"object_marking_refs": [AMBER]},
        {
            "object_marking_refs": [GREEN],
            "granular_markings": [{"selectors": ["extensions"], "marking_ref": AMBER}],
        },
    ):
        draft = composed(holder(FIRST, **properties))
        made = [*of_type(draft, "attack-pattern"), *of_type(draft, "relationship")]
        assert [each.object_marking_refs for each in made] == [(AMBER,), (AMBER,)]


def test_only_campaigns_and_incidents_name_behaviours() -> None:
    said = {DISINFORMATION: {"behaviours": [FIRST]}}
    story = plain_object("narrative", name="n", extensions=said)
    with pytest.raises(SchemaError) as caught:
        composed(plain_object("report", name="n"), story)
    assert caught.value.reason == "no-behaviour"


def test_what_is_malformed_is_not_signed() -> None:
    with pytest.raises(SchemaError) as caught:
        composed(plain_object("report", name="n"), holder({"framework": "disarm"}))
    assert caught.value.reason == "bad-property"
    assert caught.value.where == "$.objects[1].extensions[...].behaviours[0]"


def test_what_is_made_counts_towards_the_size_of_a_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("schemas.composing.MAX_OBJECTS", 4)
    assert len(composed(holder(FIRST), NARRATIVE).objects) == 4
    with pytest.raises(SchemaError) as caught:
        composed(holder(FIRST, SECOND), NARRATIVE)
    assert caught.value.reason == "too-many-objects"


def test_the_relationships_made_are_those_of_the_product() -> None:
    [uses] = of_type(composed(holder(FIRST)), "relationship")
    assert isinstance(uses, Relationship)
