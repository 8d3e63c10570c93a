"""Audits whatever holds latencies: a table, a store, or a campaign that has just run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost._arguments import check, of_type
from hwcost.auditing.campaign import audit_campaign, audit_fit
from hwcost.auditing.report import AuditReport
from hwcost.auditing.table import audit_table
from hwcost.campaign.comparisons.former_levels import FormerLevels, read_former_levels
from hwcost.campaign.estimates.estimate import fit_campaign, visits_of
from hwcost.campaign.plans.plan import Plan, find_campaign
from hwcost.campaign.run import Result
from hwcost.cost_models import data
from hwcost.cost_models.campaigns import described
from hwcost.errors import UsageError
from hwcost.exchange.options import DEFAULTS, TableOptions
from hwcost.spaces.base import SearchSpace
from hwcost.stores import open_store

if TYPE_CHECKING:
    from hwcost.stores.base import Store
    from hwcost.stores.schema import Campaign


def audit(
    source: Any,
    space: SearchSpace | str | None = None,
    *,
    table: TableOptions = DEFAULTS,
    others: Iterable[Any] = (),
    campaign_id: str | None = None,
) -> AuditReport:
    """Says whether latencies can be trusted: whether the machine moved, and whether the architecture had any effect.

    Args:
        source: Result of :func:`hwcost.measure`, a store's path or URL, or a table whose rows stand in the order of
            measurement: the path of a CSV, JSON, Parquet or Excel file, or a data frame.
        space: Needed for a table; ``table`` takes any columns.
        table: Options for the columns of a table.
        others: Further tables of the same space that must not hold the same latencies under another label.
        campaign_id: Campaign of a store; None for the latest.

    Returns:
        The verdict, the flags, the level of the machine over the rows, and a paragraph that explains them.

    Raises:
        DataError: When the source holds too little to say anything.
        UsageError: When an argument does not belong to that kind of source.
    """
    given = {"table": table, "others": others}
    check(given, table=of_type("hwcost.TableOptions(...)", TableOptions), others=of_type("a list of tables", Iterable))
    if isinstance(source, Result):
        table.refuse_given("this is a campaign")
        visits = [visit for measurement in source.measurements for visit in measurement.visits]
        report = audit_campaign(source.plan, visits, source.store_url)
        return _beside_former(report, source.former, source.store_url)
    check({"source": source}, source=data.MEASURED_SOURCE)
    further = [other for other in others if not _is_same(other, source)]
    if not data.is_store(source):
        made = data.read(source, space, campaign_id, table)
        report = audit_table(made, [data.read(other, space, None, table) for other in further])
        return replace(report, remarks=made.remarks)
    table.refuse_given(f"'{source}' is a store")
    if further:
        raise UsageError(f"'{source}' is a store: only tables are compared with others.")
    with open_store(str(source), create=False) as store:
        campaign = find_campaign(store, campaign_id)
        plan = Plan.from_dict(campaign.plan)
        fit = fit_campaign(plan, visits_of(store, campaign.campaign_id))
        report = replace(audit_fit(plan, fit, str(source)), remarks=_choice(store, campaign, campaign_id))
        return _beside_former(report, read_former_levels(store, campaign, plan, fit.measurements), store.url)


def _beside_former(report: AuditReport, former: FormerLevels | None, store_url: str) -> AuditReport:
    """Adds what former campaigns in a store say of the level of an audited one."""
    flag = None if former is None else former.flag(store_url)
    return replace(report, former=former, flags=report.flags if flag is None else (*report.flags, flag))


def _choice(store: Store, campaign: Campaign, campaign_id: str | None) -> tuple[str, ...]:
    """Says which campaign is audited where a store holds several and none was named."""
    count = len(store.campaigns())
    if campaign_id is not None or count == 1:
        return ()
    return (f"of {count} campaigns of {store.url}, the latest is judged: {described(campaign)}",)


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, (str, PathLike)) and isinstance(other, (str, PathLike)):
        return Path(one).resolve() == Path(other).resolve()
    return one is other
