"""PAP: labels, ids, definitions; the strictest counts, and what is unreadable is RED."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import stix
from schemas.pap import (
    PAP_IDS,
    Pap,
    is_label,
    pap_of,
    pap_of_refs,
    read,
)
from schemas.stix.meta import MarkingDefinition
from tests.support.policies import definition, pap_extension
from tests.support.records import an_id

OWN, OTHER = an_id("marking-definition"), an_id("marking-definition", 2)
RED_ID = next(ref for ref, meant in PAP_IDS.items() if meant is Pap.RED)


def said(**properties: Any) -> Pap | None:
    found = stix.decode_object(definition() | properties)
    assert isinstance(found, MarkingDefinition)
    return read(found)


def note(**properties: Any) -> stix.StixObject:
    return stix.decode_object(
        {"type": "note", "id": an_id("note"), "content": "x", **properties}
    )


def test_the_order_is_clear_green_amber_red() -> None:
    assert [p.label for p in sorted(Pap)] == [
        "PAP:CLEAR", "PAP:GREEN", "PAP:AMBER", "PAP:RED",
    ]  # fmt: skip
    assert all(Pap)


@pytest.mark.parametrize("pap", Pap)
def test_a_label_reads_back_in_any_case_and_without_the_prefix(pap: Pap) -> None:
    for text in (pap.label, pap.label.lower(), f" {pap.name} ", f"pap: {pap.name}"):
        assert Pap.parse(text) is pap


def test_white_is_clear() -> None:
    assert Pap.parse("PAP:WHITE") is Pap.parse("white") is Pap.CLEAR


@given(st.text())
def test_any_text_is_read_or_is_none(text: str) -> None:
    assert Pap.parse(text) in {None, *Pap}


@pytest.mark.parametrize("text", ["", "PAP", "PAP:", "PURPLE", "AMBER+STRICT", "4"])
def test_other_words_are_no_pap(text: str) -> None:
    assert Pap.parse(text) is None


@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("PAP:RED", True), (" pap:green", True), ("Pap:", True), ("PAP", False),
        ("tlp:red", False), ("papaya", False), ("", False), ("x PAP:RED", False),
    ],
)  # fmt: skip
def test_a_label_says_pap_or_not(label: str, found: bool) -> None:
    assert is_label(label) is found


# -- definitions


@pytest.mark.parametrize(
    "properties",
    [
        {"definition_type": "statement", "definition": {"statement": "PAP:AMBER"}},
        {"definition_type": "statement", "definition": {"statement": " pap:amber "}},
        {"definition_type": "PAP", "definition": {"pap": "PAP:AMBER"}},
        {"definition_type": "pap", "definition": {"pap": "amber"}},
        {"definition_type": "PAP", "name": "PAP:AMBER"},
        pap_extension("amber"),
    ],
)
def test_every_way_to_define_a_pap_is_read(properties: dict[str, Any]) -> None:
    assert said(**properties) is Pap.AMBER


@pytest.mark.parametrize(
    "properties",
    [
        {"definition_type": "statement", "definition": {"statement": "PAP:PURPLE"}},
        {"definition_type": "PAP", "definition": {"pap": 4}},
        {"definition_type": "PAP", "definition": {"pap": "green", "but": "not you"}},
        {"definition_type": "PAP"},
        {"definition_type": "PAP", "name": "Ours"},
        pap_extension("purple"),
        pap_extension(None),
        {"extensions": {next(iter(pap_extension("x")["extensions"])): "amber"}},
    ],
)
def test_what_says_pap_and_cannot_be_read_is_red(properties: dict[str, Any]) -> None:
    assert said(**properties) is Pap.RED


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"name": "PAP:RED"},
        {"definition_type": "statement", "definition": {"statement": "Free to use."}},
        {"definition_type": "statement", "definition": {"statement": ["PAP:RED"]}},
        {"definition_type": "tlp", "definition": {"tlp": "red"}},
        {"extensions": {"other": {"pap": "red"}}},
    ],
)
def test_other_definitions_say_no_pap(properties: dict[str, Any]) -> None:
    assert said(**properties) is None


@pytest.mark.parametrize(("ref", "pap"), PAP_IDS.items())
def test_a_known_id_means_its_pap_and_a_body_makes_it_stricter_at_most(
    ref: str, pap: Pap
) -> None:
    assert said(id=ref) is pap
    assert said(id=ref, **pap_extension("clear")) is pap
    assert said(id=ref, **pap_extension("red")) is Pap.RED


# -- of objects


def test_an_object_has_the_strictest_of_labels_and_marks() -> None:
    labels = ["PAP:CLEAR", "weather"]
    assert pap_of(note(labels=labels), {}) is Pap.CLEAR
    assert pap_of(note(labels=labels, object_marking_refs=[OWN]), {}) is Pap.CLEAR
    assert (
        pap_of(note(labels=labels, object_marking_refs=[OWN]), {OWN: Pap.GREEN})
        is Pap.GREEN
    )
    assert pap_of(note(labels=labels, object_marking_refs=[RED_ID]), {}) is Pap.RED
    assert pap_of(note(labels=["PAP:WHATEVER"]), {}) is Pap.RED


def test_an_object_without_any_has_none() -> None:
    assert pap_of(note(), {OWN: Pap.RED}) is None
    assert pap_of(note(labels=["weather"], object_marking_refs=[OTHER]), {}) is None


MARKINGS = {an_id("marking-definition", n): pap for n, pap in enumerate(Pap, 1)}
REFS = st.lists(st.sampled_from([*MARKINGS, *PAP_IDS, an_id("marking-definition", 9)]))


@given(REFS, REFS)
def test_more_marks_are_never_laxer_in_any_order(
    one: list[str], more: list[str]
) -> None:
    both = pap_of_refs(one + more, MARKINGS)
    assert both == pap_of_refs(more + one + more, MARKINGS)
    alone = [pap_of_refs(refs, MARKINGS) for refs in (one, more)]
    assert both == max((pap for pap in alone if pap), default=None)
