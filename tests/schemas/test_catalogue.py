"""Catalogues of techniques: made from bundles, and what they say of a record."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import stix
from schemas.catalogue import (
    MAX_NAME_CHARS,
    Catalogue,
    Technique,
    catalogue_of,
    decode_catalogue,
    encode_catalogue,
    read_bundle,
)
from schemas.errors import SchemaError
from schemas.findings import Finding
from schemas.rules import RULES
from schemas.techniques import (
    ATTACK,
    ATTACK_PHASES,
    DISARM,
    framework_named,
    framework_of,
    frameworks_of,
    unknown_techniques,
)
from schemas.vocabularies.disarm import PHASES
from tests.support.real_data import DATA, needs_real_data, real_files
from tests.support.refusals import refusal_of
from tests.support.stix_values import json_values

PAGES = "https://github.com/DISARMFoundation/DISARMframeworks/blob/main"
UUID = "7c9b2b1e-6c1c-4f0b-9a52-0d5a4d3cbb1"


def technique(number: str, *, n: int = 0, **properties: Any) -> dict[str, Any]:
    """One of a bundle that, like DISARM's, calls itself mitre-attack."""
    return {
        "type": "attack-pattern",
        "id": f"attack-pattern--{UUID}{n}",
        "name": f"Invented {number}",
        "modified": "2026-01-02T00:00:00Z",
        "kill_chain_phases": [
            {"kill_chain_name": "mitre-attack", "phase_name": "develop-content"}
        ],
        "external_references": [
            {
                "source_name": "mitre-attack",
                "url": f"{PAGES}/generated_pages/techniques/{number}.md",
                "external_id": number,
            }
        ],
        **properties,
    }


TACTIC = {
    "type": "x-mitre-tactic",
    "id": "x-mitre-tactic--1",
    "name": "Develop Content",
    "x_mitre_shortname": "develop-content",
    "external_references": [{"source_name": "DISARM", "external_id": "TA06"}],
}


def catalogue(*objects: dict[str, Any], framework: str = DISARM) -> Catalogue:
    return catalogue_of(read(*objects), framework)


def read(*objects: dict[str, Any]) -> Any:
    return read_bundle(bundle(*objects))


def bundle(*objects: dict[str, Any]) -> bytes:
    return json.dumps({"type": "bundle", "objects": objects}).encode()


def refused(data: bytes) -> tuple[str, str]:
    with pytest.raises(SchemaError) as caught:
        read_bundle(data)
    return caught.value.reason, caught.value.where


# -- making one


def test_a_technique_has_its_name_and_the_id_of_its_tactic():
    made = catalogue(TACTIC, technique("T0100"))
    assert made.tactics == {"TA06": "Develop Content"}
    assert made.techniques == {
        "T0100": Technique(name="Invented T0100", tactics=("TA06",))
    }
    assert made.title == "disarm"
    assert made.modified == "2026-01-02T00:00:00Z"


def test_a_phase_without_a_tactic_stays_a_phase():
    assert catalogue(technique("T0100")).techniques["T0100"].tactics == (
        "develop-content",
    )


def test_a_tactic_lists_its_techniques():
    made = catalogue(
        TACTIC, technique("T0100"), technique("T0200", n=1, kill_chain_phases=[])
    )
    assert made.of_tactic("TA06") == ["T0100"]


def test_what_refines_a_technique_names_it():
    made = catalogue(
        technique("T0100", n=0),
        technique("T0100.001", n=1),
        technique("T0200.009", n=2),
        technique("S1", n=3),
        {
            "type": "relationship",
            "relationship_type": "subtechnique-of",
            "source_ref": f"attack-pattern--{UUID}3",
            "target_ref": f"attack-pattern--{UUID}0",
        },
        {
            "type": "relationship",
            "relationship_type": "subtechnique-of",
            "source_ref": f"attack-pattern--{UUID}2",
            "target_ref": "attack-pattern--elsewhere",
        },
    )
    assert {n: each.parent for n, each in made.techniques.items()} == {
        "S1": "T0100",  # as the bundle says
        "T0100": "",
        "T0100.001": "T0100",  # as its number says
        "T0200.009": "",  # whose parent is not there
    }
    assert made.refined("T0100") == ["S1", "T0100.001"]


