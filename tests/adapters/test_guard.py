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


def watching(verified, *cuts):
    return Watch(Reading(verified), cuts)


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


# ------------------------------------------------------------- each word of each table

NAMED = "Zorblax Quill"
HANDLE = "zor.blax7"
PERSONAL = {
    "channel": ["name", "aliases"],
    "email-addr": ["value", "display_name"],
    "identity": [
        "name", "aliases", "first_name", "middle_name", "last_name",
        "contact_information", "contact_numbers", "email_addresses",
        "social_media_accounts", "street_address", "postal_code",
    ],
    "location": ["street_address", "postal_code", "city"],
    "media-content": ["url", "title"],
    "note": ["authors"],
    "opinion": ["authors"],
    "threat-actor": ["name", "aliases"],
    "user-account": ["account_login", "user_id", "credential", "display_name"],
}  # fmt: skip
NAMES_ABOVE = [
    "name", "display_name", "aliases", "authors", "first_name", "middle_name",
    "last_name", "title", "subject", "abstract", "city",
]  # fmt: skip
HANDLES_ABOVE = [
    "account_login", "user_id", "credential", "contact_information", "contact_numbers",
    "email_addresses", "social_media_accounts", "street_address", "postal_code", "value",
    "url", "path", "key", "command_line", "message_id", "serial_number", "hashes",
    "pattern", "decryption_key",
]  # fmt: skip


def watch_value(kind, name, value, *, role="", above=False):
    """Watch for a value that was cut, whatever the type says of the property."""
    objects = {o["type"]: o for o in (INCIDENT, new("attack-pattern"), new(kind))}
    objects["incident"] = INCIDENT
    verified = signed(*objects.values(), primary=INCIDENT["id"])
    index = next(i for i, o in enumerate(verified.objects) if o.type == kind)
    return watching(verified, Withheld(index, (name,), value, role, above))


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind, names in PERSONAL.items() for name in names],
)
def test_what_names_a_person_is_watched_wherever_it_was_cut(kind, name):
    value = [HANDLE] if name in ("aliases", "authors") else HANDLE
    assert hits(watch_value(kind, name, value), f"by {HANDLE}")
    assert not hits(watch_value("malware", name, value), f"by {HANDLE}")


@pytest.mark.parametrize("name", NAMES_ABOVE)
def test_a_name_that_is_marked_above_is_watched_as_words(name):
    one = watch_value("malware", name, NAMED, above=True)
    assert hits(one, "zorblax_quill")
    assert not hits(one, "zorblaxquill")
    assert not hits(watch_value("malware", name, HANDLE, above=True), f"x{HANDLE}x")


@pytest.mark.parametrize("name", HANDLES_ABOVE)
def test_a_handle_that_is_marked_above_is_watched_anywhere(name):
    assert hits(watch_value("malware", name, HANDLE, above=True), f"x{HANDLE}x")


def test_a_text_that_is_no_name_is_not_watched_for_its_words():
    assert watch_value("malware", "description", NAMED, above=True).is_empty()


@pytest.mark.parametrize(
    "kind", ["domain-name", "ipv4-addr", "ipv6-addr", "mac-addr", "url"]
)
def test_an_address_in_a_network_is_watched_if_it_may_be_a_victims(kind):
    for role in ("unknown", "protected"):
        one = watch_value(kind, "value", HANDLE, role=role)
        assert hits(one, f"see {HANDLE}")
        assert not hits(one, f"see x{HANDLE}")
        assert not hits(one, f"see {HANDLE}", CODE)
    assert watch_value(kind, "value", HANDLE, role="attacker").is_empty()
    assert watch_value(kind, "x_value", HANDLE, role="unknown").is_empty()
    above = watch_value(kind, "value", HANDLE, role="attacker", above=True)
    assert hits(above, f"see x{HANDLE}", CODE)
    assert guard.context_of(kind, ("value",), visible=False) is CODE
    assert guard.context_of(kind, ("name",), visible=False) is TEXT


@pytest.mark.parametrize(
    "kind",
    [
        "attack-pattern", "course-of-action", "extension-definition", "location",
        "marking-definition", "tool",
    ],
)  # fmt: skip
def test_a_public_name_is_not_watched_even_if_it_is_marked_above(kind):
    assert watch_value(kind, "name", NAMED, above=True).is_empty()


@pytest.mark.parametrize("kind", ["campaign", "intrusion-set", "malware"])
def test_an_accused_may_be_called_like_any_operation(kind):
    verified = signed(INCIDENT, new(kind, "Doppel"), new("threat-actor", "Doppel"),
                      primary=INCIDENT["id"])  # fmt: skip
    index = next(i for i, o in enumerate(verified.objects) if o.type == "threat-actor")
    for above in (False, True):
        cut = Withheld(index, ("name",), "Doppel", "", above)
        assert watching(verified, cut).is_empty() != above


