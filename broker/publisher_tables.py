"""The tables of a publisher's state, and what is read and written in them. Edge.

Functions take a connection inside a transaction (`publisher_state`).

A version, the replacement ids of its lineage and the account of what was confirmed
are kept for `KEPT_S` after the newest signature of the lineage (the confirm), as
long as a token of it may count anywhere, and then forgotten. A version published
after that begins a new lineage: other replacement ids, no `sup`.
"""

import sqlite3
from collections.abc import Mapping
from typing import Final

import msgspec

from broker import publisher_joint, publisher_lines
from broker.bus import TOKEN_CONTENT_TYPE, Message
from broker.private_sqlite import Layout
from broker.publisher_tip import Tip
from broker.signing import HANDLING_HORIZON_S, FeedPosition
from schemas.errors import SchemaError
from schemas.record import Need

# A token is refused once `exp` is over; the day is for clocks that differ.
KEPT_S: Final = HANDLING_HORIZON_S + 86_400
MAX_AHEAD: Final = 50  # records that go before older ones
PENDING: Final = "FROM outbox WHERE confirmed_at IS NULL"
Key = tuple[str, str]  # lineage, schemas.timestamps.key of the version

_NEED: Final = "need TEXT NOT NULL DEFAULT ''"  # of a joint record, as JSON
# Of a record with further signatures or sealed parts another one.
_CONTENT_TYPE: Final = (
    "ALTER TABLE outbox ADD COLUMN content_type TEXT NOT NULL "
    f"DEFAULT '{TOKEN_CONTENT_TYPE}'"
)
# 1: of severity high or extreme; it goes before others where many wait.
_URGENT: Final = "ALTER TABLE outbox ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0"
# What is sealed in a token, to seal it to others later (`seal_signing.Kept`): secret.
_SEALED: Final = """CREATE TABLE sealed (
    token_id TEXT PRIMARY KEY, kept BLOB NOT NULL
) WITHOUT ROWID"""