@pytest.mark.parametrize("flag", ["revoked", "x_mitre_deprecated"])
def test_what_its_authors_gave_up_is_marked(flag: str):
    made = catalogue(technique("T0100", **{flag: True}), technique("T0200", n=1))
    assert made.techniques["T0100"].deprecated
    assert not made.techniques["T0200"].deprecated


def test_of_several_with_one_number_the_one_in_use_counts():
    made = catalogue(
        technique("T0100", n=0, name="new"),
        technique("T0100", n=1, name="old", modified="2025-01-01T00:00:00Z"),
        technique("T0100", n=2, name="dead", modified="2027", revoked=True),
    )
    assert made.techniques["T0100"].name == "new"


def test_an_id_of_another_list_is_not_the_technique_s():
    capec = {"source_name": "capec", "external_id": "CAPEC-98"}
    own = {"source_name": "mitre-attack", "external_id": "T1566"}
    both = technique("", external_references=[capec, own])
    assert list(catalogue(both).techniques) == ["T1566"]
    named = technique("", external_references=[capec, own | {"source_name": "Own"}])
    assert list(catalogue(named, framework="own").techniques) == ["T1566"]
    assert list(catalogue(named, framework="other").techniques) == ["CAPEC-98"]


def test_a_bundle_without_ids_gives_no_catalogue():
    nameless = technique("", external_references=[{"source_name": "x"}])
    spaced = technique("T 1")
    tactics = {**TACTIC, "external_references": []}
    for objects in ([], [TACTIC], [nameless], [spaced], [tactics]):
        with pytest.raises(SchemaError, match=r"^no-techniques$"):
            catalogue(*objects)


def test_version_and_licence_are_taken_over():
    made = catalogue(
        technique("T0100"),
        {"type": "x-mitre-collection", "x_mitre_version": "17.1"},
        {"type": "marking-definition", "definition": {"statement": "CC-BY  Nobody"}},
        {"type": "marking-definition", "definition": {"tlp": "clear"}},
    )
    assert made.version == "17.1"
    assert made.title == "disarm 17.1"
    assert made.statements == ("CC-BY Nobody",)


def test_names_can_be_shown_on_a_terminal():
    made = catalogue(technique("T0100", name="a\x1b[31m\u202eb\n c" + "x" * 1000))
    name = made.techniques["T0100"].name
    assert name.startswith("a[31mb cx")
    assert len(name) == MAX_NAME_CHARS


def test_a_catalogue_survives_the_round_trip():
    made = catalogue(TACTIC, technique("T0100"), technique("T0100.001", n=1))
    data = encode_catalogue(made)
    assert decode_catalogue(data) == made
    assert encode_catalogue(decode_catalogue(data)) == data


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"\xff", b"[" * 100_000, bundle(technique("T0100"))],
)
def test_what_is_no_catalogue_is_refused(data: bytes):
    with pytest.raises(SchemaError, match=r"^not-catalogue$"):
        decode_catalogue(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", ("not-json", "$")),
        (b"{", ("not-json", "$")),
        (b'{"type":"bundle","objects":[{"type":"\xff"}]}', ("not-json", "$")),
        (b"[]", ("not-stix", "$")),
        (b'{"type":"report"}', ("not-stix", "$.type")),
        (b'{"type":"bundle"}', ("not-stix", "$")),
        (bundle({"type": "x", "name": 3}), ("bad-property", "$.objects[0].name")),
        (b'{"x":' + b"[" * 100_000, ("too-deep", "$")),
    ],
)
def test_what_is_no_bundle_is_refused(data: bytes, reason: tuple[str, str]):
    assert refused(data) == reason


@given(json_values)
def test_arbitrary_json_raises_only_our_error(value: Any) -> None:
    error = refusal_of(read_bundle, json.dumps(value).encode())
    assert error is not None


def test_a_refusal_never_repeats_the_bundle():
    reason, where = refused(bundle({"type": "x", "revoked": "mallory"}))
    assert "mallory" not in reason + where


