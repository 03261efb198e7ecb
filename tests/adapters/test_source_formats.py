"""Formats: the right source is found by looking, and nothing but SchemaError is raised."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.sources import formats
from adapters.sources.source import MAX_INPUT_BYTES, Input
from schemas.errors import SchemaError
from schemas.findings import Finding
from schemas.reasons import REASONS
from schemas.rules import RULES
from tests.support.records import MODIFIED, incident
from tests.support.stix_values import json_values

STIX = json.dumps({"type": "bundle", "objects": [incident()]}).encode()


def given_of(data: bytes) -> Input:
    return Input(data, name="a file", when=MODIFIED)


def refusal(data: bytes) -> tuple[str, str]:
    with pytest.raises(SchemaError) as caught:
        formats.recognise(given_of(data))
    return caught.value.reason, caught.value.where


def test_every_source_has_the_name_it_is_asked_for_by() -> None:
    assert "stix21" in formats.SOURCES
    for name, source in formats.SOURCES.items():
        assert source.name == name
        assert source.title


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_an_input_is_recognised(mark: bytes) -> None:
    given_bytes = given_of(mark + STIX)
    assert formats.recognise(given_bytes).name == "stix21"
    assert [each.type for each in formats.read(given_bytes).objects] == ["incident"]


def test_a_source_can_be_named() -> None:
    assert formats.read(given_of(b"[]"), "stix21").objects == ()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"hello", "unknown-format"),
        (b"%PDF-1.7", "unknown-format"),
        (b"[1, 2]", "unknown-format"),
        (b"{}", "unknown-format"),
        ("{}".encode("utf-16"), "not-utf8"),
        ("{}".encode("utf-16-be"), "unknown-format"),
        (b"\xfe\xff\x00{\x00}", "not-utf8"),
        (b'{"a": \xff}', "not-utf8"),
        (b"{", "not-json"),
        (b'{"a":1,"a":2}', "duplicate-key"),
        (b"[" * 100_000, "too-deep"),
        (b"[" * 50 + b"]" * 50, "too-deep"),
        (b"[1e999]", "number-range"),
        (b"[9007199254740993]", "number-range"),
        (b'["\\ud800"]', "surrogate"),
    ],
)
def test_what_cannot_be_recognised_says_why(data: bytes, reason: str) -> None:
    assert refusal(data)[0] == reason


@pytest.mark.parametrize(
    "head", [b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh"]
)
def test_what_is_compressed_is_never_unpacked(head: bytes) -> None:
    with pytest.raises(SchemaError, match="packed"):
        given_of(head + b"rest")


def test_what_is_too_large_is_never_looked_at() -> None:
    given_of(b" " * MAX_INPUT_BYTES)
    with pytest.raises(SchemaError, match="too-large"):
        given_of(b" " * (MAX_INPUT_BYTES + 1))


inputs = (
    st.binary(max_size=200)
    | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace"))
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.builds(
        lambda kind, rest: json.dumps({"type": kind, "id": kind, **rest}).encode(),
        st.sampled_from(["bundle", "note", "report", "x"]),
        st.dictionaries(st.sampled_from(["objects", "created", "id", "name", "Event",
                                         "document", "response"]), json_values),
    )
    | st.tuples(st.integers(0, len(STIX)), st.binary(max_size=3)).map(
        lambda cut: STIX[: cut[0]] + cut[1] + STIX[cut[0] + 2 :]
    )
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(inputs, st.sampled_from([None, *formats.SOURCES]))
@example(b"[", "stix21")
@example(b'{"type":"bundle","objects":[{"type":"note","id":5,"x":[[]]}]}', None)
def test_any_bytes_are_read_or_refused(data: bytes, name: str | None) -> None:
    found = None
    try:
        found = formats.read(given_of(data), name)
    except SchemaError as error:
        refused = error.reason
    if found is None:
        assert refused in REASONS
        return
    all_found: tuple[Finding, ...] = (*found.faults, *found.losses)
    assert {each.rule for each in found.faults} <= REASONS.keys()
    assert {each.rule for each in all_found} <= REASONS.keys() | RULES.keys()
    ids: list[Any] = [each.id for each in found.objects]
    assert len(ids) == len(set(ids))
    assert set(ids) <= found.places.keys()
