"""Indicator lists: what is recognised, what comes along, what is listed."""

import json
import time

import pytest
from stix2patterns.validator import run_validator

from adapters.sources import formats, tables
from adapters.sources.found import Found
from adapters.sources.gathered import Gathered
from adapters.sources.source import Input
from adapters.sources.tabular import SOURCE
from schemas import stix
from schemas.composing import compose
from schemas.errors import SchemaError
from schemas.findings import Findings
from schemas.markings import TLP_IDS, Tlp
from schemas.record import MAX_OBJECTS
from tests.support.real_data import real_files

WHEN = "2026-12-01T10:00:00.000Z"


def given(text: str | bytes, name: str = "shops") -> Input:
    return Input(text.encode() if isinstance(text, str) else text, name=name, when=WHEN)


def read(text: str | bytes, name: str = "shops") -> Found:
    one = given(text, name)
    assert formats.recognise(one) is SOURCE
    return SOURCE.read(one)


def of_type(found: Found, kind: str) -> list[dict]:
    return [stix.encode_object(o) for o in found.objects if o.type == kind]


def patterns(found: Found) -> list[str]:
    return [each["pattern"] for each in of_type(found, "indicator")]


def losses(found: Found) -> list[tuple[str, str]]:
    return [(each.rule, each.where) for each in found.losses]


def refused(text: str | bytes, source: str | None = None) -> str:
    with pytest.raises(SchemaError) as caught:
        formats.read(given(text), source).whole()
    return str(caught.value)


DOMAINS = ["[domain-name:value = 'a.example']", "[domain-name:value = 'b.example']"]

# ------------------------------------------------------------------ recognising


@pytest.mark.parametrize(
    "text",
    [
        "domain,comment\na.example,x\nb.example,y\n",
        "domain;comment\na.example;x\nb.example;y, z\n",
        "domain\tcomment\na.example\tx\nb.example\ty\n",
        "sep=;\ndomain;comment\na.example;x\nb.example;y\n",
        "Domain Name ,COMMENT\r\na[.]example,x\r\nb[.]example,y\r\n",
        "domain,comment\ra.example,x\rb.example,y\r",
        "domain\na.example\nb.example\n",
        "a.example\nb.example\n",
        "a.example,x\nb.example,y\n",
        "# made for members\n# domain,comment\na.example,x\nb.example,y\n",
        "# made for members\na.example\nb.example\n",
        "Indicators,\ndomain,comment\na.example,x\nb.example,y\n",
        "Shops of the night kite,\n,\ndomain,comment\na.example,x\nb.example,y\n",
        "first_seen_utc,c2_domain\n2026-01-02,a.example\n2026-01-03,b.example\n",
        ",,,\ndomain,comment,,\na.example,x,,\n,,,\nb.example,y\n,,,\n",
        'domain,comment\n"a.example\n","x\ny"\nb.example,"say ""hi"""\n',
        '[{"domain": "a.example"}, {"domain": "b.example"}]',
        '{"iocs": [{"value": "a.example"}, {"value": "b.example"}]}',
        '[{"indicatorValue": "a.example"}, {"indicatorValue": "b.example"}]',
    ],
)
def test_a_list_is_recognised_however_it_was_saved(text):
    assert patterns(read(text)) == DOMAINS
    assert patterns(read(b"\xef\xbb\xbf" + text.encode())) == DOMAINS


