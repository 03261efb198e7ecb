"""The sample records are wholly fictional: nobody's address, domain, number or name."""

import ipaddress
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).parents[2] / "adapters" / "cli" / "samples"
BUNDLES = {
    path.name: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(SAMPLES.glob("*.json"))
}
INDEX = (SAMPLES / "index.toml").read_text(encoding="utf-8")

# RFC 5737 and RFC 3849.
_DOCUMENTATION = [
    ipaddress.ip_network(net)
    for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]
# A dotted name that ends in letters, as every real domain does, and not before an @.
_DOTTED = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?![\w@-])", re.IGNORECASE)
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
_IPV6 = re.compile(
    r"(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])", re.IGNORECASE
)
_PHONE = re.compile(r"\+\d[\d ()-]{5,}")
_DOTTED_BUT_NO_DOMAIN = {"archive_helper.exe", "application/vnd.microsoft"}
_TIMESTAMP = re.compile(r"2026-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

each_file = pytest.mark.parametrize("name", BUNDLES)


def objects(name: str) -> list[dict[str, Any]]:
    return BUNDLES[name]["objects"]


def strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for inner in value:
                yield from strings(inner)
        case dict():
            for key, inner in value.items():
                yield key
                yield from strings(inner)


def domains(text: str) -> set[str]:
    for known in _DOTTED_BUT_NO_DOMAIN:
        text = text.replace(known, " ")
    return {found.group().lower() for found in _DOTTED.finditer(text)}


def test_there_are_samples() -> None:
    assert BUNDLES


def test_the_index_names_no_domain_but_its_own_files() -> None:
    assert {d for d in domains(INDEX) if not d.endswith(".json")} == set()


@each_file
def test_no_domain_lies_outside_the_names_reserved_for_examples(name: str) -> None:
    found = {d for text in strings(BUNDLES[name]) for d in domains(text)}
    assert {one for one in found if not one.endswith(".example")} == set()


@each_file
def test_no_address_lies_outside_the_documentation_ranges(name: str) -> None:
    for text in strings(BUNDLES[name]):
        if _TIMESTAMP.search(text):
            continue
        for found in [*_IPV4.findall(text), *_IPV6.findall(text)]:
            address = ipaddress.ip_address(found)
            nets = [net for net in _DOCUMENTATION if net.version == address.version]
            assert any(address in net for net in nets), found


@each_file
def test_no_telephone_number_lies_outside_the_range_kept_for_fiction(name: str) -> None:
    for text in strings(BUNDLES[name]):
        for found in _PHONE.findall(text):
            assert re.fullmatch(r"\+1 \d{3} 555 01\d\d", found.strip()), found


@each_file
def test_no_country_or_currency_is_real(name: str) -> None:
    for one in objects(name):
        if one["type"] == "location":
            assert set(one) >= {"country"}
            # ISO 3166-1: XA to XZ are free for users; XK is used for Kosovo.
            assert re.fullmatch(r"X[A-JL-Z]", one["country"])
        currency = one.get("extensions", {}).get("monetary-ext", {}).get("currency")
        assert currency in {None, "XTS"}  # ISO 4217: reserved for testing


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://www.bank.com/login", {"www.bank.com"}),
        ("write to a.bc@mail.com today", {"mail.com"}),
        ("no domain here. Next sentence", set()),
    ],
)
def test_the_search_for_domains_finds_what_it_should(
    text: str, found: set[str]
) -> None:
    assert domains(text) == found


@pytest.mark.parametrize("text", ["8.8.8.8", "fe80::1", "2606:4700::1111"])
def test_the_search_for_addresses_finds_real_ones(text: str) -> None:
    found = [*_IPV4.findall(f"at {text}, now"), *_IPV6.findall(f"at {text}, now")]
    assert found == [text]


def test_a_person_is_named_only_beside_an_identity_that_lets_the_name_be_found() -> (
    None
):
    def persons(name: str) -> set[str]:
        return {
            one["name"]
            for one in objects(name)
            if one.get("identity_class") == "individual"
        }

    everybody = set().union(*map(persons, BUNDLES))
    assert len(everybody) == 4
    for name in BUNDLES:
        text = " ".join(strings(objects(name)))
        assert {person for person in everybody if person in text} == persons(name)
