"""The preview: what each audience would get, as the hub would cut it."""

from typing import Any

import pytest

from adapters.cli.load import load_policy
from adapters.preview import Seen, preview
from broker.directory import DEFAULT_CLEARANCE, single_key
from broker.errors import TrustError
from broker.signing import Address
from schemas.errors import RefusedError
from schemas.markings import TLP_IDS, Tlp
from tests.support.records import (
    CERT,
    NOW,
    PLATFORM,
    address,
    an_id,
    draft,
    entropy,
    incident,
    plain_object,
)

POLICY = load_policy(None)
PERSON = plain_object(
    "identity", name="Ayu Contoh Rahman", identity_class="individual",
    object_marking_refs=[TLP_IDS[Tlp.GREEN]],
)  # fmt: skip


def seen(*plain: dict[str, Any], **changes: Any) -> dict[str, Seen]:
    arguments: dict[str, Any] = {
        "signer": CERT,
        "directory": single_key(CERT.org, CERT.jwk),
        "address": Address(),
        "identity": None,
        "now": NOW,
        "entropy": entropy(),
    }
    found = preview(draft(*plain), POLICY, **(arguments | changes))
    return {each.audience: each for each in found}


def test_every_audience_is_told_at_its_clearance() -> None:
    found = seen(incident(), PERSON, address())
    assert {who: each.clearance for who, each in found.items()} == {
        who: Tlp.parse(DEFAULT_CLEARANCE[who]).label for who in POLICY.with_rows
    }
    assert all(each.types["incident"] == 1 for each in found.values())
    assert all(each.shown == sum(each.types.values()) for each in found.values())
    assert "ipv4-addr" not in found["civil-society"].types  # marked AMBER


def test_what_is_cut_is_counted_by_its_reason() -> None:
    cuts = seen(incident(), PERSON)["civil-society"].cuts
    assert sum(cuts.values()) > 0
    assert all(isinstance(reason, str) for reason in cuts)


def test_what_the_marking_forbids_is_given_to_nobody() -> None:
    found = seen(incident(object_marking_refs=[TLP_IDS[Tlp.AMBER_STRICT]]))
    assert {each.refused for each in found.values()} == {"tlp-clearance"}
    assert {each.shown for each in found.values()} == {0}


def test_a_number_in_the_name_withholds_the_record() -> None:
    found = seen(incident(name="[CERT #20261102001234] A leak"))
    assert {each.refused for each in found.values()} == {"primary-withheld"}


def test_what_signing_would_refuse_is_refused_here() -> None:
    with pytest.raises(RefusedError, match="claims"):
        seen(address=Address(communities=("nobody",)))
    with pytest.raises(TrustError, match="unknown-key"):
        seen(directory=single_key(PLATFORM.org, PLATFORM.jwk))


def test_the_same_randomness_gives_the_same_view() -> None:
    assert seen(incident(), PERSON) == seen(incident(), PERSON)


def test_nothing_of_the_record_stands_in_the_preview() -> None:
    shown = str(seen(incident(), PERSON))
    assert "Ayu" not in shown
    assert "voter" not in shown


def test_if_anybody_is_named_it_is_told_what_those_would_get() -> None:
    named = Address(to=("platform-lumen",), concerns=("platform-lumen",))
    request = plain_object(
        "takedown-request",
        requesting_body="A court",
        legal_basis="Election Act, section 86",
        necessity="A label did not help.",
        object_refs=[an_id("url")],
    )
    url = {
        "type": "url",
        "id": an_id("url"),
        "value": "https://bad.example/",
        "object_marking_refs": [TLP_IDS[Tlp.GREEN]],
    }
    indicator = plain_object(
        "indicator",
        pattern="[url:value = 'https://bad.example/']",
        pattern_type="stix",
        valid_from="2026-12-01T10:00:00Z",
    )
    tie = plain_object(
        "relationship",
        relationship_type="based-on",
        source_ref=indicator["id"],
        target_ref=url["id"],
    )
    found = seen(request, url, indicator, tie, address=named)
    assert {who: each.refused for who, each in found.items()} == {
        "peer-cert": "", "platform": "", "civil-society": "kind",
    }  # fmt: skip
    with pytest.raises(TrustError, match="not-addressed"):
        seen(request, url, indicator, tie)
