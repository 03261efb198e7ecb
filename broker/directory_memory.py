"""Remembers what a client has seen of a directory, across restarts. Edge.

Since when it knows of each suspension, and which policies the groups had signed until
when.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from broker.directory import Agreed
from broker.private_sqlite import Layout, PrivateFile, open_private
from broker.suspending import FORGOTTEN_S

_POLICIES: Final = (
    # `ended`: when a directory was first seen without it; NULL: it holds.
    "CREATE TABLE policies (id TEXT, sha256 TEXT, ended REAL, "
    "PRIMARY KEY (id, sha256)) STRICT, WITHOUT ROWID",
    "CREATE TABLE began (at REAL NOT NULL) STRICT",
)
_LAYOUT: Final = Layout(
    name="a memory of a directory",
    application_id=0x54435355,  # TCSU
    version=2,
    tables=(
        # `last`: when the party's file last had the subject.
        "CREATE TABLE noticed (party TEXT, subject TEXT, first REAL NOT NULL, "
        "last REAL NOT NULL, PRIMARY KEY (party, subject)) STRICT, WITHOUT ROWID",
        *_POLICIES,
    ),
    exclusive=False,
    upgrades={1: _POLICIES},
)


class DirectoryMemory:
    """When this client first saw what parties and groups say."""

    def __init__(self, file: PrivateFile) -> None:
        self._file = file

    def notice(
        self, found: Collection[tuple[str, str]], now: float
    ) -> dict[tuple[str, str], float]:
        """Note what is suspended now, and say of each since when that is known.

        What stood in no file for 30 days is forgotten.

        Args:
            found: (party, subject).

        Raises:
            ConfigError: The file is broken or the disk full.
        """
        with self._file.transaction() as db:
            db.execute("DELETE FROM noticed WHERE last < ?", (now - FORGOTTEN_S,))
            db.executemany(
                "INSERT INTO noticed VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE "
                "SET last = max(last, excluded.last)",
                [(*each, now, now) for each in sorted(set(found))],
            )
            rows = db.execute("SELECT party, subject, first FROM noticed").fetchall()
        return {(party, subject): first for party, subject, first in rows}

    def agreed(self, policies: Collection[tuple[str, str]], now: float) -> Agreed:
        """Note which policies the groups have signed now, and tell of all so far.

        Args:
            policies: Id and hex SHA-256.

        Raises:
            ConfigError: The file is broken or the disk full.
        """
        with self._file.transaction() as db:
            db.execute(
                "INSERT INTO began SELECT ? WHERE NOT EXISTS (SELECT * FROM began)",
                (now,),
            )
            db.execute("UPDATE policies SET ended = ? WHERE ended IS NULL", (now,))
            db.executemany(
                "INSERT INTO policies VALUES (?, ?, NULL) ON CONFLICT DO UPDATE "
                "SET ended = NULL",
                sorted(policies),
            )
            [(since,)] = db.execute("SELECT at FROM began")
            rows = db.execute("SELECT id, sha256, ended FROM policies").fetchall()
        return Agreed(
            since,
            {
                (name, sha256): float("inf") if ended is None else ended
                for name, sha256, ended in rows
            },
        )


@contextmanager
def open_memory(path: Path) -> Iterator[DirectoryMemory]:
    """Open the file, or make it.

    Raises:
        ConfigError: It cannot be used.
    """
    with open_private(path, _LAYOUT) as file:
        yield DirectoryMemory(file)
