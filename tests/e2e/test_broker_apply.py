"""`tocsin broker apply` on a real RabbitMQ: what the directory says is what is there."""

import asyncio
import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import aio_pika
import msgspec
import pytest

from adapters.cli.main import UNREACHABLE, USAGE, run
from broker.bus import Message
from broker.directory import Member, Suspended
from broker.errors import BusRefusedError
from broker.rabbitmq import open_rabbitmq
from broker.topology import FEEDBACK, definitions, permissions, topology
from tests.support.hub import process, wait_until
from tests.support.issuing import member
from tests.support.rabbitmq_api import ApiError, RabbitMQ
from tests.support.tuf_groups import Groups

ORGS = ("cert-aq", "cert-bx", "newsroom-y")
AQ = "tocsin.feedback.cert-aq"

pytestmark = pytest.mark.rabbitmq

Do = Callable[..., tuple[int, str]]


class Installation:
    """A directory, a configuration, a virtual host, and the command on them."""

    def __init__(self, folder: Path, server: RabbitMQ) -> None:
        self.folder = folder
        self.server = server
        admin = urlsplit(server.amqp_url)
        (folder / "directory/members").mkdir(parents=True)
        (folder / "admin.password").touch(mode=0o600)
        (folder / "admin.password").write_text(unquote(admin.password))
        self.configure()
        for org in ORGS:
            self.admit(org)

    def configure(self, logins: str = '"all"') -> None:
        server = self.server
        (self.folder / "broker.toml").write_text(
            f'directory = "directory"\nadapters = ["main"]\n'
            f'management = "{server.http_url}"\nvhost = "{server.vhost}"\n'
            f'user = "{urlsplit(server.amqp_url).username}"\n'
            f'password_file = "admin.password"\npasswords = "passwords"\n'
            f"by_password = {logins}\n"
        )

    def admit(self, org: str) -> None:
        path = self.folder / f"directory/members/{org}.json"
        path.write_bytes(msgspec.json.encode(member(org)))

    def signed(self) -> Groups:
        """Put the members into a directory that three groups sign, instead."""
        groups = Groups(self.folder / "signed")
        for org in ORGS:
            self.list(groups, member(org))
        groups.publish()
        (self.folder / "root.json").write_bytes(groups.pinned)
        text = (self.folder / "broker.toml").read_text()
        text = text.replace('directory = "directory"\n', "")
        (self.folder / "broker.toml").write_text(
            f'{text}[directory]\nurl = "{groups.folder.as_uri()}"\n'
            'root = "root.json"\ncache = "cache"\n'
        )
        return groups

    def list(self, groups: Groups, entry: Member) -> None:
        groups.put(f"members/{entry.org}.json", msgspec.json.encode(entry))

    def expel(self, org: str) -> None:
        (self.folder / f"directory/members/{org}.json").unlink()

    def url(self, login: str) -> str:
        path = self.folder / "passwords" / f"{login}.password"
        return self.server.url_for(login, path.read_text())

    def get(self, *path: str) -> object:
        return self.server.request(
            "GET", "/api/" + "/".join(quote(p, "") for p in path)
        )


@pytest.fixture
def here(tmp_path: Path, vhost: RabbitMQ) -> Installation:
    return Installation(tmp_path, vhost)


@pytest.fixture
def apply(here: Installation, capfd: pytest.CaptureFixture[str]) -> Do:
    def do(*more: str) -> tuple[int, str]:
        capfd.readouterr()
        code = run(
            ["broker", "apply", "--config", str(here.folder / "broker.toml"), *more]
        )
        out, err = capfd.readouterr()
        return code, out + err

    return do


def test_once_all_is_declared_there_is_nothing_to_do(here, apply):
    code, said = apply("--dry-run")
    assert code == 0
    assert "admit cert-aq, with the password of its file" in said
    assert here.get("vhosts", here.server.vhost, "topic-permissions") == []
    assert not (here.folder / "passwords").exists()

    code, said = apply()
    assert code == 0
    assert said.splitlines()[-1].endswith(" steps done")
    assert apply() == (0, "nothing to do\n")
    done = json.loads(apply("--json", "--dry-run")[1])
    assert (done["ok"], done["steps"], done["notes"]) == (True, [], [])


def test_definitions_as_rabbitmq_imports_them_are_what_apply_makes(here, apply):
    apply()
    before = set(here.server.users())
    place = topology(ORGS, ["main"], ORGS)
    rights = permissions(place)
    here.server.import_definitions(definitions(place, rights, vhost=here.server.vhost))
    assert apply() == (0, "nothing to do\n")
    assert here.server.users() == before


