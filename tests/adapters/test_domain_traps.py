"""The traps in records that members really have, each told by what a member gets in the end.

The numbers are those of the survey of public data. Each trap has an invented record;
where the real file lies beside the checkout, it is read, signed and cut as well.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.redaction import NotGivenError, Redacted
from adapters.sources import formats
from adapters.sources.source import Input
from broker.blinding import org_identity
from broker.trust import Verified
from schemas.composing import compose
from schemas.errors import SchemaError
from schemas.markings import Tlp
from tests.support import records
from tests.support.misp_events import attribute, event
from tests.support.projections import check_projection
from tests.support.real_data import DATA, needs_real_data, real_files
from tests.support.real_records import given, record
from tests.support.views import (
    AUTHOR,
    CIVIL,
    CLEAR,
    CONCERNED,
    INCIDENT,
    MALWARE,
    NOW_TEXT,
    PEER,
    PLATFORM,
    RED,
    VIEWS,
    cut,
    cut_new,
    link,
    made_of,
    marked,
    new,
    only,
    opened,
    projected,
    seen,
    signed,
    strings,
)  # fmt: skip

EVERYBODY = list(VIEWS.values())
WHITE = "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
FIMI = real_files("fimi_viginum_stix21/*.json")
RRN = real_files("fimi_viginum_stix21/*RRN*.json")
MATRIOCHKA = real_files("fimi_viginum_stix21/*Matriochka*.json")
PII = real_files("oasis_incident_extension/incident_pii_report.json")
BACKDOOR = real_files("misp_events_eset/*backdoordiplomacy.json")
PEGASUS = real_files("amnesty_stix21/pegasus.stix2")


def taken(value: Any, name: str = "a-file", **options: Any) -> Verified:
    """Read what came in, in whatever format, sign it and verify it."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    found = formats.read(Input(data, name=name, when=NOW_TEXT))
    options = {"primary": found.primary, **options}
    return opened(records.token(compose(found.objects, now=NOW_TEXT, **options)))


def bundle(*objects: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "bundle",
        "id": "bundle--00000000-0000-4000-8000-000000000001",
        "objects": list(objects),
    }


def raw(path: Path) -> list[dict[str, Any]]:
    value = json.loads(path.read_bytes())
    return value if isinstance(value, list) else value["objects"]


# ------------------------------------------------------- 1: CLEAR under the id of WHITE


def white(**body: Any) -> dict[str, Any]:
    one = new("marking-definition", name="TLP:CLEAR", definition_type="tlp",
              definition={"tlp": "clear"}, **body)  # fmt: skip
    return {n: v for n, v in one.items() if n != "modified"} | {"id": WHITE}


def test_trap_1_clear_under_the_id_of_white_is_clear_for_everybody():
    case = taken(bundle(marked(INCIDENT, WHITE), white()))
    for to in EVERYBODY:
        shown = only(cut(case, to), "incident")
        assert shown["object_marking_refs"] == [CLEAR]


def test_trap_1_a_body_under_a_known_id_is_never_believed_and_never_passed_on():
    lie = white() | {"id": RED}  # "clear", says its body
    secret = marked(new("malware", "Zorblax"), WHITE)
    with pytest.raises(SchemaError, match="needs-sealing"):
        taken(bundle(marked(INCIDENT, WHITE), marked(secret, RED), lie))
    strict = white() | {"definition": {"tlp": "red"}, "name": "zorblax"}
    redacted = cut(taken(bundle(marked(INCIDENT, WHITE), strict)), CIVIL)
    assert "zorblax" not in seen(redacted)
    assert projected(redacted, "marking-definition") == []


@pytest.mark.parametrize("path", FIMI)
def test_trap_1_real_records_under_white_reach_everybody(path):
    for to in EVERYBODY:
        redacted = given(path, to)
        marks = {r for o in projected(redacted) for r in o["object_marking_refs"]}
        assert WHITE not in marks
        assert marks <= {CLEAR, *(o.id for o in record(path).objects)} | GREEN_TOO


GREEN_TOO = {"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"}


# -------------------------------------------------------------- 2: objects without marks