LAYOUT: Final = Layout(
    name="the state of a publisher",
    application_id=0x746F6370,  # "tocp"
    version=6,
    exclusive=True,  # two publishers on one counter would fork the feed
    upgrades={
        2: publisher_lines.TABLES,
        3: (_CONTENT_TYPE, _SEALED),
        4: (
            *publisher_joint.TABLES,
            f"ALTER TABLE versions ADD COLUMN {_NEED}",
        ),
        5: (_URGENT,),
    },
    tables=(
        *publisher_lines.TABLES,
        *publisher_joint.TABLES,
        """CREATE TABLE meta (
            org TEXT NOT NULL, publisher TEXT NOT NULL,
            epoch TEXT NOT NULL, seq INTEGER NOT NULL, prev TEXT NOT NULL
        )""",
        # `place` orders across epochs. A body goes once it is confirmed.
        """CREATE TABLE outbox (
            place INTEGER PRIMARY KEY,
            token_id TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL,
            routing_key TEXT NOT NULL, content_encoding TEXT NOT NULL,
            body BLOB, confirmed_at REAL
        )""",
        _CONTENT_TYPE,
        _URGENT,
        _SEALED,
        "CREATE INDEX pending ON outbox (place) WHERE confirmed_at IS NULL",
        """CREATE INDEX confirmed ON outbox (confirmed_at)
            WHERE confirmed_at IS NOT NULL""",
        # `signed_at`: epoch seconds of the newest signature.
        """CREATE TABLE lineages (
            lineage TEXT PRIMARY KEY, signed_at REAL NOT NULL
        ) WITHOUT ROWID""",
        "CREATE INDEX lineages_by_age ON lineages (signed_at)",
        """CREATE TABLE blind (
            lineage TEXT NOT NULL, original TEXT NOT NULL,
            replacement TEXT NOT NULL,
            PRIMARY KEY (lineage, original)
        ) WITHOUT ROWID""",
        # `ver_key`: one moment has several spellings. `content` tells the same
        # record from another one under the same version.
        f"""CREATE TABLE versions (
            lineage TEXT NOT NULL, ver_key TEXT NOT NULL, content BLOB NOT NULL,
            sub TEXT NOT NULL, ver TEXT NOT NULL, kind TEXT NOT NULL,
            token_id TEXT NOT NULL, seq INTEGER NOT NULL, {_NEED},
            PRIMARY KEY (lineage, ver_key)
        ) WITHOUT ROWID""",
    ),
)


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a record, as its issuer has it.

    Attributes:
        lineage: Id of the primary object before blinding.
        ver: `modified` of the primary object.
        content: SHA-256 over all that the issuer says.
        need: Of a joint record: it waits until `publisher_joint.release`.
    """

    lineage: str
    ver: str
    kind: str
    content: bytes
    need: Need | None = None


class Before(msgspec.Struct, frozen=True):
    """What a token must continue.

    Attributes:
        replacements: Original to replacement id, of this lineage.
        replaces: Token id of the newest version before this one.
    """

    position: FeedPosition
    replacements: Mapping[str, str]
    replaces: str | None


class Signed(msgspec.Struct, frozen=True):
    """A token as it will leave, each time the same.

    Attributes:
        message: Its message id is the token id.
        sub: Id of the primary object after blinding.
        added: Replacements that `Before.replacements` lacked.
        communities, tlp: On which lines it counts (`broker.heartbeats`).
        kept: What is sealed in it, to seal it to others later; b"" if nothing is.
        lead: The record as its lead alone signed it, as `carried.encode` spells it.
        urgent: Whether it is of severity high or extreme.
    """

    message: Message
    sub: str
    added: Mapping[str, str]
    communities: tuple[str, ...] = ()
    tlp: str = ""
    kept: bytes = b""
    lead: bytes = b""
    urgent: bool = False


class Committed(msgspec.Struct, frozen=True):
    """A version that is signed for good.

    Attributes:
        seq: Its place in the feed that was current then.
        already: Whether it was signed by an earlier call.
        waiting: The token of a joint record that waits for cosigners.
    """

    token_id: str
    sub: str
    seq: int
    already: bool
    waiting: bytes | None = None


class Newest(msgspec.Struct, frozen=True):
    """The newest version of a lineage.

    Attributes:
        ver: `modified` of its primary object.
        content, need: As in `Version`.
    """

    ver: str
    kind: str
    content: bytes
    committed: Committed
    need: Need | None


class Published(msgspec.Struct, frozen=True):
    """A version that was signed.

    Attributes:
        sub: Id under which members know the record.
        confirmed_at: When the hub's broker had it, epoch seconds; None if not yet.
    """

    token_id: str
    sub: str
    ver: str
    kind: str
    confirmed_at: float | None


PUBLISHED: Final = (
    "SELECT token_id, sub, ver, kind, confirmed_at FROM versions "
    "JOIN outbox USING (token_id) ORDER BY place"
)


def head(db: sqlite3.Connection) -> Tip:
    """Name the newest token that is signed."""
    return Tip(*db.execute("SELECT epoch, seq, prev FROM meta").fetchone())


def lacks(db: sqlite3.Connection, tip: Tip) -> bool:
    """Tell whether *tip* is no token of the current epoch, as it is known here."""
    newest = head(db)
    if tip.epoch != newest.epoch or tip.seq > newest.seq:
        return True
    if tip.seq == newest.seq:
        return tip != newest
    if tip.seq == 0:
        return tip.token_id != ""  # written when the epoch began
    query = "SELECT 1 FROM outbox WHERE token_id = ? AND seq = ?"
    return db.execute(query, (tip.token_id, tip.seq)).fetchone() is None


def find(db: sqlite3.Connection, key: Key, content: bytes) -> Committed | None:
    """Give a version that is signed already.

    Raises:
        SchemaError: `version-known`: it is signed with other content.
    """
    row = db.execute(
        "SELECT token_id, sub, seq, content FROM versions "
        "WHERE lineage = ? AND ver_key = ?",
        key,
    ).fetchone()
    if row is None:
        return None
    token_id, sub, seq, known = row
    if known != content:
        raise SchemaError("version-known", "$.modified")
    waiting = publisher_joint.waiting(db, token_id)
    return Committed(token_id, sub, seq, already=True, waiting=waiting)


def newest(db: sqlite3.Connection, lineage: str) -> Newest | None:
    """Give the newest version of a lineage that is signed."""
    row = db.execute(
        "SELECT ver, kind, content, need, token_id, sub, seq FROM versions "
        "WHERE lineage = ? ORDER BY ver_key DESC LIMIT 1",
        (lineage,),
    ).fetchone()
    if row is None:
        return None
    ver, kind, content, need, token_id, sub, seq = row
    waiting = publisher_joint.waiting(db, token_id)
    done = Committed(token_id, sub, seq, already=True, waiting=waiting)
    return Newest(ver, kind, content, done, publisher_joint.read(need))


def lineage_of(db: sqlite3.Connection, sub: str) -> str | None:
    """Give the issuer's own id of a record that members know as *sub*."""
    query = "SELECT lineage FROM versions WHERE sub = ? LIMIT 1"
    row = db.execute(query, (sub,)).fetchone()
    return None if row is None else str(row[0])


