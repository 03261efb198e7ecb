"""A hub with TLS, certificates as logins and a signed directory, in a folder.

Made with the commands that operators and members type; the three groups alone are
played by `tests.support.tuf_groups`.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from adapters.cli.main import run
from broker import join_request
from broker.signers import generate
from broker.welcome import fingerprint
from tests.support.hub import process
from tests.support.rabbitmq_node import OwnNode, RabbitMQNode
from tests.support.tuf_groups import Groups

LOGINS = ("gate", "adapter-main", "operator")
SERVICE = {
    "not_before": "2026-01-01T00:00:00Z",
    "not_after": "2036-01-01T00:00:00Z",
}


def must(*words: object) -> None:
    """Run a command that has to succeed."""
    line = [str(word) for word in words]
    assert run(line) == 0, f"tocsin {' '.join(line)}"


class TlsHub:
    """An installation in *folder*; `node`, of *own_node*, runs while it is used."""

    def __init__(self, folder: Path, own_node: OwnNode) -> None:
        self.folder = folder
        self._own_node = own_node
        self.groups = Groups(folder / "www")
        self.node: RabbitMQNode

    @contextmanager
    def running(self) -> Iterator["TlsHub"]:
        """Start the broker; gate and adapter are the caller's to start."""
        must("broker", "ca", "--out", self.folder / "ca")
        must(
            "broker", "node", "127.0.0.1", "--ca", self.folder / "ca",
            "--out", self.folder / "node",
        )  # fmt: skip
        shutil.copy(self.folder / "ca/ca.pem", self.folder / "node/ca.pem")
        with self._own_node(tls=self.folder / "node") as self.node:
            self._name_the_hub()
            yield self

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run gate and adapter."""
        gate, adapter = self.folder / "gate.toml", self.folder / "adapter.toml"
        with (
            process("gate", "run", "--config", str(gate)),
            process("adapter", "run", "--config", str(adapter)),
        ):
            yield

    def admit(self, request: Path) -> None:
        """What two groups do: list the member as asked for, and publish it."""
        member = join_request.read(request.read_bytes()).member
        self.put(f"members/{member.org}.json", msgspec.to_builtins(member))

    def put(self, path: str, entry: dict[str, Any]) -> None:
        """List an entry: signed for members, in a plain folder for the hub's own."""
        data = msgspec.json.encode(entry)
        self.groups.put(path, data)
        self.groups.publish()
        plain = self.folder / "directory" / path
        plain.parent.mkdir(parents=True, exist_ok=True)
        plain.write_bytes(data)

    def apply(self) -> None:
        """Make the broker be as the directory says."""
        must("broker", "apply", "--config", self.folder / "broker.toml")

    def welcome(self, request: Path, out: Path) -> str:
        """Answer a request; the fingerprint to compare."""
        root = self.folder / "root.json"
        root.write_bytes(self.groups.pinned)
        must(
            "welcome", request, "--directory", self.folder / "directory",
            "--ca", self.folder / "ca", "--broker", self.node.amqps_url,
            "--directory-url", self.groups.folder.as_uri(), "--root", root,
            "--hub", "Tocsin Hub", "--out", out,
        )  # fmt: skip
        return fingerprint(out.read_bytes())

    def _name_the_hub(self) -> None:
        key = generate("hub", self.folder)
        entry = {
            "org": "hub",
            "name": "Tocsin Hub",
            "services": ["gate", "adapter"],
            "keys": [{"jwk": key.jwk, **SERVICE}],
        }
        self.put("services/hub.json", entry)

    def configure(self, *members: str) -> None:
        """Write the hub's own configurations, for an adapter that serves *members*."""
        for login in LOGINS:
            must("broker", "request", "--org", login, "--out", self.folder)
            must(
                "broker", "certify", self.folder / f"{login}.csr", "--org", login,
                "--ca", self.folder / "ca", "--out", self.folder / f"{login}.tls.pem",
            )  # fmt: skip
        place = 'directory = "directory"\n'
        admin = urlsplit(self.node.amqp_url)
        self._private("admin.password", unquote(admin.password or "").encode())
        self._private("ids.bin", bytes(range(32)))
        (self.folder / "out").mkdir()
        files = {
            "broker.toml": 'adapters = ["main"]\n'
            f'management = "{self.node.http_url}"\nuser = "{admin.username}"\n'
            f'password_file = "admin.password"\n{place}',
            "gate.toml": 'org = "hub"\nkey = "hub.key"\nstate = "gate.sqlite"\n'
            f'archive = "archive.sqlite"\n{place}{self._broker("gate")}',
            "adapter.toml": 'name = "main"\norg = "hub"\ndisplay_name = "Tocsin Hub"\n'
            'key = "hub.key"\nid_key = "ids.bin"\npseudonym_keys = "pseudonyms"\n'
            f'outbox = "outbox.sqlite"\n{place}{self._broker("adapter-main")}'
            + "".join(
                f'[[members]]\norg = "{org}"\n[[members.sinks]]\ntype = "file"\n'
                f'name = "files"\nfolder = "out/{org}"\n'
                for org in members
            ),
        }
        for name, text in files.items():
            (self.folder / name).write_text(text)

    def _broker(self, login: str) -> str:
        return (
            f'[broker]\nurl = "{self.node.amqps_url}"\nuser = "{login}"\n'
            f'ca_file = "ca/ca.pem"\ncert_file = "{login}.tls.pem"\n'
            f'key_file = "{login}.tls.key"\n'
        )

    def _private(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_bytes(content)
