"""STIX objects: what is taken, what is refused, and that nothing gets lost."""

import json
import traceback
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import stix, timestamps
from schemas.codec import check_values
from schemas.errors import SchemaError
from schemas.stix.core import StixObject
from schemas.stix.threats import Indicator
from schemas.stix.values import TIMESTAMP_PATTERN
from tests.support.refusals import refusal_of
from tests.support.stix_values import json_objects, json_values, stix_objects

UUID = "7c9b2b1e-6c1c-4f0b-9a52-0d5a4d3cbb10"
NOTE = f"note--{UUID}"
REASONS = {
    "bad-id",
    "bad-property",
    "missing-property",
    "not-stix",
    "number-range",
    "reserved-name",
    "stix-version",
    "too-deep",
    "too-large",
}


def note(**properties: Any) -> dict[str, Any]:
    return {"type": "note", "id": NOTE, **properties}


def refusal(value: Any, where: str = "$.objects[3]") -> SchemaError:
    with pytest.raises(SchemaError) as caught:
        stix.decode_object(value, where)
    return caught.value


# -- round trip


@given(stix_objects())
def test_every_object_survives_the_round_trip(value: dict[str, Any]) -> None:
    encoded = stix.encode_object(stix.decode_object(value))
    assert encoded == value
    check_values(encoded)  # plain JSON: no tuple, no struct


@given(stix_objects())
def test_decoding_changes_nothing_in_what_it_was_given(value: dict[str, Any]) -> None:
    before = json.dumps(value)
    decoded = stix.decode_object(value)
    stix.encode_object(decoded)["extensions"] = {"mine": 1}
    assert json.dumps(value) == before


@given(stix_objects())
def test_the_properties_are_those_of_the_json(value: dict[str, Any]) -> None:
    found = dict(stix.properties(stix.decode_object(value)))
    assert found.keys() == value.keys()
    assert json.loads(msgspec.json.encode(found["id"])) == value["id"]


@given(stix_objects(), st.data())
def test_any_property_but_type_and_id_may_be_cut(
    value: dict[str, Any], data: st.DataObject
) -> None:
    kept = data.draw(st.sets(st.sampled_from(sorted(value))))
    cut = {name: value[name] for name in {*kept, "type", "id"}}
    assert stix.encode_object(stix.decode_object(cut)) == cut


# -- hostile input


@given(json_values)
def test_arbitrary_json_raises_only_our_error(value: Any) -> None:
    refused = refusal_of(stix.decode_object, value)
    assert refused is None or refused.reason in REASONS


@settings(max_examples=150)
@given(stix_objects(), json_values, st.data())
def test_an_object_with_one_strange_value_raises_only_our_error(
    value: dict[str, Any], strange: Any, data: st.DataObject
) -> None:
    value[data.draw(st.sampled_from(sorted(value)))] = strange
    refused = refusal_of(stix.decode_object, value)
    if refused is None:
        assert stix.encode_object(stix.decode_object(value)) == value
    else:
        assert refused.reason in REASONS


@pytest.mark.parametrize(
    "value", [None, 1, "x", [], {}, {"type": 1}, {"type": None}, {"type": "bundle"}]
)
def test_what_has_no_type_of_object_is_not_stix(value: Any) -> None:
    assert refusal(value).reason == "not-stix"


