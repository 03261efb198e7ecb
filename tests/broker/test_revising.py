"""New versions: a correction is later than what it corrects, a retraction says little."""

import msgspec
import pytest

from broker import revising
from schemas import stix
from schemas.markings import TLP_IDS, Tlp
from tests.support import records

LATER = "2026-12-05T00:00:00.000Z"


def retract(*plain, **more):
    draft = records.draft(*plain)
    values = {"now": LATER, "why": "", "note_id": records.an_id("note", 9), **more}
    return revising.retracted(draft.objects, draft.primary, **values)


def test_a_draft_whose_modified_is_later_keeps_it():
    draft = records.draft()
    assert revising.newer(draft, "2026-11-01T00:00:00Z", now=LATER) == draft


@pytest.mark.parametrize("ver", [records.MODIFIED, "2026-12-02T00:00:00Z"])
def test_a_draft_that_is_not_later_gets_the_moment_of_now(ver):
    draft = records.draft()
    made = revising.newer(draft, ver, now=LATER)
    assert made.objects[made.primary].modified == LATER
    assert made.objects[1:] == draft.objects[1:]


def test_a_retraction_says_no_more_of_the_record_than_stix_requires():
    [main] = retract(
        records.incident(description="The victim is named here.", labels=["x"])
    )
    said = stix.encode_object(main)
    assert said.keys() == {
        "type", "id", "spec_version", "created", "modified", "revoked", "name",
        "object_marking_refs",
    }  # fmt: skip
    assert said["revoked"] is True
    assert said["modified"] == LATER
    assert said["created"] == records.incident()["created"]


def test_the_reason_goes_along_as_a_note_with_the_records_marking():
    main, note = retract(records.incident(), why="It named a bystander.")
    assert note.content == "It named a bystander."
    assert note.object_refs == (main.id,)
    assert note.object_marking_refs == main.object_marking_refs


def test_the_issuers_identity_goes_along_and_nothing_else():
    own = records.plain_object("identity", 7, name="CERT AQ")
    incident = records.incident(created_by_ref=own["id"])
    main, who, note = retract(incident, records.address(), own, why="Wrong.")
    assert who.id == main.created_by_ref == note.created_by_ref == own["id"]


def test_an_identity_that_was_sealed_is_not_said_again():
    red = records.plain_object(
        "identity", 7, name="A source", object_marking_refs=[TLP_IDS[Tlp.RED]]
    )
    incident = records.incident(created_by_ref=red["id"])
    draft = records.draft(incident, red, seals=True)
    made = revising.retracted(
        draft.objects,
        draft.primary,
        now=LATER,
        why="",
        note_id=records.an_id("note", 9),
    )
    assert [each.type for each in made] == ["incident"]


def test_a_report_refers_to_itself_once_its_objects_are_gone():
    address = records.address()
    report = records.plain_object(
        "report",
        name="Addresses",
        published=records.MODIFIED,
        object_refs=[address["id"]],
    )
    [main] = retract(report, address)
    assert main.object_refs == (main.id,)
    stix.check_required(main)


def test_an_opinion_that_is_taken_back_still_says_what_it_was_about():
    opinion = records.plain_object(
        "opinion", opinion="disagree", object_refs=[records.an_id("incident", 5)]
    )
    [main] = retract(opinion)
    assert main.object_refs == (records.an_id("incident", 5),)


def test_a_version_is_changed_in_the_primary_object_alone():
    draft = records.draft()
    made = revising.with_version(draft, LATER)
    back = revising.with_version(made, draft.objects[draft.primary].modified)
    assert back == draft
    assert msgspec.structs.replace(made, objects=()) == msgspec.structs.replace(
        draft, objects=()
    )
