"""Reviews: bound to token, policy, view and part; persons agree, each once, in time."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import reviewing
from adapters.reviewing import Statement, Waiting, review_of, state_of, waiting_in
from broker import base64url
from broker.errors import TrustError
from schemas.markings import Tlp
from tests.support import records
from tests.support.reviews import ANA, DAY, REVIEWERS, waiting
from tests.support.views import (
    INCIDENT,
    NOW,
    PLATFORM,
    POLICY,
    cut_new,
    new,
    view,
)


def said(by="ana", decision="approve", at=NOW):
    return Statement(by, int(at), "A" * 43, decision)


def test_what_the_policy_holds_waits_and_says_for_what():
    found = waiting()
    assert found.part[0].startswith("threat-actor--")
    assert found.part[1] == "name"
    assert (found.needed, found.title) == (1, "The name of an accused")
    assert found.view == PLATFORM
    assert found.due == NOW + 7 * DAY
    assert found.policy_sha256 == POLICY.sha256
    assert found.object_type == "threat-actor"


def test_what_protects_somebody_waits_as_a_whole():
    mark = "marking-definition--6f0f5f0b-1d5e-4d0a-8c0e-94d4bb3b2a52"
    note = new("note", "x", object_refs=[INCIDENT["id"]], object_marking_refs=[mark])
    redacted = cut_new(view("peer-cert"), INCIDENT, note, primary=INCIDENT["id"])
    [found] = waiting_in(redacted, POLICY, now=NOW)
    assert (found.part[1], found.needed) == ("", 2)
    assert found.title == "What protects somebody"


OTHERS = {
    "token_id": "B" * 43,
    "policy_sha256": "0" * 64,
    "view": view("platform", Tlp.GREEN, concerned=True),
    "part": ("threat-actor--x", "name"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_an_agreement_is_bound_to_all_that_it_is_about(name):
    assert waiting().review != waiting(**{name: OTHERS[name]}).review
    assert len(waiting().review) == 43


def test_views_with_the_same_communities_in_another_order_are_one():
    one, other = (
        view("platform", communities=frozenset(order))
        for order in (["urn:a", "urn:b"], ["urn:b", "urn:a"])
    )
    assert review_of("t", "p", one, ("a", "b")) == review_of(
        "t", "p", other, ("a", "b")
    )


# ---------------------------------------------------------------------- where it stands


@pytest.mark.parametrize(
    ("needed", "statements", "later", "state"),
    [
        (1, [], 0, "waiting"),
        (1, [said()], 0, "approved"),
        (2, [said()], 0, "waiting"),
        (2, [said(), said()], 0, "waiting"),  # one person counts once
        (2, [said(), said("ben")], 0, "approved"),
        (2, [said(), said("ben", "reject")], 0, "rejected"),
        (1, [said(decision="reject")], 0, "rejected"),
        (1, [], 7 * DAY, "lapsed"),
        (1, [], 7 * DAY - 1, "waiting"),
        (1, [said(at=NOW + 7 * DAY)], 7 * DAY, "lapsed"),  # too late
        (1, [said(at=NOW + 7 * DAY - 1)], 8 * DAY, "approved"),
    ],
)
def test_it_is_shown_only_when_enough_persons_agreed_in_time(
    needed, statements, later, state
):
    assert state_of(waiting(needed=needed), statements, now=NOW + later) == state


@given(
    st.integers(1, 4),
    st.lists(
        st.builds(
            said,
            st.sampled_from(["ana", "ben", "cleo"]),
            st.sampled_from(["approve", "reject"]),
        ),
        max_size=6,
    ),
    st.integers(0, 20 * DAY),
)
def test_time_alone_never_shows_anything(needed, statements, later):
    state = state_of(waiting(needed=needed), statements, now=NOW + later)
    agreed = {s.iss for s in statements if s.decision == "approve"}
    if state == "approved":
        assert len(agreed) >= needed


# ------------------------------------------------------------------------- statements


def refused(text, reviewers=REVIEWERS, now=NOW):
    with pytest.raises(TrustError) as caught:
        reviewing.verify(text, reviewers, now=now)
    return caught.value.reason


def test_a_statement_is_signed_by_a_known_reviewer():
    text = reviewing.sign("A" * 43, "approve", ANA, now=NOW)
    assert reviewing.verify(text, REVIEWERS, now=NOW) == said()


def test_a_strangers_statement_counts_for_nothing():
    text = reviewing.sign("A" * 43, "approve", records.signer("eve"), now=NOW)
    assert refused(text) == "not-a-reviewer"


def test_a_bent_statement_is_refused():
    header, _, signature = reviewing.sign("A" * 43, "reject", ANA, now=NOW).split(b".")
    other = msgspec.json.encode(said(decision="approve"))
    assert (
        refused(b".".join([header, base64url.encode(other), signature])) == "signature"
    )


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"a.b",
        b"a.b.c",
        b"." * 5000,
        b"AAAA." * 2 + b"AAAA",
    ],
)
def test_what_is_no_statement_is_refused(text):
    assert refused(text) == "review-invalid"


def signed(claims, signer=ANA, typ=reviewing.TYP):
    return reviewing.jws.compact(typ, msgspec.json.encode(claims), signer)


PLAIN = {"iss": "ana", "iat": NOW, "review": "A" * 43, "decision": "approve"}


@pytest.mark.parametrize(
    "text",
    [
        signed(PLAIN, typ="vnd.tocsin.receipt+jwt"),
        signed(PLAIN | {"iss": "ben"}),  # in another's name
        signed(PLAIN | {"iat": NOW + 200}),  # in the future
        signed(PLAIN | {"decision": "perhaps"}),
        signed(PLAIN | {"more": 1}),
        signed(PLAIN | {"review": "A"}),
        signed([PLAIN]),
    ],
)
def test_a_statement_says_exactly_what_it_must(text):
    assert refused(text) == "review-invalid"


def test_a_key_signs_with_its_own_algorithm_alone():
    text = signed(PLAIN)
    head = base64url.encode(
        msgspec.json.encode({"alg": "ES256", "kid": ANA.kid, "typ": reviewing.TYP})
    )
    assert refused(head + b"." + text.split(b".", 1)[1]) == "review-invalid"


def test_its_number_is_the_same_whoever_computes_it():
    found = waiting()
    again = Waiting(**msgspec.structs.asdict(found))
    assert again.review == found.review
