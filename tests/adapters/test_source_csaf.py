"""CSAF 2.0 and 2.1 become a report on vulnerabilities; what stays behind is listed."""

import copy
import json
import time
from typing import Any

import pytest

from adapters.sources import formats
from adapters.sources.csaf_advisory import MAX_RELATIONS
from adapters.sources.found import Found
from adapters.sources.source import Input
from schemas import stix
from schemas.composing import compose
from schemas.errors import SchemaError
from schemas.markings import TLP_IDS, Tlp
from schemas.record import MAX_OBJECTS
from tests.support.leaves import dropped_unlisted, held, one_changed
from tests.support.real_data import real_files

WHEN = "2026-11-05T00:00:00Z"
FIRST, LAST = "2026-11-01T08:00:00.000Z", "2026-11-02T09:30:00Z"
VECTOR = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
ADVISORY: dict[str, Any] = {
    "document": {
        "category": "csaf_security_advisory",
        "csaf_version": "2.0",
        "title": "Two flaws in Saltmere Gate",
        "lang": "en",
        "publisher": {
            "category": "coordinator",
            "name": "CERT of Avalonia",
            "namespace": "https://cert.example/",
            "contact_details": "desk@cert.example",
            "issuing_authority": "By law of the land.",
        },
        "tracking": {
            "id": "XA-2026-0007",
            "aliases": ["XA-OLD-3"],
            "status": "final",
            "version": "2",
            "initial_release_date": FIRST,
            "current_release_date": "2026-11-02T11:30:00+02:00",
            "revision_history": [
                {"number": "1", "date": FIRST, "summary": "First told."},
            ],
            "generator": {"engine": {"name": "Penwright", "version": "9.9"}},
        },
        "distribution": {
            "text": "Pass on freely.",
            "tlp": {"label": "GREEN", "url": "https://www.first.org/tlp/"},
        },
        "notes": [
            {"category": "summary", "text": "Patch at once."},
            {"category": "general", "title": "Advice", "text": "Keep calm."},
        ],
        "references": [
            {"category": "self", "url": "https://cert.example/7", "summary": "Page"},
            {"url": "https://vendor.example/7", "summary": "Vendor"},
        ],
        "acknowledgments": [
            {"names": ["Ilvara Temcott"], "organization": "Brightwater Labs",
             "summary": "found both", "urls": ["https://labs.example/temcott"]},
        ],
    },
    "product_tree": {
        "branches": [
            {"category": "vendor", "name": "Saltmere", "branches": [
                {"category": "product_name", "name": "Gate", "branches": [
                    {"category": "product_version", "name": "1.0", "product": {
                        "name": "Saltmere Gate 1.0", "product_id": "P1",
                        "product_identification_helper": {
                            "cpe": "cpe:2.3:a:saltmere:gate:1.0:*:*:*:*:*:*:*",
                            "purl": "pkg:generic/gate@1.0"}}},
                    {"category": "product_version", "name": "1.1", "product": {
                        "name": "Saltmere Gate 1.1", "product_id": "P2",
                        "product_identification_helper": {
                            "cpe": "cpe:/a:saltmere:gate:1.1"}}},
                ]},
            ]},
        ],
        "full_product_names": [{"name": "Lantern OS", "product_id": "P3"}],
        "product_groups": [{"group_id": "G1", "product_ids": ["P1", "P4"]}],
        "relationships": [
            {"category": "installed_on", "product_reference": "P1",
             "relates_to_product_reference": "P3",
             "full_product_name": {"name": "Gate on Lantern", "product_id": "P4"}},
        ],
    },
    "vulnerabilities": [
        {
            "cve": "CVE-2026-12345",
            "title": "Door left open",
            "cwe": {"id": "CWE-79", "name": "Scripting"},
            "ids": [{"system_name": "Saltmere", "text": "SM-1"}],
            "discovery_date": "2026-10-01T00:00:00Z",
            "notes": [
                {"category": "description", "text": "Anybody may walk in."},
                {"category": "details", "title": "SSVC", "text": "act",
                 "audience": "operators"},
            ],
            "references": [{"url": "https://flaws.example/1"}],
            "product_status": {"known_affected": ["P1"], "fixed": ["P2"]},
            "scores": [{"products": ["P1"], "cvss_v3": {
                "version": "3.1", "vectorString": VECTOR, "baseScore": 9.8,
                "baseSeverity": "CRITICAL", "attackVector": "NETWORK"}}],
            "remediations": [
                {"category": "vendor_fix", "details": "Take 1.1.", "product_ids": ["P1"],
                 "date": "2026-11-01T00:00:00Z", "url": "https://vendor.example/fix",
                 "entitlements": ["For customers."],
                 "restart_required": {"category": "system"}},
            ],
            "threats": [{"category": "exploit_status", "details": "Seen in the wild.",
                         "date": "2026-10-30T00:00:00Z", "group_ids": ["G1"]}],
            "flags": [{"label": "component_not_present", "product_ids": ["P2"]}],
            "involvements": [{"party": "vendor", "status": "completed",
                              "summary": "They helped."}],
        },
        {
            "title": "Window ajar",
            "product_status": {"known_not_affected": ["P1"], "last_affected": ["P2"]},
            "scores": [
                {"products": ["P1"], "cvss_v2": {
                    "version": "2.0", "vectorString": "AV:N/AC:L", "baseScore": 5}},
                {"products": ["P2"], "cvss_v3": {
                    "version": "3.0", "baseScore": 4.3, "baseSeverity": [1],
                    "attackVector": "LOCAL"}},
            ],
            "remediations": [
                {"category": "none_available", "details": "Wait.", "product_ids": ["P1"]},
                {"category": "workaround", "details": "Shut it.", "product_ids": ["P1"]},
            ],
            "involvements": [{"party": "discoverer", "status": "not_contacted"}],
        },
    ],
}  # fmt: skip