def test_passwords_are_made_once_kept_private_and_never_shown(here, apply):
    said = apply()[1] + apply("--json")[1]
    files = sorted((here.folder / "passwords").iterdir())
    assert len(files) == len(ORGS) + 3
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text() not in said


async def test_a_member_logs_in_with_the_password_that_was_made(here, apply):
    await asyncio.to_thread(apply)
    async with open_rabbitmq(here.url("cert-aq"), user="cert-aq") as bus:
        await bus.publish(
            FEEDBACK,
            Message(body=b"x", message_id="1", routing_key="cert-aq.cert-bx.x"),
        )
    # It is for AMQP alone: the management API does not let it in.
    as_member = replace(here.server, amqp_url=here.url("cert-aq"))
    with pytest.raises(ApiError, match="401"):
        as_member.request("GET", "/api/whoami")
    other = here.server.url_for("cert-aq", "not it")
    with pytest.raises(BusRefusedError):
        async with open_rabbitmq(other, user="cert-aq"):
            pass
    # From now on by certificate: the password is no more.
    old = here.url("cert-aq")
    here.configure(logins="[]")
    code, said = await asyncio.to_thread(apply)
    assert code == 0
    assert "let cert-aq log in by certificate alone" in said
    with pytest.raises(BusRefusedError):
        async with open_rabbitmq(old, user="cert-aq"):
            pass
    assert await asyncio.to_thread(apply) == (0, "nothing to do\n")


async def test_who_is_expelled_loses_login_and_open_connections_within_one_run(
    here, apply
):
    await asyncio.to_thread(apply)
    url = here.url("cert-aq")
    ended = asyncio.Event()
    async with await aio_pika.connect(url) as open_one:
        open_one.close_callbacks.add(lambda *_: ended.set())
        here.expel("cert-aq")
        code, said = await asyncio.to_thread(apply)
        assert code == 0
        assert "remove the login cert-aq: the directory does not list it" in said
        assert "close every open connection of cert-aq" in said
        async with asyncio.timeout(10):
            await ended.wait()
    with pytest.raises(BusRefusedError):
        async with open_rabbitmq(url, user="cert-aq"):
            pass
    # Its queue is still there, unbound, until somebody names it.
    code, said = await asyncio.to_thread(apply)
    assert f"look at {AQ}: it belongs to nobody any more" in said
    assert said.endswith("nothing to do\n")
    bound = here.get("queues", here.server.vhost, AQ, "bindings")
    assert {each["source"] for each in bound} == {""}
    code, said = await asyncio.to_thread(apply, "--drop-queues", AQ)
    assert f"delete the queue {AQ} with all that is in it" in said
    with pytest.raises(ApiError, match="404"):
        here.get("queues", here.server.vhost, AQ)


@pytest.mark.parametrize("who", ["the threshold", "one party"])
async def test_who_is_suspended_loses_its_login_and_gets_it_back(here, apply, who):
    groups = here.signed()
    assert (await asyncio.to_thread(apply))[0] == 0
    url = here.url("cert-aq")
    ended = asyncio.Event()
    async with await aio_pika.connect(url) as open_one:
        open_one.close_callbacks.add(lambda *_: ended.set())
        since = {"since": "2026-01-01T00:00:00Z", "reason": "key stolen"}
        if who == "one party":
            since["since"] = groups.now.strftime("%Y-%m-%dT%H:%M:%SZ")
            groups.suspend("civil-society", [{"org": "cert-aq", **since}])
        else:
            here.list(groups, member("cert-aq", suspended=Suspended(**since)))
            groups.publish()
        _, said = await asyncio.to_thread(apply)
        assert said == (
            "remove the login cert-aq: it is suspended\n"
            "close every open connection of cert-aq\n2 steps done\n"
        )
        async with asyncio.timeout(10):
            await ended.wait()
    with pytest.raises(BusRefusedError):
        async with open_rabbitmq(url, user="cert-aq"):
            pass
    assert await asyncio.to_thread(apply) == (0, "nothing to do\n")
    groups.suspend("civil-society", [])
    here.list(groups, member("cert-aq"))
    groups.publish()
    _, said = await asyncio.to_thread(apply)
    assert said.startswith("admit cert-aq")
    async with open_rabbitmq(url, user="cert-aq"):
        pass


def test_a_directory_that_is_not_as_signed_changes_nothing(here, apply):
    groups = here.signed()
    apply()
    before = here.server.users()
    here.list(groups, member("cert-zz"))
    groups.publish(["government"])  # one group alone
    code, said = apply()
    assert code == 0
    assert "the directory cannot be refreshed: what was verified last counts" in said
    assert said.startswith("nothing to do\n")
    assert here.server.users() == before


