"""Nights that follow one another, and what their values say together: their mean, their scatter, and a test on two sides.

Values may count less than in full: those with wide intervals of their own. Means are weighted then.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hwcost._types import Floats

__all__ = ["Stretch", "effective"]

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