def test_a_list_in_utf_16_is_read():
    text = "domain,comment\na.example,caf\u00e9\nb.example,x\n"
    for encoding in ("utf-16-le", "utf-16-be"):
        found = read(("\ufeff" + text).encode(encoding))
        assert patterns(found) == DOMAINS
        assert of_type(found, "indicator")[0]["description"] == "caf\u00e9"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "domain",
        "domain\n",
        "a.example\n",
        "Domain\nis what this prose begins with, and then it goes on.\nSo it does.\n",
        "# Heading\n\nSee https://a.example/ and https://b.example/ for more.\n",
        "<!DOCTYPE html>\n<html><body>a.example</body></html>\n",
        "name,city\nAnn,Port\nBob,Town\n",
        "first.last\nann.other\n",
        "a.example\nb.example\nand so on\nand on\n",
        "url,comment\nnone yet,x\nnot here,y\n",
        "Tactic,Technique,Procedure\n0. Assets,0.1 Domains,0.1.1 Cheap domains\n",
        '[{"url": {"value": "https://a.example/"}}]',
        "[1, 2, 3]",
        "[]",
        "{}",
        '{"iocs": "none"}',
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        "domain,comment\na.example,x\n".encode("utf-16-le"),
        "domain,comment\na.example,x\n".encode("utf-32"),
        b"domain,comment\na.example,\x00\n",
        b"domain,comment\na.example," + b"x" * 10_000_000,
        b'"' * 1_000_000,
        b"," * 1_000_000,
        "domain,x\na.example" + ",1" * 1000 + "\n",
        "domain;comment\na,b\n",
    ],
)
def test_what_is_no_list_is_not_taken_for_one(text):
    assert refused(text) in ("unknown-format", "empty", "not-utf8")


def test_only_the_beginning_is_looked_at():
    rows = "".join(f"a{i}.example,x\n" for i in range(10_000))
    assert len(read(f"domain,comment\n{rows}").objects) == 10_001
    late = f"domain,comment\n{rows}" + '"never closed'
    assert refused(late) == "bad-cell at row 10002"


def test_asked_by_name_a_list_is_read_although_it_is_not_recognised():
    assert len(formats.read(given("a.example\n"), "csv").objects) == 2
    assert refused("name,city\nAnn,Port\n", "csv") == "no-known-column"
    assert refused("a.example;b\nc;d\n", "csv") == "no-known-column"
    assert refused("", "csv") == "no-known-column"


# --------------------------------------------------------------- what comes along


def test_a_list_becomes_a_report_about_its_indicators():
    found = read("domain,comment\na.example,x\nb.example,\n", name="Shops of May")
    [report] = of_type(found, "report")
    assert found.primary == report["id"]
    assert report["name"] == "Shops of May"
    assert report["published"] == report["created"] == WHEN
    assert report["object_refs"] == [o["id"] for o in of_type(found, "indicator")]
    assert of_type(read("a.example\nb.example\n", name=""), "report")[0]["name"] == (
        "Indicator list"
    )
    assert not found.losses
    assert found.places[report["object_refs"][1]] == "row 3"


def test_the_same_list_gives_the_same_ids():
    text = "domain,comment\na.example,x\nb.example,y\n"
    assert read(text).objects == read(text).objects
    assert read(text).primary != read(text.replace("b.ex", "c.ex")).primary


def test_a_record_can_be_made_of_a_list():
    found = read("domain,tlp\na.example,GREEN\nb.example,AMBER\n")
    draft = compose(found.objects, now=WHEN, primary=found.primary)
    assert (draft.kind, draft.tlp) == ("advisory", Tlp.AMBER)


def test_comments_tags_dates_and_references_are_kept():
    text = (
        "ip,comment,tags,first seen,valid until,reference\n"
        "192.0.2.1,seen,phishing; bank,2026-01-02,2026-03-01,hxxps://r[.]example/1\n"
        "192.0.2.2,,,,,ticket 7\n"
    )
    one, two = of_type(read(text), "indicator")
    assert one["description"] == "seen"
    assert one["labels"] == ["phishing", "bank"]
    assert one["valid_from"] == "2026-01-02T00:00:00.000Z"
    assert one["valid_until"] == "2026-03-01T00:00:00.000Z"
    assert one["external_references"] == [
        {"source_name": "reference", "url": "https://r.example/1"}
    ]
    assert two["valid_from"] == WHEN
    assert two["external_references"] == [
        {"source_name": "reference", "description": "ticket 7"}
    ]
    assert "labels" not in two


