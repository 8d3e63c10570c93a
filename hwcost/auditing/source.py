"""Audits whatever holds latencies: a table, a store, or a campaign that has just run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from hwcost.auditing.campaign import audit_campaign
from hwcost.auditing.report import AuditReport
from hwcost.auditing.table import audit_table
from hwcost.campaign.estimate import visits_of
from hwcost.campaign.plan import Plan, find_campaign
from hwcost.campaign.run import Result
from hwcost.cost_models import data
from hwcost.errors import UsageError
from hwcost.exchange.options import Names, TableOptions
from hwcost.spaces.base import SearchSpace
from hwcost.stores import open_store


def audit(
    source: Any,
    space: SearchSpace | str | None = None,
    *,
    categorical: Names = (),
    increasing: Names = (),
    runs: str | None = None,
    latency: str | None = None,
    unit: str | None = None,
    keep: Names = (),
    drop: Names = (),
    id: str | None = None,
    others: Iterable[Any] = (),
    campaign_id: str | None = None,
) -> AuditReport:
    """Says whether latencies can be trusted: whether the machine moved, and whether the architecture had any effect.

    Args:
        source: What :func:`hwcost.measure` returned, a store's path or URL, or a table whose rows stand in the order of
            measurement: the path of a CSV, JSON, Parquet or Excel file, or a data frame.
        space: Needed for a table; ``table`` takes any columns.
        categorical: Columns of a table whose numbers name things, for the space ``table``.
        increasing: Columns of a table along which latency cannot fall, likewise.
        runs: A column of a table that names the measuring run of each row.
        latency: Column of a table's latencies, or several with ``+`` between them; None finds it by its name.
        unit: Unit of a table's latencies: ``s``, ``ms``, ``us`` or ``ns``; None takes it from the column's name.
        keep: Columns of a table that are features although they look like names of the rows.
        drop: Columns of a table that are no features.
        id: A column of a table that names each row.
        others: Further tables of the same space that must not hold the same latencies under another label.
        campaign_id: For a store: which campaign; None for the youngest.

    Returns:
        The verdict, the flags, the level of the machine over the rows, and a paragraph that explains them.

    Raises:
        DataError: When the source holds too little to say anything.
        UsageError: When an argument does not belong to that kind of source.
    """
    options = TableOptions.of(
        categorical=categorical, increasing=increasing, runs=runs, latency=latency, unit=unit, keep=keep, drop=drop, id=id
    )
    if isinstance(source, Result):
        if options.given:
            raise UsageError(f"'{options.given[0]}' is an option of tables, and this is a campaign. Leave it out.")
        visits = [visit for measurement in source.measurements for visit in measurement.visits]
        return audit_campaign(source.plan, visits, source.store_url)
    further = [other for other in others if not _is_same(other, source)]
    if not data.is_store(source):
        made = data.read(source, space, None, options)
        report = audit_table(made, [data.read(other, space, None, options) for other in further])
        return replace(report, remarks=made.remarks)
    if further or options.given:
        what = f"'{options.given[0]}' is an option of tables" if options.given else "only tables are compared with others"
        raise UsageError(f"'{source}' is a store: {what}.")
    with open_store(str(source), create=False) as store:
        campaign = find_campaign(store, campaign_id)
        return audit_campaign(Plan.from_dict(campaign.plan), visits_of(store, campaign.campaign_id), str(source))


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, (str, PathLike)) and isinstance(other, (str, PathLike)):
        return Path(one).resolve() == Path(other).resolve()
    return one is other