# -- whose techniques


@pytest.mark.parametrize(
    ("source", "url", "phases", "names"),
    [
        ("mitre-attack", f"{PAGES}/T0002.md", [], {DISARM}),
        ("mitre-attack", "https://attack.mitre.org/techniques/T1566/", [], {ATTACK}),
        ("mitre-ics-attack", "", [], {ATTACK}),
        ("DISARM", "", [], {DISARM}),
        ("mitre-attack", "", [("mitre-attack", "initial-access")], {ATTACK}),
        ("mitre-attack", "", [("mitre-attack", "develop-content")], {DISARM}),
        ("mitre-attack", "", [("x", "y"), ("disarm", "z")], {DISARM}),
        ("mitre-attack", "", [("x", "y")], {ATTACK, DISARM}),
        ("mitre-attack", "", [], {ATTACK, DISARM}),
        ("capec", "", [("mitre-attack", "initial-access")], {"capec"}),
        ("Online Operations Kill Chain", "", [], {"online-operations-kill-chain"}),
    ],
)
def test_address_then_tactic_tell_the_framework(
    source: str, url: str, phases: list[tuple[str, str]], names: set[str]
):
    assert frameworks_of(source, url, phases) == names


def test_the_tactics_of_two_frameworks_differ():
    assert ATTACK_PHASES.isdisjoint(PHASES)


def test_attack_is_short_for_its_full_name():
    assert framework_named("attack") == framework_named(" Mitre-ATTACK ") == ATTACK
    assert framework_named("disarm") == DISARM


def test_a_bundle_is_recognised_although_it_calls_itself_otherwise():
    assert framework_of(read(technique("T0100"))) == DISARM


def test_other_lists_beside_do_not_hide_the_framework():
    both = technique("T0100")
    both["external_references"] += [
        {"source_name": "capec", "external_id": "CAPEC-1"},
        {"source_name": "somebody"},
    ]
    assert framework_of(read(both)) == DISARM


def test_a_bundle_of_two_frameworks_is_not_recognised():
    other = technique("T1", external_references=[])
    other["external_references"] = [
        {"source_name": "mitre-mobile-attack", "external_id": "T1"}
    ]
    assert framework_of(read(technique("T0100"), other)) is None


@pytest.mark.parametrize(
    ("publisher", "framework"),
    [
        ({"type": "x-mitre-matrix", "name": "DISARM Framework"}, DISARM),
        ({"type": "x-mitre-collection", "name": "Mobile ATT&CK"}, ATTACK),
        (
            {"type": "marking-definition", "definition": {"statement": "by DISARM"}},
            DISARM,
        ),
        ({"type": "report", "name": "about DISARM"}, None),
        ({"type": "identity", "name": "somebody"}, None),
    ],
)
def test_without_addresses_the_publisher_tells(
    publisher: dict[str, Any], framework: str | None
):
    plain = technique("T1", kill_chain_phases=[])
    plain["external_references"] = [
        {"source_name": "mitre-attack", "external_id": "T1"}
    ]
    assert framework_of(read(plain, publisher)) == framework


# -- checking


def pattern(*references: dict[str, Any], name: str = "n", **properties: Any) -> Any:
    return stix.decode_object(
        {
            "type": "attack-pattern",
            "id": f"attack-pattern--{UUID}0",
            "name": name,
            "external_references": list(references),
            **properties,
        }
    )


def reference(number: str, source: str = "DISARM", url: str = "") -> dict[str, Any]:
    found = {"source_name": source, "external_id": number}
    return {**found, "url": url} if url else found


KNOWN = catalogue(
    TACTIC,
    technique("T0100", name="Ring the Bell"),
    technique("T0300", n=1, name="Mute the Bell", revoked=True),
)
OTHER = catalogue(technique("T0900"), framework=ATTACK)


def findings(*objects: Any, held: tuple[Catalogue, ...] = (KNOWN, OTHER)) -> Any:
    places = {each.id: "$.objects[4]" for each in objects}
    return list(unknown_techniques(objects, held, places))