def test_trap_2_what_is_unmarked_goes_to_nobody_who_is_not_addressed():
    case = taken(bundle(marked(INCIDENT, CLEAR), MALWARE))
    for to in EVERYBODY:
        assert projected(cut(case, to), "malware") == []


def test_trap_2_an_unmarked_record_is_not_signed_until_somebody_marks_it():
    with pytest.raises(SchemaError, match="unmarked"):
        taken(bundle(INCIDENT))
    case = taken(bundle(INCIDENT), tlp=Tlp.AMBER)
    assert only(cut(case, PEER), "incident")
    with pytest.raises(NotGivenError):
        cut(case, PLATFORM)


@pytest.mark.parametrize("path", FIMI)
def test_trap_2_unmarked_objects_of_real_records_are_given_to_nobody(path):
    case = taken(path.read_bytes(), primary=first(path, "report"))
    unmarked = sum("object_marking_refs" not in one for one in raw(path))
    assert unmarked >= 5
    for to in EVERYBODY:
        redacted = cut(case, to)
        gone = [c for c in redacted.cuts if not c.place and c.reason == "tlp-clearance"]
        assert len(gone) >= unmarked - 2  # definitions of marks need none


@pytest.mark.parametrize("path", real_files("amnesty_stix21/*"))
def test_trap_2_a_real_list_without_any_mark_is_not_signed(path):
    with pytest.raises(SchemaError, match="unmarked"):
        taken(path.read_bytes(), report="Indicators")


def first(path: Path, kind: str) -> str:
    return next(one["id"] for one in raw(path) if one["type"] == kind)


# ----------------------------------------------------------------- 3: nobody has made it


def check_authors(redacted: Redacted) -> None:
    hub = org_identity(AUTHOR.org)
    for one in projected(redacted):
        if "modified" in one:
            assert one["created_by_ref"] == hub
    by = {"identity", "marking-definition", "extension-definition"}
    for plain in opened(redacted.evidence).plain:
        assert plain.get("created_by_ref", "identity").split("--")[0] in by
    assert redacted.verified.issuer == "cert-aq"


def test_trap_3_what_names_no_author_has_the_issuer_in_evidence_and_us_in_projections():
    assert "created_by_ref" not in INCIDENT
    for to in EVERYBODY:
        redacted = cut_new(to, INCIDENT, MALWARE)
        check_authors(redacted)
        assert "urn:tocsin:org:cert-aq" in seen(redacted)


@pytest.mark.parametrize("path", RRN)
def test_trap_3_a_real_record_of_a_thousand_objects_without_authors(path):
    assert sum("created_by_ref" not in one for one in raw(path)) > 1000
    for to in EVERYBODY:
        check_authors(given(path, to))


# -------------------------------------------------------------- 4: references to nowhere


@pytest.mark.parametrize("to", EVERYBODY)
def test_trap_4_a_reference_to_what_is_not_there_goes_alone(to):
    nobody = new("identity", "of another record")
    missing = link(new("indicator", "of another record"), "indicates", MALWARE)
    case = INCIDENT | {"created_by_ref": nobody["id"]}
    redacted = cut_new(to, case, MALWARE, missing)
    assert {one["type"] for one in projected(redacted)} == {"incident", "malware"}
    assert nobody["id"][-36:] not in seen(redacted)
    check_projection(redacted)


@pytest.mark.parametrize("path", [*RRN, *PII])
def test_trap_4_real_records_have_no_loose_ends_left(path):
    known = {one["id"] for one in raw(path)}
    loose = {
        value[-36:]
        for one in raw(path)
        for name, value in one.items()
        if name.endswith("_ref") and value not in known
    }
    assert loose
    for to in EVERYBODY:
        redacted = given(path, to)
        check_projection(redacted)
        assert [each for each in loose if each in seen(redacted)] == []


# -------------------------------------------------- 5: types and properties of a dialect


