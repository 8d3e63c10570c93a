"""The level at which the machine stood during a campaign, and what levels of separate campaigns add to an interval.

All workloads of a campaign share its level, which is taken to vary as much as that of its rounds does, or, where that
wanders from round to round, twice as much in variance.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.campaign.estimates.uncontended import visit_values
from hwcost.levels.von_neumann import critical
from hwcost.timing.measurement import Measurement

if TYPE_CHECKING:
    from hwcost.campaign.estimates.estimate import CampaignFit

WANDERING = 2.0
"""Variance of the difference between two campaigns' mean levels, over the sum of the variances within, for a random walk:
means of neighbouring stretches of length T differ with variance 2/3 T, and the level varies within each by 1/6 T."""

Z = 1.959964
"""Half-width of a 95 % interval in standard errors."""


@dataclass(frozen=True, slots=True, eq=False)
class CampaignLevel:
    """What is not known of the level of one campaign; each campaign has one of its own, whatever its numbers.

    Attributes:
        variance: Variance of the log level from one campaign to the next; NaN where a single round tells nothing, None where
            the interval of the only workload holds it already.
        own: Half-width of the 95 % interval of the campaign's own mean level.
    """

    variance: float | None
    own: float


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredCampaign:
    """All that one campaign measured.

    Attributes:
        measurements: Its measurements.
        level: Doubt about the level of the machine meanwhile.
    """

    measurements: tuple[Measurement, ...]
    level: CampaignLevel

    @classmethod
    def of(cls, measurements: Sequence[Measurement]) -> MeasuredCampaign:
        """Makes one of measurements, whose blocks are fitted anew."""
        return cls(tuple(measurements), campaign_level(measurements))

    @classmethod
    def fitted(cls, fit: CampaignFit) -> MeasuredCampaign:
        """Makes one of a fit, which holds what the blocks say."""
        return cls(fit.measurements, campaign_level(fit.measurements, fit))


@dataclass(frozen=True, slots=True)
class _Visits:
    """Usable visits of a campaign.

    Attributes:
        number: Number of each workload by its key.
        item: Number of each visit's workload, shape (n,).
        rest: Log latency less the workload's own, shape (n,).
        weight: Share of a full visit that each one counts as, shape (n,).
        round: Round of each, shape (n,).
        is_seen: Whether the visit shows the uncontended machine, shape (n,); all of them where none does.
    """

    number: dict[str, int]
    item: Indices
    rest: Floats
    weight: Floats
    round: Indices
    is_seen: Indices


def campaign_level(campaign: Sequence[Measurement], fit: CampaignFit | None = None) -> CampaignLevel:
    """Estimates how far the level of a campaign may be off.

    The variance is that of the rounds about their own items, less what the noise of visits makes of it, times ``WANDERING``
    where neighbouring rounds are more alike than chance would make them. It is the variance component of the rounds of an
    analysis of variance in two ways (items and rounds), with the noise that the intervals of confirmed items tell.

    Args:
        campaign: All measurements of one campaign.
        fit: Fit that they come from; None to find out anew what their blocks say.
    """
    own = max((m.level_half_width for m in campaign), default=0.0)
    if sum(m.half_width is not None for m in campaign) < 2:
        return CampaignLevel(None, own)
    visits = _visits(campaign, fit)
    levels, amount = _round_levels(visits, visits.is_seen)
    if len(levels) < 2:  # hardly any round saw the uncontended machine; the others differ by more than by the level
        levels, amount = _round_levels(visits, np.arange(len(visits.item)))
    if len(levels) < 2:
        return CampaignLevel(math.nan, own)
    noise = _visit_variance(campaign, visits) * float((1.0 / amount).mean())
    share = WANDERING if _is_moving(levels) else 1.0
    return CampaignLevel(share * max(0.0, float(levels.var(ddof=1)) - noise), own)


def level_half_width(*arms: Sequence[CampaignLevel]) -> float:
    """Returns the half-width of the 95 % interval that levels add to the mean log ratio of workloads.

    Levels of separate campaigns are independent: each counts by the square of its share of the workloads. Too few rounds to
    see a level that wanders do not prove the opposite, so a campaign counts as a single degree of freedom in any case; those
    of several campaigns of an arm add up by Satterthwaite's rule. What each campaign is not sure of in its own level comes
    on top.

    Args:
        arms: The level of the campaign of every workload, for each arm: a level that stands n times counts as one.

    Source of the degrees of freedom: F. E. Satterthwaite, An Approximate Distribution of Estimates of Variance Components,
    1946.
    """
    from scipy import stats

    variances, own, seen = [], [], 0
    for arm in arms:
        shares = [(level, count / len(arm)) for level, count in Counter(arm).items()]
        of_arm = [share**2 * level.variance for level, share in shares if level.variance is not None]
        variances += of_arm
        own += [share * level.own for level, share in shares]
        seen += bool(of_arm)
    total, squares = math.fsum(variances), math.fsum(one**2 for one in variances)
    dof = max(seen, total**2 / squares) if squares > 0 else seen
    return math.hypot(float(stats.t.ppf(0.975, dof)) * math.sqrt(total) if dof else 0.0, *own)


def _visits(campaign: Sequence[Measurement], fit: CampaignFit | None) -> _Visits:
    """Takes the usable visits of all workloads that have a latency."""
    items = {m.workload.key: math.log(m.latency_s) for m in campaign if m.latency_s is not None}
    if fit is not None:
        visits, values = fit.visits, fit.values
    else:
        visits = tuple(visit for m in campaign for visit in m.visits if visit.is_usable and visit.workload_key in items)
        values = visit_values(visits) if visits else None
    if values is None:
        nothing = np.zeros(0, dtype=np.int64)
        return _Visits({}, nothing, np.zeros(0), np.zeros(0), nothing, nothing)
    y = values.y if values.level is None else values.y + values.level
    numbers = {key: number for number, key in enumerate(items)}
    seen = values.uncontended if values.uncontended.any() else np.ones(len(visits), dtype=bool)
    return _Visits(
        number=numbers,
        item=np.array([numbers[visit.workload_key] for visit in visits]),
        rest=y - np.array([items[visit.workload_key] for visit in visits]),
        weight=values.weight,
        round=np.array([visit.round for visit in visits]),
        is_seen=np.flatnonzero(seen),
    )


def _round_levels(visits: _Visits, rows: Indices) -> tuple[Floats, Floats]:
    """Returns the mean of what is left, and of how many full visits it is, for every round that shows most items.

    Args:
        visits: Visits of the campaign.
        rows: Indices of those that count.
    """
    if not len(rows):
        return np.zeros(0), np.zeros(0)
    _, number, count = np.unique(visits.round[rows], return_inverse=True, return_counts=True)
    amount = np.bincount(number, visits.weight[rows])
    levels = np.bincount(number, (visits.weight * visits.rest)[rows]) / amount
    is_whole = count > count.max() / 2
    return np.asarray(levels[is_whole]), np.asarray(amount[is_whole])


def _visit_variance(campaign: Sequence[Measurement], visits: _Visits) -> float:
    """Returns the variance of the noise of a full visit, as the intervals of confirmed items tell it.

    What an interval holds beside it, an error of the level or a delay, is common to all items and no noise of the rounds.
    The quantile is that of many degrees of freedom: of fewer, some more than the noise is taken out, which the single degree
    of freedom of a campaign outweighs.
    """
    amount = np.bincount(visits.item, visits.weight, len(visits.number))
    found = [
        amount[visits.number[m.workload.key]] * (m.paired_half_width / Z) ** 2
        for m in campaign
        if m.is_confirmed and m.latency_s is not None and m.paired_half_width is not None
    ]
    return float(np.median(found)) if found else 0.0


def _is_moving(levels: Floats) -> bool:
    """Says whether neighbouring rounds are more alike than chance would make them (von Neumann's ratio, 1 %)."""
    squares = float(((levels - levels.mean()) ** 2).sum())
    return squares > 0 and float((np.diff(levels) ** 2).sum()) / (2.0 * squares) < critical(len(levels))
