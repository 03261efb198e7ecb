"""The protections the other way round, and the rows that bound what passes.

Each is a rule of the shipped policy: these tests say what people get, not which code.
"""

import pytest

from adapters.applying import apply_policy, gate
from adapters.cutting import Work
from adapters.reading import Reading
from adapters.redaction import NotGivenError
from schemas.markings import Tlp
from schemas.protection import PROTECTION_IDS
from tests.support.views import (
    AUDIENCES,
    AUTHOR,
    CIVIL,
    CLEAR,
    CONCERNED,
    INCIDENT,
    MALWARE,
    NOW_TEXT,
    PEER,
    PLATFORM,
    POLICY,
    VIEWS,
    cut,
    cut_new,
    link,
    made_of,
    marked,
    new,
    only,
    projected,
    seen,
    signed,
    view,
)

EVERYBODY = list(VIEWS.values())
MINISTER = new("identity", "Ilvara Temcott", roles=["minister"])
REPORTER = new("identity", "Sela Maro", roles=["journalist"], sectors=["media"])
FRENCH = view("peer-cert", Tlp.AMBER, jurisdiction="FR")


def part_of(redacted, kind, place):
    [found] = [c for c in redacted.cuts if (c.object_type, c.place) == (kind, place)]
    return found


# ----------------------------------------------------------------- who is never named


@pytest.mark.parametrize("to", EVERYBODY)
def test_a_speaker_without_public_role_is_named_to_nobody(to):
    record = signed(INCIDENT, new("identity", "Ilvara Temcott"))
    for approved in (set(), {(record.objects[1].id, "name")}):
        assert "Temcott" not in seen(cut(record, to, approved=approved))


def test_a_speaker_in_public_office_is_named_only_if_two_persons_agree():
    record = signed(INCIDENT, MINISTER)
    waiting = cut(record, PEER)
    held = part_of(waiting, "identity", "name")
    assert (held.reason, held.approvals, held.made) == ("policy-hold", 2, True)
    assert only(waiting, "identity")["name"].startswith("identity-")
    assert "Temcott" not in seen(waiting)
    agreed = cut(record, PEER, approved={held.part})
    assert only(agreed, "identity")["name"] == "Ilvara Temcott"
    assert "Temcott" in seen(agreed)
    for to in (PLATFORM, CONCERNED, CIVIL):
        assert "Temcott" not in seen(cut(record, to, approved={held.part}))


@pytest.mark.parametrize("to", EVERYBODY)
@pytest.mark.parametrize(
    "word", ["journalist", "Fact-Checker", "satirist", "human-rights-defender"]
)
def test_who_tells_checks_or_mocks_the_news_is_counted_and_never_named(to, word):
    person = REPORTER | {
        "roles": ["minister", word],
        "description": "of the Daily Lamp",
    }
    redacted = cut_new(to, INCIDENT, person)
    assert "Maro" not in seen(redacted)
    assert "Lamp" not in seen(redacted)
    people = projected(redacted, "identity")
    if to is PEER:
        [one] = people
        assert one["name"].startswith("identity-")
        assert "sectors" not in one
    else:
        assert people == []


def test_a_newsroom_is_an_organisation_and_no_person():
    room = new("identity", "The Daily Lamp", identity_class="organization",
               roles=["journalist"], sectors=["media"])  # fmt: skip
    assert only(cut_new(PEER, INCIDENT, room), "identity")["name"] == "The Daily Lamp"
    assert only(cut_new(CIVIL, INCIDENT, room), "identity")["name"] == (
        "an organisation (media)"
    )


@pytest.mark.parametrize("to", EVERYBODY)
@pytest.mark.parametrize(
    "kind", ["channel", "media-content", "user-account", "narrative"]
)
def test_satire_goes_to_nobody_even_where_somebody_calls_it_part_of_a_campaign(
    kind, to
):
    named = {
        "channel": {"name": "zorblax"},
        "media-content": {"url": "https://zorblax.example/1", "title": "zorblax"},
        "user-account": {"account_login": "zorblax99"},
        "narrative": {"name": "zorblax"},
    }[kind]
    joke = new(kind, labels=["Satire"], **named)
    how = new("attack-pattern")  # without a behaviour it would be no record
    tie = link(MALWARE, "uses", joke)
    assert "zorblax" not in seen(cut_new(to, INCIDENT, MALWARE, how, joke, tie))
    serious = new(kind, "serious", **named)
    tie = link(MALWARE, "uses", serious)
    assert "zorblax" in seen(cut_new(PEER, INCIDENT, MALWARE, how, serious, tie))


