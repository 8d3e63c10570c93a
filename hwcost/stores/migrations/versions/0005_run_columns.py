"""Adds the columns of runs: their estimates once more, each run's in one value; the end of the next run fills it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Creates the table."""
    op.create_table(
        "run_columns",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("columns", sa.LargeBinary, nullable=False),
    )
