"""The extension for disinformation: its view, its JSON Schema, its example."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from schemas import composing, stix
from schemas.errors import SchemaError
from schemas.facts import facts_of
from schemas.markings import Tlp
from schemas.stix.disinformation import (
    DISINFORMATION,
    NEW_TYPES,
    Behaviour,
    Degree,
    Disinformation,
    Election,
    disinformation,
    disinformation_extension,
    new_type_extension,
)
from tests.support.stix_values import views

ROOT = Path(__file__).parents[2]
SCHEMA = Draft202012Validator(
    json.loads((ROOT / "docs/disinformation.json").read_text("utf-8"))
)
PAGE = (ROOT / "docs/disinformation.md").read_text("utf-8")
NOW = "2027-03-01T00:00:00.000Z"
CAMPAIGN = "campaign--0b0a8b61-52a8-4d3a-8d20-1de5b8a7a1f4"
SAID = Disinformation(
    behaviours=(Behaviour(framework="disarm", id="T0087.001"),),
    languages=("en", "zh-Hant"),
    targeted_election=Election(country="XA", date="2027-03-14", kind="parliamentary"),
    ai_generated="ai-assisted",
    degree=Degree(channels=2, contents=14, platforms=2, reach=310_000, engagement=0),
    effect=("election-integrity", "public-confidence"),
)
FULL = {
    "extension_type": "property-extension",
    "behaviours": [{"framework": "disarm", "id": "T0087.001"}],
    "languages": ["en", "zh-Hant"],
    "targeted_election": {
        "country": "XA",
        "date": "2027-03-14",
        "kind": "parliamentary",
    },
    "ai_generated": "ai-assisted",
    "degree": {
        "channels": 2,
        "contents": 14,
        "platforms": 2,
        "reach": 310_000,
        "engagement": 0,
    },
    "effect": ["election-integrity", "public-confidence"],
}


def campaign(extension: Any, **properties: Any) -> stix.StixObject:
    extensions = {DISINFORMATION: extension}
    body = {"type": "campaign", "id": CAMPAIGN, "extensions": extensions}
    return stix.decode_object(body | properties)


def examples() -> list[dict[str, Any]]:
    """The JSON texts that the page shows."""
    return [json.loads(t) for t in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


# ------------------------------------------------------------------ the view


def test_all_that_it_says_is_read_and_written() -> None:
    assert disinformation(campaign(FULL)) == SAID
    assert disinformation_extension(SAID) == FULL


def test_what_it_does_not_know_is_passed_over() -> None:
    assert disinformation(campaign(FULL | {"x_own": [1]})) == SAID
    mark = {"extension_type": "new-sdo"}
    assert disinformation(campaign(mark)) == Disinformation()


def test_an_object_without_it_says_nothing() -> None:
    assert (
        disinformation(stix.decode_object({"type": "campaign", "id": CAMPAIGN})) is None
    )
    assert disinformation(campaign(None)) is None


BAD = [
    ({"behaviours": [{"framework": "disarm"}]}, ".behaviours[0]"),
    ({"behaviours": ["T0087.001"]}, ".behaviours[0]"),
    ({"behaviours": [{"framework": "A name", "id": "1"}]}, ".behaviours[0].framework"),
    ({"behaviours": [{"framework": "disarm", "id": "A name"}]}, ".behaviours[0].id"),
    ({"languages": ["english language"]}, ".languages[0]"),
    ({"targeted_election": {"country": "xa"}}, ".targeted_election.country"),
    ({"targeted_election": {"date": "2027-02-30"}}, ".targeted_election.date"),
    ({"targeted_election": {"kind": "Of A Person"}}, ".targeted_election.kind"),
    ({"ai_generated": True}, ".ai_generated"),
    ({"ai_generated": "maybe"}, ".ai_generated"),
    ({"degree": {"channels": -1}}, ".degree.channels"),
    ({"degree": {"reach": "many"}}, ".degree.reach"),
    ({"effect": ["Somebody stayed at home"]}, ".effect[0]"),
]


@pytest.mark.parametrize(("said", "place"), BAD)
def test_what_is_malformed_is_refused_by_its_place(said: Any, place: str) -> None:
    with pytest.raises(SchemaError) as caught:
        disinformation(campaign(FULL | said), "$.objects[1]")
    assert caught.value.reason == "bad-property"
    assert caught.value.where == f"$.objects[1].extensions[...]{place}"


def test_an_extension_that_is_no_object_is_refused() -> None:
    with pytest.raises(SchemaError):
        disinformation(campaign(["T0087.001"]))


# ------------------------------------------------------------------ the JSON Schema


def test_the_schema_is_one_and_takes_what_the_view_writes() -> None:
    Draft202012Validator.check_schema(SCHEMA.schema)
    SCHEMA.validate(FULL)
    for kind, word in NEW_TYPES.items():
        assert new_type_extension(kind) == {DISINFORMATION: {"extension_type": word}}
        SCHEMA.validate({"extension_type": word})
    assert DISINFORMATION in SCHEMA.schema["description"]


@given(views(Disinformation))
def test_whatever_the_view_writes_fits_the_schema(said: Disinformation) -> None:
    SCHEMA.validate(disinformation_extension(said))


@pytest.mark.parametrize("said", [s for s, p in BAD if p != ".targeted_election.date"])
def test_what_the_view_refuses_the_schema_refuses(said: Any) -> None:
    # That a day exists is asserted by `format`, which validators may leave out.
    assert not SCHEMA.is_valid(FULL | said)


def test_the_mark_of_a_new_type_says_nothing_else() -> None:
    assert not SCHEMA.is_valid({"extension_type": "new-sdo", "languages": ["en"]})
    assert not SCHEMA.is_valid({"extension_type": "new-sro"})
    assert not SCHEMA.is_valid({"languages": ["en"]})


def test_schema_and_view_have_the_same_members() -> None:
    properties = SCHEMA.schema["$defs"]["property_extension"]["properties"]
    assert properties.keys() == {"extension_type", *Disinformation.__struct_fields__}
    for name, struct in (("degree", Degree), ("targeted_election", Election)):
        assert properties[name]["properties"].keys() == {*struct.__struct_fields__}
    behaviour = properties["behaviours"]["items"]
    assert behaviour["properties"].keys() == {*Behaviour.__struct_fields__}


# ------------------------------------------------------------------ the page


def test_the_example_of_the_page_can_be_signed_and_names_a_behaviour() -> None:
    bundle = next(each for each in examples() if each["type"] == "bundle")
    objects = stix.decode_bundle(bundle)
    for each in objects:
        stix.check_required(each)
        said = (each.extensions or {}).get(DISINFORMATION)
        if said is not None:
            SCHEMA.validate(said)
            assert said["extension_type"] == NEW_TYPES.get(
                each.type, "property-extension"
            )
        else:
            assert each.type not in NEW_TYPES
    draft = composing.compose(objects, now=NOW)
    assert draft.kind == "campaign"
    made = [o for o in draft.objects if o not in draft.objects[: len(objects)]]
    assert sorted(o.type for o in made) == [
        "attack-pattern", "attack-pattern", "relationship", "relationship",
    ]  # fmt: skip
    assert (draft.facts.countries, draft.facts.languages) == (("XA",), ("en", "id"))


def test_the_extension_definition_of_the_page_is_complete() -> None:
    [plain] = [e for e in examples() if e["type"] == "extension-definition"]
    definition = stix.decode_object(plain)
    stix.check_required(definition)
    assert definition.id == DISINFORMATION
    assert {*plain["extension_types"]} == {*NEW_TYPES.values(), "property-extension"}


def test_the_page_explains_every_property() -> None:
    for struct in (Disinformation, Behaviour, Election, Degree):
        for name in struct.__struct_fields__:
            assert f"`{name}`" in PAGE
    assert DISINFORMATION in PAGE


# ------------------------------------------------------------------ routing facts


def facts(extension: Any, **properties: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    green = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
    main = campaign(extension, object_marking_refs=[green], **properties)
    found = facts_of([main], main, Tlp.GREEN)
    return found.countries, found.languages


def test_a_record_is_routed_by_the_languages_and_the_country_it_names() -> None:
    assert facts(FULL) == (("XA",), ("en", "zh-Hant"))


def test_what_is_marked_stricter_routes_nothing() -> None:
    amber = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
    marks = [{"selectors": ["extensions"], "marking_ref": amber}]
    assert facts(FULL, granular_markings=marks) == ((), ())


@pytest.mark.parametrize(
    "extension",
    [None, 1, {"languages": "en"}, {"languages": [1]}, {"targeted_election": ["XA"]}],
)
def test_what_is_malformed_routes_nothing(extension: Any) -> None:
    # A verifier meets what others signed.
    assert facts(extension) == ((), ())
