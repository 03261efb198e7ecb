"""Examining: all faults at once, each at its place, with what is expected there."""

import copy
import json
import random
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.positions import lines_of
from schemas import stix
from schemas.errors import SchemaError
from schemas.findings import Finding
from schemas.reasons import REASONS
from schemas.stix import examining
from schemas.stix.examining import MAX_FAULTS, examine_bundle
from tests.support.records import an_id, incident, plain_object
from tests.support.refusals import refusal_of
from tests.support.stix_values import json_values, stix_objects

NOTE = plain_object("note", content="A text.", object_refs=[an_id("incident")])
TIME = "a time in UTC such as 2026-11-02T08:15:00Z"
CANARY = "Xylophone-Quartz"


def faults(*items: Any) -> list[tuple[str, str]]:
    return [(f.rule, f.where) for f in examine_bundle(list(items))[2]]


def expectations(*items: Any) -> list[str]:
    return [f.expected for f in examine_bundle(list(items))[2]]


def without(plain: dict[str, Any], *names: str) -> dict[str, Any]:
    return {k: v for k, v in plain.items() if k not in names}


def test_sound_objects_come_with_their_places() -> None:
    objects, places, found = examine_bundle(
        {"type": "bundle", "objects": [incident(), NOTE]}
    )
    assert [stix.encode_object(each) for each in objects] == [incident(), NOTE]
    assert places == {an_id("incident"): "$.objects[0]", an_id("note"): "$.objects[1]"}
    assert found == ()


def test_every_property_at_fault_is_named() -> None:
    bad = NOTE | {
        "created": "yesterday",
        "confidence": 101,
        "lang": 5,
        "content": ["a"],
    }
    assert examine_bundle(bad)[2] == (
        Finding("bad-property", "$.created", TIME),
        Finding("bad-property", "$.content", "a text"),
        Finding("bad-property", "$.confidence", "a whole number from 0 to 100"),
        Finding("bad-property", "$.lang", "a text"),
    )


def test_every_element_at_fault_is_named() -> None:
    bad = NOTE | {
        "object_refs": [an_id("incident"), "x", 5],
        "external_references": [
            {"source_name": "a"},
            {"source_name": "b", "url": 1},
            {},
        ],
        "labels": [],
    }
    assert faults(bad) == [
        ("bad-id", "$[0].object_refs[1]"),
        ("bad-id", "$[0].object_refs[2]"),
        ("bad-property", "$[0].external_references[1].url"),
        ("bad-property", "$[0].external_references[2]"),
        ("bad-property", "$[0].labels"),
    ]
    assert expectations(bad)[2:] == [
        "a text", "an object with source_name", "a list, not empty, of: a text",
    ]  # fmt: skip


def test_what_is_missing_is_named_beside_what_is_wrong() -> None:
    bad = without(NOTE, "content", "modified", "id") | {"created": 5}
    assert faults(bad) == [
        ("missing-property", "$[0].id"),
        ("bad-property", "$[0].created"),
        ("missing-property", "$[0].content"),
        ("missing-property", "$[0].modified"),
    ]


def test_what_is_wrong_is_not_missing_as_well() -> None:
    assert faults(NOTE | {"content": 5}) == [("bad-property", "$[0].content")]


def test_an_object_without_a_fault_may_lack_what_stix_requires() -> None:
    objects, _, found = examine_bundle(without(NOTE, "content"))
    assert [each.id for each in objects] == [NOTE["id"]]
    assert found == (Finding("missing-property", "$.content", "a text"),)


def test_one_of_several_properties_will_do() -> None:
    bad = plain_object("file")
    assert expectations(without(bad, "name")) == ["at least one of: hashes, name"]
    assert faults(bad) == []


@pytest.mark.parametrize(
    "item", [5, None, "note", [], {}, {"type": 5}, {"type": "bundle"}]
)
def test_what_is_no_object_is_one_fault(item: Any) -> None:
    assert faults(NOTE, item) == [("not-stix", "$[1]")]


