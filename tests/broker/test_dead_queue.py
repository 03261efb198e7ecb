"""Reading, putting back and deleting dead letters: on the embedded bus and RabbitMQ."""

import asyncio
from contextlib import AsyncExitStack

import msgspec
import pytest

from broker import dead_queue
from broker.bus import Message
from broker.directory_held import Held
from broker.embedded import open_embedded
from broker.errors import BusRefusedError, NotConfirmedError
from broker.rabbitmq import open_rabbitmq
from broker.topology import (
    DEAD,
    INGRESS,
    RETRY,
    UNROUTABLE,
    definitions,
    permissions,
)
from tests.support.issuing import (
    ADAPTER_QUEUES,
    NOW,
    PLACE,
    Feed,
    directory,
    draft,
    member,
    rest,
    running_gate,
    take,
)

PASSWORD = "dead-letters"
NORMAL = ADAPTER_QUEUES[0]
RIGHTS = permissions(PLACE)


@pytest.fixture(params=["memory", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
async def login(request):
    async with AsyncExitStack() as stack:
        if request.param == "rabbitmq":
            server = request.getfixturevalue("vhost")
            passwords = {each.user: PASSWORD for each in RIGHTS.users}
            server.import_definitions(
                definitions(PLACE, RIGHTS, passwords=passwords, vhost=server.vhost)
            )

            async def login(user):
                url = server.url_for(user, PASSWORD)
                return await stack.enter_async_context(open_rabbitmq(url, user=user))
        else:
            broker = await stack.enter_async_context(open_embedded(None, PLACE))

            async def login(user):
                return broker.login(user)

        yield login


def letter(number, queue=NORMAL, reason="signature"):
    return Message(
        body=b"body %d" % number,
        message_id=f"message-{number}",
        routing_key=f"dead.{queue}",
        headers={"tocsin-reason": reason, "tocsin-seen": "stamp"},
    )


async def bury(operator, *letters):
    for each in letters:
        await operator.publish(DEAD, each)


async def listed(operator, source=DEAD):
    return await dead_queue.listed(operator, source, idle_s=0.3)


async def retried(operator, chosen, letters=None):
    letters = await listed(operator) if letters is None else letters
    found = [each for each in letters if each.message_id in chosen]
    return await dead_queue.retry(operator, DEAD, letters, found, idle_s=0.3)


def ids(found):
    return [each.message_id for each in found]


async def test_looking_takes_nothing_and_changes_no_order(login):
    operator = await login("operator")
    await bury(operator, *map(letter, range(5)))
    before = ids(await listed(operator))
    for _ in range(5):  # an ordinary queue would have given it up by now
        assert ids(await listed(operator)) == before
    assert before == [f"message-{n}" for n in range(5)]
    assert ids(await rest(operator, DEAD, quiet_s=0.3)) == before


async def test_an_empty_queue_is_empty(login):
    operator = await login("operator")
    assert await listed(operator) == []
    assert await dead_queue.drop(operator, DEAD, [], []) == 0


async def test_one_out_of_the_middle_goes_back_and_the_others_stay_in_order(login):
    operator, adapter = await login("operator"), await login("adapter-main")
    await bury(operator, *map(letter, range(5)))
    assert await retried(operator, ["message-2"]) == 1
    [back] = await rest(adapter, NORMAL, quiet_s=0.3)
    assert (back.message_id, back.body) == ("message-2", b"body 2")
    assert back.headers["tocsin-seen"] == "stamp"
    left = ids(await rest(operator, DEAD, quiet_s=0.3))
    assert left == [f"message-{n}" for n in (0, 1, 3, 4)]


async def test_what_is_refused_again_meanwhile_is_taken_once(login):
    operator, adapter = await login("operator"), await login("adapter-main")
    await bury(operator, *map(letter, range(30)))

    async def refuse_all():
        async with adapter.consume(NORMAL) as messages:
            async for received in messages:
                await received.reject(requeue=False)

    async with asyncio.timeout(30):
        refusing = asyncio.create_task(refuse_all())
        everything = {f"message-{n}" for n in range(30)}
        assert await retried(operator, everything) == 30
        while len(found := await listed(operator)) < 30:
            pass
        refusing.cancel()
    assert sorted(ids(found)) == sorted(everything)
    assert {each.reason for each in found} == {"rejected"}


async def test_only_what_was_chosen_is_deleted(login):
    operator = await login("operator")
    await bury(operator, letter(1), letter(2, reason="exp"), letter(3))
    letters = await listed(operator)
    chosen = [each for each in letters if each.reason == "signature"]
    done = await dead_queue.drop(operator, DEAD, letters, chosen, idle_s=0.3)
    assert done == 2
    assert ids(await rest(operator, DEAD, quiet_s=0.3)) == ["message-2"]


async def test_what_has_no_way_back_stays(login):
    operator = await login("operator")
    gone = letter(1, queue="tocsin.adapter.gone")
    answer = letter(2, queue="tocsin.feedback.cert-aq")
    await bury(operator, gone, answer)
    assert await retried(operator, ["message-1", "message-2"]) == 0
    assert len(await rest(operator, DEAD, quiet_s=0.3)) == 2


async def test_what_no_queue_took_is_listed_apart_and_lost_by_no_retry(login):
    operator, gate = await login("operator"), await login("gate")
    sent = Message(body=b"x", message_id="m", routing_key="cert-aq.incident.odd")
    await gate.publish("tocsin.records", sent)
    letters = await listed(operator, UNROUTABLE)
    assert [each.reason for each in letters] == ["unroutable"]
    assert await listed(operator) == []
    assert (
        await dead_queue.retry(operator, UNROUTABLE, letters, letters, idle_s=0.3) == 1
    )
    # Still nobody takes it: it is there again.
    assert ids(await listed(operator, UNROUTABLE)) == ["m"]


@pytest.mark.parametrize("user", ["cert-aq", "gate", "adapter-main"])
async def test_the_operator_alone_puts_anything_back(login, user):
    bus = await login(user)
    for key in (NORMAL, f"{INGRESS}.cert-aq"):
        with pytest.raises(BusRefusedError):
            await bus.publish(RETRY, Message(body=b"", message_id="m", routing_key=key))


async def test_a_record_refused_by_mistake_is_passed_on_once_put_back(login, tmp_path):
    mistaken = directory(member("cert-aq", kinds=("advisory",)))
    held = Held(mistaken)
    message = Feed().message(draft())
    issuer, operator = await login("cert-aq"), await login("operator")
    async with running_gate(await login("gate"), tmp_path, known=held):
        await issuer.publish(INGRESS, message)
        await take(issuer, "tocsin.feedback.cert-aq", 1)
        [found] = await listed(operator)
        assert (found.reason, found.at) == ("kind-not-allowed", int(NOW))
        held.put(directory(), NOW)
        assert await retried(operator, [message.message_id]) == 1
        [arrived] = await take(await login("adapter-main"), NORMAL, 1)
    assert arrived.message_id == message.message_id
    assert await rest(operator, DEAD, quiet_s=0.3) == []


async def test_a_heartbeat_or_record_of_another_sender_is_refused_again(
    login, tmp_path
):
    message = Feed().message(draft())
    operator, issuer = await login("operator"), await login("cert-aq")
    stolen = msgspec.structs.replace(
        letter(1, queue=f"{INGRESS}.cert-aq"),
        body=message.body,
        headers={
            "tocsin-user-id": "cert-bv",
            "tocsin-routing-key": message.routing_key,
        },
    )
    await bury(operator, stolen)
    async with running_gate(await login("gate"), tmp_path):
        assert await retried(operator, ["message-1"]) == 1
        await take(issuer, "tocsin.feedback.cert-aq", 1)
    [found] = await listed(operator)
    assert found.reason == "user-id"


async def test_a_confirm_that_never_comes_leaves_the_letter_where_it_is():
    def fault(operation, message):
        if operation == "publish" and message.routing_key == NORMAL:
            return NotConfirmedError("no confirm in time"), "after"
        return None

    async with open_embedded(None, PLACE, fault=fault) as broker:
        operator = broker.login("operator")
        await bury(operator, letter(1), letter(2))
        with pytest.raises(NotConfirmedError):
            await retried(operator, ["message-1", "message-2"])
        assert ids(await rest(operator, DEAD)) == ["message-1", "message-2"]
        # It took effect, so the adapter may see it twice; lost is nothing.
        assert ids(await rest(broker.login("adapter-main"), NORMAL)) == ["message-1"]
