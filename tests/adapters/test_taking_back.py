"""A retraction reaches all who got the record, whatever they may have by now.

Who may not have it any more learns that it is over, and nothing else.
"""

import json

import pytest
from msgspec.structs import replace
from stix2validator import ValidationOptions, validate_instance

from adapters.bare import bare_for
from adapters.delivery import NotGiven, StoreOutcome
from adapters.outbox import open_outbox
from adapters.pipeline import Decided, Refused, decide
from adapters.retries import HOUR_S, RetryPolicy
from broker.signing import Address
from broker.trust import verify
from schemas import stix
from schemas.markings import Tlp
from schemas.record import ALL_COMMUNITY
from schemas.stix.takedown import TAKEDOWN
from tests.support.deciding import ORG, Desk, context, passed_on, record, under
from tests.support.suspended import suspended
from tests.support.views import (
    EXTENSION_ID,
    INCIDENT,
    MALWARE,
    NOW,
    PERSON,
    decoded,
    new,
    strings,
)

LATER = "2026-03-03T04:05:06.789Z"
CANARY = "Ottoline Brackwater"
YEARS = 366 * 86_400


def over(one: dict) -> dict:
    """The last version of an object, that takes it back."""
    return one | {"revoked": True, "modified": LATER}


CASE = INCIDENT | {
    "name": CANARY,
    "description": f"{CANARY} was here.",
    "labels": ["x"],
}
GREEN = record(CASE, MALWARE, tlp=Tlp.GREEN)
BACK = record(over(CASE), MALWARE, tlp=Tlp.GREEN, replaces="A" * 43)
UNCLEARED = context(clearance="CLEAR")


@pytest.fixture
async def desk(place):
    async with open_outbox(place, clock=lambda: NOW) as opened:
        yield Desk(opened, context())


def rows(message, under=UNCLEARED, now=NOW):
    outcome = decide(message, under, now=now)
    assert isinstance(outcome, Decided), outcome
    return outcome.rows


def words(row) -> str:
    values = [*decoded(row.evidence), json.loads(row.projection)]
    return "\n".join(s for value in values for s in strings(value))


def main_object(row, kind="incident") -> dict:
    [one] = (o for o in json.loads(row.projection)["objects"] if o["type"] == kind)
    return one


# ------------------------------------------------------------------------ what is said


def test_it_is_a_retraction():
    [row] = rows(BACK, context())
    assert row.kind == "retraction"
    assert not row.missed
    assert "revoked" in main_object(row)


def test_who_may_not_have_it_gets_the_bare_token_and_one_revoked_object():
    [row] = rows(BACK)
    assert row.missed == "tlp-clearance"
    assert row.evidence.count(b"~") == 1
    assert row.evidence.endswith(b"~")
    assert CANARY not in words(row)
    assert "Brackwater" not in words(row)
    shown = main_object(row)
    assert shown.pop("extensions").keys() == {EXTENSION_ID}
    assert shown.keys() == {
        "type", "id", "spec_version", "created", "modified", "created_by_ref",
        "revoked", "name",
    }  # fmt: skip
    assert (shown["revoked"], shown["name"]) == (True, "[withheld]")
    kinds = [one["type"] for one in json.loads(row.projection)["objects"]]
    assert kinds == ["identity", "extension-definition", "identity", "incident"]


def test_the_member_finds_it_by_the_id_that_it_knows():
    [first] = rows(GREEN, context())
    [last] = rows(BACK)
    assert main_object(first)["id"] == main_object(last)["id"]


def test_what_it_gets_verifies_as_a_retraction_of_that_record():
    [row] = rows(BACK)
    found = verify(row.evidence, UNCLEARED.directory, now=NOW)
    assert found.claims.kind == "retraction"
    assert found.claims.sub == row.sub
    assert found.primary is None


_REF = {"object_refs": [MALWARE["id"]]}
PRIMARIES = [
    INCIDENT,
    new("campaign"),
    new("report") | _REF,
    new("grouping") | _REF,
    new("note") | _REF,
    new("opinion") | _REF,
    new(
        "takedown-request",
        name="False hours",
        **_REF,
        extensions={TAKEDOWN: {"extension_type": "new-sdo"}},
    ),
]


@pytest.mark.parametrize("primary", PRIMARIES, ids=lambda p: p["type"])
def test_it_is_stix_whatever_is_taken_back(primary):
    others = () if primary["type"] in ("note", "opinion") else (MALWARE,)
    to = Address(to=(ORG,))
    taken = record(over(primary), *others, tlp=Tlp.GREEN, kind="retraction", address=to)
    [row] = rows(taken)
    bundle = json.loads(row.projection)
    found = validate_instance(bundle, ValidationOptions(version="2.1"))
    for each in found if isinstance(found, list) else [found]:
        assert each.errors == []
    [shown] = [o for o in stix.decode_bundle(bundle["objects"]) if o.revoked]
    assert shown.type == primary["type"]


def test_whatever_the_reason_is_who_has_it_hears_that_it_is_over():
    for facts, reason in [
        ({"communities": ("urn:tocsin:community:far",)}, "community"),
        ({"exercise": True}, "in-exercise"),
        ({"clearance": "CLEAR"}, "tlp-clearance"),
    ]:
        [row] = rows(BACK, context(**facts))
        assert row.missed == reason
        assert CANARY not in words(row)