@pytest.mark.parametrize(
    ("value", "finding"),
    [
        ({"type": "bundle"}, Finding("missing-property", "$.objects", "a list of objects, not empty")),
        ({"type": "bundle", "objects": []}, Finding("bad-property", "$.objects", "a list of objects, not empty")),
        ({"type": "bundle", "objects": [NOTE], "id": 5}, Finding("bad-id", "$.id", "an id: bundle--<UUID>")),
        ({"type": "bundle", "objects": [NOTE], "spec_version": "2.0"}, Finding("stix-version", "$.spec_version", '"2.1", or nothing')),
        ({"type": "bundle", "objects": [NOTE], "_sd": 5}, Finding("reserved-name", "$")),
    ],
)  # fmt: skip
def test_a_bundle_at_fault_says_what_it_should_be(value: Any, finding: Finding) -> None:
    assert examine_bundle(value)[2] == (finding,)


@pytest.mark.parametrize("kind", ["note", "Note", "n", "x y", "x-own"])
def test_an_id_that_does_not_fit_its_type_hides_no_other_fault(kind: str) -> None:
    bad = {"type": kind, "id": an_id("tool"), "created": 5, "lang": 5}
    found = faults(bad)
    assert found[:3] == [
        ("bad-id", "$[0].id"), ("bad-property", "$[0].created"), ("bad-property", "$[0].lang"),
    ]  # fmt: skip


def test_a_custom_property_at_fault_hides_no_other_fault() -> None:
    bad = {
        **NOTE,
        "x_a": {"_sd": 1},
        "x_b": "a" * (1 << 20 | 1),
        "x_c": 5,
        "created": 5,
    }
    assert faults(bad) == [
        ("bad-property", "$[0].created"),
        ("reserved-name", "$[0][...]"),
        ("too-large", "$[0][...]"),
    ]
    assert expectations(bad)[1:] == ["", "at most 1,048,576 characters in a text"]


def test_two_objects_under_one_id_are_both_named() -> None:
    other = NOTE | {"content": "Another."}
    [found] = examine_bundle([NOTE, incident(), other])[2]
    assert (found.rule, found.where) == ("duplicate-id", "$[2]")
    assert found.expected == "an id of its own; $[0] has this one"


def test_an_object_repeated_word_for_word_is_no_fault() -> None:
    objects, places, found = examine_bundle([NOTE, NOTE])
    assert (len(objects), places, found) == (1, {NOTE["id"]: "$[0]"}, ())


def test_an_object_at_fault_has_a_place_for_whoever_refers_to_it() -> None:
    objects, places, _ = examine_bundle(
        [NOTE | {"content": 5}, {"type": "note", "id": 5}]
    )
    assert (objects, places) == ((), {NOTE["id"]: "$[0]"})


def test_after_a_thousand_faults_it_stops() -> None:
    many = [{"type": "note", "id": an_id("note", n)} for n in range(1000)]
    objects, _, found = examine_bundle(many)
    assert len(found) == MAX_FAULTS
    assert len(objects) < 300
    refs = NOTE | {"object_refs": ["x"] * 5000}
    assert len(examine_bundle([refs, *many])[2]) == MAX_FAULTS
    words = NOTE | {f"x{n}": {"_sd": 1} for n in range(5000)}
    assert len(examine_bundle(words)[2]) == MAX_FAULTS


# ------------------------------------------------------------------ properties


def bent(plain: dict[str, Any], draw: st.DrawFn) -> dict[str, Any]:
    """Take a property away, or put any JSON value there."""
    name = draw(st.sampled_from(sorted(plain)))
    if draw(st.booleans()):
        return without(plain, name)
    return plain | {name: draw(json_values)}


@st.composite
def bundles(draw: st.DrawFn) -> list[Any]:
    items: list[Any] = draw(st.lists(stix_objects(), min_size=1, max_size=3))
    items += copy.deepcopy(draw(st.lists(st.sampled_from(items), max_size=1)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(items) - 1))
        if items[at]:
            items[at] = bent(items[at], draw)
    return items


def placed(candidate: stix.StixObject) -> stix.StixObject:
    """Give a location a country: places by name alone are let through."""
    if candidate.type != "location":
        return candidate
    return msgspec.structs.replace(candidate, country="XA")


@settings(max_examples=150, deadline=None)
@given(bundles())
def test_there_are_faults_exactly_when_decoding_refuses(items: list[Any]) -> None:
    objects, places, found = examine_bundle(items)
    error = refusal_of(stix.decode_bundle, items)
    if error is not None:
        wrong = {(each.rule, each.where) for each in found}
        assert (error.reason, error.where) in wrong
    else:
        assert objects == stix.decode_bundle(items)
        lacking = any(
            refusal_of(stix.check_required, placed(stix.decode_object(each)))
            for each in items
        )
        assert bool(found) == lacking
        assert {each.rule for each in found} <= {"missing-property", "no-legal-basis"}
    assert {each.id for each in objects} <= places.keys()


