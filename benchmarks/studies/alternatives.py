"""Plain ways to measure, to compare campaigns with: on the same simulated device, with the same time to spend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.campaign.estimates.time_model import fit_time_model
from hwcost.testing.sim_campaign import BLOCKS, SimCampaign

CANARY_EVERY = 10
"""Items between two visits of the canary."""

Z_95 = 1.96


@dataclass(frozen=True)
class Estimates:
    """The estimates of one way to measure.

    Attributes:
        item: Log latency of each item, shape (n_items,).
        half_width: Half-width of its 95 % interval, shape (n_items,); None where the way has no interval.
        has_level: Whether a level over time was taken out.
    """

    item: Floats
    half_width: Floats | None = None
    has_level: bool = False

    def p95(self, truth: Floats) -> float:
        """Returns the 95th percentile of the absolute error of log latency."""
        return float(np.quantile(np.abs(self.item - truth), 0.95))

    def coverage(self, truth: Floats) -> float:
        """Returns the share of intervals that hold the truth; NaN without intervals."""
        return float("nan") if self.half_width is None else float((np.abs(self.item - truth) <= self.half_width).mean())


def time_model(campaign: SimCampaign) -> Estimates:
    """Randomised rounds and the time model: what hwcost does."""
    model = fit_time_model(campaign.table())
    return Estimates(model.item, model.half_width, model.has_level)


def round_means(campaign: SimCampaign) -> Estimates:
    """The same visits, averaged, once the mean of each round is taken out."""
    table = campaign.table()
    level = np.array([table.y[table.round == number].mean() for number in range(campaign.n_rounds)])
    y = table.y - level[table.round] + table.y.mean()
    return Estimates(np.bincount(table.item, y) / campaign.n_rounds)


def sequential(campaign: SimCampaign) -> Estimates:
    """One visit per item, as long as all rounds together, with the interval that its blocks give."""
    blocks = _one_after_the_other(campaign, _order(campaign))
    half = Z_95 * blocks.std(axis=1, ddof=1) / np.sqrt(blocks.shape[1])
    back = np.argsort(_order(campaign))
    return Estimates(np.median(blocks, axis=1)[back], half[back])


def canary(campaign: SimCampaign) -> Estimates:
    """The same visits divided by a canary of middle size, visited after every tenth of them for no extra time."""
    order = _order(campaign)
    middle = int(np.argsort(campaign.sizes)[campaign.n_items // 2])
    y = np.median(_one_after_the_other(campaign, order), axis=1)
    watched = np.median(_one_after_the_other(campaign, np.full_like(order, middle), stream=2), axis=1)
    places = np.arange(0, campaign.n_items, CANARY_EVERY)
    level = np.interp(np.arange(campaign.n_items), places, watched[places] - watched[places].mean())
    return Estimates((y - level)[np.argsort(order)])


def _order(campaign: SimCampaign) -> NDArray[np.intp]:
    return np.random.default_rng([campaign.seed, 4]).permutation(campaign.n_items)


def _one_after_the_other(campaign: SimCampaign, items: NDArray[np.intp], stream: int = 1) -> Floats:
    """Draws one long visit per item over the whole time of the campaign, shape (n_items, blocks)."""
    blocks = campaign.n_rounds * BLOCKS
    start = np.arange(len(items))[:, None] * float(campaign.n_rounds)
    return campaign.blocks(items, start + (np.arange(blocks) + 0.5) / BLOCKS, stream)


WAYS = {
    "sequential": sequential,
    "canary": canary,
    "round means": round_means,
    "time model": time_model,
}
"""All of them, by name."""