def test_a_withheld_value_that_stands_in_the_open_part_keeps_it_back():
    urns = (ALL_COMMUNITY, "urn:tocsin:community:ilvara-temcott")
    told = record(
        over(INCIDENT), PERSON, tlp=Tlp.GREEN, address=Address(communities=urns)
    )
    outcome = decide(told, UNCLEARED, now=NOW)
    assert outcome.rows == ()
    assert outcome.not_given == {"guard-visible": 1}


def test_of_a_retraction_that_was_cut_on_the_way_nothing_is_made():
    [row] = rows(BACK)
    outcome = decide(passed_on(row.evidence), UNCLEARED, now=NOW)
    assert outcome.rows == ()
    assert outcome.not_given == {"primary-withheld": 1}


def test_a_retraction_is_taken_however_late_and_nothing_else_is():
    late = NOW + 10 * YEARS
    [row] = rows(BACK, context(), now=late)
    assert row.kind == "retraction"
    assert isinstance(decide(GREEN, context(), now=late), Refused)


def test_members_who_ask_for_bare_tokens_get_none_of_what_is_not_for_them():
    member = UNCLEARED.subscribers[0].member
    assert bare_for(BACK, UNCLEARED, member, now=NOW) is None
    member = context().subscribers[0].member
    assert bare_for(BACK, context(), member, now=NOW)


# ----------------------------------------------------------------------- who gets it


async def sent(desk) -> None:
    await desk.store(GREEN)
    item = await desk.due()
    await desk.outbox.done(item.delivery_id, NOW)


async def test_who_got_the_record_gets_it_though_it_is_not_cleared_any_more(desk):
    await sent(desk)
    desk.context = UNCLEARED
    await desk.store(BACK)
    item = await desk.due()
    assert (item.kind, item.number, item.missed) == ("retraction", 2, "tlp-clearance")
    assert await desk.now_for(item) is item


async def test_who_got_nothing_is_not_told_that_there_was_anything(desk):
    desk.context = UNCLEARED
    [row] = rows(BACK)
    assert await desk.outbox.store([row]) == (StoreOutcome.MISSED,)
    assert await desk.outbox.due(NOW, 10) == []


async def test_who_was_about_to_get_it_and_did_not_is_not_told_either(desk):
    await desk.store(GREEN)
    desk.context = UNCLEARED
    await desk.store(BACK)
    first = await desk.due()
    assert await desk.now_for(first) == NotGiven("tlp-clearance")
    await desk.outbox.failed(first.delivery_id, "tlp-clearance", now=NOW, tried=False)
    last = await desk.due()
    assert last.kind == "retraction"
    assert await desk.now_for(last) == NotGiven("tlp-clearance")


async def test_who_may_have_got_it_is_told(desk):
    await desk.store(GREEN)
    first = await desk.due()
    await desk.outbox.postponed(first.delivery_id, NOW, "sink-timeout", now=NOW)
    desk.context = UNCLEARED
    first = await desk.due()
    assert await desk.now_for(first) == NotGiven("tlp-clearance")
    await desk.outbox.failed(first.delivery_id, "tlp-clearance", now=NOW, tried=False)
    await desk.store(BACK)
    last = await desk.due()
    assert await desk.now_for(last) is last


async def test_a_whole_retraction_that_waits_becomes_a_bare_one(desk):
    await sent(desk)
    await desk.store(BACK)
    item = await desk.due()
    assert item.evidence.count(b"~") > 1
    desk.context = UNCLEARED
    found = await desk.now_for(item)
    assert found.evidence.count(b"~") == 1
    assert (found.delivery_id, found.number) == (item.delivery_id, item.number)
    desk.context = context()
    assert (await desk.now_for(found)).evidence == item.evidence


async def test_a_retraction_that_waits_outlasts_its_horizon(desk):
    await sent(desk)
    await desk.store(BACK)
    item = await desk.due()
    desk.now += 10 * YEARS
    assert await desk.now_for(item) is item
    desk.context = UNCLEARED
    assert (await desk.now_for(item)).missed == "tlp-clearance"


async def test_a_suspended_member_gets_it_when_that_ends(desk):
    await sent(desk)
    known = desk.context.directory
    desk.context = under(suspended(known, ORG, NOW, NOW + 60))
    [row] = (await desk.store(BACK)).rows
    assert row.missed == "member-suspended"
    item = await desk.due()
    desk.now += 60
    assert (await desk.now_for(item)).evidence == item.evidence


async def test_an_expelled_member_gets_nothing(desk):
    await sent(desk)
    desk.context = replace(desk.context, subscribers=())
    assert (await desk.store(BACK)).rows == ()


# ---------------------------------------------------------------------------- chasing


def test_corrections_and_retractions_are_tried_for_a_month():
    policy = RetryPolicy()
    days = {
        kind: policy.of_kind(kind).give_up_s / HOUR_S / 24
        for kind in ("incident", "correction", "retraction")
    }
    assert days == {"incident": 3, "correction": 30, "retraction": 30}
