"""Trust: parts of objects for which a record is not believed.

Each bad record is a `tree`, bent at one place and signed with the issuer's own
key, all digests right: only the one check can refuse.
"""

from typing import Any

import pytest

from broker import base64url, concealing, sdjwt
from broker.blinding import org_identity
from broker.concealing import Decoy, Hidden
from broker.signing import fullness
from schemas.markings import TLP_IDS, Tlp
from schemas.profile import INCIDENT_CORE
from tests.support.records import (
    CERT,
    CERT_KEY,
    HEADER,
    MODIFIED,
    OWN,
    address,
    an_id,
    draft,
    entropy,
    incident,
    mint,
    plain_object,
    token,
    tree,
)
from tests.support.verifying import (
    bent,
    cut,
    main_of,
    reason,
    refusal,
    refused,
    verified,
)

CANARY = "mallory"
TEXT = "It is not confirmed that votes were touched."

# -- objects against the profile


@pytest.mark.parametrize(
    "name",
    ["type", "id", "spec_version", "object_marking_refs", "created", "modified"],
)
def test_what_must_always_be_visible_may_not_be_a_disclosure(name: str) -> None:
    claims = tree()
    main = main_of(claims)
    main[name] = Hidden(main[name])
    assert reason(claims) == "visible-as-disclosure"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("revoked", True),
        ("confidence", 10),
        ("lang", "fr"),
        ("defanged", True),
        ("granular_markings", [{"selectors": ["name"], "lang": "fr"}]),
    ],
)
def test_what_would_change_the_meaning_may_not_be_a_disclosure(
    name: str, value: Any
) -> None:
    assert verified(mint(bent(**{name: value})))
    error = refusal(mint(bent(**{name: Hidden(value)})))
    assert error.reason == "visible-as-disclosure"
    assert error.where == f"$.stix.objects[0].{name}"


def test_a_visible_part_of_an_extension_may_not_be_a_disclosure() -> None:
    core = {"determination": Hidden("suspected")}
    assert reason(bent(extensions={INCIDENT_CORE: core})) == "visible-as-disclosure"


def test_an_object_in_the_clear_is_refused() -> None:
    claims = tree()
    claims["stix"]["objects"][1] = claims["stix"]["objects"][1].value
    error = refusal(mint(claims))
    assert (error.reason, error.where) == ("not-withholdable", "$.stix.objects[1]")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "A voter register was copied"),
        ("description", [Hidden([0, 1, TEXT])]),
        ("labels", [Hidden("election")]),
        ("labels", Hidden(["election", Hidden("register")])),
        ("labels", Hidden(["election", "register"])),
        ("labels", Hidden(["election", Decoy()])),
        ("labels", Hidden([Decoy(), "election"])),
        ("description", Hidden([TEXT])),
        ("description", Hidden([[0, 1, TEXT]])),
        ("description", Hidden([[0, 2, TEXT], Hidden([1, 2, TEXT])])),
        ("x_new", 1),
        ("extensions", {"unknown": {"a": 1}}),
        ("extensions", {INCIDENT_CORE: {"criticality": 60}}),
        ("extensions", {INCIDENT_CORE: {"events": Hidden(["a", "b"])}}),
        ("extensions", {INCIDENT_CORE: {"events": Hidden([Decoy(), "b"])}}),
        ("extensions", {INCIDENT_CORE: "text"}),
    ],
)
def test_what_must_be_withholdable_may_not_stand_in_the_clear(
    name: str, value: Any
) -> None:
    error = refusal(mint(bent(**{name: value})))
    assert error.reason == "not-withholdable"
    spelled = "[...]" if name == "x_new" else f".{name}"
    assert error.where == f"$.stix.objects[0]{spelled}"


def test_the_times_of_another_object_must_be_withholdable() -> None:
    other = plain_object("campaign")
    claims = tree(incident(), other)
    claims["stix"]["objects"][1].value["modified"] = MODIFIED
    assert reason(claims) == "not-withholdable"


