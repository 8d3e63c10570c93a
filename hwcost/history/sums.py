"""Running sums of a history: means, variances and tests of any of its parts, at the price of a few differences."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from hwcost.history.stretch import Stretch

__all__ = ["Sums", "p_of"]

FULL = 4
"""Values that count in full from which their own scatter is a bound on that of all."""

ROUNDING = 1e-13
"""Share of the sum of squares of a history below which that of a part is rounding."""


class Sums:
    """Sums over the values before each index of a history, by their distance from the first value.

    Args:
        history: The history, not empty.

    Attributes:
        history: The history.
        is_full: Whether all values count in full.
    """

    def __init__(self, history: Stretch) -> None:
        y, weight = history
        rest = y - y[0]
        weighted = weight * rest
        columns = [weight, weighted, weighted * rest]
        self.history = history
        self.is_full = bool((weight >= 1.0).all())
        if not self.is_full:
            full = weight >= 1.0
            columns += [full, full * rest, full * rest * rest, rest, rest * rest]
        sums = np.zeros((len(y) + 1, len(columns)))
        np.cumsum(np.stack(columns, axis=1), axis=0, out=sums[1:])
        self._sums: list[list[float]] = sums.tolist()
        self._first = float(y[0])
        self._rounding = ROUNDING * self._sums[-1][2]

    def mean(self, first: int, last: int) -> float:
        """Returns the weighted mean of the values from an index up to another."""
        a, b = self._sums[first], self._sums[last]
        return self._first + (b[1] - a[1]) / (b[0] - a[0])

    def p(self, first: int, cut: int, last: int) -> float:
        """Returns the two-sided p value of Student's t test on both sides of a cut, with one variance.

        Args:
            first: Index of the first value.
            cut: Index of the first value of the second side.
            last: Index behind the last value.

        Returns:
            The p value; 0 where only the mean varies, and 1 where nothing does.
        """
        a, b, c = self._sums[first], self._sums[cut], self._sums[last]
        before, after = b[0] - a[0], c[0] - b[0]
        difference, spread = abs((c[1] - b[1]) / after - (b[1] - a[1]) / before), 1 / before + 1 / after
        p = 1.0
        for variance, dof in self._variances((first, cut, last)):
            if variance <= 0.0:
                return 0.0 if difference * difference > self._rounding * spread else 1.0
            p = min(p, 2.0 * float(_special().stdtr(dof, -difference / math.sqrt(variance * spread))))
        return p

    def variance(self, edges: Sequence[int]) -> tuple[float, int]:
        """Returns the variance of a full value about the means of some parts, and its degrees of freedom.

        It is that of all values by their weights, or that of the full ones alone where that is larger: intervals may be
        wider than the errors are, and values that lie closer together than they say must not make the others look sure.

        Args:
            edges: Indices of the first values of the parts, and the one behind the last part.
        """
        return next(self._variances(edges))

    def _variances(self, edges: Sequence[int]) -> Iterator[tuple[float, int]]:
        """Yields the variance of a full value about means, and a bound with more degrees of freedom where that has few.

        No value varies less than a full one, so that of all values as they are is a bound.
        """
        parts, n = len(edges) - 1, edges[-1] - edges[0]
        dof, variance = max(1, n - parts), self._squares(edges, 0) / max(1, n - parts)
        if not self.is_full:
            n_full = self._sums[edges[-1]][3] - self._sums[edges[0]][3]
            if FULL <= n_full < n:
                dof_of_full = max(1, round(n_full) - parts)
                of_full = self._squares(edges, 3) / dof_of_full
                if of_full > variance:
                    yield of_full, dof_of_full
                    yield max(of_full, self._squares(edges, 5) / dof), dof
                    return
        yield variance, dof

    def _squares(self, edges: Sequence[int], column: int) -> float:
        """Returns the sum of squares about the weighted means of parts.

        Args:
            edges: Edges of the parts.
            column: First column of the sums: 0 for all values by their weights, 3 for the full ones, 5 for all as they are.
        """
        total = 0.0
        for first, last in itertools.pairwise(edges):
            a, b = self._sums[first], self._sums[last]
            mean = (b[1] - a[1]) / (b[0] - a[0])
            amount = last - first if column == 5 else b[column] - a[column]
            total += b[column + 2] - a[column + 2] - mean * (2 * (b[column + 1] - a[column + 1]) - mean * amount)
        return total if total > self._rounding else 0.0


def p_of(before: Stretch, after: Stretch) -> float:
    """Returns the two-sided p value of Student's t test on two sides with one variance, see :meth:`Sums.p`."""
    joined = Stretch(*(np.concatenate(columns) for columns in zip(before, after, strict=True)))
    return Sums(joined).p(0, len(before.y), len(joined.y))


@cache
def _special() -> Any:
    """Returns the special functions of SciPy, which are imported when they are first needed."""
    from scipy import special

    return special
