"""Sheets about a campaign: claims, posts, accounts and techniques."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sources import formats
from adapters.sources.found import Found
from adapters.sources.source import Input
from adapters.sources.spreadsheet import SOURCE
from schemas import stix
from schemas.composing import compose
from schemas.errors import SchemaError
from schemas.markings import TLP_IDS, Tlp
from schemas.record import Draft

WHEN = "2026-12-01T10:00:00.000Z"


def sheet(text: str | bytes, name: str = "birds") -> Input:
    return Input(text.encode() if isinstance(text, str) else text, name=name, when=WHEN)


def read(text: str, name: str = "birds") -> Found:
    one = sheet(text, name)
    assert formats.recognise(one) is SOURCE
    return SOURCE.read(one)


def of_type(found: Found, kind: str) -> list[dict]:
    return [stix.encode_object(o) for o in found.objects if o.type == kind]


def losses(found: Found) -> list[tuple[str, str]]:
    return [(each.rule, each.where) for each in found.losses]


def draft_of(found: Found) -> Draft:
    return compose(found.objects, now=WHEN, tlp=Tlp.GREEN, primary=found.primary)


def graph(found: Found) -> set[tuple[str, str, str]]:
    """Relationships, by what people call their ends."""
    spelled = {}
    for each in map(stix.encode_object, found.objects):
        named = each.get("url") or each.get("name") or each.get("country")
        spelled[each["id"]] = named or each["type"]
    return {
        (spelled[r["source_ref"]], r["relationship_type"], spelled[r["target_ref"]])
        for r in of_type(found, "relationship")
    }


SHEET = (
    "Campaign;Title;Claim;Link to post;Platform;Account;DISARM techniques;Language;"
    "Target country;Date published;Verdict;Archive link;Views;Notes;Tags;Monitor;Mood\n"
    "Bird ballots;Look up;Birds carry ballots;hxxps://lumen[.]example/p/1;Lumen;@wren;"
    '"T0049: Flood the space; T0086.002";English;XA;13/10/2026;False;'
    "https://archive.example/1;12,000;watch this;birds, vote;A. Person;calm\n"
    ";;;;;;;;;;;;;;;;\n"
    "Bird ballots;Look down;birds carry ballots;https://lumen.example/p/2;Lumen;@robin;"
    "T0049;id;XA, XB;2/11/2026;False;;300;;;;\n"
)


def test_a_sheet_becomes_a_campaign_with_all_that_is_in_it():
    found = read(SHEET)
    [campaign] = of_type(found, "campaign")
    assert found.primary == campaign["id"]
    assert campaign["name"] == "Bird ballots"
    assert campaign["first_seen"] == "2026-10-13T00:00:00.000Z"
    assert campaign["last_seen"] == "2026-11-02T00:00:00.000Z"
    assert campaign["created"] == WHEN
    [narrative] = of_type(found, "narrative")
    assert narrative["name"] == "Birds carry ballots"
    one, two = of_type(found, "media-content")
    assert one["url"] == "https://lumen.example/p/1"
    assert one["title"] == "Look up"
    assert one["publication_date"] == "2026-10-13T00:00:00.000Z"
    assert (one["lang"], two["lang"]) == ("en", "id")
    assert one["labels"] == ["birds", "vote"]
    assert one["external_references"] == [
        {"source_name": "evidence", "url": "https://archive.example/1"}
    ]
    assert "labels" not in narrative
    wren, _ = of_type(found, "channel")
    assert (wren["name"], wren["channel_types"]) == ("@wren", ["Lumen"])
    flood, other = of_type(found, "attack-pattern")
    assert flood["name"] == "Flood the space"
    assert flood["external_references"] == [
        {"source_name": "DISARM", "external_id": "T0049"}
    ]
    assert other["name"] == "T0086.002"
    assert [each["country"] for each in of_type(found, "location")] == ["XA", "XB"]
    notes = {
        each["content"]: (each.get("abstract"), len(each["object_refs"]))
        for each in of_type(found, "note")
    }
    assert notes == {
        "False": ("verdict", 2),
        "12,000": ("reach", 1),
        "watch this": (None, 1),
        "300": ("reach", 1),
    }


def test_everything_is_connected_as_opencti_does():
    first, second = "https://lumen.example/p/1", "https://lumen.example/p/2"
    assert graph(read(SHEET)) == {
        ("Bird ballots", "uses", "Flood the space"),
        ("Bird ballots", "uses", "T0086.002"),
        ("Bird ballots", "uses", "@wren"),
        ("Bird ballots", "uses", "@robin"),
        ("Bird ballots", "uses", "Birds carry ballots"),
        ("Bird ballots", "targets", "XA"),
        ("Bird ballots", "targets", "XB"),
        ("@wren", "publishes", first),
        ("@robin", "publishes", second),
        (first, "related-to", "Birds carry ballots"),
        (second, "related-to", "Birds carry ballots"),
        (first, "related-to", "Flood the space"),
        (first, "related-to", "T0086.002"),
        (second, "related-to", "Flood the space"),
    }


def test_what_is_left_out_is_listed_by_row_and_column():
    found = read(SHEET)
    assert losses(found) == [
        ("person-left-out", "row 2, column 16 (person)"),
        ("no-equivalent", "row 2, column 17"),
    ]
    assert "A. Person" not in str(found)


def test_a_record_can_be_made_of_a_sheet():
    draft = draft_of(read(SHEET))
    assert (draft.kind, draft.tlp) == ("campaign", Tlp.GREEN)
    assert draft.facts.countries == ("XA", "XB")
    assert draft.facts.languages == ("en", "id")


def test_the_same_sheet_gives_the_same_ids():
    assert read(SHEET).objects == read(SHEET).objects


def test_a_sheet_that_has_grown_is_about_the_same_campaign():
    assert read(SHEET).primary == read(SHEET.replace("p/2", "p/3")).primary


@pytest.mark.parametrize(
    ("text", "name", "expected", "titles"),
    [
        ("campaign,title,claim,url\nA,x,c,http://a.example/\n", "file", "A", ["x"]),
        ("title,claim,url\nA,c,http://a.example/\nA,d,\n", "file", "A", [None]),
        ("title,claim,url\nx,c,http://a.example/\ny,d,\n", "file", "file", ["x"]),
        ("claim,url\nc,http://a.example/\n", "file", "file", [None]),
        ("claim,url\nc,http://a.example/\n", "", "Campaign", [None]),
    ],
)
def test_a_campaign_is_named_by_its_column_or_its_file(text, name, expected, titles):
    found = read(text, name)
    assert of_type(found, "campaign")[0]["name"] == expected
    assert [each.get("title") for each in of_type(found, "media-content")] == titles


def test_several_campaigns_in_one_sheet_are_listed():
    found = read("campaign,claim,url\nA,c,http://a.example/1\nB,d,http://a.example/2\n")
    assert of_type(found, "campaign")[0]["name"] == "birds"
    labels = [each["labels"] for each in of_type(found, "media-content")]
    assert labels == [["A"], ["B"]]
    assert losses(found)[0] == ("several-campaigns", "row 3, column 1 (campaign)")


# ------------------------------------------------------------------ recognising


@pytest.mark.parametrize(
    "text",
    [
        "claim,url\nc,http://a.example/\n",
        "Narrative\tHandle\nc\t@wren\n",
        "technique,account\nT0049,@wren\n",
        "DISARM TTPs,Post URL\nT0049,http://a.example/\n",
        "klaim,tautan\nc,http://a.example/\n",
        "Sheet of May,\n\nclaim,url\nc,http://a.example/\n",
        '[{"claim": "c", "url": "http://a.example/"}]',
        'claim,url\n"never closed,http://a.example/\n',
    ],
)
def test_a_sheet_is_known_by_what_it_is_about(text):
    assert formats.recognise(sheet(text)) is SOURCE


@pytest.mark.parametrize(
    "text",
    [
        "technique,url\nT1566,http://a.example/\n",
        "claim,colour\nc,red\n",
        "url,account\nhttp://a.example/,@wren\n",
        "technique,indicator,url\nT0049,a.example,http://a.example/\n",
        "claim about a url, and an account of it\nwith prose, below\n",
        "a.example,T0049\nb.example,T0049\n",
        '[{"claim": {"text": "c"}, "url": "http://a.example/"}]',
        "",
    ],
)
def test_another_table_is_not_taken_for_a_sheet(text):
    assert not SOURCE.recognises(sheet(text))


def test_asked_by_name_a_table_without_its_columns_is_refused():
    for text in ("name,city\nAnn,Port\n", "a.example\nb.example\n"):
        with pytest.raises(SchemaError) as caught:
            formats.read(sheet(text), "spreadsheet")
        assert caught.value.reason == "no-known-column"


# ---------------------------------------------------------------------- behaviour


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("claim,url\nc,http://a.example/\n", "row 1"),
        ("Title\nclaim,url\nc,http://a.example/\n", "row 2"),
        (
            "claim,url,technique\nc,http://a.example/,TA15\n",
            "row 1, column 3 (technique)",
        ),
        ('[{"claim": "c", "url": "http://a.example/"}]', "$"),
    ],
)
def test_a_sheet_without_a_behaviour_says_which_column_is_missing(text, place):
    found = read(text)
    [missing] = [each for each in found.losses if each.rule == "needs-behaviour"]
    assert missing.where == place
    assert "technique" in missing.expected
    with pytest.raises(SchemaError) as caught:
        draft_of(found)
    assert caught.value.reason == "no-behaviour"


# ------------------------------------------------------------------------- rows


def test_sites_are_channels_and_links_may_be_several():
    text = 'claim,url,site\nc,"http://a.example/1\nhttp://a.example/2",b.example\n'
    found = read(text)
    assert [each["url"] for each in of_type(found, "media-content")] == [
        "http://a.example/1",
        "http://a.example/2",
    ]
    [site] = of_type(found, "channel")
    assert (site["name"], site["channel_types"]) == ("b.example", ["website"])


def test_accounts_may_be_several_or_links():
    text = (
        'claim,account,platform\nc,"@wren, @robin",Lumen\nd,"Page, Inc; Other page",\n'
        "e,hxxps://lumen[.]example/@owl,\n"
    )
    names = [each["name"] for each in of_type(read(text), "channel")]
    assert names == [
        "@wren", "@robin", "Page, Inc", "Other page", "https://lumen.example/@owl",
    ]  # fmt: skip


def test_what_is_said_of_a_row_without_posts_is_said_of_its_claims_or_accounts():
    text = (
        "claim,account,technique,language,evidence,verdict,platform\n"
        "c,@wren,T0049,English,ticket 7,False,\n"
        ",@owl,T0049,,seen live,Open,\n"
        ",,T0007,,,Noted,\n"
        "d,,,,,,Lumen\n"
    )
    found = read(text)
    claim, other = of_type(found, "narrative")
    assert claim["lang"] == "en"
    assert claim["external_references"][0]["description"] == "ticket 7"
    assert other["labels"] == ["Lumen"]
    wren, owl = of_type(found, "channel")
    assert "external_references" not in wren
    assert owl["external_references"][0]["description"] == "seen live"
    about = {each["content"]: each["object_refs"] for each in of_type(found, "note")}
    assert about["False"] == [claim["id"]]
    assert about["Open"] == [owl["id"]]
    assert about["Noted"] == [of_type(found, "attack-pattern")[1]["id"]]
    assert {
        ("@wren", "related-to", "c"),
        ("@wren", "uses", "T0049"),
        ("birds", "uses", "@owl"),
    } < graph(found)


def test_dates_and_titles_of_rows_without_posts_are_kept():
    text = "claim,account,title,date\nc,@a,One,2026-01-02\n,@b,Two,2026-01-01\n"
    found = read(text)
    assert of_type(found, "narrative")[0]["description"] == "One"
    assert of_type(found, "channel")[1]["description"] == "Two"
    assert of_type(found, "campaign")[0]["first_seen"] == "2026-01-01T00:00:00.000Z"


def test_posts_alone_are_related_to_the_campaign_itself():
    found = read("claim,url,country\n,http://a.example/,XA\n")
    assert graph(found) == {
        ("birds", "related-to", "http://a.example/"),
        ("birds", "related-to", "XA"),
    }


def test_rows_and_cells_that_give_nothing_are_listed():
    text = (
        "claim,url,language,country,date,verdict\n"
        "c,ask me,Elvish mostly,Ruritania,,\n"
        "d,192.0.2.1,,,,\n"
        ",http://a.example/,,,02/03/2026,\n"
        ",,,,,False\n"
        "n/a,-,none,NULL,?, \n"
    )
    assert losses(read(text)) == [
        ("bad-value", "row 2, column 3 (language)"),
        ("bad-value", "row 2, column 2 (url)"),
        ("bad-value", "row 2, column 4 (country)"),
        ("ambiguous-date", "row 4, column 5 (date)"),
        ("no-equivalent", "row 5"),
        ("needs-behaviour", "row 1"),
    ]
    missing = read("claim,account,technique\nc,@a,TA15\n")
    assert losses(missing)[0] == ("bad-value", "row 2, column 3 (technique)")


def test_the_strictest_mark_of_a_repeated_claim_wins():
    text = (
        "claim,url,technique,tlp\nc,http://a.example/1,T0049,CLEAR\n"
        "c,http://a.example/2,T0049,GREEN\n"
    )
    found = read(text)
    marks = {
        (each.get("url") or each["type"]): each["object_marking_refs"]
        for each in map(stix.encode_object, found.objects)
        if each["type"] != "relationship"
    }
    clear, green = [TLP_IDS[Tlp.CLEAR]], [TLP_IDS[Tlp.GREEN]]
    assert marks == {
        "campaign": green,
        "narrative": green,
        "attack-pattern": green,
        "http://a.example/1": clear,
        "http://a.example/2": green,
    }
    for each in of_type(found, "relationship"):
        assert each["object_marking_refs"] in (clear, green)


def test_a_sheet_of_nothing_usable_is_refused_with_all_that_is_wrong():
    found = SOURCE.read(sheet("claim,url,verdict\n,ask me,False\n"))
    assert [fault.rule for fault in found.faults] == ["no-objects"]
    assert ("bad-value", "row 2, column 2 (url)") in losses(found)


def test_a_sheet_in_json_is_read_alike():
    rows = [
        {
            "claim": "c",
            "postUrl": "http://a.example/1",
            "techniques": ["T0049", "T0007"],
        },
        {"claim": "d", "postUrl": "nowhere", "techniques": None},
    ]
    found = read(json.dumps(rows))
    assert len(of_type(found, "attack-pattern")) == 2
    assert losses(found) == [("bad-value", "$[1].postUrl")]


def test_too_many_objects_are_refused():
    rows = "".join(f"c{i},http://a.example/{i},T0049\n" for i in range(9000))
    with pytest.raises(SchemaError) as caught:
        SOURCE.read(sheet(f"claim,url,technique\n{rows}"))
    assert caught.value.reason == "too-many-objects"


# --------------------------------------------------------------------- properties

CELLS = st.sampled_from(
    [
        "claim", "url", "account", "technique", "domain", "ip", "tlp", "date", "comment",
        "http://a.example/1", "a[.]example", "192.0.2.1", "@wren", "T0049", "0.6.2 Domains",
        "GREEN", "RED", "2026-01-02", "3/4/2026", "canary words", "", "-", '"x', '"x,y"',
        "=1+1", "a\u202e.example", "\x00", "caf\u00e9", "x" * 300, "#", "sep=;",
    ]
)  # fmt: skip
TABLES = st.lists(st.lists(CELLS, min_size=1, max_size=6), max_size=8)


@given(TABLES, st.sampled_from(",;\t"), st.sampled_from(["utf-8", "utf-16", "cp1252"]))
def test_any_table_is_read_or_refused_without_quoting_it(table, delimiter, encoding):
    text = "\n".join(delimiter.join(row) for row in table)
    one = Input(text.encode(encoding, errors="replace"), name="x", when=WHEN)
    said: list[str] = []
    for name in ("csv", "spreadsheet"):
        source = formats.SOURCES[name]
        source.recognises(one)
        try:
            found = source.read(one)
        except SchemaError as error:
            said.append(str(error))
            continue
        assert found == source.read(one)
        said += map(str, [*found.losses, *found.faults, *found.places.values()])
        ids = {each.id for each in found.objects}
        for each in found.objects:
            if each.type == "relationship":
                assert {each.source_ref, each.target_ref} <= ids
    assert "canary" not in str(said)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    one = Input(b"claim,url\n" + data, name="x", when=WHEN)
    for name in ("csv", "spreadsheet"):
        with contextlib.suppress(SchemaError):
            formats.SOURCES[name].read(one)