def read(value: Any, name: str = "advisory") -> Found:
    given = Input(json.dumps(value).encode(), name=name, when=WHEN)
    return formats.read(given, "csaf")


def changed(**document: Any) -> dict[str, Any]:
    """The advisory with members of its document replaced; None takes one away."""
    value = copy.deepcopy(ADVISORY)
    for name, new in document.items():
        value["document"][name] = new
        if new is None:
            del value["document"][name]
    return value


def flaw(**members: Any) -> dict[str, Any]:
    """The advisory with one vulnerability, of these members."""
    return copy.deepcopy(ADVISORY) | {"vulnerabilities": [members]}


def objects(found: Found, kind: str) -> list[dict[str, Any]]:
    return [stix.encode_object(o) for o in found.objects if o.type == kind]


def only(found: Found, kind: str) -> dict[str, Any]:
    (one,) = objects(found, kind)
    return one


def called(found: Found, kind: str, name: str) -> dict[str, Any]:
    (one,) = [o for o in objects(found, kind) if o["name"] == name]
    return one


def lost(found: Found) -> dict[str, str]:
    return {loss.where: loss.rule for loss in found.losses}


def arrows(found: Found) -> set[tuple[str, str, str]]:
    """All relations, with the names of their ends."""
    names = {o.id: getattr(o, "name", None) for o in found.objects}
    return {
        (names[r["source_ref"]], r["relationship_type"], names[r["target_ref"]])
        for r in objects(found, "relationship")
    }


def remarks(found: Found, about: str) -> dict[str, str]:
    return {
        o.get("abstract", ""): o["content"]
        for o in objects(found, "note")
        if about in o["object_refs"]
    }


# ------------------------------------------------------------------ the document


def test_an_advisory_is_recognised_and_becomes_a_draft():
    given = Input(json.dumps(ADVISORY).encode(), when=WHEN)
    assert formats.recognise(given).name == "csaf"
    found = formats.read(given)
    draft = compose(found.objects, now=WHEN, primary=found.primary)
    assert draft.kind == "advisory"
    assert draft.tlp is Tlp.GREEN
    assert draft.objects[draft.primary].id == found.primary
    assert draft.facts.languages == ("en",)


def test_the_report_is_the_document():
    found = read(ADVISORY)
    report = only(found, "report")
    assert report["id"] == found.primary
    assert report["name"] == "Two flaws in Saltmere Gate"
    assert report["description"] == "Patch at once."
    assert report["report_types"] == ["vulnerability"]
    assert (report["created"], report["published"]) == (FIRST, FIRST)
    assert report["modified"] == LAST
    assert report["lang"] == "en"
    assert 'csaf:status="final"' in report["labels"]
    assert report["x_csaf"]["revision_history"][0]["summary"] == "First told."
    assert set(report["object_refs"]) == {o.id for o in found.objects} - {report["id"]}


def test_references_and_numbers_are_external_references():
    references = only(read(ADVISORY), "report")["external_references"]
    cert = "CERT of Avalonia"
    assert {"source_name": cert, "external_id": "XA-2026-0007"} in references
    assert {"source_name": cert, "external_id": "XA-OLD-3"} in references
    assert {
        "source_name": cert, "url": "https://cert.example/7", "description": "Page",
    } in references  # fmt: skip
    assert {
        "source_name": "vendor.example", "url": "https://vendor.example/7",
        "description": "Vendor",
    } in references  # fmt: skip


