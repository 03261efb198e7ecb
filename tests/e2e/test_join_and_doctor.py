"""From the wish to be a member to a doctor who finds nothing, and what it finds else.

One RabbitMQ with TLS, one gate, one adapter, a directory that groups sign. A member
joins, starts and is examined; then each installation of a table is broken in one
place, and the doctor must say that place in a sentence, with what to do.
"""

import asyncio
import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from adapters.cli import main as command
from broker import join_request, rabbitmq_probing
from broker.bus import Message
from broker.certificates import issue, load_ca, make_ca, make_request
from broker.directory import Member as Entry
from broker.feedback_file import open_feedback
from broker.keys import Jwk
from broker.rabbitmq import open_rabbitmq
from broker.rabbitmq_link import Link
from broker.tls import client_context
from broker.topology import adapter_queues
from tests.support.hub import wait_until
from tests.support.rabbitmq_node import OwnNode
from tests.support.tls_hub import TlsHub, must
from tests.support.tuf_groups import Groups
from tests.support.tuf_groups import signer as theirs

pytestmark = [pytest.mark.rabbitmq, pytest.mark.slow]
ORG = "cert-bx"


class Member(NamedTuple):
    """The hub, and the folder of a member that has started."""

    hub: TlsHub
    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / f"{ORG}.toml"


@pytest.fixture(scope="module")
def member(
    own_node: OwnNode, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Member]:
    folder = tmp_path_factory.mktemp("hub")
    mine = folder / "bx"
    with TlsHub(folder, own_node).running() as hub:
        must(
            "join", "--org", ORG, "--name", "CERT Borduria", "--country", "XB",
            "--audience", "peer-cert", "--contact", "duty@cert-bx.example",
            "--publishes", "incident,campaign", "--out", mine,
        )  # fmt: skip
        request = mine / f"{ORG}.join.json"
        hub.admit(request)
        hub.configure(ORG)
        hub.apply()
        told = hub.welcome(request, folder / f"{ORG}.welcome.json")
        must(
            "start", folder / f"{ORG}.welcome.json", "--folder", mine,
            "--fingerprint", told,
        )  # fmt: skip
        with hub.serving():
            for queue in (f"tocsin.ingress.{ORG}", *adapter_queues("main")):
                reading = partial(_is_read, hub, queue)
                wait_until(reading, timeout_s=60, what=f"who reads {queue}")
            yield Member(hub, mine)


def looked_into(hub: TlsHub, queue: str) -> rabbitmq_probing.Waiting | None:
    """What waits in a queue, and how many read it."""

    async def look() -> rabbitmq_probing.Waiting | None:
        tls = client_context(
            ca=hub.folder / "ca/ca.pem",
            certificate=hub.folder / "operator.tls.pem",
            key=hub.folder / "operator.tls.key",
        )
        url = hub.node.amqps_url + "?auth=EXTERNAL"
        async with Link(url, name="test", timeout_s=5, tls=tls) as link:
            return await rabbitmq_probing.waiting_in(link, queue)

    return asyncio.run(look())


def _is_read(hub: TlsHub, queue: str) -> bool:
    found = looked_into(hub, queue)
    return found is not None and found.readers > 0


