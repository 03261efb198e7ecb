"""The leak lint: names and addresses where nothing can withhold them."""

import time
from typing import Any

import pytest

from adapters.leaks import leaks
from schemas import stix
from schemas.findings import Finding
from schemas.profile import EXTENSION_ALIASES, INCIDENT_CORE, worded
from schemas.stix import TYPES
from tests.support.records import an_id, plain_object

PERSON = plain_object(
    "identity", 1, name="Ayu Contoh Rahman", identity_class="individual"
)
INCIDENT = plain_object("incident", name="A case")
MARK = an_id("marking-definition", 5)


def found_in(*plain: dict[str, Any], own: str | None = None) -> list[Finding]:
    objects = [stix.decode_object(each) for each in plain]
    places = {each["id"]: f"$[{number}]" for number, each in enumerate(plain)}
    return list(leaks(objects, places, own=own))


def marked(selector: str) -> dict[str, Any]:
    return INCIDENT | {
        "granular_markings": [{"selectors": ["name", selector], "marking_ref": MARK}]
    }


def grouping(context: str) -> dict[str, Any]:
    return plain_object("grouping", context=context, object_refs=[INCIDENT["id"]])


@pytest.mark.parametrize(
    ("plain", "place"),
    [
        (grouping("ayu-contoh-rahman"), "$[0].context"),
        (grouping("case_Ayu_Contoh_Rahman_2"), "$[0].context"),
        (plain_object("relationship", relationship_type="met-ayu-contoh-rahman"),
         "$[0].relationship_type"),
        (plain_object("identity", 9, identity_class="ayu-contoh-rahman"),
         "$[0].identity_class"),
        (plain_object("identity", 9, sectors=["energy", "ayu-contoh-rahman"]),
         "$[0].sectors[1]"),
        (plain_object("tool", lang="xa-ayu-contoh-rahman"), "$[0].lang"),
        (plain_object("indicator", pattern_type="ayu-contoh-rahman"),
         "$[0].pattern_type"),
        (plain_object("x-ayu-contoh-rahman"), "$[0].type"),
        (marked("contents.ayu_contoh_rahman"), "$[0].granular_markings[0].selectors[1]"),
        (INCIDENT | {"extensions": {"of Ayu Contoh-Rahman": {}}}, "$[0].extensions[...]"),
        (INCIDENT | {"extensions": {INCIDENT_CORE: {"determination": "ayu-contoh-rahman"}}},
         "$[0].extensions[...][...]"),
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_withheld_is_found(
    plain: dict[str, Any], place: str
) -> None:
    assert found_in(plain, PERSON) == [Finding("leak-visible", place)]


@pytest.mark.parametrize(
    ("kind", "secret"),
    [
        ("identity", {"name": "Pelabuhan Contoh"}),
        ("identity", {"name": "x", "contact_information": "Pelabuhan, Contoh"}),
        ("email-addr", {"value": "pelabuhan@contoh.example"}),
        ("email-addr", {"value": "x", "display_name": "PELABUHAN (Contoh)"}),
        ("user-account", {"user_id": "pelabuhan_contoh"}),
        ("user-account", {"account_login": "pelabuhan.contoh"}),
        ("user-account", {"display_name": "Pelábuhan Contoh"}),
        ("user-account", {"credential": "pelabuhan/contoh"}),
        ("channel", {"name": "Pelabuhan Contoh"}),
        ("channel", {"name": "x", "aliases": ["y", "Pelabuhan Contoh"]}),
        ("threat-actor", {"name": "Pelabuhan\u00a0Contoh"}),
        ("threat-actor", {"name": "x", "aliases": ["Pelabuhan Contoh"]}),
        ("domain-name", {"value": "pelabuhan.contoh"}),
    ],
)
def test_whoever_is_named_is_looked_for(kind: str, secret: dict[str, Any]) -> None:
    plain = plain_object(kind, **secret)
    assert found_in(grouping("pelabuhan-contoh-example"), plain) == [
        Finding("leak-visible", "$[0].context")
    ]


def test_addresses_are_looked_for() -> None:
    address = plain_object("ipv4-addr", value="192.0.2.77")
    v6 = plain_object("ipv6-addr", value="2001:db8::77")
    assert found_in(grouping("host-192-0-2-77"), address) != []
    assert found_in(grouping("host-192-0-2-78"), address) == []
    assert found_in(grouping("host-2001-db8-77"), v6) != []


def test_what_is_no_name_is_not_found() -> None:
    assert found_in(grouping("ayu-contoh"), PERSON) == []
    assert found_in(grouping("suspicious-activity"), PERSON) == []
    assert found_in(grouping("ayu-contoh-rahmania"), PERSON) == []


def test_short_names_and_classes_of_people_are_not_looked_for() -> None:
    short = plain_object("identity", name="Sri")
    whole = plain_object("identity", name="Journalists", identity_class="class")
    assert found_in(grouping("about-sri"), short) == []
    assert found_in(plain_object("tool", lang="sri"), short) == []
    assert found_in(grouping("journalists"), whole) == []


def test_the_issuers_own_name_is_seen_anyway() -> None:
    own = PERSON["id"]
    assert found_in(grouping("ayu-contoh-rahman"), PERSON, own=own) == []


def test_words_of_the_vocabularies_are_passed_over() -> None:
    energy = plain_object("identity", name="Energy", sectors=["energy"])
    assert found_in(energy) == []


def test_words_of_the_vocabularies_are_passed_over_in_extensions_too() -> None:
    core = {"extension_type": "property-extension", "determination": "suspected"}
    case = marked("description") | {"extensions": {INCIDENT_CORE: core}}
    assert found_in(case, PERSON) == []


def test_a_text_that_stands_often_is_found_once() -> None:
    again = grouping("ayu-contoh-rahman") | {"id": an_id("grouping", 2)}
    assert len(found_in(grouping("ayu-contoh-rahman"), again, PERSON)) == 1


def test_every_word_that_the_profile_always_shows_is_looked_at() -> None:
    for kind, struct in TYPES.items():
        for name in worded(kind):
            if name in struct.__struct_fields__:
                plain = plain_object(kind, 9, name=None) | {name: "ayu-contoh-rahman"}
                del plain["name"]
                if name == "opinion":
                    continue  # a closed list
                assert found_in(plain, PERSON) == [
                    Finding("leak-visible", f"$[0].{name}")
                ]


def test_an_extension_that_is_no_object_is_passed_over() -> None:
    key = next(iter(EXTENSION_ALIASES))
    for case in (INCIDENT, marked("description")):
        odd = case | {"extensions": {key: "ayu-contoh-rahman"}}
        assert found_in(odd, PERSON) == []


@pytest.mark.parametrize("kind", ["incident", "campaign", "report", "grouping"])
@pytest.mark.parametrize(
    ("name", "is_odd"),
    [
        ("[CERT #20261102001234] A leak", True),
        ("Call +99 555 123 45 67", True),
        ("Ask a@b.example", True),
        ("A leak of 2026-11-02, CVE-2026-12345", False),
        ("A leak", False),
    ],
)
def test_a_name_that_would_be_withheld_is_pointed_out(
    kind: str, name: str, is_odd: bool
) -> None:
    found = found_in(plain_object(kind, name=name))
    assert found == ([Finding("contact-in-name", "$[0].name")] if is_odd else [])
    nameless = plain_object(kind)
    del nameless["name"]
    assert found_in(nameless, plain_object("tool", name=name)) == []


def test_no_text_takes_long() -> None:
    key = "contoh " * 1_000_000
    plain = INCIDENT | {
        "extensions": {key: {}, "@" * 1_000_000: {}, "1." * 500_000: {}}
    }
    people = [
        plain_object("identity", n, name="contoh " * n + "x") for n in range(2, 100)
    ]
    began = time.process_time()
    found_in(plain, *people)
    assert time.process_time() - began < 10
