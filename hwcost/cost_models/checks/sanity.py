"""Whether a cost model keeps to what is certain: that a larger architecture is not faster.

General learners break this rule freely between their training rows, and a searcher finds just the places where they do.
"""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hwcost._stats import different
from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.errors import UsageError
from hwcost.quantities import LATENCY
from hwcost.spaces.base import Gene

ROUNDING = 1e-9
"""Two answers nearer than this share of each other differ by rounding only."""

NOTABLE = 0.01
"""A speed-up of this share is more than what a model's smallest errors explain."""


@dataclass(frozen=True)
class Sanity:
    """Single-step enlargements: one gene moved to its next larger value, all others kept.

    Attributes:
        share_faster: Share of steps that the model calls faster, by any amount.
        share_notable: Share of steps that it calls faster by more than 1 %.
        worst: The largest speed-up of a step, as a share of the latency before it; 0 when no step is faster.
        n_steps: Steps that were tried.
    """

    share_faster: float
    share_notable: float
    worst: float
    n_steps: int

    def as_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        return asdict(self)


def enlargements(model: CostModel, n: int = 500, seed: int = 0) -> Sanity | None:
    """Tries single-step enlargements of genes along which latency cannot fall.

    Architectures are drawn evenly from the space; where a gene takes any number, they are rows of the fit, and its next
    larger value is one that stands in another row.

    Args:
        model: A fitted cost model.
        n: Architectures drawn; each is enlarged once, in a gene drawn from those that are not at their largest value.
        seed: Seed of the drawing.

    Returns:
        None when there is nothing to try: the space marks no gene as increasing, the rows of the fit are not known, or the
        model predicts another quantity than latency.

    Raises:
        UsageError: When ``n`` is not positive.
        HwcostError: When the model is not fitted.
    """
    if n < 1:
        raise UsageError(f"the number of enlargements must be positive, got {n}")
    if model.quantity != LATENCY:
        return None
    rng = np.random.default_rng(seed)
    is_open = not all(gene.choices for gene in model.space.genes)
    rows = model.features.encode([model.space.made(genes) for genes in (model.measured_ if is_open else ())])
    values = [_values(gene, rows[:, i]) for i, gene in enumerate(model.space.genes)]
    larger = [_next(one) if sign else {} for one, sign in zip(values, model.space.increasing(), strict=True)]
    if is_open:
        drawn = rows[rng.integers(len(rows), size=n)] if len(rows) else rows
    else:
        drawn = np.column_stack([rng.choice(one, size=n) for one in values])
    before, after = _enlarged(drawn, larger, rng)
    if len(before) == 0:
        return None
    faster = 1.0 - model.predict(after).values / model.predict(before).values
    return Sanity(
        share_faster=float((faster > ROUNDING).mean()),
        share_notable=float((faster > NOTABLE).mean()),
        worst=float(np.where(faster > ROUNDING, faster, 0.0).max()),
        n_steps=len(before),
    )


def _values(gene: Gene, rows: Floats) -> Floats:
    """Encoded values of a gene, ascending: its choices, or what the rows of the fit hold."""
    if gene.categorical:
        return np.arange(len(gene.choices), dtype=np.float64)
    return different(np.array(gene.choices, dtype=np.float64) if gene.choices else rows)


def _next(values: Floats) -> dict[float, float]:
    """The next larger value of each but the largest."""
    return dict(itertools.pairwise(values.tolist()))


def _enlarged(drawn: Floats, larger: list[dict[float, float]], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Enlarges one gene of each row, drawn from those that can be; returns the rows where one can, before and after."""
    steps: list[tuple[Floats, Floats]] = []
    for row in drawn:
        free = [i for i, following in enumerate(larger) if row[i] in following]
        if free:
            gene = free[int(rng.integers(len(free)))]
            after = row.copy()
            after[gene] = larger[gene][row[gene]]
            steps.append((row, after))
    pairs = np.array(steps).reshape(len(steps), 2, len(larger))
    return pairs[:, 0], pairs[:, 1]
