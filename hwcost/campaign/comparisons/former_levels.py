"""The level of a campaign beside those of former campaigns, which no interval of the campaign itself can hold.

A machine that is slower throughout a campaign, on another host or beside a neighbour that never rests, looks like slower
workloads. Former campaigns that measured the same workloads tell: what all of these have in common is the machine. Its level
is compared with the mean of theirs, and how far levels lie apart, beyond what they are not sure of themselves, is the
variance between campaigns of a random-effects model. Each campaign's level counts by the inverse of that variance and its
own.

Source of the estimate: R. DerSimonian and N. Laird, Meta-Analysis in Clinical Trials, 1986.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost._cached import cached_property
from hwcost._types import Floats
from hwcost.campaign.comparisons.campaign_levels import Z
from hwcost.campaign.comparisons.differences import BAND
from hwcost.campaign.comparisons.former_campaigns import FormerCampaign, former_campaigns
from hwcost.campaign.comparisons.spread import FEWEST_REPEATS, Spread
from hwcost.timing.measurement import Flag

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan
    from hwcost.stores.base import Store
    from hwcost.stores.schema import Campaign
    from hwcost.timing.measurement import Measurement

__all__ = ["FormerLevel", "FormerLevels", "beside", "read_former_levels"]

LEAST_ERROR = 1e-6
"""Least standard error of a level: a machine without noise leaves none."""


@dataclass(frozen=True, slots=True)
class FormerLevel:
    """The level of a campaign over that of one former campaign.

    Attributes:
        campaign_id: Id of the former campaign.
        measured_at: Instant at which it visited the first of the workloads.
        workloads: Number of workloads that both measured.
        log_ratio: Mean log ratio of their latencies, the present ones over the former ones.
        half_width: Half-width of its 95 % interval, from the intervals of both campaigns.
        is_ahead: Whether the former campaign is dated later than it can have been measured.
    """

    campaign_id: str
    measured_at: str
    workloads: int
    log_ratio: float
    half_width: float
    is_ahead: bool = False


@dataclass(frozen=True)
class FormerLevels:
    """The level of a campaign over the mean level of former ones.

    Attributes:
        campaign_id: Id of the present campaign.
        campaigns: The former campaigns, the oldest first.
        workloads: Number of workloads that it shares with any of them.
        log_ratio: Log ratio of the levels: above 0 the machine is slower than it was.
        half_width: Half-width of its 95 % interval, from the intervals of all these campaigns.
        spread: Standard deviation of the log level from one campaign to the next, the present one included, beyond what
            their intervals hold; None for too few campaigns.
    """

    campaign_id: str
    campaigns: tuple[FormerLevel, ...]
    workloads: int
    log_ratio: float
    half_width: float
    spread: Spread | None

    @cached_property
    def level_half_width(self) -> float | None:
        """Half-width that the level of another campaign adds to the interval of a latency; None for too few campaigns.

        It is the t interval of one level about the mean of all campaigns. Those of two campaigns add up by their squares.
        """
        if self.spread is None:
            return None
        from scipy import special

        return float(special.stdtrit(self.spread.dof, 0.975)) * self.spread.sd

    def across(self, half_width: float | None) -> float | None:
        """Returns the half-width of an interval that also holds how levels differ from campaign to campaign.

        Args:
            half_width: Stated half-width of a latency of the present campaign; None where there is none.

        Returns:
            Half-width on the log scale; None where there is none, or for too few campaigns.
        """
        added = self.level_half_width
        return None if half_width is None or added is None else math.hypot(half_width, added)

    @property
    def is_other(self) -> bool:
        """Whether the levels differ by clearly more than the intervals allow: by a band of 1 % more."""
        return abs(self.log_ratio) - self.half_width > BAND

    @property
    def text(self) -> str:
        """What is known, in one sentence."""
        n = self.workloads
        low, change, high = (_signed(self.log_ratio + side * self.half_width) for side in (-1, 0, 1))
        held = f"95 % interval {low} to {high} %"
        if abs(self.log_ratio) <= self.half_width:
            who = "The only shared workload differs" if n == 1 else f"The {n} shared workloads together differ"
            held = f"({change} %, {held}){self._spread_text}.{self._ahead_text}"
            return f"{who} from {self._whom} by no more than the intervals hold {held}"
        who = "The only shared workload" if n == 1 else f"The {n} shared workloads together"
        took = "longer" if self.log_ratio > 0 else "less time"
        compared = f"{who} took {_percent(self.log_ratio)} {took} than in {self._whom} ({held}){self._spread_text}."
        return compared + self._ahead_text

    def flag(self, store_url: str) -> Flag | None:
        """Returns W_OTHER_LEVEL where the levels differ by clearly more than the intervals allow.

        Args:
            store_url: Path or URL of the store, for the advice.
        """
        if not self.is_other:
            return None
        text = f"{self.text} No interval holds that: latencies of this campaign are those of the machine as it was then."
        latest = self.campaigns[-1].campaign_id
        arms = f"'{store_url}#{latest}' '{store_url}#{self.campaign_id}'"
        return Flag("W_OTHER_LEVEL", text, f"Measure again; hwcost compare {arms} has it workload by workload.")

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON; ratios are those of latencies, the present ones over the former ones."""
        return {
            "workloads": self.workloads,
            **_ratios(self.log_ratio, self.half_width),
            "is_other": self.is_other,
            "level_sd": None if self.spread is None else self.spread.sd,
            "level_half_width": self.level_half_width,
            "campaigns": [
                {"campaign_id": one.campaign_id, "measured_at": one.measured_at, "workloads": one.workloads,
                 **_ratios(one.log_ratio, one.half_width)}
                for one in self.campaigns
            ],
            "text": self.text,
        }  # fmt: skip

    @property
    def _whom(self) -> str:
        n = len(self.campaigns)
        return f"the former campaign of {self.campaigns[0].measured_at[:16]}Z" if n == 1 else f"{n} former campaigns"

    @property
    def _ahead_text(self) -> str:
        ahead = [one.measured_at for one in self.campaigns if one.is_ahead]
        if not ahead:
            return ""
        what = "One of these is dated" if len(ahead) == 1 else f"{len(ahead)} of these are dated"
        return f" {what} later than now, up to {max(ahead)[:16]}Z: the system's time was set since."

    @property
    def _spread_text(self) -> str:
        if self.spread is None:
            return ""
        n = len(self.campaigns) + 1
        if not self.spread.sd:
            return f"; the levels of these {n} campaigns differ by no more than their intervals hold"
        sd, half = _percent(self.spread.sd), _percent(self.level_half_width or 0.0)
        return f"; the levels of these {n} campaigns differ by {sd} (standard deviation), 95 % of them within ±{half}"


