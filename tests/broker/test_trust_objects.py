"""Trust: objects, versions, markings and coarse values that are not believed.

Each bad record is a `tree`, bent at one place and signed with the issuer's own
key, all digests right: only the one check can refuse.
"""

from typing import Any

import pytest

from broker.concealing import Hidden
from schemas.markings import TLP_IDS, Tlp
from schemas.record import MAX_OBJECTS
from tests.support.records import (
    address,
    an_id,
    incident,
    mint,
    token,
    tree,
)
from tests.support.verifying import (
    bent,
    cut,
    reason,
    refusal,
    refused,
    verified,
    without,
)

CANARY = "mallory"


@pytest.mark.parametrize("value", [1, "text", None, [], ["a"]])
def test_an_object_that_is_none_is_refused(value: Any) -> None:
    claims = tree()
    claims["stix"]["objects"].append(Hidden(value))
    error = refusal(mint(claims))
    assert (error.reason, error.where) == ("not-stix", "$.stix.objects[2]")


def test_an_object_that_is_no_stix_is_refused_at_its_place() -> None:
    halves = [Hidden([index, 2, "a" * (2**19 + 1)]) for index in (0, 1)]
    for change, why, where in (
        ({"type": "bundle"}, "not-stix", ""),
        ({"type": 7}, "not-stix", ""),
        ({"spec_version": "2.0"}, "stix-version", ".spec_version"),
        ({"revoked": "yes"}, "bad-property", ".revoked"),
        ({"name": Hidden(7)}, "bad-property", ".name"),
        ({"x_n": Hidden("a" * (2**20 + 1))}, "too-large", "[...]"),
        ({"description": Hidden(halves)}, "too-large", ".description"),
    ):
        error = refusal(mint(bent(**change)))
        assert (error.reason, error.where) == (why, f"$.stix.objects[0]{where}")
    assert reason(tree(incident(), address(id=an_id("url")))) == "bad-id"
    assert reason(tree(incident(), address(id=CANARY))) == "bad-id"
    assert reason(without("id")) == "not-withholdable"
    assert reason(without("type")) == "not-stix"


def test_red_is_refused_until_it_can_be_sealed() -> None:
    red = [TLP_IDS[Tlp.RED]]
    error = refusal(mint(tree(incident(), address(object_marking_refs=red))))
    assert (error.reason, error.where) == ("needs-sealing", "$.stix.objects[1]")
    part = [{"selectors": ["name"], "marking_ref": red[0]}]
    assert reason(bent(granular_markings=part)) == "needs-sealing"


def test_a_selector_that_is_none_is_refused() -> None:
    # Redaction would stumble over it, with the message in its hands.
    part = [{"selectors": ["..."], "marking_ref": TLP_IDS[Tlp.GREEN]}]
    error = refusal(mint(bent(granular_markings=part)))
    assert error.reason == "bad-selector"
    assert error.where.startswith("$.stix.objects[0].granular_markings")


def test_two_objects_with_one_id_are_refused() -> None:
    error = refusal(mint(tree(incident(), address(), address(value="192.0.2.8"))))
    assert (error.reason, error.where) == ("duplicate-id", "$.stix.objects")


@pytest.mark.parametrize("ver", ["2026-12-01T10:00:00Z", "2026-12-01T09:00:00.000Z"])
def test_another_version_than_claimed_is_refused(ver: str) -> None:
    error = refusal(mint(tree(ver=ver)))
    assert (error.reason, error.where) == ("version-mismatch", "$.stix.objects[0]")


def test_a_primary_object_without_a_version_is_refused() -> None:
    assert reason(without("modified")) == "version-mismatch"


@pytest.mark.parametrize("tlp", ["CLEAR", "AMBER", "AMBER+STRICT", "RED"])
def test_another_marking_than_claimed_is_refused(tlp: str) -> None:
    error = refusal(mint(tree(tlp=tlp)))
    assert (error.reason, error.where) == ("tlp-mismatch", "$.stix.objects[0]")


def test_a_primary_object_without_a_marking_is_refused() -> None:
    assert reason(without("object_marking_refs")) == "tlp-mismatch"
    other = [an_id("marking-definition")]
    assert reason(bent(object_marking_refs=other)) == "tlp-mismatch"


def test_of_several_markings_the_strictest_counts() -> None:
    both = [TLP_IDS[Tlp.CLEAR], TLP_IDS[Tlp.GREEN]]
    assert verified(mint(bent(object_marking_refs=both)))


def test_the_disclosures_of_another_record_do_not_fit() -> None:
    one, other = token(seed=1), token(seed=2)
    mixed = one.partition(b"~")[0] + b"~" + other.partition(b"~")[2]
    assert refusal(mixed).reason == "unreferenced-disclosure"


def test_a_record_of_very_many_objects_is_verified() -> None:
    assert MAX_OBJECTS == 20_000
    many = [address(id=an_id("ipv4-addr", n)) for n in range(500)]
    assert len(verified(mint(tree(incident(), *many))).objects) == 501


# -- coarse values


def test_a_coarse_value_proves_itself_without_the_exact_one() -> None:
    coarse = {"x_tocsin_coarse_value": "192.0.2.0/24"}
    signed = mint(tree(incident(), address(**coarse)))
    found = verified(cut(signed, ("stix", "objects", 1, "value")))
    assert "value" not in found.plain[1]
    assert found.plain[1].items() >= coarse.items()


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (Hidden("192.0.3.0/24"), "coarse at $.stix.objects[1].value"),
        (Hidden("192.0.2.7"), "coarse at $.stix.objects[1].value"),
        (Hidden(None), "coarse at $.stix.objects[1].value"),
        ("192.0.2.0/24", "not-withholdable at $.stix.objects[1][...]"),
    ],
)
def test_a_coarse_value_that_is_wrong_or_in_the_clear_is_refused(
    value: Any, why: str
) -> None:
    claims = tree(incident(), address())
    claims["stix"]["objects"][1].value["x_tocsin_coarse_value"] = value
    assert refused(mint(claims)) == why


def test_a_coarse_value_of_the_sender_s_own_name_is_refused_and_not_quoted() -> None:
    error = refusal(mint(bent(**{f"x_tocsin_coarse_{CANARY}": Hidden(1)})))
    assert (error.reason, error.where) == ("coarse", "$.stix.objects[0][...]")


def test_what_looks_like_the_bundle_inside_an_object_is_a_property_like_any() -> None:
    nested = {"type": "bundle", "objects": [{"a": 1}, "b", ["c"]]}
    found = verified(mint(bent(stix=Hidden(nested), objects=Hidden(["a", "b"]))))
    assert found.plain[0].items() >= {"stix": nested, "objects": ["a", "b"]}.items()
    assert len(found.origins) == len(found.objects) == 2
    # Nothing in it may be cut either.
    finer = nested | {"objects": [Hidden({"a": 1})]}
    assert reason(bent(stix=Hidden(finer))) == "visible-as-disclosure"
