"""A whole installation in a folder, for end-to-end tests: real files, real commands.

Organisations, keys, directory, passwords and configurations are made as an
operator would; the processes are `tocsin` itself, started as subprocesses.
"""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from broker import signers
from broker.seal_key_files import generate_sealing_key
from broker.seal_keys import PrivateSealingKey
from tests.support.rabbitmq_api import RabbitMQ

ROOT = Path(__file__).parents[2]
TOCSIN = (sys.executable, "-P", "-c", "from adapters.cli.main import main; main()")
ALL_KINDS = ("incident", "campaign", "advisory", "feedback", "correction", "retraction")


@dataclass(frozen=True)
class Party:
    """A member: who it is, whether it publishes, and whether RED is sealed to it."""

    org: str
    audience: str
    publishes: bool = False
    opens: bool = False


@dataclass
class Hub:
    """An installation in *folder* on *server*'s virtual host."""

    folder: Path
    server: RabbitMQ
    parties: Sequence[Party]
    webhooks: dict[str, str] = field(default_factory=dict)  # member -> URL
    adapter_settings: str = ""  # more lines of adapter.toml
    nodes: Sequence[str] = ()  # AMQP URLs of *server*'s cluster
    database: str = ""  # URL of a PostgreSQL for the adapter's outbox

    def build(self) -> "Hub":
        """Write every file and set the broker up."""
        for party in self.parties:
            self._admit(party)
        self._name_the_hub()
        self._secret("ids.bin", secrets.token_bytes(32))
        self._set_up_broker()
        self._write_configs()
        return self

    def password(self, login: str) -> str:
        return (self.folder / f"{login}.password").read_text()

    def publisher_config(self, org: str) -> Path:
        return self.folder / f"{org}.toml"

    def deliveries(self, member: str) -> list[Path]:
        """List the complete deliveries in a member's folder, in order."""
        # The adapter makes the folder when it starts.
        return sorted((self.folder / "out" / member).glob("[!.]*"))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run gate and adapter until the end of the block."""
        with (
            process(
                "gate", "run", "--config", str(self.folder / "gate.toml"),
                log=self.folder / "gate.log",
            ),
            process(
                "adapter", "run", "--config", str(self.folder / "adapter.toml"),
                log=self.folder / "adapter.log",
            ),
        ):  # fmt: skip
            yield

    def _name_the_hub(self) -> None:
        entry = {
            "org": "hub",
            "name": "Tocsin Hub",
            "services": ["gate", "adapter"],
            "keys": [_key_entry(signers.generate("hub", self.folder))],
        }
        self._list("services", entry)

    def _admit(self, party: Party) -> None:
        signer = signers.generate(party.org, self.folder)
        entry = {
            "org": party.org,
            "name": party.org.replace("-", " ").title(),
            "country": "XA",
            "audience": party.audience,
            "kinds": ALL_KINDS if party.publishes else (),
            "keys": [_key_entry(signer)],
        }
        if party.opens:
            sealing = generate_sealing_key(party.org, self.folder)
            entry |= {"clearance": "RED", "sealing": [_key_entry(sealing)]}
        self._list("members", entry)

    def _list(self, where: str, entry: dict[str, Any]) -> None:
        folder = self.folder / "directory" / where
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{entry['org']}.json").write_bytes(msgspec.json.encode(entry))

    def _set_up_broker(self) -> None:
        admin = urlsplit(self.server.amqp_url)
        self._secret("admin.password", unquote(admin.password or "guest").encode())
        self._config(
            "broker",
            f'directory = "directory"\nadapters = ["main"]\nuser = "{admin.username}"\n'
            f'password_file = "admin.password"\nmanagement = "{self.server.http_url}"\n'
            f'vhost = "{self.server.vhost}"\npasswords = "."\nby_password = "all"\n',
        )
        done = tocsin("broker", "apply", "--config", str(self.folder / "broker.toml"))
        assert done.returncode == 0, done.stderr

    def _write_configs(self) -> None:
        for party in self.parties:
            if party.publishes:
                self._config(
                    party.org,
                    f'org = "{party.org}"\nkey = "{party.org}.key"\n'
                    f'state = "{party.org}.sqlite"\n' + self._broker(party.org),
                )
        self._config(
            "gate",
            'org = "hub"\nkey = "hub.key"\n'
            'directory = "directory"\nstate = "gate.sqlite"\n'
            'archive = "archive.sqlite"\n' + self._broker("gate"),
        )
        members = "".join(self._member(p.org) for p in self.parties)
        self._config(
            "adapter",
            'name = "main"\norg = "hub"\ndisplay_name = "Tocsin Hub"\n'
            'directory = "directory"\nkey = "hub.key"\n'
            'id_key = "ids.bin"\npseudonym_keys = "pseudonyms"\n'
            + ("" if self.database else 'outbox = "outbox.sqlite"\n')
            + self.adapter_settings
            + self._broker("adapter-main")
            + (f'[database]\nurl = "{self.database}"\n' if self.database else "")
            + members,
        )

    def _member(self, org: str) -> str:
        text = f'[[members]]\norg = "{org}"\n[[members.sinks]]\ntype = "file"\n'
        text += f'name = "files"\nfolder = "out/{org}"\n'
        if org in self.webhooks:
            self._secret(f"{org}.whsec", b"whsec_" + b"c2VjcmV0" * 5)
            text += '[[members.sinks]]\ntype = "webhook"\nname = "hook"\n'
            text += f'url = "{self.webhooks[org]}"\nsecret_file = "{org}.whsec"\n'
            text += "allow_private = true\n"
        (self.folder / "out").mkdir(exist_ok=True)
        return text

    def _broker(self, user: str) -> str:
        place = urlsplit(self.server.url_for("", "").replace(":@", ""))
        address = f'url = "{place.geturl()}"'
        if self.nodes:
            nodes = [urlsplit(each).netloc.rpartition("@")[2] for each in self.nodes]
            urls = [place._replace(netloc=each).geturl() for each in nodes]
            address = f"urls = {urls}"
        return (
            f'[broker]\n{address}\nuser = "{user}"\npassword_file = "{user}.password"\n'
        )

    def _config(self, name: str, text: str) -> None:
        (self.folder / f"{name}.toml").write_text(text)

    def _secret(self, name: str, content: bytes) -> None:
        descriptor = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)


def _key_entry(signer: signers.Signer | PrivateSealingKey) -> dict[str, Any]:
    return {
        "jwk": signer.jwk,
        "not_before": "2026-01-01T00:00:00Z",
        "not_after": "2036-01-01T00:00:00Z",
    }


def tocsin(*arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(  # noqa: S603  our own command
        [*TOCSIN, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@contextmanager
def process(
    *arguments: str, log: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a long-lived command; SIGTERM must end it with exit code 0.

    Args:
        log: Where what it has said goes at the end.
    """
    # Not a pipe that nobody reads: after 64 KiB of log lines, it would stand still.
    with tempfile.TemporaryFile() as said:
        running = subprocess.Popen(  # noqa: S603  our own command
            [*TOCSIN, *arguments],
            stderr=said,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            try:
                running.wait(timeout=60)  # an adapter finishes sends for up to 40 s
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()
            said.seek(0)
            errors = said.read()
    if log is not None:
        log.write_bytes(errors)
    assert running.returncode == 0, errors.decode()[-4000:]


def wait_until(check: object, *, timeout_s: float, what: str) -> None:
    """Wait until *check()* holds."""
    assert callable(check)
    end = time.monotonic() + timeout_s
    while not check():
        assert time.monotonic() < end, f"waited {timeout_s} s for {what}"
        time.sleep(0.1)
