"""Audits of the latest campaign of each device: the level of the machine while it measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwcost.auditing.campaign import audit_campaign
from hwcost.auditing.kept import kept
from hwcost.campaign.estimates.estimate import visits_of
from hwcost.campaign.plans.plan import Plan
from hwcost.errors import HwcostError
from hwcost.report.dashboard.groups import places
from hwcost.report.dashboard.history import History
from hwcost.report.dashboard.numbers import number, numbers
from hwcost.stores.entries import CampaignAudit

if TYPE_CHECKING:
    from hwcost.stores.base import Store


def audits(store: Store, history: History) -> list[dict[str, Any]]:
    """Returns the audit of the latest campaign of each device that has records; one that cannot be audited says why.

    Audits that runs kept are taken as they are; another campaign is audited now.
    """
    labels, latest, runs = places(history.series.values()), dict[str, str](), set[str]()
    table = history.table
    for key, rows in zip(history.keys, history.rows, strict=True):
        one = history.series[key]
        if len(rows) and table.campaign[rows[-1]] >= 0:
            found = table.campaign_id[table.campaign[rows[-1]]]
            label = labels[one.device, one.backend]
            latest[label] = max(latest.get(label, ""), found)
            runs |= {table.run_id[table.run[rows[-1]]]} if table.run[rows[-1]] >= 0 else set()
    known = {one.campaign_id: one for one in store.entries(CampaignAudit, runs)}
    return [
        {"label": label, "campaign": campaign} | _audit(store, label, campaign, known.get(campaign))
        for label, campaign in sorted(latest.items())
        if history.environments.get(campaign)
    ]


def _audit(store: Store, label: str, campaign_id: str, known: CampaignAudit | None) -> dict[str, Any]:
    try:
        return _plain(known or _audited(store, label, campaign_id))
    except (HwcostError, LookupError, TypeError, ValueError) as error:
        return {"reason": str(error)}


def _audited(store: Store, label: str, campaign_id: str) -> CampaignAudit:
    campaign = store.campaign(campaign_id)
    report = audit_campaign(Plan.from_dict(campaign.plan), visits_of(store, campaign_id), label)
    return kept(report, campaign_id, campaign.run_id or campaign_id)


def _plain(one: CampaignAudit) -> dict[str, Any]:
    return {
        "verdict": one.verdict,
        "flags": [[str(part) for part in flag] for flag in one.flags],
        "level_range": number(one.level_range),
        "von_neumann": number(one.von_neumann),
        "rows": one.rows,
        "residuals": numbers(one.residuals),
        "level": numbers(one.level),
        "segments": [[first, last, number(level)] for first, last, level in one.segments],
    }
