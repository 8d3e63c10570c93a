"""How alike two figures rank nets that were trained with several seeds, and how far the seeds' noise lets them.

Figures are arrays (seeds, nets), larger where a net is better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Figures = NDArray[np.float64]

KINDS: dict[str, Any] = {"Spearman": stats.spearmanr, "Kendall": stats.kendalltau}
"""Correlations of ranks: Spearman's coefficient, and Kendall's tau-b."""


@dataclass(frozen=True)
class Correlation:
    """A correlation of ranks.

    Attributes:
        value: Correlation of the means over seeds.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
        seeds: Correlation within each seed.
    """

    value: float
    low: float
    high: float
    seeds: tuple[float, ...]


def correlation(first: Figures, second: Figures, kind: str = "Spearman", draws: int = 1000) -> Correlation:
    """Returns the rank correlation of two figures; its interval is a bootstrap over nets and over seeds.

    A draw takes as many nets and as many seeds as there are, with replacement, and averages over its seeds. Draws in which
    nets are all alike have no correlation and are left out; without any other, the interval is not a number.

    Args:
        first: One figure, (seeds, nets).
        second: Another figure of the same trainings, (seeds, nets).
        kind: One of ``KINDS``.
        draws: Number of draws.
    """
    rng, (seeds, nets) = np.random.default_rng(0), first.shape
    found = []
    for _ in range(draws):
        place = np.ix_(rng.integers(seeds, size=seeds), rng.integers(nets, size=nets))
        found.append(_correlated(first[place].mean(axis=0), second[place].mean(axis=0), kind))
    known = [one for one in found if not np.isnan(one)]
    low, high = np.quantile(known, (0.025, 0.975)) if known else (np.nan, np.nan)
    own = tuple(_correlated(one, other, kind) for one, other in zip(first, second, strict=True))
    return Correlation(_correlated(first.mean(axis=0), second.mean(axis=0), kind), float(low), float(high), own)


def _correlated(first: Figures, second: Figures, kind: str) -> float:
    if not np.ptp(first) or not np.ptp(second):  # a constant has no rank correlation
        return float("nan")
    return float(KINDS[kind](first, second).statistic)


@dataclass(frozen=True)
class Spread:
    """How far nets differ, beside the noise of the seeds.

    Attributes:
        nets: Standard deviation over nets of their true means; 0 where the noise explains all differences.
        noise: Standard deviation of a seed about its net's mean, without what the seed does to all nets alike.
        probability: Probability of differences between nets as large as these, if the nets were all alike (F test).
    """

    nets: float
    noise: float
    probability: float


def spread(figures: Figures) -> Spread:
    """Divides the differences of a figure into those of nets and the noise of seeds (analysis of variance, two ways).

    Args:
        figures: The figure, (seeds, nets), two or more of each.
    """
    seeds, nets = figures.shape
    means, of_seeds = figures.mean(axis=0), figures.mean(axis=1, keepdims=True)
    rest = figures - means - of_seeds + figures.mean()
    freedom = (seeds - 1) * (nets - 1)
    noise, between = float((rest**2).sum()) / freedom, float(means.var(ddof=1))
    ratio = seeds * between / noise if noise else np.inf
    return Spread(max(0.0, between - noise / seeds) ** 0.5, noise**0.5, float(stats.f.sf(ratio, nets - 1, freedom)))
