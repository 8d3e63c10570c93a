"""The least that any cost model must beat: every architecture takes the same time."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.base import CostModel


class Constant(CostModel):
    """The weighted mean of the latencies, whatever the architecture.

    Attributes:
        mean_s_: That mean, in seconds.
    """

    name = "constant"

    def _fit(self, genes: Floats, latency_s: Floats, weights: Floats) -> None:
        self.mean_s_ = float(np.average(latency_s, weights=weights))

    def _predict(self, genes: Floats) -> Floats:
        return np.full(len(genes), self.mean_s_)

    def _state(self) -> dict[str, Any]:
        return {"mean_s": self.mean_s_}

    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        self.mean_s_ = float(state["mean_s"])