MARK = {"selectors": ["name"], "marking_ref": TLP_IDS[Tlp.AMBER]}


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("name", Hidden([Hidden("a")]), "sd-shape"),
        ("x_new", Hidden({"a": Hidden(1)}), "sd-shape"),
        ("x_new", Hidden([{"a": Hidden(1)}]), "sd-shape"),
        ("labels", Hidden([Hidden("a"), Hidden({"b": Hidden(1)})]), "sd-shape"),
        ("labels", Hidden([{"b": Hidden(1)}]), "sd-shape"),
        ("description", Hidden([Hidden([0, 2, Hidden("a")]), Hidden([1, 2, "b"])]), "segments"),
        ("object_marking_refs", [TLP_IDS[Tlp.GREEN], Hidden(MARK)], "sd-shape"),
        # Without this, a marking could be withheld and nobody would know.
        ("granular_markings", [MARK, Hidden(MARK)], "sd-shape"),
        ("granular_markings", [MARK | {"selectors": ["name", Hidden("id")]}], "sd-shape"),
        ("extensions", {INCIDENT_CORE: {"scores": Hidden([Hidden(1)])}}, "sd-shape"),
        ("extensions", {INCIDENT_CORE: {"scores": Hidden({"a": Hidden(1)})}}, "sd-shape"),
        ("extensions", {"unknown": Hidden({"a": Hidden(1)})}, "sd-shape"),
        # Gone as a whole, these look like any property that is withheld.
        ("extensions", Hidden({INCIDENT_CORE: {}}), ""),
        ("extensions", {INCIDENT_CORE: Hidden({"determination": "suspected"})}, ""),
    ],
)  # fmt: skip
def test_a_disclosure_finer_than_the_profile_cuts_is_refused_shown_or_withheld(
    name: str, value: Any, why: str
) -> None:
    whole = mint(bent(**{name: value}))
    assert refusal(whole).reason == "visible-as-disclosure"
    opened = sdjwt.verify(whole, lambda _: CERT_KEY)
    parts = {
        len(d.path): i
        for i, d in enumerate(opened.disclosures)
        if d.path[3:4] == (name,)
    }
    finest = parts[max(parts)]
    less = sdjwt.withhold(opened, set(range(len(opened.disclosures))) - {finest})
    assert refused(less).partition(" at ")[0] == why


@pytest.mark.parametrize(
    "value", [[Hidden(1)], {"a": Hidden(1)}, [], {}, "A Name", "", "a" * 41, 1, None]
)
def test_nothing_but_a_word_stands_where_nothing_can_be_withheld(value: Any) -> None:
    for name in ("determination", "investigation_status", "extension_type"):
        error = refusal(mint(bent(extensions={INCIDENT_CORE: {name: value}})))
        assert error.reason == "bad-property"
        assert error.where == "$.stix.objects[0].extensions"


def test_decoys_are_fine_where_the_profile_cuts() -> None:
    decoy = Hidden("a decoy")
    claims = tree() | {"decoy": decoy}
    claims["stix"]["objects"].append(decoy)
    before = verified(mint(tree())).opened.withheld
    main = main_of(claims)
    main["x_decoy"] = decoy
    main["labels"] = Hidden([*main["labels"].value, decoy])
    main["extensions"]["unknown"] = decoy
    main["extensions"][INCIDENT_CORE]["decoy"] = decoy
    source = entropy()
    payload, texts, _ = concealing.conceal(claims, source)
    # A decoy is the digest of nothing that anybody has.
    kept = [t for t in texts if b"a decoy" not in base64url.decode(t)]
    payload["full"] = fullness(map(sdjwt.digest, kept))
    found = verified(concealing.assemble(HEADER, payload, kept, CERT.sign))
    assert found.complete
    main_place = ("stix", "objects", 0)
    assert found.opened.withheld == {
        (): 1,
        ("stix", "objects"): 1,
        main_place: 1,
        (*main_place, "labels"): before[(*main_place, "labels")] + 1,
        (*main_place, "extensions"): 1,
        (*main_place, "extensions", INCIDENT_CORE): 1,
    }


@pytest.mark.parametrize("value", [["one"], [Hidden("one")], [Decoy()]])
def test_a_list_of_one_needs_no_disclosure_of_its_element(value: Any) -> None:
    found = verified(mint(bent(aliases=Hidden(value))))
    gone = value == [Decoy()]
    assert found.plain[0].get("aliases") == (None if gone else ["one"])


def test_objects_that_are_texts_are_refused() -> None:
    # A list of texts needs no looking into, but these owe their origins.
    for objects in (["a"], ["a", "b"], ["a", *tree()["stix"]["objects"]]):
        error = refusal(mint(tree(stix={"type": "bundle", "objects": objects})))
        assert (error.reason, error.where) == ("not-withholdable", "$.stix.objects[0]")


# -- who created an object


