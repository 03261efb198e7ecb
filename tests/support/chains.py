"""Chains of stamps as a gate makes them, also those that it must not make."""

from dataclasses import dataclass, field

from broker import sdjwt, seen
from broker.heads import Held
from broker.seen import Head
from broker.signers import Signer
from tests.support.issuing import HUB, NOW

START = int(NOW)  # when the first record is seen; one more each minute


@dataclass
class Chain:
    """Stamps at the places 1, 2, 3 ... for made-up tokens."""

    by: Signer = HUB
    stamps: list[str] = field(default_factory=list)

    def add(self, token: str, *, at: int | None = None) -> str:
        prev = seen.link_of(self.stamps[-1]) if self.stamps else ""
        pos = len(self.stamps) + 1
        moment = START + 60 * pos if at is None else at
        stamp = seen.make_stamp(
            self.by, token_id=token, seen=moment, pos=pos, prev=prev
        )
        self.stamps.append(stamp)
        return stamp

    def grow(self, count: int, *, like: str = "record") -> "Chain":
        for number in range(len(self.stamps) + 1, len(self.stamps) + count + 1):
            self.add(token_id(f"{like} {number}"))
        return self

    def fork(self, pos: int, count: int, *, like: str = "other") -> "Chain":
        """The same up to *pos*, then *count* other records."""
        return Chain(self.by, self.stamps[:pos]).grow(count, like=like)

    def link(self, pos: int) -> str:
        return seen.link_of(self.stamps[pos - 1]) if pos else ""

    def head(self, pos: int, *, at: int | None = None) -> str:
        now = START + 60 * pos if at is None else at
        return seen.make_head(self.by, now=now, pos=pos, link=self.link(pos))

    def held(self, pos: int, *, since: int | None = None) -> Held:
        at = START + 60 * pos
        head = Head(at, pos, self.link(pos))
        return Held(self.head(pos), at if since is None else since, head)

    def path(self, first: int, last: int) -> list[bytes]:
        return [s.rpartition(".")[0].encode() for s in self.stamps[first - 1 : last]]


def token_id(name: str) -> str:
    return sdjwt.digest(name.encode())
