"""A complete proposal -> the files to publish, in the order in which to write them. Pure.

Whoever reads meanwhile finds either all of the old version or all of the new one, as
nothing that stands is changed but the last file, `timestamp.json`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
from securesystemslib.signer import Signature
from tuf.api import exceptions
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Targets, Timestamp

from broker.directory_proposal import Checked, Proposal, Signs, Standing
from broker.directory_roles import ONLINE_LIFE, Keyring, tuf_key
from broker.directory_state import MAX_METADATA_BYTES, Fetch, State, read, stored
from broker.errors import ConfigError, TrustError

TIMESTAMP: Final = "metadata/timestamp.json"
_Online = TypeVar("_Online", Snapshot, Timestamp)


class File(msgspec.Struct, frozen=True):
    """One file to write.

    Attributes:
        path: Below the folder of the directory.
    """

    path: str
    data: bytes


def publication(
    state: State | None, seen: Checked, online: Signs, *, now: datetime
) -> tuple[File, ...]:
    """Write a new version; the online key vouches for what is newest, nothing else.

    Raises:
        TrustError: `directory-threshold`: not enough groups have signed.
        ConfigError: The key is not the online one.
    """
    if not seen.complete:
        raise TrustError("directory-threshold")
    result = seen.result
    before = {} if state is None else state.files
    files = [
        File(f"targets/{stored(path, target.hashes['sha256'])}", result.files[path])
        for role in result.roles.values()
        if isinstance(role.signed, Targets)
        for path, target in role.signed.targets.items()
        if before.get(path) != result.files[path]
    ]
    written = {
        name: _with_those(role, _counting(seen.standing, name))
        for name, role in result.roles.items()
    }
    for name, role in written.items():
        if name != Root.type:
            files.append(_metadata(name, role))
    ends = _ends(state, written, result.keyring, online, now)
    # A new root counts at once, so what the new keys sign must be there before.
    files.append(ends[0])
    if Root.type in written:
        files.append(_metadata(Root.type, written[Root.type]))
    return (*files, ends[1])


def refreshed(state: State, online: Signs, *, now: datetime) -> tuple[File, ...]:
    """Say again that this version is the newest: daily, so that clients go on.

    Raises:
        ConfigError: The key is not the online one.
    """
    return _ends(state, {}, state.keyring, online, now)


def tried(fetch: Fetch, files: tuple[File, ...], pinned: bytes) -> State:
    """Read what a client will find when *files* are written.

    Raises:
        TrustError: As `read`; then nothing may be written.
    """
    new = {each.path: each.data for each in files}

    def overlaid(path: str, most: int) -> bytes | None:
        data = new.get(path)
        if data is not None and len(data) > most:
            raise TrustError("directory-untrusted")
        return fetch(path, most) if data is None else data

    return read(overlaid, pinned)


def unfinished(fetch: Fetch, proposal: Proposal) -> Fetch | None:
    """Look past the root that a publication of *proposal* left when it broke off.

    A root counts as soon as it stands, so until the rest follows clients may refuse
    the whole directory (they keep what they have). None: this is not so.
    """
    root, base = proposal.documents.get(Root.type), proposal.base.get(Root.type)
    if root is None or base is None:
        return None
    path = f"metadata/{base.version + 1}.root.json"
    data = fetch(path, MAX_METADATA_BYTES)
    try:
        if data is None or _signed_text(data) != root.signed:
            return None
    except exceptions.RepositoryError:
        return None

    def before(name: str, most: int) -> bytes | None:
        return None if name == path else fetch(name, most)

    return before


def _signed_text(data: bytes) -> str:
    return Metadata[Root].from_bytes(data).signed_bytes.decode()


def _counting(standing: tuple[Standing, ...], name: str) -> frozenset[str]:
    return frozenset(
        keyid for each in standing if each.role == name for keyid in each.keyids
    )


def _with_those(role: Metadata[Any], keyids: frozenset[str]) -> Metadata[Any]:
    held = {k: s for k, s in role.signatures.items() if k in keyids}
    return Metadata(role.signed, held)


def _metadata(name: str, role: Metadata[Any]) -> File:
    return File(f"metadata/{role.signed.version}.{name}.json", role.to_bytes())


def _ends(
    state: State | None,
    written: Mapping[str, Metadata[Any]],
    keyring: Keyring,
    online: Signs,
    now: datetime,
) -> tuple[File, File]:
    """Sign snapshot and timestamp."""
    key = tuf_key(online.jwk, "")
    if key.keyid != tuf_key(keyring.online, "").keyid:
        raise ConfigError(
            "this is not the key that the directory has for the hub's snapshot and "
            "timestamp; tocsin directory show names it"
        )
    expires = now.replace(microsecond=0) + ONLINE_LIFE
    # What once was listed stays: clients refuse a snapshot that forgets.
    metas = {} if state is None else dict(state.snapshot.signed.meta)
    for name, role in written.items():
        if name != Root.type:
            metas[f"{name}.json"] = MetaFile.from_data(
                role.signed.version, role.to_bytes(), ["sha256"]
            )
    version = 1 if state is None else state.snapshot.signed.version + 1
    snapshot = _signed(Snapshot(version, expires=expires, meta=metas), online)
    version = 1 if state is None else state.timestamp.signed.version + 1
    meta = MetaFile.from_data(snapshot.signed.version, snapshot.to_bytes(), ["sha256"])
    timestamp = _signed(Timestamp(version, expires=expires, snapshot_meta=meta), online)
    return _metadata("snapshot", snapshot), File(TIMESTAMP, timestamp.to_bytes())


def _signed(signed: _Online, key: Signs) -> Metadata[_Online]:
    metadata = Metadata(signed)
    keyid = tuf_key(key.jwk, "").keyid
    signature = key.sign(metadata.signed_bytes).hex()
    metadata.signatures[keyid] = Signature(keyid, signature)
    return metadata
