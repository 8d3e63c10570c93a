"""The flattering of winners: the best of many predictions is best in part because its error is favourable.

The more candidates, the more the best one flatters (the optimizer's curse: Smith and Winkler, Management Science 2006).
By how much is found by repeating the selection: each refit of the cost model selects its own winners, and the model
itself says what these are worth to someone who did not select by the refit. The mean log ratio is the bias of
selection. Errors that architectures share, such as that of a price, are the same in all of them in each refit, so that
ten thousand candidates which share eighty prices are not taken for ten thousand independent chances.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hwcost.cost_models.base import CostModel
from hwcost.study.judged import Judged
from hwcost.study.refits import REFITS, Refits
from hwcost.study.results import Results

__all__ = ["SelectionBias", "selection_bias"]


@dataclass(frozen=True)
class SelectionBias:
    """How much a cost model flatters the winners of a search.

    Attributes:
        log_ratio: Mean logarithm of what winners are worth over what was predicted for them.
        error: Standard error of that mean over the refits.
        refits: Number of refits that selected winners.
    """

    log_ratio: float
    error: float
    refits: int

    @property
    def factor(self) -> float:
        """Corrected over predicted value of a winner."""
        return math.exp(self.log_ratio)

    def corrected(self, predicted: float) -> float:
        """Returns the predicted value of a winner without the bias of its selection."""
        return predicted * self.factor


def selection_bias(found: Results, cost: CostModel, count: int = REFITS, seed: int = 0) -> SelectionBias | None:
    """Finds how much a cost model flatters the winners of a search.

    Args:
        found: A finished search.
        cost: A cost model that one of its objectives or constraints asks.
        count: Number of refits.
        seed: Seed of their weights.

    Returns:
        The bias; None where the model kept no measurements to be fitted on again, or nothing was completed.
    """
    judged, refits = Judged.of(found, cost), Refits.of(cost, count, seed)
    if not len(judged) or not refits.is_spread:
        return None
    logs, own = refits.log_values(judged.genes), np.log(cost.predict_encoded(judged.genes))
    ratios = []
    for row in logs:
        winners = judged.best(judged.with_predicted(np.exp(row)))
        if len(winners):
            ratios.append(float(np.mean(own[winners] - row[winners])))
    if len(ratios) < 2:
        return None
    return SelectionBias(float(np.mean(ratios)), float(np.std(ratios, ddof=1)) / math.sqrt(len(ratios)), len(ratios))