def test_trap_5_types_without_a_definition_are_known_and_their_properties_are_not():
    dialect = {"x_opencti_id": "zorblax", "x_opencti_description": "zorblax"}
    objects = [
        new("channel", "Morning Lantern", **dialect), new("narrative", **dialect),
        new("media-content", title="A video", **dialect), new("text", **dialect),
    ]  # fmt: skip
    ties = [link(MALWARE, "uses", each) for each in objects]
    case = signed(
        INCIDENT,
        MALWARE,
        new("attack-pattern"),
        *objects,
        *ties,
        primary=INCIDENT["id"],
    )
    types = {one["type"] for one in projected(cut(case, PEER))}
    assert types >= {"channel", "narrative", "media-content", "text"}
    for to in EVERYBODY:
        assert "zorblax" not in seen(cut(case, to))


def test_trap_5_an_event_of_the_dialect_is_not_one_of_the_incident_suite():
    ours = new("event", "of the suite", status="occurred")
    theirs = new("event", "An election", status=None, event_types=["election"])
    redacted = cut_new(PEER, INCIDENT, ours, theirs)
    for one in projected(redacted, "event"):
        assert one.get("status", "occurred") == "occurred"
    assert "status" not in made_of(projected(redacted, "event")[0])


@pytest.mark.parametrize("path", [*FIMI, *real_files("disarm/DISARM.json")])
def test_trap_5_no_view_gets_a_property_of_a_dialect_of_a_real_record(path):
    names = {name for one in raw(path) for name in one if name.startswith("x_")}
    assert names
    for to in EVERYBODY:
        text = set(seen(given(path, to)).split("\n"))
        assert names & text == set()


# ------------------------------------------------- 6: words where a list or a URL is meant


@pytest.mark.parametrize("url", ["àremplir", "#SomeHashtag", "Cartoon about Ilvara"])
def test_trap_6_what_is_no_url_is_carried_to_peers_and_breaks_nothing(url):
    post = new("media-content", url=url)
    objects = [
        INCIDENT,
        MALWARE,
        new("attack-pattern"),
        post,
        link(MALWARE, "uses", post),
    ]
    case = signed(*objects, primary=INCIDENT["id"])
    assert only(cut(case, PEER), "media-content")["url"] == url
    assert only(cut(case, CONCERNED), "media-content")["url"] == url
    for to in (PLATFORM, CIVIL):
        assert url not in seen(cut(case, to))


def test_trap_6_words_outside_a_vocabulary_pass_and_free_labels_do_not():
    report = new("report", report_types=["zorblax-report"], object_refs=[MALWARE["id"]],
                 labels=["[fimi-isac] share", "fimi"])  # fmt: skip
    for to in EVERYBODY:
        shown = only(cut_new(to, report, MALWARE), "report")
        assert shown["report_types"] == ["zorblax-report"]
        assert shown["labels"] == (report["labels"] if to is PEER else ["fimi"])


@pytest.mark.parametrize("path", FIMI)
def test_trap_6_no_free_label_of_a_real_record_passes_below_peers(path):
    free = {
        label
        for one in raw(path)
        for label in one.get("labels", ())
        if "[" in label or " " in label
    }
    for to in (PLATFORM, CONCERNED, CIVIL):
        text = seen(given(path, to)).split("\n")
        assert free & set(text) == set()


# --------------------------------------------------------- 7: times of four and six digits


@pytest.mark.parametrize("digits", ["1", "123", "1234", "123456", "123456789"])
def test_trap_7_times_keep_their_digits_in_evidence_and_lose_them_where_made_coarse(
    digits,
):
    time = f"2026-02-03T04:05:06.{digits}Z"
    malware = MALWARE | {"created": time, "modified": time, "first_seen": time}
    case = taken(bundle(marked(INCIDENT | {"modified": time}, CLEAR),
                        marked(malware, CLEAR)))  # fmt: skip
    assert case.claims.ver == time
    [kept] = [
        p for p in opened(cut(case, PEER).evidence).plain if p["type"] == "malware"
    ]
    assert (kept["created"], kept["first_seen"]) == (time, time)
    assert only(cut(case, PEER), "malware")["first_seen"] == time
    assert (
        only(cut(case, PLATFORM), "malware")["first_seen"] == "2026-02-03T04:00:00.000Z"
    )
    assert only(cut(case, CIVIL), "malware")["first_seen"] == "2026-02-03T00:00:00.000Z"
    assert f".{digits}Z" not in json.dumps(projected(cut(case, CIVIL), "malware"))


