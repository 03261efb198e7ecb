"""What an issuer seals, for whom, and what each of them and everybody else sees."""

import os
from typing import Any

import msgspec
import pytest

from adapters import sealing
from broker import seal
from broker.carried import Carried
from broker.errors import TrustError
from broker.opening import open_sealed
from broker.seal_signing import Kept, Sealed
from broker.signing import Address
from broker.trust import Verified, verify
from schemas.errors import RefusedError, SchemaError
from schemas.markings import TLP_IDS, Tlp
from schemas.profile import INCIDENT_CORE
from tests.support import sealing as scene
from tests.support.records import NOW, address, an_id, incident, plain_object
from tests.support.sealing import BX, CANARY, CV, DIRECTORY, HOST, RED, WATCH, private
from tests.support.views import POLICY, decoded, strings

REST = "Two schools in the town closed early and sent pupils home."
GREEN = [TLP_IDS[Tlp.GREEN]]


def in_the_open(sealed: Sealed) -> Verified:
    return verify(sealed.token, DIRECTORY, now=NOW)


def opened_by(sealed: Sealed, org: str, *, hybrid: bool = False) -> Verified:
    found = in_the_open(sealed)
    parts = seal.check(sealed.parts, found.claims.sealed or ())
    key = private(org, hybrid=hybrid)
    own = seal.only_for(parts, org)
    texts = [seal.open_part(seal.read(each), found.token_id, key) for each in own]
    return verify(sealed.token, DIRECTORY, now=NOW, opened=texts)


def words(token: bytes) -> str:
    return "\n".join(strings(decoded(token)))


def whole(found: Verified) -> str:
    return words(b"~".join([found.opened.jwt, *found.opened.texts, b""]))


def test_what_is_red_is_not_in_the_token_and_comes_back_to_whom_it_is_sealed():
    sealed = scene.sealed()
    found = in_the_open(sealed)
    assert found.complete
    assert {o.type for o in found.objects} == {"incident", "ipv4-addr"}
    assert CANARY not in words(sealed.token)
    got = opened_by(sealed, "cert-bx")
    assert got.complete
    assert CANARY in whole(got)
    assert got.token_id == found.token_id


def test_members_of_one_view_share_a_compartment_and_each_opens_its_own_slot():
    sealed = scene.sealed(to=(BX, CV))
    assert len(sealed.parts) == 1
    for org, hybrid in (("cert-bx", False), ("cert-cv", True)):
        got = opened_by(sealed, org, hybrid=hybrid)
        assert CANARY in whole(got)


def test_references_to_what_is_sealed_are_sealed_with_whoever_needs_them():
    link = plain_object(
        "relationship",
        1,
        relationship_type="related-to",
        source_ref=an_id("incident"),
        target_ref=an_id("indicator", 7),
    )
    report = plain_object(
        "grouping",
        1,
        context="suspicious-activity",
        object_refs=[an_id("incident"), an_id("indicator", 7)],
    )
    sealed = scene.sealed(*scene.red_record(), link, report)
    found, got = in_the_open(sealed), opened_by(sealed, "cert-bx")
    (secret,) = (o.id for o in got.objects if o.type == "indicator")
    assert secret not in words(sealed.token)
    assert "relationship" not in {o.type for o in found.objects}
    (group,) = (o for o in found.objects if o.type == "grouping")
    assert len(group.object_refs) == 1
    (group,) = (o for o in got.objects if o.type == "grouping")
    assert secret in group.object_refs


def test_an_object_with_a_part_marked_red_is_sealed_as_a_whole():
    marked = {"marking_ref": RED[0], "selectors": ["pattern"]}
    green = scene.indicator(object_marking_refs=GREEN, granular_markings=[marked])
    sealed = scene.sealed(incident(), green)
    assert [o.type for o in in_the_open(sealed).objects] == ["incident"]
    assert CANARY in whole(opened_by(sealed, "cert-bx"))


def test_a_member_gets_sealed_no_more_than_the_policy_gives_its_view():
    person = plain_object(
        "identity", 3, name="Ada Zorvelt", identity_class="individual",
        object_marking_refs=RED,
    )  # fmt: skip
    sealed = scene.sealed(*scene.red_record(), person)
    got = opened_by(sealed, "cert-bx")
    assert CANARY in whole(got)
    assert "Zorvelt" not in whole(got)
    assert "individual" in whole(got)


