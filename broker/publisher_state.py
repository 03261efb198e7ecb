"""What a publisher must never forget: its counter, outbox, blind map, versions. Edge.

One SQLite file per publisher, with its tip beside it (`publisher_tip`); both stay at
the issuer's. One transaction commits counter, token, replacement ids and version
before anything leaves, so a crash at any moment repeats the same bytes or nothing.

A restored backup would use counters again that the hub has seen, which it answers
with `chain-conflict`. A state that is not surely the one that last ran therefore
begins a new epoch when it is opened. A needless one costs the hub the notice that
the last records of the old one are missing; nothing else. What is not noticed
(`publisher_tip`) needs `new_epoch` by hand (`tocsin publish --new-epoch`). What was
signed after the backup is not known here any more; published again, it gets other
replacement ids and another token id.

How long all this is kept: `publisher_tables`.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from broker import base64url, publisher_joint, publisher_lines, publisher_tables
from broker.bus import Message
from broker.errors import BusError, ConfigError
from broker.heartbeats import LINE_BYTES
from broker.private_sqlite import PrivateFile, open_private
from broker.publisher_lines import COUNTED, Beat
from broker.publisher_tables import (
    KEPT_S,
    LAYOUT,
    PENDING,
    Before,
    Committed,
    Newest,
    Published,
    Signed,
    Version,
)
from broker.publisher_tip import Doubt, Tip, TipFile, beside
from schemas import timestamps
from schemas.errors import SchemaError
from schemas.record import is_org

# Both bound the disk while the hub is not reachable; a record may have 16 MiB.
MAX_PENDING: Final = 10_000
MAX_PENDING_BYTES: Final = 4 << 30
EPOCH_BYTES: Final = 12  # 16 characters of base64url
PRUNE_EVERY_S: Final = 86_400
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")


class OutboxFullError(BusError):
    """As much as allowed waits for a confirm, or more. Nothing was signed."""


class PublisherState:
    """One publisher's file; made by `open_state`. Thread-safe, synchronous.

    Every method raises ConfigError when the disk is full or broken.

    Attributes:
        doubt: Why opening it began a new epoch, if a backup may have been restored.
    """

    def __init__(
        self,
        file: PrivateFile,
        tip: TipFile,
        *,
        org: str,
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        max_pending: int,
    ) -> None:
        self.doubt: Doubt | None = None
        self._file = file
        self._tip = tip
        self._org = org
        self._clock = clock
        self._entropy = entropy
        self._max_pending = max_pending
        self._pending_bytes: int | None = None  # where we know it
        self._marked: Tip | None = None  # what the tip holds, where we know it
        self._prune_at = 0.0

    def commit(self, version: Version, build: Callable[[Before], Signed]) -> Committed:
        """Sign *version* with *build* unless it is signed already.

        *build* runs inside the transaction; what it raises undoes everything.

        Raises:
            SchemaError: `version-known`: the same version is signed with other
                content; `bad-property`: `ver` is no time; `retracted`.
            OutboxFullError: Too many records wait for a confirm.
        """
        key = (version.lineage, timestamps.key(version.ver))
        now = self._clock()
        self._prune(now)
        with self._file.transaction() as db:
            known = publisher_tables.find(db, key, version.content)
            if known is not None:
                return known
            newest = publisher_tables.newest(db, version.lineage)
            was_taken_back = newest is not None and newest.kind == "retraction"
            if was_taken_back and version.kind != "retraction":
                raise SchemaError("retracted")  # STIX 2.1: revoked ends it for good
            self._check_room(db)
            before = publisher_tables.before(db, key)
            if version.need is not None:
                apart = publisher_joint.place_apart(before.position, self._epoch())
                before = msgspec.structs.replace(before, position=apart)
            signed = build(before)
            seq = before.position.seq
            publisher_tables.add(db, key, version, seq, signed, at=now)
            if version.need is None:
                self._note_room(signed.message)
        waiting = None if version.need is None else signed.lead
        token_id = signed.message.message_id
        return Committed(token_id, signed.sub, seq, already=False, waiting=waiting)

    def release(self, signed: Signed) -> bool:
        """Put a joint record, cosigned by now, into the outbox; False if it is known.

        Raises:
            TrustError: `not-prepared`, `other-record`.
            OutboxFullError: Too many records wait for a confirm.
        """
        with self._file.transaction() as db:
            fresh = publisher_joint.release(db, signed.message.message_id, signed.lead)
            if fresh:
                self._check_room(db)
                publisher_tables.send(db, 1, signed)
                self._note_room(signed.message)
        return fresh

    def newest(self, lineage: str) -> Newest | None:
        """Give the newest version of a record that is signed here, by its own id."""
        with self._file.transaction() as db:
            return publisher_tables.newest(db, lineage)

    def lineage_of(self, sub: str) -> str | None:
        """Give the issuer's own id of a record that members know as *sub*."""
        with self._file.transaction() as db:
            return publisher_tables.lineage_of(db, sub)

    def _check_room(self, db: sqlite3.Connection) -> None:
        [pending] = db.execute(f"SELECT count(*) {PENDING}").fetchone()
        waits = f"{pending} records wait in the outbox for the hub to confirm them"
        if pending >= self._max_pending:
            raise OutboxFullError(f"{waits}, which is as many as may")
        if self._pending_bytes is None:
            query = f"SELECT total(length(body)) {PENDING}"
            self._pending_bytes = int(db.execute(query).fetchone()[0])
        if self._pending_bytes >= MAX_PENDING_BYTES:
            raise OutboxFullError(f"{waits}, {MAX_PENDING_BYTES >> 20} MiB together")

    def _note_room(self, message: Message) -> None:
        # Undone with its transaction, it counts all the same: until the next confirm.
        if self._pending_bytes is not None:
            self._pending_bytes += len(message.body)

    def _prune(self, now: float) -> None:
        """Forget what is older than `KEPT_S`, once a day."""
        if now < self._prune_at:
            return
        with self._file.transaction() as db:
            publisher_tables.forget(db, before=now - KEPT_S)
        self._prune_at = now + PRUNE_EVERY_S

    def pending(self, *, limit: int, max_bytes: int) -> list[Message]:
        """Give the next unconfirmed messages, in the order they were signed.

        Where more than *limit* wait, some urgent ones come before older ones
        (`publisher_tables.next_places`). At least one if there is any; then no more than *limit* and *max_bytes*.
        The tip covers them: they may leave.

        Raises:
            ConfigError: The tip cannot be written, among others. Nothing may leave.
        """
        self._prune(self._clock())
        found: list[Message] = []
        with self._file.transaction() as db:
            sizes = publisher_tables.next_places(db, limit)
        left = max_bytes
        for place, size in sizes:
            left -= size
            if found and left < 0:
                break
            found.append(self._message(place))
        if found:
            # After they were read, so that the tip cannot be behind them.
            with self._file.transaction() as db:
                self._mark(db)
        return found

    def _message(self, place: int) -> Message:
        [(token_id, key, kind, encoding, body)] = self._file.rows(
            "SELECT token_id, routing_key, content_type, content_encoding, body "
            "FROM outbox WHERE place = ?",
            (place,),
        )
        return Message(
            body=body,
            message_id=token_id,
            routing_key=key,
            content_type=kind,
            content_encoding=encoding,
            user_id=self._org,
        )

    def _mark(self, db: sqlite3.Connection) -> None:
        """Have the tip name the newest token; the transaction keeps others away."""
        newest = publisher_tables.head(db)
        if newest != self._marked:
            self._marked = None
            self._tip.write(newest)
            self._marked = newest

    def count_pending(self) -> int:
        """Count the records that the hub has not confirmed."""
        [(count,)] = self._file.rows(f"SELECT count(*) {PENDING}")
        return int(count)

    def confirm(self, token_ids: Iterable[str]) -> None:
        """Remember that the hub has them, and purge the bodies."""
        now = self._clock()
        confirmed = tuple(token_ids)
        with self._file.transaction() as db:
            db.executemany(
                "UPDATE outbox SET confirmed_at = ?, body = NULL WHERE token_id = ?",
                [(now, token_id) for token_id in confirmed],
            )
            publisher_lines.count(db, confirmed, at=int(now), new_line=self._line)
            self._pending_bytes = None

    def new_epoch(self) -> str:
        """Begin a feed anew, at 1, and give its name.

        What waits in the outbox leaves unchanged, under the feed it was signed in.
        """
        with self._file.transaction() as db:
            self._begin_epoch(db)
        return self.feed

    def _begin_epoch(self, db: sqlite3.Connection) -> None:
        db.execute("UPDATE meta SET epoch = ?, seq = 0, prev = ''", (self._epoch(),))
        # Their counters may have been told already.
        publisher_lines.forget_lines(db)
        # Before the commit: a crash in between costs another epoch, no more.
        self._mark(db)

    @property
    def feed(self) -> str:
        """Name of the current feed: `<org>/<publisher>/<epoch>`."""
        [row] = self._file.rows("SELECT org, publisher, epoch FROM meta")
        return "/".join(row)

    def take_in(self, publisher: str) -> None:
        """Make the file this publisher's, or check that it is.

        Begins a new epoch unless the file is surely the one that last ran.

        Raises:
            ConfigError: It is another one's, or the tip cannot be written.
        """
        tip = self._tip.read()
        with self._file.transaction() as db:
            row = db.execute("SELECT org, publisher FROM meta").fetchone()
            if row is None:
                db.execute(
                    "INSERT INTO meta VALUES (?, ?, ?, 0, '')",
                    (self._org, publisher, self._epoch()),
                )
                self.doubt = None if tip == "tip-missing" else "state-missing"
                self._mark(db)
            elif row != (self._org, publisher):
                raise ConfigError(
                    f"this state belongs to {'/'.join(row)}, "
                    f"not to {self._org}/{publisher}"
                )
            else:
                self._resume(db, tip)
        self._prune(self._clock())

    def _resume(self, db: sqlite3.Connection, tip: Tip | Doubt) -> None:
        if not isinstance(tip, Tip):
            self.doubt = tip
        elif publisher_tables.lacks(db, tip):
            self.doubt = "state-older"
        else:
            self._marked = tip
            return
        self._begin_epoch(db)

    def beats(self, communities: Iterable[str], now: int) -> list[Beat]:
        """Give what to say of each line.

        Args:
            communities: Also those of which nothing was published: silence shows.
            now: Epoch seconds; a line is never said to be of an earlier moment than
                it was before.
        """
        with self._file.transaction() as db:
            for community in communities:
                for tlp in COUNTED:
                    publisher_lines.begin(db, community, tlp, new_line=self._line)
            return publisher_lines.beats(db, now=now)

    def said(self, beat: Beat) -> None:
        """Remember that the hub's broker has *beat*."""
        with self._file.transaction() as db:
            publisher_lines.said(db, beat)

    def _line(self) -> str:
        return base64url.encode(self._entropy(LINE_BYTES)).decode()

    def _epoch(self) -> str:
        return base64url.encode(self._entropy(EPOCH_BYTES)).decode()


