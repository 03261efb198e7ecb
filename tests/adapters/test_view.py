"""Views: which facts about a member count, and which records they admit at all."""

import itertools

import msgspec
import pytest

from adapters.view import View, view_of
from broker.signing import Address
from schemas.markings import Tlp
from tests.support.records import CERT, PLATFORM, member
from tests.support.views import AUDIENCES, INCIDENT, NOW_TEXT, POLICY, signed, view

CLEAR, GREEN, AMBER, STRICT, RED = Tlp
tlp_refusal = POLICY.tlp_refusal


def refusal(to, claims):
    return POLICY.refusal(to, claims, now=NOW_TEXT)


EVERYTHING = {"clearance": RED, "addressed": True, "concerned": True}


@pytest.mark.parametrize(
    ("audience", "facts", "highest"),
    [
        ("peer-cert", {}, AMBER),
        ("peer-cert", {"concerned": True}, AMBER),
        ("peer-cert", {"addressed": True}, STRICT),
        ("platform", {}, GREEN),
        ("platform", {"concerned": True}, AMBER),
        ("platform", {"addressed": True}, STRICT),
        ("civil-society", {}, GREEN),
        ("civil-society", {"addressed": True, "concerned": True}, GREEN),
        ("research", {"addressed": True, "concerned": True}, GREEN),
        ("public", {"addressed": True, "concerned": True}, CLEAR),
    ],
)
def test_the_gate_of_the_policy_file_row_by_row(audience, facts, highest):
    to = view(audience, RED, **facts)
    admitted = [tlp for tlp in Tlp if tlp_refusal(to, tlp) is None]
    assert admitted == [tlp for tlp in Tlp if tlp <= highest]


@pytest.mark.parametrize("clearance", Tlp)
def test_nobody_passes_its_clearance_whoever_names_it(clearance):
    for audience in AUDIENCES:
        to = view(audience, clearance, addressed=True, concerned=True)
        for tlp in Tlp:
            if tlp > clearance:
                assert tlp_refusal(to, tlp) == "tlp-clearance"


def test_red_goes_to_nobody():
    for audience in (*AUDIENCES, "research"):
        assert tlp_refusal(view(audience, **EVERYTHING), RED) == "tlp-red"


def test_each_refusal_says_which_rule_it_was():
    assert tlp_refusal(view("platform", RED), AMBER) == "tlp-need-to-know"
    assert tlp_refusal(view("peer-cert", RED), STRICT) == "tlp-addressed-only"


def test_a_stricter_mark_never_admits_more():
    facts = itertools.product(AUDIENCES, Tlp, (False, True), (False, True))
    for audience, clearance, addressed, concerned in facts:
        to = view(audience, clearance, addressed=addressed, concerned=concerned)
        admitted = [tlp_refusal(to, tlp) is None for tlp in Tlp]
        assert admitted == sorted(admitted, reverse=True)


def test_a_record_for_other_communities_is_refused_before_its_mark_is_read():
    record = signed(INCIDENT)
    stranger = view("peer-cert", communities=frozenset({"urn:tocsin:community:x"}))
    assert refusal(stranger, record.claims) == "community"
    assert refusal(view("peer-cert", communities=frozenset()), record.claims)
    assert refusal(view("peer-cert"), record.claims) is None


def test_one_community_in_common_is_enough():
    both = frozenset({"urn:tocsin:community:x", "urn:tocsin:community:all"})
    assert refusal(view("peer-cert", communities=both), signed(INCIDENT).claims) is None


def test_a_kind_with_a_gate_of_its_own_goes_to_whom_it_lets_pass():
    claims = msgspec.structs.replace(signed(INCIDENT).claims, kind="takedown-request")
    for audience in ("peer-cert", "platform"):
        assert refusal(view(audience), claims) == "kind"
        assert refusal(view(audience, concerned=True), claims) == "kind"
        assert refusal(view(audience, addressed=True), claims) is None
    assert refusal(view("civil-society", **EVERYTHING), claims) == "kind"


def test_a_view_holds_what_the_directory_says_of_the_member():
    claims = signed(INCIDENT).claims
    entry = member(CERT, jurisdiction="XA", communities=("urn:tocsin:community:all",))
    assert view_of(entry, claims) == View(
        audience="peer-cert",
        clearance=AMBER,
        communities=frozenset({"urn:tocsin:community:all"}),
        jurisdiction="XA",
    )
    assert view_of(member(CERT, clearance="GREEN"), claims).clearance == GREEN


def test_being_addressed_and_being_concerned_are_two_things():
    entry = member(PLATFORM, audience="platform")
    for claim in ("to", "concerns"):
        address = Address(**{claim: ("platform-lumen",)})
        found = view_of(entry, signed(INCIDENT, address=address).claims)
        assert found.addressed == (claim == "to")
        assert found.concerned == (claim == "concerns")


def test_members_with_equal_facts_have_one_view():
    claims = signed(INCIDENT).claims
    one, other = (view_of(member(s), claims) for s in (CERT, PLATFORM))
    assert one == other
    assert len({one, other}) == 1
