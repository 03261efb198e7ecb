"""Setting the stage of the demo: members, keys, the directory, what is published. Edge.

directory/           who is admitted, and the hub's key, as anybody may read it
keys/                private keys, thrown away with the rest
issuers/  hub/       what publishers, gate and adapter must not forget
received/<member>/   what each member got
"""

import base64
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from adapters.cli.demo.cast import CAST, WEBHOOK_MEMBER, Part, Sample, load_samples
from adapters.cli.load import load_policy
from adapters.config import AdapterConfig
from adapters.config_parts import (
    Broker,
    FileSinkConfig,
    KeyPlace,
    MemberConfig,
    SinkConfig,
    WebhookSinkConfig,
)
from adapters.policy import Policy
from broker import signers
from broker.directory import Directory, KeyEntry, Member, Service
from broker.directory_plain import load_folder
from broker.errors import ConfigError
from broker.signers import Signer
from broker.topology import Topology, topology
from schemas import timestamps

HUB: Final = "hub"
_DAY_S: Final = 86_400


class World(msgspec.Struct, frozen=True, kw_only=True):
    """All that stands on the stage before anything happens.

    Attributes:
        signers: Of the issuers, by organisation.
        hub: Signs the chain of the gate, and receipts.
        secret: Of the webhook, `whsec_...`.
    """

    folder: Path
    members: tuple[Member, ...]
    directory: Directory
    policy: Policy
    signers: Mapping[str, Signer]
    hub: Signer
    samples: tuple[Sample, ...]
    secret: str

    def __repr__(self) -> str:
        return f"World({str(self.folder)!r})"

    @property
    def place(self) -> Topology:
        """Exchanges, queues and logins that the play needs."""
        return topology(self.signers, [HUB], [each.org for each in self.members])

    def received(self, member: str) -> Path:
        """Folder that the file sink of *member* fills."""
        return self.folder / "received" / member

    def config(self, webhook_url: str) -> AdapterConfig:
        """Configure the adapter; a file would say the same in TOML."""
        return AdapterConfig(
            name=HUB,
            org=HUB,
            display_name="Tocsin demo hub",
            directory=self.folder / "directory",
            key=KeyPlace(self.folder / "keys" / f"{HUB}.key"),
            id_key=self.folder / "keys" / "ids",
            pseudonym_keys=self.folder / "keys" / "pseudonyms",
            outbox=self.folder / "hub" / "outbox.sqlite",
            # The demo hands the adapter a bus that is open already.
            broker=Broker(url="", user="", password_file=Path()),
            members=tuple(
                MemberConfig(org=m.org, sinks=self._sinks(m.org, webhook_url))
                for m in self.members
            ),
        )

    def _sinks(self, org: str, webhook_url: str) -> tuple[SinkConfig, ...]:
        files = FileSinkConfig(name="files", folder=self.received(org))
        if org != WEBHOOK_MEMBER:
            return (files,)
        hook = WebhookSinkConfig(
            name="webhook",
            url=webhook_url,
            secret_file=self.folder / "keys" / "webhook",
            allow_private=True,  # its receiver runs in this very process
        )
        return (files, hook)


def set_stage(folder: Path, *, now: float) -> World:
    """Make keys, directory and folders in the empty *folder*.

    Raises:
        ConfigError: It cannot be written.
    """
    try:
        for name in ("directory", "keys", "issuers", "hub", "received"):
            (folder / name).mkdir(mode=0o700)
        keys = folder / "keys"
        own = {c.org: signers.generate(c.org, keys) for c in CAST if c.kinds}
        hub = signers.generate(HUB, keys)
        members = tuple(_member(each, own.get(each.org), now) for each in CAST)
        _list(folder / "directory" / "members", members)
        _list(folder / "directory" / "services", [_service(hub, now)])
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        _write_secret(keys / "webhook", secret.encode())
        _write_secret(keys / "ids", secrets.token_bytes(32))
    except OSError as error:
        raise ConfigError(f"cannot write {folder}: {error.strerror}") from None
    return World(
        folder=folder,
        members=members,
        directory=load_folder(folder / "directory"),
        policy=load_policy(None),
        signers=own,
        hub=hub,
        samples=load_samples(),
        secret=secret,
    )


def _list(folder: Path, entries: Iterable[Member | Service]) -> None:
    folder.mkdir()
    for entry in entries:
        path = folder / f"{entry.org}.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(entry)))


def _service(hub: Signer, now: float) -> Service:
    return Service(
        org=HUB,
        name="Tocsin demo hub",
        services=("gate", "adapter"),
        keys=(_key(hub, now),),
    )


def _key(signer: Signer, now: float) -> KeyEntry:
    begin = timestamps.from_epoch(now - _DAY_S)
    end = timestamps.from_epoch(now + 365 * _DAY_S)
    return KeyEntry(signer.jwk, begin, end)


def _member(part: Part, signer: Signer | None, now: float) -> Member:
    keys = () if signer is None else (_key(signer, now),)
    return Member(
        org=part.org,
        name=part.name,
        country=part.country,
        audience=part.audience,
        kinds=part.kinds,
        keys=keys,
    )


def _write_secret(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "wb") as file:
        file.write(data)
