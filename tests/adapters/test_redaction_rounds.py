"""Redaction in rounds: roles, guard and cascade, until nothing follows any more."""

import pytest

from adapters import guarding
from adapters.redaction import NotGivenError
from tests.support.views import (
    CIVIL,
    CONCERNED,
    INCIDENT,
    MALWARE,
    PEER,
    PERSON,
    PLATFORM,
    cut_new,
    link,
    new,
    only,
    projected,
    seen,
)  # fmt: skip

FILE_PATTERN = "[file:name = 'tool.exe']"


def refusal(*arguments, **options):
    with pytest.raises(NotGivenError) as caught:
        cut_new(*arguments, **options)
    return caught.value.reason


def test_a_tie_that_the_policy_cuts_ties_nothing():
    # Civil society gets no such patterns, so no indicators, so no reason for the page.
    page, pattern = new("domain-name"), new("indicator", pattern=FILE_PATTERN)
    objects = [INCIDENT, page, pattern, link(pattern, "indicates", page)]
    assert projected(cut_new(CIVIL, *objects), "domain-name") == []
    assert projected(cut_new(PLATFORM, *objects), "domain-name")


def test_a_tie_that_remains_is_enough():
    page, pattern = new("domain-name"), new("indicator", pattern=FILE_PATTERN)
    ties = [link(pattern, "indicates", page), link(MALWARE, "uses", page)]
    redacted = cut_new(CIVIL, INCIDENT, MALWARE, page, pattern, *ties)
    assert only(redacted, "domain-name")["value"] == "bad[.]example"


def test_a_record_made_to_need_many_rounds_ends_without_attackers(monkeypatch):
    monkeypatch.setattr("adapters.redaction._MAX_ROUNDS", 1)
    page, pattern = new("domain-name"), new("indicator", pattern=FILE_PATTERN)
    ties = [link(pattern, "indicates", page), link(MALWARE, "uses", page)]
    redacted = cut_new(CIVIL, INCIDENT, MALWARE, page, pattern, *ties)
    assert projected(redacted, "domain-name") == [only(redacted, "domain-name")]
    other = new("domain-name", "other", value="other.example")
    ties.append(link(pattern, "indicates", other))
    redacted = cut_new(CIVIL, INCIDENT, MALWARE, page, pattern, other, *ties)
    assert projected(redacted, "domain-name") == []


def test_a_record_that_keeps_the_guard_busy_is_not_given(monkeypatch):
    monkeypatch.setattr(guarding, "_MAX_ROUNDS", 1)
    case = INCIDENT | {"description": "Ilvara Temcott"}
    with pytest.raises(NotGivenError) as caught:
        cut_new(PEER, case, PERSON)
    assert caught.value.reason == "guard-visible"


def test_a_record_that_is_too_much_work_is_not_given(monkeypatch):
    monkeypatch.setattr("adapters.guard.MAX_WORK", 10)
    assert refusal(PEER, INCIDENT, PERSON) == "guard-visible"


def test_what_the_guard_cuts_makes_further_things_go():
    # The pattern names her, so the indicator goes, so do its ties.
    pattern = new("indicator", pattern="[file:name = 'ilvara temcott']")
    redacted = cut_new(
        PEER, INCIDENT, PERSON, pattern, link(pattern, "related-to", INCIDENT)
    )
    assert {one["type"] for one in projected(redacted)} == {"incident", "identity"}


def test_who_sees_more_does_not_lose_what_others_get_under_a_made_name():
    # The guard cuts the name for peers; for platforms it was never shown.
    bank = new(
        "identity", "b", name="Ilvara Temcott Ltd", identity_class="organization"
    )
    servers = new("infrastructure", "s", name="Servers of +62 812-3456-7890")
    redacted = cut_new(PEER, INCIDENT, PERSON, bank, servers)
    names = {o["identity_class"]: o["name"] for o in projected(redacted, "identity")}
    assert names["organization"] == "an organisation"
    assert only(redacted, "infrastructure")["name"].startswith("infrastructure-")
    assert {(c.object_type, c.reason) for c in redacted.cuts if c.made} == {
        ("identity", "guard"),
        ("identity", "policy-pseudonymise"),
        ("infrastructure", "mask-hit"),
    }


def test_a_concerned_platform_falls_back_to_what_any_platform_gets():
    channel = new("channel", "Ilvara Temcott")
    objects = [INCIDENT, PERSON, channel, MALWARE, link(MALWARE, "uses", channel)]
    redacted = cut_new(
        CONCERNED, *objects, new("attack-pattern"), primary=INCIDENT["id"]
    )
    assert only(redacted, "channel")["name"].startswith("channel-")


def test_a_short_name_that_stands_in_a_pseudonym_by_chance_cuts_nothing():
    people = [new("identity", c * 2) for c in "abcdef"]
    people += [new("identity", c * 3) for c in "abcdef"]
    redacted = cut_new(PEER, INCIDENT, *people)
    assert len(projected(redacted, "identity")) == 12


def test_what_goes_with_others_is_watched_too():
    # The channel goes because its tie to the threat actor does; its name stays secret.
    channel = new("channel", "Morning Lantern")
    advice = new("course-of-action", description="Do not watch Morning Lantern.")
    redacted = cut_new(CIVIL, INCIDENT, channel, advice, new("attack-pattern"),
                       primary=INCIDENT["id"])  # fmt: skip
    assert "Lantern" not in seen(redacted)