def test_a_login_that_the_directory_does_not_know_is_told_and_stays(here, apply):
    apply()
    here.server.create_user("x-ray", "hush", tags="administrator")
    here.server.create_user("visitor", "hush")
    here.server.grant("visitor", "^$", "^$", ".*")
    code, said = apply()
    assert code == 0
    assert (
        "look at x-ray: it is an administrator that the directory does not know" in said
    )
    assert "look at visitor: it is a login that the directory does not know" in said
    assert {"x-ray", "visitor"} <= here.server.users()


def test_rights_and_bindings_that_somebody_changed_are_put_back(here, apply):
    apply()
    place = quote(here.server.vhost, "")
    here.server.grant("cert-aq", ".*", ".*", ".*")
    here.server.grant_topic("cert-aq", "tocsin.ingress", ".*", ".*")
    here.server.request(
        "POST",
        f"/api/bindings/{place}/e/tocsin.records/q/{AQ}",
        {"routing_key": "#", "arguments": {}},
    )
    here.server.request(
        "DELETE", f"/api/bindings/{place}/e/tocsin.feedback/q/{AQ}/*.cert-aq.%23"
    )
    code, said = apply()
    assert code == 0
    assert f"stop messages from tocsin.records to {AQ} (#)" in said
    assert f"start messages from tocsin.feedback to {AQ} (*.cert-aq.#)" in said
    assert "close every open connection of cert-aq" in said
    assert said.endswith("5 steps done\n")
    assert apply() == (0, "nothing to do\n")


def test_a_queue_with_other_arguments_is_told_and_made_anew_when_named(here, apply):
    place = quote(here.server.vhost, "")
    wrong = {"durable": True, "arguments": {"x-queue-type": "quorum"}}
    here.server.request("PUT", f"/api/queues/{place}/{AQ}", wrong)
    code, said = apply()
    assert code == USAGE
    assert f"look at {AQ}: it has another x-dead-letter-exchange" in said
    assert apply("--drop-queues", AQ)[0] == 0
    assert apply() == (0, "nothing to do\n")


def test_who_may_not_administrate_is_told_at_once(here, apply):
    here.server.create_user("visitor", "hush")
    text = (here.folder / "broker.toml").read_text()
    admin = urlsplit(here.server.amqp_url).username
    (here.folder / "broker.toml").write_text(
        text.replace(f'user = "{admin}"', 'user = "visitor"')
    )
    (here.folder / "admin.password").write_text("hush")
    code, said = apply()
    assert code == USAGE
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "instead", "what"),
    [
        ("management", "http://rabbit.example:15672", "https"),
        ("management", "http://admin:x@127.0.0.1:15672", "login"),
        ("management", "http://[", "cannot be read"),
    ],
)
def test_an_administrators_password_does_not_cross_a_network_in_clear(
    here, apply, line, instead, what
):
    text = (here.folder / "broker.toml").read_text()
    text = text.replace(here.server.http_url, instead)
    (here.folder / "broker.toml").write_text(text)
    code, said = apply()
    assert code == USAGE
    assert what in said
    assert "Traceback" not in said


def test_of_several_management_addresses_the_first_that_answers_is_asked(here, apply):
    text = (here.folder / "broker.toml").read_text()
    url, nobody = here.server.http_url, "http://127.0.0.1:1"
    several = text.replace(f'"{url}"', f'["{nobody}", "{url}"]')
    (here.folder / "broker.toml").write_text(several)
    assert apply()[0] == 0
    none = text.replace(f'"{url}"', f'["{nobody}", "http://localhost:1"]')
    (here.folder / "broker.toml").write_text(none)
    code, said = apply()
    assert code == UNREACHABLE
    assert "127.0.0.1:1 " in said
    assert "localhost:1 " in said


@pytest.mark.parametrize("more", [["--dry-run"], ["--drop-queues", AQ], []])
def test_watching_goes_with_nothing_else_and_not_for_ever_between(apply, more):
    code, said = apply("--watch", "5" if more else "0", *more)
    assert code == USAGE
    assert "--watch" in said


def test_whoever_watches_the_directory_follows_it(here):
    with process(
        "broker", "apply", "--config", str(here.folder / "broker.toml"), "--watch", "1"
    ):
        wait_until(lambda: "newsroom-y" in here.server.users(), timeout_s=30, what="it")
        here.expel("newsroom-y")
        wait_until(
            lambda: "newsroom-y" not in here.server.users(),
            timeout_s=30,
            what="its end",
        )
