"""Made values: coarser than the original, and never a quotation of it."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.made import bucket, defanged, generalised, network
from schemas import stix
from tests.support.views import BANK, INCIDENT, new

ORGANISATION = stix.decode_object(BANK)
CASE = stix.decode_object(INCIDENT)
ADDRESS = stix.decode_object(new("ipv4-addr"))


def coarse(value, grain="day", of=CASE, place=("count",)):
    return generalised(of, place, value, grain)


@given(st.integers(0, 10**15))
def test_a_count_becomes_its_order_of_magnitude(count):
    found = bucket(count)
    if count < 10:
        assert found is None
    else:
        assert found <= count < found * 10
        assert str(found).strip("0") == "1"


@pytest.mark.parametrize(
    ("value", "grain", "expected"),
    [
        (48217, "day", 10000),
        (7, "day", None),
        (-5, "day", None),
        (True, "day", None),
        (1.5, "day", None),
        (61234.5, "day", 10000),
        (None, "day", None),
        (["2026-01-01T10:20:30Z"], "day", None),
        ("2026-01-31T18:30:05.123Z", "exact", "2026-01-31T18:30:05.123Z"),
        ("2026-01-31T18:30:05.123Z", "hour", "2026-01-31T18:00:00.000Z"),
        ("2026-01-31T18:30:05.123Z", "day", "2026-01-31T00:00:00.000Z"),
        ("last Tuesday", "day", None),
        ({"individual": 48217, "organization": 1}, "day", {"individual": 10000}),
        ({"individual": 3}, "day", None),
        ({"individual": True, "group": "12"}, "day", None),
        ({"Ilvara Temcott": 500, "group": 20}, "day", {"group": 10}),
        ({}, "day", None),
    ],
)
def test_a_value_is_made_coarser_or_left_out(value, grain, expected):
    assert coarse(value, grain) == expected


def test_an_organisation_is_called_by_its_sectors_that_are_shown():
    name = ("name",)
    with_sectors = generalised(
        ORGANISATION, name, "Saltmere", "day", {("sectors",): ["energy", "water"]}
    )
    assert with_sectors == "an organisation (energy, water)"
    assert generalised(ORGANISATION, name, "Saltmere", "day") == "an organisation"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("198.51.100.23", "198.51.100.0/24"),
        ("198.51.100.23/28", "198.51.100.0/24"),
        ("2001:db8:1:2::7", "2001:db8:1::/48"),
        ("198.51.100.0/24", None),
        ("10.0.0.0/8", None),
        ("no address", None),
        ("", None),
    ],
)
def test_an_address_becomes_its_network(address, expected):
    assert network(address) == expected
    assert generalised(ADDRESS, ("value",), address, "day") == expected


@given(st.ip_addresses())
def test_a_network_holds_its_address_among_many(address):
    found = ipaddress.ip_network(network(str(address)))
    assert address in found
    assert found.num_addresses >= 256


def test_a_defanged_address_leads_nowhere():
    assert defanged("https://bad.example/x") == "hxxps://bad[.]example/x"
    assert defanged(["https://bad.example"]) == ["https://bad.example"]
