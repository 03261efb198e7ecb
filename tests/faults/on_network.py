"""A connection is cut, swallows what is said, is slow, or half of it is gone."""

import asyncio

from tests.faults.striking import Fault, Strike

SHORT_S = 3.0
# Longer than three heartbeats of 10 s, after which a dead peer is noticed.
LONG_S = 40.0
LATE_S = 0.05


async def cut_broker(at: Strike) -> None:
    for link in at.on.broker_links:
        link.cut()


async def broker_away(at: Strike) -> None:
    for link in at.on.broker_links:
        link.refusing = True
        link.cut()
    await asyncio.sleep(SHORT_S)
    for link in at.on.broker_links:
        link.refusing = False


async def no_answers(at: Strike, seconds: float = LONG_S) -> None:
    for link in at.on.broker_links:
        link.answers.clear()
    await asyncio.sleep(seconds)
    for link in at.on.broker_links:
        link.answers.set()


async def no_questions(at: Strike, seconds: float = LONG_S) -> None:
    for link in at.on.broker_links:
        link.asks.clear()
    await asyncio.sleep(seconds)
    for link in at.on.broker_links:
        link.asks.set()


async def slow(at: Strike) -> None:
    for link in at.on.broker_links:
        link.pause_s = LATE_S
    await asyncio.sleep(SHORT_S)
    for link in at.on.broker_links:
        link.pause_s = 0.0


async def servers_forgotten(at: Strike) -> None:
    for link in at.on.broker_links:
        link.forget_servers()


async def clients_forgotten(at: Strike) -> None:
    for link in at.on.broker_links:
        link.forget_clients()


async def cut_member(at: Strike) -> None:
    at.on.links["member"].refusing = True
    at.on.links["member"].cut()
    await asyncio.sleep(SHORT_S)
    at.on.links["member"].refusing = False


FAULTS = (
    Fault("every connection to the broker cut", cut_broker),
    Fault("the broker out of reach, 3 s", broker_away),
    Fault("one way: nothing comes from the broker, 40 s", no_answers),
    Fault("one way: nothing reaches the broker, 40 s", no_questions),
    Fault("slow: 50 ms for each piece, both ways, 3 s", slow),
    Fault("half closed: the broker's half is gone", servers_forgotten),
    Fault("half closed: our half is gone", clients_forgotten),
    Fault("the member's system out of reach, 3 s", cut_member),
)
