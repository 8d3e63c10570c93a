"""The least that any cost model must beat: every architecture costs the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.base import CostModel


class Constant(CostModel):
    """The weighted mean of the measured values, whatever the architecture.

    Attributes:
        mean_: That mean, in the unit of the quantity.
    """

    name = "constant"
    complexity = 0
    baseline_for = frozenset({"table", "campaign"})
    extrapolates = False

    mean_: float

    def _fit(self, genes: Floats, values: Floats, weights: Floats) -> None:
        self.mean_ = float(np.average(values, weights=weights))

    def _predict(self, genes: Floats) -> Floats:
        return np.full(len(genes), self.mean_)

    def _state(self) -> dict[str, Any]:
        return {"mean_s": self.mean_}

    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        self.mean_ = float(state["mean_s"])
