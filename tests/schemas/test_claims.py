"""Claims: what an issuer may state of a record, and in which form."""

import re
from typing import Any

import msgspec
import pytest

from schemas import record
from schemas.profile import VCT
from schemas.record import (
    ALL_COMMUNITY,
    Claims,
)
from tests.support.records import (
    MODIFIED,
    an_id,
)

# -- organisations


@pytest.mark.parametrize("name", ["ab", "cert-aq", "a" * 41, "a0-", "a--b"])
def test_an_organisation_name_is_taken(name: str) -> None:
    assert record.is_org(name)
    assert record.org_of(record.org_urn(name)) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        "a" * 42,
        "0a",
        "-a",
        "A-b",
        "a.b",
        "a b",
        "a\n",
        "ab\n",
        "\u00e4b",
        "a_",
    ],
)
def test_what_is_no_organisation_name_is_told(name: str) -> None:
    assert not record.is_org(name)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(name, record.Org)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(record.org_urn(name), record.OrgUrn)


# -- claims

GOOD: dict[str, Any] = {
    "iss": "urn:tocsin:org:cert-aq",
    "iat": 1,
    "exp": 2,
    "sub": an_id("incident"),
    "ver": MODIFIED,
    "aud": [ALL_COMMUNITY],
    "vct": VCT,
    "kind": "incident",
    "tlp": "AMBER+STRICT",
    "severity": "unknown",
    "countries": ["XA"],
    "sectors": ["energy"],
    "languages": ["pt-BR"],
    "exercise": False,
    "full": "A" * 43,
}
WITHHOLDABLE: dict[str, Any] = {
    "to": ["urn:tocsin:org:cert-bv"],
    "concerns": ["urn:tocsin:org:platform-lumen"],
    "feed": "cert-aq/main/1",
    "seq": 1,
    "prev": "",
}


def test_claims_are_read_with_and_without_what_is_withholdable() -> None:
    whole = GOOD | WITHHOLDABLE | {"sup": "B" * 43}
    for claims in (GOOD, whole, whole | {"seq": 2, "prev": "C" * 43}):
        again = msgspec.json.encode(msgspec.convert(claims, Claims))
        assert msgspec.json.decode(again) == claims


@pytest.mark.parametrize("name", GOOD)
def test_every_other_claim_is_required(name: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({k: v for k, v in GOOD.items() if k != name}, Claims)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iss", "cert-aq"),
        ("iss", "urn:tocsin:org:Cert"),
        ("iss", "urn:tocsin:org:cert-aq\n"),
        ("iat", -1),
        ("iat", 2**40 + 1),
        ("iat", 1.5),
        ("iat", "1"),
        ("iat", True),
        ("exp", None),
        ("sub", "some text"),
        ("sub", an_id("incident") + "\n"),
        ("sub", an_id("incident").upper()),
        ("ver", "v" * 41),
        ("aud", []),
        ("aud", [ALL_COMMUNITY] * 51),
        ("aud", ALL_COMMUNITY),
        ("aud", [ALL_COMMUNITY + "\n"]),
        ("aud", ["https://example.org"]),
        ("kind", "mallory"),
        ("tlp", "amber"),
        ("tlp", "TLP:AMBER"),
        ("severity", "severe"),
        ("countries", ["xa"]),
        ("countries", ["XA\n"]),
        ("countries", ["XAX"]),
        ("countries", ["XA"] * 301),
        ("sectors", ["a.b"]),
        ("sectors", ["a text about somebody"]),
        ("sectors", ["a\n"]),
        ("languages", ["fr\n"]),
        ("languages", ["a text"]),
        ("exercise", "no"),
        ("exercise", 0),
        ("full", "A" * 42),
        ("full", "A" * 43 + "\n"),
        ("full", "A" * 42 + "="),
        ("sup", ""),
        ("to", ["cert-bv"]),
        ("to", ["urn:tocsin:org:cert-bv\n"]),
        ("concerns", "urn:tocsin:org:cert-bv"),
        ("feed", "f" * 201),
        ("seq", 0),
        ("prev", "A"),
        ("mallory", 1),
        ("need", {"threshold": 1}),
    ],
)
def test_a_malformed_claim_is_refused(name: str, value: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(GOOD | {name: value}, Claims)


def test_no_pattern_of_a_claim_lets_a_line_feed_pass() -> None:
    for field in msgspec.structs.fields(Claims):
        assert not re.search(r"\$['\"]", str(field.type)), field.name
