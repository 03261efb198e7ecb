"""What came from a collection, and where the poll stands: one SQLite file. Edge.

The objects of a page and the cursor behind it are one transaction, so a kill at any
moment loses nothing and doubles nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from adapters.taxii.cursor import Cursor
from adapters.taxii.envelope import Arrival
from adapters.taxii.paging import Held
from adapters.taxii.records import Written
from adapters.taxii.splitting import Node, node
from broker.errors import ConfigError
from broker.private_sqlite import Layout, PrivateFile, open_private

_LAYOUT: Final = Layout(
    name="the state of a TAXII poll",
    application_id=0x746F6374,  # "toct"
    version=1,
    exclusive=True,
    tables=(
        "CREATE TABLE poll (url TEXT NOT NULL, cursor BLOB NOT NULL)",
        # The newest version of each object.
        "CREATE TABLE object (id TEXT PRIMARY KEY, key BLOB NOT NULL, "
        "version TEXT NOT NULL, body BLOB NOT NULL, is_fresh INTEGER NOT NULL, "
        "arrived TEXT NOT NULL) STRICT",
        "CREATE INDEX object_fresh ON object (is_fresh) WHERE is_fresh",
        # Every version that ever came.
        "CREATE TABLE seen (key BLOB PRIMARY KEY) STRICT, WITHOUT ROWID",
        "CREATE TABLE record (id TEXT PRIMARY KEY, digest BLOB NOT NULL, "
        "version TEXT NOT NULL) STRICT",
    ),
)
_CHUNK: Final = 500  # values in one query; SQLite before 3.32 takes 999


class Kept(msgspec.Struct, frozen=True):
    """An object as kept."""

    plain: dict[str, Any]
    key: bytes
    arrived: str


class Store:
    """Made by `open_store`."""

    def __init__(self, file: PrivateFile, cursor: Cursor) -> None:
        self._file = file
        self.cursor = cursor

    def held(self, arrivals: Sequence[Arrival]) -> Held:
        """Tell what of a page came before."""
        keys, ids = [each.key for each in arrivals], [each.id for each in arrivals]
        return Held(
            keys=frozenset(self._found("SELECT key FROM seen WHERE key IN", keys)),
            ids=frozenset(self._found("SELECT id FROM object WHERE id IN", ids)),
        )

    def keep(self, cursor: Cursor, fresh: Sequence[Arrival], *, when: str) -> None:
        """Keep objects and the cursor behind them, durably and together.

        Raises:
            ConfigError: The disk is full or broken; nothing is kept.
        """
        if not fresh and cursor == self.cursor:
            return
        with self._file.transaction() as db:
            db.executemany(
                "INSERT OR IGNORE INTO seen VALUES (?)", [(a.key,) for a in fresh]
            )
            # An old version that comes late is seen, and not taken for the newest.
            db.executemany(
                "INSERT INTO object VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT (id) DO "
                "UPDATE SET key = excluded.key, version = excluded.version, "
                "body = excluded.body, is_fresh = 1, arrived = excluded.arrived "
                "WHERE excluded.version >= version",
                [(a.id, a.key, a.version, a.body, when) for a in fresh],
            )
            db.execute("UPDATE poll SET cursor = ?", (msgspec.json.encode(cursor),))
        self.cursor = cursor

    def has_fresh(self) -> bool:
        """Tell whether something came that stands in no record yet."""
        return bool(self._file.rows("SELECT 1 FROM object WHERE is_fresh LIMIT 1"))

    def nodes(self) -> Iterator[Node]:
        """List all objects, as splitting knows them."""
        last = ""
        while rows := self._file.rows(
            "SELECT id, body, is_fresh FROM object WHERE id > ? ORDER BY id LIMIT ?",
            (last, _CHUNK),
        ):
            for _, body, is_fresh in rows:
                yield node(msgspec.json.decode(body), is_fresh=bool(is_fresh))
            last = rows[-1][0]

    def objects(self, ids: Sequence[str]) -> list[Kept]:
        """Give objects in the order of *ids*, which are all kept."""
        found: dict[str, Kept] = {}
        for chunk in _chunks(ids):
            marks = ", ".join("?" * len(chunk))
            for own, body, key, arrived in self._file.rows(
                f"SELECT id, body, key, arrived FROM object WHERE id IN ({marks})",  # noqa: S608
                chunk,
            ):
                found[own] = Kept(msgspec.json.decode(body), key, arrived)
        return [found[each] for each in ids]

    def written(self, own: str) -> Written | None:
        """Tell what was last written of a case."""
        rows = self._file.rows(
            "SELECT digest, version FROM record WHERE id = ?", (own,)
        )
        return Written(*rows[0]) if rows else None

    def all_written(self, records: Mapping[str, Written]) -> None:
        """Note that everything that came stands in records now.

        Raises:
            ConfigError: The disk is full or broken; they will be written again.
        """
        with self._file.transaction() as db:
            db.executemany(
                "INSERT OR REPLACE INTO record VALUES (?, ?, ?)",
                [(own, each.digest, each.version) for own, each in records.items()],
            )
            db.execute("UPDATE object SET is_fresh = 0 WHERE is_fresh")

    def _found(self, query: str, values: Sequence[Any]) -> Iterator[Any]:
        for chunk in _chunks(values):
            marks = ", ".join("?" * len(chunk))
            for [value] in self._file.rows(f"{query} ({marks})", chunk):
                yield value


def _chunks(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]


@contextmanager
def open_store(path: Path, url: str) -> Iterator[Store]:
    """Open the state of the poll of one collection, created if it is missing.

    Raises:
        ConfigError: As `open_private`; or it is another collection's.
    """
    with open_private(path, _LAYOUT) as file:
        rows = file.rows("SELECT url, cursor FROM poll")
        if rows and rows[0][0] != url:
            raise ConfigError(
                f"{path} belongs to another collection; give each its own state"
            )
        cursor = Cursor()
        if rows:
            cursor = msgspec.json.decode(rows[0][1], type=Cursor)
        else:
            with file.transaction() as db:
                encoded = msgspec.json.encode(cursor)
                db.execute("INSERT INTO poll VALUES (?, ?)", (url, encoded))
        yield Store(file, cursor)
