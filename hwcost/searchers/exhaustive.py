"""Every architecture once, the last gene moving fastest."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwcost._types import Floats
from hwcost.errors import SpaceExhausted
from hwcost.objectives.population import Population
from hwcost.searchers.base import Searcher

CHUNK = 4096
"""Points that are looked at together."""
LOOKED = 500_000
"""Points in a row that limits refuse after which the walk is given up."""


class Exhaustive(Searcher):
    """Asks for all allowed architectures in order; spaces too large to be listed are walked through lazily."""

    name = "exhaustive"
    batch = 256

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._next = 0

    def _ask(self, n: int, rng: np.random.Generator) -> Population:
        size, shape = self.problem.space.size, tuple(self.problem.sizes.tolist())
        found = Population(self.problem.space, np.empty((0, len(shape)), dtype=np.intp))
        end = min(size, self._next + LOOKED)
        while not len(found) and self._next < end:
            numbers = range(self._next, min(size, self._next + min(n, CHUNK)))
            rows = Population(self.problem.space, _codes(numbers, shape))
            found = rows.where(np.flatnonzero(self.is_new(rows)))
            found = found.where(np.flatnonzero(self.problem.allowed(found)))
            self._next = numbers.stop
        if not len(found) and not self.pending:
            if not self.told:
                raise self.problem.infeasible()
            if self._next < size:
                raise SpaceExhausted(f"none of {LOOKED} architectures in a row keeps the limits: take a searcher that draws")
        return found

    def _tell(self, population: Population, losses: Floats, violations: Floats) -> None:
        """Learns nothing."""

    def _state(self) -> dict[str, Any]:
        return {"next": self._next}

    def _restore(self, state: dict[str, Any]) -> None:
        self._next = int(state["next"])


def _codes(numbers: range, shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Writes numbers in the mixed radix of the genes; spaces may be larger than machine integers."""
    columns = []
    left = [int(number) for number in numbers]
    for size in reversed(shape):
        columns.append([number % size for number in left])
        left = [number // size for number in left]
    return np.array(columns[::-1], dtype=np.intp).T.reshape(len(numbers), len(shape))
