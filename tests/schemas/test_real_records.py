"""Real records of public bodies are taken as they are, and nothing of them is lost."""

from pathlib import Path
from typing import Any

import pytest

from schemas import stix
from schemas.codec import decode_json
from schemas.errors import SchemaError
from schemas.markings import TLP_IDS, Tlp, check_selectors, granular_tlp, tlp_of
from schemas.stix.incident_suite import incident_core, is_suite_event
from tests.support.real_data import real_files

BUNDLES = real_files(
    "fimi_viginum_stix21/*.json",
    "oasis_incident_extension/incident_pii_report.json",
    "oasis_stix21_examples/*.json",
    "amnesty_stix21/*.stix2",
    "attack_flow/*.json",
    "disarm/DISARM.json",
    "misp_stix_pairs/*stix21.json",
    "vocab/opencti_datasets/*.json",
)


def read(path: Path) -> Any:
    return decode_json(path.read_bytes(), max_bytes=4_000_000)


@pytest.mark.parametrize("path", BUNDLES)
def test_every_object_survives_the_round_trip(path: Path) -> None:
    value = read(path)
    objects = value if isinstance(value, list) else value["objects"]
    for index, item in enumerate(objects):
        assert stix.encode_object(stix.decode_object(item)) == item, index


@pytest.mark.parametrize("path", BUNDLES)
def test_every_bundle_is_complete(path: Path) -> None:
    value = read(path)
    decoded = stix.decode_bundle(value)
    objects = value if isinstance(value, list) else value["objects"]
    assert [o.id for o in decoded] == list(dict.fromkeys(o["id"] for o in objects))
    for index, candidate in enumerate(decoded):
        stix.check_required(candidate, f"$[{index}]")
        check_selectors(candidate)


@pytest.mark.parametrize("path", real_files("misp_stix_pairs/*stix20.json"))
def test_stix_2_0_is_refused_as_such(path: Path) -> None:
    with pytest.raises(SchemaError, match=r"^stix-version at \$\.spec_version$"):
        stix.decode_bundle(read(path))


@pytest.mark.parametrize("path", real_files("fimi_viginum_stix21/*.json"))
def test_clear_under_the_id_of_white_is_clear(path: Path) -> None:
    # The definitions' own bodies say "clear" under TLP 1's id; so does the table.
    tlps = {tlp_of(o.object_marking_refs or ()) for o in stix.decode_bundle(read(path))}
    assert tlps == {None, Tlp.CLEAR}


@pytest.mark.parametrize("path", real_files("oasis_stix21_examples/sco-examples*"))
def test_two_descriptions_of_one_observable_are_joined(path: Path) -> None:
    value = read(path)
    by_id = {o.id: stix.encode_object(o) for o in stix.decode_bundle(value)}
    assert (len(value), len(by_id)) == (82, 70)
    for item in value:
        joined = by_id[item["id"]]
        assert {name: joined[name] for name in item} == item


@pytest.mark.parametrize("path", real_files("oasis_incident_extension/*.json"))
def test_the_incident_of_oasis_has_a_core_events_and_tasks(path: Path) -> None:
    objects = stix.decode_bundle(read(path))
    by_id = {o.id: o for o in objects}
    core = incident_core(next(o for o in objects if o.type == "incident"))
    assert core is not None
    assert core.determination == "suspected"
    assert len(core.event_refs + core.task_refs) == 8
    assert all(is_suite_event(by_id[ref]) for ref in core.event_refs)
    assert {by_id[ref].type for ref in core.task_refs} == {"task"}
    assert {by_id[ref].type for ref in core.impact_refs} == {"impact"}


@pytest.mark.parametrize("path", real_files("oasis_stix21_examples/using-granular*"))
def test_oasis_s_granular_markings_are_read(path: Path) -> None:
    marked = [o for o in stix.decode_bundle(read(path)) if o.granular_markings]
    assert [granular_tlp(o) for o in marked] == [
        {
            "description": Tlp.RED,
            "indicator_types": Tlp.AMBER,
            "name": Tlp.GREEN,
            "pattern": Tlp.GREEN,
        }
    ]


@pytest.mark.parametrize("path", real_files("vocab/tlp2/*.json"))
def test_the_ids_of_tlp_2_are_those_of_oasis(path: Path) -> None:
    published = {
        Tlp.parse(mark["properties"]["name"]["enum"][0]): mark["properties"]["id"][
            "enum"
        ][0]
        for mark in read(path)["definitions"].values()
    }
    assert published == TLP_IDS
