"""The file of what waits for persons, and of what they said. Edge.

The adapter writes what waits, `tocsin review` what reviewers say, at the same time. A
token is kept, whole, as long as a part of it waits or has yet to be sent; the file has
mode 0600, as the outbox.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from adapters.reviewing import (
    Agreed,
    Newer,
    Reviewers,
    State,
    Statement,
    Waiting,
    state_of,
    verify,
    view_digest,
)
from broker.bus import Message
from broker.errors import ConfigError, TrustError
from broker.private_sqlite import Layout, PrivateFile, open_private
from schemas import timestamps

Kept = tuple[Message, Sequence[Waiting], Newer | None]
"""A message that was decided, what of it waits, and which version it is."""

_LAYOUT: Final = Layout(
    name="a file of reviews",
    application_id=0x746F6372,  # "tocr"
    version=1,
    exclusive=False,
    tables=(
        # As it came from the broker, to be decided again.
        "CREATE TABLE messages (token_id TEXT PRIMARY KEY, message BLOB NOT NULL)",
        """CREATE TABLE reviews (
            review TEXT PRIMARY KEY, token_id TEXT NOT NULL, issuer TEXT NOT NULL,
            sub TEXT NOT NULL, ver_key TEXT NOT NULL, policy_sha256 TEXT NOT NULL,
            waiting BLOB NOT NULL, due REAL NOT NULL, state TEXT NOT NULL, sent INTEGER NOT NULL DEFAULT 0
        )""",
        "CREATE INDEX reviews_by_record ON reviews (issuer, sub)",
        "CREATE INDEX reviews_by_state ON reviews (state, sent)",
        """CREATE TABLE statements (
            review TEXT NOT NULL, iss TEXT NOT NULL, statement BLOB NOT NULL,
            PRIMARY KEY (review, iss)
        )""",
    ),
)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One review with what was said of it so far."""

    waiting: Waiting
    state: State
    said: tuple[Statement, ...]

    @property
    def missing(self) -> int:
        """How many persons have yet to agree."""
        agreed = sum(each.decision == "approve" for each in self.said)
        return max(self.waiting.needed - agreed, 0)


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """A message to be decided again for one view, with what was agreed to.

    Attributes:
        reviews: Numbers of those that were not sent yet.
    """

    message: Message
    agreed: Agreed
    reviews: tuple[str, ...]


