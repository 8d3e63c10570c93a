"""Audits whatever holds latencies: a table, a store, or a campaign that has just run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hwcost.audit.campaign import audit_campaign
from hwcost.audit.report import AuditReport
from hwcost.audit.table import audit_table
from hwcost.campaign.estimate import visits_of
from hwcost.campaign.plan import Plan, find_campaign
from hwcost.campaign.run import Result
from hwcost.cost_models import data
from hwcost.errors import UsageError
from hwcost.spaces.base import SearchSpace
from hwcost.stores import open_store


def audit(
    source: Result | str | Path,
    space: SearchSpace | str | None = None,
    *,
    categorical: Iterable[str] = (),
    runs: str | None = None,
    others: Iterable[str | Path] = (),
    campaign_id: str | None = None,
) -> AuditReport:
    """Says whether latencies can be trusted: whether the machine moved, and whether the architecture had any effect.

    Args:
        source: What :func:`hwcost.measure` returned, a store's path or URL, or a CSV with a column ``latency_s`` whose rows
            stand in the order of measurement.
        space: Needed for a CSV; ``table`` takes any columns.
        categorical: Columns of integers that name things, for a CSV and the space ``table``.
        runs: A column that names the measuring run of each row of a CSV.
        others: Further CSVs of the same space that must not hold the same latencies under another label.
        campaign_id: For a store: which campaign; None for the youngest.

    Returns:
        The verdict, the flags, the level of the machine over the rows, and a paragraph that explains them.

    Raises:
        DataError: When the source holds too little to say anything.
        UsageError: When an argument does not belong to that kind of source.
    """
    if isinstance(source, Result):
        visits = [visit for measurement in source.measurements for visit in measurement.visits]
        return audit_campaign(source.plan, visits, source.store_url)
    further = [other for other in others if Path(other).resolve() != Path(source).resolve()]
    if not data.is_store(source):
        made = data.read(source, space, None, categorical, runs=runs)
        return audit_table(made, [data.read(other, space, None, categorical, runs=runs) for other in further])
    if further or runs is not None:
        raise UsageError(f"'{source}' is a store: only tables are compared with others or have a column of runs.")
    with open_store(str(source), create=False) as store:
        campaign = find_campaign(store, campaign_id)
        return audit_campaign(Plan.from_dict(campaign.plan), visits_of(store, campaign.campaign_id), str(source))
