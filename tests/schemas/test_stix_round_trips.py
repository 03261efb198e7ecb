"""Every type of object, one by one: what goes in comes out, as JSON and as structs."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import stix
from schemas.codec import decode_json, encode_json
from schemas.stix.disinformation import (
    DISINFORMATION,
    Disinformation,
    disinformation,
    disinformation_extension,
)
from schemas.stix.identity_contact import (
    IDENTITY_CONTACT,
    IdentityContact,
    contact_extension,
    identity_contact,
)
from schemas.stix.incident_suite import (
    INCIDENT_CORE,
    IncidentCore,
    core_extension,
    incident_core,
)
from tests.support.refusals import refusal_of
from tests.support.stix_values import json_values, stix_objects, views

KINDS: dict[str, type[stix.StixObject]] = {
    **stix.TYPES,
    "x-nobody-knows": stix.UnknownObject,
}
VIEWS = {
    INCIDENT_CORE: (IncidentCore, incident_core, core_extension),
    IDENTITY_CONTACT: (IdentityContact, identity_contact, contact_extension),
    DISINFORMATION: (Disinformation, disinformation, disinformation_extension),
}
HOLDER = "incident--0b0a8b61-52a8-4d3a-8d20-1de5b8a7a1f4"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "cut"])
@settings(max_examples=4)
@given(data=st.data())
def test_an_object_of_each_type_survives_the_way_to_bytes_and_back(
    kind: str, data: st.DataObject, *, whole: bool
) -> None:
    value = data.draw(stix_objects({kind: KINDS[kind]}, whole=whole))
    decoded = stix.decode_object(value)
    assert type(decoded) is KINDS[kind]
    assert decoded.type == kind
    encoded = stix.encode_object(decoded)
    assert encoded == value
    again = decode_json(encode_json(encoded), max_bytes=1 << 20)
    assert stix.decode_object(again) == decoded
    if whole:
        assert {*KINDS[kind].__struct_encode_fields__} - {"..."} <= value.keys()


@pytest.mark.parametrize("key", VIEWS)
@settings(max_examples=30)
@given(data=st.data())
def test_what_is_written_of_a_view_reads_back(key: str, data: st.DataObject) -> None:
    view, read, write = VIEWS[key]
    said = data.draw(views(view))
    extension = write(said)
    holder = {"type": "incident", "id": HOLDER, "extensions": {key: extension}}
    assert read(stix.decode_object(holder)) == said
    assert write(said) == extension


@pytest.mark.parametrize("key", VIEWS)
@given(extension=json_values)
def test_any_extension_raises_only_our_error(key: str, extension: Any) -> None:
    view, read, _ = VIEWS[key]
    for value in [extension, *({n: extension} for n in view.__struct_fields__)]:
        holder = {"type": "incident", "id": HOLDER, "extensions": {key: value}}
        refused = refusal_of(read, stix.decode_object(holder))
        assert refused is None or refused.reason == "bad-property"