def test_a_row_may_hold_several_values():
    text = f"domain,ip,md5,sha256,email\na.example,192.0.2.1,{'a' * 32},{'b' * 64},x@a.example\n"
    assert patterns(read(text)) == [
        "[domain-name:value = 'a.example']",
        "[ipv4-addr:value = '192.0.2.1']",
        f"[file:hashes.MD5 = '{'a' * 32}']",
        f"[file:hashes.'SHA-256' = '{'b' * 64}']",
        "[email-addr:value = 'x@a.example']",
    ]
    assert patterns(read('domain,x\n"a.example\nb.example",1\n')) == DOMAINS


def test_the_type_column_helps_where_the_form_does_not_tell():
    text = f"type,value\nfilename,readme.md\nimphash,{'a' * 32}\nasn,AS64496\n"
    found = read(text + "domain,a.example\n")
    assert patterns(found) == [
        "[file:name = 'readme.md']",
        "[autonomous-system:number = 64496]",
        DOMAINS[0],
    ]
    assert losses(found) == [("bad-value", "row 3, column 2 (indicator)")]


def test_every_pattern_is_valid():
    text = (
        "indicator,note\nhxxps://a[.]example/'x\\y',1\na.example/z,2\n2001:db8::/32,3\n"
        "192.0.2.1:80,4\n*.a.example,5\no'x@a.example,6\n"
    )
    found = patterns(read(text))
    assert len(found) == 6
    for each in found:
        assert run_validator(each, stix_version="2.1") == []


def test_a_repeated_value_is_one_indicator_with_all_that_is_said():
    text = (
        "domain,comment,tag,tlp,date\n"
        "a.example,first,x,GREEN,2026-02-01\n"
        'A[.]example,second,"x, y",AMBER,2026-01-01\n'
        "a.example,first,z,CLEAR,2026-03-01\n"
    )
    found = read(text)
    [one] = of_type(found, "indicator")
    assert one["description"] == "first\nsecond"
    assert one["labels"] == ["x", "y", "z"]
    assert one["valid_from"] == "2026-01-01T00:00:00.000Z"
    assert one["object_marking_refs"] == [TLP_IDS[Tlp.AMBER]]


def test_a_row_that_stands_twice_is_taken_once_and_listed():
    found = read("domain,comment\na.example,x\na.example,x\n\n,,\n\n,,\nb.example,y\n")
    assert losses(found) == [("repeated", "row 3")]


def test_the_report_is_marked_only_if_every_row_is():
    all_marked = read("domain,tlp\na.example,white\nb.example,TLP:GREEN\n")
    assert of_type(all_marked, "report")[0]["object_marking_refs"] == [
        TLP_IDS[Tlp.GREEN]
    ]
    some = read("domain,tlp\na.example,GREEN\nb.example,\n")
    assert "object_marking_refs" not in of_type(some, "report")[0]


def test_a_tlp_that_cannot_be_read_counts_as_amber_strict():
    found = read("domain,tlp\na.example,internal\nb.example,GREEN\n")
    assert of_type(found, "indicator")[0]["object_marking_refs"] == [
        TLP_IDS[Tlp.AMBER_STRICT]
    ]
    assert losses(found) == [("bad-tlp-cell", "row 2, column 2 (tlp)")]


def test_days_and_months_are_told_apart_by_the_whole_column():
    clear = read("domain,created on\na.example,02/03/2026\nb.example,13/03/2026\n")
    assert of_type(clear, "indicator")[0]["valid_from"] == "2026-03-02T00:00:00.000Z"
    assert not clear.losses
    unclear = read("domain,created on\na.example,02/03/2026\nb.example,soon\n")
    assert of_type(unclear, "indicator")[0]["valid_from"] == WHEN
    assert losses(unclear) == [
        ("ambiguous-date", "row 2, column 2 (date)"),
        ("bad-value", "row 3, column 2 (date)"),
    ]


def test_an_end_before_the_beginning_is_left_out():
    found = read("domain,first seen,valid until\na.example,2026-02-01,2026-01-01\n")
    assert "valid_until" not in of_type(found, "indicator")[0]
    assert losses(found) == [("bad-value", "row 2")]


# --------------------------------------------------------------- kill chain rows