@pytest.mark.parametrize(
    ("properties", "reason", "place"),
    [
        ({"confidence": 101}, "bad-property", ".confidence"),
        ({"confidence": -1}, "bad-property", ".confidence"),
        ({"confidence": "50"}, "bad-property", ".confidence"),
        ({"confidence": True}, "bad-property", ".confidence"),
        ({"revoked": 1}, "bad-property", ".revoked"),
        ({"content": None}, "bad-property", ".content"),
        ({"labels": []}, "bad-property", ".labels"),
        ({"labels": "a"}, "bad-property", ".labels"),
        ({"labels": ["a", 1]}, "bad-property", ".labels[1]"),
        ({"object_refs": []}, "bad-id", ".object_refs"),
        ({"object_refs": [NOTE, "x"]}, "bad-id", ".object_refs[1]"),
        ({"created_by_ref": NOTE.upper()}, "bad-id", ".created_by_ref"),
        ({"created_by_ref": NOTE + "\n"}, "bad-id", ".created_by_ref"),
        ({"object_marking_refs": [NOTE]}, "bad-id", ".object_marking_refs[0]"),
        ({"id": 7}, "bad-id", ".id"),
        ({"id": f"report--{UUID}"}, "bad-id", ".id"),
        ({"id": "note--7c9b2b1e"}, "bad-id", ".id"),
        ({"id": f"note--{UUID[:14]}0{UUID[15:]}"}, "bad-id", ".id"),
        ({"spec_version": "2.0"}, "stix-version", ".spec_version"),
        ({"spec_version": 2.1}, "stix-version", ".spec_version"),
        ({"modified": "2026-02-30T00:00:00Z"}, "bad-property", ".modified"),
        ({"extensions": []}, "bad-property", ".extensions"),
        ({"external_references": [{}]}, "bad-property", ".external_references[0]"),
        ({"external_references": [3]}, "bad-property", ".external_references[0]"),
        ({"external_references": {}}, "bad-property", ".external_references"),
        (
            {"external_references": [{"source_name": "a", "url": 1, "x": 1}]},
            "bad-property",
            ".external_references[0].url",
        ),
        (
            {"granular_markings": [{"selectors": ["content"], "marking": "x"}]},
            "bad-property",
            ".granular_markings[0]",
        ),
        (
            {"granular_markings": [{"selectors": ["content"], "marking_ref": NOTE}]},
            "bad-id",
            ".granular_markings[0].marking_ref",
        ),
        ({"content": "x" * (2**20 + 1)}, "too-large", ".content"),
        ({"x_own": ["x" * (2**20 + 1)]}, "too-large", "[...][0]"),
        ({"x_own": 2**53}, "number-range", "[...]"),
        ({"_sd": []}, "reserved-name", ""),
        ({"_sd_alg": "sha-256"}, "reserved-name", ""),
        ({"...": "digest"}, "reserved-name", ""),
        ({"x_own": [{"a": {"...": 1}}]}, "reserved-name", "[...][0][...]"),
        ({"extensions": {"e": {"_sd": []}}}, "reserved-name", ".extensions[...]"),
    ],
)
def test_the_refusal_names_reason_and_place(
    properties: dict[str, Any], reason: str, place: str
) -> None:
    error = refusal(note(**properties))
    assert (error.reason, error.where) == (reason, "$.objects[3]" + place)


def test_an_object_without_id_lacks_a_property() -> None:
    error = refusal({"type": "note"})
    assert (error.reason, error.where) == ("missing-property", "$.objects[3].id")


def test_an_object_too_deep_for_us_is_refused_without_recursion() -> None:
    nest: Any = "x"
    for _ in range(50_000):
        nest = [nest]
    assert refusal(note(x_own=nest)).reason == "too-deep"


@pytest.mark.parametrize(
    "properties",
    [
        {"opinion": "mallory"},
        {"created": "mallory"},
        {"confidence": "mallory"},
        {"mallory": {"mallory": {"_sd": "mallory"}}},
        {"mallory": 2**60},
        {"object_refs": ["mallory"]},
        {"extensions": {"mallory": 2**60}},
        {"granular_markings": [{"selectors": ["a"], "mallory": 1}]},
        {"spec_version": "mallory"},
    ],
)
def test_a_refusal_never_repeats_the_record(properties: dict[str, Any]) -> None:
    value = {"type": "opinion", "id": f"opinion--{UUID}", **properties}
    error = refusal(value)
    assert "mallory" not in str(error)
    assert "mallory" not in "".join(traceback.format_exception(error))


# -- times


@given(st.from_regex(TIMESTAMP_PATTERN))
def test_every_time_taken_can_be_compared(text: str) -> None:
    timestamps.parse(text)