def test_a_reference_whose_host_cannot_be_read_is_kept():
    value = changed(references=[{"url": "https://[half"}])
    references = only(read(value), "report")["external_references"]
    assert {"source_name": "csaf", "url": "https://[half"} in references


def test_the_publisher_is_an_organisation_with_its_contact():
    found = read(ADVISORY)
    publisher = only(found, "identity")
    assert publisher["name"] == "CERT of Avalonia"
    assert publisher["identity_class"] == "organization"
    assert publisher["roles"] == ["coordinator"]
    assert publisher["contact_information"] == "desk@cert.example"
    assert publisher["description"] == "By law of the land."
    assert only(found, "report")["created_by_ref"] == publisher["id"]


@pytest.mark.parametrize("category", ["discoverer", "user"])
def test_a_publisher_that_may_be_a_person_counts_as_one(category):
    publisher = ADVISORY["document"]["publisher"] | {"category": category}
    found = read(changed(publisher=publisher))
    assert only(found, "identity")["identity_class"] == "unknown"
    assert "desk@cert.example" not in held(found)
    assert lost(found)["$.document.publisher.contact_details"] == "person-left-out"


def test_an_advisory_without_a_publisher_and_dates_is_read():
    found = read(changed(publisher=None, tracking=None, distribution=None))
    report = only(found, "report")
    assert "created_by_ref" not in report
    assert report["created"] == report["published"] == WHEN


def test_a_name_is_found_for_what_has_none():
    bare = {"document": {"csaf_version": "2.0"}}
    assert only(read(bare, "a file"), "report")["name"] == "a file"
    assert only(read(bare, ""), "report")["name"] == "CSAF advisory"
    bare["document"]["tracking"] = {"id": "XA-1"}
    assert only(read(bare), "report")["name"] == "XA-1"


def test_other_notes_and_the_distribution_are_notes():
    found = read(ADVISORY)
    assert remarks(found, found.primary) == {
        "Advice": "Keep calm.",
        "Distribution": "Pass on freely.",
        "Acknowledgment": "Brightwater Labs: found both",
    }


def test_persons_who_are_thanked_are_left_out_and_listed():
    found = read(ADVISORY)
    assert "Temcott" not in held(found)
    assert "temcott" not in held(found)
    where = "$.document.acknowledgments[0]"
    assert lost(found)[f"{where}.names"] == "person-left-out"
    assert lost(found)[f"{where}.urls"] == "person-left-out"


@pytest.mark.parametrize(
    ("thanks", "left_out"),
    [
        ({"names": ["Ilvara Temcott"], "summary": "who did it"}, ["names", "summary"]),
        ({"summary": "a friend"}, ["summary"]),
        (
            {"names": ["Temcott"], "organization": "Temcott Ltd", "summary": "works"},
            ["names", "organization", "summary"],
        ),
        (
            {"names": ["Temcott"], "organization": "Labs", "summary": "by TEMCOTT"},
            ["names", "summary"],
        ),
        (
            {"names": ["A"] * 101, "organization": "Zzz", "summary": "zzz"},
            ["names", "organization", "summary"],
        ),
    ],
)
def test_thanks_that_would_name_a_person_are_left_out(thanks, left_out):
    found = read(changed(acknowledgments=[thanks]))
    assert "temcott" not in held(found).lower()
    places = {w.rpartition(".")[2] for w in lost(found) if "acknowledgments" in w}
    assert places == set(left_out)


def test_thanks_to_an_organisation_keep_its_page():
    thanks = {"organization": "Labs", "urls": ["https://labs.example/"]}
    found = read(changed(acknowledgments=[thanks]))
    (note,) = [n for n in objects(found, "note") if n["abstract"] == "Acknowledgment"]
    assert note["content"] == "Labs"
    assert note["external_references"][0]["url"] == "https://labs.example/"


# ---------------------------------------------------------------- times and marks


