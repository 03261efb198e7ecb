"""What the gate has accepted: token ids and the state of every feed. Edge.

One SQLite file of one gate. Losing it means accepting records again that readers
know already by their token ids, and alarms about gaps. It also remembers how far the
gate's chain went, so that an archive that was lost or put back does not fork it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from broker.chain import Feed, Gap, Position
from broker.following import Place
from broker.private_sqlite import Layout, PrivateFile, open_private

FEED_KEPT_S: Final = 2 * 365 * 86_400  # as long as a record lives (DESIGN.md 4.2)

MAX_LINES: Final = 1000  # of an issuer; it has four a community
MAX_REFUSED: Final = 10_000  # of an issuer; heartbeats list the newest 500

# Where in its feed an accepted record stands: two for one place are a proof.
_PLACES: Final = (
    "ALTER TABLE seen ADD COLUMN feed TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE seen ADD COLUMN seq INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX seen_by_place ON seen (feed, seq) WHERE seq > 0",
)
_LINES: Final = (
    # The last heartbeat of each line.
    """CREATE TABLE lines (
        issuer TEXT NOT NULL, line TEXT NOT NULL, community TEXT NOT NULL,
        tlp TEXT NOT NULL, count INTEGER NOT NULL, chain TEXT NOT NULL,
        iat INTEGER NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (issuer, line)
    ) WITHOUT ROWID""",
    # Token ids that were refused: nobody is to wait for them.
    """CREATE TABLE refused (
        place INTEGER PRIMARY KEY, issuer TEXT NOT NULL, token_id TEXT NOT NULL,
        UNIQUE (issuer, token_id)
    )""",
)

_LAYOUT = Layout(
    name="the state of a gate",
    application_id=0x746F6367,  # "tocg"
    version=3,
    upgrades={2: (*_PLACES, *_LINES)},
    exclusive=True,  # two gates would not see each other's records
    tables=(
        """CREATE TABLE seen (
            token_id TEXT PRIMARY KEY, issuer TEXT NOT NULL,
            first_seen REAL NOT NULL, bytes INTEGER NOT NULL,
            expires INTEGER NOT NULL
        ) WITHOUT ROWID""",
        "CREATE INDEX seen_by_expiry ON seen (expires)",
        *_PLACES,
        *_LINES,
        """CREATE TABLE feeds (
            feed TEXT PRIMARY KEY, seq INTEGER NOT NULL, token_id TEXT NOT NULL,
            touched REAL NOT NULL
        ) WITHOUT ROWID""",
        "CREATE INDEX feeds_by_age ON feeds (touched)",
        # `place` keeps the order in which they were noticed.
        """CREATE TABLE gaps (
            place INTEGER PRIMARY KEY, feed TEXT NOT NULL,
            first INTEGER NOT NULL, last INTEGER NOT NULL,
            before TEXT NOT NULL, after TEXT NOT NULL
        )""",
        "CREATE INDEX gaps_by_feed ON gaps (feed)",
        # One row: the last stamp that left.
        """CREATE TABLE chain (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            pos INTEGER NOT NULL, link TEXT NOT NULL
        )""",
        "INSERT INTO chain VALUES (1, 0, '')",
    ),
)


class Seen(msgspec.Struct, frozen=True):
    """An accepted record.

    Attributes:
        first_seen: Epoch seconds.
        size: Bytes of the token.
        expires: Epoch seconds; later it would be refused for its age alone.
        feed, seq: Its place, "" and 0 if it is not known.
    """

    token_id: str
    issuer: str
    first_seen: float
    size: int
    expires: int
    feed: str = ""
    seq: int = 0


class Line(msgspec.Struct, frozen=True):
    """The last heartbeat of a line: what it says, and its JWS."""

    place: Place
    body: bytes


class ChainEnd(msgspec.Struct, frozen=True):
    """A place of the gate's chain: position and link of a stamp; 0 and "" for none."""

    pos: int
    link: str


