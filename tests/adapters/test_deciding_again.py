"""Before each send: what was decided is decided afresh where its basis has changed."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.delivery import Delivery, NotGiven, NotYet
from adapters.interests import Interests
from adapters.outbox import open_outbox
from adapters.outbox_removal import Removal
from adapters.patience import StoppedError
from adapters.pipeline import Decided, decide
from adapters.policy import Policy
from adapters.reviewing import Agreed, view_digest
from broker import carried
from broker.errors import ConfigError
from schemas.markings import Tlp
from tests.support import sealing
from tests.support.deciding import (
    ORG,
    Desk,
    context,
    directory,
    passed_on,
    record,
    under,
)
from tests.support.policy_files import shipped
from tests.support.records import KINDS, key_entry, member, signer
from tests.support.sinks import new_delivery
from tests.support.suspended import suspended
from tests.support.views import INCIDENT, MALWARE, NOW, PERSON, new

DAY = 86_400
GREEN = record(INCIDENT, MALWARE, PERSON, tlp=Tlp.GREEN)
TIGHTER = Policy(
    shipped("The name of malware or of a tool", platform="drop", civil_society="drop"),
    "tighter.toml",
)


@pytest.fixture
async def outbox(place):
    async with open_outbox(place, clock=lambda: NOW) as opened:
        yield opened


@pytest.fixture
def desk(outbox):
    return Desk(outbox, context())


async def test_while_nothing_changes_a_delivery_goes_as_it_is(desk):
    await desk.store(GREEN)
    item = await desk.due()
    assert await desk.now_for(item) is item
    desk.context = replace(desk.context, subscribers=desk.context.subscribers)
    desk.now += DAY
    assert await desk.now_for(item) is item


async def test_a_stricter_policy_replaces_the_bodies_under_the_same_id_and_number(desk):
    await desk.store(GREEN)
    item = await desk.due()
    desk.context = context(policy=TIGHTER)
    found = await desk.now_for(item)
    assert (found.delivery_id, found.number) == (item.delivery_id, item.number)
    [row] = decide(GREEN, desk.context, now=NOW).rows
    assert found.evidence == row.evidence != item.evidence
    assert found.projection == row.projection != item.projection
    assert found.receipt == row.receipt
    assert await desk.due() == found  # it is stored
    assert await desk.now_for(found) is found


async def test_a_wider_view_gives_more(desk):
    desk.context = context(audience="civil-society")
    await desk.store(GREEN)
    item = await desk.due()
    desk.context = context(audience="peer-cert")
    found = await desk.now_for(item)
    assert len(found.evidence) > len(item.evidence)


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        ({"clearance": "CLEAR"}, "tlp-clearance"),
        ({"communities": ("urn:tocsin:community:far",)}, "community"),
        ({"exercise": True}, "in-exercise"),
        ({"interests": Interests(issuers=("cert-bv",))}, "interest-issuer"),
    ],
)
async def test_who_may_not_have_it_any_more_or_wants_it_no_more_gets_nothing(
    desk, after, reason
):
    await desk.store(GREEN)
    item = await desk.due()
    desk.context = context(**after)
    assert await desk.now_for(item) == NotGiven(reason)


async def test_an_expelled_member_gets_nothing(desk):
    await desk.store(GREEN)
    item = await desk.due()
    desk.context = replace(desk.context, subscribers=())
    assert await desk.now_for(item) == NotGiven("member-removed")


async def test_a_member_suspended_just_now_waits(desk):
    await desk.store(GREEN)
    item = await desk.due()
    desk.context = under(suspended(desk.context.directory, ORG, NOW))
    assert await desk.now_for(item) == NotYet(NOW)
    assert await desk.due() == item


async def test_what_changes_nothing_of_the_view_is_no_reason_to_decide(desk):
    await desk.store(GREEN)
    item = await desk.due()
    desk.context = context(name="Another name", languages=("en",), contacts=("a@b",))
    assert await desk.now_for(item) is item


async def test_ids_stay_those_that_the_member_knows(desk):
    await desk.store(GREEN)
    item = await desk.due()
    desk.context = context(audience="civil-society")
    found = await desk.now_for(item)

    def incident(data):
        [one] = [
            o for o in msgspec.json.decode(data)["objects"] if o["type"] == "incident"
        ]
        return one["id"]

    assert incident(found.projection) == incident(item.projection)
    assert found.projection != item.projection


async def test_what_is_sealed_to_the_member_comes_along_again(desk):
    made = sealing.sealed(to=(sealing.BX, sealing.CV))
    known = directory(*sealing.MEMBERS)
    desk.context = under(known, "cert-bx")
    await desk.store(passed_on(carried.Carried(made.token, (), made.parts)))
    item = await desk.due()
    desk.context = under(known, "cert-bx", policy=TIGHTER)
    found = await desk.now_for(item)
    assert found.receipt != item.receipt
    [part] = carried.decode(found.evidence).sealed
    assert [part] == list(carried.decode(item.evidence).sealed)


async def test_a_record_that_has_expired_is_not_sent(desk):
    outcome = await desk.store(GREEN)
    item = await desk.due()
    desk.now = outcome.rows[0].until + 1
    assert await desk.now_for(item) == NotGiven("expired")


# ------------------------------------------------------------------- who is believed


def revoked(at: str):
    key = key_entry(revoked_at=at)
    issuer = member(keys=(key,), kinds=KINDS)
    return under(directory(member(signer(ORG), audience="platform"), issuer))


async def test_a_key_that_is_revoked_later_than_the_stamp_says_changes_no_byte(desk):
    await desk.store(GREEN)
    item = await desk.due()
    desk.context = revoked("2026-12-01T12:00:01Z")
    found = await desk.now_for(item)
    assert found == replace(item, basis=found.basis)
    assert found.basis != item.basis
    assert await desk.now_for(await desk.due()) == found


async def test_what_was_first_seen_after_its_key_was_revoked_is_not_sent(desk):
    await desk.store(GREEN)
    item = await desk.due()
    desk.context = revoked("2026-12-01T11:59:59Z")
    assert await desk.now_for(item) == NotGiven("key-revoked")


async def test_an_issuer_that_was_expelled_is_not_believed(desk):
    await desk.store(GREEN)
    item = await desk.due()
    me = member(signer(ORG), audience="platform")
    desk.context = under(directory(me, without="cert-aq"))
    assert await desk.now_for(item) == NotGiven("unknown-key")


async def test_a_key_of_the_gate_that_is_compromised_from_a_moment_on_ends_its_stamps(
    desk,
):
    me = member(signer(ORG), audience="platform")
    key = key_entry(signer("hub"), revoked_at="2026-12-01T13:00:00Z")
    desk.context = under(directory(me, keys=(key,)))
    await desk.store(GREEN)
    item = await desk.due()
    assert await desk.now_for(item) is item
    desk.now += 3600
    assert await desk.now_for(item) == NotGiven("seen-invalid")


# ------------------------------------------------------- approved parts, delays, gaps


async def supplement(desk):
    """Store a record, and what persons agreed to show more of it."""
    minister = new("identity", "Brenn Osgathe", roles=["minister"])
    held = record(INCIDENT, minister, tlp=Tlp.GREEN)
    desk.context = context(audience="peer-cert")
    outcome = await desk.store(held)
    waits = outcome.waiting[0]
    agreed = Agreed(
        view_digest(waits.view), desk.context.policy.sha256, frozenset({waits.part})
    )
    more = decide(held, desk.context, now=NOW, agreed=agreed)
    first = await desk.due()
    await desk.outbox.done(first.delivery_id, NOW)
    await desk.outbox.store(more.rows)
    item = await desk.due()
    assert item.supplement == 1
    return item


async def test_what_persons_agreed_to_is_void_under_another_view_or_policy(desk):
    item = await supplement(desk)
    assert await desk.now_for(item) is item
    desk.context = context(audience="peer-cert", jurisdiction="XA")
    assert await desk.now_for(item) == NotGiven("agreement-void")
    desk.context = context(audience="peer-cert", policy=TIGHTER)
    assert await desk.now_for(item) == NotGiven("agreement-void")


async def test_what_persons_agreed_to_outlasts_a_new_key_of_somebody(desk):
    item = await supplement(desk)
    other = member(signer("cert-new"))
    me = desk.context.subscribers[0].member
    desk.context = under(directory(me, other))
    found = await desk.now_for(item)
    assert found.evidence == item.evidence


async def test_who_is_a_researcher_now_waits_as_long_as_researchers_do(desk):
    await desk.store(GREEN)
    item = await desk.due()
    desk.context = context(audience="research")
    assert await desk.now_for(item) == NotYet(NOW + 30 * DAY)
    await desk.outbox.hasten((ORG, "siem"), NOW)
    assert await desk.now_for(await desk.due()) == NotYet(NOW + 30 * DAY)
    desk.now += 30 * DAY
    found = await desk.now_for(await desk.due())
    assert found.number == item.number


async def test_an_account_of_a_heartbeat_goes_to_nobody_whose_view_has_changed(desk):
    [subscriber] = desk.context.subscribers
    basis = str(desk.context.basis_of(subscriber, desk.context.trust_at(NOW)))
    row = new_delivery(member=ORG, sink="siem", kind="heartbeat", basis=basis)
    await desk.outbox.store([row])
    item = await desk.due()
    assert await desk.now_for(item) is item
    me = desk.context.subscribers[0].member
    desk.context = under(directory(me, member(signer("cert-new"))))
    assert (await desk.now_for(item)).evidence == item.evidence
    desk.context = context(clearance="CLEAR")
    assert await desk.now_for(item) == NotGiven("no-longer-given")


# ------------------------------------------------------------------- the kept message


async def test_what_nobody_can_decide_on_again_is_not_sent(desk):
    [row] = (decide(GREEN, desk.context, now=NOW)).rows
    await desk.outbox.store([replace(row, message=b"", basis="")])  # an older Tocsin's
    item = await desk.due()
    assert await desk.now_for(item) == NotGiven("message-gone")
    desk.archive[item.token_id] = GREEN
    found = await desk.now_for(item)
    assert found.evidence == row.evidence
    desk.archive.clear()
    assert await desk.now_for(found) is found


async def test_while_the_archive_cannot_be_read_it_waits_a_minute(desk):
    [row] = decide(GREEN, desk.context, now=NOW).rows
    await desk.outbox.store([replace(row, message=b"", basis="")])
    item = await desk.due()

    def broken(_: str) -> None:
        raise ConfigError("disk full")

    assert await desk.again(kept=broken)(item) == NotYet(NOW + 60)
    assert await desk.outbox.due(NOW + 59, 1) == []
    desk.now += 60
    assert (await desk.due()).number == item.number


async def test_what_the_new_policy_holds_waits_for_persons(desk):
    minister = new("identity", "Brenn Osgathe", roles=["minister"])
    held = record(INCIDENT, MALWARE, minister, tlp=Tlp.GREEN)
    desk.context = context(audience="peer-cert")
    await desk.store(held)
    item = await desk.due()
    desk.context = context(audience="peer-cert", policy=TIGHTER)
    kept = []

    async def keep(messages, outcomes):
        kept.extend(zip(messages, outcomes, strict=True))

    found = await desk.again(keep_waiting=keep)(item)
    assert isinstance(found, Delivery)
    [(message, outcome)] = kept
    assert message.body == held.body
    assert {w.policy_sha256 for w in outcome.waiting} == {TIGHTER.sha256}


async def test_told_to_stop_while_that_cannot_be_kept_it_stays_as_it_was(desk):
    await desk.store(GREEN)
    item = await desk.due()
    desk.context = context(policy=TIGHTER)

    async def stopped(*_):
        raise StoppedError

    assert await desk.again(keep_waiting=stopped)(item) == NotYet(NOW)
    assert await desk.due() == item


async def test_the_record_is_kept_while_it_may_be_decided_on_and_no_longer(desk):
    await desk.store(GREEN)
    item = await desk.due()
    assert await Removal(desk.outbox).purge(NOW + 1) == 0
    await desk.outbox.failed(item.delivery_id, "sink-refused", now=NOW)
    assert await Removal(desk.outbox).purge(NOW) == 0
    assert await Removal(desk.outbox).purge(NOW + 1) == 4


async def test_of_what_has_arrived_the_record_goes_first(desk):
    await desk.store(GREEN)
    item = await desk.due()
    await desk.outbox.done(item.delivery_id, NOW)
    assert await Removal(desk.outbox).purge(NOW) == 1
    assert await Removal(desk.outbox).purge(NOW + 1) == 3


# ------------------------------------------------------------------------------- a law

FACTS = st.fixed_dictionaries(
    {
        "audience": st.sampled_from(["peer-cert", "platform", "civil-society"]),
        "clearance": st.sampled_from(["CLEAR", "GREEN", "AMBER"]),
        "communities": st.sampled_from(
            [("urn:tocsin:community:all",), ("urn:tocsin:community:far",)]
        ),
        "exercise": st.booleans(),
        "policy": st.sampled_from([TIGHTER, context().policy]),
        "interests": st.sampled_from([Interests(), Interests(kinds=("advisory",))]),
    }
)
RECORDS = [
    record(INCIDENT, MALWARE, PERSON, tlp=tlp)
    for tlp in (Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER)
]


@settings(max_examples=25)
@given(st.sampled_from(RECORDS), st.lists(FACTS, min_size=2, max_size=5))
async def test_nothing_is_sent_that_the_view_of_the_moment_does_not_give(
    tmp_path_factory, message, views
):
    place = tmp_path_factory.mktemp("law") / "outbox.sqlite"
    async with open_outbox(place, clock=lambda: NOW) as outbox:
        desk = Desk(outbox, context(**views[0]))
        if not (await desk.store(message)).rows:
            return
        item = await desk.due()
        for facts in views[1:]:
            desk.context = context(**facts)
            found = await desk.now_for(item)
            fresh = decide(message, desk.context, now=NOW)
            assert isinstance(fresh, Decided)
            if not fresh.rows:
                assert found == NotGiven(next(iter(fresh.not_given)))
                continue
            assert found.evidence == fresh.rows[0].evidence
            item = found
