"""TLP: its order, its ids, and marks on parts of an object."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import SchemaError
from schemas.markings import (
    TLP_IDS,
    Tlp,
    check_selectors,
    granular_languages,
    granular_marks,
    granular_tlp,
    is_known_marking,
    normalise_refs,
    tlp_of,
)
from schemas.stix import StixObject, decode_object
from tests.support.refusals import refusal_of

WHITE_OF_TLP_1 = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
AMBER_OF_TLP_1 = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
STRICT_OF_OPENCTI = "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37"
STATEMENT = "marking-definition--dc911977-796a-4d96-95e4-615bd1c41263"


def marked(*granular: dict[str, Any], **properties: Any) -> StixObject:
    return decode_object(
        {
            "type": "note",
            "id": "note--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061",
            "content": "text",
            "labels": ["a", "b"],
            **properties,
            **({"granular_markings": list(granular)} if granular else {}),
        }
    )


def test_the_order_is_clear_green_amber_strict_red() -> None:
    assert [t.label for t in sorted(Tlp)] == [
        "CLEAR",
        "GREEN",
        "AMBER",
        "AMBER+STRICT",
        "RED",
    ]
    assert all(Tlp)


@pytest.mark.parametrize("tlp", Tlp)
def test_a_label_reads_back_in_any_case_and_with_the_prefix(tlp: Tlp) -> None:
    assert Tlp.parse(tlp.label) is tlp
    assert Tlp.parse(f" tlp:{tlp.label.lower()} ") is tlp


def test_white_of_tlp_1_is_clear() -> None:
    assert Tlp.parse("TLP:WHITE") is Tlp.CLEAR


@given(st.text())
def test_any_other_word_is_refused(text: str) -> None:
    refused = refusal_of(Tlp.parse, text)
    assert refused is None or str(refused) == "bad-tlp"


@pytest.mark.parametrize("text", ["", "TLP:", "ex:chr", "unclear", "AMBER STRICT", "5"])
def test_words_of_other_schemes_are_no_tlp(text: str) -> None:
    with pytest.raises(SchemaError):
        Tlp.parse(text)


@pytest.mark.parametrize("tlp", Tlp)
def test_the_id_written_for_a_tlp_is_read_as_it(tlp: Tlp) -> None:
    assert tlp_of([TLP_IDS[tlp]]) is tlp
    assert is_known_marking(TLP_IDS[tlp])


@pytest.mark.parametrize(
    ("marking", "tlp"),
    [
        (WHITE_OF_TLP_1, Tlp.CLEAR),
        ("marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", Tlp.GREEN),
        (AMBER_OF_TLP_1, Tlp.AMBER),
        (STRICT_OF_OPENCTI, Tlp.AMBER_STRICT),
        ("marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", Tlp.RED),
    ],
)
def test_ids_of_tlp_1_and_of_opencti_are_read(marking: str, tlp: Tlp) -> None:
    assert tlp_of([marking]) is tlp


@given(st.lists(st.sampled_from(sorted(Tlp)), min_size=1))
def test_the_strictest_marking_counts(tlps: list[Tlp]) -> None:
    assert tlp_of([STATEMENT, *(TLP_IDS[t] for t in tlps)]) is max(tlps)


def test_without_a_known_id_there_is_no_tlp() -> None:
    assert tlp_of([]) is None
    assert tlp_of([STATEMENT]) is None
    assert not is_known_marking(STATEMENT)


def test_known_ids_are_written_as_tlp_2_once_and_others_kept() -> None:
    refs = [STATEMENT, AMBER_OF_TLP_1, TLP_IDS[Tlp.AMBER], STATEMENT, WHITE_OF_TLP_1]
    assert normalise_refs(refs) == (STATEMENT, TLP_IDS[Tlp.AMBER], TLP_IDS[Tlp.CLEAR])


@given(st.lists(st.sampled_from([STATEMENT, WHITE_OF_TLP_1, *TLP_IDS.values()])))
def test_normalising_twice_changes_nothing_more(refs: list[str]) -> None:
    once = normalise_refs(refs)
    assert normalise_refs(once) == once
    assert tlp_of(once) == tlp_of(refs)


# -- marks on parts


def test_a_selector_counts_for_the_whole_property() -> None:
    red, green = TLP_IDS[Tlp.RED], TLP_IDS[Tlp.GREEN]
    found = granular_tlp(
        marked(
            {"marking_ref": green, "selectors": ["labels.[0]", "content"]},
            {"marking_ref": red, "selectors": ["labels.[1]"]},
        )
    )
    assert found == {"labels": Tlp.RED, "content": Tlp.GREEN}


def test_the_order_of_granular_markings_does_not_matter() -> None:
    parts = [
        {"marking_ref": TLP_IDS[t], "selectors": ["content"]}
        for t in (Tlp.GREEN, Tlp.RED, Tlp.AMBER)
    ]
    for order in itertools.permutations(parts):
        assert granular_tlp(marked(*order)) == {"content": Tlp.RED}


def test_marks_of_language_and_statements_are_no_tlp() -> None:
    found = granular_tlp(
        marked(
            {"lang": "th", "selectors": ["content"]},
            {"marking_ref": STATEMENT, "selectors": ["content"]},
        )
    )
    assert found == {}


def test_an_object_without_granular_markings_has_none() -> None:
    assert granular_tlp(marked()) == {}


@pytest.mark.parametrize(
    "selector",
    ["content", "labels.[0]", "contents.zh-Hant.name", "extensions.x-ext.a.[12].b"],
)
def test_selectors_of_stix_are_taken(selector: str) -> None:
    part = {"marking_ref": TLP_IDS[Tlp.RED], "selectors": [selector]}
    assert granular_tlp(marked(part)) == {selector.partition(".")[0]: Tlp.RED}


@pytest.mark.parametrize(
    "selector",
    ["", ".", "content.", ".content", "content..a", "labels.[x]", "labels[0]", "Bob!"],
)
@pytest.mark.parametrize("mark", [{"marking_ref": STATEMENT}, {"lang": "km"}])
def test_a_selector_that_cannot_be_read_is_refused(
    selector: str, mark: dict[str, str]
) -> None:
    part = {**mark, "selectors": ["content", selector]}
    with pytest.raises(SchemaError) as caught:
        granular_tlp(marked(part), "$.objects[4]")
    assert caught.value.reason == "bad-selector"
    assert caught.value.where == "$.objects[4].granular_markings[0].selectors[1]"


def test_a_misspelt_selector_is_refused_before_signing() -> None:
    part = {"marking_ref": TLP_IDS[Tlp.RED], "selectors": ["contnet"]}
    with pytest.raises(SchemaError, match=r"bad-selector at \$\.granular_markings"):
        check_selectors(marked(part))


def test_a_selector_of_an_own_or_unknown_property_is_fine() -> None:
    part = {"marking_ref": TLP_IDS[Tlp.RED], "selectors": ["id", "x_own.a", "labels"]}
    check_selectors(marked(part, x_own={"a": 1}))
    check_selectors(marked())


# -- selectors that an issuer is about to sign

EVERYTHING: dict[str, Any] = {
    "external_references": [
        {"source_name": "a", "url": "https://a.example/", "x_more": [1]},
        {"source_name": "b", "hashes": {"SHA-256": "0" * 64}},
    ],
    "extensions": {
        "extension-definition--5853f6a4-638f-4b5e-9b0f-ded361ae3812": {"a": 0}
    },
    "x_own": {"zh-Hant": {"name": ["x", {"deep": None}]}, "empty": []},
}


@pytest.mark.parametrize(
    "selector",
    [
        "id",
        "type",
        "content",
        "labels",
        "labels.[1]",
        "external_references.[0].url",
        "external_references.[0].x_more.[0]",
        "external_references.[1].hashes.SHA-256",
        "extensions.extension-definition--5853f6a4-638f-4b5e-9b0f-ded361ae3812.a",
        "granular_markings.[0].selectors",
        "x_own.zh-Hant.name.[1].deep",
        "x_own.empty",
    ],
)
def test_a_selector_may_name_any_place_that_is_there(selector: str) -> None:
    part = {"marking_ref": TLP_IDS[Tlp.AMBER], "selectors": [selector]}
    check_selectors(marked(part, **EVERYTHING))


@pytest.mark.parametrize(
    "selector",
    [
        "labels.[2]",
        "labels.a",
        "labels.[0].[0]",
        "content.[0]",
        "content.a",
        "external_references.url",
        "external_references.[0].external_id",
        "external_references.[2]",
        "external_references.[1].hashes.MD5",
        "extensions.extension-definition--5853f6a4-638f-4b5e-9b0f-ded361ae3812.b",
        "x_own.zh-hant",
        "x_own.[0]",
        "x_own.empty.[0]",
        "abstract",
    ],
)
def test_a_selector_of_a_place_that_is_not_there_is_refused(selector: str) -> None:
    part = {"lang": "km", "selectors": ["content", selector]}
    whole = {"marking_ref": TLP_IDS[Tlp.AMBER], "selectors": ["content"]}
    with pytest.raises(SchemaError) as caught:
        check_selectors(marked(whole, part, **EVERYTHING), "$.objects[4]")
    assert caught.value.reason == "bad-selector"
    assert caught.value.where == "$.objects[4].granular_markings[1].selectors[1]"


@pytest.mark.parametrize(
    "mark", [{}, {"lang": "th", "marking_ref": TLP_IDS[Tlp.AMBER]}]
)
def test_a_granular_marking_has_a_mark_or_a_language_not_both(
    mark: dict[str, str],
) -> None:
    whole = {"marking_ref": TLP_IDS[Tlp.AMBER], "selectors": ["content"]}
    bent = marked(whole, {**mark, "selectors": ["content"]})
    with pytest.raises(SchemaError) as caught:
        check_selectors(bent, "$.objects[4]")
    assert caught.value.reason == "bad-property"
    assert caught.value.where == "$.objects[4].granular_markings[1]"
    # Whoever reads one that was signed takes the stricter meaning.
    assert granular_tlp(bent) == {"content": Tlp.AMBER}


def test_languages_of_parts_are_listed_by_property() -> None:
    several = marked(
        {"lang": "th", "selectors": ["content", "labels.[1]"]},
        {"marking_ref": STATEMENT, "selectors": ["content"]},
        {"lang": "zh-Hant", "selectors": ["labels.[0]"]},
    )
    assert list(granular_languages(several)) == [
        ("content", "th"),
        ("labels", "th"),
        ("labels", "zh-Hant"),
    ]
    assert list(granular_languages(marked())) == []


def test_a_language_at_no_path_is_refused() -> None:
    with pytest.raises(SchemaError, match="bad-selector"):
        list(granular_languages(marked({"lang": "th", "selectors": ["..."]})))


def test_marks_of_parts_are_listed_by_property_and_languages_are_not() -> None:
    foreign = "marking-definition--5853f6a4-638f-4b5e-9b0f-ded361ae3812"
    campaign = decode_object(
        {
            "type": "campaign",
            "id": "campaign--5853f6a4-638f-4b5e-9b0f-ded361ae3812",
            "name": "x",
            "aliases": ["y"],
            "granular_markings": [
                {"lang": "th", "selectors": ["name"]},
                {"marking_ref": foreign, "selectors": ["aliases.[0]", "name"]},
            ],
        }
    )
    assert granular_marks(campaign) == {"aliases": {foreign}, "name": {foreign}}
