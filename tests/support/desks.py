"""Members at their command lines: keys, configurations, one embedded broker."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from adapters.cli import answering, feedback, sending, waiting
from adapters.cli import main as command
from broker import carried, delivery_reports, gate_rules, wire
from broker.bus import Message
from broker.delivery_reports import Reached
from broker.directory import Service
from broker.embedded import open_embedded
from broker.gate_rules import Refuse
from broker.topology import FEEDBACK, topology
from tests.adapters.test_cli_publish import PHISHING
from tests.support.issuing import HUB, key_entry, rest, service

NAMES = ("cert-aq", "cert-bv")


def _hub() -> Service:
    """The hub, at whatever time the tests run."""
    keys = key_entry(
        "hub", not_before="2020-01-01T00:00:00Z", not_after="2040-01-01T00:00:00Z"
    )
    return service(keys=(keys,))


class Desks:
    """Members, each with a key and a configuration, on one embedded broker."""

    def __init__(
        self, folder: Path, capfd, monkeypatch, names: Sequence[str] = NAMES
    ) -> None:
        self.folder = folder
        self.hub = topology([*names], ["main"], [*names])
        self._capfd = capfd
        for module in (sending, answering, feedback, waiting):
            monkeypatch.setattr(module, "open_bus", self.bus)
        monkeypatch.setattr(feedback, "IDLE_S", 0.2)
        members = folder / "directory" / "members"
        members.mkdir(parents=True)
        services = folder / "directory" / "services"
        services.mkdir()
        (services / "hub.json").write_bytes(msgspec.json.encode(_hub()))
        for org in names:
            self("keygen", "--org", org, "--out", folder)
            (folder / f"{org}.toml").write_text(
                f'org = "{org}"\nkey = "{org}.key"\nstate = "{org}.sqlite"\n'
                'directory = "directory"\n[broker]\n'
                f'url = "amqp://127.0.0.1:1/"\nuser = "{org}"\npassword_file = "pw"\n'
            )
            entry = {
                "org": org, "name": org, "country": "XA", "audience": "peer-cert",
                "kinds": [
                    "incident", "feedback", "correction", "retraction", "takedown-request",
                ],
                "keys": [
                    {
                        "jwk": json.loads((folder / f"{org}.jwk").read_text()),
                        "not_before": "2020-01-01T00:00:00Z",
                        "not_after": "2040-01-01T00:00:00Z",
                    }
                ],
            }  # fmt: skip
            (members / f"{org}.json").write_text(json.dumps(entry))

    @asynccontextmanager
    async def bus(self, broker) -> AsyncIterator:
        async with open_embedded(self.folder / "bus.sqlite", self.hub) as embedded:
            yield embedded.login(broker.user)

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        code = command.run([str(a) for a in arguments])
        return code, *self._capfd.readouterr()

    def say(self, org: str, name: str, *arguments: object) -> tuple[int, str, str]:
        return self(name, *arguments, "--config", self.folder / f"{org}.toml")

    def tokens(self, org: str) -> list[bytes]:
        """Take what *org* has published so far."""

        async def take() -> list[Message]:
            async with open_embedded(self.folder / "bus.sqlite", self.hub) as embedded:
                return await rest(embedded.login("gate"), f"tocsin.ingress.{org}")

        return [carried.encode(wire.unpack(each)) for each in asyncio.run(take())]

    def verified(self, token: bytes) -> dict:
        path = self.folder / "t.sdjwt"
        path.write_bytes(token)
        directory = self.folder / "directory"
        code, out, _ = self("verify", path, "--directory", directory, "--json")
        assert code == 0
        return json.loads(out)

    def tell(self, message: Message, user: str) -> None:
        async def put() -> None:
            async with open_embedded(self.folder / "bus.sqlite", self.hub) as embedded:
                await embedded.login(user).publish(FEEDBACK, message)

        asyncio.run(put())

    def report(self, *reached: Reached, to: str = "cert-aq", adapter="main") -> None:
        """Let the hub's adapter tell an issuer what has arrived."""
        message = delivery_reports.message(
            reached, adapter=adapter, issuer=to, signer=HUB, now=time.time()
        )
        self.tell(message, f"adapter-{adapter}")

    def refuse(self, token: str, reason: str, to: str = "cert-aq") -> None:
        """Let the gate refuse what an issuer has sent."""
        sent = Message(body=b"", message_id=token, routing_key="")
        self.tell(gate_rules.refusal(sent, token, to, Refuse(reason)), "gate")

    def received(self, *more: object) -> Path:
        """Publish a record of cert-aq; the file that cert-bv has of it."""
        assert self.say("cert-aq", "publish", PHISHING, *more)[0] == 0
        path = self.folder / "received.sdjwt"
        path.write_bytes(self.tokens("cert-aq")[0])
        return path

    def answer(self, *arguments: object) -> tuple[int, str, str]:
        directory = self.folder / "directory"
        return self.say("cert-bv", "answer", *arguments, "--directory", directory)

    def feedback(self) -> list[dict]:
        directory = self.folder / "directory"
        done = self.say("cert-aq", "feedback", "--directory", directory, "--json")
        assert done[0] == 0
        return [json.loads(line) for line in done[1].splitlines()]
