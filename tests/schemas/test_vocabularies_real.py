"""Our words are those of the standards' own machine-readable lists."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from schemas import stix, vocabularies
from schemas.codec import decode_json
from schemas.vocabularies import disarm, tags, words
from schemas.vocabularies.checking import outside
from tests.support.real_data import DATA, needs_real_data, real_files

VOCAB = DATA / "vocab"


def read(path: Path | str) -> Any:
    return json.loads((VOCAB / path).read_bytes())


# -- STIX 2.1

# Where the gathered list of STIX's words has others than the standard.
DIALECT_ADDS = {
    "identity-class-ov": {"application", "environment", "platform"},
}


@pytest.mark.parametrize("path", real_files("vocab/stix21_vocab/*-ov.json"))
def test_open_vocabularies_are_those_of_the_list(path: Path):
    ours = set(vocabularies.VOCABULARIES[path.stem].words)
    theirs = {entry["key"] for entry in read(path)}
    assert theirs - ours == DIALECT_ADDS.get(path.stem, set())
    assert ours <= theirs


# What OASIS's schemas spell otherwise than the standard, word for word.
OASIS_SPELLS = {
    "account-type-ov": {"windows local", "windows domain"},
    "region-ov": {"central-america northern-america", "europe eastern-europe"},
}
OASIS_LACKS = {
    "infrastructure-type-ov": {
        "control-system",
        "firewall",
        "routers-switches",
        "workstation",
    },
    "region-ov": {"south-eastern-asia"},
    "report-type-ov": {"intrusion-set"},
}
OASIS_NAMES = {"malware-av-result-ov": "malware-result-ov"}


def _definitions(path: Path) -> dict[str, list[str]]:
    return {
        name: body["enum"]
        for name, body in read(path).get("definitions", {}).items()
        if "enum" in body
    }


@pytest.mark.parametrize("path", real_files("vocab/stix21_json_schemas/*s/*.json"))
def test_vocabularies_are_those_of_the_schemas_of_oasis(path: Path):
    for name, listed in _definitions(path).items():
        ours = vocabularies.VOCABULARIES[OASIS_NAMES.get(name, name)]
        odd = OASIS_SPELLS.get(name, set())
        theirs = set(listed) - odd
        theirs |= {
            word.replace(" ", "-") if name == "account-type-ov" else part
            for word in odd
            for part in word.split()
        }
        assert theirs <= ours.allowed, name
        assert set(ours.words) - theirs == OASIS_LACKS.get(name, set()), name


@needs_real_data
def test_enumerations_inside_extensions_are_those_of_the_schemas_of_oasis():
    listed: list[list[str]] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("enum"), list) and len(value["enum"]) > 2:
                listed.append(value["enum"])
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    for name in ("network-traffic", "process", "windows-registry-key"):
        walk(read(f"stix21_json_schemas/observables/{name}.json"))
    walk(read("stix21_json_schemas/sdos/opinion.json"))
    known = {v.words for v in vocabularies.VOCABULARIES.values() if v.closed}
    assert len(listed) == 8
    assert {tuple(each) for each in listed} <= known


# -- the incident core extension suite


@pytest.mark.parametrize(
    "path",
    real_files(
        "vocab/incident_extension/enum/*-enum.json",
        "vocab/incident_extension/vocab/*.json",
    ),
)
def test_the_words_of_the_incident_suite_are_those_of_its_draft(path: Path):
    ours = vocabularies.VOCABULARIES[path.stem]
    assert set(ours.words) == read(path).keys()
    assert ours.closed == (path.parent.name == "enum")


# -- taxonomies


def _tags_of(taxonomy: dict[str, Any]) -> set[str]:
    name = taxonomy["namespace"]
    plain = {entry["predicate"] for entry in taxonomy.get("values", [])}
    return {
        vocabularies.tag(name, each["value"])
        for each in taxonomy["predicates"]
        if each["value"] not in plain
    } | {
        vocabularies.tag(name, entry["predicate"], value["value"])
        for entry in taxonomy.get("values", [])
        for value in entry["entry"]
    }


@pytest.mark.parametrize("namespace", sorted(vocabularies.TAGS))
@needs_real_data
def test_tags_are_those_of_misp(namespace: str):
    file = "PAP" if namespace == "pap" else namespace
    theirs = _tags_of(read(f"misp_taxonomies/{file}.json"))
    if namespace == "tlp":
        theirs -= {"tlp:ex:chr", "tlp:unclear"}  # no words of FIRST
    assert set(vocabularies.TAGS[namespace]) == theirs


@needs_real_data
def test_words_of_tlp_and_pap_are_those_of_misp():
    theirs = {
        each["value"].upper() for each in read("misp_taxonomies/tlp.json")["predicates"]
    }
    assert {*words.TLP, *words.TLP_1} == theirs - {"EX:CHR", "UNCLEAR"}
    theirs = {each["value"] for each in read("misp_taxonomies/PAP.json")["predicates"]}
    assert {*words.PAP, "WHITE"} == theirs


@needs_real_data
def test_titles_of_the_reference_taxonomy_are_its_own():
    taxonomy = read("misp_taxonomies/rsit.json")
    titles = {each["value"]: each["expanded"] for each in taxonomy["predicates"]}
    assert {name: title for name, (title, _) in tags.RSIT.items()} == titles
    for entry in taxonomy["values"]:
        theirs = {each["value"]: each["expanded"] for each in entry["entry"]}
        assert tags.RSIT[entry["predicate"]][1] == theirs
    newest = json.loads((VOCAB / "rsit" / "machinev1").read_bytes())
    assert {e["predicate"]: len(e["entry"]) for e in newest["values"]} == {
        name: len(entries) for name, (_, entries) in tags.RSIT.items()
    }


@needs_real_data
def test_titles_of_the_admiralty_scale_are_those_of_misp():
    reliability, credibility = read("misp_taxonomies/admiralty-scale.json")["values"]
    theirs = {e["value"]: e["expanded"] for e in credibility["entry"]}
    assert theirs == tags.INFORMATION_CREDIBILITY
    theirs = {e["value"]: e["expanded"] for e in reliability["entry"]}
    assert theirs.pop("g") == "Deliberatly deceptive"  # MISP's spelling
    assert theirs == {k: v for k, v in tags.SOURCE_RELIABILITY.items() if k != "g"}


# -- countries and sectors


@needs_real_data
def test_countries_are_those_of_misp():
    theirs = {
        each["meta"]["ISO"]: each["meta"]["ISO3"]
        for each in read("misp_galaxy/country.json")["values"]
    }
    # Two that are no countries any more, and one that is none of ISO's yet.
    assert {theirs.pop("AN"), theirs.pop("CS"), theirs.pop("XK")} == {
        "ANT",
        "SCG",
        "XKX",
    }
    assert {short: long for long, short in vocabularies.ALPHA_3.items()} == theirs


@needs_real_data
def test_countries_are_those_of_opencti():
    theirs = {
        each["country"]: each["name"]
        for each in read("opencti_datasets/geography.json")["objects"]
        if each.get("x_opencti_location_type") == "Country"
    }
    assert theirs.pop("CRQ") == "Sark"  # which ISO 3166-1 only reserves
    theirs["TWN"] = theirs.pop("TWA")  # misspelt there
    assert theirs.keys() == vocabularies.ALPHA_3.keys()
    for code, name in theirs.items():
        ours = vocabularies.COUNTRIES[vocabularies.ALPHA_3[code]]
        shared = set(re.findall(r"\w+", name)) & set(re.findall(r"\w+", ours))
        assert shared or code == "TUR", code  # renamed since


@needs_real_data
def test_countries_are_read_as_other_tools_name_them():
    for each in read("misp_galaxy/country.json")["values"]:
        code = vocabularies.country_code(each["value"])
        assert code == each["meta"]["ISO"] or each["meta"]["ISO"] in {"AN", "CS"}
    for each in read("opencti_datasets/geography.json")["objects"]:
        if each.get("x_opencti_location_type") == "Country" and each["name"] != "Sark":
            code = vocabularies.country_code(each["name"])
            assert code in each["x_opencti_aliases"] or code == "TW"


@needs_real_data
def test_other_tools_names_of_sectors_are_theirs():
    misp = {each["value"] for each in read("misp_galaxy/sector.json")["values"]}
    opencti = {
        each["name"]
        for each in read("opencti_datasets/sectors.json")["objects"]
        if each["type"] == "identity"
    }
    names = {name.lower() for name in misp | opencti}
    assert vocabularies.SECTORS_BY_NAME.keys() <= names
    # Most have a word; the rest are groups of persons, or no sectors.
    assert len(vocabularies.SECTORS_BY_NAME) / len(names) > 0.8


# -- DISARM


@needs_real_data
def test_tactics_are_those_of_disarm():
    bundle = json.loads((DATA / "disarm" / "DISARM.json").read_bytes())
    tactics = {
        each["external_references"][0]["external_id"]: each
        for each in bundle["objects"]
        if each["type"] == "x-mitre-tactic"
    }
    assert {k: v["name"] for k, v in tactics.items()} == disarm.TACTICS
    assert {v["x_mitre_shortname"]: k for k, v in tactics.items()} == disarm.PHASES


# -- real records


@pytest.mark.parametrize(
    "path",
    real_files(
        "fimi_viginum_stix21/*.json",
        "oasis_incident_extension/*.json",
        "oasis_stix21_examples/*.json",
        "amnesty_stix21/*.stix2",
        "misp_stix_pairs/*stix21.json",
    ),
)
def test_findings_in_real_records_say_nothing_of_their_text(path: Path):
    value = decode_json(path.read_bytes(), max_bytes=4_000_000)
    known = {word for v in vocabularies.VOCABULARIES.values() for word in v.allowed}
    known |= {tag for each in vocabularies.TAGS.values() for tag in each}
    for index, candidate in enumerate(stix.decode_bundle(value)):
        for each in outside(candidate, f"$.objects[{index}]"):
            *near, listed = each.expected.split("; ")
            told = " or ".join(near).removeprefix("perhaps ").split(" or ")
            told += re.sub(r"^one of | \(.*\)$|, \.\.\.", "", listed).split(", ")
            assert set(told) - {""} <= known