def before(db: sqlite3.Connection, key: Key) -> Before:
    """Collect what the token of a new version must continue."""
    org, publisher, epoch, last, prev = db.execute("SELECT * FROM meta").fetchone()
    position = FeedPosition(f"{org}/{publisher}/{epoch}", last + 1, prev)
    replaced = db.execute(
        "SELECT token_id FROM versions WHERE lineage = ? AND ver_key < ? "
        "ORDER BY ver_key DESC LIMIT 1",
        key,
    ).fetchone()
    replacements = db.execute(
        "SELECT original, replacement FROM blind WHERE lineage = ?", key[:1]
    )
    return Before(position, dict(replacements), replaced[0] if replaced else None)


def add(
    db: sqlite3.Connection,
    key: Key,
    version: Version,
    seq: int,
    signed: Signed,
    *,
    at: float,
) -> None:
    """Take in a token signed at epoch seconds *at*, as number *seq* of its feed."""
    token_id = signed.message.message_id
    if version.need is None:
        db.execute("UPDATE meta SET seq = ?, prev = ?", (seq, token_id))
        send(db, seq, signed)
    else:
        publisher_joint.hold(db, token_id, signed.lead, at=at)
    if signed.kept:
        db.execute("INSERT INTO sealed VALUES (?, ?)", (token_id, signed.kept))
    db.execute(
        "INSERT INTO lineages VALUES (?, ?) ON CONFLICT (lineage) "
        "DO UPDATE SET signed_at = max(signed_at, excluded.signed_at)",
        (version.lineage, at),
    )
    db.executemany(
        "INSERT INTO blind VALUES (?, ?, ?)",
        [(version.lineage, *each) for each in signed.added.items()],
    )
    db.execute(
        "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *key,
            version.content,
            signed.sub,
            version.ver,
            version.kind,
            token_id,
            seq,
            publisher_joint.spelled(version.need),
        ),
    )


def send(db: sqlite3.Connection, seq: int, signed: Signed) -> None:
    """Put a token into the outbox, as number *seq* of its feed."""
    message = signed.message
    db.execute(
        "INSERT INTO outbox (token_id, seq, routing_key, content_type, "
        "content_encoding, body, urgent) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            message.message_id,
            seq,
            message.routing_key,
            message.content_type,
            message.content_encoding,
            message.body,
            signed.urgent,
        ),
    )
    publisher_lines.wait(db, message.message_id, signed.communities, signed.tlp)


def next_places(db: sqlite3.Connection, limit: int) -> list[tuple[int, int]]:
    """Give place and size of what leaves next: the oldest, but urgent ones first.

    One that goes before others leaves a gap in the feed until those have gone, and
    the gate remembers 100 (`chain.MAX_GAPS`): never more than `MAX_AHEAD`, and none
    where all that waits leaves at once.
    """
    query = f"SELECT place, length(body), urgent {PENDING} "
    oldest = db.execute(f"{query} ORDER BY place LIMIT ?", (limit + 1,)).fetchall()
    ahead: list[tuple[int, int]] = []
    if len(oldest) > limit:
        first, last = oldest[0][0], oldest[limit - 1][0]
        [gone] = db.execute(
            "SELECT count(*) FROM outbox WHERE confirmed_at IS NOT NULL AND place > ?",
            (first,),
        ).fetchone()
        found = db.execute(
            f"{query} AND urgent = 1 AND place > ? ORDER BY place LIMIT ?",
            (last, min(limit, max(0, MAX_AHEAD - gone))),
        )
        ahead = [(place, size) for place, size, _ in found]
    rest = [(place, size) for place, size, _ in oldest[: limit - len(ahead)]]
    return ahead + rest


def forget(db: sqlite3.Connection, *, before: float) -> None:
    """Forget lineages last signed, and records confirmed, before that time (s).

    What still waits for its confirm stays.
    """
    db.execute(
        "DELETE FROM sealed WHERE token_id IN (SELECT token_id FROM versions JOIN "
        "lineages USING (lineage) WHERE signed_at < ?)",
        (before,),
    )
    for table in ("blind", "versions", "lineages"):  # `lineages` names the others
        db.execute(
            f"DELETE FROM {table} WHERE lineage IN "  # noqa: S608  our own names
            "(SELECT lineage FROM lineages WHERE signed_at < ?)",
            (before,),
        )
    db.execute("DELETE FROM outbox WHERE confirmed_at < ?", (before,))
    publisher_joint.forget(db, before=before)
