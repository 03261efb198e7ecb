"""What an adapter must remember to notice what never came. Edge.

One SQLite file. A record is remembered until heartbeats have listed it on all of its
lines, so the file does not grow with what was read; where an issuer sends none, for
30 days. Readers of the file (`tocsin gaps`) and the adapter have it open together.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from adapters.gaps import Line, due
from broker.following import Followed, Next, Place, follow
from broker.heartbeats import Listed, Passed
from broker.private_sqlite import Layout, PrivateFile, open_private

KEPT_S: Final = 30 * 86_400
LINE_KEPT_S: Final = 2 * 365 * 86_400  # as long as a record lives (DESIGN.md 4.2)
MAX_LINES: Final = 1000  # of an issuer; it has four a community
# Of a record that was refused here nobody knows on how many lines it is.
MOST_LINES: Final = 50

_LAYOUT: Final = Layout(
    name="an adapter's file of gaps",
    application_id=0x746F6368,  # "toch"
    version=1,
    exclusive=False,
    tables=(
        "CREATE TABLE began (at REAL NOT NULL)",
        # `told`: the heartbeat that members have yet to be told of; then NULL.
        """CREATE TABLE lines (
            issuer TEXT NOT NULL, line TEXT NOT NULL, community TEXT NOT NULL,
            tlp TEXT NOT NULL, count INTEGER NOT NULL, chain TEXT NOT NULL,
            iat INTEGER NOT NULL, unlisted INTEGER NOT NULL,
            untold BLOB, heard_at REAL NOT NULL,
            PRIMARY KEY (issuer, line)
        ) WITHOUT ROWID""",
        # `lines`: how many have yet to list it.
        """CREATE TABLE received (
            token_id TEXT PRIMARY KEY, at REAL NOT NULL, lines INTEGER NOT NULL
        ) WITHOUT ROWID""",
        "CREATE INDEX received_by_age ON received (at)",
        # `at`: of its confirm at the issuer. `noticed`, `asked`: here. Epoch seconds.
        """CREATE TABLE missing (
            token_id TEXT NOT NULL, issuer TEXT NOT NULL, line TEXT NOT NULL,
            at INTEGER NOT NULL, noticed REAL NOT NULL, asked REAL,
            PRIMARY KEY (token_id, issuer, line)
        ) WITHOUT ROWID""",
        "CREATE INDEX missing_by_line ON missing (issuer, line)",
        # Members that were told that something is missing, and not yet that it came.
        """CREATE TABLE told (
            issuer TEXT NOT NULL, line TEXT NOT NULL, member TEXT NOT NULL,
            PRIMARY KEY (issuer, line, member)
        ) WITHOUT ROWID""",
    ),
)


class Missing(msgspec.Struct, frozen=True):
    """A record that never came.

    Attributes:
        at: When its issuer had the confirm, epoch seconds.
        noticed: When a heartbeat told of it.
        asked: When the archive was asked for it last; None: not yet.
    """

    token_id: str
    issuer: str
    community: str
    tlp: str
    at: int
    noticed: float
    asked: float | None


class KnownLine(msgspec.Struct, frozen=True):
    """A line as it stands.

    Attributes:
        unlisted: Records that were listed in heartbeats that never came.
        missing: How many never came, and are known by their ids.
    """

    issuer: str
    line: str
    community: str
    tlp: str
    count: int
    iat: int
    unlisted: int
    missing: int


class Untold(msgspec.Struct, frozen=True):
    """A heartbeat of which members have yet to be told.

    Attributes:
        body: As the gate passed it on.
        began: Since when the adapter reads, epoch seconds.
    """

    line: Line
    body: bytes
    unlisted: int
    began: float


class GapState:
    """The file; made by `open_gap_state`. Thread-safe, synchronous.

    Every method raises ConfigError when the disk is full or broken.
    """

    def __init__(self, file: PrivateFile) -> None:
        self._file = file

    def received(
        self, records: Sequence[tuple[str, int]], *, now: float
    ) -> tuple[str, ...]:
        """Remember records that came, or that are known to have been erased.

        Args:
            records: Token id, and on how many lines it is; 0 where nobody knows.

        Returns:
            Those that were missing until now.
        """
        late = []
        with self._file.transaction() as db:
            for token_id, lines in records:
                listed = db.execute(
                    "DELETE FROM missing WHERE token_id = ?", (token_id,)
                ).rowcount
                if listed:
                    late.append(token_id)
                left = (lines or MOST_LINES) - listed
                if left > 0:
                    db.execute(
                        "INSERT OR IGNORE INTO received VALUES (?, ?, ?)",
                        (token_id, now, left),
                    )
        return tuple(late)

    def hear(self, passed: Passed, body: bytes, *, now: float) -> Followed:
        """Hold a heartbeat against what came, and remember what did not."""
        line = Line(passed.org, passed.beat.line)
        with self._file.transaction() as db:
            found = follow(_place(db, line), passed.beat)
            if isinstance(found, Next):
                _note(db, line, passed, found, now)
                _untold(db, line, found, body, now)
        return found

    def overdue(self, *, noticed: float, asked: float, limit: int) -> tuple[str, ...]:
        """Name records to ask for: the longest missing first, each once.

        Args:
            noticed: Not those that were noticed later.
            asked: Not those that were asked for later.
        """
        rows = self._file.rows(
            "SELECT token_id FROM missing WHERE noticed <= ? "
            "AND coalesce(asked, 0) <= ? GROUP BY token_id "
            "ORDER BY min(coalesce(asked, 0)), min(noticed), token_id LIMIT ?",
            (noticed, asked, limit),
        )
        return tuple(token_id for (token_id,) in rows)

    def asked(self, token_ids: Iterable[str], *, now: float) -> None:
        """Remember that the archive was asked for them."""
        with self._file.transaction() as db:
            db.executemany(
                "UPDATE missing SET asked = ? WHERE token_id = ?",
                [(now, each) for each in token_ids],
            )

    def missing(self) -> tuple[Missing, ...]:
        """List what never came, by issuer, oldest first; of two lines twice."""
        rows = self._file.rows(
            "SELECT m.token_id, m.issuer, l.community, l.tlp, m.at, m.noticed, m.asked "
            "FROM missing m JOIN lines l ON l.issuer = m.issuer AND l.line = m.line "
            "ORDER BY m.issuer, m.at, m.token_id, l.community"
        )
        return tuple(Missing(*row) for row in rows)

    def lines(self) -> tuple[KnownLine, ...]:
        """List all lines that heartbeats came of."""
        rows = self._file.rows(
            "SELECT issuer, line, community, tlp, count, iat, unlisted, (SELECT "
            "count(*) FROM missing m WHERE m.issuer = l.issuer AND m.line = l.line) "
            "FROM lines l ORDER BY issuer, community, tlp, line"
        )
        return tuple(KnownLine(*row) for row in rows)

    def untold(self, *, heard: float) -> tuple[Untold, ...]:
        """Give heartbeats that members have yet to be told of, heard by then."""
        rows = self._file.rows(
            "SELECT issuer, line, untold, unlisted, at FROM lines, began "
            "WHERE untold IS NOT NULL AND heard_at <= ? ORDER BY heard_at LIMIT 100",
            (heard,),
        )
        return tuple(Untold(Line(*row[:2]), *row[2:]) for row in rows)

    def missing_of(self, line: Line) -> frozenset[str]:
        """Name what never came of a line."""
        rows = self._file.rows(
            "SELECT token_id FROM missing WHERE issuer = ? AND line = ?",
            (line.issuer, line.name),
        )
        return frozenset(token_id for (token_id,) in rows)

    def were_told(self, line: Line) -> frozenset[str]:
        """Name the members that know of something missing on a line."""
        rows = self._file.rows(
            "SELECT member FROM told WHERE issuer = ? AND line = ?",
            (line.issuer, line.name),
        )
        return frozenset(member for (member,) in rows)

    def tell(self, line: Line, members: Iterable[str]) -> None:
        """Note that members were told, *members* that something is missing."""
        with self._file.transaction() as db:
            key = (line.issuer, line.name)
            db.execute(
                "UPDATE lines SET untold = NULL WHERE issuer = ? AND line = ?", key
            )
            db.execute("DELETE FROM told WHERE issuer = ? AND line = ?", key)
            db.executemany(
                "INSERT INTO told VALUES (?, ?, ?)", [(*key, each) for each in members]
            )

    def prune(self, *, now: float) -> None:
        """Forget records of over 30 days, lines of over two years, and too many."""
        with self._file.transaction() as db:
            before = (now - KEPT_S,)
            db.execute("DELETE FROM received WHERE at < ?", before)
            db.execute("DELETE FROM missing WHERE noticed < ?", before)
            db.execute(
                "DELETE FROM lines WHERE heard_at < ? OR (SELECT count(*) FROM lines o "
                "WHERE o.issuer = lines.issuer AND o.iat > lines.iat) >= ?",
                (now - LINE_KEPT_S, MAX_LINES),
            )
            for table in ("missing", "told"):
                db.execute(
                    f"DELETE FROM {table} WHERE NOT EXISTS (SELECT 1 FROM lines l "  # noqa: S608
                    f"WHERE l.issuer = {table}.issuer AND l.line = {table}.line)"
                )


def _place(db: sqlite3.Connection, line: Line) -> Place | None:
    row = db.execute(
        "SELECT community, tlp, count, chain, iat FROM lines "
        "WHERE issuer = ? AND line = ?",
        (line.issuer, line.name),
    ).fetchone()
    return None if row is None else Place(*row)


def _note(
    db: sqlite3.Connection, line: Line, passed: Passed, found: Next, now: float
) -> None:
    """Settle the accounts of what is listed for the first time."""
    came = {each.token_id for each in found.fresh if _came(db, each)}
    [began] = db.execute("SELECT at FROM began").fetchone()
    gone = due(found.fresh, received=came, lacks=passed.heard.lacks, began=began)
    db.executemany(
        "INSERT OR IGNORE INTO missing VALUES (?, ?, ?, ?, ?, NULL)",
        [(each.token_id, line.issuer, line.name, each.at, now) for each in gone],
    )


def _came(db: sqlite3.Connection, listed: Listed) -> bool:
    """Tell whether a record came; one line less has to list it then."""
    row = db.execute(
        "UPDATE received SET lines = lines - 1 WHERE token_id = ? RETURNING lines",
        (listed.token_id,),
    ).fetchone()
    if row is not None and row[0] <= 0:
        db.execute("DELETE FROM received WHERE token_id = ?", (listed.token_id,))
    return row is not None


def _untold(
    db: sqlite3.Connection, line: Line, found: Next, body: bytes, now: float
) -> None:
    """Keep the line's place, and the heartbeat unless an earlier one is yet untold."""
    place = found.place
    db.execute(
        "INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (issuer, line) DO UPDATE SET count = excluded.count, "
        "chain = excluded.chain, iat = excluded.iat, "
        "unlisted = unlisted + excluded.unlisted, "
        "heard_at = iif(untold IS NULL, excluded.heard_at, heard_at), "
        "untold = coalesce(untold, excluded.untold)",
        (
            line.issuer,
            line.name,
            *msgspec.structs.astuple(place),
            found.skipped,
            body,
            now,
        ),
    )


@contextmanager
def open_gap_state(path: Path, *, now: float) -> Iterator[GapState]:
    """Open the file, made if it is missing: then the adapter begins to read *now*.

    Raises:
        ConfigError: Readable by others, of another kind, not to be opened.
    """
    with open_private(path, _LAYOUT) as file:
        with file.transaction() as db:
            if db.execute("SELECT 1 FROM began").fetchone() is None:
                # Issuers tell whole seconds.
                db.execute("INSERT INTO began VALUES (?)", (int(now),))
        yield GapState(file)
