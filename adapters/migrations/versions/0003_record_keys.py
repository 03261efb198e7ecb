"""Bodies lie under a key per record; what was erased is not stored again.

Revision ID: 0003
"""

import os
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from broker.record_keys import RecordKey, new_key

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_BODIES = ("evidence", "projection", "receipt")


def upgrade() -> None:
    """Create keys and what was erased, and encrypt the bodies that are there."""
    op.create_table(
        "record_keys",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("issuer", sa.String, nullable=False),
        sa.Column("sub", sa.String, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("issuer", "sub"),
    )
    op.create_table(
        "erased",
        sa.Column("token_id", sa.String, primary_key=True),
        sa.Column("erased_at", sa.Float, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
    )
    op.create_index("erased_by_time", "erased", ["erased_at"])
    op.add_column("bodies", sa.Column("sha256", sa.LargeBinary))
    op.execute("UPDATE bodies SET sha256 = hash")
    op.add_column("contents", sa.Column("key_id", sa.LargeBinary))
    op.create_index("ix_contents_key_id", "contents", ["key_id"])
    _encrypt(op.get_bind())


def _encrypt(connection: sa.Connection) -> None:
    contents = sa.table(
        "contents", sa.column("hash"), sa.column("content"), sa.column("key_id")
    )
    deliveries = sa.table("deliveries", *map(sa.column, ("issuer", "sub", *_BODIES)))
    columns = [deliveries.c[each] for each in _BODIES]
    kept = sa.union(
        *(
            sa.select(contents.c.hash, deliveries.c.issuer, deliveries.c.sub).join(
                deliveries, contents.c.hash == each
            )
            for each in columns
        )
    )
    owners = {row[0]: (row[1], row[2]) for row in connection.execute(kept)}
    keys: dict[tuple[str, str], RecordKey] = {}
    for name in connection.scalars(sa.select(contents.c.hash)).all():
        here = contents.c.hash == name
        if name not in owners:
            connection.execute(sa.delete(contents).where(here))
            continue
        key = keys.setdefault(owners[name], new_key(os.urandom))
        # One body in memory at a time.
        body = connection.scalars(sa.select(contents.c.content).where(here)).one()
        locked = key.encrypt(body, name, os.urandom)
        connection.execute(
            sa.update(contents).where(here).values(content=locked, key_id=key.id)
        )
    table = sa.table("record_keys", *map(sa.column, ("id", "issuer", "sub", "secret")))
    for (issuer, sub), key in keys.items():
        connection.execute(
            sa.insert(table).values(
                id=key.id, issuer=issuer, sub=sub, secret=key.secret
            )
        )
