"""The audit of a campaign as stores keep it: with the night that measured it, and small enough for every night."""

from __future__ import annotations

import numpy as np

from hwcost._types import Floats
from hwcost.auditing.report import AuditReport
from hwcost.stores.entries import CampaignAudit

LARGEST = 2000
"""Visits that are kept; more are thinned evenly."""

DECIMALS = 6
"""Decimals of residuals and levels, which are known to a thousandth at best."""


def kept(report: AuditReport, campaign_id: str, run_id: str) -> CampaignAudit:
    """Returns what is kept of the audit of a campaign.

    Args:
        report: The audit.
        campaign_id: The campaign.
        run_id: Run that it belongs to.
    """
    step = max(1, -(-len(report.rows) // LARGEST))
    return CampaignAudit(
        run_id=run_id, campaign_id=campaign_id, verdict=report.verdict,
        flags=[[flag.code, flag.text, flag.remedy] for flag in report.flags],
        level_range=report.level_range, von_neumann=report.von_neumann, rows=tuple(report.rows[::step].tolist()),
        residuals=_shares(report.residuals[::step]), level=_shares(report.log_level[::step]),
        segments=[[one.first, one.last, one.level] for one in report.segments],
    )  # fmt: skip


def _shares(logs: Floats) -> tuple[float, ...]:
    return tuple(np.round(np.expm1(logs), DECIMALS).tolist())
