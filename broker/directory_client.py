"""Loads the directory: by TUF from files or a web server, or from a plain folder. Edge.

ngclient sees to signatures, thresholds, rollback, freeze and mix-and-match; here it
is told where, and what it has verified becomes one immutable `Directory`. Only the
role that the threshold signs names members and services; the delegated roles say who
is suspended, nothing else.
"""

import fcntl
import hashlib
import os
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final
from urllib.parse import quote

import msgspec
from msgspec import Meta
from tuf.api import exceptions
from tuf.api.metadata import Root, Snapshot, Targets, Timestamp
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

from broker import suspensions
from broker.directory import (
    MAX_ENTRY_BYTES,
    MAX_POLICY_BYTES,
    Agreed,
    Directory,
    Member,
    Service,
    build,
    decode_member,
    decode_service,
    need_few,
    under,
)
from broker.directory_alarms import Freshness
from broker.directory_fetching import KeptFetcher, fetcher_for
from broker.directory_memory import DirectoryMemory, open_memory
from broker.directory_plain import load_folder
from broker.directory_tuf import BOUNDS, need_url, read_root, signed, suspenders, target
from broker.errors import ConfigError, DirectoryUnavailableError, TrustError
from broker.suspending import Span, in_force
from broker.suspensions import Suspension
from schemas.errors import RefusedError

_Name = tuple[str, str]  # path and SHA-256

_ENTRY_PATH: Final = re.compile(r"(members|services)/([a-z][a-z0-9-]{1,40})\.json")
_POLICY_PATH: Final = re.compile(r"policies/([a-z][a-z0-9-]{0,40})\.toml")