@pytest.mark.parametrize(
    ("first", "last", "created", "modified", "listed"),
    [
        ("2026-11-01T08:00:00Z", "", "2026-11-01T08:00:00Z", "2026-11-01T08:00:00Z", ""),
        ("", "2026-11-01T08:00:00Z", "2026-11-01T08:00:00Z", "2026-11-01T08:00:00Z", ""),
        ("2026-11-01T08:00:00-01:30", "", "2026-11-01T09:30:00Z", "2026-11-01T09:30:00Z",
         ""),
        ("yesterday", "", WHEN, WHEN, "initial_release_date"),
        ("2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z",
         "2026-11-02T00:00:00Z", "current_release_date"),
    ],
)  # fmt: skip
def test_times_are_written_in_utc(first, last, created, modified, listed):
    tracking = {"id": "1", "initial_release_date": first, "current_release_date": last}
    found = read(changed(tracking=tracking))
    report = only(found, "report")
    assert (report["created"], report["modified"]) == (created, modified)
    listed_now = [w for w in lost(found) if w.endswith("_release_date")]
    assert listed_now == ([f"$.document.tracking.{listed}"] if listed else [])


@pytest.mark.parametrize(
    ("distribution", "tlp"),
    [
        ({"tlp": {"label": "WHITE"}}, Tlp.CLEAR),
        ({"tlp": {"label": "CLEAR"}}, Tlp.CLEAR),
        ({"tlp": {"label": "AMBER"}}, Tlp.AMBER),
        ({"tlp": {"label": "AMBER+STRICT"}}, Tlp.AMBER_STRICT),
        ({"tlp": {"label": "RED"}}, Tlp.RED),
        ({"tlp": {"label": "GREEN"}, "sharing_group": {
            "id": "ffffffff-ffff-ffff-ffff-ffffffffffff"}}, Tlp.GREEN),
    ],
)  # fmt: skip
def test_every_object_is_marked_as_the_document_says(distribution, tlp):
    found = read(changed(distribution=distribution))
    marks = {tuple(o.object_marking_refs) for o in found.objects}
    assert marks == {(TLP_IDS[tlp],)}
    assert "strictest-mark" not in lost(found).values()


@pytest.mark.parametrize(
    "distribution",
    [
        {"tlp": {"label": "PURPLE"}},
        {"tlp": {"label": ["GREEN"]}},
        {"tlp": {"url": "https://www.first.org/tlp/"}},
        {"tlp": "GREEN"},
        {"sharing_group": {"id": "11111111-1111-4111-8111-111111111111"}},
        {"tlp": {"label": "CLEAR"}, "sharing_group": "friends"},
    ],
)
def test_a_mark_that_is_not_understood_counts_as_the_strictest(distribution):
    found = read(changed(distribution=distribution))
    assert found.objects[0].object_marking_refs == (TLP_IDS[Tlp.AMBER_STRICT],)
    assert "strictest-mark" in lost(found).values()


def test_red_stays_red_in_a_smaller_group():
    group = {"tlp": {"label": "RED"}, "sharing_group": {"id": "1", "name": "Few"}}
    found = read(changed(distribution=group))
    assert found.objects[0].object_marking_refs == (TLP_IDS[Tlp.RED],)
    assert lost(found)["$.document.distribution.sharing_group.name"] == "no-equivalent"


def test_an_advisory_without_a_mark_is_unmarked():
    found = read(changed(distribution=None))
    with pytest.raises(SchemaError, match="unmarked"):
        compose(found.objects, now=WHEN, primary=found.primary)
    assert compose(found.objects, now=WHEN, primary=found.primary, tlp=Tlp.GREEN)


@pytest.mark.parametrize("lang", ["no language at all", "e", "en_US"])
def test_a_language_that_is_none_is_left_out_and_listed(lang):
    found = read(changed(lang=lang))
    assert "lang" not in only(found, "report")
    assert lost(found)["$.document.lang"] == "bad-value"


# -------------------------------------------------------------------- products


def test_products_are_software():
    found = read(ADVISORY)
    gate = called(found, "software", "Saltmere Gate 1.0")
    assert (gate["vendor"], gate["version"]) == ("Saltmere", "1.0")
    assert gate["cpe"].startswith("cpe:2.3:a:saltmere")
    assert gate["x_csaf"] == {
        "product_id": "P1",
        "branches": [{"category": "product_name", "name": "Gate"}],
        "product_identification_helper": {"purl": "pkg:generic/gate@1.0"},
    }
    assert "created" not in gate


def test_an_old_cpe_stands_beside():
    gate = called(read(ADVISORY), "software", "Saltmere Gate 1.1")
    assert "cpe" not in gate
    assert gate["x_csaf"]["cpe"] == "cpe:/a:saltmere:gate:1.1"


def test_a_product_of_products_brings_them_along():
    found = read(flaw(cve="CVE-2026-1", product_status={"known_affected": ["P4"]}))
    names = {o["name"] for o in objects(found, "software")}
    assert names == {"Gate on Lantern", "Saltmere Gate 1.0", "Lantern OS"}
    both = called(found, "software", "Gate on Lantern")
    assert both["x_csaf"]["relationships"]["product_reference"] == "P1"


