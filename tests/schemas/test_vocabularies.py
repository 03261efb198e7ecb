"""The words of properties: which they are, and what is said of others."""

import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from schemas import stix, vocabularies
from schemas.facts import severity_of
from schemas.findings import Finding
from schemas.rules import RULES
from schemas.stix.identity_contact import IDENTITY_CONTACT
from schemas.stix.incident_suite import EVENT, IMPACT, INCIDENT_CORE, TASK
from schemas.vocabularies import disarm, words
from schemas.vocabularies.checking import outside, outside_in
from schemas.vocabularies.countries import USER_ASSIGNED
from schemas.vocabularies.tables import COUNTRY
from tests.support.stix_values import stix_objects

UUID = "7c9b2b1e-6c1c-4f0b-9a52-0d5a4d3cbb10"
CONTACT = "extension-definition--66e2492a-bbd3-4be6-88f5-cc91a017a498"
HERE = "$.objects[3]"


def of_type(kind: str, **properties: Any) -> stix.StixObject:
    return stix.decode_object({"type": kind, "id": f"{kind}--{UUID}", **properties})


def found(kind: str, **properties: Any) -> list[Finding]:
    return list(outside(of_type(kind, **properties), HERE))


def core(**members: Any) -> dict[str, Any]:
    return {INCIDENT_CORE: {"extension_type": "property-extension", **members}}


# -- the tables


def test_every_place_begins_with_a_property_of_its_type():
    for kind, places in vocabularies.BY_TYPE.items():
        names = set(stix.TYPES[kind].__struct_fields__)
        assert {re.split(r"[.{]", place)[0] for place in places} <= names, kind


def test_the_extensions_named_are_those_of_the_suite():
    places = [place for each in vocabularies.BY_TYPE.values() for place in each]
    ids = {found[0] for p in places if (found := re.search("extension-def[^.]+", p))}
    assert ids == {INCIDENT_CORE, CONTACT}


def test_a_vocabulary_lists_no_word_twice():
    for each in vocabularies.VOCABULARIES.values():
        listed = each.words + each.more
        assert len(set(listed)) == len(listed) == len(each.allowed), each.name


def test_every_vocabulary_is_that_of_a_property_or_known_to_be_of_none():
    used = {v.name for each in vocabularies.BY_TYPE.values() for v in each.values()}
    assert vocabularies.VOCABULARIES.keys() - used == {
        # of the older drafts' sequences of events and tasks
        "activity-condition-enum",
        "activity-transition-enum",
        "sequence-type-enum",
        "step-type-enum",
    }


def test_words_are_asked_for_by_type_and_place():
    assert vocabularies.of("opinion", "opinion") == {
        "strongly-disagree",
        "disagree",
        "neutral",
        "agree",
        "strongly-agree",
    }
    allowed = vocabularies.of("windows-registry-key", "values.data_type")
    assert allowed is not None
    assert "REG_SZ" in allowed
    assert vocabularies.of("opinion", "explanation") is None
    assert vocabularies.of("x-own", "opinion") is None


def test_only_an_enumeration_is_closed():
    assert vocabularies.is_closed("opinion", "opinion")
    assert not vocabularies.is_closed("report", "report_types")
    assert not vocabularies.is_closed("report", "name")


def test_what_decoding_refuses_is_a_closed_list_here_too():
    literal = 0
    for kind in vocabularies.BY_TYPE:
        for field in inspect.type_info(stix.TYPES[kind]).fields:
            texts = _literals(field.type)
            if texts and field.name != "spec_version":
                literal += 1
                assert vocabularies.of(kind, field.name) == texts
                assert vocabularies.is_closed(kind, field.name)
    assert literal == 9


def _literals(kind: Any) -> set[str]:
    match kind:
        case inspect.UnionType(types):
            return {text for each in types for text in _literals(each)}
        case inspect.Metadata(inner) | inspect.VarTupleType(inner):
            return _literals(inner)
        case inspect.LiteralType(values):
            return set(values)
    return set()


