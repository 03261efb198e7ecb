"""The outbox against a model of twenty lines, over whatever order of events.

Hypothesis tells both what happens: versions stored in any order, handed out, sent,
refused, postponed, given back, sent once more, a process that dies, a clock that goes on or back. Both
must agree on every answer, and at the end all that was ever stored has left in order.
"""

import asyncio
import itertools
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from adapters.outbox import open_outbox
from adapters.outbox_postgresql import CLAIM_S
from adapters.outbox_removal import Removal
from tests.support.sinks import new_delivery

START = 1_770_000_000.0
LANES = (("platform-b", "siem"), ("ngo-a", "mail"))
FAR = 10**6  # seconds; further than anything waits


@dataclass
class Version:
    """What the model knows of one stored version."""

    state: str
    due_at: float = 0.0
    is_held: bool = False


class Model:
    """What must hold, said as plainly as possible."""

    def __init__(self) -> None:
        self.cases: dict[tuple, dict[int, Version]] = {}  # (lane, sub) -> ver -> state
        self.newest: dict[tuple, int] = {}
        self.superseded: set[tuple] = set()
        self.stored = dict.fromkeys(LANES, 0)

    def store(self, rows, now: float) -> tuple[str, ...]:
        said: list[str] = []
        fresh: dict[tuple, int] = {}  # of this call: where in `said`
        for lane, sub, ver, kind, not_before, missed, resend in rows:
            case, key = (lane, sub), (lane, sub, ver)
            versions = self.cases.setdefault(case, {})
            newest = self.newest.get(case, -1)
            if ver in versions or key in fresh:
                outcome = "duplicate"
                again = {"": (), "failed": ("failed",), "done": ("failed", "done")}
                if key not in fresh and ver == newest:
                    each = versions[ver]
                    if each.state in again[resend]:
                        outcome, each.state, each.due_at = "again", "pending", 0.0
                        fresh[key] = len(said)
            elif missed and newest < 0:
                outcome = "missed"
            elif ver < newest:
                outcome = "superseded"
            else:
                outcome = self._accept(versions, kind, not_before, missed, now)
                self.newest[case] = ver
                for older in [v for v, e in versions.items() if e.state == "waiting"]:
                    del versions[older]
                    self.superseded.add((*case, older))
                    if (*case, older) in fresh:
                        said[fresh[*case, older]] = "superseded"
                if outcome != "superseded":
                    state = {"stored": "pending"}.get(outcome, outcome)
                    versions[ver] = Version(state, not_before)
                fresh[key] = len(said)
            if outcome == "superseded":
                self.superseded.add(key)
            said.append(outcome)
        return tuple(said)

    def _accept(self, versions, kind, not_before, missed, now: float) -> str:
        waits = not_before > now
        if kind == "retraction" and (waits or missed):
            begun = any(each.state != "waiting" for each in versions.values())
            return "stored" if begun else "superseded"
        return "waiting" if waits else "stored"

    def ripen(self, now: float) -> None:
        for each in self.all():
            if each.state == "waiting" and each.due_at <= now:
                each.state = "pending"

    def due(self, now: float) -> set[tuple]:
        found = set()
        for (lane, sub), versions in self.cases.items():
            pending = [v for v in sorted(versions) if versions[v].state == "pending"]
            for ver in pending[:1]:
                each = versions[ver]
                if not each.is_held and each.due_at <= now:
                    found.add((lane, sub, ver))
        return found

    def all(self):
        return itertools.chain(*(v.values() for v in self.cases.values()))

    def counts(self) -> dict[str, int]:
        states = [each.state for each in self.all()]
        names = ("waiting", "pending", "done", "failed")
        return {n: states.count(n) for n in names} | {
            "superseded": len(self.superseded)
        }


rows = st.lists(
    st.tuples(
        st.sampled_from(LANES),
        st.sampled_from(["incident--1", "incident--2"]),
        st.integers(0, 6),
        st.sampled_from(["incident", "incident", "retraction"]),
        st.sampled_from([0, 0, 0, 30, 500]),
        st.booleans(),
        st.sampled_from(["", "", "failed", "done"]),
    ),
    min_size=1,
    max_size=4,
)


