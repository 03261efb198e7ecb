"""Tables of the outbox, the same in SQLite and PostgreSQL.

Rows of `deliveries` and `superseded` are the delivery ledger: they stay, but for what
waits and is superseded, which goes from one to the other. Bodies go when no delivery
needs them any more; their name and size stay. They lie encrypted under the keys of
their records (`outbox_keys`); whose key is gone is erased, also from backups without
`record_keys`.

A change here needs a migration: `adapters/migrations`, and a test holds both equal.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar

from msgspec import json
from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    func,
    text,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

_CHUNK: Final = 1000  # of a query: SQLite takes 32,766 parameters
_T = TypeVar("_T")
_Query = TypeVar("_Query", bound=Select[Any])
metadata = MetaData()

# Compared as bytes, whatever order the database has for texts of people.
_ORDERED: Final = String().with_variant(Text(collation="C"), "postgresql")

# One row per (member, sink). Its counter makes the delivery numbers gapless.
lanes = Table(
    "lanes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("member", String, nullable=False),
    Column("sink", String, nullable=False),
    Column("last_number", Integer, nullable=False, default=0),
    UniqueConstraint("member", "sink"),
)

# Shared: all members of one view get the same bytes.
bodies = Table(
    "bodies",
    metadata,
    Column("hash", LargeBinary, primary_key=True),  # see `outbox_keys`
    Column("size", Integer, nullable=False),
    Column("sha256", LargeBinary),  # of the content; of a projection until it is erased
)

# Apart, because SQLite takes back all the room of a row only when it is deleted.
contents = Table(
    "contents",
    metadata,
    Column("hash", ForeignKey("bodies.hash"), primary_key=True),
    Column("content", LargeBinary, nullable=False),  # no row once purged
    # No foreign key: a backup without keys must go back.
    Column("key_id", LargeBinary, index=True),
)

# One for all versions of a record.
record_keys = Table(
    "record_keys",
    metadata,
    Column("id", LargeBinary, primary_key=True),  # 16 random bytes
    Column("issuer", String, nullable=False),
    Column("sub", String, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    UniqueConstraint("issuer", "sub"),
)

# Tokens of records that were erased: whatever brings one again, it is not stored.
erased = Table(
    "erased",
    metadata,
    Column("token_id", String, primary_key=True),
    Column("erased_at", Float, nullable=False),  # for the last time, here
    Column("reason", String, nullable=False),  # of `schemas.erasing`
    Index("erased_by_time", "erased_at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String, primary_key=True),
    Column("lane_id", ForeignKey("lanes.id"), nullable=False),
    Column("number", Integer),  # none while it waits
    Column("issuer", String, nullable=False),
    Column("sub", String, nullable=False),
    Column("ver", String, nullable=False),  # as the issuer wrote it
    Column("ver_key", _ORDERED, nullable=False),  # adapters.numbering.version_key of it
    Column("kind", String, nullable=False),
    Column("tlp", String, nullable=False),
    Column("token_id", String, nullable=False),
    Column("policy", String, nullable=False),
    Column("scope", String, nullable=False),  # an audience: see adapters.scopes
    Column("evidence", ForeignKey("bodies.hash"), nullable=False),
    Column("projection", ForeignKey("bodies.hash"), nullable=False),
    Column("receipt", ForeignKey("bodies.hash"), nullable=False),
    Column("size", Integer, nullable=False),  # of the three together
    # A body, too: the record as it came, while it may have to be decided again. SQLite
    # adds no column to a table that there is with a key of another one.
    Column("message", LargeBinary),
    Column("basis", String, nullable=False, server_default=""),  # adapters.basis
    Column("decided_until", Float),  # then it has to be; none: it never ends
    Column("missed", String, nullable=False, server_default=""),
    Column("state", String, nullable=False),  # waiting, pending, done, failed, erased
    Column("attempts", Integer, nullable=False, default=0),  # finished ones
    Column("reason", String, nullable=False, default=""),  # of the last failure
    Column("stored_at", Float, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("first_failed_at", Float),
    Column("settled_at", Float),  # when it was done or failed for good
    # Who sends it just now, and until when nobody else does: of use only where several
    # processes share a database (`outbox_postgresql`). Of what was erased: who may have
    # been sending it.
    Column("holder", BigInteger),
    Column("held_until", Float),
    # 1: done, and its issuer is not told yet (`outbox_reports`).
    Column("untold", Integer, nullable=False, default=0, server_default="0"),
    UniqueConstraint("lane_id", "number"),
    UniqueConstraint("lane_id", "issuer", "sub", "ver_key"),
    Index("deliveries_by_number", "state", "lane_id", "number"),
    Index("deliveries_by_record", "sub"),
    Index("deliveries_by_token", "token_id"),
    Index("deliveries_by_time", "state", "lane_id", "due_at"),
    Index(
        "deliveries_untold",
        "untold",  # a short value: what counts is which rows are in it
        sqlite_where=text("untold = 1"),
        postgresql_where=text("untold = 1"),
    ),
)

# Versions that came after a newer one, or waited when it came, and retractions of what
# was never sent: never sent themselves, but countable.
superseded = Table(
    "superseded",
    metadata,
    Column("lane_id", ForeignKey("lanes.id"), primary_key=True),
    Column("issuer", String, primary_key=True),
    Column("sub", String, primary_key=True),
    Column("ver_key", _ORDERED, primary_key=True),
    Column("token_id", String, nullable=False),
    Column("seen_at", Float, nullable=False),
    Index("superseded_by_token", "token_id"),
)


def ignoring(
    connection: AsyncConnection, table: Table
) -> sqlite.Insert | postgresql.Insert:
    """Insert into *table* what is not there yet, by its keys."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def among(
    connection: AsyncConnection,
    query: _Query,
    columns: Sequence[Column[Any]],
    rows: Sequence[tuple[Any, ...]],
) -> _Query:
    """Let *query* ask for those of *rows* alone: numbers and texts of these columns.

    For `(a, b) IN (VALUES ...)` SQLite walks all of the table, however many rows it
    has, as soon as there are two values; joined with a list it looks each of them up.
    As one JSON text, since the statement then stays the same, and is compiled once.
    """
    if connection.dialect.name == "postgresql":
        return query.where(tuple_(*columns).in_(rows))
    listed = func.json_each(json.encode(rows).decode()).table_valued("value")
    each = listed.alias("wanted").c.value
    pairs = enumerate(columns)
    same = (column == func.json_extract(each, f"$[{n}]") for n, column in pairs)
    return query.join(each.table, and_(*same))


def chunks(items: Sequence[_T], length: int = _CHUNK) -> Iterator[Sequence[_T]]:
    """Part what is looked up or written into as much as one statement takes."""
    for start in range(0, len(items), length):
        yield items[start : start + length]