def test_our_own_sectors_become_standard_ones_on_the_way_out():
    sectors = vocabularies.VOCABULARIES["industry-sector-ov"]
    for own, standard in vocabularies.OWN_SECTORS.items():
        assert own in sectors.more
        assert standard in sectors.words
        assert vocabularies.standard_sector(own) == standard
    assert vocabularies.standard_sector("energy") == "energy"
    assert set(vocabularies.SECTORS_BY_NAME.values()) <= sectors.allowed
    assert vocabularies.SECTORS_BY_NAME["news - media"] == "media"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("TH", "TH"),
        ("th", "TH"),
        ("THA", "TH"),
        ("Thailand", "TH"),
        (" viet nam ", "VN"),
        ("Vietnam", "VN"),
        ("UK", "GB"),
        ("XA", "XA"),
        ("Xanadu", None),
        ("XAA", None),
        ("New-Zealand", "NZ"),
        ("COTE D\u2019IVOIRE", "CI"),
        ("Thailand" * 20, None),
        ("", None),
    ],
)
def test_a_country_is_read_in_any_usual_spelling(text: str, code: str | None):
    assert vocabularies.country_code(text) == code


def test_countries_have_two_and_three_letters():
    assert len(vocabularies.COUNTRIES) == len(vocabularies.ALPHA_3) == 249
    assert all(re.fullmatch("[A-Z]{2}", code) for code in vocabularies.COUNTRIES)
    assert all(re.fullmatch("[A-Z]{3}", code) for code in vocabularies.ALPHA_3)
    assert set(vocabularies.ALPHA_3.values()) == set(vocabularies.COUNTRIES)
    assert USER_ASSIGNED.isdisjoint(vocabularies.COUNTRIES)
    assert len(USER_ASSIGNED) == 2 + 26 + 14


def test_a_tag_is_written_as_taxonomies_do():
    assert vocabularies.tag("rsit", "abusive-content", "harmful-speech") == (
        'rsit:abusive-content="harmful-speech"'
    )
    assert vocabularies.tag("tlp", "green") == "tlp:green"


def test_the_reference_taxonomy_has_eleven_classes_and_39_entries():
    assert len(vocabularies.RSIT) == 11
    assert len(vocabularies.TAGS["rsit"]) == 39


def test_the_phase_of_a_tactic_leads_to_its_id():
    assert disarm.PHASES["drive-online-harms"] == "TA18"
    assert disarm.PHASES.keys() == {
        name.lower().replace(" ", "-") for name in disarm.TACTICS.values()
    }


def test_every_severity_has_a_criticality():
    def severity(criticality: int) -> str:
        return severity_of(
            of_type("incident", extensions=core(criticality=criticality))
        )

    seen = dict.fromkeys(map(severity, range(101)))
    assert ("unknown", *seen) == words.SEVERITIES


# -- checking


@given(stix_objects())
def test_a_finding_has_a_rule_and_is_of_the_object(value: dict[str, Any]) -> None:
    for each in outside(stix.decode_object(value), HERE):
        assert each.rule in {"vocabulary", "enumeration", "unknown-tag"}
        assert each.rule in RULES
        assert each.where.startswith(HERE + ".")
        assert each.expected
        assert each.count > 0


@settings(max_examples=300)
@given(st.data())
def test_words_of_the_vocabulary_give_no_finding(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(vocabularies.BY_TYPE)))
    place = data.draw(st.sampled_from(sorted(vocabularies.BY_TYPE[kind])))
    word = data.draw(st.sampled_from(sorted(vocabularies.of(kind, place) or ())))
    body = _at(kind, place, word)
    assert list(outside(stix.decode_object(body))) == []


