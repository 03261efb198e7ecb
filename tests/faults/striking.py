"""One fault, at a random moment of a steady load, and what became of every record."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.faults.counting import Count, Outage, count
from tests.faults.installation import MEMBER, Installation
from tests.faults.member import Post
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
        journal: What the issuer has signed, as far as it was read.
        note: What is to be said of it in the table.
    """

    on: Installation
    publisher: Process
    random: random.Random
    journal: Journal
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
        members: Those to count for, and how the row of each is called; the first one
            alone, if not given.
        at_once: It does not wait for the load to flow.
        puts_back: What was refused is put back, and must arrive.
    """

    name: str
    act: Act
    records: int = 120
    rate: float = 30.0
    patience_s: float = 120.0
    members: Mapping[str, str] = field(default_factory=dict)
    at_once: bool = False
    puts_back: bool = False


@dataclass(frozen=True)
class Outcome:
    """A row.

    Attributes:
        ended: Processes that ended by themselves, and how.
    """

    fault: str
    count: Count
    note: str
    took_s: float
    ended: tuple[str, ...] = ()


async def strike(fault: Fault, on: Installation, seed: str) -> list[Outcome]:
    """Run a load, let *fault* happen, wait for the last record, and count.

    Returns:
        A row for each member that the fault names; for the first one, if it names none.
    """
    begun = time.monotonic()
    watched = [_Watched(on, org) for org in fault.members or (MEMBER,)]
    publisher, journal = on.publisher(count=fault.records, rate=fault.rate)
    chance = random.Random(f"{seed}/{fault.name}")  # noqa: S311  no secret
    at = Strike(on, publisher, chance, journal)
    ended = {each.name: len(each.ended) for each in on.processes}
    async with supervised([publisher]):
        await publisher.ready()
        if not fault.at_once:
            await until(watched[0].has_begun, timeout_s=60, what="it flows")
            await asyncio.sleep(chance.uniform(*CALM) * fault.records / fault.rate)
        struck = time.monotonic()
        await fault.act(at)
        outage = Outage(struck, time.monotonic())
        late = await _arrived(at, watched, fault)
        await asyncio.sleep(QUIET_S)
    took_s = time.monotonic() - begun
    return [
        Outcome(
            fault.members.get(each.org, fault.name),
            each.count(journal, outage),
            "; ".join(filter(None, (at.note, late))),
            took_s,
            tuple(
                f"{process.name} ended itself ({code})"
                for process in on.processes
                for code in process.ended[ended[process.name] :]
            ),
        )
        for each in watched
    ]


class _Watched:
    """What a member has got since."""

    def __init__(self, on: Installation, org: str) -> None:
        self.org = org
        self._on = on
        self._member = on.members[org]
        self._filed = on.filed(org)
        self._posts = len(self._member.posts)
        numbers = [post.number for post in self._member.posts]
        self._from = max(numbers, default=0) + 1

    @property
    def posts(self) -> list[Post]:
        return self._member.posts[self._posts :]

    def filed(self, journal: Journal) -> set[str]:
        return whole(self._on.filed(self.org) - self._filed, journal)

    def has_begun(self) -> bool:
        return len(self._member.posts) > self._posts

    def has(self, journal: Journal, wanted: set[str]) -> bool:
        arrived = {post.token for post in self.posts if post.is_taken}
        return wanted <= arrived and wanted <= self.filed(journal)

    def count(self, journal: Journal, outage: Outage) -> Count:
        return count(
            published=journal.signed,
            confirmed=journal.confirmed,
            posts=self.posts,
            filed=self.filed(journal),
            refused=whole(self._on.refused(), journal),
            outages=[outage],
            numbers_from=self._from,
        )


async def _arrived(at: Strike, watched: Sequence[_Watched], fault: Fault) -> str:
    """Wait until every record has arrived; say so if that is in vain."""
    journal = at.journal

    def all_have() -> bool:
        journal.read()
        if len(journal.confirmed) < fault.records:
            return False
        newest = {signed.sub: signed.ver for signed in journal.signed.values()}
        wanted = {t for t, s in journal.signed.items() if s.ver == newest[s.sub]}
        if not fault.puts_back:
            wanted -= whole(at.on.refused(), journal)
        return all(each.has(journal, wanted) for each in watched)

    patience_s = fault.records / fault.rate + fault.patience_s
    try:
        await until(
            all_have,
            timeout_s=patience_s,
            what="all have arrived",
            every_s=0.2 + fault.records / 20_000,
        )
    except TimeoutError:
        return f"not all had arrived after {patience_s:.0f} s"
    finally:
        at.publisher.is_wanted = False
    return ""


def whole(beginnings: set[str], journal: Journal) -> set[str]:
    """Give the token ids that begin so; folders and logs name them by 12 or 8 characters."""
    return {t for t in journal.signed if t[:12] in beginnings or t[:8] in beginnings}
