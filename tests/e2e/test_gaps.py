"""A record that is lost on the way: noticed, fetched from the archive, delivered."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from adapters import gap_watch
from adapters.app import context_of, run_adapter, serve
from adapters.bare import bare_for
from adapters.cli import main
from adapters.cli.connecting import open_bus
from adapters.cli.load import load_policy
from adapters.config import AdapterConfig, PublisherConfig, load
from adapters.config_use import gaps_of
from adapters.gap_state import GapState, open_gap_state
from adapters.gap_watch import replayed
from adapters.interests import Interests
from adapters.outbox import open_outbox
from adapters.pipeline import Context, Subscriber
from adapters.projection import Author
from adapters.pseudonyms import PseudonymKeys
from adapters.sinks.file import open_file_sink
from broker.archive import open_archive
from broker.directory_plain import load_folder
from broker.embedded import EmbeddedBroker, open_embedded
from broker.heartbeats import CONTENT_TYPE
from broker.publisher import Publisher, open_publisher
from broker.signers import load_signer
from broker.topology import adapter_queues
from broker.trust import verify
from schemas.markings import Tlp
from schemas.record import ALL_COMMUNITY
from tests.support.adapter_config import adapter_config, served
from tests.support.hub import Hub, Party, process, wait_until
from tests.support.issuing import (
    ADAPTER_QUEUES,
    NOW,
    PLACE,
    counting_entropy,
    directory,
    draft,
    member,
    rest,
    running_gate,
    service,
    signer,
    take,
)
from tests.support.rabbitmq_api import RabbitMQ
from tests.support.sinks import MemorySink

NORMAL = ADAPTER_QUEUES[0]
PEER, PLATFORM, PICKY = "cert-cw", "platform-x", "platform-y"
KNOWN = directory(
    member(PEER, kinds=()),
    member(PLATFORM, audience="platform", kinds=()),
    member(PICKY, audience="platform", kinds=()),
)


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not done():  # noqa: ASYNC110  a sink has no event to wait for
            await asyncio.sleep(0.01)


class Clock:
    """One for all; every look takes a hundredth of a second."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        self.now += 0.01
        return self.now


class Stage:
    """A hub whose gate runs all the time, and whose adapter runs when asked to."""

    def __init__(
        self,
        broker: EmbeddedBroker,
        folder: Path,
        wanted: str,
        clock: "Clock",
        **more: object,
    ) -> None:
        self.broker = broker
        self.folder = folder
        orgs = (PEER, PLATFORM, PICKY)
        self.sinks = {org: MemorySink() for org in orgs}
        self.config = adapter_config(
            folder,
            members=tuple(
                served(org, folder, heartbeats=wanted, **more) for org in orgs
            ),
            missing_after_s=0,
        )
        interests = {PICKY: Interests(issuers=("cert-bv",))}
        self.context = Context(
            directory=KNOWN,
            policy=load_policy(None),
            author=Author(org="hub", name="Hub", id_key=b"k" * 32),
            pseudonyms=PseudonymKeys("year", {}),
            signer=signer("hub"),
            subscribers=tuple(
                Subscriber(KNOWN.members[o], ("files",), interests.get(o, Interests()))
                for o in orgs
            ),
        )
        self.clock = clock

    @asynccontextmanager
    async def adapter(self, *, archive: bool = True) -> AsyncIterator[GapState]:
        stop = asyncio.Event()
        opened = open_archive(self.folder / "archive.sqlite")
        async with open_outbox(self.config.outbox, clock=self.clock) as outbox:
            with (
                open_gap_state(gaps_of(self.config), now=NOW) as gaps,
                opened if archive else nullcontext() as store,
            ):
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(
                        serve(
                            self.config,
                            self.broker.login("adapter-main"),
                            self.context,
                            outbox,
                            {(o, "files"): sink for o, sink in self.sinks.items()},
                            clock=self.clock,
                            stop=stop,
                            gaps=gaps,
                            archive=store,
                        )
                    )
                    yield gaps
                    stop.set()

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator[Publisher]:
        async with open_publisher(
            self.broker.login("cert-aq"),
            self.folder / "publisher.sqlite",
            signer("cert-aq"),
            clock=self.clock,
            entropy=counting_entropy(),
        ) as publisher:
            yield publisher

    async def lose(self, many: int) -> list[str]:
        """Take what stands in the adapter's queue away from it."""
        taken = await take(self.broker.login("adapter-main"), NORMAL, many)
        return [each.message_id for each in taken]

    def got(self, org: str) -> list[str]:
        return [
            d.token_id for d in self.sinks[org].taken.values() if d.kind == "incident"
        ]

    def accounts(self, org: str) -> list[dict[str, object]]:
        return [
            json.loads(d.projection)
            for d in self.sinks[org].taken.values()
            if d.kind == "heartbeat"
        ]