def test_products_that_nothing_refers_to_are_listed():
    found = read(flaw(cve="CVE-2026-1", product_status={"known_affected": ["P3"]}))
    assert [o["name"] for o in objects(found, "software")] == ["Lantern OS"]
    (unused, *_) = [loss for loss in found.losses if loss.rule == "unused"]
    assert unused.count == 2


def test_an_advisory_that_names_no_product_is_about_all():
    found = read(copy.deepcopy(ADVISORY) | {"vulnerabilities": []})
    assert len(objects(found, "software")) == 4


def test_a_product_that_is_not_in_the_tree_is_listed():
    status = {"known_affected": ["P1", "P9"]}
    threats = [{"category": "impact", "details": "x", "group_ids": ["G9"]}]
    found = read(flaw(cve="CVE-1", product_status=status, threats=threats))
    assert arrows(found) == {("Saltmere Gate 1.0", "has", "CVE-1")}
    where = "$.vulnerabilities[0]"
    assert lost(found)[f"{where}.product_status.known_affected[1]"] == "dangling"
    assert lost(found)[f"{where}.threats[0].group_ids[0]"] == "dangling"


def test_odd_trees_are_listed_not_followed():
    value = flaw(cve="CVE-1", product_status={"known_affected": ["A", "B", "C"]})
    value["product_tree"] = {
        "branches": [
            {"category": "vendor", "name": "Empty"},
            {"category": "vendor", "name": "L" * 1001, "branches": [
                {"category": "product_name", "name": "N", "product": {
                    "name": "First", "product_id": "A"}}]},
            "no branch",
        ],
        "full_product_names": [
            {"name": "Second", "product_id": "A"}, {"name": "No id"}, {"product_id": "C"},
        ],
        "product_groups": [
            {"group_id": "G", "product_ids": ["A"], "summary": "s"},
            {"group_id": "G", "product_ids": ["C"]},
        ],
        "relationships": [{"category": "installed_on"}],
        "product_paths": [{
            "beginning_product_reference": "A",
            "full_product_name": {"name": "Third", "product_id": "B"},
            "subpaths": [{"category": "on", "next_product_reference": "Q"}]}],
    }  # fmt: skip
    found = read(value)
    assert {o["name"] for o in objects(found, "software")} == {"First", "Third", "C"}
    assert "vendor" not in called(found, "software", "First")
    tree = "$.product_tree"
    expected = {
        f"{tree}.branches[0]": "unused",
        f"{tree}.branches[1]": "bad-value",
        f"{tree}.branches[2]": "wrong-type",
        f"{tree}.full_product_names[0]": "repeated",
        f"{tree}.full_product_names[1]": "unused",
        f"{tree}.product_groups[0].summary": "no-equivalent",
        f"{tree}.product_groups[1]": "repeated",
        f"{tree}.relationships[0]": "unused",
        tree: "dangling",
    }
    assert lost(found).items() >= expected.items()


# ---------------------------------------------------------------- vulnerabilities


def test_a_vulnerability_has_its_numbers_and_scores():
    one = called(read(ADVISORY), "vulnerability", "CVE-2026-12345")
    assert one["description"] == "Anybody may walk in."
    assert one["labels"] == [
        'csaf:discovery-date="2026-10-01T00:00:00Z"',
        VECTOR,
        'cvss:base-score="9.8"',
        'cvss:base-severity="CRITICAL"',
    ]
    assert one["external_references"] == [
        {"source_name": "cve", "external_id": "CVE-2026-12345",
         "description": "Door left open"},
        {"source_name": "cwe", "external_id": "CWE-79", "description": "Scripting"},
        {"source_name": "Saltmere", "external_id": "SM-1"},
        {"source_name": "flaws.example", "url": "https://flaws.example/1"},
    ]  # fmt: skip


def test_products_are_related_to_what_they_have():
    assert arrows(read(ADVISORY)) >= {
        ("Saltmere Gate 1.0", "has", "CVE-2026-12345"),
        ("Saltmere Gate 1.1", "fixed", "CVE-2026-12345"),
        ("Saltmere Gate 1.0", "known-not-affected", "Window ajar"),
        ("Saltmere Gate 1.1", "last-affected", "Window ajar"),
    }


