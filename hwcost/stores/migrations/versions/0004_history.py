"""Adds the history: runs, series, estimates and entries; a campaign may belong to a run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Creates the tables; what is there stays as it is."""
    op.add_column("campaigns", sa.Column("run_id", sa.Text))
    op.create_index("ix_campaigns_run_id", "campaigns", ["run_id"])
    op.create_table(
        "runs",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("suite", sa.Text, nullable=False),
        sa.Column("started_at", sa.Text, nullable=False),
        sa.Column("ended_at", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("commit", sa.Text),
        sa.Column("document", sa.JSON, nullable=False),
    )
    op.create_table(
        "series",
        sa.Column("series_key", sa.Text, primary_key=True),
        sa.Column("workload_key", sa.Text, nullable=False),
        sa.Column("workload_name", sa.Text, nullable=False),
        sa.Column("search_space", sa.Text),
        sa.Column("component", sa.Text),
        sa.Column("device_key", sa.Text),
        sa.Column("device_name", sa.Text, nullable=False),
        sa.Column("backend", sa.Text, nullable=False),
        sa.Column("precision", sa.Text),
        sa.Column("batch_size", sa.BigInteger),
        sa.Column("seq_len", sa.BigInteger),
        sa.Column("threads", sa.BigInteger),
        sa.Column("quantity", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
    )
    op.create_table(
        "estimates",
        sa.Column("series_key", sa.Text, sa.ForeignKey("series.series_key"), primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("campaign_id", sa.Text),
        sa.Column("run_id", sa.Text),
        sa.Column("measured_s", sa.Double, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("half_width", sa.Double),
        sa.Column("level_half_width", sa.Double, nullable=False),
        sa.Column("n_rounds", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("flags", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("ix_estimates_run_id", "estimates", ["run_id"])
    op.create_index("ix_estimates_measured_s", "estimates", ["measured_s"])
    op.create_table(
        "entries",
        sa.Column("entry_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
    )
