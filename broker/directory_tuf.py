"""What is asked of python-tuf, and what is made of its answers. Edge."""

import re
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

from tuf.api import exceptions
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp
from tuf.ngclient import Updater, UpdaterConfig

from broker.errors import ConfigError, TrustError

_MAX_ROOT_BYTES: Final = 128 << 10
# An entry of targets.json has about 200 bytes: room for 20,000 members.
BOUNDS: Final = UpdaterConfig(
    # Counted from the pinned root: past that a newer one has to be pinned.
    max_root_rotations=256,
    max_delegations=16,
    root_max_length=_MAX_ROOT_BYTES,
    timestamp_max_length=16 << 10,
    snapshot_max_length=256 << 10,
    targets_max_length=4 << 20,
)
_SUSPENDER: Final = re.compile(r"suspensions-([a-z][a-z0-9-]{1,40})")
_Role = TypeVar("_Role", Root, Targets, Snapshot, Timestamp)


def need_url(url: str) -> None:
    """Check that *url* is one that a directory may have.

    Raises:
        ConfigError: It is another, or holds a login.
    """
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  raises, like urlsplit, if it is none
    except ValueError:
        parts = urlsplit("")
    is_file = parts.scheme == "file" and not parts.netloc and parts.path
    is_web = parts.scheme in ("http", "https") and parts.hostname
    if not (is_file or is_web) or "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigError(
            "directory.url must be https://host/path, http://host/path or "
            "file:///folder, without a login"
        )


def read_root(path: Path) -> bytes:
    """Read the root metadata that the operator was handed.

    Raises:
        ConfigError: It is missing, or none.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_ROOT_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror}; it is the root metadata that the "
            "hub's groups hand over"
        ) from None
    try:
        root = Metadata[Root].from_bytes(data)
        root.signed.verify_delegate("root", root.signed_bytes, root.signatures)
    except (exceptions.RepositoryError, ValueError, AttributeError):
        raise ConfigError(f"{path} is no root metadata of a directory") from None
    return data


def signed(folder: Path, role: str, kind: type[_Role]) -> _Role:
    """Read metadata that ngclient has just verified and written."""
    found = Metadata.from_file(str(folder / f"{role}.json")).signed
    assert isinstance(found, kind)  # noqa: S101  ngclient has verified it
    return found


def suspenders(targets: Targets) -> list[str]:
    """Name the parties that the threshold lets suspend, each in its own file."""
    roles = {} if targets.delegations is None else targets.delegations.roles or {}
    found = [(_SUSPENDER.fullmatch(name), role) for name, role in roles.items()]
    return [
        m[1] for m, role in found if m and role.paths == [f"suspensions/{m[1]}.json"]
    ]


def target(updater: Updater, path: str, max_bytes: int) -> bytes:
    """Give the verified content of a target, from the cache if it is there.

    Raises:
        TrustError: `directory-untrusted`: not there, or larger than it may be.
    """
    info = updater.get_targetinfo(path)
    if info is None or info.length > max_bytes:
        raise TrustError("directory-untrusted")
    file = updater.find_cached_target(info) or updater.download_target(info)
    data = Path(file).read_bytes()
    # What stands on the disk by now need not be what was verified.
    info.verify_length_and_hashes(data)
    return data
