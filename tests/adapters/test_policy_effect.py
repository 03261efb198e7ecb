"""What another policy would show or hide: the same as redacting twice and looking."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.policy import Policy
from adapters.policy_effect import (
    WHOLE_RECORD,
    Effect,
    PartChange,
    effect,
    seen,
)
from adapters.projection import EXTENSION_ID
from adapters.redaction import NotGivenError
from adapters.view import View, audience_view
from broker.directory import DEFAULT_CLEARANCE
from broker.trust import Verified
from schemas import profile
from schemas.markings import Tlp
from tests.support.policy_files import GATES, compiled, gate, row, shipped
from tests.support.views import (
    AUTHOR,
    CIVIL,
    INCIDENT,
    MALWARE,
    NOW_TEXT,
    PEER,
    PERSON,
    PLATFORM,
    POLICY,
    SAMPLES,
    cut,
    link,
    new,
    opened,
    sample,
    signed,
)


@cache
def policy(*titles: str, **columns: Any) -> Policy:
    return Policy(shipped(*titles, **columns), "x")


def dropped() -> Policy:
    return policy("Labels", civil_society="drop")


@cache
def kept() -> Policy:
    text = shipped(
        "Labels", platform="keep", civil_society="keep", only=None,
        without=["harmless-labels"],
    )  # fmt: skip
    return Policy(text, "x")


def tried(
    verified: Verified, to: View, one: Policy, other: Policy
) -> dict[tuple[str, str], PartChange]:
    """What changes, by type and property."""
    found = effect_of(verified, to, one, other)
    return {(part.object_type, part.property): part for part in found.parts}


def effect_of(verified: Verified, to: View, one: Policy, other: Policy) -> Effect:
    return effect(verified, to, one, other, author=AUTHOR, now=NOW_TEXT)


# ------------------------------------------------------------- by the shipped samples


@pytest.mark.parametrize("name", SAMPLES)
def test_the_same_policy_changes_nothing(name: str):
    for audience in DEFAULT_CLEARANCE:
        to = audience_view(audience, sample(name).claims)
        found = effect_of(sample(name), to, POLICY, POLICY)
        assert (found.parts, found.is_given, found.is_refused) == ((), False, False)


def test_labels_that_civil_society_gets_no_more_are_hidden():
    found = tried(sample("election-leak"), CIVIL, POLICY, dropped())
    assert set(found) == {("incident", "labels")}
    part = found["incident", "labels"]
    assert (part.change, part.title) == ("hidden", "Labels")
    assert (part.before, part.after, part.is_part) == ("signed", "nothing", False)
    assert not tried(sample("election-leak"), PEER, POLICY, dropped())


def test_labels_that_no_list_bounds_any_more_are_shown():
    verified = signed(INCIDENT | {"labels": ["phishing", "of-the-old-faith"]})
    found = tried(verified, CIVIL, POLICY, kept())
    part = found["incident", "labels"]
    assert (part.change, part.title, part.is_part) == ("shown", "Labels", True)
    back = tried(verified, CIVIL, kept(), POLICY)["incident", "labels"]
    assert (back.change, back.before, back.after) == ("hidden", "signed", "signed")
    assert "old-faith" not in str(found)


# ------------------------------------------------------------- held against the outcome

Atoms = set[tuple[str, str, int]]


def looked_at(verified: Verified, to: View, with_policy: Policy) -> tuple[Atoms, dict]:
    """What the evidence says when it is verified again, and what the projection made."""
    try:
        redacted = cut(verified, to, with_policy)
    except NotGivenError:
        return set(), {}
    again = opened(redacted.evidence)
    atoms: Atoms = set()
    for one, plain, origin in zip(
        again.objects, again.plain, again.origins, strict=True
    ):
        atoms.add((one.id, "", -1))
        for place, _ in profile.places(plain.items()):
            if origin.slot(place) is not None:
                atoms.add((one.id, profile.spell(place), -1))
    values = sorted(
        (each["type"], name, json.dumps(_value(each, name)))
        for each in json.loads(redacted.projection)["objects"]
        for said in [each.get("extensions", {}).get(EXTENSION_ID, {})]
        for name in said.get("made", [])
    )
    return atoms, dict.fromkeys(values)


def _value(one: dict[str, Any], name: str) -> Any:
    value: Any = one
    for part in profile.place_of(name):
        value = value[part]
    return value


VARIANTS = [
    lambda: POLICY,
    dropped,
    kept,
    lambda: policy("The name of an organisation", platform="keep", civil_society="drop"),
    lambda: policy("An attacker's domain or page", civil_society="pseudonymise"),
    lambda: policy("The title of a case", platform="drop", civil_society="drop"),
    lambda: policy("Descriptions", platform="mask", civil_society="mask"),
    lambda: policy("When an object was written and changed", civil_society="drop"),
    lambda: policy("The name of a private person", peer_cert="keep", platform="keep"),
    lambda: policy("The steps of an attack flow", "The kind of story", platform="drop", civil_society="drop"),
]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(SAMPLES),
    st.sampled_from(list(DEFAULT_CLEARANCE)),
    st.sampled_from(VARIANTS),
    st.sampled_from(VARIANTS),
    st.booleans(),
)
def test_what_is_shown_and_hidden_is_the_difference_of_the_redactions(
    name: str, audience: Any, one: Any, other: Any, concerned: bool
):
    verified = sample(name)
    to = audience_view(audience, verified.claims, concerned=concerned)
    before, made_before = looked_at(verified, to, one())
    after, made_after = looked_at(verified, to, other())
    found = effect_of(verified, to, one(), other()).parts
    of_signed = [part for part in found if "signed" in (part.before, part.after)]
    whole = [part for part in of_signed if part.before != part.after]
    shown = {(p.object_id, p.property, -1) for p in whole if p.after == "signed"}
    hidden = {(p.object_id, p.property, -1) for p in whole if p.before == "signed"}
    assert shown == after - before
    assert hidden == before - after
    assert {p.change for p in whole if p.after == "signed"} <= {"shown"}
    assert {p.change for p in whole if p.before == "signed"} <= {"hidden"}
    if not found:
        assert made_before == made_after
    turned = effect_of(verified, to, other(), one()).parts
    opposite = {"shown": "hidden", "hidden": "shown", "changed": "changed"}
    assert {(p.object_id, p.property, opposite[p.change]) for p in turned} == {
        (p.object_id, p.property, p.change) for p in found
    }


# ----------------------------------------------------------------- kinds of changes


def row_change(before: str, after: str, to: View = PLATFORM) -> Any:
    def made(word: str) -> Policy:
        return compiled(
            row("incident campaign", "name", *["keep"] * 3),
            row("*", "type id spec_version object_marking_refs", *["keep"] * 3),
            row("campaign", "objective", "keep", word, "drop"),
        )

    verified = signed(INCIDENT, new("campaign", objective="To win a vote."))
    return tried(verified, to, made(before), made(after)).get(("campaign", "objective"))


def test_a_made_value_that_comes_or_goes():
    came = row_change("drop", "pseudonymise")
    assert came is not None
    assert (came.change, came.before, came.after) == ("shown", "nothing", "made")
    went = row_change("pseudonymise", "drop")
    assert went is not None
    assert (went.change, went.before, went.after) == ("hidden", "made", "nothing")
    assert row_change("drop", "generalise") is None  # nothing coarse can be said


def test_an_exact_value_that_becomes_a_made_one_is_hidden():
    found = row_change("keep", "pseudonymise")
    assert found is not None
    assert (found.change, found.before, found.after) == ("hidden", "signed", "made")
    assert found.title == "A row of a test"


def test_a_value_that_is_written_safely_is_changed_and_has_the_title_of_its_row():
    url = new("url")
    verified = signed(INCIDENT, MALWARE, url, link(MALWARE, "communicates-with", url))
    title = "An attacker's domain or page"
    safe = policy(title, platform="defang", civil_society="defang")
    part = tried(verified, PLATFORM, POLICY, safe)["url", "value"]
    assert (part.change, part.title) == ("changed", title)
    back = tried(verified, PLATFORM, safe, POLICY)["url", "value"]
    assert (back.change, back.title) == ("changed", title)


def test_what_waits_for_persons_is_told():
    assert row_change("keep", "hold").after == "waits"
    came, went = row_change("drop", "hold"), row_change("hold", "drop")
    assert (came.change, came.before, came.after) == ("changed", "nothing", "waits")
    assert (went.change, went.before, went.after) == ("changed", "waits", "nothing")
    assert came.title == "A row of a test"
    made = row_change("hold", "pseudonymise")
    assert (made.change, made.before, made.after) == ("shown", "waits", "made")


def test_what_becomes_coarser_still_is_changed():
    verified = sample("election-leak")
    text = shipped().decode().replace('time = "hour"', 'time = "day"')
    found = effect_of(verified, PLATFORM, POLICY, Policy(text.encode(), "x"))
    assert {part.change for part in found.parts} == {"changed"}
    assert "When an object was written and changed" in {p.title for p in found.parts}


def test_what_goes_along_says_why_it_goes():
    identity = "The name of an organisation"
    found = effect_of(
        sample("bank-phishing-correction"), CIVIL, POLICY,
        policy(identity, civil_society="drop"),
    )  # fmt: skip
    titles = {part.title for part in found.parts}
    assert identity in titles
    assert "What is incomplete without something withheld" in titles
    assert "What refers to something withheld" in titles


def test_a_limit_gives_its_own_title():
    verified = signed(INCIDENT, new("note", content="Words.", object_refs=[INCIDENT["id"]]))  # fmt: skip
    law = View(
        audience="peer-cert", clearance=Tlp.AMBER,
        communities=frozenset(verified.claims.aud), jurisdiction="DE",
    )  # fmt: skip
    text = shipped().decode()
    start = text.index('title = "European data-protection law')
    limited = text[:start] + text[start:].replace('at-most = "mask"', 'at-most = "drop"', 1)  # fmt: skip
    found = tried(verified, law, POLICY, Policy(limited.encode(), "x"))
    assert found["note", "content"].title.startswith("European data-protection law")


def test_what_marks_withhold_has_no_row():
    marked = new("tool", labels=["protect:minors"], created_by_ref=PERSON["id"])
    verified = signed(INCIDENT, PERSON, marked)
    text = shipped().decode()
    old = 'mark = "protect:minors"\npeer-cert = "nobody"'
    assert old in text
    loose = Policy(text.replace(old, old.replace("nobody", "cleared")).encode(), "x")
    found = tried(verified, PEER, POLICY, loose)
    assert found["tool", ""].title == "What its marks withhold"
    assert found["tool", ""].change == "shown"


# ------------------------------------------------------------------ as a whole


def test_a_record_is_given_or_refused_as_a_whole():
    verified = signed(INCIDENT, tlp=Tlp.AMBER)
    rows = row("incident", "name", *["keep"] * 3)
    closed = compiled(rows)
    amber = gate("TLP:AMBER", "cleared", "affected", "nobody")
    wide = compiled(
        rows,
        gates=GATES.replace(amber, gate("TLP:AMBER", "cleared", "cleared", "nobody")),
    )
    to = audience_view("platform", verified.claims)
    to = View(audience="platform", clearance=Tlp.AMBER, communities=to.communities)
    given_now = effect_of(verified, to, closed, wide)
    assert (given_now.is_given, given_now.is_refused) == (True, False)
    assert (given_now.refused_before, given_now.refused_after) == (
        "tlp-need-to-know",
        "",
    )
    assert {part.title for part in given_now.parts} == {WHOLE_RECORD}
    assert given_now.count("shown") == len(given_now.parts) > 0
    refused = effect_of(verified, to, wide, closed)
    assert (refused.is_given, refused.is_refused) == (False, True)
    assert refused.count("hidden") == len(given_now.parts)
    assert refused.count("shown") == refused.count("changed") == 0


def test_what_is_refused_under_both_does_not_change():
    verified = signed(INCIDENT, tlp=Tlp.AMBER)
    found = effect_of(verified, CIVIL, POLICY, dropped())
    assert (found.parts, found.is_given, found.is_refused) == ((), False, False)
    assert found.refused_before == found.refused_after == "tlp-clearance"
    nothing = seen(verified, CIVIL, POLICY, author=AUTHOR, now=NOW_TEXT)
    assert nothing.state((INCIDENT["id"], "")) == "nothing"


def test_an_audience_has_its_own_clearance_if_no_other_is_asked_for():
    claims = sample("election-leak").claims
    to = audience_view("public", claims, jurisdiction="SG", addressed=True)
    assert (to.clearance, to.jurisdiction) == (Tlp.CLEAR, "SG")
    assert (to.addressed, to.concerned) == (True, False)
    assert to.communities == {*claims.aud}
    assert audience_view("public", claims, clearance="RED").clearance == Tlp.RED
