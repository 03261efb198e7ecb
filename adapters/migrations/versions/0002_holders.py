"""Several processes may send from one database; gaps are looked for by token.

Revision ID: 0002
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Add who holds a delivery and until when, both empty, and two indexes."""
    op.add_column("deliveries", sa.Column("holder", sa.BigInteger))
    op.add_column("deliveries", sa.Column("held_until", sa.Float))
    for table in ("deliveries", "superseded"):
        # A file from before Alembic may have them.
        name = f"{table}_by_token"
        op.create_index(name, table, ["token_id"], if_not_exists=True)
