"""A directory as a TUF repository whose every signature a test decides on.

Three groups, the hub's online key and its on-call key; the layout is that of
docs/directory.md. What `tocsin directory publish` would never write, it writes: a
timeline of an attack is a few calls. Keys come from names, so runs are alike.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

GROUPS = ("government", "industry", "civil-society")
PARTIES = (*GROUPS, "hub")  # who may suspend
TWO = ("government", "industry")
ROOT_DAYS, TARGETS_DAYS, SUSPENSIONS_DAYS, ONLINE_DAYS = 365, 180, 3650, 7


def private_key(name: str) -> Ed25519PrivateKey:
    """The same key for the same name."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def signer(name: str, party: str) -> CryptoSigner:
    """A key that says in the metadata whose it is."""
    key = private_key(name)
    public = SSlibKey.from_crypto(key.public_key())
    public.unrecognized_fields["x-tocsin-party"] = party
    return CryptoSigner(key, public)


class Groups:
    """The writers of one directory, in *folder*; nothing is there before `publish`.

    Attributes:
        keys: By party; `online` is the hub's. Put another in to replay a theft.
        now: When it signs; set it to let time pass.
    """

    def __init__(self, folder: Path, *, now: datetime | None = None) -> None:
        self.folder = folder
        self.now = (now or datetime.now(UTC)).replace(microsecond=0)
        self.keys = {name: signer(f"tuf {name}", name) for name in (*PARTIES, "online")}
        self.root = Metadata(Root(expires=self._in(ROOT_DAYS)))
        self.targets = Metadata(Targets(expires=self._in(TARGETS_DAYS)))
        self.snapshot = Metadata(Snapshot(expires=self._in(ONLINE_DAYS)))
        self.timestamp = Metadata(Timestamp(expires=self._in(ONLINE_DAYS)))
        self.suspensions: dict[str, Metadata[Targets]] = {}
        for name in GROUPS:
            for role in ("root", "targets"):
                self.root.signed.add_key(self.keys[name].public_key, role)
        for role in ("snapshot", "timestamp"):
            self.root.signed.add_key(self.keys["online"].public_key, role)
        for role in ("root", "targets"):
            self.root.signed.roles[role].threshold = 2
        self.delegate()
        self._published = False

    def _in(self, days: float) -> datetime:
        return self.now + timedelta(days=days)

    @property
    def pinned(self) -> bytes:
        """The first root, which clients pin."""
        return (self.folder / "metadata/1.root.json").read_bytes()

    # ------------------------------------------------------------- what is in it

    def put(self, path: str, content: bytes | dict[str, Any]) -> None:
        """Add or replace a target, such as `members/cert-aq.json`; `publish` shows it."""
        self._store(self.targets.signed, path, content)

    def remove(self, path: str) -> None:
        """Take a target out."""
        del self.targets.signed.targets[path]

    def _store(self, role: Targets, path: str, content: bytes | dict[str, Any]) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        target = TargetFile.from_data(path, data, ["sha256"])
        role.targets[path] = target
        folder, _, name = path.rpartition("/")
        place = self.folder / "targets" / folder / f"{target.hashes['sha256']}.{name}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    def delegate(self, parties: Iterable[str] = PARTIES) -> None:
        """State who may suspend: one role each, for its own file alone."""
        signers = {name: self.keys[name].public_key for name in parties}
        self.targets.signed.delegations = Delegations(
            {key.keyid: key for key in signers.values()},
            {
                f"suspensions-{name}": DelegatedRole(
                    f"suspensions-{name}",
                    [key.keyid],
                    1,
                    terminating=True,
                    paths=[f"suspensions/{name}.json"],
                )
                for name, key in signers.items()
            },
        )

    # ----------------------------------------------------------------- publishing

    def publish(
        self,
        signers: Iterable[str] = TWO,
        *,
        root: bool = False,
        root_signers: Iterable[str | CryptoSigner] | None = None,
    ) -> None:
        """Sign all anew and write it; what does not hold is written like the rest.

        Args:
            signers: Parties that sign targets, and root if it is new.
            root: Whether there is a new version of the root.
            root_signers: Who signs that, if others; keys too, as those replaced.
        """
        if self._published:
            self.targets.signed.version += 1
            self.root.signed.version += root
        self.targets.signed.expires = self._in(TARGETS_DAYS)
        signed_by = [self.keys[name] for name in signers]
        self.sign(self.targets, signed_by)
        if root or not self._published:
            self.root.signed.expires = self._in(ROOT_DAYS)
            named = tuple(signers) if root_signers is None else tuple(root_signers)
            keys = [self.keys[s] if isinstance(s, str) else s for s in named]
            self.sign(self.root, keys)
            self.write(f"{self.root.signed.version}.root.json", self.root)
        self.write(f"{self.targets.signed.version}.targets.json", self.targets)
        if not self._published:
            for party in PARTIES:
                self._suspend(party, [], self.keys[party])
        self._published = True
        self.refresh()

    def refresh(self) -> None:
        """Sign snapshot and timestamp anew, as the hub does daily."""
        metas = {"targets.json": self.targets}
        metas |= {f"suspensions-{p}.json": m for p, m in self.suspensions.items()}
        snapshot, timestamp = self.snapshot.signed, self.timestamp.signed
        if (self.folder / "metadata/timestamp.json").exists():
            snapshot.version += 1
            timestamp.version += 1
        snapshot.meta = {name: MetaFile(m.signed.version) for name, m in metas.items()}
        timestamp.snapshot_meta = MetaFile(snapshot.version)
        for role in (snapshot, timestamp):
            role.expires = self._in(ONLINE_DAYS)
        online = [self.keys["online"]]
        self.sign(self.snapshot, online)
        self.sign(self.timestamp, online)
        self.write(f"{snapshot.version}.snapshot.json", self.snapshot)
        self.write("timestamp.json", self.timestamp)

    def suspend(
        self,
        party: str,
        entries: Iterable[dict[str, str]],
        *,
        key: CryptoSigner | None = None,
    ) -> None:
        """Replace what *party* suspends, and publish that.

        Args:
            entries: Each with `org`, `reason`, `since` and perhaps `kid`.
            key: What signs, if not the party's own.
        """
        self._suspend(party, list(entries), key or self.keys[party])
        self.refresh()

    def _suspend(
        self, party: str, entries: list[dict[str, str]], key: CryptoSigner
    ) -> None:
        role = self.suspensions.get(party)
        version = 1 if role is None else role.signed.version + 1
        held = Targets(version=version, expires=self._in(SUSPENSIONS_DAYS))
        self._store(held, f"suspensions/{party}.json", {"suspensions": entries})
        self.suspensions[party] = Metadata(held)
        self.sign(self.suspensions[party], [key])
        self.write(f"{version}.suspensions-{party}.json", self.suspensions[party])

    def replace_key(self, name: str, key: CryptoSigner) -> CryptoSigner:
        """Give *name* another key in root (and as suspender); the old one.

        `publish(root=True, root_signers=…)` shows it.
        """
        old, self.keys[name] = self.keys[name], key
        roles = ("snapshot", "timestamp") if name == "online" else ("root", "targets")
        for role in roles:
            if old.public_key.keyid in self.root.signed.roles[role].keyids:
                self.root.signed.revoke_key(old.public_key.keyid, role)
            self.root.signed.add_key(key.public_key, role)
        if name in self.suspensions:
            self.delegate()
            entries = self.entries(name)
            self._suspend(name, entries, key)
        return old

    def entries(self, party: str) -> list[dict[str, str]]:
        """What *party* suspends now."""
        path = f"suspensions/{party}.json"
        digest = self.suspensions[party].signed.targets[path].hashes["sha256"]
        place = self.folder / "targets/suspensions" / f"{digest}.{party}.json"
        found: list[dict[str, str]] = json.loads(place.read_bytes())["suspensions"]
        return found

    # --------------------------------------------------------- for attacks: by hand

    @staticmethod
    def sign(metadata: Metadata[Any], signers: Iterable[CryptoSigner]) -> None:
        """Replace all signatures."""
        metadata.signatures.clear()
        for each in signers:
            metadata.sign(each, append=True)

    def write(self, name: str, metadata: Metadata[Any]) -> Path:
        """Write a file of `metadata/`, whatever it says."""
        path = self.folder / "metadata" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(metadata.to_bytes())
        return path
