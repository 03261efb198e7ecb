"""Who gets what of the extension for disinformation, and of objects that lack it."""

import pytest

from schemas.stix.disinformation import DISINFORMATION, NEW_TYPES, new_type_extension
from tests.support.views import VIEWS, cut_new, link, made_of, new, only, projected

SAID = {
    "extension_type": "property-extension",
    "behaviours": [{"framework": "disarm", "id": "T0087.001"}],
    "languages": ["en", "id"],
    "targeted_election": {"country": "XA", "date": "2027-03-14"},
    "ai_generated": "ai-generated",
    "degree": {"channels": 3, "contents": 41, "reach": 120_000, "x_victim": 10},
    "effect": ["election-integrity"],
}
CAMPAIGN = new("campaign", extensions={DISINFORMATION: SAID})
PATTERN = new("attack-pattern")


@pytest.mark.parametrize("name", VIEWS)
def test_the_words_go_to_everybody(name):
    shown = only(cut_new(VIEWS[name], CAMPAIGN), "campaign")["extensions"]
    words = {n: v for n, v in shown[DISINFORMATION].items() if n != "degree"}
    assert words == {n: v for n, v in SAID.items() if n != "degree"}


@pytest.mark.parametrize(
    ("name", "degree"),
    [
        ("peer", None),  # for the member that nobody has heard of
        ("platform", {"contents": 10, "reach": 100_000}),
        ("civil", {"contents": 10, "reach": 100_000}),
    ],
)
def test_numbers_that_are_not_for_a_view_become_their_order_of_magnitude(name, degree):
    one = only(cut_new(VIEWS[name], CAMPAIGN), "campaign")
    assert one["extensions"][DISINFORMATION].get("degree") == degree
    made = "extensions.disinformation.degree" in made_of(one)
    assert made == (degree is not None)


def test_peers_get_the_numbers():
    said = SAID | {"degree": {"channels": 3, "engagement": 7}}
    campaign = CAMPAIGN | {"extensions": {DISINFORMATION: said}}
    one = only(cut_new(VIEWS["peer"], campaign), "campaign")
    assert one["extensions"][DISINFORMATION]["degree"] == said["degree"]


@pytest.mark.parametrize("name", VIEWS)
def test_the_technique_made_of_a_behaviour_goes_to_everybody(name):
    redacted = cut_new(VIEWS[name], CAMPAIGN)
    [pattern] = projected(redacted, "attack-pattern")
    [uses] = projected(redacted, "relationship")
    assert pattern["external_references"] == [
        {"source_name": "disarm", "external_id": "T0087.001"}
    ]
    campaign = only(redacted, "campaign")
    assert (uses["source_ref"], uses["target_ref"]) == (campaign["id"], pattern["id"])


@pytest.mark.parametrize("kind", NEW_TYPES)
@pytest.mark.parametrize("marked", [True, False])
def test_an_object_of_a_new_type_is_shown_with_the_mark_it_came_with(kind, marked):
    said = new_type_extension(kind) if marked else None
    one = new(kind, "one", extensions=said)
    campaign = new("campaign")
    uses = link(campaign, "uses", one)
    shown = only(cut_new(VIEWS["peer"], campaign, one, uses, PATTERN), kind)
    expected = new_type_extension(kind)[DISINFORMATION] if marked else None
    assert shown.get("extensions", {}).get(DISINFORMATION) == expected


@pytest.mark.parametrize("name", ["peer", "concerned"])
def test_whether_a_machine_made_a_posting_goes_along_with_it(name):
    campaign = new("campaign")
    one = new("media-content", "one", ai_generated="ai-assisted")
    redacted = cut_new(VIEWS[name], campaign, one, link(campaign, "uses", one), PATTERN)
    assert only(redacted, "media-content")["ai_generated"] == "ai-assisted"
