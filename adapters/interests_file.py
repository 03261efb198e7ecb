"""Files of interests: read, watched, and written whole or not at all. Edge."""

import contextlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from adapters.config_parts import MemberConfig
from adapters.interests import EVERYTHING, Interests
from adapters.interests_toml import MAX_BYTES, decode, encode
from broker.errors import ConfigError

_Stamp = tuple[int, ...]  # inode, time and size; () of a file that is not there


def interests_of(served: MemberConfig) -> Interests:
    """Read what a member wants; everything, if its configuration names no file.

    Raises:
        ConfigError: The file is missing, or wrong.
    """
    path = served.interests
    return read(path) if isinstance(path, Path) else EVERYTHING


def read(path: Path) -> Interests:
    """Read a file of interests.

    Raises:
        ConfigError: It is missing, or wrong.
    """
    try:
        with path.open("rb") as file:
            return decode(file.read(MAX_BYTES + 1), str(path))
    except FileNotFoundError:
        raise ConfigError(
            f"there is no {path}; make it with tocsin interests set, or with nothing "
            "in it to get everything"
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None


class Watched:
    """The files of interests of an adapter's members, looked at again and again.

    A file that has changed is read once it is at rest, the same at two looks. Many
    editors empty it before they write, and an empty one asks for everything; and two
    changes within a tick of the file system's clock may look like one.
    """

    def __init__(self, members: Iterable[MemberConfig]) -> None:
        self._paths = {m.org: p for m in members if isinstance(p := m.interests, Path)}
        self._read: dict[str, _Stamp] = {}  # as it was when it was read
        self._seen: dict[str, _Stamp] = {}  # and at the last look

    def changed(self) -> dict[str, Interests | ConfigError]:
        """Read what has changed, and since the last call has not; at the first, everything.

        Returns:
            By member: what it wants now, or what is wrong with its file.
        """
        found: dict[str, Interests | ConfigError] = {}
        for org, path in self._paths.items():
            stamp = _stamp(path)
            is_at_rest = stamp == self._seen.get(org, stamp)
            self._seen[org] = stamp
            if stamp == self._read.get(org) or not is_at_rest:
                continue
            result = _try_reading(path)
            if _stamp(path) == stamp or org not in self._read:
                self._read[org] = stamp
                found[org] = result
        return found


def _try_reading(path: Path) -> Interests | ConfigError:
    try:
        return read(path)
    except ConfigError as error:
        return error


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size


def write(path: Path, interests: Interests) -> None:
    """Replace a file of interests, or make it and its folder.

    Whoever reads meanwhile gets the old or the new one. A file that was there keeps
    its mode.

    Raises:
        ConfigError: It cannot be written; the old one is as it was.
    """
    path = path.resolve()  # a link stays one
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(exist_ok=True)
        with new.open("xb") as file:
            file.write(encode(interests))
            if path.exists():
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None
