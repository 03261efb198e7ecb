"""The guard: what was cut is found again in every spelling, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import guard
from adapters.guard import Context, Watch, Withheld
from adapters.reading import Reading
from adapters.roles import role_of
from adapters.spelled import Forms
from broker.blinding import org_identity
from schemas import profile
from tests.support.records import mint, tree
from tests.support.views import (
    BANK,
    CLEAR,
    INCIDENT,
    PERSON,
    POLICY,
    marked,
    new,
    opened,
    signed,
)  # fmt: skip

TEXT, CODE, VOCABULARY = Context


def watch(one, *names, above=False, verified=None):
    """Watch for properties of an object that were cut."""
    objects = {o["id"]: o for o in (INCIDENT, new("attack-pattern"), one)}
    verified = verified or signed(*objects.values(), primary=INCIDENT["id"])
    index = next(i for i, o in enumerate(verified.objects) if o.type == one["type"])
    role = role_of(verified.objects[index], one["type"], frozenset(), "", POLICY.words)
    places = dict(profile.places(verified.plain[index].items()))
    return Watch(
        Reading(verified),
        [Withheld(index, (name,), places[name,], role, above) for name in names],
    )


def hits(watching, text, context=TEXT):
    return watching.hits(Forms.of(text), context)


NAMES = watch(PERSON, "name")


@pytest.mark.parametrize(
    "text",
    [
        "Ilvara Temcott", "ilvara.temcott", "ILVARA-TEMCOTT's", "by Ilvara\nTemcott7",
        "Temcott, Ilvara", "Mr Temcott", "Ilv\u200bara Temcott",
    ],
)  # fmt: skip
def test_a_name_is_found(text):
    assert hits(NAMES, text)


@pytest.mark.parametrize(
    "text", ["", "Silvara Temcotter", "a temcott in small letters", "Il vara"]
)
def test_what_is_not_the_name_is_not_found(text):
    assert not hits(NAMES, text)


def test_a_name_is_found_in_names_of_members_and_inside_values():
    assert NAMES.hits(Forms.of({"x": [{"Ilvara Temcott": 1}]}))
    assert NAMES.hits(Forms.of(["x"], [["Ilvara Temcott"]]))


@given(st.text(min_size=2, max_size=20), st.text(" .,;:", max_size=3))
def test_any_name_is_found_in_its_own_words(name, around):
    one = watch(new("identity", "x", name=name), "name")
    if not one.is_empty():
        assert hits(one, f"{around} {name} {around}")
        assert hits(one, name.swapcase().swapcase())


def test_an_organisations_name_is_looked_for_whole_and_not_in_code():
    bank = watch(BANK, "name")
    assert hits(bank, "the Saltmere Savings Bank")
    assert not hits(bank, "the Saltmere")
    assert not hits(bank, "saltmere-savings-bank.example", CODE)
    assert hits(bank, "saltmere-savings-bank", VOCABULARY)


def test_a_persons_name_is_looked_for_in_code_too():
    assert hits(NAMES, "[file:name = 'ilvara temcott']", CODE)


def test_short_names_are_words_of_lists_and_found_in_texts_only():
    short = watch(new("identity", "Aye"), "name")
    assert hits(short, "Aye was told")
    assert hits(short, "aye", CODE)
    assert not hits(short, "aye", VOCABULARY)
    assert not hits(NAMES, "Mr Temcott", VOCABULARY)
    assert hits(NAMES, "ilvara-temcott", VOCABULARY)


@pytest.mark.parametrize(
    ("kind", "place", "visible", "context"),
    [
        ("incident", ("description",), False, TEXT),
        ("incident", ("name",), True, VOCABULARY),
        ("incident", ("labels",), False, VOCABULARY),
        ("indicator", ("indicator_types",), False, VOCABULARY),
        ("indicator", ("pattern",), False, CODE),
        ("domain-name", ("value",), False, CODE),
        ("email-addr", ("value",), False, TEXT),
        ("marking-definition", ("definition",), False, CODE),
    ],
)
def test_the_place_tells_what_kind_of_words_to_expect(kind, place, visible, context):
    assert guard.context_of(kind, place, visible=visible) is context


ACCOUNT = new(
    "user-account", account_login="i.temcott7", user_id="8830017", credential="x"
)


@pytest.mark.parametrize(
    ("login", "text", "found"),
    [
        ("i.temcott7", "c:/users/i.temcott7/x", True),
        ("i.temcott7", "I.TEMCOTT7", True),
        ("temcott", "as temcott he", True),
        ("temcott", "temcottish", False),
        ("abc", "as abc he", True),
        ("ab", "abcd", False),
        ("12", "12 accounts", False),
        ("40417", "id 40417.", True),
        ("40417", "in 940417", False),
        ("8830017", "in 98830017", True),  # long enough for a number of a person
        ("admin", "the admin", False),
        ("administrator", "the administrator", False),
        ("", "nothing", False),
    ],
)
def test_a_login_is_found_where_it_cannot_be_by_chance(login, text, found):
    one = watch(ACCOUNT | {"account_login": login or "-"}, "account_login")
    assert hits(one, text) == found


def test_a_victims_address_is_found_where_it_begins_and_ends():
    page = watch(new("domain-name", value="saltmere.example"), "value")
    for text in (
        "see saltmere.example.",
        "www.saltmere[.]example",
        "//saltmere.example/x",
    ):
        assert hits(page, text)
    for text in ("notsaltmere.example", "x-saltmere.example", "saltmere.example-x"):
        assert not hits(page, text)
    assert not hits(page, "[domain-name:value = 'saltmere.example']", CODE)
    assert hits(page, "x saltmere.example", VOCABULARY)
    assert watch(new("ipv4-addr", value="::1"), "value").is_empty()


def test_an_attackers_address_identifies_nobody():
    verified = signed(INCIDENT, new("domain-name"))
    index = next(i for i, o in enumerate(verified.objects) if o.type == "domain-name")
    cut = Withheld(index, ("value",), "bad.example", "attacker", above=False)
    assert Watch(Reading(verified), [cut]).is_empty()


CONTACT = PERSON | {"contact_information": "Elm Street 4\na@b.example\n+1 202 555 0143"}


def test_what_detectors_find_in_a_value_that_was_cut_is_found_alone():
    one = watch(CONTACT, "contact_information")
    assert hits(one, "write a[at]b.example")
    assert hits(one, "call 202-555-0143")
    assert hits(one, "call 0012025550143")
    assert not hits(one, "call 202-555-0144")
    assert hits(one, "202 555 0143", VOCABULARY)
    assert not hits(one, "202 555 0143", CODE)


def test_what_detectors_find_in_any_text_that_was_cut_is_found():
    one = watch(INCIDENT | {"description": "ask a@b.example"}, "description")
    assert hits(one, "or a@b.example")
    assert not hits(one, "ask")


def test_hashes_are_no_numbers_of_persons():
    file = new("file", hashes={"SHA-256": "12345678" * 8})
    assert watch(file, "hashes").is_empty()
    assert hits(watch(file, "hashes", above=True), f"x {'12345678' * 8}")


@pytest.mark.parametrize(
    ("kind", "above", "watched"),
    [
        ("malware", False, False),
        ("malware", True, True),
        ("threat-actor", False, True),
        ("channel", False, True),
        ("attack-pattern", True, False),
        ("course-of-action", True, False),
        ("tool", True, False),
    ],
)
def test_names_out_of_catalogues_are_never_watched(kind, above, watched):
    assert watch(new(kind, "Zor Blax"), "name", above=above).is_empty() != watched


def test_a_class_of_people_is_nobody():
    assert watch(
        new("identity", "Journalists", identity_class="class"), "name"
    ).is_empty()


def test_an_accused_called_like_an_operation_is_no_person():
    verified = signed(INCIDENT, new("campaign", "Doppel"), new("threat-actor", "Doppel"),
                      primary=INCIDENT["id"])  # fmt: skip
    one = watch(new("threat-actor", "Doppel"), "name", verified=verified)
    assert one.is_empty()


def test_a_property_of_a_dialect_is_watched_where_it_may_name_somebody():
    person = PERSON | {"x_opencti_lastname": "Blax", "x_opencti_type": "Blax"}
    assert hits(watch(person, "x_opencti_lastname"), "Blax")
    assert watch(person, "x_opencti_type").is_empty()


def test_the_issuer_is_always_visible():
    own = new("identity", "CERT Aquenia") | {"id": org_identity("cert-aq")}
    verified = opened(
        mint(tree(marked(INCIDENT, CLEAR), marked(own, CLEAR), tlp="CLEAR"))
    )
    assert watch(own, "name", verified=verified).is_empty()
    assert watch(new("identity", "Cert-AQ"), "name").is_empty()


def test_labels_of_contact_data_are_no_contact_data():
    numbers = [
        {
            "contact_number": "555-0143-99",
            "contact_number_type": "work-phone",
            "x": 7,
            "y": PERSON["id"],
        }
    ]
    verified = signed(INCIDENT, PERSON)
    index = next(i for i, o in enumerate(verified.objects) if o.type == "identity")
    place = ("extensions", "x", "contact_numbers")
    one = Watch(
        Reading(verified), [Withheld(index, place, numbers, "individual", above=False)]
    )
    assert hits(one, "555 0143 99")
    assert not hits(one, "a work-phone with a contact_number")


def suspects(one, *names):
    """Places of other objects at which what was cut of *one* may stand."""
    text = new("note", content="Mr Temcott lives at 12 Elm Street, 555 01 43 99.",
               object_refs=[INCIDENT["id"]])  # fmt: skip
    other = new("course-of-action", "Advice")
    verified = signed(INCIDENT, new("attack-pattern"), one, text, other)
    found = watch(one, *names, verified=verified).suspects()
    return {
        (verified.objects[i].type, place[0])
        for i, places in found.items()
        for place in places
        if verified.objects[i].type != one["type"]
    }


@pytest.mark.parametrize("name", ["name", "x_phone_number"])
def test_only_texts_in_which_a_cut_value_may_stand_are_looked_at(name):
    person = new("identity", "Ilvara Temcott", x_phone_number="+555 01 43 99")
    assert suspects(person, name) == {("note", "content")}


def test_a_record_that_would_take_too_long_is_not_looked_through(monkeypatch):
    one = watch(CONTACT, "name")
    assert not one.is_too_much()
    monkeypatch.setattr(guard, "MAX_WORK", 10)
    assert one.is_too_much()


def test_claims_are_looked_through():
    claims = tree(marked(INCIDENT, CLEAR), marked(PERSON, CLEAR), tlp="CLEAR",
                  sectors=["ilvara-temcott"])  # fmt: skip
    assert watch(PERSON, "name", verified=opened(mint(claims))).hits_claims()
    assert not NAMES.hits_claims()


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (("name",), "x", True),
        (("labels",), ["x"], True),
        (("x_any",), {"a": 1}, True),
        (("type",), "x", False),
        (("object_refs",), ["x"], False),
        (("confidence",), 7, False),
        (("created",), "2026-02-03T04:05:06.789Z", False),
        (("created_by_ref",), PERSON["id"], False),
    ],
)
def test_ids_times_and_types_say_nothing(place, value, says):
    assert guard.says_something(place, value) == says
