"""The files of a directory, as a web server or a memory stick holds them. Edge."""

import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from broker.directory_publication import File
from broker.directory_state import Fetch, State, read
from broker.errors import ConfigError, TrustError


def fetcher(folder: Path) -> Fetch:
    """Read files below *folder*, and no others."""
    return partial(_fetch, folder)


def _fetch(folder: Path, path: str, most: int) -> bytes | None:
    if ".." in path.split("/") or "\0" in path:
        return None
    try:
        # Whoever opens a pipe waits for its writer.
        if not (folder / path).is_file():
            return None
        with (folder / path).open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {folder / path}: {error.strerror}") from None
    if len(data) > most:
        raise TrustError("directory-untrusted")
    return data


def load_state(folder: Path, pinned: bytes) -> State:
    """Verify the directory in *folder* from the root that was pinned.

    Raises:
        TrustError: As `directory_state.read`.
        ConfigError: There is none, or it cannot be read.
    """
    if not is_repository(folder):
        raise ConfigError(
            f"no directory in {folder}: metadata/timestamp.json is missing"
        )
    return read(fetcher(folder), pinned)


def is_repository(folder: Path) -> bool:
    """Tell whether a signed directory stands in *folder*, not plain files."""
    return (folder / "metadata/timestamp.json").is_file()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other publishers of this machine out.

    Raises:
        ConfigError: One is at work, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise ConfigError(f"cannot write {folder}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ConfigError(f"somebody else is publishing in {folder}") from None
    finally:
        os.close(descriptor)


def write(folder: Path, files: Iterable[File]) -> None:
    """Write *files* in their order, each at once and durably.

    Raises:
        ConfigError: One cannot be written; what clients read is still whole.
    """
    for each in files:
        path = folder / each.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, each.data)
        except OSError as error:
            raise ConfigError(f"cannot write {path}: {error.strerror}") from None


def _replace(path: Path, data: bytes) -> None:
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with unfinished.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    parent = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)
