"""What persons agree to show is shown, and nothing that they did not agree to.

An agreement counts for parts that the policy holds and lifts nothing else: what passes
then passes a policy without holds as well. What was withheld only because it repeats,
names or needs an approved part comes along with it.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.cuts import Part
from adapters.policy import Policy
from adapters.redaction import NotGivenError, Redacted
from adapters.view import View
from broker.trust import Verified
from schemas import profile, stix
from tests.support.policy_files import without_holds
from tests.support.tangles import parts_of, tangles, views
from tests.support.views import (
    INCIDENT,
    PEER,
    PERSON,
    PLATFORM,
    POLICY,
    POLICY_FILE,
    SAMPLES,
    VIEWS,
    cut,
    disclosures,
    link,
    new,
    opened,
    projected,
    sample,
    seen,
    signed,
)

LIFTED = without_holds(POLICY_FILE.read_text("utf-8"))
# What follows from what else is shown.
FOLLOWS = {"guard", "reference-withheld", "required-withheld", "marking-withheld"}
# Of these more is shown when a tie to an attacker is.
TIED = stix.OBSERVABLE_TYPES | {"channel", "media-content"}
laws = settings(max_examples=50, derandomize=True)
chances = st.randoms(use_true_random=False)


def outcome(
    record: Verified, to: View, approved: Any = frozenset(), policy: Policy = POLICY
) -> Redacted | None:
    try:
        return cut(record, to, policy, approved=approved)
    except NotGivenError:
        return None


def held(record: Verified, to: View) -> set[Part]:
    """All that the policy holds, also what it holds once something else was agreed to."""
    found: set[Part] = set()
    while True:
        redacted = outcome(record, to, found)
        more = {c.part for c in redacted.cuts if c.approvals} if redacted else set()
        if more <= found:
            return found
        found |= more


def some(record: Verified, chance: Any) -> set[Part]:
    return {part for part in parts_of(record) if chance.random() < 0.5}


def parts_shown(redacted: Redacted | None) -> set[Part]:
    shown = [] if redacted is None else opened(redacted.evidence).plain
    return {
        (one["id"], profile.spell(place))
        for one in shown
        for place, _ in profile.places(one.items())
    }


@given(tangles(), views, chances)
@laws
def test_agreeing_to_what_is_not_held_changes_nothing(objects, to, chance):
    record = signed(*objects, primary=INCIDENT["id"])
    approved = some(record, chance)
    one = outcome(record, to, approved)
    other = outcome(record, to, approved & held(record, to))
    assert (one is None) == (other is None)
    if one is not None:
        assert (one.evidence, one.projection) == (other.evidence, other.projection)


@given(tangles(), views, chances)
@laws
def test_an_agreement_shows_nothing_that_is_withheld_without_holds(objects, to, chance):
    record = signed(*objects, primary=INCIDENT["id"])
    redacted = outcome(record, to, some(record, chance))
    if redacted is not None:
        most = outcome(record, to, policy=LIFTED)
        assert disclosures(redacted) <= disclosures(most)


@given(tangles(), views, chances)
@laws
def test_an_agreement_shows_no_part_that_waits_for_another(objects, to, chance):
    record = signed(*objects, primary=INCIDENT["id"])
    waits = held(record, to)
    approved = {part for part in waits if chance.random() < 0.5}
    before, after = outcome(record, to), outcome(record, to, approved)
    shown = parts_shown(after)
    for stix_id, place in waits - approved:
        if place:
            assert (stix_id, place) not in shown
        else:
            assert stix_id not in {each for each, _ in shown}
    if before is None:
        return
    kinds = {plain["id"]: plain["type"] for plain in record.plain}
    why: dict[Part, set[str]] = {}
    for each in before.cuts:
        why.setdefault(each.part, set()).add(each.reason)
    for stix_id, place in shown - parts_shown(before):
        lost = why.get((stix_id, place), set()) | why.get((stix_id, ""), set())
        assert (
            {(stix_id, place), (stix_id, "")} & approved
            or lost & FOLLOWS
            or kinds[stix_id] in TIED
        ), (stix_id, place, lost)


@given(tangles(), views, chances)
@laws
def test_cutting_again_with_the_same_agreement_changes_nothing(objects, to, chance):
    record = signed(*objects, primary=INCIDENT["id"])
    approved = some(record, chance)
    redacted = outcome(record, to, approved)
    if redacted is None:
        return
    again = outcome(opened(redacted.evidence), to, approved)
    if (parts_shown(redacted) & approved).isdisjoint(names_of_offices(record)):
        assert again.evidence == redacted.evidence
    elif again is not None:
        assert disclosures(again) <= disclosures(redacted)


def names_of_offices(record: Verified) -> set[Part]:
    """A name is given without the office, so a copy does not say why it was."""
    return {(plain["id"], "name") for plain in record.plain if "roles" in plain}


@pytest.mark.parametrize("to", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_keep_these_laws(name, to):
    record = sample(name)
    everything = cut(record, to, approved=set(parts_of(record)))
    assert everything.evidence == cut(record, to, approved=held(record, to)).evidence
    assert disclosures(everything) <= disclosures(cut(record, to, LIFTED))
    again = cut(opened(everything.evidence), to, approved=set(parts_of(record)))
    assert again.evidence == everything.evidence


MINISTER = new("identity", "Brenn Osgathe", roles=["minister"])


def test_one_name_is_agreed_to_and_the_other_is_not():
    other = new("identity", "Ina Solbec", roles=["judge"])
    record = signed(INCIDENT, MINISTER, other, PERSON)
    first = next(o.id for o in record.objects if o.roles == ("minister",))
    text = seen(cut(record, PEER, approved={(first, "name")}))
    assert "Osgathe" in text
    assert "Solbec" not in text
    assert "Temcott" not in text


def test_a_sentence_withheld_for_a_name_alone_comes_with_the_name():
    case = INCIDENT | {"description": "Brenn Osgathe and Ilvara Temcott met."}
    advice = new("course-of-action", description="Brenn Osgathe was asked.")
    record = signed(case, advice, MINISTER, PERSON)
    [waits] = held(record, PEER)
    assert "Osgathe" not in seen(cut(record, PEER))
    text = seen(cut(record, PEER, approved={waits}))
    assert "Brenn Osgathe was asked." in text
    assert "Temcott" not in text  # nobody has agreed to name her


def test_an_accusation_agreed_to_ties_what_it_is_about():
    actor, page = new("threat-actor", "Hollow Reed"), new("domain-name")
    record = signed(INCIDENT, actor, page, link(actor, "uses", page))
    assert projected(cut(record, PLATFORM), "domain-name") == []
    [waits] = held(record, PLATFORM)
    [shown] = projected(cut(record, PLATFORM, approved={waits}), "domain-name")
    assert shown["value"] == page["value"]