@pytest.mark.parametrize("who", [WATCH, scene.member("cert-bx", clearance="AMBER")])
def test_who_is_not_cleared_or_gets_no_such_marking_gets_nothing_sealed(who: Any):
    with pytest.raises(TrustError) as refused:
        scene.sealed(to=(who,))
    assert (refused.value.reason, refused.value.where) == ("seal-nothing", who.org)


def test_nothing_to_seal_is_said_and_not_signed():
    with pytest.raises(SchemaError, match="nothing-to-seal"):
        scene.sealed(incident(), address())


def test_the_primary_object_is_never_sealed():
    with pytest.raises(SchemaError, match="needs-sealing"):
        scene.sealed(incident(object_marking_refs=RED))


def test_what_is_stricter_than_the_issuer_says_is_sealed_too():
    strict = plain_object(
        "ipv4-addr", 8, value="203.0.113.88",
        object_marking_refs=[TLP_IDS[Tlp.AMBER_STRICT]],
    )  # fmt: skip
    sealed = scene.sealed(incident(), strict, above=Tlp.AMBER)
    assert "203.0.113.88" not in words(sealed.token)
    assert len(opened_by(sealed, "cert-bx").objects) == 2


def test_a_part_opened_into_another_record_is_refused():
    one, other = scene.sealed(), scene.sealed(seed=3)
    with pytest.raises(RefusedError, match="unreferenced-disclosure"):
        verify(other.token, DIRECTORY, now=NOW, opened=one.compartments)


def test_less_than_a_compartment_is_refused():
    sealed = scene.sealed()
    less = [sealed.compartments[0][:-1]]
    with pytest.raises(RefusedError, match="sealed-unknown"):
        verify(sealed.token, DIRECTORY, now=NOW, opened=less)


def test_red_in_the_open_is_refused_though_a_compartment_holds_it():
    sealed = scene.sealed()
    leaked = sealed.token + b"~".join([*sealed.compartments[0], b""])
    with pytest.raises(RefusedError, match="needs-sealing"):
        verify(leaked, DIRECTORY, now=NOW)


def test_facts_are_those_of_what_is_in_the_open():
    place = plain_object("location", 2, country="XB", object_marking_refs=RED)
    sealed = scene.sealed(*scene.red_record(), place)
    assert "XB" not in in_the_open(sealed).claims.countries


def later(sealed: Sealed, who: Any) -> tuple[bytes, ...]:
    known = verify(sealed.token, DIRECTORY, now=NOW, opened=sealed.compartments)
    return sealing.for_later(
        known, sealed.compartments, who, POLICY, entropy=os.urandom, now=NOW
    )


def test_a_member_that_comes_later_gets_a_whole_compartment():
    sealed = scene.sealed()
    assert later(sealed, CV) == sealed.compartments[0]


def test_a_later_member_that_may_not_have_it_gets_none():
    with pytest.raises(TrustError) as refused:
        later(scene.sealed(), WATCH)
    assert (refused.value.reason, refused.value.where) == (
        "seal-no-compartment",
        "watch-civil",
    )


def test_members_whose_views_differ_get_different_compartments():
    red_malware = plain_object(
        "malware", 5, name="Zorvelt kit", is_family=False, object_marking_refs=RED
    )
    sealed = scene.sealed(*scene.red_record(), red_malware, to=(BX, HOST))
    names = {seal.read(each).compartment for each in sealed.parts}
    assert names == set(in_the_open(sealed).claims.sealed or ())
    assert len(names) == len(sealed.compartments)


def test_a_record_that_names_nothing_but_what_is_sealed_cannot_be_sealed():
    lone = plain_object(
        "grouping",
        1,
        context="suspicious-activity",
        object_refs=[an_id("indicator", 7)],
        object_marking_refs=GREEN,
    )
    with pytest.raises(SchemaError, match="needs-sealing"):
        scene.sealed(lone, scene.indicator())


def test_nothing_is_sealed_to_a_member_that_the_record_is_not_for():
    other = scene.member("cert-bx", communities=("urn:tocsin:community:other",))
    with pytest.raises(TrustError, match="seal-nothing"):
        scene.sealed(to=(other,))


def test_one_reference_alone_is_sealed_as_the_property_that_it_is():
    note = plain_object(
        "note", 4, content="See this.", object_refs=[an_id("indicator", 7)]
    )
    sealed = scene.sealed(*scene.red_record(), note)
    assert "note" not in {o.type for o in in_the_open(sealed).objects}
    assert "note" in {o.type for o in opened_by(sealed, "cert-bx").objects}


