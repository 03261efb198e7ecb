"""The AMQP sink: a delivery is in the member's own queue, once it says so."""

import json
from contextlib import AsyncExitStack

import msgspec
import pytest
from structlog.testing import capture_logs

from adapters import enveloping
from adapters.app import open_sinks
from adapters.cli.doctor import flow
from adapters.config import PublisherConfig
from adapters.config_parts import (
    AmqpSinkConfig,
    Broker,
    FileSinkConfig,
    KeyPlace,
    MemberConfig,
)
from adapters.errors import SinkError, SinkUnavailableError
from adapters.sinks import amqp
from adapters.sinks.amqp import AmqpSink
from broker.embedded import open_embedded
from broker.errors import BusUnavailableError, ConfigError, NotConfirmedError
from broker.rabbitmq import open_rabbitmq
from broker.rabbitmq_link import Link
from broker.topology import definitions, permissions, topology
from tests.support.adapter_config import adapter_config
from tests.support.issuing import directory, rest
from tests.support.sinks import delivery

MEMBER = "platform-b"
PLACE = topology(["cert-aq"], ["main"], [MEMBER, "ngo-a"], out={"main": [MEMBER]})
QUEUE = f"tocsin.out.{MEMBER}"
PASSWORD = "amqp-test"


@pytest.fixture(params=["memory", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
async def login(request):
    """Log in to a broker of either kind."""
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            broker = await stack.enter_async_context(open_embedded(None, PLACE))

            async def login(user):
                return broker.login(user)

        else:
            server = request.getfixturevalue("vhost")
            rights = permissions(PLACE)
            server.import_definitions(
                definitions(
                    PLACE,
                    rights,
                    passwords={each.user: PASSWORD for each in rights.users},
                    vhost=server.vhost,
                )
            )

            async def login(user):
                url = server.url_for(user, PASSWORD)
                return await stack.enter_async_context(open_rabbitmq(url, user=user))

        yield login


async def test_the_member_reads_what_was_sent_from_its_own_queue(login):
    item = delivery()
    await AmqpSink(await login("adapter-main"), MEMBER).send(item)
    [message] = await rest(await login(MEMBER), QUEUE)
    assert message.message_id == item.delivery_id
    assert message.user_id == "adapter-main"
    assert message.content_type == "application/vnd.tocsin.delivery+json"
    assert message.headers["tocsin-number"] == 7
    said = json.loads(message.body)
    assert said["type"] == "record.incident"
    assert said["data"]["number"] == 7
    assert said["data"]["evidence"].encode() == item.evidence
    assert said["data"]["receipt"].encode() == item.receipt
    assert said["data"]["projection"] == json.loads(item.projection)


async def test_a_repetition_has_the_same_id_and_body(login):
    sink = AmqpSink(await login("adapter-main"), MEMBER)
    await sink.send(delivery())
    await sink.send(delivery(attempt=2))
    first, second = await rest(await login(MEMBER), QUEUE)
    assert (first.message_id, first.body) == (second.message_id, second.body)


async def test_to_a_member_without_a_queue_nothing_goes_and_it_is_an_alarm(login):
    sink = AmqpSink(await login("adapter-main"), "ngo-a")
    with capture_logs() as logs, pytest.raises(SinkUnavailableError) as caught:
        await sink.send(delivery())
    assert caught.value.reason == "sink-not-permitted"  # not even its key
    assert [each["event"] for each in logs] == ["sink.not_permitted"]


class Bus:
    """Fails as it is told."""

    def __init__(self, error):
        self._error = error

    async def publish(self, exchange, message):
        raise self._error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NotConfirmedError("nack"), "sink-not-confirmed"),
        (BusUnavailableError("gone"), "sink-connection"),
    ],
)
async def test_what_the_broker_does_not_take_now_is_sent_later(error, reason):
    with pytest.raises(SinkUnavailableError) as caught:
        await AmqpSink(Bus(error), MEMBER).send(delivery())
    assert caught.value.reason == reason


async def test_a_queue_that_is_gone_is_an_alarm():
    bare = msgspec.structs.replace(PLACE, bindings=())
    async with open_embedded(None, bare) as broker:
        sink = AmqpSink(broker.login("adapter-main"), MEMBER)
        with capture_logs() as logs, pytest.raises(SinkUnavailableError) as caught:
            await sink.send(delivery())
    assert caught.value.reason == "sink-no-queue"
    assert logs[0]["event"] == "sink.no_queue"
    assert logs[0]["log_level"] == "error"


