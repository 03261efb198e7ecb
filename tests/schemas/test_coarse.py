"""Coarse values: of what there are any, what they look like, which are refused."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas import coarse, stix
from schemas.errors import SchemaError
from schemas.markings import TLP_IDS, Tlp
from schemas.record import check_coarse
from schemas.stix.values import TIMESTAMP_PATTERN
from tests.support.records import address, an_id, draft, incident, plain_object
from tests.support.refusals import refusal_of
from tests.support.stix_values import json_values

CANARY = "mallory"

# -- what a coarse value is


@pytest.mark.parametrize(
    ("kind", "name", "value", "found"),
    [
        ("ipv4-addr", "value", "203.0.113.7", "203.0.113.0/24"),
        ("ipv4-addr", "value", "203.0.113.7/32", "203.0.113.0/24"),
        ("ipv4-addr", "value", "203.0.113.128/25", "203.0.113.0/24"),
        ("ipv4-addr", "value", "203.0.113.0/24", "203.0.113.0/24"),
        ("ipv4-addr", "value", "203.0.112.0/23", None),
        ("ipv4-addr", "value", "0.0.0.0/0", None),
        ("ipv4-addr", "value", "2001:db8::1", None),
        ("ipv4-addr", "value", "203.0.113.256", None),
        ("ipv4-addr", "value", "203.0.113.07", None),
        ("ipv4-addr", "value", "203.0.113", None),
        ("ipv4-addr", "value", "", None),
        ("ipv6-addr", "value", "2001:db8:1:2::7", "2001:db8:1::/48"),
        ("ipv6-addr", "value", "2001:DB8:1:2::7/128", "2001:db8:1::/48"),
        ("ipv6-addr", "value", "2001:db8:1::/48", "2001:db8:1::/48"),
        ("ipv6-addr", "value", "2001:db8::/47", None),
        ("ipv6-addr", "value", "203.0.113.7", None),
        ("ipv6-addr", "value", "fe80::1%eth0", "fe80::/48"),
        ("ipv4-addr", "name", "203.0.113.7", None),
        ("domain-name", "value", "203.0.113.7", None),
        ("incident", "value", "2026-11-02T10:00:00Z", None),
        ("indicator", "valid_from", "2026-11-02T23:59:59.999Z", "2026-11-02"),
        ("campaign", "first_seen", "2024-02-29T00:00:00Z", "2024-02-29"),
        ("campaign", "first_seen", "2023-02-29T00:00:00Z", None),
        ("campaign", "first_seen", "2026-11-02", None),
        ("campaign", "created", "2026-11-02T10:00:00Z", None),
        ("campaign", "modified", "2026-11-02T10:00:00Z", None),
        ("indicator", "valid_until", "2026-11-02T10:00:00Z", None),
    ],
)
def test_a_network_or_a_day_is_all_that_is_coarse(
    kind: str, name: str, value: str, found: str | None
) -> None:
    assert coarse.coarse_of(kind, name, value) == found


@settings(derandomize=True, max_examples=100)
@given(st.sampled_from(["value", *sorted(coarse.TIMES)]), json_values)
def test_of_anything_else_there_is_no_coarse_value(name: str, value: Any) -> None:
    found = coarse.coarse_of("ipv4-addr", name, value)
    assert found is None or isinstance(value, str)


@settings(derandomize=True, max_examples=100)
@given(st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str))
def test_a_coarse_address_is_its_own_coarse_value(four: str, six: str) -> None:
    for kind, value, bits in (("ipv4-addr", four, "/24"), ("ipv6-addr", six, "/48")):
        network = coarse.coarse_of(kind, "value", value)
        assert network is not None
        assert network.endswith(bits)
        assert coarse.coarse_of(kind, "value", network) == network


@settings(derandomize=True, max_examples=100)
@given(st.from_regex(TIMESTAMP_PATTERN))
def test_a_coarse_time_is_the_day_that_its_text_says(text: str) -> None:
    day = coarse.coarse_of("campaign", "first_seen", text)
    assert day == text[:10]
    shown = coarse.shown_as(day)
    assert shown == f"{day}T00:00:00.000Z"
    assert coarse.coarse_of("campaign", "first_seen", shown) == day


def test_a_network_is_shown_as_it_is() -> None:
    assert coarse.shown_as("203.0.113.0/24") == "203.0.113.0/24"


# -- which are refused


def refusal(kind: str, **plain: Any) -> str:
    found = refusal_of(coarse.check, kind, {"type": kind, **plain}, "$.objects[1]")
    return "" if found is None else str(found)


@pytest.mark.parametrize(
    "value",
    ["203.0.113.7", "203.0.113.7/24", "203.0.113.0/25", "203.0.112.0/23", "203.0.113.0",
     "203.0.113.0/255.255.255.0", " 203.0.113.0/24", "2001:db8:1::/48", "", None, 7,
     ["203.0.113.0/24"], {}, True],
)  # fmt: skip
def test_a_coarse_address_that_is_no_network_of_its_size_is_refused(value: Any) -> None:
    assert refusal("ipv4-addr", x_tocsin_coarse_value="203.0.113.0/24") == ""
    why = refusal("ipv4-addr", x_tocsin_coarse_value=value)
    assert why == "coarse at $.objects[1].value"


@pytest.mark.parametrize(
    "value",
    ["2026-11-31", "2026-13-01", "0000-01-01", "2026-11-2", "2026-11-02T00:00:00Z",
     "02-11-2026", "2026-11-02Z", "2026-11", "", None, 20261102, ["2026-11-02"]],
)  # fmt: skip
def test_a_coarse_time_that_is_no_day_is_refused(value: Any) -> None:
    assert refusal("campaign", x_tocsin_coarse_first_seen="2026-11-02") == ""
    why = refusal("campaign", x_tocsin_coarse_first_seen=value)
    assert why == "coarse at $.objects[1].first_seen"


def test_a_coarse_value_that_the_exact_one_contradicts_is_refused() -> None:
    network = {"x_tocsin_coarse_value": "203.0.113.0/24"}
    day = {"x_tocsin_coarse_first_seen": "2026-11-02"}
    assert refusal("ipv4-addr", value="203.0.113.255", **network) == ""
    assert refusal("campaign", first_seen="2026-11-02T23:59:59Z", **day) == ""
    for exact in ("203.0.114.0", "203.0.112.0/23", "here", None, 7):
        assert refusal("ipv4-addr", value=exact, **network).startswith("coarse")
    for exact in ("2026-11-03T00:00:00Z", "2026-11-02", "now", None):
        assert refusal("campaign", first_seen=exact, **day).startswith("coarse")


@pytest.mark.parametrize("value", ["2026-11-02", "203.0.113.0/24", None, CANARY, 1])
@pytest.mark.parametrize("base", ["", CANARY, "name", "created", "modified", "x_value"])
def test_a_coarse_value_of_what_has_none_is_refused_and_not_quoted(
    base: str, value: Any
) -> None:
    why = refusal("campaign", **{f"x_tocsin_coarse_{base}": value})
    assert why == "coarse at $.objects[1][...]"
    assert refusal("domain-name", x_tocsin_coarse_value="203.0.113.0/24") != ""


@settings(derandomize=True, max_examples=200)
@given(
    st.sampled_from(sorted(stix.TYPES)), st.text(max_size=9), json_values, json_values
)
@example("ipv4-addr", "value", "203.0.113.0/24", "203.0.113.9")
def test_whatever_stands_there_is_refused_or_right(
    kind: str, base: str, value: Any, exact: Any
) -> None:
    name = coarse.PREFIX + base
    if refusal(kind, **{name: value}) == "":
        assert coarse.coarse_of(kind, base, coarse.shown_as(value)) == value
    if refusal(kind, **{name: value, base: exact}) == "":
        assert coarse.coarse_of(kind, base, exact) == value


# -- in a record


def test_coarse_values_are_put_next_to_exact_ones_if_wanted() -> None:
    plain = (
        incident(),
        address(value="203.0.113.7"),
        plain_object("campaign", first_seen="2026-11-02T10:00:00Z"),
    )
    for wanted, network, day in (
        (set(), None, None),
        ({"address"}, "203.0.113.0/24", None),
        ({"time"}, None, "2026-11-02"),
        ({"address", "time"}, "203.0.113.0/24", "2026-11-02"),
    ):
        extras = [o.extra for o in draft(*plain, coarse=wanted).objects]
        assert extras[0] == {}
        assert extras[1].get("x_tocsin_coarse_value") == network
        assert extras[2].get("x_tocsin_coarse_first_seen") == day
        assert sum(map(len, extras)) == sum(x is not None for x in (network, day))


def test_what_the_issuer_said_itself_stays() -> None:
    plain = address(
        value="203.0.113.7", x_tocsin_coarse_value="203.0.113.0/24", x_more=1
    )
    [_, found] = draft(incident(), plain, coarse={"address"}).objects
    assert found.extra == {"x_tocsin_coarse_value": "203.0.113.0/24", "x_more": 1}


def test_what_has_a_marking_of_its_own_gets_no_coarse_value() -> None:
    mark = {"selectors": ["value"], "marking_ref": TLP_IDS[Tlp.AMBER]}
    plain = address(value="203.0.113.7", granular_markings=[mark])
    [_, found] = draft(incident(), plain, coarse={"address"}).objects
    assert found.extra == {}


def test_a_record_with_a_coarse_value_that_is_wrong_is_not_made() -> None:
    plain = address(value="203.0.113.7", x_tocsin_coarse_value="203.0.114.0/24")
    with pytest.raises(SchemaError) as caught:
        draft(incident(), plain)
    assert str(caught.value) == "coarse at $.objects[1].value"
    decoded = stix.decode_object(plain | {"id": an_id("ipv4-addr")})
    assert refusal_of(check_coarse, decoded, "$") is not None
