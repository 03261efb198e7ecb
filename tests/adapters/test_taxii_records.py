"""The bundle of a record: as it came, and a version that the publisher takes."""

import json

import pytest

from adapters.sources import stix21
from adapters.taxii.records import Written, case_bundle, digest, rest_bundle
from schemas.composing import compose
from schemas.markings import TLP_IDS, Tlp
from tests.support.taxii_model import thing

NOW = "2026-05-01T00:00:00.000Z"
LATER = "2026-02-02T00:00:00.000Z"


def objects(bundle):
    return json.loads(bundle.content)["objects"]


def note(modified=LATER):
    return {
        "type": "note",
        "id": "note--0d6a7c0e-6b8a-4c1f-9a55-1f2f3b4c5d6e",
        "modified": modified,
    }


def test_the_first_time_everything_is_as_it_came():
    found = case_bundle([thing(1), note()], b"d", None, now=NOW)
    assert objects(found) == [thing(1), note()]
    assert found.name == thing(1)["id"]
    assert found.written == Written(b"d", thing(1)["modified"])
    assert not found.is_raised


def test_a_newer_version_of_the_case_keeps_its_own_time():
    last = Written(b"c", "2026-01-01T00:00:00.000Z")
    newer = thing(1, version=5)
    found = case_bundle([newer], b"d", last, now=NOW)
    assert objects(found) == [newer]


@pytest.mark.parametrize(
    ("others", "version"),
    [
        ([], "2026-01-01T00:00:00.001Z"),
        ([note()], LATER),
        ([note("2026-09-09T00:00:00Z")], "2026-01-01T00:00:00.001Z"),  # not yet
        ([note("soon")], "2026-01-01T00:00:00.001Z"),
        ([note("2026-02-02T00:00:00.123456Z")], "2026-02-02T00:00:00.123456Z"),
    ],
)
def test_a_case_with_new_company_is_a_newer_version(others, version):
    last = Written(b"c", "2026-01-01T00:00:00.000Z")
    found = case_bundle([thing(1), *others], b"d", last, now=NOW)
    assert found.is_raised
    assert objects(found) == [thing(1) | {"modified": version}, *others]
    assert found.written == Written(b"d", version)


@pytest.mark.parametrize("modified", [None, 7, "soon"])
def test_a_case_without_a_proper_version_is_left_as_it_is(modified):
    odd = thing(1) | {"modified": modified}
    last = Written(b"c", "2026-01-01T00:00:00.000Z")
    assert objects(case_bundle([odd], b"d", last, now=NOW)) == [odd]
    assert case_bundle([odd], b"d", Written(b"c", "soon"), now=NOW).is_raised is False


def test_the_rest_is_a_report_that_is_a_record():
    marked = note() | {
        "spec_version": "2.1",
        "created": LATER,
        "content": "x",
        "object_refs": [thing(1)["id"]],
        "object_marking_refs": [TLP_IDS[Tlp.AMBER]],
    }
    marking = {
        "type": "marking-definition",
        "id": "marking-definition--0d6a7c0e-6b8a-4c1f-9a55-1f2f3b4c5d6e",
        "spec_version": "2.1",
        "created": LATER,
        "definition_type": "statement",
        "definition": {"statement": "ours"},
    }
    ip = {
        "type": "ipv4-addr",
        "id": "ipv4-addr--0d6a7c0e-6b8a-4c1f-9a55-1f2f3b4c5d6e",
        "spec_version": "2.1",
        "value": "192.0.2.1",
    }
    found = rest_bundle([ip, marked, marking], b"d", name="Feed", when=NOW)
    report = objects(found)[0]
    assert report["name"] == "Objects of Feed"
    assert report["modified"] == LATER
    assert report["object_refs"] == [ip["id"], marked["id"]]
    draft = compose(stix21.read(found.content), now=NOW)
    assert draft.objects[draft.primary].id == found.name
    assert draft.tlp == Tlp.AMBER


def test_the_same_rest_is_the_same_record():
    def content(found, when=NOW):
        return rest_bundle([note()], found, name="Feed", when=when)

    assert content(b"d") == content(b"d", when=LATER)
    assert content(b"d").name != content(b"e").name


def test_what_has_no_times_takes_that_of_its_arrival_and_no_marking():
    plain = {"type": "ipv4-addr", "id": "ipv4-addr--1", "object_marking_refs": 7}
    report = objects(rest_bundle([plain], b"d", name="x" * 500, when=NOW))[0]
    assert report["modified"] == NOW
    assert len(report["name"]) == 200
    assert "object_marking_refs" not in report


def test_a_digest_does_not_depend_on_the_order():
    assert digest([b"a", b"b"]) == digest([b"b", b"a"]) != digest([b"a"])
