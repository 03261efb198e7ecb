"""What a publisher must never forget: its counter, outbox, blind map, versions. Edge.

One SQLite file per publisher; it stays at the issuer's. One transaction commits
counter, token, replacement ids and version before anything leaves, so a crash at
any moment repeats the same bytes or nothing.

A restored backup would use counters again that the hub has seen, which it answers
with `chain-conflict`: begin a `new_epoch` (`tocsin publish --new-epoch`) after every
restore. What was signed after the backup is not known here any more; published
again, it gets other replacement ids and another token id.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from broker import base64url
from broker.bus import Message
from broker.errors import BusError, ConfigError
from broker.private_sqlite import Layout, PrivateFile, open_private
from broker.signing import FeedPosition
from schemas import timestamps
from schemas.errors import SchemaError
from schemas.record import is_org

MAX_PENDING: Final = 10_000  # bounds the disk while the hub is not reachable
EPOCH_BYTES: Final = 12  # 16 characters of base64url
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_PENDING: Final = "FROM outbox WHERE confirmed_at IS NULL"
_Key = tuple[str, str]  # lineage, schemas.timestamps.key of the version

_LAYOUT = Layout(
    name="the state of a publisher",
    application_id=0x746F6370,  # "tocp"
    version=1,
    exclusive=True,  # two publishers on one counter would fork the feed
    tables=(
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
        "CREATE INDEX pending ON outbox (place) WHERE confirmed_at IS NULL",
        """CREATE TABLE blind (
            lineage TEXT NOT NULL, original TEXT NOT NULL,
            replacement TEXT NOT NULL,
            PRIMARY KEY (lineage, original)
        ) WITHOUT ROWID""",
        # `ver_key`: one moment has several spellings. `content` tells the same
        # record from another one under the same version.
        """CREATE TABLE versions (
            lineage TEXT NOT NULL, ver_key TEXT NOT NULL, content BLOB NOT NULL,
            sub TEXT NOT NULL, ver TEXT NOT NULL, kind TEXT NOT NULL,
            token_id TEXT NOT NULL, seq INTEGER NOT NULL,
            PRIMARY KEY (lineage, ver_key)
        ) WITHOUT ROWID""",
    ),
)


class OutboxFullError(BusError):
    """As many records as allowed wait for a confirm. Nothing was signed."""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a record, as its issuer has it.

    Attributes:
        lineage: Id of the primary object before blinding.
        ver: `modified` of the primary object.
        content: SHA-256 over all that the issuer says.
    """

    lineage: str
    ver: str
    kind: str
    content: bytes


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
    """

    message: Message
    sub: str
    added: Mapping[str, str]


class Committed(msgspec.Struct, frozen=True):
    """A version that is signed for good.

    Attributes:
        seq: Its place in the feed that was current then.
        already: Whether it was signed by an earlier call.
    """

    token_id: str
    sub: str
    seq: int
    already: bool


class PublisherState:
    """One publisher's file; made by `open_state`. Thread-safe, synchronous."""

    def __init__(
        self,
        file: PrivateFile,
        *,
        org: str,
        entropy: Callable[[int], bytes],
        max_pending: int,
    ) -> None:
        self._file = file
        self._org = org
        self._entropy = entropy
        self._max_pending = max_pending

    def commit(self, version: Version, build: Callable[[Before], Signed]) -> Committed:
        """Sign *version* with *build* unless it is signed already.

        *build* runs inside the transaction; what it raises undoes everything.

        Raises:
            SchemaError: `version-known`: the same version is signed with other
                content; `bad-property`: `ver` is no time.
            OutboxFullError: Too many records wait for a confirm.
            ConfigError: The disk is full or broken.
        """
        key = (version.lineage, timestamps.key(version.ver))
        with self._file.transaction() as db:
            known = _find(db, key, version.content)
            if known is not None:
                return known
            self._check_room(db)
            before = _before(db, key)
            signed = build(before)
            _add(db, key, version, before.position.seq, signed)
        return Committed(
            signed.message.message_id, signed.sub, before.position.seq, already=False
        )

    def _check_room(self, db: sqlite3.Connection) -> None:
        [pending] = db.execute(f"SELECT count(*) {_PENDING}").fetchone()
        if pending >= self._max_pending:
            raise OutboxFullError(
                f"{pending} records wait in the outbox for the hub to confirm them"
            )

    def pending(self, *, limit: int, max_bytes: int) -> list[Message]:
        """Give the oldest unconfirmed messages, in the order they were signed.

        At least one if there is any; then no more than *limit* and *max_bytes*.
        """
        found: list[Message] = []
        sizes = self._file.rows(
            f"SELECT place, length(body) {_PENDING} ORDER BY place LIMIT ?",
            (limit,),
        )
        left = max_bytes
        for place, size in sizes:
            left -= size
            if found and left < 0:
                break
            [(token_id, key, encoding, body)] = self._file.rows(
                "SELECT token_id, routing_key, content_encoding, body FROM outbox "
                "WHERE place = ?",
                (place,),
            )
            found.append(
                Message(
                    body=body,
                    message_id=token_id,
                    routing_key=key,
                    content_encoding=encoding,
                    user_id=self._org,
                )
            )
        return found

    def count_pending(self) -> int:
        """Count the records that the hub has not confirmed."""
        [(count,)] = self._file.rows(f"SELECT count(*) {_PENDING}")
        return int(count)

    def confirm(self, token_ids: Iterable[str], *, at: float) -> None:
        """Remember that the hub has them, at epoch seconds *at*; purge the bodies."""
        with self._file.transaction() as db:
            db.executemany(
                "UPDATE outbox SET confirmed_at = ?, body = NULL WHERE token_id = ?",
                [(at, token_id) for token_id in token_ids],
            )

    def new_epoch(self) -> str:
        """Begin a feed anew, at 1, and give its name. After every restored backup.

        What waits in the outbox leaves unchanged, under the feed it was signed in.
        """
        with self._file.transaction() as db:
            db.execute(
                "UPDATE meta SET epoch = ?, seq = 0, prev = ''", (self._new_epoch(),)
            )
        return self.feed

    @property
    def feed(self) -> str:
        """Name of the current feed: `<org>/<publisher>/<epoch>`."""
        [row] = self._file.rows("SELECT org, publisher, epoch FROM meta")
        return "/".join(row)

    def take_in(self, publisher: str) -> None:
        """Make the file this publisher's, or check that it is.

        Raises:
            ConfigError: It is another one's.
        """
        with self._file.transaction() as db:
            row = db.execute("SELECT org, publisher FROM meta").fetchone()
            if row is None:
                db.execute(
                    "INSERT INTO meta VALUES (?, ?, ?, 0, '')",
                    (self._org, publisher, self._new_epoch()),
                )
            elif row != (self._org, publisher):
                raise ConfigError(
                    f"this state belongs to {'/'.join(row)}, "
                    f"not to {self._org}/{publisher}"
                )

    def _new_epoch(self) -> str:
        return base64url.encode(self._entropy(EPOCH_BYTES)).decode()