def machine_at(place, *, claim_s: float = 0.0) -> type[RuleBasedStateMachine]:
    """Make the machine; *place()* gives an empty place for an outbox."""

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.runner = asyncio.Runner()
            self.now = START
            self.model = Model()
            self.held = {}  # (lane, sub, ver) -> Delivery
            self.numbers = {lane: set() for lane in LANES}
            self.place = self.run(place())
            self.open()

        def run(self, coroutine):
            return self.runner.run(coroutine)

        def open(self) -> None:
            self.stack = AsyncExitStack()
            opening = open_outbox(self.place, clock=lambda: self.now)
            self.outbox = self.run(self.stack.enter_async_context(opening))

        @rule(rows=rows)
        def store(self, rows) -> None:
            timed = [(*r[:4], self.now + r[4] if r[4] else 0, *r[5:]) for r in rows]
            given = [
                new_delivery(
                    member=lane[0],
                    sink=lane[1],
                    sub=sub,
                    ver=f"2026-01-02T03:04:{ver:02}Z",
                    kind=kind,
                    not_before=not_before,
                    missed="countries" if missed else "",
                    resend=resend,
                )
                for lane, sub, ver, kind, not_before, missed, resend in timed
            ]
            said = self.run(self.outbox.store(given))
            assert tuple(map(str, said)) == self.model.store(timed, self.now)

        @rule(lane=st.sampled_from([None, *LANES]))
        def due(self, lane) -> None:
            self.model.ripen(self.now)
            items = self.run(self.outbox.due(self.now, 100, lane=lane))
            found = {self.name(item): item for item in items}
            expected = self.model.due(self.now)
            wanted = {k for k in expected if lane in (None, k[0])}
            assert found.keys() == wanted
            for key, item in found.items():
                versions = self.model.cases[key[:2]]
                sent = [v for v, e in versions.items() if e.state in {"done", "failed"}]
                assert key[2] > max(sent, default=-1)  # never back
                versions[key[2]].is_held = True
                self.numbers[key[0]].add(item.number)
            self.held |= found

        @precondition(lambda self: self.held)
        @rule(data=st.data(), end=st.sampled_from(["done", "failed", "postponed"]))
        def settle(self, data, end) -> None:
            key = data.draw(st.sampled_from(sorted(self.held)))
            item = self.held.pop(key)
            version = self.model.cases[key[:2]][key[2]]
            assert version.state == "pending"
            version.is_held = False
            ident, now = item.delivery_id, self.now
            if end == "done":
                self.run(self.outbox.done(ident, now))
                version.state = "done"
            elif end == "failed":
                self.run(self.outbox.failed(ident, "sink-refused", now=now))
                version.state = "failed"
            else:
                later = now + 40
                self.run(self.outbox.postponed(ident, later, "sink-busy", now=now))
                version.due_at = later

        @precondition(lambda self: self.held)
        @rule()
        def give_back(self) -> None:
            self.outbox.release(self.held.values())
            self.forget()

        @rule()
        def die(self) -> None:
            """Start again: what was handed out was never heard of again."""
            self.run(self.stack.aclose())
            self.forget()
            self.now += claim_s
            self.open()

        @rule(seconds=st.sampled_from([1, 30, 60, 1000, -1, -60]))
        def time_passes(self, seconds) -> None:
            self.now += seconds

        @rule(lane=st.sampled_from(LANES))
        def hasten(self, lane) -> None:
            self.run(self.outbox.hasten(lane, self.now))
            for (of, _), versions in self.model.cases.items():
                for each in versions.values() if of == lane else ():
                    if each.state == "pending":
                        each.due_at = min(each.due_at, self.now)

        @rule()
        def purge(self) -> None:
            self.run(Removal(self.outbox).purge(self.now + FAR))

        @invariant()
        def both_count_the_same(self) -> None:
            assert self.run(self.outbox.counts()) == self.model.counts()

        def teardown(self) -> None:
            try:
                self.give_back()
                self.now += FAR
                for _ in range(50):
                    self.due(None)
                    for key in sorted(self.held):
                        item = self.held.pop(key)
                        self.run(self.outbox.done(item.delivery_id, self.now))
                        self.model.cases[key[:2]][key[2]].state = "done"
                counts = self.run(self.outbox.counts())
                assert counts == self.model.counts()
                assert (counts["waiting"], counts["pending"]) == (0, 0)
                for numbers in self.numbers.values():
                    assert numbers == set(range(1, len(numbers) + 1))
            finally:
                self.run(self.stack.aclose())
                self.runner.close()

        def forget(self) -> None:
            for lane, sub, ver in self.held:
                self.model.cases[lane, sub][ver].is_held = False
            self.held.clear()

        def name(self, item):
            return (item.member, item.sink), item.sub, int(item.ver[17:19])

    return Machine


@pytest.mark.slow
def test_a_file_of_deliveries_does_what_the_model_says(tmp_path):
    numbers = itertools.count()

    async def place():
        return tmp_path / f"{next(numbers)}.sqlite"

    run_state_machine_as_test(
        machine_at(place),
        settings=settings(max_examples=20, stateful_step_count=25, deadline=None),
    )


@pytest.mark.slow
@pytest.mark.postgresql
def test_a_database_of_deliveries_does_what_the_model_says(postgresql):
    run_state_machine_as_test(
        machine_at(postgresql.with_tables, claim_s=CLAIM_S + 1),
        settings=settings(max_examples=3, stateful_step_count=25, deadline=None),
    )
