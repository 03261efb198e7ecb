"""Several processes may send from one database: who holds a delivery, and until when.

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
    """Add two columns, both empty."""
    op.add_column("deliveries", sa.Column("holder", sa.BigInteger))
    op.add_column("deliveries", sa.Column("held_until", sa.Float))