class Reviews:
    """The file; made by `open_reviews`. Thread-safe, synchronous.

    Every method raises ConfigError when the disk is full or broken.
    """

    def __init__(self, file: PrivateFile, reviewers: Reviewers) -> None:
        self._file, self._reviewers = file, reviewers

    def keep(self, decided: Iterable[Kept]) -> None:
        """Keep what waits, and end what older versions wait for. Safe to repeat."""
        with self._file.transaction() as db:
            for each in decided:
                _keep(db, *each)
            _forget(db)

    def held(self, *, now: float, every: bool = False) -> list[Held]:
        """List what waits, the next due first; *every*: also what is settled."""
        self.lapse(now=now)
        where = "" if every else "WHERE state = 'waiting' "
        return [
            self._held(*row)
            for row in self._file.rows(
                f"SELECT review, waiting, state FROM reviews {where}"  # noqa: S608
                "ORDER BY due, review"
            )
        ]

    def find(self, start: str, *, now: float) -> Held:
        """Give the one review whose number begins so.

        Raises:
            ConfigError: None does, or several.
        """
        self.lapse(now=now)
        rows = self._file.rows(
            "SELECT review, waiting, state FROM reviews "
            "WHERE substr(review, 1, ?) = ? LIMIT 2",
            (len(start), start),
        )
        if len(rows) != 1:
            many = "several reviews have" if rows else "no review has"
            raise ConfigError(
                f"{many} a number that begins with {start}; see tocsin review list"
            )
        return self._held(*rows[0])

    def message(self, token_id: str) -> Message | None:
        """Give the message that a part of is waiting; None once nothing is."""
        rows = self._file.rows(
            "SELECT message FROM messages WHERE token_id = ?", (token_id,)
        )
        return _decode(rows[0][0], Message) if rows else None

    def say(self, statement: bytes, *, now: float) -> Held:
        """Keep what a reviewer says, and give where the review stands then.

        Raises:
            TrustError: `review-invalid`, `not-a-reviewer`, `signature`.
            ConfigError: It waits no more.
        """
        said = verify(statement, self._reviewers, now=now)
        held = self.find(said.review, now=now)
        if held.state != "waiting":
            raise ConfigError(f"it waits no more: it is {held.state}")
        with self._file.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO statements VALUES (?, ?, ?)",
                (said.review, said.iss, statement),
            )
            state = state_of(held.waiting, self._said(said.review, db), now=now)
            db.execute(
                "UPDATE reviews SET state = ? WHERE review = ? AND state = 'waiting'",
                (state, said.review),
            )
            _forget(db)
        return self.find(said.review, now=now)

    def lapse(self, *, now: float) -> None:
        """End what has waited too long: it stays withheld."""
        if self._file.rows(
            "SELECT 1 FROM reviews WHERE state = 'waiting' AND due <= ? LIMIT 1", (now,)
        ):
            with self._file.transaction() as db:
                db.execute(
                    "UPDATE reviews SET state = 'lapsed' "
                    "WHERE state = 'waiting' AND due <= ?",
                    (now,),
                )
                _forget(db)

    def rule_by(self, policy_sha256: str) -> None:
        """End what waits or was agreed to under another policy than this one."""
        with self._file.transaction() as db:
            db.execute(
                "UPDATE reviews SET state = 'policy-changed' WHERE policy_sha256 <> ? "
                "AND (state = 'waiting' OR (state = 'approved' AND sent = 0))",
                (policy_sha256,),
            )
            _forget(db)

    def end_under(self, policies: Collection[str]) -> None:
        """End what waits or was agreed to under these policies, which were replaced.

        Not all but the one in force: another worker may have a newer one already.

        Args:
            policies: Hex SHA-256.
        """
        which = (
            f"policy_sha256 IN ({', '.join('?' * len(policies))}) "
            "AND (state = 'waiting' OR (state = 'approved' AND sent = 0))"
        )
        found = self._file.rows(
            f"SELECT 1 FROM reviews WHERE {which} LIMIT 1",  # noqa: S608  marks alone
            (*policies,),
        )
        if found:
            with self._file.transaction() as db:
                db.execute(
                    f"UPDATE reviews SET state = 'policy-changed' WHERE {which}",  # noqa: S608  marks alone
                    (*policies,),
                )
                _forget(db)

    def ready(self, *, now: float) -> list[Ready]:
        """List what was agreed to and has yet to be sent, a view of a token each.

        What reviewers signed is verified again: the file alone decides nothing.
        """
        grouped: dict[tuple[str, str, str], list[tuple[Held, int]]] = {}
        for review, blob, state, sent in self._file.rows(
            "SELECT review, waiting, state, sent FROM reviews WHERE state = 'approved' "
            "AND token_id IN (SELECT token_id FROM reviews "
            "WHERE state = 'approved' AND sent = 0)"
        ):
            held = self._held(review, blob, state)
            if state_of(held.waiting, held.said, now=now) == "approved":
                of = held.waiting
                key = (of.token_id, of.policy_sha256, view_digest(of.view))
                grouped.setdefault(key, []).append((held, sent))
        return list(self._ready(grouped))

    def _ready(
        self, grouped: dict[tuple[str, str, str], list[tuple[Held, int]]]
    ) -> Iterator[Ready]:
        for (token_id, policy, view), found in grouped.items():
            message = self.message(token_id)
            unsent = tuple(h.waiting.review for h, sent in found if not sent)
            if message is not None and unsent:
                yield Ready(
                    message=message,
                    agreed=Agreed(
                        view, policy, frozenset(h.waiting.part for h, _ in found)
                    ),
                    reviews=unsent,
                )

    def sent(self, reviews: Iterable[str]) -> None:
        """Note that what was agreed to is in the outbox."""
        with self._file.transaction() as db:
            db.executemany(
                "UPDATE reviews SET sent = 1 WHERE review = ?",
                [(review,) for review in reviews],
            )
            _forget(db)

    def erase(self, token_ids: Sequence[str]) -> None:
        """Forget all that stands here of these tokens. Safe to repeat."""
        with self._file.transaction() as db:
            count = 0
            for token_id in token_ids:
                db.execute(
                    "DELETE FROM statements WHERE review IN "
                    "(SELECT review FROM reviews WHERE token_id = ?)",
                    (token_id,),
                )
                for table in ("reviews", "messages"):
                    count += db.execute(
                        f"DELETE FROM {table} WHERE token_id = ?",  # noqa: S608
                        (token_id,),
                    ).rowcount
        if count:
            self._file.empty_log()

    def _held(self, review: str, blob: bytes, state: State) -> Held:
        return Held(
            waiting=_decode(blob, Waiting),
            state=state,
            said=tuple(self._said(review)),
        )

    def _said(self, review: str, db: Any = None) -> list[Statement]:
        query = "SELECT statement FROM statements WHERE review = ? ORDER BY iss"
        rows = (
            self._file.rows(query, (review,))
            if db is None
            else db.execute(query, (review,)).fetchall()
        )
        found = []
        for (text,) in rows:
            try:
                said = verify(text, self._reviewers, now=float("inf"))
            except TrustError:
                continue  # of somebody who is no reviewer any more
            if said.review == review:
                found.append(said)
        return found


