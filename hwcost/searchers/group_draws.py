"""Draws of codes whose sum over groups of genes lies within bounds: the heads and channels of a block count together.

Points of a group that add the same are one choice to the dynamic programming of :mod:`hwcost.searchers.sum_draws`, which
counts them: of 65,536 points of a block's attention there are some hundred.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hwcost._types import Codes, Floats, Indices
from hwcost.cost_models.features.joint import JointTables
from hwcost.cost_models.features.tabulate import Tables
from hwcost.objectives.constraint import Constraint
from hwcost.searchers.sum_draws import SumDraws, choice, ends_of, is_value, offered, scaled


class GroupDraws(SumDraws):
    """Choices whose sum lies within bounds; as of single genes, but groups do not interact, so that the grid is finer.

    Args:
        sums: The sum over groups, which hold every gene once.
        low: Least sum that is allowed.
        high: Largest sum that is allowed.
    """

    steps = 2**16

    def __init__(self, sums: JointTables, low: float, high: float) -> None:
        self._groups, self._shapes = sums.groups, [table.shape for table in sums.tables]
        added = [np.unique(table, return_inverse=True, return_counts=True) for table in sums.tables]
        self._numbers = [numbers for _, _, numbers in added]
        self._points = [np.argsort(places.ravel(), kind="stable") for _, places, _ in added]
        super().__init__(Tables(np.array(sums.base), [values for values, _, _ in added], []), low, high)

    @staticmethod
    def _rows(added: list[Floats]) -> int:
        return len(added)

    def _counted(self) -> Iterator[Floats]:
        """Yields for each group how many choices up to it there are at each sum, shape (1, sums)."""
        before = np.zeros(1 + sum(int(one.max()) for one in self._steps))
        before[0] = 1.0
        for (steps,), numbers in zip(self._steps, self._numbers, strict=True):
            found = np.zeros_like(before)
            for step, number in zip(steps.tolist(), numbers.tolist(), strict=True):
                found[step:] += number * before[: len(before) - step]
            before = scaled(found)
            yield before[None]

    def draw(self, n: int, rng: np.random.Generator) -> Codes:
        """See the base class."""
        codes = np.empty((0 if self.is_empty else n, sum(map(len, self._groups))), dtype=np.intp)
        if self.is_empty:
            return codes
        (ends,) = self._counts[-1][:, self._within()]
        sums = self._first + rng.choice(len(ends), size=n, p=ends / ends.sum())
        none = np.zeros_like(self._counts[0])
        none[0, 0] = 1.0
        for place, (before,) in reversed(list(enumerate([none, *self._counts[:-1]]))):
            left = sums[:, None] - self._steps[place][0]
            odds = np.where(left >= 0, self._numbers[place] * before[np.maximum(left, 0)], 0.0)
            chosen = choice(odds, rng)
            sums = left[np.arange(n), chosen]
            codes[:, list(self._groups[place])] = self._drawn(place, chosen, rng)
        return codes

    def _drawn(self, place: int, added: Indices, rng: np.random.Generator) -> Codes:
        """Draws points of a group that add what was chosen, all equally often; shape (n, genes of the group)."""
        numbers = self._numbers[place]
        first = np.cumsum(numbers) - numbers
        points = self._points[place][first[added] + rng.integers(numbers[added])]
        return np.stack(np.unravel_index(points, self._shapes[place]), axis=1)


def group_draws_of(constraint: Constraint, sizes: Codes) -> GroupDraws | None:
    """Returns what draws codes that satisfy a constraint; None where it is not on a sum over groups of genes.

    Args:
        constraint: The constraint.
        sizes: Number of choices of every gene, shape (genes,).
    """
    sums = offered(constraint, "joint_tables")
    return GroupDraws(sums, *ends_of(constraint)) if sums is not None and is_value(sums, constraint, sizes) else None