def test_remedies_are_courses_of_action():
    found = read(ADVISORY)
    fix = called(found, "course-of-action", "vendor fix")
    assert fix["description"] == "Take 1.1."
    assert fix["external_references"][0]["url"] == "https://vendor.example/fix"
    assert fix["x_csaf"]["entitlements"] == ["For customers."]
    assert fix["x_csaf"]["restart_required"] == {"category": "system"}
    assert arrows(found) >= {
        ("vendor fix", "remediates", "CVE-2026-12345"),
        ("workaround", "mitigates", "Window ajar"),
        ("none available", "related-to", "Window ajar"),
        # Not for all that the flaw affects, so it is said for what.
        ("workaround", "applies-to", "Saltmere Gate 1.0"),
    }
    assert ("vendor fix", "applies-to", "Saltmere Gate 1.0") not in arrows(found)


def test_a_remedy_that_is_repeated_is_one():
    remedy = {"category": "mitigation", "details": "Shut it."}
    value = flaw(cve="CVE-1", remediations=[remedy])
    value["vulnerabilities"].append({"cve": "CVE-2", "remediations": [remedy]})
    found = read(value)
    assert len(objects(found, "course-of-action")) == 1
    assert len(objects(found, "relationship")) == 2


def test_a_remedy_that_is_not_valid_is_listed():
    found = read(flaw(cve="CVE-1", remediations=[{"details": "x" * (2**20 + 1)}]))
    assert lost(found)["$.vulnerabilities[0].remediations[0]"] == "unusable"
    assert objects(found, "relationship") == []


def test_what_is_said_of_a_flaw_in_some_products_are_notes():
    found = read(ADVISORY)
    one = called(found, "vulnerability", "CVE-2026-12345")
    assert remarks(found, one["id"]) == {
        "SSVC": "act",
        "exploit status": "Seen in the wild.",
        "flag": "component not present",
        "involvement: vendor": "They helped.",
    }
    (threat,) = [o for o in objects(found, "note") if o["content"].startswith("Seen")]
    assert called(found, "software", "Saltmere Gate 1.0")["id"] in threat["object_refs"]
    assert threat["labels"] == [
        'csaf:threat="exploit_status"', 'csaf:date="2026-10-30T00:00:00Z"',
    ]  # fmt: skip
    other = called(found, "vulnerability", "Window ajar")
    assert remarks(found, other["id"])["involvement: discoverer"] == "not contacted"


def test_several_scores_say_what_they_are_for():
    found = read(ADVISORY)
    other = called(found, "vulnerability", "Window ajar")
    assert other["labels"] == [
        "CVSS:2.0/AV:N/AC:L", 'cvss:base-score="5"', 'cvss:base-score="4.3"',
    ]  # fmt: skip
    about = [n for n in objects(found, "note") if n["abstract"] == "Score"]
    gates = [
        called(found, "software", f"Saltmere Gate {v}")["id"] for v in ("1.0", "1.1")
    ]
    assert [n["object_refs"] for n in about] == [[other["id"], g] for g in gates]


def test_parts_of_a_score_are_listed_as_repeated_only_beside_its_vector():
    found = read(ADVISORY)
    scores = "$.vulnerabilities[{}].scores[{}].cvss_v3[...]"
    assert lost(found)[scores.format(0, 0)] == "repeated"
    second = "$.vulnerabilities[1].scores[1].cvss_v3"
    for member in ("[...]", ".version"):
        assert lost(found)[f"{second}{member}"] == "no-equivalent"


def test_a_version_that_its_vector_contradicts_is_listed():
    cvss = {"version": "3.0", "vectorString": VECTOR}
    found = read(flaw(cve="C", scores=[{"cvss_v3": cvss}]))
    assert only(found, "vulnerability")["labels"] == [VECTOR]
    assert lost(found)["$.vulnerabilities[0].scores[0].cvss_v3.version"] == "repeated"


def test_flaws_without_a_name_are_two():
    value = flaw(notes=[{"category": "summary", "text": "one"}])
    value["vulnerabilities"] += [
        {"ids": [{"text": "N-7"}]},
        {},
        {"cve": "C"},
        {"cve": "C"},
    ]
    names = [o["name"] for o in objects(read(value), "vulnerability")]
    unnamed = "Vulnerability without a name"
    assert names == [unnamed, "N-7", unnamed, "C", "C"]


