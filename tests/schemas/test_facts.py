"""Routing facts: computed from what may be seen at the record's TLP, and no more."""

from typing import Any

import pytest

from schemas.facts import Facts, facts_of, severity_of
from schemas.markings import TLP_IDS, Tlp
from schemas.profile import INCIDENT_CORE
from schemas.protection import PROTECTION_IDS
from tests.support.records import decoded, incident, plain_object


def facts(*plain: dict[str, Any], tlp: Tlp = Tlp.GREEN) -> Facts:
    objects = decoded(incident(), *plain)
    return facts_of(objects, objects[0], tlp)


def core(criticality: Any) -> dict[str, Any]:
    return {"extensions": {INCIDENT_CORE: {"criticality": criticality}}}


def marked(tlp: Tlp) -> dict[str, Any]:
    return {"object_marking_refs": [TLP_IDS[tlp]]}


def partly(selector: str, tlp: Tlp = Tlp.AMBER) -> dict[str, Any]:
    mark = {"selectors": [selector], "marking_ref": TLP_IDS[tlp]}
    return {"granular_markings": [mark]}


def place(country: str, number: int = 1, **more: Any) -> dict[str, Any]:
    return plain_object("location", number, country=country, **more)


def victim(*sectors: str, **more: Any) -> dict[str, Any]:
    return plain_object("identity", sectors=list(sectors), **more)


def test_a_record_without_any_facts_has_none() -> None:
    assert facts() == Facts(severity="high", countries=(), sectors=(), languages=())


def test_countries_are_collected_in_upper_case_sorted_and_once() -> None:
    found = facts(place("xb"), place("XA", 2), place("Xb", 3))
    assert found.countries == ("XA", "XB")


def test_sectors_of_identities_are_collected() -> None:
    assert facts(victim("energy", "defence-x")).sectors == ("defence-x", "energy")


def test_languages_of_every_object_are_collected() -> None:
    found = facts(incident(lang="fr"), plain_object("x-mine", lang="pt-BR"))
    assert found.languages == ("fr", "pt-BR")


def spoken(lang: str, *selectors: str) -> dict[str, Any]:
    return {"granular_markings": [{"selectors": list(selectors), "lang": lang}]}


def test_languages_of_parts_are_collected() -> None:
    found = facts(incident(lang="fr", **spoken("th", "description", "labels.[0]")))
    assert found.languages == ("fr", "th")


def test_the_language_of_a_part_that_is_marked_stricter_does_not_show() -> None:
    both = partly("description")["granular_markings"]
    both += spoken("th", "description")["granular_markings"]
    assert facts(incident(granular_markings=both)).languages == ()
    # One part that may be seen is enough.
    both += spoken("th", "name")["granular_markings"]
    assert facts(incident(granular_markings=both)).languages == ("th",)


def test_languages_of_parts_of_a_stricter_object_do_not_show() -> None:
    hidden = place("XA", **marked(Tlp.AMBER), **spoken("km", "name"))
    assert facts(hidden).languages == ()


@pytest.mark.parametrize(
    "other",
    [
        plain_object("x-mine", country="XA", sectors=["energy"]),
        plain_object("identity", country="XA"),
        plain_object("location", sectors=["energy"]),
    ],
)
def test_only_locations_have_countries_and_only_identities_sectors(
    other: dict[str, Any],
) -> None:
    found = facts(other)
    assert (found.countries, found.sectors) == ((), ())


@pytest.mark.parametrize("text", ["", "X", "XAX", "X1", "XA ", "XA\n", "\u00c4A", "#"])
def test_a_country_that_is_no_code_does_not_become_a_fact(text: str) -> None:
    assert facts(place(text)).countries == ()


@pytest.mark.parametrize("text", ["", "Energy", "a b", "a.b", "a\n", "*", "a" * 61])
def test_a_sector_that_is_no_word_does_not_become_a_fact(text: str) -> None:
    assert facts(victim(text)).sectors == ()


@pytest.mark.parametrize("text", ["", "f", "french", "fr_FR", "fr\n", "fr-", "12"])
def test_a_language_that_is_no_tag_does_not_become_a_fact(text: str) -> None:
    assert facts(incident(lang=text)).languages == ()


def test_what_is_marked_stricter_than_the_record_does_not_show() -> None:
    amber = marked(Tlp.AMBER)
    found = facts(place("XA", **amber), victim("energy", **amber))
    assert (found.countries, found.sectors) == ((), ())


def test_what_is_not_marked_at_all_does_not_show() -> None:
    unmarked = [place("XA"), victim("energy"), plain_object("x-mine", lang="fr")]
    for each in unmarked:
        del each["object_marking_refs"]
    found = facts(*unmarked)
    assert (found.countries, found.sectors, found.languages) == ((), (), ())


