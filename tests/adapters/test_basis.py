"""What a decision rests on, in two digests: they change when it may, and not before."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.basis import Bases, Basis, ends, trust_digest, view_digest
from adapters.interests import EVERYTHING, Interests
from adapters.kept_message import keep, restore
from adapters.reading import Reading
from broker.bus import Message
from broker.seen import HEAD_HEADER
from schemas import timestamps
from schemas.markings import Tlp
from tests.support.deciding import HUB, directory, record
from tests.support.policies import policy as iep
from tests.support.records import key_entry, member, signer
from tests.support.suspended import suspended
from tests.support.views import (
    INCIDENT,
    NOW,
    POLICY,
    marked,
    signed,
    view,
)

ME = member(signer("platform-x"), audience="platform", kinds=())
KNOWN = directory(ME)
DAY = 86_400


def digest(entry=ME, interests=EVERYTHING, policy="p"):
    return view_digest(policy, entry, interests)


@pytest.mark.parametrize(
    "facts",
    [
        {"audience": "civil-society"},
        {"clearance": "CLEAR"},
        {"communities": ("urn:tocsin:community:far",)},
        {"jurisdiction": "XA"},
        {"exercise": True},
        {"country": "XB"},
    ],
    ids=lambda facts: next(iter(facts)),
)
def test_each_fact_of_an_entry_that_a_policy_may_ask_for_counts(facts):
    assert digest(replace(ME, **facts)) != digest()


@pytest.mark.parametrize(
    "facts",
    [
        {"name": "Another"},
        {"contacts": ("desk@example",)},
        {"languages": ("en",)},
        {"receipts": "named"},
        {"kinds": ("incident",)},
        {"keys": ()},
    ],
    ids=lambda facts: next(iter(facts)),
)
def test_what_decides_nothing_does_not(facts):
    assert digest(replace(ME, **facts)) == digest()


def test_policy_and_interests_count():
    assert digest(policy="other") != digest()
    assert digest(interests=Interests(countries=("XA",))) != digest()


def test_who_is_believed_follows_keys_kinds_and_suspensions():
    different = [
        KNOWN,
        directory(ME, member(signer("cert-new"))),
        directory(ME, without="cert-aq"),
        directory(ME, member(keys=(key_entry(revoked_at="2026-12-01T00:00:00Z"),))),
        directory(ME, member(kinds=("campaign",))),
        directory(ME, member(exercise=True)),
        directory(ME, keys=(key_entry(HUB, not_after="2026-12-31T00:00:00Z"),)),
        directory(ME, services=("gate", "adapter")),
        suspended(KNOWN, "cert-aq", NOW),
        suspended(KNOWN, "cert-aq", NOW, NOW + 1),
    ]
    assert len({trust_digest(each) for each in different}) == len(different)


def test_who_only_receives_changes_nothing_for_others():
    reader = member(signer("ngo-a"), audience="civil-society", kinds=(), keys=())
    assert trust_digest(directory(ME, reader)) == trust_digest(KNOWN)
    assert trust_digest(directory(ME)) == trust_digest(KNOWN)


def test_it_is_digested_once_and_again_when_something_is_another_object(monkeypatch):
    calls = []
    monkeypatch.setattr(
        "adapters.basis.trust_digest", lambda d: calls.append(d) or "trust"
    )
    bases = Bases()

    def basis(known=KNOWN, policy="p", entry=ME, wanted=EVERYTHING, now=NOW):
        return Basis(bases.view(policy, entry, wanted), bases.trust(known, now))

    first = basis()
    assert basis() == first
    assert calls == [KNOWN]
    assert basis(policy="q").view != first.view
    assert basis(entry=replace(ME, clearance="CLEAR")).view != first.view
    assert basis(wanted=Interests(kinds=("incident",))).view != first.view
    basis(suspended(KNOWN, "cert-aq", NOW))
    assert len(calls) == 2


def test_a_key_of_the_gate_stops_counting_without_another_directory():
    soon = "2026-12-01T13:00:00Z"
    for known in (
        directory(ME, keys=(key_entry(HUB, revoked_at=soon),)),
        suspended(KNOWN, "hub", timestamps.epoch(soon)),
        suspended(KNOWN, next(iter(KNOWN.services)), timestamps.epoch(soon)),
    ):
        bases = Bases()
        assert bases.trust(known, NOW) != bases.trust(known, timestamps.epoch(soon))


@given(st.text("abcAB19_-/!", max_size=30), st.text("abcAB19_-/!", max_size=30))
def test_a_basis_is_read_as_it_was_written(one, other):
    assert Basis.parse(str(Basis(one, other))) == Basis(one, other)


def test_what_an_older_tocsin_left_equals_no_basis():
    assert Basis.parse("") == Basis("", "")


# --------------------------------------------------------------------------- its end


def end(*objects, to=None, policy=POLICY, now=NOW, **signing):
    return ends(
        Reading(signed(*objects, **signing)), to or view("platform"), policy, now
    )


def test_a_decision_ends_with_the_horizon_of_the_record():
    verified = signed(INCIDENT)
    assert end(INCIDENT) == verified.claims.exp


def test_a_retraction_has_none():
    assert end(INCIDENT | {"revoked": True}) == math.inf


def test_it_ends_where_a_law_ends_the_keeping():
    case = INCIDENT | {"modified": "2025-01-01T00:00:00.000Z"}
    at_law = view("platform", jurisdiction="DE")
    # Five years, says the shipped policy.
    until = timestamps.epoch(case["modified"]) + 1825 * DAY
    reading = Reading(signed(case))
    claims = replace(reading.verified.claims, exp=int(until) + 1)
    reading.verified = replace(reading.verified, claims=claims)
    assert ends(reading, at_law, POLICY, NOW) == until
    assert ends(reading, view("platform"), POLICY, NOW) == until + 1


def test_it_ends_with_the_first_of_the_policies_of_the_record_that_has_not_ended():
    soon = iep(end_date="2026-12-24T00:00:00Z")
    case = marked(INCIDENT, soon["id"])
    assert end(case, soon) == timestamps.epoch("2026-12-24T00:00:00Z")
    over = timestamps.epoch("2026-12-24T00:00:00Z") + 1
    assert end(case, soon, now=over) > over + DAY


# --------------------------------------------------------------------- what is kept


def test_a_message_is_kept_as_it_came_with_its_stamp():
    came = record(INCIDENT, tlp=Tlp.GREEN)
    came = replace(came, headers={**came.headers, HEAD_HEADER: "h", "other": 1})
    found = restore(keep(came))
    assert found.body == came.body
    assert (found.content_type, found.content_encoding) == (
        came.content_type,
        came.content_encoding,
    )
    assert found.message_id == came.message_id
    assert found.headers == {k: v for k, v in came.headers.items() if k != "other"}
    bare = Message(body=b"x", message_id="m", routing_key="r", headers={HEAD_HEADER: 1})
    assert restore(keep(bare)).headers == {}
