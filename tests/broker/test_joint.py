"""Joint records: several organisations sign one payload, and who lacks is noticed."""

import itertools
from contextlib import asynccontextmanager

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker import carried, sdjwt, trust
from broker.carried import Carried
from broker.cosigning import cosign, merge
from broker.embedded import open_embedded
from broker.errors import TrustError
from broker.signers import Signer
from schemas.errors import RefusedError
from tests.support.cosigners import LEAD, SECOND, THIRD, joint, need
from tests.support.issuing import (
    NOW,
    PLACE,
    Feed,
    directory,
    draft,
    key_entry,
    member,
    running_gate,
    signer,
    take,
)

ALL = need(2, LEAD, SECOND, THIRD)
KNOWN = directory(member(THIRD))


def verified(record, *, known=KNOWN, now=NOW, **more):
    return trust.verify(record, known, now=now, **more)


def reason(record, **more):
    with pytest.raises(RefusedError) as caught:
        verified(record, **more)
    return caught.value.reason


# -- who signed


def test_enough_signatures_make_a_record_of_the_leads_name():
    record = joint(SECOND)
    found = verified(record)
    assert found.token_id == sdjwt.token_id(record.token)
    assert found.issuer == LEAD
    assert [each.org for each in found.signers] == [LEAD, SECOND]
    assert found.signatures_missing == 0
    assert (found.also, found.complete) == (record.also, True)


def test_a_plain_record_has_one_signer():
    found = verified(Feed(LEAD).sign(draft()))
    assert [each.org for each in found.signers] == [LEAD]
    assert found.signatures_missing == 0


def test_the_order_of_the_others_means_nothing():
    for order in itertools.permutations((SECOND, THIRD)):
        found = verified(joint(*order, wanted=need(3, LEAD, SECOND, THIRD)))
        assert [each.org for each in found.signers] == [LEAD, *order]


def test_too_few_signatures_are_partial_and_shown_only_to_whoever_asks_for_it():
    for record, missing in (
        (joint(), 1),
        (joint(SECOND, wanted=need(3, LEAD, SECOND, THIRD)), 1),
    ):
        assert reason(record) == "partial"
        assert verified(record, allow_partial=True).signatures_missing == missing


def test_a_stripped_signature_is_noticed():
    whole = joint(SECOND)
    assert reason(Carried(whole.token)) == "partial"
    assert reason(whole.token) == "partial"


def test_each_signature_alone_is_an_ordinary_token_but_never_enough():
    first, second = joint(SECOND).parted()
    assert reason(first) == "partial"
    assert reason(second) == "no-lead"
    assert reason(second, allow_partial=True) == "no-lead"


def test_one_broken_signature_refuses_the_record_however_many_are_left():
    whole = joint(SECOND, THIRD, wanted=ALL)
    for place in range(2):
        also = list(whole.also)
        also[place] = msgspec.structs.replace(
            also[place], signature=whole.also[1 - place].signature
        )
        broken = msgspec.structs.replace(whole, also=tuple(also))
        with pytest.raises(TrustError, match="signature") as caught:
            verified(broken)
        assert caught.value.where == f"$.signatures[{place + 1}]"


def test_whom_need_does_not_name_may_not_sign():
    assert reason(joint(SECOND, THIRD)) == "foreign-cosigner"
    plain = Carried(Feed(LEAD).sign(draft()))
    assert reason(cosign(plain, signer(SECOND))) == "foreign-cosigner"