class Remote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the directory is, and what is trusted to begin with.

    Attributes:
        url: `https://…`, `http://…` or `file:///…` of the folder with `metadata/`
            and `targets/`.
        root: The root metadata that was handed over; later ones follow from it.
        cache: Folder for what was verified; it is why an older directory is refused.
            Processes on one machine may share it.
        refresh_minutes: Between two refreshes of a process that runs for long.
    """

    url: Annotated[str, Meta(max_length=1000)]
    root: Path
    cache: Path
    refresh_minutes: Annotated[float, Meta(ge=0.05, le=1440)] = 10


class Loaded(msgspec.Struct, frozen=True):
    """A directory and what its operator should know of it.

    Attributes:
        version: Of what the threshold signed; 0 of a plain folder.
        fresh_until: Epoch seconds; the hub's online key signs a later one daily.
        expiries: When what the groups must sign anew expires, by role.
        faults: Roles whose suspensions cannot be read, and why: they do not count.
        is_kept: Whether it is what an earlier refresh left, as none succeeded now.
    """

    directory: Directory
    version: int = 0
    fresh_until: float = float("inf")
    expiries: tuple[tuple[str, float], ...] = ()
    faults: tuple[tuple[str, str], ...] = ()
    is_kept: bool = False

    @property
    def freshness(self) -> Freshness:
        """What alarms follow from."""
        expires = self.directory.expires
        return Freshness(expires, self.fresh_until, self.expiries, self.faults)


def open_directory(
    place: Path, *, clock: Callable[[], float]
) -> tuple[Loaded, "DirectoryClient | None"]:
    """Load a plain folder, or a signed directory with what refreshes it.

    Args:
        place: The folder, or a TOML file with url, root and cache of a signed
            directory: as its whole, or in a table `[directory]`.
        clock: Epoch seconds.

    Raises:
        TrustError: `directory-expired`, `directory-untrusted`.
        DirectoryUnavailableError: Not reachable, and nothing was kept.
        ConfigError: It is unusable, or the folder is.
    """
    if not place.is_file():
        return Loaded(load_folder(place)), None
    client = DirectoryClient(read_remote(place), clock=clock)
    return client.load(), client


def read_remote(file: Path) -> Remote:
    """Read where a signed directory is; relative paths count from the file's folder.

    Raises:
        ConfigError: Unreadable, or something is missing, unknown or out of bounds.
    """
    folder = file.absolute().parent

    def convert_path(wanted: type, value: object) -> Path:
        if wanted is Path and isinstance(value, str):
            return folder / value
        raise NotImplementedError

    try:
        tree = tomllib.loads(file.read_text())
        table = tree.get("directory", tree)
        return msgspec.convert(table, Remote, dec_hook=convert_path)
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as e:
        raise ConfigError(f"{file}, directory: {e}") from None


class DirectoryClient:
    """Loads one signed directory, again and again.

    In the cache: `metadata/` and `targets/` as ngclient keeps them, `kept/` what the
    last refresh that succeeded had, `noticed.sqlite` since when suspensions are known.
    """

    def __init__(self, remote: Remote, *, clock: Callable[[], float]) -> None:
        self.remote = remote
        self._clock = clock
        self._cache = remote.cache
        # By path and hash: what did not change is neither read nor decoded again.
        self._decoded: dict[_Name, Member | Service] = {}
        self._policies: dict[_Name, bytes] = {}
        self._directory: Directory | None = None
        self._read: tuple[bytes, Targets] | None = None

    def load(self) -> Loaded:
        """Refresh; if that fails, give what an earlier refresh left, if still good.

        Raises:
            TrustError: `directory-expired`, `directory-untrusted`.
            DirectoryUnavailableError: Not reachable, and nothing was kept.
            ConfigError: Configuration, cache or a signed entry are unusable.
        """
        try:
            return self.refresh()
        except (RefusedError, DirectoryUnavailableError) as error:
            with suppress(RefusedError, DirectoryUnavailableError):
                return self._kept()
            raise error from None

    def refresh(self) -> Loaded:
        """Fetch what is new, and verify it.

        Raises:
            TrustError: `directory-expired`, `directory-untrusted`.
            DirectoryUnavailableError: Not reachable.
            ConfigError: Configuration, cache or a signed entry are unusable.
        """
        need_url(self.remote.url)
        with self._translated(), self._locked():
            metadata = self._cache / "metadata"
            loaded = self._load(metadata, fetcher_for(self.remote.url))
            _keep(metadata, self._cache / "kept")
        return loaded

    def _kept(self) -> Loaded:
        folder = self._cache / "kept"
        with self._translated(), self._locked():
            loaded = self._load(folder, KeptFetcher(folder))
        return msgspec.structs.replace(loaded, is_kept=True)

    # ------------------------------------------------------------------ one load

    def _load(self, metadata: Path, fetcher: FetcherInterface) -> Loaded:
        url = self.remote.url.rstrip("/")
        updater = Updater(
            str(metadata),
            f"{url}/metadata/",
            str(self._cache / "targets"),
            f"{url}/targets/",
            fetcher,
            BOUNDS,
            bootstrap=read_root(self.remote.root),
        )
        updater.refresh()
        # ngclient does not list what it knows; it has written what it verified.
        targets = self._targets(metadata)
        by_groups = (
            ("root", signed(metadata, "root", Root).expires.timestamp()),
            ("targets", targets.expires.timestamp()),
        )
        online = (
            signed(metadata, "snapshot", Snapshot).expires.timestamp(),
            signed(metadata, "timestamp", Timestamp).expires.timestamp(),
        )
        entries = self._entries(updater, targets)
        policies = self._policies_in(updater, targets)
        held, faults = self._suspensions(updater, targets)
        expires = min(*online, *(moment for _, moment in by_groups))
        directory = msgspec.structs.replace(
            under(self._built(entries, policies), held, expires=expires),
            policies=MappingProxyType(
                {Path(path).stem: data for (path, _), data in policies.items()}
            ),
            is_signed=True,
            agreed=self._agreed(policies),
        )
        directory.need_current(self._clock())
        return Loaded(directory, targets.version, min(online), by_groups, tuple(faults))

    def _targets(self, metadata: Path) -> Targets:
        """Read what the groups signed; large, and mostly as it was."""
        data = (metadata / "targets.json").read_bytes()
        if self._read is None or self._read[0] != data:
            self._read = data, signed(metadata, "targets", Targets)
        return self._read[1]

    def _entries(
        self, updater: Updater, targets: Targets
    ) -> dict[_Name, Member | Service]:
        found: dict[_Name, Member | Service] = {}
        for path in sorted(targets.targets):
            match = _ENTRY_PATH.fullmatch(path)
            if match is None:
                continue  # for `_policies_in`, or of a newer version
            name = _named(targets, path)
            entry = self._decoded.get(name)
            if entry is None:
                data = target(updater, path, MAX_ENTRY_BYTES)
                decode = decode_member if match[1] == "members" else decode_service
                entry = decode(data, path)
                if entry.org != match[2]:
                    raise ConfigError(f"{path} holds the entry of {entry.org}")
            found[name] = entry
        return found

    def _policies_in(self, updater: Updater, targets: Targets) -> dict[_Name, bytes]:
        """Read policies as they are: what they say is the business of adapters."""
        paths = [
            path for path in sorted(targets.targets) if _POLICY_PATH.fullmatch(path)
        ]
        need_few(len(paths))
        found: dict[_Name, bytes] = {}
        for path in paths:
            name = _named(targets, path)
            data = self._policies.get(name)
            if data is None:
                data = target(updater, path, MAX_POLICY_BYTES)
            found[name] = data
        return found

    def _agreed(self, policies: dict[_Name, bytes]) -> Agreed:
        # Hashed anew: what metadata says of a file need not be its SHA-256.
        found = [
            (Path(path).stem, hashlib.sha256(data).hexdigest())
            for (path, _), data in policies.items()
        ]
        with self._memory() as memory:
            return memory.agreed(found, self._clock())

    def _memory(self) -> AbstractContextManager[DirectoryMemory]:
        return open_memory(self._cache / "noticed.sqlite")

    def _built(
        self, entries: dict[_Name, Member | Service], policies: dict[_Name, bytes]
    ) -> Directory:
        """Build anew only what changed: to check the points of keys takes its time."""
        is_other = self._directory is None or entries.keys() != self._decoded.keys()
        if self._directory is None or is_other:
            each = entries.values()
            self._directory = build(
                [entry for entry in each if isinstance(entry, Member)],
                [entry for entry in each if isinstance(entry, Service)],
            )
        if is_other or policies.keys() != self._policies.keys():
            self._decoded, self._policies = entries, policies
            self._forget_others()
        return self._directory

    def _forget_others(self) -> None:
        """Delete what is a target no more: entries hold contacts of people."""
        wanted = {quote(path, "") for path, _ in (*self._decoded, *self._policies)}
        for file in (self._cache / "targets").iterdir():
            if file.name not in wanted and not file.name.startswith("suspensions"):
                file.unlink()

    def _suspensions(
        self, updater: Updater, targets: Targets
    ) -> tuple[list[Span], list[tuple[str, str]]]:
        """Give what parties suspend, and whose file cannot be read, and why.

        What a party's own key has signed and is none counts as none: it could say as
        well that it suspends nobody. What it has not signed fails the refresh.
        """
        listed: list[tuple[str, Suspension]] = []
        faults: list[tuple[str, str]] = []
        for party in suspenders(targets):
            try:
                found = _listed(updater, f"suspensions/{party}.json")
            except TrustError as error:
                faults.append((f"suspensions-{party}", error.reason))
            else:
                listed += [(party, each) for each in found]
        subjects = [(party, each.subject) for party, each in listed]
        with self._memory() as memory:
            noticed = memory.notice(subjects, self._clock())
        return [
            in_force(each, party, noticed[party, each.subject])
            for party, each in listed
        ], faults

    # --------------------------------------------------------------------- cache

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time use the cache."""
        for name in ("", "metadata", "targets", "kept"):
            (self._cache / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        lock = os.open(self._cache / "lock", flags, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except exceptions.ExpiredMetadataError:
            raise TrustError("directory-expired") from None
        except (exceptions.RepositoryError, exceptions.DownloadLengthMismatchError):
            # Signatures, versions, hashes, sizes, form. Their text quotes metadata.
            raise TrustError("directory-untrusted") from None
        except exceptions.DownloadError as error:
            raise DirectoryUnavailableError(
                f"cannot fetch the directory from {self.remote.url}: {error}"
            ) from None
        except OSError as error:
            raise ConfigError(f"cannot use {self._cache}: {error.strerror}") from None


def _named(targets: Targets, path: str) -> _Name:
    return path, targets.targets[path].hashes.get("sha256", "")


def _listed(updater: Updater, path: str) -> tuple[Suspension, ...]:
    try:
        info = updater.get_targetinfo(path)
    except exceptions.ExpiredMetadataError:
        raise TrustError("directory-expired") from None
    if info is None:
        return ()
    if info.length > suspensions.MAX_BYTES:
        raise TrustError("suspensions-form")
    return suspensions.decode(target(updater, path, suspensions.MAX_BYTES))


def _keep(metadata: Path, good: Path) -> None:
    """Keep what was just verified, whole, for a start while nothing answers.

    ngclient writes file by file: after an attempt that failed halfway its own files
    are of two versions.
    """
    names = [path.name for path in metadata.glob("*.json")]
    with suppress(OSError):
        if all((metadata / n).read_bytes() == (good / n).read_bytes() for n in names):
            return
    new = good.with_name("kept.new")
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(metadata, new, symlinks=True)
    shutil.rmtree(good, ignore_errors=True)
    new.rename(good)