@settings(max_examples=100, deadline=None)
@given(bundles() | json_values)
def test_every_fault_has_a_reason_and_a_place_with_a_line(value: Any) -> None:
    found = examine_bundle(value)[2]
    text = json.dumps(value, indent=1).encode()
    lines = lines_of(text, {each.where for each in found})
    for each in found:
        assert each.rule in REASONS
        assert 1 <= lines[each.where] <= text.count(b"\n") + 1


def lines_with(marker: str, text: str) -> list[int]:
    return [n for n, line in enumerate(text.split("\n"), 1) if marker in line]


def test_the_line_of_a_fault_is_the_line_it_stands_in() -> None:
    bad = NOTE | {
        "confidence": "MARK",
        "object_refs": [an_id("incident"), "MARK"],
        "external_references": [
            {"source_name": "a"},
            {"source_name": "b", "url": ["MARK"]},
        ],
    }
    text = json.dumps({"type": "bundle", "objects": [incident(), bad]}, indent=1)
    found = examine_bundle(json.loads(text))[2]
    lines = lines_of(text.encode(), {each.where for each in found})
    assert len(found) == 3
    # A list stands a line above its element.
    assert sorted(lines.values()) == [
        n - (text.split("\n")[n - 1].strip() == '"MARK"' and i == 2)
        for i, n in enumerate(sorted(lines_with("MARK", text)))
    ]


def planted(value: Any) -> Any:
    """Put a canary into every text and name but the types."""
    if isinstance(value, dict):
        return {
            k if k in stix.PROPERTY_NAMES | {"type"} else f"{k}{CANARY}": v
            if k == "type" else planted(v)
            for k, v in value.items()
        }  # fmt: skip
    if isinstance(value, list):
        return [planted(each) for each in value]
    return f"{value}{CANARY}" if isinstance(value, str) else value


@settings(max_examples=100, deadline=None)
@given(bundles())
def test_no_fault_repeats_the_input(items: list[Any]) -> None:
    for value in (
        planted(items),
        [*items, {"type": f"x-{CANARY}", "id": CANARY, "a": 5}],
    ):
        assert CANARY not in str(examine_bundle(value)[2])


@pytest.mark.parametrize(
    "bad",
    [
        NOTE | {"created": 5, **{f"x{n}": n for n in range(100_000)}},
        NOTE | {"created": 5, **{f"x{n}": {"_sd": 1} for n in range(100_000)}},
        NOTE
        | {"created": 5, "lang": 5, "object_refs": [an_id("note")] * 200_000 + ["x"]},
        NOTE | {"labels": [5] * 200_000, "object_refs": ["x"] * 200_000},
        {name: {} for name in stix.PROPERTY_NAMES} | {"type": "note"},
    ],
    ids=["properties", "names", "references", "elements", "all"],
)
def test_no_object_takes_long(bad: dict[str, Any]) -> None:
    began = time.process_time()
    assert examine_bundle([bad])[2]
    assert time.process_time() - began < 5


def test_a_list_where_a_text_belongs_is_not_looked_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = []

    def counting(body: Any, *where: Any, **more: Any) -> Any:
        looks.append(body)
        return stix.decode_object(body, *where, **more)

    monkeypatch.setattr(examining, "decode_object", counting)
    assert faults(NOTE | {"content": [0] * 1000}) == [("bad-property", "$[0].content")]
    assert len(looks) < 20


def test_a_thousand_faulty_objects_of_types_nobody_knows_do_not_take_long() -> None:
    names = random.Random(0)  # noqa: S311
    items = [
        {"type": f"x-{names.randbytes(8).hex()}", "created": 5} for _ in range(5000)
    ]
    began = time.process_time()
    examine_bundle(items)
    assert time.process_time() - began < 2


def test_decoding_of_what_is_checked_is_not_checked_again() -> None:
    large = NOTE | {"content": "a" * (1 << 20 | 1)}
    assert examine_bundle(large, is_checked=True)[2] == ()
    assert faults(large) == [("too-large", "$[0].content")]
    with pytest.raises(SchemaError, match="too-large"):
        stix.decode_bundle(large)