@given(
    st.one_of(
        st.from_regex(r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:59:[0-6][0-9]Z\Z"),
        st.from_regex(r"\A[0-9]{2}(00|04|23|96)-02-2[89]T00:00:00(\.[0-9]{0,10})?Z\Z"),
        st.sampled_from(["2026-01-01T00:00:00z", "2026-01-01T00:00:00+00:00"]),
    )
)
def test_a_time_is_taken_exactly_if_it_can_be_compared(text: str) -> None:
    value = note(created=text)
    try:
        timestamps.parse(text)
    except SchemaError:
        error = refusal(value)
        assert (error.reason, error.where) == ("bad-property", "$.objects[3].created")
    else:
        assert stix.decode_object(value).created == text


# -- structs


def test_a_known_type_becomes_its_own_struct() -> None:
    decoded = stix.decode_object(
        {
            "type": "indicator",
            "id": f"indicator--{UUID}",
            "pattern": "p",
            "labels": ["a"],
        }
    )
    assert isinstance(decoded, Indicator)
    assert decoded.type == "indicator"
    assert decoded.labels == ("a",)
    assert decoded.name is msgspec.UNSET
    assert decoded.extra == {}


def test_a_struct_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        stix.decode_object(note()).lang = "en"  # type: ignore[misc]


def test_what_stix_does_not_define_is_carried_beside() -> None:
    decoded = stix.decode_object(note(x_own=[1], extra={"a": 1}, pattern="p"))
    assert decoded.extra == {"x_own": [1], "extra": {"a": 1}, "pattern": "p"}


def test_an_unknown_type_keeps_everything() -> None:
    value = {
        "type": "x-canal",
        "id": f"x-canal--{UUID}",
        "name": "n",
        "confidence": 7,
        "kill_chain_phases": [1],
    }
    decoded = stix.decode_object(value)
    assert type(decoded) is stix.UnknownObject
    assert (decoded.type, decoded.confidence) == ("x-canal", 7)
    assert decoded.extra == {"name": "n", "kill_chain_phases": [1]}
    assert stix.encode_object(decoded) == value


def test_unknown_members_of_references_and_phases_are_carried_too() -> None:
    value = {
        "type": "attack-pattern",
        "id": f"attack-pattern--{UUID}",
        "kill_chain_phases": [
            {"kill_chain_name": "k", "phase_name": "p", "x_opencti_order": 3},
            {"kill_chain_name": "k", "phase_name": "q"},
        ],
        "external_references": [{"source_name": "s", "x_opencti_files": [{"a": 1}]}],
    }
    decoded: Any = stix.decode_object(value)
    assert decoded.kill_chain_phases[0].extra == {"x_opencti_order": 3}
    assert decoded.kill_chain_phases[1].extra == {}
    assert stix.encode_object(decoded) == value


@given(json_objects)
def test_free_contents_are_kept_as_they_are(contents: dict[str, Any]) -> None:
    value = note(extensions=contents, x_own=contents)
    decoded = stix.decode_object(value)
    assert decoded.extensions == contents
    assert decoded.extra == {"x_own": contents}


def test_all_types_of_stix_and_the_dialects_are_known() -> None:
    assert len(stix.TYPES) == 55
    assert all(issubclass(kind, StixObject) for kind in stix.TYPES.values())
    known = {"incident", "event", "ipv4-addr", "channel", "takedown-request"}
    assert known <= stix.TYPES.keys()


def test_observables_are_those_without_versions() -> None:
    assert len(stix.OBSERVABLE_TYPES) == 20
    assert {"media-content", "text"} <= stix.OBSERVABLE_TYPES
    assert "channel" not in stix.OBSERVABLE_TYPES


def test_names_that_a_refusal_may_spell_are_ours() -> None:
    assert {"type", "id", "objects", "source_name", "value"} <= stix.PROPERTY_NAMES
    assert not stix.PROPERTY_NAMES & stix.RESERVED_NAMES