CHAIN = (
    "Tactic ,Technique,Procedure,Indicator,Notes\n"
    "0. Acquiring assets,0.6 Acquiring domains,0.6.2 Acquiring news domains,"
    '"a[.]example\n",ours\n'
    "0. Acquiring assets,0.9 Acquiring accounts,0.9.1 Acquiring pages,37 accounts,\n"
    "0. Acquiring assets,0.9 Acquiring accounts,0.9.1 Acquiring pages,5 Groups ,old\n"
    ",,,,\n"
    "1. Disguising assets,1.1 Adopting disguise,,,\n"
)


def test_rows_of_the_kill_chain_become_behaviours():
    found = read(CHAIN)
    named = {each["name"]: each for each in of_type(found, "attack-pattern")}
    assert list(named) == [
        "Acquiring news domains",
        "Acquiring pages",
        "Adopting disguise",
    ]
    assert named["Acquiring pages"]["external_references"] == [
        {"source_name": "Online Operations Kill Chain", "external_id": "0.9.1"}
    ]
    assert named["Acquiring pages"]["kill_chain_phases"][0]["phase_name"] == (
        "acquiring-assets"
    )
    [indicator] = of_type(found, "indicator")
    assert indicator["description"] == "ours"
    [indicates] = of_type(found, "relationship")
    assert indicates["relationship_type"] == "indicates"
    assert indicates["source_ref"] == indicator["id"]
    assert indicates["target_ref"] == named["Acquiring news domains"]["id"]
    [note] = of_type(found, "note")
    assert note["content"] == "37 accounts\n5 Groups\nold"
    assert note["object_refs"] == [named["Acquiring pages"]["id"]]
    assert not found.losses
    assert set(of_type(found, "report")[0]["object_refs"]) == {
        o.id for o in found.objects if o.type != "report"
    }


def test_techniques_of_other_frameworks_are_kept_in_a_list():
    found = read("url,technique\nhttp://a.example/,T1566; T1583.001\n")
    names = [each["name"] for each in of_type(found, "attack-pattern")]
    assert names == ["T1566", "T1583.001"]
    assert len(of_type(found, "relationship")) == 2


def test_the_column_that_names_a_framework_is_the_technique():
    text = (
        "indicator,tactic,technique,procedure\n"
        "a.example,Initial Access,T1566,Sent mails\n"
        "b.example,Initial Access,Phishing,\n"
        "c.example,TA15,,\n"
        "d.example,Lies,,\n"
    )
    found = read(text)
    first, second, third = of_type(found, "attack-pattern")
    assert first["external_references"][0]["external_id"] == "T1566"
    assert first["kill_chain_phases"] == [
        {"kill_chain_name": "mitre-attack", "phase_name": "initial-access"}
    ]
    assert second["name"] == "Phishing"
    assert second["kill_chain_phases"][0]["kill_chain_name"] == "tactic"
    assert third["name"] == "Lies"
    assert "kill_chain_phases" not in third
    [note] = of_type(found, "note")
    assert (note["content"], note["object_refs"]) == ("Sent mails", [first["id"]])
    assert losses(found) == [("bad-value", "row 4, column 2 (tactic)")]


# ---------------------------------------------------------- what is listed, refused


def test_what_gives_nothing_is_listed_by_row_and_column():
    text = (
        "domain,comment,colour,reporter\n"
        "a.example,x,red,Ann\n"
        "not a domain,y,blue,Bob\n"
        ",only a comment,,\n"
        "b.example,unquoted, commas, and, more\n"
    )
    found = read(text)
    assert patterns(found) == DOMAINS[:1]
    assert losses(found) == [
        ("no-equivalent", "row 2, column 3"),
        ("person-left-out", "row 2, column 4 (person)"),
        ("bad-value", "row 3, column 1 (domain)"),
        ("no-equivalent", "row 4"),
        ("ragged-row", "row 5"),
    ]
    assert "Ann" not in str(found)


