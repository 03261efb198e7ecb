"""Bundles: containers of objects, each of which counts once."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import stix
from schemas.errors import SchemaError
from tests.support.refusals import refusal_of
from tests.support.stix_values import json_values, stix_objects

UUID = "3f0f7f25-7b52-4a0f-8c3f-2a64b6a3cf11"
DOMAIN = {"type": "domain-name", "id": f"domain-name--{UUID}", "value": "a.example"}
ADDRESS = f"ipv4-addr--{UUID}"
NOTE = {"type": "note", "id": f"note--{UUID}", "content": "a"}
CLEAR = ["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"]


def bundle(*objects: Any, **properties: Any) -> dict[str, Any]:
    head = {"type": "bundle", "id": f"bundle--{UUID}"}
    return {**head, "objects": list(objects), **properties}


def refusal(value: Any) -> tuple[str, str]:
    with pytest.raises(SchemaError) as caught:
        stix.decode_bundle(value)
    return caught.value.reason, caught.value.where


@settings(max_examples=30)
@given(st.lists(stix_objects(), min_size=1, max_size=3))
def test_bundle_list_and_object_give_the_same_objects(
    values: list[dict[str, Any]],
) -> None:
    decoded = stix.decode_bundle(bundle(*values))
    assert [stix.encode_object(o) for o in decoded] == values
    assert stix.decode_bundle(values) == decoded
    assert stix.decode_bundle(values[0]) == decoded[:1]


@given(json_values)
def test_arbitrary_json_raises_only_our_error(value: Any) -> None:
    for candidate in (value, bundle(value), bundle(objects=value)):
        refused = refusal_of(stix.decode_bundle, candidate)
        assert refused is None or refused.where.startswith("$")


def test_an_empty_list_holds_no_object() -> None:
    assert stix.decode_bundle([]) == ()


@pytest.mark.parametrize(
    ("value", "reason", "where"),
    [
        (bundle(), "bad-property", "$.objects"),
        ({"type": "bundle"}, "missing-property", "$.objects"),
        (bundle(objects={}), "bad-property", "$.objects"),
        (bundle(NOTE, id="bundle--1"), "bad-id", "$.id"),
        (bundle(NOTE, spec_version="2.0"), "stix-version", "$.spec_version"),
        (bundle(NOTE, _sd=[]), "reserved-name", "$"),
        (bundle(NOTE, 5), "not-stix", "$.objects[1]"),
        (bundle(bundle(NOTE)), "not-stix", "$.objects[0]"),
        (bundle(NOTE, {**DOMAIN, "value": 1}), "bad-property", "$.objects[1].value"),
        ([NOTE, {"type": "note"}], "missing-property", "$[1].id"),
        ({"type": "note"}, "missing-property", "$.id"),
        ("bundle", "not-stix", "$"),
    ],
)
def test_the_refusal_names_reason_and_place(
    value: Any, reason: str, where: str
) -> None:
    assert refusal(value) == (reason, where)


def test_an_object_repeated_word_for_word_counts_once() -> None:
    reordered = dict(reversed(NOTE.items()))
    assert len(stix.decode_bundle(bundle(NOTE, reordered, DOMAIN))) == 2


@pytest.mark.parametrize(
    "other",
    [
        {**NOTE, "content": "b"},
        {**NOTE, "abstract": "b"},
        {**NOTE, "modified": "2026-01-01T00:00:00Z"},
        {**NOTE, "x_own": True},
    ],
)
def test_two_versions_of_an_object_are_refused(other: dict[str, Any]) -> None:
    first = {**NOTE, "x_own": 1} if "x_own" in other else NOTE
    assert refusal(bundle(first, DOMAIN, other)) == ("duplicate-id", "$.objects[2]")


def test_two_descriptions_of_an_observable_become_one() -> None:
    resolved = {**DOMAIN, "resolves_to_refs": [ADDRESS]}
    named = {**DOMAIN, "x_own": 1}
    (joined,) = stix.decode_bundle(bundle(resolved, DOMAIN, named))
    assert stix.encode_object(joined) == {**resolved, **named}


@pytest.mark.parametrize(
    "other",
    [
        {"value": "b.example"},
        {"object_marking_refs": CLEAR},
        {"granular_markings": [{"marking_ref": CLEAR[0], "selectors": ["value"]}]},
        {"defanged": True},
        {"confidence": 3},
        {"revoked": True},
    ],
)
def test_descriptions_that_differ_in_meaning_stay_apart(other: dict[str, Any]) -> None:
    assert refusal(bundle(DOMAIN, {**DOMAIN, **other}))[0] == "duplicate-id"
    assert refusal(bundle({**DOMAIN, **other}, DOMAIN))[0] == "duplicate-id"
