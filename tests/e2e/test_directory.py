"""Three groups on three machines run a hub's directory by `tocsin directory` alone.

Each group is a folder with its own private key, its own copy of the directory and its
own pinned root; what passes between them are files. python-tuf's own client, which
shares no code with ours, reads what is published.
"""

import json
import shutil
from pathlib import Path
from urllib.parse import unquote, urlparse

import msgspec
import pytest
from tuf.api import exceptions
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

from adapters.cli.main import run
from tests.support import records

GROUPS = ("government", "industry", "civil-society")


class Files(FetcherInterface):
    def _fetch(self, url):
        path = Path(unquote(urlparse(url).path))
        if not path.exists():
            raise exceptions.DownloadHTTPError("missing", 404)
        return iter([path.read_bytes()])


class Group:
    """One stakeholder group on a machine of its own."""

    def __init__(self, name: str, folder: Path, world: "World") -> None:
        self.name, self.folder, self.world = name, folder, world
        assert run(["keygen", "--org", name, "--out", str(folder)]) == 0
        self.key = folder / f"{name}.key"
        self.root = folder / "root.json"

    @property
    def held(self) -> list[str]:
        return ["--directory", str(self.folder / "copy"), "--root", str(self.root)]

    def fetch(self) -> None:
        """Copy what the hub publishes."""
        shutil.rmtree(self.folder / "copy", ignore_errors=True)
        shutil.copytree(self.world.public, self.folder / "copy")

    def sign(self, proposal: Path, *, founding: bool = False) -> int:
        held = [] if founding else self.held
        key = ["--key", str(self.key), "--yes"]
        return run(["directory", "sign", str(proposal), *key, *held])

    def propose(self, *args: str) -> Path:
        self.fetch()
        proposal = self.folder / f"proposal-{len([*self.folder.iterdir()])}.json"
        more = [*self.held, "--title", "a change", "-o", str(proposal), *args]
        assert run(["directory", "propose", *more]) == 0
        return proposal


class World:
    def __init__(self, folder: Path, capsys) -> None:
        self.folder, self.capsys = folder, capsys
        self.public = folder / "hub" / "public"
        self.groups = {name: Group(name, folder / name, self) for name in GROUPS}
        for name in ("online", "on-call"):
            assert run(["keygen", "--org", name, "--out", str(folder / "hub")]) == 0
        self.root = folder / "hub" / "root.json"

    def said(self) -> str:
        found = self.capsys.readouterr()
        return found.out + found.err

    def publish(self, *proposals: Path, root: bool = True) -> int:
        return run(
            [
                *("directory", "publish", *map(str, proposals)),
                *("--directory", str(self.public)),
                *("--online-key", str(self.folder / "hub" / "online.key")),
                *(("--root", str(self.root)) if root else ()),
            ]
        )

    def decide(self, proposal: Path, *names: str) -> str:
        """Let groups sign and the hub publish; what it said."""
        self.said()
        for name in names:
            self.groups[name].fetch()
            assert self.groups[name].sign(proposal) == 0, self.said()
        assert self.publish(proposal) == 0, self.said()
        return self.said()

    def others_see(self, version: int) -> str:
        """Each group gets the new directory, verifies it, and reads what changed."""
        told = ""
        for group in self.groups.values():
            group.fetch()
            copy = str(group.folder / "copy")
            verify = ["directory", "verify", copy, "--root", str(group.root)]
            assert run(verify) == 0, self.said()
            since = ["--since", str(version), *group.held]
            assert run(["directory", "diff", *since]) == 0
            told = self.said()
        return told

    def show(self) -> dict:
        self.said()
        held = ["--directory", str(self.public), "--root", str(self.root)]
        assert run(["directory", "show", *held, "--json"]) == 0
        return json.loads(self.said())

    def client(self) -> Updater:
        """python-tuf's own client, with nothing but the pinned root."""
        cache = self.folder / "cache"
        cache.mkdir(exist_ok=True)
        where = f"file://{self.public}"
        return Updater(
            *(str(cache), f"{where}/metadata/", str(cache), f"{where}/targets/"),
            Files(),
            bootstrap=self.root.read_bytes(),
        )


def entry(folder: Path, org: str, **changes: object) -> str:
    """Write a member's entry into a file, and name it."""
    member = records.member(records.signer(org), **changes)
    path = folder / f"{org}.entry.json"
    path.write_bytes(msgspec.json.encode(member))
    return str(path)


@pytest.fixture
def world(tmp_path, capsys):
    """A hub that the three groups have set up, with the hub's own service."""
    made = World(tmp_path, capsys)
    start = tmp_path / "start"
    (start / "services").mkdir(parents=True)
    hub = {
        "org": "hub",
        "name": "The hub",
        "services": ["gate", "adapter"],
        "keys": [msgspec.to_builtins(records.key_entry(records.signer("hub")))],
    }
    (start / "services" / "hub.json").write_text(json.dumps(hub))
    proposal = tmp_path / "init.json"
    keys = [
        part
        for name, group in made.groups.items()
        for part in ("--group", f"{name}={group.folder / name}.jwk")
    ]
    of_hub = ["--online", str(tmp_path / "hub" / "online.jwk")]
    of_hub += ["--on-call", str(tmp_path / "hub" / "on-call.jwk")]
    what = ["--from", str(start), "-o", str(proposal)]
    assert run(["directory", "init", *keys, *of_hub, *what]) == 0, made.said()
    for group in made.groups.values():
        assert group.sign(proposal, founding=True) == 0, made.said()
    on_call = ["--key", str(tmp_path / "hub" / "on-call.key"), "--yes"]
    assert run(["directory", "sign", str(proposal), *on_call]) == 0, made.said()
    assert made.publish(proposal, root=False) == 0, made.said()
    first = made.public / "metadata" / "1.root.json"
    for place in (made.root, *(group.root for group in made.groups.values())):
        shutil.copy(first, place)
    made.said()
    return made


