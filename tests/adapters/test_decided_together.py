"""Who shares a decision gets what it would get alone, to the byte.

The pipeline cuts once for all members of one view; no member may see, by that, anything
of another one's view, wishes or past.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.interests import EVERYTHING, Interests
from adapters.pipeline import Context, Decided, Subscriber, decide
from adapters.scopes import received
from broker.bus import Message
from broker.directory import Service, build
from broker.sdjwt import token_id
from broker.seen import STAMP_HEADER, make_stamp
from broker.signing import Address
from broker.wire import pack
from schemas.markings import Tlp
from tests.support.records import SAMPLE_INDEX, key_entry, member, sample_token, signer
from tests.support.tangles import tangles
from tests.support.views import (
    AUTHOR,
    DIRECTORY,
    INCIDENT,
    KEYS,
    NOW,
    POLICY,
    token,
)

HUB = signer("hub")
KNOWN = build(
    DIRECTORY.members.values(),
    [Service(org="hub", name="Hub", services=("gate",), keys=(key_entry(HUB),))],
)
NAMED = Address(to=("peer-2", "platform-1"), concerns=("platform-1", "watch-1"))
WISHES = [
    EVERYTHING,
    EVERYTHING,
    Interests(countries=("TH",)),
    Interests(issuers=("cert-aq",)),
]


def members() -> list[Subscriber]:
    """Members that share views and some that share none, with one or two sinks."""
    found = []
    for start, audience, clearance in (
        ("peer", "peer-cert", Tlp.AMBER),
        ("platform", "platform", Tlp.GREEN),
        ("watch", "civil-society", Tlp.GREEN),
        ("study", "research", Tlp.GREEN),
        ("reader", "public", Tlp.CLEAR),
    ):
        for n in range(4):
            facts: dict[str, Any] = {
                "audience": audience,
                "clearance": clearance.label,
                "jurisdiction": ("", "", "FR", "")[n],
            }
            if n == 3:
                facts["clearance"] = "CLEAR"
            sinks = ("siem",) if n % 2 else ("siem", "files")
            found.append(
                Subscriber(member(signer(f"{start}-{n}"), **facts), sinks, WISHES[n])
            )
    far = member(signer("far"), communities=("urn:tocsin:community:far",))
    return [*found, Subscriber(far, ("siem",))]


MEMBERS = members()


def context(*subscribers: Subscriber) -> Context:
    return Context(
        directory=KNOWN, policy=POLICY, author=AUTHOR, pseudonyms=KEYS, signer=HUB,
        subscribers=subscribers,
    )  # fmt: skip


def stamped(data: bytes) -> Message:
    made = pack(data, message_id="m", routing_key="cert-aq.incident", user_id="gate")
    stamp = make_stamp(HUB, token_id=token_id(data), seen=NOW, pos=1, prev="")
    return replace(made, headers={STAMP_HEADER: stamp})


def check_alike(
    message: Message, subscribers: list[Subscriber], **options: Any
) -> None:
    together = decide(message, context(*subscribers), now=NOW, **options)
    assert isinstance(together, Decided)
    rows = []
    not_given = 0
    for each in subscribers:
        alone = decide(message, context(each), now=NOW, **options)
        assert isinstance(alone, Decided)
        rows += alone.rows
        not_given += alone.not_given.total()
        assert set(alone.waiting) <= set(together.waiting)
    assert together.rows == tuple(rows)
    assert together.not_given.total() == not_given


@pytest.mark.parametrize("entry", SAMPLE_INDEX, ids=lambda entry: entry["file"])
def test_every_member_gets_of_a_sample_what_it_would_get_alone(entry):
    check_alike(stamped(sample_token(entry)), MEMBERS)


subscribers = st.lists(st.sampled_from(MEMBERS), min_size=2, max_size=6, unique_by=id)


@given(tangles(), subscribers, st.booleans())
@settings(max_examples=25, derandomize=True)
def test_any_members_get_together_what_each_gets_alone(objects, chosen, named):
    address = NAMED if named else Address()
    data = token(*objects, primary=INCIDENT["id"], address=address)
    check_alike(stamped(data), chosen)


def test_who_had_another_audience_before_changes_nothing_for_others():
    data = token(INCIDENT)
    past = received([("peer-1", "cert-aq", INCIDENT["id"], "platform")])
    check_alike(stamped(data), MEMBERS, scopes=past)
    with_past = decide(stamped(data), context(*MEMBERS), now=NOW, scopes=past).rows
    without = decide(stamped(data), context(*MEMBERS), now=NOW).rows
    changed = {
        one.member
        for one, other in zip(with_past, without, strict=True)
        if one != other
    }
    assert changed == {"peer-1"}


def test_members_of_one_view_share_bytes_and_those_of_others_do_not():
    rows = decide(stamped(token(INCIDENT)), context(*MEMBERS), now=NOW).rows
    by_member = {row.member: row.projection for row in rows}
    assert by_member["peer-0"] == by_member["peer-1"]
    assert by_member["peer-0"] != by_member["platform-0"]