def test_an_organisation_counts_once_whichever_key_it_takes():
    second = Signer(SECOND, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    keys = (key_entry(SECOND), key_entry(SECOND, jwk=second.jwk))
    known = directory(member(SECOND, keys=keys))
    record = cosign(joint(SECOND), second)
    assert reason(record, known=known) == "duplicate-signer"
    assert verified(cosign(joint(), second), known=known).signers[1].kid == second.kid


def test_a_header_that_is_too_long_is_not_read():
    whole = joint(SECOND)
    long = msgspec.structs.replace(whole.also[0], protected=b"e" * 1025)
    assert reason(msgspec.structs.replace(whole, also=(long,))) == "header"


# -- what the directory says of each


@pytest.mark.parametrize(
    ("fault", "changes"),
    [
        ("key-revoked", {"keys": (key_entry(SECOND, revoked_at="2026-02-28T00:00:00Z"),)}),
        ("key-not-valid", {"keys": (key_entry(SECOND, not_after="2026-02-28T00:00:00Z"),)}),
        ("key-not-valid", {"keys": (key_entry(SECOND, not_before="2026-03-02T00:00:00Z"),)}),
        ("kind-not-allowed", {"kinds": ("advisory",)}),
    ],
)  # fmt: skip
def test_a_signature_that_does_not_count_leaves_the_others_standing(fault, changes):
    known = directory(member(SECOND, **changes), member(THIRD))
    assert reason(joint(SECOND), known=known) == "partial"
    found = verified(joint(SECOND, THIRD, wanted=ALL), known=known)
    assert [each.fault for each in found.signers] == ["", fault, ""]


def test_revocation_of_a_cosigners_key_counts_from_when_the_gate_first_saw_it():
    revoked = member(
        SECOND, keys=(key_entry(SECOND, revoked_at="2026-02-28T00:00:00Z"),)
    )
    known = directory(revoked)
    assert reason(joint(SECOND), known=known, first_seen=NOW) == "partial"
    assert verified(joint(SECOND), known=known, first_seen=NOW - 10 * 86_400)


def test_what_refuses_the_lead_refuses_the_record():
    revoked = member(LEAD, keys=(key_entry(LEAD, revoked_at="2026-02-28T00:00:00Z"),))
    assert (
        reason(
            joint(SECOND, THIRD, wanted=ALL), known=directory(revoked, member(THIRD))
        )
        == "key-revoked"
    )


# -- collecting signatures


def test_signatures_of_several_who_signed_at_once_come_together():
    lead = joint(wanted=need(3, LEAD, SECOND, THIRD))
    apart = [cosign(lead, signer(org)) for org in (SECOND, THIRD)]
    whole = merge(apart)
    assert [each.org for each in verified(whole).signers] == [LEAD, SECOND, THIRD]
    assert merge([whole, *apart, lead]) == whole
    assert [each.org for each in verified(merge(apart[::-1])).signers] == [
        LEAD,
        THIRD,
        SECOND,
    ]


def test_signatures_of_another_record_or_a_cut_copy_do_not_come_together():
    one, other = joint(SECOND), joint(SECOND, record=draft(2))
    jwt = one.token.partition(b"~")[0]
    for bad in (
        other,
        Carried(jwt + b"~"),
        msgspec.structs.replace(one, sealed=(b"c2",)),
    ):
        with pytest.raises(TrustError, match="other-record"):
            merge([one, bad])


# -- the gate


@asynccontextmanager
async def hub(folder):
    async with (
        open_embedded(None, PLACE) as broker,
        running_gate(broker.login("gate"), folder, known=KNOWN) as gate,
    ):
        yield broker, gate


async def send(broker, message):
    await broker.login(LEAD).publish("tocsin.ingress", message)


async def refused(broker, message):
    await send(broker, message)
    [told] = await take(broker.login(LEAD), f"tocsin.feedback.{LEAD}", 1)
    [dead] = await take(broker.login("operator"), "tocsin.dead", 1)
    assert (dead.body, dead.content_type) == (message.body, message.content_type)
    return msgspec.json.decode(told.body)


async def test_the_gate_passes_on_what_enough_have_signed_with_all_signatures(tmp_path):
    feed, record = Feed(LEAD), joint(SECOND)
    message = feed.pack(record, draft())
    async with hub(tmp_path) as (broker, gate):
        await send(broker, message)
        [arrived] = await take(broker.login("adapter-main"), "tocsin.adapter.main", 1)
        [archived] = gate.archive.since()
    assert arrived.content_type == message.content_type
    assert arrived.body == message.body
    assert carried.decode(archived.token) == record
    assert archived.token_id == record.token_id


async def test_the_gate_refuses_what_lacks_signatures_and_takes_it_once_they_are_there(
    tmp_path,
):
    feed, record = Feed(LEAD), joint(SECOND)
    async with hub(tmp_path) as (broker, _):
        for partial in (Carried(record.token), Carried(record.token, (), (b"c2VhbA",))):
            answer = await refused(broker, feed.pack(partial, draft()))
            assert answer == {"token_id": record.token_id, "reason": "partial"}
        await send(broker, feed.pack(record, draft()))
        [arrived] = await take(broker.login("adapter-main"), "tocsin.adapter.main", 1)
    assert arrived.message_id == record.token_id
