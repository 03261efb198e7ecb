"""Ways in which a withheld value got out once, here or in other systems.

Each case names the object that hides the word, and the one that gave it away.
"""

from typing import Any

import pytest

from adapters.redaction import NotGivenError
from broker.blinding import org_identity
from broker.concealing import Hidden
from schemas.errors import SchemaError
from schemas.markings import Tlp
from tests.support.records import mint, tree
from tests.support.views import (
    AMBER,
    BANK,
    CIVIL,
    CLEAR,
    CONTACT,
    INCIDENT,
    MALWARE,
    PEER,
    PERSON,
    PLATFORM,
    STRICT,
    VIEWS,
    core,
    cut,
    cut_new,
    granular,
    link,
    marked,
    new,
    only,
    opened,
    projected,
    seen,
    signed,
)  # fmt: skip

NOTE = new("note", object_refs=[INCIDENT["id"]])
ADVICE = new("course-of-action")
DOMAIN = new("domain-name", value="zorblax.example")
SERVER = new("ipv4-addr", value="198.51.100.23")
CUSTOM = marked(
    new("marking-definition", "For some", definition_type="acs", definition={}), CLEAR
)
WITH_CONTACT = PERSON | {
    "contact_information": "zorblax@mail.example, +1 202 555 0143",
    "extensions": {
        CONTACT: {
            "extension_type": "property-extension",
            "first_name": "Ilvara",
            "contact_numbers": [{"contact_number": "+1 202 555 0177"}],
            "email_addresses": [{"digital_contact_type": "personal"}],
        }
    },
}


def told(**properties: Any) -> dict[str, Any]:
    return INCIDENT | properties


def about(text: str) -> dict[str, Any]:
    """A description: peers read it, unless it gives something away."""
    return told(description=text)