def test_groups_admit_a_cert_and_a_newsroom_rotate_suspend_and_expel(world, tmp_path):
    government, industry = world.groups["government"], world.groups["industry"]

    # They admit a CERT and a newsroom.
    cert = entry(tmp_path, "cert-bx", clearance="AMBER")
    news = entry(tmp_path, "newsroom-dx", audience="civil-society", kinds=())
    proposal = government.propose("--add", cert, "--add", news)
    told = world.decide(proposal, "government", "civil-society")
    assert (
        "adds organisation cert-bx (Cert Bx, XA) as peer-cert with clearance AMBER"
        in told
    )
    assert "adds signing key newsroom-dx/" in world.others_see(1)
    assert {each["org"] for each in world.show()["members"]} == {
        "cert-bx",
        "newsroom-dx",
    }

    # The CERT's key is rotated: another one, overlapping; the old one ends.
    member = records.member(records.signer("cert-bx"))
    new = records.key_entry(records.signer("cert-bx-2"))
    keys = (
        records.key_entry(records.signer("cert-bx"), not_after="2026-12-31T00:00:00Z"),
        new,
    )
    new_jwk = msgspec.structs.replace(new.jwk, kid=msgspec.UNSET)
    keys = (keys[0], msgspec.structs.replace(new, jwk=new_jwk))
    path = tmp_path / "rotated.json"
    path.write_bytes(
        msgspec.json.encode(
            msgspec.structs.replace(member, keys=keys, clearance="AMBER")
        )
    )
    told = world.decide(industry.propose("--add", str(path)), "industry", "government")
    assert "shortens the validity of signing key cert-bx/" in told
    assert "adds signing key cert-bx/" in world.others_see(2)

    # The hub's on-call people suspend the newsroom, alone and at once.
    how = ["--party", "hub", "--key", str(tmp_path / "hub" / "on-call.key")]
    how += [
        "--online-key",
        str(tmp_path / "hub" / "online.key"),
        "--root",
        str(world.root),
    ]
    how += ["--directory", str(world.public), "--reason", "its laptop was stolen"]
    assert run(["directory", "suspend", "newsroom-dx", *how]) == 0, world.said()
    assert world.show()["suspensions"][0]["party"] == "hub"
    assert "no difference" in world.others_see(3)  # of what the groups decide

    # Two groups expel it.
    told = world.decide(
        government.propose("--remove", "newsroom-dx"), "industry", "civil-society"
    )
    assert "removes organisation newsroom-dx" in told
    assert "removes organisation newsroom-dx" in world.others_see(3)

    # What was published, python-tuf's client takes from the root pinned at first.
    client = world.client()
    assert client.get_targetinfo("members/newsroom-dx.json") is None
    found = client.get_targetinfo("members/cert-bx.json")
    assert found is not None
    loaded = json.loads(Path(client.download_target(found)).read_bytes())
    assert len(loaded["keys"]) == 2
    assert client.get_targetinfo("suspensions/hub.json") is not None


def test_one_group_alone_changes_nothing_and_is_told_who_is_missing(world, tmp_path):
    before = {p: p.read_bytes() for p in world.public.rglob("*") if p.is_file()}
    proposal = world.groups["industry"].propose("--add", entry(tmp_path, "cert-bx"))
    world.groups["industry"].sign(proposal)
    world.said()
    assert world.publish(proposal) == 1
    assert "1 more needed of civil-society, government" in world.said()
    assert before == {p: p.read_bytes() for p in world.public.rglob("*") if p.is_file()}


def test_a_group_that_lost_its_key_gets_another_one_and_the_old_counts_no_more(
    world, tmp_path
):
    lost = world.groups["industry"].key
    fresh = Group("industry", tmp_path / "fresh", world)
    for group in world.groups.values():
        group.fetch()
    proposal = tmp_path / "rotate.json"
    how = ["--group", f"industry={tmp_path / 'fresh' / 'industry.jwk'}"]
    how += ["--title", "industry lost its key", "-o", str(proposal)]
    assert (
        run(["directory", "rotate-root", *world.groups["government"].held, *how]) == 0
    )
    shutil.copytree(world.public, tmp_path / "fresh" / "copy")
    shutil.copy(world.root, fresh.root)
    assert fresh.sign(proposal) == 0, world.said()
    told = world.decide(proposal, "government", "civil-society")
    assert "replaces the key by which group industry decides" in told
    assert "no difference" in world.others_see(1)
    assert world.client().get_targetinfo("suspensions/industry.json") is not None

    proposal = world.groups["government"].propose("--add", entry(tmp_path, "cert-bx"))
    world.said()
    stale = ["--key", str(lost), "--yes", *world.groups["government"].held]
    assert run(["directory", "sign", str(proposal), *stale]) == 1
    assert "proposal-key" in world.said()