class Doctor:
    """The command; gives exit code and findings."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd

    def __call__(self, config: Path, *more: str) -> tuple[int, list[dict[str, Any]]]:
        self._capfd.readouterr()
        code = command.run(["doctor", "--config", str(config), "--json", *more])
        said, errors = self._capfd.readouterr()
        assert errors == ""
        return code, [json.loads(line) for line in said.splitlines()]


@pytest.fixture
def doctor(capfd: pytest.CaptureFixture[str]) -> Doctor:
    return Doctor(capfd)


def states(found: list[dict[str, Any]]) -> dict[str, set[str]]:
    by_step: dict[str, set[str]] = {}
    for each in found:
        by_step.setdefault(each["step"], set()).add(each["state"])
    return by_step


# ------------------------------------------------------------------------ all is well


def test_a_state_that_may_be_a_backup_is_told(member, doctor, tmp_path):
    doctor(member.config)  # so that there is a state
    it = Broken(member, tmp_path)  # and here a copy of it
    code, found = doctor(it.config)
    assert code == 0, found
    [doubt, proof, _] = [each for each in found if each["step"] == "exercise"]
    assert "may be a restored backup" in doubt["said"]
    assert "its stamp came back" in proof["said"]


def test_of_a_member_that_has_just_started_everything_holds(member, doctor):
    code, found = doctor(member.config)
    assert code == 0, found
    assert list(states(found)) == [
        "configuration", "secrets", "key", "directory", "membership", "clock", "disk",
        "name", "port", "tls", "login", "queues", "rights", "exercise",
    ]  # fmt: skip
    assert {each["state"] for each in found} <= {"ok", "note"}
    [proof, limit] = [each for each in found if each["step"] == "exercise"]
    assert "its stamp came back" in proof["said"]
    assert "only they can say" in limit["said"]


def test_the_exercise_reaches_nobody(member, doctor):
    before = {p.name for p in (member.hub.folder / "out").rglob("*")}
    doctor(member.config)
    assert {p.name for p in (member.hub.folder / "out").rglob("*")} == before


@pytest.mark.parametrize("name", ["gate", "adapter"])
def test_of_the_hub_s_own_processes_everything_holds(member, doctor, name):
    code, found = doctor(member.hub.folder / f"{name}.toml")
    assert code == 0, found
    assert {each["state"] for each in found} <= {"ok", "note"}
    assert ("policy" in states(found)) == (name == "adapter")


def test_what_people_read_says_the_same_and_no_secret(member, capfd):
    assert command.run(["doctor", "--config", str(member.config)]) == 0
    said = capfd.readouterr().out
    assert "cert-bx logs in with its certificate" in said
    assert "PRIVATE" not in said
    key = (member.folder / f"{ORG}.tls.key").read_text().splitlines()[1]
    assert key not in said


def test_asking_for_rights_leaves_no_message_and_no_queue(member, doctor):
    doctor(member.config)
    for name in (f"tocsin.feedback.{ORG}", "tocsin.dead", "tocsin.unroutable"):
        assert looked_into(member.hub, name) == (0, 0)
    queues = member.hub.node.api.request("GET", "/api/queues")
    assert not [each for each in queues if "doctor" in each["name"]]


# --------------------------------------------------------------- broken in one place


class Broken:
    """A copy of the member's folder, to be broken."""

    def __init__(self, member: Member, folder: Path) -> None:
        self.hub = member.hub
        self.folder = folder / "bx"
        shutil.copytree(member.folder, self.folder)
        self.config = self.folder / f"{ORG}.toml"

    def edit(self, old: str, new: str) -> None:
        text = self.config.read_text()
        assert old in text
        self.config.write_text(text.replace(old, new))

    @property
    def url(self) -> str:
        return self.hub.node.amqps_url


def _no_file(it: Broken) -> None:
    it.config.unlink()


def _unknown_word(it: Broken) -> None:
    it.edit("state =", "stat =")


def _no_kind(it: Broken) -> None:
    it.config.write_text('colour = "blue"\n')


def _open_key(it: Broken) -> None:
    (it.folder / f"{ORG}.tls.key").chmod(0o644)


def _open_signing_key(it: Broken) -> None:
    (it.folder / f"{ORG}.key").chmod(0o640)


def _other_key(it: Broken) -> None:
    for name in (f"{ORG}.key", f"{ORG}.jwk"):
        (it.folder / name).unlink()
    must("keygen", "--org", ORG, "--out", it.folder)


def _no_directory(it: Broken) -> None:
    it.edit("/www", "/wwwwww")
    shutil.rmtree(it.folder / f"{ORG}.directory", ignore_errors=True)


def _other_root(it: Broken) -> None:
    groups = Groups(it.folder / "elsewhere")
    for name in ("government", "industry"):
        groups.replace_key(name, theirs(f"mallory {name}", name))
    groups.publish()
    (it.folder / f"{ORG}.root.json").write_bytes(groups.pinned)
    shutil.rmtree(it.folder / f"{ORG}.directory", ignore_errors=True)


def _old_directory(it: Broken) -> None:
    """What the hub's online key signed last, nine days ago."""
    groups = Groups(it.folder / "old", now=_now() - timedelta(days=9))
    groups.put("members/nobody.json", b"{}")
    groups.publish()
    it.edit(it.hub.groups.folder.as_uri(), groups.folder.as_uri())
    (it.folder / f"{ORG}.root.json").write_bytes(groups.pinned)
    shutil.rmtree(it.folder / f"{ORG}.directory", ignore_errors=True)


def _no_name(it: Broken) -> None:
    it.edit("127.0.0.1", "no-such-host.invalid")


def _no_port(it: Broken) -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    it.edit(it.url, f"amqps://127.0.0.1:{port}/")


def _other_port(it: Broken) -> None:
    it.edit(it.url, it.hub.node.http_url.replace("http", "amqps") + "/")


