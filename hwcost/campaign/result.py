"""A campaign that has run: its measurements, and the doubts about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hwcost.campaign.estimates.estimate import CampaignFit
from hwcost.campaign.goals.until import Standing
from hwcost.campaign.plans.plan import Plan
from hwcost.timing.measurement import Flag, Measurement

if TYPE_CHECKING:
    from hwcost.campaign.comparisons.former_levels import FormerLevels


@dataclass(frozen=True, slots=True)
class Result:
    """A campaign that has run.

    Attributes:
        campaign_id: Id of the campaign in the store.
        store_url: Path or URL of the store.
        plan: Plan of the campaign.
        measurements: Measurements, one per item, in the plan's order, without workloads that would have joined had a goal
            asked for more.
        flags: Doubts about the campaign as a whole.
        seconds: Seconds that this run took.
        is_complete: Whether nothing is due any more; false when the budget ended it first.
        fit: Level of the machine meanwhile, and the residual of each visit.
        standing: Values of the campaign's goals, unknown where it ended before they could be judged; None without goals.
        former: Its level beside those of former campaigns in the store; None where these share no workloads.
    """

    campaign_id: str
    store_url: str
    plan: Plan
    measurements: tuple[Measurement, ...]
    flags: tuple[Flag, ...]
    seconds: float
    is_complete: bool
    fit: CampaignFit
    standing: Standing | None = None
    former: FormerLevels | None = None

    def __repr__(self) -> str:
        state = "" if self.is_complete else ", not complete"
        return f"<campaign {self.campaign_id} in {self.store_url}: {len(self.measurements)} measurements{state}>"
