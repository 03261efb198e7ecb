"""SQLite files of our own: private, durable, with one writer at a time. Edge."""

import fcntl
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import msgspec

from broker.errors import ConfigError

_BUSY_S = 5.0  # a reader of ours may be closing
_IN_USE = (
    "is in use by another process; only one may work on it: wait until it has ended, "
    "or stop it"
)


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds.

    Attributes:
        name: For people: "the publisher's state".
        application_id: Tells our kinds of files apart (`PRAGMA application_id`).
        version: Raised with every change of *tables*.
        exclusive: Whether one process at a time may have it open; others may read it.
        upgrades: By version: what makes a file of it one of the next. A file of a
            version that is not named here is refused.
    """

    name: str
    application_id: int
    version: int
    tables: tuple[str, ...]
    exclusive: bool
    upgrades: Mapping[int, tuple[str, ...]] = {}


class PrivateFile:
    """One connection, for threads that take turns; made by `open_private`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        # A caller that is cancelled leaves its thread running: the next one must
        # not find itself in the middle of that transaction.
        self._turn = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit what is done inside, durably, or nothing of it.

        Raises:
            ConfigError: The disk is full or broken, or the file is locked.
        """
        db = self._connection
        with self._turn, _translated(self._path):
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Read, outside of a transaction.

        Raises:
            ConfigError: The disk is broken, or the file is locked.
        """
        with self._turn, _translated(self._path):
            return self._connection.execute(query, values).fetchall()

    def try_writing(self) -> None:
        """Write one page, changing nothing: a full disk shows before it matters.

        Raises:
            ConfigError: The disk is full or broken, or the file is locked.
        """
        with self.transaction() as db:
            [version] = db.execute("PRAGMA user_version").fetchone()
            # SQLite writes the page of the version though it stays the same.
            db.execute(f"PRAGMA user_version={version:d}")

    def empty_log(self) -> bool:
        """Let what was overwritten leave the write-ahead log, too.

        Returns:
            False: another process is reading just then; the log keeps it until later.

        Raises:
            ConfigError: The disk is full or broken.
        """
        [row] = self.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        return bool(row[0] == 0)

    def close(self) -> None:
        """Close it once no thread is at work on it."""
        with self._turn:
            self._connection.close()


@contextmanager
def open_private(path: Path, layout: Layout) -> Iterator[PrivateFile]:
    """Open *path*, created with mode 0600 if it is missing.

    Raises:
        ConfigError: Readable by others, in use, of another kind, made by a newer
            or an older version, or not to be opened.
    """
    make_private(path)
    with owned(path, _IN_USE) if layout.exclusive else nullcontext():
        with _translated(path):
            connection = sqlite3.connect(
                path,
                timeout=_BUSY_S,
                isolation_level=None,  # we say BEGIN ourselves
                check_same_thread=False,
            )
        file = PrivateFile(connection, path)
        try:
            with _translated(path):
                _prepare(connection, path, layout)
            yield file
        finally:
            file.close()


@contextmanager
def owned(path: Path, otherwise: str) -> Iterator[None]:
    """Keep every other process from working with *path*, but not from reading it.

    An advisory lock (flock, as Linux and macOS have it) on a file beside it,
    which stays: the kernel releases the lock when the process ends, however. Not
    on *path*, since closing that would release SQLite's own locks; and not SQLite's
    exclusive mode, which would let nobody make a backup.

    Args:
        otherwise: What to say behind the path if another process has it.

    Raises:
        ConfigError: Another process has it, or the lock cannot be made.
    """
    place = path.resolve()  # one file, one lock, whatever link leads to it
    place = place.with_name(f"{place.name}.lock")
    try:
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise ConfigError(f"cannot open {place}: {error.strerror}") from None
    try:
        _lock(descriptor, path, otherwise)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path, otherwise: str) -> None:
    try:
        os.fchmod(descriptor, 0o600)  # who can open it could hold the lock
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ConfigError(f"{path} {otherwise}") from None
    except OSError as error:
        raise ConfigError(f"cannot lock {path}: {error.strerror}") from None


def make_private(path: Path) -> None:
    """Create the file with mode 0600, or check that others cannot open it.

    SQLite gives its -wal and -shm files the mode of the database.

    Raises:
        ConfigError: Not to be created or read, no file, or open to others.
    """
    try:
        if not path.exists():
            # Only a new file is opened here. Closing an old one would release the
            # POSIX locks that this process holds on it (sqlite.org/howtocorrupt).
            with suppress(FileExistsError):  # another process has just made it
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigError(f"cannot open {path}: {error.strerror}") from None
    if not stat.S_ISREG(mode):
        raise ConfigError(f"{path} is no regular file")
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(
            f"{path} is open to others (mode {stat.S_IMODE(mode):04o}); "
            f"type: chmod 600 {path}"
        )


def _prepare(db: sqlite3.Connection, path: Path, layout: Layout) -> None:
    db.execute("PRAGMA journal_mode=WAL")
    # NORMAL may lose the last commits when power fails; these files are the only
    # place that knows what was promised.
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA secure_delete=ON")  # purged bodies are overwritten
    db.execute("BEGIN IMMEDIATE")
    [application_id] = db.execute("PRAGMA application_id").fetchone()
    [version] = db.execute("PRAGMA user_version").fetchone()
    [tables] = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application_id != layout.application_id:
        raise ConfigError(f"{path} is not {layout.name}")
    if version > layout.version:
        raise ConfigError(f"{path} was made by a newer version of Tocsin")
    if tables:
        _upgrade(db, path, layout, version)
    else:
        for statement in layout.tables:
            db.execute(statement)
        db.execute(f"PRAGMA application_id={layout.application_id}")
        db.execute(f"PRAGMA user_version={layout.version}")
    db.execute("COMMIT")


def _upgrade(db: sqlite3.Connection, path: Path, layout: Layout, version: int) -> None:
    """Bring the file to the layout's version, all in the caller's transaction."""
    for each in range(version, layout.version):
        if each not in layout.upgrades:
            raise ConfigError(f"{path} was made by an older version of Tocsin")
        for statement in layout.upgrades[each]:
            db.execute(statement)
        db.execute(f"PRAGMA user_version={each + 1}")


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        # Its subclasses but this one are mistakes of ours: let them crash.
        if type(error) not in {sqlite3.OperationalError, sqlite3.DatabaseError}:
            raise
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise ConfigError(f"{path} {_IN_USE}") from None
        raise ConfigError(f"cannot use {path}: {error.sqlite_errorname}") from None
