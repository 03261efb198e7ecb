"""Heads that somebody keeps, in a file of lines; only ever added to. Edge.

    {"held":"2026-11-23T10:00:03.000Z","head":"eyJ..."}

The moment is the word of who keeps the file: back it up, and let nobody else write it.
Several processes may keep one file: who adds to it has read what others have added.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from broker import seen
from broker.directory import Directory
from broker.errors import ConfigError, TrustError
from broker.heads import (
    MAX_PATH,
    MAX_PROOF_BYTES,
    Fork,
    Held,
    Statement,
    contradiction,
    statement_of,
)
from schemas import timestamps
from schemas.errors import RefusedError

_MAX_FILE_BYTES: Final = 64 << 20  # an hourly head for seven years


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    held: str
    head: str


class KeptHeads:
    """A file of heads, read and verified; made by `open_heads`.

    Attributes:
        held: In the order of the file.
        dropped: How many lines do not verify by the directory of today: of a key that
            it lists no more, or kept after it was compromised.
        directory: What lines are verified by.
    """

    def __init__(self, path: Path, directory: Directory) -> None:
        self.held: list[Held] = []
        self.dropped = 0
        self.directory = directory
        self._path = path
        self._texts: set[str] = set()
        self._places: dict[int, Statement] = {}
        self._bytes = self._lines = 0

    def read(self) -> None:
        """Read what was added since the last time, by whomever.

        Raises:
            ConfigError: Unreadable, writable by others, or no such file.
        """
        data = _read(self._path, self._bytes)
        found = data.splitlines()
        for number, line in enumerate(found, self._lines + 1):
            self._take(line, number)
        self._bytes += len(data)
        self._lines += len(found)

    def _take(self, line: bytes, number: int) -> None:
        try:
            plain = msgspec.json.decode(line, type=_Line)
            since = int(timestamps.epoch(plain.held))
        except (msgspec.MsgspecError, UnicodeDecodeError, RefusedError, ValueError):
            raise ConfigError(
                f"{self._path}, line {number}: no head that was kept"
            ) from None
        try:
            # By the rules of the moment when it was kept: what came after the theft of
            # the gate's key is worth nothing, what was held before is.
            head = seen.verify_head(plain.head, self.directory, now=since)
        except TrustError:
            self.dropped += 1
        else:
            self._hold(Held(plain.head, since, head))

    def _hold(self, held: Held) -> None:
        self.held.append(held)
        self._texts.add(held.text)
        self._places[held.head.pos] = statement_of(held)

    def keep(self, said: Statement, *, now: float) -> Fork | None:
        """Hold a statement against those kept, and keep it if it is a new head.

        Args:
            now: Epoch seconds.

        Returns:
            What proves that the chain was forked. The statement is not kept then.

        Raises:
            ConfigError: The file cannot be read or written.
        """
        if said.text in self._texts:
            return None
        with _alone(self._path.parent):
            self.read()
            return self._keep(said, int(now))

    def _keep(self, said: Statement, now: int) -> Fork | None:
        if said.text in self._texts:
            return None
        other = self._places.setdefault(said.pos, said)
        if other.link != said.link:
            return Fork((other.text, said.text))
        if not said.is_head:  # it says nothing of how far the chain goes
            return None
        if found := contradiction([*map(statement_of, self.held), said]):
            return Fork((found[0].text, found[1].text))
        self._append(said, now)
        return None

    def _append(self, said: Statement, now: int) -> None:
        line = msgspec.json.encode(_Line(timestamps.from_epoch(now), said.text))
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            with open(os.open(self._path, flags, 0o600), "ab", buffering=0) as file:
                file.write(line + b"\n")
                os.fsync(file.fileno())
        except OSError as error:
            raise ConfigError(f"cannot write {self._path}: {error.strerror}") from None
        self._bytes += len(line) + 1
        self._lines += 1
        self._hold(Held(said.text, now, seen.Head(said.at, said.pos, said.link)))


def open_heads(path: Path, directory: Directory) -> KeptHeads:
    """Read a file of heads; none is there yet where there is no file.

    Raises:
        ConfigError: Unreadable, writable by others, or no such file.
    """
    kept = KeptHeads(path, directory)
    kept.read()
    return kept


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time add to files of heads in *folder*."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # nor is there a file to be added to
        yield
        return
    except OSError as error:
        raise ConfigError(f"cannot use {folder}: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _read(path: Path, start: int) -> bytes:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size > _MAX_FILE_BYTES:
                raise ConfigError(f"{path} is larger than 64 MiB; begin another file")
            if stat.S_IMODE(status.st_mode) & 0o022:
                raise ConfigError(
                    f"others may write {path}, and so change when a head was held; "
                    f"type: chmod 600 {path}"
                )
            file.seek(start)
            return file.read()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None


def write_proof(heads: Path, fork: Fork, pos: int) -> Path:
    """Keep the proof of a fork beside a file of heads; one that is there stays.

    Args:
        pos: The place that has two histories, for the name.

    Raises:
        ConfigError: It cannot be written.
    """
    path = heads.with_name(f"{heads.name}.fork-{pos}.json")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with open(os.open(path, flags, 0o600), "wb") as file:
            file.write(msgspec.json.encode(fork) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        return path
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None
    return path


def read_path(path: Path) -> list[bytes]:
    """Read a path: a stamp (`header.payload`) a line.

    Raises:
        ConfigError: It cannot be read.
        TrustError: `not-under-head`: it is longer than any path.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_PROOF_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    lines = data.split()
    if len(data) > MAX_PROOF_BYTES or len(lines) > MAX_PATH:
        raise TrustError("not-under-head")
    return lines
