"""MISP: the shapes of an input, the event, its report, and what is left out of it."""

import json
import time

import pytest

from adapters.sources import formats
from adapters.sources.source import Input
from schemas.errors import SchemaError
from schemas.markings import TLP_IDS, Tlp
from tests.support.misp_events import (
    EVENT,
    ORG,
    WHEN,
    attribute,
    composed,
    event,
    losses,
    misp_object,
    objects,
    only,
    part,
    read,
    uuid,
)

BARE = event(attribute("domain", "bad.example", to_ids=True))["Event"]


@pytest.mark.parametrize(
    "shape",
    [
        {"Event": BARE},
        {"response": [{"Event": BARE}]},
        {"response": {"Event": BARE}},
        {"response": [BARE]},
        [{"Event": BARE}],
        [BARE],
        BARE,
    ],
)
def test_every_outer_shape_gives_the_same_objects(shape):
    assert objects(read(shape)) == objects(read({"Event": BARE}))


@pytest.mark.parametrize(
    "other",
    [
        {"type": "bundle", "id": "bundle--1", "objects": []},
        {"document": {"title": "an advisory"}},
        {"info": "an API description"},
        {"response": "no"},
        {"response": []},
        [1],
        [],
        {},
        "x",
    ],
)
def test_other_json_is_not_recognised(other):
    given = Input(json.dumps(other).encode(), when=WHEN)
    assert not formats.SOURCES["misp"].recognises(given)


def test_what_is_no_json_is_not_recognised():
    assert not formats.SOURCES["misp"].recognises(Input(b"a,b\n1,2\n", when=WHEN))


@pytest.mark.parametrize(
    "shape",
    [
        {"response": [{"Event": BARE}, {"Event": BARE}]},
        [{"Event": BARE}, {"Attribute": attribute("domain", "bad.example")}],
    ],
)
def test_several_events_are_refused_with_the_place_of_the_second(shape):
    with pytest.raises(SchemaError) as refused:
        read(shape)
    assert refused.value.reason == "several-events"
    assert refused.value.where.endswith("[1]")


def test_members_around_an_event_are_listed():
    found = read(
        {"response": [{"Event": BARE, "extra": 1}, 5, 6], "Server": "x", "y": 2}
    )
    assert losses(found, "no-equivalent") == [
        "$.Server",
        "$[...]",
        "$.response[0][...]",
    ]
    assert losses(found, "wrong-type") == ["$.response[1]"]


def test_an_empty_answer_has_no_objects():
    for empty in ({"response": []}, {"Event": {"info": "nothing", "Tag": []}}):
        with pytest.raises(SchemaError) as refused:
            formats.read(Input(json.dumps(empty).encode(), when=WHEN), "misp")
        assert refused.value.reason == "no-objects"


def test_loose_attributes_and_objects_get_a_report_with_the_name_of_the_file():
    answers = (
        {"response": {"Attribute": [attribute("domain", "bad.example")]}},
        {"response": [{"Attribute": attribute("domain", "bad.example")}]},
        {"response": [{"Object": misp_object("mutex", part("name", "mutex", "x", 2))}]},
        {"Object": [misp_object("mutex", part("name", "mutex", "x", 2))]},
    )
    for answer in answers:
        found = read(answer, name="week-44")
        report = only(found, "report")
        assert report["name"] == "week-44"
        assert report["id"] == found.primary
        assert composed(found).kind == "advisory"
    assert only(read(answers[0], name=""), "report")["name"] == "MISP data"


def test_the_place_of_a_loose_object_is_its_place_in_the_answer():
    answer = {
        "response": [
            {"Object": misp_object("person")},
            {"Attribute": attribute("text", "x")},
        ]
    }
    assert losses(read(answer), "person-left-out") == ["$.response[0].Object"]


def test_reports_of_different_inputs_without_uuids_have_different_ids():
    first, second = (
        {"Attribute": [attribute("domain", n)]} for n in ("a.example", "b.example")
    )
    assert read(first).primary != read(second).primary
    assert read(first).primary == read(first).primary


def test_an_event_becomes_a_report():
    found = read(event(attribute("domain", "bad.example", to_ids=True)))
    report = only(found, "report")
    assert found.primary == report["id"] == f"report--{EVENT}"
    assert report["name"] == "Phishing against citizens' portals"
    assert report["created"] == "2026-10-30T00:00:00.000Z"
    assert report["modified"] == report["published"] == "2026-11-01T08:00:00.000Z"
    assert report["created_by_ref"] == f"identity--{ORG['uuid']}"
    indicator = only(found, "indicator")["id"]
    assert report["object_refs"] == [report["created_by_ref"], indicator]
    assert composed(found, tlp=None).tlp is Tlp.AMBER


