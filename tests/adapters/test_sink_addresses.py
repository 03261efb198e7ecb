"""Addresses: only the public Internet is reachable for a member's URL."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sinks.addresses import is_public

PRIVATE_4 = [
    "0.0.0.0",  # noqa: S104  nothing is bound to it
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.168.1.1",
    "198.19.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
]
PUBLIC_4 = ["1.1.1.1", "9.9.9.9", "172.32.0.1", "100.128.0.1", "198.20.0.1"]


@pytest.mark.parametrize("address", PRIVATE_4)
def test_a_private_address_is_refused_in_every_spelling(address):
    assert not is_public(address)
    assert not is_public(f"::ffff:{address}")
    assert not is_public(f"64:ff9b::{address}")
    assert not is_public(f"::{address}")  # IPv4-compatible, withdrawn
    packed = int(IPv4Address(address))
    assert not is_public(str(IPv6Address((0x2002 << 112) | (packed << 80))))  # 6to4


@pytest.mark.parametrize("address", PUBLIC_4)
def test_a_public_address_is_allowed_also_where_only_nat64_leads_out(address):
    assert is_public(address)
    assert is_public(f"::ffff:{address}")
    assert is_public(f"64:ff9b::{address}")


@pytest.mark.parametrize(
    "address",
    [
        "::",
        "::1",
        "64:ff9b:1::1.1.1.1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:101:101::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456:789a::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_special_ipv6_addresses_are_refused(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["2606:4700:4700::1111", "2a00:1450:4001::1"])
def test_global_ipv6_addresses_are_allowed(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "text",
    ["", "localhost", "127.1", "2130706433", "0x7f000001", "010.0.0.1", "1.1.1.1 "],
)
def test_what_is_no_plain_address_is_not_public(text):
    assert not is_public(text)


@given(st.ip_addresses())
def test_nothing_that_python_calls_special_is_allowed(address):
    special = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or (address.version == 4 and address.is_reserved)
    )
    assert not (special and is_public(str(address)))


@given(st.ip_addresses(v=4))
def test_an_embedded_address_is_judged_as_itself(address):
    inner = int(address)
    assert is_public(str(ip_address((0xFFFF << 32) | inner))) == is_public(str(address))
    nat64 = IPv6Address((0x0064_FF9B << 96) | inner)
    assert is_public(str(nat64)) == is_public(str(address))
