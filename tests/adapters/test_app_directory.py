"""An adapter over a directory that changes, suspends and expires while it runs."""

import asyncio
import json
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from adapters import intake, interests_file
from adapters.app import context_of, serve
from adapters.cli.load import load_policy
from adapters.errors import SinkUnavailableError
from adapters.interests import Interests
from adapters.outbox import open_outbox
from adapters.pipeline import Context, Subscriber, decide
from adapters.policy_choice import choose
from adapters.projection import Author
from adapters.pseudonyms import PseudonymKeys
from broker import base64url, signers
from broker.directory import Directory, build, under
from broker.directory_held import Held
from broker.embedded import open_embedded
from broker.topology import RECORDS
from tests.support.adapter_config import adapter_config, served
from tests.support.issuing import (
    ISSUERS,
    NOW,
    PLACE,
    Feed,
    directory,
    draft,
    member,
    rest,
    service,
    signer,
    stamped,
)
from tests.support.policy_files import shipped
from tests.support.sinks import MemorySink
from tests.support.suspended import suspended

ORGS = ("platform-x", "platform-y")
DAY = 86_400.0
MEMBERS = {
    org: msgspec.structs.replace(member(org), audience="platform", kinds=())
    for org in ORGS
}
BOTH = directory(*MEMBERS.values())


def without(org: str) -> Directory:
    """The directory after *org* was expelled."""
    kept = [each for name, each in MEMBERS.items() if name != org]
    return build([*map(member, ISSUERS), *kept], [service()])


def lasting(known: Directory, days: float = 7) -> Directory:
    return under(known, [], expires=NOW + days * DAY)


def context(known: Directory, rules=None) -> Context:
    return Context(
        directory=known,
        policy=rules.policy if rules else load_policy(None),
        author=Author(org="hub", name="Hub", id_key=b"i" * 32),
        pseudonyms=PseudonymKeys("quarter", {"2026-Q1": b"k" * 32}),
        signer=signer("hub"),
        subscribers=tuple(
            Subscriber(known.members[o], ("files",)) for o in ORGS if o in known.members
        ),
    )


class Stage:
    """A running adapter for two members, its directory, its clock and their sinks."""

    def __init__(self, broker, outbox, known: Directory, policy: str) -> None:
        self.broker, self.outbox = broker, outbox
        self.held, self.now = Held(known, policy), NOW
        self.sinks = {org: MemorySink() for org in ORGS}
        self.feed = Feed()

    async def put(self, number: int, *, replaces: str | None = None, **more) -> None:
        facts = {"description": "A leak."} | more
        message = self.feed.message(draft(number, **facts), replaces=replaces)
        key = "cert-aq.incident.green.none.none.unknown"
        out = msgspec.structs.replace(stamped(message), routing_key=key, user_id="")
        await self.broker.login("gate").publish(RECORDS, out)

    async def got(self, org: str, count: int) -> None:
        """Wait until *org* has so many, and no more."""
        async with asyncio.timeout(10):
            while len(self.sinks[org].taken) < count:  # noqa: ASYNC110  no event
                await asyncio.sleep(0.01)
        assert len(self.sinks[org].taken) == count

    def said(self, org: str) -> list[str]:
        """Which policy the newest delivery states, and what it says of the case."""
        [*_, item] = self.sinks[org].taken.values()
        objects = json.loads(item.projection)["objects"]
        [case] = (each for each in objects if each["type"] == "incident")
        receipt = json.loads(base64url.decode(item.receipt.split(b".")[1]))
        return [receipt["policy"]["sha256"], case.get("description")]

    async def tried(self, org: str, until) -> None:
        """Let time pass for *org* until *until()* is true."""
        async with asyncio.timeout(10):
            while not await until():
                self.now += 10
                self.wake(org)
                await asyncio.sleep(0.01)

    def change(self, known: Directory) -> None:
        self.held.put(known, self.now)

    def wake(self, org: str) -> None:
        """Let the forwarder look, as it does every minute."""
        self.outbox.arrivals((org, "files")).set()


