"""Three RabbitMQ nodes as one, run with the files of deploy/."""

import aio_pika
import pytest

from tests.support.rabbitmq_cluster import RabbitMQCluster

pytestmark = pytest.mark.slow


async def test_a_confirmed_message_outlives_the_node_that_led_its_queue(
    cluster: RabbitMQCluster,
):
    quorum = {"x-queue-type": "quorum"}
    async with await aio_pika.connect(cluster.amqp_urls[0]) as connection:
        channel = await connection.channel()
        await channel.declare_queue("q", durable=True, arguments=quorum)
        message = aio_pika.Message(
            b"alarm", delivery_mode=aio_pika.DeliveryMode.PERSISTENT
        )
        await channel.default_exchange.publish(message, routing_key="q")
    assert len(cluster.queue("q")["members"]) == 3
    leader = cluster.crash_leader_of("q")
    try:
        async with await aio_pika.connect(cluster.api.amqp_url) as connection:
            queue = await (await connection.channel()).get_queue("q")
            received = await queue.get(timeout=10)
            assert received.body == b"alarm"
            await received.ack()
    finally:
        leader.start()
        cluster.wait_in_step()