@pytest.mark.parametrize("word", ["name", "alias", "mail", "phone", "login", "handle"])
def test_a_property_of_a_dialect_is_watched_by_the_words_in_its_name(word):
    assert hits(watch_value("identity", f"x_{word}_1", NAMED), NAMED)
    assert watch_value("identity", f"{word}_x", NAMED).is_empty()
    assert watch_value("malware", f"x_{word}_1", NAMED).is_empty()
    assert hits(watch_value("malware", f"x_{word}_1", NAMED, above=True), NAMED)
    assert watch_value("malware", "x_note", NAMED, above=True).is_empty()


@pytest.mark.parametrize("name", ["hashes", "payload_bin"])
def test_digits_in_hashes_and_contents_are_nobodys(name):
    assert watch_value("file", name, "12345678").is_empty()
    assert hits(watch_value("file", "x_note", "12345678"), "no. 12345678")


@pytest.mark.parametrize(
    "word",
    [
        "admin", "administrator", "anonymous", "guest", "info", "none", "nobody", "root",
        "service", "support", "system", "test", "unknown", "user", "webmaster",
    ],
)  # fmt: skip
def test_an_account_that_everybody_has_is_nobodys(word):
    assert watch_value("user-account", "account_login", word.title()).is_empty()
    assert watch_value("identity", "name", word.title(), role="individual").is_empty()


@pytest.mark.parametrize(
    "word",
    [
        "the", "and", "van", "von", "bin", "binti", "der", "del", "dos", "san", "abu",
        "may", "june", "april", "august", "mark", "will", "page", "bank", "grace",
        "contact", "person", "victim", "employee", "officer", "team", "user", "unknown",
    ],
)  # fmt: skip
def test_a_word_that_is_no_name_is_no_part_of_one(word):
    one = watch_value("identity", "name", f"Zorblax {word}", role="individual")
    assert one.parts == {"zorblax"}


def test_parts_are_those_of_persons_names_alone():
    for role in ("individual", "protected", "public-role"):
        one = watch_value("identity", "name", NAMED, role=role)
        assert one.parts == {"zorblax", "quill"}
        assert watch_value("identity", "aliases", NAMED, role=role).parts == set()
        assert watch_value("channel", "name", NAMED, role=role).parts == set()
    assert watch_value("identity", "name", NAMED, role="organisation").parts == set()
    one = watch_value("identity", "name", "Ana Wu", role="individual")
    assert one.parts == {"ana"}
    assert hits(one, "Ana was told")
    assert not hits(one, "ana was told")
    assert not hits(one, "Ana was told", CODE)


@pytest.mark.parametrize(
    "name",
    [
        "type", "spec_version", "object_marking_refs", "granular_markings",
        "object_refs", "relationship_type", "lang", "pattern_type", "pattern_version",
    ],
)  # fmt: skip
def test_a_property_that_says_nothing_is_not_looked_at(name):
    for value in ("x", ["x"], {"x": 1}):
        assert not guard.says_something((name,), value)


@pytest.mark.parametrize("name", ["labels", "kill_chain_phases", "sectors", "roles"])
def test_words_of_lists_are_expected_where_lists_are(name):
    assert guard.context_of("incident", (name,), visible=False) is VOCABULARY


def test_what_says_something_is_told_by_the_name_of_its_own_property():
    assert not guard.says_something(("extensions", "x", "object_refs"), ["x"])
    assert guard.says_something(("object_refs", "x"), ["x"])


def test_a_value_that_is_no_address_in_a_network_names_nobody():
    assert watch_value("text", "value", HANDLE, role="unknown").is_empty()


def test_the_work_is_counted_in_words_times_characters(monkeypatch):
    verified = signed(INCIDENT, PERSON, BANK, primary=INCIDENT["id"])
    reading = Reading(verified)
    index = next(i for i, o in enumerate(verified.objects) if o.type == "identity")
    values = {"name": NAMED, "aliases": "Other Name", "postal_code": HANDLE}
    cuts = [
        Withheld(index, (name,), value, "individual", above=False)
        for name, value in values.items()
    ]
    soft = Withheld(index, ("name",), "A Bank", "organisation", above=False)
    one = Watch(reading, [*cuts, soft])
    assert (len(one.names), len(one.titles), len(one.handles)) == (2, 1, 1)
    monkeypatch.setattr(guard, "MAX_WORK", 4 * reading.spelled.chars)
    assert not one.is_too_much()
    monkeypatch.setattr(guard, "MAX_WORK", 4 * reading.spelled.chars - 1)
    assert one.is_too_much()
    one.addresses.add(HANDLE)
    monkeypatch.setattr(guard, "MAX_WORK", 5 * reading.spelled.chars - 1)
    assert one.is_too_much()


def test_words_inside_an_extension_are_told_by_their_own_property():
    for name in ("incident_types", "labels"):
        place = ("extensions", "x", name)
        assert guard.context_of("incident", place, visible=False) is VOCABULARY
    place = ("labels", "x", "note")
    assert guard.context_of("incident", place, visible=False) is TEXT


