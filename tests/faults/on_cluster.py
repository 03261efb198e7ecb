"""The node that leads the queues of a cluster of three is killed, or hangs."""

import asyncio
from collections.abc import Sequence

from broker.topology import INGRESS, adapter_queues
from tests.faults.installation import ISSUER
from tests.faults.striking import Fault, Strike
from tests.support.rabbitmq_node import RabbitMQNode

ADAPTERS = adapter_queues("main")[0]
OURS = f"{INGRESS}.{ISSUER}"
HANGS_S = 20.0
PARTED_S = 15.0


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


async def cut_off_leader(at: Strike) -> None:
    """Part the leader's node from the two others; clients reach all three."""
    vhost = at.on.hub.server.vhost
    node = await asyncio.to_thread(at.on.node.leader_of, ADAPTERS, vhost=vhost)
    others = [each.name for each in at.on.node.nodes if each is not node]
    own = await asyncio.to_thread(node.control, "eval", "erlang:get_cookie().")
    # With another cookie for each other neither side can connect, as RabbitMQ's own
    # tests do it where nothing can be set up between the two.
    await asyncio.to_thread(node.control, "eval", _cookies(others, "parted", part=True))
    await asyncio.sleep(PARTED_S)
    await asyncio.to_thread(node.control, "eval", _cookies(others, own.strip()))
    await asyncio.to_thread(at.on.node.wait_in_step)


def _cookies(nodes: Sequence[str], cookie: str, *, part: bool = False) -> str:
    said = []
    for each in nodes:
        said.append(f"erlang:set_cookie('{each}', {cookie})")
        if part:
            said.append(f"erlang:disconnect_node('{each}')")
    return ", ".join(said) + "."


async def restart_one_after_the_other(at: Strike) -> None:
    for node in at.on.node.nodes:
        await asyncio.to_thread(at.on.node.restart, node)


FAULTS = (
    Fault("kill -9 of the node that leads the adapter's queue", kill_leader_of_adapter),
    Fault("kill -9 of the node that leads the issuer's queue", kill_leader_of_ingress),
    Fault("SIGSTOP of the node that leads the adapter's queue, 20 s", hang_leader),
    Fault(
        "a partition: that node apart from the two others, 15 s",
        cut_off_leader,
        records=600,
    ),
    Fault(
        "all three restarted, one after the other",
        restart_one_after_the_other,
        records=600,
    ),
)
