"""STIX 2.1 coming in: what a record has no place for is listed, drafts become one form."""

import json
from typing import Any

import pytest

from adapters.sources import formats
from adapters.sources.found import Found
from adapters.sources.source import Input
from adapters.sources.stix21 import SOURCE, read
from schemas import stix
from schemas.errors import SchemaError
from schemas.findings import Finding
from schemas.markings import TLP_IDS, Tlp
from schemas.protection import PROTECTION_IDS
from schemas.rules import RULES
from schemas.stix.incident_suite import INCIDENT_CORE
from tests.support.records import MODIFIED, SAMPLES, an_id, plain_object

CORE = {"extension_type": "property-extension", "determination": "suspected"}
NOTE = plain_object("note", content="Text.", object_refs=[an_id("incident")])


def found_in(value: Any) -> Found:
    given = Input(json.dumps(value).encode(), when=MODIFIED)
    assert formats.recognise(given) is SOURCE
    return formats.read(given)


def bundle(*objects: Any, **members: Any) -> dict[str, Any]:
    return {"type": "bundle", "id": an_id("bundle"), "objects": [*objects], **members}


def incident(**core: Any) -> dict[str, Any]:
    return plain_object("incident", name="n", extensions={INCIDENT_CORE: CORE | core})


def test_objects_come_as_they_are() -> None:
    for value in (bundle(NOTE), [NOTE], NOTE):
        found = found_in(value)
        assert [stix.encode_object(each) for each in found.whole()] == [NOTE]
        assert found.losses == ()


def test_a_bundle_that_is_decoded_at_once_is_of_no_other_format() -> None:
    who = {"type": "identity", "id": an_id("identity"), "name": "A",
           "created": MODIFIED, "modified": MODIFIED}  # fmt: skip
    inputs = [path.read_bytes() for path in SAMPLES.glob("*.json")]
    inputs.append(json.dumps(bundle(who | {"spec_version": "2.1"})).encode())
    for data in inputs:
        given = Input(data, when=MODIFIED)
        assert given.sound is not None
        assert [s for s in formats.SOURCES.values() if s.recognises(given)] == [SOURCE]
    older = Input(json.dumps(bundle(who)).encode(), when=MODIFIED)
    assert formats.recognise(older).name == "stix20"


def test_what_a_bundle_says_of_itself_is_listed() -> None:
    found = found_in(
        bundle(NOTE, spec_version="2.1", name="A title", x_own={"a": 1}, x_none=None)
    )
    assert found.losses == (
        Finding("no-equivalent", "$.name"),
        Finding("no-equivalent", "$[...]"),
    )


def test_a_mark_that_is_known_by_its_id_is_listed_once_with_its_count() -> None:
    marks = [
        plain_object("marking-definition", id=ref, name="A mark")
        for ref in (TLP_IDS[Tlp.GREEN], TLP_IDS[Tlp.AMBER], *PROTECTION_IDS)
    ]
    own = plain_object("marking-definition", 9, definition_type="statement",
                       definition={"statement": "For members."})  # fmt: skip
    found = found_in(bundle(NOTE, *marks, own))
    assert found.losses == (Finding("mark-by-id", "$.objects[1]", count=5),)


def test_an_incident_of_an_older_draft_comes_in_the_form_that_is_emitted() -> None:
    event = an_id("event")
    steps = [{"event_ref": event, "sequence_start": True}, {"event_ref": event}]
    found = found_in(bundle(NOTE, incident(events=steps)))
    _, case = found.whole()
    assert case.extensions == {INCIDENT_CORE: CORE | {"event_refs": [event]}}
    place = "$.objects[1].extensions[...].events[0]"
    assert found.losses == (Finding("sequence-left-out", place),)


def test_an_incident_of_no_draft_is_a_fault_with_its_place() -> None:
    found = found_in(bundle(incident(events=[{"event_ref": "Mallory"}]), NOTE))
    place = "$.objects[0].extensions[...].events[0].event_ref"
    assert found.faults == (Finding("bad-property", place),)
    assert [each.type for each in found.objects] == ["note"]


@pytest.mark.parametrize("rule", ["mark-by-id", "sequence-left-out"])
def test_what_is_left_out_is_explained(rule: str) -> None:
    assert RULES[rule].level == "note"


def test_reading_again_what_was_read_changes_nothing() -> None:
    first = read(json.dumps(bundle(NOTE, incident(tasks=[]))).encode())
    again = [stix.encode_object(each) for each in first]
    assert read(json.dumps(bundle(*again)).encode()) == first


def test_only_json_with_types_is_taken_for_stix() -> None:
    for data in (
        b"",
        b"ip,port\n",
        b"[]",
        b"[1]",
        b'{"name": "n"}',
        b'[{"type": "a"}]',
    ):
        assert not SOURCE.recognises(Input(data, when=MODIFIED))


def test_what_is_wrong_beside_the_objects_refuses_the_file():
    tool = {
        "type": "tool",
        "spec_version": "2.1",
        "id": "tool--5d0092c5-5f74-4287-9642-33f4c354e56d",
        "created": "2026-11-02T00:00:00Z",
        "modified": "2026-11-02T00:00:00Z",
        "name": "A tool",
    }
    bundle = {"type": "bundle", "objects": [tool], "x_count": 9007199254740993}
    with pytest.raises(SchemaError, match="number-range"):
        read(json.dumps(bundle).encode())