@asynccontextmanager
async def stage(
    folder: Path, wanted: str = "gaps", **more: object
) -> AsyncIterator[Stage]:
    clock = Clock()
    async with (
        open_embedded(None, PLACE) as broker,
        running_gate(broker.login("gate"), folder, known=KNOWN, now=clock),
    ):
        yield Stage(broker, folder, wanted, clock, **more)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gap_watch, "LOOK_S", 0.02)


@contextmanager
def events() -> AsyncIterator[Callable[[str], list[dict[str, object]]]]:
    with capture_logs() as logs:
        yield lambda name: [each for each in logs if each["event"] == name]


async def test_a_lost_record_is_fetched_from_the_archive_and_delivered(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as here, here.publishing() as publisher:
        async with here.adapter():
            first = await publisher.publish(draft(1))
            await until(lambda: len(here.got(PLATFORM)) == 1)
        lost = await publisher.publish(draft(2))
        assert await here.lose(1) == [lost.token_id]
        with events() as said:
            async with here.adapter() as gaps:
                await publisher.heartbeat([ALL_COMMUNITY])
                await until(lambda: len(here.got(PLATFORM)) == 2)
                await until(lambda: gaps.missing() == ())
        assert here.got(PLATFORM) == here.got(PEER) == [first.token_id, lost.token_id]
        assert said("records.found")[0]["count"] == 1


async def test_without_an_archive_it_is_an_alarm_and_members_are_told_since_when(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as here, here.publishing() as publisher:
        lost = [(await publisher.publish(draft(i))).token_id for i in (1, 2)]
        assert await here.lose(2) == lost
        with events() as said:
            async with here.adapter(archive=False):
                await publisher.heartbeat([ALL_COMMUNITY])
                await until(lambda: len(here.accounts(PLATFORM)) == 1)
                await until(lambda: bool(said("records.missing")))
        [told] = here.accounts(PLATFORM)
        assert told["missing"] == lost
        assert (told["have"], told["withheld"], told["tlp"]) == (0, [], "GREEN")
        assert str(told["missing_since"]).startswith("2026-03-01T12:0")
        [alarm, *_] = said("records.missing")
        assert (alarm["count"], alarm["issuers"]) == (2, ["cert-aq"])
        assert alarm["log_level"] == "error"

        # After a restart, with an archive: it comes, and who was told hears of it.
        async with here.adapter():
            here.clock.now += 7200
            await until(lambda: len(here.got(PLATFORM)) == 2)
            await publisher.heartbeat([ALL_COMMUNITY])
            await until(lambda: len(here.accounts(PLATFORM)) == 2)
        assert here.accounts(PLATFORM)[1]["missing"] == []
        assert here.accounts(PLATFORM)[1]["have"] == 2
        numbers = here.sinks[PLATFORM].numbers
        assert numbers == list(range(1, len(numbers) + 1))


async def test_what_was_erased_while_it_was_missing_is_missing_no_more(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as here, here.publishing() as publisher:
        lost = await publisher.publish(draft(1))
        assert await here.lose(1) == [lost.token_id]
        async with here.adapter(archive=False) as gaps:
            await publisher.heartbeat([ALL_COMMUNITY])
            await until(lambda: len(here.accounts(PLATFORM)) == 1)
            [gone] = gaps.missing()
        with open_archive(tmp_path / "archive.sqlite") as archive:
            [sub] = {each.sub for each in archive.aged(here.clock.now + 60)}
            archive.erase([(gone.issuer, sub)], at=int(NOW), reason="mistake")
        with events() as said:
            async with here.adapter() as gaps:
                here.clock.now += 7200
                await until(lambda: gaps.missing() == ())
                await until(lambda: bool(said("records.missing")))
                # Who was told that it is missing hears that it is not.
                await publisher.heartbeat([ALL_COMMUNITY])
                await until(lambda: len(here.accounts(PLATFORM)) == 2)
        [told] = said("records.missing")
        assert (told["log_level"], told["count"], told["erased"]) == ("info", 0, 1)
        assert here.accounts(PLATFORM)[1]["missing"] == []
        assert here.got(PLATFORM) == []


async def test_a_record_that_a_member_may_not_have_is_withheld_and_not_missing(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path, "all") as here, here.publishing() as publisher:
        async with here.adapter():
            done = await publisher.publish(draft(1))
            await until(lambda: len(here.got(PLATFORM)) == 1)
            await publisher.heartbeat([ALL_COMMUNITY])
            await until(lambda: len(here.accounts(PICKY)) == 2)
        green = {str(each["tlp"]): each for each in here.accounts(PICKY)}["GREEN"]
        assert here.got(PICKY) == []
        assert (green["have"], green["withheld"]) == (0, [done.token_id])
        green = {str(each["tlp"]): each for each in here.accounts(PLATFORM)}["GREEN"]
        assert (green["have"], green["withheld"]) == (1, [])


async def test_no_heartbeat_tells_how_much_is_above_a_members_clearance(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path, "all") as here, here.publishing() as publisher:
        async with here.adapter():
            amber = draft(1, object_marking_refs=[AMBER])
            assert amber.tlp is Tlp.AMBER
            await publisher.publish(amber)
            await publisher.heartbeat([ALL_COMMUNITY])
            await until(lambda: len(here.accounts(PEER)) == 3)
            await until(lambda: len(here.accounts(PLATFORM)) == 2)
        of = lambda org: {each["tlp"]: each["count"] for each in here.accounts(org)}  # noqa: E731
        assert of(PEER) == {"CLEAR": 0, "GREEN": 0, "AMBER": 1}
        assert of(PLATFORM) == {"CLEAR": 0, "GREEN": 0}


AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"


async def test_a_community_that_a_member_is_not_in_stays_untold(tmp_path: Path) -> None:
    async with stage(tmp_path, "all") as here, here.publishing() as publisher:
        async with here.adapter() as gaps:
            await publisher.heartbeat(["urn:tocsin:community:press"])
            await until(lambda: len(gaps.lines()) == 4)
            await until(lambda: gaps.untold(heard=NOW + 10**6) == ())
        assert here.accounts(PEER) == []


async def test_who_wants_none_gets_none(tmp_path: Path) -> None:
    async with stage(tmp_path, "none") as here, here.publishing() as publisher:
        await publisher.publish(draft(1))
        await here.lose(1)
        async with here.adapter(archive=False) as gaps:
            await publisher.heartbeat([ALL_COMMUNITY])
            await until(lambda: len(gaps.lines()) == 4)
            await until(lambda: gaps.untold(heard=NOW + 10**6) == ())
        assert here.accounts(PEER) == []


async def test_an_issuer_that_falls_silent_is_an_alarm_once(tmp_path: Path) -> None:
    async with stage(tmp_path) as here, here.publishing() as publisher:
        with events() as said:
            async with here.adapter() as gaps:
                await publisher.heartbeat([ALL_COMMUNITY])
                await until(lambda: len(gaps.lines()) == 4)
                assert said("issuer.silent") == []
                here.clock.now += 4 * 3600
                await until(lambda: bool(said("issuer.silent")))
                now = here.clock.now  # it looks several times more
                await until(lambda: here.clock.now > now + 0.2)
        [alarm] = said("issuer.silent")
        assert alarm["issuer"] == "cert-aq"


async def test_what_is_no_heartbeat_of_the_gates_goes_to_the_dead_letters(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as here, here.publishing() as publisher:
        await publisher.heartbeat([ALL_COMMUNITY])
        [real, *_] = await take(here.broker.login("adapter-main"), NORMAL, 4)
        assert real.content_type == CONTENT_TYPE
        forged = msgspec.structs.replace(real, body=real.body[:-2], user_id="gate")
        async with here.adapter() as gaps:
            await here.broker.login("gate").publish("tocsin.records", forged)
            [dead] = await take(here.broker.login("operator"), "tocsin.dead", 1)
            assert gaps.lines() == ()
        assert dead.headers["tocsin-reason"] == "signature"
        assert await rest(here.broker.login("adapter-main"), NORMAL) == []


# ------------------------------------------------------------------ the commands


async def kept(here: Stage, org: str, folder: Path) -> None:
    """Write what a member got as its file sink would."""
    async with open_file_sink(folder) as sink:
        for each in here.sinks[org].taken.values():
            await sink.send(each)


@pytest.fixture
def known(tmp_path: Path) -> Path:
    folder = tmp_path / "directory"
    for where, entries in (
        ("members", KNOWN.members.values()),
        ("services", [service()]),
    ):
        (folder / where).mkdir(parents=True)
        for each in entries:
            (folder / where / f"{each.org}.json").write_bytes(msgspec.json.encode(each))
    return folder


async def test_a_folder_tells_what_is_here_what_is_not_for_its_member_and_what_is_lost(
    tmp_path: Path, known: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with stage(tmp_path, "all") as here, here.publishing() as publisher:
        async with here.adapter(archive=False):
            for i in (1, 2, 3):
                await publisher.publish(draft(i))
            await until(lambda: len(here.got(PLATFORM)) == 3)
        gone = await publisher.publish(draft(4))
        await here.lose(1)
        async with here.adapter(archive=False):
            await publisher.heartbeat([ALL_COMMUNITY])
            await until(lambda: len(here.accounts(PLATFORM)) == 2)
            await until(lambda: len(here.accounts(PICKY)) == 2)
        for org in (PLATFORM, PICKY):
            await kept(here, org, tmp_path / f"{org}.out")
    capfd.readouterr()

    def say(org: str, *more: object) -> tuple[int, dict[str, object]]:
        arguments = [
            "gaps",
            tmp_path / f"{org}.out",
            "--directory",
            known,
            "--json",
            *more,
        ]
        code = main.run([str(each) for each in arguments])
        return code, json.loads(capfd.readouterr().out)

    first = here.got(PLATFORM)[0]
    [lost] = [
        p for p in (tmp_path / f"{PLATFORM}.out").iterdir() if first[:12] in p.name
    ]
    code, said = say(PLATFORM)
    green = {line["tlp"]: line for line in said["lines"]}["GREEN"]
    assert (code, said["ok"], said["gaps"]) == (0, False, [])
    assert (green["have"], green["missing"], green["lost"]) == (3, [gone.token_id], [])

    shutil.rmtree(lost)
    code, said = say(PLATFORM, "--exit-code")
    green = {line["tlp"]: line for line in said["lines"]}["GREEN"]
    number = int(lost.name.split("-")[0])
    assert (code, green["lost"]) == (1, [first])
    assert said["gaps"] == ([[number, number]] if number > 1 else [])

    code, said = say(PICKY)
    green = {line["tlp"]: line for line in said["lines"]}["GREEN"]
    assert (green["have"], len(green["withheld"]), green["lost"]) == (0, 3, [])

    # In words, and at the hub.
    out = tmp_path / f"{PLATFORM}.out"
    assert main.run(["gaps", str(out), "--directory", str(known)]) == 0
    said = capfd.readouterr().out
    assert "1 missing at the hub since 2026-03-01T12:00" in said
    assert "1 lost after the hub" in said
    assert main.run(["gaps", str(out)]) == 0
    assert "give --directory" in capfd.readouterr().out
    (tmp_path / "adapter.toml").write_text(
        'name = "main"\norg = "hub"\ndisplay_name = "Hub"\ndirectory = "directory"\n'
        'key = "hub.key"\nid_key = "ids"\npseudonym_keys = "p"\n'
        'outbox = "outbox.sqlite"\n[broker]\nurl = "amqp://127.0.0.1/"\nuser = "x"\n'
        'password_file = "pw"\n[[members]]\norg = "platform-x"\n[[members.sinks]]\n'
        'type = "file"\nname = "files"\nfolder = "out"\n'
    )
    hub = ["gaps", "hub", "--config", str(tmp_path / "adapter.toml")]
    assert main.run(hub) == 0
    said = capfd.readouterr().out
    assert "cert-aq, GREEN" in said
    assert "1 records missing since 2026-03-01T12:00" in said
    assert main.run([*hub, "--json"]) == 0
    lines = [json.loads(each) for each in capfd.readouterr().out.splitlines()]
    assert [each["token"] for each in lines if not each["ok"]] == [gone.token_id]
    gaps_of(here.config).unlink()
    assert main.run(hub) == 2


async def test_what_a_members_interests_miss_is_answered_by_the_bare_token(
    tmp_path: Path, known: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with (
        stage(tmp_path, "all", bare=True) as here,
        here.publishing() as publisher,
    ):
        async with here.adapter():
            done = await publisher.publish(draft(1))
            await until(lambda: len(here.got(PLATFORM)) == 1)
            await publisher.heartbeat([ALL_COMMUNITY])
            await until(lambda: len(here.accounts(PICKY)) == 2)
        green = {str(each["tlp"]): each for each in here.accounts(PICKY)}["GREEN"]
        assert list(green["bare"]) == green["withheld"] == [done.token_id]
        bare = verify(green["bare"][done.token_id].encode(), KNOWN, now=here.clock())
        assert bare.token_id == done.token_id
        assert (bare.objects, bare.claims.kind, bare.claims.tlp) == (
            (),
            "incident",
            "GREEN",
        )
        assert bare.opened.texts == ()


async def test_of_a_record_that_is_not_for_a_member_there_is_no_bare_token(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as here, here.publishing() as publisher:
        amber = await publisher.publish(draft(1, object_marking_refs=[AMBER]))
        green = await publisher.publish(draft(2))
        await here.lose(2)
        with open_archive(tmp_path / "archive.sqlite") as archive:
            found = {
                t: replayed(archive.get(t)) for t in (amber.token_id, green.token_id)
            }
    peer, platform = KNOWN.members[PEER], KNOWN.members[PLATFORM]
    now = here.clock()
    assert bare_for(found[amber.token_id], here.context, peer, now=now)
    assert bare_for(found[amber.token_id], here.context, platform, now=now) is None
    press = member(
        PLATFORM, audience="platform", communities=("urn:tocsin:community:x",)
    )
    assert bare_for(found[green.token_id], here.context, press, now=now) is None
    later = member("desk-r", audience="research")
    assert bare_for(found[green.token_id], here.context, later, now=now) is None
    learner = member(PLATFORM, audience="platform", exercise=True)
    assert bare_for(found[green.token_id], here.context, learner, now=now) is None
    forged = msgspec.structs.replace(found[green.token_id], headers={})
    assert bare_for(forged, here.context, platform, now=now) is None


def test_a_folder_of_something_else_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["gaps", str(tmp_path / "none")]) == 2
    (tmp_path / "my own notes").mkdir()
    assert main.run(["gaps", str(tmp_path)]) == 0
    assert "no delivery" in capfd.readouterr().out
    broken = tmp_path / "00000001-incident-abc"
    broken.mkdir()
    (broken / "delivery.json").write_text("{}")
    assert main.run(["gaps", str(tmp_path)]) == 1
    assert "delivery-invalid" in capfd.readouterr().err


# ------------------------------------------------------------------ on RabbitMQ


@asynccontextmanager
async def adapter_of(config: AdapterConfig) -> AsyncIterator[None]:
    """The adapter of a configuration file, in this process."""
    context = context_of(
        config, load_folder(config.directory), load_policy(None), now=time.time()
    )
    stop = asyncio.Event()
    async with open_bus(config.broker) as bus, asyncio.TaskGroup() as tasks:
        tasks.create_task(run_adapter(config, bus, context, stop=stop))
        yield
        stop.set()


async def test_on_rabbitmq_a_record_purged_from_the_queue_is_found_and_delivered(
    vhost: RabbitMQ, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    parties = [
        Party("cert-aq", "peer-cert", publishes=True),
        Party("platform-x", "platform"),
    ]
    settings = 'archive = "archive.sqlite"\nmissing_after_s = 0\n'
    hub = Hub(tmp_path, vhost, parties, adapter_settings=settings).build()
    config = load(tmp_path / "adapter.toml", AdapterConfig)
    publisher = load(hub.publisher_config("cert-aq"), PublisherConfig)
    queue, _ = adapter_queues("main")
    out = tmp_path / "out" / "platform-x"
    signed_by = load_signer("cert-aq", publisher.key)
    deliveries = lambda: sorted(p.name[:17] for p in out.glob("0*"))  # noqa: E731
    with process("gate", "run", "--config", str(tmp_path / "gate.toml")):
        await asyncio.to_thread(
            wait_until, (tmp_path / "archive.sqlite").exists, timeout_s=20, what="gate"
        )
        async with (
            open_bus(publisher.broker) as bus,
            open_publisher(bus, publisher.state, signed_by) as issuer,
        ):
            async with adapter_of(config):
                await issuer.publish(draft(1))
                await until(lambda: len(deliveries()) == 1)
            # The adapter is away, and somebody else empties its queue.
            lost = await issuer.publish(draft(2))
            async with open_bus(config.broker) as other:
                assert [m.message_id for m in await take(other, queue, 1)] == [
                    lost.token_id
                ]
            await issuer.heartbeat([ALL_COMMUNITY])
            async with adapter_of(config):
                await until(lambda: len(deliveries()) == 2)
    assert deliveries() == ["00000001-incident", "00000002-incident"]
    about = json.loads((hub.deliveries("platform-x")[1] / "delivery.json").read_text())
    assert about["token_id"] == lost.token_id

    # Asked for by the member (a token id may begin with a hyphen), answered by the operator beside the archive.
    given = tmp_path / "given"
    asking = [
        "gaps",
        "bare",
        lost.token_id,
        "-" + "x" * 42,
        "--config",
        str(tmp_path / "adapter.toml"),
    ]
    capfd.readouterr()
    assert (
        main.run([*asking, "--member", "platform-x", "--out", str(given), "--json"])
        == 0
    )
    said = [json.loads(each) for each in capfd.readouterr().out.splitlines()]
    assert [each["ok"] for each in said] == [True, False]
    [file] = given.iterdir()
    bare = verify(file.read_bytes(), load_folder(config.directory), now=time.time())
    assert (bare.token_id, bare.opened.texts) == (lost.token_id, ())
    assert main.run([*asking, "--member", "nobody", "--out", str(given)]) == 2
