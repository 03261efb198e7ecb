"""From the publisher through the gate to an adapter's queue, on a real RabbitMQ."""

from contextlib import AsyncExitStack

import msgspec

from broker.publisher import open_publisher
from broker.rabbitmq import open_rabbitmq
from broker.seen import verify_headers
from broker.topology import definitions, permissions
from broker.wire import unpack
from tests.support.issuing import (
    ADAPTER_QUEUES,
    PLACE,
    Feed,
    clock,
    counting_entropy,
    directory,
    draft,
    rest,
    running_gate,
    signer,
    take,
)

NORMAL = ADAPTER_QUEUES[0]
RIGHTS = permissions(PLACE)
PASSWORD = "gate-test"


async def test_records_pass_and_refusals_come_back_with_the_rights_of_production(
    vhost, tmp_path
):
    passwords = {each.user: PASSWORD for each in RIGHTS.users}
    vhost.import_definitions(
        definitions(PLACE, RIGHTS, passwords=passwords, vhost=vhost.vhost)
    )
    drafts = [draft(number) for number in range(1, 121)]
    unplaced = Feed(epoch="other").message(draft(999), position=None)
    async with AsyncExitStack() as stack:

        async def login(user):
            url = vhost.url_for(user, PASSWORD)
            return await stack.enter_async_context(open_rabbitmq(url, user=user))

        issuer, gate = await login("cert-aq"), await login("gate")
        reader, operator = await login("adapter-main"), await login("operator")
        publisher = await stack.enter_async_context(
            open_publisher(
                issuer,
                tmp_path / "state.sqlite",
                signer("cert-aq"),
                clock=clock,
                entropy=counting_entropy(),
            )
        )
        signed = [await publisher.enqueue(each) for each in drafts]
        await publisher.flush()
        await issuer.publish("tocsin.ingress", unplaced)
        async with running_gate(gate, tmp_path) as running:
            arrived = await take(reader, NORMAL, len(drafts))
            [told] = await take(issuer, "tocsin.feedback.cert-aq", 1)
            [dead] = await take(operator, "tocsin.dead", 1)
            # The same once more: a publisher that never heard the confirms.
            for message in arrived[:3]:
                again = msgspec.structs.replace(
                    message, routing_key="cert-aq.incident.green", user_id="cert-aq"
                )
                await issuer.publish("tocsin.ingress", again)
            assert await rest(reader, NORMAL, quiet_s=0.5) == []
            archived = list(running.archive.since())
    assert [m.message_id for m in arrived] == [each.token_id for each in signed]
    assert {m.message_id: unpack(m).token for m in arrived} == {
        each.token_id: each.token for each in archived
    }
    # Stamp and head travel as they were signed, and chain all records.
    known, link = directory(), ""
    seen = {
        m.message_id: verify_headers(m.headers, known, now=clock()) for m in arrived
    }
    for pos, each in enumerate(archived, 1):
        stamp = seen[each.token_id].stamp
        assert (stamp.pos, stamp.prev, stamp.token) == (pos, link, each.token_id)
        link = stamp.link
    assert any(each.head for each in seen.values())
    assert {m.user_id for m in arrived} == {"gate"}
    assert msgspec.json.decode(told.body) == {
        "token_id": unplaced.message_id,
        "reason": "no-feed",
    }
    assert (dead.body, dead.headers["tocsin-reason"]) == (unplaced.body, "no-feed")
