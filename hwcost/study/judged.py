"""The candidates of a finished search, judged again with other values of one cost model.

Objectives and constraints that ask the cost model take the other values; all others stay as the search found them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost._types import Floats, Indices
from hwcost.cost_models.base import CostModel
from hwcost.objectives.constraint import Constraint
from hwcost.pareto import front
from hwcost.searchers.problem import Problem
from hwcost.spaces.base import Architecture
from hwcost.spaces.candidates import Candidates
from hwcost.study.results import Results

__all__ = ["Judged"]


@dataclass(frozen=True, eq=False)
class Judged:
    """Architectures that satisfy everything besides the cost model, and what they are worth.

    Attributes:
        problem: The problem of the search.
        cost: The cost model whose values are varied.
        architectures: n architectures.
        losses: Losses that the search found, shape (n, objectives).
    """

    problem: Problem
    cost: CostModel
    architectures: list[Architecture]
    losses: Floats

    @classmethod
    def of(cls, found: Results, cost: CostModel) -> Judged:
        """Collects the completed trials of a search.

        Args:
            found: A finished search.
            cost: A cost model that one of its objectives or constraints asks.
        """
        done = found.completed
        return cls(found.problem, cost, [trial.architecture for trial in done], found.problem.losses(done))

    def __len__(self) -> int:
        return len(self.architectures)

    @cached_property
    def candidates(self) -> Candidates:
        """The architectures as one matrix."""
        return Candidates.of(self.problem.space, self.architectures)

    @property
    def genes(self) -> Floats:
        """Encoded genes, shape (n, genes)."""
        return self.candidates.genes

    @cached_property
    def predicted(self) -> Floats:
        """What the cost model predicts of each architecture, in its unit, shape (n,)."""
        return self.cost.predict_encoded(self.genes)

    def rows(self, rows: Sequence[int]) -> Judged:
        """Returns some of the architectures.

        Args:
            rows: Numbers of the architectures, in the order that is wanted.
        """
        return replace(self, architectures=[self.architectures[row] for row in rows], losses=self.losses[rows])

    def with_predicted(self, values: Floats) -> Floats:
        """Returns the losses under other predictions of the cost model; infinite where a constraint on it is violated.

        Args:
            values: Predicted value of each architecture in the cost model's unit, shape (n,).

        Returns:
            Losses, shape (n, objectives).
        """
        kept = [constraint.within(values, own) for constraint, own in zip(self._asking, self._widths, strict=True)]
        return self._with(values, kept)

    def with_true(self, values: Floats) -> Floats:
        """Returns the losses under true values: bounds hold or do not, with no room for errors of predictions.

        Args:
            values: True value of each architecture in the cost model's unit, shape (n,).

        Returns:
            Losses, shape (n, objectives).
        """
        return self._with(values, [constraint.holds(values) for constraint in self._asking])

    @cached_property
    def _asking(self) -> list[Constraint]:
        return [constraint for constraint in self.problem.constraints if constraint.value is self.cost]

    @cached_property
    def _widths(self) -> list[Floats | float]:
        return [constraint.widths(self.candidates) for constraint in self._asking]

    def _with(self, values: Floats, kept: list[NDArray[np.bool_]]) -> Floats:
        losses = self.losses.copy()
        for column, objective in enumerate(self.problem.objectives):
            if objective.value is self.cost:
                losses[:, column] = objective.sign * values
        for satisfied in kept:
            losses[~satisfied] = np.inf
        return losses

    def best(self, losses: Floats) -> Indices:
        """Returns the rows that no other one dominates; none where all are infeasible."""
        rows = np.flatnonzero(np.isfinite(losses).all(axis=1))
        return rows[front(losses[rows])] if len(rows) else rows
