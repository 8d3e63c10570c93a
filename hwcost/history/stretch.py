"""Nights that follow one another, and what their values say together: their mean, their scatter, and a test on two sides.

Values may count less than in full: those with wide intervals of their own. Means are weighted then.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from hwcost._types import Floats

__all__ = ["Stretch", "effective", "p_of", "variance_of"]

FULL = 4
"""Values that count in full from which their own scatter is a bound on that of all."""


class Stretch(NamedTuple):
    """Values that follow one another.

    Attributes:
        y: Log values, shape (n,).
        weight: Share of a full value that each counts as, shape (n,).
    """

    y: Floats
    weight: Floats

    def part(self, first: int, last: int) -> Stretch:
        """Returns the values from an index up to another."""
        return Stretch(self.y[first:last], self.weight[first:last])

    def sides(self, place: int) -> tuple[Stretch, Stretch]:
        """Returns the values before an index, and those from it on."""
        return self.part(0, place), self.part(place, len(self.y))

    @property
    def amount(self) -> float:
        """Number of full values that they count as."""
        return float(np.add.reduce(self.weight))

    @property
    def mean(self) -> float:
        """Weighted mean."""
        return float(self.weight @ self.y) / self.amount


def effective(weights: Floats) -> float:
    """Returns how many values of equal weight tell as much about their mean as values of these weights, beside their sum.

    Args:
        weights: The weights, shape (n,); n where all are equal, 1 where one outweighs all others.

    Source: L. Kish, Survey Sampling, 1965 (effective sample size).
    """
    return float(weights.sum()) ** 2 / float(weights @ weights)


def p_of(before: Stretch, after: Stretch) -> float:
    """Returns the two-sided p value of Student's t test on two sides with one variance; 0 where only the mean varies."""
    parts = before, after
    amounts = [part.amount for part in parts]
    means = [float(part.weight @ part.y) / amount for part, amount in zip(parts, amounts, strict=True)]
    difference, spread = abs(means[1] - means[0]), 1 / amounts[0] + 1 / amounts[1]
    is_full = sum(amounts) == len(before.y) + len(after.y)
    found = []
    for variance, dof in [_variance_of_full(parts, means)] if is_full else _variances(parts, means):
        if variance <= 0.0:
            return 0.0 if difference else 1.0
        t = difference / math.sqrt(variance * spread)
        found.append(float(2.0 * _special().stdtr(dof, -t)))
    return min(found)


@cache
def _special() -> Any:
    """Returns the special functions of SciPy, which are imported when they are first needed."""
    from scipy import special

    return special


def _variance_of_full(parts: Sequence[Stretch], means: Sequence[float]) -> tuple[float, int]:
    """Returns the variance of values that all count in full about given means, and its degrees of freedom."""
    rests = [part.y - mean for part, mean in zip(parts, means, strict=True)]
    dof = max(1, sum(map(len, rests)) - len(parts))
    return sum(float(rest @ rest) for rest in rests) / dof, dof


def variance_of(parts: Sequence[Stretch]) -> tuple[float, int]:
    """Returns the variance of a full value about the means of some parts of a history, and its degrees of freedom.

    It is that of all values by their weights, or that of the full ones alone where that is larger: intervals may be wider
    than the errors are, and values that lie closer together than they say must not make the others look sure.

    Args:
        parts: The parts, none of them empty.
    """
    return next(_variances(parts, [part.mean for part in parts]))


def _variances(parts: Sequence[Stretch], means: Sequence[float]) -> Iterator[tuple[float, int]]:
    """Yields the variance of a full value about given means, and a bound with more degrees of freedom where that has few.

    No value varies less than a full one, so that of all values as they are is a bound.
    """
    rest = np.concatenate([part.y - mean for part, mean in zip(parts, means, strict=True)])
    weight = np.concatenate([part.weight for part in parts])
    dof = max(1, len(rest) - len(parts))
    variance = float(weight @ (rest * rest)) / dof
    full = rest[weight >= 1.0]
    if FULL <= len(full) < len(rest):
        dof_of_full = max(1, len(full) - len(parts))
        of_full = float(full @ full) / dof_of_full
        if of_full > variance:
            yield of_full, dof_of_full
            yield max(of_full, float(rest @ rest) / dof), dof
            return
    yield variance, dof
