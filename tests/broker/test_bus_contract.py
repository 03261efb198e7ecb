"""What both buses promise: RabbitMQ, and the embedded one in memory and on file.

`login` opens the bus of one user of a fresh broker on which PLACE is declared.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import msgspec
import pytest

from broker.bus import MAX_BODY_BYTES, Bus, Message, Received
from broker.embedded import open_embedded
from broker.errors import BusRefusedError, UnroutableError
from broker.rabbitmq import open_rabbitmq
from broker.topology import (
    DEAD,
    DELIVERY_LIMIT,
    FEEDBACK,
    INGRESS,
    RECORDS,
    UNROUTABLE,
    definitions,
    permissions,
    topology,
)
from tests.support.rabbitmq_api import RabbitMQ

PLACE = topology(
    issuers=["cert-aq", "cert-bv"], adapters=["civil", "peers"], members=["platform-x"]
)
RIGHTS = permissions(PLACE)
PASSWORD = "contract-test"
INGRESS_AQ = "tocsin.ingress.cert-aq"
LOW_KEY = "cert-aq.incident.green.aq.energy.low"
HIGH_KEY = "cert-aq.incident.green.aq.energy.high"
WAIT_S = 30

# How long nothing must arrive to believe that nothing will: RabbitMQ answers
# over a socket, from another process.
QUIET_S = {"EmbeddedBus": 0.05, "RabbitBus": 0.3}

Login = Callable[[str], Awaitable[Bus]]


@pytest.fixture(
    params=["memory", "file", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)]
)
async def login(
    request: pytest.FixtureRequest, tmp_path: object
) -> AsyncIterator[Login]:
    async with AsyncExitStack() as stack:
        if request.param == "rabbitmq":
            server: RabbitMQ = request.getfixturevalue("vhost")
            passwords = {each.user: PASSWORD for each in RIGHTS.users}
            server.import_definitions(
                definitions(PLACE, RIGHTS, passwords=passwords, vhost=server.vhost)
            )

            async def login(user: str) -> Bus:
                url = server.url_for(user, PASSWORD)
                return await stack.enter_async_context(open_rabbitmq(url, user=user))
        else:
            path = tmp_path / "bus.sqlite" if request.param == "file" else None
            broker = await stack.enter_async_context(open_embedded(path, PLACE))

            async def login(user: str) -> Bus:
                return broker.login(user)

        yield login


def message(key: str, number: int = 1, **more: object) -> Message:
    return Message(
        body=f"body {number}".encode(),
        message_id=f"id-{number}",
        routing_key=key,
        **more,
    )


def without_count(dead: Message) -> Message:
    """Leave out the moment, and what RabbitMQ 4 alone keeps on a dead letter."""
    varying = ("x-delivery-count", "x-death-time")
    headers = {k: v for k, v in dead.headers.items() if k not in varying}
    return msgspec.structs.replace(dead, headers=headers)


async def following(messages: AsyncIterator[Received]) -> Received:
    async with asyncio.timeout(WAIT_S):
        return await anext(messages)


async def is_quiet(bus: Bus, messages: AsyncIterator[Received]) -> bool:
    try:
        async with asyncio.timeout(QUIET_S[type(bus).__name__]):
            await anext(messages)
    except TimeoutError:
        return True
    return False


async def drain(bus: Bus, queue: str, count: int) -> list[Message]:
    """Take *count* messages from *queue*, and make sure that these were all."""
    found = []
    async with bus.consume(queue) as messages:
        for _ in range(count):
            received = await following(messages)
            found.append(received.message)
            await received.ack()
        assert await is_quiet(bus, messages)
    return found


# Publishing


async def test_a_message_arrives_as_it_was_sent_and_acked_it_is_gone(login):
    member, gate = await login("cert-aq"), await login("gate")
    sent = Message(
        body=bytes(range(256)),
        message_id="9f" * 20,
        routing_key="cert-aq.incident.amber-strict",
        content_type="application/x-test",
        content_encoding="zstd",
        user_id="cert-aq",
        headers={
            "tocsin-seen": "ey\u00fc" * 300,
            "n": 0,
            "low": -(2**63),
            "m": 2**63 - 1,
        },
    )
    await member.publish(INGRESS, sent)
    async with gate.consume(INGRESS_AQ) as messages:
        received = await following(messages)
        assert received.message == sent
        assert received.redelivered is False
        await received.ack()
    assert await drain(gate, INGRESS_AQ, 0) == []


async def test_an_empty_body_arrives(login):
    member, gate = await login("cert-aq"), await login("gate")
    await member.publish(
        INGRESS, Message(body=b"", message_id="e", routing_key="cert-aq.x")
    )
    assert [each.body for each in await drain(gate, INGRESS_AQ, 1)] == [b""]


async def test_the_login_is_the_user_id_where_the_sender_left_it_out(login):
    member, gate = await login("cert-aq"), await login("gate")
    await member.publish(INGRESS, message("cert-aq.incident.clear"))
    assert [each.user_id for each in await drain(gate, INGRESS_AQ, 1)] == ["cert-aq"]


async def test_headers_that_belong_to_the_broker_are_not_sent(login):
    member, gate = await login("cert-aq"), await login("gate")
    forged = {"x-death-reason": "rejected", "x-delivery-count": 4, "mine": 1}
    await member.publish(INGRESS, message("cert-aq.incident.clear", headers=forged))
    assert [each.headers for each in await drain(gate, INGRESS_AQ, 1)] == [{"mine": 1}]


async def test_a_record_reaches_every_adapter_by_severity(login):
    gate = await login("gate")
    civil, peers = await login("adapter-civil"), await login("adapter-peers")
    await gate.publish(RECORDS, message(LOW_KEY, 1))
    await gate.publish(RECORDS, message(HIGH_KEY, 2))
    for adapter, name in ((civil, "civil"), (peers, "peers")):
        normal = await drain(adapter, f"tocsin.adapter.{name}", 1)
        urgent = await drain(adapter, f"tocsin.adapter.{name}.urgent", 1)
        assert [each.message_id for each in normal] == ["id-1"]
        assert [each.message_id for each in urgent] == ["id-2"]


async def test_feedback_reaches_only_the_organisation_it_is_for(login):
    sender = await login("platform-x")
    aq, bv = await login("cert-aq"), await login("cert-bv")
    await sender.publish(FEEDBACK, message("platform-x.cert-aq.sighting"))
    assert len(await drain(aq, "tocsin.feedback.cert-aq", 1)) == 1
    assert await drain(bv, "tocsin.feedback.cert-bv", 0) == []


async def test_without_an_alternate_exchange_an_unroutable_message_is_an_error(login):
    member = await login("platform-x")  # a member, but no issuer: no queue
    with pytest.raises(UnroutableError):
        await member.publish(INGRESS, message("platform-x.incident.clear"))


async def test_a_record_that_no_adapter_takes_is_kept_as_unroutable(login):
    gate, operator = await login("gate"), await login("operator")
    await gate.publish(RECORDS, message("cert-aq.too.short"))
    kept = await drain(operator, UNROUTABLE, 1)
    assert [each.routing_key for each in kept] == ["cert-aq.too.short"]


async def test_a_thousand_publishes_at_once_arrive_once_each(login):
    member, gate = await login("cert-aq"), await login("gate")
    async with asyncio.TaskGroup() as tasks:
        for number in range(1000):
            sent = message("cert-aq.incident.clear", number)
            tasks.create_task(member.publish(INGRESS, sent, timeout_s=60))
    arrived = [each.message_id for each in await drain(gate, INGRESS_AQ, 1000)]
    assert sorted(arrived) == sorted(f"id-{number}" for number in range(1000))


async def test_one_message_id_published_twice_at_once_is_confirmed_twice(login):
    member, gate = await login("cert-aq"), await login("gate")
    same = message("cert-aq.incident.clear")
    await asyncio.gather(*(member.publish(INGRESS, same) for _ in range(5)))
    assert len(await drain(gate, INGRESS_AQ, 5)) == 5


async def test_one_message_id_unroutable_twice_at_once_is_an_error_each_time(login):
    # aiormq alone confirms the first of the two, though it was returned.
    member = await login("platform-x")
    same = message("platform-x.incident.clear")
    outcomes = await asyncio.gather(
        *(member.publish(INGRESS, same) for _ in range(5)), return_exceptions=True
    )
    assert [type(each) for each in outcomes] == [UnroutableError] * 5


# Refusals


async def test_a_forged_user_id_is_refused_and_the_bus_works_on(login):
    member, gate = await login("cert-aq"), await login("gate")
    forged = message("cert-aq.incident.clear", 1, user_id="cert-bv")
    with pytest.raises(BusRefusedError):
        await member.publish(INGRESS, forged)
    await member.publish(INGRESS, message("cert-aq.incident.clear", 2))
    assert [each.message_id for each in await drain(gate, INGRESS_AQ, 1)] == ["id-2"]


async def test_a_forged_message_takes_none_of_those_in_flight_with_it(login):
    member, gate = await login("cert-aq"), await login("gate")
    batch = [message("cert-aq.incident.clear", number) for number in range(60)]
    for number in (7, 31):
        batch[number] = msgspec.structs.replace(batch[number], user_id="cert-bv")
    outcomes = await asyncio.gather(
        *(member.publish(INGRESS, each) for each in batch), return_exceptions=True
    )
    guilty = {7: BusRefusedError, 31: BusRefusedError}
    assert {n: type(each) for n, each in enumerate(outcomes) if each} == guilty
    left, arrived = set(range(60)) - set(guilty), set()
    async with gate.consume(INGRESS_AQ) as messages:
        while len(arrived) < len(left):  # at least once: repeated, some come twice
            received = await following(messages)
            arrived.add(received.message.message_id)
            await received.ack()
    assert arrived == {f"id-{n}" for n in left}


@pytest.mark.parametrize(
    ("user", "exchange", "key"),
    [
        ("cert-aq", INGRESS, "cert-bv.incident.clear"),
        ("cert-aq", INGRESS, "cert-aqq.incident.clear"),
        ("cert-aq", INGRESS, "cert-aq"),
        ("cert-aq", FEEDBACK, "cert-bv.platform-x.sighting"),
        ("cert-aq", RECORDS, LOW_KEY),
        ("cert-aq", DEAD, "dead.tocsin.ingress.cert-aq"),
        ("cert-aq", "", "tocsin.ingress.cert-bv"),  # the default exchange
        ("adapter-civil", RECORDS, LOW_KEY),
        ("adapter-civil", DEAD, "dead.tocsin.adapter.peers"),
        ("gate", INGRESS, "cert-aq.incident.clear"),
        ("gate", "tocsin.nowhere", "x"),
        ("operator", "tocsin.nowhere", "x"),
    ],
)
async def test_a_login_writes_nowhere_else(login, user, exchange, key):
    bus = await login(user)
    with pytest.raises(BusRefusedError):
        await bus.publish(exchange, message(key))


@pytest.mark.parametrize(
    ("user", "queue"),
    [
        ("cert-aq", "tocsin.feedback.cert-bv"),
        ("cert-aq", INGRESS_AQ),
        ("cert-aq", DEAD),
        ("adapter-civil", "tocsin.adapter.peers"),
        ("gate", "tocsin.adapter.civil"),
        ("gate", "tocsin.ingress.nobody"),
    ],
)
async def test_a_login_reads_no_queue_of_another(login, user, queue):
    bus = await login(user)
    with pytest.raises(BusRefusedError):
        async with bus.consume(queue):
            pass


async def test_an_unknown_login_is_refused(login):
    with pytest.raises(BusRefusedError):
        await login("nobody")


@pytest.mark.parametrize(
    "change",
    [
        {"body": bytes(MAX_BODY_BYTES + 1)},
        {"message_id": ""},
        {"message_id": "\u00fc" * 128},
        {"routing_key": "cert-aq." + "x" * 250},
        {"headers": {"big": "x" * 40_000}},
        {"headers": {"n": 2**63}},
    ],
    ids=["body", "no id", "id", "key", "headers", "integer"],
)
async def test_what_is_too_large_is_refused_before_it_is_sent(login, change):
    member, gate = await login("cert-aq"), await login("gate")
    large = msgspec.structs.replace(message("cert-aq.incident.clear"), **change)
    with pytest.raises(BusRefusedError):
        await member.publish(INGRESS, large)
    await member.publish(INGRESS, message("cert-aq.incident.clear", 2))
    assert [each.message_id for each in await drain(gate, INGRESS_AQ, 1)] == ["id-2"]


async def test_the_largest_body_arrives(login):
    member, gate = await login("cert-aq"), await login("gate")
    large = msgspec.structs.replace(
        message("cert-aq.incident.clear"), body=b"x" * MAX_BODY_BYTES
    )
    await member.publish(INGRESS, large, timeout_s=60)
    async with gate.consume(INGRESS_AQ) as messages:
        received = await following(messages)
        assert received.message.body == large.body
        await received.ack()


# Settling


async def test_what_was_not_settled_comes_back_when_its_consumer_closes(login):
    member, gate = await login("cert-aq"), await login("gate")
    for number in (1, 2):
        await member.publish(INGRESS, message("cert-aq.incident.clear", number))
    async with gate.consume(INGRESS_AQ) as messages:
        await (await following(messages)).ack()
        await following(messages)
    async with gate.consume(INGRESS_AQ) as messages:
        again = await following(messages)
        assert again.message.message_id == "id-2"
        assert again.redelivered is True
        assert again.message.headers["x-delivery-count"] == 1
        await again.ack()


async def test_settling_after_the_consumer_closed_does_nothing(login):
    member, gate = await login("cert-aq"), await login("gate")
    await member.publish(INGRESS, message("cert-aq.incident.clear"))
    async with gate.consume(INGRESS_AQ) as messages:
        received = await following(messages)
    await received.ack()
    assert [each.message_id for each in await drain(gate, INGRESS_AQ, 1)] == ["id-1"]


async def test_a_closed_consumer_ends_its_iteration(login):
    gate = await login("gate")
    async with gate.consume(INGRESS_AQ) as messages:
        pass
    assert [each async for each in messages] == []


async def test_a_message_given_back_too_often_goes_to_the_dead_letters(login):
    member, gate = await login("cert-aq"), await login("gate")
    operator = await login("operator")
    await member.publish(INGRESS, message("cert-aq.incident.clear", headers={"n": 1}))
    deliveries = 0
    async with gate.consume(INGRESS_AQ) as messages, operator.consume(DEAD) as dead:
        for deliveries in range(1, DELIVERY_LIMIT + 2):
            received = await following(messages)
            assert received.redelivered is (deliveries > 1)
            await received.reject(requeue=True)
        late = await following(dead)
        assert await is_quiet(gate, messages)
        await late.ack()
    assert isinstance(late.message.headers["x-death-time"], int)
    assert without_count(late.message) == Message(
        body=b"body 1",
        message_id="id-1",
        routing_key="dead.tocsin.ingress.cert-aq",
        user_id="cert-aq",
        headers={
            "n": 1,
            "x-death-reason": "delivery_limit",
            "x-death-queue": INGRESS_AQ,
            "x-death-exchange": INGRESS,
            "x-death-routing-key": "cert-aq.incident.clear",
        },
    )


async def test_closing_with_it_too_often_makes_a_dead_letter_as_well(login):
    member, gate = await login("cert-aq"), await login("gate")
    operator = await login("operator")
    await member.publish(INGRESS, message("cert-aq.incident.clear"))
    for _ in range(DELIVERY_LIMIT + 1):
        async with gate.consume(INGRESS_AQ) as messages:
            await following(messages)
    async with operator.consume(DEAD) as dead:
        late = await following(dead)
        assert late.message.headers["x-death-reason"] == "delivery_limit"
        await late.ack()


async def test_a_message_rejected_for_good_is_a_dead_letter_at_once(login):
    member, gate = await login("cert-aq"), await login("gate")
    operator = await login("operator")
    await member.publish(INGRESS, message("cert-aq.incident.clear"))
    async with gate.consume(INGRESS_AQ) as messages, operator.consume(DEAD) as dead:
        await (await following(messages)).reject(requeue=False)
        late = await following(dead)
        await late.ack()
    assert late.message.headers["x-death-reason"] == "rejected"
    assert late.message.headers["x-death-routing-key"] == "cert-aq.incident.clear"


async def test_reading_the_dead_letters_often_destroys_none(login):
    # RabbitMQ 4 drops a message from a queue without limit at the 21st time.
    member, gate = await login("cert-aq"), await login("gate")
    operator = await login("operator")
    await member.publish(INGRESS, message("cert-aq.incident.clear"))
    async with gate.consume(INGRESS_AQ) as messages:
        await (await following(messages)).reject(requeue=False)
    async with operator.consume(DEAD) as dead:
        for _ in range(30):
            await (await following(dead)).reject(requeue=True)
        await (await following(dead)).ack()


async def test_settling_twice_is_an_error_and_disturbs_nobody(login):
    member, gate = await login("cert-aq"), await login("gate")
    for number in (1, 2):
        await member.publish(INGRESS, message("cert-aq.incident.clear", number))
    async with gate.consume(INGRESS_AQ) as messages:
        first = await following(messages)
        await first.ack()
        with pytest.raises(RuntimeError):
            await first.ack()
        with pytest.raises(RuntimeError):
            await first.reject(requeue=True)
        await (await following(messages)).ack()
    assert await drain(gate, INGRESS_AQ, 0) == []


async def test_ack_through_settles_all_that_was_handed_out_before(login):
    member, gate = await login("cert-aq"), await login("gate")
    for number in range(6):
        await member.publish(INGRESS, message("cert-aq.incident.clear", number))
    async with gate.consume(INGRESS_AQ) as messages:
        received = [await following(messages) for _ in range(6)]
        await received[1].reject(requeue=False)
        await gate.ack_through(received[3])
        with pytest.raises(RuntimeError):
            await received[2].ack()
        await received[4].ack()
    assert [each.message_id for each in await drain(gate, INGRESS_AQ, 1)] == ["id-5"]


async def test_no_more_than_the_prefetch_are_in_hands(login):
    member, gate = await login("cert-aq"), await login("gate")
    for number in range(5):
        await member.publish(INGRESS, message("cert-aq.incident.clear", number))
    async with gate.consume(INGRESS_AQ, prefetch=3) as messages:
        received = [await following(messages) for _ in range(3)]
        assert await is_quiet(gate, messages)
        await received[0].ack()
        fourth = await following(messages)
        assert fourth.message.message_id == "id-3"
        assert await is_quiet(gate, messages)


@pytest.mark.parametrize("prefetch", [0, 65536])
async def test_a_prefetch_without_a_bound_is_an_error(login, prefetch):
    gate = await login("gate")
    with pytest.raises(ValueError, match="prefetch"):
        async with gate.consume(INGRESS_AQ, prefetch=prefetch):
            pass


async def test_two_consumers_share_a_queue(login):
    member, gate = await login("cert-aq"), await login("gate")
    async with (
        gate.consume(INGRESS_AQ, prefetch=1) as one,
        gate.consume(INGRESS_AQ, prefetch=1) as two,
    ):
        for number in (1, 2):
            await member.publish(INGRESS, message("cert-aq.incident.clear", number))
        received = await asyncio.gather(following(one), following(two))
        assert {each.message.message_id for each in received} == {"id-1", "id-2"}
        for each in received:
            await each.ack()


async def test_a_reader_that_gave_up_waiting_goes_on_reading(login):
    member, gate = await login("cert-aq"), await login("gate")
    async with gate.consume(INGRESS_AQ) as messages:
        for _ in range(3):
            assert await is_quiet(gate, messages)
        for pause_s in (0, 0, 0.001, 0.002):
            await member.publish(INGRESS, message("cert-aq.incident.clear"))
            try:
                async with asyncio.timeout(pause_s):
                    received = await anext(messages)
            except TimeoutError:
                received = await following(messages)
            await received.ack()
