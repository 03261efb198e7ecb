"""References inside extensions and lists: checked, and replaced before signing."""

from typing import Any

import pytest

from broker.blinding import BlindMap, blind
from schemas import stix
from schemas.linting import lint
from tests.support.records import MODIFIED, an_id, new_uuids, plain_object

FILE, KEY = an_id("file", 7), an_id("email-addr", 7)
# STIX 2.1's own extensions are carried as they come: nobody reads them, and whole they
# are withheld. What matters is where they refer to.
HOLDERS: dict[str, dict[str, Any]] = {
    "archive": plain_object(
        "file", name="a", extensions={"archive-ext": {"contains_refs": [FILE]}}
    ),
    "http": plain_object(
        "network-traffic",
        extensions={"http-request-ext": {"message_body_data_ref": FILE}},
    ),
    "service": plain_object(
        "process", extensions={"windows-service-ext": {"service_dll_refs": [FILE]}}
    ),
    "contact": plain_object(
        "identity",
        extensions={
            "extension-definition--66e2492a-bbd3-4be6-88f5-cc91a017a498": {
                "email_addresses": [{"email_address_ref": FILE}]
            }
        },
    ),
    "mail": plain_object("email-message", body_multipart=[{"body_raw_ref": FILE}]),
    "change": plain_object(
        "task", outcome="unknown", changed_objects=[{"initial_ref": FILE}]
    ),
    "step": plain_object(
        "event",
        status="occurred",
        subevents=[{"event_ref": KEY, "next_steps": [{"event_ref": FILE}]}],
    ),
}


def dangling(*plain: dict[str, Any]) -> list[str]:
    objects = [stix.decode_object(each) for each in plain]
    places = {each["id"]: f"$.objects[{i}]" for i, each in enumerate(plain)}
    found = lint(objects, places, now=MODIFIED)
    return [each.where for each in found if each.rule == "dangling-ref"]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("archive", ".extensions[...].contains_refs[0]"),
        ("http", ".extensions[...].message_body_data_ref"),
        ("service", ".extensions[...].service_dll_refs[0]"),
        ("contact", ".extensions[...].email_addresses[0].email_address_ref"),
        ("mail", ".body_multipart[0].body_raw_ref"),
        ("change", ".changed_objects[0].initial_ref"),
        ("step", ".subevents[0].next_steps[0].event_ref"),
    ],
)
def test_a_reference_that_leads_nowhere_is_found_inside(name: str, place: str) -> None:
    there = plain_object("email-addr", 7, value="a@b.example")
    assert dangling(HOLDERS[name], there) == [f"$.objects[0]{place}"]
    target = plain_object("file", 7, name="b")
    assert dangling(HOLDERS[name], there, target) == []


def test_a_place_never_spells_a_name_of_the_sender() -> None:
    said = {"Mallory": {"Mallory_ref": FILE, "Mallory_refs": [1, FILE]}, "events": 1}
    one = plain_object("file", name="a", extensions={"archive-ext": said})
    assert dangling(one) == [
        "$.objects[0].extensions[...][...][...]",
        "$.objects[0].extensions[...][...][...][1]",
    ]


@pytest.mark.parametrize("name", HOLDERS)
def test_a_reference_inside_gets_the_new_id_of_its_target(name: str) -> None:
    swap = BlindMap(new_uuids(1), {})
    [blinded] = blind([HOLDERS[name]], own="identity--x", replace=swap)
    assert FILE not in str(blinded)
    assert swap(FILE) in str(blinded)
