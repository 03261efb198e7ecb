"""What a doctor finds in files and on the network, where no broker is needed."""

import shutil
import sqlite3
from collections import namedtuple
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiormq.exceptions import ChannelAccessRefused, ChannelNotFoundEntity

from adapters.cli.doctor import files, flow, network, trip
from adapters.config import PublisherConfig, load
from broker import rabbitmq_probing, trials
from broker.directory_client import Loaded
from broker.errors import BusRefusedError, ConfigError, TrustError
from broker.publisher import PublishResult
from broker.seen import Stamp, make_stamp
from broker.topology import INGRESS
from broker.trials import Told
from tests.support.adapter_config import adapter_config
from tests.support.issuing import HUB, directory, member
from tests.support.issuing import NOW as TIME
from tests.support.policy_files import shipped
from tests.support.records import DIRECTORY

NOW = 1_790_000_000.0  # in 2026
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def settings(tmp_path: Path) -> PublisherConfig:
    (tmp_path / "p.toml").write_text(
        'org = "cert-aq"\nkey = "k"\nstate = "state.sqlite"\n[broker]\n'
        'url = "amqp://127.0.0.1:1/"\nuser = "cert-aq"\npassword_file = "pw"\n'
    )
    return load(tmp_path / "p.toml", PublisherConfig)


def states(found):
    return [each.state for each in found]


@pytest.fixture
def state(settings):
    settings.state.touch(mode=0o600)
    with sqlite3.connect(settings.state) as db:
        db.execute("CREATE TABLE t (x)")
    db.close()
    return settings.state


def free(monkeypatch, count):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, count))


# ------------------------------------------------------------------------------ disk


def test_a_state_that_is_whole_on_a_disk_with_room_is_well(
    settings, state, monkeypatch
):
    free(monkeypatch, 2 << 30)
    assert states(files.disk(settings)) == ["ok", "ok"]


@pytest.mark.parametrize(
    ("left", "found"),
    [(1 << 30, "ok"), ((1 << 30) - 1, "warning"), (99 << 20, "failed")],
)
def test_little_room_is_told_before_there_is_none(settings, monkeypatch, left, found):
    free(monkeypatch, left)
    [missing, room] = files.disk(settings)
    assert (missing.state, room.state) == ("note", found)
    assert (room.code == 2) == (found == "failed")