@contextmanager
def open_state(
    path: Path,
    *,
    org: str,
    publisher: str,
    clock: Callable[[], float],
    entropy: Callable[[int], bytes],
    max_pending: int = MAX_PENDING,
) -> Iterator[PublisherState]:
    """Open a publisher's state, for nobody else until it is closed.

    Args:
        path: Its tip is `<path>.tip`, beside the file that a link leads to.
        clock: Epoch seconds.

    Raises:
        ConfigError: In use, readable by others, another publisher's, or a name
            that cannot stand in a feed; or the disk is full or broken.
    """
    if not is_org(org) or not _NAME.fullmatch(publisher):
        raise ConfigError("organisation and publisher are named [a-z][a-z0-9-]{1,40}")
    with open_private(path, LAYOUT) as file:
        state = PublisherState(
            file,
            beside(path),
            org=org,
            clock=clock,
            entropy=entropy,
            max_pending=max_pending,
        )
        state.take_in(publisher)
        yield state


def kept_sealed(path: Path, token_id: str) -> bytes | None:
    """Give what is sealed in a token that was signed from this state.

    Returns:
        `seal_signing.Kept`, encoded; None if nothing is, or nothing known of it.

    Raises:
        ConfigError: There is no such state, or as `open_state`.
    """
    if not path.exists():
        raise ConfigError(f"there is no state of a publisher at {path}")
    with open_private(path, LAYOUT) as file:
        query = "SELECT kept FROM sealed WHERE token_id = ?"
        return next((bytes(kept) for (kept,) in file.rows(query, (token_id,))), None)


def published(path: Path) -> list[Published]:
    """List what was signed from this state, oldest first.

    Raises:
        ConfigError: There is no such state, or as `open_state`.
    """
    if not path.exists():
        raise ConfigError(f"there is no state of a publisher at {path}")
    with open_private(path, LAYOUT) as file:
        return [Published(*row) for row in file.rows(publisher_tables.PUBLISHED)]
