"""Small records, series and estimates for tests of stores, and of what reads them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from hwcost.stores.environment import Environment
from hwcost.stores.schema import Record, WorkloadInfo
from hwcost.stores.series import Estimate, Series
from hwcost.timing.measurement import Visit

AWKWARD_S = (0.0, 5e-324, 0.1, 1 / 3, 1e-9, 123456.789, 1e12)
"""Durations that a careless format would change."""


def make_record(campaign_id: str, round: int = 0, position: int = 0, **fields: Any) -> Record:
    """Returns a small record.

    Args:
        campaign_id: The campaign.
        round: Number of the round.
        position: Place in the round; each has a workload of its own.
        **fields: ``role``, and fields of the visit.
    """
    key = f"workload-{position}"
    workload = WorkloadInfo(name=key, kind="test", spec={"n": None}, role=fields.pop("role", "fit"))
    measured = {"samples_s": AWKWARD_S, "started_s": float(10 * round + position), **fields}
    return Record.from_visit(
        Visit(key, round, position, **measured),
        campaign_id=campaign_id,
        run_id=f"run-{round}",
        workload=workload,
        environment=Environment(host={"boot_id": f"boot-{round}"}),
    )


def make_series(n: int = 0, **fields: Any) -> Series:
    """Returns the series of a small workload.

    Args:
        n: Number of the workload; each has a series of its own.
        **fields: Further fields of the series.
    """
    known = {"workload_key": f"workload-{n}", "name": f"workload {n}", "kind": "test", "spec": {"n": None}}
    return Series(**{**known, "device": "cpu", "backend": "null", **fields})


def make_estimate(series: Series, night: int = 0, **fields: Any) -> Estimate:
    """Returns an estimate of a series.

    Args:
        series: The series.
        night: Number of the night, from 0, whose campaign and run it belongs to.
        **fields: Other values of its fields.
    """
    at = (datetime(2025, 1, 1, 3, tzinfo=timezone.utc) + timedelta(days=night)).isoformat()
    known = {"campaign_id": f"campaign-{night}", "run_id": f"run-{night}", "measured_at": at}
    return Estimate(series.series_key, **{**known, "value": 0.1, "half_width": 0.01, **fields})
