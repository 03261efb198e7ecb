"""The node that leads the queues of a cluster of three is killed, or hangs."""

import asyncio

from broker.topology import INGRESS, adapter_queues
from tests.faults.installation import ISSUER
from tests.faults.striking import Fault, Strike
from tests.support.rabbitmq_node import RabbitMQNode

ADAPTERS = adapter_queues("main")[0]
OURS = f"{INGRESS}.{ISSUER}"
HANGS_S = 20.0


async def kill_leader(at: Strike, queue: str) -> None:
    dead: RabbitMQNode = await asyncio.to_thread(
        at.on.node.crash_leader_of, queue, vhost=at.on.hub.server.vhost
    )
    await asyncio.sleep(2)
    await asyncio.to_thread(dead.start)
    await asyncio.to_thread(at.on.node.wait_in_step)


async def kill_leader_of_adapter(at: Strike) -> None:
    await kill_leader(at, ADAPTERS)


async def kill_leader_of_ingress(at: Strike) -> None:
    await kill_leader(at, OURS)


async def hang_leader(at: Strike) -> None:
    vhost = at.on.hub.server.vhost
    node = await asyncio.to_thread(at.on.node.leader_of, ADAPTERS, vhost=vhost)
    at.on.node.freeze(node)
    await asyncio.sleep(HANGS_S)
    at.on.node.thaw(node)
    await asyncio.to_thread(at.on.node.wait_in_step)


async def restart_one_after_the_other(at: Strike) -> None:
    for node in at.on.node.nodes:
        await asyncio.to_thread(at.on.node.restart, node)


FAULTS = (
    Fault("kill -9 of the node that leads the adapter's queue", kill_leader_of_adapter),
    Fault("kill -9 of the node that leads the issuer's queue", kill_leader_of_ingress),
    Fault("SIGSTOP of the node that leads the adapter's queue, 20 s", hang_leader),
    Fault(
        "all three restarted, one after the other",
        restart_one_after_the_other,
        records=600,
    ),
)