def test_a_state_in_use_is_no_fault(settings, state):
    holder = sqlite3.connect(state, isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    try:
        [found, _] = files.disk(settings)
    finally:
        holder.close()
    assert (found.state, "is in use" in found.said) == ("note", True)


def test_a_state_that_others_can_open_is_told(settings, state):
    state.chmod(0o640)
    [found, _] = files.disk(settings)
    assert (found.state, found.advice) == ("failed", f"chmod 600 {state}")


def test_a_folder_that_is_not_there_is_told(settings):
    shutil.rmtree(settings.state.parent)
    found = files.disk(settings)
    assert states(found) == ["note", "failed"]
    assert found[1].advice.startswith("mkdir -p")


# ----------------------------------------------------------------------------- clock


def test_a_clock_years_behind_is_told(settings):
    [found] = files.clock(settings, now=0)
    assert (found.state, "years behind" in found.said) == ("failed", True)


@pytest.mark.parametrize("apart", [-121, 121])
def test_a_clock_that_is_not_the_directory_s_is_told(settings, apart):
    now = files._EPOCH + 1000
    [found] = files.clock(settings, now=now, theirs=now - apart)
    assert found.state == "failed"
    assert f"121 s {'ahead of' if apart > 0 else 'behind'}" in found.said


@pytest.mark.parametrize("apart", [-120, 0, 120])
def test_a_clock_near_the_directory_s_is_well(settings, apart):
    now = files._EPOCH + 1000
    [found] = files.clock(settings, now=now, theirs=now - apart)
    assert found.state == "ok"


async def test_the_directory_s_web_server_tells_the_time():
    async def answer(request: web.Request) -> web.Response:
        assert request.method == "HEAD"
        assert request.path == "/d/metadata/timestamp.json"
        return web.Response(headers={"Date": "Tue, 01 Dec 2026 12:00:00 GMT"})

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        assert await network.time_at(f"http://{host}:{port}/d/") == 1_796_126_400
    finally:
        await runner.cleanup()
    assert await network.time_at(f"http://{host}:{port}/d/") is None
    assert await network.time_at("file:///media/stick") is None


# ------------------------------------------------------------------------- directory


def test_what_should_be_known_of_a_directory_is_told():
    plain = files.loaded(Loaded(DIRECTORY), now=NOW)
    assert states(plain) == ["note", "warning"]
    assert "names no gate" in plain[1].said
    signed = Loaded(
        directory(member("cert-aq")),
        version=7,
        fresh_until=NOW + 86_400,
        expiries=(("root", NOW + 29 * 86_400), ("targets", NOW + 31 * 86_400)),
        faults=(("suspensions-industry", "unreadable"),),
        is_kept=True,
    )
    found = files.loaded(signed, now=NOW)
    assert states(found) == ["ok", "warning", "warning", "warning"]
    words = " ".join(each.said for each in found)
    assert "number 7" in words
    assert "could not be fetched" in words
    assert "suspensions-industry" in words
    assert "root of the directory expires" in words
    assert "targets" not in words


# --------------------------------------------------------------------------- queues


class Low:
    """A channel whose broker says one thing."""

    def __init__(self, error):
        self.error = error

    async def queue_declare(self, *_, **__):
        raise self.error


class Broker:
    """As much of a link as counting needs."""

    place = "hub.example:5671"

    def __init__(self, error):
        self.error = error

    async def channel(self, *, confirms):
        return None, Low(self.error)


async def test_a_broker_that_tells_members_nothing_of_the_gate_s_queue_is_no_fault():
    broker = Broker(ChannelAccessRefused())
    found = await flow._way_in(broker, f"{INGRESS}.cert-aq")
    assert found.state == "note"
    with pytest.raises(BusRefusedError, match="tells nothing"):
        await rabbitmq_probing.waiting_in(broker, "q")
    assert (
        await rabbitmq_probing.waiting_in(Broker(ChannelNotFoundEntity()), "q") is None
    )


# ------------------------------------------------------------------------- database


async def test_a_database_that_does_not_answer_is_told_by_its_own_setting():
    [named] = await network.database("postgresql://a@no-such-host.invalid/b")
    assert (named.code, "database.url" in named.advice) == (3, True)
    [found] = await network.database("postgresql://a@127.0.0.1:9/b")
    assert (found.code, "database.url" in found.advice) == (3, True)


def test_what_is_no_configuration_of_ours_is_told(tmp_path):
    for text in ("", 'url = "x"\n'):
        (tmp_path / "c.toml").write_text(text)
        with pytest.raises(files.ConfigError, match="no configuration of a publisher"):
            files.read_settings(tmp_path / "c.toml")
    (tmp_path / "c.toml").write_text("= 1")
    with pytest.raises(files.ConfigError, match="is no TOML"):
        files.read_settings(tmp_path / "c.toml")


# ------------------------------------------------------------------------ the answer


class InHand:
    """A message, and what became of it."""

    def __init__(self, message):
        self.message = message
        self.settled = []

    async def ack(self):
        self.settled.append("ack")

    async def reject(self, *, requeue):
        self.settled.append(f"reject {requeue}")


async def arriving(*messages):
    for each in messages:
        yield each


async def test_what_comes_before_the_answer_is_held_and_never_given_back_by_hand():
    token = "T" * 42 + "A"
    stamp = make_stamp(HUB, token_id=token, seen=int(TIME), pos=1, prev="")
    answer = InHand(trials.accepted(token, "cert-aq", stamp))
    other = InHand(trials.accepted("O" * 42 + "A", "cert-aq", stamp))
    told = await trip._answer(arriving(other, other, answer), token, directory())
    assert told.stamp.token == token
    assert (other.settled, answer.settled) == ([], ["ack"])


async def test_a_queue_that_ends_before_the_answer_is_no_answer():
    with pytest.raises(TrustError, match="answer-invalid"):
        await trip._answer(arriving(), "T" * 42 + "A", directory())


@pytest.mark.parametrize(
    ("apart", "words"), [(31, "ahead of"), (-31, "behind"), (30, None), (0, None)]
)
def test_a_stamp_tells_how_far_the_clock_is_from_the_hub_s(apart, words):
    stamp = Stamp(token="t", seen=1000, pos=3, prev="p", link="l")
    done = PublishResult(token_id="t", sub="s", seq=2, already=False)
    found = trip._judged(Told(stamp), done, 1000 + apart)
    assert found[0].state == "ok"
    assert [each.state for each in found[2:]] == (["warning"] if words else [])
    assert words is None or words in found[2].said


def test_a_refused_exercise_is_told_with_its_meaning():
    done = PublishResult(token_id="t", sub="s", seq=2, already=False)
    [found] = trip._judged(Told(None, "key-revoked"), done, 0)
    assert (found.code, "its key is revoked" in found.said) == (1, True)


# ------------------------------------------------------------- an adapter's policy


def policy_of(tmp_path, *, signed, listed=True, **more):
    policies = {"default": shipped()} if listed else {}
    known = msgspec.structs.replace(directory(), policies=policies, is_signed=signed)
    settings = adapter_config(tmp_path, members=(), **more)
    [found] = files.rules(settings, known)
    assert found.state == "ok"
    return found.said


def test_whose_policy_it_is_is_said(tmp_path):
    (tmp_path / "own.toml").write_bytes(shipped())
    own = tmp_path / "own.toml"
    assert "the directory's, signed by its groups" in policy_of(tmp_path, signed=True)
    assert "signed by its groups" in policy_of(tmp_path, signed=True, policy=own)
    assert "which nobody signed" in policy_of(tmp_path, signed=False)
    told = policy_of(tmp_path, signed=False, policy=own)
    assert "a file here, and not the directory's" in told
    told = policy_of(tmp_path, signed=False, listed=False)
    assert "the one that Tocsin comes with; the directory has none" in told


def test_a_policy_that_no_adapter_would_start_with_is_told_with_what_to_do(tmp_path):
    (tmp_path / "own.toml").write_bytes(shipped() + b"\n")
    with pytest.raises(ConfigError, match=r"propose --policy .*own\.toml"):
        policy_of(tmp_path, signed=True, policy=tmp_path / "own.toml")
    with pytest.raises(ConfigError, match="propose --policy shipped"):
        policy_of(tmp_path, signed=True, listed=False)
    both = {"policy": tmp_path / "own.toml", "policy_id": "default"}
    with pytest.raises(ConfigError, match="not both"):
        policy_of(tmp_path, signed=True, **both)