def test_csaf_2_1_is_read():
    value = flaw(
        cve="CVE-2026-1",
        cwes=[{"id": "CWE-1", "name": "One"}, {"id": "CWE-2", "version": "4.1"}],
        disclosure_date="2026-10-02T00:00:00Z",
        product_status={"known_affected": ["P1"], "unknown": ["P2"]},
        metrics=[
            {"content": {"cvss_v4": {"version": "4.0", "vectorString": "CVSS:4.0/AV:N"},
                         "epss": {"probability": "0.1"}}, "products": ["P1"]},
            {"content": {}, "products": ["P1"], "source": "https://nvd.example/"},
        ],
        first_known_exploitation_dates=[
            {"date": "2026-11-01T00:00:00Z", "exploitation_date": "2026-10-31T00:00:00Z"}
        ],
    )  # fmt: skip
    value["$schema"] = "https://docs.oasis-open.org/csaf/csaf/v2.1/csaf.json"
    value["document"] |= {"csaf_version": "2.1", "license_expression": "CC-BY-4.0"}
    found = read(value)
    one = only(found, "vulnerability")
    numbers = [r.get("external_id") for r in one["external_references"]]
    assert numbers == ["CVE-2026-1", "CWE-1", "CWE-2"]
    assert one["labels"][1:] == ["CVSS:4.0/AV:N"]
    assert one["x_csaf"] == {"metrics": [{"epss": {"probability": "0.1"}}]}
    notes = remarks(found, one["id"])
    assert notes["first known exploitation"] == "2026-10-31T00:00:00Z"
    assert ("Saltmere Gate 1.1", "unknown", "CVE-2026-1") in arrows(found)


# ------------------------------------------------------------ nothing gets lost

BESIDE = (
    r"\$\.document\.(csaf_version|distribution\.tlp\..*)"
    r"|\$\.document\.tracking\.current_release_date"  # in UTC now
    r"|.*\.references\[\d+\]\.category"  # who the source is, says it
    r"|.*\.notes\[\d+\]\.category"  # that a text is the description
    r"|.*\.branches\[\d+\]\.category"  # vendor and version have properties
    r"|.*\.(group_id|group_ids\[\d+\]|product_groups.*)"  # resolved
    r"|.*\.ids\[\d+\]\.text"
)


def test_nothing_is_dropped_without_being_listed():
    value = copy.deepcopy(ADVISORY)
    value["x_new"] = value["document"]["x_new"] = "unheard of"
    value["vulnerabilities"][0]["x_new"] = {"deep": ["unheard of"]}
    found = read(value)
    assert dropped_unlisted(value, found, beside=BESIDE) == []
    assert lost(found)["$[...]"] == lost(found)["$.document[...]"] == "no-equivalent"


def test_the_check_would_notice():
    value = copy.deepcopy(ADVISORY)
    found = read(value)
    value["vulnerabilities"][1]["title2"] = "never seen"
    left = dropped_unlisted(value, found, beside=BESIDE)
    assert left == ["$.vulnerabilities[1].title2"]


def test_the_same_bytes_give_the_same_objects():
    assert read(ADVISORY) == read(copy.deepcopy(ADVISORY))


def test_no_text_of_the_input_stands_in_what_is_listed():
    value = copy.deepcopy(ADVISORY)
    value["Secret"] = value["document"]["Secret"] = "Secret"
    value["vulnerabilities"][0]["threats"] = [{"category": ["Secret"], "Secret": "x"}]
    assert "Secret" not in str(read(value).losses)


@pytest.mark.parametrize(
    "path",
    ["document.title", "document.publisher", "document.tracking", "document.notes",
     "document.references", "document.acknowledgments", "document.distribution",
     "product_tree", "vulnerabilities", "product_tree.branches",
     "document.publisher.name", "document.tracking.revision_history"],
)  # fmt: skip
@pytest.mark.parametrize("odd", [7, "text", [[]], {"a": 1}, [{"a": [1]}, None], True])
def test_a_member_of_another_kind_hurts_nothing_else(path, odd):
    value = copy.deepcopy(ADVISORY)
    *outer, name = path.split(".")
    inner = value
    for each in outer:
        inner = inner[each]
    inner[name] = odd
    found = read(value)
    assert compose(found.objects, now=WHEN, primary=found.primary, tlp=Tlp.GREEN)


@pytest.mark.parametrize("seed", range(4))
def test_one_value_changed_at_random_loses_nothing_unlisted(seed):
    for value in one_changed(ADVISORY, seed=seed, times=100):
        document = value.get("document")
        if not isinstance(document, dict) or document.get("csaf_version") != "2.0":
            continue  # no advisory any more
        found = read(value)
        assert dropped_unlisted(value, found, beside=BESIDE) == []


