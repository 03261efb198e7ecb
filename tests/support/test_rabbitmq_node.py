"""The private RabbitMQ of the tests, through the fixtures that lend it."""

import aio_pika
import pytest

from tests.support.rabbitmq_api import ApiError, RabbitMQ


async def test_a_virtual_host_is_lent_empty_and_carries_messages(vhost: RabbitMQ):
    async with await aio_pika.connect(vhost.amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(
            "q", durable=True, arguments={"x-queue-type": "quorum"}
        )
        message = aio_pika.Message(b"alarm")
        await channel.default_exchange.publish(message, routing_key=queue.name)
        received = await queue.get(timeout=10)
        assert received.body == b"alarm"
        await received.ack()


def test_a_virtual_host_is_gone_after_its_test(rabbitmq: RabbitMQ):
    with rabbitmq.fresh_vhost() as lent:
        name = lent.vhost
        rabbitmq.request("GET", f"/api/vhosts/{name}")
    with pytest.raises(ApiError) as caught:
        rabbitmq.request("GET", f"/api/vhosts/{name}")
    assert caught.value.status == 404


async def test_a_user_is_held_to_the_permissions_given(vhost: RabbitMQ):
    vhost.create_user("cert-aq", "p/w@:")
    try:
        vhost.grant("cert-aq", "^$", r"^amq\.topic$", "^$")
        vhost.grant_topic("cert-aq", "amq.topic", r"^cert-aq\.", "^$")
        url = vhost.url_for("cert-aq", "p/w@:")
        async with await aio_pika.connect(url) as connection:
            channel = await connection.channel()
            exchange = await channel.get_exchange("amq.topic", ensure=False)
            await exchange.publish(aio_pika.Message(b""), routing_key="cert-aq.x")
            with pytest.raises(aio_pika.exceptions.AMQPError):
                await exchange.publish(aio_pika.Message(b""), routing_key="cert-zz.x")
    finally:
        vhost.delete_user("cert-aq")