def _keep(
    db: Any, message: Message, waiting: Sequence[Waiting], newer: Newer | None
) -> None:
    for each in waiting:
        key = timestamps.key(each.ver)
        [later] = db.execute(
            "SELECT COUNT(*) FROM reviews WHERE issuer = ? AND sub = ? AND ver_key > ?",
            (each.issuer, each.sub, key),
        ).fetchone()
        db.execute(
            "INSERT OR IGNORE INTO reviews VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (
                each.review, each.token_id, each.issuer, each.sub, key,
                each.policy_sha256, _encode(each), each.due,
                "superseded" if later else "waiting",
            ),
        )  # fmt: skip
    if waiting:
        db.execute(
            "INSERT OR IGNORE INTO messages VALUES (?, ?)",
            (waiting[0].token_id, _encode(message)),
        )
    if newer is not None:
        db.execute(
            "UPDATE reviews SET state = 'superseded' WHERE issuer = ? AND sub = ? "
            "AND ver_key < ? AND (state = 'waiting' OR "
            "(state = 'approved' AND sent = 0))",
            (newer.issuer, newer.sub, timestamps.key(newer.ver)),
        )


def _forget(db: Any) -> None:
    """Drop the tokens of which nothing waits or has yet to be sent."""
    db.execute(
        "DELETE FROM messages WHERE token_id NOT IN (SELECT token_id FROM reviews "
        "WHERE state = 'waiting' OR (state = 'approved' AND sent = 0))"
    )


def _encode(value: Any) -> bytes:
    return msgspec.msgpack.encode(value)


def _decode(data: bytes, kind: type[Any]) -> Any:
    return msgspec.msgpack.decode(data, type=kind)


@contextmanager
def open_reviews(path: Path, reviewers: Reviewers) -> Iterator[Reviews]:
    """Open the file, creating it (mode 0600) if it is missing.

    Raises:
        ConfigError: Open to others, not ours, or made by another version.
    """
    with open_private(path, _LAYOUT) as file:
        yield Reviews(file, reviewers)
