"""Creates the tables: campaigns, rounds, environments, records and samples."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "campaigns",
        sa.Column("campaign_id", sa.Text, primary_key=True),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
    )
    op.create_table(
        "rounds",
        sa.Column("campaign_id", sa.Text, sa.ForeignKey("campaigns.campaign_id"), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("workload_keys", sa.JSON, nullable=False),
    )
    op.create_table(
        "environments",
        sa.Column("environment_key", sa.Text, primary_key=True),
        sa.Column("document", sa.JSON, nullable=False),
    )
    _create_records()
    op.create_table(
        "samples",
        sa.Column("record_id", sa.Text, sa.ForeignKey("records.record_id"), primary_key=True),
        sa.Column("samples", sa.LargeBinary, nullable=False),
    )


def _create_records() -> None:
    op.create_table(
        "records",
        sa.Column("record_id", sa.Text, primary_key=True),
        sa.Column("campaign_id", sa.Text, sa.ForeignKey("campaigns.campaign_id"), nullable=False),
        sa.Column("round", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("idempotency_key", sa.Text, nullable=False),
        sa.Column("workload_key", sa.Text, nullable=False),
        sa.Column("workload_name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("search_space", sa.Text),
        sa.Column("precision", sa.Text),
        sa.Column("batch_size", sa.BigInteger),
        sa.Column("seq_len", sa.BigInteger),
        sa.Column("backend", sa.Text),
        sa.Column("device_key", sa.Text),
        sa.Column("device_name", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("latency_s", sa.Double),
        sa.Column("started_s", sa.Double),
        sa.Column("started_at", sa.Text),
        sa.Column("environment_key", sa.Text, sa.ForeignKey("environments.environment_key"), nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.UniqueConstraint("idempotency_key", name="uq_records_idempotency_key"),
    )
    op.create_index("ix_records_campaign_id", "records", ["campaign_id", "round", "position"])
    op.create_index("ix_records_workload_key", "records", ["workload_key", "device_key"])
