"""Linear baselines: everything else is shown beside them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models import rowwise
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.features import WORK, Features
from hwcost.cost_models.shrinkage import fit_shrunk
from hwcost.errors import UsageError
from hwcost.spaces.base import SearchSpace

FLOOR = 0.05
"""No prediction falls below this share of the quickest training row; a line could go negative far outside."""


class _Line(CostModel):
    """A straight line in some columns, fitted to relative errors, with one penalty.

    Attributes:
        intercept_s_: Seconds at zero of every column.
        slopes_s_: Seconds per unit of each column.
        penalty_: The penalty chosen by leave-one-out errors.
        floor_s_: No prediction lies below.
    """

    def __init__(self, space: SearchSpace, *, penalty: float | None = None, **common: Any) -> None:
        super().__init__(space, **common)
        self.penalty = penalty
        self._shares: Floats = np.zeros(0)

    @abstractmethod
    def _columns(self, genes: Floats) -> Floats:
        """Returns the columns (n, k) for encoded genes (n, genes)."""

    @abstractmethod
    def _column_names(self) -> list[str]:
        """Returns k names."""

    def _fit(self, genes: Floats, latency_s: Floats, weights: Floats) -> None:
        columns = self._columns(genes)
        scale = float(np.median(latency_s))
        mean, sd = columns.mean(axis=0), columns.std(axis=0)
        sd = np.where(sd > 0, sd, 1.0)
        penalties = None if self.penalty is None else [self.penalty]
        relative = latency_s / scale
        fit = fit_shrunk([(columns - mean) / sd], relative, weights / relative**2, penalties)
        self.penalty_ = fit.penalties[0]
        self.slopes_s_ = scale * fit.coefficients / sd
        self.intercept_s_ = float(scale * fit.intercept - mean @ self.slopes_s_)
        self.floor_s_ = FLOOR * float(latency_s.min())
        self._shares = np.abs(fit.coefficients) * (columns.std(axis=0) > 0)

    def _predict(self, genes: Floats) -> Floats:
        return np.asarray(np.maximum(rowwise.dot(self._columns(genes), self.slopes_s_) + self.intercept_s_, self.floor_s_))

    def importance(self) -> dict[str, float]:
        """Returns each column's share of the summed absolute slopes of standardised columns."""
        total = float(self._shares.sum()) or 1.0
        return {name: float(share / total) for name, share in zip(self._column_names(), self._shares, strict=True)}

    def options(self) -> dict[str, Any]:
        """Returns the options of the constructor."""
        return {**super().options(), "penalty": self.penalty}

    def settled(self) -> CostModel:
        """Returns an unfitted copy with the penalty that was chosen."""
        return type(self)(self.space, **{**self.options(), "penalty": self.penalty_})

    def _state(self) -> dict[str, Any]:
        return {
            "intercept_s": self.intercept_s_,
            "slopes_s": self.slopes_s_.tolist(),
            "penalty": self.penalty_,
            "floor_s": self.floor_s_,
            "shares": self._shares.tolist(),
        }

    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        self.intercept_s_, self.slopes_s_ = float(state["intercept_s"]), np.array(state["slopes_s"], dtype=np.float64)
        self.penalty_, self.floor_s_ = float(state["penalty"]), float(state["floor_s"])
        self._shares = np.array(state["shares"], dtype=np.float64)
        if self.slopes_s_.shape != self._shares.shape or len(self._shares) != len(self._column_names()):
            raise ValueError("the number of slopes does not fit the space")


class Ridge(_Line):
    """Linear in the genes: numbers as they are, categories as one column each.

    Args:
        space: The space of the architectures.
        penalty: The ridge penalty; None chooses it by leave-one-out errors.
        **common: See :class:`hwcost.cost_models.base.CostModel`.
    """

    name = "ridge"

    def _columns(self, genes: Floats) -> Floats:
        return self.features.one_hot(genes)

    def _column_names(self) -> list[str]:
        return self.features.one_hot_names


class ParamsLine(_Line):
    """A straight line in the number of parameters.

    Args:
        space: A space that counts parameters.
        penalty: The ridge penalty; None chooses it by leave-one-out errors.
        **common: See :class:`hwcost.cost_models.base.CostModel`.

    Raises:
        UsageError: When the space has no parameter counts.
    """

    name = "params"

    def __init__(self, space: SearchSpace, *, penalty: float | None = None, **common: Any) -> None:
        super().__init__(space, penalty=penalty, **common)
        _check_counts(self.features)

    def _columns(self, genes: Floats) -> Floats:
        return self.features.work(genes)[:, [WORK.index("params")]]

    def _column_names(self) -> list[str]:
        return ["params"]


def _check_counts(features: Features) -> None:
    if not features.is_buildable:
        raise UsageError(
            f"space '{features.space.name}' describes data only and has no parameter counts; use the cost model 'ridge'"
        )