def test_a_known_technique_gives_no_finding():
    assert findings(pattern(reference("T0100"))) == []
    assert findings(pattern(reference("T0100", "mitre-attack"))) == []


def test_an_unknown_one_is_named_by_its_place_alone():
    wrong = pattern({"source_name": "x"}, reference("T0666"), name="mallory")
    [only] = findings(wrong)
    assert only == Finding(
        "unknown-technique",
        "$.objects[4].external_references[1].external_id",
        "an id in the catalogue of disarm",
    )
    assert only.rule in RULES
    assert list(unknown_techniques([wrong], [KNOWN])) == [
        Finding(only.rule, "$.external_references[1].external_id", only.expected)
    ]


def test_its_name_tells_which_it_is():
    [only] = findings(pattern(reference("T0666"), name="ring the bell"))
    assert only.expected == "by its name T0100 (disarm)"


def test_one_that_was_given_up_is_a_note():
    [only] = findings(pattern(reference("T0300")))
    assert only.rule == "old-technique"
    assert RULES[only.rule].level == "note"


def test_the_same_number_elsewhere_does_not_count():
    assert [f.rule for f in findings(pattern(reference("T0900")))] == [
        "unknown-technique"
    ]


def test_a_number_of_either_framework_must_be_in_one_of_them():
    assert findings(pattern(reference("T0900", "mitre-attack"))) == []
    [only] = findings(pattern(reference("T0666", "mitre-attack")))
    assert only.expected == "an id in the catalogue of disarm or mitre-attack"


def test_what_no_catalogue_is_about_is_passed_over():
    unsure = pattern(reference("T0666", "mitre-attack"))
    assert findings(unsure, held=(KNOWN,)) == []
    assert findings(pattern(reference("CAPEC-1", "capec"))) == []
    assert findings(pattern(reference("T0666")), held=()) == []
    nameless = stix.decode_object(
        {"type": "attack-pattern", "id": f"attack-pattern--{UUID}1"}
    )
    note = stix.decode_object(
        {
            "type": "note",
            "id": f"note--{UUID}0",
            "external_references": [reference("T0666")],
        }
    )
    assert findings(nameless, note) == []


def test_the_address_counts_more_than_the_source_and_the_tactic():
    phases = [{"kill_chain_name": "mitre-attack", "phase_name": "impact"}]
    both = pattern(
        reference("T0100", "mitre-attack", f"{PAGES}/T0100.md"),
        kill_chain_phases=phases,
    )
    assert findings(both) == []
    [only] = findings(
        pattern(reference("T0100", "mitre-attack"), kill_chain_phases=phases)
    )
    assert only.rule == "unknown-technique"


@given(
    st.text(max_size=30),
    st.text(max_size=60),
    st.lists(st.tuples(st.text(), st.text()), max_size=3),
)
def test_any_reference_has_a_framework(
    source: str, url: str, phases: list[Any]
) -> None:
    assert frameworks_of(source, url, phases)


# -- real bundles


@needs_real_data
def test_the_bundle_of_disarm_is_read_whole():
    items = read_bundle((DATA / "disarm" / "DISARM.json").read_bytes())
    assert framework_of(items) == DISARM
    made = catalogue_of(items, DISARM)
    assert len(made.techniques) == 391
    assert len(made.tactics) == 16
    assert sum(1 for each in made.techniques.values() if each.parent) == 288
    assert all(each.tactics[0] in made.tactics for each in made.techniques.values())
    assert len(encode_catalogue(made)) < 50_000


@pytest.mark.parametrize("path", real_files("fimi_viginum_stix21/*.json"))
def test_real_records_name_techniques_of_disarm(path: Any):
    items = read_bundle((DATA / "disarm" / "DISARM.json").read_bytes())
    made = catalogue_of(items, DISARM)
    objects = stix.decode_bundle(json.loads(path.read_bytes()))
    asked = sum(o.type == "attack-pattern" for o in objects)
    found = list(unknown_techniques(objects, [made]))
    assert len(found) < asked / 2  # some were given up since
    none = Catalogue(framework=DISARM, techniques={})
    assert len(list(unknown_techniques(objects, [none]))) >= asked > 0