# ------------------------------------------------------------------- under other laws


@pytest.mark.parametrize("mark", PROTECTION_IDS)
@pytest.mark.parametrize("to", EVERYBODY, ids=VIEWS)
def test_nobody_learns_from_a_definition_that_there_is_somebody_to_protect(to, mark):
    definition = new("marking-definition") | {"id": mark}
    redacted = cut_new(to, INCIDENT, marked(MINISTER, CLEAR, mark), definition)
    assert [one["type"] for one in projected(redacted)] == ["incident"]
    assert mark not in seen(redacted)


def test_under_european_law_advice_is_searched_for_personal_data():
    advice = new(
        "course-of-action",
        "Call",
        lang="en",
        description="The mail server was attacked. The owner can be called at +62 812-3456-7890.",
    )
    at_home, abroad = (cut_new(to, INCIDENT, advice) for to in (PEER, FRENCH))
    assert "3456" in seen(at_home)
    assert "3456" not in seen(abroad)
    assert only(abroad, "course-of-action")["description"] == (
        "The mail server was attacked. [withheld]"
    )
    found = part_of(abroad, "course-of-action", "description")
    assert (found.reason, found.limit, found.element) == ("mask-hit", 3, 1)


def test_under_european_law_nobody_gets_a_record_of_more_than_five_years():
    record = signed(INCIDENT)
    assert POLICY.refusal(FRENCH, record.claims, now=NOW_TEXT) is None
    assert POLICY.refusal(FRENCH, record.claims, now="2031-02-01T00:00:00Z") is None
    late = POLICY.refusal(FRENCH, record.claims, now="2031-02-03T04:05:06Z")
    assert late == "retention"
    assert POLICY.refusal(PEER, record.claims, now="2040-01-01T00:00:00Z") is None


# ----------------------------------------------------------------------- what is listed


def test_labels_pass_below_peers_if_they_say_nothing_of_a_person():
    case = INCIDENT | {"labels": ["Phishing", "rsit:fraud", "muslim", "zorblax"]}
    assert only(cut_new(PEER, case), "incident")["labels"] == case["labels"]
    for to in (PLATFORM, CIVIL):
        redacted = cut_new(to, case)
        assert only(redacted, "incident")["labels"] == ["Phishing", "rsit:fraud"]
        assert "zorblax" not in seen(redacted)
        lost = [c for c in redacted.cuts if c.place == "labels"]
        assert [(c.reason, c.element) for c in lost] == [
            ("not-listed", 2), ("not-listed", 3),
        ]  # fmt: skip


def test_labels_of_which_none_is_listed_go_as_a_whole():
    redacted = cut_new(CIVIL, INCIDENT | {"labels": ["muslim"]})
    assert "labels" not in only(redacted, "incident")
    assert part_of(redacted, "incident", "labels").reason == "not-listed"


CVE = {"source_name": "cve", "external_id": "CVE-2026-12345"}


@pytest.mark.parametrize(
    ("reference", "passes"),
    [
        (CVE, True),
        (CVE | {"url": "https://catalogue.example/CVE-2026-12345"}, True),
        (CVE | {"url": "http://catalogue.example/x"}, False),
        (CVE | {"url": "https://catalogue.example/x?reader=ana"}, False),
        (CVE | {"url": "https://catalogue.example/x#ana"}, False),
        (CVE | {"url": "https://ana:secret@catalogue.example/x"}, False),
        (CVE | {"url": "https://[bad"}, False),
        (CVE | {"url": "https:///x"}, False),
        ({"source_name": "our tickets", "external_id": "T-4711"}, False),
        ({"source_name": "cve", "description": "no number"}, False),
    ],
)
def test_references_pass_into_public_catalogues_alone(reference, passes):
    case = INCIDENT | {"external_references": [reference]}
    for to in EVERYBODY:
        shown = only(cut_new(to, case), "incident").get("external_references")
        assert shown == ([reference] if passes else None)


def test_civil_society_gets_patterns_of_domains_and_pages_alone():
    plain = (
        "[domain-name:value = 'bad.example'] OR [url:value = 'http://bad.example/x']"
    )
    indicator = new("indicator", "x", pattern=plain)
    shown = only(cut_new(CIVIL, INCIDENT, indicator), "indicator")
    assert shown["pattern"] == (
        "[domain-name:value = 'bad[.]example'] OR [url:value = 'hxxp://bad[.]example/x']"
    )
    assert "pattern" in made_of(shown)
    assert only(cut_new(PLATFORM, INCIDENT, indicator), "indicator")["pattern"] == plain


