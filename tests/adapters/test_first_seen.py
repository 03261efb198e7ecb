"""Adapters take in what the gate has stamped, and count revocations from then."""

import json

import msgspec
import pytest

from adapters.cli.load import load_policy
from adapters.pipeline import Context, Decided, Refused, Subscriber, decide
from adapters.projection import Author
from adapters.pseudonyms import PseudonymKeys
from broker import base64url, seen
from broker.embedded import open_embedded
from broker.seen import HEAD_HEADER, STAMP_HEADER, link_of, make_head, make_stamp
from tests.support.issuing import (
    ADAPTER_QUEUES,
    HUB,
    NOW,
    PLACE,
    Feed,
    directory,
    draft,
    key_entry,
    member,
    running_gate,
    service,
    signer,
    stamped,
    take,
)

READER = msgspec.structs.replace(member("platform-x"), audience="platform", kinds=())
LATER = NOW + 600


def context(known=None):
    return Context(
        directory=known or directory(READER),
        policy=load_policy(None),
        author=Author(org="hub", name="Hub", id_key=b"i" * 32),
        pseudonyms=PseudonymKeys("quarter", {"2026-Q1": b"k" * 32}),
        signer=HUB,
        subscribers=(Subscriber(READER, ("files",)),),
    )


def message(**stamp):
    return stamped(Feed().message(draft()), **stamp)


def with_headers(**headers):
    plain = message()
    return msgspec.structs.replace(plain, headers={**plain.headers, **headers})


def revoked(moment, org="cert-aq"):
    """A directory that says since when the issuer's key is revoked."""
    key = key_entry(org, revoked_at=moment)
    return directory(READER, member(org, keys=(key,)))


def refusal(arrived, known=None, *, now=NOW):
    outcome = decide(arrived, context(known), now=now)
    assert isinstance(outcome, Refused)
    return outcome.reason


def test_a_stamped_record_is_delivered_with_its_place_in_the_receipt():
    arrived = message(pos=5, prev="A" * 43)
    outcome = decide(arrived, context(), now=NOW)
    assert isinstance(outcome, Decided)
    [row] = outcome.rows
    claims = claims_of(row.receipt)
    link = link_of(arrived.headers[STAMP_HEADER])
    assert claims["chain"] == {"pos": 5, "link": link, "seen": int(NOW)}
    assert "head" not in claims


def test_the_receipt_carries_the_newest_head_as_it_came():
    head = make_head(HUB, now=int(NOW), pos=0, link="")
    [row] = decide(with_headers(**{HEAD_HEADER: head}), context(), now=NOW).rows
    assert claims_of(row.receipt)["head"] == head


def claims_of(jws):
    return json.loads(base64url.decode(jws.split(b".")[1]))


# ------------------------------------------------------------------ refusals


def test_a_record_without_a_stamp_is_refused():
    assert refusal(Feed().message(draft())) == "seen-missing"
    assert decide(message(), context(), now=NOW).rows


@pytest.mark.parametrize("value", [0, int(NOW), True, "", "x", "A" * 30_000])
@pytest.mark.parametrize("name", [STAMP_HEADER, HEAD_HEADER])
def test_a_header_of_another_kind_is_refused(name, value):
    assert refusal(with_headers(**{name: value})) == "seen-invalid"


def test_the_stamp_of_another_record_is_refused():
    other = Feed(epoch="two").message(draft(2))
    assert refusal(message(token_id=other.message_id)) == "seen-invalid"


def test_the_message_id_does_not_say_which_record_a_stamp_is_of():
    other = Feed(epoch="two").message(draft(2))
    renamed = msgspec.structs.replace(stamped(other), body=Feed().message(draft()).body)
    assert refusal(renamed) == "seen-invalid"


def test_a_stamp_of_a_member_is_refused():
    assert refusal(message(signer=signer("cert-aq"))) == "seen-invalid"


def test_a_stamp_of_a_revoked_service_key_is_refused():
    key = key_entry("hub", revoked_at="2026-03-01T12:00:00Z")
    known = directory(READER, service(keys=(key,)))
    assert refusal(message(seen=int(NOW) - 3600), known) == "seen-invalid"


def test_a_head_of_a_member_is_refused():
    head = make_head(signer("cert-aq"), now=int(NOW), pos=0, link="")
    assert refusal(with_headers(**{HEAD_HEADER: head})) == "seen-invalid"


def test_in_a_directory_without_a_gate_every_record_is_refused():
    nobody = msgspec.structs.replace(directory(READER), services={})
    assert refusal(message(), nobody) == "seen-invalid"


def test_what_has_no_stamp_is_not_even_unpacked(monkeypatch):
    def unpack(_):
        pytest.fail("it was unpacked")

    monkeypatch.setattr("adapters.pipeline.unpack", unpack)
    assert refusal(Feed().message(draft())) == "seen-missing"
    assert refusal(message(signer=signer("cert-aq"))) == "seen-invalid"


def test_a_stamp_is_verified_once_however_many_members_there_are(monkeypatch):
    calls = []

    def verify(*args, **more):
        calls.append(args)
        return original(*args, **more)

    original = seen.verify_stamp
    monkeypatch.setattr(seen, "verify_stamp", verify)
    many = tuple(Subscriber(READER, (f"sink-{n}",)) for n in range(20))
    everybody = msgspec.structs.replace(context(), subscribers=many)
    assert len(decide(message(), everybody, now=NOW).rows) == 20
    assert len(calls) == 1


# ------------------------------------------------------------------ revocation


def test_a_record_seen_before_a_revocation_is_delivered_after_it():
    known = revoked("2026-03-01T12:00:30Z")
    assert decide(message(), context(known), now=LATER).rows


def test_a_record_seen_after_a_revocation_is_refused_whatever_its_iat_says():
    known = revoked("2026-03-01T12:00:30Z")
    assert refusal(message(seen=int(NOW) + 30), known, now=LATER) == "key-revoked"
    assert refusal(message(seen=int(NOW) + 99), known, now=LATER) == "key-revoked"


def test_a_moment_moved_to_before_the_revocation_is_refused():
    known = revoked("2026-03-01T12:00:30Z")
    late, early = message(seen=int(NOW) + 60), message()
    header, _, signature = late.headers[STAMP_HEADER].split(".")
    moved = ".".join([header, early.headers[STAMP_HEADER].split(".")[1], signature])
    altered = msgspec.structs.replace(late, headers={STAMP_HEADER: moved})
    assert refusal(altered, known, now=LATER) == "seen-invalid"


async def test_records_queued_while_their_key_is_revoked_are_still_delivered(tmp_path):
    feed = Feed()
    async with (
        open_embedded(None, PLACE) as broker,
        running_gate(broker.login("gate"), tmp_path),
    ):
        for number in range(1, 4):
            await broker.login("cert-aq").publish(
                "tocsin.ingress", feed.message(draft(number))
            )
        waiting = await take(broker.login("adapter-main"), ADAPTER_QUEUES[0], 3)
    known = revoked("2026-03-01T12:00:30Z")
    outcomes = [decide(each, context(known), now=LATER) for each in waiting]
    assert [len(each.rows) for each in outcomes] == [1, 1, 1]
    # Without the stamp an adapter would count from when it sees them itself.
    direct = make_stamp(
        HUB, token_id=waiting[0].message_id, seen=int(LATER), pos=1, prev=""
    )
    late = msgspec.structs.replace(waiting[0], headers={STAMP_HEADER: direct})
    assert refusal(late, known, now=LATER) == "key-revoked"
