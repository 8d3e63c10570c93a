"""The tables of an SQL store. They are created by the migrations only; this describes them to the queries.

``records`` has typed columns for what is asked for often; ``document`` is the record without its environment and its
samples, which have tables of their own. Documents are JSON and not JSONB, because JSONB rewrites numbers.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

campaigns = Table(
    "campaigns",
    metadata,
    Column("campaign_id", Text, primary_key=True),
    Column("created_at", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("document", JSON, nullable=False),
    Column("run_id", Text),
    Index("ix_campaigns_run_id", "run_id"),
)

rounds = Table(
    "rounds",
    metadata,
    Column("campaign_id", Text, ForeignKey("campaigns.campaign_id"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("workload_keys", JSON, nullable=False),
)

passes = Table(
    "passes",
    metadata,
    Column("campaign_id", Text, ForeignKey("campaigns.campaign_id"), primary_key=True),
    Column("round", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("event", JSON, nullable=False),
)
"""Journal of rounds under way; rows go once the records of their workloads are there."""

environments = Table(
    "environments",
    metadata,
    Column("environment_key", Text, primary_key=True),
    Column("document", JSON, nullable=False),
)

records = Table(
    "records",
    metadata,
    Column("record_id", Text, primary_key=True),
    Column("campaign_id", Text, ForeignKey("campaigns.campaign_id"), nullable=False),
    Column("round", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("workload_key", Text, nullable=False),
    Column("workload_name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("search_space", Text),
    Column("precision", Text),
    Column("batch_size", BigInteger),
    Column("seq_len", BigInteger),
    Column("backend", Text),
    Column("device_key", Text),
    Column("device_name", Text),
    Column("status", Text, nullable=False),
    Column("median_s", Double),
    Column("started_s", Double),
    Column("started_at", Text),
    Column("environment_key", Text, ForeignKey("environments.environment_key"), nullable=False),
    Column("document", JSON, nullable=False),
    UniqueConstraint("idempotency_key", name="uq_records_idempotency_key"),
    Index("ix_records_campaign_id", "campaign_id", "round", "position"),
    Index("ix_records_workload_key", "workload_key", "device_key"),
)

samples = Table(
    "samples",
    metadata,
    Column("record_id", Text, ForeignKey("records.record_id"), primary_key=True),
    Column("samples", LargeBinary, nullable=False),
    Column("device_samples", LargeBinary),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("suite", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("ended_at", Text),
    Column("status", Text, nullable=False),
    Column("commit", Text),
    Column("document", JSON, nullable=False),
)

series = Table(
    "series",
    metadata,
    Column("series_key", Text, primary_key=True),
    Column("workload_key", Text, nullable=False),
    Column("workload_name", Text, nullable=False),
    Column("search_space", Text),
    Column("component", Text),
    Column("device_key", Text),
    Column("device_name", Text, nullable=False),
    Column("backend", Text, nullable=False),
    Column("precision", Text),
    Column("batch_size", BigInteger),
    Column("seq_len", BigInteger),
    Column("threads", BigInteger),
    Column("quantity", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("document", JSON, nullable=False),
)

estimates = Table(
    "estimates",
    metadata,
    Column("series_key", Text, ForeignKey("series.series_key"), primary_key=True),
    Column("source", Text, primary_key=True),
    Column("campaign_id", Text),
    Column("run_id", Text),
    Column("measured_s", Double, nullable=False),
    Column("value", Double),
    Column("half_width", Double),
    Column("level_half_width", Double, nullable=False),
    Column("n_rounds", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("flags", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_estimates_run_id", "run_id"),
    Index("ix_estimates_measured_s", "measured_s"),
)
"""Campaigns and runs of estimates need not be there: a history outlives what was pruned, and goes where they do not."""

run_columns = Table(
    "run_columns",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("columns", LargeBinary, nullable=False),
)
"""Estimates of runs that have ended once more, each run's in one value: a year of them is read in a fifth of the time.
Whatever changes an estimate of a run removes its row here in the same transaction."""

entries = Table(
    "entries",
    metadata,
    Column("entry_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("document", JSON, nullable=False),
)