def _find(db: sqlite3.Connection, key: _Key, content: bytes) -> Committed | None:
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
    return Committed(token_id, sub, seq, already=True)


def _before(db: sqlite3.Connection, key: _Key) -> Before:
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


def _add(
    db: sqlite3.Connection, key: _Key, version: Version, seq: int, signed: Signed
) -> None:
    message = signed.message
    token_id = message.message_id
    db.execute("UPDATE meta SET seq = ?, prev = ?", (seq, token_id))
    db.execute(
        "INSERT INTO outbox (token_id, seq, routing_key, content_encoding, body) "
        "VALUES (?, ?, ?, ?, ?)",
        (token_id, seq, message.routing_key, message.content_encoding, message.body),
    )
    db.executemany(
        "INSERT INTO blind VALUES (?, ?, ?)",
        [(version.lineage, *each) for each in signed.added.items()],
    )
    db.execute(
        "INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*key, version.content, signed.sub, version.ver, version.kind, token_id, seq),
    )


@contextmanager
def open_state(
    path: Path,
    *,
    org: str,
    publisher: str,
    entropy: Callable[[int], bytes],
    max_pending: int = MAX_PENDING,
) -> Iterator[PublisherState]:
    """Open a publisher's state, for nobody else until it is closed.

    Raises:
        ConfigError: In use, readable by others, another publisher's, or a name
            that cannot stand in a feed.
    """
    if not is_org(org) or not _NAME.fullmatch(publisher):
        raise ConfigError("organisation and publisher are named [a-z][a-z0-9-]{1,40}")
    with open_private(path, _LAYOUT) as file:
        state = PublisherState(file, org=org, entropy=entropy, max_pending=max_pending)
        state.take_in(publisher)
        yield state