def _other_ca(it: Broken) -> None:
    made = make_ca("Somebody else", now=_now())
    (it.folder / f"{ORG}.ca.pem").write_bytes(made.public)


def _other_host(it: Broken) -> None:
    it.edit("127.0.0.1", "localhost")


def _stranger_certificate(it: Broken) -> None:
    made = make_ca("Somebody else", now=_now())
    mine = make_request(ORG)
    ca = load_ca(made.key, made.public)
    issued = issue(mine.public, login=ORG, ca=ca, now=_now())
    (it.folder / f"{ORG}.tls.pem").write_bytes(issued)
    (it.folder / f"{ORG}.tls.key").write_bytes(mine.key)


def _ended_certificate(it: Broken) -> None:
    ca = load_ca(
        *((it.hub.folder / "ca" / n).read_bytes() for n in ("ca.key", "ca.pem"))
    )
    mine = make_request(ORG)
    issued = issue(
        mine.public, login=ORG, ca=ca, now=_now() - timedelta(days=2), days=1
    )
    (it.folder / f"{ORG}.tls.pem").write_bytes(issued)
    (it.folder / f"{ORG}.tls.key").write_bytes(mine.key)


def _other_vhost(it: Broken) -> None:
    it.edit(it.url, f"{it.url}elsewhere")


def _damaged_state(it: Broken) -> None:
    state = it.folder / f"{ORG}.sqlite"
    state.unlink(missing_ok=True)
    state.touch(mode=0o600)
    state.write_bytes(b"no database " * 500)


def _clock_behind(it: Broken) -> None:
    state = it.folder / f"{ORG}.sqlite"
    if not state.exists():
        state.touch(mode=0o600)
    later = _now().timestamp() + 86_400
    os.utime(state, (later, later))


def _now() -> datetime:
    return datetime.now(UTC)


BROKEN: list[tuple[Callable[[Broken], None], int, str, str, str]] = [
    (_no_file, 2, "configuration", "cannot read", ""),
    (_unknown_word, 2, "configuration", "unknown field `stat`", ""),
    (_no_kind, 2, "configuration", "no configuration of a publisher", "operations.md"),
    (_open_key, 2, "secrets", "readable by others", "chmod 600"),
    (_open_signing_key, 2, "key", "readable by others", "chmod 600"),
    (_other_key, 2, "membership", "does not list the key", "tocsin join"),
    (_no_directory, 3, "directory", "", "network"),
    (_other_root, 1, "directory", "directory-untrusted", ""),
    (_old_directory, 1, "directory", "directory-expired", ""),
    (_no_name, 3, "name", "no-such-host.invalid is not known", "broker.url"),
    (_no_port, 3, "port", "nothing listens at", "the port in broker.url"),
    (_other_port, 3, "tls", "does not speak TLS", "5671"),
    (_other_ca, 2, "tls", "is not the one you trust", "somebody may be in between"),
    (_other_host, 2, "tls", "is that of another name", "somebody may be in between"),
    (_ended_certificate, 2, "tls", "ended on", "tocsin broker request"),
    (_stranger_certificate, 3, "login", "no broker at", "its log says why"),
    (_other_vhost, 2, "login", "refuses the virtual host", "tocsin broker apply"),
    (_damaged_state, 2, "disk", "is damaged", "newest backup"),
    (_clock_behind, 2, "clock", "clock of this machine is behind", "NTP"),
]  # fmt: skip
AFTER_NETWORK = {
    "name": ("port", "tls", "login", "rights", "queues", "exercise"),
    "port": ("tls", "login", "rights", "queues", "exercise"),
    "tls": ("login", "rights", "queues", "exercise"),
    "login": ("rights", "queues", "exercise"),
    "secrets": ("key", "membership", "name", "port", "tls", "login"),
    "directory": ("membership", "rights", "queues", "exercise"),
    "membership": ("exercise",),
    "disk": ("exercise",),
    "clock": ("exercise",),
    "key": ("membership", "exercise"),
}


@pytest.mark.parametrize(
    ("breaks", "code", "step", "said", "advice"),
    [pytest.param(*row, id=row[0].__name__.strip("_")) for row in BROKEN],
)
def test_what_is_broken_is_said_with_what_to_do(
    member, doctor, tmp_path, breaks, code, step, said, advice
):
    it = Broken(member, tmp_path)
    breaks(it)
    ended, found = doctor(it.config)
    wrong = [each for each in found if each["state"] == "failed"]
    assert ended == code, found
    assert [each["step"] for each in wrong] == [step], found
    assert said in wrong[0]["said"]
    assert advice in wrong[0].get("advice", "")
    left = {each["step"] for each in found if each["state"] == "not tried"}
    assert left >= set(AFTER_NETWORK.get(step, ()))


