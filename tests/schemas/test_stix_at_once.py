"""Decoding at once: what the slow way gives, or nothing; never anything else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec, stix
from schemas.errors import SchemaError
from schemas.stix.at_once import decode_sound
from schemas.stix.columns import Columns
from schemas.stix.core import StixObject
from schemas.stix.values import MAX_TEXT_CHARS
from tests.support.records import MODIFIED, an_id, plain_object
from tests.support.stix_values import json_values, stix_objects


def thing(kind: str, number: int = 1, **properties: Any) -> dict[str, Any]:
    """Make an object with nothing that its type does not have."""
    return own(plain_object(kind, number, **properties))


def own(plain: dict[str, Any]) -> dict[str, Any]:
    known = {"type", *stix.TYPES[plain["type"]].__struct_fields__}
    return {name: value for name, value in plain.items() if name in known}


INCIDENT = thing("incident", name="A case")
NOTE = thing("note", content="A text.", object_refs=[an_id("incident")])
FILE = thing("file", hashes={"MD5": "d41d8cd98f00b204e9800998ecf8427e"})
PATTERN = thing(
    "attack-pattern",
    name="Phishing",
    external_references=[{"source_name": "mitre-attack", "external_id": "T1566"}],
    kill_chain_phases=[{"kill_chain_name": "a", "phase_name": "b"}],
)
LIST = thing("email-message", is_multipart=True, body_multipart=[{"body": "A text."}])


def bundle(*objects: Any, **members: Any) -> bytes:
    plain = {"type": "bundle", "id": an_id("bundle"), "objects": [*objects]}
    return json.dumps(plain | members).encode()


def slowly(data: bytes) -> Any:
    """Decode value by value; None where anything is at fault."""
    try:
        value = codec.decode_json(data, max_bytes=len(data))
        objects, places, faults = stix.examine_bundle(value)
    except SchemaError:
        return None
    return None if faults else (objects, places)


def test_the_columns_are_the_fields_that_all_objects_begin_with() -> None:
    for struct in (StixObject, *stix.TYPES.values()):
        common = struct.__struct_fields__[: len(Columns._fields)]
        assert common == Columns._fields == StixObject.__struct_fields__


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_sound_bundle_is_decoded_as_it_is_slowly(separators: tuple[str, str]) -> None:
    plain = json.loads(bundle(INCIDENT, NOTE, FILE, PATTERN, LIST))
    data = json.dumps(plain, separators=separators).encode()
    found = decode_sound(data)
    assert found is not None
    assert found == slowly(data)
    assert [stix.encode_object(each) for each in found[0]] == plain["objects"]


def test_escapes_that_spell_no_ascii_are_no_reason_to_doubt() -> None:
    for text in ('She said "so".', "C:\\temp", "Zoë"):
        data = bundle(NOTE | {"content": text})
        assert decode_sound(data) == slowly(data) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"content": 5},
        {"content": None},
        {"x_own": 1},
        {"lang": "en", "...": {}},
        {"...": {"a": 1}},
        {"created": "yesterday"},
        {"created": "2026-02-30T00:00:00Z"},
        {"id": an_id("incident")},
        {"id": "note--00000000-0000-0000-0000-000000000000"},
        {"type": "x-own"},
        {"type": None},
        {"spec_version": "2.0"},
        {"created_by_ref": "Mallory"},
        {"object_refs": ["Mallory"]},
        {"object_marking_refs": [an_id("identity")]},
        {"extensions": {"a": {"_sd": []}}},
        {"extensions": {"a": {"": 1}}},
        {"extensions": {"a": [[2**53]]}},
        {"extensions": {"a": json.loads("[" * 30 + "]" * 30)}},
        {"external_references": [{"source_name": "a", "x": 1}]},
        {"external_references": [{"source_name": "a", "...": {"x": 1}}]},
        {"external_references": [{"source_name": "a", "hashes": {"MD5": 2**60}}]},
    ],
)
def test_whatever_may_be_wrong_is_left_to_the_slow_way(changes: dict[str, Any]) -> None:
    assert decode_sound(bundle(NOTE | changes)) is None


@pytest.mark.parametrize(
    "odd",
    [
        thing("note", content="A text."),
        {"type": "file", "id": an_id("file")},
        own(NOTE | {"type": "malware", "id": an_id("malware"), "is_family": True}),
        FILE | {"size": 2**53},
        FILE | {"hashes": {"MD5": 2**53}},
        PATTERN | {"kill_chain_phases": [{"kill_chain_name": "a", "phase_name": "b",
                                          "...": {"x": 1}}]},
        LIST | {"body_multipart": [{"a": 2**53}]},
    ],
)  # fmt: skip
def test_what_a_type_requires_or_bounds_is_asked_for(odd: dict[str, Any]) -> None:
    assert decode_sound(bundle(NOTE, odd)) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff",
        json.dumps([NOTE]).encode(),
        json.dumps(NOTE).encode(),
        bundle(),
        bundle(NOTE, NOTE),
        bundle(NOTE, name="A title"),
        bundle(NOTE, spec_version="2.0"),
        bundle(NOTE, id="Mallory"),
        bundle(NOTE).replace(b'"content"', b'"content": "B", "content"'),
        bundle(NOTE).replace(b'"A text."', b'"A \\u0074ext."'),
        bundle({k: v for k, v in NOTE.items() if k != "spec_version"}),
        b'{"type":"bundle","objects":' + b"[" * 100_000,
    ],
)
def test_no_other_input_is_decoded(data: bytes) -> None:
    assert decode_sound(data) is None


def test_a_bundle_may_say_for_all_that_it_is_of_2_1() -> None:
    address = {"type": "ipv4-addr", "id": an_id("ipv4-addr"), "value": "192.0.2.1"}
    assert decode_sound(bundle(address)) is None
    assert decode_sound(bundle(address, spec_version="2.1")) is not None


def test_a_large_bundle_is_decoded_unless_one_text_is_too_long() -> None:
    half = "a" * (MAX_TEXT_CHARS // 2) + '"\\'
    notes = [
        thing("note", n, content=half, object_refs=NOTE["object_refs"])
        for n in range(1, 4)
    ]
    assert decode_sound(bundle(*notes)) is not None
    notes[1]["content"] = half + half
    assert decode_sound(bundle(*notes)) is None


@given(st.lists(stix_objects(), min_size=1, max_size=4))
def test_what_is_decoded_at_once_is_what_is_decoded_slowly(
    objects: list[dict[str, Any]],
) -> None:
    data = bundle(*map(own, objects), spec_version="2.1")
    found = decode_sound(data)
    assert found is None or found == slowly(data)


@given(
    st.sampled_from([NOTE, FILE, PATTERN, LIST, INCIDENT]),
    st.sampled_from(sorted(stix.PROPERTY_NAMES)),
    json_values | st.sampled_from([MODIFIED, an_id("identity"), [an_id("identity")]]),
)
def test_nothing_at_fault_is_decoded_at_once(
    plain: dict[str, Any], name: str, value: Any
) -> None:
    data = bundle(plain | {name: value}, spec_version="2.1")
    found = decode_sound(data)
    assert found is None or found == slowly(data)
