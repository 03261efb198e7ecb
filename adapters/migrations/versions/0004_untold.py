"""Which deliveries their issuers are not told of yet.

Revision ID: 0004
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Add it; of what was done before, nobody is told."""
    column = sa.Column("untold", sa.Integer, nullable=False, server_default="0")
    op.add_column("deliveries", column)
    only = sa.text("untold = 1")
    op.create_index(
        "deliveries_untold",
        "deliveries",
        ["untold"],
        sqlite_where=only,
        postgresql_where=only,
    )