@pytest.mark.parametrize(
    "path", [*real_files("disarm/DISARM.json"), *real_files("amnesty_stix21/wintego*")]
)
def test_trap_7_real_times_of_any_number_of_digits_arrive_as_written(path):
    written = {one["created"] for one in raw(path) if "created" in one}
    assert {len(time) for time in written} - {24}
    arrived = {p.get("created") for p in opened(given(path, PEER).evidence).plain}
    assert len(arrived & written) > len(written) / 2
    check_projection(given(path, CIVIL))


# --------------------------------------------------------------- 8: one record, many shapes


def test_trap_8_a_bare_list_is_the_same_record_as_a_bundle():
    objects = [marked(INCIDENT, CLEAR), marked(MALWARE, CLEAR)]
    for to in EVERYBODY:
        one, other = (cut(taken(each), to) for each in (objects, bundle(*objects)))
        assert projected(one) == [
            mine | {"extensions": theirs["extensions"]}  # which token it was
            for mine, theirs in zip(projected(other), projected(one), strict=True)
        ]


def test_trap_8_the_three_shapes_of_misp_give_members_the_same():
    one = event(attribute("domain", "bad.example", to_ids=True),
                Tag=[{"name": "tlp:green"}])  # fmt: skip
    shapes = [one, {"response": [one]}, one["Event"]]
    for to in (PEER, PLATFORM, CIVIL):
        got = [
            sorted(s for o in projected(cut(taken(shape), to)) for s in plain_words(o))
            for shape in shapes
        ]
        assert got[0] == got[1] == got[2]
        assert any("bad" in word for word in got[0])


def plain_words(one: dict[str, Any]) -> list[str]:
    return [s for s in strings(one) if "--" not in s and len(s) < 43]


@pytest.mark.parametrize(
    "path",
    [
        *real_files("oasis_stix21_examples/sco-examples-bundle.json"),
        *real_files("misp_events_pymisp/existing_event.json"),
        *real_files("misp_events_eset/2018-11-20_Zebrocy.json"),
    ],
)
def test_trap_8_real_files_of_each_shape_reach_peers(path):
    assert len(projected(given(path, PEER))) > 5


# ------------------------------------------------------- 9: DISARM under MITRE's own name


DISARM_URL = "https://github.com/DISARMFoundation/DISARMframeworks/blob/main/T0002.md"
TECHNIQUE = new(
    "attack-pattern",
    "Facilitate State Propaganda",
    kill_chain_phases=[
        {"kill_chain_name": "mitre-attack", "phase_name": "plan-objectives"}
    ],
    external_references=[
        {"source_name": "mitre-attack", "external_id": "T0002", "url": DISARM_URL}
    ],
    x_mitre_platforms=["Windows"],
)


@pytest.mark.parametrize("to", EVERYBODY)
def test_trap_9_a_technique_is_told_by_its_url_and_reaches_everybody_with_it(to):
    shown = only(cut_new(to, INCIDENT, TECHNIQUE), "attack-pattern")
    assert shown["external_references"] == TECHNIQUE["external_references"]
    assert "Windows" not in json.dumps(shown)


def test_trap_9_it_counts_as_a_behaviour_of_a_record_about_stories():
    story = new("narrative")
    with pytest.raises(SchemaError, match="no-behaviour"):
        signed(INCIDENT, story)
    assert projected(cut_new(CIVIL, INCIDENT, story, TECHNIQUE), "narrative")


@pytest.mark.parametrize("path", real_files("disarm/DISARM.json"))
def test_trap_9_every_real_technique_keeps_its_number_and_its_url(path):
    entries = {
        json.dumps(one["external_references"], sort_keys=True)
        for one in raw(path)
        if one["type"] == "attack-pattern"
    }
    for to in (PEER, CIVIL):
        shown = {
            json.dumps(one["external_references"], sort_keys=True)
            for one in projected(given(path, to), "attack-pattern")
        }
        assert shown == entries


# ------------------------------------------------------------ 10: addresses out of tables