class GateState:
    """The gate's file; made by `open_gate_state`. Thread-safe, synchronous.

    Every method raises ConfigError when the disk is full or broken.
    """

    def __init__(self, file: PrivateFile) -> None:
        self._file = file

    def try_writing(self) -> None:
        """Let a full disk show before it matters; see `PrivateFile.try_writing`."""
        self._file.try_writing()

    def known(self, token_ids: Iterable[str]) -> set[str]:
        """Tell which of *token_ids* were accepted before."""
        query = "SELECT 1 FROM seen WHERE token_id = ?"
        return {each for each in token_ids if self._file.rows(query, (each,))}

    def feeds(self, names: Iterable[str]) -> dict[str, Feed]:
        """Give the state of each feed that has one."""
        found = {name: self._feed(name) for name in set(names)}
        return {name: feed for name, feed in found.items() if feed is not None}

    def _feed(self, name: str) -> Feed | None:
        rows = self._file.rows(
            "SELECT seq, token_id FROM feeds WHERE feed = ?", (name,)
        )
        if not rows:
            return None
        gaps = self._file.rows(
            "SELECT first, last, before, after FROM gaps WHERE feed = ? ORDER BY place",
            (name,),
        )
        return Feed(Position(*rows[0]), tuple(Gap(*gap) for gap in gaps))

    def chain_end(self) -> ChainEnd:
        """Give the last stamp that is known to have left."""
        [row] = self._file.rows("SELECT pos, link FROM chain")
        return ChainEnd(*row)

    def record(
        self,
        accepted: Sequence[Seen],
        feeds: Mapping[str, Feed],
        end: ChainEnd,
        *,
        now: float,
    ) -> None:
        """Remember, all at once, what was accepted and how its feeds stand now.

        Args:
            end: The last of their stamps.
        """
        with self._file.transaction() as db:
            # Lanes may finish in another order than that of their stamps.
            db.execute(
                "UPDATE chain SET pos = ?, link = ? WHERE pos < ?",
                (end.pos, end.link, end.pos),
            )
            # A record accepted again after a crash keeps its first moment.
            db.executemany(
                "INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?, ?, ?, ?)",
                [msgspec.structs.astuple(each) for each in accepted],
            )
            for name, feed in feeds.items():
                db.execute(
                    "INSERT OR REPLACE INTO feeds VALUES (?, ?, ?, ?)",
                    (name, feed.last.seq, feed.last.token_id, now),
                )
                db.execute("DELETE FROM gaps WHERE feed = ?", (name,))
                db.executemany(
                    "INSERT INTO gaps (feed, first, last, before, after) "
                    "VALUES (?, ?, ?, ?, ?)",
                    [(name, *msgspec.structs.astuple(gap)) for gap in feed.gaps],
                )

    def at_place(self, feed: str, seq: int) -> str | None:
        """Name the accepted record at this place of a feed."""
        rows = self._file.rows(
            "SELECT token_id FROM seen WHERE feed = ? AND seq = ? AND seq > 0 "
            "ORDER BY first_seen LIMIT 1",
            (feed, seq),
        )
        return str(rows[0][0]) if rows else None

    def lines(self, issuer: str, names: Iterable[str]) -> dict[str, Line]:
        """Give the last heartbeat of each of an issuer's lines that has one."""
        query = (
            "SELECT community, tlp, count, chain, iat, body FROM lines "
            "WHERE issuer = ? AND line = ?"
        )
        found = {name: self._file.rows(query, (issuer, name)) for name in set(names)}
        return {
            name: Line(Place(*rows[0][:5]), rows[0][5])
            for name, rows in found.items()
            if rows
        }

    def follow(self, issuer: str, lines: Mapping[str, Line]) -> None:
        """Remember the last heartbeat of *lines*, of at most 1,000 of an issuer."""
        with self._file.transaction() as db:
            for name, line in lines.items():
                place = msgspec.structs.astuple(line.place)
                db.execute(
                    "INSERT OR REPLACE INTO lines VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (issuer, name, *place, line.body),
                )
            db.execute(
                "DELETE FROM lines WHERE issuer = ? AND line NOT IN (SELECT line "
                "FROM lines WHERE issuer = ? ORDER BY iat DESC LIMIT ?)",
                (issuer, issuer, MAX_LINES),
            )

    def refuse(self, issuer: str, token_id: str) -> None:
        """Remember that a token was refused, of the newest 10,000 of an issuer."""
        with self._file.transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO refused (issuer, token_id) VALUES (?, ?)",
                (issuer, token_id),
            )
            db.execute(
                "DELETE FROM refused WHERE issuer = ? AND place <= (SELECT place FROM "
                "refused WHERE issuer = ? ORDER BY place DESC LIMIT 1 OFFSET ?)",
                (issuer, issuer, MAX_REFUSED),
            )

    def was_refused(self, issuer: str, token_ids: Iterable[str]) -> set[str]:
        """Tell which of *token_ids* were refused."""
        query = "SELECT 1 FROM refused WHERE issuer = ? AND token_id = ?"
        return {t for t in token_ids if self._file.rows(query, (issuer, t))}

    def gaps(self) -> dict[str, tuple[Gap, ...]]:
        """List what is missing, by feed."""
        names = self._file.rows("SELECT DISTINCT feed FROM gaps")
        return {
            name: feed.gaps for name, feed in self.feeds(n for (n,) in names).items()
        }

    def prune(self, *, now: float) -> None:
        """Forget tokens that are refused as expired by now, and long silent feeds."""
        with self._file.transaction() as db:
            db.execute("DELETE FROM seen WHERE expires < ?", (now,))
            db.execute("DELETE FROM lines WHERE iat < ?", (now - FEED_KEPT_S,))
            db.execute("DELETE FROM feeds WHERE touched < ?", (now - FEED_KEPT_S,))
            db.execute("DELETE FROM gaps WHERE feed NOT IN (SELECT feed FROM feeds)")


@contextmanager
def open_gate_state(path: Path) -> Iterator[GateState]:
    """Open the gate's state, for nobody else until it is closed.

    Raises:
        ConfigError: In use, readable by others, of another kind.
    """
    with open_private(path, _LAYOUT) as file:
        yield GateState(file)
