"""Audits of the latest campaign of each device: the level of the machine while it measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost.auditing.campaign import audit_campaign
from hwcost.auditing.report import AuditReport
from hwcost.campaign.estimates.estimate import visits_of
from hwcost.campaign.plans.plan import Plan
from hwcost.errors import HwcostError
from hwcost.report.dashboard.groups import places
from hwcost.report.dashboard.history import History
from hwcost.report.dashboard.numbers import number, rounded

if TYPE_CHECKING:
    from hwcost.stores.base import Store

LARGEST_SCATTER = 2000
"""Visits that are shown; more are thinned evenly."""


def audits(store: Store, history: History) -> list[dict[str, Any]]:
    """Returns the audit of the latest campaign of each device that has records; one that cannot be audited says why."""
    labels, latest = places(history.series.values()), dict[str, str]()
    table = history.table
    for key, rows in zip(history.keys, history.rows, strict=True):
        one = history.series[key]
        if len(rows) and table.campaign[rows[-1]] >= 0:
            found = table.campaign_id[table.campaign[rows[-1]]]
            label = labels[one.device, one.backend]
            latest[label] = max(latest.get(label, ""), found)
    return [
        _audit(store, label, campaign) for label, campaign in sorted(latest.items()) if history.environments.get(campaign)
    ]


def _audit(store: Store, label: str, campaign_id: str) -> dict[str, Any]:
    try:
        plan = Plan.from_dict(store.campaign(campaign_id).plan)
        report = audit_campaign(plan, visits_of(store, campaign_id), label)
    except (HwcostError, LookupError, TypeError, ValueError) as error:
        return {"label": label, "campaign": campaign_id, "reason": str(error)}
    return {"label": label, "campaign": campaign_id, **_plain(report)}


def _plain(report: AuditReport) -> dict[str, Any]:
    step = max(1, -(-len(report.rows) // LARGEST_SCATTER))
    return {
        "verdict": report.verdict,
        "flags": [[flag.code, flag.text, flag.remedy] for flag in report.flags],
        "level_range": number(report.level_range),
        "von_neumann": number(report.von_neumann),
        "rows": report.rows[::step].tolist(),
        "residuals": rounded(np.expm1(report.residuals[::step])),
        "level": rounded(np.expm1(report.log_level[::step])),
        "segments": [[segment.first, segment.last, number(segment.level)] for segment in report.segments],
    }
