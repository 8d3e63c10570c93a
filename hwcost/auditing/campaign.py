"""Audits a campaign of one's own, by its visits in the order they were made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from hwcost._stats import kendall_tau
from hwcost._types import Floats
from hwcost.auditing.repeats import find_repeats
from hwcost.auditing.report import AuditReport
from hwcost.auditing.table import far_off, segments
from hwcost.campaign.estimates.diagnostics import DriftCheck
from hwcost.campaign.estimates.estimate import CampaignFit, fit_campaign
from hwcost.campaign.estimates.time_model import TimeModel
from hwcost.campaign.plans.plan import Plan
from hwcost.cost_models.unconfirmed_level import UnconfirmedLevel
from hwcost.errors import DataError
from hwcost.levels.von_neumann import MIN_ROWS
from hwcost.timing.measurement import Flag, Measurement, Visit
from hwcost.units import format_half_width
from hwcost.workloads import ModelWorkload


def audit_campaign(plan: Plan, visits: Iterable[Visit], source: str) -> AuditReport:
    """Audits the visits of a campaign.

    Args:
        plan: Plan of the campaign.
        visits: All visits, void ones included.
        source: Name of the store or file, for messages.

    Raises:
        DataError: When there are too few usable visits, or only one workload.
    """
    return audit_fit(plan, fit_campaign(plan, visits), source)


def audit_fit(plan: Plan, fit: CampaignFit, source: str) -> AuditReport:
    """Audits a campaign whose visits were fitted.

    Args:
        plan: Plan of the campaign.
        fit: Fit to all its visits.
        source: Name of the store or file, for messages.

    Raises:
        DataError: When there are too few usable visits, or only one workload.
    """
    made = [visit for measurement in fit.measurements for visit in measurement.visits]
    if fit.model is None or fit.drift is None or len(fit.visits) < MIN_ROWS:
        keys = {visit.workload_key for visit in fit.visits}
        raise DataError(
            f"{source}: {len(fit.visits)} usable of {len(made)} visits, of {len(keys)} workload(s); an audit needs at least "
            f"{MIN_ROWS} usable visits of two workloads. Measure more."
        )
    return _report(plan, fit, fit.model, fit.drift, source, 1.0 - len(fit.visits) / len(made))


def _report(
    plan: Plan, fit: CampaignFit, model: TimeModel, drift: DriftCheck, source: str, void_share: float
) -> AuditReport:
    item = np.unique([visit.workload_key for visit in fit.visits], return_inverse=True)[1].astype(np.intp)
    logs = model.item[item] + model.offset + model.residual
    residuals = model.residual + model.offset
    log_level = model.offset - float(np.median(model.offset))
    rows = np.arange(len(logs))
    repeats = find_repeats(item, np.exp(logs))
    return AuditReport(
        source=source, space=_space(plan), unit="visit", flags=(*fit.flags, *_unconfirmed(fit.measurements)),
        rows=rows, residuals=residuals,
        log_level=log_level, level_range=drift.range, segments=segments(rows, residuals, log_level),
        von_neumann=drift.before, von_neumann_after=drift.after, critical=drift.critical, size_order=drift.size_order,
        signal_tau=signal_tau(item, logs), duplicates=len(repeats.later), copies=0,
        repeatability=repeats.spread(logs), repeatability_after=repeats.spread(logs - model.offset),
        outlier_rows=far_off(rows, model.residual), void_share=void_share,
        level_by_class={str(name): one.level.range for name, one in sorted(model.classes.items())},
    )  # fmt: skip


def _unconfirmed(measurements: Sequence[Measurement]) -> list[Flag]:
    """Returns W_UNCONFIRMED where most workloads hardly saw the uncontended machine, so that nothing tells its level."""
    level = UnconfirmedLevel.of(measurements)
    if level is None:
        return []
    text = f"{level.unconfirmed} of {level.rows} workloads are unconfirmed, because the machine was contended nearly all "
    text += f"the time; their latencies may all be off by {format_half_width(level.half_width, sign='±')} together."
    return [Flag("W_UNCONFIRMED", text, "Measure again where nothing else runs; that they differ as they do holds.")]


def signal_tau(item: NDArray[np.intp], logs: Floats) -> float | None:
    """Returns Kendall's tau of each visit against the mean of its workload's other visits; None where there are none.

    Args:
        item: Index of each visit's workload, shape (n,), without gaps.
        logs: Log latency of each visit, shape (n,).
    """
    counts = np.bincount(item)[item]
    has_others = counts > 1
    others = (np.bincount(item, logs)[item] - logs)[has_others] / (counts[has_others] - 1)
    return kendall_tau(others, logs[has_others]) if has_others.any() else None


def _space(plan: Plan) -> str | None:
    """Returns the space of all workloads that are whole architectures, where there is one only."""
    names = {one.workload.space for one in plan.items if isinstance(one.workload, ModelWorkload)}
    return names.pop() if len(names) == 1 else None
