"""Branches of a space that a bound on a sum over genes keeps out as a whole, whatever the other genes are.

A branch is all points that share the choices of the first genes. What the genes after them add at the least and at the most
is found from the last gene on, once for all branches.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.features.tabulate import Tables

SLACK = 1e-9
"""Share of the addends' magnitude by which sums may differ that are added up in another order."""


class Branches:
    """Branches that hold no sum within bounds.

    Args:
        tables: Tables of the sum, of scalars.
        low: Least sum that is allowed.
        high: Largest sum that is allowed.
    """

    def __init__(self, tables: Tables, low: float, high: float) -> None:
        every = [tables.base, *tables.single, *tables.pairs]
        slack = SLACK * sum(float(np.abs(one).max()) for one in every)
        self._low, self._high = low - slack, high + slack
        self._base = float(tables.base)
        self._own = [one.tolist() for one in tables.single]
        self._pairs = [one.tolist() for one in tables.pairs]
        least, opposite = _rest(tables), _rest(_negative(tables))
        self._rest = [
            list(zip(lowest.tolist(), (-highest).tolist(), strict=True))
            for lowest, highest in zip(least, opposite, strict=True)
        ]

    def excluded(self, codes: Sequence[int], fewest: int, most: int) -> int | None:
        """Returns how many of the first genes name the largest branch that holds no sum within the bounds; None without one.

        Args:
            codes: Codes of a point, of every gene.
            fewest: Least number of genes that a branch may be named by.
            most: Largest number likewise.
        """
        total = self._base
        for chosen in range(most + 1):
            last = codes[chosen - 1] if chosen else 0
            if chosen:
                total += self._own[chosen - 1][last]
            if chosen > 1 and self._pairs:
                total += self._pairs[chosen - 2][codes[chosen - 2]][last]
            if chosen >= fewest:
                least, largest = self._rest[chosen][last]
                if total + least > self._high or total + largest < self._low:
                    return chosen
        return None


def _rest(tables: Tables) -> list[Floats]:
    """Returns the least that further genes add when k are chosen, for k from 0 on, by the code of the last one chosen."""
    found = [np.zeros(len(tables.single[-1]))]
    for gene in range(len(tables.single) - 1, 0, -1):
        beside = tables.pairs[gene - 1] if tables.pairs else np.zeros((len(tables.single[gene - 1]), 1))
        found.append((beside + tables.single[gene] + found[-1]).min(axis=1))
    found.append((tables.single[0] + found[-1]).min(keepdims=True))
    return found[::-1]


def _negative(tables: Tables) -> Tables:
    return Tables(-tables.base, [-one for one in tables.single], [-one for one in tables.pairs])
