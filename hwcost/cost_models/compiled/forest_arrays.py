"""Forests by NumPy alone, where numba is not installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hwcost._cached import cached_property
from hwcost._types import Floats
from hwcost.cost_models.compiled.closing import Closing
from hwcost.cost_models.compiled.forest import Bytes, Forest
from hwcost.cost_models.compiled.forest_bits import NodeBits
from hwcost.cost_models.compiled.forest_planes import Planes
from hwcost.cost_models.compiled.ranks import OneByOne, Ranks

__all__ = ["ArrayEngine"]


class ArrayEngine:
    """A forest by NumPy.

    Args:
        forest: The forest.
    """

    name = "arrays"

    def __init__(self, forest: Forest) -> None:
        self._forest = forest

    def many(self, ranks: Bytes, count: int) -> Floats:
        """Returns the sums of the first ``count`` architectures by their ranks (columns, n), shape (count,)."""
        return self._planes(ranks[:, :count])

    @cached_property
    def _planes(self) -> Planes:
        return Planes(self._forest)

    def question(self, ranks: Ranks, closing: Closing | None = None) -> Callable[[tuple[Any, ...]], Any] | None:
        """Returns the function of one architecture's values that returns its sum; None where more is to be made of it."""
        if closing is not None:
            return None
        row, bits = OneByOne(ranks), NodeBits(self._forest)

        def one(genes: tuple[Any, ...]) -> float | None:
            try:
                found = row(genes)
            except (KeyError, TypeError):
                return None
            return bits(found)

        return one