def test_definitions_are_code():
    for kind in ("marking-definition", "extension-definition"):
        assert guard.context_of(kind, ("name",), visible=False) is CODE


# ------------------------------------------------------------------------------ bounds


def test_a_name_has_two_characters_and_an_address_four():
    assert hits(watch_value("identity", "name", "Wu"), "Wu was told")
    assert watch_value("identity", "name", "W").is_empty()
    for value, found in (("a.io", True), ("a.i", False)):
        one = watch_value("domain-name", "value", value, role="unknown")
        assert hits(one, f"see {value}") == found


def test_a_short_login_is_a_word_and_a_short_code_is_nothing():
    assert hits(watch_value("user-account", "account_login", "ab1"), "x ab 1 y")
    one = watch_value("user-account", "account_login", "temcott")
    assert hits(one, "[file:name = 'temcott']", CODE)
    assert watch_value("user-account", "account_login", "123").is_empty()
    assert watch_value("identity", "postal_code", "AB1").is_empty()
    assert watch_value("identity", "postal_code", "123").is_empty()
    assert watch_value("identity", "street_address", "Elmstreet").is_empty()
    for value in ("1234", "40417"):
        one = watch_value("identity", "postal_code", value)
        assert hits(one, f"in {value} town")
        assert not hits(one, f"in 9{value}")


def test_a_long_value_is_recognised_by_its_beginning():
    name, handle = "zorblax " * 20, "zor.blax7" * 20
    [word] = watch_value("identity", "name", name).names
    assert len(word) == 66
    assert hits(watch_value("identity", "name", name), name[:66])
    assert not hits(watch_value("identity", "name", name), name[:55])
    one = watch_value("user-account", "account_login", handle)
    assert hits(one, f"x{handle[:64]}x")
    assert not hits(one, f"x{handle[:63]}")


def test_among_words_of_lists_a_name_counts_if_it_cannot_be_one_of_them():
    for name, found in (("Temcotts", True), ("Temcott", False), ("Ana Wu", True)):
        assert hits(watch_value("identity", "name", name), name, VOCABULARY) == found


def test_an_address_stands_where_no_letter_digit_or_hyphen_touches_it():
    one = watch_value("domain-name", "value", HANDLE, role="unknown")
    for text in (HANDLE, f"x{HANDLE} {HANDLE}", f"({HANDLE})", f"www.{HANDLE}."):
        assert hits(one, text)
    for text in (f"x{HANDLE}", f"{HANDLE}x", f"1{HANDLE}", f"{HANDLE}-", f"-{HANDLE}"):
        assert not hits(one, text)
    assert hits(one, HANDLE, VOCABULARY)


def test_an_accused_and_an_organisation_are_not_looked_for_in_code():
    for kind, role in (("threat-actor", ""), ("identity", "organisation")):
        soft = watch_value(kind, "name", NAMED, role=role)
        assert soft.titles
        assert not hits(soft, NAMED, CODE)
        assert hits(soft, NAMED, VOCABULARY)
        assert hits(
            watch_value(kind, "name", NAMED, role=role, above=True), NAMED, CODE
        )
    assert hits(watch_value("channel", "name", NAMED), NAMED, CODE)


def test_a_number_is_found_in_a_longer_one_and_the_other_way_round():
    one = watch_value("incident", "description", "call 202 555 0143")
    for text in ("2025550143", "+1 202 555 0143", "555 0143 20"[:8]):
        assert hits(one, text)
    assert not hits(one, "202 555 0199")
    assert hits(one, "2025550143", VOCABULARY)
    assert not hits(one, "2025550143", CODE)


@pytest.mark.parametrize("member", ["number_type", "object_ref", "is_classified"])
def test_members_that_name_kinds_are_no_names(member):
    one = watch_value("identity", "x_phones", [{member: NAMED, "y": "Other Name"}])
    assert not hits(one, NAMED)
    assert hits(one, "Other Name")


def test_a_value_with_a_number_inside_is_read_to_its_end():
    value = {"a": [7, True, {"b": 12345678}], "c": None}
    assert hits(watch_value("incident", "x_note", value), "no. 12345678")
    assert hits(watch_value("incident", "x_note", {"12345678": 1}), "no. 12345678")


def test_a_community_is_looked_through_too():
    claims = tree(marked(INCIDENT, CLEAR), marked(PERSON, CLEAR), tlp="CLEAR",
                  aud=["urn:tocsin:community:ilvara-temcott"])  # fmt: skip
    assert watch(PERSON, "name", verified=opened(mint(claims))).hits_claims()


def test_numbers_of_several_values_stay_apart_where_they_are_looked_at_together():
    together = Forms.apart(["1234567", {"name": 8901234}, "of 2026"])
    assert together.numbers == ("1234567", "8901234")
    assert Forms.of("1234567", "8901234").numbers == ("12345678901234",)
    assert " of 2026 " in together.loose