async def test_what_no_broker_takes_fails_for_good(monkeypatch):
    monkeypatch.setattr(amqp, "MAX_BODY_BYTES", 100)
    with pytest.raises(SinkError) as caught:
        await AmqpSink(Bus(None), MEMBER).send(delivery())
    assert caught.value.reason == "sink-too-large"
    assert not isinstance(caught.value, SinkUnavailableError)


@pytest.mark.rabbitmq
async def test_a_full_queue_lets_it_wait_and_loses_nothing(vhost):
    full = [
        msgspec.structs.replace(each, arguments={**each.arguments, "x-max-length": 2})
        if each.name == QUEUE
        else each
        for each in PLACE.queues
    ]
    place = msgspec.structs.replace(PLACE, queues=tuple(full))
    rights = permissions(place)
    passwords = {each.user: PASSWORD for each in rights.users}
    vhost.import_definitions(
        definitions(place, rights, passwords=passwords, vhost=vhost.vhost)
    )
    adapter = vhost.url_for("adapter-main", PASSWORD)
    member = vhost.url_for(MEMBER, PASSWORD)
    taken, refused = [], []
    async with (
        open_rabbitmq(adapter, user="adapter-main") as bus,
        open_rabbitmq(member, user=MEMBER) as reader,
    ):
        sink = AmqpSink(bus, MEMBER)
        for number in range(1, 11):
            # RabbitMQ notices some messages late that a queue is full.
            item = delivery(delivery_id=f"d-{number:032}", number=number)
            try:
                await sink.send(item)
            except SinkUnavailableError as error:
                refused.append(error.reason)
            else:
                taken.append(item.delivery_id)
        assert set(refused) == {"sink-not-confirmed"}
        found = [each.message_id for each in await rest(reader, QUEUE)]
        assert found == taken
        await sink.send(delivery())  # there is room again


@pytest.mark.rabbitmq
async def test_a_doctor_tells_both_ends_what_waits_in_the_queue(vhost, tmp_path):
    rights = permissions(PLACE)
    passwords = {each.user: PASSWORD for each in rights.users}
    vhost.import_definitions(
        definitions(PLACE, rights, passwords=passwords, vhost=vhost.vhost)
    )
    sinks = (AmqpSinkConfig(name="queue"),)
    ours = adapter_config(tmp_path, members=(MemberConfig(org=MEMBER, sinks=sinks),))
    theirs = PublisherConfig(
        org=MEMBER,
        key=KeyPlace("x"),
        state=tmp_path,
        broker=Broker(url="amqp://x/", user=MEMBER),
    )

    async def told(user, settings):
        url = vhost.url_for(user, PASSWORD)
        async with Link(url, name="doctor", timeout_s=10) as link:
            found = await flow.queues(link, settings, directory())
        return [each for each in found if QUEUE in each.said]

    assert [each.state for each in await told(MEMBER, theirs)] == ["ok"]
    url = vhost.url_for("adapter-main", PASSWORD)
    async with open_rabbitmq(url, user="adapter-main") as bus:
        await AmqpSink(bus, MEMBER).send(delivery())
    [mine] = await told(MEMBER, theirs)
    assert (mine.state, mine.advice) == (
        "note",
        "read them: tocsin receive, or your own reader",
    )
    [hubs] = await told("adapter-main", ours)
    assert (hubs.state, "1 messages wait" in hubs.said) == ("warning", True)
    assert f"ask {MEMBER}" in hubs.advice


async def test_a_member_has_one_such_sink_and_its_adapter_a_broker(tmp_path):
    one = AmqpSinkConfig(name="queue")
    member = MemberConfig(org=MEMBER, sinks=(one,))
    async with open_embedded(None, PLACE) as broker:
        bus = broker.login("adapter-main")
        async with open_sinks([member], clock=float, bus=bus) as sinks:
            assert isinstance(sinks[MEMBER, "queue"], AmqpSink)
        files = FileSinkConfig(name="files", folder=tmp_path / "x")
        both = (one, files, AmqpSinkConfig(name="other"))
        two = msgspec.structs.replace(member, sinks=both)
        with pytest.raises(ConfigError, match="two amqp sinks"):
            async with open_sinks([two], clock=float, bus=bus):
                pass
    with pytest.raises(ConfigError, match="RabbitMQ"):
        async with open_sinks([member], clock=float):
            pass


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("incident", {"evidence", "evidence_type", "projection", "receipt"}),
        ("heartbeat", {"heartbeat", "gaps", "heard"}),
        ("erasure", {"erasure", "erased"}),
    ],
)
def test_each_kind_of_delivery_has_names_of_its_own(kind, names):
    said = json.loads(enveloping.encode(delivery(kind=kind)))
    common = {"number", "issuer", "sub", "ver", "tlp", "token_id"}
    assert said["data"].keys() == names | common