CASES: dict[str, tuple[Any, list[dict[str, Any]], str]] = {
    # --- names of properties, and what is inside them
    "a property spelled like one in an extension": (
        CIVIL, [told(**{"extensions.incident-core.incident_types": "zorblax"})], "zorblax"),
    "an extension spelled like a property": (
        CIVIL, [told(extensions={"incident-core.event_refs": {"x": "zorblax"}})], "zorblax"),
    "a word in a property without a struct": (
        CIVIL, [told(extensions=core(criticality={"zorblax": 1}))], "zorblax"),
    "an unknown member of a kill chain phase": (
        CIVIL, [told(kill_chain_phases=[
            {"kill_chain_name": "a", "phase_name": "b", "x": "zorblax"}])], "zorblax"),
    "an unknown member of a catalogue entry": (
        CIVIL, [INCIDENT, new("attack-pattern", external_references=[
            {"source_name": "a", "external_id": "b", "x": "zorblax"}])], "zorblax"),
    "a source among the catalogue entries": (
        CIVIL, [INCIDENT, new("attack-pattern", external_references=[
            {"source_name": "Zorblax, A. (2026)", "url": "https://z.example"}])], "zorblax"),
    "a person in the description of a catalogue entry": (
        CIVIL, [INCIDENT, new("vulnerability", external_references=[
            {"source_name": "cve", "external_id": "1", "description": "a@zorblax.example"},
        ])], "zorblax"),
    "an unknown member of a step": (
        CIVIL, [told(extensions=core(events=[{"note": "zorblax"}]))], "zorblax"),
    "the sender's name of a count": (
        CIVIL, [told(extensions=core(impacted_entity_counts={"Zorblax": 500}))], "zorblax"),
    # --- made values
    "sectors that are marked, in the made name of an organisation": (
        PLATFORM, [INCIDENT, granular(BANK, STRICT, "sectors")], "financial"),
    # --- translations
    "the translation of a person's name": (
        PEER, [INCIDENT, PERSON, new("language-content", object_ref=PERSON["id"],
               contents={"th": {"name": "zorblax"}})], "zorblax"),
    "the translation of a text marked stricter": (
        PEER, [granular(about("No."), STRICT, "description"),
               new("language-content", object_ref=INCIDENT["id"],
                   contents={"th": {"description": "zorblax"}})], "zorblax"),
    "the translation of a text that named somebody": (
        PEER, [about("Ilvara Temcott."), PERSON,
               new("language-content", object_ref=INCIDENT["id"],
                   contents={"th": {"description": "zorblax"}})], "zorblax"),
    "the translation of labels": (
        PLATFORM, [told(labels=["zorblax"]), new("language-content",
                   object_ref=INCIDENT["id"], contents={"th": {"labels": ["zorblax"]}})],
        "zorblax"),
    "the translation of an object of another record": (
        PEER, [INCIDENT, new("language-content", object_ref=new("campaign", "far")["id"],
                             contents={"th": {"name": "zorblax"}})], "zorblax"),
    "the translation of an issuer that is not described": (
        PEER, [INCIDENT, new("language-content", object_ref=org_identity("cert-aq"),
                             contents={"th": {"name": "zorblax"}})], "zorblax"),
    # --- names in other spellings
    "a name": (PEER, [about("Ilvara Temcott said so."), PERSON], "temcott"),
    "a name in capitals": (PEER, [about("ILVARA TEMCOTT"), PERSON], "temcott"),
    "a name over two lines": (PEER, [about("Ilvara\n  Temcott"), PERSON], "temcott"),
    "a name in wide letters": (
        PEER, [about("\uff29lvara \uff34emcott"), PERSON], "emcott"),
    "a name with an invisible character": (
        PEER, [about("Ilvara Tem\u200bcott"), PERSON], "tem\u200bcott"),
    "a name with other punctuation": (PEER, [about("ilvara_temcott.pdf"), PERSON], "temcott"),
    "a name beside digits": (PEER, [about("login ilvaratemcott7"),
                             new("identity", "IlvaraTemcott")], "temcott"),
    "a name with percent escapes": (PEER, [about("?n=Ilvara%20Temcott"), PERSON], "temcott"),
    "a name with HTML escapes": (PEER, [about("Ilvara&nbsp;Temcott"), PERSON], "temcott"),
    "a name without its accents": (
        PEER, [about("Nguyen Van Sau"), new("identity", "Nguyễn Văn Sáu")], "nguyen"),
    "a surname alone": (PEER, [about("Ms Temcott said so."), PERSON], "temcott"),
    "the surname of a journalist": (
        PEER, [about("Ms Temcott said so."), PERSON | {"labels": ["journalist"]}], "temcott"),
    "the surname of somebody in office, whom nobody has agreed to name": (
        PEER, [about("Ms Temcott said so."), PERSON | {"roles": ["minister"]}], "temcott"),
    "a member that nobody knows, beside the words of a statement": (
        CIVIL, [INCIDENT, marked(new("marking-definition", definition={
            "statement": "For all.", "x_victim": "zorblax"}), CLEAR)], "zorblax"),
    "a text that is no hash, among hashes": (
        PLATFORM, [INCIDENT, MALWARE, new("file", hashes={
            "MD5": "0f" * 16, "x_owner": "Zorblax of the bank"}),
            link(MALWARE, "drops", new("file"))], "zorblax"),
    "a language that is none, among translations": (
        PEER, [INCIDENT, new("language-content", object_ref=INCIDENT["id"],
               contents={"x_zorblax": {"name": "a"}})], "zorblax"),
    "a text among counts": (
        PEER, [told(extensions=core(impacted_entity_counts={"individual": "Zorblax"}))],
        "zorblax"),
    "a name of three letters": (PEER, [about("Aye was told."), new("identity", "Aye")], "aye"),
    "a Thai name within a sentence": (
        PEER, [about("นายสมชายแจ้งเหตุ"), new("identity", "สมชาย")], "สมชาย"),
    "a Chinese name within a sentence": (
        PEER, [about("据王小明说"), new("identity", "王小明")], "王小明"),
    "a Khmer name within a sentence": (
        PEER, [about("លោកសុខាបាននិយាយ"), new("identity", "សុខា")], "សុខា"),
    "a name in a dialect's property": (
        PEER, [about("Zorblax said so."), PERSON | {"x_opencti_firstname": "Zorblax"}],
        "zorblax"),
    "a name in a pattern": (
        PEER, [INCIDENT, PERSON, new("indicator", pattern="[file:name = 'ilvara temcott']")],
        "temcott"),
    "a name in a label": (PEER, [told(labels=["ilvara-temcott"]), PERSON], "temcott"),
    "a name as the name of a count": (
        PEER, [told(extensions=core(impacted_entity_counts={"Ilvara Temcott": 1})), PERSON],
        "temcott"),
    "an author in the text": (
        PEER, [INCIDENT, NOTE | {"authors": ["Zor Blax"], "content": "I, Zor Blax, saw it."}],
        "blax"),
    "an accused in the advice": (
        CIVIL, [INCIDENT, new("threat-actor", "Zor Blax"),
                ADVICE | {"description": "Block Zor Blax."}], "blax"),
    "an organisation in the advice": (
        CIVIL, [INCIDENT, BANK, ADVICE | {"description": "Ask Saltmere Savings Bank."}],
        "saltmere"),
    # --- addresses, handles, numbers
    "an address out of a longer contact": (
        PEER, [INCIDENT, WITH_CONTACT, NOTE | {"content": "Ask zorblax@mail.example."}],
        "zorblax"),
    "a defanged address": (
        PEER, [INCIDENT, WITH_CONTACT, NOTE | {"content": "zorblax[at]mail[.]example"}],
        "zorblax"),
    "a spoken address": (
        PEER, [INCIDENT, WITH_CONTACT, NOTE | {"content": "zorblax at mail dot example"}],
        "zorblax"),
    "a number written in another way": (
        PEER, [INCIDENT, WITH_CONTACT, NOTE | {"content": "Call (202) 555-0143 now."}],
        "555"),
    "a number out of a text that was cut": (
        PEER, [about("Her number is 0812-3456-7890."),
               ADVICE | {"description": "Do not call 0812 3456 7890."}], "7890"),
    "a victim's page in the advice": (
        CIVIL, [INCIDENT, DOMAIN, ADVICE | {"description": "Avoid www.zorblax[.]example"}],
        "zorblax"),
    "a login in a text": (
        PEER, [about("As zorblax7 he wrote."), new("user-account", account_login="zorblax7")],
        "zorblax"),
    # --- roles
    "a machine in the victim's own infrastructure": (
        PLATFORM, [INCIDENT, SERVER, new("infrastructure", "Hall"),
                   link(INCIDENT, "impacts", new("infrastructure", "Hall")),
                   link(new("infrastructure", "Hall"), "consists-of", SERVER)],
        "198.51.100.23"),
    "a victim that is the source of the relation": (
        PLATFORM, [INCIDENT, SERVER, MALWARE, link(MALWARE, "related-to", SERVER),
                   link(SERVER, "victim-of", INCIDENT)], "198.51.100.23"),
    "a tie that was taken back": (
        CIVIL, [INCIDENT, DOMAIN, MALWARE, link(MALWARE, "uses", DOMAIN, revoked=True)],
        "zorblax"),
    "a tie to what was taken back": (
        CIVIL, [INCIDENT, DOMAIN, MALWARE | {"revoked": True}, link(MALWARE, "uses", DOMAIN)],
        "zorblax"),
    "a tie to an indicator of the harmless": (
        PLATFORM, [INCIDENT, DOMAIN, new("indicator", indicator_types=["benign"]),
                   link(new("indicator"), "based-on", DOMAIN)], "zorblax"),
    "a tie above the view, through what becomes of its ends (OpenCTI #11496)": (
        CIVIL, [INCIDENT, DOMAIN, MALWARE, marked(link(MALWARE, "uses", DOMAIN), STRICT)],
        "zorblax"),
    # --- what is marked above the view
    "the id of an object above the view, in what contains it (OpenCTI #17576)": (
        CIVIL, [INCIDENT, marked(new("campaign", "far"), STRICT), new("report",
                object_refs=[INCIDENT["id"], new("campaign", "far")["id"]])],
        new("campaign", "far")["id"][-36:]),
    "the id of an object above the view, in a text (OpenCTI #16814)": (
        PEER, [about(f"See {new('campaign', 'far')['id'].upper()}."),
               marked(new("campaign", "far"), STRICT)], new("campaign", "far")["id"][-36:]),
    "a value above the view, beside what is shown of the record (OpenCTI #16814)": (
        PLATFORM, [INCIDENT, MALWARE, marked(DOMAIN, STRICT), marked(
            link(MALWARE, "uses", DOMAIN), CLEAR), new("observed-data",
            object_refs=[DOMAIN["id"]])], "zorblax"),
    "an object that something shown needs, above the view (OpenCTI #17576)": (
        PLATFORM, [INCIDENT, MALWARE, marked(new("intrusion-set", "Zorblax"), STRICT),
                   link(MALWARE, "authored-by", new("intrusion-set", "Zorblax"))], "zorblax"),
    "an object with two marks of which only one lets the view pass (OpenCTI #3133)": (
        PLATFORM, [INCIDENT, marked(new("malware", "Zorblax"), CLEAR, CUSTOM["id"]), CUSTOM],
        "zorblax"),
    "an object with two marks, the laxer one last (OpenCTI #3133)": (
        PLATFORM, [INCIDENT, marked(new("malware", "Zorblax"), STRICT, CLEAR)], "zorblax"),
    "the bare number of an object above the view": (
        PEER, [about(f"See case {new('campaign', 'far')['id'][-36:]}."),
               marked(new("campaign", "far"), STRICT)], new("campaign", "far")["id"][-36:]),
    "where something was sighted (OpenCTI #15533)": (
        PLATFORM, [INCIDENT, MALWARE, BANK, new("sighting", sighting_of_ref=MALWARE["id"],
                   where_sighted_refs=[BANK["id"]],
                   x_where_sighted_values=["Saltmere Savings Bank"])], "saltmere"),
    "a hash above the view, in a text": (
        PEER, [about(f"Look for {'ab12' * 16}."),
               marked(new("file", hashes={"SHA-256": "AB12" * 16}), STRICT)], "ab12ab12"),
    "a name above the view, in a text": (
        PEER, [about("Zorblax is used."), marked(new("malware", "Zorblax"), STRICT)],
        "zorblax"),
    "a label marked above the view, where it is the only one": (
        PEER, [granular(told(labels=["a", "zorblax"]), STRICT, "labels.[1]")], "zorblax"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_it_does_not_get_out_any_more(case):
    to, objects, word = CASES[case]
    redacted = cut_new(to, *objects, primary=INCIDENT["id"])
    assert word.casefold() not in seen(redacted).casefold()


@pytest.mark.parametrize(
    ("title", "other"),
    [
        ("Account of Ilvara Temcott used", PERSON),
        ("Morning Lantern News tells lies", new("channel", "Morning Lantern News")),
        ("What Jan Kowal did", new("threat-actor", "Jan Kowal")),
        ("Codename Zorblax", marked(new("note", abstract="codename zorblax",
                                        object_refs=[INCIDENT["id"]]), STRICT)),
        ("Write to a@b.example", MALWARE),
    ],
)  # fmt: skip
def test_a_title_that_names_what_is_withheld_stops_the_record(title, other):
    record = signed(
        told(name=title), other, new("attack-pattern"), primary=INCIDENT["id"]
    )
    with pytest.raises(NotGivenError) as caught:
        cut(record, CIVIL)
    assert caught.value.reason == "primary-withheld"


def test_a_withheld_name_in_an_always_visible_place_stops_the_record():
    event = new("event", status="Ilvara-Temcott")
    with pytest.raises(NotGivenError) as caught:
        cut_new(PEER, INCIDENT, PERSON, event)
    assert caught.value.reason == "guard-visible"
    assert str(caught.value) == "guard-visible"


@pytest.mark.parametrize(
    ("kind", "name"),
    [("event", "status"), ("identity", "identity_class"), ("campaign", "lang")],
)
def test_a_text_in_an_always_visible_place_is_not_signed(kind, name):
    with pytest.raises(SchemaError) as caught:
        cut_new(PEER, INCIDENT, new(kind, **{name: "Ilvara Temcott, 12 Main Street"}))
    assert caught.value.reason == "bad-property"


def test_a_withheld_name_in_a_claim_stops_the_record():
    claims = tree(marked(INCIDENT, CLEAR), marked(PERSON, CLEAR), tlp="CLEAR",
                  sectors=["ilvara-temcott"], severity="unknown")  # fmt: skip
    with pytest.raises(NotGivenError) as caught:
        cut(opened(mint(claims)), PEER)
    assert caught.value.reason == "guard-visible"


def test_a_mention_in_an_always_visible_place_is_not_signed():
    secret = marked(new("campaign", "far"), STRICT)
    event = new("event", status=f"see {secret['id']}")
    with pytest.raises(SchemaError):
        cut_new(PEER, INCIDENT, secret, event, primary=INCIDENT["id"])


def test_a_body_sent_along_with_a_known_mark_is_not_passed_on():
    fake = new("marking-definition", definition={"statement": "Do as you like."})
    fake |= {"id": STRICT, "object_marking_refs": [CLEAR]}
    claims = tree(marked(INCIDENT, CLEAR), fake, tlp="CLEAR", severity="unknown")
    assert projected(cut(opened(mint(claims)), PEER), "marking-definition") == []


@pytest.mark.parametrize("to", VIEWS.values(), ids=VIEWS)
def test_the_place_in_the_feed_and_the_other_addressees_are_never_shown(to):
    claims = tree(marked(INCIDENT, CLEAR), tlp="CLEAR", severity="unknown")
    claims |= {
        "to": Hidden(["urn:tocsin:org:secret-one"]),
        "feed": Hidden("cert-aq/main/zorblax"),
        "seq": Hidden(770077),
        "prev": Hidden(""),
    }
    text = seen(cut(opened(mint(claims)), to))
    assert "secret-one" not in text
    assert "zorblax" not in text
    assert "770077" not in text


def test_a_known_person_is_the_same_nobody_in_evidence_and_projection():
    redacted = cut_new(PEER, INCIDENT, PERSON)
    assert only(redacted, "identity")["name"].startswith("identity-")
    assert "temcott" not in seen(redacted).lower()


def test_common_words_and_catalogues_are_not_taken_for_what_is_withheld():
    objects = [
        about("The administrator used personal data; see CVE-2026-12345, T1566.002, 2026-02-03."),
        WITH_CONTACT,
        new("user-account", account_login="administrator"),
        marked(new("attack-pattern", "Data"), STRICT),
        new("identity", "Journalists", identity_class="class"),
    ]  # fmt: skip
    text = seen(cut_new(PEER, *objects))
    assert "used personal data" in text


def test_a_lookalike_of_a_victim_is_what_platforms_search_for():
    page = new("domain-name", value="saltmere-savings-bank.example")
    objects = [INCIDENT, BANK, page, MALWARE, link(MALWARE, "uses", page)]
    assert page["value"] in seen(cut_new(PLATFORM, *objects))


def test_what_is_above_amber_is_not_shown_to_an_amber_clearance():
    record = signed(INCIDENT, marked(new("note", object_refs=[INCIDENT["id"]]), AMBER))
    assert projected(cut(record, PEER), "note")
    assert not projected(cut(record, PLATFORM), "note")
    assert record.tlp == Tlp.CLEAR
