"""A joint record on its way through an adapter: every copy keeps every signature."""

import pytest
from msgspec.structs import replace

from adapters.pipeline import Decided, Refused, decide
from broker import carried
from broker.carried import Carried
from broker.cosigning import cosign
from broker.directory import Service, build
from broker.seen import STAMP_HEADER, make_stamp
from broker.trust import verify
from broker.wire import pack
from schemas.record import Need
from tests.adapters.test_pipeline import context, subscriber
from tests.support.records import key_entry, member, signer
from tests.support.views import DIRECTORY, INCIDENT, NOW, PERSON, token

HUB, SECOND = signer("hub"), signer("cert-bv")
NEED = Need(2, ("urn:tocsin:org:cert-aq", "urn:tocsin:org:cert-bv"))
SERVICE = Service(org="hub", name="Hub", services=("gate",), keys=(key_entry(HUB),))
KNOWN = build([*DIRECTORY.members.values(), member(SECOND)], [SERVICE])


def joint():
    return cosign(Carried(token(INCIDENT, PERSON, need=NEED)), SECOND)


def stamped(record):
    stamp = make_stamp(HUB, token_id=record.token_id, seen=NOW, pos=1, prev="")
    made = pack(record, message_id="m", routing_key="cert-aq.incident", user_id="gate")
    return replace(made, headers={STAMP_HEADER: stamp})


def decided(record, *audiences):
    members = [subscriber(f"m-{each}", each) for each in audiences]
    return decide(stamped(record), context(*members, directory=KNOWN), now=NOW)


def test_each_view_gets_evidence_that_all_have_signed():
    record = joint()
    outcome = decided(record, "peer-cert", "platform", "civil-society")
    assert isinstance(outcome, Decided)
    assert len({row.evidence for row in outcome.rows}) > 1
    for row in outcome.rows:
        copy = carried.decode(row.evidence)
        assert copy.also == record.also
        assert set(copy.token.split(b"~")) <= set(record.token.split(b"~"))
        found = verify(row.evidence, KNOWN, now=NOW)
        assert [each.org for each in found.signers] == ["cert-aq", "cert-bv"]
        assert row.token_id == found.token_id == record.token_id


@pytest.mark.parametrize("cut", ["the signature", "the directory's trust in it"])
def test_too_few_signatures_are_a_dead_letter(cut):
    record, known = joint(), KNOWN
    if cut == "the signature":
        record = Carried(record.token)
    else:
        less = replace(KNOWN.members["cert-bv"], kinds=())
        known = build([*DIRECTORY.members.values(), less], [SERVICE])
    members = context(subscriber("peer"), directory=known)
    assert decide(stamped(record), members, now=NOW) == Refused("partial", "")
