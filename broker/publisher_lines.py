"""What a publisher counts for its heartbeats, and the tables of it. Edge.

A record counts once the hub's broker has confirmed it, on one line for each of its
communities (`broker.heartbeats`). Functions take a connection inside a transaction
(`publisher_state`); counting and confirming are one. What was signed before a state
had these tables is on no line.
"""

import sqlite3
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from broker import heartbeats
from broker.bus import Message
from broker.heartbeats import MAX_LISTED, chained
from broker.signing import RecordSigner
from broker.topology import ingress_key
from schemas.vocabularies.words import TlpLabel

# RED travels sealed within records of another marking, so no record is RED.
COUNTED: Final[tuple[TlpLabel, ...]] = ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT")

TABLES: Final = (
    # `said`: how many the last heartbeat counted; `said_at`: its moment.
    """CREATE TABLE lines (
        line TEXT PRIMARY KEY, community TEXT NOT NULL, tlp TEXT NOT NULL,
        count INTEGER NOT NULL, said INTEGER NOT NULL, said_at INTEGER NOT NULL,
        UNIQUE (community, tlp)
    ) WITHOUT ROWID""",
    # `chain`: before this one. `at`: epoch seconds of its confirm.
    """CREATE TABLE listed (
        line TEXT NOT NULL, place INTEGER NOT NULL, token_id TEXT NOT NULL,
        chain TEXT NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (line, place)
    ) WITHOUT ROWID""",
    # Signed, and not confirmed yet.
    """CREATE TABLE unlisted (
        token_id TEXT NOT NULL, community TEXT NOT NULL, tlp TEXT NOT NULL,
        PRIMARY KEY (token_id, community)
    ) WITHOUT ROWID""",
)


class Beat(msgspec.Struct, frozen=True):
    """What a heartbeat is to say; as the arguments of `heartbeats.make`.

    Attributes:
        at: Its moment, epoch seconds.
    """

    line: str
    community: str
    tlp: str
    first: int
    before: str
    ids: tuple[tuple[str, int], ...]
    at: int


def wait(
    db: sqlite3.Connection, token_id: str, communities: Iterable[str], tlp: str
) -> None:
    """Note on which lines a token will count."""
    db.executemany(
        "INSERT INTO unlisted VALUES (?, ?, ?)",
        [(token_id, community, tlp) for community in communities],
    )


def count(
    db: sqlite3.Connection,
    token_ids: Iterable[str],
    *,
    at: int,
    new_line: Callable[[], str],
) -> None:
    """Put what is confirmed on its lines; each token once, however often it is told.

    Args:
        at: Epoch seconds.
    """
    for token_id in token_ids:
        waiting = db.execute(
            "DELETE FROM unlisted WHERE token_id = ? RETURNING community, tlp",
            (token_id,),
        ).fetchall()
        for community, tlp in sorted(waiting):
            _add(db, begin(db, community, tlp, new_line=new_line), token_id, at)


def begin(
    db: sqlite3.Connection, community: str, tlp: str, *, new_line: Callable[[], str]
) -> str:
    """Give the line of a community and marking, begun if there is none."""
    row = db.execute(
        "SELECT line FROM lines WHERE community = ? AND tlp = ?", (community, tlp)
    ).fetchone()
    if row is not None:
        return str(row[0])
    line = new_line()
    db.execute("INSERT INTO lines VALUES (?, ?, ?, 0, 0, 0)", (line, community, tlp))
    return line


def _add(db: sqlite3.Connection, line: str, token_id: str, at: int) -> None:
    [place] = db.execute("SELECT count FROM lines WHERE line = ?", (line,)).fetchone()
    last = db.execute(
        "SELECT chain, token_id FROM listed WHERE line = ? AND place = ?", (line, place)
    ).fetchone()
    chain = "" if last is None else chained(last[0], (last[1],))
    db.execute(
        "INSERT INTO listed VALUES (?, ?, ?, ?, ?)",
        (line, place + 1, token_id, chain, at),
    )
    db.execute("UPDATE lines SET count = ? WHERE line = ?", (place + 1, line))


def beats(db: sqlite3.Connection, *, now: int) -> list[Beat]:
    """Give the heartbeats of all lines, several of one with more than 500 new records."""
    found = []
    query = "SELECT line, community, tlp, count, said, said_at FROM lines ORDER BY line"
    for line, community, tlp, total, said, said_at in db.execute(query).fetchall():
        at = max(now, said_at)
        ends = [*range(min(said + MAX_LISTED, total), total, MAX_LISTED), total]
        for end in ends:
            first, before, ids = _listed(db, line, end)
            found.append(Beat(line, community, tlp, first, before, ids, at))
    return found


def said(db: sqlite3.Connection, beat: Beat) -> None:
    """Note that *beat* has arrived; what no later one lists again is forgotten."""
    total = beat.first + len(beat.ids)
    db.execute(
        "UPDATE lines SET said = ?, said_at = ? WHERE line = ? AND said <= ?",
        (total, beat.at, beat.line, total),
    )
    db.execute(
        "DELETE FROM listed WHERE line = ? AND place <= ?",
        (beat.line, total - MAX_LISTED),
    )


def _listed(
    db: sqlite3.Connection, line: str, end: int
) -> tuple[int, str, tuple[tuple[str, int], ...]]:
    """Give the newest up to place *end*, and how many and what chain stand before."""
    rows = db.execute(
        "SELECT token_id, at, chain FROM listed WHERE line = ? AND place > ? "
        "AND place <= ? ORDER BY place",
        (line, end - MAX_LISTED, end),
    ).fetchall()
    ids = tuple((token_id, moment) for token_id, moment, _ in rows)
    return end - len(ids), rows[0][2] if rows else "", ids


def forget_lines(db: sqlite3.Connection) -> None:
    """Begin all lines anew."""
    db.execute("DELETE FROM lines")
    db.execute("DELETE FROM listed")


def pulse(beat: Beat, signer: RecordSigner) -> Message:
    """Make the message of a heartbeat."""
    text = heartbeats.make(
        signer,
        line=beat.line,
        community=beat.community,
        tlp=beat.tlp,
        first=beat.first,
        before=beat.before,
        ids=beat.ids,
        now=beat.at,
    )
    return Message(
        body=text,
        message_id=heartbeats.beat_id(text),
        routing_key=ingress_key(issuer=signer.org, kind="heartbeat", tlp=beat.tlp),
        content_type=heartbeats.CONTENT_TYPE,
        user_id=signer.org,
    )