# ------------------------------------------------------- broken at the hub, or there


@pytest.fixture
def granted(member: Member) -> Iterator[Callable[..., None]]:
    """Change what the member's login may do; afterwards it is as before."""
    api = member.hub.node.api

    def change(*, configure: str = "^$", write: str, read: str) -> None:
        api.grant(ORG, configure, write, read)

    yield change
    member.hub.apply()


def failures(found: list[dict[str, Any]]) -> list[str]:
    return [each["said"] for each in found if each["state"] == "failed"]


def test_rights_that_are_missing_or_too_wide_are_told_one_by_one(
    member, doctor, granted
):
    granted(write=r"^tocsin\.(feedback|records)$", read=r"^tocsin\.")
    code, found = doctor(member.config)
    assert code == 2
    assert failures(found) == [
        "this login may not send records (tocsin.ingress)",
        "this login may go round the gate (tocsin.records), which nobody should",
        f"this login may read what the gate reads (tocsin.ingress.{ORG}), which nobody "
        "should",
        "this login may read the dead letters (tocsin.dead), which nobody should",
    ]
    assert states(found)["exercise"] == {"not tried"}
    assert looked_into(member.hub, "tocsin.dead") == (0, 0)


@pytest.fixture
def list_signed(member: Member) -> Iterator[Callable[[Entry], None]]:
    """Let the groups sign another entry of the member; afterwards it is as before."""

    def change(entry: Entry) -> None:
        member.hub.groups.put(f"members/{ORG}.json", msgspec.json.encode(entry))
        member.hub.groups.publish()

    yield change
    member.hub.admit(member.folder / f"{ORG}.join.json")


def test_an_exercise_that_the_gate_refuses_is_told_with_the_reason(
    member, doctor, tmp_path, list_signed
):
    it = Broken(member, tmp_path)
    # The signed directory lists the next key; the gate has not heard of it yet.
    must("keygen", "--org", ORG, "--out", it.folder / "next")
    for name in (f"{ORG}.key", f"{ORG}.jwk"):
        shutil.copy(it.folder / "next" / name, it.folder / name)
    request = join_request.read((it.folder / f"{ORG}.join.json").read_bytes())
    [key] = request.member.keys
    jwk = msgspec.json.decode((it.folder / f"{ORG}.jwk").read_bytes(), type=Jwk)
    newer = msgspec.structs.replace(key, jwk=jwk)
    entry = msgspec.structs.replace(request.member, keys=(key, newer))
    list_signed(entry)
    code, found = doctor(it.config)
    assert code == 1, found
    [said] = failures(found)
    assert "refused the exercise (unknown-key): no member owns the key" in said


def test_what_waits_in_the_queue_of_feedback_is_kept_before_it_is_asked(member, doctor):
    queue = f"tocsin.feedback.{ORG}"
    left = Message(
        body=b"{}",
        message_id="left",
        routing_key=f"adapter-main.{ORG}.x",
        content_type="text/plain",
    )
    asyncio.run(publish(member.hub, left))
    code, found = doctor(member.config)
    assert code == 0
    assert "warning" not in states(found)["exercise"]
    assert looked_into(member.hub, queue) == (0, 0)
    [file] = member.config.parent.glob("*.feedback")
    with open_feedback(file, now=time.time()) as opened:
        assert [each.message.body for each in opened.unshown()] == [b"{}"]


async def publish(hub: TlsHub, message: Message) -> None:
    tls = client_context(
        ca=hub.folder / "ca/ca.pem",
        certificate=hub.folder / "adapter-main.tls.pem",
        key=hub.folder / "adapter-main.tls.key",
    )
    url = hub.node.amqps_url + "?auth=EXTERNAL"
    async with open_rabbitmq(url, user="adapter-main", tls=tls) as bus:
        await bus.publish("tocsin.feedback", message)


def test_a_member_that_practises_is_told_so_and_its_exercise_comes_through(
    member, doctor, tmp_path, list_signed
):
    it = Broken(member, tmp_path)
    request = join_request.read((it.folder / f"{ORG}.join.json").read_bytes())
    entry = msgspec.structs.replace(request.member, exercise=True)
    list_signed(entry)
    code, found = doctor(it.config)
    assert code == 0, found
    assert any("is in exercise" in each["said"] for each in found)
    assert any("its stamp came back" in each["said"] for each in found)


