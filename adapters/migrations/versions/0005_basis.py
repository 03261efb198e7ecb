"""What each delivery was decided under, and the record, to be decided on again.

Revision ID: 0005
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Add the columns; of what is there already nobody knows what to put into them."""
    op.add_column(
        "deliveries",
        sa.Column("message", sa.LargeBinary),
    )
    for name in ("basis", "missed"):
        op.add_column(
            "deliveries",
            sa.Column(name, sa.String, nullable=False, server_default=""),
        )
    op.add_column("deliveries", sa.Column("decided_until", sa.Float))
