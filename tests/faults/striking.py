"""One fault, at a random moment of a steady load, and what became of every record."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults.counting import Count, Outage, count
from tests.faults.installation import Installation
from tests.faults.processes import Process, supervised, until
from tests.faults.publisher import Journal

QUIET_S = 1.0  # after the last record: what is posted twice would come now
CALM = (0.25, 0.6)  # the fault comes somewhere here, in parts of the load


@dataclass
class Strike:
    """A fault under way: what it acts on.

    Attributes:
        publisher: The issuer's process.
        random: Decides whatever is left to chance; seeded.
        note: What is to be said of it in the table.
    """

    on: Installation
    publisher: Process
    random: random.Random
    note: str = ""


Act = Callable[[Strike], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        name: A row of the table.
        act: Does it, and returns when it is over.
        records, rate: Of the load; records a second.
        patience_s: So long after the load everything must have arrived.
        database: Whether it is about the outbox's database: PostgreSQL alone.
    """

    name: str
    act: Act
    records: int = 120
    rate: float = 30.0
    patience_s: float = 120.0
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Outcome:
    """A row.

    Attributes:
        ended: Processes that ended by themselves: name and exit code.
        grown: By how much the memory of gate and adapter is larger than before.
    """

    fault: str
    count: Count
    note: str
    took_s: float
    ended: tuple[str, ...] = ()


async def strike(fault: Fault, on: Installation, seed: str) -> Outcome:
    """Run a load, let *fault* happen, wait for the last record, and count."""
    begun = time.monotonic()
    before, posts_before = on.filed(), len(on.member.posts)
    numbers = {post.number for post in on.member.posts}
    publisher, journal = on.publisher(count=fault.records, rate=fault.rate)
    chance = random.Random(f"{seed}/{fault.name}")  # noqa: S311  no secret
    under_way = Strike(on, publisher, chance)
    ended = [list(each.ended) for each in on.processes]
    outages = []
    async with supervised([publisher]):
        await publisher.ready()
        await until(
            lambda: len(on.member.posts) > posts_before, timeout_s=60, what="it flows"
        )
        await asyncio.sleep(chance.uniform(*CALM) * fault.records / fault.rate)
        struck = time.monotonic()
        await fault.act(under_way)
        outages.append(Outage(struck, time.monotonic()))
        late = await _arrived(on, journal, publisher, fault, posts_before, before)
        await asyncio.sleep(QUIET_S)
    counted = count(
        published=journal.signed,
        confirmed=journal.confirmed,
        posts=on.member.posts[posts_before:],
        filed=_whole(on.filed() - before, journal),
        refused=_whole(on.refused(), journal),
        outages=outages,
        numbers_from=max(numbers, default=0) + 1,
    )
    return Outcome(
        fault.name,
        counted,
        "; ".join(filter(None, (under_way.note, late))),
        time.monotonic() - begun,
        tuple(
            f"{each.name} {code}"
            for each, known in zip(on.processes, ended, strict=True)
            for code in each.ended[len(known) :]
        ),
    )


async def _arrived(
    on: Installation,
    journal: Journal,
    publisher: Process,
    fault: Fault,
    posts_before: int,
    filed_before: set[str],
) -> str:
    """Wait until every record has arrived; say so if that is in vain."""

    def all_have() -> bool:
        journal.read()
        if len(journal.confirmed) < fault.records:
            return False
        posts = on.member.posts[posts_before:]
        arrived = {post.token for post in posts if post.is_taken}
        filed = _whole(on.filed() - filed_before, journal)
        newest = {signed.sub: signed.ver for signed in journal.signed.values()}
        wanted = {t for t, s in journal.signed.items() if s.ver == newest[s.sub]}
        return wanted <= (arrived & filed) | _whole(on.refused(), journal)

    patience_s = fault.records / fault.rate + fault.patience_s
    try:
        await until(all_have, timeout_s=patience_s, what="all have arrived")
    except TimeoutError:
        return f"not all had arrived after {patience_s:.0f} s"
    finally:
        publisher.is_wanted = False
    return ""


def _whole(beginnings: set[str], journal: Journal) -> set[str]:
    """Give the token ids that begin so; folders and logs name them by 12 or 8 characters."""
    return {t for t in journal.signed if t[:12] in beginnings or t[:8] in beginnings}