def test_who_created_an_object_is_visible_exactly_if_it_is_the_issuer() -> None:
    other = an_id("identity")
    for creator, value, why in (
        (OWN, OWN, ""),
        (other, Hidden(other), ""),
        (OWN, Hidden(OWN), "visible-as-disclosure"),
        (other, other, "not-withholdable"),
        (OWN.upper(), OWN.upper(), "not-withholdable"),
    ):
        claims = tree(incident(), address(created_by_ref=creator))
        claims["stix"]["objects"][1].value["created_by_ref"] = value
        verdict, _, where = refused(mint(claims)).partition(" at ")
        assert verdict == why
        assert where in ("", "$.stix.objects[1].created_by_ref")


def test_another_organisation_s_identity_is_not_the_issuer_s() -> None:
    claims = tree(incident(created_by_ref=org_identity("platform-lumen")))
    assert verified(mint(claims))
    main_of(claims)["created_by_ref"] = org_identity("platform-lumen")
    assert reason(claims) == "not-withholdable"


# -- texts


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([Hidden(TEXT)], id="a text for a segment"),
        pytest.param([Hidden(TEXT), Hidden(TEXT)], id="texts for segments"),
        pytest.param([Hidden([0, 1, TEXT])], id="one segment alone"),
        pytest.param([Decoy()], id="one segment alone, withheld"),
        pytest.param([Hidden([1, 1, TEXT])], id="a place beyond the count of one"),
        pytest.param(
            [Hidden([0, 2, "a"]), Hidden([2, 2, "b"])], id="a place beyond the count"
        ),
        pytest.param([Hidden([0, 2, TEXT])], id="a segment that never was"),
        pytest.param(
            [Hidden([0, 2, "a"]), Hidden([1, 2, "b"]), Decoy()], id="one too many"
        ),
        pytest.param([Hidden([0, 3, "a"]), Decoy()], id="one too few"),
        pytest.param([], id="no segments, nothing withheld"),
        pytest.param([Hidden([1, 2, "b"]), Hidden([0, 2, "a"])], id="the wrong order"),
        pytest.param([Hidden([0, 2, "a"]), Hidden([0, 2, "b"])], id="a place twice"),
        pytest.param([Hidden([0, 2, "a"]), Hidden([1, 3, "b"])], id="two counts"),
        pytest.param([Hidden([False, 2, "a"]), Decoy()], id="a boolean for a place"),
        pytest.param([Hidden([0, 2.0, "a"]), Decoy()], id="a float for the count"),
        pytest.param([Hidden([0, 2, None]), Decoy()], id="no text"),
        pytest.param([Hidden([0, 2, "a", "b"]), Decoy()], id="four parts"),
    ],
)
def test_a_text_that_is_not_made_of_segments_is_refused(value: Any) -> None:
    error = refusal(mint(bent(description=Hidden(value))))
    assert (error.reason, error.where) == ("segments", "$.stix.objects[0].description")


def test_a_text_of_several_segments_is_joined() -> None:
    parts = [Hidden([0, 2, "It is not confirmed "]), Hidden([1, 2, "yet."])]
    signed = mint(bent(description=Hidden(parts)))
    assert verified(signed).plain[0]["description"] == "It is not confirmed yet."
    place = ("stix", "objects", 0, "description")
    less = verified(cut(signed, (*place, 0)))
    assert less.plain[0]["description"] == "[withheld]yet."


def test_a_text_has_no_decoys_so_that_withheld_is_true() -> None:
    # Two texts that never were one: either alone would seem to lack a neighbour.
    parts = [Hidden([0, 1, "a"]), Hidden([1, 2, "b"])]
    whole = mint(bent(description=Hidden(parts)))
    opened = sdjwt.verify(whole, lambda _: CERT_KEY)
    assert refusal(whole).reason == "segments"
    [second] = [
        i for i, d in enumerate(opened.disclosures) if d.path[-2:] == ("description", 1)
    ]
    less = sdjwt.withhold(opened, set(range(len(opened.disclosures))) - {second})
    assert refusal(less).reason == "segments"


def test_a_boolean_with_the_name_of_a_text_is_believed() -> None:
    # STIX 2.1, Sighting: `summary` is no text.
    sighting = plain_object(
        "sighting", summary=True, sighting_of_ref=an_id("indicator")
    )
    found = verified(token(draft(incident(), sighting)))
    assert sorted(str(o.get("summary")) for o in found.plain) == ["None", "True"]
