"""What the policy holds, on its whole way: it waits, persons agree, it is sent once."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from adapters import intake
from adapters.app import serve
from adapters.cli.load import load_policy
from adapters.cli.main import run
from adapters.config import AdapterConfig, load
from adapters.config_use import reviewers_of
from adapters.outbox import open_outbox
from adapters.pipeline import Context, Subscriber
from adapters.policy_choice import Rulebook, choose
from adapters.projection import Author
from adapters.pseudonyms import PseudonymKeys
from adapters.review import open_reviews
from broker import signers
from broker.bus import Bus
from broker.directory import Directory
from broker.directory_held import Held
from broker.embedded import EmbeddedBroker, open_embedded
from broker.sdjwt import token_id
from broker.topology import INGRESS
from schemas import stix
from schemas.composing import compose
from schemas.markings import Tlp
from schemas.record import Draft
from tests.support.issuing import (
    PLACE,
    Feed,
    clock,
    directory,
    member,
    running_gate,
    signer,
)
from tests.support.policy_files import shipped
from tests.support.sinks import MemorySink

READER = "platform-x"
KNOWN = directory(member(READER, audience="platform"))
CASE = "incident--00000000-0000-4000-8000-000000000001"
ACTOR = "threat-actor--00000000-0000-4000-8000-000000000002"
ACCUSED = "Hollow Reed Collective"
LOGGED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[")


def record(version: int = 0) -> Draft:
    base = {
        "spec_version": "2.1",
        "created": "2026-02-01T10:00:00.000Z",
        "modified": f"2026-02-01T10:{version:02}:00.000Z",
    }
    incident = {"type": "incident", "id": CASE, "name": "A case", **base}
    actor = {"type": "threat-actor", "id": ACTOR, "name": ACCUSED, **base}
    objects = [stix.decode_object(each) for each in (incident, actor)]
    return compose(objects, now=base["modified"], tlp=Tlp.GREEN)


class Stage:
    """Gate and adapter that run, the sink of a member, and two reviewers' keys."""

    def __init__(self, broker: EmbeddedBroker, config: AdapterConfig) -> None:
        self.issuer: Bus = broker.login("cert-aq")
        self.feed = Feed()
        self.config = config
        self.sink = MemorySink()

    async def publish(self, draft: Draft, *, after: str | None = None) -> str:
        """Publish, and wait until the member has what it may have at once."""
        more = {} if after is None else {"replaces": after}
        token = self.feed.sign(draft, **more)
        count = len(self.sink.taken)
        await self.issuer.publish(INGRESS, self.feed.pack(token, draft))
        await until(lambda: len(self.sink.taken) > count)
        return token_id(token)

    def names(self) -> list[list[str]]:
        """The names in each delivery's projection."""
        return [
            [
                each["name"]
                for each in json.loads(item.projection)["objects"]
                if each["type"] in ("incident", "threat-actor")
            ]
            for item in self.sink.taken.values()
        ]


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not done():  # noqa: ASYNC110  a sink has no event to wait for
            await asyncio.sleep(0.01)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AdapterConfig:
    monkeypatch.setattr(intake, "_LOOK_S", 0.02)
    monkeypatch.setattr("time.time", clock)  # that of the commands
    for name in ("ana", "ben"):
        signers.generate(name, tmp_path)
    (tmp_path / "members").mkdir()
    for org, each in KNOWN.members.items():
        (tmp_path / "members" / f"{org}.json").write_bytes(msgspec.json.encode(each))
    (tmp_path / "adapter.toml").write_text(
        'name = "main"\norg = "hub"\ndisplay_name = "Hub"\ndirectory = "."\n'
        'key = "hub.key"\nid_key = "ids"\npseudonym_keys = "pseudonyms"\n'
        'outbox = "outbox.sqlite"\nreviews = "reviews.sqlite"\n'
        '[broker]\nurl = "amqp://127.0.0.1/"\nuser = "x"\npassword_file = "pw"\n'
        '[[reviewers]]\nname = "ana"\nkey = "ana.jwk"\n'
        '[[reviewers]]\nname = "ben"\nkey = "ben.jwk"\n'
        f'[[members]]\norg = "{READER}"\n'
        '[[members.sinks]]\ntype = "file"\nname = "files"\nfolder = "inbox"\n'
    )
    return load(tmp_path / "adapter.toml", AdapterConfig)


@asynccontextmanager
async def stage(
    config: AdapterConfig,
    folder: Path,
    held: Held | None = None,
    rules: Rulebook | None = None,
) -> AsyncIterator[Stage]:
    context = Context(
        directory=held.current if held else KNOWN,
        policy=rules.policy if rules else load_policy(None),
        author=Author(org="hub", name="Hub", id_key=b"k" * 32),
        pseudonyms=PseudonymKeys("year", {"2026": b"p" * 32, "2027": b"q" * 32}),
        signer=signer("hub"),
        subscribers=(Subscriber(KNOWN.members[READER], ("files",)),),
    )
    stop = asyncio.Event()
    with open_reviews(folder / "reviews.sqlite", reviewers_of(config)) as reviews:
        async with (
            open_embedded(None, PLACE) as broker,
            running_gate(broker.login("gate"), folder, known=KNOWN),
            open_outbox(config.outbox) as outbox,
            asyncio.TaskGroup() as tasks,
        ):
            here = Stage(broker, config)
            bus = broker.login("adapter-main")
            tasks.create_task(
                serve(
                    config, bus, context, outbox, {(READER, "files"): here.sink},
                    clock=clock, stop=stop, reviews=reviews, held=held, rules=rules,
                )
            )  # fmt: skip
            yield here
            stop.set()


