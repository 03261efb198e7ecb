"""What an issuer was told about its records, kept beside the publisher's state. Edge.

Whatever is read from the issuer's queue of feedback lies here before the queue forgets
it, so that commands which read that queue for different ends lose each other nothing.
Answers and refusals are kept as they came: a signed answer is a proof. Reports of
adapters are taken in: of each token what the newest said, and that report itself.

Several processes may have the file open.
"""

import hashlib
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from broker import delivery_reports
from broker.bus import Message
from broker.delivery_reports import MAX_NAMED, Reached, Report
from broker.directory import Directory
from broker.errors import TrustError
from broker.feedback_kept import Kept, Told
from broker.private_sqlite import Layout, PrivateFile, open_private
from broker.publisher_tables import KEPT_S

MAX_BODY: Final = 5 << 20  # the largest that is sent: a proof that oversight gets
# What one login has told: more of it displaces its own oldest, and nobody else's.
MAX_OF_SENDER: Final = 20_000

LAYOUT: Final = Layout(
    name="a file of feedback",
    application_id=0x746F6366,  # "tocf"
    version=1,
    exclusive=False,
    tables=(
        # `hash`: of all of it; the same message again is the same. `body`: none if it
        # was too large.
        """CREATE TABLE messages (
            place INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,
            sender TEXT NOT NULL, routing_key TEXT NOT NULL,
            message_id TEXT NOT NULL, content_type TEXT NOT NULL, body BLOB,
            came_at REAL NOT NULL, shown INTEGER NOT NULL DEFAULT 0
        )""",
        "CREATE INDEX by_sender ON messages (sender, place)",
        "CREATE INDEX not_shown ON messages (place) WHERE shown = 0",
        "CREATE TABLE reports (id INTEGER PRIMARY KEY, body BLOB NOT NULL)",
        """CREATE TABLE reached (
            token TEXT NOT NULL, adapter TEXT NOT NULL, iat INTEGER NOT NULL,
            said BLOB NOT NULL, report INTEGER NOT NULL REFERENCES reports,
            PRIMARY KEY (token, adapter)
        ) WITHOUT ROWID""",
        "CREATE INDEX by_report ON reached (report)",
    ),
)

_SELECT: Final = (
    "SELECT place, sender, routing_key, message_id, content_type, body, came_at "
    "FROM messages"
)


def beside(state: Path) -> Path:
    """Name the file that belongs to a publisher's state."""
    return state.with_name(f"{state.name}.feedback")


@contextmanager
def open_feedback(path: Path, *, now: float) -> Iterator["FeedbackFile"]:
    """Open a file of feedback, made with mode 0600 if it is missing.

    Args:
        now: Epoch seconds; what is older than `KEPT_S` then is forgotten.

    Raises:
        ConfigError: As `private_sqlite.open_private`.
    """
    with open_private(path, LAYOUT) as file:
        opened = FeedbackFile(file)
        opened.forget(now - KEPT_S)
        yield opened


