"""What STIX requires of each type."""

from typing import Any

import pytest
from hypothesis import given

from schemas import stix
from schemas.errors import SchemaError
from schemas.stix.incident_suite import EVENT
from tests.support.refusals import refusal_of
from tests.support.stix_values import stix_objects

UUID = "7c9b2b1e-6c1c-4f0b-9a52-0d5a4d3cbb10"
TIME = "2026-01-01T00:00:00.000Z"
VERSION = {"spec_version": "2.1", "created": TIME, "modified": TIME}


def of_type(kind: str, **properties: Any) -> stix.StixObject:
    return stix.decode_object({"type": kind, "id": f"{kind}--{UUID}", **properties})


def missing(candidate: stix.StixObject) -> str:
    with pytest.raises(SchemaError) as caught:
        stix.check_required(candidate, "$.objects[2]")
    assert caught.value.reason == "missing-property"
    return caught.value.where.removeprefix("$.objects[2].")


def test_the_table_names_only_properties_that_exist() -> None:
    for name, kind in stix.TYPES.items():
        known = set(kind.__struct_fields__)
        assert stix.REQUIRED.get(name, frozenset()) <= known
        assert all(choice <= known for choice in stix.ALTERNATIVES.get(name, ()))
    assert stix.REQUIRED.keys() | stix.ALTERNATIVES.keys() <= stix.TYPES.keys()


def test_every_type_with_versions_requires_them() -> None:
    for name in stix.TYPES.keys() - stix.OBSERVABLE_TYPES - {"marking-definition"}:
        assert {"spec_version", "created", "modified"} <= stix.REQUIRED[name]


@given(stix_objects())
def test_what_lacks_nothing_lacks_its_place_once_it_is_cut(
    value: dict[str, Any],
) -> None:
    candidate = stix.decode_object(value)
    refused = refusal_of(stix.check_required, candidate)
    if refused is not None:
        assert refused.where.removeprefix("$.") not in value
        return
    for name in stix.required_of(candidate):
        assert stix.missing_property(candidate, value.keys() - {name}) == name


def test_the_missing_property_is_named_where_it_should_be() -> None:
    assert missing(of_type("opinion", **VERSION)) == "object_refs"
    assert missing(of_type("opinion", opinion="agree")) == "created"
    stix.check_required(of_type("incident", name="n", **VERSION))


@pytest.mark.parametrize(
    "place",
    [
        {"region": "south-eastern-asia"},
        {"country": "th"},
        {"latitude": 13, "longitude": 100.5},
        {"city": "Bangkok"},
    ],
)
def test_a_location_needs_one_of_its_ways_to_say_where(place: dict[str, Any]) -> None:
    stix.check_required(of_type("location", **VERSION, **place))


def test_half_of_an_alternative_is_none() -> None:
    assert missing(of_type("location", latitude=1, **VERSION)) == "region"


def test_only_a_family_of_malware_needs_a_name() -> None:
    stix.check_required(of_type("malware", is_family=False, **VERSION))
    assert missing(of_type("malware", is_family=True, **VERSION)) == "name"
    assert missing(of_type("malware", **VERSION)) == "is_family"


def test_an_event_of_the_suite_needs_a_status_and_opencti_s_a_name() -> None:
    suite = {"extensions": {EVENT: {"extension_type": "new-sdo"}}}
    assert missing(of_type("event", name="n", **VERSION, **suite)) == "status"
    assert missing(of_type("event", status="occurred", **VERSION)) == "name"
    stix.check_required(of_type("event", name="n", **VERSION))
    stix.check_required(of_type("event", status="occurred", **VERSION, **suite))


def test_an_observable_that_says_nothing_is_none() -> None:
    assert missing(of_type("user-account")) == "extensions"
    stix.check_required(of_type("user-account", display_name="d"))


def test_nothing_is_required_of_an_unknown_type() -> None:
    stix.check_required(of_type("x-own"))
