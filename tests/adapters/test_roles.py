"""Roles: what relations say about who attacks and who was attacked."""

import pytest

from adapters.roles import attackers, role_of, victims
from schemas import stix
from tests.support.views import BANK, INCIDENT, MALWARE, PERSON, POLICY, link, new

ADDRESS = new("ipv4-addr")
SERVERS = new("infrastructure")


def decoded(*objects):
    return [stix.decode_object(one) for one in objects]


def attacking(*objects):
    found = decoded(*objects)
    return attackers(found, victims(found))


@pytest.mark.parametrize(
    "kind",
    [
        "campaign", "indicator", "infrastructure", "intrusion-set", "malware",
        "threat-actor",
    ],
)  # fmt: skip
@pytest.mark.parametrize("observed", ["ipv4-addr", "channel", "media-content"])
def test_what_is_tied_to_an_attack_from_either_side_is_the_attackers(kind, observed):
    bad, seen = new(kind), new(observed)
    assert attacking(bad, seen, link(bad, "uses", seen)) == {seen["id"]}
    assert attacking(bad, seen, link(seen, "related-to", bad)) == {seen["id"]}


@pytest.mark.parametrize(
    "objects",
    [
        [ADDRESS],
        [ADDRESS, INCIDENT, link(INCIDENT, "related-to", ADDRESS)],
        [ADDRESS, PERSON, link(PERSON, "owns", ADDRESS)],
        [ADDRESS, link(MALWARE, "uses", ADDRESS)],  # the malware is not there
        [ADDRESS, MALWARE, link(MALWARE, "uses", ADDRESS, revoked=True)],
        [ADDRESS, MALWARE | {"revoked": True}, link(MALWARE, "uses", ADDRESS)],
        [
            ADDRESS,
            new("indicator", indicator_types=["benign", "anomalous-activity"]),
            link(new("indicator"), "based-on", ADDRESS),
        ],
    ],
)
def test_what_is_tied_to_no_attack_is_not_the_attackers(objects):
    assert attacking(*objects) == frozenset()


@pytest.mark.parametrize("word", ["targets", "impacts", "located-at", "compromises"])
def test_who_is_attacked_is_a_victim_whatever_else_is_said(word):
    objects = [ADDRESS, MALWARE, link(MALWARE, word, ADDRESS)]
    assert attacking(*objects) == frozenset()
    assert attacking(*objects, link(MALWARE, "uses", ADDRESS)) == frozenset()


def test_a_victim_may_be_the_source_of_the_relation():
    objects = [ADDRESS, MALWARE, link(ADDRESS, "victim-of", INCIDENT)]
    assert attacking(*objects, link(MALWARE, "uses", ADDRESS)) == frozenset()


def test_what_the_attacked_own_is_theirs_and_what_attackers_own_is_not():
    owned = [ADDRESS, SERVERS, BANK, link(SERVERS, "consists-of", ADDRESS)]
    assert attacking(*owned) == {ADDRESS["id"]}
    assert attacking(*owned, link(BANK, "owns", SERVERS)) == frozenset()
    actor = new("threat-actor")
    assert attacking(*owned, actor, link(actor, "owns", SERVERS)) == {ADDRESS["id"]}


def test_the_victims_own_infrastructure_does_not_attack():
    objects = [SERVERS, ADDRESS, link(SERVERS, "consists-of", ADDRESS)]
    assert attacking(*objects, link(INCIDENT, "impacts", SERVERS)) == frozenset()


def test_a_relation_that_is_not_given_ties_nothing_but_its_victim_stays_one():
    everything = decoded(ADDRESS, MALWARE, link(MALWARE, "targets", ADDRESS))
    given = decoded(ADDRESS, MALWARE, link(MALWARE, "uses", ADDRESS))
    assert attackers(given, victims(everything)) == frozenset()
    assert attackers(given[:2], victims([])) == frozenset()


@pytest.mark.parametrize(
    ("identity_class", "role"),
    [
        ("individual", "individual"),
        ("unknown", "individual"),
        ("Organization", "individual"),  # no word of the list
        (None, "individual"),
        ("organization", "organisation"),
        ("group", "organisation"),
        ("class", "organisation"),
        ("system", "organisation"),
    ],
)
def test_an_identity_is_a_person_unless_its_class_says_otherwise(identity_class, role):
    (one,) = decoded(new("identity", identity_class=identity_class))
    assert role_of(one, "identity", frozenset(), "", POLICY.words) == role


def test_only_what_can_be_somebodys_has_a_role():
    for kind in ("incident", "malware", "relationship", "tool"):
        one = stix.decode_object(new(kind))
        assert role_of(one, kind, frozenset({one.id}), "", POLICY.words) == ""
    (address,) = decoded(ADDRESS)
    assert role_of(address, "ipv4-addr", frozenset(), "", POLICY.words) == "unknown"
    assert (
        role_of(address, "ipv4-addr", frozenset({address.id}), "", POLICY.words)
        == "attacker"
    )


def named(list_name):
    words = {"protected": {"journalist", "parody"}, "public-roles": {"minister"}}
    return frozenset(words.get(list_name, ()))


def role(one, kind=None, issuer="", attackers=frozenset()):
    [found] = decoded(one)
    return role_of(found, kind or found.type, attackers, issuer, named)


def test_the_issuers_own_identity_is_the_issuer_whatever_it_says_of_itself():
    own = new("identity", identity_class="organization", roles=["journalist"])
    assert role(own, issuer=own["id"]) == "issuer"
    assert role(PERSON, issuer=own["id"]) == "individual"


@pytest.mark.parametrize(
    "one",
    [
        new("identity", labels=["journalist"]),
        new("identity", roles=["cook", " Journalist "]),
        new("identity", roles=["minister", "journalist"]),
        new("channel", channel_types=["parody"]),
        new("narrative", narrative_types=["parody"]),
        new("tool", labels=["Parody "]),
    ],
)
def test_who_says_a_protected_word_of_itself_is_protected(one):
    assert role(one) == "protected"
    assert role(one, attackers={one["id"]}) == "protected"


def test_an_organisation_is_one_even_if_it_says_a_protected_word():
    paper = new("identity", identity_class="organization", labels=["journalist"])
    assert role(paper) == "organisation"


def test_an_office_makes_an_identity_public_and_nothing_else():
    assert role(new("identity", roles=["cook", "Minister"])) == "public-role"
    assert role(new("identity", labels=["minister"])) == "public-role"
    assert role(new("channel", labels=["minister"])) == "ordinary"


def test_what_says_nothing_of_itself_has_no_such_role():
    assert role(new("identity", x_roles=["journalist"])) == "individual"
    assert role(new("tool", description="journalist")) == ""


@pytest.mark.parametrize("kind", ["channel", "media-content", "user-account"])
def test_accounts_and_media_are_operated_by_who_attacks_or_ordinary(kind):
    one = new(kind)
    assert role(one, attackers={one["id"]}) == "operated"
    assert role(one, attackers={"channel--x"}) == "ordinary"
