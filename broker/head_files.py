"""Heads that somebody keeps, in a file of lines; only ever added to. Edge.

    {"held":"2026-11-23T10:00:03.000Z","head":"eyJ..."}

The moment is the word of who keeps the file: back it up, and let nobody else write it.
"""

import os
import stat
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
    """

    def __init__(self, path: Path, held: list[Held], dropped: int) -> None:
        self.held = held
        self.dropped = dropped
        self._path = path
        self._texts = {each.text for each in held}
        self._places = {each.head.pos: statement_of(each) for each in held}

    def keep(self, said: Statement, *, now: float) -> Fork | None:
        """Hold a statement against those kept, and keep it if it is a new head.

        Args:
            now: Epoch seconds.

        Returns:
            What proves that the chain was forked. The statement is not kept then.

        Raises:
            ConfigError: The file cannot be written.
        """
        if said.text in self._texts:
            return None
        other = self._places.setdefault(said.pos, said)
        if other.link != said.link:
            return Fork((other.text, said.text))
        if not said.is_head:  # it says nothing of how far the chain goes
            return None
        if found := contradiction([*map(statement_of, self.held), said]):
            return Fork((found[0].text, found[1].text))
        self._append(said, int(now))
        return None

    def _append(self, said: Statement, now: int) -> None:
        line = _Line(timestamps.from_epoch(now), said.text)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            with open(os.open(self._path, flags, 0o600), "ab", buffering=0) as file:
                file.write(msgspec.json.encode(line) + b"\n")
                os.fsync(file.fileno())
        except OSError as error:
            raise ConfigError(f"cannot write {self._path}: {error.strerror}") from None
        head = seen.Head(said.at, said.pos, said.link)
        self.held.append(Held(said.text, now, head))
        self._texts.add(said.text)


def open_heads(path: Path, directory: Directory) -> KeptHeads:
    """Read a file of heads; none is there yet where there is no file.

    Raises:
        ConfigError: Unreadable, writable by others, or no such file.
    """
    held: list[Held] = []
    dropped = 0
    for number, line in enumerate(_lines(path), 1):
        try:
            plain = msgspec.json.decode(line, type=_Line)
            since = int(timestamps.epoch(plain.held))
        except (msgspec.MsgspecError, UnicodeDecodeError, RefusedError, ValueError):
            raise ConfigError(f"{path}, line {number}: no head that was kept") from None
        try:
            # By the rules of the moment when it was kept: what came after the theft of
            # the gate's key is worth nothing, what was held before is.
            head = seen.verify_head(plain.head, directory, now=since)
        except TrustError:
            dropped += 1
        else:
            held.append(Held(plain.head, since, head))
    return KeptHeads(path, held, dropped)


def _lines(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if stat.S_IMODE(status.st_mode) & 0o022:
                raise ConfigError(
                    f"others may write {path}, and so change when a head was held; "
                    f"type: chmod 600 {path}"
                )
            data = file.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    if len(data) > _MAX_FILE_BYTES:
        raise ConfigError(f"{path} is larger than 64 MiB; begin another file")
    return data.splitlines()


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
