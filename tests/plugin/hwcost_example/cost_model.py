"""The cost model ``flops-line``: a call takes some time whatever it computes, and some for every operation."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwcost.cost_models import CostModel
from hwcost.cost_models.features.extractor import WORK

FLOOR = 0.1
"""Share of the quickest training row below which no prediction falls."""


class FlopsLine(CostModel):
    """A straight line in the FLOPs, fitted to relative errors.

    Attributes:
        start_s_: Seconds of a call without any operation.
        per_flop_s_: Seconds of one operation.
        least_s_: Seconds below which no prediction falls.
    """

    name = "flops-line"
    complexity = 5

    def _fit(self, genes: np.ndarray, latency_s: np.ndarray, weights: np.ndarray) -> None:
        columns = np.column_stack([np.ones(len(genes)), self._flops(genes)])
        rows = np.sqrt(weights) / latency_s
        (self.start_s_, self.per_flop_s_), *_ = np.linalg.lstsq(columns * rows[:, None], latency_s * rows, rcond=None)
        self.least_s_ = FLOOR * latency_s.min()

    def _predict(self, genes: np.ndarray) -> np.ndarray:
        return np.maximum(self.start_s_ + self.per_flop_s_ * self._flops(genes), self.least_s_)

    def _flops(self, genes: np.ndarray) -> np.ndarray:
        return self.features.work(genes)[:, WORK.index("flops")]

    def _state(self) -> dict[str, Any]:
        return {"start_s": self.start_s_, "per_flop_s": self.per_flop_s_, "least_s": self.least_s_}

    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        self.start_s_, self.per_flop_s_ = float(state["start_s"]), float(state["per_flop_s"])
        self.least_s_ = float(state["least_s"])