@pytest.mark.parametrize(
    "pattern",
    [
        "[email-addr:value = 'a@bad.example']",
        "[domain-name:value = 'bad.example' AND email-addr:value = 'a@bad.example']",
        "[domain-name:value = 'bad.example'] OR [file:name = 'x']",
        "[domain-name:value != 'bad.example']",
        "[domain-name:value IN ('bad.example', 'a@bad.example')]",
        "[domain-name:value = 'a\\\\'] OR [email-addr:value = 'x@b.example']",
        "[domain-name:value = 'bad.example'] /* a@bad.example */",
        "[domain-name:value = 'bad.example'] WITHIN 5 SECONDS",
    ],
)
def test_any_other_pattern_is_not_for_civil_society(pattern):
    indicator = new("indicator", "x", pattern=pattern)
    redacted = cut_new(CIVIL, INCIDENT, indicator)
    assert projected(redacted, "indicator") == []
    assert part_of(redacted, "indicator", "pattern").reason == "not-listed"


# ------------------------------------------------------------------------- made coarser


def test_below_peers_a_place_is_called_by_its_country():
    place = new("location", name="The house by the mill", country="TH")
    assert only(cut_new(PEER, INCIDENT, place), "location")["name"].startswith(
        "The house"
    )
    for to in (PLATFORM, CIVIL):
        shown = only(cut_new(to, INCIDENT, place), "location")
        assert (shown["name"], shown["country"]) == ("Thailand", "TH")
    odd = new("location", name="The house by the mill", country="XA")
    assert "name" not in only(cut_new(CIVIL, INCIDENT, odd), "location")


# --------------------------------------------------------------- one sentence at a time


STORY = (
    "The mail server was attacked on Monday. Ilvara Temcott had opened the letter. "
    "All systems run again."
)


def test_a_sentence_that_names_somebody_is_withheld_alone():
    case = INCIDENT | {"description": STORY, "lang": "en"}
    redacted = cut_new(PEER, case, new("identity", "Ilvara Temcott"))
    assert "Temcott" not in seen(redacted)
    shown = only(redacted, "incident").get("description", "")
    for cutting in [c for c in redacted.cuts if c.place == "description"]:
        assert cutting.reason == "guard"
    assert "[withheld]" in shown or shown == ""


# ------------------------------------------------------------------------- the audiences


def test_researchers_read_what_civil_society_reads_with_pseudonyms_for_addresses():
    page = new("domain-name")
    objects = [INCIDENT, MALWARE, page, link(MALWARE, "uses", page)]
    civil = only(cut_new(CIVIL, *objects), "domain-name")["value"]
    studied = cut_new(view("research"), *objects)
    value = only(studied, "domain-name")["value"]
    assert civil == "bad[.]example"
    assert value.startswith("domain-name-")
    assert "bad.example" not in seen(studied)


def test_no_pattern_tells_researchers_what_a_pseudonym_stands_for():
    page = new("domain-name")
    pattern = new("indicator", pattern="[domain-name:value = 'bad.example']")
    objects = [INCIDENT, MALWARE, page, link(MALWARE, "uses", page), pattern]
    assert "bad[.]example" in seen(cut_new(CIVIL, *objects))
    studied = cut_new(view("research"), *objects)
    assert only(studied, "domain-name")["value"].startswith("domain-name-")
    assert projected(studied, "indicator") == []
    assert "bad" not in seen(studied)


def test_the_public_gets_what_is_clear():
    record = signed(INCIDENT, tlp=Tlp.GREEN)
    for to in (view("public", Tlp.CLEAR), view("public", Tlp.GREEN)):
        with pytest.raises(NotGivenError) as caught:
            cut(record, to)
        assert caught.value.reason in ("tlp-clearance", "tlp-audience")
    assert only(cut_new(view("public", Tlp.CLEAR), INCIDENT), "incident")["name"]


def test_every_audience_of_the_policy_is_known_to_the_directory():
    assert set(AUDIENCES) | {"research", "public"} == set(POLICY.audiences)


def test_a_place_loses_the_name_that_tells_its_country_with_the_country():
    place = new("location", name="The house by the mill", country="TH", region="x")
    reading = Reading(signed(INCIDENT, place))
    work = Work(reading, CIVIL, POLICY, AUTHOR, attackers=None, now=NOW_TEXT)
    gate(work)
    apply_policy(work)
    [i] = [i for i, part in enumerate(work.parts) if part.kind == "location"]
    assert work.parts[i].made["name",] == "Thailand"
    work.cut(i, ("country",), "guard")
    assert ("name",) not in work.parts[i].made
