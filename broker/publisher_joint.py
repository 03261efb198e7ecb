"""Joint records of a publisher that wait for cosigners, and the table of them. Edge.

Their version counts as signed from the beginning, as its ids are given out. A joint
record has a feed of its own, at place 1: others may take weeks to sign, and a place in
the common feed would be a gap, an alarm at the hub, all that time. Functions take a
connection inside a transaction (`publisher_state`).
"""

import sqlite3
from typing import Final

import msgspec

from broker.errors import TrustError
from broker.signing import FeedPosition
from schemas.record import Need

TABLES: Final = (
    # `at`: epoch seconds of the lead's signature.
    """CREATE TABLE joint (
        token_id TEXT PRIMARY KEY, at REAL NOT NULL, token BLOB NOT NULL
    ) WITHOUT ROWID""",
)


def place_apart(position: FeedPosition, epoch: str) -> FeedPosition:
    """Give the first place of a feed of its own."""
    publisher = position.feed.rpartition("/")[0]
    return FeedPosition(f"{publisher}/{epoch}", 1, "")


def spelled(need: Need | None) -> str:
    """Give what the state keeps of the claim; "" without it."""
    return "" if need is None else msgspec.json.encode(need).decode()


def read(text: str) -> Need | None:
    """Give the claim back."""
    return msgspec.json.decode(text, type=Need) if text else None


def hold(db: sqlite3.Connection, token_id: str, token: bytes, *, at: float) -> None:
    """Keep a token until enough have signed it."""
    db.execute("INSERT INTO joint VALUES (?, ?, ?)", (token_id, at, token))


def waiting(db: sqlite3.Connection, token_id: str) -> bytes | None:
    """Give a token that waits."""
    row = db.execute(
        "SELECT token FROM joint WHERE token_id = ?", (token_id,)
    ).fetchone()
    return None if row is None else bytes(row[0])


def release(db: sqlite3.Connection, token_id: str, token: bytes) -> bool:
    """Let go of a token; False if that was done before.

    Raises:
        TrustError: `not-prepared`; `other-record`: a part of it was changed or cut.
    """
    held = waiting(db, token_id)
    if held is None:
        query = "SELECT 1 FROM outbox WHERE token_id = ?"
        if db.execute(query, (token_id,)).fetchone() is None:
            raise TrustError("not-prepared")
        return False
    if held != token:
        raise TrustError("other-record")
    db.execute("DELETE FROM joint WHERE token_id = ?", (token_id,))
    return True


def forget(db: sqlite3.Connection, *, before: float) -> None:
    """Forget what was never cosigned since that time, epoch seconds."""
    db.execute("DELETE FROM joint WHERE at < ?", (before,))