@settings(max_examples=300)
@given(st.data())
def test_another_word_gives_a_finding_that_does_not_quote_it(
    data: st.DataObject,
) -> None:
    kind = data.draw(st.sampled_from(sorted(vocabularies.BY_TYPE)))
    open_places = {
        place
        for place in vocabularies.BY_TYPE[kind]
        if not _literals(_type_of(kind, place))
    }
    if not open_places:
        return
    place = data.draw(st.sampled_from(sorted(open_places)))
    body = _at(kind, place, "mallory")
    [only] = outside(stix.decode_object(body), HERE)
    closed = vocabularies.is_closed(kind, place)
    assert only.rule == ("enumeration" if closed else "vocabulary")
    assert "mallory" not in repr(only)
    name = place.removesuffix("{}").rpartition(".")[2]
    last = "[...]" if place.endswith("{}") else ""
    assert re.sub(r"\[[0-9]\]", "", only.where).endswith(f".{name}{last}")


def _type_of(kind: str, place: str) -> Any:
    name = re.split(r"[.{]", place)[0]
    fields = {f.name: f.type for f in inspect.type_info(stix.TYPES[kind]).fields}
    return fields[name]


def _at(kind: str, place: str, word: str) -> dict[str, Any]:
    """An object that has *word* at *place*."""
    value: Any = word
    if place.endswith("{}"):
        value = {word: 1}
    *outer, last = place.removesuffix("{}").split(".")
    names = [*outer, last]
    for name in reversed(names[1:]):
        listed = name in {"data_type", "contact_number_type", "state_change_type"}
        value = [{name: value}] if listed else {name: value}
    body = {"type": kind, "id": f"{kind}--{UUID}", names[0]: value}
    if _is_list(_type_of(kind, place)) and not isinstance(body[names[0]], list):
        body[names[0]] = [body[names[0]]]
    if kind == "event":
        body["extensions"] = {EVENT: {"extension_type": "new-sdo"}}
    return body


def _is_list(kind: Any) -> bool:
    match kind:
        case inspect.UnionType(types):
            return any(map(_is_list, types)) and not any(
                isinstance(each, inspect.DictType) for each in types
            )
        case inspect.Metadata(inner):
            return _is_list(inner)
    return isinstance(kind, inspect.VarTupleType)


def test_all_words_of_a_list_count_and_the_first_is_named():
    [only] = found("report", report_types=["threat-report", "Threat Actor", "x", "y"])
    assert only.rule == "vocabulary"
    assert only.where == f"{HERE}.report_types[1]"
    assert only.count == 3
    assert only.expected == (
        "perhaps threat-actor or threat-report; one of attack-pattern, campaign, "
        "identity, indicator, intrusion-set, malware, ... (report-type-ov)"
    )


def test_a_short_list_is_given_whole():
    [only] = found("grouping", context="nothing-like-it")
    assert only.expected == (
        "one of suspicious-activity, malware-analysis, unspecified "
        "(grouping-context-ov)"
    )


def test_words_that_hold_the_given_one_are_near_too():
    [only] = found("incident", extensions=core(incident_types=["phishing"]))
    assert only.expected.startswith(
        "perhaps aggregation-information-phishing-schemes or "
        "dissemination-phishing-emails or hosting-phishing-sites; one of "
    )


def test_case_matters_in_words_but_not_in_countries():
    [only] = found("identity", identity_class="Organization")
    assert only.expected.startswith("perhaps organization; one of ")
    assert found("location", country="th") == []


def test_a_country_in_another_spelling_is_shown_as_a_code():
    [only] = found("location", country="IDN")
    assert only.expected.startswith("perhaps ID; one of AD, AE, ")
    [only] = found("location", country="Xanadu")
    assert only.expected.startswith("one of AD, AE, ")
    assert COUNTRY.name in only.expected


def test_a_long_text_is_compared_with_nothing():
    [only] = found("report", report_types=["threat-report" * 9])
    assert only.expected.startswith("one of ")


def test_what_is_inside_an_extension_is_found_there():
    [first, second] = found(
        "incident",
        extensions=core(determination="certain", incident_types=["fimi", "ddos"]),
    )
    place = f"{HERE}.extensions.{INCIDENT_CORE}"
    assert (first.rule, first.where) == ("enumeration", f"{place}.determination")
    assert (second.rule, second.where) == ("vocabulary", f"{place}.incident_types[1]")