TABLE = (
    "Tactic ,Technique,Procedure,Indicator\n"
    "0. Acquiring assets,0.6 Acquiring domains,0.6.2 Domains,one[.]example\n"
    "0. Acquiring assets,0.6 Acquiring domains,0.6.2 Domains,hxxps[:]//two[.]example/p\n"
    "0. Acquiring assets,0.6 Acquiring domains,0.6.2 Domains,http{:}//three[.]example/\n"
    ",,,\n,,,\n"
)


def test_trap_10_addresses_are_usable_for_platforms_and_harmless_for_civil_society():
    case = taken(TABLE.encode(), name="Q2_2026_#1_&_ünïcode.csv", tlp=Tlp.GREEN)
    patterns = [o["pattern"] for o in projected(cut(case, PLATFORM), "indicator")]
    assert [host for host in ("one", "two", "three") if f"{host}.example" in str(patterns)] == [
        "one", "two", "three",
    ]  # fmt: skip
    assert "hxxp" not in str(patterns)
    assert "{:}" not in str(patterns)
    shown = [o["pattern"] for o in projected(cut(case, CIVIL), "indicator")]
    assert len(shown) == len(patterns)
    assert not any("example'" in each and "[.]example" not in each for each in shown)


@pytest.mark.parametrize("path", real_files("meta_cib_csv/Q*.csv"))
def test_trap_10_no_real_table_gives_civil_society_a_link_to_follow(path):
    shown = projected(given(path, CIVIL), "indicator")
    for one in shown:
        assert "://" not in one["pattern"].replace("hxxp://", "").replace(
            "hxxps://", ""
        )
    usable = projected(given(path, PLATFORM), "indicator")
    assert usable
    assert "[.]" not in str([one["pattern"] for one in usable])


# ------------------------------------------ 11: extensions of impacts have no definition


IMPACT = new(
    "impact",
    impact_category="confidentiality",
    extensions={
        "confidentiality-ext": {
            "loss_type": "confirmed-loss", "record_count": 48217, "x_owner": "zorblax",
        },
        "zorblax-ext": {"loss_type": "zorblax"},
    },
)  # fmt: skip


def test_trap_11_known_keys_pass_by_their_rows_and_unknown_ones_do_not():
    for to, count in ((PEER, 48217), (PLATFORM, 10000), (CIVIL, 10000)):
        redacted = cut_new(to, INCIDENT, IMPACT)
        shown = only(redacted, "impact")["extensions"]["confidentiality-ext"]
        assert shown == {"loss_type": "confirmed-loss", "record_count": count}
        assert "zorblax" not in seen(redacted)


@pytest.mark.parametrize("path", PII)
def test_trap_11_the_kind_of_damage_of_the_real_report_reaches_everybody(path):
    keys = {
        key
        for one in raw(path)
        if one["type"] == "impact"
        for key in one.get("extensions", {})
        if key.endswith("-ext")
    }
    assert keys
    for to in EVERYBODY:
        shown = projected(given(path, to), "impact")
        assert keys <= {key for one in shown for key in one.get("extensions", {})}


# --------------------------------------------------------- 12: a hash that looks like a NIK


SHA1 = "cdd583bb6333644472733617b6dcee2681238a11"  # 16 digits in a row
HASHED = event(attribute("sha1", SHA1, to_ids=True), attribute("domain", "b.example", 2, True),
               Tag=[{"name": "tlp:green"}])  # fmt: skip


def test_trap_12_digits_of_a_hash_are_no_identity_number():
    for to in (PEER, PLATFORM, CONCERNED):
        assert SHA1 in seen(cut(taken(HASHED), to))
    tool = new("file", hashes={"SHA-1": SHA1})
    case = INCIDENT | {"description": f"Look for {SHA1}.", "labels": ["phishing"]}
    redacted = cut_new(PEER, case, MALWARE, tool, link(MALWARE, "drops", tool))
    assert only(redacted, "file")["hashes"] == {"SHA-1": SHA1}
    assert SHA1 in only(redacted, "incident")["description"]


