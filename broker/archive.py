"""Every accepted token, for replay and audit. Edge.

Written by the gate, read by adapters and commands while it runs. The tokens lie
compressed but in the clear, in a file of mode 0600; a key per record, destroyed
when its retention ends, comes with erasure.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import zstandard

from broker.private_sqlite import Layout, PrivateFile, open_private
from broker.sdjwt import MAX_TOKEN_BYTES

_PAGE: Final = 50  # tokens in memory at once while iterating
_SELECT: Final = (
    "SELECT number, token_id, issuer, sub, ver, kind, tlp, first_seen, token "
    "FROM tokens "
)

_LAYOUT = Layout(
    name="an archive",
    application_id=0x746F6361,  # "toca"
    version=1,
    exclusive=False,
    tables=(
        """CREATE TABLE tokens (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            token_id TEXT NOT NULL UNIQUE, issuer TEXT NOT NULL,
            sub TEXT NOT NULL, ver TEXT NOT NULL, kind TEXT NOT NULL,
            tlp TEXT NOT NULL, first_seen REAL NOT NULL, token BLOB NOT NULL
        )""",
        "CREATE INDEX tokens_by_record ON tokens (issuer, sub)",
    ),
)


class Archived(msgspec.Struct, frozen=True, kw_only=True):
    """A token and what is known of it.

    Attributes:
        token: Compact SD-JWT with all disclosures, not compressed.
        first_seen: Epoch seconds.
        number: 1 for the first one archived; never used twice. 0: not archived.
    """

    token_id: str
    issuer: str
    sub: str
    ver: str
    kind: str
    tlp: str
    first_seen: float
    token: bytes
    number: int = 0


class Archive:
    """The file; made by `open_archive`. Thread-safe, synchronous.

    Every method raises ConfigError when the disk is full or broken.
    """

    def __init__(self, file: PrivateFile) -> None:
        self._file = file

    def try_writing(self) -> None:
        """Write one page, changing nothing: a full disk shows before it matters.

        Raises:
            ConfigError: The disk is full or broken.
        """
        with self._file.transaction() as db:
            [version] = db.execute("PRAGMA user_version").fetchone()
            # SQLite writes the page of the version though it stays the same.
            db.execute(f"PRAGMA user_version={version:d}")

    def append(self, items: Sequence[Archived]) -> None:
        """Store all of *items* or none; what is there already stays as it is."""
        compressor = zstandard.ZstdCompressor()
        rows = [
            (
                each.token_id,
                each.issuer,
                each.sub,
                each.ver,
                each.kind,
                each.tlp,
                each.first_seen,
                compressor.compress(each.token),
            )
            for each in items
        ]
        with self._file.transaction() as db:
            db.executemany(
                "INSERT OR IGNORE INTO tokens (token_id, issuer, sub, ver, kind, tlp, "
                "first_seen, token) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def get(self, token_id: str) -> Archived | None:
        """Find one token."""
        rows = self._file.rows(_SELECT + "WHERE token_id = ?", (token_id,))
        return _archived(rows[0]) if rows else None

    def first_seen(self, token_ids: Iterable[str]) -> dict[str, float]:
        """Tell when those of *token_ids* that are archived were first seen."""
        query = "SELECT first_seen FROM tokens WHERE token_id = ?"
        found = {each: self._file.rows(query, (each,)) for each in token_ids}
        return {token_id: rows[0][0] for token_id, rows in found.items() if rows}

    def since(self, moment: float = 0, *, after: int = 0) -> Iterator[Archived]:
        """Iterate in the order of archiving, up to the end as it is then.

        Args:
            moment: Leaves out what was first seen earlier, epoch seconds.
            after: Leaves out this number and those before it, to go on from there.
        """
        query = _SELECT + "WHERE number > ? AND first_seen >= ? ORDER BY number LIMIT ?"
        # In pages: a long read must keep neither the gate's file nor its log open.
        while rows := self._file.rows(query, (after, moment, _PAGE)):
            for row in rows:
                yield _archived(row)
            after = rows[-1][0]


def _archived(row: Any) -> Archived:
    number, token_id, issuer, sub, ver, kind, tlp, first_seen, compressed = row
    token = zstandard.ZstdDecompressor().decompress(
        compressed, max_output_size=MAX_TOKEN_BYTES
    )
    return Archived(
        number=number,
        token_id=token_id,
        issuer=issuer,
        sub=sub,
        ver=ver,
        kind=kind,
        tlp=tlp,
        first_seen=first_seen,
        token=token,
    )


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open the archive, made if it is missing.

    Raises:
        ConfigError: Readable by others, of another kind, not to be opened.
    """
    with open_private(path, _LAYOUT) as file:
        yield Archive(file)
