"""The paper's predictors, boosted trees, beside what guides the search here (section 4.1, Figure 7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hwcost.cost_models.training.train import Trained
from hwcost.errors import MissingExtraError

BOOSTED, STAND_IN = "xgboost", "lightgbm"
"""The paper's predictor, and the one that stands in for it where it is not installed."""


@dataclass(frozen=True)
class Boosted:
    """Boosted trees on the rows that another model is fitted on.

    Attributes:
        model: Name of the cost model: ``xgboost``; ``lightgbm`` where that is not installed.
        metrics: Accuracy of the predictions for held-out rows, by the name of the metric.
        importance: Share of the trees' gain by feature.
    """

    model: str
    metrics: dict[str, float | None]
    importance: dict[str, float]

    @classmethod
    def of(cls, found: Trained) -> Boosted:
        """Takes a fit."""
        return cls(found.model.name, dict(found.metrics), found.model.importance())


def boosted(fit: Callable[[str], Trained]) -> Trained:
    """Fits boosted trees.

    Args:
        fit: Function that fits and cross-validates the cost model of a name.
    """
    try:
        return fit(BOOSTED)
    except MissingExtraError:
        return fit(STAND_IN)
