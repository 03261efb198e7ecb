"""Three groups and a hub, each a folder of its own, as people with `tocsin` run them.

What passes between the folders are files. `World` is all of it together.
"""

import json
import shutil
import time
from pathlib import Path

import msgspec
from tuf.ngclient import Updater

from adapters.cli.main import run
from broker.directory import Directory
from broker.directory_client import DirectoryClient, Remote
from tests.support import records
from tests.support.test_tuf_groups import Files

GROUPS = ("government", "industry", "civil-society")


class Group:
    """One stakeholder group on a machine of its own."""

    def __init__(self, name: str, folder: Path, world: "World") -> None:
        self.name, self.folder, self.world = name, folder, world
        if not folder.exists():
            assert run(["keygen", "--org", name, "--out", str(folder)]) == 0
        # A key in a token stands by its name in a file of this one.
        uri = folder / "key-uri"
        self.key = uri.read_text() if uri.exists() else folder / f"{name}.key"
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
            if not (folder / "hub" / f"{name}.key").exists():
                assert run(["keygen", "--org", name, "--out", str(folder / "hub")]) == 0
        self.root = folder / "hub" / "root.json"

    def said(self) -> str:
        if self.capsys is None:
            return ""
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

    @property
    def held(self) -> list[str]:
        """The published directory, and the root that the hub pinned."""
        return ["--directory", str(self.public), "--root", str(self.root)]

    def show(self) -> dict:
        self.said()
        assert run(["directory", "show", *self.held, "--json"]) == 0
        return json.loads(self.said())

    def suspend(self, org: str, *args: str, party: str = "hub") -> int:
        """Suspend at once, at the publishing machine."""
        key = self.folder / "hub" / "on-call.key"
        if party != "hub":
            key = self.groups[party].key
        online = str(self.folder / "hub" / "online.key")
        how = ["--party", party, "--key", str(key), *self.held]
        return run(["directory", "suspend", org, *how, "--online-key", online, *args])

    def directory(self) -> Directory:
        """What gate and adapters make of it, with the client that they use."""
        remote = Remote(
            url=self.public.as_uri(), root=self.root, cache=self.folder / "tocsin"
        )
        return DirectoryClient(remote, clock=time.time).load().directory

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


def copied(template: Path, folder: Path, capsys) -> World:
    """A world of one's own, as `founded` has left it in *template*."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    return World(folder, capsys)


def founded(tmp_path: Path, capsys=None) -> World:
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