def test_a_gate_that_does_not_run_is_told_before_anything_is_sent(
    member, doctor, tmp_path
):
    it = Broken(member, tmp_path)
    other = "newsroom-y"
    must(
        "join", "--org", other, "--name", "Newsroom Y", "--country", "XA",
        "--audience", "civil-society", "--contact", "desk@newsroom-y.example",
        "--publishes", "incident", "--out", it.folder / other,
    )  # fmt: skip
    request = it.folder / other / f"{other}.join.json"
    it.hub.admit(request)
    it.hub.apply()  # the gate runs on with the directory that it knows
    told = it.hub.welcome(request, it.folder / "answer.json")
    must(
        "start", it.folder / "answer.json", "--folder", it.folder / other,
        "--fingerprint", told,
    )  # fmt: skip
    code, found = doctor(it.folder / other / f"{other}.toml")
    assert code == 3
    assert failures(found) == ["0 records of yours wait for the gate, and it does not "
                               "run now"]  # fmt: skip
    assert states(found)["exercise"] == {"not tried"}
    assert looked_into(it.hub, f"tocsin.ingress.{other}") == (0, 0)


# ------------------------------------------------------------------ an adapter's own

SINK = '[[members.sinks]]\ntype = "webhook"\nname = "siem"\nsecret_file = "whsec"\n'


def _open_secret(folder: Path) -> str:
    (folder / "whsec").chmod(0o644)
    return SINK + 'url = "https://siem.example/in"\n'


def _inside(_: Path) -> str:
    return SINK + 'url = "https://127.0.0.1:9/in"\n'


def _plain(_: Path) -> str:
    return SINK + 'url = "http://siem.example/in"\n'


def _nobody(_: Path) -> str:
    return SINK + 'url = "https://127.0.0.1:9/in"\nallow_private = true\n'


def _unnamed(_: Path) -> str:
    return SINK + 'url = "https://no-such-host.invalid/in"\n'


def _no_folder(_: Path) -> str:
    return '[[members.sinks]]\ntype = "file"\nname = "more"\nfolder = "none/of/this"\n'


def _stranger(_: Path) -> str:
    return (
        '[[members]]\norg = "platform-x"\n[[members.sinks]]\n'
        'type = "file"\nname = "files"\nfolder = "out/x"\n'
    )


@pytest.mark.parametrize(
    ("breaks", "code", "step", "said"),
    [
        (_open_secret, 2, "secrets", "is no file of its owner alone"),
        (_inside, 2, "sinks", "must not be a private address"),
        (_plain, 2, "sinks", "must start with https://"),
        (_nobody, 3, "sinks", "nothing answers at 127.0.0.1:9"),
        (_unnamed, 3, "sinks", "no-such-host.invalid is not known"),
        (_no_folder, 2, "sinks", "is no folder"),
        (_stranger, 2, "policy", "platform-x is served here, and is no member"),
    ],
)  # fmt: skip
def test_what_is_broken_of_an_adapter_is_said(
    member, doctor, tmp_path, breaks, code, step, said
):
    whole = member.hub.folder
    folder = tmp_path / "hub"
    folder.mkdir()
    for name in ("hub.key", "ids.bin", "adapter-main.tls.pem", "adapter-main.tls.key"):
        shutil.copy(whole / name, folder / name)
    for name in ("ca", "directory"):
        shutil.copytree(whole / name, folder / name)
    (folder / "out").mkdir()
    (folder / "whsec").touch(mode=0o600)
    (folder / "whsec").write_text("whsec_" + "c2VjcmV0" * 5)
    text = (whole / "adapter.toml").read_text() + breaks(folder)
    (folder / "adapter.toml").write_text(text)
    ended, found = doctor(folder / "adapter.toml")
    assert ended == code, found
    [fault] = [each for each in found if each["state"] == "failed"]
    assert fault["step"] == step
    assert said in fault["said"]
    assert fault["advice"]


def test_a_gate_whose_key_is_not_listed_as_one_is_told(member, doctor, tmp_path):
    whole = member.hub.folder
    folder = tmp_path / "hub"
    shutil.copytree(whole / "directory", folder / "directory")
    for name in ("hub.key", "gate.toml", "gate.tls.pem", "gate.tls.key"):
        shutil.copy(whole / name, folder / name)
    shutil.copytree(whole / "ca", folder / "ca")
    entry = json.loads((folder / "directory/services/hub.json").read_bytes())
    entry["services"] = ["adapter"]
    (folder / "directory/services/hub.json").write_text(json.dumps(entry))
    code, found = doctor(folder / "gate.toml")
    assert code == 2
    assert failures(found) == [
        "the directory does not list the key for the service gate"
    ]