def test_a_later_member_gets_the_rest_as_the_hub_would_cut_it():
    sealed = scene.sealed()
    known = verify(sealed.token, DIRECTORY, now=NOW, opened=sealed.compartments)
    given = sealing.open_for(known, CV, POLICY, os.urandom, NOW)
    assert CANARY not in words(given)
    assert verify(given, DIRECTORY, now=NOW).token_id == known.token_id


def test_what_is_kept_is_read_again_and_nothing_else_is():
    kept = Kept.of(scene.sealed())
    assert Kept.decode(kept.encode()) == kept
    for other in (b"", b"{}", b'{"token":"a","compartments":[],"more":1}', b"\xff"):
        with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
            Kept.decode(other)


def test_a_part_for_nobody_else_opens_only_with_a_key_that_it_names():
    sealed = scene.sealed()
    record = Carried(sealed.token, (), sealed.parts)
    old, own = private("cert-bx", number=2), private("cert-bx")
    assert CANARY in whole(open_sealed(record, DIRECTORY, [old, own], now=NOW))
    with pytest.raises(TrustError, match="sealed-for-others"):
        open_sealed(record, DIRECTORY, [old], now=NOW)
    stray = Carried(sealed.token, (), scene.sealed(seed=3).parts)
    with pytest.raises(TrustError, match="sealed-unknown"):
        open_sealed(stray, DIRECTORY, [own], now=NOW)


def red_address() -> dict[str, Any]:
    return plain_object("ipv4-addr", 7, value=CANARY, object_marking_refs=RED)


def test_a_sentence_that_repeats_what_is_sealed_is_sealed_alone():
    told = f"The traffic came from {CANARY} on Monday morning. {REST}"
    sealed = scene.sealed(incident(description=told), red_address(), *hosts())
    assert CANARY not in words(sealed.token)
    (main,) = (o for o in in_the_open(sealed).objects if o.type == "incident")
    assert main.description == f"[withheld]{REST}"


def hosts() -> tuple[dict[str, Any], ...]:
    """Something RED that the policy gives a peer, so that sealing has a reader."""
    return (scene.indicator("198.51.100.9", id=an_id("indicator", 9)),)


def test_a_property_that_repeats_what_is_sealed_is_sealed_with_it():
    note = plain_object(
        "note", 3, content="Look.", abstract=CANARY, object_refs=[an_id("incident")]
    )
    sealed = scene.sealed(incident(), note, red_address(), *hosts())
    assert CANARY not in words(sealed.token)
    (found,) = (o for o in in_the_open(sealed).objects if o.type == "note")
    assert not found.abstract


def test_what_is_to_be_sealed_must_not_name_the_record():
    named = incident(name=f"Attack by {CANARY}")
    with pytest.raises(SchemaError) as refused:
        scene.sealed(named, red_address(), *hosts())
    assert (refused.value.reason, refused.value.where) == (
        "seal-repeated",
        "incident.name",
    )


def test_what_is_to_be_sealed_must_not_stand_where_nothing_can_be():
    taken = plain_object("tool", 2, name="A tool", lang="en")
    red = plain_object(
        "identity", 5, name="Zorvelt Institute", identity_class="organization",
        object_marking_refs=RED,
    )  # fmt: skip
    address = Address(
        communities=("urn:tocsin:community:zorvelt-institute",), to=("cert-bx",)
    )
    with pytest.raises(SchemaError, match=r"seal-repeated"):
        scene.sealed(incident(), taken, red, *hosts(), address=address)


def test_what_is_taken_for_a_claim_or_a_word_cannot_be_sealed():
    core = {
        "extension_type": "property-extension",
        "determination": "zorvelt-institute",
    }
    red = plain_object(
        "identity", 5, name="Zorvelt Institute", identity_class="organization",
        object_marking_refs=RED,
    )  # fmt: skip
    named = incident(extensions={INCIDENT_CORE: core})
    with pytest.raises(SchemaError) as refused:
        scene.sealed(named, red, *hosts())
    assert (refused.value.reason, refused.value.where) == (
        "seal-repeated",
        "incident.extensions",
    )


def test_another_number_than_the_one_that_is_sealed_stays_in_the_open():
    red = plain_object(
        "note", 5, content="Call +41 79 123 45 67 at night.",
        object_refs=[an_id("incident")], object_marking_refs=RED,
    )  # fmt: skip
    told = incident(description="The desk has the number +41 44 668 18 00 by day.")
    sealed = scene.sealed(told, red, *hosts())
    assert "668 18 00" in words(sealed.token)
    assert "123 45 67" not in words(sealed.token)
