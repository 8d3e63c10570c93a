"""What is in a store: sizes, revision, dates, and how much per device and suite."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sqlalchemy import Engine, func, inspect, select

from hwcost.stores import LINES_SUFFIX, open_store
from hwcost.stores.base import Store
from hwcost.stores.database import Database
from hwcost.stores.engines import explained_errors
from hwcost.stores.estimate_table import EstimateTable, instant
from hwcost.stores.migrations import HEAD
from hwcost.stores.runs import Run
from hwcost.stores.schema import SCHEMA_VERSION, Campaign
from hwcost.stores.series import Series
from hwcost.stores.tables import metadata
from hwcost.stores.upkeep.migration import opened

SERVER_BYTES = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname = ANY(%s) AND pg_table_is_visible(oid)"
"""Bytes of tables and their indexes on a PostgreSQL server."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a store has of one device or suite.

    Attributes:
        name: Name of the device or suite.
        number: Number of its series, or of its runs.
        estimates: Number of its estimates.
        first_at: Instant of the first one; None without any.
        last_at: Instant of the latest one.
    """

    name: str
    number: int
    estimates: int
    first_at: str | None
    last_at: str | None


@dataclass(frozen=True, slots=True)
class CampaignInfo:
    """What a campaign of a store was planned to measure.

    Attributes:
        campaign_id: Its id, as ``--campaign`` and ``STORE#ID`` take it.
        created_at: Instant at which it was planned.
        status: A word such as ``done``.
        device: Name of the device.
        backend: Name of the backend.
        workloads: Number of its workloads.
        roles: Number of its workloads by role.
    """

    campaign_id: str
    created_at: str
    status: str
    device: str
    backend: str
    workloads: int
    roles: dict[str, int]

    @classmethod
    def of(cls, campaign: Campaign) -> CampaignInfo:
        """Reads a campaign's plan."""
        device, backend = (str(campaign.plan.get(name, "")) for name in ("device", "backend"))
        return cls(
            campaign.campaign_id, campaign.created_at, campaign.status, device, backend, campaign.roles.total(),
            dict(campaign.roles),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What is in a store.

    Attributes:
        url: Location of the store, without a password.
        kind: ``SQLite``, ``PostgreSQL`` or ``JSON Lines``.
        revision: Revision of its tables, or version of its lines.
        is_current: Whether that is the one of this hwcost; where not, only rows are counted.
        is_read_only: Whether it can be read but not written by this user.
        size_bytes: Bytes that it takes.
        rows: Number of rows by what they are.
        statuses: Number of campaigns by status.
        first_at: Instant of the first campaign; None without any.
        last_at: Instant of the latest one.
        devices: Share of every device.
        suites: Share of every suite.
        campaigns: Its campaigns, the oldest first.
    """

    url: str
    kind: str
    revision: str
    is_current: bool
    is_read_only: bool
    size_bytes: int
    rows: dict[str, int]
    statuses: dict[str, int] = field(default_factory=dict)
    first_at: str | None = None
    last_at: str | None = None
    devices: tuple[Share, ...] = ()
    suites: tuple[Share, ...] = ()
    campaigns: tuple[CampaignInfo, ...] = ()


def look_into(location: str) -> StoreInfo:
    """Says what is in a store; one of an older hwcost stays as it is.

    Raises:
        UsageError: When there is no store.
        StoreError: When it was made by a newer hwcost or another tool, or cannot be read.
    """
    if not _is_lines(location):
        url, path, engine, revision = opened(location)
        try:
            size, rows = _size_bytes(engine, path), _rows(engine, url)
        finally:
            engine.dispose()
        kind = "PostgreSQL" if path is None else "SQLite"
        if revision != HEAD:
            return StoreInfo(url, kind, revision, False, False, size, rows)
        with open_store(location, create=False) as store:
            return _described(store, kind, revision, size, rows)
    with open_store(location, create=False) as store:
        rows = {
            "campaigns": len(store.campaigns()), "records": store.count(), "runs": len(store.runs()),
            "series": len(store.series()), "estimates": len(store.estimates()),
        }  # fmt: skip
        return _described(store, "JSON Lines", str(SCHEMA_VERSION), Path(store.url).stat().st_size, rows)


def size_bytes(store: Store) -> int:
    """Returns the bytes that a store takes."""
    if isinstance(store, Database):
        with store.reading() as connection:
            return _size_bytes(connection.engine, store.path)
    return Path(store.url).stat().st_size


def _is_lines(location: str) -> bool:
    return location.endswith(LINES_SUFFIX) and "://" not in location


def _described(store: Store, kind: str, revision: str, size: int, rows: dict[str, int]) -> StoreInfo:
    campaigns, runs, series, table = store.campaigns(), store.runs(), store.series(), store.estimates()
    return StoreInfo(
        url=store.url, kind=kind, revision=revision, is_current=True, is_read_only=store.is_read_only, size_bytes=size,
        rows=rows, statuses=dict(Counter(campaign.status for campaign in campaigns)),
        first_at=campaigns[0].created_at if campaigns else None, last_at=campaigns[-1].created_at if campaigns else None,
        devices=tuple(_devices(series, table)), suites=tuple(_suites(runs, table)),
        campaigns=tuple(map(CampaignInfo.of, campaigns)),
    )  # fmt: skip


def _devices(series: dict[str, Series], table: EstimateTable) -> list[Share]:
    names = [series[key].device for key in table.series_key]
    return [_share(name, names, table.series, table) for name in sorted(set(names))]


def _suites(runs: Sequence[Run], table: EstimateTable) -> list[Share]:
    suite = {run.run_id: run.suite for run in runs}
    names = [suite.get(run_id, "") for run_id in table.run_id]
    number = Counter(suite.values())
    found = [_share(name, names, table.run, table) for name in sorted(number)]
    return [Share(one.name, number[one.name], one.estimates, one.first_at, one.last_at) for one in found]


def _share(name: str, names: Sequence[str], index: np.ndarray, table: EstimateTable) -> Share:
    """Returns the share of a name.

    Args:
        name: The name.
        names: Name of every series, or of every run.
        index: Index into ``names`` of every row of the table.
        table: The estimates.
    """
    wanted = np.array([one == name for one in (*names, None)])  # the last one is for rows without a run
    of_it = table.measured_s[wanted[index]]
    first, last = (instant(float(of_it[0])), instant(float(of_it[-1]))) if len(of_it) else (None, None)
    return Share(name, sum(one == name for one in names), len(of_it), first, last)


def _rows(engine: Engine, url: str) -> dict[str, int]:
    with explained_errors(url, "read"), engine.connect() as connection:
        there = set(inspect(connection).get_table_names())
        counted = [table for table in metadata.sorted_tables if table.name in there]
        return {table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in counted}


def _size_bytes(engine: Engine, path: Path | None) -> int:
    if path is None:
        with engine.connect() as connection:
            return int(connection.exec_driver_sql(SERVER_BYTES, (list(metadata.tables),)).scalar_one() or 0)
    files = (path.with_name(path.name + end) for end in ("", "-wal", "-shm"))
    return sum(file.stat().st_size for file in files if file.exists())