@pytest.mark.parametrize("path", BACKDOOR)
def test_trap_12_the_hash_of_the_real_event_reaches_those_who_search_for_it(path):
    assert SHA1 in path.read_text("utf-8")
    for to in (PEER, PLATFORM):
        assert SHA1 in seen(given(path, to))


# --------------------------------------------------------------- 13: events without a TLP


def test_trap_13_an_event_without_tlp_goes_nowhere_until_somebody_marks_it():
    unmarked = event(attribute("domain", "bad.example", to_ids=True), Tag=[])
    with pytest.raises(SchemaError, match="unmarked"):
        taken(unmarked)
    for tlp, many in ((Tlp.GREEN, 3), (Tlp.AMBER, 1), (Tlp.AMBER_STRICT, 0)):
        case = taken(unmarked, tlp=tlp)
        assert sum(is_given(case, to) for to in (PEER, PLATFORM, CIVIL)) == many


def is_given(case: Verified, to: Any) -> bool:
    try:
        return bool(cut(case, to).evidence)
    except NotGivenError:
        return False


@pytest.mark.parametrize("path", real_files("misp_events_eset/*.json"))
def test_trap_13_real_events_without_tlp_go_nowhere_either(path):
    if path.name in NOT_DISTRIBUTED:
        case = taken(path.read_bytes())
        assert case.tlp is Tlp.AMBER_STRICT
        assert not any(is_given(case, to) for to in EVERYBODY)
    else:
        with pytest.raises(SchemaError, match="unmarked"):
            taken(path.read_bytes())


# Their distribution says: to your organisation only.
NOT_DISTRIBUTED = ("misp-powerpool.json", "oceanlotus.misp.event.json")


# ------------------------------------------------------------------ 14: thousands of objects


def calls(work: Callable[[], object]) -> int:
    """Count the calls of functions, ours and built-in ones, that some work takes."""
    counted = 0

    def count(_frame: Any, what: str, _argument: Any) -> None:
        nonlocal counted
        counted += what in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


def listing(count: int) -> Verified:
    pages = [new("domain-name", f"{n}", value=f"p{n}.example") for n in range(count)]
    victims = [new("identity", f"Victim Number{n}") for n in range(count // 10)]
    ties = [link(MALWARE, "uses", page) for page in pages]
    ties += [link(MALWARE, "targets", each) for each in victims]
    objects = [MALWARE, *pages, *victims, *ties]
    report = new("report", object_refs=[each["id"] for each in objects],
                 description="Nobody is named here.")  # fmt: skip
    return signed(report, *objects)


def test_trap_14_twice_the_objects_take_twice_the_work():
    small, large = listing(150), listing(300)
    for to in (PEER, PLATFORM, CIVIL):
        one, two = (calls(lambda r=r, to=to: cut(r, to)) for r in (small, large))
        assert two < 2.2 * one


def test_trap_14_one_list_of_a_thousand_references_is_gone_through_once():
    # All that it lists goes, one after the other.
    def emptied(count: int) -> Verified:
        people = [new("identity", f"Person Number{n}") for n in range(count)]
        refs = [each["id"] for each in people]
        return signed(
            INCIDENT, *people, new("report", object_refs=refs), primary=INCIDENT["id"]
        )

    one, two = (calls(lambda r=r: cut(r, CIVIL)) for r in map(emptied, (250, 500)))
    assert two < 2.2 * one


@pytest.mark.parametrize("path", PEGASUS)
def test_trap_14_an_object_among_three_thousand_costs_what_one_among_hundreds_does(
    path,
):
    small = record(DATA / "amnesty_stix21/wintego_helios.stix2")
    large = record(path)
    assert len(large.objects) > 3000
    each = [
        calls(lambda r=r: cut(r, PLATFORM)) / len(r.objects) for r in (small, large)
    ]
    assert each[1] < 1.3 * each[0]
    assert len(projected(cut(large, CIVIL), "report")[0]["object_refs"]) > 2000


@needs_real_data
def test_no_real_file_of_a_trap_is_missing() -> None:
    found: Iterator[Any] = iter([*FIMI, *RRN, *MATRIOCHKA, *PII, *BACKDOOR, *PEGASUS])
    assert sum(each.values[0] is not None for each in found) == 7