# --------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"[]", "not-csaf at $"),
        (b"7", "not-csaf at $"),
        (b'{"document": {"csaf_version": "1.2"}}',
         "not-csaf at $.document.csaf_version"),
        (b'{"document": {"csaf_version": 2}}', "not-csaf at $"),
        (b'{"document": [', "not-json at line 1 column 15"),
        (b'{"a": 1, "a": 2}', "duplicate-key at $"),
        (b'{"a": ' + b"[" * 60 + b"]" * 60 + b"}", None),
    ],
)  # fmt: skip
def test_what_is_no_advisory_is_refused(text, reason):
    with pytest.raises(SchemaError) as refused:
        formats.read(Input(text, when=WHEN), "csaf")
    assert reason is None or str(refused.value) == reason


def test_what_is_no_advisory_is_not_recognised():
    for text in (b"text", b"[]", b"{}", b'{"document": []}', b'{"document": {}}'):
        assert not formats.SOURCES["csaf"].recognises(Input(text, when=WHEN))


def test_a_report_that_cannot_be_made_is_refused():
    with pytest.raises(SchemaError, match="no-objects"):
        read(changed(title="x" * (2**20 + 1)))


# ---------------------------------------------------------------- its limits


def tree(number: int) -> dict[str, Any]:
    return {
        "full_product_names": [
            {"name": f"Product {i}", "product_id": f"P{i}"} for i in range(number)
        ]
    }


def test_thousands_of_products_cost_a_time_in_proportion():
    def seconds(number: int) -> float:
        value = flaw(
            cve="CVE-1", product_status={"known_affected": [f"P{i}" for i in range(50)]}
        )
        value["product_tree"] = tree(number)
        data = json.dumps(value).encode()
        start = time.process_time()
        found = formats.read(Input(data, when=WHEN), "csaf")
        assert len(objects(found, "software")) == 50
        return time.process_time() - start

    seconds(2_000)
    assert seconds(40_000) < 20 * 4 * min(seconds(2_000) for _ in range(3)) + 0.1


def test_many_products_in_many_flaws_are_told_in_notes():
    ids = [f"P{i}" for i in range(300)]
    value = copy.deepcopy(ADVISORY) | {"product_tree": tree(300)}
    value["vulnerabilities"] = [
        {"cve": f"CVE-{n}", "product_status": {"known_affected": ids}}
        for n in range(100)
    ]
    found = read(value)
    assert len(objects(found, "relationship")) <= MAX_RELATIONS
    (last,) = [o for o in objects(found, "vulnerability") if o["name"] == "CVE-99"]
    (note,) = [o for o in objects(found, "note") if last["id"] in o["object_refs"]]
    assert note["content"] == "known affected"
    assert len(note["object_refs"]) == 301


def test_more_products_than_a_record_holds_are_refused():
    value = copy.deepcopy(ADVISORY) | {"vulnerabilities": []}
    value["product_tree"] = tree(MAX_OBJECTS + 1)
    with pytest.raises(SchemaError, match="too-many-objects"):
        read(value)


def test_a_group_that_is_named_again_and_again_is_refused():
    value = copy.deepcopy(ADVISORY) | {"product_tree": tree(1_000)}
    ids = [f"P{i}" for i in range(1_000)]
    value["product_tree"]["product_groups"] = [{"group_id": "G", "product_ids": ids}]
    value["vulnerabilities"] = [
        {
            "threats": [
                {"category": "impact", "details": "x", "group_ids": ["G"] * 100_000}
            ]
        }
    ]
    start = time.process_time()
    with pytest.raises(SchemaError, match="too-many-values"):
        read(value)
    assert time.process_time() - start < 5


# ------------------------------------------------------------------ real advisories


@pytest.mark.parametrize("path", real_files("csaf_cisa/*.json"))
def test_real_advisories_come_along_whole(path):
    data = path.read_bytes()
    found = formats.read(Input(data, name=path.stem, when=WHEN))
    draft = compose(found.objects, now=WHEN, primary=found.primary)
    assert draft.tlp is Tlp.CLEAR
    assert dropped_unlisted(json.loads(data), found, beside=BESIDE) == []
    assert {loss.rule for loss in found.losses} <= {
        "local-only", "no-equivalent", "person-left-out", "repeated", "unused",
    }  # fmt: skip
    titles = [x.where for x in found.losses if x.rule == "no-equivalent"]
    assert all(where.endswith("].title") for where in titles)


@pytest.mark.parametrize("path", real_files("csaf_cisa/*.json"))
def test_no_person_thanked_in_a_real_advisory_stands_in_its_objects(path):
    value = json.loads(path.read_bytes())
    found = formats.read(Input(path.read_bytes(), when=WHEN))
    for part in (value["document"], *value["vulnerabilities"]):
        for thanks in part.get("acknowledgments", ()):
            for name in thanks.get("names", ()):
                assert name not in held(found)
