"""MISP: real events and samples of its own tools are read, and nothing gets lost."""

import json
import re

import pytest

from adapters.sources import formats, misp_types
from adapters.sources.misp_making import NAMES
from adapters.sources.source import Input
from schemas import composing, stix
from schemas.errors import SchemaError
from schemas.markings import Tlp
from tests.support.misp_events import WHEN, composed
from tests.support.real_data import DATA, needs_real_data, real_files

EVENTS = real_files(
    "misp_events_eset/*.json",
    "misp_events_pymisp/[!dgs]*.json",
    "misp_events_pymisp/sighting_1.json",
    "misp_stix_pairs/*_[12].json",
)


def found_in(path):
    return formats.read(Input(path.read_bytes(), name=path.stem, when=WHEN))


def is_several(path):
    return path.name.startswith("test_events_collection")


@pytest.mark.parametrize("path", EVENTS)
def test_every_real_event_composes(path):
    if is_several(path):
        with pytest.raises(SchemaError) as refused:
            found_in(path)
        assert refused.value.reason == "several-events"
        return
    found = found_in(path)
    assert composed(found, Tlp.GREEN).kind == "advisory"
    assert found == found_in(path)


# Ours to say otherwise: numbers and dates in another spelling, names of templates and
# galaxies, what objects of STIX say by their type.
REWORDED = {
    "date", "timestamp", "publish_timestamp", "date_sighting", "first_seen", "last_seen",
    "threat_level_id", "analysis", "type", "distribution", "published", "to_ids",
    "uuid", "referenced_uuid", "object_uuid", "deleted", "exportable", "hide_tag",
    "colour", "numerical_value", "is_galaxy", "is_custom_galaxy", "description", "icon",
    "namespace", "version", "kill_chain_order", "tag_name", "source", "name",
    "kill_chain", "external_id", "object_relation",
}  # fmt: skip


def unsaid(value, where, said, listed, local):
    """List members that are neither in the objects nor in the losses."""
    if any(where == each or where.startswith(f"{each}.") for each in listed):
        return
    if type(value) is dict:
        for name, inner in value.items():
            place = f"{where}.{name}" if name in NAMES else f"{where}[...]"
            if name not in REWORDED and name not in local:
                yield from unsaid(inner, place, said, listed, local)
    elif type(value) is list:
        for inner in value:
            yield from unsaid(inner, f"{where}[]", said, listed, local)
    elif value not in ("", None, False, "0") and not all(
        # Composites and names with a number are taken apart, hives written in full.
        text in said
        for text in re.split(r"\|| - |^AS|^HK[A-Z]+", str(value))
    ):
        yield where


@pytest.mark.parametrize("path", EVENTS)
def test_every_member_of_a_real_event_is_carried_or_listed(path):
    if is_several(path):
        return
    found = found_in(path)
    plain = [stix.encode_object(each) for each in found.objects]
    texts = list(strings(plain))
    # In patterns quotes and backslashes are escaped, composites are taken apart.
    joined = "\n".join(texts).replace("\\\\", "\\").replace("\\'", "'")
    listed = {numberless(each.where) for each in found.losses}
    # Counted over all places.
    local = {
        each.where.rpartition(".")[2]
        for each in found.losses
        if each.rule == "local-only"
    }
    value = json.loads(path.read_bytes())
    assert list(unsaid(value, "$", joined, listed, local)) == []


def strings(value):
    if type(value) is dict:
        for inner in value.values():
            yield from strings(inner)
    elif type(value) in (list, tuple):
        for inner in value:
            yield from strings(inner)
    else:
        yield str(value)


def numberless(where):
    return re.sub(r"\[[0-9]+\]", "[]", where)


@needs_real_data
def test_every_attribute_type_of_misp_has_its_place():
    described = json.loads(
        (DATA / "misp_events_pymisp/describeTypes.json").read_bytes()
    )
    types = set(described.get("result", described)["types"])
    known = set().union(
        misp_types.OBSERVABLES, misp_types.WITH_PAYLOAD, misp_types.PATTERNS,
        misp_types.LANGUAGES, misp_types.OBJECTS, misp_types.REFERENCES,
        misp_types.NOTES, misp_types.PERSONS, misp_types.SECRETS,
    )  # fmt: skip
    assert types - known == set()
    assert known - types == set()


@needs_real_data
def test_a_galaxy_alone_is_no_event():
    data = (DATA / "misp_events_pymisp/galaxy.json").read_bytes()
    assert not formats.SOURCES["misp"].recognises(Input(data, when=WHEN))


@pytest.mark.parametrize("number", ["1", "2"])
@needs_real_data
def test_events_become_what_misps_own_converter_makes_of_them(number):
    both = json.loads(
        (DATA / f"misp_stix_pairs/test_events_collection_{number}.json").read_bytes()
    )
    theirs = json.loads(
        (DATA / "misp_stix_pairs/test_events_collection_stix21.json").read_bytes()
    )
    by_id = {each["id"]: each for each in theirs["objects"]}
    compared = 0
    for each in both["response"]:
        given = Input(json.dumps(each).encode(), when=WHEN)
        for one in map(stix.encode_object, formats.read(given).objects):
            other = by_id.get(one["id"])
            if other is None:
                continue
            compared += 1
            for name in (
                one.keys()
                & other.keys()
                & {
                    "value",
                    "number",
                    "pattern",
                    "name",
                    "hashes",
                    "identity_class",
                    "first_observed",
                }
            ):
                assert one[name] == other[name]
    assert compared > 1


@needs_real_data
def test_real_events_without_tlp_are_refused_until_somebody_marks_them():
    path = DATA / "misp_events_eset/signsight-misp-event.json"
    with pytest.raises(SchemaError) as refused:
        composing.compose(found_in(path).objects, now=WHEN)
    assert refused.value.reason == "unmarked"
