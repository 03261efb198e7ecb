"""Positions: the line of a place, in time that grows with the text alone."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.positions import lines_of

TEXT = b"""{
  "type": "bundle",
  "objects": [
    {"a": 1},
    {
      "name": "x: {[,\\"",
      "labels": ["p",
        "q"]
    }
  ]
}
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("$", 1),
        ("$.type", 2),
        ("$.objects", 3),
        ("$.objects[0]", 4),
        ("$.objects[0].a", 4),
        ("$.objects[1]", 5),
        ("$.objects[1].name", 6),
        ("$.objects[1].labels[0]", 7),
        ("$.objects[1].labels[1]", 8),
    ],
)
def test_a_place_has_the_line_its_value_begins_in(place: str, line: int) -> None:
    assert lines_of(TEXT, {place}) == {place: line}


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("$.objects[1].created", 5),
        ("$.objects[1].labels[7].x", 7),
        ("$.objects[1][...]", 5),
        ("$.objects[1].labels[...]", 7),
        ("$.objects[9]", 3),
        ("$.report", 1),
    ],
)
def test_what_is_not_there_has_the_line_of_what_is_around(
    place: str, line: int
) -> None:
    assert lines_of(TEXT, {place}) == {place: line}


def test_rows_lines_and_bytes_are_taken_as_they_are() -> None:
    table = b"a,b\n1,2\n3,\xff\n"
    places = {'row 12, column "ip"', "line 3 column 4", "byte 10", "column 5", ""}
    assert lines_of(table, places) == {
        'row 12, column "ip"': 12, "line 3 column 4": 3, "byte 10": 3,
    }  # fmt: skip


def test_nothing_is_looked_for_where_there_is_no_place() -> None:
    assert lines_of(b"\xff", set()) == {}


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b'{"a"', b'{"a":', b'{"a":}', b"[1 2]", b"[", b"[,", b"{,}", b'{"a',
     b"\xff\xfe", b"nothing", b"[" * 100_000, b'{"a":' * 100_000, b"[" + b"9" * 9999],
)  # fmt: skip
def test_what_is_no_json_is_no_trouble(data: bytes) -> None:
    places = {"$", "$.a", "$.a.a", "$[0]", "$[1].b", "$" + "[0]" * 40, "$" + ".a" * 40}
    assert all(line == 1 for line in lines_of(data, places).values())


def test_what_stands_before_the_fault_is_found() -> None:
    assert lines_of(b'[\n1,\n{"a":\n2},\nx', {"$[0]", "$[1].a", "$[2]"}) == {
        "$[0]": 2, "$[1].a": 4, "$[2]": 5,
    }  # fmt: skip


def test_a_byte_order_mark_is_passed_over() -> None:
    assert lines_of(b'\xef\xbb\xbf[\n{"a":\n1}]', {"$[0].a"}) == {"$[0].a": 3}


values = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=20,
)


def places_in(value: Any, where: str = "$") -> dict[str, Any]:
    found = {where: value}
    if isinstance(value, dict):
        for name, inner in value.items():
            found |= places_in(inner, f"{where}.{name}")
    if isinstance(value, list):
        for index, inner in enumerate(value):
            found |= places_in(inner, f"{where}[{index}]")
    return found


@settings(max_examples=150)
@given(values, st.sampled_from([None, 0, 2]))
def test_every_place_of_any_json_is_found_where_it_is(value: Any, width: int) -> None:
    text = json.dumps(value, indent=width)
    everywhere = places_in(value)
    lines = lines_of(text.encode(), set(everywhere))
    assert lines.keys() == everywhere.keys()
    rows = text.split("\n")
    for place, inner in everywhere.items():
        begins = json.dumps(inner, indent=width).split("\n")[0]
        assert begins in rows[lines[place] - 1]


MANY = json.dumps([{"a": n, "b": [n]} for n in range(30_000)], indent=1).encode()


@pytest.mark.parametrize(
    ("data", "places"),
    [
        (MANY, {f"$[{n}].b[0]" for n in range(30_000)}),
        (b"[" + b"[]," * 10**6 + b"1]", {f"$[{n}]" for n in range(0, 10**6, 100)}),
        (b'["' + b'\\"' * 4 * 10**6, {"$[0]", "$[1]"}),
        (b"[" + b'"' * 4 * 10**6, {"$[0]", "$[1]"}),
        (b"[[]," + b"1" * 4 * 10**6 + b",5]", {"$[2]"}),
        (b"[" + b" " * 4 * 10**6 + b",5]", {"$[2]"}),
        (b'{"a":1,' * 10**6, {"$.a", "$.b", "$.c.d"}),
    ],
    ids=["many", "empties", "escapes", "quotes", "digits", "blanks", "names"],
)
def test_no_text_takes_long(data: bytes, places: set[str]) -> None:
    began = time.process_time()
    lines_of(data, places)
    assert time.process_time() - began < 4
