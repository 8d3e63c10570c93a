"""Draws of codes whose sum over groups of genes lies within bounds: the heads and channels of a block count together.

Points of a group that add the same are one choice to the dynamic programming of :mod:`hwcost.searchers.sum_draws`, which
counts them: of 65,536 points of a block's attention there are some hundred.
"""

from __future__ import annotations

import numpy as np

from hwcost._types import Codes
from hwcost.cost_models.features.joint import JointTables
from hwcost.cost_models.features.tabulate import Tables
from hwcost.objectives.constraint import Constraint
from hwcost.searchers.sum_draws import SumDraws, ends_of, is_value, offered


class GroupDraws(SumDraws):
    """Choices whose sum lies within bounds; the same as of single genes, but for what is added up.

    Args:
        sums: The sum over groups, which hold every gene once.
        low: Least sum that is allowed.
        high: Largest sum that is allowed.
    """

    def __init__(self, sums: JointTables, low: float, high: float) -> None:
        self._groups, self._shapes = sums.groups, [table.shape for table in sums.tables]
        added = [np.unique(table, return_inverse=True, return_counts=True) for table in sums.tables]
        self._numbers = [counts for _, _, counts in added]
        self._points = [np.argsort(places.ravel(), kind="stable") for _, places, _ in added]
        own = Tables(np.array(sums.base), [values for values, _, _ in added], [])
        super().__init__(own, low, high, [counts.astype(np.float64) for counts in self._numbers])

    def draw(self, n: int, rng: np.random.Generator) -> Codes:
        """See the base class."""
        added = super().draw(n, rng)
        codes = np.empty((len(added), sum(map(len, self._groups))), dtype=np.intp)
        rows = zip(self._groups, self._shapes, self._numbers, self._points, added.T, strict=True)
        for group, shape, numbers, points, places in rows:
            first = np.cumsum(numbers) - numbers
            drawn = points[first[places] + rng.integers(numbers[places])]
            codes[:, list(group)] = np.stack(np.unravel_index(drawn, shape), axis=1)
        return codes


def group_draws_of(constraint: Constraint, sizes: Codes) -> GroupDraws | None:
    """Returns what draws codes that satisfy a constraint; None where it is not on a sum over groups of genes.

    Args:
        constraint: The constraint.
        sizes: Number of choices of every gene, shape (genes,).
    """
    sums = offered(constraint, "joint_tables")
    return GroupDraws(sums, *ends_of(constraint)) if sums is not None and is_value(sums, constraint, sizes) else None
