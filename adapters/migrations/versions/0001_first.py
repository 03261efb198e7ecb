"""The outbox as version 2 of its first form had it; SQLite alone.

Revision ID: 0001
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_ORDERED = sa.String().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "lanes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("member", sa.String, nullable=False),
        sa.Column("sink", sa.String, nullable=False),
        sa.Column("last_number", sa.Integer, nullable=False),
        sa.UniqueConstraint("member", "sink"),
    )
    op.create_table(
        "bodies",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("size", sa.Integer, nullable=False),
    )
    op.create_table(
        "contents",
        sa.Column(
            "hash", sa.LargeBinary, sa.ForeignKey("bodies.hash"), primary_key=True
        ),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("lane_id", sa.Integer, sa.ForeignKey("lanes.id"), nullable=False),
        sa.Column("number", sa.Integer),
        *(
            sa.Column(
                name, _ORDERED if name == "ver_key" else sa.String, nullable=False
            )
            for name in (
                "issuer",
                "sub",
                "ver",
                "ver_key",
                "kind",
                "tlp",
                "token_id",
                "policy",
                "scope",
            )
        ),
        *(
            sa.Column(
                name, sa.LargeBinary, sa.ForeignKey("bodies.hash"), nullable=False
            )
            for name in ("evidence", "projection", "receipt")
        ),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("stored_at", sa.Float, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("first_failed_at", sa.Float),
        sa.Column("settled_at", sa.Float),
        sa.UniqueConstraint("lane_id", "number"),
        sa.UniqueConstraint("lane_id", "issuer", "sub", "ver_key"),
    )
    for name, columns in (
        ("deliveries_by_number", ["state", "lane_id", "number"]),
        ("deliveries_by_record", ["sub"]),
        ("deliveries_by_time", ["state", "lane_id", "due_at"]),
    ):
        op.create_index(name, "deliveries", columns)
    op.create_table(
        "superseded",
        sa.Column("lane_id", sa.Integer, sa.ForeignKey("lanes.id"), primary_key=True),
        sa.Column("issuer", sa.String, primary_key=True),
        sa.Column("sub", sa.String, primary_key=True),
        sa.Column("ver_key", _ORDERED, primary_key=True),
        sa.Column("token_id", sa.String, nullable=False),
        sa.Column("seen_at", sa.Float, nullable=False),
    )