@asynccontextmanager
async def stage(
    folder: Path, known: Directory = BOTH, *, waiting=0, rules=None, members=()
):
    """Run it; so many deliveries to platform-x wait from before."""
    stop = asyncio.Event()
    async with (
        open_embedded(None, PLACE) as broker,
        open_outbox(folder / "outbox.sqlite", clock=lambda: NOW) as outbox,
    ):
        feed = Feed(epoch="before")
        for n in range(waiting):
            message = stamped(feed.message(draft(100 + n)))
            await outbox.store(decide(message, context(BOTH), now=NOW).rows[:1])
        made = Stage(broker, outbox, known, rules.follows if rules else "")
        members = members or tuple(served(o, folder) for o in ORGS)
        config = adapter_config(folder, members=members)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(
                serve(
                    config,
                    broker.login("adapter-main"),
                    context(known, rules),
                    outbox,
                    {(org, "files"): sink for org, sink in made.sinks.items()},
                    clock=lambda: made.now,
                    stop=stop,
                    held=made.held,
                    rules=rules,
                )
            )
            try:
                yield made
            finally:
                stop.set()


async def test_a_member_that_is_expelled_gets_nothing_from_the_next_batch_on(tmp_path):
    async with stage(tmp_path) as adapter:
        await adapter.put(1)
        await adapter.got("platform-x", 1)
        adapter.change(without("platform-x"))
        await adapter.put(2)
        await adapter.got("platform-y", 2)
        await adapter.got("platform-x", 1)


async def test_a_member_that_is_admitted_gets_records_without_a_restart(tmp_path):
    async with stage(tmp_path, without("platform-x")) as adapter:
        await adapter.put(1)
        await adapter.got("platform-y", 1)
        adapter.change(BOTH)
        await adapter.put(2)
        await adapter.got("platform-x", 1)
        await adapter.got("platform-y", 2)


async def test_one_whose_file_of_interests_is_wrong_is_admitted_and_gets_what_it_may(
    tmp_path, monkeypatch
):
    """It stops nobody; once its file reads, it gets what it wants."""
    monkeypatch.setattr(intake, "_LOOK_S", 0.02)
    wants = tmp_path / "x.toml"
    wants.write_text("persons = 1")
    members = (
        served("platform-x", tmp_path, interests=wants),
        served("platform-y", tmp_path),
    )
    known = without("platform-x")
    with capture_logs() as logs:

        def told(event):
            return [e["member"] for e in logs if e["event"] == event]

        async def heard(event):
            async with asyncio.timeout(10):
                while not told(event):  # noqa: ASYNC110  no event
                    await asyncio.sleep(0.01)

        async with stage(tmp_path, known, members=members) as adapter:
            await heard("interests.unusable")
            adapter.change(BOTH)
            await adapter.put(1)
            await adapter.got("platform-x", 1)
            assert told("interests.unusable") == ["platform-x"]  # and once
            interests_file.write(wants, Interests(issuers=("cert-bv",)))
            await heard("interests.changed")
            await adapter.put(2)  # of cert-aq
            await adapter.got("platform-y", 2)
            await adapter.got("platform-x", 1)


async def test_another_audience_counts_from_the_next_batch_on(tmp_path):
    changed = msgspec.structs.replace(MEMBERS["platform-x"], clearance="CLEAR")
    async with stage(tmp_path) as adapter:
        adapter.change(directory(changed, MEMBERS["platform-y"]))
        await adapter.put(1)  # TLP:GREEN
        await adapter.got("platform-y", 1)
        await adapter.got("platform-x", 0)


async def test_a_suspended_member_receives_nothing_until_that_ends(tmp_path):
    known = suspended(BOTH, "platform-x", NOW, NOW + 7 * DAY)
    async with stage(tmp_path, known) as adapter:
        with capture_logs() as logs:
            await adapter.put(1)
            await adapter.got("platform-y", 1)
        [decided] = [each for each in logs if each["event"] == "record.decided"]
        assert decided["not_given"] == {"member-suspended": 1}
        adapter.now += 7 * DAY
        await adapter.put(2)
        await adapter.got("platform-x", 1)


async def test_what_waits_for_a_member_is_held_while_it_is_suspended(tmp_path):
    known = suspended(BOTH, "platform-x", NOW)
    async with stage(tmp_path, known, waiting=2) as adapter:
        await adapter.put(3)
        await adapter.got("platform-y", 1)
        adapter.wake("platform-x")
        await adapter.got("platform-x", 0)
        adapter.change(BOTH)
        adapter.wake("platform-x")
        await adapter.got("platform-x", 2)