def test_every_object_is_in_the_report():
    found = read(event(attribute("domain", "bad.example"), attribute("text", "x", 2)))
    ids = {each["id"] for each in objects(found)}
    report = only(found, "report")
    assert set(report["object_refs"]) == ids - {report["id"]}


def test_times_that_are_missing_are_taken_from_each_other():
    def times(**members):
        report = only(
            read(event(attribute("domain", "bad.example"), **members)), "report"
        )
        return report["created"], report["modified"], report["published"]

    day = "2026-10-30T00:00:00.000Z"
    assert times(timestamp="", publish_timestamp="0") == (day, day, day)
    assert times(timestamp="", publish_timestamp="", date="") == (WHEN, WHEN, WHEN)
    # a day behind the last change
    assert times(date="2026-12-01")[0] == "2026-11-01T08:00:00.000Z"


def test_the_organisation_may_lack_its_uuid_or_its_name():
    named = read(event(attribute("domain", "bad.example"), Orgc={"name": "CERT-XB"}))
    assert only(named, "identity")["name"] == "CERT-XB"
    nameless = read(
        event(attribute("domain", "bad.example"), Orgc={"uuid": ORG["uuid"]})
    )
    assert objects(nameless, "identity") == []
    assert "created_by_ref" not in only(nameless, "report")


def test_an_event_with_nothing_but_its_author_refers_to_that():
    assert only(read(event(Object=[])), "report")["object_refs"] == [
        f"identity--{ORG['uuid']}"
    ]


def test_an_event_with_nothing_but_links_is_a_report():
    found = read(event(attribute("link", "https://news.example/1"), Orgc={}))
    assert (
        only(found, "report")["external_references"][0]["url"]
        == "https://news.example/1"
    )
    assert composed(found).kind == "advisory"


def test_grades_and_tags_become_labels_and_confidence():
    tags = [
        {"name": n}
        for n in (
            "tlp:amber",
            'rsit:fraud="phishing"',
            "PAP:white",
            'misp:confidence-level="usually-confident"',
            'misp:confidence-level="fairly-confident"',
            "",
        )
    ]
    found = read(
        event(
            attribute("domain", "bad.example"),
            Tag=tags,
            threat_level_id="1",
            analysis="2",
        )
    )
    report = only(found, "report")
    assert report["labels"] == [
        'rsit:fraud="phishing"',
        "PAP:CLEAR",
        'misp:threat-level="high-risk"',
        'misp:analysis="completed"',
    ]
    assert report["confidence"] == 50


def test_undefined_grades_say_nothing_and_wrong_ones_are_listed():
    found = read(
        event(attribute("domain", "bad.example"), threat_level_id=4, analysis="7")
    )
    assert "labels" not in only(found, "report")
    assert losses(found, "bad-value") == ["$.Event.analysis"]


def test_wrong_times_are_listed():
    found = read(
        event(
            attribute("domain", "bad.example"),
            date="2026-13-01",
            timestamp="soon",
            publish_timestamp="9" * 70,
        )
    )
    assert losses(found, "bad-value") == [
        "$.Event.timestamp",
        "$.Event.publish_timestamp",
        "$.Event.date",
    ]


def test_local_tags_and_those_not_for_export_stay_at_home():
    tags = [
        {"name": "tlp:amber"},
        {"name": "ours", "local": 1},
        {"name": "mine", "exportable": False},
        {"name": "all", "exportable": True, "local": 0},
    ]
    found = read(event(attribute("domain", "bad.example"), Tag=tags))
    assert only(found, "report")["labels"] == ["all"]
    (tags,) = [each for each in found.losses if each.where == "$.Event.Tag[1]"]
    assert (tags.rule, tags.count) == ("local-only", 2)


