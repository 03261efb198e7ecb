"""Keys of the archive's records, in a file of their own beside it. Edge.

Apart, so that a backup of the archive alone shows nothing that was erased later, nor
what was not. Whoever has the archive open in a transaction may write here; nobody the
other way round, or two would wait for each other.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from broker.private_sqlite import Layout, PrivateFile, open_private
from broker.record_keys import Entropy, RecordKey, new_key

Case = tuple[str, str]
"""Issuer and `sub` of a record."""

_LAYOUT: Final = Layout(
    name="the keys of an archive",
    application_id=0x746F636B,  # "tock"
    version=1,
    exclusive=False,
    tables=(
        """CREATE TABLE record_keys (
            id BLOB PRIMARY KEY, issuer TEXT NOT NULL, sub TEXT NOT NULL,
            secret BLOB NOT NULL, UNIQUE (issuer, sub)
        ) WITHOUT ROWID""",
    ),
)


class ArchiveKeys:
    """The file; made by `open_keys`. Thread-safe, synchronous.

    Every method raises ConfigError when the disk is full or broken.
    """

    def __init__(self, file: PrivateFile, entropy: Entropy) -> None:
        self._file, self._entropy = file, entropy

    def try_writing(self) -> None:
        """Let a full disk show before it matters; see `PrivateFile.try_writing`."""
        self._file.try_writing()

    def of_records(self, cases: Collection[Case]) -> dict[Case, RecordKey]:
        """Give the key of each, made where it is missing, and on disk on return."""
        found = {case: self._of(case) for case in cases}
        if None in found.values():
            with self._file.transaction() as db:
                for issuer, sub in cases:
                    key = new_key(self._entropy)
                    db.execute(
                        "INSERT OR IGNORE INTO record_keys VALUES (?, ?, ?, ?)",
                        (key.id, issuer, sub, key.secret),
                    )
            found = {case: self._of(case) for case in cases}
        return {case: key for case, key in found.items() if key is not None}

    def _of(self, case: Case) -> RecordKey | None:
        query = "SELECT id, secret FROM record_keys WHERE issuer = ? AND sub = ?"
        rows = self._file.rows(query, case)
        return RecordKey(*rows[0]) if rows else None

    def by_id(self, ids: Collection[bytes]) -> Mapping[bytes, RecordKey]:
        """Give those of *ids* that were not destroyed."""
        query = "SELECT id, secret FROM record_keys WHERE id = ?"
        found = [self._file.rows(query, (each,)) for each in ids]
        return {rows[0][0]: RecordKey(*rows[0]) for rows in found if rows}

    def destroy(self, cases: Collection[Case]) -> int:
        """Destroy the keys of *cases*; say how many there were."""
        with self._file.transaction() as db:
            return sum(
                db.execute(
                    "DELETE FROM record_keys WHERE issuer = ? AND sub = ?", case
                ).rowcount
                for case in cases
            )

    def empty_log(self) -> bool:
        """Let what was destroyed leave the disk; see `PrivateFile.empty_log`."""
        return self._file.empty_log()


def keys_path(archive: Path) -> Path:
    """Say where the keys of an archive lie."""
    return archive.with_name(f"{archive.name}.keys")


@contextmanager
def open_keys(path: Path, *, entropy: Entropy = os.urandom) -> Iterator[ArchiveKeys]:
    """Open the file, made if it is missing.

    Raises:
        ConfigError: Readable by others, of another kind, not to be opened.
    """
    with open_private(path, _LAYOUT) as file:
        yield ArchiveKeys(file, entropy)