async def command(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = await asyncio.to_thread(run, ["review", *words])
    captured = capsys.readouterr()
    # What the adapter logs meanwhile is not the command's.
    lines = (captured.out + captured.err).splitlines()
    return code, "\n".join(each for each in lines if not LOGGED.match(each))


async def test_an_accusation_waits_and_is_sent_when_a_person_has_agreed(
    config: AdapterConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--config", str(tmp_path / "adapter.toml"))
    async with stage(config, tmp_path) as here:
        await here.publish(record())
        assert here.names() == [["A case"]]  # the rest does not wait
        code, out = await command(capsys, "list", *where, "--json")
        [waiting] = json.loads(out)["reviews"]
        assert (code, waiting["state"], waiting["missing"]) == (0, "waiting", 1)
        assert (waiting["audience"], waiting["property"]) == ("platform", "name")
        number = waiting["review"][:8]
        code, out = await command(capsys, "list", *where)
        assert code == 0
        assert "The name of an accused" in out
        assert ACCUSED not in out
        code, out = await command(capsys, "show", number, *where)
        assert code == 0
        assert ACCUSED in out
        key = ("--key", str(tmp_path / "ana.key"), "--as", "ana")
        code, out = await command(capsys, "approve", number, *where, *key)
        assert (code, "sends it" in out) == (0, True)
        await until(lambda: len(here.sink.taken) == 2)
        assert here.names() == [["A case"], ["A case", ACCUSED]]
        assert here.sink.numbers == [1, 2]
        first, second = here.sink.taken.values()
        assert first.token_id == second.token_id  # one version, signed once
        assert len(first.evidence) < len(second.evidence)
        await asyncio.sleep(0.1)
        assert len(here.sink.taken) == 2  # once
        code, out = await command(capsys, "approve", number, *where, *key)
        assert (code, "it is approved" in out) == (2, True)


async def test_a_newer_version_is_another_matter(
    config: AdapterConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--config", str(tmp_path / "adapter.toml"))
    async with stage(config, tmp_path) as here:
        first = await here.publish(record())
        _, out = await command(capsys, "list", *where, "--json")
        [old] = json.loads(out)["reviews"]
        await here.publish(record(version=1), after=first)

        async def states() -> list[str]:
            _, out = await command(capsys, "list", *where, "--every", "--json")
            return sorted(each["state"] for each in json.loads(out)["reviews"])

        async with asyncio.timeout(20):
            while await states() != ["superseded", "waiting"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        key = ("--key", str(tmp_path / "ana.key"), "--as", "ana")
        code, out = await command(capsys, "approve", old["review"], *where, *key)
        assert (code, "it is superseded" in out) == (2, True)


async def test_who_is_no_reviewer_is_refused_and_one_rejection_ends_it(
    config: AdapterConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--config", str(tmp_path / "adapter.toml"))
    signers.generate("eve", tmp_path)
    async with stage(config, tmp_path) as here:
        await here.publish(record())
        _, out = await command(capsys, "list", *where, "--json")
        number = json.loads(out)["reviews"][0]["review"]
        eve = ("--key", str(tmp_path / "eve.key"), "--as", "eve")
        code, out = await command(capsys, "approve", number, *where, *eve)
        assert (code, "none of the reviewers" in out) == (1, True)
        # Nor in another's name.
        forged = ("--key", str(tmp_path / "eve.key"), "--as", "ana")
        code, _ = await command(capsys, "approve", number, *where, *forged)
        assert code == 1
        ben = ("--key", str(tmp_path / "ben.key"), "--as", "ben")
        code, out = await command(capsys, "reject", number, *where, *ben, "--json")
        assert (code, json.loads(out)["state"]) == (0, "rejected")
        code, out = await command(capsys, "list", *where)
        assert (code, out.strip()) == (0, "nothing waits")
        assert len(here.sink.taken) == 1


async def test_without_a_file_of_reviews_the_command_says_what_to_add(
    config: AdapterConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "adapter.toml"
    file.write_text(file.read_text().replace('reviews = "reviews.sqlite"\n', ""))
    code, out = await command(capsys, "list", "--config", str(file))
    assert (code, 'add reviews = "reviews.sqlite"' in out) == (2, True)


async def test_what_waits_ends_when_the_groups_replace_the_policy(
    config: AdapterConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--config", str(tmp_path / "adapter.toml"))

    def agreed(policy: bytes) -> Directory:
        return msgspec.structs.replace(
            KNOWN, policies={"default": policy}, is_signed=True
        )

    rules = choose(agreed(shipped()), name="", file=None, shipped=(b"", ""))
    held = Held(agreed(shipped()), rules.follows)
    async with stage(config, tmp_path, held, rules) as here:
        await here.publish(record())
        _, out = await command(capsys, "list", *where, "--json")
        [old] = json.loads(out)["reviews"]
        newer = shipped().replace(b"\nversion = 2\n", b"\nversion = 3\n")
        held.put(agreed(newer), clock())

        async def states() -> list[str]:
            _, out = await command(capsys, "list", *where, "--every", "--json")
            return [each["state"] for each in json.loads(out)["reviews"]]

        async with asyncio.timeout(20):
            while await states() != ["policy-changed"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        key = ("--key", str(tmp_path / "ana.key"), "--as", "ana")
        code, out = await command(capsys, "approve", old["review"], *where, *key)
        assert (code, "it is policy-changed" in out) == (2, True)
