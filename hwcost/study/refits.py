"""Refits of a cost model: its answers had its measurements weighed differently.

The spread of the refits is what the measurements leave open about the model, and it has the right shape: two architectures
that share prices err together. Weights are those of the Bayesian bootstrap (Rubin, Annals of Statistics 1981), under which
no architecture ever drops out of a fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.training.refitting import OwnRows

__all__ = ["REFITS", "Refits"]

REFITS = 20
"""Refits of a model."""

LEAST_WEIGHT = 1e-3
"""Smallest weight of a measurement in a refit: a weight is positive."""


@dataclass(frozen=True, eq=False)
class Refits:
    """A fitted cost model and refits of it.

    Attributes:
        cost: The fitted model.
        models: Its refits; the model alone where it kept no measurements to be fitted on again.
    """

    cost: CostModel
    models: tuple[CostModel, ...]

    @classmethod
    def of(cls, cost: CostModel, count: int = REFITS, seed: int = 0) -> Refits:
        """Refits a model on the measured values that it kept, with the hyperparameters that it chose.

        A model at one shape is refitted as the model over shapes that it was made of.

        Args:
            cost: A fitted model.
            count: Number of refits.
            seed: Seed of the weights.
        """
        rows, rng = OwnRows.of(cost), np.random.default_rng(seed)
        if not len(rows):
            return cls(cost, (cost,))
        weights = np.maximum(rng.exponential(size=(count, len(rows))), LEAST_WEIGHT)
        return cls(cost, tuple(rows.refitted(row) for row in weights))

    @property
    def is_spread(self) -> bool:
        """Whether there is more than the model itself."""
        return len(self.models) > 1

    def log_values(self, genes: Floats) -> Floats:
        """Returns the logarithm of every refit's answer to encoded genes (n, genes), shape (refits, n)."""
        return np.log(np.stack([model.predict_encoded(genes) for model in self.models]))
