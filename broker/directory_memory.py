"""Remembers since when a client knows of each suspension, across restarts. Edge."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from broker.private_sqlite import Layout, PrivateFile, open_private
from broker.suspending import FORGOTTEN_S

_LAYOUT: Final = Layout(
    name="a memory of suspensions",
    application_id=0x54435355,  # TCSU
    version=1,
    tables=(
        # `last`: when the party's file last had the subject.
        "CREATE TABLE noticed (party TEXT, subject TEXT, first REAL NOT NULL, "
        "last REAL NOT NULL, PRIMARY KEY (party, subject)) STRICT, WITHOUT ROWID",
    ),
    exclusive=False,
)


class SuspensionMemory:
    """When this client first saw that a party suspends somebody."""

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


@contextmanager
def open_memory(path: Path) -> Iterator[SuspensionMemory]:
    """Open the file, or make it.

    Raises:
        ConfigError: It cannot be used.
    """
    with open_private(path, _LAYOUT) as file:
        yield SuspensionMemory(file)
