"""The sample records: valid STIX 2.1, told in publishing order."""

import json
import re
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).parents[2] / "adapters" / "cli" / "samples"
INDEX = tomllib.loads((SAMPLES / "index.toml").read_text(encoding="utf-8"))["sample"]
FILES = [entry["file"] for entry in INDEX]
BUNDLES = {
    name: json.loads((SAMPLES / name).read_text(encoding="utf-8")) for name in FILES
}

_TLP = {
    "CLEAR": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "GREEN": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "AMBER": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
}
_INCIDENT_CORE = "extension-definition--ef765651-680c-498d-9894-99799f2fa126"
_CONTACT = "extension-definition--66e2492a-bbd3-4be6-88f5-cc91a017a498"
_DISINFORMATION = "extension-definition--6e946d2c-de91-4ba1-a46c-ce1a92392196"
_EXTENSIONS = {  # new object types of the incident extension suite and of ours
    "channel": _DISINFORMATION,
    "media-content": _DISINFORMATION,
    "narrative": _DISINFORMATION,
    "event": "extension-definition--4ca6de00-5b0d-45ef-a1dc-ea7279ea910e",
    "impact": "extension-definition--7cc33dd6-f6a1-489b-98ea-522d351d71b9",
}
# STIX 2.1 and the incident suite; the last three are OpenCTI's and require a name.
_REQUIRED: dict[str, set[str]] = {
    "attack-pattern": {"name"},
    "campaign": {"name"},
    "channel": {"name"},
    "course-of-action": {"name"},
    "domain-name": {"value"},
    "email-addr": {"value"},
    "event": {"status", "extensions"},
    "file": {"hashes"},
    "identity": {"name"},
    "impact": {"impact_category", "extensions"},
    "incident": {"name", "extensions"},
    "indicator": {"pattern", "pattern_type", "valid_from"},
    "infrastructure": {"name"},
    "ipv4-addr": {"value"},
    "ipv6-addr": {"value"},
    "language-content": {"object_ref", "contents"},
    "location": {"country"},
    "malware": {"name", "is_family"},
    "media-content": {"url"},
    "narrative": {"name"},
    "note": {"content", "object_refs"},
    "observed-data": {"first_observed", "last_observed", "number_observed"},
    "opinion": {"opinion", "object_refs"},
    "relationship": {"relationship_type", "source_ref", "target_ref"},
    "report": {"name", "published", "object_refs"},
    "threat-actor": {"name"},
    "url": {"value"},
    "user-account": {"account_login"},
}
_OBSERVABLES = {
    "domain-name", "email-addr", "file", "ipv4-addr", "ipv6-addr", "media-content",
    "url", "user-account",
}  # fmt: skip
_ID = re.compile(r"[a-z0-9-]+--[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIMESTAMP = re.compile(r"2026-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
each_file = pytest.mark.parametrize("name", FILES)


def objects(name: str) -> list[dict[str, Any]]:
    return BUNDLES[name]["objects"]


def strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for inner in value:
                yield from strings(inner)
        case dict():
            for key, inner in value.items():
                yield key
                yield from strings(inner)


def primary(name: str) -> dict[str, Any]:
    kinds = {"feedback": ("opinion", "note")}.get(
        kind_of(name), ("incident", "campaign", "report", "grouping")
    )
    for kind in kinds:
        found = [one for one in objects(name) if one["type"] == kind]
        if found:
            assert len(found) == 1, f"{kind} is not the only one"
            return found[0]
    raise AssertionError("no primary object")


def kind_of(name: str) -> str:
    return next(entry["kind"] for entry in INDEX if entry["file"] == name)


# ------------------------------------------------------------------ the index


def test_the_index_names_every_sample_once_and_nothing_else() -> None:
    assert sorted(FILES) == sorted(path.name for path in SAMPLES.glob("*.json"))
    assert len(set(FILES)) == len(FILES)


@pytest.mark.parametrize("entry", INDEX, ids=FILES)
def test_an_index_entry_has_exactly_the_stated_keys(entry: dict[str, Any]) -> None:
    assert set(entry) == {
        "file", "issuer", "kind", "title", "tlp", "communities", "to", "concerns",
        "sentence",
    }  # fmt: skip
    assert entry["kind"] in {
        "incident", "campaign", "advisory", "feedback", "correction", "retraction",
    }  # fmt: skip
    assert entry["communities"]
    assert all(urn.startswith("urn:tocsin:community:") for urn in entry["communities"])
    for org in [entry["issuer"], *entry["to"], *entry["concerns"]]:
        assert re.fullmatch(r"[a-z][a-z0-9-]{1,40}", org)
    assert entry["issuer"] not in entry["concerns"]
    assert entry["sentence"].count(".") == 1


def test_all_three_kinds_of_organisation_publish() -> None:
    assert {entry["issuer"] for entry in INDEX} == {
        "cert-aq", "platform-lumen", "monitor-veritas",
    }  # fmt: skip


def test_one_issuer_writes_under_one_identity() -> None:
    authors: dict[str, set[str]] = {}
    for entry in INDEX:
        author = primary(entry["file"])["created_by_ref"]
        authors.setdefault(entry["issuer"], set()).add(author)
    assert all(len(ids) == 1 for ids in authors.values())
    assert len(set.union(*authors.values())) == len(authors)


@pytest.mark.parametrize("entry", INDEX, ids=FILES)
def test_the_primary_object_bears_the_marking_of_the_index(
    entry: dict[str, Any],
) -> None:
    assert primary(entry["file"])["object_marking_refs"] == [_TLP[entry["tlp"]]]


# ------------------------------------------------------------------ valid STIX 2.1


@each_file
def test_a_sample_is_a_bundle_of_a_readable_size(name: str) -> None:
    assert set(BUNDLES[name]) == {"type", "id", "objects"}
    assert BUNDLES[name]["type"] == "bundle"
    fewest = 2 if kind_of(name) == "feedback" else 6
    assert fewest <= len(objects(name)) <= 30


@each_file
def test_ids_are_unique_and_of_their_own_type(name: str) -> None:
    ids = [one["id"] for one in objects(name)]
    assert len(set(ids)) == len(ids)
    for one in objects(name):
        assert _ID.fullmatch(one["id"])
        assert one["id"].startswith(one["type"] + "--")


@each_file
def test_every_object_has_the_properties_that_stix_requires(name: str) -> None:
    for one in objects(name):
        assert one["spec_version"] == "2.1"
        common = set() if one["type"] in _OBSERVABLES else {"created", "modified"}
        assert _REQUIRED[one["type"]] | common <= set(one), one["id"]
        if one["type"] in _EXTENSIONS:
            extension = one["extensions"][_EXTENSIONS[one["type"]]]
            word = "new-sco" if one["type"] in _OBSERVABLES else "new-sdo"
            assert extension == {"extension_type": word}
        if one["type"] == "impact":
            assert one["impact_category"] + "-ext" in one["extensions"]
        if one["type"] == "incident":
            core = one["extensions"][_INCIDENT_CORE]
            assert {"determination", "investigation_status"} <= set(core)


@each_file
def test_times_are_written_with_milliseconds_and_run_forward(name: str) -> None:
    for one in objects(name):
        for prop in ("created", "modified"):
            assert prop not in one or _TIMESTAMP.fullmatch(one[prop]), one["id"]
        assert one.get("created", "") <= one.get("modified", "")
        for early, late in (
            ("first_seen", "last_seen"),
            ("start_time", "end_time"),
            ("valid_from", "valid_until"),
            ("first_observed", "last_observed"),
        ):
            if early in one and late in one:
                assert one[early] <= one[late], one["id"]


@each_file
def test_nothing_is_empty(name: str) -> None:
    def filled(value: Any) -> bool:
        if isinstance(value, dict):
            return bool(value) and all(map(filled, value.values()))
        if isinstance(value, list):
            return bool(value) and all(map(filled, value))
        return value is not None and value != ""

    assert filled(objects(name))


@each_file
def test_every_object_bears_a_marking(name: str) -> None:
    for one in objects(name):
        assert len(one["object_marking_refs"]) == 1
        assert one["object_marking_refs"][0] in _TLP.values()


@each_file
def test_references_resolve_in_the_bundle_or_in_an_earlier_sample(name: str) -> None:
    here = {one["id"] for one in objects(name)}
    earlier = {
        one["id"] for other in FILES[: FILES.index(name)] for one in objects(other)
    }
    well_known = {*_TLP.values(), *_EXTENSIONS.values(), _INCIDENT_CORE, _CONTACT}
    for one in objects(name):
        # Only an opinion or a note speaks about somebody else's record.
        about_others = earlier if one["type"] in {"opinion", "note"} else set()
        found = {found for text in strings(one) for found in _ID.findall(text)}
        found = {
            one for one in found if not one.startswith("extension-definition--66e2")
        }
        assert found <= here | well_known | about_others, one["id"]


@each_file
def test_every_object_hangs_together_with_the_primary_one(name: str) -> None:
    here = {one["id"] for one in objects(name)}
    links: dict[str, set[str]] = {identity: set() for identity in here}
    for one in objects(name):
        for text in strings({k: v for k, v in one.items() if k != "created_by_ref"}):
            if text in here:
                links[one["id"]].add(text)
                links[text].add(one["id"])
    reached, waiting = set(), [primary(name)["id"]]
    while waiting:
        current = waiting.pop()
        if current not in reached:
            reached.add(current)
            waiting.extend(links[current])
    authors = {one.get("created_by_ref") for one in objects(name)}
    assert here - reached - authors == set()


def test_one_id_and_one_version_never_have_two_contents() -> None:
    seen: dict[tuple[str, str], Any] = {}
    for name in FILES:
        for one in objects(name):
            key = (one["id"], one.get("modified", ""))
            assert seen.setdefault(key, one) == one, one["id"]


# ------------------------------------------------------------------ what the demo shows


def test_just_the_stated_ids_are_derived_from_values() -> None:
    derived = {
        one["id"]
        for name in FILES
        for one in objects(name)
        if uuid.UUID(one["id"].partition("--")[2]).version != 4
    }
    namespace = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")  # STIX 2.1, 2.9
    by_address = uuid.uuid5(namespace, '{"value":"203.0.113.77"}')
    by_name = uuid.uuid5(
        namespace, '{"identity_class":"individual","name":"ilvara temcott"}'
    )
    assert derived == {f"ipv4-addr--{by_address}", f"identity--{by_name}"}


def test_the_leak_names_its_victim_once_in_the_text_and_marks_one_note_amber() -> None:
    incident = primary("election-leak.json")
    assert incident["description"].count("Ilvara Temcott") == 1
    assert "Temcott" not in incident["name"]
    amber = [
        one
        for one in objects("election-leak.json")
        if one["object_marking_refs"] == [_TLP["AMBER"]]
    ]
    assert [one["type"] for one in amber] == ["note"]
    assert incident["extensions"][_INCIDENT_CORE]["criticality"] == 75


def test_the_campaign_uses_techniques_and_not_only_opinions() -> None:
    techniques = {
        one["id"]
        for one in objects("ai-video-campaign.json")
        if one["type"] == "attack-pattern"
        and one["external_references"][0]["source_name"] == "DISARM"
    }
    used = {
        one["target_ref"]
        for one in objects("ai-video-campaign.json")
        if one.get("relationship_type") == "uses"
    }
    assert len(techniques) == 2
    assert techniques <= used


def test_the_ordinary_account_is_not_tied_to_the_campaign() -> None:
    every = objects("ai-video-campaign.json")
    campaign = primary("ai-video-campaign.json")["id"]
    accounts = {one["id"] for one in every if one["type"] == "user-account"}
    operated = {one["target_ref"] for one in every if one.get("source_ref") == campaign}
    assert len(accounts & operated) == 2
    assert len(accounts - operated) == 1


@pytest.mark.parametrize(
    ("first", "later", "revoked"),
    [
        ("bank-phishing.json", "bank-phishing-correction.json", None),
        ("ai-video-campaign.json", "ai-video-retraction.json", True),
    ],
)
def test_a_later_version_has_the_same_primary_id_and_a_later_time(
    first: str, later: str, revoked: bool | None
) -> None:
    before, after = primary(first), primary(later)
    assert after["id"] == before["id"]
    assert after["modified"] > before["modified"]
    assert after["created"] == before["created"]
    assert after.get("revoked") is revoked
    assert FILES.index(later) > FILES.index(first)


def test_titles_name_nobody_who_may_have_to_be_withheld() -> None:
    for name in FILES:
        title = primary(name).get("name", "").casefold()
        for one in objects(name):
            if one["type"] == "identity":
                assert one["name"].casefold() not in title