def test_what_is_no_word_is_passed_over_beside_one_that_is_wrong():
    numbers = [5, {}, {"contact_number_type": "odd"}, {"contact_number_type": [6]}]
    [only] = found(
        "identity", extensions={IDENTITY_CONTACT: {"contact_numbers": numbers}}
    )
    assert only.where.endswith(".contact_numbers[2].contact_number_type")
    assert only.count == 1


def test_several_objects_are_asked_together_as_each_is_by_itself():
    objects = [
        of_type("report", report_types=["campaign"], labels=["tlp:green"]),
        of_type("report", report_types=["odd"]),
        of_type("malware", malware_types=["worm"], labels=['rsit:odd="x"', "odd:x"]),
        of_type("event", status="odd"),
    ]
    places = {each.id: f"$[{i}]" for i, each in enumerate(objects)}
    assert (
        [*outside_in(objects, places)]
        == [each for o in objects for each in outside(o, places[o.id])]
        != []
    )


def test_an_extension_of_another_type_is_passed_over():
    assert found("incident", extensions={INCIDENT_CORE: ["determination"]}) == []
    assert found("incident", extensions=core(determination=3)) == []


def test_entities_are_counted_in_either_form():
    wrong = {"individual": 1, "customers": 2}
    [only] = found("task", outcome="ongoing", impacted_entity_counts=wrong)
    assert only.where == f"{HERE}.impacted_entity_counts[...]"
    draft = [{"entity_type": "individual", "count": 1}]
    assert found("impact", impacted_entity_counts=draft) == []
    [only] = found(
        "impact", impacted_entity_counts=[*draft, {"entity_type": "customers"}]
    )
    assert only.where == f"{HERE}.impacted_entity_counts[1].entity_type"


def test_the_impact_and_the_task_of_the_suite_are_checked():
    [only] = found("impact", impact_category="reputation", extensions={IMPACT: {}})
    assert only.rule == "enumeration"
    [only] = found("task", outcome="done", extensions={TASK: {}})
    assert only.rule == "enumeration"


def test_an_event_of_opencti_has_words_of_its_own():
    assert found("event", event_types=["national-election"]) == []
    suite = {EVENT: {"extension_type": "new-sdo"}}
    assert len(found("event", event_types=["x"], extensions=suite)) == 1


def test_a_label_of_a_known_taxonomy_must_be_one_of_its_tags():
    labels = [
        'rsit:abusive-content="harmful-speech"',
        "TLP:AMBER+STRICT",
        "pap:amber",
        "rsit",
        "[fimi-isac] share",
        'rsit:fraud="fishing"',
        'rsit:"mallory"',
    ]
    [only] = found("domain-name", value="a.example", labels=labels)
    assert (only.rule, only.where, only.count) == (
        "unknown-tag",
        f"{HERE}.labels[5]",
        2,
    )
    assert only.expected.startswith('perhaps rsit:fraud="phishing" or ')
    assert "mallory" not in repr(only)


def test_each_taxonomy_is_a_finding_of_its_own():
    findings = found("x-own", labels=["tlp:magenta", "pap:blue"])
    assert [each.where for each in findings] == [
        f"{HERE}.labels[0]",
        f"{HERE}.labels[1]",
    ]


def test_thousands_of_wrong_words_are_gone_through_in_time():
    suite = {EVENT: {"extension_type": "new-sdo"}}

    def seconds(count: int) -> float:
        wrong = [f"unauthorized-{n:x}" for n in range(count)]
        start = time.process_time()
        [only] = found("event", event_types=wrong, labels=wrong, extensions=suite)
        assert only.count == count
        return time.process_time() - start

    few = min(seconds(5_000) for _ in range(3))
    assert seconds(100_000) < 20 * 4 * few + 0.1