def test_rows_above_the_heading_are_listed():
    found = read("# by us\nShops,\n\ndomain,comment\na.example,x\n")
    assert losses(found) == [("no-equivalent", "row 1")]
    assert next(iter(found.losses)).count == 2
    assert losses(read("# by us\na.example\nb.example\n")) == [
        ("no-equivalent", "row 1")
    ]


def test_in_json_the_place_is_a_path():
    items = [
        {
            "value": "a.example",
            "tags": ["x", "y"],
            "colour": "red",
            "ok": True,
            "n": None,
        },
        {"value": "b.example", "tags": ["x", {"y": 1}], "comment": 7},
        "no row",
        {"value": "no value"},
        {"value": "c.example", "comment": "x" * 200_000},
    ]
    found = read(json.dumps({"iocs": items, "from": "us"}))
    assert of_type(found, "indicator")[0]["labels"] == ["x", "y"]
    assert of_type(found, "indicator")[1]["description"] == "7"
    assert losses(found) == [
        ("no-equivalent", "$[...]"),
        ("no-equivalent", "$.iocs[0][...]"),
        ("wrong-type", "$.iocs[1][...]"),
        ("wrong-type", "$.iocs[2]"),
        ("bad-value", "$.iocs[3].value"),
        ("too-long", "$.iocs[4][...]"),
    ]


def test_a_name_that_holds_more_than_a_known_one_is_not_spelled():
    found = read('[{"url\\u202e": "a b", "comment": "x"}, {"url\\u202e": "a.example"}]')
    assert losses(found) == [("bad-value", "$[0][...]")]


def test_an_object_of_too_many_members_is_cut_and_listed():
    wide = {"value": "a.example", **{f"k{i}": 1 for i in range(300)}}
    found = read(json.dumps([wide]))
    assert losses(found) == [("no-equivalent", "$[0][...]")]


def test_a_list_of_nothing_usable_is_refused_with_all_that_is_wrong():
    found = SOURCE.read(given("domain,comment\nnone,x\nnothing here,y\n"))
    assert [fault.rule for fault in found.faults] == ["no-objects"]
    assert found.objects == ()
    assert ("bad-value", "row 3, column 1 (domain)") in losses(found)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"domain,comment\na.example,caf\xe9\n", None),
        (b"domain,comment\na.example,caf\xc3\xa9\nb.example,caf\xe9\n", "not-utf8 at line 2"),
        ("domain,comment\na.example,\u043f\u0440\u0438\u0432\u0435\u0442\n".encode("cp1251"),
         "not-utf8 at line 2"),
        (b"domain,comment\na.example,\x81 \xe9\n", "not-utf8 at line 2"),
        (b"domain,comment\na.example,x\n" + b"b.example,y\n" * 9000 + b"c,\x00\n",
         "not-text at line 9003"),
        ("\ufeffdomain,comment\na.example,x\nb.example,y\n".encode("utf-16-le") + b"\x00\xd8",
         "not-utf8 at line 4"),
        (b'domain,comment\na.example,"x\nb.example,y\n', "bad-cell at row 2"),
        (b'domain,comment\na.example,"x"y\nb.example,y\n', "bad-cell at row 2"),
    ],
)  # fmt: skip
def test_an_encoding_is_guessed_only_where_that_is_safe(data, expected):
    if expected is None:
        found = read(data)
        assert of_type(found, "indicator")[0]["description"] == "caf\u00e9"
        assert losses(found) == [("guessed-encoding", "")]
    else:
        assert refused(data) == expected


def test_one_long_cell_and_a_quotation_mark_without_end_are_named():
    rows = b"a.example,x\n" * 1000
    huge = b"domain,comment\n" + rows + b"b.example," + b"x" * 10_000_000 + b"\n"
    assert refused(huge) == "bad-cell at row 1002"
    swallowed = b"domain,comment\n" + rows + b'b.example,"' + b"x\n" * 5_000_000
    assert refused(swallowed) == "bad-cell at row 1002"


