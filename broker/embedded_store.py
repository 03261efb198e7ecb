"""The queues of the embedded bus: one SQLite table, synchronous, one thread."""

import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from broker.bus import Message
from broker.topology import Topology, route

# `held` is the number of the consumer that has the message, or 0. `returned`
# counts how often it came back. WAL with NORMAL: a confirm survives the end of
# the process, though not a power cut; a sync per message is ten times slower.
_SCHEMA = """
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    exchange TEXT NOT NULL,
    message BLOB NOT NULL,
    returned INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS messages_by_queue ON messages (queue, held, id);
"""
_INSERT = "INSERT INTO messages (queue, exchange, message) VALUES (?, ?, ?)"
_TAKE = """
UPDATE messages SET held = ? WHERE id IN (
    SELECT id FROM messages WHERE queue = ? AND held = 0 ORDER BY id LIMIT ?
) RETURNING id, message, returned
"""


class Store:
    """The table; each method is called inside a transaction.

    Attributes:
        touched: Queues that changed; the caller empties it after the commit.
    """

    def __init__(self, path: Path | None, topology: Topology) -> None:
        self.touched: set[str] = set()
        self._topology = topology
        self._arguments = {each.name: each.arguments for each in topology.queues}
        self.database = sqlite3.connect(path or ":memory:", timeout=1)
        self.database.executescript(_SCHEMA)
        with self.database as db:
            self.give_back(
                [row[0] for row in db.execute("SELECT id FROM messages WHERE held")]
            )

    def add(self, queues: Iterable[str], exchange: str, message: Message) -> None:
        """Put a copy into each of *queues*."""
        encoded = msgspec.msgpack.encode(message)
        for queue in queues:
            self.database.execute(_INSERT, (queue, exchange, encoded))
            self.touched.add(queue)

    def take(
        self, *, consumer: int, queue: str, room: int
    ) -> list[tuple[int, Message, int]]:
        """Return the next *room* as id, message and how often it came back."""
        rows = self.database.execute(_TAKE, (consumer, queue, room)).fetchall()
        return [
            (number, _counted(encoded, n), n) for number, encoded, n in sorted(rows)
        ]

    def give_back_all(self, *, consumer: int) -> None:
        """Return what *consumer* holds, also what it never got to hear of."""
        select = "SELECT id FROM messages WHERE held = ?"
        rows = self.database.execute(select, (consumer,)).fetchall()
        self.give_back([number for (number,) in rows])

    def give_back(self, numbers: list[int]) -> None:
        """Return them to their queues; past the limit, to the dead letters."""
        update = "UPDATE messages SET held = 0, returned = returned + 1 WHERE id = ?"
        for number in numbers:
            queue, _, _, returned = self._row(number)
            limit = int(
                self._arguments.get(queue, {}).get("x-delivery-limit", returned + 1)
            )
            if returned >= limit:
                self._die(number, "delivery_limit")
            else:
                self.database.execute(update, (number,))
                self.touched.add(queue)

    def bury(self, numbers: list[int]) -> None:
        """Move them to the dead letters."""
        for number in numbers:
            self._die(number, "rejected")

    def _row(self, number: int) -> tuple[str, str, bytes, int]:
        select = "SELECT queue, exchange, message, returned FROM messages WHERE id = ?"
        row: tuple[str, str, bytes, int] = self.database.execute(
            select, (number,)
        ).fetchone()
        return row

    def _die(self, number: int, reason: str) -> None:
        queue, exchange, encoded, _ = self._row(number)
        arguments = self._arguments.get(queue, {})
        if dead := str(arguments.get("x-dead-letter-exchange", "")):
            message = msgspec.msgpack.decode(encoded, type=Message)
            death = {
                "x-death-reason": reason,
                "x-death-queue": queue,
                "x-death-exchange": exchange,
                "x-death-routing-key": message.routing_key,
                "x-death-time": int(time.time()),
            }
            key = str(arguments["x-dead-letter-routing-key"])
            late = msgspec.structs.replace(
                message, routing_key=key, headers={**message.headers, **death}
            )
            self.add(route(self._topology, dead, key), dead, late)
        self.drop([number])

    def drop(self, numbers: list[int]) -> None:
        """Forget them."""
        for number in numbers:
            self.touched.add(self._row(number)[0])
            self.database.execute("DELETE FROM messages WHERE id = ?", (number,))


def _counted(encoded: bytes, returned: int) -> Message:
    message = msgspec.msgpack.decode(encoded, type=Message)
    if not returned:
        return message
    headers = {**message.headers, "x-delivery-count": returned}
    return msgspec.structs.replace(message, headers=headers)
