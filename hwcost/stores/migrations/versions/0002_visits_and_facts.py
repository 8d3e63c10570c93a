"""Brings campaigns, environments and records to the second format; ``latency_s`` of records becomes ``median_s``."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from hwcost.stores.migrations import second_format

revision = "0002"
down_revision = "0001"

PAGE = 500

campaigns = sa.table("campaigns", sa.column("campaign_id", sa.Text), sa.column("document", sa.JSON))
environments = sa.table("environments", sa.column("environment_key", sa.Text), sa.column("document", sa.JSON))
records = sa.table(
    "records",
    sa.column("record_id", sa.Text),
    sa.column("role", sa.Text),
    sa.column("status", sa.Text),
    sa.column("started_s", sa.Double),
    sa.column("environment_key", sa.Text),
    sa.column("document", sa.JSON),
)


def upgrade() -> None:
    """Changes the tables, then their documents."""
    op.add_column("samples", sa.Column("device_samples", sa.LargeBinary))
    op.alter_column("records", "latency_s", new_column_name="median_s")
    connection = op.get_bind()
    for row in connection.execute(sa.select(campaigns)).all():
        change = sa.update(campaigns).where(campaigns.c.campaign_id == row.campaign_id)
        connection.execute(change.values(document=second_format.campaign(row.document)))
    old = {row.environment_key: row.document for row in connection.execute(sa.select(environments))}
    new: set[str] = set()
    ids = list(connection.execute(sa.select(records.c.record_id)).scalars())
    for start in range(0, len(ids), PAGE):
        page = sa.select(records).where(records.c.record_id.in_(ids[start : start + PAGE]))
        for row in connection.execute(page).all():
            _upgrade_record(connection, row, old, new)
    for key in old.keys() - new:
        connection.execute(sa.delete(environments).where(environments.c.environment_key == key))


def _upgrade_record(connection: sa.Connection, row: Any, old: dict[str, Any], new: set[str]) -> None:
    whole = {**row.document, "environment": old[row.environment_key]}
    document = second_format.record(whole)
    environment = document.pop("environment")
    document["visit"].pop("samples_s", None)
    key = _key(environment)
    if key not in new and key not in old:
        connection.execute(sa.insert(environments).values(environment_key=key, document=environment))
    new.add(key)
    values = {
        "environment_key": key,
        "document": document,
        "role": document["workload"]["role"],
        "status": document["visit"].get("status", "ok"),
        "started_s": document["visit"].get("started_s", 0.0),
    }
    connection.execute(sa.update(records).where(records.c.record_id == row.record_id).values(**values))


def _key(document: dict[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