def test_formulas_and_marks_of_direction_are_text_alone():
    text = (
        "domain,comment\n=1+1,x\n"
        "a.example,=cmd|'/c calc'!A1\nb\u202e.example,y\n"
        '"=HYPERLINK(""http://c.example"")",z\nb.example,\u202etxt\n'
    )
    found = read(text)
    assert patterns(found) == DOMAINS
    assert of_type(found, "indicator")[0]["description"] == "=cmd|'/c calc'!A1"
    assert of_type(found, "indicator")[1]["description"] == "\u202etxt"
    assert next(iter(found.losses)).count == 3


def test_too_many_rows_or_objects_are_refused_soon():
    start = time.process_time()
    same = b"domain,comment\n" + b"a.example,x\n" * 1_000_000
    assert refused(same) == "too-many-rows at row 200002"
    many = b"domain\n" + b"".join(b"a%d.example\n" % i for i in range(1_000_000))
    assert refused(many) == f"too-many-objects at row {MAX_OBJECTS + 1}"
    assert time.process_time() - start < 20


def test_rows_are_known_by_their_cells_only_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(tables, "_MAX_KNOWN", 1)
    found = read("domain,comment\na.example,x\nb.example,y\nb.example,y\n")
    assert patterns(found) == DOMAINS
    assert not found.losses


def test_what_many_rows_say_of_one_value_is_bounded():
    rows = "".join(f"a.example,{i},tag{i}\n" for i in range(300))
    found = read(f"domain,comment,tag\n{rows}")
    [one] = of_type(found, "indicator")
    assert len(one["labels"]) == len(one["description"].split("\n")) == 100
    assert [(each.rule, each.count) for each in found.losses] == [("too-long", 400)]
    long = "".join(f"a.example,{i} {'x' * 100_000}\n" for i in range(9))
    found = read(f"domain,comment\na.example,\n{long}")
    assert len(of_type(found, "indicator")[0]["description"]) < 2**19 + 10
    assert [(each.rule, each.count) for each in found.losses] == [("too-long", 4)]


def test_gathered_objects_are_found_by_type():
    gathered = Gathered(Findings(), when=WHEN)
    own = gathered.put(
        {"type": "note", "id": "note--1", "content": "", "abstract": "x"},
        "row 1",
        Tlp.RED,
    )
    assert gathered.of_type("note") == [own]
    assert gathered.origin(own) == ("row 1", Tlp.RED)


# --------------------------------------------------------------------- real lists

LISTS = real_files(
    "meta_cib_csv/20*.csv", "meta_cib_csv/Q*.csv", "meta_json/*.json", "stalkerware/*",
    "fimi_viginum_stix21/NDD_RRN.csv",
)  # fmt: skip
OTHERS = real_files(
    "meta_cib_csv/Online_Operations_Killchain-TTPs.csv", "meta_cib_csv/index.json",
    "fimi_viginum_stix21/README.md", "disarm_incidents_md/*.md", "disarm/*.csv",
    "shadowserver_reports/*.json", "SOURCES.md", "LICENSES/*", "csaf_cisa/*.json",
)  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
def test_a_real_list_comes_along_whole(path):
    found = read(path.read_bytes(), name=path.stem)
    assert {rule for rule, _ in losses(found)} <= {"bad-value", "repeated"}
    assert sum(e.count for e in found.losses if e.rule == "bad-value") <= 1
    for each in patterns(found)[:50]:
        assert run_validator(each, stix_version="2.1") == []
    draft = compose(found.objects, now=WHEN, tlp=Tlp.CLEAR, primary=found.primary)
    assert draft.kind == "advisory"
    assert len(draft.objects) == len(found.objects) > 10


@pytest.mark.parametrize("path", OTHERS)
def test_a_real_file_that_is_no_list_is_not_taken_for_one(path):
    assert not SOURCE.recognises(given(path.read_bytes()))


@pytest.mark.parametrize("path", real_files("fimi_viginum_stix21/NDD_RRN.csv"))
def test_the_dates_of_a_real_column_are_read_day_first(path):
    found = read(path.read_bytes())
    starts = [each["valid_from"] for each in of_type(found, "indicator")]
    assert starts[0] == "2022-03-10T00:00:00.000Z"
    assert WHEN not in starts