def test_what_is_no_fact_or_nobodys_business_is_left_out_and_listed():
    found = read(
        event(
            attribute("domain", "bad.example", ShadowAttribute=[{"value": "x"}]),
            attribute("domain", "gone.example", 2, deleted=True),
            published=False,
            extends_uuid=uuid(77),
            event_creator_email="someone@cert.example",
            Note=[{"note": "x", "authors": "someone@cert.example"}],
            RelatedEvent=[{"Event": {"id": "3"}}],
            ShadowAttribute=[{"value": "x"}],
            Org={"name": "CERT-XB"},
            surprise={"a": 1},
        )
    )
    assert [each["value"] for each in objects(found, "domain-name")] == ["bad.example"]
    assert losses(found, "proposal") == [
        "$.Event.ShadowAttribute[0]",
        "$.Event.Attribute[0].ShadowAttribute[0]",
    ]
    assert losses(found, "deleted") == ["$.Event.Attribute[1]"]
    assert losses(found, "unpublished") == ["$.Event.published"]
    assert losses(found, "other-event") == [
        "$.Event.RelatedEvent[0]",
        "$.Event.extends_uuid",
    ]
    assert losses(found, "person-left-out") == [
        "$.Event.event_creator_email",
        "$.Event.Note",
    ]
    assert losses(found, "no-equivalent") == ["$.Event[...]"]
    assert "$.Event.Org" in losses(found, "local-only")
    assert b"someone" not in json.dumps(objects(found)).encode()


def test_local_members_count_as_one_with_their_number():
    found = read(
        event(attribute("domain", "a.example"), attribute("domain", "b.example", 2))
    )
    counts = {
        each.where: each.count for each in found.losses if each.rule == "local-only"
    }
    assert counts["$.Event.Attribute[0].event_id"] == 2


def test_two_attributes_with_one_uuid_are_both_kept():
    found = read(
        event(attribute("domain", "a.example"), attribute("domain", "b.example"))
    )
    assert len({each["id"] for each in objects(found, "domain-name")}) == 2


def test_event_reports_are_notes_on_what_they_mention():
    reports = [
        {
            "uuid": uuid(50),
            "name": "Findings",
            "content": f"See @[attribute]({uuid(1)}).",
            "timestamp": "1793520001",
        },
        {"uuid": uuid(51), "name": "Only a title", "content": "", "distribution": "0"},
        {"uuid": uuid(52), "name": "Old", "content": "x", "deleted": True},
        {"uuid": uuid(53), "content": "", "name": ""},
        {
            "uuid": uuid(54),
            "name": "Nothing known",
            "content": f"@[object]({uuid(99)})",
        },
    ]
    found = read(
        event(attribute("domain", "bad.example", to_ids=True), EventReport=reports)
    )
    notes = {each["id"]: each for each in objects(found, "note")}
    first = notes[f"note--{uuid(50)}"]
    assert first["abstract"] == "Findings"
    assert first["object_refs"] == [f"indicator--{uuid(1)}"]
    assert first["modified"] == "2026-11-01T08:00:01.000Z"
    title = notes[f"note--{uuid(51)}"]
    assert title["content"] == "Only a title"
    assert title["object_marking_refs"] == [TLP_IDS[Tlp.AMBER_STRICT]]
    assert notes[f"note--{uuid(54)}"]["object_refs"] == [f"report--{EVENT}"]
    assert len(notes) == 3
    assert losses(found, "deleted") == ["$.Event.EventReport[2]"]
    assert losses(found, "unusable") == ["$.Event.EventReport[3]"]


def test_the_same_bytes_give_the_same_findings_whatever_the_order_of_sets():
    first, second = (read(event(attribute("domain", "bad.example"))) for _ in range(2))
    assert first == second


def test_a_million_odd_elements_are_one_finding_and_quickly_read():
    began = time.process_time()
    found = read({"Event": {**BARE, "Attribute": [1] * 1_000_000}})
    assert time.process_time() - began < 10
    (odd,) = [each for each in found.losses if each.rule == "wrong-type"]
    assert odd.count == 1_000_000


def test_too_many_elements_are_refused():
    for name in ("Attribute", "Tag"):
        with pytest.raises(SchemaError) as refused:
            read({"Event": {**BARE, name: [{"deleted": True, "name": ""}] * 100_001}})
        assert refused.value.reason == "too-many-objects"


@pytest.mark.parametrize(
    "member",
    [
        "Attribute",
        "Object",
        "Tag",
        "Galaxy",
        "Orgc",
        "EventReport",
        "uuid",
        "info",
        "date",
        "timestamp",
        "distribution",
        "RelatedEvent",
    ],
)
@pytest.mark.parametrize(
    "odd", [5, "x", [1], [[]], {"a": 1}, [{"a": {"b": []}}], True, 1.5, None]
)
def test_members_of_the_wrong_type_never_break_reading(member, odd):
    value = event(attribute("domain", "bad.example"), attribute("text", "x", 2))
    value["Event"][member] = odd
    found = read(value)
    assert composed(found).kind == "advisory"