def read_former_levels(
    store: Store, campaign: Campaign, plan: Plan, measurements: Collection[Measurement]
) -> FormerLevels | None:
    """Compares the level of a campaign with those of former ones in its store; None where these share no workloads.

    Args:
        store: Store that holds the campaigns.
        campaign: The present campaign.
        plan: Its plan.
        measurements: Its measurements.
    """
    return beside(campaign.campaign_id, former_campaigns(store, campaign, plan, measurements))


def beside(campaign_id: str, campaigns: Sequence[FormerCampaign]) -> FormerLevels | None:
    """Compares the level of a campaign with those of former ones; None for none.

    Args:
        campaign_id: Id of the present campaign.
        campaigns: Former campaigns, the oldest first.
    """
    if not campaigns:
        return None
    ratio = np.array([one.log_ratio.mean() for one in campaigns])
    present, former = np.array([_half_widths(one) for one in campaigns]).T
    shared = float(present.min())  # what is not known of the present level is the same beside every former one
    own = np.sqrt(former**2 + present**2 - shared**2)
    weights = _weights(ratio, own)
    levels, half = np.append(0.0, -ratio), np.append(shared, own)
    n = len(campaigns)
    return FormerLevels(
        campaign_id=campaign_id,
        campaigns=tuple(
            FormerLevel(one.campaign_id, one.measured_at, len(one.log_ratio), float(mean), math.hypot(*halves), one.is_ahead)
            for one, mean, halves in zip(campaigns, ratio, zip(present, former, strict=True), strict=True)
        ),
        workloads=len({key for one in campaigns for key in one.workload_keys}),
        log_ratio=float(weights @ ratio),
        half_width=math.hypot(shared, float(np.linalg.norm(weights * own))),
        spread=None if n < FEWEST_REPEATS else Spread(math.sqrt(_variance_between(levels, half)), float(n)),
    )


def _half_widths(campaign: FormerCampaign) -> tuple[float, float]:
    """Returns the half-widths of the mean log latency of the shared workloads: the present one, and the former one.

    Unconfirmed workloads may all be off by the delay together, so that their half-widths add up. Where workloads scatter
    further than their intervals say, since they do not all feel the machine alike or one of them has changed, their scatter
    counts in place of these.
    """
    n, confirmed = len(campaign.log_ratio), campaign.is_confirmed
    noise = np.linalg.norm(np.where(confirmed, campaign.half_width, 0.0), axis=0) / n
    delay = np.where(confirmed, 0.0, campaign.half_width).sum(axis=0) / n
    noise[1] = max(noise[1], math.sqrt(max(0.0, _scatter(campaign.log_ratio) ** 2 - noise[0] ** 2)))
    present, former = np.sqrt(noise**2 + delay**2 + campaign.level_half_width**2).tolist()
    return present, former


def _scatter(log_ratio: Floats) -> float:
    """Returns the half-width of the t interval of the mean of log ratios (n,); 0 where they are too few to tell."""
    from scipy import special

    n = len(log_ratio)
    if n <= FEWEST_REPEATS:
        return 0.0
    return float(special.stdtrit(n - 1, 0.975) * log_ratio.std(ddof=1) / math.sqrt(n))


def _weights(level: Floats, half: Floats) -> Floats:
    """Returns the weights of levels (n,) with their half-widths (n,) in their mean; they add up to 1."""
    weights = 1.0 / (_variance_between(level, half) + _squared_errors(half))
    return np.asarray(weights / weights.sum())


def _variance_between(level: Floats, half: Floats) -> float:
    """Returns the variance of levels (n,) beyond what their half-widths (n,) hold; 0 for a single one."""
    if len(level) < 2:
        return 0.0
    weights = 1.0 / _squared_errors(half)
    total = float(weights.sum())
    excess = float((weights * (level - weights @ level / total) ** 2).sum()) - (len(level) - 1)
    return max(0.0, excess / (total - float((weights**2).sum()) / total))


def _squared_errors(half: Floats) -> Floats:
    return np.maximum(half / Z, LEAST_ERROR) ** 2


def _ratios(log_ratio: float, half_width: float) -> dict[str, float]:
    low, high = (math.exp(log_ratio + side * half_width) for side in (-1, 1))
    return {"ratio": math.exp(log_ratio), "low": low, "high": high, "log_ratio": log_ratio, "half_width": half_width}


def _signed(log_ratio: float) -> str:
    return f"{100 * math.expm1(log_ratio):+.1f}"


def _percent(log_ratio: float) -> str:
    return f"{abs(100 * math.expm1(log_ratio)):.1f} %"
