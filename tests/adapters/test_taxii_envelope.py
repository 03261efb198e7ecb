"""A page of a TAXII server, decoded strictly; and moments as servers write them."""

import contextlib
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.taxii.envelope import MAX_PAGE_BYTES, NoEnvelopeError, Page, decode
from adapters.taxii.instants import Moment
from schemas.errors import SchemaError
from tests.support.taxii_model import thing


def read(value, *, is_taxii=True):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return decode(data, is_taxii=is_taxii)


def refusal(value):
    with pytest.raises(SchemaError) as caught:
        read(value)
    return caught.value


def test_an_empty_envelope_is_an_empty_page():
    assert read({}) == Page()
    assert read({"objects": None, "more": None, "next": None}) == Page()


def test_an_envelope_says_whether_there_is_more_and_where():
    found = read({"more": True, "next": "abc", "objects": [thing(1)]})
    assert (found.more, found.next, found.size) == (True, "abc", 1)
    assert read({"next": 17}).next == "17"


def test_an_object_is_kept_as_it_came():
    odd = thing(1) | {"x_note": [1, {"deep": None}], "pattern": 7}
    [arrival] = read({"objects": [odd]}).arrivals
    assert json.loads(arrival.body) == odd
    assert arrival.version == "2026-01-01T00:00:00.000000000Z"


def test_one_moment_written_in_two_ways_is_one_version():
    one, other = thing(1), thing(1) | {"modified": "2026-01-01T00:00:00Z", "name": "b"}
    first, second = read({"objects": [one, other]}).arrivals
    assert first.key == second.key


@pytest.mark.parametrize("modified", [None, 7, "yesterday"])
def test_what_has_no_versions_is_told_apart_by_its_content(modified):
    one = thing(1) | {"modified": modified}
    first, second, third = read({"objects": [one, one | {"name": "b"}, one]}).arrivals
    assert first.key == third.key != second.key
    assert first.version == ""


@pytest.mark.parametrize(
    "item",
    [
        None,
        7,
        "campaign",
        [],
        {},
        {"type": "campaign"},
        {"id": thing(1)["id"]},
        thing(1) | {"id": 7},
        thing(1) | {"type": None},
        thing(1) | {"type": "incident"},
        thing(1) | {"id": "campaign--../../etc/passwd"},
        thing(1) | {"id": thing(1)["id"] + "\n"},
        thing(1) | {"id": "c" * 400 + thing(1)["id"]},
    ],
    ids=str,
)
def test_an_item_without_a_proper_id_and_type_is_named_by_its_place(item):
    found = read({"objects": [thing(2), item]})
    assert found.odd == (1,)
    assert found.size == 2


def test_a_bundle_is_taken_for_an_envelope():
    bundle = {"type": "bundle", "id": "bundle--1", "objects": [thing(1)]}
    assert read(bundle, is_taxii=False).size == 1


@pytest.mark.parametrize(
    "value",
    [[], 7, "x", {"objects": {}}, {"more": "yes"}, {"next": [1]}, {"next": "x" * 5000}],
    ids=range(7),
)
def test_what_is_no_envelope_is_refused(value):
    with pytest.raises(NoEnvelopeError):
        read(value)


def test_any_json_under_another_name_is_no_envelope():
    for value in ({"error": "no"}, {"type": "bundle"}):
        with pytest.raises(NoEnvelopeError):
            read(value, is_taxii=False)
    assert read({"more": False}, is_taxii=False) == Page(more=False)
    assert read({"error": "no"}) == Page()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<html>", "not-json"),
        (b"", "not-json"),
        (b"\xff", "not-utf8"),
        (gzip.compress(b"{}"), "not-utf8"),
        (b'{"more":true,"more":false}', "duplicate-key"),
        (b'{"objects":[{"n":1e999}]}', "number-range"),
        (b'{"objects":' + b"[" * 40 + b"]" * 40 + b"}", "too-deep"),
        (b"[" * 200_000, "too-deep"),
        (b'{"next":"\\ud800"}', "surrogate"),
        (b" " * (MAX_PAGE_BYTES + 1), "too-large"),
    ],
    ids=range(10),
)
def test_a_hostile_page_is_refused_and_not_quoted(data, reason):
    assert refusal(data).reason == reason


@given(st.binary(max_size=300) | st.text().map(str.encode))
def test_any_bytes_are_a_page_or_refused(data):
    with contextlib.suppress(SchemaError, NoEnvelopeError):
        assert decode(data, is_taxii=True).size < 300


# moments


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("2026-03-01T08:00:00.000000Z", "2026-03-01T07:59:59.999999Z"),
        ("2026-03-01T08:00:00.120Z", "2026-03-01T08:00:00.119Z"),
        ("2026-03-01T08:00:00Z", "2026-03-01T07:59:59Z"),
        ("2026-03-01t08:00:00z", "2026-03-01T07:59:59Z"),
        ("2026-03-01T08:00:00.123456789Z", "2026-03-01T08:00:00.123456788Z"),
        ("2026-03-01T15:00:00+07:00", "2026-03-01T07:59:59Z"),
        ("2026-03-01T04:30:00.5-03:30", "2026-03-01T08:00:00.4Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_the_moment_before_is_one_unit_of_the_last_digit_earlier(text, before):
    moment = Moment.read(text)
    assert moment.before() == before
    assert moment.text == text


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "undefined",
        "2026-03-01",
        "2026-02-30T00:00:00Z",
        "2026-03-01T08:00:00",
        "2026-03-01T08:00:00.1234567890Z",
        "Sun Mar 01 2026 08:00:00 GMT+0000",
        "2026-03-01T08:00:00Z\n",
        "\uff12026-03-01T08:00:00Z",
    ],
)
def test_what_is_no_rfc_3339_moment_is_none(text):
    assert Moment.read(text) is None


def test_some_days_back_is_before_any_day_that_a_server_may_mean():
    assert (
        Moment.read("2026-03-01T08:00:00.5Z").day_before() == "2026-02-27T23:59:59.0Z"
    )
    assert Moment.read("0001-01-01T00:00:00Z").day_before() == ""
