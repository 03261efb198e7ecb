"""A directory as it stands: verified from a pinned root, file by file. Pure.

python-tuf's own state machine decides what is trusted. Expiry is told, not enforced:
groups must be able to mend a directory whose online key is lost. Whoever uses the
directory to decide on records is `broker.directory_client`, which does enforce it.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, TypeVar

from tuf.api import exceptions
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet
from tuf.ngclient.config import EnvelopeType

from broker.directory import (
    MAX_POLICIES,
    MAX_POLICY_BYTES,
    Directory,
    build,
    decode_member,
    decode_service,
)
from broker.directory_roles import (
    Keyring,
    keyring_of,
    suspending_party,
    suspensions_path,
)
from broker.errors import ConfigError, TrustError

MAX_METADATA_BYTES: Final = 4 << 20  # of any; a member takes 200 bytes of targets.json
MAX_FILE_BYTES: Final = MAX_POLICY_BYTES  # the largest that there is
MAX_ROOTS: Final = 256  # versions in one go, as python-tuf's client
MAX_FILES: Final = 20_000
_ROOT: Final = Root.type

_Signed = TypeVar("_Signed", Root, Targets, Snapshot, Timestamp)
Fetch = Callable[[str, int], bytes | None]
"""(path in the repository, most bytes) -> content; None: there is no such file."""

# `members/cert-aq.json`, `services/hub.json`, `policies/default.toml`: nothing else.
_PATH = re.compile(
    r"(?:(?:members|services)/[a-z][a-z0-9-]{1,40}\.json|policies/[a-z][a-z0-9-]{0,40}\.toml)"
)


@dataclass(frozen=True)
class State:
    """One version of a directory, all of it verified.

    Attributes:
        roots: From the pinned one on.
        suspensions: By role (`suspensions-<party>`).
        files: All targets of the threshold by path, and what parties suspend.
    """

    roots: tuple[Metadata[Root], ...]
    targets: Metadata[Targets]
    snapshot: Metadata[Snapshot]
    timestamp: Metadata[Timestamp]
    suspensions: Mapping[str, Metadata[Targets]]
    files: Mapping[str, bytes]
    keyring: Keyring

    @property
    def root(self) -> Metadata[Root]:
        """The root that counts."""
        return self.roots[-1]

    def role(self, name: str) -> Metadata[Any] | None:
        """Give the metadata of a role that people sign; None if it is new."""
        if name == _ROOT:
            return self.root
        return self.targets if name == Targets.type else self.suspensions.get(name)

    def lives(self) -> Iterator[tuple[str, datetime]]:
        """Say of each role when its metadata expires."""
        yield _ROOT, self.root.signed.expires
        yield Targets.type, self.targets.signed.expires
        yield Snapshot.type, self.snapshot.signed.expires
        yield Timestamp.type, self.timestamp.signed.expires
        for name, metadata in self.suspensions.items():
            yield name, metadata.signed.expires

    def expired(self, now: datetime, *, within: timedelta = timedelta(0)) -> list[str]:
        """List the roles whose metadata has expired, or will have soon."""
        return [name for name, expires in self.lives() if expires <= now + within]


def fingerprint(metadata: Metadata[Any]) -> str:
    """SHA-256 (hexadecimal) of what is signed, whoever signs it."""
    return hashlib.sha256(metadata.signed_bytes).hexdigest()


def read(fetch: Fetch, pinned: bytes) -> State:
    """Verify a repository from *pinned*, the bytes of a root.

    Raises:
        TrustError: `directory-untrusted` (a signature, a version, a hash or a file is
            wrong or missing), `directory-roles`, `directory-entry`.
    """
    try:
        return _read(fetch, pinned)
    except (exceptions.RepositoryError, ValueError, KeyError):
        raise TrustError("directory-untrusted") from None


def _read(fetch: Fetch, pinned: bytes) -> State:
    trusted = TrustedMetadataSet(pinned, EnvelopeType.METADATA)
    trusted.reference_time = datetime.min.replace(tzinfo=UTC)  # expiry is told instead
    roots = [_parsed(Root, pinned)]
    for _ in range(MAX_ROOTS):
        version = trusted.root.version + 1
        data = fetch(f"metadata/{version}.root.json", MAX_METADATA_BYTES)
        if data is None:
            break
        trusted.update_root(data)
        roots.append(_parsed(Root, data))
    else:  # what an older root says may have been taken back since
        raise TrustError("directory-untrusted")
    timestamp = _needed(fetch, "metadata/timestamp.json")
    trusted.update_timestamp(timestamp)
    version = trusted.timestamp.snapshot_meta.version
    snapshot = _needed(fetch, f"metadata/{version}.snapshot.json")
    trusted.update_snapshot(snapshot)
    version = trusted.snapshot.meta["targets.json"].version
    targets = _needed(fetch, f"metadata/{version}.targets.json")
    trusted.update_targets(targets)
    suspensions = _suspensions(trusted, fetch)
    files = {
        path: _file(fetch, role, path)
        for role in (trusted.targets, *(each.signed for each in suspensions.values()))
        for path in role.targets
    }
    check_files(files)
    return State(
        tuple(roots),
        _parsed(Targets, targets),
        _parsed(Snapshot, snapshot),
        _parsed(Timestamp, timestamp),
        MappingProxyType(suspensions),
        MappingProxyType(files),
        keyring_of(trusted.root, trusted.targets),
    )


def _suspensions(
    trusted: TrustedMetadataSet, fetch: Fetch
) -> dict[str, Metadata[Targets]]:
    found: dict[str, Metadata[Targets]] = {}
    delegated = trusted.targets.delegations
    for name in (delegated.roles or {}) if delegated is not None else ():
        version = trusted.snapshot.meta[f"{name}.json"].version
        data = _needed(fetch, f"metadata/{version}.{name}.json")
        role = trusted.update_delegated_targets(data, name, Targets.type)
        if {*role.targets} - {suspensions_path(suspending_party(name))}:
            raise TrustError("directory-untrusted")
        found[name] = _parsed(Targets, data)
    return found


def _parsed(kind: type[_Signed], data: bytes) -> Metadata[_Signed]:
    del kind  # the state machine has looked at it already; here it is the type alone
    return Metadata.from_bytes(data)


def _needed(fetch: Fetch, path: str) -> bytes:
    data = fetch(path, MAX_METADATA_BYTES)
    if data is None:
        raise TrustError("directory-untrusted")
    return data


def _file(fetch: Fetch, role: Targets, path: str) -> bytes:
    target = role.targets[path]
    if target.length > MAX_FILE_BYTES or len(role.targets) > MAX_FILES:
        raise TrustError("directory-untrusted")
    data = _needed(fetch, f"targets/{stored(path, target.hashes['sha256'])}")
    target.verify_length_and_hashes(data)
    return data


def stored(path: str, sha256: str) -> str:
    """Give the place of a target of which clients know the hash."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/{sha256}.{name}"


def check_files(files: Mapping[str, bytes]) -> Directory:
    """Check that clients can load *files* (policies are looked at by adapters).

    Raises:
        TrustError: `directory-entry`, with the path.
    """
    members, services = [], []
    if sum(path.startswith("policies/") for path in files) > MAX_POLICIES:
        raise TrustError("directory-entry")
    for path, data in files.items():
        if path.startswith("suspensions/"):
            continue
        if not _PATH.fullmatch(path):
            raise TrustError("directory-entry")  # the sender's text is not repeated
        if len(data) > MAX_FILE_BYTES:
            raise TrustError("directory-entry", path)
        name = path.rpartition("/")[2].removesuffix(".json")
        try:
            if path.startswith("members/"):
                member = decode_member(data, path)
                members.append(member)
                matches = member.org == name
            elif path.startswith("services/"):
                service = decode_service(data, path)
                services.append(service)
                matches = service.org == name
            else:
                matches = True
        except ConfigError:
            raise TrustError("directory-entry", path) from None
        if not matches:
            raise TrustError("directory-entry", path)
    try:
        return build(members, services)
    except ConfigError:
        raise TrustError("directory-entry") from None