async def test_what_waits_for_a_member_that_is_expelled_is_never_sent(tmp_path):
    with capture_logs() as logs:
        async with stage(tmp_path, without("platform-x"), waiting=1) as adapter:
            async with asyncio.timeout(10):
                while (await adapter.outbox.counts())["pending"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            adapter.change(BOTH)  # it is admitted again
            await adapter.put(2)
            await adapter.got("platform-x", 1)
    assert "member-removed" in {each.get("reason") for each in logs}


async def test_once_it_has_expired_records_wait_and_nothing_is_lost(tmp_path):
    async with stage(tmp_path, lasting(BOTH)) as adapter:
        await adapter.put(1)
        await adapter.got("platform-x", 1)
        adapter.now += 7 * DAY
        with capture_logs() as logs:
            adapter.held.look(adapter.now)
            for number in range(2, 8):
                await adapter.put(number)
            await asyncio.sleep(0.1)  # let it do wrong
        await adapter.got("platform-x", 1)
        assert "adapter.waits" in {each["event"] for each in logs}
        adapter.change(lasting(BOTH, days=14))
        await adapter.got("platform-x", 7)
        dead = await rest(adapter.broker.login("operator"), "tocsin.dead")
        assert dead == []


async def test_what_comes_before_anybody_has_looked_waits_as_well(tmp_path):
    async with stage(tmp_path, lasting(BOTH)) as adapter:
        adapter.now += 7 * DAY
        await adapter.put(1)
        await asyncio.sleep(0.1)  # let it do wrong
        await adapter.got("platform-x", 0)
        adapter.change(lasting(BOTH, days=14))
        await adapter.got("platform-x", 1)


async def test_while_the_gate_is_suspended_what_it_stamped_waits(tmp_path):
    known = suspended(BOTH, "hub", NOW, NOW + 7 * DAY)
    async with stage(tmp_path) as adapter:
        adapter.change(known)
        await adapter.put(1)
        await asyncio.sleep(0.1)  # let it do wrong
        await adapter.got("platform-x", 0)
        adapter.change(BOTH)
        await adapter.got("platform-x", 1)
        assert await rest(adapter.broker.login("operator"), "tocsin.dead") == []


async def test_while_it_has_expired_nothing_that_waits_is_sent_either(tmp_path):
    async with stage(tmp_path, lasting(BOTH, days=0), waiting=1) as adapter:
        adapter.wake("platform-x")
        await asyncio.sleep(0.1)  # let it do wrong
        await adapter.got("platform-x", 0)
        adapter.change(lasting(BOTH))
        adapter.wake("platform-x")
        await adapter.got("platform-x", 1)


@pytest.mark.parametrize("org", ORGS)
def test_one_member_that_is_none_stops_not_the_others_start(tmp_path, org):
    signers.generate("hub", tmp_path)
    (tmp_path / "ids").touch(mode=0o600)
    (tmp_path / "ids").write_bytes(b"i" * 32)
    config = adapter_config(tmp_path, members=tuple(served(o, tmp_path) for o in ORGS))
    with capture_logs() as logs:
        made = context_of(config, without(org), load_policy(None), now=NOW)
    [other] = set(ORGS) - {org}
    assert [each.member.org for each in made.subscribers] == [other]
    assert {
        "event": "adapter.not_a_member",
        "member": org,
        "log_level": "error",
    } in logs


# ------------------------------------------------------------------- its policy

SHOWN = shipped("Descriptions", platform="mask")
HIDDEN = shipped().replace(b"\nversion = 2\n", b"\nversion = 3\n")


def agreed(policy: bytes | None = None) -> Directory:
    """The directory with the policy `default`, if any, signed by its groups."""
    held = {} if policy is None else {"default": policy}
    return msgspec.structs.replace(BOTH, policies=held, is_signed=True)


def ruled(known: Directory):
    return choose(known, name="", file=None, shipped=(b"", ""))


async def test_another_policy_counts_from_the_next_batch_on_and_is_logged(tmp_path):
    known = agreed(SHOWN)
    async with stage(tmp_path, known, rules=ruled(known)) as adapter:
        await adapter.put(1)
        await adapter.got("platform-x", 1)
        assert adapter.said("platform-x") == [sha256(SHOWN).hexdigest(), "A leak."]
        with capture_logs() as logs:
            adapter.change(agreed(HIDDEN))
            await adapter.put(2)
            await adapter.got("platform-x", 2)
        assert adapter.said("platform-x") == [sha256(HIDDEN).hexdigest(), None]
    [told] = [each for each in logs if each["event"] == "policy.changed"]
    assert (told["id"], told["version"]) == ("default", 3)
    assert told["sha256"] == sha256(HIDDEN).hexdigest()


async def test_a_policy_that_does_not_load_changes_nothing_and_is_an_alarm(tmp_path):
    known = agreed(SHOWN)
    async with stage(tmp_path, known, rules=ruled(known)) as adapter:
        with capture_logs() as logs:
            adapter.change(agreed(b"version = 1"))
            await adapter.put(1)
            await adapter.got("platform-x", 1)
        assert adapter.said("platform-x")[1] == "A leak."
    [told] = [each for each in logs if each["event"] == "policy.unusable"]
    assert told["log_level"] == "error"
    assert "policies/default.toml" in told["reason"]
    assert "\n" not in told["reason"]


async def test_while_the_groups_have_taken_the_policy_out_records_wait(tmp_path):
    known = agreed(SHOWN)
    async with stage(tmp_path, known, rules=ruled(known)) as adapter:
        adapter.change(agreed())
        await adapter.put(1)
        await asyncio.sleep(0.1)  # let it do wrong
        await adapter.got("platform-x", 0)
        assert adapter.held.why_shut(NOW) == "policy-withdrawn"
        adapter.change(agreed(HIDDEN))
        await adapter.got("platform-x", 1)
        assert adapter.said("platform-x")[1] is None


# ------------------------------------------------------- what waits while things change


DOWN = SinkUnavailableError("sink-down")


def down_at_first(sink: MemorySink, times: int) -> None:
    """Let so many attempts fail."""
    sink.fault = lambda _: (DOWN, "before") if len(sink.attempts) <= times else None


async def test_what_waits_for_a_sink_goes_by_the_policy_of_the_moment(tmp_path):
    known = agreed(SHOWN)
    async with stage(tmp_path, known, rules=ruled(known)) as adapter:
        sink = adapter.sinks["platform-x"]
        down_at_first(sink, 2)
        await adapter.put(1)

        async def has_failed() -> bool:
            return len(sink.attempts) == 2

        await adapter.tried("platform-x", has_failed)
        adapter.change(agreed(HIDDEN))

        async def has_arrived() -> bool:
            return bool(sink.taken)

        await adapter.tried("platform-x", has_arrived)
        assert adapter.said("platform-x") == [sha256(HIDDEN).hexdigest(), None]
        assert len({item.delivery_id for item in sink.attempts}) == 1
        assert sink.numbers == [1]
        assert adapter.said("platform-y")[1] == "A leak."  # it had it before


async def test_a_member_that_is_cleared_no_more_hears_that_it_is_over_alone(tmp_path):
    less = msgspec.structs.replace(MEMBERS["platform-x"], clearance="CLEAR")
    async with stage(tmp_path) as adapter:
        sink = adapter.sinks["platform-x"]
        down_at_first(sink, 1)
        await adapter.put(1)

        async def has_failed() -> bool:
            return len(sink.attempts) == 1

        await adapter.tried("platform-x", has_failed)
        adapter.change(directory(less, MEMBERS["platform-y"]))
        adapter.now += 60
        with capture_logs() as logs:

            async def has_ended() -> bool:
                return (await adapter.outbox.counts())["failed"] == 1

            await adapter.tried("platform-x", has_ended)
        [told] = [each for each in logs if each["event"] == "delivery.failed"]
        assert (told["outcome"], told["reason"]) == ("not-given", "tlp-clearance")
        assert len(sink.attempts) == 1
        # It may have taken it, so it must hear of the end; who had nothing must not.
        await adapter.put(1, version=5, revoked=True, replaces="A" * 43)
        await adapter.got("platform-x", 1)
        [item] = sink.taken.values()
        assert item.evidence.count(b"~") == 1
        assert adapter.said("platform-x")[1] is None
        objects = json.loads(item.projection)["objects"]
        assert [o["revoked"] for o in objects if o["type"] == "incident"] == [True]
        await adapter.put(2, version=5, revoked=True, replaces="A" * 43)
        await adapter.got("platform-y", 3)
        await adapter.got("platform-x", 1)
