"""Linear baselines: everything else is shown beside them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, TypeVar

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models import rowwise
from hwcost.cost_models.compiled.tabulated import Tabled, Tabulated
from hwcost.cost_models.families.one_shape import refuse_shapes
from hwcost.cost_models.families.shrinkage import fit_ridge
from hwcost.cost_models.features.extractor import WORK
from hwcost.cost_models.features.tabulate import JOINED, tabulate
from hwcost.errors import UsageError
from hwcost.spaces.base import SearchSpace

FLOOR = 0.05
"""No prediction falls below this share of the quickest training row; a line could go negative far outside."""


Line = TypeVar("Line", bound="_Line")


class _Line(Tabled):
    """A straight line in some columns, fitted to relative errors, with one penalty.

    Args:
        space: The space of the architectures.
        penalty: The ridge penalty; None chooses it by leave-one-out errors.
        **common: Arguments of :class:`hwcost.cost_models.base.CostModel`.

    Attributes:
        intercept_: Value at zero of every column.
        slopes_: Value per unit of each column, shape (columns,).
        penalty_: The penalty chosen by leave-one-out errors.
        floor_: Least value of any prediction.
        shares_: Absolute slopes of the standardised columns, shape (columns,).
    """

    intercept_: float
    slopes_: Floats
    penalty_: float
    floor_: float
    shares_: Floats

    def __init__(self, space: SearchSpace, *, penalty: float | None = None, **common: Any) -> None:
        super().__init__(space, **common)
        self.penalty = penalty

    @abstractmethod
    def _columns(self, genes: Floats) -> Floats:
        """Returns the columns (n, k) for encoded genes (n, genes)."""

    @abstractmethod
    def _column_names(self) -> list[str]:
        """Returns k names."""

    def _fit(self, genes: Floats, values: Floats, weights: Floats) -> None:
        self._forget_table()
        columns = self._columns(genes)
        scale = float(np.median(values))
        mean, sd = columns.mean(axis=0), columns.std(axis=0)
        sd = np.where(sd > 0, sd, 1.0)
        penalties = None if self.penalty is None else [self.penalty]
        relative = values / scale
        fit = fit_ridge([(columns - mean) / sd], relative, weights / relative**2, penalties)
        self.penalty_ = fit.penalties[0]
        self.slopes_ = scale * fit.coefficients / sd
        self.intercept_ = float(scale * fit.intercept - mean @ self.slopes_)
        self.floor_ = FLOOR * float(values.min())
        self.shares_ = np.abs(fit.coefficients) * (columns.std(axis=0) > 0)

    def _line(self, genes: Floats) -> Floats:
        return rowwise.dot(self._columns(genes), self.slopes_) + self.intercept_

    def _untabled(self, genes: Floats) -> Floats:
        return np.asarray(np.maximum(self._line(genes), self.floor_))

    def _tabulated(self) -> Tabulated | None:
        features, with_pairs = self.features, self._with_pairs
        if with_pairs is None:
            return None
        tables = tabulate(lambda codes: self._line(features.genes_of(codes)), features.sizes, with_pairs)
        return Tabulated(features, tables, floor=self.floor_)

    @property
    @abstractmethod
    def _with_pairs(self) -> bool | None:
        """Whether the columns are sums over pairs of neighbouring genes, and not over single ones; None where neither."""

    def importance(self) -> dict[str, float]:
        """Returns each column's share of the summed absolute slopes of standardised columns."""
        total = float(self.shares_.sum()) or 1.0
        return {name: float(share / total) for name, share in zip(self._column_names(), self.shares_, strict=True)}

    def clone_with_hyperparameters(self: Line) -> Line:
        """Returns an unfitted copy with the penalty that was chosen."""
        return type(self)(self.space, **{**self.get_params(), "penalty": self.penalty_})

    def _state(self) -> dict[str, Any]:
        return {
            "intercept_s": self.intercept_,
            "slopes_s": self.slopes_.tolist(),
            "penalty": self.penalty_,
            "floor_s": self.floor_,
            "shares": self.shares_.tolist(),
        }

    def _restore(self, state: dict[str, Any], files: dict[str, str]) -> None:
        self._forget_table()
        self.intercept_, self.slopes_ = float(state["intercept_s"]), np.array(state["slopes_s"], dtype=np.float64)
        self.penalty_, self.floor_ = float(state["penalty"]), float(state["floor_s"])
        self.shares_ = np.array(state["shares"], dtype=np.float64)
        if self.slopes_.shape != self.shares_.shape or len(self.shares_) != len(self._column_names()):
            raise ValueError("the number of slopes does not fit the space")


class Ridge(_Line):
    """Linear in the genes: numbers as they are, categories as one column each.

    Args:
        space: The space of the architectures.
        penalty: The ridge penalty; None chooses it by leave-one-out errors.
        **common: Arguments of :class:`hwcost.cost_models.base.CostModel`.
    """

    name = "ridge"
    complexity = 10
    threads_from = 4000
    baseline_for = frozenset({"table", "campaign"})

    def _columns(self, genes: Floats) -> Floats:
        return self.features.one_hot(genes)

    @property
    def _with_pairs(self) -> bool | None:
        sizes = self.features.sizes
        return False if all(sizes) and sum(sizes) <= JOINED else None

    def _column_names(self) -> list[str]:
        return self.features.one_hot_names


class ParamsLine(_Line):
    """A straight line in the number of parameters.

    Args:
        space: A space that counts parameters.
        penalty: The ridge penalty; None chooses it by leave-one-out errors.
        **common: Arguments of :class:`hwcost.cost_models.base.CostModel`.

    Raises:
        UsageError: When the space has no parameter counts.
    """

    name = "params"
    complexity = None
    baseline_for = frozenset({"campaign"})

    def __init__(self, space: SearchSpace, *, penalty: float | None = None, **common: Any) -> None:
        super().__init__(space, penalty=penalty, **common)
        _check_counts(space)

    def _columns(self, genes: Floats) -> Floats:
        return self.features.work(genes)[:, [WORK.index("params")]]

    @property
    def _with_pairs(self) -> bool | None:
        counts = self.features.tables
        return None if counts is None else bool(counts.pairs)

    def _column_names(self) -> list[str]:
        return ["params"]


def _check_counts(space: SearchSpace) -> None:
    refuse_shapes(ParamsLine.name, space, "a number of parameters says nothing of either")
    if not space.is_buildable:
        raise UsageError(
            f"space '{space.name}' describes data only and has no parameter counts; use the cost model 'ridge'"
        )