def test_a_part_that_is_marked_stricter_does_not_show() -> None:
    found = facts(
        incident(lang="fr", **partly("lang")),
        place("XA", **partly("country")),
        victim("energy", **partly("sectors")),
    )
    assert (found.countries, found.sectors, found.languages) == ((), (), ())


def test_an_element_that_is_marked_stricter_hides_all_of_its_property() -> None:
    assert facts(victim("energy", "defence", **partly("sectors.[1]"))).sectors == ()


def test_a_part_marked_no_stricter_than_the_record_shows() -> None:
    found = facts(place("XA", **partly("country", Tlp.CLEAR)))
    assert found.countries == ("XA",)


@pytest.mark.parametrize("group", ["minors", "survivors", "defenders", "newcomers"])
def test_what_protects_somebody_does_not_show(group: str) -> None:
    label = {"labels": [f"protect:{group}"], "lang": "th"}
    found = facts(place("XA", **label), victim("education", **label), place("XB", 2))
    assert (found.countries, found.sectors) == (("XB",), ())
    assert found.languages == ()


@pytest.mark.parametrize("ref", PROTECTION_IDS)
def test_a_part_that_protects_somebody_does_not_show(ref: str) -> None:
    def mark(selector: str) -> dict[str, Any]:
        return {"granular_markings": [{"selectors": [selector], "marking_ref": ref}]}

    assert facts(place("XA", **mark("country"))).countries == ()
    assert facts(victim("education", **mark("sectors.[0]"))).sectors == ()
    assert facts(place("XA", **mark("name"))).countries == ("XA",)


def test_what_is_laxer_than_the_record_shows() -> None:
    assert facts(place("XA", **marked(Tlp.CLEAR))).countries == ("XA",)
    assert facts(place("XA", **marked(Tlp.AMBER)), tlp=Tlp.AMBER).countries == ("XA",)


# -- severity


@pytest.mark.parametrize(
    ("criticality", "word"),
    [
        (0, "none"),
        (1, "low"),
        (29, "low"),
        (30, "moderate"),
        (49, "moderate"),
        (50, "high"),
        (89, "high"),
        (90, "extreme"),
        (100, "extreme"),
        (True, "unknown"),
        (55.0, "unknown"),
        ("55", "unknown"),
        (None, "unknown"),
    ],
)
def test_the_severity_is_the_word_for_the_criticality(
    criticality: Any, word: str
) -> None:
    [primary] = decoded(incident(**core(criticality)))
    assert severity_of(primary) == word


@pytest.mark.parametrize(
    "extensions",
    [{}, {INCIDENT_CORE: {}}, {INCIDENT_CORE: "high"}, {"other": {"criticality": 90}}],
)
def test_without_a_criticality_the_severity_is_unknown(
    extensions: dict[str, Any],
) -> None:
    [primary] = decoded(incident(extensions=extensions))
    assert severity_of(primary) == "unknown"


def test_without_extensions_the_severity_is_unknown() -> None:
    [primary] = decoded(plain_object("campaign"))
    assert severity_of(primary) == "unknown"


@pytest.mark.parametrize("selector", ["extensions", "extensions.x.criticality"])
def test_a_criticality_marked_stricter_does_not_show(selector: str) -> None:
    objects = decoded(incident(**partly(selector)))
    assert facts_of(objects, objects[0], Tlp.GREEN).severity == "unknown"
    assert facts_of(objects, objects[0], Tlp.AMBER).severity == "high"


# -- whom an alert may harm


PROTECTED = [*PROTECTION_IDS]


@pytest.mark.parametrize(
    "marks",
    [
        *({"object_marking_refs": [TLP_IDS[Tlp.GREEN], ref]} for ref in PROTECTED),
        {"labels": ["protect:minors"]},
        {"labels": ["PROTECT: nobody-knows"]},
    ],
)
def test_what_may_harm_somebody_shows_in_no_fact(marks: dict[str, Any]) -> None:
    found = facts(
        place("XA", lang="fr", **marks), victim("energy", **marks), place("XB", 2)
    )
    assert (found.countries, found.sectors, found.languages) == (("XB",), (), ())


@pytest.mark.parametrize("ref", PROTECTED)
def test_a_part_that_may_harm_somebody_shows_in_no_fact(ref: str) -> None:
    def partly(selector: str) -> dict[str, Any]:
        mark = {"selectors": [selector], "marking_ref": ref}
        return {"granular_markings": [mark]}

    found = facts(
        place("XA", lang="fr", **partly("country")),
        victim("energy", **partly("sectors.[0]")),
    )
    assert (found.countries, found.sectors, found.languages) == ((), (), ("fr",))
    objects = decoded(incident(**core(99), **partly("extensions")))
    assert facts_of(objects, objects[0], Tlp.GREEN).severity == "unknown"


def test_the_severity_of_a_case_that_may_harm_somebody_is_unknown() -> None:
    objects = decoded(incident(**core(99), labels=["protect:survivors"]))
    assert facts_of(objects, objects[0], Tlp.GREEN).severity == "unknown"
