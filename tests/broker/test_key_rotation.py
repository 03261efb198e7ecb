"""Going over from one key to the next: nothing is refused, nothing is lost.

A timeline at a real gate: the new key is listed beside the old one, the publisher
switches, the old key is given up. Then the same for the gate's own key.
"""

import hashlib
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker import seen, trust
from broker.bus import Message
from broker.directory import Directory, KeyEntry
from broker.embedded import EmbeddedBroker, open_embedded
from broker.errors import TrustError
from broker.publisher import open_publisher
from broker.signers import Signer
from broker.wire import unpack
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
    rest,
    running_gate,
    service,
    signer,
    take,
)

OLD = signer("cert-aq")
DAY = 86_400
# The switch is made on the second day, the old key is given up on the third.
SWITCH, END = NOW + DAY, NOW + 2 * DAY
GIVEN_UP = {"revoked_at": "2026-03-03T12:00:00Z", "revocation_reason": "superseded"}


def renewed(org: str) -> Signer:
    """The next key of an organisation."""
    seed = hashlib.sha256(f"{org}, the next key".encode()).digest()
    return Signer(org, Ed25519PrivateKey.from_private_bytes(seed))


NEW, NEW_HUB = renewed("cert-aq"), renewed("hub")


def entry(of: Signer, **times: str) -> KeyEntry:
    return key_entry(of.org, jwk=of.jwk, **times)


def listed(*keys: KeyEntry) -> Directory:
    return directory(member("cert-aq", keys=keys))


BEFORE = listed(entry(OLD))
BOTH = listed(entry(OLD), entry(NEW, not_before="2026-03-02T00:00:00Z"))
AFTER = listed(entry(OLD, **GIVEN_UP), entry(NEW, not_before="2026-03-02T00:00:00Z"))


@asynccontextmanager
async def gate(broker: EmbeddedBroker, folder: Path, known: Directory, now: float):
    bus = broker.login("gate")
    async with running_gate(bus, folder, known=known, now=lambda: now):
        yield


async def passed(broker: EmbeddedBroker, *messages: object) -> list[bytes]:
    """Let the gate have *messages*; give those that it passes on."""
    for each in messages:
        await broker.login("cert-aq").publish("tocsin.ingress", each)
    found = await take(broker.login("adapter-main"), ADAPTER_QUEUES[0], len(messages))
    return [unpack(each).token for each in found]


def verified(token: bytes, known: Directory, *, seen_at: float, now: float = END + DAY):
    return trust.verify(token, known, now=now, first_seen=seen_at)


async def test_a_key_follows_another_and_nothing_is_refused(tmp_path: Path) -> None:
    feed = Feed()

    def signed(by: Signer, number: int, at: float) -> Message:
        feed.signer = by
        return feed.message(draft(number), now=int(at))

    async with open_embedded(None, PLACE) as broker:
        async with gate(broker, tmp_path, BEFORE, NOW):
            [first] = await passed(broker, signed(OLD, 1, NOW))
        # Listed, not used yet; then used, while the old one still counts.
        async with gate(broker, tmp_path, BOTH, SWITCH):
            second, third = await passed(
                broker, signed(OLD, 2, SWITCH), signed(NEW, 3, SWITCH)
            )
        async with gate(broker, tmp_path, AFTER, END):
            [fourth] = await passed(broker, signed(NEW, 4, END))
            assert await rest(broker.login("operator"), "tocsin.dead") == []
            late = signed(OLD, 5, SWITCH)  # backdated: its iat is in the old validity
            await broker.login("cert-aq").publish("tocsin.ingress", late)
            [dead] = await rest(broker.login("operator"), "tocsin.dead")
            assert dead.headers["tocsin-reason"] == "key-revoked"
    for token, key, at in (
        (first, OLD, NOW),
        (second, OLD, SWITCH),
        (third, NEW, SWITCH),
        (fourth, NEW, END),
    ):
        assert verified(token, AFTER, seen_at=at).kid == key.kid
    # Before it is listed, the next key signs nothing.
    with pytest.raises(TrustError, match="unknown-key"):
        verified(third, BEFORE, seen_at=SWITCH)


async def test_a_publisher_goes_on_along_its_feed_with_the_next_key(
    tmp_path: Path,
) -> None:
    path = tmp_path / "state.sqlite"
    async with open_embedded(None, PLACE) as broker:
        for by, number in ((OLD, 1), (NEW, 2)):
            async with open_publisher(
                broker.login("cert-aq"), path, by, clock=lambda: SWITCH, patience_s=0.5
            ) as publisher:
                assert publisher.doubt is None
                await publisher.publish(draft(number))
                assert await publisher.flush() == 0
        found = await take(broker.login("gate"), "tocsin.ingress.cert-aq", 2)
    one, two = (
        verified(unpack(each).token, BOTH, seen_at=SWITCH, now=SWITCH) for each in found
    )
    assert (one.kid, two.kid) == (OLD.kid, NEW.kid)
    assert one.claims.feed == two.claims.feed
    assert (two.claims.seq, two.claims.prev) == (2, one.token_id)


async def test_the_gates_own_key_follows_another_in_one_chain(tmp_path: Path) -> None:
    given_up = {**GIVEN_UP, "revoked_at": "2026-03-02T12:00:00Z"}  # at the switch
    both = directory(service(keys=(entry(HUB), entry(NEW_HUB))))
    after = directory(service(keys=(entry(HUB, **given_up), entry(NEW_HUB))))
    feed = Feed()
    stamps = []
    async with open_embedded(None, PLACE) as broker:
        bus = broker.login("gate")
        for by, number, now in ((HUB, 1, NOW), (NEW_HUB, 2, SWITCH)):
            async with running_gate(bus, tmp_path, known=both, now=lambda: now, by=by):  # noqa: B023
                message = feed.message(draft(number))
                await broker.login("cert-aq").publish("tocsin.ingress", message)
                [found] = await take(broker.login("adapter-main"), ADAPTER_QUEUES[0], 1)
                stamps.append(seen.verify_headers(found.headers, after, now=END).stamp)
    one, two = stamps
    assert (one.pos, two.pos) == (1, 2)
    assert two.prev == one.link
