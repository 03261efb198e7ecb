"""The JSON Schemas that other programs use say what the decoder does."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import inspect
from referencing import Registry, Resource

from schemas import stix
from schemas.codec import MAX_SAFE_INT, decode_json
from schemas.errors import SchemaError
from schemas.stix.core import EXTRA, StixObject
from schemas.stix.incident_suite import EVENT, INCIDENT_CORE
from schemas.stix.values import MAX_TEXT_CHARS
from tests.support.real_data import DATA, needs_real_data, real_files
from tests.support.refusals import refusal_of
from tests.support.stix_values import _value, ids, json_values, stix_objects

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy" / "json_schemas.py"
FOLDER = ROOT / "schemas" / "jsonschema"
SAMPLES = sorted((ROOT / "adapters" / "cli" / "samples").glob("*.json"))
SCHEMAS = {path.name: json.loads(path.read_bytes()) for path in FOLDER.glob("*.json")}
REGISTRY: Any = Registry().with_resources(
    (name, Resource.from_contents(body)) for name, body in SCHEMAS.items()
)
UUID = "7c9b2b1e-6c1c-4f0b-9a52-0d5a4d3cbb10"
TIME = "2026-01-01T00:00:00.000Z"
VERSION = {"spec_version": "2.1", "created": TIME, "modified": TIME}


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": name}, registry=REGISTRY)


RECORD, OBJECT = validator("record.json"), validator("object.json")


def is_taken(value: Any) -> bool:
    def whole(candidate: Any) -> None:
        stix.check_required(stix.decode_object(candidate))

    return refusal_of(whole, value) is None


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("json_schemas", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def complete(kind: str, **properties: Any) -> dict[str, Any]:
    return {"type": kind, "id": f"{kind}--{UUID}", **VERSION, **properties}


# -- the files


def test_making_them_again_gives_no_difference():
    found = {path.name: path.read_text() for path in FOLDER.iterdir()}
    assert generator().files() == found, "type: make schemas"


def test_the_script_says_when_they_differ(tmp_path: Path):
    run = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-P", str(SCRIPT), "--check"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        timeout=60,
    )
    assert run.returncode == 0
    made = generator()
    made.FOLDER = tmp_path
    (tmp_path / "old.json").write_text("{}")
    assert _main(made, "--check") == 1
    made.ROOT = tmp_path.parent
    assert _main(made) == 0
    assert not (tmp_path / "old.json").exists()
    assert _main(made, "--check") == 0


def _main(script: Any, *arguments: str) -> int:
    before, sys.argv = sys.argv, ["json_schemas.py", *arguments]
    try:
        return int(script.main())
    finally:
        sys.argv = before


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_each_is_a_schema_of_2020_12(name: str):
    assert SCHEMAS[name]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMAS[name])


def test_whatever_a_schema_refers_to_is_there():
    known = SCHEMAS["record.json"]["$defs"].keys()
    for name, body in SCHEMAS.items():
        for to in re.findall(r'"\$ref": "([^"]*)"', json.dumps(body)):
            file, _, place = to.partition("#/$defs/")
            assert file == ("" if name == "record.json" else "record.json"), to
            assert place in known, to


def test_every_type_has_one():
    assert {f"{kind}.json" for kind in stix.TYPES} <= SCHEMAS.keys()
    for kind in stix.TYPES:
        assert validator(f"{kind}.json").is_valid({}) is False


def test_no_pattern_is_one_that_only_python_reads():
    patterns = re.findall(r'"pattern": "(.*)"', (FOLDER / "record.json").read_text())
    assert len(patterns) > len(stix.TYPES)
    assert not [p for p in patterns if re.search(r"\\[AZz]|\(\?P|\(\?<", p)]


def test_every_property_of_a_struct_is_described():
    definitions = SCHEMAS["record.json"]["$defs"]
    common = definitions["common"]["properties"].keys()
    for kind, struct in stix.TYPES.items():
        names = set(struct.__struct_encode_fields__) - {EXTRA}
        assert names <= common | definitions[kind]["properties"].keys(), kind


def test_editors_are_offered_the_words_of_a_vocabulary():
    report = SCHEMAS["record.json"]["$defs"]["report"]["properties"]
    assert "threat-report" in report["report_types"]["items"]["examples"]
    assert OBJECT.is_valid(
        complete(
            "report",
            name="n",
            published=TIME,
            object_refs=[f"note--{UUID}"],
            report_types=["own"],
        )
    )


# -- what they take and refuse


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_is_valid(path: Path):
    value = json.loads(path.read_bytes())
    RECORD.validate(value)
    for each in value["objects"]:
        validator(f"{each['type']}.json").validate(each)


BENT = [
    {"type": "report"},
    {"id": "bundle--1"},
    {"spec_version": "2.0"},
    {"objects": []},
    {"objects": {}},
    {"objects": [{"type": "note"}]},
    {"objects": [3]},
    {"_sd": []},
]


@pytest.mark.parametrize("change", BENT, ids=lambda change: next(iter(change)))
def test_a_bent_bundle_is_not(change: dict[str, Any]):
    value = {**json.loads(SAMPLES[0].read_bytes()), **change}
    assert not RECORD.is_valid(value)
    assert refusal_of(stix.decode_bundle, value) is not None


def test_a_bundle_needs_a_type_and_objects():
    value = json.loads(SAMPLES[0].read_bytes())
    for name in ("type", "objects"):
        assert not RECORD.is_valid({k: v for k, v in value.items() if k != name})


@pytest.mark.parametrize(
    "value",
    [
        complete("note", content="c"),
        complete("note", content="c", object_refs=["x"]),
        complete("opinion", opinion="agreed", object_refs=[f"note--{UUID}"]),
        complete("incident", name="n", created="2026-02-30T00:00:00Z"),
        complete("incident", name="n", modified="2026-01-01 00:00:00"),
        complete("incident", name="n", confidence=101),
        complete("incident", name="n", labels=[]),
        complete("incident", name="n", object_marking_refs=[f"note--{UUID}"]),
        complete("incident", name=None),
        complete("incident", name="n", id=f"note--{UUID}"),
        complete("incident", name="n", x_own={"a": [{"_sd": 1}]}),
        complete("incident", name="n", extensions={"e": {"...": 1}}),
        complete("incident", name="n" * (MAX_TEXT_CHARS + 1)),
        complete("incident", name="n", external_references=[{"url": "u"}]),
        complete(
            "incident", name="n", granular_markings=[{"selectors": ["a"], "x": 1}]
        ),
        complete("relationship", relationship_type="A b"),
        complete("location", latitude=91, longitude=0),
        complete("location", latitude=1),
        complete("malware", is_family=True),
        complete("malware"),
        complete("event", status="occurred"),
        complete("event", name="n", extensions={EVENT: {}}),
        complete("x-own", id="x-own--1"),
        {"type": "user-account", "id": f"user-account--{UUID}"},
        {"type": "Bundle", "id": f"note--{UUID}"},
        {"id": f"note--{UUID}"},
        3,
    ],
)
def test_what_is_refused_is_not_valid(value: Any):
    assert not is_taken(value)
    assert not OBJECT.is_valid(value)


@pytest.mark.parametrize(
    "value",
    [
        complete("location", city="Xanadu"),
        complete("malware", is_family=False),
        complete("event", name="n"),
        complete("event", status="occurred", extensions={EVENT: {}}),
        complete("x-own", anything={"at": ["all"]}),
        complete("incident", name="n", x_own=1e300),
        {"type": "x-own", "id": f"x-own--{UUID}"},
        {"type": "domain-name", "id": f"domain-name--{UUID}", "value": "a.example"},
    ],
)
def test_what_is_taken_is_valid(value: Any):
    assert is_taken(value)
    OBJECT.validate(value)


@pytest.mark.parametrize(
    "value",
    [
        complete("incident", name="n", confidence=5.0),
        complete("incident", name="n", x_own=MAX_SAFE_INT + 1),
        complete("incident", name="n", x_own=json.loads("[" * 40 + "]" * 40)),
        complete("x-own", id=f"x-other--{UUID}"),
    ],
)
def test_what_json_schema_cannot_say_is_refused_all_the_same(value: Any):
    # As the docstring of the script lists.
    OBJECT.validate(value)
    assert not is_taken(value)


# -- properties


@st.composite
def whole_objects(draw: st.DrawFn) -> dict[str, Any]:
    """An object that has all that STIX requires of it."""
    value = draw(stix_objects())
    kind = value["type"]
    fields = {f.encode_name: f.type for f in inspect.type_info(stix.TYPES[kind]).fields}
    for _ in range(20):
        try:
            stix.check_required(stix.decode_object(value))
        except SchemaError as error:
            name = error.where.removeprefix("$.")
            wanted = {name}
            for each in stix.ALTERNATIVES.get(kind, ()):
                wanted |= each if name in each else set()
            for missing in wanted - value.keys():
                value[missing] = draw(_value(fields[missing]))
        else:
            return value
    raise AssertionError(kind)


@settings(max_examples=80, deadline=None)
@given(whole_objects())
def test_whatever_the_decoder_takes_the_schema_takes(value: dict[str, Any]) -> None:
    OBJECT.validate(value)
    validator(f"{value['type']}.json").validate(value)


@settings(max_examples=150, deadline=None)
@given(stix_objects())
def test_what_lacks_something_is_refused_by_both(value: dict[str, Any]) -> None:
    assert OBJECT.is_valid(value) == is_taken(value)


@settings(max_examples=120, deadline=None)
@given(whole_objects(), json_values, st.data())
def test_a_strange_value_is_taken_by_both_or_by_none(
    value: dict[str, Any], strange: Any, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(value)))
    inner = value[name]
    if isinstance(inner, list) and inner and data.draw(st.booleans()):
        inner[data.draw(st.integers(0, len(inner) - 1))] = strange
    elif isinstance(inner, dict) and inner and data.draw(st.booleans()):
        inner[data.draw(st.sampled_from(sorted(inner)))] = strange
    else:
        value[name] = strange
    assume(sayable(value))
    assert OBJECT.is_valid(value) == is_taken(value)


@settings(max_examples=100, deadline=None)
@given(whole_objects(), st.sampled_from(sorted(stix.RESERVED_NAMES)), st.data())
def test_a_reserved_name_is_refused_by_both_at_any_depth(
    value: dict[str, Any], reserved: str, data: st.DataObject
) -> None:
    at: Any = value
    for _ in range(data.draw(st.integers(0, 3))):
        inside = [v for v in _members(at) if isinstance(v, dict | list) and v]
        if inside:
            at = data.draw(st.sampled_from(inside))
    if isinstance(at, list):
        at.append({reserved: 1})
    else:
        at[reserved] = 1
    assert not is_taken(value)
    assert not OBJECT.is_valid(value)


@settings(max_examples=100, deadline=None)
@given(whole_objects(), st.data())
def test_an_id_of_another_type_is_refused_by_both(
    value: dict[str, Any], data: st.DataObject
) -> None:
    other = data.draw(st.sampled_from(sorted(stix.TYPES.keys() - {value["type"]})))
    value["id"] = data.draw(ids(other))
    assert not is_taken(value)
    assert not OBJECT.is_valid(value)


def _members(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)


def sayable(value: Any) -> bool:
    """Leave out what JSON Schema, or its implementation here, cannot say.

    1.0 is a whole number to JSON Schema. `$` is the end of the text to ECMA-262,
    and to Python the line feed before it, too. The ids of types not known here.
    """
    if isinstance(value, dict):
        kind = value.get("type")
        known = not (isinstance(kind, str) and "id" in value) or kind in stix.TYPES
        return known and all(map(sayable, value.values()))
    if isinstance(value, list):
        return all(map(sayable, value))
    if isinstance(value, str):
        return not value.endswith("\n")
    return not (isinstance(value, float) and value.is_integer())


# -- the extension of incidents


def test_the_extension_of_an_incident_has_one_too():
    schema = validator("extension-incident-core.json")
    sample = {
        "extension_type": "property-extension",
        "determination": "confirmed",
        "criticality": 60,
        "event_refs": [f"event--{UUID}"],
        "impacted_entity_counts": {"individual": 3},
    }
    schema.validate(sample)
    for change in (
        {"criticality": 101},
        {"event_refs": ["x"]},
        {"extension_type": "new-sdo"},
        {"impacted_entity_counts": {"individual": -1}},
    ):
        assert not schema.is_valid({**sample, **change})
    body = SCHEMAS["extension-incident-core.json"]
    assert body["title"] == INCIDENT_CORE
    assert "confirmed" in body["properties"]["determination"]["examples"]


# -- real records, and OASIS's own schemas

REAL = real_files(
    "fimi_viginum_stix21/2024*.json",
    "oasis_incident_extension/incident_pii_report.json",
    "oasis_stix21_examples/*.json",
    "attack_flow/*.json",
    "misp_stix_pairs/*stix21.json",
)


@pytest.mark.parametrize("path", REAL)
def test_real_records_are_valid(path: Path):
    value = decode_json(path.read_bytes(), max_bytes=4_000_000)
    for each in value if isinstance(value, list) else value["objects"]:
        assert OBJECT.is_valid(each) == is_taken(each) is True


OASIS = "vocab/stix21_json_schemas"
# The others are of parts of objects.
OF_TYPES = [
    each
    for each in real_files(f"{OASIS}/*/*.json")
    if each.values[0] is None or each.values[0].stem in stix.TYPES
]
COMMON = frozenset(StixObject.__struct_fields__) | {"type"}
# Sets of all objects that have versions, which OASIS's files leave to another file
# or forget: extension-definition and language-content have versions in the standard.
VERSIONED = {"spec_version", "created", "modified"}
OURS_REQUIRES = {
    # The standard's text requires it; the schema does not.
    "extension-definition": VERSIONED | {"created_by_ref"},
    "language-content": VERSIONED,
    "marking-definition": {"spec_version", "created"},
}


def _branches(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """A schema and those it is made of in the same file."""
    parts = [schema]
    for word in ("allOf", "oneOf", "anyOf"):
        for each in schema.get(word, []):
            parts += _branches(each)
    return parts


@pytest.mark.parametrize("path", OF_TYPES)
def test_properties_are_those_of_oasis(path: Path):
    kind = path.stem
    theirs = {
        name
        for part in _branches(json.loads(path.read_bytes()))
        for name in part.get("properties", {})
    }
    ours = SCHEMAS["record.json"]["$defs"][kind]["properties"].keys()
    assert theirs - COMMON == ours - COMMON


@pytest.mark.parametrize("path", OF_TYPES)
def test_what_is_required_is_what_oasis_requires(path: Path):
    kind = path.stem
    schema = json.loads(path.read_bytes())
    inside = [part for part in schema.get("allOf", []) if "$ref" not in part]
    theirs = {name for part in [schema, *inside] for name in part.get("required", [])}
    # Said in every branch, so it is required.
    for part in (schema, *inside):
        in_all = [set(each.get("required", [])) for each in part.get("oneOf", [])]
        if in_all and kind == "email-message":
            theirs |= set.intersection(*in_all)
    if path.parent.name in {"sdos", "sros"}:
        theirs |= VERSIONED
    own = OURS_REQUIRES.get(kind, set())
    ours = set(stix.REQUIRED.get(kind, ()))
    assert ours - theirs == own
    assert theirs <= ours


# OASIS's schemas name properties that the types have not: of STIX 2.0.
OLD_NAMES = {
    "process": {"name", "created", "arguments"},
    "windows-registry-key": {"modified"},
}
OURS_TAKES = {
    "location": {("administrative_area",), ("city",)},  # OpenCTI's towns
    "process": {("created_time",)},
    "windows-registry-key": {("modified_time",)},
}


@pytest.mark.parametrize("kind", sorted(stix.ALTERNATIVES))
@needs_real_data
def test_one_of_the_same_properties_must_be_there(kind: str):
    [path] = (DATA / OASIS).glob(f"*/{kind}.json")
    schema = json.loads(path.read_bytes())
    theirs = {
        tuple(sorted(branch["required"]))
        for part in [schema, *schema.get("allOf", [])]
        for branch in part.get("oneOf" if kind == "observed-data" else "anyOf", [])
        if branch.keys() == {"required"}
    }
    theirs -= {(name,) for name in OLD_NAMES.get(kind, ())}
    ours = {tuple(sorted(each)) for each in stix.ALTERNATIVES[kind]}
    if theirs:
        assert ours - theirs == OURS_TAKES.get(kind, set())
        assert theirs <= ours
    else:
        assert kind in {"artifact", "marking-definition"}  # said in other words
