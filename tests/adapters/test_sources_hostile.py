"""Every source stands hostile input: refused, or read with what was left out listed.

Bounds on time are those of the tests as a whole; here only what is done counts.
"""

import gzip
import json
import tracemalloc
from pathlib import Path

import pytest

from adapters.checking import check
from adapters.sources import formats
from adapters.sources.found import Found
from adapters.sources.source import Input, Source
from schemas import codec
from schemas.errors import SchemaError
from schemas.reasons import REASONS
from schemas.rules import RULES
from tests.support.real_data import real_files

# What it covers, quicker tests cover: tracing would take as long as the tests.
pytestmark = pytest.mark.no_cover

WHEN = "2026-11-22T12:00:00.000Z"
# The beginning of each format, so that a source finds its own before what is hostile.
FRAMES = {
    "misp": '{"Event": {"info": "x", "uuid": "5b6464ca-0000-4707-9b8a-d0350acd0000", '
    '"Attribute": [{"type": "text", "value": %s}]}}',
    "csaf": '{"document": {"csaf_version": "2.0", "title": %s, "tracking": {}}}',
    "stix20": '{"type": "bundle", "id": "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d",'
    ' "spec_version": "2.0", "objects": [{"type": "tool", "name": %s}]}',
    "stix21": '{"type": "bundle", "objects": [{"type": "tool", '
    '"spec_version": "2.1", "name": %s}]}',
    "shadowserver": '[{"timestamp": "2026-11-02 00:00:00", "ip": "192.0.2.1", '
    '"asn": 64496, "tag": %s}]',
    "csv": '{"iocs": [{"type": "domain", "value": %s}]}',
    "spreadsheet": '[{"claim": "x", "technique": "T0049", "url": %s}]',
}
DEEP = "[" * 400 + "]" * 400
HOSTILE = {
    "deep": DEEP,
    "deep objects": '{"a":' * 200 + "1" + "}" * 200,
    "a huge number": "9" * 400,
    "a huge exponent": "1e999",
    "an unsafe number": "9007199254740993",
    "half a character": '"\\ud800"',
    "a key that stands twice": '{"a": 1, "a": 2}',
    "a direction that turns": '"\\u202egpj.exe"',
    "a NUL": '"a\\u0000b"',
    "a long text": json.dumps("x" * (2 << 20)),
    "many elements": "[" + "0," * 1_000_000 + "0]",
    "many objects": "[" + "{}," * 300_000 + "{}]",
    "names that mean something": '{"__proto__": {"a": 1}, "_sd": ["x"], "": 2}',
}


def outcome(source: Source, data: bytes) -> Found | str:
    """Read, and give what was found, or the reason of the refusal."""
    try:
        return source.read(Input(data, name="hostile", when=WHEN))
    except SchemaError as error:
        return error.reason


@pytest.mark.parametrize("name", FRAMES)
def test_there_is_a_frame_for_every_source(name: str) -> None:
    assert FRAMES.keys() == formats.SOURCES.keys()
    given = Input((FRAMES[name] % '"bad.example"').encode(), when=WHEN)
    assert formats.recognise(given).name == name


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("name", FRAMES)
def test_a_hostile_value_is_refused_or_listed(name: str, what: str) -> None:
    data = (FRAMES[name] % HOSTILE[what]).encode()
    found = outcome(formats.SOURCES[name], data)
    if isinstance(found, str):
        assert found in REASONS
        return
    result = check(found, {"now": WHEN})
    rules = {each.rule for each in (*result.findings, *found.losses, *found.faults)}
    assert rules <= RULES.keys() | REASONS.keys()
    for each in found.objects:
        codec.check_values(each.name if hasattr(each, "name") else None)


@pytest.mark.parametrize("what", ["a key that stands twice", "a huge exponent", "deep"])
@pytest.mark.parametrize("name", FRAMES)
def test_what_two_parsers_read_differently_is_refused(name: str, what: str) -> None:
    found = outcome(formats.SOURCES[name], (FRAMES[name] % HOSTILE[what]).encode())
    assert found in {"duplicate-key", "number-range", "too-deep"}


@pytest.mark.parametrize("name", FRAMES)
def test_a_bomb_is_not_unpacked(name: str) -> None:
    bomb = gzip.compress(b"[" + b" " * (64 << 20))
    tracemalloc.start()
    with pytest.raises(SchemaError, match="packed"):
        formats.SOURCES[name].read(Input(bomb, when=WHEN))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize("path", real_files("json_hostile/*.json"))
@pytest.mark.parametrize("name", FRAMES)
def test_texts_on_which_parsers_differ_are_no_record(name: str, path: Path) -> None:
    data = path.read_bytes()
    found = outcome(formats.SOURCES[name], data)
    reason = found if isinstance(found, str) else found.faults[0].rule
    assert reason in REASONS


def test_a_name_that_turns_its_direction_is_flagged() -> None:
    data = (FRAMES["stix21"] % HOSTILE["a direction that turns"]).encode()
    bundle = json.loads(data)
    bundle["objects"][0] |= {
        "id": "tool--5d0092c5-5f74-4287-9642-33f4c354e56d",
        "spec_version": "2.1",
        "created": WHEN,
        "modified": WHEN,
    }
    found = formats.read(Input(json.dumps(bundle).encode(), when=WHEN))
    rules = {each.rule for each in check(found, {"now": WHEN}).findings}
    assert "hidden-character" in rules