class FeedbackFile:
    """What was told; made by `open_feedback`. Synchronous, thread-safe.

    Every method raises ConfigError when the disk is full or broken, or the file
    locked for five seconds.
    """

    def __init__(self, file: PrivateFile) -> None:
        self._file = file

    def keep(self, messages: Sequence[Message], now: float) -> None:
        """Return once all *messages* are on disk, those that were not there already."""
        with self._file.transaction() as db:
            for each in messages:
                _keep(db, each, now)
            for sender in {each.user_id for each in messages}:
                _make_room(db, sender)

    def take_in(self, to: str, directory: Directory) -> None:
        """Verify what reports are kept, and take them in.

        One that is none stays, to be shown.

        Args:
            to: The organisation whose file this is.
        """
        query = "content_type = ? AND shown = 0"
        found: list[tuple[Kept, Report]] = []
        for each in self._find(query, (delivery_reports.CONTENT_TYPE,)):
            with suppress(TrustError):
                report = delivery_reports.verify(
                    each.message, to, directory, now=each.came_at
                )
                found.append((each, report))
        if not found:
            return
        with self._file.transaction() as db:
            for each, report in found:
                _take_in(db, report, each.message.body)
                db.execute("DELETE FROM messages WHERE place = ?", (each.place,))
            _drop_reports(db)

    def told(self, tokens: Collection[str]) -> dict[str, Told]:
        """Give how far each of *tokens* came; those of which nothing is known are out."""
        found: dict[str, Told] = {}
        query = (
            "SELECT said, body FROM reached JOIN reports ON report = id "
            "WHERE token = ? ORDER BY adapter"
        )
        for token in tokens:
            for said, body in self._file.rows(query, (token,)):
                found[token] = _sum(found.get(token, Told()), _read(said), body)
        return found

    def unshown(self) -> list[Kept]:
        """Give what no `tocsin feedback` has shown, in the order in which it came."""
        return self._find("shown = 0")

    def kept(self) -> list[Kept]:
        """Give all that is kept but reports, in the order in which it came."""
        return self._find("TRUE")

    def since(self, place: int, sender: str) -> list[Kept]:
        """Give what *sender* told behind *place*."""
        return self._find("place > ? AND sender = ?", (place, sender))

    def of_type(self, content_type: str) -> list[Kept]:
        """Give what is kept of one content type."""
        return self._find("content_type = ?", (content_type,))

    def mark_shown(self, places: Collection[int]) -> None:
        """Note that these were shown."""
        with self._file.transaction() as db:
            db.executemany(
                "UPDATE messages SET shown = 1 WHERE place = ?",
                [(each,) for each in places],
            )

    def forget(self, before: float) -> None:
        """Forget what came, or was reported, before that time (epoch seconds)."""
        with self._file.transaction() as db:
            db.execute("DELETE FROM messages WHERE came_at < ?", (before,))
            db.execute("DELETE FROM reached WHERE iat < ?", (before,))
            _drop_reports(db)

    def _find(self, condition: str, values: Sequence[object] = ()) -> list[Kept]:
        rows = self._file.rows(f"{_SELECT} WHERE {condition} ORDER BY place", values)
        return [
            Kept(
                place,
                Message(
                    body=body or b"",
                    message_id=message_id,
                    routing_key=key,
                    content_type=kind,
                    user_id=sender,
                ),
                came_at,
            )
            for place, sender, key, message_id, kind, body, came_at in rows
        ]


def _keep(db: sqlite3.Connection, message: Message, now: float) -> None:
    parts = (message.user_id, message.routing_key, message.content_type)
    named = hashlib.sha256("\n".join(parts).encode() + b"\n" + message.body).digest()
    body = message.body if len(message.body) <= MAX_BODY else None
    db.execute(
        "INSERT OR IGNORE INTO messages (hash, sender, routing_key, content_type, "
        "message_id, body, came_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (named, *parts, message.message_id, body, now),
    )


def _make_room(db: sqlite3.Connection, sender: str) -> None:
    db.execute(
        "DELETE FROM messages WHERE place IN (SELECT place FROM messages "
        "WHERE sender = ? ORDER BY place DESC LIMIT -1 OFFSET ?)",
        (sender, MAX_OF_SENDER),
    )


def _take_in(db: sqlite3.Connection, report: Report, body: bytes) -> None:
    [number] = db.execute(
        "INSERT INTO reports (body) VALUES (?) RETURNING id", (body,)
    ).fetchone()
    for said in report.records:
        key, joined = (said.token, report.adapter), said
        row = db.execute(
            "SELECT said, iat FROM reached WHERE token = ? AND adapter = ?", key
        ).fetchone()
        if row is not None:
            if report.iat < row[1]:
                continue  # it is older, and came late
            joined = _joined(_read(row[0]), said)
        db.execute(
            "INSERT OR REPLACE INTO reached VALUES (?, ?, ?, ?, ?)",
            (*key, report.iat, msgspec.json.encode(joined), number),
        )


def _joined(known: Reached, said: Reached) -> Reached:
    """Let stand what was told before: a member may have taken its consent back."""
    named = {each.org: each for each in (*said.named, *known.named)}
    return Reached(
        said.token,
        max(known.members, said.members),
        max(known.at, said.at),
        tuple(named[org] for org in sorted(named)[:MAX_NAMED]),
    )


def _drop_reports(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM reports WHERE id NOT IN (SELECT report FROM reached)")


def _read(said: bytes) -> Reached:
    return msgspec.json.decode(said, type=Reached)


def _sum(before: Told, said: Reached, body: bytes) -> Told:
    named: dict[str, int] = {**before.named}
    for each in said.named:
        named[each.org] = min(each.at, named.get(each.org, each.at))
    return Told(
        before.members + said.members,
        max(before.at, said.at),
        named,
        (*before.reports, body),
    )
